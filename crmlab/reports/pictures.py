"""The pictures of a customer report, each with its alt text and caption."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from crmlab.plots import btyd, customer_base
from crmlab.plots.style import png
from crmlab.reports import segments, telling
from crmlab.words import words

SHARP = 150  # dots an inch
AGES = (7, 30, 91, 182, 365)  # days of the periods of a cohort's age
COLUMNS = 12  # of such periods shown
MOST = 4  # causes of a miss that are shown


def drawn(report: Any, folder: Path) -> dict[str, dict[str, Any]]:
    """Draw the pictures of a customer report into a folder; see `saved`."""
    return saved(_every(report), folder)


def saved(every: Iterable[tuple[str, Figure, str, str]], folder: Path) -> dict[str, dict[str, Any]]:
    """Write pictures, given as name, figure, alt text and caption, into a folder, and close them.

    Returns
    -------
    dict of str to dict
        By name: file, alt, caption, width and height in CSS pixels.
    """
    shown = {}
    for name, figure, alt, caption in every:
        file = f"{name}.png"
        with plt.rc_context({"savefig.dpi": SHARP}):
            (folder / file).write_bytes(png(figure))
        width, height = (figure.get_size_inches() * 96).round().astype(int)
        plt.close(figure)
        shown[name] = {"file": file, "alt": alt, "caption": caption, "width": width, "height": height}
    return shown


def _every(report: Any) -> Iterator[tuple[str, Figure, str, str]]:
    """Name, figure, alt text and caption of each picture."""
    draw = [_tracking, _holdout, _matrices, _heterogeneity, _inequality, _retention]
    draw += [_season] if report.has_season else []
    draw += [] if report.has_covariates else [_frequency, _history]  # what covariates make of one's own
    for one in draw:
        found = one(report)
        if found is not None:
            name, figure, values = found
            yield name, figure, words(f"fit.alt_{name}", **values), words(f"fit.caption_{name}", **values)
    split = report.settings["calibration_end"]
    for miss in [each for each in report.misses if each.seen][:MOST]:
        figure = customer_base.miss(miss, np.datetime64(split) if split else None)
        text = telling.about(miss, report.has_season)
        yield f"miss_{miss.kind}", figure, text["alt"], words("fit.caption_miss")


def _tracking(report: Any) -> tuple[str, Figure, dict[str, Any]] | None:
    if report.tracking is None:
        return None
    track, model = report.tracking, report.holdout.model if report.holdout else report.model
    key = {1: "fit.day", 7: "fit.week"}.get(track.days, "fit.weeks")
    bins = words(key, n=track.days // 7)
    unit, whole = report.settings["time_unit"], track.whole_periods
    figure = btyd.tracking(
        model, track.born(), track.times, track.purchases, track.calibration_end, unit, bins, whole
    )
    made, expected = track.purchases.sum(), track.expected(model).sum()
    values = {"made": f"{made:,.0f}", "expected": f"{expected:,.0f}", "name": model.name, "period": bins}
    return "tracking", figure, values


def _holdout(report: Any) -> tuple[str, Figure, dict[str, Any]] | None:
    holdout = report.holdout
    if holdout is None:
        return None
    length = float(holdout.summary["duration_holdout"].iloc[0])
    figure = btyd.holdout(
        holdout.model,
        holdout.summary,
        holdout.each,
        ask=lambda model, rows: holdout.asked.some(rows).expected(model, length),
        weights=holdout.asked.weights,
    )
    made, expected = f"{holdout.made:,.0f}", f"{holdout.expected:,.0f}"
    return "holdout", figure, {"name": holdout.model.name, "made": made, "expected": expected}


def _frequency(report: Any) -> tuple[str, Figure, dict[str, Any]]:
    model, summary = report.model, report.summary
    weights = summary["weights"].to_numpy(float) if "weights" in summary else np.ones(len(summary))
    windows, code = np.unique(summary["T"], return_inverse=True)
    expected = float(np.bincount(code, weights) @ model.probability_of_n(np.zeros(len(windows)), windows))
    none = round(weights[(summary["frequency"] == 0).to_numpy()].sum())
    figure = btyd.frequency_histogram(model, summary["frequency"], summary["T"], weights=weights)
    return "frequency", figure, {"name": model.name, "none": f"{none:,}", "expected": f"{expected:,.0f}"}


def _matrices(report: Any) -> tuple[str, Figure, dict[str, Any]]:
    settings, longest = report.settings, float(report.summary["T"].max())
    model, name = _plain(report)
    figure = customer_base.matrices(model, longest, settings["horizon"], settings["time_unit"])
    units = words(f"fit.units_{settings['time_unit']}")
    values = {"name": name, "T": f"{longest:.4g}", "units": units}
    return "matrices", figure, values | {"horizon": f"{settings['horizon']:g}"}


def _history(report: Any) -> tuple[str, Figure, dict[str, Any]] | None:
    from crmlab.data.logs import shown

    if report.history is None:
        return None
    unit = report.settings["time_unit"]
    customer, times = report.history
    row = report.customers.loc[customer]
    figure = btyd.alive_history(report.model, times, float(row["T"]), unit)
    values = {
        "customer": shown(customer),
        "n": len(times),
        "alive": row["probability_alive"],
        "T": row["T"],
        "units": words(f"fit.units_{unit}"),
        "last": times[-1] if len(times) else 0.0,
    }
    return "history", figure, values


def _heterogeneity(report: Any) -> tuple[str, Figure, dict[str, Any]]:
    unit = report.settings["time_unit"]
    model, name = _plain(report)
    values = {"name": name, "story": " ".join(telling.story(report.model, unit))}
    return "heterogeneity", btyd.heterogeneity(model, unit), values


def _plain(report: Any) -> tuple[Any, str]:
    """The model, or that of customers whose covariates are 0, and what it is called."""
    model = getattr(report.model, "base", report.model)
    return model, words("fit.at_zero", name=model.name) if report.has_covariates else model.name


def _season(report: Any) -> tuple[str, Figure, dict[str, Any]]:
    factors = report.model.season_factors()
    return "season", customer_base.season(factors), telling.season(factors)


def _inequality(report: Any) -> tuple[str, Figure, dict[str, Any]]:
    found = report.deciles
    measure = words(f"fit.measure_{found.measure}")
    shares = found.table["share"].to_numpy()
    figure = customer_base.inequality(shares, found.customers, found.total, measure)
    values = {"measure": measure, "top": shares[0], "half": found.table["so_far"].iloc[len(shares) // 2 - 1]}
    return "inequality", figure, values | {"gini": found.gini}


def _retention(report: Any) -> tuple[str, Figure, dict[str, Any]] | None:
    track = report.tracking
    if track is None or not len(track.repeats):
        return None
    end = np.datetime64(report.settings["observation_end"])
    length = int((end - track.start).astype(int))
    days = next((each for each in AGES if length <= COLUMNS * each), AGES[-1])
    table = segments.retention(track.repeats, track.births_by_day(), end, days)
    if table.empty or table.shape[1] < 2:
        return None
    return "retention", customer_base.retention(table), {"days": days}
