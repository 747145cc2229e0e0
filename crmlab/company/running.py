"""A company that is stepped month by month, as a firm decides; saved and gone on with."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from crmlab.company.block import Block, MonthSummary
from crmlab.company.customers import MOODS
from crmlab.company.decisions import Decision, Interventions, check_number
from crmlab.company.ledger import Keep, Ledger
from crmlab.company.market import CALENDAR, Company, result_of, whole_number
from crmlab.company.parameters import CompanyParameters
from crmlab.company.saving import read_state, write_state
from crmlab.company.tables import Frames, Simulation, Truth
from crmlab.errors import InputError, check_known

Decide = Callable[[pd.DataFrame, int], Decision | None]


class Run:
    """A company between two months. `start` gives the first; see `step`, `play`, `save`."""

    def __init__(self, company: Company, block: Block) -> None:
        self.company, self._block = company, block

    @classmethod
    def start(cls, company: Company, keep: Keep | None = None) -> "Run":
        """The company before its first month.

        Parameters
        ----------
        company : Company
        keep : iterable of str, or mapping of str to iterable of str, optional
            As in `Company.simulate`.
        """
        return cls(company, company.open_block(0, company.customers, company.branches(), Ledger(keep)))

    @property
    def month(self) -> int:
        """The month to come, from 0."""
        return self._block.month

    def step(self, decision: Decision | None = None) -> MonthSummary:
        """Let a month pass, as decided; what a decision leaves out follows the company's calendar.

        Raises
        ------
        InputError
            After the last month, or if a decision cannot be carried out.
        """
        if self.month >= self.company.months:
            raise InputError(f"all {self.company.months} months have passed; start with more months")
        decided = CALENDAR if decision is None else decision
        if not isinstance(decided, Decision):
            raise InputError(f"decision is {decision!r:.60}; give a Decision")
        self.company.parameters.check_rates(decided.price * self.company.interventions.price)
        return self._block.step(decided)

    def play(self, decide: Decide | None = None, until: int | None = None) -> list[MonthSummary]:
        """Let months pass up to, not including, month `until`.

        Parameters
        ----------
        decide : function, optional
            ``decide(books, month)`` returns the month's `Decision`; see `books`.
        until : int, optional
            All months by default.
        """
        stop = self.company.months
        if until is not None:
            stop = whole_number("until", until, self.month, stop)
        return [
            self.step(None if decide is None else decide(self.books(), self.month))
            for _ in range(self.month, stop)
        ]

    def books(self) -> pd.DataFrame:
        """What the firm knows of those in its books, a row a customer, at the beginning of the month.

        Returns
        -------
        pandas.DataFrame
            customer_id, joined, branch_id, segment, member, second_channel, orders (repeat), last_order,
            spend (on repeats), recent (purchases, a month counting .85 of the next), lottery (uniform, to
            draw lots).
        """
        customers = self._block.customers
        return self._block.books(customers.take(customers.booked(self.month - 1)))

    @property
    def tables(self) -> Frames:
        """The firm's tables up to now; what grows by the month, since the start or the last loading."""
        return self._result.tables

    @property
    def truth(self) -> Truth:
        """What no firm knows."""
        return self._result.truth

    @property
    def _result(self) -> Simulation:
        return result_of(self._block.copy(), max(self.month, 1))

    def copy(self, **moved: float) -> "Run":
        """The company as it is now, to go on apart: for what would have been otherwise.

        Parameters
        ----------
        **moved
            What is added to a mood of everybody: expectation, experience, satisfaction, trust, commitment,
            attitude. The luck stays the same.

        Raises
        ------
        InputError

        Examples
        --------
        >>> run = Run.start(Company("claim", customers=500, months=6))
        >>> summaries = run.play(until=5)
        >>> other = run.copy(trust=0.5)
        >>> summaries = [each.step() for each in (run, other)]
        >>> more = other.truth.customers["commitment"] - run.truth.customers["commitment"]
        >>> float(more.max().round(4))  # .10 of the .85 that a month leaves of it
        0.0425
        """
        check_known("mood", moved, MOODS)
        other = self._block.copy()
        for name, amount in moved.items():
            check_number(name, amount, -10, 10)
            setattr(other.customers, name, getattr(other.customers, name) + amount)
        return Run(self.company, other)

    def save(self, path: str | Path) -> Path:
        """Write the state to a file, beside its place and renamed; its tables are not in it.

        From `load` on the company goes as it would have gone, to the last bit.
        """
        settings = self.company.settings
        for name in ("parameters", "interventions"):
            settings[name] = dataclasses.asdict(settings[name])
        return write_state(path, self._block.customers, {"month": self.month, "company": settings})

    @classmethod
    def load(cls, path: str | Path, keep: Keep | None = None) -> "Run":
        """The company of a file that `save` wrote.

        Raises
        ------
        InputError
            If the file is missing or not what `save` writes.
        """
        customers, header = read_state(path)
        try:
            company = _company_of(header["company"])
            month = whole_number("month", header["month"], 0, company.months)
        except (KeyError, TypeError, InputError) as error:
            raise InputError(f"{path} does not describe a company ({error}); start it again") from None
        block = company.open_block(0, 0, company.branches(), Ledger(keep))
        block.customers, block.month = customers, month
        return cls(company, block)


def _company_of(settings: dict[str, Any]) -> Company:
    parts = {"parameters": CompanyParameters, "interventions": Interventions}
    return Company(**settings | {name: kind(**settings[name]) for name, kind in parts.items()})
