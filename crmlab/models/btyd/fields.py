"""Fields of a document that may have been written by anybody: read by kind, refused by name."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from crmlab.errors import InputError, listing

Array = npt.NDArray[np.float64]
UNCHANGED = "give a file that save_model wrote, unchanged"
LONGEST = 10_000  # characters of a text, items of a list


class Fields:
    """The fields of one part of a document.

    Parameters
    ----------
    values : dict
        As JSON was read.
    of : str
        What messages call the document.
    path : str
        Where this part stands in it, as ``"fit."``.
    """

    def __init__(self, values: dict[str, Any], of: str, path: str = "") -> None:
        self.values, self.of, self.path, self.read = values, of, path, set[str]()

    def error(self, name: str, trouble: str, remedy: str) -> InputError:
        """An InputError about one field."""
        return InputError(f"{self.of!r}: field {self.path + name!r} {trouble}; {remedy}")

    def take(self, name: str) -> Any:
        """A field as it stands; InputError if it is missing."""
        self.read.add(name)
        if name not in self.values:
            raise self.error(name, "is missing", UNCHANGED)
        return self.values[name]

    def nothing_else(self) -> None:
        """Refuse fields that nobody asked for."""
        more = sorted(set(self.values) - self.read)
        if more:
            raise self.error(f"{more[0]:.60}", "is none of ours", UNCHANGED)

    def _wrong(self, name: str, value: object, wanted: str) -> InputError:
        return self.error(name, f"is {str(value)!r:.60}", f"it is {wanted}")

    def text(self, name: str, optional: bool = False) -> Any:
        """A text (None if it is null and `optional`)."""
        value = self.take(name)
        if value is None and optional:
            return None
        if not isinstance(value, str) or len(value) > LONGEST:
            raise self._wrong(name, value, "a text")
        return value

    def number(self, name: str, above: float | None = None, optional: bool = False) -> float:
        """A finite number (NaN if it is null and `optional`), above a bound if one is given."""
        return self._number(name, self.take(name), above, optional)

    def _number(self, name: str, value: Any, above: float | None, optional: bool) -> float:
        if value is None and optional:
            return np.nan
        wanted = "a finite number" + (f" above {above:g}" if above is not None else "")
        if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > 1e308:
            raise self._wrong(name, value, wanted)
        if above is not None and not value > above:
            raise self._wrong(name, value, wanted)
        return float(value)

    def whole(self, name: str, least: int = 0) -> int:
        """A whole number of at least `least`."""
        value = self.take(name)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 2**53:
            raise self._wrong(name, value, f"a whole number of at least {least}")
        return value

    def sequence(self, name: str, most: int = LONGEST) -> list[Any]:
        """A list of at most so many items."""
        value = self.take(name)
        if not isinstance(value, list) or len(value) > most:
            raise self._wrong(name, value, f"a list of at most {most}")
        return value

    def strings(self, name: str, values: Any) -> list[str]:
        """A list within the field, whose items are texts, all different."""
        good = isinstance(values, list) and all(isinstance(each, str) for each in values)
        if not good or len(set(values)) < len(values):
            raise self._wrong(name, values, "a list of names, all different")
        return values

    def names(self, name: str) -> list[str]:
        """A list of texts, all different."""
        return self.strings(name, self.sequence(name))

    def some_of(self, name: str, known: Sequence[str]) -> list[str]:
        """A list of known names."""
        given = self.names(name)
        if not set(given) <= set(known):
            raise self._wrong(name, given, f"a list of some of {listing(known)}")
        return given

    def vector(self, name: str, length: int | None = None) -> Array:
        """A list of numbers, NaN where null."""
        values = self.sequence(name)
        if length is not None and len(values) != length:
            raise self._wrong(name, values, f"a list of {length} numbers")
        return np.array([self._number(name, each, None, True) for each in values])

    def square(self, name: str, k: int) -> Array:
        """A symmetric table of k rows and columns whose known diagonal is not negative."""
        rows = self.sequence(name)
        if len(rows) != k or not all(isinstance(row, list) and len(row) == k for row in rows):
            raise self._wrong(name, rows, f"a table of {k} rows and {k} columns")
        table = np.array([[self._number(name, each, None, True) for each in row] for row in rows])
        known = np.diag(table)[~np.isnan(np.diag(table))]
        if not np.allclose(table, table.T, rtol=1e-9, equal_nan=True) or (known < 0).any():
            raise self._wrong(name, rows, "a covariance: symmetric, with a diagonal of at least 0")
        return table

    def within(self, name: str, optional: bool = False) -> Any:
        """The fields of a field (None if it is null and `optional`)."""
        value = self.take(name)
        if value is None and optional:
            return None
        if not isinstance(value, dict):
            raise self._wrong(name, value, "a part with fields of its own")
        return Fields(value, self.of, f"{self.path}{name}.")
