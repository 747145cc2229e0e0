"""The instructor's commands, as one types them."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from crmlab import cli, grading

_path = Path(__file__).resolve().parent.parent / "course" / "conftest.py"
_spec = importlib.util.spec_from_file_location("course_fixtures", _path)
courses = sys.modules["course_fixtures"] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(courses)
core = courses.core


@pytest.fixture
def typed(tmp_path, monkeypatch, capsys):
    """Types a command in an empty folder with a roster; returns status, output and errors."""
    courses.make_home(tmp_path, monkeypatch)
    place = tmp_path / "work"
    place.mkdir()
    (place / "students.csv").write_text(courses.ROSTER, encoding="utf-8")
    monkeypatch.chdir(place)

    def type_in(line):
        status = cli.main(line.split())
        said = capsys.readouterr()
        return status, said.out, said.err

    return type_in


def test_from_roster_to_gradebook(typed, core, tmp_path):
    status, said, _ = typed("release 90 --roster students.csv --course spring")
    assert status == 0 and "Started a course in spring" in said and "5 copies written" in said
    inbox = tmp_path / "work" / "in"
    inbox.mkdir()
    for each in Path("spring/release/90_toy").glob("*/*.ipynb"):
        (inbox / each.name).write_bytes(each.read_bytes())
    (inbox / "who.ipynb").write_text("{}")
    status, said, _ = typed("collect 90 in --course spring")
    assert status == 0 and "5 of 5 students" in said and "1 files need you" in said and "who.ipynb" in said
    status, said, _ = typed("grade 90 --jobs 1 --course spring")
    assert status == 0 and "5 graded" in said and "mean 0%" in said and "Hardest: q1" in said
    status, said, _ = typed("feedback 90 --course spring")
    assert status == 0 and "5 pages" in said
    status, said, _ = typed("gradebook --course spring")
    assert status == 0 and "gradebook/canvas.csv" in said and Path("spring/gradebook.csv").is_file()


@pytest.mark.parametrize(
    "line, said",
    [
        ("collect 90 in", "no course.toml"),
        ("grade 90", "no course.toml"),
        ("gradebook --course nowhere", "no course.toml"),
        ("release 90", "no roster"),
        ("release 12 --roster students.csv", "no exercises '12'"),
        ("release 90 --roster none.csv", "no roster 'none.csv'"),
        ("release 90 --secret x", "unrecognized arguments"),
        ("demo-course --students 1 --exercise 90", "students is 1"),
        ("exercises import none.ipynb --name 91_x", "no file"),
        ("exercises preview 90 --student s1", "no course.toml"),
    ],
)
def test_bad_input_is_one_sentence(typed, line, said):
    before = sorted(Path(".").rglob("*"))
    status, out, err = typed(line)
    assert status == 2 and said in err and err.count("\n") == 1 and not out
    assert sorted(Path(".").rglob("*")) == before


def test_no_feedback_or_marks_before_grading(typed):
    typed("release 90 --roster students.csv")
    assert typed("feedback 90")[0] == 2
    status, said, _ = typed("gradebook")
    assert status == 0 and "5 marks are still open" in said


def test_an_interrupted_run_says_how_to_go_on(typed, core):
    typed("release 90 --roster students.csv")
    core.stop_after = 2
    status, _, err = typed("grade 90")
    assert status == 130 and "goes on from there" in err
    core.stop_after = None
    status, said, _ = typed("grade 90")
    assert status == 0 and "3 graded, 2 as before" in said
    assert "all 5 reports still stand" in typed("grade 90")[1]


def test_weak_walls_need_the_flag(typed, core, monkeypatch):
    asked = []

    def refuse(*arguments, allow_weak_walls=False, **more):
        asked.append(allow_weak_walls)
        if not allow_weak_walls:
            from crmlab.errors import InputError

            raise InputError("no strong walls here")

    typed("release 90 --roster students.csv")
    monkeypatch.setattr(grading, "grade_batch", refuse)
    status, _, err = typed("grade 90")
    assert status == 2 and "no strong walls" in err
    assert typed("grade 90 --allow-weak-walls")[0] == 0 and asked == [False, True]


def test_new_and_preview(typed):
    status, said, _ = typed("exercises new 91_churn")
    assert status == 0 and "91_churn" in said
    typed("release 90 --roster students.csv")
    status, said, _ = typed("exercises preview 90 --student s002")
    assert status == 0 and "right answer" in said and Path("90_toy_s002_preview.ipynb").is_file()
    given = Path("release/90_toy/s002/90_toy_s002.ipynb").read_text()
    assert Path("90_toy_s002_preview.ipynb").read_text() == given
    assert typed("exercises preview 90 --student s999")[0] == 2


def test_demo_course_behind_real_walls(typed):
    """Everything at once, with the real core."""
    if not hasattr(grading.grade_batch, "__module__") or "network" not in grading.walls():
        pytest.skip("needs bubblewrap")
    status, said, err = typed("demo-course --students 12 --exercise 90 --out demo --jobs 2")
    assert status == 0, err
    assert said.count("$ crmlab") == 10 and "12 graded" in said
    assert "is right for nobody" in said and "Nothing has been changed." in said and 'drop = ["q' in said
    assert "One of you changes it" in said and ",due,2026-12-02 23:59," in said
    reports = [json.loads(path.read_text()) for path in Path("demo/autograded/90_toy").glob("s*.json")]
    assert len(reports) == 12 and all("network" in report["walls"] for report in reports if report["walls"])
    scores = {report["score"] for report in reports}
    assert {0, 5} <= scores and any(report["flags"] for report in reports)
    assert typed("demo-course --exercise 90 --out demo")[0] == 2  # what is there is not overwritten
