"""What somebody decides: interventions on the whole company, and a firm's decisions for one month."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from numbers import Integral, Real
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmlab.errors import InputError, check_known, listing

Rule = Callable[[pd.DataFrame], npt.ArrayLike]
Chosen = Rule | Sequence[int] | npt.NDArray[np.integer] | bool
SWITCHES = ("membership", "crm", "campaign", "second_channel", "recovery")
PRICES = (0.1, 10.0)
MISSING = ("refuse", "ignore")


@dataclass(frozen=True)
class Interventions:
    """What ``do(...)`` fixes from month `since` on, whatever a firm decides; `None` leaves it to the company.

    Parameters
    ----------
    membership : {0, 1}, optional
        Nobody is, or everybody is, a member of the scheme.
    crm : {0, 1}, optional
        No branch, or every branch, has a CRM system.
    campaign : {0, 1}, optional
        Nobody, or everybody, reads every mailing.
    second_channel : {0, 1}, optional
        Nobody, or everybody, has taken up the second channel.
    recovery : {0, 1}, optional
        No complaint, or every complaint, is redressed.
    service : float
        Added to every experience.
    price : float
        Times the usual price.
    since : int
        First month.
    """

    membership: int | None = None
    crm: int | None = None
    campaign: int | None = None
    second_channel: int | None = None
    recovery: int | None = None
    service: float = 0.0
    price: float = 1.0
    since: int = 0

    def __post_init__(self) -> None:
        for name in SWITCHES:
            value = getattr(self, name)
            if value is not None and (not isinstance(value, Integral) or value not in (0, 1)):
                raise InputError(f"do({name}={value!r}): give 1 for everybody, 0 for nobody")
        check_number("do(service)", self.service, -5, 5)
        check_number("do(price)", self.price, *PRICES)
        if not isinstance(self.since, Integral) or isinstance(self.since, bool) or self.since < 0:
            raise InputError(f"do(since={self.since!r}): give a month, 0 or more")

    def also(self, **do: Any) -> "Interventions":
        """These and others; unknown names are refused with the known ones."""
        check_known("intervention", do, [each.name for each in fields(self)])
        return replace(self, **do)

    def switch(self, name: str, month: int) -> int | None:
        """What a switch is set to in a month, if it is."""
        return getattr(self, name) if month >= self.since else None


@dataclass(frozen=True)
class Decision:
    """What a firm decides for one month. What it leaves out follows the company's own calendar.

    Parameters
    ----------
    price : float
        Times the usual price, .1 to 10.
    service : float
        Added to every experience, -5 to 5.
    scheme : bool, optional
        The membership scheme runs in all branches, or in none; without it as each branch's launch has it. A
        scheme that does not run has no effect on its members either.
    push : float
        Added to the logit of joining the scheme.
    offers : rule, list of customer numbers, or bool, optional
        Who gets the month's mailing: True is everybody in the books. A rule takes the books, a frame of a row
        a customer (`Run.books`), and returns a truth value for each; ``books["lottery"]`` draws lots.
    retention : rule, list or bool, optional
        Who gets an offer to stay.
    investment : float
        Units that are invested in each member's commitment.
    rival_pull : float
        Added to the pull of alternatives.
    recovery : float, optional
        The chance that a complaint is redressed.
    missing : {"refuse", "ignore"}
        What is done with listed customers who are not in the books. In another world some of those who were
        referred have never come; ignore them where a list is played again there.
    """

    price: float = 1.0
    service: float = 0.0
    scheme: bool | None = None
    push: float = 0.0
    offers: Chosen | None = None
    retention: Chosen | None = None
    investment: float = 0.0
    rival_pull: float = 0.0
    recovery: float | None = None
    missing: str = "refuse"

    def __post_init__(self) -> None:
        check_number("price", self.price, *PRICES)
        check_number("service", self.service, -5, 5)
        check_number("push", self.push, -10, 10)
        check_number("investment", self.investment, 0, 10)
        check_number("rival_pull", self.rival_pull, -10, 10)
        if self.scheme is not None and not isinstance(self.scheme, (bool, np.bool_)):
            raise InputError(f"scheme is {self.scheme!r}; give True, False, or nothing")
        if self.recovery is not None:
            check_number("recovery", self.recovery, 0, 1)
        if self.missing not in MISSING:
            raise InputError(f"missing is {self.missing!r}; give one of {', '.join(MISSING)}")


def check_number(name: str, value: object, low: float, high: float) -> None:
    """Refuse what is no finite number within the range.

    Raises
    ------
    InputError
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real) or not low <= float(value) <= high:
        raise InputError(f"{name} is {value!r}; give a number from {low:g} to {high:g}")


def chosen_rows(
    name: str,
    chosen: Chosen,
    numbers: npt.NDArray[np.int64],
    books: Callable[[], pd.DataFrame],
    missing: str = "refuse",
) -> npt.NDArray[np.bool_]:
    """Whether each customer in the books is chosen.

    Parameters
    ----------
    name : str
        Of the decision, for messages.
    chosen : rule, list of customer numbers, or bool
    numbers : array of int, shape (n,)
        Of the customers in the books.
    books : function
        Makes the frame that a rule takes.
    missing : {"refuse", "ignore"}
        See `Decision`.

    Raises
    ------
    InputError
        If a list names customers that are not in the books, or a rule does not return n truth values.
    """
    if isinstance(chosen, (bool, np.bool_)):
        return np.full(numbers.size, bool(chosen))
    if not callable(chosen):
        return _listed(name, chosen, numbers, missing)
    picked = np.asarray(chosen(books()))
    if picked.dtype != bool or picked.shape != numbers.shape:
        raise InputError(
            f"the rule of {name} returned {picked.dtype} of shape {picked.shape}; return a truth value for "
            f"each of the {numbers.size} rows of the books"
        )
    return picked


def _listed(name: str, chosen: Any, numbers: npt.NDArray[np.int64], missing: str) -> npt.NDArray[np.bool_]:
    wanted = np.asarray(chosen)
    if wanted.ndim != 1 or (wanted.size and wanted.dtype.kind not in "iu"):
        raise InputError(f"{name} is {chosen!r:.60}; give a rule, a list of customer numbers, True or False")
    known = np.isin(wanted, numbers)
    if not known.all() and missing == "refuse":
        raise InputError(
            f"{name} lists {np.sum(~known)} customers who are not in the books (row "
            f"{np.flatnonzero(~known)[0]}: {listing(wanted[~known], 3)}); drop them"
        )
    return np.isin(numbers, wanted)
