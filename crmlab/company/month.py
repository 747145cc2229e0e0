"""One month of a block of customers: what everybody in it is told."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crmlab.company.branches import BranchPaths
from crmlab.company.customers import Customers
from crmlab.company.decisions import Decision, Interventions
from crmlab.company.parameters import CompanyParameters
from crmlab.company.streams import MonthOfStreams

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Month:
    """What holds for all customers in month `number`: truth, luck, branches, decisions.

    Attributes
    ----------
    decision : Decision
        Of the firm; the company's calendar where it is silent.
    do : Interventions
    """

    number: int
    p: CompanyParameters
    draw: MonthOfStreams
    branches: BranchPaths
    decision: Decision
    do: Interventions

    def switch(self, name: str) -> int | None:
        """What ``do`` sets a switch to this month, if it does."""
        return self.do.switch(name, self.number)

    @property
    def price(self) -> float:
        """Times the usual price."""
        forced = self.do.price if self.number >= self.do.since else 1.0
        return self.decision.price * forced

    @property
    def service(self) -> float:
        """Added to every experience."""
        return self.decision.service + (self.do.service if self.number >= self.do.since else 0.0)

    def rivals(self, customers: Customers) -> Array:
        """The pull of alternatives on each customer."""
        region = self.branches.region[customers.branch]
        return self.branches.rivals[self.number, region] + self.decision.rival_pull

    def has_crm(self, customers: Customers) -> Flags:
        """Whether each customer's branch has a CRM system."""
        forced = self.switch("crm")
        if forced is not None:
            return np.full(len(customers), bool(forced))
        return self.branches.crm[customers.branch] <= self.number
