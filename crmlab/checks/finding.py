"""What a check says of an assumption."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from crmlab.design import EstimationFailed, Tables
from crmlab.errors import InputError

Status = Literal["kept", "doubtful", "broken", "unknown"]
SURE, SUSPICIOUS = 0.01, 0.05  # p-values below which an assumption is called broken, and doubtful


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes
    ----------
    name : str
        Of the assumption; the words of ``checks.NAME_…`` say what it is.
    subject : str
        Columns or terms that it is about.
    status : {"kept", "doubtful", "broken", "unknown"}
        No sign against it; some sign; clear sign; or these data cannot say, so it must be believed.
    p : float
        Of the test, NaN if there is none.
    facts : dict
        Numbers, by the names that the words use.
    """

    name: str
    subject: str
    status: Status
    p: float = np.nan
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """An assumption with its test.

    Attributes
    ----------
    name, subject : str
    test : callable, optional
        Tables to a `Finding`; None where no data can test the assumption.
    of : hashable
        What is tested, where name and subject do not say it: a regression.
    """

    name: str
    subject: str
    test: Callable[[Tables], Finding] | None = field(default=None, compare=False)
    of: Hashable = None

    @property
    def key(self) -> tuple[Hashable, ...]:
        """What tells one check from another."""
        return self.name, self.subject, self.of

    def run(self, tables: Tables) -> Finding:
        """The finding on one cohort's tables; ``unknown``, with the reason, where the test cannot be made."""
        if self.test is None:
            return Finding(self.name, self.subject, "unknown")
        try:
            with np.errstate(all="ignore"):
                return self.test(tables)
        except (InputError, EstimationFailed, ArithmeticError, ValueError, KeyError, IndexError) as error:
            return Finding(self.name, self.subject, "unknown", facts={"why": str(error)[:200]})


def by_p(p: float) -> Status:
    """The status that a p-value against an assumption means."""
    if not np.isfinite(p):
        return "unknown"
    return "broken" if p < SURE else "doubtful" if p < SUSPICIOUS else "kept"
