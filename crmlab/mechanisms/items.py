"""What is observed of a latent trait: items ticked on a scale, money spent by period."""

import numpy as np


def likert_items(latent, rng, items=4, loading=0.8, points=7, spread=0.7, method=0.0, common=None):
    """Items of a Likert scale by the graded response mechanism: ``y* = λη + δm + ε``, cut at thresholds.

    Parameters
    ----------
    latent : array of shape (..., rows)
        The trait, standardised.
    rng : numpy Generator
    items : int
    loading : float
        λ; the error's variance is ``1 - λ² - δ²``, so each response before it is cut has variance 1.
    points : int
        Of the scale; thresholds lie symmetrically about zero.
    spread : float
        Distance between neighbouring thresholds in standard deviations.
    method, common : float, array of shape (..., rows)
        δ and m: a method factor that all of a respondent's answers share.

    Returns
    -------
    list of array of shape (..., rows)
        Whole numbers from 1 to `points`, one array an item.

    Notes
    -----
    Samejima's (1969) graded response model with a normal ogive and equally spaced thresholds; the equal
    spacing is a simplification.
    """
    thresholds = (np.arange(1, points) - points / 2) * spread
    error = np.sqrt(1 - loading**2 - method**2)
    shared = 0.0 if common is None else method * common
    responses = []
    for _ in range(items):
        answer = loading * latent + shared + error * rng.standard_normal(np.shape(latent)[-1])
        responses.append(1.0 + np.searchsorted(thresholds, answer))
    return responses


def spend_by_period(latent, rng, periods=4, median=40.0, spread=0.5, loading=0.8):
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
