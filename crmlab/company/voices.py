"""What customers say: answers to surveys, and reviews. Silence depends on what they would say."""

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from crmlab.company.customers import OVERRATES, Customers
from crmlab.company.month import Month

Array = npt.NDArray[np.float64]
FIRST_SURVEY, EVERY = 5, 3  # months
POINTS, MIDDLE, SLOPE, NOISE = 7, 5.7, 1.1, 0.8  # of survey items
STARS, USUAL_STARS, STARS_SLOPE = 5, 3.9, 0.95
DISTANT = -0.8  # units by which customers report lower switching costs and pull of rivals
ITEMS = ("satisfaction", "attitude", "switching_cost", "alternatives", "intention")


def is_survey_month(month: int) -> bool:
    """Whether everybody in the books is asked."""
    return month >= FIRST_SURVEY and (month - FIRST_SURVEY) % EVERY == 0


def answers(booked: Customers, month: Month) -> tuple[npt.NDArray[np.intp], dict[str, npt.NDArray[np.int8]]]:
    """Rows of those who answer, and what.

    Everybody in the books is asked, also those who are gone: else whoever was asked would be known to be
    with the company still.
    """
    p, satisfied = month.p, booked.satisfaction - month.p.usual_satisfaction
    logit = p.response + p.satisfaction_to_response * satisfied + p.habit_to_response * booked.habit
    logit += p.gone_to_response * ~booked.alive
    row = np.flatnonzero(month.draw.uniform(booked.key, "response") < expit(logit))
    shared, overrated = booked.method[row], p.rating_bias * (booked.segment[row] == OVERRATES)
    satisfied, liked = satisfied[row], booked.attitude[row]
    felt = {
        "satisfaction": satisfied + overrated + shared,
        "attitude": liked + shared,
        "switching_cost": booked.switching_cost[row] + shared + DISTANT,
        "alternatives": month.rivals(booked)[row] + DISTANT,
        "intention": 0.6 * liked + 0.3 * satisfied + shared,
    }
    return row, {name: _ticked(felt[name], booked.key[row], month, at) for at, name in enumerate(ITEMS)}


def _ticked(felt: Array, key: npt.NDArray[np.uint64], month: Month, item: int) -> npt.NDArray[np.int8]:
    """Points from 1 to 7."""
    answer = MIDDLE + SLOPE * felt + NOISE * month.draw.normal(key, "items", item)
    return np.clip(np.rint(answer), 1, POINTS).astype(np.int8)


def stars_of(satisfaction: Array, month: Month) -> npt.NDArray[np.int8]:
    """The stars that customers so satisfied would give."""
    stars = USUAL_STARS + STARS_SLOPE * (satisfaction - month.p.usual_satisfaction)
    return np.clip(np.rint(stars), 1, STARS).astype(np.int8)


def posts(now: Customers, month: Month, bought: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Who of the buyers posts: the satisfied, and those with strong feelings, rather.

    Parameters
    ----------
    bought : array of int
        Rows of those who bought this month.
    """
    p, satisfied = month.p, now.satisfaction[bought] - month.p.usual_satisfaction
    logit = p.posting + p.satisfaction_to_posting * satisfied + p.extremity_to_posting * np.abs(satisfied)
    return month.draw.uniform(now.key[bought], "posting") < expit(logit)
