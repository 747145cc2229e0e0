"""From a transaction log to a customer base: parameters, a holdout check, what each customer is worth."""

import warnings
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from crmlab.data.logs import Log, LogOptions, doubts
from crmlab.data.queries import DAYS, Rules
from crmlab.data.rules import rules_for
from crmlab.data.summary import DataQualityWarning, Tally, quality_report, tally
from crmlab.errors import InputError, check_known, option
from crmlab.models.btyd import BGNBD, ConvergenceWarning, GammaGamma, ModifiedBGCNBD, ModifiedBGNBD, ParetoNBD
from crmlab.reports import forecasts, misses, notes, segments
from crmlab.reports.asking import Asked, Summarised
from crmlab.reports.covariates import Given, dated
from crmlab.reports.holdouts import Comparison, Holdout, compared, held_out
from crmlab.reports.periods import PERIODS
from crmlab.reports.tracking import Tracking, tracked
from crmlab.words import words

MODELS = {"bgnbd": BGNBD, "mbgnbd": ModifiedBGNBD, "paretonbd": ParetoNBD, "mbgcnbd": ModifiedBGCNBD}
RULES = ("refunds", "zeros", "duplicates", "missing", "unreadable")
STEPS = 12  # of the progress bar, besides the readings of the log
TIMED = 1_000_000  # rows up to which times between purchases are added up; beyond, k is known well without
MONTH = 28  # days of the periods in which a forecast's misses are looked for, where there are enough


@dataclass(frozen=True)
class CustomerReport:
    """A customer base, fitted.

    Attributes
    ----------
    model, spend
        The fitted models of purchases and (or None) of spend.
    summary : pandas.DataFrame
        As from `crmlab.data.customer_summary`.
    customers : pandas.DataFrame
        The summary with ``probability_alive``, ``expected_purchases``, ``discounted_purchases`` and, with
        money, ``expected_spend`` and ``value``; those worth most (or expected to buy most) first.
    totals : dict of str to Total
        Customers ``active``, ``expected_purchases`` and, with money, ``value``, with intervals.
    comparison : Comparison
        Of the models that can be fitted.
    holdout : Holdout or None
    misses : list of Miss
        What the holdout's forecast missed; empty without a holdout.
    tracking : Tracking
    history : (customer, times)
        One customer's repeat purchases, in the unit of time since the first.
    settings : dict
    notes : list of str
        What a reader should know before trusting the figures.
    """

    model: Any
    spend: GammaGamma | None
    summary: pd.DataFrame
    customers: pd.DataFrame
    totals: dict[str, forecasts.Total]
    comparison: Comparison
    holdout: Holdout | None
    misses: list[misses.Miss]
    tracking: Tracking
    history: tuple[Any, np.ndarray]
    settings: dict[str, Any]
    notes: list[str] = field(default_factory=list)

    @property
    def data(self) -> pd.DataFrame:
        """What became of the rows of the log; see `crmlab.data.quality_report`."""
        return quality_report(self.summary)

    @property
    def size(self) -> int:
        """How many customers there are."""
        return len(self.customers)

    @property
    def best(self) -> pd.DataFrame:
        """The customers who are shown, those worth most (or expected to buy most)."""
        return self.customers.head(segments.BEST)

    @property
    def repeats(self) -> int:
        """How many repeat purchases they made."""
        return int(self.customers["frequency"].sum())

    @property
    def has_covariates(self) -> bool:
        """Whether the model looks at covariates, and so at more than frequency, recency and T."""
        return hasattr(self.model, "base")

    @property
    def has_season(self) -> bool:
        """Whether the model knows the season."""
        return self.settings["season"] is not None

    @property
    def measure(self) -> str:
        """The column by which customers are ranked: value, or expected purchases without money."""
        return "value" if "value" in self.customers else "expected_purchases"

    @cached_property
    def first_days(self) -> pd.Series:
        """The day of each customer's first purchase."""
        days = np.rint(self.customers["T"].to_numpy() * DAYS[self.settings["time_unit"]])
        first = np.datetime64(self.settings["observation_end"]) - days.astype("timedelta64[D]")
        return pd.Series(pd.DatetimeIndex(first), index=self.customers.index)

    @cached_property
    def deciles(self) -> segments.Deciles:
        """Shares of value (or of expected purchases) by decile of customers."""
        return segments.deciles(self.customers, self.measure)

    @cached_property
    def cohorts(self) -> pd.DataFrame:
        """Customers by the time of their first purchase; see `crmlab.reports.segments.cohorts`."""
        return segments.cohorts(segments.by_day(self.customers, self.first_days))

    @cached_property
    def segments(self) -> pd.DataFrame:
        """Customers by recency and frequency, with what they are worth."""
        measure = "value" if "value" in self.customers else None
        return segments.by_recency_and_frequency(self.customers, measure)

    def write(self, out: str | Path) -> Path:
        """Write ``index.html``, ``customers.csv``, ``parameters.json`` and ``pictures/`` into a folder."""
        from crmlab.reports.pages import write

        return write(self, out)


def customer_report(
    log: object,
    model: str = "bgnbd",
    *,
    customer_id: str = "customer_id",
    date: str = "date",
    amount: str | None = "amount",
    observation_end: object = None,
    calibration_end: object = None,
    time_unit: str = "W",
    horizon: float | None = None,
    discount_rate: float = 0.1,
    margin: float = 1.0,
    season: str | None = None,
    covariates: str | Path | pd.DataFrame | None = None,
    covariates_of: str = "purchases",
    out: str | Path | None = None,
    progress: bool | None = None,
    **options: Any,
) -> CustomerReport:
    """Fit a customer-base model to a transaction log and say what each customer is worth.

    Parameters
    ----------
    log, customer_id, date, amount, observation_end, calibration_end, time_unit
        See `crmlab.data.customer_summary`. With `calibration_end` the model is fitted twice: to the
        calibration period, to be held against the holdout, and to everything, for what is said of customers.
    model : {"bgnbd", "mbgnbd", "paretonbd", "mbgcnbd"}
        The last is MBG/CNBD-k, for purchases at regular times.
    horizon : float, optional
        For how long ahead purchases and value are expected, in units of time; a year otherwise.
    discount_rate : float
        Effective rate a year.
    margin : float
        Share of an amount that is profit.
    season : {"monthly", "quarterly", "waves", "waves-2", "waves-3"}, optional
        Purchases come faster or slower by the time of the year; see `crmlab.models.btyd.varying.Season`.
    covariates : path or pandas.DataFrame, optional
        Covariates in columns beside the log's column of customers and, where they change in time, a column
        ``period`` with the first day of each period; without customers they are the same for all.
    covariates_of : {"purchases", "dropout", "both"}
        Which of the two rates they act on.
    out : path, optional
        Folder to write the report into; see `CustomerReport.write`.
    progress : bool, optional
        Whether to show a progress bar; for large logs otherwise.
    **options
        Rules for rows (`refunds`, `zeros`, `duplicates`, `missing`, `unreadable`), see
        `crmlab.data.customer_summary`, and how the log is written, see `crmlab.data.LogOptions`.

    Returns
    -------
    CustomerReport

    Raises
    ------
    InputError
        On bad options or data. Nothing has been written then.
    """
    check_known(option("model"), [model], {**MODELS, **PERIODS})
    if model in PERIODS:
        raise InputError(
            f"{option('model')} {model} counts whole periods; ask crmlab.reports.period_report for it"
        )
    given = Given(season, covariates, covariates_of)
    given.check(MODELS[model])
    rules = {name: options.pop(name) for name in RULES if name in options}
    check_known("option", options, LogOptions.__annotations__)
    horizon = checked_horizon(horizon, time_unit, discount_rate, margin)
    if out is not None:
        from crmlab.reports.pages import checked

        checked(out)
    with Log(log, customer_id, date, amount, **options) as opened, warnings.catch_warnings():
        warnings.simplefilter("ignore", DataQualityWarning)  # the report has the table
        warnings.simplefilter("ignore", ConvergenceWarning)  # and says how the fit ended
        chosen = rules_for(opened, observation_end, calibration_end, time_unit, **rules)
        with _bar(opened, progress) as bar:
            report = _build(opened, chosen, model, given, (horizon, discount_rate, margin), bar)
            if out is not None:
                bar.set_description(words("fit.writing"))
                report.write(out)
            bar.update(max(0, bar.total - bar.n))
    return report


def checked_horizon(
    horizon: float | None, time_unit: str, discount_rate: float, margin: float
) -> float | None:
    """The horizon, a year where none is given; InputError if a number cannot be."""
    horizon = ceil(365.25 / DAYS[time_unit] - 0.5) if horizon is None and time_unit in DAYS else horizon
    for name, value, least in (
        ("horizon", horizon, 0.0),
        ("discount_rate", discount_rate, -1e-300),
        ("margin", margin, 0.0),
    ):
        if value is not None and not (np.isfinite(value) and value > least):
            or_0 = " or 0" if name == "discount_rate" else ""
            raise InputError(f"{option(name)} is {value:g}; give a number above 0{or_0}")
    return horizon


def _bar(log: Log, progress: bool | None) -> tqdm:
    shown = log.audit.rows >= 2_000_000 if progress is None else progress
    return tqdm(
        total=log.buckets + STEPS,
        disable=not shown,
        bar_format="{desc:34} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}",
    )


def _build(
    log: Log, rules: Rules, key: str, given: Given, money: tuple[float, float, float], bar: tqdm
) -> CustomerReport:
    horizon, discount_rate, margin = money
    told = tally(log, replace(rules, intervals=log.audit.rows <= TIMED), bar)
    kind, summary = MODELS[key], told.whole
    bar.set_description(words("fit.fitting", name=kind.name))
    whole, early = _asked(log, rules, given, told)
    fitted = whole.fit(kind)
    bar.update(2)
    holdout = None if early is None else held_out(kind, early)
    more = (f"{key} {words('fit.with_covariates')}", kind, whole, early) if given else None
    comparison = compared(MODELS, summary, told.early, horizon, more)
    bar.update(2)
    spend, about_spend = notes.fitted_spend(summary) if rules.money else (None, [])
    bar.set_description(words("fit.forecasting"))
    rate = (1.0 + discount_rate) ** (DAYS[rules.time_unit] / 365.25) - 1.0
    customers = whole.forecast(fitted, horizon, rate).drop(columns="log_intervals", errors="ignore")
    customers = forecasts.valued(customers, spend, margin) if rules.money else customers
    by = "value" if rules.money else "expected_purchases"
    customers = customers.iloc[np.argsort(-customers[by].to_numpy(), kind="stable")]
    totals = forecasts.totals(fitted, spend, customers, horizon, margin, asked=whole)
    bar.update(2)
    tracking = tracked(told.repeats, rules, whole if early is None else early)
    return CustomerReport(
        fitted,
        spend,
        summary,
        customers,
        totals,
        comparison,
        holdout,
        missed(tracking, holdout),
        tracking,
        _history(log, rules, customers),
        settings_of(log, rules, fitted.name, horizon, discount_rate, margin) | _told(given, fitted),
        _notes(log, rules, fitted, holdout, comparison, told, about_spend),
    )


def _asked(log: Log, rules: Rules, given: Given, told: Tally) -> tuple[Asked, Asked | None]:
    """Customers to the end, and to the end of calibration: with their dates where covariates need these."""
    if given:
        return dated(given, log, rules, told.whole, told.early)
    return Summarised(told.whole), None if told.early is None else Summarised(told.early)


def _told(given: Given, model: Any) -> dict[str, Any]:
    """What is said of covariates in the settings."""
    names = getattr(model, "covariate_names_", ((), ())) if given else ((), ())
    known = dict(zip(("purchases", "dropout"), (list(each) for each in names)))
    return {"season": given.season, "covariates": known if given else None}


def settings_of(
    log: Log, rules: Rules, model: str, horizon: float | None, discount_rate: float, margin: float
) -> dict[str, Any]:
    """What a report says of how it was made; `model` is its name."""
    return {
        "log": words("fit.a_frame") if log.is_frame else Path(str(log.source)).name,
        "model": model,
        "time_unit": rules.time_unit,
        "horizon": horizon,
        "discount_rate": discount_rate,
        "margin": margin,
        "observation_end": str(rules.end),
        "calibration_end": None if rules.split is None else str(rules.split),
        "currency": log.reading.currency,
        **log.columns,
    }


def _notes(
    log: Log,
    rules: Rules,
    fitted: Any,
    holdout: Holdout | None,
    comparison: Comparison,
    told: Tally,
    about_spend: list[str],
) -> list[str]:
    """What should be known first: of the log, of the fits, of the money."""
    found = doubts.about(log, rules.end) + notes.about_fit(fitted)
    found += [] if holdout is None else notes.about_fit(holdout.model, words("fit.calibration"))
    found += notes.about_never_repeaters(fitted, comparison)
    return found + about_spend + (notes.about_spend(told.whole) if rules.money else [])


def missed(tracking: Tracking, holdout: Holdout | None) -> list[misses.Miss]:
    """What the forecast missed, in periods of four weeks where these are enough."""
    if holdout is None:
        return []
    whole, expected = tracking.whole_periods, tracking.expected(holdout.model)
    size = max(1, MONTH // tracking.days)
    size = size if whole // size >= misses.SHORT else 1
    kept = whole - whole % size
    rows = [each[:kept].reshape(-1, size) for each in (tracking.purchases, expected, tracking.ends)]
    cohorts = tracking.holdout_by_cohort(holdout.model)
    cohorts = cohorts.assign(scale=holdout.scale)
    return misses.misses(rows[2][:, -1], rows[0].sum(axis=1), rows[1].sum(axis=1), cohorts)


def _history(log: Log, rules: Rules, customers: pd.DataFrame) -> tuple[Any, np.ndarray]:
    """A customer of whom one cannot say, P(alive) being nearest one half among those with some purchases."""
    customer = customers.index[0]
    for few, most in ((4, 12), (2, 10**9), (1, 10**9)):
        some = customers[customers["frequency"].between(few, most)]
        if len(some):
            customer = some.index[np.argmin(np.abs(some["probability_alive"].to_numpy() - 0.5))]
            break
    days = log.days_of(customer)
    days = days[days <= np.datetime64(rules.end)]
    return customer, (days[1:] - days[0]).astype(float) / DAYS[rules.time_unit]
