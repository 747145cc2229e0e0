"""The page that a student gets. It holds no right answer: reports have none."""

from datetime import datetime
from typing import Any

from crmlab.course.folder import Course
from crmlab.course.marks import Mark, QuestionMark
from crmlab.course.pages.templates import LONGEST, question_titles, reason_words, template, verdict_words
from crmlab.exercises.authoring.showing import told
from crmlab.exercises.masters import Master
from crmlab.grading.reports import printable
from crmlab.words import words

LOOKS = {"right": ("right", "✓"), "todo": ("todo", "○"), "missing": ("todo", "○")}  # anything else: wrong, ✗


def student_page(course: Course, exercise: Master, mark: Mark, parameters: dict[str, Any]) -> str:
    """The page that one student gets.

    Parameters
    ----------
    parameters : dict
        Of the student's own version.
    """
    titles = question_titles(exercise)
    return template("student.html.j2").render(
        course=course,
        exercise=exercise,
        mark=mark,
        parameters=parameters,
        questions=[_shown(each, titles) for each in mark.questions],
        settings=course.settings(exercise.name),
        share=min(1.0, mark.share),
        handed_in=_when(mark.when, course),
        open=", ".join(mark.open),
    )


def _shown(question, titles):
    """A question as the page shows it."""
    verdict = str(question.verdict)
    if verdict == "wrong" and 0 < question.right < question.variants:
        verdict = "some_only"
    silent = verdict in ("right", "some_only", "manual")
    look, mark = _look(question, verdict)
    return vars(question) | {
        "title": titles.get(question.name, ""),
        "look": look,
        "mark": mark,
        "label": words("feedback.being_marked") if question.open else _label(question, verdict),
        "said": "" if silent else reason_words(question)[:LONGEST],
        "given": "" if silent else _given(question.given),
        "written": question.given if verdict == "manual" else "",
        "some_only": verdict == "some_only",
        "part": f"{100 * question.share:.0f}" if 0 < question.share < 1 else "",
        "tags": list(_tags(question)),
    }


def _label(question: QuestionMark, verdict: str) -> str:
    if verdict == "manual":
        return words("feedback.marked")
    if 0 < question.points < question.possible and verdict == "wrong":
        return words("feedback.verdict_partly")
    return verdict_words(verdict)


def _look(question, verdict):
    """The colour and the sign: by points where people decided, by the verdict elsewhere."""
    if question.open or question.dropped:
        return "todo", "○"
    decided = question.overridden or verdict == "manual" or question.kept
    if decided and question.points >= question.possible:
        return "right", "✓"
    if 0 < question.points < question.possible:
        return "partly", "•"
    if question.overridden:
        return "todo", "•"
    return LOOKS.get(verdict, ("wrong", "✗"))


def _tags(question):
    for name in ("overridden", "kept", "dropped", "bonus"):
        if getattr(question, name):
            yield words(f"feedback.{name}")


def _given(given):
    """The student's own answer in a line. It may hold what no page can: half of a character, say."""
    return "" if given in (None, "") else printable(told(given), LONGEST)


def _when(text, course):
    return datetime.fromisoformat(text).astimezone(course.zone).strftime("%Y-%m-%d %H:%M") if text else ""
