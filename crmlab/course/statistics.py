"""How an exercise went: question by question, section by section, and when work came in.

All of it is about those whose work was graded; who handed in nothing says nothing about a question.
"""

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from crmlab.course.marks import Mark, QuestionMark
from crmlab.exercises.masters import Master

FEW = 8  # students below whom a correlation says nothing
LOW = 0.2  # item-rest correlations below it are worth a look at the question


@dataclass(frozen=True)
class QuestionStatistics:
    """How one question went.

    Attributes
    ----------
    name : str
    possible, mean : float
    count : int
        Students whose answer has been marked.
    right : float
        Share of them with all points.
    discrimination : float or None
        Correlation of the points on it with the points on the other questions (the corrected item-total
        correlation); None where too few answered or all earned the same.
    lead_right, lead_other : float or None
        Median hours before the due time at which those handed in who were right, and the others.
    wrong : list of (str, str, int)
        Verdict, misconception or "", and how many; most first.
    by_hand, dropped, bonus : bool
    """

    name: str
    possible: float
    mean: float
    count: int
    right: float
    discrimination: float | None
    lead_right: float | None
    lead_other: float | None
    wrong: list[tuple[str, str, int]]
    by_hand: bool = False
    dropped: bool = False
    bonus: bool = False

    @property
    def suspect(self) -> bool:
        """Nobody is right: the master may be wrong."""
        return self.count >= FEW and self.right == 0 and self.mean == 0 and not self.by_hand


@dataclass(frozen=True)
class Section:
    """One section's students, as far as they handed in."""

    name: str
    students: int
    handed_in: int
    mean: float | None
    median: float | None
    right: dict[str, float]


def graded(found: Sequence[Mark]) -> list[Mark]:
    """The marks of those whose work was graded."""
    return [mark for mark in found if mark.status == "graded"]


def question_statistics(found: Sequence[Mark], exercise: Master) -> list[QuestionStatistics]:
    """`QuestionStatistics` of each question of an exercise, in its order."""
    done, names = graded(found), list(exercise.all_points)
    rows = [{each.name: each for each in mark.questions} for mark in done]
    return [_statistics(name, done, rows) for name in names if any(name in row for row in rows)]


def _statistics(name, done, rows):
    pairs = [(mark, row) for mark, row in zip(done, rows) if name in row and not row[name].open]
    mine = [row[name] for _, row in pairs]
    first = next(row[name] for row in rows if name in row)
    points = [each.points for each in mine]
    rest = [math.fsum(each.points for key, each in row.items() if key != name) for _, row in pairs]
    full = [each.points >= each.possible for each in mine]
    leads = [_lead(mark) for mark, _ in pairs]
    return QuestionStatistics(
        name,
        first.possible,
        statistics.fmean(points) if points else 0.0,
        len(mine),
        sum(full) / len(full) if full else 0.0,
        _correlation(points, rest),
        _median([lead for lead, right in zip(leads, full) if right]),
        _median([lead for lead, right in zip(leads, full) if not right]),
        _wrong_ways(mine),
        first.by_hand,
        first.dropped,
        first.bonus,
    )


def _lead(mark):
    """Hours from handing in to the due time; negative for late work."""
    if not mark.when or mark.due is None:
        return None
    return (mark.due - datetime.fromisoformat(mark.when)).total_seconds() / 3600


def _median(values):
    known = [each for each in values if each is not None]
    return statistics.median(known) if known else None


def _correlation(first, second):
    if len(first) < FEW or len(set(first)) < 2 or len(set(second)) < 2:
        return None
    return statistics.correlation(first, second)


def _wrong_ways(mine: Sequence[QuestionMark]) -> list[tuple[str, str, int]]:
    ways = Counter(
        ("some_only" if each.verdict == "wrong" and each.right else each.verdict, each.misconception)
        for each in mine
        if each.verdict not in ("right", "manual")
    )
    return [(verdict, name, count) for (verdict, name), count in sorted(ways.items(), key=_most_first)]


def _most_first(item):
    return -item[1], item[0]


def sections(found: Sequence[Mark], exercise: Master) -> list[Section]:
    """Each section of the roster; empty where it names fewer than two."""
    names = sorted({mark.student.extra.get("section", "") for mark in found})
    return [_section(name, found, exercise) for name in names] if len(names) > 1 else []


def _section(name, found, exercise):
    mine = [mark for mark in found if mark.student.extra.get("section", "") == name]
    done = graded(mine)
    shares = [mark.share for mark in done]
    return Section(
        name,
        len(mine),
        len(done),
        statistics.fmean(shares) if shares else None,
        statistics.median(shares) if shares else None,
        {each.name: each.right for each in question_statistics(mine, exercise)},
    )


def arrivals(found: Sequence[Mark]) -> list[tuple[int, int]]:
    """How many handed in so many days before the due time, most days first; negative days are late."""
    leads = [lead for mark in graded(found) if (lead := _lead(mark)) is not None]
    days = Counter(min(max(math.floor(lead / 24), -7), 14) for lead in leads)
    return [(day, days[day]) for day in range(max(days), min(days) - 1, -1)] if days else []


def bins(shares: Sequence[float], number: int = 10) -> list[int]:
    """How many shares of the points lie in each tenth; full marks and more belong to the last."""
    counts = [0] * number
    for share in shares:
        counts[min(int(share * number + 1e-9), number - 1)] += 1
    return counts
