"""Cells of exports as ids, moments and money: what is open is asked, what is damaged is refused."""

import numpy as np
import pandas as pd
import pytest

from crmlab.data.exports.values import Reader, ids, present, whole_salesforce_id


def column(*texts):
    return pd.Series(list(texts), index=range(2, 2 + len(texts)), dtype=object)


@pytest.fixture(scope="module")
def reader():
    made = Reader()
    yield made
    made.close()


@pytest.fixture
def moments(reader):
    def moments(*texts, given=None, usual=(), zone=None, lenient=False):
        return reader.moments(column(*texts), given, usual, zone, lenient)

    return moments


@pytest.fixture
def money(reader):
    def money(*texts, decimal=None, thousands=None, usual="", lenient=False):
        return reader.money(column(*texts), decimal, thousands, usual, lenient)

    return money


def times(parsed):
    return [None if pd.isna(each) else str(each) for each in parsed.values]


def test_iso_needs_no_question(moments):
    read = moments("2024-01-31", "2024-01-31 09:30", None)
    assert times(read) == ["2024-01-31 00:00:00", "2024-01-31 09:30:00", None] and not read.question


def test_instants_are_shown_by_the_clock_of_the_zone(moments):
    utc = moments("2024-01-31T18:15:00.123Z")
    assert times(utc) == ["2024-01-31 18:15:00.123000"] and "time_zone" in utc.notes[0]
    shanghai = moments("2024-01-31T18:15:00.123Z", zone="Asia/Shanghai")
    assert times(shanghai) == ["2024-02-01 02:15:00.123000"] and not shanghai.notes


def test_milliseconds_are_read_to_the_millisecond(moments):
    read = moments("1700000000123", usual=("epoch milliseconds",), zone="UTC")
    assert times(read) == ["2023-11-14 22:13:20.123000"]


def test_a_day_of_eight_digits_is_no_number_of_milliseconds(moments):
    assert times(moments("20240131", usual=("epoch milliseconds",))) == ["2024-01-31 00:00:00"]


def test_day_and_month_that_could_be_exchanged_are_asked_about(moments):
    read = moments("05/06/2024", "06/07/2024")
    assert "2024-06-05 (%d/%m/%Y)" in read.question and "2024-05-06 (%m/%d/%Y)" in read.question
    assert times(moments("05/06/2024", given="%m/%d/%Y")) == ["2024-05-06 00:00:00"]


def test_one_day_beyond_the_twelfth_settles_it(moments):
    read = moments("05/06/2024", "13/07/2024")
    assert times(read) == ["2024-06-05 00:00:00", "2024-07-13 00:00:00"] and read.way == "%d/%m/%Y"


def test_dates_in_several_ways_are_asked_about_with_the_way_out(moments):
    mixed = ("13.06.2024", "2024-01-02", "Jan 5, 2024")
    read = moments(*mixed)
    assert "several ways" in read.question
    said = read.question.split("date_format='")[1].split("'")[0]
    assert times(moments(*mixed, given=said)) == [
        "2024-06-13 00:00:00",
        "2024-01-02 00:00:00",
        "2024-01-05 00:00:00",
    ]


def test_what_is_no_date_is_told_with_its_row_or_left_open(moments):
    read = moments("2024-01-02", "soon", "2024-01-03")
    assert "row 3 ('soon')" in read.question
    lenient = moments("2024-01-02", "soon", "2024-01-03", lenient=True)
    assert not lenient.question and lenient.bad.tolist() == [False, True, False]


def test_what_may_be_left_open_does_not_settle_how_the_others_are_read(moments, money):
    sure = moments("13/01/2024", "05/06/2024", "soon", "07/08/2024", lenient=True)
    assert times(sure)[1] == "2024-06-05 00:00:00" and sure.bad.tolist() == [False, False, True, False]
    assert "which may be" in moments("05/06/2024", "07/08/2024", "soon", lenient=True).question
    assert "which may be" in money("1,234", "2,345", "12,3,4", lenient=True).question
    assert money("1,234", "2,345", "12,3,4", lenient=True, usual=".").values.tolist()[:2] == [1234, 2345]


def test_a_spreadsheets_number_of_days_is_no_date(moments):
    assert "'45310' (row 2), the days of a spreadsheet" in moments("45310", "45311").question


@pytest.mark.parametrize(
    "texts, numbers",
    [
        (("$1,234.50", "-$5", "$-5", "($7.00)"), [1234.5, -5, -5, -7]),
        (("1.234,50 €", "2,00 €"), [1234.5, 2]),
        (("\uffe51\uff0c234.50", "12"), [1234.5, 12]),  # as Chinese keyboards write it
        (("CNY 12", "7 CNY"), [12, 7]),
        (("1 234,50", "12,00"), [1234.5, 12]),
        (("1'234.50",), [1234.5]),
        (("12.345",), None),
        (("1,234", "12,000"), None),
        (("1e3", "2"), [1000, 2]),
        (("3元", "4.5元"), [3, 4.5]),
    ],
)
def test_money(money, texts, numbers):
    read = money(*texts)
    if numbers is None:
        assert "may be" in read.question and read.values.isna().all()
    else:
        assert read.values.tolist() == numbers and not read.question


def test_what_the_system_writes_settles_the_marks(money):
    assert money("12.345", usual=".").values.tolist() == [12.345]
    assert money("1,234", usual=".").values.tolist() == [1234]
    assert money("1,234", decimal=",").values.tolist() == [1.234]


def test_several_currencies_in_one_column_are_refused(money):
    assert "several currencies (CNY, USD)" in money("CNY 12", "USD 3").question


@pytest.mark.parametrize("text", ["abc", "12,3,4", "1-2", "--3", "(5", "12 34", "1.2.3"])
def test_what_is_no_amount_is_told_with_its_row(money, text):
    assert f"row 3 ({text!r})" in money("1.50", text, "2.50").question


def test_ids_lose_the_systems_prefix_only():
    assert ids(column("zcrm_12", "zcrm_0"), "zcrm_").values.tolist() == ["12", "0"]
    assert ids(column("007", "C-1"), "zcrm_").values.tolist() == ["007", "C-1"]


@pytest.mark.parametrize("texts", [("5.8423E+18", "7"), ("584230100000012000", "584230100000013000")])
def test_ids_that_a_spreadsheet_has_cut_are_refused(texts):
    assert "last digits are lost" in ids(column(*texts)).question


def test_long_ids_that_are_whole_are_taken():
    rng = np.random.default_rng(1)
    texts = [str(5842301000000000000 + int(each)) for each in rng.integers(0, 10**12, 50)]
    assert not ids(column(*texts)).question


def test_of_several_ids_in_a_cell_the_first_is_taken_and_that_is_said():
    read = ids(column("9001", "9002;9003"))
    assert read.values.tolist() == ["9001", "9002"] and "1 row; the first is taken: row 3" in read.notes[0]


def test_salesforces_short_ids_become_long_ones():
    assert whole_salesforce_id("001A0000006Vm9r") == "001A0000006Vm9rIAC"
    assert whole_salesforce_id("001A0000006Vm9rIAC") == "001A0000006Vm9rIAC"
    assert whole_salesforce_id("C001") == "C001"


def test_a_country_called_na_is_there_and_an_id_called_null_is_not():
    assert present(column("NA", ""), words=False).tolist() == ["NA", None]
    assert present(column("NULL", "N/A")).tolist() == [None, None]
