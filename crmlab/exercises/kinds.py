"""The kinds of answer that are one value: a number, a truth value, a text, one word of several.

A kind of answer is a class with these methods; those of many values are in `crmlab.exercises.compound`.

``observe(value)``
    plain data from what the learner's code made (a kind whose answers are functions calls them here);
``read(plain)``
    the answer in the form that is compared; raises `Unfit` for the wrong type or shape;
``same(right, given)``
    whether two read answers agree within the tolerance;
``explain(right, given)``
    what can be said about a wrong one without giving the right one away.
"""

from dataclasses import dataclass
from typing import Any

from crmlab.errors import listing
from crmlab.exercises.plain import form_of, plain
from crmlab.exercises.verdicts import Unfit, Verdict, explain_numbers


class Kind:
    """What all kinds share: observing by `plain`, and explaining by the numbers in the answer.

    Attributes
    ----------
    parts : str
        What an answer has several of, each of which can be right by itself; empty where it is one value.
    """

    parts = ""

    def read(self, given: Any) -> Any:
        raise NotImplementedError

    def same(self, right: Any, given: Any) -> bool:
        raise NotImplementedError

    def reads_same(self, right: Any, given: Any) -> bool:
        """Whether plain data agree with a read right answer; what does not even fit does not."""
        try:
            return self.same(right, self.read(given))
        except Unfit:
            return False

    def right_parts(self, right: Any, given: Any) -> tuple[int, int]:
        """How many parts of the plain data `given` are right, whatever the others are, and of how many."""
        raise NotImplementedError

    def observe(self, value: Any) -> Any:
        return plain(value)

    def explain(self, right: Any, given: Any) -> Verdict:
        return explain_numbers(self.numbers(right), self.numbers(given))

    def numbers(self, answer: Any) -> list[tuple[float, float]]:
        """The numbers in a read answer, as ``[(number, allowed difference)]``; empty where there are none."""
        return []


@dataclass(frozen=True)
class Number(Kind):
    """One number, right within `tolerance` or within `relative` times the right one: the larger counts."""

    tolerance: float = 0.0
    relative: float = 0.0
    units: str = ""

    def allowed(self, right: float) -> float:
        rounding = 1e-12 * abs(right)
        return max(self.tolerance, self.relative * abs(right)) + rounding

    def read(self, given: Any) -> Any:
        form, size = form_of(given)
        if form:
            raise Unfit("shape", "shape_number_one" if size == 1 else "shape_number", size=size)
        if isinstance(given, bool):
            raise Unfit("type", "type_number_truth")
        if isinstance(given, str):
            raise Unfit("type", "type_number_text")
        if given is None or (isinstance(given, dict) and "float" in given):
            raise Unfit("not_finite", "")
        if isinstance(given, dict):
            raise Unfit("type", "type_number", given=given.get("unknown", "?"))
        try:
            return float(given)
        except OverflowError:
            raise Unfit("not_finite", "") from None

    def same(self, right: Any, given: Any) -> bool:
        return abs(given - right) <= self.allowed(right)

    def numbers(self, answer: Any) -> list[tuple[float, float]]:
        return [(answer, self.allowed(answer))]


@dataclass(frozen=True)
class Truth(Kind):
    """``True`` or ``False``."""

    def read(self, given: Any) -> Any:
        if not isinstance(given, bool):
            raise Unfit("type", "type_truth")
        return given

    def same(self, right: Any, given: Any) -> bool:
        return right is given


def _spelling(text: str) -> str:
    return " ".join(text.split()).casefold()


@dataclass(frozen=True)
class Text(Kind):
    """A word or phrase; case and spacing do not matter, `accept` lists other right spellings."""

    accept: tuple[str, ...] = ()

    def read(self, given: Any) -> Any:
        if not isinstance(given, str):
            raise Unfit("shape", "shape_text") if form_of(given)[0] else Unfit("type", "type_text")
        return _spelling(given)

    def same(self, right: Any, given: Any) -> bool:
        return given == right or given in {_spelling(each) for each in self.accept}


@dataclass(frozen=True)
class Choice(Kind):
    """One of `options`, which the task names."""

    options: tuple[str, ...]

    def read(self, given: Any) -> Any:
        known = {_spelling(each): each for each in self.options}
        if not isinstance(given, str) or _spelling(given) not in known:
            raise Unfit("type", "type_choice", options=listing(self.options))
        return known[_spelling(given)]

    def same(self, right: Any, given: Any) -> bool:
        return given == right
