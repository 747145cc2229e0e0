"""Causal pictures: boxes for what is observed, ellipses for what is not, arrows for what causes what."""

from collections.abc import Collection, Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.patches import Ellipse, FancyArrowPatch, FancyBboxPatch

from crmlab.errors import check_known
from crmlab.plots.style import NAIVE, PALETTE, TRUTH, subplots
from crmlab.words import translated
from crmlab.words.layout import width as columns

LOOKS = {
    "cause": (TRUTH, "-", "-|>"),
    "bias": (NAIVE, (0, (5, 3)), "-|>"),
    "correlation": (PALETTE["grey"], (0, (1, 1.5)), "<|-|>"),
}


def causal_diagram(
    nodes: Mapping[str, tuple[float, float]],
    arrows: Sequence[tuple],
    latent: Collection[str] = (),
    size: tuple[float, float] = (7.2, 3.2),
    labels: Mapping[str, str] | None = None,
) -> Figure:
    """A directed acyclic graph.

    Parameters
    ----------
    nodes : dict of str to (float, float)
        Place of each variable, both coordinates from 0 to 1.
    arrows : sequence of (str, str) or (str, str, dict)
        From and to, as `crmlab.mechanisms.paths.PathModel.arrows` gives them; options ``label``, ``kind``
        (``"cause"``, ``"bias"`` or, with a head at both ends, ``"correlation"``) and ``bend``.
    latent : collection of str
        The variables that nobody observes: drawn as ellipses.
    size : (float, float)
        Inches.
    labels : dict of str to str, optional
        What is written in a node, where that is not its name. A newline breaks the line.

    Returns
    -------
    matplotlib Figure
    """
    check_known("node", [name for arrow in arrows for name in arrow[:2]], nodes)
    check_known("node", [*latent, *(labels or {})], nodes)
    written = {name: translated((labels or {}).get(name, name)) for name in nodes}
    figure, axes = subplots(figsize=size)
    axes.set(xlim=(-0.15, 1.17), ylim=(-0.15, 1.15))
    axes.axis("off")
    shapes = {}
    for name, place in nodes.items():
        shapes[name] = _shape(axes, written[name], place, name in latent)
    for start, end, *options in arrows:
        _arrow(axes, nodes, shapes, start, end, **(options[0] if options else {}))
    return figure


def _shape(axes, name, place, latent):
    lines = name.split("\n")
    width, height = 0.045 + 0.0145 * max(map(columns, lines)), 0.10 + 0.075 * len(lines)
    if latent:
        shape = Ellipse(
            place, width * 1.3, height * 1.25, facecolor="white", edgecolor=PALETTE["blue"], linewidth=1.6
        )
    else:
        shape = FancyBboxPatch(
            (place[0] - width / 2, place[1] - height / 2),
            width,
            height,
            facecolor="#F3F6FA",
            boxstyle="round,pad=0,rounding_size=0.02",
            edgecolor=PALETTE["grey"],
            linewidth=1.2,
        )
    axes.add_patch(shape)
    axes.text(*place, name, ha="center", va="center", zorder=5)
    return shape


def _arrow(axes, nodes, shapes, start, end, label="", kind="cause", bend=0.0):
    check_known("kind", [kind], LOOKS)
    colour, line, heads = LOOKS[kind]
    arrow = FancyArrowPatch(
        nodes[start],
        nodes[end],
        patchA=shapes[start],
        patchB=shapes[end],
        shrinkA=2,
        shrinkB=2,
        arrowstyle=heads,
        mutation_scale=13,
        color=colour,
        linestyle=line,
        linewidth=1.4,
        connectionstyle=f"arc3,rad={bend}",
        zorder=2,
    )
    axes.add_patch(arrow)
    if label:
        (x0, y0), (x1, y1) = nodes[start], nodes[end]
        middle = ((x0 + x1) / 2 + bend * (y1 - y0) / 2, (y0 + y1) / 2 - bend * (x1 - x0) / 2)
        axes.text(
            *middle,
            label,
            ha="center",
            va="center",
            color=colour,
            fontsize=9,
            zorder=6,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
        )
