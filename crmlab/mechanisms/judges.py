"""Judges who share out points over criteria, and whether they agree on which of two vendors is first."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.integrate import quad

Array = np.ndarray
CRITERIA: dict[str, tuple[float, float]] = {  # mean weight, and by how much vendor A scores more than B
    "customers": (0.35, 0.30),
    "sales": (0.30, -0.25),
    "marketing": (0.20, 0.10),
    "service": (0.15, -0.10),
}
VENDORS: dict[str, dict[str, float]] = {  # invented: scores from 0 to 1 by criterion
    "A": {"customers": 0.80, "sales": 0.60, "marketing": 0.65, "service": 0.60},
    "B": {"customers": 0.50, "sales": 0.85, "marketing": 0.55, "service": 0.70},
    "C": {"customers": 0.55, "sales": 0.65, "marketing": 0.70, "service": 0.55},
    "D": {"customers": 0.65, "sales": 0.55, "marketing": 0.50, "service": 0.75},
}
AGREEMENT = 12.0  # sum of the Dirichlet's parameters: the larger, the more judges agree
OWN = "customers"  # the criterion to which the project's team leans


def draw_weights(
    judges: int, rng: Any, agreement: float = AGREEMENT, leaning: float = 0.0
) -> dict[str, Array]:
    """Weights that judges give the criteria: columns that add up to 1 in each row.

    Parameters
    ----------
    judges : int
    rng : generator
    agreement : float
        Sum of the Dirichlet's parameters.
    leaning : float
        Share of the mean weights that goes to `OWN` before the rest is shared out as by others.
    """
    means = {name: (1 - leaning) * mean + leaning * (name == OWN) for name, (mean, _) in CRITERIA.items()}
    parts = {name: rng.standard_gamma(agreement * mean, judges) for name, mean in means.items()}
    total = sum(parts.values())
    return {name: part / total for name, part in parts.items()}


def lead_of(weights: Mapping[str, Array], lead: float) -> Array:
    """By how much A is ahead of B under weights that add up to 1.

    Parameters
    ----------
    weights : dict of str to array
        Of `CRITERIA`.
    lead : float
        Points by which A scores more on every criterion than `CRITERIA` says.
    """
    return np.asarray(sum(weight * (CRITERIA[name][1] + lead) for name, weight in weights.items()))


@lru_cache(maxsize=4096)
def chance_of_reversal(lead: float, agreement: float = AGREEMENT) -> float:
    """Share of all judges under whose weights B comes first.

    ``Σ w d < 0`` where ``Σ γ d < 0``, of independent gamma variables with shapes ``agreement · mean``: by
    inverting their characteristic function (Gil-Pelaez 1951, Biometrika 38).
    """
    means, gaps = (np.array(each) for each in zip(*CRITERIA.values(), strict=True))
    gaps = gaps + lead
    if (gaps >= 0).all() or (gaps <= 0).all():
        return float((gaps < 0).any())

    def integrand(t):
        return float(np.exp(-agreement * (means * np.log(1 - 1j * t * gaps)).sum()).imag) / t

    pieces = [quad(integrand, low, high, limit=200)[0] for low, high in ((0, 20), (20, 200), (200, np.inf))]
    return float(0.5 - sum(pieces) / np.pi)
