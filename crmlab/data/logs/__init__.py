"""A transaction log of any size and kind as one table of purchases, read through DuckDB in bounded memory.

Whatever the log is (a frame, files of text, JSON lines, Parquet, a spreadsheet, an archive), it becomes the
table ``log`` of the columns ``customer``, ``day`` (a DATE), ``stamp`` (the time as given) and ``amount`` (a
DOUBLE), which the queries of `crmlab.data.queries` ask.
"""

from crmlab.data.logs.audit import Audit
from crmlab.data.logs.ids import shown
from crmlab.data.logs.log import Log
from crmlab.data.logs.reading import LogOptions, Reading

__all__ = ["Audit", "Log", "LogOptions", "Reading", "shown"]
