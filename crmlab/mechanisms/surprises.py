"""Surprises that are mostly small: what came less what was expected, with one long tail or none."""

from dataclasses import dataclass
from math import exp, expm1, log, sqrt

import numpy as np

from crmlab.errors import InputError
from crmlab.mechanisms.normal import FAR, nodes_beside


@dataclass(frozen=True)
class Surprise:
    """A surprise of variance 1 as a function of a normal score, which rises with it.

    Parameters
    ----------
    level : float
        Its mean, in standard deviations.
    skew : float
        Shape γ of the lognormal; 0 for a normal one.
    tail : {1, 0, -1}
        Which side is long: 1 for few windfalls, -1 for few disasters, 0 for a normal one.

    Notes
    -----
    With a tail it is ``level + tail (exp(tail γ z) - m) / s``, a lognormal variable of mean m and standard
    deviation s, shifted, scaled and perhaps turned round.

    Examples
    --------
    >>> few_disasters = Surprise(skew=0.8, tail=-1)
    >>> few_disasters.at(np.array([-2.0, 0.0, 2.0])).round(1).tolist()
    [-2.8, 0.3, 0.9]
    """

    level: float = 0.0
    skew: float = 0.0
    tail: int = 0

    def __post_init__(self) -> None:
        if self.tail not in (-1, 0, 1) or self.skew < 0:
            raise InputError(f"tail is {self.tail} and skew {self.skew}; give -1, 0 or 1, and 0 or more")

    @property
    def _normal(self) -> bool:
        return self.tail == 0 or self.skew == 0

    @property
    def _lognormal(self) -> tuple[float, float]:
        """Mean and standard deviation of ``exp(γ z)``."""
        return exp(self.skew**2 / 2), sqrt(expm1(self.skew**2) * exp(self.skew**2))

    def at(self, score: np.ndarray) -> np.ndarray:
        """The surprise at normal scores, an array of any shape."""
        if self._normal:
            return self.level + score
        mean, deviation = self._lognormal
        return self.level + self.tail * (np.exp(self.tail * self.skew * score) - mean) / deviation

    def score(self, surprise: float) -> float:
        """The normal score at which it has a value; ``FAR`` or ``-FAR`` beyond the short side's end."""
        if self._normal:
            return surprise - self.level
        mean, deviation = self._lognormal
        inside = mean + self.tail * deviation * (surprise - self.level)
        return self.tail * log(inside) / self.skew if inside > 0 else -self.tail * FAR

    def nodes(self, corner: float) -> tuple[np.ndarray, np.ndarray]:
        """Points of the surprise and their masses, for the mean of a function with a corner there."""
        score, mass = nodes_beside(float(np.clip(self.score(corner), -FAR, FAR)))
        return self.at(score), mass
