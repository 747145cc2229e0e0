"""A firm's tables as a theory's samples: customers, purchases, complaints and members of a CRM system.

`crmlab.data.import_export` makes an export into tables that are alike for all systems. Here each lesson has a
card that says which columns of its samples follow from them, by which function and over which months. What
does not mean there what it means in the lesson is not made: it is named, with the file that would hold it,
and joined by the customer's id.
"""

from crmlab.analysis.firm.making import FromFirm, from_firm
from crmlab.analysis.firm.tables import FirmTables, firm_tables, is_firm

__all__ = ["FirmTables", "FromFirm", "firm_tables", "from_firm", "is_firm"]
