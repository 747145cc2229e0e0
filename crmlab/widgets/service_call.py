"""The explorable of lesson 03: one call, the market that rewards it, and how often an inverted U is found."""

from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from crmlab.mechanisms import calls as desk
from crmlab.plots.style import PALETTE, TRUTH, subplots
from crmlab.theories.service_quality import ServiceMarket, design, sale_chance
from crmlab.widgets.controls import slider
from crmlab.widgets.explorable import Explorable
from crmlab.widgets.market import market_code, power_curve
from crmlab.words import words

SIZES = (400, 800, 1600, 3200)  # calls
SIMS, FEW = 100, 20  # cohorts behind each point of the power curve; while a slider moves
SALES = 3.0  # standard deviations of enthusiasm to both sides


def explore(seed: int = 1) -> Explorable:
    """Sliders for one call (talk, enthusiasm, fitting style) and for the market's reward of talk.

    Parameters
    ----------
    seed : int
        Of the cohorts whose inverted U is tested.
    """
    return Explorable(
        partial(_redraw, seed=seed),
        {
            "talk": slider(words("service_call.talk"), 0.3, desk.FIRST, desk.LAST, 0.05),
            "enthusiasm": slider(words("service_call.enthusiasm"), 0.0, -2.0, 2.0, 0.25),
            "fits": slider(words("service_call.fits"), 1.0, 0.0, 1.0, 0.25),
            "peak": slider(words("service_call.peak"), 0.3, 0.1, 0.6, 0.05),
            "bend": slider(words("service_call.bend"), 8.0, 0.0, 15.0, 1.0),
            "rise": slider(words("service_call.rise"), 0.0, 0.0, 3.0, 0.25),
        },
        code=lambda peak, bend, rise, **_: market_code(_market(peak, bend, rise), "H4", SIZES, SIMS, seed),
        note=in_words,
    )


def worth(talk: Any, fits: float, peak: float, bend: float, rise: float) -> Any:
    """Points of resolution that a call brings, by its agent's share of the talk."""
    return desk.talk_reward(np.asarray(talk), peak, bend, rise) + fits * design.parameters.match


def in_words(talk: float, enthusiasm: float, fits: float, peak: float, bend: float, rise: float) -> str:
    """What the call brings, and its chance of a sale, in a sentence."""
    points = float(worth(talk, fits, peak, bend, rise))
    chance = float(sale_chance(design.parameters, np.asarray(enthusiasm)))
    return words("service_call.told", points=f"{points:.2f}", chance=f"{chance:.0%}")


def _market(peak, bend, rise):
    return design.only("H4").replace(peak=peak, bend=bend, rise=rise)


def _redraw(
    *,
    talk: float,
    enthusiasm: float,
    fits: float,
    peak: float,
    bend: float,
    rise: float,
    seed: int,
    quick: bool = False,
) -> tuple[Figure, str]:
    figure, (left, middle, right) = subplots(1, 3, figsize=(10.2, 3.5), width_ratios=[1, 0.9, 1.15])
    reward = partial(worth, fits=fits, peak=peak, bend=bend, rise=rise)
    market = ServiceMarket()
    _one_call(left, np.linspace(desk.FIRST, desk.LAST, 101), reward, talk)
    left.set(xlabel=words("service_call.share"), ylabel=words("service_call.points"))
    _one_call(middle, np.linspace(-SALES, SALES, 101), lambda at: 100 * sale_chance(market, at), enthusiasm)
    middle.set(xlabel=words("service_call.zeal"), ylabel=words("service_call.sale"), ylim=(0, 100))
    table = power_curve(right, _market(peak, bend, rise), "H4", SIZES, FEW if quick else SIMS, seed)
    right.set(title=words("service_call.found"), xlabel=words("service_call.calls"))
    figure.legend(*right.get_legend_handles_labels(), loc="outside lower right", ncols=3)
    most = table.groupby("estimator")["rejection_rate"].last()
    told = in_words(talk, enthusiasm, fits, peak, bend, rise)
    return figure, words(
        "service_call.seen", told=told, lines=f"{most['two lines']:.0%}", arch=f"{most['parabola']:.0%}"
    )


def _one_call(axes, grid, curve, here):
    axes.plot(grid, curve(grid), color=TRUTH, label=words("service_call.truth"))
    axes.plot(
        here, curve(here), "o", color=PALETTE["orange"], markersize=11, label=words("service_call.this")
    )
    axes.legend()
