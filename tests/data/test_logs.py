"""Logs as people have them: one rule for dates, ids that keep their kind, messages that know the remedy."""

import json
import zipfile
from datetime import date, datetime
from decimal import Decimal

import duckdb
import numpy as np
import pandas as pd
import pytest

from crmlab.data import DataQualityWarning, customer_summary, load_cdnow_log
from crmlab.data.logs import Log
from crmlab.data.logs.amounts import parsed
from crmlab.data.logs.preview import preview
from crmlab.errors import InputError, speaking_of_flags

HEAD = "customer_id,date,amount\n"


def written(tmp_path, text, name="log.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_text(text, encoding=encoding)
    return path


# -- dates ---------------------------------------------------------------------------------------------------


def sources(tmp_path, dates):
    """The same dates in a frame and in a text file."""
    frame = pd.DataFrame({"customer_id": range(len(dates)), "date": dates, "amount": 1.0})
    frame.to_csv(tmp_path / "log.csv", index=False)
    return frame, tmp_path / "log.csv"


@pytest.mark.parametrize(
    "text, day",
    [
        ("2024-01-31", date(2024, 1, 31)),
        ("2024-1-31", date(2024, 1, 31)),
        ("2024/01/31", date(2024, 1, 31)),
        (" 2024-01-31 ", date(2024, 1, 31)),
        ("2024-01-31 23:59", date(2024, 1, 31)),
        ("2024-01-31T23:59:59.5", date(2024, 1, 31)),
        ("20240131T235959", date(2024, 1, 31)),
        ("20240131T2359", date(2024, 1, 31)),
        ("20240131T235959Z", date(2024, 2, 1)),
        ("20240131T2359-0500", date(2024, 2, 1)),
        ("2024-01-31T23:30:00Z", date(2024, 2, 1)),
        ("2024-01-31 23:30 UTC", date(2024, 2, 1)),
        ("2024-01-31T23:30:00-05:00", date(2024, 2, 1)),
        ("2024-01-31T23:30:00 +02", date(2024, 1, 31)),
    ],
)
def test_iso_dates_alike_in_files_and_frames(tmp_path, text, day):
    for source in sources(tmp_path, [text, "2024-01-01"]):
        with Log(source, amount="amount", time_zone="Europe/Berlin") as log:
            assert log.audit.last == day and log.audit.bad_date == 0
            assert log.audit.instants == int(
                text.strip()[-1] in "ZC" or text[-5:] in ("-0500", "05:00", "0 +02")
            )


@pytest.mark.parametrize(
    "text", ["02-01-20", "2/1/2020", "2024-13-01", "2024-02-30", "soon", "24", "2024", "1.5", "2024-01-31x"]
)
def test_what_is_no_iso_date_is_not_guessed(tmp_path, text):
    for source in sources(tmp_path, [text, "2024-01-01"]):
        with pytest.raises(InputError, match="'date' of log is no date in 1 rows, the first being"):
            customer_summary(source)


@pytest.mark.parametrize("frame", [True, False])
def test_ambiguous_dates_are_asked_about_and_impossible_ones_named(tmp_path, frame):
    def ask(dates, **options):
        return customer_summary(sources(tmp_path, dates)[1 - frame], **options)

    with pytest.raises(
        InputError, match=r"may be 2020-01-02 \(date_format='%d-%m-%y'\), 2002-01-20 \(.*%y-%m-%d"
    ):
        ask(["02-01-20", "25-12-20"])
    with pytest.raises(InputError, match=r"all dates can be read as date_format='%d/%m/%Y'"):
        ask(["02/01/2020", "25/12/2020"])
    with pytest.raises(
        InputError, match=r"'02/01/2020' may be 2020-01-02 \(.*, 2020-02-01 \(date_format='%m/%d/%Y'\)"
    ):
        ask(["01/01/2020", "02/01/2020"])
    with pytest.raises(InputError, match="no date written as %d/%m/%Y in 1 rows, the first being .*"):
        ask(["02/01/2020", "02/13/2020"], date_format="%d/%m/%Y")
    two = ask(["02-01-75", "25-12-20"], date_format="%d-%m-%y")
    assert (
        two.attrs["observation_end"] == "2020-12-25"
        and two["T"].max() == (date(2020, 12, 25) - date(1975, 1, 2)).days / 7
    )
    with pytest.raises(InputError, match="no date written as %d-%m-%Y in 2 rows"):
        ask(["02-01-75", "25-12-20"], date_format="%d-%m-%Y")  # not the year 20


def test_several_formats_are_tried_in_order(tmp_path):
    dates = ["2005-01-02", "06/09/2005", "Jan 18, 2006"]
    for source in sources(tmp_path, dates):
        with pytest.raises(
            InputError, match=r"several ways .ISO 8601 in 1 rows.*'%Y-%m-%d\|%d/%m/%Y\|%b %d, %Y'"
        ):
            customer_summary(source)
        for form in (["%Y-%m-%d", "%d/%m/%Y", "%b %d, %Y"], "%Y-%m-%d|%d/%m/%Y|%b %d, %Y"):
            assert list(customer_summary(source, date_format=form, time_unit="D")["T"]) == [381, 134, 0]


@pytest.mark.parametrize(
    "value, day",
    [
        ("02/01/2024", date(2024, 1, 2)),
        ("2024-01-02", date(2024, 1, 2)),
        (date(2024, 1, 2), date(2024, 1, 2)),
        (datetime.fromisoformat("2024-01-02T09:00"), date(2024, 1, 2)),
        (pd.Timestamp("2024-01-02"), date(2024, 1, 2)),
        (np.datetime64("2024-01-02"), date(2024, 1, 2)),
    ],
)
def test_options_are_read_as_the_log_is(tmp_path, value, day):
    for source in sources(tmp_path, ["01/01/2024", "05/02/2024"]):
        with Log(source, date_format="%d/%m/%Y") as log:
            assert log.read_day("observation_end", value) == day


@pytest.mark.parametrize(
    "value", ["02/01/2024", "01-02-24", "20240102", 20240102, 1704153600, "soon", None, pd.NaT]
)
def test_options_that_could_be_several_days_are_refused(value):
    refused = pytest.raises(InputError, match="observation_end is .*; give a date such as")
    with Log(pd.DataFrame({"customer_id": [1], "date": ["2024-01-01"]})) as log, refused:
        log.read_day("observation_end", value)


def test_epochs_in_the_wrong_unit_are_told():
    seconds = pd.DataFrame({"customer_id": [1, 1], "date": [1104624000, 1125964800], "amount": 1.0})
    for unit, factor in (("milliseconds", 10**3), ("microseconds", 10**6), ("nanoseconds", 10**9)):
        frame = seconds.assign(date=seconds["date"] * factor)
        for source in (frame, frame.astype({"date": str})):
            with pytest.raises(InputError, match=f"date_format='epoch {unit}'"):
                customer_summary(source)
            with pytest.raises(InputError, match=f"date_format='epoch {unit}'"):
                customer_summary(source, date_format="epoch seconds")
            assert (
                customer_summary(source, date_format=f"epoch {unit}", time_unit="D")["recency"].item() == 247
            )
    with pytest.raises(InputError, match="date_format='epoch seconds'"):
        customer_summary(seconds, date_format="epoch milliseconds")


@pytest.mark.parametrize(
    "kind", ["datetime64[s]", "datetime64[ns]", "dates", "timestamps", "category", "zone", "period", "text"]
)
def test_dates_of_every_kind_that_a_frame_may_hold(kind):
    days = pd.to_datetime(["2024-01-02", "2024-03-01", None])
    column = {
        "dates": lambda: [day.date() if pd.notna(day) else None for day in days],
        "timestamps": lambda: pd.Series(list(days), dtype=object),
        "category": lambda: pd.Categorical(days),
        "zone": lambda: days.tz_localize("Asia/Tokyo"),
        "period": lambda: days.to_period("D"),
        "text": lambda: ["2024-01-02T10:00", "20240301T1000", "NaT"],
    }.get(kind, lambda: days.astype(kind))()
    frame = pd.DataFrame({"customer_id": [1, 1, 1], "date": column, "amount": 1.0})
    with pytest.warns(DataQualityWarning):
        assert customer_summary(frame, time_unit="D")["recency"].item() == 59


# -- ids -----------------------------------------------------------------------------------------------------


def ids_of(source, **options):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataQualityWarning)
        return list(customer_summary(source, **options).index)


@pytest.mark.parametrize(
    "kind, given, found",
    [
        (
            "DECIMAL(38,0)",
            ["1234567890123456789", "1234567890123456790"],
            [1234567890123456789, 1234567890123456790],
        ),
        ("DECIMAL(10,2)", ["1.50", "1.25"], [Decimal("1.25"), Decimal("1.50")]),
        ("UBIGINT", ["18446744073709551615", "7"], [7, 18446744073709551615]),
        ("DOUBLE", ["12346.0", "12345.0"], [12345, 12346]),
        ("DOUBLE", ["1.5", "12345.0"], [1.5, 12345.0]),
        ("VARCHAR", ["12346", "007"], ["007", "12346"]),
        ("VARCHAR", ["12346", "12345"], ["12345", "12346"]),
        ("BLOB", ["\\x00\\xFF", "ab"], [b"\x00\xff", b"ab"]),
        ("DATE", ["2024-01-01", "2023-01-01"], ["2023-01-01", "2024-01-01"]),
    ],
)
def test_ids_of_parquet_keep_their_kind(tmp_path, kind, given, found):
    rows = ", ".join(f"(CAST('{each}' AS {kind}), DATE '2024-01-01', 1.0)" for each in (*given, given[0]))
    path = tmp_path / "log.parquet"
    duckdb.execute(f"COPY (SELECT * FROM (VALUES {rows}) AS t(customer_id, date, amount)) TO '{path}'")
    ids = ids_of(path)
    assert (ids == found and [type(each) for each in ids] != [np.float64] * len(ids)) or kind == "DOUBLE"
    with Log(path) as log:
        assert len(log.days_of(found[0])) == 1


@pytest.mark.parametrize(
    "given, found",
    [
        ([12346.0, np.nan, 12345.0], [12345, 12346]),
        ([" a", "a ", "b"], ["a", "b"]),
        ([Decimal(1234567890123456789), Decimal(1234567890123456790), None], None),
        ([b"\x00", b"\xff", b"\x00"], [b"\x00", b"\xff"]),
        ([10**30, 10**30 + 1, 5], [5, 10**30, 10**30 + 1]),
        (["NULL", "N/A", "A"], ["A"]),
        (pd.array([3, None, 1], dtype="Int64"), [1, 3]),
    ],
)
def test_ids_of_frames_keep_their_kind(given, found):
    frame = pd.DataFrame({"customer_id": given, "date": "2024-01-01", "amount": 1.0})
    assert ids_of(frame) == (found or list(given[:2]))


@pytest.mark.parametrize("word", ["NULL", "N/A", "nan", "None", "<NA>", "", "  "])
def test_words_for_nothing_are_one_rule(tmp_path, word):
    text = f"customer_id,date,amount\n{word},2020-01-01,10\nA,2020-01-05,{word}\nA,2020-02-05,3\nB,{word},3\n"
    frame = pd.DataFrame(
        [[word, "2020-01-01", "10"], ["A", "2020-01-05", word], ["A", "2020-02-05", "3"], ["B", word, "3"]],
        columns=["customer_id", "date", "amount"],
    )
    reports = []
    for source in (written(tmp_path, text), frame):
        with pytest.warns(DataQualityWarning):
            table = customer_summary(source)
        assert list(table.index) == ["A"] and table["frequency"].item() == 1
        reports.append({entry["rule"]: entry["rows"] for entry in table.attrs["report"]})
    assert reports[0] == reports[1]
    assert reports[0].get("Customer is a word for nothing, such as NULL or N/A", 0) == bool(word.strip())
    assert reports[0]["Customer missing"] == reports[0]["Date missing"] == reports[0]["Amount missing"] == 1


def test_whole_numbers_with_a_point_are_those_without(tmp_path):
    path = written(
        tmp_path, HEAD + "12346.0,2024-01-01,1\n12346.0,2024-02-01,1\n,2024-01-01,1\n7,2024-01-01,1\n"
    )
    assert ids_of(path) == [7, 12346]
    path = written(tmp_path, HEAD + "12346.0,2024-01-01,1\n12346,2024-02-01,1\nx,2024-01-01,1\n")
    assert ids_of(path) == ["12346", "12346.0", "x"]


# -- amounts -------------------------------------------------------------------------------------------------


def test_less_than_an_unknown_amount_is_unknown(tmp_path):
    text = (
        HEAD
        + "1,2020-01-01,10\n1,2020-02-01,\n1,2020-02-05,-5\n1,2020-03-01,20\n2,2020-01-01,1\n2,2020-02-03,2\n"
    )
    for split in (None, "2020-01-15"):
        table = customer_summary(written(tmp_path, text), calibration_end=split)
        assert table.loc[1, "monetary_value" if split is None else "monetary_value_holdout"] == 20


@pytest.mark.parametrize(
    "text, options, value",
    [
        ("230,30", {"decimal": ","}, 230.3),
        ("1.230,30", {"decimal": ",", "thousands": "."}, 1230.3),
        ("-1.230", {"decimal": ",", "thousands": "."}, -1230),
        ("1,234,567.5", {"thousands": ","}, 1234567.5),
        ("1 234,5", {"decimal": ",", "thousands": " "}, 1234.5),
        ("1\u00a0234,5", {"decimal": ",", "thousands": " "}, 1234.5),
        ("1'234.50", {"thousands": "'"}, 1234.5),
        ("$12,400.00", {"thousands": ",", "currency": "$"}, 12400),
        ("12,5 €", {"decimal": ",", "currency": "€"}, 12.5),
        ("1e3", {}, 1000),
    ],
)
def test_amounts_as_people_write_them(tmp_path, text, options, value):
    frame = pd.DataFrame(
        {"customer_id": [1, 1], "date": ["2024-01-01", "2024-01-02"], "amount": [text, text]}
    )
    frame.to_csv(tmp_path / "log.csv", index=False, sep=";")
    for source in (frame, tmp_path / "log.csv"):
        with Log(source, amount="amount", **options) as log:
            assert [row[-1] for row in log.rows()] == [value, value] and log.audit.bad_amount == 0


@pytest.mark.parametrize(
    "text, options",
    [
        ("12.50", {"decimal": ","}),
        ("1.23", {"thousands": ".", "decimal": ","}),
        ("12,34", {"thousands": ","}),
        ("1,2345", {"thousands": ","}),
        ("five", {"decimal": ","}),
        ("inf", {}),
    ],
)
def test_amounts_written_otherwise_are_not_read_as_something_else(text, options):
    frame = pd.DataFrame({"customer_id": [1], "date": ["2024-01-01"], "amount": [text]})
    with Log(frame, amount="amount", **options) as log:
        assert log.audit.bad_amount == 1


@pytest.mark.parametrize(
    "amounts, remedy",
    [
        (["230,30", "5"], "decimal=','"),
        (["1.230,30", "5,00"], "decimal=',' thousands='.'"),
        (["1,230.30", "5.00"], "thousands=','"),
        (["$1,230.30", "$5"], "thousands=',' currency='\\$'"),
    ],
)
def test_what_amounts_could_mean_is_proposed(amounts, remedy):
    frame = pd.DataFrame({"customer_id": [1, 2], "date": "2024-01-01", "amount": amounts})
    with pytest.raises(InputError, match=f"all can be read with {remedy}: say so"):
        customer_summary(frame)


LINES = pd.DataFrame(
    {
        "InvoiceNo": ["1", "2", "C3", "4", "C5"],
        "Quantity": [2, 3, -1, 0, 4],
        "Unit Price": [1.5, 2.0, 2.0, 9.0, 1.0],
        "customer_id": [1, 1, 1, 2, 2],
        "date": ["2024-01-01", "2024-01-08", "2024-01-09", "2024-01-01", "2024-01-02"],
    }
)


@pytest.mark.parametrize(
    "text, values",
    [
        ('Quantity*"Unit Price"', [3, 6, -2, 0, 4]),
        ("Quantity * [Unit Price]", [3, 6, -2, 0, 4]),
        ("(Quantity + 1) * `Unit Price` / 2", [2.25, 4, 0, 4.5, 2.5]),
        ("-Quantity - -0.5", [-1.5, -2.5, 1.5, 0.5, -3.5]),
        ("Quantity", [2, 3, -1, 0, 4]),
        ("Unit Price", [1.5, 2, 2, 9, 1]),
    ],
)
def test_arithmetic_on_columns(tmp_path, text, values):
    LINES.to_csv(tmp_path / "log.csv", index=False)
    for source in (LINES, tmp_path / "log.csv"):
        with Log(source, amount=text) as log:
            assert [row[-1] for row in log.rows()] == values


@pytest.mark.parametrize(
    "text",
    [
        "Quantity; DROP TABLE imported",
        "Quantity) FROM typed; --",
        "(SELECT 1)",
        "Quantity*(",
        "Quantity Quantity",
        "Quantity**2",
        "read_csv('x')",
        "Quantity || 'x'",
        "Quantity = 1",
        "Quantity--1)",
        "Quantity/*x*/",
        "'1'",
        "1 + 1",
        "Quantity*Price",
        "",
        "getenv(Quantity)",
        'Quantity*"x" OR "y"',
    ],
)
def test_nothing_but_arithmetic_on_columns_is_understood(text):
    with pytest.raises(InputError, match="unknown column"):
        parsed(text, ["Quantity", "Unit Price"])
    with pytest.raises(InputError, match="unknown column"):
        Log(LINES, amount=text)


def test_an_expression_is_written_anew_from_its_parts():
    """What SQL gets consists of numbers, marks and the names that the log has, quoted by us."""
    expression = parsed('2*("a""b; --"+c)', ['a"b; --', "c"])
    assert expression.columns == ['a"b; --', "c"]
    assert expression.sql({'a"b; --': "X", "c": "Y"}) == "CAST(2 AS DOUBLE) * ( (X) + (Y) )"


def test_cancelled_invoices_are_refunds():
    """The rule of UCI's Online Retail: invoices whose number begins with C cancel."""
    options = {"amount": 'Quantity*"Unit Price"', "cancelled": "InvoiceNo=C*", "time_unit": "D"}
    table = customer_summary(LINES, **options)
    assert table.loc[1, "frequency"] == 1 and table.loc[1, "monetary_value"] == 4  # 6 less the 2 of C3
    assert table.loc[2, "frequency"] == 0  # C5 takes 4 off, although its quantity is not negative
    rows = {entry["rule"]: entry["rows"] for entry in table.attrs["report"]}
    assert rows["Rows that cancel others"] == 2 and rows["Refunds (amount below 0)"] == 2
    without = customer_summary(LINES, **options | {"amount": None})
    assert without["frequency"].to_dict() == {1: 1, 2: 0}
    with pytest.raises(InputError, match="unknown column 'Invoice'"):
        customer_summary(LINES, **options | {"cancelled": "Invoice=C*"})
    with pytest.raises(InputError, match="cancelled is 'C'; give a column and a pattern"):
        customer_summary(LINES, **options | {"cancelled": "C"})


# -- files ---------------------------------------------------------------------------------------------------

ROWS = [
    ("7", "2024-01-01", 10.5),
    ("7", "2024-02-01", 6.25),
    ("9", "2024-01-03", 4.0),
    ("9", "2024-01-09", 7.0),
]
FRAME = pd.DataFrame(ROWS, columns=["customer_id", "date", "amount"]).astype({"customer_id": int})
TEXT = HEAD + "".join(f"{who},{day},{paid}\n" for who, day, paid in ROWS)


def same_as_frame(source, **options):
    expected = customer_summary(FRAME)
    pd.testing.assert_frame_equal(customer_summary(source, **options), expected, check_index_type=False)


def test_json_lines(tmp_path):
    lines = "".join(json.dumps(dict(zip(FRAME, (int(who), day, paid)))) + "\n" for who, day, paid in ROWS)
    same_as_frame(written(tmp_path, lines, "log.jsonl"))
    nothing = (
        lines
        + '{"customer_id": null, "date": "2024-01-01", "amount": 3, "note": "x"}\n{"date": "2024-01-01"}\n'
    )
    with pytest.warns(DataQualityWarning, match="2 of 6 rows"):
        same_as_frame(written(tmp_path, nothing, "log.jsonl"))
    texts = lines.replace('"customer_id": 7', '"customer_id": "7"').replace(
        '"customer_id": 9', '"customer_id": "9"'
    )
    assert ids_of(written(tmp_path, texts, "log.jsonl")) == ["7", "9"]


def test_spreadsheets(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append([*FRAME, None, "note"])
    for who, day, paid in ROWS:
        sheet.append([int(who), datetime.fromisoformat(day), paid, None, "x"])
        sheet.append([])
    book.save(tmp_path / "log.xlsx")
    same_as_frame(tmp_path / "log.xlsx")
    same_as_frame(tmp_path / "log.xlsx", decimal=",", thousands=".", date_format="%d.%m.%Y")
    book.create_sheet("second").append(["a"])
    book.save(tmp_path / "log.xlsx")
    with pytest.raises(InputError, match="has the sheets 'Sheet', 'second'; choose by sheet"):
        customer_summary(tmp_path / "log.xlsx")
    same_as_frame(tmp_path / "log.xlsx", sheet="Sheet")
    with pytest.raises(InputError, match="has no sheet 'third'"):
        customer_summary(tmp_path / "log.xlsx", sheet="third")


def test_archives(tmp_path):
    with zipfile.ZipFile(tmp_path / "log.zip", "w") as archive:
        archive.writestr("export/log.csv", TEXT)
        archive.writestr("export/README.md", "x")
    same_as_frame(tmp_path / "log.zip")
    with zipfile.ZipFile(tmp_path / "log.zip", "a") as archive:
        archive.writestr("readme.txt", "x")
        archive.writestr("other.jsonl", "{}")
    with pytest.raises(InputError, match="holds export/log.csv, .*; name one, as '.*log.zip/NAME'"):
        customer_summary(tmp_path / "log.zip")
    same_as_frame(tmp_path / "log.zip" / "export" / "log.csv")
    with pytest.raises(InputError, match="holds no 'none.csv'"):
        customer_summary(tmp_path / "log.zip" / "none.csv")


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "gb18030", "utf-8-sig"])
def test_encodings(tmp_path, encoding):
    name = "Müller" if encoding != "gb18030" else "张伟"
    path = written(tmp_path, TEXT.replace("7,2024", f"{name},2024"), encoding=encoding)
    said = {} if encoding in ("utf-16", "utf-8-sig") else {"encoding": encoding}  # these say so themselves
    assert set(ids_of(path, **said)) == {name, "9"}
    if said:
        with pytest.raises(InputError, match="not UTF-8: line 2 read as latin-1 is .*say by encoding"):
            customer_summary(path)
    with pytest.raises(InputError, match="encoding is 'klingon'"):
        customer_summary(path, encoding="klingon")


def test_cdnow_as_published(tmp_path):
    """No line of names, columns of fixed width, days as 19970101; the first customers of the master file."""
    log = load_cdnow_log().head(2000)
    lines = [
        f" {who:05d} {day:%Y%m%d} {discs:2d} {paid:7.2f}\n"
        for who, day, discs, paid in log.itertuples(index=False)
    ]
    path = written(tmp_path, "".join(lines), "CDNOW_master.txt")
    options = {
        "delimiter": "whitespace",
        "columns": "customer_id,date,quantity,amount",
        "date_format": "%Y%m%d",
    }
    ours = customer_summary(path, **options, observation_end="1998-06-30")
    expected = customer_summary(log, observation_end="1998-06-30")
    np.testing.assert_array_equal(ours.to_numpy(), expected.to_numpy())
    assert ours.index[0] == "00001"
    with pytest.raises(
        InputError, match="set apart by blanks: add delimiter='whitespace'; its first line .* is data"
    ):
        customer_summary(path)
    with pytest.raises(InputError, match="log has 4 columns and columns names 2"):
        customer_summary(path, **options | {"columns": "customer_id,date"}, amount=None)


def test_a_delimiter_that_is_said(tmp_path):
    same_as_frame(written(tmp_path, TEXT.replace(",", "~")), delimiter="~")


# -- looking first -------------------------------------------------------------------------------------------


def test_a_preview_shows_what_would_be_read(tmp_path):
    found = preview(written(tmp_path, TEXT))
    text = str(found)
    assert found.readable and "2024-01-01 – 2024-02-01" in text and "4.00 to 10.50" in text
    assert found.rows[0] == ["7", "2024-01-01", "10.5", "7", "2024-01-01", "10.5"]
    found = preview(written(tmp_path, TEXT.replace("2024-01-0", "1/")), time_zone=None)
    assert not found.readable and "date_format" in found.questions[0]


def test_messages_speak_of_flags_at_the_command_line(tmp_path):
    path = written(tmp_path, HEAD + "1,02/01/2020,5\n1,25/02/2020,5\n")
    with speaking_of_flags(), pytest.raises(InputError, match="--date-format %d/%m/%Y.*--unreadable ignore"):
        customer_summary(path)
    with speaking_of_flags(), pytest.raises(InputError, match="--observation-end is 'soon'"):
        customer_summary(FRAME, observation_end="soon")
    with pytest.raises(InputError, match="^observation_end is 'soon'"):
        customer_summary(FRAME, observation_end="soon")
