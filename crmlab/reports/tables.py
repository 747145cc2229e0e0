"""A customer report for programs: ``customers.csv`` and ``parameters.json``."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from crmlab.data.logs import shown
from crmlab.errors import InputError
from crmlab.models.btyd.saving import can_be_saved


def write_customers(report: Any, path: Path) -> None:
    """Customers as CSV by DuckDB, which writes millions of rows in seconds."""
    table = report.customers.reset_index()
    if table.columns.duplicated().any():
        raise InputError(
            f"customer_id is named {report.customers.index.name!r}, as a column of the report; rename it"
        )
    ids = table.iloc[:, 0]
    if ids.dtype.kind not in "iuf":
        table[table.columns[0]] = ids.map(shown).astype(object)
    quoted = ['"' + str(name).replace('"', '""') + '"' for name in table.columns]
    columns = [
        f"ROUND({name}, 6) AS {name}" if table[column].dtype.kind == "f" else name
        for name, column in zip(quoted[1:], table.columns[1:])
    ]
    place = str(path).replace("'", "''")
    with duckdb.connect() as connection:
        connection.register("customers", table)
        query = f"SELECT {', '.join([quoted[0], *columns])} FROM customers"
        connection.execute(f"COPY ({query}) TO '{place}' (FORMAT csv, HEADER)")


def fits(report: Any) -> dict[str, tuple[Any, str | None]]:
    """The fitted models that can be saved, by file, each with its unit."""
    settings = report.settings
    found = {
        "model.json": (report.model, settings["time_unit"]),
        "spend.json": (report.spend, settings["currency"]),
    }
    return {name: each for name, each in found.items() if can_be_saved(each[0])}


def as_json(report: Any) -> dict[str, Any]:
    """What ``parameters.json`` holds."""
    holdout = report.holdout
    return plain(
        {
            "settings": report.settings,
            "model": model_as_json(report.model),
            "spend": None if report.spend is None else model_as_json(report.spend),
            "holdout": None if holdout is None else _holdout(holdout),
            "comparison": [vars(each) for each in report.comparison.models],
            "misses": [
                {"kind": each.kind, "p": each.p, "size": each.size, "seen": each.seen}
                for each in report.misses
            ],
            "totals": {
                "customers": report.size,
                "repeat_purchases": report.repeats,
                **{name: total.value for name, total in report.totals.items()},
            },
            "intervals": {name: [total.low, total.high] for name, total in report.totals.items()},
            "data": report.summary.attrs["report"],
            "notes": report.notes,
            "crmlab": version("crmlab"),
        }
    )


def _holdout(holdout: Any) -> dict[str, Any]:
    return {
        "model": model_as_json(holdout.model),
        "purchases_made": holdout.made,
        "purchases_expected": holdout.expected,
        "standard_error": holdout.standard_error,
        "interval": list(holdout.interval),
        "mean_absolute_error": holdout.error,
        "mean_absolute_error_of_repeating": holdout.error_of_repeating,
        "rank_correlation": holdout.correlation,
    }


def model_as_json(model: Any) -> dict[str, Any]:
    """A fitted model's estimates and how its fit ended."""
    return {
        "name": model.name,
        **({"k": model.k_} if hasattr(model, "k_") else {}),
        "parameters": model.summary.to_dict(orient="index"),
        "covariance": model.covariance_.to_dict(),
        "log_likelihood": model.log_likelihood_,
        "aic": model.aic_,
        "bic": model.bic_,
        "customers": model.n_customers_,
        "convergence": model.convergence_.status,
        "message": model.convergence_.message,
    }


def plain(value: Any) -> Any:
    """JSON's own kinds; what is not finite becomes null."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
