"""Reports on purchases and contracts by period: the BG/BB and the shifted beta-geometric model.

Time is counted in whole calendar periods: weeks, months or years. In the BG/BB a customer buys in a period or
does not; in the shifted beta-geometric model each period is paid for, and who has not paid in the last one
has left.
"""

import warnings
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from crmlab.data.logs import Log, LogOptions, doubts
from crmlab.data.queries import DAYS, Rules
from crmlab.data.rules import rules_for
from crmlab.data.summary import DataQualityWarning, quality_report, tally
from crmlab.errors import InputError, check_known, option
from crmlab.models.btyd import BGBB, ConvergenceWarning, GammaGamma, ShiftedBetaGeometric
from crmlab.plots.intervals import REACH, interval
from crmlab.reports import notes
from crmlab.reports.forecasts import Total, valued
from crmlab.reports.segments import BEST
from crmlab.reports.whole_periods import about_periods, last_day, whole_periods
from crmlab.words import words

PERIODS = {"bgbb": BGBB, "sbg": ShiftedBetaGeometric}
RULES = ("refunds", "zeros", "duplicates", "missing", "unreadable")
SAMPLE = 20_000  # customers on whom uncertainty is computed
SILENT = (0, 1, 2, 3, 6, 12, 18, 24, 36)  # periods, or renewals, at which groups begin


@dataclass(frozen=True)
class PeriodReport:
    """A customer base by period, fitted.

    Attributes
    ----------
    model : BGBB or ShiftedBetaGeometric
    spend : GammaGamma or None
        Of amounts by period, for the BG/BB.
    summary : pandas.DataFrame
        As from `crmlab.data.customer_summary` with ``merge="unit"``.
    customers : pandas.DataFrame
        The summary with ``probability_alive``, ``expected_purchases`` (or renewals), ``discounted_purchases``
        and, with money, ``expected_spend`` and ``value``; those worth most first.
    totals : dict of str to Total
    curve : pandas.DataFrame
        Purchases (or renewals) by period, ``made`` and ``expected``, of customers seen in calibration.
    holdout : Total or None
        What was expected of the holdout, by the fit to what came before.
    made : float or None
        What came.
    settings : dict
    notes : list of str
    """

    model: Any
    spend: GammaGamma | None
    summary: pd.DataFrame
    customers: pd.DataFrame
    totals: dict[str, Total]
    curve: pd.DataFrame
    holdout: Total | None
    made: float | None
    settings: dict[str, Any]
    notes: list[str] = field(default_factory=list)

    @property
    def data(self) -> pd.DataFrame:
        """What became of the rows of the log; see `crmlab.data.quality_report`."""
        return quality_report(self.summary)

    @property
    def best(self) -> pd.DataFrame:
        """The customers who are shown, those worth most (or expected to buy most)."""
        return self.customers.head(BEST)

    @property
    def contracts(self) -> bool:
        """Whether periods are paid for, rather than opportunities to buy."""
        return isinstance(self.model, ShiftedBetaGeometric)

    @property
    def groups(self) -> pd.DataFrame:
        """Customers by periods of silence (of contracts, by renewals made), with what is expected of them."""
        table = self.customers
        if self.contracts:
            table = table[table["probability_alive"] > 0]
        at = table["recency"] if self.contracts else table["T"] - table["recency"]
        ends = [*SILENT[1:], np.inf]
        names = [f"{low}" if high == low + 1 else f"{low}–{high - 1:g}" for low, high in zip(SILENT, ends)]
        names[-1] = f"{SILENT[-1]}+"
        group = pd.cut(at, [*SILENT, np.inf], right=False, labels=names)
        measured = {"customers": ("T", "size"), "active": ("probability_alive", "mean")}
        measured["expected"] = ("expected_purchases", "mean")
        if "value" in table:
            measured |= {"value": ("value", "sum"), "value_each": ("value", "mean")}
        return table.groupby(group, observed=True).agg(**measured)

    def write(self, out: str | Path) -> Path:
        """Write ``index.html``, ``customers.csv``, ``parameters.json`` and ``pictures/`` into a folder."""
        from crmlab.reports.period_pages import write

        return write(self, out)


def period_report(
    log: object,
    model: str = "bgbb",
    *,
    customer_id: str = "customer_id",
    date: str = "date",
    amount: str | None = "amount",
    observation_end: object = None,
    calibration_end: object = None,
    time_unit: str = "M",
    horizon: float | None = None,
    discount_rate: float = 0.1,
    margin: float = 1.0,
    out: str | Path | None = None,
    progress: bool | None = None,
    **options: Any,
) -> PeriodReport:
    """Fit a model of whole periods to a log of purchases or payments, and say what each customer is worth.

    Parameters
    ----------
    log, customer_id, date, amount
        See `crmlab.data.customer_summary`: one row a purchase; for ``"sbg"``, one row a payment.
    model : {"bgbb", "sbg"}
    observation_end, calibration_end : date-like, optional
        Taken back to the last day of a whole period, which a note tells.
    time_unit : {"W", "M", "Y", "D"}
        The period: a calendar week from Monday, month, year or day.
    horizon : int, optional
        Periods ahead; a year otherwise.
    discount_rate, margin, out, progress, **options
        As in `crmlab.reports.customer_report`.

    Returns
    -------
    PeriodReport

    Raises
    ------
    InputError
        On bad options or data. Nothing has been written then.
    """
    from crmlab.reports.customers import checked_horizon

    check_known(option("model"), [model], PERIODS)
    rules = {name: options.pop(name) for name in RULES if name in options}
    check_known("option", options, LogOptions.__annotations__)
    horizon = checked_horizon(horizon, time_unit, discount_rate, margin)
    if horizon is not None and horizon != round(horizon):
        raise InputError(f"{option('horizon')} is {horizon:g}; {model} counts whole periods")
    if out is not None:
        from crmlab.reports.period_pages import checked_folder

        checked_folder(out)
    with Log(log, customer_id, date, amount, **options) as opened, warnings.catch_warnings():
        warnings.simplefilter("ignore", DataQualityWarning)  # the report has the table
        warnings.simplefilter("ignore", ConvergenceWarning)  # and says how the fit ended
        given = rules_for(opened, observation_end, calibration_end, time_unit, merge="unit", **rules)
        chosen = whole_periods(given)
        told = tally(opened, chosen, progress)
        money = (int(horizon or 1), (1.0 + discount_rate) ** (DAYS[time_unit] / 365.25) - 1.0, margin)
        report = _built(opened, chosen, told, PERIODS[model], *money, discount_rate)
        report.notes.extend(about_periods(given, chosen))
    if out is not None:
        report.write(out)
    return report


# -- models --------------------------------------------------------------------------------------------------


def fitted(kind: type, summary: pd.DataFrame) -> Any:
    """The model of this kind, fitted to a summary by period."""
    x, last, T = (summary[name] for name in ("frequency", "recency", "T"))
    if kind is BGBB:
        return BGBB().fit(x, last, T)
    return ShiftedBetaGeometric().fit_customers(last, last < T)


def ahead(model: Any, periods: int, summary: pd.DataFrame) -> np.ndarray:
    """What is expected of each customer in the next 1, …, so many periods, shape (periods, n)."""
    x, last, T = (summary[name].to_numpy(float) for name in ("frequency", "recency", "T"))
    steps = np.arange(1, periods + 1)
    if isinstance(model, BGBB):
        return np.array([model.conditional_expected_purchases(step, x, last, T) for step in steps])
    made, at = np.unique(last, return_inverse=True)
    stays = np.cumsum([model.probability_alive(made, step) for step in steps], axis=0)
    return stays[:, at] * (last == T)


def active(model: Any, summary: pd.DataFrame) -> np.ndarray:
    """Probability of each customer of being active in the last period; of contracts, whether it was paid."""
    x, last, T = (summary[name].to_numpy(float) for name in ("frequency", "recency", "T"))
    return model.probability_alive(x, last, T, ahead=0) if isinstance(model, BGBB) else (last == T) * 1.0


def drawn(model: Any, periods: int, summary: pd.DataFrame, generator: np.random.Generator) -> np.ndarray:
    """A future of each customer, drawn by θ ~ Beta(γ, δ + n) and p ~ Beta(α + x, β + n − x).

    For contracts θ ~ Beta(α, β + renewals).
    """
    x, last, T = (summary[name].to_numpy(float) for name in ("frequency", "recency", "T"))
    p = model.params_
    buys = isinstance(model, BGBB)
    leaves = (p["gamma"], p["delta"] + T) if buys else (p["alpha"], p["beta"] + last)
    chance = np.clip(generator.beta(*leaves), 1e-12, 1.0 - 1e-12)
    stays = np.minimum(generator.geometric(chance) - 1, periods)
    stays = stays * (generator.random(len(x)) < active(model, summary))
    return generator.binomial(stays, generator.beta(p["alpha"] + x, p["beta"] + T - x)) if buys else stays


def by_age(model: Any, ages: int) -> np.ndarray:
    """What is expected of a new customer in periods 1, …, ages after the first."""
    if isinstance(model, BGBB):
        return np.diff(model.expected_purchases(np.arange(ages + 1)))
    return model.survival(np.arange(1, ages + 1))


# -- the report ----------------------------------------------------------------------------------------------


def _built(
    log: Log,
    rules: Rules,
    told: Any,
    kind: type,
    horizon: int,
    rate: float,
    margin: float,
    yearly: float,
) -> PeriodReport:
    summary = told.whole
    model = fitted(kind, summary)
    contracts = kind is ShiftedBetaGeometric
    until = ahead(model, horizon, summary)
    weights = (1.0 + rate) ** -np.arange(1.0, horizon + 1.0)
    customers = summary.assign(
        probability_alive=active(model, summary),
        expected_purchases=until[-1],
        discounted_purchases=weights @ np.diff(until, axis=0, prepend=0.0),
    )
    spend, about = (None, []) if contracts or not rules.money else notes.fitted_spend(summary)
    if rules.money:
        customers = _paid(customers, margin) if contracts else valued(customers, spend, margin)
    by = "value" if rules.money else "expected_purchases"
    customers = customers.iloc[np.argsort(-customers[by].to_numpy(), kind="stable")]
    early = told.early
    holdout = None if early is None else _expected(kind, early)
    return PeriodReport(
        model,
        spend,
        summary,
        customers,
        _totals(model, customers, horizon),
        _curve(fitted(kind, early) if early is not None else model, told, rules),
        holdout,
        None if early is None else float(early["frequency_holdout"].sum()),
        {
            "log": words("fit.a_frame") if log.is_frame else Path(str(log.source)).name,
            "model": model.name,
            "time_unit": rules.time_unit,
            "horizon": horizon,
            "discount_rate": yearly,
            "margin": margin,
            "observation_end": str(rules.end),
            "calibration_end": None if rules.split is None else str(rules.split),
            "currency": log.reading.currency,
            **log.columns,
        },
        doubts.about(log, rules.end) + notes.about_fit(model) + _about_pauses(summary, contracts) + about,
    )


def _paid(customers: pd.DataFrame, margin: float) -> pd.DataFrame:
    """What each customer pays a period, the mean of all where it is not known, and what that is worth."""
    known = (customers["frequency"] > 0) & (customers["monetary_value"] > 0)
    mean = customers["monetary_value"][known].mean() if known.any() else np.nan
    pays = customers["monetary_value"].where(known, mean)
    return customers.assign(expected_spend=pays, value=margin * pays * customers["discounted_purchases"])


def _about_pauses(summary: pd.DataFrame, contracts: bool) -> list[str]:
    paused = int((summary["frequency"] < summary["recency"]).sum())
    return [words("fit.note_paused", customers=f"{paused:,}")] if contracts and paused else []


def _spread(table: pd.DataFrame) -> pd.DataFrame:
    return table.iloc[np.linspace(0, len(table) - 1, min(len(table), SAMPLE)).astype(int)]


def _total(value: float, model: Any, function: Any, errors: np.ndarray, customers: int) -> Total:
    """A total whose interval holds the estimates' error and that of chance; symmetric on the log scale."""
    chance = float(np.sqrt(customers * np.mean(errors**2)))
    _, low, high = interval(model, function, "log")
    if low is None or not value > 0:
        return Total(value, np.nan, np.nan, np.nan, chance)
    doubt = float(np.log(high / low) / (2.0 * REACH))
    reach = REACH * np.hypot(doubt, chance / value)
    return Total(value, value * np.exp(-reach), value * np.exp(reach), value * doubt, chance)


def _totals(model: Any, customers: pd.DataFrame, horizon: int) -> dict[str, Total]:
    """Active customers, expected purchases and value over all customers, with intervals."""
    some = _spread(customers)
    future = drawn(model, horizon, some, np.random.default_rng(0))
    missed = future - some["expected_purchases"].to_numpy()
    n, known = len(customers), customers["probability_alive"]
    found = {"active": Total(float(known.sum()), np.nan, np.nan, np.nan, 0.0)}
    if isinstance(model, BGBB):
        alive = some["probability_alive"].to_numpy().clip(0.0, 1.0)  # rounding may be just beyond
        error = np.sqrt(alive * (1.0 - alive))
        found["active"] = _total(float(known.sum()), model, lambda m: active(m, some).mean(), error, n)

    def expected(m: Any) -> float:
        return float(ahead(m, horizon, some)[-1].mean())

    found["expected_purchases"] = _total(
        float(customers["expected_purchases"].sum()), model, expected, missed, n
    )
    if "value" in customers:
        each = some["value"] / some["expected_purchases"].where(some["expected_purchases"] > 0)
        worth = each.fillna(0.0).to_numpy()
        found["value"] = _total(float(customers["value"].sum()), model, expected, worth * missed, n)
    return found


def _expected(kind: type, early: pd.DataFrame) -> Total:
    """What the fit to calibration expects of the holdout, of the customers seen by then."""
    model, length = fitted(kind, early), ceil(early["duration_holdout"].iloc[0])
    some = _spread(early)
    expected = ahead(model, length, early)[-1]
    missed = drawn(model, length, some, np.random.default_rng(0)) - ahead(model, length, some)[-1]
    return _total(
        float(expected.sum()), model, lambda m: float(ahead(m, length, some)[-1].mean()), missed, len(early)
    )


def _curve(model: Any, told: Any, rules: Rules) -> pd.DataFrame:
    """Purchases by period, made and expected, of all customers seen by the end of calibration."""
    table = told.whole if told.early is None else told.early
    last, end = rules.moment_of(rules.split or rules.end), rules.moment_of(rules.end)
    first = last - np.rint(table["T"].to_numpy()).astype(int)
    born, counts = np.unique(first, return_counts=True)
    moments = np.arange(born[0] + 1, end + 1)
    ages = np.concatenate([[0.0], by_age(model, len(moments))])
    since = np.maximum(moments[:, None] - born, 0)
    made = told.repeats.groupby("moment")["purchases"].sum().reindex(moments, fill_value=0)
    days = [last_day(moment, rules.time_unit) for moment in moments]
    return pd.DataFrame(
        {"made": made.to_numpy(), "expected": ages[since] @ counts}, index=pd.to_datetime(days)
    )
