"""What a mediated effect would be, were errors correlated: the picture of a sensitivity analysis."""

from typing import Any

from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from crmlab.words import translated


def sensitivity_curve(axes: Axes, rho: ArrayLike, effect: ArrayLike, undone_at: float, **look: Any) -> None:
    """Draw the effect through a mediator against the correlation of errors that is assumed.

    Parameters
    ----------
    axes : Axes
    rho, effect : array of shape (points,)
        As `crmlab.models.mediation.mediated_effect_at` gives the second of the first.
    undone_at : float
        Correlation at which the curve crosses 0: an open circle.
    **look
        Of the line.
    """
    axes.plot(rho, effect, **look)
    axes.plot(undone_at, 0, "o", color=look.get("color"), fillstyle="none")
    axes.axhline(0, color="grey", linewidth=1)
    axes.set(xlabel=translated("assumed correlation ρ of errors"))
