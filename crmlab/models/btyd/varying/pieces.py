"""Where a customer may have died: the time since the last purchase, cut where covariates change.

Customers on one course with the same first purchase, end and frequency share all pieces but the first of
each, which begins at that customer's last purchase. So pieces belong to groups of rows, counted backwards
from the end, and what a row needs is a sum over the first pieces of its group.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from crmlab.models.btyd.varying.clock import Ints, distinct
from crmlab.models.btyd.varying.rows import VaryingRows

Array = npt.NDArray[np.float64]
CELLS = 1 << 20  # numbers in the largest working array of a block


@dataclass(frozen=True)
class Pieces:
    """The pieces of the rows of one block: those of groups, then one of each row.

    Attributes
    ----------
    rows : VaryingRows
    group : int array, shape (rows,)
    leader : int array, shape (groups,)
        A row of each group.
    shared : int array, shape (rows,)
        How many of the group's pieces, from the end, are also the row's.
    owner, place : int arrays, shape (pieces of groups,)
        The group of a piece, and its place counted from the end.
    """

    rows: VaryingRows
    group: Ints
    leader: Ints
    shared: Ints
    owner: Ints
    place: Ints

    @classmethod
    def of(cls, rows: VaryingRows) -> "Pieces":
        """The pieces of rows."""
        group = distinct([rows.course.astype(float), rows.x, rows.first, rows.end])
        leader = np.empty(int(group.max()) + 1, np.int64)
        leader[group] = np.arange(len(rows))
        shared = rows.end_run - rows.last_run
        most = np.zeros(leader.size, np.int64)
        np.maximum.at(most, group, shared)
        owner = np.repeat(np.arange(leader.size), most.astype(np.intp, copy=False))
        place = np.arange(owner.size) - np.repeat(np.cumsum(most) - most, most.astype(np.intp, copy=False))
        return cls(rows, group, leader, shared, owner, place)

    @cached_property
    def depth(self) -> int:
        """The largest number of pieces in a group."""
        return int(self.place.max()) + 1 if self.place.size else 0

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

    @cached_property
    def level(self) -> Ints:
        """The level of the covariates in each piece."""
        _, course, run, _, _ = self.every
        return self.rows.clock.code[course, run]

    @cached_property
    def points(self) -> tuple[Ints, Ints, Array]:
        """Course, run and time of the beginnings of all pieces, of groups' ends and first purchases."""
        rows, lead = self.rows, self.leader
        _, course, run, begin, _ = self.every
        return (
            np.r_[course, rows.course[lead], rows.course[lead]],
            np.r_[run, rows.end_run[lead], rows.first_run[lead]],
            np.r_[begin, rows.end[lead], rows.first[lead]],
        )

    def summed(self, log_mass: Array, slopes: Array) -> tuple[Array, Array, Array, Array]:
        """What each row's pieces come to.

        Parameters
        ----------
        log_mass : array, shape (pieces,)
            Log of the integral over each piece.
        slopes : array, shape (pieces, p)
            Its derivatives.

        Returns
        -------
        log_total : array, shape (rows,)
        own : array, shape (rows,)
            Share of the row's own piece in the total.
        mean : array, shape (rows, p)
            Derivatives of `log_total`.
        ratio : array, shape (depth, groups)
            Share of each piece of a group in the sum of it and those before it.
        """
        held, groups, depth = self.owner.size, self.leader.size, self.depth
        log_sum = np.full((depth + 1, groups), -np.inf)
        means = np.zeros((depth + 1, groups, slopes.shape[1]))
        log_piece, ratio = np.full((depth, groups), -np.inf), np.zeros((depth, groups))
        log_piece[self.place, self.owner] = log_mass[:held]
        slope = np.zeros((depth, groups, slopes.shape[1]))
        slope[self.place, self.owner] = slopes[:held]
        for q in range(depth):
            log_sum[q + 1] = np.logaddexp(log_sum[q], log_piece[q])
            ratio[q] = _share(log_piece[q], log_sum[q + 1])
            means[q + 1] = means[q] + ratio[q, :, None] * (slope[q] - means[q])
        before, mean = log_sum[self.shared, self.group], means[self.shared, self.group]
        log_total = np.logaddexp(before, log_mass[held:])
        own = _share(log_mass[held:], log_total)
        return log_total, own, mean + own[:, None] * (slopes[held:] - mean), ratio

    def spread(self, mass: Array, own: Array, ratio: Array) -> Array:
        """The mass of each row shared out over its pieces, shape (pieces,)."""
        reach = np.zeros((self.depth + 1, self.leader.size))
        np.add.at(reach, (self.shared, self.group), mass * (1.0 - own))
        shares = np.zeros((self.depth, self.leader.size))
        left = reach[self.depth]
        for q in range(self.depth - 1, -1, -1):
            shares[q] = left * ratio[q]
            left = reach[q] + left - shares[q]
        return np.r_[shares[self.place, self.owner], mass * own]


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
    depth = int((rows.end_run - rows.last_run).max()) + 2
    change = np.zeros(len(rows), bool)
    for column in (rows.course, rows.first, rows.x, rows.end):
        change[1:] |= np.diff(column[order]) != 0
    groups = np.cumsum(change)
    size = max(1, CELLS // (depth * width))
    part = groups // size
    cuts = np.flatnonzero(np.r_[True, np.diff(part) != 0, True])
    for start, stop in pairwise(cuts):
        yield order[start:stop], Pieces.of(rows.some(order[start:stop]))
