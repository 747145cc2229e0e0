"""Whose is it? Students found from what a file is called, where it lay, and which version it is.

A match is sure when it rests on something that the student could not choose (a folder of the course, the
name that Moodle or Canvas put in front) or on the file's released name. Anything less is for a human.
"""

import difflib
import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field

from crmlab.course.intake.arrivals import Arrival, printable
from crmlab.course.intake.peeking import Peek

CLOSE = 0.8  # similarity of names worth suggesting
# What browsers and file managers add to a name: "x (1)", "x-Copy1", "x - Kopie", "x-1".
ADDED = re.compile(r"(\.ipynb)?([ _-]*(\(\d{1,3}\)|-?copy ?\d{0,3}|- kopie|副本)|-\d{1,2})?", re.IGNORECASE)


@dataclass(frozen=True)
class Match:
    """Whose a file is.

    Attributes
    ----------
    student : str
        An id on the roster, or empty for none.
    sure : bool
        If not, `student` is a suggestion.
    why : str
    """

    student: str = ""
    sure: bool = False
    why: str = ""


@dataclass
class Index:
    """A roster, to be searched.

    Parameters
    ----------
    students : list of Student
    seeds : dict of int to str
        Whose version a seed is.
    exercise : str
        Released names begin with it.
    """

    students: list
    seeds: dict
    exercise: str = ""
    ids: dict = field(init=False)
    names: dict = field(init=False)
    run_together: dict = field(init=False)
    numbers: dict = field(init=False)

    def __post_init__(self) -> None:
        self.ids = {student.id.casefold(): student.id for student in self.students}
        self.names, self.run_together = defaultdict(set), defaultdict(set)
        self.numbers = {"moodle_id": {}, "canvas_id": {}}
        for student in self.students:
            self.names[name_key(student.name)].add(student.id)
            for form in _run_together(student.name):
                self.run_together[form].add(student.id)
            for system, known in self.numbers.items():
                if system in student.extra:
                    known[student.extra[system]] = student.id

    def match(self, arrival: Arrival, peek: Peek) -> Match:
        """The `Match` of an arrival whose contents say `peek`."""
        hints = self._hints(arrival, peek)
        if moodle := arrival.moodle():  # before folders: inside of Moodle's, students name them as they like
            return self._platform("Moodle", moodle, "moodle_id", self.names, name_key(moodle["name"]), hints)
        for part in arrival.place[:-1]:
            if part.casefold() in self.ids:
                return Match(self.ids[part.casefold()], True, f"folder {printable(part, 80)}")
        if canvas := arrival.canvas():
            key = _squeezed(canvas["name"])
            found = self._platform("Canvas", canvas, "canvas_id", self.run_together, key, hints)
            if found.student or not hints:
                return found
        return self._by_hints(arrival, hints)

    def _platform(self, system, match, numbers, names, key, hints):
        """By the number or name that a learning platform put in front."""
        student = self.numbers[numbers].get(match["number"])
        if student:
            return Match(student, True, f"{system} number {match['number']}")
        found, shown = names.get(key, set()), printable(match["name"], 80)
        if len(found) == 1:
            return Match(next(iter(found)), True, f"{system} name {shown}")
        if found:
            agreeing = [
                student for student in found if hints.get("file name") == student == hints.get("version")
            ]
            if agreeing:
                return Match(agreeing[0], True, f"{system} name {shown}, file name and version")
            guess = next((each for each in hints.values() if each in found), "")
            return Match(
                guess, False, f"{len(found)} on the roster could be {shown}: {', '.join(sorted(found))}"
            )
        for what, student in hints.items():
            return Match(
                student, False, f"{system} says {shown}, not on the roster; the {what} says {student}"
            )
        near = difflib.get_close_matches(key, names, 1, CLOSE)
        if near and len(names[near[0]]) == 1:
            return Match(next(iter(names[near[0]])), False, f"{system} says {shown}; the nearest name")
        return Match("", False, f"{system} says {shown}, not on the roster")

    def _hints(self, arrival, peek):
        """Students that the file's own name and its version point to."""
        found = {}
        named = self.in_text(arrival.file.rpartition(".")[0])
        if len(named) == 1:
            found["file name"] = next(iter(named))
        if peek.seed in self.seeds:
            found["version"] = self.seeds[peek.seed]
        return found

    def _by_hints(self, arrival, hints):
        named = self.in_text(arrival.place[-1])
        if len(named) == 1:
            student, version = next(iter(named)), hints.get("version")
            if version not in (None, student):
                return Match(student, False, f"named for {student}, but released to {version}")
            sure = not arrival.anonymous or version == student
            return Match(student, sure, "file name" if sure else "only the file name, which students choose")
        if named:
            return Match(hints.get("version", ""), False, f"the file name fits {', '.join(sorted(named))}")
        for part in arrival.place:
            key = name_key(part)
            for known, students in self.names.items():
                if len(students) == 1 and set(known) <= set(key) and len(known) > 1:
                    return Match(next(iter(students)), set(known) == set(key), "name in the file's path")
        if "version" in hints:
            return Match(hints["version"], False, "only the version inside says so, and that can be edited")
        return Match("", False, "nothing in its name or place is on the roster")

    def in_text(self, text: str) -> set[str]:
        """Ids that a file is named for: by its released name, or standing in it by themselves."""
        text = text.casefold()
        released = self._released(text)
        if released:
            return {released}
        found = {
            folded: match.span()
            for folded in self.ids
            if len(folded) > 2
            and folded in text
            and (match := re.search(rf"(?<![a-z0-9]){re.escape(folded)}(?![a-z0-9])", text))
        }
        return {  # ann.b is no ann
            self.ids[folded]
            for folded, (begin, end) in found.items()
            if not any(
                first <= begin and end <= last and (first, last) != (begin, end)
                for first, last in found.values()
            )
        }

    def _released(self, text):
        """The id in a released name, ``09_loyalty_ann.b``, whatever a browser has added to it."""
        begin = f"{self.exercise.casefold()}_"
        if not self.exercise or begin not in text:
            return ""
        rest = text.partition(begin)[2]
        fitting = [each for each in self.ids if rest.startswith(each) and ADDED.fullmatch(rest[len(each) :])]
        return self.ids[max(fitting, key=len)] if fitting else ""


def name_key(name: str) -> tuple[str, ...]:
    """The words of a name in any order, without accents and case."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    plain = "".join(each for each in plain if not unicodedata.combining(each))
    return tuple(sorted(re.findall(r"\w+", plain.replace("_", " "))))


def _squeezed(text):
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(re.findall(r"[^\W_]", "".join(each for each in plain if not unicodedata.combining(each))))


def _run_together(name):
    """A name as Canvas may write it: ``Jane van Doe`` is janevandoe, vandoejane or doejanevan."""
    words = name.replace(",", " ").split()
    return {_squeezed("".join(words[at:] + words[:at])) for at in range(len(words))}
