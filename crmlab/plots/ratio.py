"""A ratio of two estimates, and how far its intervals believe it to reach."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import norm

from crmlab.plots.style import MARKERS, NAIVE, PALETTE, TRUTH, subplots, truth_line
from crmlab.words import words

DRAWS = 20_000


def ratio_plot(ratio: Any, truth: float, label: str, seed: int = 1) -> Figure:
    """Draws of a ratio, the delta method's curve over them, and three intervals above.

    Parameters
    ----------
    ratio : crmlab.models.ratio.Ratio
        Of one cohort: numbers, or arrays that hold one.
    truth : float
    label : str
        Of the horizontal axis, with its unit.
    seed : int
        Of the draws.

    Returns
    -------
    matplotlib Figure
        An interval without an end goes on beyond the edge.
    """
    value, error = np.ravel(ratio.value)[0], np.ravel(ratio.standard_error)[0]
    ends = [[np.ravel(end)[0] for end in each()] for each in (ratio.fieller, ratio.krinsky_robb, ratio.delta)]
    reach = np.clip(np.concatenate([ends[0], ends[2], [truth]]), value - 8 * error, value + 8 * error)
    grid = np.linspace(reach.min() - error, reach.max() + error, 300)
    means = [np.ravel(ratio.numerator)[0], np.ravel(ratio.denominator)[0]]
    covariance = np.reshape(ratio.covariance, (2, 2))
    pairs = np.random.default_rng(seed).multivariate_normal(means, covariance, DRAWS)
    figure, axes = subplots(figsize=(6.8, 3.4))
    inside, drawn = (grid[0], grid[-1]), pairs[:, 0] / pairs[:, 1]
    axes.hist(
        drawn,
        bins=80,
        range=inside,
        density=True,
        color=PALETTE["sky"],
        edgecolor="white",
        label=words("ratio.draws"),
    )
    axes.plot(grid, norm.pdf(grid, value, error), color=NAIVE, linestyle="-.", label=words("ratio.curve"))
    top = axes.get_ylim()[1]
    names = (words("ratio.fieller"), words("ratio.krinsky_robb"), words("ratio.delta"))
    heights = [top * height for height in (1.36, 1.24, 1.12)]
    for (low, high), height, marker in zip(ends, heights, MARKERS):
        axes.hlines(height, max(low, grid[0]), min(high, grid[-1]), color=TRUTH, linewidth=3)
        axes.plot(value, height, marker, color=TRUTH)
    truth_line(axes, truth, words("design.estimand"), vertical=True)
    ticks = axes.secondary_yaxis("right")
    ticks.set_yticks(heights, names)
    ticks.tick_params(length=0)
    axes.set(xlabel=label, ylabel=words("ratio.density"), xlim=inside, ylim=(0, 1.45 * top))
    axes.legend(loc="center right", fontsize=9)
    return figure
