"""How many customers a power needs, or how large an effect must be to be seen, by simulation.

A test that rejects when ``estimate / standard error`` passes a quantile has a power of about
``Φ(a + b √n)``. So the probit of the power is nearly a line in √n (for an effect, in the effect itself), and
the size that reaches a power is where that line crosses the power's probit: a first guess from one
diagnosis, then secant steps, each simulating where the line now crosses, until the crossing is known as
exactly as was asked. SimSolve of the R package SimDesign (Chalmers & Adkins 2020) is the model; there
the root is found by probabilistic bisection.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil, copysign, isfinite, sqrt
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import norm

from crmlab.errors import InputError, check_known
from crmlab.words import words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from crmlab.design.design import Design

ROUNDS = 12  # of simulation; most solutions take four
SPREAD = 0.35  # of the probit: how far beside the crossing the points that fix the line's slope lie
MOST = 64.0  # times larger or smaller the first guess may be than where the search starts
FAR = 100.0  # in place of an end that is infinite
GROWTH = 4.0  # times further, while the target lies beyond all points


@dataclass(frozen=True)
class Solution:
    """Where a hypothesis' power crosses a target.

    Attributes
    ----------
    hypothesis, estimator : str
    over : str
        The parameter that was moved.
    power : float
        The target.
    value : float
        Where the power crosses it; a whole number, rounded up, where the parameter is one.
    low, high : float
        95% interval of the crossing, from the Monte-Carlo error of the simulations.
    estimand : float
        The hypothesis' truth at `value`: the smallest effect seen with that power, if an effect was moved.
    path : DataFrame
        Every point simulated: its value, simulations, rejections and power with Monte-Carlo error.
    """

    hypothesis: str
    estimator: str
    over: str
    power: float
    value: float
    low: float
    high: float
    estimand: float
    path: pd.DataFrame = field(repr=False)

    def __repr__(self) -> str:
        return words(
            "design.solution",
            hypothesis=self.hypothesis,
            estimator=self.estimator,
            power=self.power,
            over=self.over,
            value=f"{self.value:,.4g}" if isinstance(self.value, float) else f"{self.value:,}",
            low=f"{self.low:,.4g}",
            high=f"{self.high:,.4g}",
            estimand=self.estimand,
        )

    def plot(self) -> Figure:
        """Draw it; see `crmlab.plots.solving.solution_plot`."""
        from crmlab.plots.solving import solution_plot  # drawing is paid for only by those who draw

        return solution_plot(self)


def solve(
    design: Design,
    hypothesis: str,
    power: float = 0.8,
    over: str = "n_customers",
    estimator: str | None = None,
    sims: int = 500,
    tolerance: float = 0.05,
    seed: int = 1,
    jobs: int | None = None,
) -> Solution:
    """The value of a parameter at which a hypothesis' power reaches a target; see `Design.solve`."""
    asked, name = _asked(design, hypothesis, power, over, estimator, sims, tolerance)

    def simulate(value: float, seed: int) -> pd.DataFrame:
        return asked.replace(**{over: value}).diagnose(sims=sims, seed=seed, jobs=jobs).simulations

    search = _Search(asked, over, power, simulate, seed)
    crossing = search.run(tolerance)
    value = ceil(crossing.value - 1e-9) if search.whole else crossing.value
    value = min(max(value, search.lowest), search.highest)
    at = asked.replace(**{over: value})
    estimand = at.hypothesis(hypothesis).estimand(at.parameters)
    return Solution(
        hypothesis, name, over, power, value, crossing.low, crossing.high, estimand, search.table()
    )


def _asked(design, hypothesis, power, over, estimator, sims, tolerance):
    """The design with the one test that is asked about, and that test's name; all arguments checked."""
    check_known("parameter", [over], design.parameters.names())
    if not isinstance(power, int | float) or not 0 < power < 1:
        raise InputError(f"power is {power!r}; give a share between 0 and 1")
    if isinstance(sims, bool) or not isinstance(sims, int | np.integer) or sims < 20:
        raise InputError(f"sims is {sims!r}; give a whole number of simulations a point, 20 or more")
    if not 0 < tolerance < 1:
        raise InputError(f"tolerance is {tolerance!r}; give a share of the answer, as 0.05")
    asked = design.only(hypothesis)
    tested = asked.hypotheses[0]
    name = estimator or tested.headline
    if isinstance(getattr(asked.parameters, over), bool | str):
        raise InputError(f"over is {over!r}, which is no number; name a parameter that is one")
    if power <= tested.level:
        raise InputError(
            f"power is {power}; it must exceed the test's level, {tested.level}, which every test reaches"
        )
    return asked.with_estimators(name), name


@dataclass(frozen=True)
class _Crossing:
    value: float
    low: float
    high: float


class _Search:
    """Points simulated so far, and the line through their probits.

    The line's axis is √n for a number of customers, and the estimand for an effect.
    """

    def __init__(self, design, over: str, power: float, simulate: Callable, seed: int):
        self.design, self.over, self.simulate, self.seed = design, over, simulate, seed
        self.power, self.target = power, norm.ppf(power)
        self.whole = isinstance(getattr(design.parameters, over), int)
        self.start = getattr(design.parameters, over)
        self.lowest, self.highest = design.parameters.range_of(over)
        self.points: list[tuple[float, int, int]] = []

    def run(self, tolerance: float) -> _Crossing:
        """Simulate until the crossing's interval is as narrow as `tolerance` says, or the rounds are over."""
        error = self.add(self.start)
        self.add(self._second(error))
        for _ in range(ROUNDS):
            crossing = self._crossing()
            if crossing is not None and crossing.high - crossing.low <= 2 * tolerance * abs(crossing.value):
                return crossing
            self.add(self._beside(crossing.value) if crossing is not None else self._nearer())
        if (crossing := self._crossing()) is None:
            raise InputError(self._unreachable())
        return crossing

    # Points ---------------------------------------------------------------------------------------------

    def add(self, value: float) -> float:
        """Simulate there; returns the estimates' standard deviation."""
        value = self._allowed(value)
        done = self.simulate(value, self.seed + len(self.points))
        self.points.append((value, len(done), int(done["rejected"].sum())))
        return float(done["estimate"].std())

    def _possible(self, value: float) -> bool:
        try:
            self.design.replace(**{self.over: value})
        except InputError:
            return False
        return True

    def _allowed(self, value: float) -> float:
        """The nearest value that the parameter may take and that makes a possible market."""
        value = self._rounded(min(max(value, self.lowest), self.highest))
        for _ in range(40):  # markets become impossible beyond some effect: come back towards the start
            if self._possible(value):
                return value
            value = self._rounded((value + self.start) / 2)
        return self.start

    def _rounded(self, value: float) -> float:
        return round(value) if self.whole else float(value)

    def _second(self, error: float) -> float:
        """Where a normal test would have the target power, judged by the first point alone."""
        test = self.design.hypotheses[0]
        one_sided = test.direction != "!="
        needed = self.target - norm.ppf(test.level if one_sided else test.level / 2)
        if not self.whole:
            side = -1 if test.direction == "<" else 1
            return self._apart(self._from_axis(test.null + side * needed * error))
        _, simulated, rejected = self.points[0]
        here = norm.ppf((rejected + 0.5) / (simulated + 1)) - norm.ppf(test.level)
        ratio = (needed / max(here, 0.15)) ** 2
        return self._apart(self.start * min(max(ratio, 1 / MOST), MOST))

    def _apart(self, value: float) -> float:
        """The value, or one a tenth beside it if it is the start: a line needs two points."""
        close = abs(value - self.start) < 0.05 * abs(self.start) or value == self.start
        return value + 0.1 * (abs(value) or 1.0) if close else value

    def _beside(self, crossing: float) -> float:
        """Where to simulate next once the line crosses: in turn on its two sides."""
        side = SPREAD if len(self.points) % 2 else -SPREAD
        slope = self._line()[0][1]
        return self._from_axis(self._axis(crossing) + side / slope)

    def _nearer(self) -> float:
        """Without a crossing: beyond the points if all lie on one side of the target, else between two."""
        powers = {value: rejected / simulated for value, simulated, rejected in self.points}
        below = [value for value, power in powers.items() if power < self.power]
        above = [value for value, power in powers.items() if power >= self.power]
        if below and above:
            near, far = max(below, key=powers.__getitem__), min(above, key=powers.__getitem__)
            return self._from_axis((self._axis(near) + self._axis(far)) / 2)
        best = min(powers, key=lambda value: abs(powers[value] - self.power))
        ways = [best * GROWTH, best / GROWTH] if below else [best / GROWTH, best * GROWTH]
        for value in (*ways, 0.0, -best, self.lowest, self.highest):
            if isfinite(value) and (value := self._allowed(value)) not in powers:
                return value
        raise InputError(self._unreachable())

    # The line -------------------------------------------------------------------------------------------

    def _axis(self, value: float) -> float:
        if self.whole:
            return sqrt(value)
        return self._estimand(value) if self._moves_estimand else value

    def _estimand(self, value: float) -> float:
        at = self.design.replace(**{self.over: value})
        return at.hypotheses[0].estimand(at.parameters)

    @cached_property
    def _moves_estimand(self) -> bool:
        """Whether the parameter is an effect: whether the truth depends on it."""
        low, high = self._allowed(self.lowest), self._allowed(self.highest)
        return self._estimand(low) != self._estimand(high)

    def _from_axis(self, x: float) -> float:
        if self.whole:
            return max(x, 0.0) ** 2
        if not self._moves_estimand:
            return x
        low, high = (
            self._allowed(end if isfinite(end) else copysign(FAR, end)) for end in (self.lowest, self.highest)
        )
        at_low, at_high = self._estimand(low) - x, self._estimand(high) - x
        if at_low * at_high > 0:  # beyond what the parameter can do: its nearer end
            return low if abs(at_low) < abs(at_high) else high
        return brentq(lambda value: self._estimand(value) - x, low, high, xtol=1e-6)

    def _line(self) -> tuple[np.ndarray, np.ndarray]:
        """Intercept and slope of the probit of power along the axis, and their covariance.

        Points far from the target are left out once three are near: the line is straight only nearby.
        """
        value, simulated, rejected = map(np.array, zip(*self.points, strict=True))
        share = (rejected + 0.5) / (simulated + 1)
        probit = norm.ppf(share)
        far = np.abs(probit - self.target)
        near = far < 1.0 if (far < 1.0).sum() >= 3 else far <= np.sort(far)[min(2, len(far) - 1)]
        weight = (simulated * norm.pdf(probit) ** 2 / (share * (1 - share)))[near]
        x = np.array([[1.0, self._axis(each)] for each in value[near].tolist()])
        covariance = np.linalg.pinv(x.T @ (weight[:, None] * x))
        return covariance @ (x.T @ (weight * probit[near])), covariance

    def _crossing(self) -> _Crossing | None:
        """Where the line crosses the target, with its interval by the delta method; None if it does not."""
        (intercept, slope), covariance = self._line()
        if not abs(slope) > 1.96 * np.sqrt(covariance[1, 1]):
            return None
        x = (self.target - intercept) / slope
        gradient = np.array([-1.0, -x]) / slope
        error = float(np.sqrt(gradient @ covariance @ gradient))
        low, high = sorted(self._from_axis(end) for end in (x - 1.96 * error, x + 1.96 * error))
        value = self._from_axis(x)
        return _Crossing(value, low, high) if self._bracketed(value) else None

    def _bracketed(self, value: float) -> bool:
        """Whether simulated points reach near the crossing, so that it is not mere extrapolation."""
        points = [each for each, _, _ in self.points]
        reach = 0.25 * abs(value)
        return max(self.lowest, min(points) - reach) <= value <= min(self.highest, max(points) + reach)

    def _unreachable(self) -> str:
        rows = "; ".join(f"{value:,.4g}: {hit / run:.2f}" for value, run, hit in sorted(self.points))
        return (
            f"power {self.power} is not reached by moving {self.over}, which may lie from {self.lowest:,} to "
            f"{self.highest:,}; power was {rows}. Name another parameter, or another power"
        )

    def table(self) -> pd.DataFrame:
        table = pd.DataFrame(self.points, columns=[self.over, "sims", "rejections"])
        table["power"] = table["rejections"] / table["sims"]
        table["power_mcse"] = np.sqrt(table["power"] * (1 - table["power"]) / table["sims"])
        return table
