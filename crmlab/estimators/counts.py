"""Counts: the share of rows with an event, by the binomial distribution itself and no approximation."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import betainc

from crmlab.design import Estimate, Estimator, Tables
from crmlab.errors import InputError, check_known, listing

BISECTIONS = 60


def mid_p_tail(events: np.ndarray, trials: np.ndarray, chance: np.ndarray | float) -> np.ndarray:
    """Chance of fewer events than there are, and half that of as many: a p-value against a smaller chance.

    Parameters
    ----------
    events, trials : array
        Whole numbers; NaN where there is no trial.
    chance : array or float
        Of an event in a trial.
    """
    events, trials = np.asarray(events, dtype=float), np.asarray(trials, dtype=float)
    up_to = np.where(
        events >= trials, 1.0, 1 - betainc(events + 1, np.maximum(trials - events, 1e-9), chance)
    )
    fewer = np.where(events <= 0, 0.0, 1 - betainc(np.maximum(events, 1e-9), trials - events + 1, chance))
    return np.where(trials > 0, (up_to + fewer) / 2, np.nan)


def mid_p_interval(
    events: np.ndarray, trials: np.ndarray, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """The interval of chances that a two-sided mid-p test does not reject (Lancaster 1961).

    It holds the chance in about 95% of samples, where that of Clopper and Pearson holds it in more.
    """

    def end(tail):
        low, high = np.zeros(np.shape(events)), np.ones(np.shape(events))
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            onwards = mid_p_tail(events, trials, middle) > tail  # the tail falls in the chance
            low, high = np.where(onwards, middle, low), np.where(onwards, high, middle)
        return np.where(np.asarray(trials) > 0, low, np.nan)

    lower, upper = end((1 + level) / 2), end((1 - level) / 2)
    return np.where(np.asarray(events) <= 0, 0.0, lower), np.where(events >= trials, 1.0, upper)


@dataclass(frozen=True)
class ShareAmong(Estimator):
    """The share of rows with an event among the rows that count, by mid-p.

    Parameters
    ----------
    event, among : str
        Columns of 0 and 1: whether it happened, and which rows count.
    table : str, optional
        Needed when the cohort has several.
    null : float
        What the share is tested against.
    direction : {"<", ">"}
        Of the claim.
    """

    event: str
    among: str
    table: str | None = None
    null: float = 0.5
    direction: str = "<"

    failure: ClassVar[str] = "no row counts, so there is no share"

    def __post_init__(self) -> None:
        check_known("direction", [self.direction], ("<", ">"))
        if not 0 < self.null < 1:
            raise InputError(f"null is {self.null}; a share to test against lies between 0 and 1")

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        columns = tables.columns(self.table)
        check_known("column", [self.event, self.among], columns)
        event, among = (np.asarray(columns[name], dtype=float) for name in (self.event, self.among))
        for name, values in ((self.event, event), (self.among, among)):
            if ((values != 0) & (values != 1)).any():
                strange = np.setdiff1d(values, (0.0, 1.0))
                raise InputError(f"{name} holds {listing(strange, 5)}; it must be 0 or 1")
        events, trials = (event * among).sum(-1), (among * np.ones(event.shape)).sum(-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            share = events / trials
            tail = mid_p_tail(events, trials, self.null)
            error = np.sqrt(share * (1 - share) / trials)
        p_value = tail if self.direction == "<" else 1 - tail
        return Estimate(share, error, interval=mid_p_interval(events, trials), p_value=p_value)
