"""The explorable of lesson 16: for one quarter twice as many of the staff leave."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import expit, logit

from crmlab.estimators import impulse_response
from crmlab.mechanisms.turnover import mean_skill, mean_tenure, skill_after
from crmlab.plots.style import looks, subplots
from crmlab.theories.service_profit_chain import USUAL, ServiceProfitMarket, retention_paths
from crmlab.widgets.controls import slider
from crmlab.widgets.explorable import Explorable
from crmlab.words import words

AHEAD = 12  # quarters


def shock(leaving: float, to_customers: float, to_staff: float) -> tuple[np.ndarray, np.ndarray]:
    """Shares of staff and of customers who stay, the quarter before the shock first.

    Parameters
    ----------
    leaving : float
        Share of staff who leave in a usual quarter; in the shock twice as many do.
    to_customers, to_staff : float
        Paths from one side's log-odds to the other's, next quarter.

    Returns
    -------
    staff, customers : arrays of shape (quarters + 2,)
    """
    p = ServiceProfitMarket(staff_to_customer_retention=to_customers, customer_to_staff_retention=to_staff)
    first = logit(1 - 2 * leaving) - logit(1 - leaving)
    moved = first * impulse_response(retention_paths(p), AHEAD)[:, :, 0]
    levels = np.array([logit(1 - leaving), USUAL["customers"]])
    staff, customers = expit(levels + np.vstack([[0.0, 0.0], moved])).T
    return staff, customers


def lost(customers: np.ndarray, of: float = 1000.0) -> float:
    """How many customers fewer are left after all quarters than without the shock."""
    return of * float(customers[0] ** len(customers[1:]) - customers[1:].prod())


def explore() -> Explorable:
    """Sliders for turnover, learning, and for how each side's retention moves the other's."""
    return Explorable(
        draw,
        {
            "leaving": slider(words("turnover.leaving"), 4, 1, 15, 1),
            "unlearnt": slider(words("turnover.unlearnt"), 90, 50, 98, 2),
            "to_customers": slider(words("turnover.to_customers"), 0.15, 0.0, 0.5, 0.05),
            "to_staff": slider(words("turnover.to_staff"), 0.10, 0.0, 0.5, 0.05),
        },
        code=lambda leaving, unlearnt, to_customers, to_staff: (
            f"mean_skill({leaving / 100:g}, {unlearnt / 100:g})"
        ),
    )


def draw(leaving: float, unlearnt: float, to_customers: float, to_staff: float) -> tuple[Figure, str]:
    """Mean skill and customers' retention through the shock, and what both come to, in a sentence."""
    usual, kept = leaving / 100, unlearnt / 100
    staff, customers = shock(usual, to_customers, to_staff)
    level = mean_skill(usual, kept)
    skill = np.append(level, skill_after(1 - staff[1:], kept, level))
    figure, (left, right) = subplots(1, 2, figsize=(9.6, 3.2))
    _through(left, 100 * skill, words("turnover.skill"))
    _through(right, 100 * customers, words("turnover.retention"))
    told = words(
        "turnover.told",
        tenure=mean_tenure(usual),
        skill=100 * level,
        lowest=100 * skill.min(),
        lost=lost(customers),
    )
    return figure, told


def _through(axes: Axes, values: np.ndarray, label: str) -> None:
    quarters = np.arange(-1, len(values) - 1)
    look = looks([words("turnover.shocked")])[words("turnover.shocked")]
    axes.plot(quarters, values, label=words("turnover.shocked"), **look)
    axes.axhline(values[0], color="grey", linestyle=":", label=words("turnover.usual"))
    axes.set(xlabel=words("turnover.quarters"), ylabel=label)
    axes.margins(y=0.25)
    axes.legend(fontsize=8, loc="lower right")
