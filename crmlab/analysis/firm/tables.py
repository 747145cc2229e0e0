"""The tables that `crmlab import` writes, read and checked: what is wrong is told by file, column and row."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from crmlab.analysis.files import Source, read_source
from crmlab.analysis.reading import Problems
from crmlab.data.exports import Import, card
from crmlab.data.exports.canonical import LOG, TABLES
from crmlab.data.exports.values import repair_of
from crmlab.errors import InputError, listing

LOG_FILE = "transactions"
SHOWN = 5  # rows and ids that a message lists
USED = {
    "customers": ("id", "branch", "referrer_id", "created"),
    "members": ("customer_id", "joined"),
    "cases": ("customer_id", "type", "status", "opened"),
    LOG_FILE: LOG,
}  # what derivations read
NEEDED = {"customers": ("id",), "members": ("customer_id",), "cases": ("customer_id",), LOG_FILE: LOG}
MOMENTS = ("created", "joined", "opened", "date")


@dataclass(frozen=True)
class FirmTables:
    """What a firm's records hold.

    Attributes
    ----------
    name : str
        As the user calls them.
    system : str
        The CRM system they come from, or empty.
    log : DataFrame
        A row a purchase: ``customer_id``, ``date``, ``amount``, in the order of time.
    others : dict of str to DataFrame
        ``customers``, ``members`` and ``cases``, as far as they are there and hold rows.
    known : Series
        By customer the first day on which the firm knew of them: that of the record or of the first purchase.
    strangers : tuple of str
        Ids of purchases that are not in the table of customers.
    """

    name: str
    system: str
    log: pd.DataFrame = field(repr=False)
    others: Mapping[str, pd.DataFrame] = field(repr=False)
    known: pd.Series = field(repr=False)
    strangers: tuple[str, ...] = ()

    def has(self, table: str, column: str = "") -> bool:
        """Whether a table is there, and has a column that holds anything."""
        if table == "log":
            return not column or self.log[column].notna().any()
        held = self.others.get(table)
        return held is not None and (not column or (column in held and held[column].notna().any()))

    def frames(self) -> dict[str, pd.DataFrame]:
        """The tables by the names of their files."""
        return {LOG_FILE: self.log, **self.others}

    def plain_id(self, text: str) -> str:
        """An id as the tables write it: without what the system sets before it."""
        if not self.system:
            return text
        repair = repair_of(self.system)
        bare = text.removeprefix(card(self.system).id_prefix)
        return repair(bare) if repair and bare else bare


def is_firm(tables: Any) -> bool:
    """Whether these are a firm's tables: an import, its folder, or frames by the names of such tables."""
    if isinstance(tables, list | tuple) and len(tables) == 1:
        return is_firm(tables[0])
    if isinstance(tables, str | Path):
        return Path(tables).expanduser().is_dir()
    if isinstance(tables, Mapping):
        return LOG_FILE in tables and set(tables) <= {*TABLES, LOG_FILE}
    return isinstance(tables, Import | FirmTables)


def firm_tables(tables: Any) -> FirmTables:
    """A firm's tables, read and checked.

    Parameters
    ----------
    tables : Import, path, or dict of str to DataFrame
        An import, the folder into which one was written, or frames: ``transactions``, ``customers``, ….

    Raises
    ------
    InputError
        If there are no purchases, or something cannot be read: all of it at once, by file, column and rows.
    """
    if isinstance(tables, FirmTables):
        return tables
    if isinstance(tables, list | tuple):
        return firm_tables(tables[0])
    name, system, sources = _sources(tables)
    problems = Problems()
    held = {each: _typed(each, source, problems) for each, source in sources.items()}
    problems.raise_any()
    log = held.pop(LOG_FILE).sort_values(["date", "customer_id"], kind="stable")
    known = _known(log, held.get("customers"))
    strange = log.loc[~log["customer_id"].isin(known.index), "customer_id"]
    strangers = tuple(dict.fromkeys(strange))
    return FirmTables(name, system, log[log["customer_id"].isin(known.index)], held, known, strangers)


def _sources(tables: Any) -> tuple[str, str, dict[str, Source]]:
    """A name, the system, and the tables that hold rows, as text."""
    if isinstance(tables, Import):
        frames = dict(tables.tables) | ({} if tables.log is None else {LOG_FILE: tables.log})
        name, system = f"the import of {tables.card.name}", tables.card.system
    elif isinstance(tables, Mapping):
        frames, name, system = dict(tables), "the tables", ""
    else:
        folder = Path(tables).expanduser()
        paths = {each: folder / f"{each}.csv" for each in USED}
        frames = {each: path for each, path in paths.items() if path.is_file()}
        name, system = folder.name, _system(folder)
    found = {each: frames[each] for each in USED if each in frames}
    if LOG_FILE not in found:
        raise InputError(
            f"{name} holds no {LOG_FILE}.csv; crmlab import EXPORT --from SYSTEM --out FOLDER writes one, "
            f"if it finds purchases"
        )
    sources = {each: read_source(one, name=f"{each}.csv", empty=True) for each, one in found.items()}
    if sources[LOG_FILE].frame.empty:
        raise InputError(f"{LOG_FILE}.csv holds no purchase; import an export that does")
    return name, system, {each: one for each, one in sources.items() if len(one.frame)}


def _system(folder: Path) -> str:
    """The system that an import into a folder read, by its audit."""
    try:
        return str(json.loads((folder / "audit.json").read_text(encoding="utf-8"))["system"])
    except (OSError, ValueError, KeyError):
        return ""


def _typed(table: str, source: Source, problems: Problems) -> pd.DataFrame:
    """The columns that are used: ids and texts, moments, amounts."""
    missing = [each for each in NEEDED[table] if each not in source.frame and each != "amount"]
    if missing:
        raise InputError(
            f"{source.name} has no column {listing(missing)}; it has {listing(source.frame.columns, 12)}; "
            f"tables are taken as crmlab import writes them"
        )
    columns = {}
    for name in USED[table]:
        if name not in source.frame:
            continue
        cells = source.frame[name].str.strip()
        if name in MOMENTS:
            columns[name] = _moments(name, cells, source, problems, needed=name == "date")
        elif name == "amount":
            columns[name] = _amounts(cells, source, problems)
        else:
            columns[name] = cells.where(cells != "", None)
            if name in NEEDED[table]:
                _check_ids(name, columns[name], source, problems, once=table == "customers")
    return pd.DataFrame(columns, index=source.frame.index)


def _moments(name: str, cells: pd.Series, source: Source, problems: Problems, needed: bool) -> pd.Series:
    read = pd.to_datetime(cells.where(cells != "", None), format="ISO8601", errors="coerce")
    odd = read.isna() & ((cells != "") | needed)
    _problem(
        source, name, cells, odd, "no date as 2024-12-31", "import the export again, or mend it", problems
    )
    today = pd.Timestamp.today().normalize() + pd.Timedelta(days=1)
    _problem(
        source, name, cells, read >= today, "after today", "mend it in the system, and import again", problems
    )
    return read


def _amounts(cells: pd.Series, source: Source, problems: Problems) -> pd.Series:
    values = pd.to_numeric(cells.where(cells != "", None), errors="coerce")
    odd = (values.isna() & (cells != "")) | np.isinf(values)
    _problem(source, "amount", cells, odd, "no number", "write numbers with a point for decimals", problems)
    return values.astype(float)


def _check_ids(name: str, ids: pd.Series, source: Source, problems: Problems, once: bool) -> None:
    _problem(
        source, name, ids.fillna(""), ids.isna(), "without an id", "fill it, or remove the row", problems
    )
    if once:
        again = ids.notna() & ids.duplicated()
        _problem(source, name, ids, again, "there already", "keep one row a customer", problems)


def _problem(
    source: Source, column: str, cells: pd.Series, odd: pd.Series, what: str, remedy: str, problems: Problems
) -> None:
    """Add a problem with the cells that are odd, with their rows."""
    if odd.any():
        rows, some = cells.index[odd], listing(map(repr, dict.fromkeys(cells[odd])), 3)
        many = "rows" if len(rows) > 1 else "row"
        problems.add(source, column, f"{many} {listing(rows, SHOWN)}: {some} is {what}", remedy)


def _known(log: pd.DataFrame, customers: pd.DataFrame | None) -> pd.Series:
    """By customer the first day known; NaT for those of whom no record says, and who bought nothing."""
    first = log.groupby("customer_id")["date"].min()
    if customers is None:
        return first
    made = pd.Series(pd.NaT, customers["id"], dtype="datetime64[us]")
    if "created" in customers:
        made = pd.Series(customers["created"].to_numpy(), customers["id"])
    both = pd.concat([made, first.reindex(made.index)], axis=1)
    return both.min(axis=1).rename_axis("customer_id")
