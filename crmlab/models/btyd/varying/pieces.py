"""Where a customer may have died: the time since the last purchase, cut where covariates change.

Customers on one course with the same first purchase, end and frequency share all pieces but the first of
each, which begins at that customer's last purchase. So pieces belong to groups of rows, counted backwards
from the end, and what a row needs is a sum over the first pieces of its group. Pieces between the last
purchases of two rows of a group are summed up once, as a segment.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from crmlab.models.btyd.varying.clock import Clock, Ints, Points, distinct
from crmlab.models.btyd.varying.rows import VaryingRows

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
CELLS = 1 << 16  # numbers in the largest working array of a block: few enough for the processor's cache


@dataclass(frozen=True)
class Sums:
    """What the pieces of each row come to.

    Attributes
    ----------
    log_total : array, shape (rows,)
    own : array, shape (rows,)
        Share of the row's own piece in the total.
    mean : array, shape (p, rows)
        Derivatives of `log_total`.
    within : array, shape (pieces of groups,)
        Share of each piece in its segment.
    ratio : array, shape (depth, groups)
        Share of each segment of a group in the sum of it and those before it.
    """

    log_total: Array
    own: Array
    mean: Array
    within: Array
    ratio: Array


@dataclass(frozen=True)
class Pieces:
    """The pieces of the rows of one block: those of groups, then one of each row.

    Attributes
    ----------
    rows : VaryingRows
    group : int array, shape (rows,)
    leader : int array, shape (groups,)
        A row of each group.
    owner, place : int arrays, shape (pieces of groups,)
        The group of a piece, and its place counted from the end.
    starts : int array, shape (segments,)
        The first piece of each segment.
    segment : int array, shape (pieces of groups,)
        The segment of each piece.
    held, rank : int arrays, shape (segments,)
        The group of a segment, and its place counted from the end.
    upto : int array, shape (rows,)
        How many of the group's segments are also the row's.
    """

    rows: VaryingRows
    group: Places
    leader: Places
    owner: Places
    place: Places
    starts: Places
    segment: Places
    held: Places
    rank: Places
    upto: Places

    @classmethod
    def of(cls, rows: VaryingRows) -> "Pieces":
        """The pieces of rows."""
        group = distinct([rows.course.astype(float), rows.x, rows.first, rows.end]).astype(np.intp)
        leader = np.empty(int(group.max()) + 1, np.intp)
        leader[group] = np.arange(len(rows))
        shared = (rows.end_run - rows.last_run).astype(np.intp)
        most = np.zeros(leader.size, np.intp)
        np.maximum.at(most, group, shared)
        owner, place = _counted(most)
        width = int(most.max()) + 1
        key, found = np.unique(group * width + shared, return_inverse=True)
        key_group, ends = np.divmod(key, width)
        kept = ends > 0
        held, ends = key_group[kept], ends[kept]
        first = np.r_[True, np.diff(held) != 0][: held.size]
        lengths = ends - np.where(first, 0, np.r_[0, ends[:-1]][: held.size])
        each = np.arange(held.size, dtype=np.intp)
        rank = each - np.maximum.accumulate(np.where(first, each, 0))
        upto = np.zeros(key.size, np.intp)
        upto[kept] = rank + 1
        starts, segment = np.cumsum(lengths) - lengths, np.repeat(each, lengths.astype(np.intp, copy=False))
        return cls(rows, group, leader, owner, place, starts, segment, held, rank, upto[found])

    @cached_property
    def depth(self) -> int:
        """The largest number of segments in a group."""
        return int(self.rank.max()) + 1 if self.rank.size else 0

    @cached_property
    def every(self) -> tuple[Ints, Ints, Ints, Array, Array]:
        """Group, course, run, beginning and end of all pieces: of groups, then of rows."""
        rows, lead = self.rows, self.leader[self.owner]
        run = np.r_[rows.end_run[lead] - self.place, rows.last_run]
        group = np.r_[self.owner, self.group]
        course = np.r_[rows.course[lead], rows.course]
        edges = rows.clock.edges
        begin = np.r_[edges[rows.course[lead], run[: lead.size]], rows.last]
        over = np.r_[rows.end[lead], rows.end]
        end = np.minimum(edges[course, run + 1], over)
        return group, course, run, begin, np.maximum(end, begin)

    def on_side(self, columns: slice) -> "Dial":
        """What the clock of some of the covariates has to say about the pieces."""
        rows, lead = self.rows, self.leader
        group, course, run, begin, _ = self.every
        clock = rows.clock.of_side(columns)
        courses = np.r_[course, rows.course[lead], rows.course[lead]]
        runs = np.r_[run, rows.end_run[lead], rows.first_run[lead]]
        times = np.r_[begin, rows.end[lead], rows.first[lead]]
        points = clock.points(courses, times, np.minimum(runs, clock.code.shape[1] - 1))
        return Dial(clock, points, clock.levels.T[:, points.level[: group.size]])

    def summed(self, log_mass: Array, slopes: Array) -> Sums:
        """What each row's pieces come to.

        Parameters
        ----------
        log_mass : array, shape (pieces,)
            Log of the integral over each piece.
        slopes : array, shape (p, pieces)
            Its derivatives.
        """
        held, groups, depth = self.owner.size, self.leader.size, self.depth
        log_sum = np.full((depth + 1, groups), -np.inf)
        means = np.zeros((depth + 1, len(slopes), groups))
        log_segment, ratio = np.full((depth, groups), -np.inf), np.zeros((depth, groups))
        log_parts, within, slope = self._segments(log_mass[:held], slopes[:, :held])
        log_segment[self.rank, self.held] = log_parts
        steps = np.zeros((depth, len(slopes), groups))
        steps[self.rank, :, self.held] = slope.T
        for q in range(depth):
            log_sum[q + 1] = np.logaddexp(log_sum[q], log_segment[q])
            ratio[q] = _share(log_segment[q], log_sum[q + 1])
            means[q + 1] = means[q] + ratio[q] * (steps[q] - means[q])
        before, mean = log_sum[self.upto, self.group], means[self.upto, :, self.group].T
        log_total = np.logaddexp(before, log_mass[held:])
        own = _share(log_mass[held:], log_total)
        return Sums(log_total, own, mean + own * (slopes[:, held:] - mean), within, ratio)

    def _segments(self, log_mass: Array, slopes: Array) -> tuple[Array, Array, Array]:
        """Log of the integral over each segment, shares of its pieces, and its derivatives."""
        if not self.starts.size:
            return np.zeros(0), np.zeros(0), np.zeros((len(slopes), 0))
        top = np.maximum.reduceat(log_mass, self.starts)
        top = np.where(np.isfinite(top), top, 0.0)
        parts = np.exp(log_mass - top[self.segment])
        total = np.add.reduceat(parts, self.starts)
        parts *= (1.0 / np.where(total > 0, total, 1.0))[self.segment]
        with np.errstate(divide="ignore"):
            return top + np.log(total), parts, np.add.reduceat(slopes * parts, self.starts, axis=1)

    def spread(self, mass: Array, sums: Sums) -> Array:
        """The mass of each row shared out over its pieces, shape (pieces,)."""
        reach = np.zeros((self.depth + 1, self.leader.size))
        np.add.at(reach, (self.upto, self.group), mass * (1.0 - sums.own))
        shares = np.zeros((self.depth, self.leader.size))
        left = reach[self.depth]
        for q in range(self.depth - 1, -1, -1):
            shares[q] = left * sums.ratio[q]
            left = reach[q] + left - shares[q]
        return np.r_[shares[self.rank, self.held][self.segment] * sums.within, mass * sums.own]


@dataclass(frozen=True)
class Dial:
    """Pieces on the clock of one process.

    Attributes
    ----------
    clock : Clock
        Of this process' covariates alone.
    points : Points
        Beginnings of all pieces, then groups' ends and first purchases.
    x : array, shape (k, pieces)
        Covariates in each piece.
    """

    clock: Clock
    points: Points
    x: Array


def _counted(sizes: Places) -> tuple[Places, Places]:
    """The owner of each of so many things, and its place among the owner's."""
    counts = sizes.astype(np.intp, copy=False)
    owner = np.repeat(np.arange(sizes.size, dtype=np.intp), counts)
    return owner, np.arange(owner.size, dtype=np.intp) - np.repeat(np.cumsum(counts) - counts, counts)


def _share(log_part: Array, log_whole: Array) -> Array:
    with np.errstate(invalid="ignore"):
        return np.where(np.isfinite(log_whole), np.exp(log_part - log_whole), 0.0)


def blocks(rows: VaryingRows, width: int) -> Iterator[tuple[Ints, Pieces]]:
    """Pieces of rows in blocks whose working arrays stay small; rows of one group stay together.

    Parameters
    ----------
    width : int
        Numbers that are held of each piece.

    Yields
    ------
    int array, Pieces
        Positions of the block's rows, and their pieces.
    """
    order = np.lexsort((rows.end, rows.x, rows.first, rows.course))
    change = np.zeros(len(rows), bool)
    for column in (rows.course, rows.first, rows.x, rows.end):
        change[1:] |= np.diff(column[order]) != 0
    change[0] = True
    starts = np.flatnonzero(change)
    pieces = np.maximum.reduceat((rows.end_run - rows.last_run)[order], starts)
    pieces += np.diff(np.r_[starts, len(rows)])
    part = np.cumsum(pieces * width) // CELLS
    cuts = np.r_[starts[np.flatnonzero(np.diff(part, prepend=-1))], len(rows)]
    for start, stop in pairwise(cuts):
        some = rows.some(order[start:stop])
        yield order[start:stop], Pieces.of(replace(some, clock=some.clock.compact()))
