"""Files of the user's joined to a firm's tables by the id of the customer, or of the branch."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from crmlab.analysis.files import Source
from crmlab.analysis.firm.tables import FirmTables
from crmlab.analysis.names import plain
from crmlab.errors import InputError, listing, option
from crmlab.words.saying import Said, said

KEYS = {
    "customer_id": (
        "customer_id", "customer", "client id", "account id", "account name.id", "record id", "contact id",
        "客户id", "客户编号", "客户", "客户号", "会员编号", "会员id", "唯一性id",
    ),
    "branch_id": (
        "branch_id", "branch", "branch name", "store", "门店", "门店编号", "门店id", "分支机构", "部门",
    ),
}  # fmt: skip
DATES = {
    "ended": ("ended", "end date", "left on", "date of leaving", "离开日期", "流失日期", "终止日期"),
    "opens": ("opens", "opened", "opening", "开放日期", "开卡日期", "开通日期"),
    "start": ("start", "started", "start date", "since", "上线日期", "启用日期", "开始日期"),
}
SHOWN = 5  # rows that a message lists


@dataclass(frozen=True)
class Joined:
    """A file, by the id that its rows are of.

    Attributes
    ----------
    source : Source
        Its rows that are of known customers or branches, indexed as the file numbers them.
    key : {"customer_id", "branch_id"}
    ids : Series
        The id of each of these rows, as the tables write it.
    told : tuple of Said
        Rows of which no customer is known, and customers without a row.
    """

    source: Source
    key: str
    ids: pd.Series
    told: tuple[Said, ...]

    @property
    def columns(self) -> list[str]:
        """What it holds besides the id."""
        return [each for each in self.source.frame.columns if each != self.ids.name]


def join(source: Source, firm: FirmTables, column: str | None = None) -> Joined:
    """A file's rows by the customer or branch that they are of.

    Parameters
    ----------
    source : Source
    firm : FirmTables
    column : str, optional
        The column with the ids; found by its name otherwise.

    Raises
    ------
    InputError
        If no column holds ids, an id stands in two rows, or none of them is known.
    """
    key, name = _key(source, firm, column)
    cells = source.frame[name].str.strip()
    ids = cells.map(firm.plain_id).where(cells != "", None).rename(name)
    known = _known(firm, key)
    again = ids.notna() & ids.duplicated(keep=False)
    if again.any():
        rows = listing(ids.index[again], SHOWN)
        raise InputError(
            f"{source.name}: column {name!r}: rows {rows} hold ids that stand there twice "
            f"({listing(dict.fromkeys(ids[again]), 3)}); leave one row for each, or analyse "
            f"the file by itself"
        )
    met = ids.isin(known)
    if not met.any():
        raise InputError(
            f"{source.name}: column {name!r}: none of its {len(ids):,} ids is one of {firm.name}: here "
            f"stands {ids.iloc[0]!r}, there {known[0]!r}. {_remedy(str(known[0]))}"
        )
    told = [*source.told, said("firm.joined", file=source.name, rows=int(met.sum()), column=name)]
    if not met.all():
        rows = ids.index[~met]
        told.append(said("firm.unmatched", file=source.name, rows=len(rows), which=listing(rows, SHOWN)))
    return Joined(Source(source.name, source.frame[met]), key, ids[met], tuple(told))


def _remedy(known: str) -> str:
    if len(known) == 64 and set(known) <= set("0123456789abcdef"):
        return "The tables' ids are hashed: hash the file's with the same key (crmlab import --keys)"
    return f"Name the column with the ids by {option('id')}"


def _known(firm: FirmTables, key: str) -> pd.Index:
    if key == "customer_id":
        return firm.known.index
    return pd.Index(firm.others["customers"]["branch"].dropna().unique())


def _key(source: Source, firm: FirmTables, column: str | None) -> tuple[str, str]:
    """What a file's rows are of, and the column that says of which."""
    names = list(source.frame.columns)
    if column is not None and column in names:
        ids = set(source.frame[column].str.strip().map(firm.plain_id))
        keys = [key for key in KEYS if _has(firm, key) and ids & set(_known(firm, key))]
        return (keys or list(KEYS))[0], column
    for key, aliases in KEYS.items():
        wanted = [plain(each) for each in aliases]
        fits = sorted((wanted.index(plain(each)), each) for each in names if plain(each) in wanted)
        if fits and _has(firm, key):
            return key, fits[0][1]
    raise InputError(
        f"{source.name} has no column of customers' ids; it has {listing(map(repr, names), 12)}. Name it by "
        f"{option('id')}"
    )


def _has(firm: FirmTables, key: str) -> bool:
    return key == "customer_id" or firm.has("customers", "branch")


def dates_of(files: Sequence[Joined], names: Sequence[str]) -> tuple[dict[str, pd.Series], set[str]]:
    """The days that a lesson takes from joined files, by id, and the files that gave them.

    A day is NaT where its cell is empty.

    Raises
    ------
    InputError
        If something stands there that is no day, or lies after today.
    """
    found: dict[str, pd.Series] = {}
    gave = set()
    for each in files:
        for name in names:
            wanted = {plain(alias) for alias in DATES[name]}
            fits = [column for column in each.columns if plain(column) in wanted]
            if fits and (name == "ended") == (each.key == "customer_id"):
                found[name] = _days(each, fits[0])
                gave.add(each.source.name)
    return found, gave


def _days(each: Joined, column: str) -> pd.Series:
    cells = each.source.frame[column].str.strip()
    read = pd.to_datetime(cells.where(cells != "", None), format="ISO8601", errors="coerce")
    for odd, what in (
        (read.isna() & (cells != ""), "no day as 2024-12-31"),
        (read > pd.Timestamp.today(), "after today"),
    ):
        if odd.any():
            rows, seen = listing(cells.index[odd], SHOWN), listing(dict.fromkeys(cells[odd]), 3)
            raise InputError(
                f"{each.source.name}: column {column!r}: rows {rows} hold {seen}, which is {what}; mend it, "
                f"or leave the cell empty where there is none"
            )
    return pd.Series(read.to_numpy(), each.ids.to_numpy())
