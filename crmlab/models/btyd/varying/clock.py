"""Covariates through time as steps, and the clocks that they make run faster or slower.

A customer whose rate is λ exp(γ′x(t)) buys as one of rate λ on a clock that shows A(t) = ∫ exp(γ′x(u)) du
since the first purchase (Fader & Hardie, note 40, https://www.brucehardie.com/notes/040/; Bachmann, Meierer &
Näf 2021). Covariates are constant within periods, so a clock is linear in between.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from crmlab.models.btyd.rows import factorize

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Paths:
    """Covariates by period, of one or several courses that customers follow.

    Attributes
    ----------
    names : tuple of str
        Of the k covariates.
    edges : array, shape (K + 1,)
        Days since 1970; period j lasts from edges[j] up to edges[j + 1].
    code : int array, shape (C, K)
        The row of `levels` that holds in each period of each course.
    levels : array, shape (L, k)
    which : int array, shape (n,)
        The course of each customer.
    """

    names: tuple[str, ...]
    edges: Array
    code: Ints
    levels: Array
    which: Ints

    def beside(self, other: "Paths") -> "Paths":
        """Both sets of covariates, in the periods in which neither changes."""
        low, high = max(self.edges[0], other.edges[0]), min(self.edges[-1], other.edges[-1])
        edges = np.unique(np.concatenate([self.edges, other.edges, [low, high]]))
        edges = edges[(edges >= low) & (edges <= high)]
        both, which = _pairs(self.which, other.which)
        place = [np.searchsorted(each.edges, edges[:-1], side="right") - 1 for each in (self, other)]
        first = self.code[both[:, 0][:, None], place[0]]
        second = other.code[both[:, 1][:, None], place[1]]
        pairs, code = _pairs(first.ravel(), second.ravel())
        levels = np.hstack([self.levels[pairs[:, 0]], other.levels[pairs[:, 1]]])
        return Paths(self.names + other.names, edges, code.reshape(first.shape), levels, which)


def _pairs(a: Ints, b: Ints) -> tuple[Ints, Ints]:
    """Distinct pairs, shape (p, 2), and the pair of each element."""
    width = int(b.max()) + 1 if b.size else 1
    code, pairs = factorize(a.astype(np.int64) * width + b)
    place = np.empty(pairs, np.int64)
    place[code] = np.arange(code.size)
    return np.column_stack([a[place], b[place]]), code


@dataclass(frozen=True)
class Clock:
    """Courses of covariates as runs of equal ones, with time in the unit of the data.

    Attributes
    ----------
    edges : array, shape (C, R + 1)
        Time since `origin`; runs that a course does not have are empty.
    code : int array, shape (C, R)
        The level that holds in each run.
    levels : array, shape (L, k)
        Covariates of purchases, then those of dropout.
    grid : array, shape (K + 1,)
        Edges of the periods, in time since `origin`.
    run : int array, shape (C, K)
        The run that each period is part of.
    origin, unit : float
        Days since 1970 at time 0, and days in the unit of time.
    split : int
        How many of the k covariates are of purchases.
    """

    edges: Array
    code: Ints
    levels: Array
    grid: Array
    run: Ints
    origin: float
    unit: float
    split: int

    @classmethod
    def of(cls, paths: Paths, split: int, unit: float) -> "Clock":
        """The clock of paths whose first `split` covariates are of purchases."""
        changes = np.diff(paths.code, axis=1) != 0
        run = np.concatenate([np.zeros((len(paths.code), 1), np.int64), np.cumsum(changes, axis=1)], axis=1)
        courses, runs = len(run), int(run.max()) + 1
        grid = (paths.edges - paths.edges[0]) / unit
        edges = np.full((courses, runs + 1), grid[-1])
        code = np.tile(paths.code[:, -1:], (1, runs)).astype(np.int64)
        course, period = np.nonzero(np.concatenate([np.ones((courses, 1), bool), changes], axis=1))
        edges[course, run[course, period]] = grid[period]
        code[course, run[course, period]] = paths.code[course, period]
        return cls(edges, code, paths.levels, grid, run, float(paths.edges[0]), unit, split)

    def time(self, moment: Array | float) -> Array:
        """Days since 1970 as time since `origin`."""
        return np.asarray((np.asarray(moment) - self.origin) / self.unit, float)

    def runs_at(self, course: Ints, time: Array) -> Ints:
        """The run that holds at each time on each course."""
        period = np.searchsorted(self.grid, time, side="right") - 1
        found: Ints = self.run[course, np.clip(period, 0, len(self.grid) - 2)]
        return found

    def points(self, course: Ints, time: Array, run: Ints | None = None) -> "Points":
        """Times on courses, in the runs that hold then if no others are given."""
        run = self.runs_at(course, time) if run is None else run
        runs = self.code.shape[1]
        cell = np.asarray(course * runs + run, np.intp)
        edge = np.asarray(course * (runs + 1) + run, np.intp)
        return Points(edge, cell, self.code.ravel()[cell], time - self.edges.ravel()[edge])

    def only(self, courses: Ints) -> "Clock":
        """The clock of some courses, in this order."""
        return replace(self, edges=self.edges[courses], code=self.code[courses], run=self.run[courses])

    def of_side(self, columns: slice) -> "Clock":
        """The clock of some of the covariates: of one run a course where these never change."""
        levels = self.levels[:, columns]
        if not self.constant[columns].all():
            return replace(self, levels=levels)
        course = np.arange(len(self.code))[:, None]
        ends, level = self.edges[:, [0, -1]], levels[self.code[:, 0]]
        return replace(self, edges=ends, code=course, levels=level, run=np.zeros_like(self.run))

    def compact(self) -> "Clock":
        """The clock without levels that none of its courses is ever on."""
        code, count = factorize(self.code.ravel())
        kept = np.empty(count, np.int64)
        kept[code] = self.code.ravel()
        return replace(self, code=code.reshape(self.code.shape), levels=self.levels[kept])

    @cached_property
    def constant(self) -> npt.NDArray[np.bool_]:
        """Which covariates are the same all along each course, shape (k,)."""
        along = (column[self.code] for column in self.levels.T)
        return np.array([bool((each == each[:, :1]).all()) for each in along], bool)

    @cached_property
    def lengths(self) -> Array:
        """Lengths of runs, shape (C, R)."""
        return np.diff(self.edges, axis=1)

    @cached_property
    def exposure(self) -> Array:
        """Time that all courses spend on each level, shape (L,)."""
        return np.bincount(
            self.flat.astype(np.intp, copy=False), self.lengths.ravel(), minlength=len(self.levels)
        ).astype(float)

    @cached_property
    def flat(self) -> npt.NDArray[np.intp]:
        """`code` laid out flat."""
        return self.code.ravel().astype(np.intp, copy=False)


@dataclass(frozen=True)
class Points:
    """Times on courses of a clock.

    Attributes
    ----------
    edge, cell : int arrays
        The edge before each time and the run after it, in tables of (C, R + 1) and (C, R) laid out flat.
    level : int array
    beyond : array
        Time since that edge.
    """

    edge: npt.NDArray[np.intp]
    cell: npt.NDArray[np.intp]
    level: Ints
    beyond: Array


@dataclass(frozen=True)
class Hand:
    """One hand of a clock: how far it is at each edge, and its derivatives in the coefficients.

    Attributes
    ----------
    clock : Clock
    x : array, shape (L, k)
        The covariates that move it.
    speed : array, shape (L,)
        exp(x @ coefficients) of each level.
    given : array, shape (C, R), optional
        Speeds in each run that are not those of levels.
    """

    clock: Clock
    x: Array
    speed: Array
    given: Array | None = None

    @classmethod
    def of(cls, clock: Clock, x: Array, coefficients: Array) -> "Hand":
        """The hand that coefficients of some covariates make."""
        return cls(clock, x, np.exp(np.asarray(x @ coefficients, float)))

    @cached_property
    def rate(self) -> Array:
        """Speed in each run, shape (C, R)."""
        return self.speed[self.clock.code] if self.given is None else self.given

    @cached_property
    def at_edges(self) -> Array:
        """How far the hand is at each edge, shape (C, R + 1)."""
        return _summed(self.rate * self.clock.lengths)

    @cached_property
    def slopes_at_edges(self) -> Array:
        """Derivatives of `at_edges` in the coefficients, shape (k, C × (R + 1))."""
        steps, code = self.rate * self.clock.lengths, self.clock.code
        found = np.zeros((self.x.shape[1], *self.at_edges.shape))
        for column, sums in zip(self.x.T, found):
            np.cumsum(steps * column[code], axis=1, out=sums[:, 1:])
        return found.reshape(len(found), self.at_edges.size)

    def at(self, points: Points) -> Array:
        """How far the hand is at some times."""
        return self.at_edges.ravel()[points.edge] + self.rate.ravel()[points.cell] * points.beyond

    def slopes(self, points: Points) -> Array:
        """Derivatives of `at` in the coefficients, shape (k, n)."""
        found = self.slopes_at_edges.take(points.edge, axis=1)
        if len(found):
            beyond = self.rate.ravel()[points.cell] * points.beyond
            for column, each in zip(self.x.T, found):
                each += beyond * column[points.level]
        return found

    def time_of(self, course: Ints, reading: Array) -> Array:
        """When the hand is at `reading`: the inverse of `at`; infinite beyond the last edge."""
        top = self.at_edges[course, -1]
        share = np.where(top > 0, reading / np.where(top > 0, top, 1.0), np.inf)
        whole = self.at_edges / np.maximum(self.at_edges[:, -1:], 1e-300) + np.arange(len(self.rate))[:, None]
        flat = (
            np.searchsorted(whole[:, :-1].ravel(), np.minimum(share, 1.0) * (1 - 1e-15) + course, "right") - 1
        )
        run = np.clip(flat - course * self.rate.shape[1], 0, self.rate.shape[1] - 1)
        beyond = (reading - self.at_edges[course, run]) / self.rate[course, run]
        return np.where(share <= 1.0, self.clock.edges[course, run] + np.maximum(beyond, 0.0), np.inf)

    def curvature(self, weights: Array, points: Points) -> Array:
        """Σ weights × second derivatives of `at`, (k, k); each is Σ length × speed × x x′ up to then."""
        clock = self.clock
        if not self.x.shape[1]:
            return np.zeros((0, 0))
        shape, cells = clock.code.shape, clock.code.size
        ends = np.bincount(points.cell.astype(np.intp, copy=False), weights, minlength=cells).reshape(shape)
        after = np.cumsum(ends, axis=1)  # of what ends in later runs
        np.subtract(after[:, -1:], after, out=after)
        own = np.bincount(
            points.cell.astype(np.intp, copy=False), weights * points.beyond, minlength=cells
        ).reshape(shape)
        lived = (self.rate * (after * clock.lengths + own)).ravel()
        spent = np.bincount(clock.flat.astype(np.intp, copy=False), lived, minlength=len(self.x))
        return (self.x.T * spent) @ self.x


def _summed(steps: Array) -> Array:
    """Sums along the second axis, from 0."""
    zero = np.zeros((steps.shape[0], 1, *steps.shape[2:]))
    return np.concatenate([zero, np.cumsum(steps, axis=1)], axis=1)


def distinct(columns: list[Array]) -> Ints:
    """Whole numbers from 0 that are equal where all columns are."""
    key = np.zeros(len(columns[0]), np.int64)
    size = 1
    for column in columns:
        code, levels = factorize(column)
        if size * levels >= 1 << 62:
            key, size = factorize(key)
        key, size = key * levels + code, size * levels
    return factorize(key)[0]
