"""There and back: what Moodle and Canvas export is taken, and what they import is written as they want it."""

import csv
import io
import zipfile
from datetime import UTC, datetime, timedelta

import pytest

from crmlab.course import gradebook as books
from crmlab.course.batch import grade
from crmlab.course.feedback import write_feedback
from crmlab.course.gradebook import write_gradebook
from crmlab.course.intake.collecting import collect
from crmlab.course.intake.times import read_times
from crmlab.errors import InputError

from .conftest import worked
from .test_marks import override, table

WORKSHEET = """Identifier,Full name,Email address,Status,Grade,Maximum grade,Grade can be changed,\
Last modified (submission),Last modified (grade),Feedback comments
Participant 4001,Ana López,ana@example.edu,Submitted,,5.00,Yes,"Monday, 30 November 2026, 9:15 AM",-,
Participant 4002,Jane,jane@example.edu,Submitted,,5.00,Yes,"Monday, 30 November 2026, 9:20 AM",-,
Participant 4003,Wei Wang,wei1@example.edu,No submission,,5.00,Yes,-,-,
"""
GERMAN = """ID;Vollständiger Name;E-Mail-Adresse;Bewertung;Zuletzt geändert (Abgabe);\
Zuletzt geändert (Bewertung);\
Feedback als Kommentar
Teilnehmer/in4001;Ana López;ana@example.edu;;Montag, 30. November 2026, 09:15;-;
"""
BLIND = """Identifier,Status,Grade,Maximum grade,Last modified (submission),Last modified (grade)
Participant 4001,Submitted,,5.00,"Monday, 30 November 2026, 9:15 AM",-
"""


def archive(path, **entries):
    with zipfile.ZipFile(path, "w") as file:
        for name, data in entries.values():
            file.writestr(name, data)
    return path


@pytest.fixture
def moodle(course, core, tmp_path):
    """Group mode: the group's name is in front, and no file is named as it was given out."""
    made = archive(
        tmp_path / "download.zip",
        one=("Tutorial A-Ana López_4001_assignsubmission_file/hw.ipynb", worked(course, "s001")),
        two=("Tutorial B-Jane_4002_assignsubmission_file/hw.ipynb", worked(course, "s002")),
    )
    (tmp_path / "worksheet.csv").write_text(WORKSHEET, encoding="utf-8")
    collect(course, "90", made, tmp_path / "worksheet.csv")
    grade(course, "90")
    return course


def test_group_mode_is_matched_by_the_worksheets_numbers(moodle):
    from crmlab.course.intake.records import read_records

    records = read_records(moodle, "90_toy")
    assert set(records) == {"s001", "s002"} and records["s001"]["how"] == "Moodle number 4001"


def test_moodles_own_worksheet_is_filled_in(moodle):
    override(moodle, "90_toy,s001,,,Fine.")
    write_gradebook(moodle)
    rows = table(moodle, "gradebook/moodle_90_toy.csv")
    assert list(rows[0]) == WORKSHEET.splitlines()[0].split(",")
    assert [row["Grade"] for row in rows] == ["5", "5", "0"] and rows[0]["Status"] == "Submitted"
    assert rows[0]["Feedback comments"] == "q1: 2 / 2; q2: 3 / 3; Fine."


def test_a_second_upload_arrives(moodle, monkeypatch):
    """Moodle skips a grade that it changed later than the table says, give or take a minute."""
    clock = datetime(2026, 12, 1, 12, tzinfo=UTC)

    class Clock(datetime):
        @classmethod
        def now(cls, zone=None):
            return clock.astimezone(zone)

    monkeypatch.setattr(books, "datetime", Clock)
    write_gradebook(moodle)
    first = table(moodle, "gradebook/moodle_90_toy.csv")
    uploaded = clock + timedelta(minutes=5)
    clock += timedelta(hours=1)
    override(moodle, "90_toy,s002,q1,1,Half.")
    write_gradebook(moodle)
    second = table(moodle, "gradebook/moodle_90_toy.csv")
    times = [datetime.fromisoformat(row["Last modified (grade)"]) for row in second]
    assert second[1]["Grade"] == "4" and times[1] > uploaded
    assert second[0] == first[0]  # what has not changed is the same row
    before = moodle.path("gradebook", "moodle_90_toy.csv").read_bytes()
    clock += timedelta(hours=1)
    write_gradebook(moodle)
    assert moodle.path("gradebook", "moodle_90_toy.csv").read_bytes() == before


def test_a_german_worksheet(course, core, tmp_path):
    (tmp_path / "w.csv").write_text("\ufeff" + GERMAN, encoding="utf-8")
    found = read_times(tmp_path / "w.csv", course)
    assert found.participants == {"4001": "s001"} and found.times["s001"].hour == 9
    made = archive(
        tmp_path / "d.zip", one=("Ana López_4001_assignsubmission_file/x.ipynb", worked(course, "s001"))
    )
    collect(course, "90", made, tmp_path / "w.csv")
    grade(course, "90")
    write_gradebook(course)
    (row,) = table(course, "gradebook/moodle_90_toy.csv")
    assert (row["ID"], row["Bewertung"]) == ("Teilnehmer/in4001", "5")
    assert row["Zuletzt geändert (Bewertung)"].startswith("20")


def test_blind_marking(home, core, tmp_path):
    """Only the roster, or the file's own name, knows who is who."""
    from crmlab.course.folder import Course
    from crmlab.course.releasing import release

    (tmp_path / "r.csv").write_text("id,name,moodle_id\ns001,Ana,4001\ns002,Bo,4002\n")
    release("90", tmp_path / "blind", tmp_path / "r.csv")
    course = Course(tmp_path / "blind")
    (tmp_path / "w.csv").write_text(BLIND)
    made = archive(
        tmp_path / "d.zip", one=("Participant_4001_assignsubmission_file/hw.ipynb", worked(course, "s001"))
    )
    done = collect(course, "90", made, tmp_path / "w.csv")
    assert set(done.records) == {"s001"} and done.records["s001"]["when"].startswith("2026-11-30T09:15")
    grade(course, "90")
    write_gradebook(course)
    (row,) = table(course, "gradebook/moodle_90_toy.csv")
    assert row["Grade"] == "5" and "Ana" not in str(row)


def test_a_time_that_cannot_be_read_names_its_row(course, tmp_path):
    (tmp_path / "w.csv").write_text("id,time\ns001,2026-11-30 09:15\ns002,soon\n")
    with pytest.raises(InputError, match="row 3: cannot read the time 'soon'"):
        read_times(tmp_path / "w.csv", course)


def test_feedback_goes_back_to_moodle(moodle):
    """Moodle wants the number between the first two underscores, and its plugin's name after it."""
    write_feedback(moodle, "90")
    with zipfile.ZipFile(moodle.path("gradebook", "moodle_90_toy_feedback.zip")) as file:
        names = file.namelist()
    assert len(names) == 3  # who handed in nothing gets a page, too
    for name in names:
        folder, _, page = name.partition("/")
        parts = folder.split("_")
        assert (
            len(parts) == 4
            and parts[1] in ("4001", "4002", "4003")
            and parts[2:] == ["assignfeedback", "file"]
        )
        assert page.startswith("90_toy_s00") and page.endswith(".html")


def test_feedback_goes_back_to_canvas(course, core, tmp_path):
    """Canvas looks for the user's and the attachment's number in the name."""
    made = archive(
        tmp_path / "submissions.zip", one=("lopezana_LATE_123_456_hw.ipynb", worked(course, "s001"))
    )
    collect(course, "90", made)
    grade(course, "90")
    write_feedback(course, "90")
    with zipfile.ZipFile(course.path("gradebook", "canvas_90_toy_feedback.zip")) as file:
        (name,) = file.namelist()
    numbers = [part for part in name.split("_") if part.isdecimal()]
    assert numbers[:2] == ["123", "456"] and name.endswith("90_toy_s001.html")


def test_canvas_there_and_back(home, core, tmp_path):
    from crmlab.course.folder import Course
    from crmlab.course.releasing import release

    exported = (
        "Student,ID,SIS User ID,SIS Login ID,Section,Toy (4711)\n    Points Possible,,,,,5\n"
        '"López, Ana",500,0101,ana,Sec 1,\n"Student, Test",999,,zz,Sec 1,\n'
    )
    (tmp_path / "canvas.csv").write_text("\ufeff" + exported, encoding="utf-8")
    release("90", tmp_path / "c", tmp_path / "canvas.csv")
    course = Course(tmp_path / "c")
    course.path("course.toml").write_text('[exercises.90_toy]\ncanvas = "Toy (4711)"\n')
    grade(course, "90")
    write_gradebook(course)
    lines = list(csv.reader(io.StringIO(course.path("gradebook/canvas.csv").read_text(encoding="utf-8-sig"))))
    assert lines[2] == ["Ana López", "500", "0101", "ana", "Sec 1", "0"]


def test_decisions_saved_by_excel_are_found_by_digest(course, tmp_path):
    """The file's name is garbled, the table has semicolons and a mark in front."""
    made = archive(
        tmp_path / "d.zip", one=("Ána Lopes_4009_assignsubmission_file/x.ipynb", worked(course, "s001"))
    )
    done = collect(course, "90", made)
    row = table(course, "collected/90_toy_doubtful.csv")[0]
    garbled = row["file"].encode().decode("cp1252", "replace")
    done.doubtful_file.write_text(
        f"\ufefffile;sha256;suggestion;why;student\r\n{garbled};{row['sha256']};;;s001\r\n"
        f"gone.zip/x.ipynb;{'0' * 64};;;s002\r\n",
        encoding="utf-8",
    )
    done = collect(course, "90", made)
    assert set(done.records) == {"s001"} and done.records["s001"]["how"] == "decided by hand"
    assert done.undecided == ["gone.zip/x.ipynb"]


def test_a_decision_on_one_of_two_equal_files_is_not_the_others(course, tmp_path):
    data = worked(course, "s001").replace(b"90_toy", b"90_tox")
    made = archive(
        tmp_path / "d.zip",
        one=("Ána Lopes_4009_assignsubmission_file/x.ipynb", data),
        two=("Jáne Do_4010_assignsubmission_file/x.ipynb", data),
    )
    done = collect(course, "90", made)
    rows = table(course, "collected/90_toy_doubtful.csv")
    assert len(rows) == 2
    text = done.doubtful_file.read_text(encoding="utf-8-sig")
    lines = text.splitlines()
    lines[1] = lines[1].rstrip(",") + ",s001" if lines[1].endswith(",") else lines[1]
    done.doubtful_file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = collect(course, "90", made)
    assert (
        set(done.records) == {"s001"} and len(done.having("doubtful") + done.having("not on the roster")) == 1
    )
