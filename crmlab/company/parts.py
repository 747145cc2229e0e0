"""A company written to a folder, in as many parts as memory wants; interrupted, it goes on where it was.

DIR/tables/customers.parquet …          what a firm has; with several parts customers/part-0001.parquet …
DIR/truth/customers.parquet …           what no firm has, and company.json, what the company is made of
DIR/.parts/part-0001.json               a part that is whole, with its share of the tables that are sums
"""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from crmlab import __version__, files
from crmlab.company.market import Company, whole_number
from crmlab.company.tables import Simulation
from crmlab.errors import InputError

FORMATS = ("parquet", "csv")
COMMON = {"branches", "employees", "staff_surveys", "channels", "paths"}  # the same in every part
SUMS = {
    "campaigns": ["campaign_id", "month", "kind"],
    "months": ["month"],
}  # tables that are added up, by what
A_PART = 100_000  # customers, unless one says otherwise
MOST_PARTS = 9999


def write_parts(
    company: Company, folder: str | Path, parts: int | None = None, form: str = "parquet"
) -> Iterator[tuple[int, int]]:
    """Simulate a company part by part and write its tables.

    Parameters
    ----------
    company : Company
    folder : path
        New, or one in which the same company was begun.
    parts : int, optional
        By default one for every 100,000 customers. Memory holds one part at a time.
    form : {"parquet", "csv"}

    Yields
    ------
    tuple of int
        How many parts are done, and how many there are: first those that were there before.

    Raises
    ------
    InputError
        If the folder holds another company, or an argument is out of its range.
    """
    folder = Path(folder)
    if form not in FORMATS:
        raise InputError(f"form is {form!r}; give one of {', '.join(FORMATS)}")
    if parts is None:
        parts = -(-company.customers // A_PART)
    parts = whole_number("parts", parts, 1, min(MOST_PARTS, company.customers))
    _claim(folder, company, parts, form)
    todo = [part for part in range(1, parts + 1) if not _marker(folder, part).exists()]
    yield parts - len(todo), parts
    for done, part in enumerate(todo, parts - len(todo) + 1):
        _write_part(folder, company.part(part - 1, parts), part, parts, form)
        yield done, parts
    _write_sums(folder, parts, form)


def read_tables(folder: str | Path) -> dict[str, pd.DataFrame]:
    """The tables of a folder that `write_parts` wrote, ``DIR/tables`` or ``DIR/truth``, by name.

    Rows are in order of customers and time. Categories come back as words.

    Raises
    ------
    InputError
        If there is no such folder, or no table in it.
    """
    import duckdb

    found: dict[str, pd.DataFrame] = {}
    with duckdb.connect() as database:
        readers: dict[str, Any] = {".parquet": database.read_parquet, ".csv": database.read_csv}
        for path in sorted(Path(folder).glob("[!.]*")):
            files_of = sorted(str(part) for part in path.glob("part-*.*")) if path.is_dir() else [str(path)]
            read = readers.get(Path(files_of[0]).suffix) if files_of else None
            if read is not None:
                table = read(files_of).df()
                keys = [name for name in ("customer_id", "month", "time") if name in table]
                found[path.stem] = (
                    table.sort_values(keys, kind="stable", ignore_index=True) if keys else table
                )
    if not found:
        raise InputError(f"{folder} holds no tables; give the folder tables or truth of one that was written")
    return found


def _claim(folder: Path, company: Company, parts: int, form: str) -> None:
    """Say whose folder it is, or refuse one that is another company's."""
    described = json.dumps(_described(company) | {"parts": parts, "form": form}, indent=1)
    path = folder / "truth" / "company.json"
    if path.exists():
        if path.read_text(encoding="utf-8") != described:
            raise InputError(f"{folder} holds another company, or this one in other parts; name a new folder")
    elif folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder} is not empty and holds no company; name a new folder")
    else:
        files.write_text(path, described)
    for place in (folder / "tables", folder / "truth"):
        for each in (place, *(sub for sub in place.glob("*") if sub.is_dir())):
            files.remove_unfinished(each)


def _described(company: Company) -> dict[str, Any]:
    settings = company.settings
    plain = {name: dataclasses.asdict(settings[name]) for name in ("parameters", "interventions")}
    return {"crmlab": __version__} | settings | plain


def _write_part(folder: Path, made: Simulation, part: int, parts: int, form: str) -> None:
    sums = {}
    for place, tables in (("tables", made.tables), ("truth", made.truth.tables)):
        for name, table in tables.items():
            if name in SUMS:
                sums[name] = json.loads(table.to_json(orient="records", double_precision=15))
            elif name in COMMON:
                if part == 1:
                    files.write_table(table, folder / place / f"{name}.{form}")
            else:
                of_part = f"{name}.{form}" if parts == 1 else f"{name}/part-{part:04d}.{form}"
                files.write_table(table, folder / place / of_part)
    files.write_text(_marker(folder, part), json.dumps(sums))


def _write_sums(folder: Path, parts: int, form: str) -> None:
    """Tables of which each part has a share."""
    shares = [_share(_marker(folder, part)) for part in range(1, parts + 1)]
    for name, keys in SUMS.items():
        rows = [row for share in shares for row in share.get(name, [])]
        if rows:
            place = folder / ("tables" if name == "campaigns" else "truth")
            total = pd.DataFrame(rows).groupby(keys, as_index=False).sum()
            files.write_table(total, place / f"{name}.{form}")


def _share(marker: Path) -> dict[str, list[dict[str, Any]]]:
    try:
        return json.loads(marker.read_text(encoding="utf-8"))
    except ValueError:
        raise InputError(f"{marker} is damaged; remove it, and its part is made again") from None


def _marker(folder: Path, part: int) -> Path:
    return folder / ".parts" / f"part-{part:04d}.json"
