"""Tables that Excel opens unharmed, and that come back out of it."""

import csv
import io

import pytest

from crmlab.course.releasing import release
from crmlab.course.roster import parse_roster, read_roster
from crmlab.course.tables import read_table, table_text
from crmlab.errors import InputError

HARMED = ["0000101", "12345678901234567", "1E5", "1-2", "3/4", "SEP2", "12.11.2026"]
FORMULAS = ["=1+1", "@SUM(A1)", "+49 30 1", "-2+3", "a;=cmd()", "a;  @x", "a\t=1", "|calc"]
PLAIN = ["s001", "O'Brien", 'Zoë "Zo"', "Müller; Jürgen", "王小明", "a\nb", "", "7.5", "-3", "'tis"]


@pytest.mark.parametrize("text", [*HARMED, *FORMULAS, *PLAIN])
def test_what_is_written_is_read_again(tmp_path, text):
    (tmp_path / "x.csv").write_text(table_text(["a", "b"], [{"a": text, "b": "c"}]), encoding="utf-8")
    (row,) = read_table(tmp_path / "x.csv", ("a", "b"))
    assert row["a"] == text


def excel(text, separator=","):
    """The cells as Excel sees them: what begins with = is a formula, quotes or not."""
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=separator))


@pytest.mark.parametrize("text", FORMULAS)
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_no_text_becomes_a_formula(text, separator):
    """Nor where the list separator is another, as in Germany."""
    for row in excel(table_text(["n", "t"], [{"n": 1, "t": text}]), separator)[1:]:
        for cell in row:
            assert not cell.lstrip().startswith(("=", "@", "+", "-", "|")), cell


@pytest.mark.parametrize("points", ["4.29", "0.5", "10", "0", "-3", "1.9"])
def test_points_are_numbers(points):
    assert table_text(["points"], [{"points": points}]).splitlines()[1] == points


def test_excel_keeps_zeros_and_knows_the_encoding():
    text = table_text(["id"], [{"id": "0000101"}])
    assert text.startswith("\ufeff") and excel(text)[1] == ['="0000101"']
    assert excel(table_text(["id"], [{"id": "0000101"}], kept=False))[1] == ["0000101"]


def test_a_table_saved_by_excel_is_read(tmp_path):
    """Semicolons, a byte-order mark, sep= above, UTF-16 as Unicode text."""
    for data in (
        "\ufeffa;b\r\n1;ü\r\n".encode(),
        "\ufeffsep=;\r\na;b\r\n1;ü\r\n".encode(),
        "a\tb\r\n1\tü\r\n".encode("utf-16"),
    ):
        (tmp_path / "x.csv").write_bytes(data)
        assert read_table(tmp_path / "x.csv", ("a",)) == [{"a": "1", "b": "ü"}]


CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,Toy (12),Current Score
,,,,,Manual Posting,
    Points Possible,,,,,10.0,(read only)
"Doe, Jane",500,0101,jane,Sec 1,,
Cher,501,0102,cher,Sec 2,,
"Student, Test",999,,a1b2,Sec 1,,
"""


def test_canvas():
    jane, cher = parse_roster(CANVAS)
    assert (jane.id, jane.name, cher.name) == ("0101", "Jane Doe", "Cher")
    assert jane.extra == {"canvas_id": "500", "sis_id": "0101", "login": "jane", "section": "Sec 1"}


def test_canvas_without_sis_ids():
    without = "\n".join(line for line in CANVAS.replace("0101", "").replace("0102", "").splitlines())
    assert [each.id for each in parse_roster(without)] == ["jane", "cher"]


@pytest.mark.parametrize(
    "text, student",
    [
        ("Identifier,Full name,Email address,Grade\nParticipant 4001,Jö M,j@x.y,\n", ("j", "Jö M", "4001")),
        ("ID;Vollständiger Name;ID-Nummer;E-Mail-Adresse\nTeilnehmer/in4001;Jö M;0012;j@x.y\n",
         ("0012", "Jö M", "4001")),
        ("Vorname;Nachname;ID-Nummer;E-Mail-Adresse;Gruppen\nJö;M;0012;j@x.y;A\n", ("0012", "Jö M", None)),
        ("学号,姓名,邮箱,班级\n2023001,王小明,w@x.y,1\n", ("2023001", "王小明", None)),
        ("First name,Last name,Email address\n小明,王,w@x.y\n", ("w", "王小明", None)),
        ("assignment,student_id,last_name,first_name,email,max_score\np,s1,M,J,a@b,2\nq,s1,M,J,a@b,2\n",
         ("s1", "J M", None)),
    ],
)  # fmt: skip
def test_other_tables(text, student):
    (found,) = parse_roster(text)
    assert (found.id, found.name, found.extra.get("moodle_id")) == student


def test_the_same_name_before_the_at_is_told_apart():
    rows = "First name,Last name,Email address\nA,B,x@one.edu\nC,D,x@two.edu\nE,F,y@two.edu\n"
    assert [each.id for each in parse_roster(rows)] == ["x@one.edu", "x@two.edu", "y"]


def test_ids_that_a_spreadsheet_robbed_of_zeros_are_refused(home, tmp_path):
    (tmp_path / "a.csv").write_text("id,name\n0012,A\n0013,B\n")
    (tmp_path / "b.csv").write_text("id,name\n12,A\n13,B\n")
    release("90", tmp_path / "course", tmp_path / "a.csv")
    with pytest.raises(InputError, match="leading zeros"):
        release("90", tmp_path / "course", tmp_path / "b.csv")
    assert [each.id for each in read_roster(tmp_path / "course" / "roster.csv")] == ["0012", "0013"]
