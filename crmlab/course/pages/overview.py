"""The instructor's page: how an exercise went, and what to look at."""

import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any

from crmlab.course.batch import flags_of
from crmlab.course.folder import Course
from crmlab.course.marks import Mark
from crmlab.course.pages.templates import LONGEST, question_titles, template, verdict_words, words_or
from crmlab.course.statistics import (
    LOW,
    arrivals,
    bins,
    graded,
    question_statistics,
    sections,
)
from crmlab.exercises.masters import Master
from crmlab.grading.reports import Report
from crmlab.words import words

HISTOGRAM = {"width": 640, "height": 220, "left": 20, "right": 22, "top": 22, "bottom": 36}


def overview_page(course: Course, exercise: Master, found: Sequence[Mark], reports: dict[str, Report]) -> str:
    """The page, with everyone's marks."""
    done = graded(found)
    shares = [mark.share for mark in done]
    questions = question_statistics(found, exercise)
    walls = Counter("; ".join(words_or("grading.wall", each) for each in mark.walls) for mark in done)
    return template("overview.html.j2").render(
        course=course,
        exercise=exercise,
        marks=found,
        questions=questions,
        titles=question_titles(exercise),
        ways={each.name: _ways(each) for each in questions},
        low=LOW,
        sections=sections(found, exercise),
        arrivals=[(_days(day), count) for day, count in arrivals(found)],
        chart=histogram(bins(shares)),
        counts=_labelled(bins(shares)),
        walls=walls.most_common(),
        numbers=_numbers(found, done, shares),
        flags=_grouped(flags_of(reports)),
        notes=[(mark.student.id, note) for mark in found for note in mark.notes],
        settings=course.settings(exercise.name),
    )


def _numbers(found, done, shares):
    """The figures on top, as pairs of label and text."""
    yield words("course.students"), str(len(found))
    yield words("course.handed_in"), str(len(done))
    if shares:
        yield words("course.mean"), f"{statistics.fmean(shares):.0%}"
        yield words("course.median"), f"{statistics.median(shares):.0%}"
        yield words("course.full_marks"), str(sum(share >= 1 for share in shares))
    yield words("course.late"), str(sum(mark.days_late > 0 for mark in found))
    yield words("course.overridden"), str(sum(mark.overridden for mark in found))
    if any(mark.open for mark in found):
        yield words("course.to_be_marked"), str(sum(bool(mark.open) for mark in found))


def _ways(question):
    return [
        (words("course.misconception", name=name[:LONGEST]) if name else verdict_words(verdict), count)
        for verdict, name, count in question.wrong
    ]


def _days(day):
    if day < 0:
        return words("course.arrived_late", days=-day)
    return words("course.arrived_last_day") if day == 0 else words("course.arrived_before", days=day)


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


def histogram(counts: Sequence[int]) -> dict[str, Any]:
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
