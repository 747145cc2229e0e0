"""The picture of a power question: points simulated, the target, and where it is crossed."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from crmlab.plots.style import HEADLINE, PALETTE, TRUTH, subplots
from crmlab.words import words


def solution_plot(solution: Any) -> Figure:
    """Power at every point simulated, with the target and the crossing with its interval.

    Parameters
    ----------
    solution : Solution
        What `Design.solve` returns.
    """
    path = solution.path.sort_values(solution.over)
    figure, axes = subplots(figsize=(6.4, 3.6))
    axes.axvspan(
        solution.low, solution.high, color=PALETTE["sky"], alpha=0.3, label=words("solving.interval")
    )
    axes.axvline(
        solution.value, color=TRUTH, linewidth=1.2, label=words("solving.value", value=_text(solution.value))
    )
    axes.axhline(
        solution.power,
        color=TRUTH,
        linestyle=":",
        linewidth=1.2,
        label=words("solving.target", power=solution.power),
    )
    axes.errorbar(
        path[solution.over],
        path["power"],
        1.96 * np.maximum(path["power_mcse"], 1e-9),
        fmt="o",
        color=HEADLINE,
        capsize=3,
        label=words("solving.simulated"),
    )
    axes.set(
        ylim=(-0.03, 1.03),
        xlabel=words(f"solving.{solution.over}")
        if solution.over == "n_customers"
        else solution.over.replace("_", " "),
        ylabel=words("solving.power"),
        title=words("solving.title", hypothesis=solution.hypothesis, estimator=solution.estimator),
    )
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.legend(loc="best")
    return figure


def _text(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
