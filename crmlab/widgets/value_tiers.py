"""Lesson 12's explorable: a market and a window, and what the best fifth hold in this one and the next."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from crmlab.models.concentration import buying, least_decile_ratio, share_of_best
from crmlab.plots.concentration import lorenz_plot
from crmlab.plots.style import subplots
from crmlab.widgets.controls import slider
from crmlab.widgets.explorable import Explorable
from crmlab.words import say

FRACTIONS = np.r_[0, np.linspace(0.02, 1, 25)]


def explore() -> Explorable:
    """Sliders over how customers differ and how long they are watched; two Lorenz curves in one order."""
    return Explorable(
        draw,
        {
            "k": slider("likeness of rates k (small: they differ)", 0.5, 0.2, 5.0, 0.1),
            "mean": slider("purchases a customer and year", 4.0, 1.0, 15.0, 0.5),
            "sigma": slider("spread of amounts (log-sd)", 0.5, 0.1, 1.2, 0.1),
            "persistence": slider("chance of keeping one's rate", 0.9, 0.0, 1.0, 0.1),
            "years": slider("window (years)", 1.0, 0.25, 4.0, 0.25),
        },
        code=lambda **v: (
            f"share_of_best(0.2, {v['k']:g}, {v['mean'] * v['years']:g}, {v['sigma']:g}, "
            f"{v['persistence']:g})"
        ),
    )


def draw(k: float, mean: float, sigma: float, persistence: float, years: float) -> tuple[Figure, str]:
    """The picture, and what it says."""
    market = (k, mean * years, sigma, persistence)
    now, then, listed = (
        share_of_best(FRACTIONS, *market, **asked) for asked in ({}, {"following": True}, {"listed": True})
    )
    curves = {
        name: pd.DataFrame({"fraction": FRACTIONS, "share": held, "low": held, "high": held})
        for name, held in (
            ("buyers, this window", now),
            ("the same, next window", then),
            ("whole list, this window", listed),
        )
    }
    figure, axes = subplots(figsize=(6.6, 4.0))
    lorenz_plot(axes, curves, what="their share of sales (%)")
    fifth, next_fifth, of_list = (
        float(share_of_best(0.2, *market, **asked)[0])
        for asked in ({}, {"following": True}, {"listed": True})
    )
    told = say(
        "The best fifth of buyers hold {now:.0%} and {then:.0%} in the next window; of the whole list, of "
        "whom {buy:.0%} buy, {listed:.0%}. Their tenths are at least {least:.0f} times apart.",
        now=fifth,
        then=next_fifth,
        buy=float(buying(k, mean * years)),
        listed=of_list,
        least=float(least_decile_ratio(fifth)),
    )
    axes.set_title(told, fontsize=8.5, loc="left", wrap=True)
    return figure, told
