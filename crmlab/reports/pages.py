"""A customer report as files: a page to read offline, its pictures, a table of customers, the parameters."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from crmlab.data.logs import shown
from crmlab.pages import environment
from crmlab.reports import folders, pictures, tables, telling
from crmlab.words import words

_FOLDER = Path(__file__).resolve().parent
OURS = '<meta name="generator" content="crmlab fit">'  # in every page of ours
FILES = ("index.html", "customers.csv", "parameters.json")
FITS = ("model.json", "spend.json")  # of the models that can be saved
COLUMNS = (  # what the table is in order of stands first, where narrow screens show it
    "value",
    "expected_purchases",
    "probability_alive",
    "expected_spend",
    "frequency",
    "recency",
    "T",
    "monetary_value",
)
MONEY = ("value", "expected_spend", "monetary_value")


def checked(out: str | Path) -> Path:
    """The folder `out` as a path; InputError if it cannot be one, or holds files of another's."""
    folder = Path(out).expanduser()
    return folder if _is_older(folder) else folders.checked(out, (*FILES, *FITS), OURS)


def _is_older(folder: Path) -> bool:
    """Whether a report of ours from before pages had a mark stands in a folder: its parameters tell it."""
    try:
        held = json.loads((folder / "parameters.json").read_text(encoding="utf-8"))
        return isinstance(held, dict) and {"crmlab", "settings", "model"} <= set(held)
    except (OSError, ValueError):
        return False


def write(report: Any, out: str | Path) -> Path:
    """Write a report; each file is written beside its place and renamed, the page last.

    Returns
    -------
    pathlib.Path
        Of ``index.html``.
    """
    kept = FILES if isinstance(report.customers, pd.DataFrame) else (FILES[0], FILES[2])
    return into(out, lambda beside: _fill(report, beside), kept)


def into(
    out: str | Path, fill: Callable[[Path], dict[str, dict[str, Any]]], files: Sequence[str] = FILES
) -> Path:
    """A report's folder, filled beside its place, then each file renamed, the page last.

    Parameters
    ----------
    fill : callable
        Writes `files` and ``pictures/`` into a folder and returns the pictures as `pictures.drawn` does.
    files : sequence of str
        The page first.
    """
    folder = checked(out)
    folder.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(dir=folder, prefix=".report-"))
    try:
        os.chmod(beside, 0o755)
        (beside / "pictures").mkdir()
        held = fill(beside)
        (folder / "pictures").mkdir(exist_ok=True)
        for name in FITS:
            if not (beside / name).exists():
                (folder / name).unlink(missing_ok=True)  # of an earlier report
        fits = [name for name in FITS if (beside / name).exists()]
        for name in [*fits, *(f"pictures/{each['file']}" for each in held.values()), *files[::-1]]:
            os.replace(beside / name, folder / name)
        _remove_old(folder / "pictures", {each["file"] for each in held.values()})
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return folder / "index.html"


def _fill(report: Any, beside: Path) -> dict[str, dict[str, Any]]:
    if isinstance(report.customers, pd.DataFrame):  # else they stand in files of their own
        tables.write_customers(report, beside / "customers.csv")
    text = json.dumps(tables.as_json(report), indent=1, ensure_ascii=False, allow_nan=False)
    (beside / "parameters.json").write_text(text + "\n", encoding="utf-8")
    save_fits(report, beside)
    held = pictures.drawn(report, beside / "pictures")
    (beside / "index.html").write_text(_page(report, held), encoding="utf-8")
    return held


def save_fits(report: Any, folder: Path) -> None:
    """Write the fitted models that can be saved, for `crmlab.models.btyd.load_model`."""
    for name, (model, unit) in tables.fits(report).items():
        model.save(folder / name, unit)


def _remove_old(folder: Path, kept: set[str]) -> None:
    """Remove the pictures of an earlier report that this one has not: causes that are no more seen."""
    for path in folder.glob("miss_*.png"):
        if path.name not in kept:
            path.unlink()


def _page(report: Any, held: dict[str, dict[str, Any]]) -> str:
    settings = report.settings
    money, unit = telling.Money(settings["currency"]), settings["time_unit"]
    filters = {"meaning": telling.meaning, "number": telling.number, "count": telling.count, "money": money}
    seen = [each for each in report.misses if each.seen][: pictures.MOST]
    return (
        environment(_FOLDER, filters=filters)
        .get_template("customers.html.j2")
        .render(
            report=report,
            settings=settings,
            ours=OURS,
            fits=tables.fits(report),
            facts=telling.facts(report),
            pictures=held,
            top=top(report, money),
            units=words(f"fit.units_{unit}"),
            story=telling.story(report.model, unit),
            spend_story=telling.spend_story(report.spend, money) if report.spend is not None else [],
            comparison=telling.comparison_rows(report.comparison),
            comparison_story=telling.comparison_story(report.comparison, report.model.name),
            deciles=report.deciles.table,
            measure=report.measure,
            segments=telling.rfm_rows(report),
            cohorts=None if report.cohorts is None else telling.cohort_rows(report),
            left_out=None if isinstance(report.customers, pd.DataFrame) else telling.left_out(report),
            misses=[(each.kind, telling.about(each, report.has_season)) for each in seen],
            season=telling.season(report.model.season_factors()) if report.has_season else None,
            data=report.summary.attrs["report"],
        )
    )


def top(report: Any, money: telling.Money) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """The customers worth most (or expected to buy most): column names, and for each its name and cells."""
    table = report.best
    columns = [name for name in COLUMNS if name in table]
    write = {name: money if name in MONEY else telling.number for name in columns}
    rows = [
        (shown(customer), [write[name](cell) for name, cell in zip(columns, cells)])
        for customer, cells in zip(table.index, table[columns].itertuples(index=False))
    ]
    return columns, rows
