"""``write_export``: canonical tables as a system would export them, to practise and to test on.

What a system cannot hold is lost on the way, as its card says; `as_held` gives what is left.
"""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from crmlab.data.exports.canonical import TABLES, Field
from crmlab.data.exports.cards import Card, Layout, card
from crmlab.data.exports.values import repair_of
from crmlab.data.logs.reading import EPOCHS
from crmlab.errors import InputError, check_known, listing
from crmlab.files import write_bytes

RESOLUTIONS = (("%f", "ms"), ("%S", "s"), ("%M", "min"))
DEAL = {"time": "closed", "channel": "source"}  # what an order's columns are called where it is a deal


def as_held(tables: Mapping[str, pd.DataFrame], system: str) -> dict[str, pd.DataFrame]:
    """What is left of canonical tables in the exports of a system.

    Times are cut to what the system writes, amounts to cents; where purchases are deals, an order becomes a
    deal that was won, with its amount less refunds and returns; columns that the system has no label for go.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Canonical tables by name, such as `Import.tables` or `market_tables` gives.
    system : {"zoho", "fxiaoke", "hubspot", "salesforce"}

    Raises
    ------
    InputError
        If a table, the system or a column is unknown, or a needed column is not there.
    """
    known = card(system)
    check_known("table", tables, TABLES)
    tables = dict(tables)
    if known.layout_written.purchases == "deals" and "orders" in tables:
        won = _deals(tables.pop("orders"), known)
        tables["deals"] = pd.concat([tables["deals"], won], ignore_index=True) if "deals" in tables else won
    return {name: _held(name, table, known) for name, table in tables.items()}


def write_export(
    tables: Mapping[str, pd.DataFrame],
    system: str,
    path: str | Path,
    *,
    form: Literal["csv", "xlsx"] = "csv",
    time_zone: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    day: str | None = None,
    money: str | None = None,
    labels: Literal["en", "zh"] = "en",
) -> list[Path]:
    """Write canonical tables as exports of a system.

    Parameters
    ----------
    tables : mapping of str to DataFrame
    system : {"zoho", "fxiaoke", "hubspot", "salesforce"}
    path : str or path
        A folder, or a file that ends in ``.zip``.
    form : {"csv", "xlsx"}
    time_zone : str, optional
        Zone of the tables' times, for systems that write instants; UTC otherwise.
    labels : {"en", "zh"}
        Whether labels and files are named in Chinese, where the card knows how.
    encoding, delimiter, day, money : str, optional
        Instead of what the card says; `day` is a format for columns that hold a day only.

    Returns
    -------
    list of Path
        The files; one for a ZIP.

    Raises
    ------
    InputError
        As `as_held`; or if a time does not exist in the zone.
    """
    known = card(system)
    usual = known.layout_written
    form_of = {"encoding": encoding, "delimiter": delimiter, "day": day, "money": money}
    style = Layout(**vars(usual) | {name: value for name, value in form_of.items() if value is not None})
    files: dict[str, bytes] = {}
    for name, table in as_held(tables, system).items():
        texts = _texts(name, table, known, style, time_zone, labels)
        file = _label(known.tables[name].files, labels)
        files[f"{file}.{form}"] = _sheet(texts, file) if form == "xlsx" else _csv(texts, style)
    path = Path(path)
    if path.suffix.lower() == ".zip":
        return [write_bytes(path, _packed(files))]
    return [write_bytes(path / file, data) for file, data in files.items()]


# -- what a system holds -------------------------------------------------------------------------------------


def _deals(orders: pd.DataFrame, known: Card) -> pd.DataFrame:
    """Orders as deals that were won."""
    back = sum(
        (orders[name].fillna(0) for name in ("refunded", "returned") if name in orders), np.zeros(len(orders))
    )
    kept = [each for each in orders if each not in ("refunded", "returned", "paid", "deal_id", "status")]
    won = orders[kept].rename(columns=DEAL).assign(stage=known.tables["deals"].states["won"][0])
    return won.assign(amount=orders["amount"] - back)


def _held(name: str, table: pd.DataFrame, known: Card) -> pd.DataFrame:
    fields = {each.name: each for each in TABLES[name]}
    check_known(f"column of {name}", table.columns, fields)
    missing = [each for each in fields if fields[each].needed and each not in table]
    if missing:
        raise InputError(f"{name} has no column {listing(missing)}")
    labels = known.tables[name].columns
    columns = [each for each in fields if each in table and each in labels]
    return pd.DataFrame(
        {each: _kept(table[each], fields[each], name, known) for each in columns}
    ).reset_index(drop=True)


def _kept(column: pd.Series, each: Field, table: str, known: Card) -> pd.Series:
    if each.kind == "moment":
        moments = pd.to_datetime(column).astype("datetime64[us]")
        return moments.dt.floor(_resolution(_format(each, table, known.layout_written)))
    if each.kind in ("money", "number"):
        return column.astype(float).round(2)
    texts = column.astype(object)
    texts = texts.where(texts.notna(), None).map(str, na_action="ignore")
    repair = repair_of(known.system) if each.kind == "id" else None
    return texts.map(repair, na_action="ignore") if repair else texts


def _format(each: Field, table: str, style: Layout) -> str:
    return style.day if f"{table}.{each.name}" in style.days else style.moment


def _resolution(form: str) -> str:
    if form in EPOCHS:
        return "ms"
    return next((unit for mark, unit in RESOLUTIONS if mark in form), "D")


# -- how it is written ---------------------------------------------------------------------------------------


def _label(aliases: tuple[str, ...], language: str) -> str:
    """The usual label, or the first Chinese one."""
    return next((each for each in aliases if language == "zh" and not each.isascii()), aliases[0])


def _texts(
    name: str, table: pd.DataFrame, known: Card, style: Layout, zone: str | None, language: str
) -> pd.DataFrame:
    """A table as texts under the system's labels."""
    fields = {each.name: each for each in TABLES[name]}
    columns = {}
    for column in table:
        label = _label(known.tables[name].columns[column], language)
        columns[label] = _written(table[column], fields[column], name, known, style, zone)
    return pd.DataFrame(columns)


def _written(
    column: pd.Series, each: Field, table: str, known: Card, style: Layout, zone: str | None
) -> pd.Series:
    if each.kind == "id":
        return column.map(lambda text: known.id_prefix + text, na_action="ignore")
    if each.kind == "moment":
        return _stamped(column, _format(each, table, style), zone or "UTC")
    if each.kind == "money":
        return column.map(
            lambda number: style.money.format(number).replace("$-", "-$"), na_action="ignore"
        ).astype(object)
    if each.kind == "number":
        return column.map(
            lambda number: f"{number:g}" if abs(number) < 1e6 else f"{number:.2f}", na_action="ignore"
        )
    return column


def _stamped(moments: pd.Series, form: str, zone: str) -> pd.Series:
    """Times by a format; those that are instants, from the zone's clock."""
    if form in EPOCHS or form.endswith("Z"):
        try:
            moments = moments.dt.tz_localize(zone, ambiguous=np.ones(len(moments), bool)).dt.tz_convert("UTC")
        except (ValueError, KeyError) as error:
            raise InputError(f"time_zone is {zone!r}: {error}") from None
    if form in EPOCHS:
        counts = moments.dt.tz_localize(None).astype("datetime64[us]").astype("int64") * EPOCHS[form] // 10**6
        return counts.astype(str).where(moments.notna(), None)
    texts = moments.dt.strftime(form.replace("%f", "\0")).astype(object)
    if "%f" in form:
        parts = (moments.dt.microsecond // 1000).map(lambda count: f"{count:03.0f}", na_action="ignore")
        texts = pd.Series([t.replace("\0", p) if isinstance(t, str) else None for t, p in zip(texts, parts)])
    return texts.where(moments.notna().to_numpy(), None)


def _csv(texts: pd.DataFrame, style: Layout) -> bytes:
    text = texts.to_csv(index=False, sep=style.delimiter, lineterminator="\r\n")
    return text.encode(style.encoding)


def _sheet(texts: pd.DataFrame, title: str) -> bytes:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet(title[:31])
    sheet.append(list(texts))
    for row in texts.astype(object).where(texts.notna(), None).itertuples(index=False):
        cells = [WriteOnlyCell(sheet, value) for value in row]
        for cell in cells:
            if isinstance(cell.value, str):
                cell.data_type = "s"  # a text is no formula, whatever it begins with
        sheet.append(cells)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _packed(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


# -- a market's tables ---------------------------------------------------------------------------------------


def market_tables(tables: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    """The tables of `crmlab.company` as canonical ones: customers, orders, cases and members.

    Ids are texts such as ``C0000123``: numbers of many digits do not survive spreadsheets. Amounts are
    rounded to cents. The other tables (surveys, exposures, branches …) have no place in standard exports.
    """
    made = {"customers": _customers(tables["customers"]), "orders": _orders(tables["orders"])}
    if len(tables.get("complaints", ())):
        made["cases"] = _cases(tables["complaints"])
    if len(tables.get("members", ())):
        members = tables["members"]
        who = members["customer_id"]
        columns = {"id": _ids("M", who), "customer_id": _ids("C", who), "joined": members["date"]}
        made["members"] = pd.DataFrame(columns)
    return made


def _customers(table: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": _ids("C", table["customer_id"]),
            "region": table["region"].astype(str),
            "type": table["segment"].astype(str),
            "source": table["acquired_by"].astype(str),
            "branch": _ids("B", table["branch_id"]),
            "referrer_id": _ids("C", table["referrer_id"]),
            "created": table["date"],
        }
    )


def _orders(table: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": _ids("O", table["order_id"]),
            "customer_id": _ids("C", table["customer_id"]),
            "time": table["date"],
            "amount": table["amount"].astype(float).round(2),
            "channel": table["channel"].astype(str),
        }
    )


def _cases(table: pd.DataFrame) -> pd.DataFrame:
    table = table.reset_index(drop=True)
    return pd.DataFrame(
        {
            "id": _ids("K", table.index.to_series()),
            "customer_id": _ids("C", table["customer_id"]),
            "type": "Complaint",
            "status": np.where(table["redressed"].astype(bool), "Redressed", "Not redressed"),
            "opened": table["date"],
        }
    )


def _ids(letter: str, numbers: pd.Series) -> pd.Series:
    return numbers.astype(object).map(lambda number: f"{letter}{int(number):07d}", na_action="ignore")
