"""Covariates of a report: the season, and a file with a row a customer, or a row a customer and period."""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from crmlab.data.logs import Log
from crmlab.data.logs.ids import PLAIN
from crmlab.data.queries import Rules
from crmlab.errors import InputError, listing, option
from crmlab.models.btyd.varying import ByPeriod, DatedHistories, Season, Static
from crmlab.models.btyd.varying.sources import Source
from crmlab.reports.asking import VARYING, Dated

PERIOD = "period"  # the column that makes a file one by period
SIDES = ("purchases", "dropout", "both")


@dataclass(frozen=True)
class Given:
    """What a report is told of covariates.

    Attributes
    ----------
    season : str or None
        A kind of `Season`; of purchases.
    covariates : path, pandas.DataFrame or None
        CSV or Parquet with the log's column of customers, covariates, and `PERIOD` if they change; without
        customers they are of all.
    covariates_of : {"purchases", "dropout", "both"}
        Which process they act on.
    """

    season: str | None = None
    covariates: str | Path | pd.DataFrame | None = None
    covariates_of: str = "purchases"

    def __post_init__(self) -> None:
        if self.covariates_of not in SIDES:
            name = option("covariates_of")
            raise InputError(f"{name} is {self.covariates_of!r}; give one of {listing(SIDES)}")

    def __bool__(self) -> bool:
        return self.season is not None or self.covariates is not None

    def check(self, kind: type) -> None:
        """Refuse what no model of this kind knows."""
        if self and kind not in VARYING:
            known = listing(each.name for each in VARYING)
            raise InputError(
                f"{option('season')} and {option('covariates')} are for {known}; choose one of these by "
                f"{option('model')}"
            )

    def sources(self, customer_id: str) -> tuple[Source | None, Source | None]:
        """Covariates of purchases and of dropout."""
        purchase: Source | None = Season(self.season) if self.season is not None else None
        if self.covariates is None:
            return purchase, None
        table = _source(self.covariates, customer_id)
        if self.covariates_of != "dropout":
            purchase = table if purchase is None else purchase + table
        return purchase, table if self.covariates_of != "purchases" else None


def dated(
    given: Given, log: Log, rules: Rules, whole: pd.DataFrame, early: pd.DataFrame | None
) -> tuple[Dated, Dated | None]:
    """Customers of an open log with the dates of their purchases: to the end, and to that of calibration.

    Parameters
    ----------
    whole, early : pandas.DataFrame
        The summaries, whose order is kept.
    """
    purchase, dropout = given.sources(log.columns["customer_id"])
    histories = DatedHistories.from_opened(log, rules)
    found = Dated(whole, _ordered(histories, whole), purchase, dropout)
    if early is None:
        return found, None
    return found, Dated(early, _ordered(histories.until(str(rules.split)), early), purchase, dropout)


def _ordered(histories: DatedHistories, summary: pd.DataFrame) -> DatedHistories:
    """The histories of the customers of a summary, in its order."""
    if histories.ids.equals(summary.index):
        return histories
    return histories.some(histories.ids.get_indexer(summary.index))


def _source(covariates: str | Path | pd.DataFrame, customer_id: str) -> Source:
    """The table of covariates: by period if it has such a column, otherwise of customers."""
    table = covariates if isinstance(covariates, pd.DataFrame) else _read(covariates, customer_id)
    if PERIOD in table:
        return ByPeriod(table, customer_id, PERIOD)
    if customer_id not in table:
        raise InputError(
            f"{option('covariates')} has neither a column {customer_id!r}, with customers, nor a column "
            f"{PERIOD!r}, with first days of periods; it has {listing(table.columns)}"
        )
    return Static(table.set_index(customer_id))


def _read(path: str | Path, customer_id: str) -> pd.DataFrame:
    name = option("covariates")
    if not Path(path).exists():
        raise InputError(f"{name} is {str(path)!r}, but there is no such file")
    try:
        if str(path).lower().endswith((".parquet", ".pq")) or Path(path).is_dir():
            files = Path(path) / "**/*.parquet" if Path(path).is_dir() else Path(path)
            with duckdb.connect() as connection:
                return connection.read_parquet(str(files)).df()
        table = pd.read_csv(path, sep=None, engine="python", dtype={customer_id: str})
    except (OSError, ValueError, pd.errors.ParserError, duckdb.Error) as error:
        raise InputError(f"{name} is {str(path)!r}, which cannot be read: {error}") from None
    if customer_id in table and table[customer_id].str.fullmatch(PLAIN).all():
        # As in the log: ids that are all written as whole numbers are numbers.
        table[customer_id] = table[customer_id].str.removesuffix(".0").astype(np.int64)
    return table
