"""What a team decides in a round.

A decision is plain data: it can be written down, compared, and played again in another market. What it says
about customers is a rule over the books' columns or a list; which customers those are is found when it is
played.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from crmlab.game.economy import ECONOMY, ROUND, Economy
from crmlab.game.rules import parse_rule

RANDOM = "random"  # in the column `by`: chance decides, so that those left out are a control group


@dataclass(frozen=True)
class Group:
    """Customers whom something is sent to.

    Attributes
    ----------
    rule : str
        Over the columns of the books; empty where there is a list.
    customers : tuple of int
        The list, sorted.
    source : str
        Name of the list's file.
    at_most : int or None
    by : str
        Column by which they are ranked where there are more; ``"random"`` lets chance choose.
    lowest : bool
        Whether the lowest come first.
    """

    rule: str = ""
    customers: tuple[int, ...] = ()
    source: str = ""
    at_most: int | None = None
    by: str = "spend_12"
    lowest: bool = False

    def chosen(
        self, books: Mapping[str, np.ndarray], chance: npt.NDArray[np.float64]
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Who fits, and who of those is sent it.

        Parameters
        ----------
        books : mapping of arrays of shape (customers,)
            The columns of ``customers.csv``.
        chance : array of shape (customers,)
            Uniform numbers: they choose where `by` says so, and between equals.

        Returns
        -------
        fits, sent : arrays of bool of shape (customers,)
        """
        if self.rule:
            fits = parse_rule(self.rule, books).chosen(books)
        else:
            fits = np.isin(books["customer"], np.asarray(self.customers, np.int64))
        if self.at_most is None or fits.sum() <= self.at_most:
            return fits, fits
        rows = np.flatnonzero(fits)
        key = chance[rows] if self.by == RANDOM else np.asarray(books[self.by][rows], float)
        key = np.nan_to_num(key if self.lowest or self.by == RANDOM else -key, nan=np.inf)
        sent = np.zeros_like(fits)
        sent[rows[np.lexsort((chance[rows], key))[: self.at_most]]] = True
        return fits, sent


@dataclass(frozen=True)
class Decision:
    """A team's decision of one round. The default is to do nothing.

    Attributes
    ----------
    price : float
        Of the list price.
    service : float
        Above the usual, in standard deviations of what customers experience.
    scheme : bool
        Whether the loyalty scheme runs.
    push : float
        How much it is advertised.
    crm : bool
        Whether the CRM system runs.
    mailing : Group or None
        Who gets the coupon.
    mailings : int
        How often in the round.
    retention : Group or None
        Who gets a retention offer.
    forecast : float or None
        The profit of the round that the team expects. It changes nothing.
    """

    price: float = 1.0
    service: float = 0.0
    scheme: bool = False
    push: float = 0.0
    crm: bool = False
    mailing: Group | None = None
    mailings: int = 1
    retention: Group | None = None
    forecast: float | None = None

    def without_forecast(self) -> "Decision":
        """The same decision; what is expected of it aside."""
        return replace(self, forecast=None)

    def plain(self) -> dict[str, Any]:
        """As data that JSON can hold."""
        return asdict(self)

    @classmethod
    def of(cls, held: Mapping[str, Any]) -> "Decision":
        """From what `plain` gave."""
        groups = {
            name: Group(**{**held[name], "customers": tuple(held[name]["customers"])})
            for name in ("mailing", "retention")
            if held[name] is not None
        }
        return cls(**{**held, **groups})


NOTHING = Decision()


@dataclass(frozen=True)
class Commitments:
    """What a decision commits of the budget when the round begins, by lever, in money.

    `reached` has the customers whom one mailing and the offers go to, where they are decided.
    """

    service: float = 0.0
    push: float = 0.0
    crm: float = 0.0
    mailing: float = 0.0
    retention: float = 0.0
    reached: dict[str, int] = field(default_factory=dict, compare=False)

    @property
    def total(self) -> float:
        """All of it."""
        return self.service + self.push + self.crm + self.mailing + self.retention

    def by_lever(self) -> dict[str, float]:
        """By the names that the decision's file has."""
        return {name: getattr(self, name) for name in ("service", "push", "crm", "mailing", "retention")}


def commitments(
    decision: Decision,
    active: int,
    mailed: int,
    offered: int,
    had_crm: bool,
    economy: Economy = ECONOMY,
) -> Commitments:
    """What is spent in a round whatever customers do then.

    Goods, points and coupons are paid out of what customers buy and belong to the profit, not to the budget.

    Parameters
    ----------
    active : int
        Customers with an order in the last six months, when the round begins.
    mailed, offered : int
        Customers whom one mailing and the offers go to.
    had_crm : bool
        Whether the system ran in the round before.
    """
    months = active * ROUND
    return Commitments(
        service=economy.service_cost(decision.service) * months,
        push=economy.push * decision.push * months if decision.scheme else 0.0,
        crm=(economy.system * months + economy.introduction * active * (not had_crm))
        if decision.crm
        else 0.0,
        mailing=economy.letter * mailed * decision.mailings,
        retention=economy.offer * offered,
        reached={
            name: count
            for name, count in (("mailing", mailed), ("retention", offered))
            if getattr(decision, name) is not None
        },
    )
