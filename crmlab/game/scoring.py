"""What part of a result was skill: advantages over doing nothing, in many lucks.

A team's advantage is its score less the score of doing nothing on the same customers with the same luck and
the same rivals. The luck that was played gives the *realised* advantage; other lucks after the same history
give its distribution, from which come the *expected* advantage and the luck interval.

Whether decisions are good is a matter of the expected advantage, and how well that is known of its standard
error; how much luck a single game holds is a matter of the luck interval. A wide interval makes no decision
worse.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

LEVEL = 0.9  # chance that another luck falls into the luck interval
EXACT = 19  # lucks from which on quantiles can hold that level
KNOWN = 0.95  # confidence with which the sign of a mean is called known
CENT = 0.01  # money below which a difference is none: scores are sums, which round
Floats = npt.NDArray[np.float64]


def luck_interval(lucks: Floats) -> tuple[float, float]:
    """Between what another luck falls nine times in ten: a prediction interval for one draw more.

    From 19 draws on it lies between the 5% and the 95% quantile at the places ``p (n + 1)`` of the order
    (Hyndman & Fan, 1996, definition 6). A new draw falls into each of the ``n + 1`` gaps with the same
    chance, so where these places are whole numbers that is exact for every continuous distribution. Fewer
    draws reach no such quantile; ``mean ± t √(1 + 1/n) s`` stands in, with the 95% quantile of t at n − 1
    degrees of freedom, exact where draws are normal. A single draw tells nothing of the next.

    Parameters
    ----------
    lucks : array of shape (lucks,)

    Returns
    -------
    low, high : float

    Examples
    --------
    >>> luck_interval(np.arange(1.0, 20.0))
    (1.0, 19.0)
    """
    n, tail = lucks.size, (1 - LEVEL) / 2
    if n >= EXACT:
        low, high = np.quantile(lucks, (tail, 1 - tail), method="weibull")
        return float(low), float(high)
    if n < 2:
        return -np.inf, np.inf
    reach = stdtrit(n - 1, 1 - tail) * sqrt(1 + 1 / n) * lucks.std(ddof=1)
    return float(lucks.mean() - reach), float(lucks.mean() + reach)


def known_sign(gains: Floats) -> int:
    """1 (−1) where the mean over lucks is known to be above (below) 0, with 95% confidence; else 0.

    That is a t test at n − 1 degrees of freedom: with four lucks a mean must be 3.2 standard errors from 0.
    Advantages are skewed to the right, since a few lucks bring large gains, so that a wrong gain is rarer
    than 1 in 40 and a wrong loss more frequent (``tests/benchmarks/bench_game.py --calibration``).
    """
    mean, error = float(gains.mean()), standard_error(gains)
    reach = stdtrit(gains.size - 1, (1 + KNOWN) / 2) * error if gains.size > 1 else np.inf
    return int(np.sign(mean)) if abs(mean) > max(reach, CENT) else 0


def standard_error(gains: Floats) -> float:
    """Of the mean over lucks; infinite where there is one."""
    return float(gains.std(ddof=1) / sqrt(gains.size)) if gains.size > 1 else float("inf")


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
    lucks: Floats

    @property
    def expected(self) -> float:
        """The mean over lucks."""
        return float(self.lucks.mean())

    @property
    def error(self) -> float:
        """The standard error of that mean."""
        return standard_error(self.lucks)

    @property
    def interval(self) -> tuple[float, float]:
        """The luck interval."""
        return luck_interval(self.lucks)

    @property
    def gains(self) -> int:
        """In how many of the lucks it is a gain."""
        return int((self.lucks > 0).sum())

    @property
    def sign(self) -> int:
        """1 (−1) where the expected advantage is known to be above (below) 0, else 0."""
        return known_sign(self.lucks)

    @property
    def steady(self) -> bool:
        """Whether the luck interval lies on one side of 0: so it comes out in nearly every luck."""
        low, high = self.interval
        return low > 0 or high < 0

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

        Skill (harm) where the expected advantage is known to be above (below) 0; misfortune (luck) where that
        is so, and yet a loss (a gain) was realised. Else undecided; idle where nothing differs from doing
        nothing.
        """
        if not self.lucks.any() and not self.realised:
            return "idle"
        if not self.sign:
            return "undecided"
        turned = self.realised * self.sign < 0
        if self.sign > 0:
            return "misfortune" if turned else "skill"
        return "luck" if turned else "harm"


def better(one: Advantage, other: Advantage) -> bool:
    """Whether one is known to be better than another: both meet the same lucks, so much of it cancels."""
    return known_sign(one.lucks - other.lucks) > 0


def ranks(advantages: Mapping[str, Advantage]) -> dict[str, int]:
    """Ranks by expected advantage, shared by teams none of whom is known to be better than another.

    From the highest expected advantage down, a team shares the rank of the one before it unless one of those
    with this rank is known to be `better`; then its rank is its place in the order. So whoever is known to be
    better has the better rank, and ranks never fall along the order.

    Returns
    -------
    dict of str to int
        In the order of expected advantages, the highest first.
    """
    found: dict[str, int] = {}
    rank, sharing = 1, list[Advantage]()
    for place, team in enumerate(sorted(advantages, key=lambda each: -advantages[each].expected), 1):
        if any(better(each, advantages[team]) for each in sharing):
            rank, sharing = place, []
        sharing.append(advantages[team])
        found[team] = rank
    return found


def ahead(one: Advantage, other: Advantage) -> float:
    """The share of lucks in which one is ahead of the other."""
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


def best_of(candidates: Mapping[str, Floats], realised: Mapping[str, float]) -> Best:
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
