"""Rosters, as they come out of spreadsheets."""

import pytest

from crmlab.course.roster import parse_roster, read_roster
from crmlab.errors import InputError


@pytest.mark.parametrize(
    "text",
    [
        "id,name,email\ns1,Ana López,a@b.c\ns2,Bo,\n",
        "\ufeffID;Name;Email\r\ns1;Ana López;a@b.c\r\n;;\r\ns2;Bo;\r\n",
        "id\tfirst_name\tlast_name\temail\ns1\tAna\tLópez\ta@b.c\ns2\tBo\t\t\n",
        "Student_ID,Full name,E-mail\ns1,Ana  López ,a@b.c\n\ns2,Bo,\n",
        'id,"name",email\ns1,"Ana López",a@b.c\ns2,Bo\n',
    ],
)
def test_dialects(tmp_path, text):
    path = tmp_path / "roster.csv"
    path.write_bytes(text.encode())
    ana, bo = read_roster(path)
    assert (ana.id, ana.name, ana.email) == ("s1", "Ana López", "a@b.c")
    assert (bo.id, bo.name, bo.email) == ("s2", "Bo", "")


@pytest.mark.parametrize(
    "text, said",
    [
        ("id,name\ns1,A\ns2,B\nS1,C\n", "row 4: the id 'S1' is in row 2 already"),
        ("id,name,email\ns1,A,x@y\ns2,B,X@Y\n", "row 3: the email 'X@Y' is in row 2 already"),
        ("id,name\n,A\n", "row 2: the id is missing"),
        ("id,name\n\n\ns1,\n", "row 4: the name is missing"),
        ("id,name\n../x,A\n", "row 2: the id '../x' must be"),
        ("id,name\nCON,A\n", "row 2: the id 'CON' must be"),
        ("id,name,email\ns1,Doe, Jane,a@b\n", "row 2: 1 values too many"),
        ("id,name,email\ns1,A,nonsense\n", "row 2: the email 'nonsense'"),
        ("id,email\ns1,a@b\n", "row 1: the header is id, email"),
        ("id,id,name\n", "row 1: column id is there twice"),
        ("id,name\n", "lists nobody"),
        ("\n", "is empty"),
    ],
)
def test_each_problem_names_its_row(text, said):
    with pytest.raises(InputError, match=".") as raised:
        parse_roster(text)
    assert said in str(raised.value)


def test_all_problems_at_once():
    with pytest.raises(InputError) as raised:
        parse_roster("id,name\ns1,\n,B\n")
    assert "row 2" in str(raised.value) and "row 3" in str(raised.value)


def test_not_utf8(tmp_path):
    path = tmp_path / "roster.csv"
    path.write_bytes("id,name\ns1,A\ns2,López\n".encode("cp1252"))
    with pytest.raises(InputError, match="roster.csv, row 3: not UTF-8"):
        read_roster(path)


def test_no_file(tmp_path):
    with pytest.raises(InputError, match="no roster"):
        read_roster(tmp_path / "none.csv")
