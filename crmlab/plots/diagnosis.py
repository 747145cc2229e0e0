"""Pictures of a diagnosis and of estimates against the truth."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from crmlab.errors import InputError, check_known, listing
from crmlab.plots.style import LINES, MARKERS, SERIES, TRUTH, subplots, truth_line
from crmlab.words import words
from crmlab.words.layout import fill, width

COLUMNS = 3  # panels of estimates side by side
TITLE = 32  # columns of text over one
RATES = ("rejection_rate", "coverage", "type_s")


def diagnosis_plot(
    diagnosis: Any,
    measures: str | Sequence[str] = ("rejection_rate", "coverage"),
    hypotheses: str | Sequence[str] | None = None,
    x: str | None = None,
) -> Figure:
    """A row of panels for each measure, a column for each hypothesis, a line for each estimator.

    Parameters
    ----------
    diagnosis : Diagnosis
    measures : sequence of str
        Diagnosands, as ``rejection_rate``, ``coverage``, ``bias``, ``type_m``; one's own too.
    hypotheses : sequence of str, optional
    x : str, optional
        The varied name on the horizontal axis; the first of those with most values otherwise.

    Returns
    -------
    matplotlib Figure
        Whiskers are ±1.96 Monte-Carlo standard errors. Each estimator, at each value of the other varied
        names, has the same colour and marker in all panels.
    """
    measures = [measures] if isinstance(measures, str) else list(measures)
    table = diagnosis.full
    check_known("measure", measures, [name for name in table if f"{name}_mcse" in table])
    known = list(dict.fromkeys(table["hypothesis"]))
    names = known if hypotheses is None else [hypotheses] if isinstance(hypotheses, str) else list(hypotheses)
    check_known("hypothesis", names, known)
    x = x or max(diagnosis.by, key=lambda name: table[name].nunique())
    if x not in diagnosis.by:
        raise InputError(f"x is {x!r}; the diagnosis varied {listing(diagnosis.by)}")
    figure, panels = subplots(
        len(measures),
        len(names),
        squeeze=False,
        sharey="row",
        sharex=True,
        figsize=(max(3.4 * len(names), 5.2), 2.7 * len(measures) + 0.4),
    )
    others = [each for each in diagnosis.by if each != x]
    looks = {}
    for column, name in enumerate(names):
        rows = table[table["hypothesis"] == name]
        for axes, measure in zip(panels[:, column], measures):
            _panel(axes, rows, measure, x, others, looks)
        panels[0, column].set_title(name)
        panels[-1, column].set_xlabel(in_words(x))
    for axes, measure in zip(panels[:, 0], measures):
        axes.set_ylabel(in_words(measure))
    handles = {
        label: handle for axes in panels.flat for handle, label in zip(*axes.get_legend_handles_labels())
    }
    columns = legend_columns(handles, figure.get_figwidth())
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=columns)
    figure.set_figheight(figure.get_figheight() + 0.2 * max(0, -(-len(handles) // columns) - 2))
    return figure


def legend_columns(labels: Collection[str], inches: float) -> int:
    """How many columns of these labels fit into a figure so wide."""
    return max(1, min(len(labels), int(inches / (0.085 * max(map(width, labels)) + 0.75))))


def in_words(measure: str) -> str:
    """The measure in words; a user's own is called what the user called it."""
    try:
        return words(f"labels.{measure}")
    except KeyError:
        return measure.replace("_", " ")


def _panel(axes, rows, measure, x, others, looks):
    numeric = pd.api.types.is_numeric_dtype(rows[x]) and not pd.api.types.is_bool_dtype(rows[x])
    places = (
        rows[x] if numeric else rows[x].map({value: at for at, value in enumerate(dict.fromkeys(rows[x]))})
    )
    groups = list(rows.assign(_place=places).groupby(["estimator", *others], sort=False))
    for number, (key, group) in enumerate(groups):
        shift = 0 if numeric else (number - (len(groups) - 1) / 2) * 0.16
        label = _label(key, others)
        axes.errorbar(
            group["_place"] + shift,
            group[measure],
            1.96 * group[f"{measure}_mcse"],
            markersize=6,
            capsize=2,
            label=label,
            **_look(looks.setdefault(label, len(looks)), "-" if numeric else "none"),
        )
    if measure == "rejection_rate":
        axes.axhline(0.05, color=TRUTH, linewidth=1, linestyle=":", label=words("labels.nominal_size"))
    if measure == "coverage":
        axes.axhline(0.95, color=TRUTH, linewidth=1, linestyle="--", label=words("labels.nominal_coverage"))
    if measure == "bias":
        axes.axhline(0, color=TRUTH, linewidth=1)
    if measure in RATES:
        axes.set_ylim(-0.04, 1.04)
        axes.yaxis.set_major_formatter(PercentFormatter(1))
    if not numeric:
        axes.set_xticks(range(rows[x].nunique()), list(dict.fromkeys(rows[x])), rotation=20)
        axes.set_xlim(-0.6, rows[x].nunique() - 0.4)
    elif rows[x].min() > 0 and rows[x].max() / rows[x].min() > 8:
        axes.set_xscale("log")
        axes.set_xticks(sorted(set(rows[x])), [f"{value:g}" for value in sorted(set(rows[x]))])
        axes.xaxis.minorticks_off()


def _look(number, line):
    """Colour, marker and line of the n-th line; where colours come round again, open markers."""
    again = number // len(SERIES)
    return {
        "color": SERIES[number % len(SERIES)],
        "marker": MARKERS[number % len(MARKERS)],
        "fillstyle": "none" if again % 2 else "full",
        "linestyle": "none" if line == "none" else LINES[number % len(LINES)],
    }


def _label(key, others):
    """What the legend calls a line: ``naive, customers 200``."""
    values = [
        str(value) if name == "preset" else f"{name.replace('_', ' ')} {value}"
        for name, value in zip(others, key[1:])
    ]
    return ", ".join([key[0], *values])


def estimates_plot(
    tests: pd.DataFrame,
    units: Mapping[str, str] | None = None,
    titles: Mapping[str, str] | None = None,
    hypotheses: Sequence[str] | None = None,
) -> Figure:
    """Each hypothesis' estimates with 95% intervals against its truth, one panel a hypothesis.

    Parameters
    ----------
    tests : DataFrame
        What ``design.test(cohort)`` returned.
    units, titles : dict of str to str, optional
        By hypothesis; the design's own units and claims if not given.
    hypotheses : sequence of str, optional
        Those that the prose discusses, in this order; all if not given.

    Raises
    ------
    InputError
        If a hypothesis is not among the tests.
    """
    known = list(dict.fromkeys(tests["hypothesis"]))
    names = known if hypotheses is None else list(hypotheses)
    check_known("hypothesis", names, known)
    columns = 2 if len(names) == 4 else min(len(names), COLUMNS)  # 4 as a square, not as 3 and 1
    lines = -(-len(names) // columns)
    size = (3.3 * columns + 0.6, 2.3 * lines + 0.5)
    figure, panels = subplots(lines, columns, squeeze=False, figsize=size)
    about = dict.fromkeys(names, ("", "")) | tests.attrs.get("hypotheses", {})
    for axes, name in zip(panels.flat, names):
        claim, unit = about[name]
        _estimates(axes, tests[tests["hypothesis"] == name])
        title = (titles or {}).get(name, f"{name}  {claim}".strip())
        axes.set_title(fill(title, TITLE), fontsize=9.5)
        axes.set_xlabel(fill((units or {}).get(name, unit), TITLE + 6), fontsize=9)
    for axes in list(panels.flat)[len(names) :]:
        axes.set_visible(False)
    handle = panels.flat[0].get_lines()[-1]
    figure.legend([handle], [words("design.estimand")], loc="outside lower right")
    return figure


def _estimates(axes: Axes, rows: pd.DataFrame) -> None:
    """One hypothesis' estimates, a row an estimator, and the truth."""
    for number, (_, row) in enumerate(rows.iterrows()):
        reach = np.array([[row["estimate"] - row["low"]], [row["high"] - row["estimate"]]])
        axes.errorbar(
            row["estimate"],
            -number,
            xerr=np.abs(reach),
            marker=MARKERS[number % len(MARKERS)],
            color=SERIES[number % len(SERIES)],
            markersize=7,
            capsize=3,
        )
    truth_line(axes, rows["truth"].iloc[0], words("design.estimand"), vertical=True)
    axes.set_yticks([-number for number in range(len(rows))], [fill(name, 14) for name in rows["estimator"]])
    axes.set_ylim(-len(rows) + 0.4, 0.6)
    axes.locator_params(axis="x", nbins=4)  # "−0.150" needs room
