"""A question as its master asks it, and the judging of one given answer."""

import inspect
import numbers
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from crmlab.errors import InputError, check_known, listing
from crmlab.exercises.answers import OPTIONS, kind_of
from crmlab.exercises.calling import packed, returned
from crmlab.exercises.kinds import Kind
from crmlab.exercises.plain import is_blank, plain
from crmlab.exercises.verdicts import Unfit, Verdict

TOLD = ("points", "credit", "hints", "picture", "misconceptions", "moral", *OPTIONS)


@dataclass(frozen=True)
class Misconception:
    """A wrong value that has a name: what a learner gets who thinks this way, and what to tell them."""

    name: str
    value: object
    hint: str


@dataclass(frozen=True)
class Question:
    """One question of an exercise for one learner's parameters.

    Attributes
    ----------
    name : str
        ``"q1"``.
    points : float
    kind : Kind
    right
        The right answer, as plain data.
    hints : tuple of str
        Given one after the other.
    picture : callable or None
        Draws the last hint: a figure of what the right answer looks like. Its docstring is the alt text.
    misconceptions : tuple of Misconception
    moral : str
        Said when the answer is right: what it means for practice.
    credit : str
        ``"entries"``, ``"rows"`` or ``"inputs"`` where each of these counts by itself; empty where only a
        right answer earns points.
    """

    name: str
    points: float
    kind: Kind
    right: object
    hints: tuple = ()
    picture: Callable | None = None
    misconceptions: tuple = ()
    moral: str = ""
    credit: str = ""

    @property
    def units(self) -> str:
        return getattr(self.kind, "units", "") or next(
            (kind.units for _, kind in getattr(self.kind, "columns", ()) if getattr(kind, "units", "")), ""
        )

    def judge(self, given: Any) -> Verdict:
        """The `Verdict` on `given` plain data."""
        if is_blank(given):
            return Verdict("todo")
        right = self.kind.read(self.right)
        verdict = self._judged(right, given)
        if not self.credit or verdict.right:
            return verdict
        count, total = self.kind.right_parts(right, given)
        return replace(verdict, share=count / total)

    def points_for(self, verdict: Verdict) -> float:
        """What an answer with this verdict earns."""
        return self.points if verdict.right else round(verdict.share * self.points, 2)

    def _judged(self, right: Any, given: Any) -> Verdict:
        try:
            answer = self.kind.read(given)
        except Unfit as unfit:
            return unfit.verdict
        if self.kind.same(right, answer):
            return Verdict("right")
        for each in self.misconceptions:
            if self.kind.same(self.kind.read(each.value), answer):
                return Verdict("misconception", facts={"hint": each.hint}, misconception=each.name)
        return self.kind.explain(right, answer)


def question(name: str, value: Any, told: dict[str, Any]) -> Question:
    """Make a `Question` from a master's call ``answer(name, value, **told)``.

    Raises
    ------
    InputError
        If something is missing or does not fit, naming the question and the remedy.
    """
    try:
        check_known("option", told, TOLD)
        options = {key: told[key] for key in OPTIONS if key in told}
        if "inputs" in options:
            options["inputs"] = packed(options["inputs"])
            right = returned(value, options["inputs"])
        else:
            right = plain(value)
        kind = kind_of(right, **options)
        return Question(
            name=_name(name),
            points=_points(told.get("points")),
            kind=kind,
            right=right,
            hints=tuple(_text(each, "a hint") for each in told.get("hints", ())),
            picture=_picture(told.get("picture")),
            moral=told.get("moral", ""),
            credit=_credit(told.get("credit", ""), kind),
            misconceptions=tuple(
                _misconception(kind, *each) for each in told.get("misconceptions", {}).items()
            ),
        )
    except InputError as error:
        raise InputError(f"question {name!r}: {error}") from None


def _name(name):
    if not (isinstance(name, str) and re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,40}", name)):
        raise InputError("its name must be letters, digits, - and _, like q1")
    return name


def _points(points):
    if isinstance(points, bool) or not isinstance(points, numbers.Real) or not 0 < points <= 1000:
        raise InputError(f"points is {points!r}; give a number above 0")
    return points


def _credit(credit, kind):
    if credit and credit != kind.parts:
        fits = f"write credit={kind.parts!r}, or leave it out" if kind.parts else "leave it out"
        raise InputError(f"credit is {credit!r}, which does not go with this kind of answer; {fits}")
    return credit


def _text(text, what):
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"{what} is {text!r}; it must be a sentence")
    return text.strip()


def _picture(draw):
    if draw is not None and not (callable(draw) and inspect.getdoc(draw)):
        raise InputError("picture must be a function that draws a figure, with a docstring as its alt text")
    return draw


def _misconception(kind, name, told):
    if not (isinstance(told, tuple) and len(told) == 2):
        raise InputError(f"misconception {name!r} must be a pair (value, hint)")
    value = kind.observe(told[0])
    try:
        kind.read(value)
    except Unfit:
        raise InputError(
            f"misconception {name!r} has the value {str(value)[:80]}, "
            "which has not the type and shape of the right answer"
        ) from None
    return Misconception(name, value, _text(told[1], f"the hint of misconception {name!r}"))


def questions_by_name(calls: Iterable[tuple[str, Any, dict[str, Any]]]) -> dict[str, Question]:
    """All questions of a run of a master, refusing names used twice.

    Parameters
    ----------
    calls : list of (name, value, told)
    """
    found = {}
    for name, value, told in calls:
        if name in found:
            raise InputError(f"question {name!r} is asked twice; names are {listing(found)}")
        found[name] = question(name, value, told)
    return found
