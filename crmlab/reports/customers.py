"""From a transaction log to a customer base: parameters, a holdout check, what each customer is worth."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from math import ceil
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm, spearmanr
from tqdm import tqdm

from crmlab.cores import available_cores
from crmlab.data.logs import Log, LogOptions
from crmlab.data.queries import DAYS
from crmlab.data.rules import rules_for
from crmlab.data.summary import DataQualityWarning, quality_report, repeat_purchases, summarise
from crmlab.errors import InputError, check_known, option
from crmlab.models.btyd import BGNBD, ConvergenceWarning, GammaGamma, ModifiedBGNBD, ParetoNBD
from crmlab.plots.btyd import interval
from crmlab.words import words

MODELS = {"bgnbd": BGNBD, "mbgnbd": ModifiedBGNBD, "paretonbd": ParetoNBD}
RULES = ("refunds", "zeros", "duplicates", "missing", "unreadable")
BLOCK = 1 << 13  # rows computed together
STEPS = 12  # of the progress bar, besides the readings of the log
MANY = 20_000  # customers on whom the error of the forecast total is computed


@dataclass(frozen=True)
class Tracking:
    """Repeat purchases by calendar time, of the customers that a model was fitted to.

    Attributes
    ----------
    births : (array, array)
        Times of first purchases, in the unit of time since the first of all, and customers with each.
    times : array, shape (k + 1,)
        Ends of the periods, the first being the start.
    purchases : array, shape (k,)
    calibration_end : float or None
    days : int
        Length of a period.
    """

    births: tuple
    times: np.ndarray
    purchases: np.ndarray
    calibration_end: float
    days: int


@dataclass(frozen=True)
class Holdout:
    """What a model fitted to the calibration period said of the holdout.

    Attributes
    ----------
    model
        Fitted to the calibration period.
    summary : pandas.DataFrame
        Its customers.
    made, expected, standard_error : float
        Purchases in the holdout; those expected; and the error that their difference has by chance in
        purchases and uncertainty of the estimates.
    error, error_of_repeating : float
        Mean absolute error a customer, and that of the rule "as often as before".
    correlation : float
        Of made and expected purchases over customers, by ranks.
    """

    model: object
    summary: pd.DataFrame
    made: float
    expected: float
    standard_error: float
    error: float
    error_of_repeating: float
    correlation: float

    @property
    def interval(self):
        """Between which totals the purchases should have been, in 95 of 100 such holdouts."""
        reach = norm.ppf(0.975) * self.standard_error
        return max(self.expected - reach, 0.0), self.expected + reach


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
        money, ``expected_spend`` and ``value``.
    holdout : Holdout or None
    tracking : Tracking
    history : (customer, times)
        One customer's repeat purchases, in the unit of time since the first.
    settings : dict
    notes : list of str
        What a reader should know before trusting the figures.
    """

    model: object
    spend: object
    summary: pd.DataFrame
    customers: pd.DataFrame
    holdout: Holdout
    tracking: Tracking
    history: tuple
    settings: dict
    notes: list = field(default_factory=list)

    @property
    def data(self):
        """What became of the rows of the log; see `crmlab.data.quality_report`."""
        return quality_report(self.summary)

    def write(self, out):
        """Write ``index.html``, ``customers.csv``, ``parameters.json``, ``pictures/`` into folder `out`."""
        from crmlab.reports.pages import write

        return write(self, out)


def customer_report(
    log,
    model="bgnbd",
    *,
    customer_id="customer_id",
    date="date",
    amount="amount",
    observation_end=None,
    calibration_end=None,
    time_unit="W",
    horizon=None,
    discount_rate=0.1,
    margin=1.0,
    out=None,
    progress=None,
    **options,
):
    """Fit a customer-base model to a transaction log and say what each customer is worth.

    Parameters
    ----------
    log, customer_id, date, amount, observation_end, calibration_end, time_unit
        See `crmlab.data.customer_summary`. With `calibration_end` the model is fitted twice: to the
        calibration period, to be held against the holdout, and to everything, for what is said of customers.
    model : {"bgnbd", "mbgnbd", "paretonbd"}
    horizon : float, optional
        For how long ahead purchases and value are expected, in units of time; a year otherwise.
    discount_rate : float
        Effective rate a year.
    margin : float
        Share of an amount that is profit.
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
    check_known(option("model"), [model], MODELS)
    rules = {name: options.pop(name) for name in RULES if name in options}
    check_known("option", options, LogOptions.__annotations__)
    horizon = ceil(365.25 / DAYS[time_unit] - 0.5) if horizon is None and time_unit in DAYS else horizon
    for name, value, least in (
        ("horizon", horizon, 0.0),
        ("discount_rate", discount_rate, -1e-300),
        ("margin", margin, 0.0),
    ):
        if value is not None and not (np.isfinite(value) and value > least):
            or_0 = " or 0" if name == "discount_rate" else ""
            raise InputError(f"{option(name)} is {value:g}; give a number above 0{or_0}")
    if out is not None:
        from crmlab.reports.pages import checked

        checked(out)
    with (
        Log(log, customer_id, date, amount, **options) as opened,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", DataQualityWarning)  # the report has the table
        warnings.simplefilter("ignore", ConvergenceWarning)  # and says how the fit ended
        chosen = rules_for(opened, observation_end, calibration_end, time_unit, **rules)
        total = opened.buckets * (2 if chosen.split is None else 3) + STEPS
        shown = opened.audit.rows >= 2_000_000 if progress is None else progress
        with tqdm(
            total=total,
            disable=not shown,
            bar_format="{desc:34} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}",
        ) as bar:
            report = _build(opened, chosen, MODELS[model], horizon, discount_rate, margin, bar)
            if out is not None:
                bar.set_description(words("fit.writing"))
                report.write(out)
            bar.update(max(0, total - bar.n))
    return report


def _build(log, rules, kind, horizon, discount_rate, margin, bar):
    settings = {
        "log": _called(log.source),
        "model": kind.name,
        "time_unit": rules.time_unit,
        "horizon": horizon,
        "discount_rate": discount_rate,
        "margin": margin,
        "observation_end": str(rules.end),
        "calibration_end": None if rules.split is None else str(rules.split),
        **log.columns,
    }
    summary = summarise(log, replace(rules, split=None), bar)
    early = summarise(log, rules, bar) if rules.split is not None else None
    days = repeat_purchases(log, rules, bar)
    bar.set_description(words("fit.fitting", name=kind.name))
    fitted = kind().fit(summary["frequency"], summary["recency"], summary["T"])
    bar.update(2)
    holdout = None if early is None else _holdout(kind, early)
    bar.update(2)
    notes = _fit_notes(fitted)
    notes += [] if holdout is None else _fit_notes(holdout.model, words("fit.calibration"))
    spend, more = _fit_spend(summary) if rules.money else (None, [])
    bar.set_description(words("fit.forecasting"))
    customers = _forecast(
        fitted, summary, horizon, (1.0 + discount_rate) ** (DAYS[rules.time_unit] / 365.25) - 1.0
    )
    if rules.money:
        customers = _valued(customers, spend, margin)
        more += _spend_notes(summary)
    bar.update(2)
    example = _example(customers)
    history = (example, _times_of(log, rules, example))
    return CustomerReport(
        fitted,
        spend,
        summary,
        customers,
        holdout,
        _tracking(early if early is not None else summary, days, rules),
        history,
        settings,
        notes + more,
    )


def _called(source):
    return words("fit.a_frame") if isinstance(source, pd.DataFrame) else Path(source).name


# -- fits ----------------------------------------------------------------------------------------------------


def _fit_notes(model, which=""):
    if model.convergence_.status == "converged":
        return []
    return [
        words(
            "fit.note_fit",
            name=f"{model.name}{f' ({which})' if which else ''}",
            message=model.convergence_.message,
        )
    ]


def _holdout(kind, early):
    """Fit to the calibration period and hold against what followed."""
    history = early["frequency"], early["recency"], early["T"]
    model, length = kind().fit(*history), float(early["duration_holdout"].iloc[0])
    expected = model.conditional_expected_purchases(length, *history)
    made = early["frequency_holdout"].to_numpy(float)
    some = np.linspace(0, len(early) - 1, min(len(early), MANY)).astype(int)
    sample = [each.iloc[some] for each in history]
    _mean, low, high = interval(
        model, lambda m: m.conditional_expected_purchases(length, *sample).mean(), "log"
    )
    doubt = 0.0 if low is None else np.log(high / low) / (2 * norm.ppf(0.975)) * expected.sum()
    chance = np.std(made - expected) * np.sqrt(len(made))
    T = early["T"].to_numpy()
    as_before = np.divide(early["frequency"].to_numpy() * length, T, out=np.zeros(len(T)), where=T > 0)
    rank = spearmanr(made, expected).statistic if made.std() > 0 and expected.std() > 0 else np.nan
    return Holdout(
        model,
        early,
        float(made.sum()),
        float(expected.sum()),
        float(np.hypot(doubt, chance)),
        float(np.abs(made - expected).mean()),
        float(np.abs(made - as_before).mean()),
        float(rank),
    )


def _fit_spend(summary):
    """The Gamma-Gamma model, or None where it cannot be fitted, with notes."""
    usable = (summary["frequency"] > 0) & (summary["monetary_value"] > 0)
    left = int(((summary["frequency"] > 0) & ~usable).sum())
    notes = [words("fit.note_worthless", customers=f"{left:,}")] if left else []
    if usable.sum() < 2:
        return None, [*notes, words("fit.note_no_spend", reason=words("fit.few_buyers"))]
    try:
        spend = GammaGamma().fit(summary["frequency"][usable], summary["monetary_value"][usable])
    except InputError as error:
        return None, [*notes, words("fit.note_no_spend", reason=str(error))]
    if spend.params_["q"] <= 1:
        notes.append(words("fit.note_heavy", q=spend.params_["q"]))
    return spend, notes + _fit_notes(spend)


def _spend_notes(summary):
    """Gamma-Gamma takes for granted that those who buy often spend neither more nor less on a purchase."""
    buyers = summary[(summary["frequency"] > 0) & (summary["monetary_value"] > 0)]
    if len(buyers) < 3 or buyers["frequency"].nunique() < 2 or buyers["monetary_value"].nunique() < 2:
        return []
    correlation = np.corrcoef(buyers["frequency"], buyers["monetary_value"])[0, 1]
    return [
        words(
            "fit.note_independent" if abs(correlation) < 0.1 else "fit.note_dependent",
            correlation=correlation,
        )
    ]


# -- customers -----------------------------------------------------------------------------------------------


def _forecast(model, summary, horizon, rate):
    """The summary with P(alive), expected purchases and discounted expected purchases.

    A customer who is active has one future whatever the time of the last purchase, so futures are computed
    once for each frequency and T, and weighted by P(alive).
    """
    x, t_x, T = (summary[name].to_numpy() for name in ("frequency", "recency", "T"))
    alive = model.probability_alive(x, t_x, T)
    code, windows = pd.factorize(T)
    which, pairs = pd.factorize(x * len(windows) + code)
    n, window = (pairs // len(windows)).astype(float), windows[pairs % len(windows)]
    parts = np.array_split(np.arange(len(n)), -(-len(n) // BLOCK))
    with ThreadPoolExecutor(available_cores()) as pool:
        futures = pool.map(lambda part: _futures(model, n[part], window[part], horizon, rate), parts)
    ahead, discounted = (np.concatenate(each) for each in zip(*futures))
    columns = {
        "probability_alive": alive,
        "expected_purchases": alive * ahead[which],
        "discounted_purchases": alive * discounted[which],
    }
    return summary.assign(**columns)


def _futures(model, frequency, T, horizon, rate):
    """Expected and discounted expected purchases of customers known to be active."""
    history = frequency, np.where(frequency > 0, T, 0.0), T
    sure = model.probability_alive(*history)
    ahead = model.conditional_expected_purchases(horizon, *history)
    return ahead / sure, model.customer_lifetime_value(horizon, rate, *history, 1.0) / sure


def _valued(customers, spend, margin):
    """Expected spend a purchase, and value: margin times spend times discounted purchases.

    Where the model of spend gives nothing finite, the mean over buyers stands in.
    """
    usable = (customers["frequency"] > 0) & (customers["monetary_value"] > 0)
    mean = customers["monetary_value"][usable].mean() if usable.any() else np.nan
    if spend is None:
        expected = np.full(len(customers), mean)
    else:
        expected = spend.expected_spend(
            np.where(usable, customers["frequency"], 0), np.where(usable, customers["monetary_value"], 0.0)
        )
        expected = np.where(np.isfinite(expected), expected, mean)
    value = margin * expected * customers["discounted_purchases"]
    return customers.assign(expected_spend=expected, value=value)


def _example(customers):
    """A customer of whom one cannot say: P(alive) nearest one half among those with some purchases."""
    for few, most in ((4, 12), (2, 10**9), (1, 10**9)):
        some = customers[customers["frequency"].between(few, most)]
        if len(some):
            return some.index[np.argmin(np.abs(some["probability_alive"].to_numpy() - 0.5))]
    return customers.index[0]


def _times_of(log, rules, customer):
    days = log.days_of(customer)
    days = days[days <= np.datetime64(rules.end)]
    return (days[1:] - days[0]).astype(float) / DAYS[rules.time_unit]


def _tracking(summary, days, rules):
    """Repeat purchases in whole weeks (or days, or four weeks) since the first purchase of all."""
    unit = DAYS[rules.time_unit]
    age = np.rint(summary["T"].to_numpy() * unit).astype(int)
    last = np.datetime64(rules.split or rules.end)
    start = last - age.max()
    length = int((np.datetime64(rules.end) - start).astype(int))
    step = 1 if length <= 28 else 7 if length <= 1400 else 28
    edges = np.arange(0, length + 1, step)
    when = (days.index.to_numpy().astype("datetime64[D]") - start).astype(int)
    # A period ends with its last day.
    purchases = np.histogram(when, edges + 0.5, weights=days.to_numpy(float))[0]
    born, counts = np.unique(age.max() - age, return_counts=True)
    split = None if rules.split is None else float((last - start).astype(int)) / unit
    return Tracking((born / unit, counts), edges / unit, purchases, split, step)
