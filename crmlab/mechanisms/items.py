"""What is observed of a latent trait: items ticked on a scale, money spent by period."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.special import ndtr

from crmlab.errors import InputError

Array = np.ndarray
SPEND_LOADING = 0.8  # of a period's log spend on the habit


@dataclass(frozen=True)
class Scale:
    """A scale of answers 1 to `points`, and how an item on it comes from the trait that it measures.

    A response ``y* = λη + δm + ε`` is cut at thresholds: the graded response mechanism.

    Parameters
    ----------
    points : int
        Of the scale, two or more.
    spread : float
        Distance between neighbouring thresholds, in standard deviations of the response. They are equally
        spaced and symmetric about zero, which is a simplification.
    loading : float
        λ, of an item's response on its trait.
    method : float
        δ, of an item's response on a method factor that all of a respondent's answers share. The error's
        variance is ``1 - λ² - δ²``, so that a response to a standardised trait has variance 1.

    Notes
    -----
    Samejima's (1969, doi:10.1007/BF03372160) graded response model with a normal ogive.

    Examples
    --------
    >>> scale = Scale(points=5, spread=1.0, loading=0.8)
    >>> scale.thresholds
    array([-1.5, -0.5,  0.5,  1.5])
    >>> trait = np.random.default_rng(1).standard_normal(5)
    >>> scale.draw(trait, np.random.default_rng(2), items=1)[0]
    array([3., 3., 3., 1., 5.])
    """

    points: int = 7
    spread: float = 0.7
    loading: float = 0.8
    method: float = 0.0

    def __post_init__(self) -> None:
        if self.points < 2 or not self.spread > 0:
            raise InputError(
                f"points is {self.points} and spread {self.spread}; give 2 or more points, spread above 0"
            )
        if self.explained > 1 + 1e-9:
            raise InputError(
                f"loading {self.loading:g} and method {self.method:g} explain {self.explained:.2f} of an "
                "item's variance; lower one of them so that it is at most 1"
            )

    @property
    def explained(self) -> float:
        """Share of an item's response that trait and method explain: ``λ² + δ²``."""
        return self.loading**2 + self.method**2

    @property
    def error(self) -> float:
        """Standard deviation of an item's own error."""
        return float(np.sqrt(max(0.0, 1 - self.explained)))

    @cached_property
    def thresholds(self) -> Array:
        """Where a response passes from one answer to the next: shape (points - 1,)."""
        return (np.arange(1, self.points) - self.points / 2) * self.spread

    @property
    def points_per_deviation(self) -> float:
        """Points that a standard deviation of the trait adds to an answer on average: ``λ Σ φ(τ)``.

        By Stein's lemma: the mean slope, and that of the least squares line.
        """
        return self.loading * float(_density(self.thresholds).sum())

    def draw(
        self, trait: Array, rng: np.random.Generator, items: int = 1, common: Array | None = None
    ) -> list[Array]:
        """Answers to several items of one trait.

        Parameters
        ----------
        trait : array of shape (..., rows)
            Standardised.
        rng : numpy Generator
        items : int
        common : array of shape (..., rows), optional
            m, the method factor; needed where `method` is not 0.

        Returns
        -------
        list of array of shape (..., rows)
            Whole numbers from 1 to `points`, one array an item.
        """
        if common is None and self.method:
            raise InputError(f"common is None, but method is {self.method:g}; give the method factor")
        systematic = self.loading * trait
        if common is not None:
            systematic = systematic + self.method * common
        rows = np.shape(systematic)[-1]
        return [self.cut(systematic + self.error * rng.standard_normal(rows)) for _ in range(items)]

    def cut(self, response: Array) -> Array:
        """The answers, 1 to `points`, that responses on the thresholds' own scale lead to."""
        return 1.0 + np.searchsorted(self.thresholds, response)

    def mean_answer(self, mean: Array, spread: float = 1.0) -> Array:
        """Expected answer where responses are normal with this mean and standard deviation."""
        distance = np.asarray(mean, float)[..., None] - self.thresholds
        return 1 + ndtr(distance / spread).sum(-1)

    def mean_answer_slope(self, mean: Array, spread: float = 1.0) -> Array:
        """What a unit of the response's mean adds to the expected answer."""
        distance = np.asarray(mean, float)[..., None] - self.thresholds
        return _density(distance / spread).sum(-1) / spread

    def true_score(self, trait: Array) -> Array:
        """Expected answer of those with a given trait, whatever their error and method."""
        return self.mean_answer(self.loading * np.asarray(trait, float), np.sqrt(1 - self.loading**2))


def answers(
    items: Mapping[str, Sequence[str]],
    traits: Mapping[str, Array],
    scale: Scale,
    rng: np.random.Generator,
    common: Array | None = None,
) -> dict[str, Array]:
    """Answers to a questionnaire that asks for several traits on one scale.

    Parameters
    ----------
    items : mapping of str to sequence of str
        The names of each trait's items.
    traits : mapping of str to array of shape (..., rows)
        Standardised; only those that `items` names are asked for.
    scale : Scale
    rng, common
        As in `Scale.draw`.

    Returns
    -------
    dict of str to array of shape (..., rows)
        By item.
    """
    found: dict[str, Array] = {}
    for trait, names in items.items():
        found |= dict(zip(names, scale.draw(traits[trait], rng, len(names), common), strict=True))
    return found


def congeneric(
    loadings: Mapping[str, Sequence[float]],
    traits: Mapping[str, Array],
    scale: Scale,
    rng: np.random.Generator,
) -> dict[str, Array]:
    """Answers to items that measure the same trait better or worse.

    Parameters
    ----------
    loadings : mapping of str to sequence of float
        Of each trait's items, which are called ``TRAIT_1``, ``TRAIT_2`` and so on.
    traits, scale, rng
        As for `answers`; the scale's own loading is not used.
    """
    found: dict[str, Array] = {}
    for trait, of_items in loadings.items():
        for number, loading in enumerate(of_items, 1):
            found |= answers({trait: [f"{trait}_{number}"]}, traits, replace(scale, loading=loading), rng)
    return found


def mean_scores(found: Mapping[str, Array], items: Mapping[str, Sequence[str]]) -> dict[str, Array]:
    """``TRAIT_score``, the mean of a trait's items, for each trait; and the answers that are no items."""
    asked = {name for names in items.values() for name in names}
    scores = {
        f"{trait}_score": sum(found[name] for name in names) / len(names) for trait, names in items.items()
    }
    return scores | {name: values for name, values in found.items() if name not in asked}


def _density(values: Array) -> Array:
    return np.exp(-0.5 * np.square(values)) / np.sqrt(2 * np.pi)


def spend_by_period(
    latent: Array,
    rng: np.random.Generator,
    periods: int = 4,
    median: float = 40.0,
    spread: float = 0.5,
    loading: float = SPEND_LOADING,
) -> list[Array]:
    """Money spent in each of several periods: lognormal, with logarithms that share one factor.

    Parameters
    ----------
    latent : array of shape (..., rows)
        The habit of buying here, standardised.
    rng : numpy Generator
    periods : int
    median : float
        Spend of a period, in money.
    spread : float
        Standard deviation of log spend.
    loading : float
        Correlation of a period's log spend with the habit.

    Returns
    -------
    list of array of shape (..., rows)
        ``median · exp(spread · (λη + ε))``, one array a period. That everybody buys in every period is a
        simplification.
    """
    error = np.sqrt(1 - loading**2)
    return [
        median * np.exp(spread * (loading * latent + error * rng.standard_normal(np.shape(latent)[-1])))
        for _ in range(periods)
    ]
