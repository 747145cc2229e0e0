"""Names of columns as people write them, in English and Chinese, and how two are told to be the same."""

import tomllib
import unicodedata
from functools import cache
from pathlib import Path

FILE = Path(__file__).resolve().parent / "names.toml"


def plain(name: object) -> str:
    """A name without what people vary: case, width, blanks, underscores, hyphens, brackets.

    Examples
    --------
    >>> plain("Switching_Cost "), plain("态度-1"), plain("态度_1")
    ('switchingcost', '态度1', '态度1')
    """
    text = unicodedata.normalize("NFKC", str(name)).casefold()
    return "".join(each for each in text if each.isalnum())


@cache
def _written() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def aliases_of(name: str) -> tuple[str, ...]:
    """Other names of a column: those listed for it, and its parts put together in Chinese.

    Examples
    --------
    >>> "态度_2" in aliases_of("attitude_2"), "有_速度" in aliases_of("with_speed")
    (True, True)
    """
    bare = name.rstrip("0123456789")
    number = name[len(bare) :]
    stem = bare.rstrip("_")
    whole = [f"{each}_{number}" if number else each for each in _written()["names"].get(stem, [])]
    parts = [_part(each) for each in name.split("_")]
    return tuple(dict.fromkeys([*whole, "_".join(parts)] if all(parts) else whole))


def _part(part: str) -> str:
    """A part of a name in Chinese; a number stays, and what has no Chinese makes nothing."""
    bare = part.rstrip("0123456789")
    number = part[len(bare) :]
    if not bare:
        return part
    known = _written()["parts"].get(bare) or next(
        (each for each in _written()["names"].get(bare, []) if not each.isascii()), ""
    )
    return f"{known}{number}" if known else ""
