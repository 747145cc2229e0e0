"""From a log, or a summary made elsewhere, with more customers than memory holds to what each is worth."""

import hashlib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from tqdm import tqdm

from crmlab.data.accounting import DataQualityWarning
from crmlab.data.logs import Log, LogOptions, doubts
from crmlab.data.parted import SummaryParts, finished, repeats_in_parts, summarise_in_parts, write_part
from crmlab.data.queries import DAYS
from crmlab.data.rules import rules_for
from crmlab.errors import InputError, check_known, option
from crmlab.models.btyd import ConvergenceWarning, GammaGamma
from crmlab.reports import counted, forecasts, notes, pages, segments
from crmlab.reports.counted import Counted
from crmlab.reports.customers import MODELS, RULES, checked_horizon, missed, settings_of
from crmlab.reports.holdouts import COMPARED, Comparison, Holdout, compared, held_out
from crmlab.reports.misses import Miss
from crmlab.reports.pages import checked
from crmlab.reports.tracking import Tracking, tracked
from crmlab.words import words


@dataclass(frozen=True)
class PartedReport:
    """A customer base in parts, fitted from counts.

    Attributes
    ----------
    model, spend
        The fitted models of purchases and (or None) of spend.
    parts : SummaryParts
        The summary.
    customers : pathlib.Path
        The folder of Parquet files that hold each customer's summary with ``probability_alive``,
        ``expected_purchases``, ``discounted_purchases`` and, with money, ``expected_spend`` and ``value``.
    totals : dict of str to Total
        As of `CustomerReport`.
    size, repeats : int
        Customers, and the repeat purchases that they made.
    comparison : Comparison
        Of the models that can be fitted, on some of the customers.
    holdout : Holdout or None
    misses : list of Miss
    tracking : Tracking or None
        None if the summary was made elsewhere.
    settings : dict
    notes : list of str
    """

    model: Any
    spend: GammaGamma | None
    parts: SummaryParts
    customers: Path
    totals: dict[str, forecasts.Total]
    size: int
    repeats: int
    comparison: Comparison
    holdout: Holdout | None
    misses: list[Miss]
    tracking: Tracking | None
    settings: dict[str, Any]
    notes: list[str] = field(default_factory=list)
    has_covariates: ClassVar[bool] = False
    has_season: ClassVar[bool] = False
    history: ClassVar[None] = None  # of one customer: it is not at hand

    @cached_property
    def valued(self) -> SummaryParts:
        """The customers with what they are worth."""
        return SummaryParts(self.customers, self.parts.memory_limit)

    @property
    def measure(self) -> str:
        """The column by which customers are ranked: value, or expected purchases without money."""
        return "value" if self.parts.has_money else "expected_purchases"

    @cached_property
    def summary(self) -> pd.DataFrame:
        """Frequencies and times observed, with ``weights``; ``attrs`` tell of the rows of the log."""
        found = pd.DataFrame(self.parts.windows())
        found.attrs = {"report": self.parts.attrs.get("report", [])}
        return found

    @cached_property
    def best(self) -> pd.DataFrame:
        """The customers who are shown, those worth most (or expected to buy most)."""
        return counted.best(self.valued, self.measure, segments.BEST)

    @cached_property
    def deciles(self) -> segments.Deciles:
        """Shares of value (or of expected purchases) by decile of customers."""
        return counted.deciles(self.valued, self.measure)

    @cached_property
    def cohorts(self) -> pd.DataFrame | None:
        """Customers by the time of their first purchase; None where the end of observation is not known."""
        end = self.settings["observation_end"]
        days = DAYS[self.settings["time_unit"]]
        return None if end is None else counted.cohorts(self.valued, np.datetime64(end), days)

    @cached_property
    def segments(self) -> pd.DataFrame:
        """Customers by recency and frequency, with what they are worth."""
        return counted.by_recency_and_frequency(self.valued)


def report_in_parts(
    log: object,
    model: str = "bgnbd",
    *,
    out: str | Path,
    customer_id: str = "customer_id",
    date: str = "date",
    amount: str | None = "amount",
    observation_end: object = None,
    calibration_end: object = None,
    time_unit: str = "W",
    horizon: float | None = None,
    discount_rate: float = 0.1,
    margin: float = 1.0,
    progress: bool | None = None,
    **options: Any,
) -> PartedReport:
    """Fit a customer-base model to a log of any number of customers and say what each is worth.

    What is finished stands in `out`: the summary's parts in ``summary`` and, of calibration and holdout, in
    ``calibration``, the customers' in ``customers``, the fits in ``parameters.json``, the report in
    ``index.html``. Interrupted and called again with the same arguments it goes on there.

    Parameters
    ----------
    log, model, customer_id, date, amount, observation_end, calibration_end, time_unit, horizon, ...
        See `crmlab.reports.customer_report`.
    out : str or path
        Folder to write into.
    progress : bool, optional
        Whether to show progress bars; for large logs otherwise.
    **options
        Rules for rows and how the log is written, as of `crmlab.reports.customer_report`.

    Returns
    -------
    PartedReport

    Raises
    ------
    InputError
        On bad options or data, or if `out` holds files of others.
    """
    check_known(option("model"), [model], MODELS)
    rules = {name: options.pop(name) for name in RULES if name in options}
    check_known("option", options, LogOptions.__annotations__)
    horizon = checked_horizon(horizon, time_unit, discount_rate, margin)
    folder = checked(out)
    with Log(log, customer_id, date, amount, **options) as opened, warnings.catch_warnings():
        warnings.simplefilter("ignore", DataQualityWarning)  # the report has the table
        chosen = rules_for(opened, observation_end, calibration_end, time_unit, **rules)
        whole = replace(chosen, split=None)
        parts, early = summarise_in_parts(opened, whole, folder / "summary", progress), None
        if chosen.split is not None:
            early = summarise_in_parts(opened, chosen, folder / "calibration", progress)
        repeats = repeats_in_parts(opened, chosen, folder / "repeats", progress)
        doubted = doubts.about(opened, chosen.end)
        settings = settings_of(opened, chosen, MODELS[model].name, horizon, discount_rate, margin)
    births = Counted(pd.DataFrame((early or parts).windows()))
    return _built(parts, early, tracked(repeats, chosen, births), model, folder, settings, doubted, progress)


def forecast_in_parts(
    parts: SummaryParts,
    model: str = "bgnbd",
    *,
    out: str | Path,
    time_unit: str = "W",
    observation_end: str | None = None,
    early: SummaryParts | None = None,
    calibration_end: str | None = None,
    horizon: float | None = None,
    discount_rate: float = 0.1,
    margin: float = 1.0,
    progress: bool | None = None,
) -> PartedReport:
    """The same from a summary that is there, such as one that Spark wrote.

    Parameters
    ----------
    parts : SummaryParts
    time_unit : {"D", "W", "M", "Y"}
        In which its recency and T are.
    observation_end : str, optional
        The day with which T ends, as 2024-12-31, where the summary does not tell it: for the cohorts.
    early : SummaryParts, optional
        Summary of calibration and holdout, from the query with a split: the model is held against it.
    calibration_end : str, optional
        Its last day of calibration, where it does not tell it.
    model, out, horizon, discount_rate, margin, progress
        See `report_in_parts`.

    Examples
    --------
    >>> spark.sql(summary_query(rules)).write.parquet("summary")  # doctest: +SKIP
    >>> report = forecast_in_parts(SummaryParts("summary"), out="report")  # doctest: +SKIP
    """
    check_known(option("model"), [model], MODELS)
    if time_unit not in DAYS:
        raise InputError(f"{option('time_unit')} is {time_unit!r}; give one of {', '.join(DAYS)}")
    end = observation_end or parts.attrs.get("observation_end")
    split = None if early is None else calibration_end or early.attrs.get("calibration_end")
    if early is not None and not (end and split and early.has_holdout):
        raise InputError(
            f"{option('early')} takes a summary with frequency_holdout, and {option('observation_end')} and "
            f"{option('calibration_end')} where the summaries do not tell them"
        )
    settings = {
        "log": parts.folder.name,
        "model": MODELS[model].name,
        "time_unit": time_unit,
        "horizon": checked_horizon(horizon, time_unit, discount_rate, margin),
        "discount_rate": discount_rate,
        "margin": margin,
        "observation_end": end,
        "calibration_end": split,
        "currency": None,
        "season": None,
    }
    return _built(parts, early, None, model, checked(out), settings, [], progress)


def _built(
    parts: SummaryParts,
    early: SummaryParts | None,
    tracking: Tracking | None,
    model: str,
    folder: Path,
    settings: dict[str, Any],
    doubted: list[str],
    progress: bool | None,
) -> PartedReport:
    """Fit, forecast part by part, add up, and write what was found."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the notes say how the fits ended
        histories = parts.histories()
        fitted = MODELS[model]().fit(**histories)
        frequency, weights = histories["frequency"], histories["weights"]
        repeats, again = int(frequency @ weights), float(weights[frequency > 0].sum())
        del histories, frequency, weights
        spend, mean, about = _spend(parts, again) if parts.has_money else (None, None, [])
        some, holdout = None, None
        if early is not None:
            length = early.duration_holdout or _length(settings)
            some = early.spread(COMPARED).assign(duration_holdout=length)
            holdout = held_out(MODELS[model], Counted.outcomes(early, length))
        comparison = compared(MODELS, parts.spread(COMPARED), some, settings["horizon"])
    sums = _forecast(parts, fitted, spend, mean, folder / "customers", settings, progress)
    some = SummaryParts(folder / "customers", parts.memory_limit).spread(forecasts.SAMPLE)
    horizon, margin = settings["horizon"], settings["margin"]
    totals = forecasts.totals_of(fitted, spend, some, parts.customers, sums, horizon, margin)
    told = doubted + notes.about_fit(fitted)
    told += [] if holdout is None else notes.about_fit(holdout.model, words("fit.calibration"))
    told += notes.about_never_repeaters(fitted, comparison) + about
    report = PartedReport(
        fitted,
        spend,
        parts,
        folder / "customers",
        totals,
        parts.customers,
        repeats,
        comparison,
        holdout,
        [] if tracking is None else missed(tracking, holdout),
        tracking,
        settings,
        told,
    )
    pages.write(report, folder)
    return report


def _length(settings: Mapping[str, Any]) -> float:
    """The length of the holdout, in units of time."""
    days = np.datetime64(settings["observation_end"]) - np.datetime64(settings["calibration_end"])
    return float(days / np.timedelta64(1, "D") / DAYS[settings["time_unit"]])


def _spend(parts: SummaryParts, again: float) -> tuple[GammaGamma | None, float, list[str]]:
    """The model of spend, the mean over buyers, and notes; `again` is how many bought again."""
    buyers = parts.spending()
    known = buyers["weights"].sum()
    spend, about = notes.spend_of(buyers, int(again - known))
    mean = float(buyers["monetary_value"] @ buyers["weights"] / known) if known else np.nan
    return spend, mean, about + notes.about_dependence(buyers)


def _forecast(
    parts: SummaryParts,
    model: Any,
    spend: GammaGamma | None,
    mean: float | None,
    folder: Path,
    settings: Mapping[str, Any],
    progress: bool | None,
) -> dict[str, float]:
    """Write each part with what is expected of its customers, the most valuable first; sums over all."""
    folder.mkdir(parents=True, exist_ok=True)
    parameters = [list(each.params_) for each in (model, spend) if each is not None]
    text = repr((parts.version, model.name, parameters, mean, sorted(settings.items(), key=str)))
    digest = hashlib.sha256(text.encode()).hexdigest()
    wanted = {folder / path.name: path for path in parts.paths}
    done = finished(folder, digest, set(wanted))
    shown = parts.customers >= 1_000_000 if progress is None else progress
    bar = tqdm(wanted.items(), desc=words("fit.forecasting"), unit=words("fit.part"), disable=not shown)
    for target, path in bar:
        if target not in done:
            frame = _expected(parts.read(path), model, spend, mean, settings)
            sums = {name: float(frame[name].sum()) for name in forecasts.SUMMED if name in frame}
            done[target] = {"digest": digest, "sums": sums}
            write_part(frame.reset_index(), target, done[target])
    names = next(iter(done.values()))["sums"]
    return {name: sum(done[target]["sums"][name] for target in wanted) for name in names}


def _expected(
    summary: pd.DataFrame,
    model: Any,
    spend: GammaGamma | None,
    mean: float | None,
    settings: Mapping[str, Any],
) -> pd.DataFrame:
    rate = (1.0 + settings["discount_rate"]) ** (DAYS[settings["time_unit"]] / 365.25) - 1.0
    found = forecasts.forecast(model, summary, settings["horizon"], rate)
    if mean is not None:
        found = forecasts.valued(found, spend, settings["margin"], mean)
    by = found["value" if mean is not None else "expected_purchases"].to_numpy()
    return found.iloc[np.argsort(-by, kind="stable")]
