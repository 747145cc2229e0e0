"""Calls at a service desk: who takes them, whose share of the talk is how large, and what that brings."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

PLACE = 0.3  # three parts in ten are the agent's
FIRST, LAST = 0.05, 0.75  # the agent's share of the talk lies between
TALK = {0: 0.33, 1: 0.43}  # mean place between them, of easy and of hard calls
HARD = 0.3  # share of hard calls
POINTS = 200  # of a quadrature
TYPES = ["demanding", "puzzled", "upset"]  # what the caller is
STYLES = ["inform", "explain", "soothe"]  # what suits each of them
SHARES_OF_TYPES, HABIT = (0.5, 0.3, 0.2), (0.7, 0.15, 0.15)


def rota(n_calls: int, n_agents: int) -> np.ndarray:
    """Which agent takes each call, shape (n_calls,): agents work full, two thirds or a third of the time."""
    agents = np.arange(n_agents)
    slots = np.repeat(agents, (3 - agents % 3).astype(np.intp, copy=False))
    return slots[np.arange(n_calls) % len(slots)]


def one_of(rng: Any, n: int, shares: Sequence[float]) -> np.ndarray:
    """Numbers from 0 of kinds with these shares, n of each stream."""
    return np.searchsorted(np.cumsum(shares)[:-1], rng.random(n))


def talk_shares(rng: Any, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Agents' shares of the talk of n calls, and 1 where the call is hard: there the agent says more."""
    hard = (rng.random(n) < HARD) * 1.0
    easy_talk, hard_talk = (rng.beta(5 * mean, 5 - 5 * mean, n) for mean in TALK.values())
    return FIRST + (LAST - FIRST) * np.where(hard > 0, hard_talk, easy_talk), hard


def types_and_styles(rng: Any, n: int, skill: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of callers' types and of agents' styles, n of each.

    An agent adapts to the caller, the more skilled the more often, or follows habit.
    """
    kind, habit = one_of(rng, n, SHARES_OF_TYPES), one_of(rng, n, HABIT)
    adapts = rng.standard_normal(n) < -0.25 + 0.5 * skill
    return kind, np.where(adapts, kind, habit)


def two_sides(talk: np.ndarray) -> dict[str, np.ndarray]:
    """Talk as two separate lines need it: tenths of the call below and above three in ten, and which side."""
    return {
        "below": 10 * np.minimum(talk - PLACE, 0),
        "above": 10 * np.maximum(talk - PLACE, 0),
        "past": (talk > PLACE) * 1.0,
    }


def talk_reward(talk: np.ndarray, peak: float, bend: float, rise: float) -> np.ndarray:
    """Points that an agent's share of the talk brings, shape as `talk`.

    An arch of this bend (points per squared share) around its peak, and a rise that flattens and ends where
    three parts in ten are the agent's.
    """
    helped = 1 - np.exp(-np.minimum(talk, PLACE) / 0.08)
    return rise * helped - bend * (np.asarray(talk) - peak) ** 2


def talk_slopes(peak: float, bend: float, rise: float) -> tuple[float, float]:
    """Points per tenth of the call, below and above three in ten.

    The slopes of the least squares lines through the reward, each on its side, at talk as it is distributed
    in easy and hard calls, hard calls held constant.
    """
    nodes, weights = np.polynomial.legendre.leggauss(POINTS)
    slopes = []
    for start, end in ((FIRST, PLACE), (PLACE, LAST)):
        talk = (start + end) / 2 + (end - start) / 2 * nodes
        matrix = np.zeros((len(TALK), POINTS, 3))
        matrix[..., 0], matrix[..., 1], matrix[1, :, 2] = 1.0, 10 * talk, 1.0
        places = np.array([[mean] for mean in TALK.values()])
        density = stats.beta.pdf((talk - FIRST) / (LAST - FIRST), 5 * places, 5 - 5 * places)
        root = np.sqrt(np.array([[1 - HARD], [HARD]]) * density * weights)
        reward = np.broadcast_to(talk_reward(talk, peak, bend, rise), root.shape) * root
        found = np.linalg.lstsq((matrix * root[..., None]).reshape(-1, 3), reward.ravel(), rcond=None)[0]
        slopes.append(float(found[1]))
    return slopes[0], slopes[1]
