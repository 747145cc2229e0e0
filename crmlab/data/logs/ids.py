"""Ids keep their kind: numbers stay numbers however long, texts stay texts, bytes stay bytes.

Blanks around a text are no part of it, and the words for nothing (see `crmlab.data.logs.sql.MISSING`) are no
id. In text files, whose cells have no kind, ids that are all written as whole numbers are numbers (007 is
not, 12346.0 is); so are floats that are all whole.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pandas as pd

from crmlab.data.logs.sql import BLANKS, MISSING, cleaned, is_number, literal

PLAIN = r"(0|-?[1-9]\d{0,17})(\.0)?"  # a whole number as text that loses nothing as a number
EXACT = 2.0**53  # floats below are exact as whole numbers


@dataclass(frozen=True)
class Ids:
    """How the ids of a log are held in queries, and how they come back.

    Attributes
    ----------
    values : pandas.Index or None
        Of a frame: the ids themselves, which queries know by position.
    back : callable or None
        Of files, where a query cannot hold the kind: from the text in the query to the id.
    key : callable
        From an id to what the queries know it by.
    """

    values: pd.Index | None = None
    back: Callable[[str], object] | None = None
    key: Callable[[object], object] = lambda customer: customer

    def restore(self, found: np.ndarray) -> pd.Index:
        """The ids of what a query returned."""
        if self.values is not None:
            return self.values.take(np.asarray(found, np.int64))
        if self.back is None:
            return pd.Index(found)
        return pd.Index([self.back(each) for each in found])

    def key_of(self, customer: object) -> object:
        """What queries know a customer by."""
        if self.values is not None:
            return int(self.values.get_loc(customer))
        key = self.key(customer)
        return key.item() if isinstance(key, np.generic) else key


def in_files(name: str, kind: str) -> tuple[str, Ids]:
    """A column of ids of a type as SQL, and how its ids come back."""
    if kind == "VARCHAR":
        return cleaned(name), Ids()
    if kind in ("DOUBLE", "FLOAT"):
        return f"CASE WHEN NOT isnan({name}) THEN CAST({name} AS DOUBLE) END", Ids()
    if kind.endswith("HUGEINT") or (kind.startswith("DECIMAL") and kind.endswith(",0)")):
        return f"CAST({name} AS VARCHAR)", Ids(back=int, key=str)
    if kind.startswith("DECIMAL"):
        return f"CAST({name} AS VARCHAR)", Ids(back=Decimal, key=str)
    if kind == "BLOB":
        return f"hex({name})", Ids(back=bytes.fromhex, key=lambda customer: customer.hex().upper())
    if is_number(kind):
        return name, Ids()
    return cleaned(f"CAST({name} AS VARCHAR)"), Ids()


def in_frame(column: pd.Series) -> tuple[np.ndarray, pd.Index, np.ndarray]:
    """Codes of a frame's ids, -1 where there is none; the ids; and where a word says that there is none."""
    codes, values = pd.factorize(column, sort=False)
    values = pd.Index(values)
    if values.dtype.kind == "f":
        present = values.to_numpy(float, na_value=np.nan)
        whole = np.isfinite(present).all() and (present == np.rint(present)).all()
        if whole and (np.abs(present) < EXACT).all():
            values = pd.Index(present.astype(np.int64))
        return codes, values, np.zeros(len(codes), bool)
    if pd.api.types.is_numeric_dtype(values.dtype) or values.dtype.kind in "mM":
        return codes, values, np.zeros(len(codes), bool)
    texts = [each.strip(BLANKS) if isinstance(each, str) else each for each in values]
    kept = [None if isinstance(each, str) and each in MISSING else each for each in texts]
    again, found = pd.factorize(pd.Series(kept, dtype=object), sort=False)
    is_word = np.array([bool(text) and held is None for text, held in zip(texts, kept)], bool)
    worded = np.append(is_word, False)[codes]
    codes = np.where(codes < 0, -1, np.append(again, -1)[codes])
    kind = values.dtype if isinstance(values.dtype, pd.StringDtype) else object
    return codes, pd.Index(found, dtype=kind), worded


def is_word(name: str, kind: str) -> str:
    """Whether an id in files is a word for nothing, as SQL."""
    if kind != "VARCHAR":
        return "false"
    return f"COALESCE(({cleaned(name)}) IS NULL AND trim({name}, {literal(BLANKS)}) <> '', false)"


def shown(customer: object) -> str:
    """An id as a page or a file shows it: bytes as the text that they are, or in hexadecimal."""
    if not isinstance(customer, bytes):
        return str(customer)
    try:
        text = customer.decode("utf-8")
    except UnicodeDecodeError:
        return customer.hex()
    return text if text.isprintable() else customer.hex()
