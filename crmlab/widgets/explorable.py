"""An explorable: controls, and a picture that is redrawn while they move."""

import asyncio
import base64
import html
from textwrap import fill

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np

from crmlab.errors import check_known
from crmlab.plots.style import MARKERS, PALETTE, SERIES, TRUTH, png, subplots, truth_line
from crmlab.words import words

PATIENCE = (
    0.05  # seconds without a new value before the picture is redrawn: a drag is one redrawing, not fifty
)


class Explorable:
    """Controls above a picture.

    Parameters
    ----------
    draw : callable
        Values of the controls, by name, to ``(figure, alt)``.
    controls : dict of str to ipywidgets widget
        In the order in which they stand.

    Examples
    --------
    >>> Explorable(draw, {"competition": slider("pull of rivals", 0.0, -1.0, 2.0)})  # doctest: +SKIP
    """

    def __init__(self, draw, controls):
        self.draw = draw
        self.controls = controls
        # An HTML widget and not an Output: an Output asks the front end to collect what is displayed, which
        # takes a round trip each time, and nbclient sometimes waits for one that never comes.
        self.picture = ipywidgets.HTML()
        row = ipywidgets.Layout(display="flex", flex_flow="row wrap")
        self.view = ipywidgets.VBox([ipywidgets.Box(list(controls.values()), layout=row), self.picture])
        self._waiting = None
        self.redraw()
        for control in controls.values():
            control.observe(self._changed, names="value")

    def values(self):
        """What the controls stand at, by name."""
        return {name: control.value for name, control in self.controls.items()}

    def set(self, **values):
        """Move controls from code, as a hand would, and redraw."""
        check_known("control", values, self.controls)
        for name, value in values.items():
            self.controls[name].value = value
        self.redraw()

    def redraw(self):
        """Draw the picture for what the controls stand at now."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        figure, self.alt = self.draw(**self.values())
        self.data = base64.b64encode(png(figure)).decode("ascii")
        plt.close(figure)
        self.picture.value = (
            f'<img style="max-width:100%" alt="{html.escape(self.alt)}" '
            f'src="data:image/png;base64,{self.data}">'
        )

    def _changed(self, _change):
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # no event loop, as in plain Python: nothing to wait for
            self.redraw()
            return
        if self._waiting is not None:
            self._waiting.cancel()
        self._waiting = loop.call_later(PATIENCE, self.redraw)

    def _repr_mimebundle_(self, **_):
        """The widget; for readers without a kernel, the picture as it was first drawn."""
        data = self.view._repr_mimebundle_() | {"image/png": self.data, "text/plain": f"[{self.alt}]"}
        return data, {"image/png": {"alt": self.alt}}


def slider(label, value, low, high, step=None):
    """A slider for a number; whole numbers if `value` is one.

    Parameters
    ----------
    label : str
        What it moves, with the unit.
    step : float, optional
        A twentieth of the range if not given, 1 for whole numbers.
    """
    kind = ipywidgets.IntSlider if isinstance(value, int) else ipywidgets.FloatSlider
    step = step or (1 if isinstance(value, int) else (high - low) / 20)
    return kind(
        value=value,
        min=low,
        max=high,
        step=step,
        description=label,
        style={"description_width": "initial"},
        layout=ipywidgets.Layout(width="340px"),
    )


def choice(label, options, value=None):
    """A drop-down of words."""
    return ipywidgets.Dropdown(
        options=list(options),
        value=value if value is not None else next(iter(options)),
        description=label,
        style={"description_width": "initial"},
    )


def power_curve(axes, design, hypothesis, sizes, sims, seed, name="n_customers"):
    """Draw the share of cohorts that reject by cohort size, a line an estimator, with its Monte-Carlo error.

    Returns
    -------
    DataFrame
        The diagnosis' table that was drawn.
    """
    table = design.only(hypothesis).vary(**{name: list(sizes)}).diagnose(sims=sims, seed=seed).table
    for number, (estimator, rows) in enumerate(table.groupby("estimator", sort=False)):
        axes.errorbar(
            rows[name],
            rows["rejection_rate"],
            1.96 * rows["rejection_rate_mcse"],
            label=estimator,
            marker=MARKERS[number],
            color=SERIES[number],
            capsize=2,
        )
    axes.axhline(0.05, color=TRUTH, linestyle=":", linewidth=1, label=words("labels.nominal_size"))
    axes.set(
        ylim=(-0.03, 1.03), xscale="log", xlabel=name.replace("_", " "), ylabel=words("labels.rejection_rate")
    )
    axes.set_xticks(list(sizes), [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    return table


def explore_market(
    design,
    hypothesis,
    sliders,
    draw,
    sizes=(50, 100, 200, 400, 800),
    sims=100,
    seed=1,
    size=(10.2, 3.5),
    limits=None,
):
    """Sliders over a market; the truth, one cohort's estimates of a hypothesis, and their power.

    Parameters
    ----------
    design : Design
        As it stands before a slider moves: choose its preset first.
    hypothesis : str
        The one that the last two panels are about.
    sliders : dict of str to ipywidgets widget
        By the name of the parameter that each moves.
    draw : callable
        ``(axes, parameters) -> str``: draws what is true in the first panel, and says it in a sentence.
    sizes : sequence of int
        Numbers of customers along the power curve.
    sims : int
        Cohorts behind each point of it.
    seed : int
    size : pair of float
        Of the figure, inches.
    limits : pair of float, optional
        Ends of the estimates' axis, which then stands still while sliders move.

    Returns
    -------
    Explorable

    Raises
    ------
    InputError
        If a slider has no parameter of its name.
    """
    check_known("parameter", sliders, design.parameters.names())
    asked = design.only(hypothesis)

    def redraw(**values):
        market = asked.replace(**values)
        figure, (truth, one, power) = subplots(1, 3, figsize=size, width_ratios=[1, 0.9, 1.15])
        told = draw(truth, market.parameters)
        tests = market.test(market.simulate(seed))
        one_cohort(one, market.hypothesis(hypothesis), tests)
        one.set(xlim=limits)
        table = power_curve(power, market, hypothesis, sizes, sims, seed)
        power.set_title(words("explorable.power"))
        power.tick_params(axis="x", labelrotation=35)
        handles, labels = (
            a + b for a, b in zip(one.get_legend_handles_labels(), power.get_legend_handles_labels())
        )
        figure.legend(handles, labels, loc="outside lower right", ncols=5)
        return figure, f"{told} {_told(tests, table, sizes)}"

    return Explorable(redraw, sliders)


def one_cohort(axes, hypothesis, tests):
    """Draw one cohort's estimates of a hypothesis with their intervals, the truth and what is tested against.

    Parameters
    ----------
    tests : DataFrame
        The rows of ``design.test(cohort)`` for that hypothesis.
    """
    for at, (_, row) in enumerate(tests.iterrows()):
        reach = [[row["estimate"] - row["low"]], [row["high"] - row["estimate"]]]
        axes.errorbar(row["estimate"], -at, xerr=reach, marker=MARKERS[at], color=SERIES[at], capsize=3)
    truth_line(axes, tests["truth"].iloc[0], words("design.estimand"), vertical=True)
    axes.axvline(hypothesis.null, color=PALETTE["grey"], linewidth=0.8)
    axes.set(
        ylim=(0.6 - len(tests) - 0.2, 0.6),
        xlabel=fill(hypothesis.unit, 34),
        title=words("explorable.one_cohort"),
    )
    axes.set_yticks(-np.arange(len(tests)), [fill(name, 12) for name in tests["estimator"]])


def _told(tests, table, sizes):
    """What the last two panels show, in words."""
    middle = sizes[len(sizes) // 2]
    found = table[table["n_customers"] == middle].set_index("estimator")["rejection_rate"]
    estimates = "; ".join(
        words(
            "explorable.estimate",
            estimator=row["estimator"],
            estimate=row["estimate"],
            power=found[row["estimator"]],
        )
        for _, row in tests.iterrows()
    )
    return words("explorable.told", truth=tests["truth"].iloc[0], customers=middle, estimates=estimates)
