"""What must not leave: personal columns, ids that are to be hashed, cells that a spreadsheet would run."""

import hmac
import re

import pandas as pd

from crmlab.data.exports.canonical import TABLES

# What a spreadsheet takes for a formula; signs before digits (a number, a telephone) are none.
FORMULA = re.compile(r"[=@\t\r]|[+-](?![\d\s().,/-]*$)")
IDS = ("id", "customer_id", "contact_id", "deal_id", "referrer_id", "record_id")


def printable(text: str) -> str:
    """A text as a label: no control characters, which could forge lines of a terminal or colour them."""
    return "".join(each if each.isprintable() else "?" for each in text)


def disarmed_text(text: str) -> str:
    """A text that no spreadsheet runs."""
    return f"'{text}" if FORMULA.match(text) else text


def hashed(text: str, salt: str) -> str:
    """An id as HMAC-SHA256 (RFC 2104) under the user's salt: 64 hexadecimal digits, alike in all tables."""
    return hmac.digest(salt.encode("utf-8"), text.encode("utf-8"), "sha256").hex()


def with_hashed_ids(table: pd.DataFrame, salt: str) -> pd.DataFrame:
    """A table with all ids hashed."""
    columns = {}
    for name in IDS:
        if name in table:
            hashes = {each: hashed(each, salt) for each in table[name].dropna().unique()}
            columns[name] = table[name].map(hashes)
    return table.assign(**columns)


def without_personal(name: str, table: pd.DataFrame, personal: bool) -> pd.DataFrame:
    """A table without hidden columns and, unless they are asked for, without personal ones."""
    gone = {each.name for each in TABLES.get(name, ()) if each.personal and not personal}
    return table[[each for each in table if not each.startswith("_") and each not in gone]]


def disarmed(table: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """A table whose texts no spreadsheet runs, with an apostrophe before those that it would.

    Returns
    -------
    DataFrame
    dict of str to int
        How many cells of which column were changed.
    """
    changed: dict[str, int] = {}
    columns = {}
    for name in table.select_dtypes(exclude=["number", "datetime"]).columns:
        texts = table[name]
        armed = texts.map(lambda each: isinstance(each, str) and FORMULA.match(each) is not None).astype(bool)
        if armed.any():
            columns[name] = texts.map(disarmed_text, na_action="ignore")
            changed[name] = int(armed.sum())
    return table.assign(**columns), changed
