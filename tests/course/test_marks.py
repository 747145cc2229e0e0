"""Grading a course, marks, overrides, the gradebook: what stays, and what may not change."""

import csv
import io
import json
import shutil
from datetime import datetime

import pytest

from crmlab.course.batch import grade
from crmlab.course.folder import Course
from crmlab.course.gradebook import write_gradebook
from crmlab.course.marks import marks
from crmlab.course.overrides import read_overrides
from crmlab.course.statistics import bins, question_statistics
from crmlab.errors import InputError

from .conftest import copy_of, submit, worked


@pytest.fixture
def graded(course, core):
    """Five students: all right, one misconception, blank, nothing, and one who is late."""
    submit(
        course,
        s001=worked(course, "s001"),
        s002=worked(course, "s002", q1="double = number / 2"),
        s003=copy_of(course, "s003"),
        s005=worked(course, "s005"),
    )
    record(course, "s005", when="2026-12-02T10:00:00+00:00")
    settings(course, 'late = "10% a day"\n[exercises.90_toy]\ndue = 2026-11-30T23:59:00\npoints = 10\n')
    grade(course, "90")
    return Course(course.folder)


def settings(course, text):
    course.path("course.toml").write_text(text)
    course.__dict__.pop("config", None)


def record(course, student, **changes):
    path = course.path("collected", "90_toy.json")
    known = json.loads(path.read_text())
    known["submissions"].setdefault(student, {"file": "x", "notes": []}).update(changes)
    path.write_text(json.dumps(known))


def override(course, *rows):
    course.path("overrides.csv").write_text(
        "exercise,student,question,points,comment\n" + "\n".join(rows) + "\n"
    )


def totals(course):
    return {mark.student.id: mark.total for mark in marks(course, course.exercise("90"))}


def table(course, name):
    return list(csv.DictReader(io.StringIO(course.path(name).read_text(encoding="utf-8-sig"))))


def all_files(course):
    return {
        path.name: path.read_bytes()
        for path in [course.path("gradebook.csv"), *course.path("gradebook").iterdir()]
    }


# ------------------------------------------------------------------------------------------------- grading


def test_points_lateness_and_scale(graded):
    assert totals(graded) == {"s001": 10, "s002": 6, "s003": 0, "s004": 0, "s005": 8}
    status = {mark.student.id: mark.status for mark in marks(graded, graded.exercise("90"))}
    assert status == {
        "s001": "graded",
        "s002": "graded",
        "s003": "graded",
        "s004": "missing",
        "s005": "graded",
    }


def test_what_stands_is_not_graded_again(graded, core):
    core.graded.clear()
    batch = grade(graded, "90")
    assert (batch.graded, batch.skipped, core.graded) == (0, 5, [])
    assert grade(graded, "90", again=True).graded == 5


def test_a_new_submission_is_graded_again(graded, core):
    core.graded.clear()
    submit(graded, s003=worked(graded, "s003"))
    assert grade(graded, "90").graded == 1 and core.graded == ["s003"]


class Stopped(datetime):
    """A clock that stands still: the gradebook says when it was written, to the second."""

    @classmethod
    def now(cls, tz=None):
        return cls(2026, 11, 26, 12, 0, tzinfo=tz)


def test_killed_and_started_again_it_is_the_same_gradebook(graded, core, monkeypatch):
    monkeypatch.setattr("crmlab.course.gradebook.datetime", Stopped)
    write_gradebook(graded)
    whole = all_files(graded)
    for stop in (1, 3):
        shutil.rmtree(graded.path("autograded"))
        core.graded.clear()
        core.stop_after = stop
        with pytest.raises(KeyboardInterrupt):
            grade(graded, "90")
        core.stop_after = None
        batch = grade(graded, "90")
        assert (batch.graded, batch.skipped) == (5 - stop, stop)
        write_gradebook(graded)
        assert all_files(graded) == whole


def test_a_damaged_report_is_made_anew(graded):
    path = graded.reports("90_toy") / "s001.json"
    whole = path.read_bytes()
    path.write_bytes(whole[:50])
    assert totals(graded)["s001"] is None
    path.unlink()
    grade(graded, "90")
    assert path.read_bytes() == whole


def test_the_audit_log_says_what_was_graded(graded):
    entries = [json.loads(line) for line in graded.path("audit.jsonl").read_text().splitlines()]
    assert [entry["what"] for entry in entries] == ["released"] + ["graded"] * 5
    first = entries[1]
    assert (
        first["student"] == "s001" and first["walls"] == ["clock"] and first["master"] and first["submission"]
    )
    assert graded.secret.hex() not in graded.path("audit.jsonl").read_text()


def test_statistics(graded):
    exercise = graded.exercise("90")
    q1, q2 = question_statistics(marks(graded, exercise), exercise)
    assert (q1.right, q2.right) == (0.5, 0.75)
    assert q1.wrong == [("misconception", "half", 1), ("todo", "", 1)] and q1.count == 4
    assert bins([0, 0.05, 0.1, 0.99, 1.0]) == [2, 1, 0, 0, 0, 0, 0, 0, 0, 2]
    assert bins([0.3, 0.7, 0.6]) == [0, 0, 0, 1, 0, 0, 1, 1, 0, 0]  # 0.3 is no 0.2999


# ----------------------------------------------------------------------------------------------- overrides


def test_overrides(graded):
    override(
        graded,
        "90_toy,s002,q1,2,Your idea was right.",
        '90_toy,s003,total,"4,5",',
        "90_toy,S005,late,0,Ill.",
        "90_toy,s001,,,Beautiful.",
        "90_toy,s004,total,1,",
    )
    assert totals(graded) == {"s001": 10, "s002": 10, "s003": 4.5, "s004": 1, "s005": 10}
    found = {mark.student.id: mark for mark in marks(graded, graded.exercise("90"))}
    assert found["s001"].comments == ["Beautiful."] and not found["s001"].overridden
    assert found["s002"].questions[0].comments == ["Your idea was right."] and found["s002"].overridden
    assert found["s005"].comments == ["Ill."] and found["s005"].percent_off == 0


def test_a_regrade_keeps_overrides_and_their_file(graded):
    override(graded, "90_toy,s003,q2,3,Seen in office hours.")
    before = graded.path("overrides.csv").read_bytes()
    write_gradebook(graded)
    books = all_files(graded)
    grade(graded, "90", again=True)
    write_gradebook(graded)
    assert graded.path("overrides.csv").read_bytes() == before and all_files(graded) == books
    assert totals(graded)["s003"] == 6


@pytest.mark.parametrize(
    "row, said",
    [
        ("90_toy,s999,q1,1,", "row 2: no student 's999'"),
        ("90_toy,s001,q9,1,", "row 2: no question 'q9'"),
        ("91,s001,q1,1,", "row 2: no exercise '91'"),
        ("90_toy,s001,q1,many,", "row 2: points is 'many'"),
        ("90_toy,s001,q1,-1,", "points is '-1'"),
        ("90_toy,s001,q1,nan,", "points is 'nan'"),
        ("90_toy,s001,,3,", "points without a question"),
        ("90_toy,s001,q1,1,\n90_toy,s001,q1,2,", "row 3: q1 of s001"),
    ],
)
def test_overrides_that_cannot_be_used(graded, row, said):
    override(graded, row)
    with pytest.raises(InputError) as raised:
        read_overrides(graded)
    assert said in str(raised.value)
    with pytest.raises(InputError):
        write_gradebook(graded)
    assert not graded.path("gradebook.csv").exists()


def test_a_mark_of_lateness_without_a_time_counts_as_a_day(graded):
    record(graded, "s001", late_mark=True)
    mark = marks(graded, graded.exercise("90"))[0]
    assert (mark.total, mark.days_late, mark.late_unknown) == (9, 1, True)


def test_what_could_not_be_read_is_said(graded):
    record(graded, "s004", file="work.ipynb", problem="200 MB, more than the 20 MB that are read")
    mark = marks(graded, graded.exercise("90"))[3]
    assert mark.status == "unusable" and mark.total == 0 and "200 MB" in mark.notes[0]


# ----------------------------------------------------------------------------------------------- gradebook


def test_the_gradebook(graded):
    done = write_gradebook(graded)
    assert not done.open
    rows = table(graded, "gradebook.csv")
    assert [row["90_toy"] for row in rows] == ["10", "6", "0", "0", "8"]
    assert rows[1] == {
        "id": "s002",
        "name": "Doe, Jane",
        "email": "jane@example.edu",
        "90_toy": "6",
        "total": "6",
        "possible": "10",
    }
    detail = table(graded, "gradebook/90_toy.csv")[4]
    assert (detail["q1"], detail["q2"], detail["days_late"], detail["percent_off"]) == ("2", "3", "2", "20")


def test_comments_on_questions_and_on_the_whole_are_in_the_details(graded):
    override(graded, "90_toy,s002,q1,1,Half of it.", "90_toy,s002,,,See me.")
    write_gradebook(graded)
    assert table(graded, "gradebook/90_toy.csv")[1]["comment"] == "Half of it. See me."


def test_marks_that_are_open_stay_empty(graded):
    (graded.reports("90_toy") / "s001.json").unlink()
    assert write_gradebook(graded).open == {"90_toy": 1}
    assert (
        table(graded, "gradebook.csv")[0]["90_toy"]
        == ""
        == table(graded, "gradebook/canvas.csv")[1]["90_toy"]
    )


def test_canvas_takes_its_file(graded):
    settings(graded, '[exercises.90_toy]\ncanvas = "Toy (4711)"\n')
    write_gradebook(graded)
    lines = list(csv.reader(io.StringIO(graded.path("gradebook/canvas.csv").read_text(encoding="utf-8-sig"))))
    assert lines[0] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Toy (4711)"]
    assert lines[1] == ["    Points Possible", "", "", "", "", "5"]
    assert lines[3] == ["Doe, Jane", "", "s002", "jane@example.edu", "", "3"]


def test_moodle_takes_its_file(graded):
    record(graded, "s001", file="c.zip/Ana López_4012_assignsubmission_file/x.ipynb")
    override(graded, "90_toy,s001,,,Well done; see me.")
    write_gradebook(graded)
    row = table(graded, "gradebook/moodle_90_toy.csv")[0]
    assert (
        row["Identifier"] == "Participant 4012"
        and row["Grade"] == "10"
        and row["Email address"] == "ana@example.edu"
    )
    assert row["Feedback comments"] == "q1: 2 / 2; q2: 3 / 3; Well done; see me."
    assert {"Identifier", "Grade", "Last modified (grade)"} <= set(row)  # without these Moodle refuses it


def test_no_formula_gets_into_a_spreadsheet(graded):
    override(
        graded, '90_toy,s001,,,"=HYPERLINK(""http://x"")"', "90_toy,s002,,,@SUM(A1)", "90_toy,s003,,,+cmd|x"
    )
    write_gradebook(graded)
    comments = [row["comment"] for row in table(graded, "gradebook/90_toy.csv")]
    assert [each[:1] for each in comments[:3]] == ["'"] * 3
