"""Pictures of an exchange: the four kinds of customer, and how a favour echoes."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from crmlab.plots.style import HEADLINE, MARKERS, SERIES, TRUTH
from crmlab.words import say

ENDS = (-4.0, 4.0)
INSIDE = ((0.5, "-"), (0.9, "--"))  # ellipses that hold these shares


def quadrant_map(
    axes: Axes,
    shares: Mapping[tuple[str, str], float],
    mean: np.ndarray | None = None,
    covariance: np.ndarray | None = None,
) -> None:
    """Satisfied or not across, staying or leaving upwards: the cross, each quadrant's share, and ellipses.

    Parameters
    ----------
    axes : Axes
    shares : mapping
        By ``("satisfied" or "dissatisfied", "stay" or "leave")``.
    mean, covariance : arrays of shape (2,) and (2, 2), optional
        Of a normal cloud, whose ellipses then are drawn.
    """
    axes.axhline(0, color=TRUTH, linewidth=1.2)
    axes.axvline(0, color=TRUTH, linewidth=1.2)
    for (feeling, act), share in shares.items():
        x, y = (2.6 if feeling == "satisfied" else -2.6), (2.9 if act == "stay" else -3.1)
        axes.text(x, y, say("{share:.0%}", share=share), weight="bold", size=13, ha="center")
    if mean is not None and covariance is not None:
        turn = np.linspace(0, 2 * np.pi, 181)
        circle = np.linalg.cholesky(covariance) @ np.stack([np.cos(turn), np.sin(turn)])
        for inside, line in INSIDE:
            x, y = np.asarray(mean)[:, None] + circle * np.sqrt(-2 * np.log(1 - inside))
            axes.plot(x, y, color=HEADLINE, linestyle=line, label=say("holds {share:.0%}", share=inside))
        axes.legend(loc="lower center", fontsize=7)
    axes.set(
        xlabel="outcome against comparison level\n(satisfied right of 0)",
        ylabel="against the best offer\n(stays above 0)",
        xlim=ENDS,
        ylim=ENDS,
    )


def echo_curves(axes: Axes, response: np.ndarray) -> None:
    """What a hundred favours of the firm bring in each later quarter, a line a side.

    Parameters
    ----------
    axes : Axes
    response : array of shape (quarters + 1, 2, 2)
        As `crmlab.estimators.impulse_response` gives it; the firm first.
    """
    quarters = np.arange(1, len(response))
    for side, (name, line) in enumerate((("of the customer", "-"), ("of the firm", "--"))):
        axes.plot(
            quarters,
            100 * response[1:, 1 - side, 0],
            color=SERIES[side],
            marker=MARKERS[side],
            linestyle=line,
            label=name,
        )
    axes.set(xlabel="quarters after", ylabel="favours more, of 100 given", xticks=quarters)
    axes.legend(title="favours")
