"""Choices among alternatives: a utility for each, an error for each, and the largest sum is taken."""

import numpy as np
import numpy.typing as npt


def choose(utility: npt.NDArray[np.float64], rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Draw choices by the multinomial logit: utility plus a standard Gumbel error, the largest wins.

    Parameters
    ----------
    utility : array of shape (..., choices, alternatives)
        In logit units.
    rng : numpy Generator

    Returns
    -------
    array of shape (..., choices, alternatives)
        1.0 at the alternative taken, 0.0 elsewhere.

    Notes
    -----
    McFadden's (1974) random utility model: the chance of an alternative is its share of the summed
    exponentials of utility (Train 2009, ch. 3, doi:10.1017/CBO9780511805271).
    """
    total = utility + rng.gumbel(size=np.shape(utility)[-2:])
    return (total == total.max(axis=-1, keepdims=True)) * 1.0
