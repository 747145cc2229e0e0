"""Tables of one export joined: parts put together, doubles taken out, customers found by contact or name."""

import pandas as pd

from crmlab.data.exports.audit import FILE, ROW, TableAudit, counted, places, where
from crmlab.data.exports.canonical import TABLES
from crmlab.errors import InputError
from crmlab.words import words

LINKED = ("contacts", "deals", "orders", "cases", "members")


def together(parts: list[tuple[pd.DataFrame, TableAudit]]) -> tuple[pd.DataFrame, TableAudit]:
    """The parts of one table as one, each record once.

    Raises
    ------
    InputError
        If two rows of one id contradict each other.
    """
    name = parts[0][1].table
    audit = TableAudit(name)
    for _, each in parts:
        audit.rows_in += each.rows_in
        for reason, held in each.dropped.items():
            audit.drop(reason, held)
        audit.read += [text for text in each.read if text not in audit.read]
        audit.left_out += [text for text in each.left_out if text not in audit.left_out]
        audit.note(*each.notes)
        audit.formats |= each.formats
    table = pd.concat([each for each, _ in parts], ignore_index=True)
    if "id" in table:
        table = _once(table, name, audit)
    audit.rows_out = len(table)
    return table.reset_index(drop=True), audit


def _once(table: pd.DataFrame, name: str, audit: TableAudit) -> pd.DataFrame:
    """Records whose id stands in several rows, kept once."""
    double = table["id"].notna() & table["id"].duplicated(keep=False)
    if not double.any():
        return table
    columns = [each for each in table if each not in (FILE, ROW)]
    counts = table.loc[double, columns].groupby("id", dropna=False).nunique(dropna=False)
    odd = counts.gt(1).any(axis=1)
    if odd.any():
        key = odd.index[odd][0]
        differs = ", ".join(counts.columns[counts.loc[key] > 1])
        raise InputError(
            f"{name}: {odd.sum():,} ids stand in rows that differ, the first in "
            f"{where(places(table, table['id'] == key))} (in {differs}); is each row a line of an order, or "
            f"was the export made twice? Leave one row an id, or name another column as id in the map"
        )
    again = table["id"].notna() & table["id"].duplicated()
    audit.drop(words("exports.drop_again"), places(table, again))
    return table[~again]


def link(tables: dict[str, pd.DataFrame], audits: dict[str, TableAudit], people: bool = True) -> None:
    """Give each row of the other tables its customer, by id, by the contact or by name, in place.

    Parameters
    ----------
    tables, audits : dict of str
    people : bool
        Whether contacts are the customers where there is no table of customers.
    """
    if people and "customers" not in tables and "contacts" in tables:
        _contacts_as_customers(tables, audits)
    for name in LINKED:
        if name not in tables:
            continue
        table, audit = tables[name], audits[name]
        if "customer_id" not in table:
            table["customer_id"] = pd.Series(None, table.index, dtype=object)
        if "contact_id" in table and "contacts" in tables:
            _by_contact(table, tables["contacts"], audit)
        if "customer_name" in table and "customers" in tables:
            _by_name(table, tables["customers"], audit)
        _orphans(table, tables.get("customers"), audit)


def _contacts_as_customers(tables: dict[str, pd.DataFrame], audits: dict[str, TableAudit]) -> None:
    """Where an export has no firms, people are the customers."""
    contacts = tables.pop("contacts")
    audit = audits.pop("contacts")
    audit.table = "customers"
    audit.note(words("exports.contacts_are_customers"))
    shared = {each.name for each in TABLES["customers"]} | {"_state"}
    kept = [
        each
        for each in contacts
        if each in shared or each.startswith("_") or each not in {field.name for field in TABLES["contacts"]}
    ]
    tables["customers"], audits["customers"] = contacts[kept].copy(), audit
    for name, table in tables.items():
        if name != "customers" and "contact_id" in table:
            table["customer_id"] = table[
                "contact_id"
            ]  # firms' ids are of another kind, and could be the same


def _by_contact(table: pd.DataFrame, contacts: pd.DataFrame, audit: TableAudit) -> None:
    if "customer_id" not in contacts or table is contacts:
        return
    of = contacts.drop_duplicates("id").set_index("id")["customer_id"]
    found = table["contact_id"].map(of).where(table["customer_id"].isna())
    if found.notna().any():
        table["customer_id"] = table["customer_id"].fillna(found)
        audit.note(words("exports.by_contact", rows=counted(found.notna().sum())))


def _by_name(table: pd.DataFrame, customers: pd.DataFrame, audit: TableAudit) -> None:
    """Customers that only a name tells: where it is the name of exactly one."""
    if "name" not in customers:
        return
    named = customers.dropna(subset=["name"])
    unique = named[~named["name"].duplicated(keep=False)].set_index("name")["id"]
    open_rows = table["customer_id"].isna() & table["customer_name"].notna()
    found = table["customer_name"].map(unique).where(open_rows)
    if found.notna().any():
        table["customer_id"] = table["customer_id"].fillna(found)
        audit.note(words("exports.by_name", rows=counted(found.notna().sum())))
    several = open_rows & found.isna() & table["customer_name"].isin(named["name"])
    if several.any():
        audit.note(
            words(
                "exports.name_of_several",
                rows=counted(several.sum()),
                where=where(places(table, several)),
            )
        )


def _orphans(table: pd.DataFrame, customers: pd.DataFrame | None, audit: TableAudit) -> None:
    if customers is None or audit.table == "customers":
        return
    lost = table["customer_id"].notna() & ~table["customer_id"].isin(customers["id"])
    if lost.any():
        audit.note(words("exports.orphans", rows=counted(lost.sum()), where=where(places(table, lost))))
