"""One style and one palette for every picture, and the one way a picture is shown: with its alt text.

The colours are Okabe & Ito's (2008), which people with any of the common colour deficiencies can tell apart.
"""

import io

import matplotlib
import matplotlib.pyplot as plt
from IPython.display import display

from crmlab.errors import InputError

PALETTE = {
    "black": "#000000",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "purple": "#CC79A7",
    "grey": "#767676",
}
TRUTH = PALETTE["black"]
HEADLINE = PALETTE["blue"]
NAIVE = PALETTE["vermillion"]
SERIES = [PALETTE[name] for name in ("blue", "vermillion", "green", "purple", "orange", "sky")]
MARKERS = ["o", "s", "^", "D", "v", "P"]

STYLE = {
    "figure.dpi": 96,
    "savefig.dpi": 96,
    "figure.figsize": (7.2, 3.8),
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E2E2E2",
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "lines.linewidth": 2,
    "axes.prop_cycle": matplotlib.cycler(color=SERIES),
    "svg.hashsalt": "crmlab",
    "font.family": "DejaVu Sans",
}


def style():
    """A context in the house style, which leaves the user's own settings as they were."""
    return plt.rc_context(STYLE)


def use_style():
    """Draw in the house style from here on, in this process."""
    plt.rcParams.update(STYLE)


def subplots(*arguments, **options):
    """``plt.subplots`` in the house style, which stays on: titles and legends come after the axes."""
    use_style()
    return plt.subplots(*arguments, **options)


def png(figure):
    """The figure as PNG bytes, the same bytes for the same figure."""
    data = io.BytesIO()
    figure.savefig(data, format="png", metadata={"Software": None})
    return data.getvalue()


def show(figure, alt):
    """Show a figure with its alt text, and close it.

    Parameters
    ----------
    figure : matplotlib Figure
    alt : str
        What the picture tells, for those who cannot see it: one or two sentences.

    Raises
    ------
    InputError
        If `alt` is empty.
    """
    if not str(alt).strip():
        raise InputError("alt is empty; say in a sentence what the picture tells")
    data = {"image/png": png(figure), "text/plain": f"[{alt}]"}
    plt.close(figure)
    display(data, metadata={"image/png": {"alt": alt}}, raw=True)


def truth_line(axes, value, label, vertical=False):
    """A dashed black line at the truth: the same mark in every picture."""
    draw = axes.axvline if vertical else axes.axhline
    return draw(value, color=TRUTH, linestyle=(0, (4, 3)), linewidth=1.4, label=label, zorder=1)
