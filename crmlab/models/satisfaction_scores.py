"""The numbers that dashboards make of ticks, and what each of them throws away.

Every one of them is the mean of a recoded tick: 1 for the two best boxes and 0 for the others; +100 for a
promoter and -100 for a detractor; the tick itself. So one function gives them all, with their errors, and one
formula tells how many customers a recoding is worth.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr
from scipy.stats import norm

from crmlab.errors import InputError, check_known

Array = npt.NDArray[np.float64]
SCORES = ("mean", "top_two_box", "csat", "nps")


@dataclass(frozen=True)
class Score:
    """A score of a survey, with its standard error."""

    name: str
    value: float
    standard_error: float
    rows: int


def worth_of_ticks(name: str, points: int) -> Array:
    """What each box of a scale counts for.

    Parameters
    ----------
    name : {"mean", "top_two_box", "csat", "nps"}
        ``mean``: the mean tick on a scale of 0 to 100, as ACSI reports it; ``top_two_box``: percent in the
        two best boxes; ``csat``: percent above the middle box (firms differ in what they call CSAT); ``nps``:
        percent of 9 and 10 less percent of 0 to 6, for the 11 boxes from 0 to 10 only (Reichheld 2003).
    points : int
        Boxes of the scale.

    Returns
    -------
    array of shape (points,)
        From the worst box to the best.
    """
    check_known("score", [name], SCORES)
    if isinstance(points, bool) or not isinstance(points, (int, np.integer)) or points < 3:
        raise InputError(f"points is {points!r}; give a whole number of boxes, 3 or more")
    box = np.arange(points)
    if name == "mean":
        return 100 * box / (points - 1)
    if name == "top_two_box":
        return np.where(box >= points - 2, 100.0, 0.0)
    if name == "csat":
        return np.where(box > (points - 1) / 2, 100.0, 0.0)
    if points != 11:
        raise InputError(f"points is {points}; nps is defined on 11 boxes, 0 to 10")
    return 100.0 * (box >= 9) - 100.0 * (box <= 6)


def satisfaction_score(name: str, ticks: npt.ArrayLike, points: int, lowest: int = 1) -> Score:
    """A score of a survey.

    Parameters
    ----------
    name, points
        As in `worth_of_ticks`.
    ticks : array of shape (rows,)
        Whole numbers from `lowest` on.
    lowest : int
        The worst box: 1, or 0 for a likelihood to recommend.

    Returns
    -------
    Score

    Raises
    ------
    InputError
        If a tick is none of the boxes.
    """
    ticks = np.asarray(ticks, dtype=float)
    box = ticks - lowest
    strange = ~np.isin(box, np.arange(points))
    if strange.any() or ticks.ndim != 1 or len(ticks) < 2:
        shown = ticks[strange][:5].tolist() if strange.any() else f"an array of shape {ticks.shape}"
        raise InputError(
            f"ticks holds {shown}; give two or more whole numbers from {lowest} to {lowest + points - 1}"
        )
    worth = worth_of_ticks(name, points)[box.astype(int)]
    return Score(name, float(worth.mean()), float(worth.std(ddof=1) / np.sqrt(len(worth))), len(worth))


def efficiency(
    worth: npt.ArrayLike, thresholds: npt.ArrayLike, mean: npt.ArrayLike, spread: float = 1.0
) -> Array:
    """Share of the customers that would have been enough, had satisfaction been seen and not its ticks.

    For a small shift of everybody's satisfaction, which is normal with this mean and spread. A score's power
    depends on the squared ratio of what the shift does to it and its standard deviation; the efficiency is
    that, divided by the same for satisfaction.

    Parameters
    ----------
    worth : array of shape (points,)
        From `worth_of_ticks`.
    thresholds : array of shape (points - 1,)
        Between the boxes, rising.
    mean : array
    spread : float

    Returns
    -------
    array of the shape of `mean`
        From 0 to 1.
    """
    worth, thresholds = np.asarray(worth, dtype=float), np.asarray(thresholds, dtype=float)
    if worth.shape != (len(thresholds) + 1,):
        raise InputError(f"worth has shape {worth.shape} for {len(thresholds)} thresholds; give one more")
    distance = (thresholds - np.asarray(mean, dtype=float)[..., None]) / spread
    chances = np.diff(ndtr(distance), axis=-1, prepend=0.0, append=1.0)
    shift = norm.pdf(distance) @ np.diff(worth)  # times spread: of the score, for a shift of one spread
    average = chances @ worth
    variance = (chances * (worth - average[..., None]) ** 2).sum(-1)
    return shift**2 / variance
