"""One style and one palette for every picture, and the one way a picture is shown: with its alt text.

The colours are Okabe & Ito's (2008), which people with any of the common colour deficiencies can tell apart.
"""

import io
from contextlib import AbstractContextManager
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from crmlab.errors import InputError
from crmlab.plots.language import font_family, translate
from crmlab.words import translated
from crmlab.words.marks import as_html, as_text

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
LINES = ["-", "--", ":", "-.", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1))]
ROOM = 0.18  # of the height of what is drawn, for a row of a legend above it
LINE_AT_TRUTH = (0, (4, 3))

STYLE = {
    "figure.dpi": 96,
    "savefig.dpi": 96,
    "figure.figsize": (7.2, 3.8),
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


LAYOUT = "figure.constrained_layout.use"  # not a part of STYLE: seaborn's facets have a layout of their own


def style() -> AbstractContextManager[None]:
    """A context in the house style, which leaves the user's own settings as they were."""
    return plt.rc_context(STYLE | {LAYOUT: True})


def use_style() -> None:
    """Draw in the house style from here on, in this process: matplotlib's and seaborn's pictures alike.

    seaborn takes its colours, grids and sizes from matplotlib's settings unless told otherwise, so this is
    its theme, too; ``sns.set_theme()`` would undo it.
    """
    plt.rcParams.update(STYLE | {"font.family": font_family()})


def subplots(*arguments: Any, **options: Any) -> tuple[Figure, Any]:
    """``plt.subplots`` in the house style, which stays on: titles and legends come after the axes."""
    use_style()
    return plt.subplots(*arguments, **{"layout": "constrained", **options})


def looks(labels: Any) -> dict[Any, dict[str, Any]]:
    """For each label the look of its line: a colour, a line style and a marker of its own.

    No line is told from another by its colour alone: ``axes.plot(x, y, **looks(names)[name])``.
    """
    return {
        label: {
            "color": SERIES[number % len(SERIES)],
            "linestyle": LINES[number % len(LINES)],
            "marker": MARKERS[number % len(MARKERS)],
        }
        for number, label in enumerate(dict.fromkeys(labels))
    }


def ink_on(colour: str) -> str:
    """Black or white, whichever is read more easily on a colour, by the contrast that WCAG 2.1 defines.

    Source: https://www.w3.org/TR/WCAG21/#dfn-relative-luminance
    """
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "white" if 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05 else "black"


def png(figure: Figure) -> bytes:
    """The figure as PNG bytes, the same bytes for the same figure."""
    translate(figure)
    data = io.BytesIO()
    figure.savefig(data, format="png", metadata={"Software": None})
    return data.getvalue()


CAPTION = (
    '<p class="crmlab-caption" style="max-width: 46rem; margin: .2rem 0 .8rem; padding-left: .8rem; '
    'border-left: 3px solid #8a8a8a; line-height: 1.45">{}</p>'
)


def show(figure: Figure, alt: str, caption: str = "") -> None:
    """Show a figure with its caption under it, and close it.

    Parameters
    ----------
    figure : matplotlib Figure
        Or what seaborn returns: a grid or axes.
    alt : str
        What the picture looks like, for those who cannot see it: one or two sentences.
    caption : str
        What the picture says, for everybody: the finding, with its number. ``*emphasis*`` is marked.

    Raises
    ------
    InputError
        If `alt` is empty, or says no more than the caption.
    """
    figure = getattr(figure, "figure", figure)
    if not str(alt).strip():
        raise InputError("alt is empty; say in a sentence what the picture shows")
    if alt == caption:
        raise InputError("alt and caption are the same; the caption says the finding, alt what is drawn")
    alt, caption = translated(alt), translated(caption)
    about = {"alt": alt} | ({"caption": caption} if caption else {})
    data = {"image/png": png(figure), "text/plain": f"[{alt}]"}
    plt.close(figure)
    display(data, metadata={"image/png": about}, raw=True)
    if caption:  # front ends show no caption of an image, so it is an output of its own
        shown = {"text/html": CAPTION.format(as_html(caption)), "text/plain": as_text(caption)}
        display(shown, metadata={"crmlab": {"caption": True}}, raw=True)


def truth_line(axes: Axes, value: float, label: str, vertical: bool = False) -> Line2D:
    """A dashed black line at the truth: the same mark in every picture."""
    draw = axes.axvline if vertical else axes.axhline
    return draw(value, color=TRUTH, linestyle=LINE_AT_TRUTH, linewidth=1.4, label=label, zorder=1)


def legend_above(axes: Axes, ncols: int = 2) -> None:
    """A small legend over what is drawn, with room made for it: no line runs under it, wherever it moves."""
    (low, high), entries = axes.get_ylim(), len(axes.get_legend_handles_labels()[1])
    axes.set_ylim(low, high + ROOM * -(-entries // ncols) * (high - low))
    axes.legend(loc="upper center", ncols=ncols, fontsize="x-small", handlelength=1.5)
