"""An export in, tables and a log out; every row accounted for, every doubt said."""

import json
import re
import tomllib

import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmlab.company import Company
from crmlab.data import customer_summary
from crmlab.data.exports import card, cards, import_export, market_tables, write_export
from crmlab.data.exports.keeping import map_text
from crmlab.errors import InputError


def whys(done):
    return " | ".join(map(str, done.problems))


def test_a_zoho_export_becomes_tables_and_a_log(folder, files):
    done = import_export(folder(files), "zoho")
    assert not done.problems
    assert done.tables["customers"]["id"].tolist() == ["1", "2"]
    assert done.log[["customer_id", "amount"]].to_numpy().tolist() == [["1", 1200.5], ["2", 3.0]]
    assert done.log["date"].dt.strftime("%Y-%m-%d").tolist() == ["2024-01-13", "2024-02-05"]
    assert "proxy" in done.rule
    audit = done.audits["transactions"]
    assert audit.dropped == {"lost": [("Deals.csv", 3)], "not won": [("Deals.csv", 6)]}
    assert "1 row without anything passed over" in done.audits["deals"].notes


def test_rows_in_are_rows_out_and_rows_dropped(folder, files):
    files["Deals.csv"] += (
        "zcrm_12,third,Beta,zcrm_2,Closed Won,2024-02-05,$3.00\n,,,,,,\n"
        "x,y,,,Closed Won,,$1\n1,2,3,4,5,6,7,8\n"
    )
    done = import_export(folder(files), "zoho")
    for audit in done.audits.values():
        assert audit.rows_in == audit.rows_out + audit.rows_dropped
    assert done.audits["deals"].dropped == {
        "more cells than labels": [("Deals.csv", 10)],
        "no closed": [("Deals.csv", 9)],
        "stands there already": [("Deals.csv", 7)],
    }


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gbk"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_encodings_and_delimiters(folder, encoding, mark):
    rows = [
        ["客户编号", "下单日期", "订单金额", "订单状态"],
        ["C1", "2024年1月5日", "12.50", "已确认"],
        ["C2", "2024年2月5日", "7.00", "已作废"],
    ]
    text = "\n".join(mark.join(row) for row in rows)
    done = import_export(folder({"销售订单.csv": text.encode(encoding)}), "fxiaoke")
    assert not done.problems, whys(done)
    assert done.log.to_numpy().tolist() == [["C1", pd.Timestamp("2024-01-05"), 12.5]]
    assert done.audits["transactions"].dropped == {"void": [("销售订单.csv", 3)]}


def test_a_spreadsheet_with_a_sheet_for_each_table(tmp_path):
    book = openpyxl.Workbook()
    orders = book.active
    orders.title = "销售订单"
    orders.append(["_id", "account_id", "order_time", "order_amount", "refund_amount", "order_status"])
    orders.append(["O1", "A1", 1700000000123, "100.00", "30", "7"])
    orders.append(["O2", "A1", 1700100000000, "50.00", None, "7"])
    customers = book.create_sheet("客户")
    customers.append(["_id", "客户名称", "客户级别"])
    customers.append(["A1", "北京公司", "重点"])
    place = tmp_path / "导出.xlsx"
    book.save(place)
    done = import_export(place, "fxiaoke", time_zone="Asia/Shanghai")
    assert not done.problems, whys(done)
    assert done.log["amount"].tolist() == [70.0, 50.0]
    assert str(done.log["date"][0]) == "2023-11-15 06:13:20.123000"
    assert done.tables["customers"].columns.tolist() == ["id", "level"]
    assert any("7 (2)" in note for note in done.audits["transactions"].notes)


def test_long_ids_that_a_spreadsheet_keeps_as_numbers_are_refused(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "Accounts"
    book.active.append(["Record Id", "Account Name"])
    book.active.append([5842301000000123456.0, "Acme"])
    book.save(tmp_path / "export.xlsx")
    done = import_export(tmp_path / "export.xlsx", "zoho")
    assert "'Record Id' (id) holds ids as numbers" in whys(done) and "row 2" in whys(done)


def test_one_bad_file_of_an_archive_stops_no_other(archive, files):
    bad = {
        "Contacts.csv": 'Record Id,Email\n1,"open',
        "Cases.xlsx": b"no spreadsheet",
        "Leads.csv": "a,b\n1,2\n",
    }
    done = import_export(archive(files | bad), "zoho")
    assert len(done.log) == 2
    assert {each.file for each in done.problems} == {"export.zip/Contacts.csv", "export.zip/Cases.xlsx"}
    assert "row 2 (line 2)" in whys(done)
    assert "holds something else" in done.layouts["export.zip/Leads.csv"].why


def test_personal_columns_are_left_out_unless_asked_for(folder, files):
    place = folder(files)
    quiet = import_export(place, "zoho")
    assert quiet.tables["customers"].columns.tolist() == ["id", "type"]
    assert any("'Phone': personal" in each for each in quiet.audits["customers"].left_out)
    assert "Acme" not in str(quiet) and "Ann" not in str(quiet)
    open_ = import_export(place, "zoho", personal=True)
    assert {"name", "phone", "owner"} <= set(open_.tables["customers"])


def test_ids_are_hashed_alike_in_all_tables(folder, files):
    place = folder(files)
    salt = "a salt of sixteen or more"
    done = import_export(place, "zoho", salt=salt)
    assert set(done.log["customer_id"]) == set(done.tables["customers"]["id"])
    assert done.log["customer_id"].str.fullmatch("[0-9a-f]{64}").all()
    assert dict(done.keys.to_numpy().tolist())["1"] == done.tables["customers"]["id"][0]
    other = import_export(place, "zoho", salt=salt + "!")
    assert not set(other.log["customer_id"]) & set(done.log["customer_id"])
    with pytest.raises(InputError, match="16 or more"):
        import_export(place, "zoho", salt="short")


def test_a_renamed_label_is_guessed_and_the_confidence_shown(folder, files):
    files["Deals.csv"] = (
        files["Deals.csv"].replace("Amount", "Amount (EUR)").replace("Closing Date", "Closing Dat")
    )
    done = import_export(folder(files), "zoho")
    assert len(done.log) == 2
    assert "amount: 'Amount (EUR)' (guess, 0.90" in str(done) and "closed: 'Closing Dat' (guess, 0.95" in str(
        done
    )


def test_a_label_that_says_nothing_is_asked_about_and_the_map_answers(folder, files, tmp_path):
    files["Deals.csv"] = files["Deals.csv"].replace("Amount", "Umsatz").replace("Closed Won", "Gewonnen")
    place = folder(files)
    asked = import_export(place, "zoho")
    assert "no column is known to be amount" in whys(asked)
    assert "by what they hold it could be 'Umsatz'" in whys(asked)
    chart = tmp_path / "map.toml"
    chart.write_text('[tables.deals.columns]\namount = "Umsatz"\n', encoding="utf-8")
    stages = import_export(place, "zoho", chart)
    assert "no stage is known to mean a sale" in whys(stages) and "Gewonnen (2)" in whys(stages)
    chart.write_text(
        '[tables.deals.columns]\namount = "Umsatz"\n[tables.deals.states]\nwon = ["Gewonnen"]\n',
        encoding="utf-8",
    )
    assert len(import_export(place, "zoho", chart).log) == 2


def test_the_map_that_is_written_reads_the_export_as_before(folder, files, tmp_path):
    files["Deals.csv"] = files["Deals.csv"].replace("Amount", "Amount (EUR)")
    place = folder(files)
    first = import_export(place, "zoho")
    paths = first.write(tmp_path / "out")
    assert {path.name for path in paths} == {
        *("customers.csv", "deals.csv", "transactions.csv", "audit.json", "dropped.csv", "map.toml")
    }
    again = import_export(place, map=tmp_path / "out" / "map.toml")
    pd.testing.assert_frame_equal(again.log, first.log)
    audit = json.loads((tmp_path / "out" / "audit.json").read_text(encoding="utf-8"))
    assert audit["tables"]["transactions"]["dropped"] == {"lost": 1, "not won": 1}
    dropped = pd.read_csv(tmp_path / "out" / "dropped.csv")
    assert dropped[["table", "row", "reason"]].to_numpy().tolist() == [
        ["transactions", 3, "lost"],
        ["transactions", 6, "not won"],
    ]


def test_nothing_of_an_earlier_import_stays(folder, files, tmp_path):
    import_export(folder(files), "zoho").write(tmp_path / "out")
    (tmp_path / "out" / "notes.csv").write_text("mine")
    files["Deals.csv"] = files["Deals.csv"].replace("2024-01-13", "soon")
    import_export(folder(files), "zoho").write(tmp_path / "out")
    left = {path.name for path in (tmp_path / "out").iterdir()}
    assert left == {"customers.csv", "audit.json", "dropped.csv", "map.toml", "notes.csv"}


def test_the_log_feeds_fit(folder, files, tmp_path):
    import_export(folder(files), "zoho").write(tmp_path / "out")
    summary = customer_summary(tmp_path / "out" / "transactions.csv", amount="amount")
    assert summary.index.tolist() == [1, 2] and summary["T"].max() > 0


def test_customers_are_found_by_name_where_ids_are_wanting(folder, files):
    files["Deals.csv"] = (
        files["Deals.csv"].replace(",Account Name.id", "").replace(",zcrm_1,", ",").replace(",zcrm_2,", ",")
    )
    done = import_export(folder(files), "zoho")
    assert done.log["customer_id"].tolist() == ["1", "2"]
    assert any("found by name" in note for note in done.audits["deals"].notes)
    files["Accounts.csv"] += "zcrm_3,Ann,Beta,,Customer\n"
    double = import_export(folder(files), "zoho")
    assert double.audits["transactions"].dropped["no customer"] == [("Deals.csv", 5)]
    assert any("with a name that several customers have" in note for note in double.audits["deals"].notes)


def test_where_there_are_no_firms_people_are_the_customers(folder):
    done = import_export(
        folder(
            {
                "contacts.csv": "Record ID,Email,Lifecycle Stage\n8001,a@b.c,customer\n8002,d@e.f,lead\n",
                "deals.csv": "Record ID,Deal Name,Deal Stage,Amount,Close Date,Associated Contact IDs\n"
                "1,x,Closed won,5.00,2024-02-01 09:30,8001;8002\n",
            }
        ),
        "hubspot",
    )
    assert done.log[["customer_id", "amount"]].to_numpy().tolist() == [["8001", 5.0]]
    assert done.tables["customers"]["id"].tolist() == ["8001", "8002"]
    assert any("several ids" in note for note in done.audits["deals"].notes)


def test_salesforce_takes_times_short_ids_and_the_recycle_bin(folder):
    done = import_export(
        folder(
            {
                "Account.csv": '"Id","Name","CreatedDate"\n'
                '"001A0000006Vm9rIAC","Acme","2023-05-01T10:00:00.000Z"\n',
                "Opportunity.csv": '"Id","IsDeleted","AccountId","StageName","Amount","CloseDate"\n'
                '"006A00000000001AAA","0","001A0000006Vm9r","Closed Won","1200.5","2024-01-31"\n'
                '"006A00000000002AAA","1","001A0000006Vm9r","Closed Won","7","2024-01-31"\n',
            }
        ),
        "salesforce",
    )
    assert done.log["customer_id"].tolist() == ["001A0000006Vm9rIAC"]
    assert done.audits["transactions"].dropped == {"deleted": [("Opportunity.csv", 3)]}
    assert not any("not in the table of customers" in note for note in done.audits["deals"].notes)


def test_lines_around_a_reports_table_are_passed_over_and_said(folder):
    report = (
        "Opportunities of 2024,,,\n\nOpportunity ID,Account ID,Stage,Amount,Close Date\n"
        "1,9,Closed Won,5.00,2024-01-31\n\nConfidential Information - Do Not Distribute,,,\nCopyright,,,\n"
    )
    done = import_export(folder({"report.csv": report}), "salesforce")
    audit = done.audits["deals"]
    assert audit.rows_out == 1 and "1 row above the labels passed over" in audit.notes
    assert audit.dropped == {"a line under the table": [("report.csv", 6), ("report.csv", 7)]}


def test_amounts_in_several_currencies_make_no_log_until_one_is_chosen(folder):
    orders = (
        "_id,account_id,order_time,order_amount,mc_currency\n1,A,2024-01-02,5,CNY\n2,A,2024-01-03,6,USD\n"
    )
    place = folder({"SalesOrderObj.csv": orders})
    done = import_export(place, "fxiaoke")
    assert done.log is None and "CNY (1), USD (1)" in whys(done) and len(done.tables["orders"]) == 2
    chosen = import_export(place, "fxiaoke", currency="USD")
    assert chosen.log["amount"].tolist() == [6.0]
    assert chosen.audits["transactions"].dropped == {"not in USD": [("SalesOrderObj.csv", 2)]}


def test_orders_that_stand_there_line_by_line_are_refused(folder):
    orders = "_id,account_id,order_time,order_amount\n1,A,2024-01-02,5\n1,A,2024-01-02,6\n"
    done = import_export(folder({"SalesOrderObj.csv": orders}), "fxiaoke")
    assert "ids stand in rows that differ" in whys(done) and "rows 2, 3 (in amount)" in whys(done)


def test_ambiguous_dates_are_asked_about_with_file_and_column(folder, files):
    files["Deals.csv"] = (
        files["Deals.csv"]
        .replace("2024-01-13", "04/03/2024")
        .replace("2024-02-05", "05/02/2024")
        .replace("2024-03-05", "05/03/2024")
    )
    place = folder(files)
    done = import_export(place, "zoho")
    assert "Deals.csv: column 'Closing Date' (closed)" in whys(done) and "%d/%m/%Y" in whys(done)
    assert "deals" not in done.tables and len(done.tables["customers"]) == 2
    assert str(import_export(place, "zoho", date_format="%d/%m/%Y").log["date"][0]) == "2024-02-05 00:00:00"


def test_unreadable_rows_are_refused_or_dropped_and_listed(folder, files):
    files["Deals.csv"] = files["Deals.csv"].replace("2024-03-05", "soon").replace("$3.00", "much", 1)
    place = folder(files)
    refused = whys(import_export(place, "zoho"))
    assert "row 6 ('soon')" in refused and "row 3 ('much')" in refused
    done = import_export(place, "zoho", unreadable="drop")
    assert done.audits["deals"].dropped == {
        "amount cannot be read": [("Deals.csv", 3)],
        "closed cannot be read": [("Deals.csv", 6)],
    }


def test_columns_of_ones_own_are_carried_along(folder, files, tmp_path):
    files["Accounts.csv"] = (
        files["Accounts.csv"].replace("Account Type", "Zufriedenheit").replace("Customer", "4")
    )
    chart = tmp_path / "map.toml"
    chart.write_text(
        'system = "zoho"\n[tables.customers.keep]\nsatisfaction = "Zufriedenheit"\n', encoding="utf-8"
    )
    assert import_export(folder(files), map=chart).tables["customers"]["satisfaction"].tolist() == [4.0, 4.0]


@pytest.mark.parametrize(
    "text, why",
    [
        ("system = 3", "must be a text"),
        ("[tables.dealz]", "unknown table"),
        ('[tables.deals.columns]\nprice = "x"', "unknown column"),
        ('[tables.deals.states]\nmaybe = ["x"]', "unknown state"),
        ("system = [", "is no TOML"),
        ('system = "hubspot"', "is one for 'hubspot'"),
        ('[tables.deals.keep]\namount = "Stage"', "keep cannot name 'amount'"),
    ],
)
def test_a_map_that_cannot_be_is_refused(folder, files, tmp_path, text, why):
    chart = tmp_path / "map.toml"
    chart.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=why):
        import_export(folder(files), "zoho", chart)


def test_a_label_of_the_map_that_is_not_there_is_told(folder, files, tmp_path):
    chart = tmp_path / "map.toml"
    chart.write_text('[tables.deals.columns]\namount = "Umsatz"\n', encoding="utf-8")
    assert "has no column 'Umsatz'" in whys(import_export(folder(files), "zoho", chart))


def test_a_column_of_customers_ids_is_found_by_what_stands_in_it(folder):
    customers = "_id,客户级别\n" + "".join(f"A{k},重点\n" for k in range(5))
    orders = "订单编号,甲方,下单日期,订单金额\n" + "".join(
        f"O{k},A{k},2024-01-0{k + 1},{k}.00\n" for k in range(5)
    )
    done = import_export(folder({"客户.csv": customers, "销售订单.csv": orders}), "fxiaoke")
    assert done.log["customer_id"].tolist() == [f"A{k}" for k in range(5)]
    assert "customer_id: '甲方' (guess, 1.00)" in str(done)


def test_addresses_as_ids_are_refused_until_hashed_or_asked_for(folder):
    place = folder({"Accounts.csv": "Record Id,Account Type\na@b.c,x\n"})
    assert "holds e-mail addresses as ids in 1 row (row 2)" in whys(import_export(place, "zoho"))
    assert not import_export(place, "zoho", salt="a salt of sixteen or more").problems
    assert import_export(place, "zoho", personal=True).tables["customers"]["id"].tolist() == ["a@b.c"]


def test_firms_ids_are_not_taken_for_those_of_people(folder):
    done = import_export(
        folder(
            {
                "contacts.csv": "Record ID,Lifecycle Stage\n1,customer\n",
                "deals.csv": "Record ID,Deal Stage,Amount,Close Date,Associated Company IDs,"
                "Associated Contact IDs\n"
                "7,closedwon,5.00,2024-02-01,1,\n8,closedwon,6.00,2024-02-01,9,1\n",
            }
        ),
        "hubspot",
    )
    assert done.log["record_id"].tolist() == ["8"]
    assert done.audits["transactions"].dropped == {"no customer": [("deals.csv", 2)]}


def test_day_first_here_and_month_first_there_is_doubted(folder, files):
    files["Accounts.csv"] = (
        "Record Id,Account Type,Created Time\nzcrm_1,x,01/25/2023 10:00\nzcrm_2,x,02/03/2023 11:00\n"
    )
    files["Deals.csv"] = files["Deals.csv"].replace("2024-01-13", "13/01/2024").replace("2024-0", "05/0")
    files["Deals.csv"] = (
        files["Deals.csv"].replace("05/02-05", "05/02/2024").replace("05/03-05", "05/03/2024")
    )
    done = import_export(folder(files), "zoho")
    assert "the day seems to stand first in deals.closed and the month first in customers.created" in str(
        done
    )


def test_a_log_that_would_lack_purchases_is_not_made(folder, files):
    files["Deals part 2.csv"] = files["Deals.csv"].replace("zcrm_1", "zcrm_9").replace("2024-01-13", "soon")
    done = import_export(folder(files), "zoho")
    assert done.log is None and len(done.tables["deals"]) == 4
    assert "Deals part 2.csv of deals could not be read, and its purchases would be missing" in whys(done)
    files["Deals part 2.csv"] = 'Record Id,"open'
    assert "Deals part 2.csv of deals could not be read" in whys(import_export(folder(files), "zoho"))


def test_deals_do_not_stand_in_for_orders_that_could_not_be_read(folder, files):
    files["Sales Orders.csv"] = "Record Id,Account Name.id,Created Time,Grand Total\n1,2,soon,5\n"
    done = import_export(folder(files), "zoho")
    assert done.log is None and "Sales Orders.csv of orders could not be read" in whys(done)


def test_people_do_not_stand_in_for_customers_that_could_not_be_read(folder):
    done = import_export(
        folder(
            {
                "companies.csv": "Company name\nAcme\n",
                "contacts.csv": "Record ID,Lifecycle Stage\n1,customer\n",
                "deals.csv": "Record ID,Deal Stage,Amount,Close Date,Associated Company IDs\n"
                "7,closedwon,5,2024-02-01,1\n",
            }
        ),
        "hubspot",
    )
    assert "customers" not in done.tables and done.tables["contacts"]["id"].tolist() == ["1"]
    assert done.log["customer_id"].tolist() == ["1"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(label=st.text(min_size=1, max_size=12), own=st.text(min_size=1, max_size=12))
def test_the_map_is_toml_whatever_the_labels(label, own, tmp_path_factory):
    place = tmp_path_factory.mktemp("map")
    row = ["Record Id", label, own]
    quoted = ['"' + cell.replace('"', '""') + '"' for cell in row]
    (place / "Accounts.csv").write_bytes((",".join(quoted) + "\n1,2,3\n").encode("utf-8", errors="replace"))
    done = import_export(place / "Accounts.csv", "zoho")
    assert tomllib.loads(map_text(done))["system"] == "zoho"
    assert str(done).isprintable() or set(filter(lambda each: not each.isprintable(), str(done))) == {"\n"}


@pytest.mark.parametrize("system", list(cards()))
def test_a_wrong_system_is_noticed_with_the_labels_that_are_known(system, tmp_path):
    base = Company("literature", customers=60, months=12, seed=3).simulate(keep=["orders", "complaints"])
    write_export(market_tables(base.tables), system, tmp_path / "export.zip")
    assert import_export(tmp_path / "export.zip", system).doubt == ""
    with pytest.raises(InputError, match=f"from is missing; .* look like an export of .*: {system}$"):
        import_export(tmp_path / "export.zip")
    for other in set(cards()) - {system}:
        done = import_export(tmp_path / "export.zip", other)
        assert f"look like an export of {card(system).name}" in done.doubt
        assert f"--from {system}" in done.doubt
        assert re.search(r"(\d+) of their \1 labels are known there", done.doubt)
        assert done.doubt in str(done)


def test_records_as_the_api_gives_them_are_read_from_json(tmp_path):
    orders = [
        {
            "_id": "o1",
            "account_id": "a1",
            "order_time": 1704067200000,
            "order_amount": "120.50",
            "owner": ["7"],
        },
        {
            "_id": "o2",
            "account_id": "a2",
            "order_time": 1706745600000,
            "order_amount": "80.00",
            "refund_amount": 5,
        },
    ]
    (tmp_path / "SalesOrderObj.json").write_text(json.dumps(orders), encoding="utf-8")
    lines = "\n".join(
        json.dumps({"_id": each, "account_level": "重要"}, ensure_ascii=False) for each in ("a1", "a2")
    )
    (tmp_path / "AccountObj.jsonl").write_text(lines + "\n{broken\n", encoding="utf-8")
    done = import_export(tmp_path, "fxiaoke")
    assert "AccountObj.jsonl: row 3 is no JSON" in whys(done)
    assert done.log[["customer_id", "amount"]].to_numpy().tolist() == [["a1", 120.5], ["a2", 75.0]]
    (tmp_path / "AccountObj.jsonl").write_text(lines, encoding="utf-8")
    done = import_export(tmp_path, "fxiaoke")
    assert not done.problems and done.tables["customers"]["level"].tolist() == ["重要", "重要"]
