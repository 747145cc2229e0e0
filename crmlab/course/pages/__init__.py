"""Feedback for a student and the instructor's overview: single HTML files that ask nothing of a network.

What comes from students or their code is text here, never markup. No page holds a right answer: reports have
none.
"""

import functools
import html
import re
import statistics
from collections import Counter
from pathlib import Path

from markupsafe import Markup

from crmlab.course.batch import bins, flags_of, question_statistics
from crmlab.course.gradebook import number
from crmlab.exercises.authoring.showing import told
from crmlab.grading.reports import QuestionResult, printable
from crmlab.pages import environment
from crmlab.words import words
from crmlab.words.saying import spoken

_FOLDER = Path(__file__).resolve().parent
LOOKS = {"right": ("right", "✓"), "todo": ("todo", "○"), "missing": ("todo", "○")}  # anything else: wrong, ✗
LONGEST = 1500  # characters of anything that came out of a student's run
HISTOGRAM = {"width": 640, "height": 220, "left": 20, "right": 22, "top": 22, "bottom": 36}


def student_page(course, exercise, mark, parameters):
    """The page that one student gets.

    Parameters
    ----------
    course : Course
    exercise : Master
    mark : Mark
    parameters : dict
        Of the student's own version.
    """
    titles = question_titles(exercise)
    questions = [_shown(each, titles) for each in mark.questions]
    return _template("student.html.j2").render(
        course=course,
        exercise=exercise,
        mark=mark,
        parameters=parameters,
        questions=questions,
        settings=course.settings(exercise.name),
        share=_share(mark),
        handed_in=_when(mark.when, course),
        full=sum(each.possible for each in mark.questions),
    )


def overview_page(course, exercise, found, reports):
    """The instructor's page: how the exercise went, and what to look at.

    Parameters
    ----------
    found : list of Mark
    reports : dict
    """
    handed_in = [mark for mark in found if mark.status == "graded"]
    shares = [mark.total / mark.possible for mark in handed_in]
    titles = question_titles(exercise)
    questions = [
        _difficulty(each, titles)
        for each in question_statistics({mark.student.id: reports[mark.student.id] for mark in handed_in})
    ]
    names = {student.id: student.name for student in course.students}
    walls = Counter("; ".join(_words_or("grading.wall", each) for each in mark.walls) for mark in handed_in)
    return _template("overview.html.j2").render(
        course=course,
        exercise=exercise,
        marks=found,
        questions=questions,
        names=names,
        chart=histogram(bins(shares)),
        counts=_labelled(bins(shares)),
        walls=walls.most_common(),
        numbers=_numbers(found, handed_in, shares),
        flags=_grouped(flags_of(reports)),
        notes=[(mark.student.id, note) for mark in found for note in mark.notes],
        settings=course.settings(exercise.name),
    )


def question_titles(exercise):
    """``{question: the nearest heading above its check cell}``, without Markdown."""
    found, last = {}, ""
    at = {cell.id: name for name, cell in exercise.checks.items()}
    for cell in exercise.notebook.cells:
        if cell.cell_type == "markdown":
            headings = re.findall(r"^#{2,4}\s+(.+?)\s*#*$", cell.source, re.MULTILINE)
            last = re.sub(r"[*_`$]", "", headings[-1]) if headings else last
        elif cell.id in at:
            found[at[cell.id]] = last
    return found


def _shown(question, titles):
    """A question as the student page shows it."""
    verdict, right = str(question.verdict), question.right
    if verdict == "wrong" and 0 < right < question.variants:
        verdict = "some_only"
    look, mark = LOOKS.get(verdict, ("wrong", "✗"))
    partly = 0 < question.points < question.possible
    if question.overridden:
        look, mark = ("right", "✓") if question.points >= question.possible else ("todo", "•")
    return vars(question) | {
        "title": titles.get(question.name, ""),
        "look": "partly" if partly and look == "wrong" else look,
        "mark": mark,
        "label": verdict_words(verdict),
        "said": "" if verdict in ("right", "some_only") else reason_words(question)[:LONGEST],
        "given": "" if verdict in ("right", "some_only") else _given(question.given),
        "some_only": verdict == "some_only",
    }


def _given(given):
    """The student's own answer in a line. It may hold what no page can: half of a character, say."""
    return "" if given in (None, "") else printable(told(given), LONGEST)


def reason_words(question: QuestionResult) -> str:
    """Why a question has the verdict that it has, in the reader's language."""
    return spoken(question.reason) if question.reason else _words_or("feedback.reason", question.verdict, "")


def verdict_words(verdict):
    """A verdict as people read it."""
    return _words_or("feedback.verdict", verdict)


def _words_or(section, name, default=None):
    """The text for a name that other code chose; the name itself, readable, if there is none."""
    try:
        return words(f"{section}_{name.replace(' ', '_')}")
    except KeyError:
        return name.replace("_", " ")[:LONGEST] if default is None else default


def _share(mark):
    return min(1.0, mark.total / mark.possible) if mark.total is not None and mark.possible else 0.0


def _when(text, course):
    from datetime import datetime

    return datetime.fromisoformat(text).astimezone(course.zone).strftime("%Y-%m-%d %H:%M") if text else ""


# ---------------------------------------------------------------------------------------------- overview


def _numbers(found, handed_in, shares):
    """The figures on top, as pairs of label and text."""

    def percent(value):
        return f"{100 * value:.0f}%"

    yield words("course.students"), str(len(found))
    yield words("course.handed_in"), str(len(handed_in))
    if shares:
        yield words("course.mean"), percent(statistics.fmean(shares))
        yield words("course.median"), percent(statistics.median(shares))
        yield words("course.full_marks"), str(sum(share >= 1 for share in shares))
    yield words("course.late"), str(sum(mark.days_late > 0 for mark in found))
    yield words("course.overridden"), str(sum(mark.overridden for mark in found))


def _difficulty(statistic, titles):
    wrong = [(verdict, count) for verdict, count in statistic["verdicts"].most_common() if verdict != "right"]
    return statistic | {
        "title": titles.get(statistic["name"], ""),
        "wrong": [(verdict_words(verdict), count) for verdict, count in wrong[:3]],
    }


def _grouped(flags):
    """``[(student, kind, [evidence])]``: one row for all of a kind."""
    found = {}
    for student, kind, evidence in flags:
        found.setdefault((student, kind), []).append(evidence[:LONGEST])
    return [
        (student, kind.replace("_", " ")[:LONGEST], evidence) for (student, kind), evidence in found.items()
    ]


def _labelled(counts):
    return [(f"{10 * at}–{10 * at + 10}%", count) for at, count in enumerate(counts)]


def histogram(counts):
    """Where to draw the bars, in the units of the picture."""
    frame = HISTOGRAM
    inner = frame["width"] - frame["left"] - frame["right"]
    tall = frame["height"] - frame["top"] - frame["bottom"]
    step, most = inner / len(counts), max([*counts, 1])
    bars = []
    for at, count in enumerate(counts):
        height = tall * count / most
        bars.append(
            {
                "x": round(frame["left"] + at * step + 2, 1),
                "y": round(frame["top"] + tall - height, 1),
                "width": round(step - 4, 1),
                "height": round(height, 1),
                "count": count,
                "middle": round(frame["left"] + (at + 0.5) * step, 1),
            }
        )
    ticks = [(round(frame["left"] + at * step, 1), f"{10 * at}%") for at in range(len(counts) + 1)]
    return frame | {"bars": bars, "ticks": ticks, "floor": frame["top"] + tall}


# --------------------------------------------------------------------------------------------- templates


def prose(text):
    """A hint or comment as HTML: everything escaped, `code` set as code and *words* with emphasis."""
    parts = html.escape(str(text)[:LONGEST]).split("`")
    if len(parts) % 2 == 0:  # an odd backtick is just a backtick
        return Markup("`".join(parts))

    def emphasis(part):
        return re.sub(r"(?<![\w*])\*(\w[^*]{0,80}?)\*(?![\w*])", r"<em>\1</em>", part)

    return Markup(
        "".join(f"<code>{part}</code>" if at % 2 else emphasis(part) for at, part in enumerate(parts))
    )


@functools.cache
def _template(name):
    return environment(
        _FOLDER, _FOLDER / "course.css", filters={"number": number, "prose": prose}
    ).get_template(name)
