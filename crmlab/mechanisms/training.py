"""Users who are invited to a training by lot, whether they come, and how long they use a system afterwards.

    trained = 1(START + PULL invited + ω zeal + e > 0)
    ease = E + (δ + γ zeal) trained;  usefulness = .5 ease + .87 e
    hours = b_U usefulness + b_E ease + χ zeal + e

Zeal is not seen. Training moves use through ease, and through the usefulness that ease brings; an invitation
moves it through training alone. All parameters are named as in `crmlab.theories.crm_systems`.
"""

from math import exp, pi, sqrt
from typing import Any

import numpy as np
from scipy.special import ndtr

Array = np.ndarray
EASE_TO_USEFUL = 0.5  # standard deviations of usefulness a deviation of ease
START, PULL = -1.2, 2.0  # probits of coming uninvited, and what an invitation adds
PER_USER = 4  # rows of this table for each user that the surveys ask


def useful_of(ease: Array, rng: Any) -> Array:
    """Usefulness of users who find the system as easy as `ease`."""
    return EASE_TO_USEFUL * ease + sqrt(1 - EASE_TO_USEFUL**2) * rng.standard_normal(ease.shape[-1])


def draw_training(p: Any, rng: Any) -> dict[str, Array]:
    """A row a user: invited by lot, trained or not, and hours in the system."""
    n = PER_USER * p.n_users
    zeal, ease, rest, chance = (rng.standard_normal(n) for _ in range(4))
    invited = (rng.random(n) < 0.5) * 1.0
    trained = (START + PULL * invited + p.zeal_to_training * zeal + chance > 0) * 1.0
    without = p.usefulness * useful_of(ease, rng) + p.ease * ease + p.zeal_to_hours * zeal + rest
    gained = hours_by_ease(p) * (p.training + p.training_by_zeal * zeal)
    return {"invited": invited, "trained": trained, "hours": without + gained * trained}


def hours_by_ease(p: Any) -> float:
    """Hours that a deviation of ease brings, on its own and by making the system useful."""
    return float(p.ease + EASE_TO_USEFUL * p.usefulness)


def gain_of_the_moved(p: Any) -> float:
    """What training adds to the hours of those who come if, and only if, they are invited.

    Their zeal is a normal variable that is known to lie, with the chance of coming, between two thresholds.
    """
    wide = sqrt(1 + p.zeal_to_training**2)
    low, high = -(START + PULL) / wide, -START / wide
    heights = [exp(-at * at / 2) / sqrt(2 * pi) for at in (low, high)]
    between = (heights[0] - heights[1]) / float(ndtr(high) - ndtr(low))
    zeal = p.zeal_to_training / wide * between
    return hours_by_ease(p) * (p.training + p.training_by_zeal * zeal)
