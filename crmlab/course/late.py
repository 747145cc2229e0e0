"""The late rule: one line of ``course.toml``, and what it takes off.

``"none"`` takes nothing off; ``"10% a day"`` takes a tenth of the points for each day begun;
``"10% a day, at most 50%, nothing after 7 days, 2 hours grace"`` says all that can be said.
"""

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from crmlab.errors import InputError

_NUMBER = r"(\d+(?:\.\d+)?)"
_PARTS = {
    "per_day": rf"{_NUMBER}\s*% (?:a|per) day",
    "most": rf"at most {_NUMBER}\s*%",
    "days": rf"(?:nothing|0) after {_NUMBER} days?",
    "grace": rf"{_NUMBER} hours? grace",
}


@dataclass(frozen=True)
class LateRule:
    """What lateness costs.

    Attributes
    ----------
    text : str
        As the instructor wrote it.
    per_day, most : float
        Percent taken off for each day begun, and in all.
    days : float
        After so many days nothing is left.
    grace : float
        Hours after the due time that do not count.
    """

    text: str = "none"
    per_day: float = 0.0
    most: float = 100.0
    days: float = math.inf
    grace: float = 0.0

    def days_late(self, handed_in: datetime | None, due: datetime | None) -> int:
        """Days begun between two times by the clock on the wall where `due` is meant, 0 if in time.

        So a day that the clocks make longer or shorter counts as one.
        """
        if handed_in is None or due is None:
            return 0
        late = handed_in.astimezone(UTC) - due.astimezone(UTC)
        if late <= timedelta(hours=self.grace):
            return 0
        wall = handed_in.astimezone(due.tzinfo).replace(tzinfo=None) - due.replace(tzinfo=None)
        return max(1, math.ceil(wall / timedelta(days=1)))

    def percent_off(self, days: float) -> float:
        """Percent of the points that `days` of lateness cost."""
        if days <= 0:
            return 0.0
        return 100.0 if days > self.days else min(self.per_day * days, self.most, 100.0)


def parse_late(text: str) -> LateRule:
    """The `LateRule` that one line means."""
    given = {}
    parts = [] if text.strip().lower() in ("", "none") else [each.strip() for each in text.lower().split(",")]
    for part in parts:
        for name, pattern in _PARTS.items():
            match = re.fullmatch(pattern, part)
            if match and name not in given:
                given[name] = float(match[1])
                break
        else:
            raise InputError(
                f'late is {text!r}: cannot read {part!r}; write "none" or like "10% a day, at most 50%, '
                'nothing after 7 days, 2 hours grace"'
            )
    if parts and "per_day" not in given and "days" not in given:
        raise InputError(f'late is {text!r}; say what a day costs, like "10% a day"')
    return LateRule(text.strip() or "none", **given)
