"""A customer report as files: a page to read offline, its pictures, a table of customers, the parameters."""

import json
import os
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

import duckdb
import matplotlib.pyplot as plt
import numpy as np

from crmlab.errors import InputError
from crmlab.pages import environment
from crmlab.plots import btyd
from crmlab.plots.style import png
from crmlab.words import words

_FOLDER = Path(__file__).resolve().parent
TOP = 10  # customers shown


def checked(out):
    """The folder `out` as a path; InputError if it cannot be one."""
    folder = Path(out).expanduser()
    above = folder
    while not above.exists() and above != above.parent:
        above = above.parent
    if not above.is_dir():
        raise InputError(f"out is {str(out)!r}, but {str(above)!r} is a file; name a folder")
    if not os.access(above, os.W_OK):
        raise InputError(f"out is {str(out)!r}, but {str(above)!r} cannot be written to; name another folder")
    return folder


def write(report, out):
    """Write a report; each file is written beside its place and renamed, the page last.

    Returns
    -------
    pathlib.Path
        Of ``index.html``.
    """
    folder = checked(out)
    folder.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(dir=folder, prefix=".report-"))
    try:
        os.chmod(beside, 0o755)
        (beside / "pictures").mkdir()
        _write_customers(report, beside / "customers.csv")
        text = json.dumps(as_json(report), indent=1, ensure_ascii=False, allow_nan=False)
        (beside / "parameters.json").write_text(text + "\n", encoding="utf-8")
        shown = _pictures(report, beside / "pictures")
        (beside / "index.html").write_text(_page(report, shown), encoding="utf-8")
        (folder / "pictures").mkdir(exist_ok=True)
        names = [f"pictures/{each['file']}" for each in shown]
        for name in [*names, "customers.csv", "parameters.json", "index.html"]:
            os.replace(beside / name, folder / name)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return folder / "index.html"


# -- tables --------------------------------------------------------------------------------------------------


def _write_customers(report, path):
    """Customers as CSV by DuckDB, which writes millions of rows in seconds."""
    table = report.customers.reset_index()
    if table.columns.duplicated().any():
        raise InputError(
            f"customer_id is named {report.customers.index.name!r}, as a column of the report; rename it"
        )
    ids = table.iloc[:, 0]
    if ids.dtype.kind not in "iuf":
        table[table.columns[0]] = ids.astype(str).astype(object)
    for name in table.columns[1:]:
        if table[name].dtype.kind == "f":
            table[name] = table[name].round(6)
    with duckdb.connect() as connection:
        connection.register("customers", table)
        connection.execute("COPY customers TO '{}' (FORMAT csv, HEADER)".format(str(path).replace("'", "''")))


def as_json(report):
    """What ``parameters.json`` holds."""
    holdout = report.holdout
    return _plain(
        {
            "settings": report.settings,
            "model": _model(report.model),
            "spend": None if report.spend is None else _model(report.spend),
            "holdout": None
            if holdout is None
            else {
                "model": _model(holdout.model),
                "purchases_made": holdout.made,
                "purchases_expected": holdout.expected,
                "standard_error": holdout.standard_error,
                "interval": list(holdout.interval),
                "mean_absolute_error": holdout.error,
                "mean_absolute_error_of_repeating": holdout.error_of_repeating,
                "rank_correlation": holdout.correlation,
            },
            "totals": _totals(report),
            "data": report.summary.attrs["report"],
            "notes": report.notes,
            "crmlab": version("crmlab"),
        }
    )


def _model(model):
    return {
        "name": model.name,
        "parameters": model.summary.to_dict(orient="index"),
        "covariance": model.covariance_.to_dict(),
        "log_likelihood": model.log_likelihood_,
        "aic": model.aic_,
        "bic": model.bic_,
        "customers": model.n_customers_,
        "convergence": model.convergence_.status,
        "message": model.convergence_.message,
    }


def _plain(value):
    """JSON's own kinds; what is not finite becomes null."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _totals(report):
    customers = report.customers
    totals = {
        "customers": len(customers),
        "repeat_purchases": int(customers["frequency"].sum()),
        "active": float(customers["probability_alive"].sum()),
        "expected_purchases": float(customers["expected_purchases"].sum()),
    }
    return totals | ({"value": float(customers["value"].sum())} if "value" in customers else {})


# -- pictures ------------------------------------------------------------------------------------------------


def _pictures(report, folder):
    """Draw the pictures; returns name -> file, alt text and caption, in order."""
    shown = []
    for name, figure, values in _drawn(report):
        file = f"{name}.png"
        with plt.rc_context({"savefig.dpi": 150}):
            (folder / file).write_bytes(png(figure))
        size = (figure.get_size_inches() * 96).round().astype(int)
        plt.close(figure)
        shown.append(
            {
                "name": name,
                "file": file,
                "alt": words(f"fit.alt_{name}", **values),
                "width": size[0],
                "height": size[1],
                "caption": words(f"fit.caption_{name}", **values),
            }
        )
    return shown


def _drawn(report):
    """Yields name, figure and the values that its words speak of."""
    model, summary, unit = report.model, report.summary, report.settings["time_unit"]
    track, holdout = report.tracking, report.holdout
    base = holdout.model if holdout else model
    bins = words(
        "fit.day" if track.days == 1 else "fit.week" if track.days == 7 else "fit.weeks", n=track.days // 7
    )
    expected = btyd.cohort_curve(base, track.births, track.times[[0, -1]])
    figure = btyd.tracking(
        base, track.births, track.times, track.purchases, track.calibration_end, unit, bins
    )
    yield (
        "tracking",
        figure,
        dict(
            made=f"{track.purchases.sum():,.0f}",
            expected=f"{np.diff(expected)[0]:,.0f}",
            name=model.name,
            period=bins,
        ),
    )
    if holdout:
        yield (
            "holdout",
            btyd.holdout(holdout.model, holdout.summary),
            dict(name=model.name, made=f"{holdout.made:,.0f}", expected=f"{holdout.expected:,.0f}"),
        )
    none = int((summary["frequency"] == 0).sum())
    windows, counts = np.unique(summary["T"], return_counts=True)
    none_expected = float(counts @ model.probability_of_n(np.zeros(len(windows)), windows))
    yield (
        "frequency",
        btyd.frequency_histogram(model, summary["frequency"], summary["T"]),
        dict(name=model.name, none=f"{none:,}", expected=f"{none_expected:,.0f}"),
    )
    longest = float(summary["T"].max())
    yield (
        "alive",
        btyd.alive(model, longest, unit=unit),
        dict(name=model.name, T=f"{longest:.4g}", units=words(f"fit.units_{unit}")),
    )
    customer, times = report.history
    row = report.customers.loc[customer]
    yield (
        "history",
        btyd.alive_history(model, times, float(row["T"]), unit),
        dict(
            customer=customer,
            n=len(times),
            alive=row["probability_alive"],
            T=row["T"],
            units=words(f"fit.units_{unit}"),
            last=times[-1] if len(times) else 0.0,
        ),
    )
    yield (
        "heterogeneity",
        btyd.heterogeneity(model, unit),
        dict(name=model.name, story=" ".join(model._story())),
    )


# -- the page ------------------------------------------------------------------------------------------------


def _page(report, shown):
    filters = {"number": _number, "count": lambda value: f"{value:,.0f}"}
    pictures = {each["name"]: each for each in shown}
    return (
        environment(_FOLDER, filters=filters)
        .get_template("customers.html.j2")
        .render(
            report=report,
            settings=report.settings,
            totals=_totals(report),
            pictures=pictures,
            top=_top(report),
            units=words(f"fit.units_{report.settings['time_unit']}"),
            story=report.model._story(),
            spend_story=report.spend._story() if report.spend is not None else [],
            data=report.summary.attrs["report"],
        )
    )


def _top(report):
    """The customers worth most (or expected to buy most), as column names and rows."""
    by = "value" if "value" in report.customers else "expected_purchases"
    table = report.customers.nlargest(TOP, by)
    columns = [  # what the table is in order of stands first, where narrow screens show it
        name
        for name in (
            "value",
            "expected_purchases",
            "probability_alive",
            "expected_spend",
            "frequency",
            "recency",
            "T",
            "monetary_value",
        )
        if name in table
    ]
    return columns, list(zip(table.index, table[columns].itertuples(index=False)))


def _number(value):
    """A number as people read it: whole ones with commas, others to four digits."""
    if isinstance(value, (int, np.integer)):
        return f"{value:,}"
    if not np.isfinite(value):
        return words("fit.unknown")
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
