"""How customers answer Kano's two questions: what an aspect means to them, and a style of their own."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.special import ndtr

from crmlab.mechanisms.normal import normal_nodes

Array = np.ndarray
WITH_CUTS = (-1.7, -0.9, 0.2, 0.9)  # of "if you had it": dislike below the first, like above the last
WITHOUT_CUTS = (-1.7, -0.8, 0.3, 1.0)  # of "if you did not": like below the first, dislike above the last


@dataclass(frozen=True)
class AnsweringStyle:
    """Pairs of answers from 1 like to 5 dislike: responses cut at thresholds, with a share of the person's.

    A response to "if you had it" is ``liked + s + N(0, 1)``, to "if you did not" ``missed + t + N(0, 1)``;
    s and t are all answers' of one person. Thresholds are ours, near what a survey of renters shows.

    Parameters
    ----------
    spread : float
        Standard deviation of s and of t; ``spread² / (1 + spread²)`` of a response's variance.
    together : float
        Correlation of s and t.
    """

    spread: float
    together: float

    def draw(self, rng: np.random.Generator, rows: int) -> tuple[Array, Array]:
        """Each person's s and t, arrays of shape (..., rows)."""
        one, rest = rng.standard_normal(rows), rng.standard_normal(rows)
        return self.spread * one, self.spread * (self.together * one + sqrt(1 - self.together**2) * rest)

    def answers(
        self, liked: float, missed: float, styles: tuple[Array, Array], rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """Answers of persons with these styles about one aspect, with it and without it."""
        rows = styles[0].shape[-1]
        have, miss = (
            mean + style + rng.standard_normal(rows) for mean, style in zip((liked, missed), styles)
        )
        return 5.0 - np.searchsorted(WITH_CUTS, have), 1.0 + np.searchsorted(WITHOUT_CUTS, miss)

    def shares(self, liked: float, missed: float) -> Array:
        """Share of each pair of answers, shape (5, 5): with it down, without it across."""
        score, mass = normal_nodes()
        s = self.spread * score[:, None]
        rest = sqrt(1 + self.spread**2 * (1 - self.together**2))
        have = ndtr(np.array(WITH_CUTS) - liked - s)
        miss = ndtr((np.array(WITHOUT_CUTS) - missed - self.together * s) / rest)
        with_it, without_it = (
            np.diff(np.pad(each, ((0, 0), (1, 1)), constant_values=((0, 0), (0, 1)))) for each in (have, miss)
        )
        return np.einsum("s,si,sj->ij", mass, with_it[:, ::-1], without_it)
