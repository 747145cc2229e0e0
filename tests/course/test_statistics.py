"""Statistics of an exercise: right, discrimination, time of arrival, wrong ways, sections."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from crmlab.course.marks import Mark, QuestionMark
from crmlab.course.roster import Student
from crmlab.course.statistics import arrivals, question_statistics, sections

DUE = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)


# Two questions of the machine's and one of people's.
EXERCISE = SimpleNamespace(all_points={"q1": 2, "q2": 2, "q3": 2})


def mark(number, q1, q2, hours, section="A", open_=False, **wrong):
    verdict = {"q1": wrong.get("verdict", "wrong"), "q2": "wrong"}
    rows = [
        QuestionMark(name, 2, points, "right" if points == 2 else verdict[name],
                     misconception=wrong.get("misconception", "") if name == "q1" and points < 2 else "")
        for name, points in (("q1", q1), ("q2", q2))
    ]  # fmt: skip
    rows.append(QuestionMark("q3", 2, 0 if open_ else q2, "manual", by_hand=True, open=open_))
    total = sum(each.points for each in rows)
    when = (DUE - timedelta(hours=hours)).isoformat()
    student = Student(f"s{number}", "N", extra={"section": section})
    return Mark(student, "x", "graded", rows, total, 6, when, DUE, total=total)


@pytest.fixture
def found():
    """Who is early is right; q1 tells who can do the rest, and nobody else's answers are open."""
    strong = [mark(each, 2, 2, 30) for each in range(5)]
    weak = [mark(10 + each, 0, 0, 2, "B", misconception="half", verdict="misconception") for each in range(4)]
    odd = [mark(20, 1, 2, -5, "B", open_=True)]
    return [
        *strong,
        *weak,
        *odd,
        Mark(Student("s99", "N", extra={"section": "B"}), "x", "missing", possible=6),
    ]


def test_each_question(found):
    q1, q2, q3 = question_statistics(found, EXERCISE)
    assert (q1.count, q1.right, q1.mean) == (10, 0.5, 1.1)
    assert q1.discrimination == pytest.approx(1)  # (2, 4), (1, 2) and (0, 0) lie on a line
    assert (q1.lead_right, q1.lead_other) == (30, 2)
    assert q1.wrong == [("misconception", "half", 4), ("wrong", "", 1)]
    assert q3.by_hand and q3.count == 9 and q3.wrong == []  # what is open says nothing yet
    assert not q2.suspect


def test_discrimination_is_the_correlation_with_the_other_questions(found):
    import numpy as np

    q1 = question_statistics(found, EXERCISE)[0]
    points = np.array([[each.points for each in mark.questions] for mark in found[:-1]], dtype=float)
    assert q1.discrimination == pytest.approx(np.corrcoef(points[:, 0], points[:, 1:].sum(axis=1))[0, 1])


def test_few_or_equal_answers_say_nothing(found):
    assert question_statistics(found[:5], EXERCISE)[0].discrimination is None
    assert question_statistics([*found[:5], *found[:5]], EXERCISE)[0].discrimination is None


def test_right_for_nobody_is_suspect():
    nobody = [mark(each, 0, 2, 3) for each in range(8)]
    assert [each.suspect for each in question_statistics(nobody, EXERCISE)] == [True, False, False]
    assert not any(each.suspect for each in question_statistics(nobody[:3], EXERCISE))


def test_sections(found):
    first, second = sections(found, EXERCISE)
    assert (first.name, first.students, first.handed_in, first.mean, first.right["q1"]) == (
        "A",
        5,
        5,
        1.0,
        1.0,
    )
    assert (second.students, second.handed_in, second.right["q1"]) == (6, 5, 0.0)
    assert sections(found[:5], EXERCISE) == []


def test_arrivals(found):
    assert arrivals(found) == [(1, 5), (0, 4), (-1, 1)]
    assert arrivals([]) == []
