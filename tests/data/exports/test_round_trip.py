"""Out as a system exports, and in again: the same tables, up to the losses that the card states."""

import math
import string

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmlab.company import Company
from crmlab.data import customer_summary
from crmlab.data.exports import as_held, card, cards, import_export, market_tables, write_export
from crmlab.errors import InputError

SYSTEMS = list(cards())


@pytest.fixture(scope="module")
def market():
    base = Company("literature", customers=400, months=24, seed=3).simulate(keep=["orders", "complaints"])
    return market_tables(base.tables)


def plain(column):
    column = column.astype(object)
    return column.where(column.notna(), None).tolist()


def assert_held(done, tables, system):
    """What came back is what the system can hold, row by row."""
    assert not done.problems, list(map(str, done.problems))
    for name, held in as_held(tables, system).items():
        found = done.tables[name]
        for column in held:
            assert column in found or held[column].isna().all(), (name, column)
            if column in found:
                assert plain(found[column]) == plain(held[column]), (name, column)
        audit = done.audits[name]
        assert (audit.rows_in, audit.rows_out, audit.rows_dropped) == (len(held), len(held), 0)


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_market_comes_back(market, system, tmp_path):
    write_export(market, system, tmp_path / "export.zip", time_zone="Asia/Shanghai")
    done = import_export(tmp_path / "export.zip", system, time_zone="Asia/Shanghai")
    assert_held(done, market, system)
    orders = market["orders"].sort_values("id")
    log = done.log.sort_values("record_id")
    assert log["amount"].tolist() == orders["amount"].tolist()
    assert len(log) == len(orders)


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_is_lost_is_what_the_card_says(market, system):
    """A column that does not come back as it was is one of which the card says so."""
    told = " ".join(card(system).losses)
    held = as_held(market, system)
    purchases = held.get("orders", held.get("deals"))
    time = purchases["time"] if "time" in purchases else purchases["closed"]
    exact = market["orders"]["time"].astype("datetime64[us]").reset_index(drop=True)
    lost = (exact - time).max()
    assert ("time of a purchase is lost" in told) == (lost > pd.Timedelta("1h"))
    assert ("seconds are lost" in told) == (pd.Timedelta("1s") < lost < pd.Timedelta("1h"))
    assert ("come back exact" in told) or lost > pd.Timedelta(0)
    assert ("orders" not in held) == ("Refunds have no column in" in told)


@pytest.mark.parametrize(
    "system, style",
    [
        ("zoho", {"encoding": "utf-16", "delimiter": ";", "day": "%d/%m/%Y"}),
        ("zoho", {"encoding": "gb18030", "delimiter": "\t", "money": "人民币{:,.2f}"}),
        ("zoho", {"form": "xlsx"}),
        ("fxiaoke", {"form": "xlsx"}),
        ("salesforce", {"form": "xlsx", "day": "%m/%d/%Y"}),
        ("hubspot", {"form": "xlsx", "encoding": "utf-8-sig"}),
    ],
)
def test_a_market_comes_back_however_it_is_written(market, system, style, tmp_path):
    write_export(market, system, tmp_path / "export", **style)
    assert_held(import_export(tmp_path / "export", system), market, system)


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_market_comes_back_under_chinese_labels(market, system, tmp_path):
    paths = write_export(market, system, tmp_path, labels="zh", encoding="gb18030")
    assert not any(path.name.isascii() for path in paths)
    assert_held(import_export(tmp_path, system), market, system)


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_customer_summary_of_the_log_is_that_of_the_market(market, system, tmp_path):
    """Models count days; so what systems lose of times does not reach them, where the zone is the same."""
    write_export(market, system, tmp_path)
    found = customer_summary(import_export(tmp_path, system).log, amount="amount")
    expected = customer_summary(market["orders"].rename(columns={"time": "date"}), amount="amount")
    pd.testing.assert_frame_equal(found.sort_index(), expected.sort_index(), check_index_type=False)


# -- generated exports ---------------------------------------------------------------------------------------

IDS = st.text(string.ascii_letters + string.digits, min_size=1, max_size=18).filter(
    lambda text: text not in {"NA", "NaN", "nan", "null", "NULL", "None"} and not text.isdigit()
)
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp", "Zs"]), min_size=1, max_size=12
)
MOMENTS = st.datetimes(pd.Timestamp("2001-01-01").to_pydatetime(), pd.Timestamp("2035-01-01").to_pydatetime())
AMOUNTS = st.integers(-(10**9), 10**9).map(lambda cents: cents / 100)


@st.composite
def markets(draw):
    ids = draw(st.lists(IDS, min_size=1, max_size=6, unique_by=str.casefold))
    orders = draw(
        st.lists(
            st.tuples(st.sampled_from(ids), MOMENTS, AMOUNTS, st.none() | TEXTS), min_size=1, max_size=12
        )
    )
    numbers = draw(st.lists(IDS, min_size=len(orders), max_size=len(orders), unique_by=str.casefold))
    who, times, amounts, channels = zip(*orders)
    return {
        "customers": pd.DataFrame({"id": ids, "region": [draw(st.none() | TEXTS) for _ in ids]}),
        "orders": pd.DataFrame(
            {"id": numbers, "customer_id": who, "time": times, "amount": amounts, "channel": channels}
        ).astype({"time": "datetime64[us]", "channel": object}),
    }


@pytest.mark.parametrize("system", SYSTEMS)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tables=markets(),
    zone=st.sampled_from(["UTC", "Asia/Shanghai", "America/Lima"]),
    form=st.sampled_from(["csv", "xlsx"]),
)
def test_any_market_comes_back(system, tables, zone, form, tmp_path_factory):
    place = tmp_path_factory.mktemp("export")
    write_export(tables, system, place, time_zone=zone, form=form)
    done = import_export(place, system, time_zone=zone)
    assert_held(done, tables, system)
    assert math.isclose(done.log["amount"].sum(), tables["orders"]["amount"].sum(), abs_tol=1e-6)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cells=st.lists(
        st.lists(
            st.sampled_from(
                ["", "1", "x", "zcrm_7", "Closed Won", "2024-01-31", "31/01/2024", "$5", "-", "=1+1", "客户"]
            ),
            max_size=8,
        ),
        max_size=12,
    ),
    lenient=st.booleans(),
)
def test_whatever_stands_in_an_export_every_row_is_accounted_for(cells, lenient, tmp_path_factory):
    place = tmp_path_factory.mktemp("export")
    rows = [["Record Id", "Account Name.id", "Stage", "Closing Date", "Amount"], *cells]
    (place / "Deals.csv").write_text("\n".join(",".join(row) for row in rows), encoding="utf-8")
    done = import_export(place, "zoho", unreadable="drop" if lenient else None)
    filled = sum(any(cell for cell in row) for row in cells)
    for audit in done.audits.values():
        assert audit.rows_in == audit.rows_out + audit.rows_dropped
    if "deals" in done.audits:
        assert done.audits["deals"].rows_in == filled
        places = [place for each in done.audits["deals"].dropped.values() for place in each]
        assert len(set(places)) == len(places)
    else:
        assert done.problems


def a_purchase_at(time):
    return {
        "orders": pd.DataFrame(
            {"id": ["1"], "customer_id": ["A"], "time": [pd.Timestamp(time)], "amount": [5.0]}
        )
    }


def test_summer_time_moves_no_purchase_and_invents_none(tmp_path):
    doubled = a_purchase_at("2024-10-27 02:30:00")
    write_export(doubled, "fxiaoke", tmp_path, time_zone="Europe/Berlin")
    assert_held(import_export(tmp_path, "fxiaoke", time_zone="Europe/Berlin"), doubled, "fxiaoke")
    with pytest.raises(InputError, match="time_zone is 'Europe/Berlin'"):
        write_export(a_purchase_at("2024-03-31 02:30:00"), "fxiaoke", tmp_path, time_zone="Europe/Berlin")


def test_the_zone_decides_on_which_day_a_purchase_falls(market, tmp_path):
    """A third of the purchases fall on another day in Shanghai than in UTC: eight hours of twenty-four."""
    write_export(market, "fxiaoke", tmp_path)
    days = [import_export(tmp_path, "fxiaoke", time_zone=zone).log for zone in ("UTC", "Asia/Shanghai")]
    utc, shanghai = (log.sort_values("record_id")["date"].dt.date.to_numpy() for log in days)
    assert abs((utc != shanghai).mean() - 1 / 3) < 4 * (2 / 9 / len(utc)) ** 0.5


@pytest.mark.parametrize(
    "tables, why",
    [
        ({"order": pd.DataFrame()}, "unknown table 'order'"),
        (
            {"customers": pd.DataFrame({"id": ["1"], "colour": ["red"]})},
            "unknown column of customers 'colour'",
        ),
        ({"customers": pd.DataFrame({"level": ["1"]})}, "customers has no column id"),
    ],
)
def test_tables_that_are_none_are_refused(tables, why, tmp_path):
    with pytest.raises(InputError, match=why):
        write_export(tables, "zoho", tmp_path)


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_texts_that_look_like_formulas_come_back(system, form, tmp_path):
    tables = a_purchase_at("2024-10-27 02:30:00")
    tables["orders"]["channel"] = ["=1+1"]
    write_export(tables, system, tmp_path, form=form)
    assert_held(import_export(tmp_path, system), tables, system)
