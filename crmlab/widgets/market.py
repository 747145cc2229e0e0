"""The explorable of a market: what is true, what one cohort tells, how often cohorts find it."""

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from scipy import stats

from crmlab.design import Design, EstimationFailed, Hypothesis
from crmlab.errors import InputError, check_known
from crmlab.plots.diagnosis import in_words
from crmlab.plots.style import MARKERS, PALETTE, SERIES, TRUTH, looks, subplots, truth_line
from crmlab.widgets.explorable import Explorable
from crmlab.words import translated, words
from crmlab.words.layout import fill

QUICK = 5  # a rough picture has a fifth of the simulations, and
FEWEST = 20  # no fewer than these
POWER = 0.8  # for which the customers needed are told
ONE_ROW = 95  # letters of a legend that fit side by side


def power_curve(
    axes: Axes,
    design: Design,
    hypothesis: str,
    sizes: Sequence[int],
    sims: int,
    seed: int,
    name: str = "n_customers",
) -> pd.DataFrame:
    """Draw the share of cohorts that reject, by cohort size, a line an estimator, with its Monte-Carlo error.

    Returns
    -------
    DataFrame
        What was drawn: a row an estimator and size, with ``rejection_rate`` and its Monte-Carlo error.
    """
    simulations = (
        design.only(hypothesis)
        .vary(**{name: list(sizes)})
        .diagnose(sims=sims, seed=seed, progress=False)
        .simulations
    )
    # Only this one of the diagnosands, and not `table`, which computes all: a slider waits for it.
    table = simulations.groupby(["estimator", name], sort=False)["rejected"].mean().reset_index()
    table = table.rename(columns={"rejected": "rejection_rate"})
    table["rejection_rate_mcse"] = np.sqrt(table["rejection_rate"] * (1 - table["rejection_rate"]) / sims)
    look = looks(table["estimator"])
    for estimator, rows in table.groupby("estimator", sort=False):
        reach = 1.96 * rows["rejection_rate_mcse"]
        axes.errorbar(
            rows[name], rows["rejection_rate"], reach, label=estimator, capsize=2, **look[estimator]
        )
    axes.axhline(0.05, color=TRUTH, linestyle=":", linewidth=1, label=words("labels.nominal_size"))
    axes.set(ylim=(-0.03, 1.03), xscale="log", xlabel=in_words(name), ylabel=words("labels.rejection_rate"))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xticks(list(sizes), [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    return table


def explore_market(
    design: Design,
    hypothesis: str,
    sliders: Mapping[str, ipywidgets.DOMWidget],
    draw: Callable[..., str],
    sizes: Sequence[int] = (50, 100, 200, 400, 800),
    sims: int = 100,
    seed: int = 1,
    size: tuple[float, float] = (10.2, 3.5),
    limits: tuple[float, float] | None = None,
    note: str | Callable[[Design], str] | None = None,
) -> Explorable:
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
        ``(axes, parameters) -> str``: draws what is true in the first panel, and says it in a sentence. One
        with a third argument `sims` is told how many simulations it may take: few while a slider moves.
    sizes : sequence of int
        Numbers of customers along the power curve.
    sims : int
        Cohorts behind each point of it; a fifth while a slider moves.
    seed : int
    size : pair of float
        Of the figure, inches.
    limits : pair of float, optional
        Ends of the estimates' axis, which then stands still while sliders move.
    note : str or callable, optional
        The name of an estimator, of which a sentence under the picture says how many customers 80% power
        takes (`customers_needed`); or the market to a sentence of its own.

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
    told_sims = "sims" in inspect.signature(draw).parameters
    told_note = note if callable(note) else lambda market: _needed(market, str(note), seed)

    def redraw(quick: bool = False, **values: Any) -> tuple[Figure, str]:
        market, few = asked.replace(**values), max(sims // QUICK, min(FEWEST, sims)) if quick else sims
        try:
            tests = market.test(market.simulate(seed))
        except EstimationFailed as error:  # the sliders' own line then says so
            raise InputError(f"{hypothesis} has no estimate here: {error}; move a slider back") from None
        figure, (truth, one, power) = subplots(1, 3, figsize=size, width_ratios=[1, 0.9, 1.15])
        told = draw(truth, market.parameters, **({"sims": few} if told_sims else {}))
        one_cohort(one, market.hypothesis(hypothesis), tests)
        one.set(xlim=limits)
        table = power_curve(power, market, hypothesis, sizes, few, seed)
        power.set_title(words("explorable.power"))
        power.tick_params(axis="x", labelrotation=35)
        handles, labels = (
            a + b for a, b in zip(one.get_legend_handles_labels(), power.get_legend_handles_labels())
        )
        in_a_row = 5 if sum(map(len, labels)) < ONE_ROW else 3
        figure.legend(handles, labels, loc="outside lower right", ncols=in_a_row)
        return figure, f"{told} {_told(tests, table, sizes)}"

    return Explorable(
        redraw,
        sliders,
        code=lambda **values: market_code(
            asked.replace(**values), hypothesis, sizes, sims, seed, always=values
        ),
        note=None if note is None else lambda **values: told_note(asked.replace(**values)),
    )


def customers_needed(market: Design, estimator: str, seed: int = 1) -> float | None:
    """How many customers a test needs for 80% power, by one cohort's standard error and normal quantiles.

    The standard error falls with the root of the number of customers. `Design.solve` asks many cohorts.

    Parameters
    ----------
    market : Design
        Of one hypothesis, a difference from its null in one direction.
    estimator : str
    seed : int

    Returns
    -------
    float or None
        None where the claim is false, so that there is nothing to find.
    """
    row = market.with_estimators(estimator).test(market.simulate(seed)).iloc[0]
    claim = market.hypotheses[0]
    effect = row["truth"] - claim.null
    if abs(effect) < 1e-6 or not claim.holds(row["truth"]):
        return None
    tail = claim.level / 2 if claim.direction == "!=" else claim.level
    reach = stats.norm.isf(tail) + stats.norm.ppf(POWER)
    return market.parameters.n_customers * (reach * row["standard_error"] / effect) ** 2


def _needed(market: Design, estimator: str, seed: int) -> str:
    needed = customers_needed(market, estimator, seed)
    if needed is None:
        return words("explorable.nothing_to_find")
    return words("explorable.needed", estimator=translated(estimator), customers=needed, power=POWER)


def market_code(
    design: Design,
    hypothesis: str,
    sizes: Sequence[int],
    sims: int,
    seed: int,
    always: Collection[str] = (),
) -> str:
    """The code that simulates a market and its power curve outside the explorable.

    It names the parameters that differ from the preset's, and those of `always`, which have a slider.
    """
    own = design.parameters
    named = design.preset_name if design.preset_name in design.presets else None
    usual = replace(design, parameters=type(own)(), overridden={})
    usual = (usual.preset(named) if named else usual).parameters
    parts = ["design", f".preset({named!r})" if named else "", f".only({hypothesis!r})"]
    changed = [name for name in own.names() if name in always or getattr(own, name) != getattr(usual, name)]
    if changed:
        parts.append(f".replace({', '.join(f'{name}={getattr(own, name)!r}' for name in changed)})")
    return (
        f"market = {''.join(parts)}\n"
        f"market.test(market.simulate(seed={seed}))\n"
        f"market.vary(n_customers={list(sizes)}).diagnose(sims={sims}, seed={seed}).plot()"
    )


def one_cohort(axes: Axes, hypothesis: Hypothesis, tests: pd.DataFrame) -> None:
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


def _told(tests: pd.DataFrame, table: pd.DataFrame, sizes: Sequence[int]) -> str:
    """What the last two panels show, in words."""
    middle = sizes[len(sizes) // 2]
    found = table[table["n_customers"] == middle].set_index("estimator")["rejection_rate"]
    estimates = words("explorable.between").join(
        words(
            "explorable.estimate",
            estimator=row["estimator"],
            estimate=row["estimate"],
            power=found[row["estimator"]],
        )
        for _, row in tests.iterrows()
    )
    return words("explorable.told", truth=tests["truth"].iloc[0], customers=middle, estimates=estimates)
