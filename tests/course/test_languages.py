"""Feedback in the reader's language: reports hold keys and facts, and words are looked up when shown."""

import json

import pytest

from crmlab.course.batch import grade
from crmlab.course.feedback import speaking, write_feedback
from crmlab.course.folder import Course
from crmlab.errors import InputError
from crmlab.words import words
from crmlab.words.saying import said, spoken

from .conftest import submit, worked


def sentences(value):
    """Texts of more than one word in a report, apart from what the student and the master's author wrote."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key not in ("given", "hint", "misconception"):
                yield from sentences(each)
    elif isinstance(value, list):
        for each in value:
            yield from sentences(each)
    elif isinstance(value, str) and len(value.split()) > 2:
        yield value


@pytest.fixture
def graded(course, core):
    submit(
        course,
        s001=worked(course, "s001", q1="double = number / 2", q2="square = 'text'"),
        s002=worked(course, "s002", q1="double = number / 2", q2="square = 'text'"),
    )
    roster = course.path("roster.csv").read_text(encoding="utf-8").splitlines()
    rows = [f"{roster[0]},language", *(f"{row},{'zh-CN' if row[:4] == 's002' else ''}" for row in roster[1:])]
    course.path("roster.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    course = Course(course.folder)
    grade(course, "90")
    return course


def test_a_report_holds_no_sentence(graded):
    for path in graded.reports("90_toy").glob("*.json"):
        assert list(sentences(json.loads(path.read_text()))) == []


def test_each_student_reads_their_own_language(graded):
    write_feedback(graded, "90")
    english, chinese = (
        graded.feedback("90_toy", each).read_text(encoding="utf-8") for each in ("s001", "s002")
    )
    assert '<html lang="en">' in english and "One number is asked; this is a text" in english
    with speaking("zh_CN"):
        told, points = words("cards.type_number_text"), words("feedback.your_points")
    assert told in chinese and points in chinese and "One number is asked" not in chinese
    assert 'lang="zh' in chinese


def test_the_course_may_have_a_language_of_its_own(graded):
    graded.path("course.toml").write_text('language = "zh_CN"\n')
    course = Course(graded.folder)
    write_feedback(course, "90")
    assert 'lang="zh' in course.feedback("90_toy", "s001").read_text(encoding="utf-8")
    graded.path("course.toml").write_text('language = "tlh"\n')
    with pytest.raises(InputError, match="language is 'tlh'"):
        write_feedback(Course(graded.folder), "90")


def test_what_is_said_is_looked_up_with_its_facts():
    inner = said("grading.line", line=3)
    told = said("grading.error", type="KeyError", message="'x'", where=inner)
    assert spoken(json.loads(json.dumps(told))) == "The code stopped with an error in line 3: KeyError: 'x'"
    assert spoken("quoted as it is") == "quoted as it is"
    assert spoken({"key": "grading.of_another_version", "facts": {"count": 3}}) == "of another version 3"
