"""Every call of lifetimes' README and quickstart, and ours."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PLACE = Path(__file__).with_name("calls.toml")


@dataclass(frozen=True)
class Call:
    """A call of lifetimes and the same of ours.

    Attributes
    ----------
    section : str
        What it is about: ``data``, ``fit``, ``ask``, ``value``, ``save``, ``check``, ``look``.
    theirs, ours : str
        Code. That of lifetimes runs as it stands on `crmlab.models.as_lifetimes`, too.
    compare : str
        An expression that must give equal numbers after all three; empty where there is nothing to compare.
    compare_ours : str
        The same in our names; as `compare` if empty.
    note : str
        What is different.
    within : float
        To which relative difference the numbers agree.
    broken : bool
        Whether lifetimes 0.11.3 fails at it with pandas 3 and today's setuptools.
    """

    section: str
    theirs: str
    ours: str
    compare: str = ""
    compare_ours: str = ""
    note: str = ""
    within: float = 1e-4
    broken: bool = False


@cache
def calls() -> tuple[Call, ...]:
    """All of them, in the order in which they can be run."""
    return tuple(Call(**each) for each in tomllib.loads(PLACE.read_text(encoding="utf-8"))["call"])
