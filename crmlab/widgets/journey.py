"""The explorable of lesson 15: drag the moments of a stay, and weigh what is kept of them."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crmlab.design import Design
from crmlab.mechanisms.journeys import MOMENT_SPREAD, MOMENTS, journey_scores, peak_end_of, peak_of
from crmlab.plots.style import PALETTE, subplots
from crmlab.theories.experience import ExperienceMarket, peak_end_lead, recall_correlations
from crmlab.widgets.controls import slider
from crmlab.widgets.explorable import Explorable
from crmlab.widgets.market import power_curve
from crmlab.words import words

START = (1.0, 3.0, -1.0, 0.0, 1.0, 2.0)
SIZES = (50, 150, 500, 1500)
ROUGH = 5  # a rough picture has a fifth of the simulations
HATCHES = ("", "//", "..", "xx")


def explore(design: Design, sims: int = 100, seed: int = 1) -> Explorable:
    """Sliders for six moments and for what recall keeps; the journey, its place, and the power of H2.

    Parameters
    ----------
    design : Design
        Lesson 15's, in the preset that is meant.
    sims : int
        Cohorts behind each point of the power curve; a fifth while a slider moves.
    seed : int
    """
    p = design.parameters
    controls = {
        f"moment_{at + 1}": slider(words("journey.moment", number=at + 1), start, -5.0, 5.0, 0.5)
        for at, start in enumerate(START)
    } | {
        "mean_to_recall": slider(words("journey.mean_weight"), p.mean_to_recall, 0.0, 0.4, 0.05),
        "peak_end_to_recall": slider(words("journey.peak_end_weight"), p.peak_end_to_recall, 0.0, 0.65, 0.05),
        "last_moment_at_exit": slider(words("journey.still_felt"), p.last_moment_at_exit, 0.0, 1.0, 0.1),
    }

    def redraw(quick: bool = False, **values: float) -> tuple[Figure, str]:
        moments, market = _taken(design, values)
        return draw(market, moments, max(sims // ROUGH, 20) if quick else sims, seed)

    def noted(**values: float) -> str:
        _, market = _taken(design, values)
        peak_end, mean = recall_correlations(market.parameters)
        lead = peak_end_lead(market.parameters)
        return words("journey.truth", peak_end=peak_end, mean=mean, lead=lead)

    return Explorable(redraw, controls, code=_code, note=noted)


def _taken(design: Design, values: dict[str, float]) -> tuple[np.ndarray, Design]:
    moments = np.array([values.pop(f"moment_{at + 1}") for at in range(MOMENTS)])
    return moments, design.replace(**values)


def _code(**values: float) -> str:
    weights = ", ".join(f"{name}={value}" for name, value in values.items() if not name.startswith("moment_"))
    return f"theory.peak_end_lead(design.preset(preset).replace({weights}).parameters)"


def places(p: ExperienceMarket, moments: np.ndarray) -> dict[str, float]:
    """Where a journey stands among those of all guests, standard deviations, by four measures.

    Those of recall are expected values: what chance adds to a single memory is left out.
    """
    scores = journey_scores()
    mean = (moments.mean() - scores.mean) / scores.mean_spread
    peak_end = (peak_end_of(moments) - scores.peak_end) / scores.peak_end_spread
    week = p.mean_to_recall * mean + p.peak_end_to_recall * peak_end
    still_felt = p.last_moment_at_exit * (moments[-1] - moments.mean()) / MOMENT_SPREAD
    return {"mean": float(mean), "peak_end": float(peak_end), "week": week, "exit": week + still_felt}


def draw(market: Design, moments: np.ndarray, sims: int, seed: int) -> tuple[Figure, str]:
    """The journey, its place among all, and the power of both ways to ask."""
    found = places(market.parameters, moments)
    figure, (left, middle, right) = subplots(1, 3, figsize=(10.2, 3.5), width_ratios=[1, 0.8, 1.1])
    draw_journey(left, moments)
    bars = middle.barh([words(f"journey.{name}") for name in found], list(found.values()), hatch=HATCHES)
    middle.bar_label(bars, fmt="%+.1f", padding=3)
    middle.axvline(0, color="grey", linewidth=1)
    reach = max(2.5, 1.4 * max(map(abs, found.values())))
    middle.set(xlabel=words("journey.sd"), xlim=(-reach, reach))
    middle.invert_yaxis()
    power_curve(right, market.with_estimators("a week later", "at the exit"), "H2", SIZES, sims, seed)
    right.set_title(words("explorable.power"))
    right.legend(fontsize=8)
    return figure, words("journey.places", **found)


def draw_journey(axes: Axes, moments: Any) -> None:
    """Draw six moments, with lines at their mean and at peak–end, and marks on the peak and the end."""
    moments = np.asarray(moments, dtype=float)
    number = np.arange(1, MOMENTS + 1)
    axes.plot(number, moments, "-", color=PALETTE["grey"], marker=".")
    at = int(np.abs(moments).argmax())
    axes.plot(
        at + 1, peak_of(moments), "^", markersize=10, color=PALETTE["vermillion"], label=words("journey.peak")
    )
    axes.plot(MOMENTS, moments[-1], "s", markersize=8, color=PALETTE["blue"], label=words("journey.end"))
    for name, value, line in (("mean", moments.mean(), "-"), ("peak_end", peak_end_of(moments), "--")):
        axes.axhline(value, color="black", linestyle=line, linewidth=1.2, label=words(f"journey.{name}"))
    axes.axhline(0, color="grey", linestyle=":", linewidth=1)
    axes.set(xlabel=words("journey.moments"), ylabel=words("journey.felt"), ylim=(-5.5, 5.5))
    axes.legend(fontsize=8, ncols=2)
