"""Intervals and p-values from a bootstrap, as mediation analyses use them: of one estimate or of many."""

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf
from scipy.special import ndtr, ndtri

from crmlab.errors import InputError, listing

Array = np.ndarray
METHODS = ("percentile", "bias-corrected")


def bootstrap_interval(
    draws: Array, estimate: float | Array, method: str = "percentile", level: float = 0.95
) -> tuple:
    """Interval of an estimate from its bootstrap draws.

    Parameters
    ----------
    draws : array of shape (..., resamples)
        The estimate on each resample.
    estimate : float or array of shape (...)
        On the sample itself.
    method : {"percentile", "bias-corrected"}
        Bias-corrected (Efron & Tibshirani 1993, chapter 14, without acceleration) shifts the percentiles by
        twice the normal score of the share of draws below the estimate.
    level : float

    Returns
    -------
    low, high : float or array of shape (...)
    """
    draws, shift = _checked(draws, estimate, method)
    ordered = np.sort(draws, axis=-1)
    return tuple(
        _quantile(ordered, ndtr(2 * shift + ndtri(end)))[()] for end in ((1 - level) / 2, (1 + level) / 2)
    )


def _quantile(ordered: Array, share: Array) -> Array:
    """The quantile of each row at a share of its own, linear between draws as NumPy's default is."""
    place = np.asarray(share) * (ordered.shape[-1] - 1)
    below = np.minimum(np.floor(place).astype(np.intp), ordered.shape[-1] - 2)
    low, high = (np.take_along_axis(ordered, each[..., None], -1)[..., 0] for each in (below, below + 1))
    return low + (place - below) * (high - low)


def bootstrap_p_value(
    draws: Array,
    estimate: float | Array,
    method: str = "percentile",
    null: float = 0.0,
    direction: str = ">",
) -> float | Array:
    """One-sided p-value: the least level at which the one-sided bootstrap interval leaves the null out.

    Parameters
    ----------
    draws, estimate, method
        As for `bootstrap_interval`.
    null : float
    direction : {">", "<"}
        Where the estimand lies, as seen from the null, if the claim is true.
    """
    if direction not in (">", "<"):
        raise InputError(f"direction is {direction!r}; it must be > or <")
    draws, shift = _checked(draws, estimate, method)
    beyond = draws <= null if direction == ">" else draws >= null
    share = (1 + beyond.sum(-1)) / (draws.shape[-1] + 1)
    sign = 1 if direction == ">" else -1
    return ndtr(ndtri(share) - sign * 2 * shift)[()]


def _checked(draws: Array, estimate: float | Array, method: str) -> tuple[Array, Array]:
    """The draws as an array, and how far their middle lies from the estimate, in standard deviations."""
    draws = np.asarray(draws, dtype=float)
    if draws.ndim < 1 or draws.shape[-1] < 2 or not np.isfinite(draws).all():
        raise InputError("draws must be two or more finite numbers in a row")
    if method not in METHODS:
        raise InputError(f"method is {method!r}; it must be one of {listing(METHODS)}")
    if method == "percentile":
        return draws, np.zeros(draws.shape[:-1])
    count, at = draws.shape[-1], np.asarray(estimate)[..., None]
    below = ((draws < at).sum(-1) + (draws == at).sum(-1) / 2) / count
    return draws, ndtri(np.clip(below, 0.5 / count, 1 - 0.5 / count))


def mediated_effect_at(
    rho: float | Array,
    cause_on_mediator: float | Array,
    outcome_spread: float | Array,
    mediator_spread: float | Array,
    residual_correlation: float | Array,
) -> Array:
    """The effect through a mediator, if the errors of mediator and outcome correlate by `rho`.

    Parameters
    ----------
    rho : float or array
        Assumed correlation of the mediator's error with that of the outcome given cause and mediator; above
        -1 and below 1. 0 is sequential ignorability: nothing moves both.
    cause_on_mediator : float or array
        Effect of the randomised cause on the mediator.
    outcome_spread, mediator_spread : float or array
        Standard deviations of both given the cause alone.
    residual_correlation : float or array
        Correlation of both given the cause alone. At ``rho`` of the same size the effect is 0.

    Returns
    -------
    array
        ``a (σ_Y/σ_M) (r - ρ √((1 - r²)/(1 - ρ²)))``, of linear models without interaction: Imai, Keele &
        Yamamoto (2010), doi:10.1214/10-STS321.
    """
    rho = np.asarray(rho, dtype=float)
    if not (np.abs(rho) < 1).all():
        raise InputError(f"rho is {rho.tolist()!r}; a correlation of errors lies above -1 and below 1")
    r = np.asarray(residual_correlation, dtype=float)
    scale = np.asarray(cause_on_mediator) * np.asarray(outcome_spread) / np.asarray(mediator_spread)
    return scale * (r - rho * np.sqrt((1 - r**2) / (1 - rho**2)))


def mediated_chance(
    data: pd.DataFrame,
    cause: str,
    mediator: str,
    outcome: str,
    covariates: str = "1",
    draws: int = 2000,
    seed: int = 0,
) -> Array:
    """The effect through a mediator on the chance of an outcome: a linear model, then a probit.

    Parameters
    ----------
    data : DataFrame
        Of numbers: `cause` is 0 or 1, `outcome` 0 or 1.
    cause, mediator, outcome : str
        Columns.
    covariates : str
        Further terms of both formulas.
    draws : int
        Of the coefficients of both models from their normal distributions.
    seed : int

    Returns
    -------
    array of shape (draws + 1,)
        The effect at the estimates, then at each draw; see `bootstrap_interval`. It is the mean over rows,
        and over cause 0 and 1, of what the chance gains when the mediator's mean moves as the cause moves
        it, its error integrated out (Imai, Keele & Tingley 2010, doi:10.1037/a0020761). It holds if nothing
        moves mediator and outcome together.
    """
    first = smf.ols(f"{mediator} ~ {cause} + {covariates}", data).fit()
    second = smf.probit(f"{outcome} ~ {cause} + {mediator} + {covariates}", data).fit(disp=False)
    rng = np.random.default_rng(seed)
    names = [list(fit.model.exog_names) for fit in (first, second)]
    a, b = (
        np.vstack([fit.params, rng.multivariate_normal(fit.params, fit.cov_params(), draws)])
        for fit in (first, second)
    )
    slope, push = b[:, names[1].index(mediator)], a[:, names[0].index(cause)]
    rest = [at for at, name in enumerate(names[1]) if name not in (cause, mediator)]
    own = [at for at, name in enumerate(names[0]) if name != cause]
    without = a[:, own] @ first.model.exog[:, own].T  # the mediator's mean without the cause
    base = b[:, rest] @ second.model.exog[:, rest].T + slope[:, None] * without
    scale = np.sqrt(1 + slope**2 * first.scale)[:, None]
    gains = [
        ndtr((base + shift + (slope * push)[:, None]) / scale) - ndtr((base + shift) / scale)
        for shift in (0.0, b[:, [names[1].index(cause)]])
    ]
    return np.mean(gains, axis=(0, 2))


def mediation_links(
    data: pd.DataFrame,
    cause: str,
    mediator: str,
    outcome: str,
    covariates: str = "1",
    draws: int = 4000,
    seed: int = 0,
) -> pd.DataFrame:
    """The links of a mediation by linear models, and what runs through the mediator by them and by a probit.

    Parameters
    ----------
    data, cause, mediator, outcome, covariates, draws, seed
        As for `mediated_chance`.

    Returns
    -------
    DataFrame
        One row a ``link`` with ``estimate``, ``low`` and ``high`` (95%; Sobel's of the product, percentiles
        of draws for the probit). The last row is the correlation of mediator and outcome given cause and
        covariates: at an error correlation of that size nothing is mediated (`mediated_effect_at`).
    """
    formulas = (f"{mediator} ~ {cause}", f"{outcome} ~ {cause} + {mediator}", f"{outcome} ~ {cause}")
    first, second, total = (smf.ols(f"{each} + {covariates}", data).fit() for each in formulas)
    named = ((first, cause), (second, mediator), (total, cause), (second, cause))
    rows = [(fit.params[term], *fit.conf_int().loc[term]) for fit, term in named]
    a, b = first.params[cause], second.params[mediator]
    reach = 1.96 * np.hypot(b * first.bse[cause], a * second.bse[mediator])
    drawn = mediated_chance(data, cause, mediator, outcome, covariates, draws, seed)
    correlation = np.corrcoef(first.resid, total.resid)[0, 1]
    around = np.tanh(np.arctanh(correlation) + np.array([-1.96, 1.96]) / np.sqrt(len(data) - 3))
    rows += [(a * b, a * b - reach, a * b + reach), (drawn[0], *bootstrap_interval(drawn[1:], drawn[0]))]
    rows.append((correlation, *around))
    links = [f"{cause} → {mediator}", f"{mediator} → {outcome}", "total", "direct"]
    links += ["through it, linear", "through it, probit", "undone at correlation"]
    table = pd.DataFrame(rows, columns=["estimate", "low", "high"]).astype(float)
    table.insert(0, "link", links)
    return table
