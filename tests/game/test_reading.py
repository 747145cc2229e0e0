"""Decision files as teams write them, and as they should not: each problem has its row, column and remedy."""

import numpy as np
import pytest

from crmlab.errors import InputError
from crmlab.game.decisions import NOTHING, Decision, Group
from crmlab.game.publishing import blank
from crmlab.game.reading import read_decision

COLUMNS = ("customer", "orders", "orders_12", "spend_12", "months_since_order")
KNOWN = np.arange(100)
HEADER = "decision,value,customers,at_most,by\n"


@pytest.fixture
def read(tmp_path):
    folder = tmp_path / "round-2"
    folder.mkdir()

    def reading(content, **others):
        for name, text in others.items():
            (folder / f"{name}.csv").write_text(text, encoding="utf-8")
        path = folder / "decisions.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_decision(path, COLUMNS, KNOWN)

    return reading


def test_a_whole_decision_is_read(read):
    text = (
        "price,0.98\nservice,0.1\nscheme,on\npush,0.5\ncrm,yes\nforecast,48000\n"
        'mailing,2,"orders >= 1, orders > 0",50,orders_12 lowest\n'
    ).replace('"orders >= 1, orders > 0"', "orders >= 1 and orders_12 < 9")
    found = read(HEADER + text + "retention,on,list vip.csv,10,random\n", vip="customer\nC0000003\n17\n")
    mailing = Group("orders >= 1 and orders_12 < 9", at_most=50, by="orders_12", lowest=True)
    retention = Group("", (3, 17), "vip.csv", 10, "random")
    assert found == Decision(0.98, 0.1, True, 0.5, True, mailing, 2, retention, 48000.0)


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffdecision;value;customers\nprice;0,98;\n",  # a German Excel
        "sep=;\ndecision;value\nprice;0.98\n",
        "decision\tvalue\r\nprice\t0.98\r\n",
        "Decision, Value \nPRICE,  0.98 \n\n,,\n",
        HEADER + "price,0.98,,,\n" + ",,,,\n" * 500,
        ("decision\tvalue\nprice\t0.98\n").encode("utf-16"),  # Excel's "Unicode text"
    ],
)
def test_files_of_spreadsheets_are_read_alike(read, content):
    assert read(content) == Decision(price=0.98)


def test_the_blank_that_is_handed_out_decides_what_was_decided(read):
    assert read(blank(NOTHING)) == NOTHING
    group = Group("orders >= 2", at_most=30, by="orders_12", lowest=True)
    decided = Decision(price=0.9, scheme=True, push=1.0, mailing=group, mailings=2, retention=Group("all"))
    assert read(blank(decided)) == decided


@pytest.mark.parametrize(
    "content, said",
    [
        ("", "is empty; its first row must be decision,value"),
        ("\n\n", "is empty"),
        ("lever,value\nprice,1\n", "row 1: the column decision is missing"),
        ("price,0.98\n", "row 1: the column decision, value is missing"),
        (HEADER + "price,-1\n", "row 2, column value: -1 is outside 0.7 to 1.3"),
        (HEADER + "price,nan\n", "row 2, column value: 'nan' is no number"),
        (HEADER + "price,inf\n", "row 2, column value: 'inf' is no number"),
        (HEADER + "price,1e400\n", "'1e400' is no number"),
        (HEADER + "price,=1+1\n", "row 2, column value: '=1.1' is no number"),
        (
            HEADER + "service,0.2\nservice,0.3\n",
            "row 3, column decision: service is decided in row 2 already",
        ),
        (HEADER + "advertising,3\n", "row 2, column decision: no decision is called 'advertising'"),
        (HEADER + ",3\n", "row 2, column decision: is empty"),
        (HEADER + "scheme,maybe\n", "row 2, column value: 'maybe' is neither on nor off"),
        (HEADER + "push,1\n", "row 2, column value: push advertises a scheme that is off"),
        (HEADER + "price,1,orders > 2\n", "row 2, column customers: price is for all customers"),
        (HEADER + "mailing,3,all\n", "row 2, column value: '3': a round has 1 or 2 mailings"),
        (HEADER + "mailing,1\n", "row 2, column customers: is empty; write a rule"),
        (HEADER + "mailing,,orders > 2\n", "row 2, column value: is empty, so nothing would be sent"),
        (HEADER + "mailing,1,loyalty > 2\n", "row 2, column customers: there is no column 'loyalty'"),
        (HEADER + "mailing,1,all,-5\n", "row 2, column at_most: -5 is no number of customers"),
        (HEADER + "mailing,1,all,2.5\n", "row 2, column at_most: 2.5 is no number of customers"),
        (HEADER + "mailing,1,all,5,loyalty\n", "row 2, column by: 'loyalty': write a column"),
        (
            HEADER + "mailing,1,orders > 1, orders < 5,5,orders,x\n",
            "row 2: has more cells than the first row",
        ),
        (HEADER + "retention,on,list nobody.csv\n", "there is no file nobody.csv beside the decision"),
        (HEADER + "retention,on,list ../../teacher/secret.csv\n", "a list is a .csv file in the same folder"),
        (HEADER + "retention,on,list /etc/passwd\n", "a list is a .csv file in the same folder"),
        ("decision,value,price\nprice,1,2\n", "row 1: no such column as 'price'"),
        ("decision,value,value\nprice,1,2\n", "row 1: the column value is there twice"),
        ("decision,value,note\nprice,1,降价\n".encode("gbk"), "row 2: not UTF-8; save it as 'CSV UTF-8'"),
        (b"PK\x03\x04" + bytes(80), "is a workbook that was renamed"),
        (
            HEADER + "price,0.9\x00\n",
            "row 2: holds a NUL character, which no table has; save it as 'CSV UTF-8'",
        ),
        (HEADER.encode("utf-16-le"), "row 1: holds a NUL character"),
        (bytes(3_000_000), "at most 2,097,152 are read"),
        (HEADER + 'price,"1\nservice,0.2\n', "row 2, column value"),
    ],
)
def test_a_wrong_file_is_told_row_column_and_remedy(read, content, said):
    with pytest.raises(InputError) as told:
        read(content)
    message = str(told.value)
    assert message.startswith(("round-2/decisions.csv", "decisions.csv"))
    assert said.replace("=1.1", "=1+1") in message


@pytest.mark.parametrize(
    "content, said",
    [
        ("name\nC0000001\n", "vip.csv, row 1: the column customer is missing"),
        ("customer\n", "vip.csv lists nobody"),
        ("customer\nC0000001\nAnn\n", "vip.csv, row 3: 'Ann' is no customer"),
        (
            "customer\nC0000001\nC0000777\nC0000888\n",
            "vip.csv, row 3: C0000777 is not in your books (and 1 more row like it); copy",
        ),
        (
            "customer\nC0000777\nC0000001\n",
            "vip.csv, row 2: C0000777 is not in your books; copy",
        ),
        (
            "customer\n777\n888\n999\n",
            "vip.csv, row 2: 777 is not in your books (and 2 more rows like it)",
        ),
        ("customer\nC0000001\n\x00C0000002\n", "vip.csv, row 3: holds a NUL character"),
        ("customer\n5\n5\n", "vip.csv: C0000005 is listed 2 times"),
        ("customer\n=5\n", "vip.csv, row 2: '=5' is no customer"),
        ("customer\n1e3\n", "vip.csv, row 2: '1e3' is no customer"),
    ],
)
def test_a_wrong_list_is_told_its_row(read, content, said):
    with pytest.raises(InputError) as told:
        read(HEADER + "retention,on,list vip.csv\n", vip=content)
    assert "round-2/decisions.csv: row 2, column customers: " + said in str(told.value)


def test_everything_wrong_is_told_at_once(read):
    with pytest.raises(InputError) as told:
        read(HEADER + "price,7\nservice,x\nfoo,1\nmailing,9,b > 1,0,c\n")
    for place in (
        "row 2, column value",
        "row 3, column value",
        "row 4, column decision",
        "row 5, column at_most",
    ):
        assert place in str(told.value)


def test_a_decision_survives_json():
    decided = Decision(price=0.9, mailing=Group("all", at_most=3), retention=Group("", (1, 2), "a.csv"))
    assert Decision.of(decided.plain()) == decided
