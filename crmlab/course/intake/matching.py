"""Whose is it? Students found from what a file is called, where it lay, and which version it is.

A match is sure when it rests on something that the student could not choose (a folder of the course, the
name that Moodle or Canvas put in front) or on the file's released name. Anything less is for a human.
"""

import difflib
import json
import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field

CLOSE = 0.8  # similarity of names worth suggesting
UNREADABLE = (ValueError, RecursionError, MemoryError, TypeError, AttributeError)


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


@dataclass(frozen=True)
class Peek:
    """What a notebook says of itself. Anyone may write anything there."""

    exercise: str = ""
    seed: int | None = None


@dataclass
class Index:
    """A roster, to be searched.

    Parameters
    ----------
    students : list of Student
    seeds : dict of int to str
        Whose version a seed is.
    """

    students: list
    seeds: dict
    ids: dict = field(init=False)
    names: dict = field(init=False)
    run_together: dict = field(init=False)
    numbers: dict = field(init=False)

    def __post_init__(self):
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

    def match(self, arrival, peek):
        """The `Match` of an arrival whose contents say `peek`."""
        hints = self._hints(arrival, peek)
        if moodle := arrival.moodle():  # before folders: inside of Moodle's, students name them as they like
            return self._platform("Moodle", moodle, "moodle_id", self.names, name_key(moodle["name"]), hints)
        for part in arrival.place[:-1]:
            if part.casefold() in self.ids:
                return Match(self.ids[part.casefold()], True, f"folder {part}")
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
        found, shown = names.get(key, set()), " ".join(match["name"].split())[:80]
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
            student = next(iter(named))
            sure = not arrival.anonymous or hints.get("version") == student
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

    def in_text(self, text):
        """Ids that stand in a text, with something else on both sides."""
        text = text.casefold()
        return {
            student
            for folded, student in self.ids.items()
            if folded in text
            and len(folded) > 2
            and re.search(rf"(?<![a-z0-9]){re.escape(folded)}(?![a-z0-9])", text)
        }


def name_key(name):
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


def peek(data):
    """What a notebook's bytes say of its exercise and version."""
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
        about = notebook.get("metadata", {}).get("crmlab", {})
        exercise = about.get("exercise", "") if isinstance(about, dict) else ""
        return Peek(exercise if isinstance(exercise, str) else "", _seed(notebook.get("cells", [])))
    except UNREADABLE:
        return Peek()


def _seed(cells):
    for cell in cells:
        if "parameters" in (cell.get("metadata") or {}).get("tags", []) or cell.get("id") == "parameters":
            source = cell.get("source", "")
            text = "".join(source) if isinstance(source, list) else source
            match = re.search(r"^seed\s*=\s*(\d{1,18})\b", text, re.MULTILINE)
            if match:
                return int(match[1])
    return None
