"""The explorable of lesson 11: what a purchase history says about a customer's future."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from crmlab.models.btyd import BGNBD
from crmlab.plots.customers import alive_map
from crmlab.plots.style import HEADLINE, PALETTE, subplots
from crmlab.theories.customer_lifetime_value import CustomerBase
from crmlab.widgets.controls import slider
from crmlab.widgets.explorable import Explorable
from crmlab.words import words

PURCHASES_AT = -0.06  # under the probability's zero, above the axis and its numbers
MOST = 20  # repeat purchases on the slider and the map


def explore(model: BGNBD | None = None) -> Explorable:
    """Sliders for one customer's frequency, recency and observation time.

    Parameters
    ----------
    model : BGNBD, optional
        CDNOW's, as published, if not given. Times in weeks.
    """
    if model is None:
        p = CustomerBase()
        model = BGNBD.from_params(r=p.r, alpha=p.alpha, a=p.a, b=p.b)
    return Explorable(
        lambda **at: draw(model, **at),
        {
            "frequency": slider(words("clv.purchases_made"), 4, 0, MOST),
            "recency": slider(words("clv.last_purchase"), 30, 1, 78),
            "followed": slider(words("clv.weeks_followed"), 39, 4, 78),
            "ahead": slider(words("clv.weeks_ahead"), 39, 4, 104),
        },
        code=_code,
    )


def _code(frequency: int, recency: float, followed: float, ahead: float) -> str:
    """The line that computes what is seen; a recency that cannot be is what `draw` made of it."""
    recency = min(recency, followed) if frequency else 0
    return (
        f"model.probability_alive({frequency}, {recency}, {followed}), "
        f"model.conditional_expected_purchases({ahead}, {frequency}, {recency}, {followed})"
    )


def draw(model: BGNBD, frequency: int, recency: float, followed: float, ahead: float) -> tuple[Figure, str]:
    """The picture: the customer's history with P(alive) along it, and where the customer stands on the map.

    A last purchase after the end of observation is moved to that end; without a repeat purchase there is
    none.
    """
    recency = float(min(recency, followed)) if frequency else 0.0
    alive = float(model.probability_alive(frequency, recency, followed))
    expected = float(model.conditional_expected_purchases(ahead, frequency, recency, followed))
    recipe = frequency / followed * ahead
    figure, (history, place) = subplots(1, 2, figsize=(10, 3.7), width_ratios=[1.15, 1])
    _history(history, model, frequency, recency, followed)
    history.set_title(words("clv.expected", expected=expected, weeks=ahead, recipe=recipe), fontsize=9.5)
    alive_map(model, followed, MOST, (frequency, recency), place)
    place.set_title("")
    return figure, words(
        "clv.explored",
        frequency=frequency,
        recency=recency,
        weeks=followed,
        alive=alive,
        expected=expected,
        ahead=ahead,
        recipe=recipe,
    )


def _history(axes, model, frequency, recency, followed):
    """Purchases, evenly spaced, and the probability of being active as it stood in each week."""
    purchases = recency * np.arange(1, frequency + 1) / max(frequency, 1)
    week = np.unique(np.concatenate([np.linspace(0, followed, 240), purchases, purchases - 1e-6]))
    week = week[(week > 0) & (week <= followed)]
    made = np.searchsorted(purchases, week, side="right")
    last = np.where(made > 0, np.append(purchases, 0.0)[made - 1], 0.0)
    alive = model.probability_alive(made, last, week)
    axes.plot(week, alive, color=HEADLINE, label=words("clv.alive"))
    axes.plot(
        np.append(0.0, purchases),
        np.full(frequency + 1, PURCHASES_AT),
        "|",
        color="black",
        markersize=12,
        markeredgewidth=2,
        linestyle="none",
        label=words("clv.purchase"),
        clip_on=False,
    )
    axes.axvline(followed, color=PALETTE["grey"], linewidth=1)
    axes.text(followed, 1.03, words("clv.today"), ha="right", color=PALETTE["grey"])
    axes.set(xlabel=words("clv.since_first"), ylim=(-0.12, 1.1), xlim=(0, followed * 1.02))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.legend(loc="lower left", bbox_to_anchor=(0, 0.12), framealpha=0.9, frameon=True, edgecolor="none")
