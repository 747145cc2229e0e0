"""The report on purchases or contracts by period as files: page, pictures, customers, parameters."""

import json
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from crmlab.pages import environment
from crmlab.plots.intervals import interval
from crmlab.plots.style import HEADLINE, NAIVE, TRUTH, subplots
from crmlab.reports import pages, pictures, tables, telling
from crmlab.words import words

_FOLDER = Path(__file__).resolve().parent
MOST = 12  # bars of the histogram


def checked_folder(out: str | Path) -> Path:
    """The folder `out` as a path; InputError if it cannot be one, or holds files of another's."""
    return pages.checked(out)


def write(report: Any, out: str | Path) -> Path:
    """Write a report; each file is written beside its place and renamed, the page last."""
    return pages.into(out, lambda beside: _fill(report, beside))


def _fill(report: Any, beside: Path) -> dict[str, dict[str, Any]]:
    tables.write_customers(report, beside / "customers.csv")
    text = json.dumps(as_json(report), indent=1, ensure_ascii=False, allow_nan=False)
    (beside / "parameters.json").write_text(text + "\n", encoding="utf-8")
    pages.save_fits(report, beside)
    held = pictures.saved(_every(report), beside / "pictures")
    (beside / "index.html").write_text(_page(report, held), encoding="utf-8")
    return held


def as_json(report: Any) -> dict[str, Any]:
    """What ``parameters.json`` holds."""
    holdout = report.holdout
    told = (
        {"made": report.made, "expected": holdout.value, "interval": [holdout.low, holdout.high]}
        if holdout
        else None
    )
    return tables.plain(
        {
            "settings": report.settings,
            "model": tables.model_as_json(report.model),
            "spend": None if report.spend is None else tables.model_as_json(report.spend),
            "holdout": told,
            "totals": {name: total.value for name, total in report.totals.items()},
            "intervals": {name: [total.low, total.high] for name, total in report.totals.items()},
            "data": report.summary.attrs["report"],
            "notes": report.notes,
            "crmlab": version("crmlab"),
        }
    )


def story(report: Any) -> list[str]:
    """What the parameters mean, and what the holdout says."""
    lines = report.model._story()
    if report.holdout is None:
        return lines
    low, high = (telling.count(each) for each in (report.holdout.low, report.holdout.high))
    inside = report.holdout.low <= report.made <= report.holdout.high
    key = "fit.period_holdout_inside" if inside else "fit.period_holdout_outside"
    made, expected = telling.count(report.made), telling.count(report.holdout.value)
    values = dict(split=report.settings["calibration_end"], made=made, expected=expected, low=low, high=high)
    return [*lines, words(key, **values)]


def _page(report: Any, held: dict[str, dict[str, Any]]) -> str:
    settings = report.settings
    money = telling.Money(settings["currency"])
    return (
        environment(_FOLDER, filters={"number": telling.number, "count": telling.count, "money": money})
        .get_template("periods.html.j2")
        .render(
            report=report,
            settings=settings,
            ours=pages.OURS,
            fits=tables.fits(report),
            facts=_facts(report, money),
            pictures=held,
            top=pages.top(report, money),
            groups=_groups(report, money),
            units=words(f"fit.units_{settings['time_unit']}"),
            story=story(report),
            data=report.summary.attrs["report"],
        )
    )


def _facts(report: Any, money: telling.Money) -> list[tuple[str, str, str]]:
    settings = report.settings
    ahead = {"horizon": settings["horizon"], "units": words(f"fit.units_{settings['time_unit']}")}
    kind = "contracts" if report.contracts else "periods"
    found = [(words("fit.fact_customers"), f"{len(report.customers):,}", "")]
    for name, total in report.totals.items():
        write = money if name == "value" else telling.count
        label = words("fit.fact_value" if name == "value" else f"fit.fact_{kind}_{name}", **ahead)
        found.append((label, write(total.value), telling.between(total, write)))
    return found


def _groups(report: Any, money: telling.Money) -> tuple[list[str], list[tuple[str, list[str]]]]:
    rows = []
    for name, row in report.groups.iterrows():
        active = [] if report.contracts else [f"{row.active:.0%}"]
        cells = [f"{row.customers:,.0f}", *active, telling.count(row.expected)]
        cells += [money(row.value), money(row.value_each)] if "value" in row else []
        rows.append((str(name), cells))
    kind = "contracts" if report.contracts else "periods"
    heads = [words("fit.head_customers")] + [words("fit.head_active")] * (not report.contracts)
    heads += [words(f"fit.head_{kind}_expected")]
    heads += [words("fit.head_value"), words("fit.head_value_each")] * ("value" in report.groups)
    return heads, rows


# -- pictures ------------------------------------------------------------------------------------------------


def _every(report: Any) -> Iterator[tuple[str, Figure, str, str]]:
    curve = report.curve
    values = {"made": telling.count(curve["made"].sum()), "expected": telling.count(curve["expected"].sum())}
    values |= {"name": report.model.name, "period": words(f"fit.unit_{report.settings['time_unit']}")}
    yield (
        "calendar",
        _calendar(report),
        words("fit.alt_calendar", **values),
        words("fit.caption_calendar", **values),
    )
    draw, name = (_staying, "staying") if report.contracts else (_histogram, "counts")
    yield name, draw(report), words(f"fit.alt_{name}", **values), words(f"fit.caption_{name}", **values)


def _calendar(report: Any) -> Figure:
    """Purchases by calendar period, made and expected."""
    curve, split = report.curve, report.settings["calibration_end"]
    figure, axes = subplots(figsize=(8, 3.6))
    axes.plot(curve.index, curve["made"], color=TRUTH, marker="o", markersize=3, label=words("fit.seen"))
    axes.plot(
        curve.index, curve["expected"], color=HEADLINE, linestyle="--", label=words("fit.expected_by_model")
    )
    if split:
        axes.axvline(np.datetime64(split), color=NAIVE, linewidth=1.2, label=words("fit.calibration_end"))
    label = "fit.renewals_a_period" if report.contracts else "fit.purchases_a_period"
    axes.set(ylabel=words(label), ylim=(0, None))
    axes.legend()
    figure.autofmt_xdate(rotation=30)
    return figure


def _histogram(report: Any) -> Figure:
    """Customers by periods with a purchase, made and expected."""
    model, table = report.model, report.summary
    x = np.minimum(table["frequency"].to_numpy(), MOST)
    windows, counts = np.unique(table["T"].to_numpy(), return_counts=True)
    expected = np.array(
        [counts @ model.probability_of_n(np.full(len(windows), n), windows) for n in range(MOST)]
    )
    expected = np.append(expected, len(table) - expected.sum())
    figure, axes = subplots(figsize=(8, 3.6))
    at = np.arange(MOST + 1)
    axes.bar(
        at - 0.2, np.bincount(x.astype(int), minlength=MOST + 1), 0.4, color=TRUTH, label=words("fit.seen")
    )
    axes.bar(
        at + 0.2,
        expected,
        0.4,
        color=HEADLINE,
        hatch="//",
        edgecolor="white",
        label=words("fit.expected_by_model"),
    )
    axes.set_xticks(at, [*map(str, range(MOST)), f"{MOST}+"])
    axes.set(xlabel=words("fit.periods_bought"), ylabel=words("fit.fact_customers"))
    axes.legend()
    return figure


def _staying(report: Any) -> Figure:
    """Who is still there after so many renewals, and of whom the next is made: seen, and by the model."""
    table, model = report.summary, report.model
    made, left = table["recency"].to_numpy().astype(int), (table["recency"] < table["T"]).to_numpy()
    asked = np.array([((made > t - 1) | ((made == t - 1) & left)).sum() for t in range(1, made.max() + 1)])
    stayed = np.array([(made >= t).sum() for t in range(1, made.max() + 1)])
    t = np.arange(1, len(asked) + 1)[asked > 0]
    rate = (stayed / np.maximum(asked, 1))[asked > 0]
    figure, (left_axes, right_axes) = subplots(1, 2, figsize=(9, 3.6), sharex=True)
    for axes, seen, ask, label in (
        (left_axes, np.cumprod(rate), lambda m: m.survival(t), "fit.still_there"),
        (right_axes, rate, lambda m: m.retention_rate(t), "fit.renewing"),
    ):
        middle, low, high = interval(model, ask, "logit")
        axes.plot(t, 100 * seen, "o", color=TRUTH, markersize=4, label=words("fit.seen"))
        axes.plot(t, 100 * middle, color=HEADLINE, label=words("fit.expected_by_model"))
        if low is not None:
            axes.fill_between(t, 100 * low, 100 * high, color=HEADLINE, alpha=0.22, linewidth=0)
        axes.set(xlabel=words("fit.renewal"), ylabel=words(label), ylim=(0, 100))
    left_axes.legend()
    return figure
