"""What part of a result was skill: advantages over doing nothing, in many lucks.

A team's advantage is its score less the score of doing nothing on the same customers with the same luck and
the same rivals. The luck that was played gives the *realised* advantage; other lucks after the same history
give its distribution, from which come the *expected* advantage and the luck interval.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

WITHIN = (0.05, 0.95)  # quantiles that bound the luck interval
SURE = 2.0  # standard errors from 0 beyond which the sign of an expected advantage is taken as known
AHEAD = 0.95  # share of lucks in which one team is ahead of another, to be called ahead of it


@dataclass(frozen=True)
class Advantage:
    """Of one way of playing over another.

    Attributes
    ----------
    realised : float
        With the luck that was played.
    lucks : array of shape (lucks,)
        With others.
    """

    realised: float
    lucks: npt.NDArray[np.float64]

    @property
    def expected(self) -> float:
        """The mean over lucks."""
        return float(self.lucks.mean())

    @property
    def error(self) -> float:
        """The standard error of that mean; infinite where there is one luck."""
        return float(self.lucks.std(ddof=1) / sqrt(self.lucks.size)) if self.lucks.size > 1 else float("inf")

    @property
    def interval(self) -> tuple[float, float]:
        """The luck interval: between the 5% and the 95% quantile over lucks."""
        low, high = np.quantile(self.lucks, WITHIN)
        return float(low), float(high)

    @property
    def luck(self) -> float:
        """What luck added: realised less expected."""
        return self.realised - self.expected

    @property
    def surprise(self) -> int:
        """1 (−1) where what was realised lies above (below) the luck interval, else 0."""
        low, high = self.interval
        return int(self.realised > high) - int(self.realised < low)

    @property
    def verdict(self) -> str:
        """``"skill"``, ``"harm"``, ``"luck"``, ``"misfortune"``, ``"undecided"`` or ``"idle"``.

        Skill (harm) where the luck interval lies above (below) 0. Else luck (misfortune) where what was
        realised is a gain (a loss) though the expected advantage is known to be of the other sign. Else
        undecided; idle where nothing differs from doing nothing.
        """
        low, high = self.interval
        if not self.lucks.any() and not self.realised:
            return "idle"
        if low > 0 or high < 0:
            return "skill" if low > 0 else "harm"
        if abs(self.expected) > SURE * self.error and self.realised * self.expected < 0:
            return "luck" if self.realised > 0 else "misfortune"
        return "undecided"


def ranks(advantages: Mapping[str, Advantage]) -> dict[str, int]:
    """Ranks by expected advantage, in which teams whose luck intervals overlap share one.

    From the highest expected advantage down, a team shares the rank of the one before it unless its interval
    lies wholly below that of the first team with this rank; then its rank is its place in the order. (Overlap
    is not transitive, so it is the first of a rank that counts, and ranks never fall along the order.)

    Returns
    -------
    dict of str to int
        In the order of expected advantages, the highest first.
    """
    found: dict[str, int] = {}
    rank, floor = 1, -np.inf
    for place, team in enumerate(sorted(advantages, key=lambda each: -advantages[each].expected), 1):
        low, high = advantages[team].interval
        if place == 1 or high < floor:
            rank, floor = place, low
        found[team] = rank
    return found


def ahead(one: Advantage, other: Advantage) -> float:
    """The share of lucks in which one is ahead of the other; both meet the same, so much of it cancels."""
    return float((one.lucks > other.lucks).mean())


def places(values: Mapping[str, float]) -> dict[str, int]:
    """Places by a plain number, the highest first; equals share a place."""
    return {team: 1 + sum(other > value for other in values.values()) for team, value in values.items()}


@dataclass(frozen=True)
class Best:
    """The best of some ways of playing, chosen on one half of the lucks and judged on the other.

    Attributes
    ----------
    name : str
    advantage : Advantage
        On the half that did not choose it.
    """

    name: str
    advantage: Advantage


def best_of(candidates: Mapping[str, npt.NDArray[np.float64]], realised: Mapping[str, float]) -> Best:
    """Choose the best candidate without flattering it.

    The highest of several means on the lucks that chose it is too high, so the others judge it.

    Parameters
    ----------
    candidates : mapping of str to array of shape (lucks,)
        Advantages over doing nothing.
    realised : mapping of str to float
    """
    half = {name: values[::2] for name, values in candidates.items()}
    name = max(half, key=lambda each: half[each].mean())
    return Best(name, Advantage(realised[name], candidates[name][1::2]))


def forecast_error(forecasts: Sequence[float | None], profits: Sequence[float]) -> tuple[int, float] | None:
    """How many rounds a team foretold, and by how much it erred on average, in money; None if it did not."""
    told = [(said, came) for said, came in zip(forecasts, profits) if said is not None]
    return (len(told), float(np.mean([said - came for said, came in told]))) if told else None
