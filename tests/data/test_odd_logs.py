"""Forty logs of odd shapes, drawn at random from what people have, against a summary counted by hand.

Each shape is a way to write ids, days and amounts, in a container. The same purchases go in; the same summary
must come out.
"""

import gzip
import itertools
import json
import warnings
import zipfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import duckdb
import numpy as np
import pandas as pd
import pytest

from crmlab.data import DataQualityWarning, customer_summary

FIRST = datetime(2023, 1, 2, tzinfo=UTC)


def purchases(seed, n=90, customers=14):
    """Customer, day and amount of n rows: some twice a day, some refunds, some without an amount."""
    generator = np.random.default_rng(seed)
    who = generator.integers(1, customers, n)
    days = generator.integers(0, 500, n)
    paid = np.round(generator.gamma(2.0, 900.0, n), 2)
    paid[generator.random(n) < 0.06] *= -1
    rows = pd.DataFrame(
        {"who": who, "day": [FIRST + timedelta(days=int(each)) for each in days], "paid": paid}
    )
    rows["paid"] = rows["paid"].mask(generator.random(n) < 0.05)
    return pd.concat([rows, rows.sample(5, random_state=seed)], ignore_index=True)


def by_hand(rows, names, money):
    """The summary, a customer at a time."""
    if not money:
        rows = rows.assign(paid=1.0)
    end, found = rows["day"].max(), {}
    for who, own in rows.groupby("who"):
        amounts = {}
        for day, of_day in own.groupby("day"):
            bought, back = of_day[~(of_day["paid"] < 0)]["paid"], of_day[of_day["paid"] < 0]["paid"]
            if len(bought):
                amounts[day] = bought.sum() if bought.notna().any() else None
            if len(back) and amounts and amounts[max(amounts)] is not None:
                amounts[max(amounts)] += back.sum()
        if not amounts:
            continue
        first, *again = sorted(amounts)
        known = [amounts[day] for day in again if amounts[day] is not None]
        row = [len(again), (max(amounts) - first).days / 7, (end - first).days / 7]
        found[names[who]] = row + ([np.mean(known) if known else 0.0] if money else [])
    columns = ["frequency", "recency", "T"] + ["monetary_value"] * money
    return pd.DataFrame.from_dict(found, orient="index", columns=columns).sort_index()


# -- ways to write -------------------------------------------------------------------------------------------

IDS = {
    "whole": (str, lambda k: k),
    "padded": ("{:05d}".format, "{:05d}".format),
    "long": (lambda k: str(10**17 + k), lambda k: 10**17 + k),
    "point": (lambda k: f"{k}.0", lambda k: k),
    "blanks": (lambda k: f"  C{k} ", lambda k: f"C{k}"),
    "names": (lambda k: f"Müller {k}", lambda k: f"Müller {k}"),
    "quotes": (lambda k: f'O"Neil; {k}, Ltd', lambda k: f'O"Neil; {k}, Ltd'),
    "marks": (lambda k: f"#{k}", lambda k: f"#{k}"),
}


def _epoch(factor):
    return lambda day: str(int(day.timestamp()) * factor)


DATES = {
    "iso": (lambda day: f"{day:%Y-%m-%d}", {}),
    "slashes": (lambda day: f"{day:%Y/%m/%d}", {}),
    "time": (lambda day: f"{day:%Y-%m-%d} 23:59:59.123", {}),
    "compact": (lambda day: f"{day:%Y%m%d}T0100", {}),
    "instant": (lambda day: f"{day:%Y-%m-%d}T22:30:00-01:00", {"time_zone": "Etc/GMT+1"}),
    "german": (lambda day: f"{day:%d.%m.%Y}", {"date_format": "%d.%m.%Y"}),
    "american": (lambda day: f"{day:%m/%d/%Y} 8:26", {"date_format": "%m/%d/%Y %H:%M"}),
    "short": (lambda day: f"{day:%d-%m-%y}", {"date_format": "%d-%m-%y"}),
    "words": (lambda day: f"{day:%b %d, %Y}", {"date_format": "%b %d, %Y"}),
    "mixed": (
        lambda day: f"{day:%Y-%m-%d}" if day.day % 2 else f"{day:%d/%m/%Y}",
        {"date_format": "%Y-%m-%d|%d/%m/%Y"},
    ),
    "digits": (lambda day: f"{day:%Y%m%d}", {"date_format": "%Y%m%d"}),
    "seconds": (_epoch(1), {"date_format": "epoch seconds"}),
    "milliseconds": (_epoch(1000), {"date_format": "epoch milliseconds"}),
}


def _grouped(point, comma):
    return lambda paid: f"{paid:,.2f}".replace(",", "\0").replace(".", point).replace("\0", comma)


AMOUNTS = {
    "plain": (lambda paid: f"{paid:.2f}", {}),
    "comma": (lambda paid: f"{paid:.2f}".replace(".", ","), {"decimal": ","}),
    "german": (_grouped(",", "."), {"decimal": ",", "thousands": "."}),
    "thousands": (_grouped(".", ","), {"thousands": ","}),
    "swiss": (lambda paid: "CHF " + _grouped(".", "'")(paid), {"thousands": "'", "currency": "CHF"}),
    "dollars": (lambda paid: f"${paid:.2f}".replace("$-", "-$"), {"currency": "$"}),
    "expression": (lambda paid: f"{paid / 2:.3f}", {"amount": "Half*2"}),
    "none": (lambda paid: "", {"amount": None}),
}
NOTHING = ["", "NULL", "N/A", "nan"]


def table(rows, shape):
    """The rows as texts."""
    who, when, paid = IDS[shape["ids"]][0], DATES[shape["dates"]][0], AMOUNTS[shape["amounts"]][0]
    texts = pd.DataFrame(
        {
            "note": "x",
            "Customer No": [who(each) for each in rows["who"]],
            "bought on": [when(each) for each in rows["day"]],
            "Half": [paid(each) if pd.notna(each) else shape["nothing"] for each in rows["paid"]],
        },
        dtype=object,
    )
    return texts.sample(frac=1, random_state=1)


# -- containers ----------------------------------------------------------------------------------------------


def _csv(texts, path, **options):
    texts.to_csv(path, index=False, **options)
    return path, {}


def _packed(texts, folder):
    with gzip.open(folder / "log.csv.gz", "wt", encoding="utf-8", newline="") as file:
        texts.to_csv(file, index=False)
    return folder / "log.csv.gz", {}


def _json_lines(texts, folder):
    lines = [json.dumps(row, ensure_ascii=False) for row in texts.to_dict(orient="records")]
    (folder / "log.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "log.jsonl", {}


def _parquet(texts, folder):
    held = texts.astype(str)
    duckdb.from_df(held).write_parquet(str(folder / "log.parquet"))
    return folder / "log.parquet", {}


def _spreadsheet(texts, folder):
    texts.to_excel(folder / "log.xlsx", index=False)
    return folder / "log.xlsx", {}


def _archive(texts, folder):
    with zipfile.ZipFile(folder / "log.zip", "w") as archive:
        archive.writestr("export/log.csv", texts.to_csv(index=False))
    return folder / "log.zip", {}


def _parts(texts, folder):
    (folder / "parts").mkdir()
    for k in range(3):
        texts.iloc[k::3].to_csv(folder / "parts" / f"{k}.csv", index=False, sep=",;\t"[k])
    return folder / "parts", {}


def _headless(texts, folder):
    path, _ = _csv(texts, folder / "log.csv", header=False, sep="|")
    return path, {"columns": "note,Customer No,bought on,Half", "delimiter": "|"}


def _latin(texts, folder):
    return _csv(texts, folder / "log.csv", encoding="latin-1")[0], {"encoding": "latin-1"}


CONTAINERS = {
    "frame": lambda texts, folder: (texts, {}),
    "csv": lambda texts, folder: _csv(texts, folder / "log.csv"),
    "semicolons": lambda texts, folder: _csv(texts, folder / "log.csv", sep=";"),
    "tabs": lambda texts, folder: _csv(texts, folder / "log.tsv", sep="\t"),
    "latin-1": _latin,
    "utf-16": lambda texts, folder: _csv(texts, folder / "log.csv", encoding="utf-16"),
    "packed": _packed,
    "json": _json_lines,
    "parquet": _parquet,
    "spreadsheet": _spreadsheet,
    "archive": _archive,
    "parts": _parts,
    "headless": _headless,
}
TYPED = ("frame", "json", "parquet")  # where a text is known to be one


def shapes(n=40):
    """Shapes drawn so that every way to write comes about equally often."""
    generator = np.random.default_rng(20)
    named = {"ids": IDS, "dates": DATES, "amounts": AMOUNTS, "container": CONTAINERS, "nothing": NOTHING}
    drawn = {
        name: list(itertools.islice(itertools.cycle(generator.permutation(list(ways))), n))
        for name, ways in named.items()
    }
    return [{name: str(each[k]) for name, each in drawn.items()} | {"seed": k} for k in range(n)]


@pytest.mark.parametrize("shape", shapes(), ids=lambda shape: "-".join(map(str, shape.values())))
def test_the_same_purchases_give_the_same_summary(shape, tmp_path):
    rows = purchases(shape["seed"])
    written, said = CONTAINERS[shape["container"]](table(rows, shape), tmp_path)
    options = {"amount": "Half"} | DATES[shape["dates"]][1] | AMOUNTS[shape["amounts"]][1] | said
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataQualityWarning)
        ours = customer_summary(written, "Customer No", "bought on", **options)
    text, whole = IDS[shape["ids"]]
    name = (lambda k: text(k).strip()) if shape["container"] in TYPED else whole
    expected = by_hand(
        rows, {k: name(k) for k in rows["who"].unique().tolist()}, options["amount"] is not None
    )
    assert [type(each) for each in ours.index] == [type(each) for each in expected.index]
    pd.testing.assert_frame_equal(
        ours, expected, check_names=False, check_index_type=False, check_dtype=False
    )


def test_every_way_is_drawn():
    drawn = shapes()
    for name, ways in {"ids": IDS, "dates": DATES, "amounts": AMOUNTS, "container": CONTAINERS}.items():
        assert {shape[name] for shape in drawn} == set(ways)
    assert (
        len({(shape["ids"], shape["dates"], shape["amounts"], shape["container"]) for shape in drawn}) >= 30
    )


def test_ids_of_other_kinds_in_parquet(tmp_path):
    rows = purchases(99)
    for kind, name in (
        ("BLOB", lambda k: f"C{k}".encode()),
        ("DECIMAL(38,0)", lambda k: 10**20 + k),
        ("DECIMAL(9,2)", lambda k: Decimal(k) / 4),
    ):
        given = rows["who"].map(lambda k, name=name: name(k).decode() if kind == "BLOB" else str(name(k)))
        held = pd.DataFrame({"c": given, "d": rows["day"].dt.strftime("%Y-%m-%d"), "p": rows["paid"]})
        path = tmp_path / f"{kind[:4]}{len(kind)}.parquet"
        duckdb.sql(f"SELECT CAST(c AS {kind}) AS c, CAST(d AS DATE) AS d, p FROM held").write_parquet(
            str(path)
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataQualityWarning)
            ours = customer_summary(path, "c", "d", "p")
        expected = by_hand(rows, {k: name(k) for k in rows["who"].unique().tolist()}, True)
        assert list(ours.index) == list(expected.index)
        np.testing.assert_allclose(ours.to_numpy(float), expected.to_numpy(float), rtol=1e-12)
