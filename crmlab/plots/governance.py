"""Which governance is cheaper: the costs of dealing with and without a contract, by specificity."""

import numpy as np
from matplotlib.axes import Axes
from scipy.stats import norm

from crmlab.plots.style import PALETTE, TRUTH
from crmlab.words import words

RANGE, BOTTOM = 2.5, -130.0  # standard deviations of specificity; log points


def governance_curves(axes: Axes, without: float, intercept: float, slope: float) -> float:
    """Draw two cost curves and where they cross, over the distribution of specificity.

    Parameters
    ----------
    axes : matplotlib Axes
    without : float
        Slope of the cost without a contract, log points / 100 per standard deviation.
    intercept, slope : float
        Of what a contract adds.

    Returns
    -------
    float
        The specificity at which the curves cross; NaN if they are parallel.
    """
    levels = np.linspace(-RANGE, RANGE, 61)
    crossing = -intercept / slope if slope else np.nan
    axes.fill_between(levels, 55 * norm.pdf(levels) + BOTTOM, BOTTOM, color=PALETTE["grey"], alpha=0.25)
    axes.plot(levels, 100 * without * levels, color=PALETTE["orange"], label=words("labels.without_contract"))
    dearer = 100 * (without * levels + intercept + slope * levels)
    axes.plot(levels, dearer, "--", color=PALETTE["blue"], label=words("labels.with_contract"))
    if abs(crossing) < RANGE:
        axes.axvline(crossing, color=TRUTH, linewidth=1)
    axes.set(xlim=(-RANGE, RANGE), ylim=(BOTTOM, 190), xlabel=words("labels.specificity"))
    axes.set_ylabel(words("labels.governance_cost"))
    axes.legend(loc="upper left")
    return crossing
