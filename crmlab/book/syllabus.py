"""A syllabus for courses of several lengths, from the lessons there are; what builds on what."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from crmlab.book.chapters import Chapter
from crmlab.book.teaching import master_of
from crmlab.words import words

LENGTHS = (6, 10, 14)  # weeks
CLASS_MINUTES = 90  # a week
_COLUMN, _ROW, _WIDTH, _HEIGHT = 280, 84, 240, 62  # of the map, in its own units


@dataclass
class Week:
    """A week: what is done in class, and what is due."""

    number: int
    units: list[str] = field(default_factory=list)
    lessons: list[Chapter] = field(default_factory=list)
    due: list[Chapter] = field(default_factory=list)
    minutes: int = 0


def syllabus(chapters: Sequence[Chapter], weeks: int) -> list[Week]:
    """Lessons over weeks, in an order in which each comes after what it builds on.

    A lesson never waits for one that comes later; what does not fit into the class time is left out, first
    lessons that are not marked ``core`` and that no other needs. Weeks that are left go to workshops on
    exercises, then to a project on the students' own data. Exercises are due the week after their lesson.
    """
    chosen = _fitting(ordered(chapters), weeks * CLASS_MINUTES, weeks)
    groups = _contiguous(chosen, max(1, min(weeks, len(chosen))))
    spare = weeks - len(groups)
    found: list[Week] = []
    for at, group in enumerate(groups):
        week = Week(len(found) + 1, [], group, [], sum(_minutes(each) for each in group))
        found.append(week)
        workshops = spare * (at + 1) // (len(groups) + 1) - spare * at // (len(groups) + 1)
        for _ in range(workshops):
            found.append(Week(len(found) + 1, [words("teaching.workshop")]))
    while len(found) < weeks:
        found.append(Week(len(found) + 1, [words("teaching.project")]))
    _set_due(found)
    return found


def ordered(chapters: Sequence[Chapter]) -> list[Chapter]:
    """The lessons by number, each moved behind what its metadata say it builds on."""
    waiting, done = sorted(chapters, key=lambda each: each.number), []
    while waiting:
        names = {each.number for each in waiting}
        ready = [each for each in waiting if not names & set(each.builds_on) - {each.number}]
        first = (ready or waiting)[0]  # a circle is broken at its lowest number
        waiting.remove(first)
        done.append(first)
    return done


def concept_map(chapters: Sequence[Chapter]) -> dict[str, object]:
    """Boxes and arrows of the map: lessons with the trap that each teaches, and what builds on what."""
    depth: dict[str, int] = {}
    for chapter in ordered(chapters):
        above = [depth[number] + 1 for number in chapter.builds_on if number in depth]
        depth[chapter.number] = max(above, default=0)
    columns: dict[int, int] = {}
    boxes = {}
    for chapter in ordered(chapters):
        column = depth[chapter.number]
        row = columns.get(column, 0)
        columns[column] = row + 1
        boxes[chapter.number] = {
            "chapter": chapter,
            "trap": chapter.trap,
            "x": 8 + column * _COLUMN,
            "y": 8 + row * _ROW,
            "width": _WIDTH,
            "height": _HEIGHT,
        }
    arrows = [
        _arrow(boxes[number], boxes[chapter.number])
        for chapter in chapters
        for number in chapter.builds_on
        if number in boxes
    ]
    return {
        "boxes": list(boxes.values()),
        "arrows": arrows,
        "width": 16 + max(columns, default=0) * _COLUMN + _WIDTH,
        "height": 16 + (max(columns.values(), default=1) - 1) * _ROW + _HEIGHT,
    }


def _arrow(start: dict, end: dict) -> str:
    """A path from one box to the next."""
    x, y = start["x"] + start["width"], start["y"] + start["height"] / 2
    to_x, to_y = end["x"] - 3, end["y"] + end["height"] / 2
    bend = (to_x - x) / 2
    return f"M{x} {y:g} C{x + bend:g} {y:g} {to_x - bend:g} {to_y:g} {to_x} {to_y:g}"


def _minutes(chapter: Chapter) -> int:
    return int(chapter.source.minutes or 60)


def _fitting(chapters: list[Chapter], minutes: int, weeks: int) -> list[Chapter]:
    """As many lessons as the class time holds; the last that nothing needs is left out first."""
    kept = list(chapters)
    while len(kept) > 1 and (
        sum(map(_minutes, kept)) > minutes or _longest(kept, weeks) > CLASS_MINUTES * 4 / 3
    ):
        needed = {number for each in kept for number in each.builds_on}
        free = [each for each in kept if each.number not in needed]
        free.sort(key=lambda each: bool(each.about.get("core")))  # stable: not core first, in their order
        unmarked = [each for each in free if not each.about.get("core")]
        kept.remove((unmarked or free)[-1])
    return kept


def _longest(chapters: list[Chapter], weeks: int) -> int:
    groups = _contiguous(chapters, max(1, min(weeks, len(chapters))))
    return max(sum(map(_minutes, group)) for group in groups)


def _contiguous(chapters: list[Chapter], parts: int) -> list[list[Chapter]]:
    """The lessons in order, cut into `parts` so that the longest part is as short as can be."""
    sums = [0]
    for chapter in chapters:
        sums.append(sums[-1] + _minutes(chapter))
    best = {(0, 0): (0, 0)}  # (parts, lessons) -> (longest part, where the last one begins)
    for part in range(1, parts + 1):
        for end in range(part, len(chapters) + 1):
            best[part, end] = min(
                (max(best[part - 1, begin][0], sums[end] - sums[begin]), begin)
                for begin in range(part - 1, end)
                if (part - 1, begin) in best
            )
    groups, end = [], len(chapters)
    for part in range(parts, 0, -1):
        begin = best[part, end][1]
        groups.append(chapters[begin:end])
        end = begin
    return groups[::-1]


def _set_due(weeks: list[Week]) -> None:
    """Exercises are due in the week after their lesson, those of the last week in it."""
    for at, week in enumerate(weeks):
        due = [chapter for chapter in week.lessons if master_of(chapter) is not None]
        weeks[min(at + 1, len(weeks) - 1)].due += due
