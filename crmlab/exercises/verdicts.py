"""The judgement of an answer, and which kind of wrong a wrong one is.

All here works on plain data (`crmlab.exercises.plain`), so a judge may sit in a process that never ran the
learner's code, with JSON between the two.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

UNITS = {
    100: "percent",
    12: "months",
    52: "weeks",
    4: "quarters",
    7: "days",
    365: "days_years",
    1000: "thousands",
}
ORDER_OF_MAGNITUDE = 10
REASONS = (
    "right",
    "todo",
    "type",
    "shape",
    "not_finite",
    "units",
    "sign",
    "magnitude",
    "order",
    "misconception",
    "wrong",
    "unchecked",
)


@dataclass(frozen=True)
class Verdict:
    """The judgement of one answer.

    Attributes
    ----------
    reason : str
        One of `REASONS`; ``unchecked`` when it could not be judged.
    text : str
        Name of the card text that says it, in ``[cards]`` of the words; empty for the reason's own.
    facts : dict
        What that text mentions. Never the right answer.
    misconception : str
        The name of the misconception that was recognised.
    share : float
        Of a wrong answer whose parts count one by one, the share that is right.
    """

    reason: str
    text: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    misconception: str = ""
    share: float = 0.0

    @property
    def right(self) -> bool:
        return self.reason == "right"


class Unfit(Exception):
    """An answer of another type or shape than is asked; carries the verdict."""

    def __init__(self, reason: str, text: str, /, **facts: Any) -> None:
        super().__init__(reason, text)
        self.verdict = Verdict(reason, text, facts)


def explain_numbers(right: Sequence[tuple[float, float]], given: Sequence[tuple[float, float]]) -> Verdict:
    """Units, sign, order of magnitude, or just wrong, from two equally long lists of (number, allowed)."""
    pairs = [(one, other, allowed) for (one, allowed), (other, _) in zip(right, given)]
    telling = [pair for pair in pairs if abs(pair[0]) > pair[2]]
    if not telling:
        return Verdict("wrong")
    for factor, name in UNITS.items():
        for scale in (factor, 1 / factor):
            if all(abs(other - scale * one) <= scale * allowed for one, other, allowed in pairs):
                return Verdict("units", f"units_{name}")
    if all(abs(other + one) <= allowed for one, other, allowed in pairs):
        return Verdict("sign", "sign_mirror")
    if len(pairs) == 1 and given[0][0] * right[0][0] < 0 and abs(given[0][0]) > right[0][1]:
        return Verdict("sign")
    ratios = [other / one for one, other, _ in telling]
    if all(ratio >= ORDER_OF_MAGNITUDE for ratio in ratios):
        return Verdict("magnitude", "magnitude_large")
    if all(0 < ratio <= 1 / ORDER_OF_MAGNITUDE for ratio in ratios):
        return Verdict("magnitude", "magnitude_small")
    return Verdict("wrong")
