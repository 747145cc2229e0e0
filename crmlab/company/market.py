"""A company from its truth to its tables: simulated whole, in parts, or month by month."""

from collections.abc import Iterator
from functools import cache
from numbers import Integral
from typing import Any

import numpy as np

from crmlab.company.block import Block
from crmlab.company.branches import BranchPaths, draw_branches
from crmlab.company.customers import draw_customers
from crmlab.company.decisions import Decision, Interventions
from crmlab.company.ledger import Keep, Ledger
from crmlab.company.parameters import CompanyParameters, preset
from crmlab.company.streams import Streams
from crmlab.company.tables import Kept, Simulation
from crmlab.design.streams import Seed, seed_tuple
from crmlab.errors import InputError, check_known

BLOCK = 25_000  # customers that are simulated together; any number gives the same rows
MOST_CUSTOMERS, MOST_MONTHS = 10**9, 240
CALENDAR = Decision()


class Company:
    """A customer base whose truth is known.

    Parameters
    ----------
    parameters : str or CompanyParameters
        A preset (``"null"``, ``"literature"``, ``"claim"``, ``"trap"``) or one's own truth.
    customers : int
        Who come by themselves, most of them in the first 24 months; referrals are added.
    months : int
        1 to 240.
    seed : int or sequence of int
    luck, luck_from : int
        Another seed for what happens from a month on: the same history, other luck after it.

    Raises
    ------
    InputError
        If an argument is out of its range, or referrals would make the company explode.
    """

    def __init__(
        self,
        parameters: str | CompanyParameters = "literature",
        *,
        customers: int = 10_000,
        months: int = 36,
        seed: Seed = 1,
        luck: Seed | None = None,
        luck_from: int = 0,
        interventions: Interventions | None = None,
    ) -> None:
        if isinstance(parameters, str):
            parameters = preset(parameters)
        if not isinstance(parameters, CompanyParameters):
            raise InputError(f"parameters is {parameters!r:.60}; give a preset's name or CompanyParameters")
        self.parameters = parameters
        self.customers = whole_number("customers", customers, 1, MOST_CUSTOMERS)
        self.months = whole_number("months", months, 1, MOST_MONTHS)
        self.seed = seed_tuple(seed)
        self.luck = None if luck is None else seed_tuple(luck)
        self.luck_from = whole_number("luck_from", luck_from, 0, MOST_MONTHS)
        self.interventions = interventions or Interventions()
        parameters.check_referrals(self.months)
        parameters.check_rates(self.interventions.price)

    @property
    def settings(self) -> dict[str, Any]:
        """What the company is made of, by the names of its arguments."""
        return {
            "parameters": self.parameters,
            "customers": self.customers,
            "months": self.months,
            "seed": self.seed,
            "luck": self.luck,
            "luck_from": self.luck_from,
            "interventions": self.interventions,
        }

    def replace(self, **changes: Any) -> "Company":
        """The same company with other customers, months, seed, luck or parameters."""
        check_known("setting", changes, self.settings)
        return Company(**self.settings | changes)

    def do(self, **interventions: Any) -> "Company":
        """The same customers with the same luck in a world in which something is fixed; see `Interventions`.

        Examples
        --------
        >>> company = Company("literature", customers=500, months=12)
        >>> spent = company.simulate(keep=["orders"]).tables["orders"]["amount"].sum()
        >>> without = company.do(campaign=0).simulate(keep=["orders"]).tables["orders"]["amount"].sum()
        >>> bool(spent > without)
        True
        """
        return self.replace(interventions=self.interventions.also(**interventions))

    @property
    def streams(self) -> Streams:
        """The company's draws."""
        return Streams(self.seed, self.luck, self.luck_from)

    def branches(self) -> BranchPaths:
        """What happens at the branches, whatever customers do."""
        return draw_branches(self.parameters, self.months, self.seed)

    def simulate(self, keep: Keep | None = None, block: int = BLOCK) -> Simulation:
        """All customers over all months.

        Parameters
        ----------
        keep : iterable of str, or mapping of str to iterable of str, optional
            Tables, or tables and their columns, that are written down, of those that grow by the month
            (`ledger.SCHEMAS`); all by default. What nobody keeps is not drawn, where nothing else follows
            from it.
        block : int
            Customers that are simulated together. Any number gives the same rows.
        """
        return result_of(self._finished(0, self.customers, keep, block), self.months)

    def lazily(self, keep: Keep | None = None) -> Simulation:
        """As `simulate`, but the company is drawn when somebody first looks at a table or the truth."""
        run = cache(lambda: kept_of(self._finished(0, self.customers, keep, BLOCK), self.months))
        return Simulation(self.parameters, self.interventions, Ledger(keep), run)

    def part(self, number: int, parts: int, keep: Keep | None = None) -> Simulation:
        """The customers of one of several parts of about the same size, with those whom they bring.

        Parameters
        ----------
        number : int
            From 0.
        parts : int
        keep : iterable of str, or mapping, optional
            As in `simulate`.
        """
        whole_number("parts", parts, 1, self.customers)
        whole_number("number", number, 0, parts - 1)
        start, stop = (self.customers * edge // parts for edge in (number, number + 1))
        return result_of(self._finished(start, stop, keep, BLOCK), self.months)

    def in_parts(self, parts: int, keep: Keep | None = None) -> Iterator[Simulation]:
        """All customers, a part at a time, where memory does not hold them; see `part`."""
        for number in range(whole_number("parts", parts, 1, self.customers)):
            yield self.part(number, parts, keep)

    def _finished(self, start: int, stop: int, keep: Keep | None, size: int) -> Block:
        """The customers from `start` to `stop` after all months, as one block."""
        blocks = self._blocks(start, stop, keep, size)
        first = next(blocks)
        for other in blocks:
            first.customers.append(other.customers)
            first.ledger.extend(other.ledger)
        return first

    def _blocks(self, start: int, stop: int, keep: Keep | None, size: int) -> Iterator[Block]:
        """Finished blocks of the customers from `start` to `stop`."""
        branches = self.branches()
        for low in range(start, stop, whole_number("block", size, 1, MOST_CUSTOMERS)):
            block = self.open_block(low, min(low + size, stop), branches, Ledger(keep))
            for _ in range(self.months):
                block.advance(CALENDAR)
            yield block

    def open_block(self, start: int, stop: int, branches: BranchPaths, ledger: Ledger) -> Block:
        """The customers from number `start` to `stop` before the first month."""
        numbers, streams = np.arange(start, stop, dtype=np.int64), self.streams
        customers = draw_customers(self.parameters, streams, streams.keys(numbers), numbers)
        return Block(self.parameters, streams, branches, customers, self.interventions, ledger)


def result_of(block: Block, months: int) -> Simulation:
    """The tables and the truth of a block after so many months; it must not be stepped any more."""
    kept = kept_of(block, months)
    return Simulation(block.p, block.do, block.ledger, lambda: kept)


def kept_of(block: Block, months: int) -> Kept:
    """What a block leaves after so many months."""
    return Kept(block.customers, block.ledger, block.branches, months, block.streams)


def whole_number(name: str, value: object, low: int, high: int) -> int:
    """A whole number within a range.

    Raises
    ------
    InputError
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or not low <= int(value) <= high:
        raise InputError(f"{name} is {value!r}; give a whole number from {low} to {high}")
    return int(value)
