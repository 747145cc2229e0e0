"""From a log, or a summary made elsewhere, with more customers than memory holds to what each is worth."""

import hashlib
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from crmlab.data.accounting import DataQualityWarning
from crmlab.data.logs import Log, LogOptions, doubts
from crmlab.data.logs.sql import literal
from crmlab.data.parted import SummaryParts, finished, summarise_in_parts, write_part
from crmlab.data.queries import DAYS
from crmlab.data.rules import rules_for
from crmlab.errors import InputError, check_known, option
from crmlab.files import write_text
from crmlab.models.btyd import ConvergenceWarning, GammaGamma
from crmlab.reports import forecasts, notes, tables
from crmlab.reports.customers import MODELS, RULES, checked_horizon, settings_of
from crmlab.reports.pages import checked
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
    settings: dict[str, Any]
    notes: list[str] = field(default_factory=list)


def report_in_parts(
    log: object,
    model: str = "bgnbd",
    *,
    out: str | Path,
    customer_id: str = "customer_id",
    date: str = "date",
    amount: str | None = "amount",
    observation_end: object = None,
    time_unit: str = "W",
    horizon: float | None = None,
    discount_rate: float = 0.1,
    margin: float = 1.0,
    progress: bool | None = None,
    **options: Any,
) -> PartedReport:
    """Fit a customer-base model to a log of any number of customers and say what each is worth.

    What is finished stands in `out`: the summary's parts in ``summary``, the customers' in ``customers``,
    the fits in ``parameters.json``. Interrupted and called again with the same arguments it goes on there.

    Parameters
    ----------
    log, model, customer_id, date, amount, observation_end, time_unit, horizon, discount_rate, margin
        See `crmlab.reports.customer_report`; there is no holdout.
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
        chosen = rules_for(opened, observation_end, None, time_unit, **rules)
        parts = summarise_in_parts(opened, chosen, folder / "summary", progress)
        doubted = doubts.about(opened, chosen.end)
        settings = settings_of(opened, chosen, MODELS[model].name, horizon, discount_rate, margin)
    return _built(parts, model, folder, settings, doubted, progress)


def forecast_in_parts(
    parts: SummaryParts,
    model: str = "bgnbd",
    *,
    out: str | Path,
    time_unit: str = "W",
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
    settings = {
        "log": parts.folder.name,
        "model": MODELS[model].name,
        "time_unit": time_unit,
        "horizon": checked_horizon(horizon, time_unit, discount_rate, margin),
        "discount_rate": discount_rate,
        "margin": margin,
        "observation_end": parts.attrs.get("observation_end"),
        "currency": None,
    }
    return _built(parts, model, checked(out), settings, [], progress)


def _built(
    parts: SummaryParts,
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
        buyers = parts.spending() if parts.has_money else None
        repeats, again = int(frequency @ weights), float(weights[frequency > 0].sum())
        del histories, frequency, weights
        spend, mean, about = None, None, []
        if buyers is not None:
            known = buyers["weights"].sum()
            spend, about = notes.spend_of(buyers, int(again - known))
            mean = float(buyers["monetary_value"] @ buyers["weights"] / known) if known else np.nan
            about += notes.about_dependence(buyers)
            del buyers
    sums = _forecast(parts, fitted, spend, mean, folder / "customers", settings, progress)
    some = _sample(folder / "customers", parts)
    horizon, margin = settings["horizon"], settings["margin"]
    totals = forecasts.totals_of(fitted, spend, some, parts.customers, sums, horizon, margin)
    told = doubted + notes.about_fit(fitted) + about
    report = PartedReport(
        fitted, spend, parts, folder / "customers", totals, parts.customers, repeats, settings, told
    )
    write_text(folder / "parameters.json", json.dumps(_as_json(report), indent=1, ensure_ascii=False) + "\n")
    return report


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


def _sample(folder: Path, parts: SummaryParts) -> pd.DataFrame:
    """Every so manieth customer of each part."""
    step = ceil(parts.customers / forecasts.SAMPLE)
    paths = literal([str(folder / path.name) for path in parts.paths])
    query = (
        f"SELECT * FROM read_parquet({paths}, filename = true, file_row_number = true) "
        f"WHERE file_row_number % {step} = 0 ORDER BY filename, file_row_number"
    )
    with parts.connected() as connection:
        return connection.execute(query).df()


def _as_json(report: PartedReport) -> dict[str, Any]:
    return tables.plain(
        {
            "settings": report.settings,
            "model": tables.model_as_json(report.model),
            "spend": None if report.spend is None else tables.model_as_json(report.spend),
            "totals": {
                "customers": report.size,
                "repeat_purchases": report.repeats,
                **{name: total.value for name, total in report.totals.items()},
            },
            "intervals": {name: [total.low, total.high] for name, total in report.totals.items()},
            "data": report.parts.attrs.get("report", []),
            "notes": report.notes,
            "crmlab": version("crmlab"),
        }
    )
