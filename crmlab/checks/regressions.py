"""Checks of what regressions rest on: the line, single rows, rows that belong together, instruments."""

from typing import Any

import numpy as np
import statsmodels.api as sm
from scipy import stats

from crmlab.checks.finding import Finding, by_p
from crmlab.design import Tables
from crmlab.errors import InputError
from crmlab.estimators import LeastSquares, TwoStageLeastSquares
from crmlab.estimators.binary import BinaryRegression
from crmlab.estimators.regression import Regression

Array = np.ndarray
FEW_EVENTS, FEW_CLUSTERS = 10, 30
WEAK, STRONG = 10.0, 104.7  # Staiger & Stock's (1997) rule; Lee et al. (2022), where t at 1.96 has its size
MOVED = 0.5  # standard errors that one row may move an estimate by
PULLING = 0.5  # leverage: from it on a row weighs more in its own fit than all others together
CARRYING = 0.1  # share in a coefficient that is too much for a row; ours
TOO_SMALL = 0.8  # of its right size: a test of 5% at an error smaller than that errs in over a tenth


def linearity(regression: Regression, tables: Tables) -> Finding:
    """Whether the mean bends: the square of the fitted value as one more term (Ramsey 1969), errors HC3.

    Where each fitted value has rows enough a bend shows; a regression on a single yes/no cannot bend.
    """
    outcome, matrix = arrays(regression, tables)
    fitted = matrix @ _least_squares(outcome, matrix)
    bend = _standardised(fitted) ** 2
    subject = regression.formula
    if np.linalg.matrix_rank(np.column_stack([matrix, bend])) <= matrix.shape[1]:
        return Finding("linearity", subject, "kept", facts={"saturated": True})
    wide = np.column_stack([matrix, bend])
    slope = _least_squares(outcome, wide)
    error = np.sqrt(_sandwich(outcome, wide, careful=True)[-1, -1])
    p = float(2 * stats.t.sf(abs(slope[-1] / error), len(outcome) - wide.shape[1]))
    ends = np.quantile(_standardised(fitted), [0.05, 0.95])
    far = float(slope[-1] * (np.mean(ends**2) - 1))
    return Finding("linearity", subject, by_p(p), p, {"far": far, "spread": float(outcome.std())})


def link(regression: BinaryRegression, tables: Tables) -> Finding:
    """Whether the index bends: its square as one more term of the logit or probit (Pregibon 1980)."""
    fit = type(regression)(
        regression.formula, regression.term, regression.table, trials=regression.trials
    ).fit(tables)
    outcome, matrix = arrays(regression, tables)
    index = matrix @ np.asarray(fit.params)
    trials = None if regression.trials is None else tables.columns(regression.table)[regression.trials]
    wide = np.column_stack([np.ones(len(index)), index, index**2])
    if trials is None:
        test = type(regression).model(outcome, wide).fit(disp=0)
    else:
        seen = np.asarray(trials) > 0
        pairs, wide = np.column_stack([outcome, np.asarray(trials) - outcome])[seen], wide[seen]
        family = sm.families.Binomial(
            None if type(regression).model is sm.Logit else sm.families.links.Probit()
        )
        test = sm.GLM(pairs, wide, family=family).fit()
    p = float(np.asarray(test.pvalues)[-1])
    return Finding("link", regression.formula, by_p(p), p)


def influence(regression: LeastSquares, tables: Tables) -> Finding:
    """By how many standard errors a single row moves the coefficient: the largest DFBETAS.

    Where the term does not vary without a row, that row's leverage is 1 and its residual 0, whatever its
    outcome: there is no coefficient without it. Rows of a leverage of a half or more are named, too, as a
    robust error comes out too small by them.
    """
    outcome, matrix = arrays(regression, tables)
    at = regression.terms.index(regression.term)
    inverse = np.linalg.pinv(matrix.T @ matrix)
    leverage = np.einsum("ij,jk,ik->i", matrix, inverse, matrix)
    weights = (matrix @ inverse)[:, at]
    alone = (leverage > 1 - 1e-9) & (np.abs(weights) > 1e-9 * np.abs(weights).max())
    if alone.any():
        facts = {"alone": True, "at": int(alone.argmax()), "table": regression.table}
        return Finding("influence", regression.term, "broken", facts=facts)
    residual = outcome - matrix @ (inverse @ (matrix.T @ outcome))
    shift = weights * residual / np.maximum(1 - leverage, 1e-9)
    error = float(regression(tables).standard_error)
    worst = int(np.abs(shift).argmax())
    size = float(abs(shift[worst]) / error)
    facts = {"size": size, "at": worst, "table": regression.table}
    facts |= _pulling(regression, weights**2 / (weights**2).sum(), leverage)
    doubtful = size > MOVED or "rows" in facts
    broken = size > 2 * MOVED or facts.get("ratio", 1.0) < TOO_SMALL
    return Finding(
        "influence", regression.term, "broken" if broken else "doubtful" if doubtful else "kept", facts=facts
    )


def _pulling(regression: LeastSquares, shares: Array, leverage: Array) -> dict[str, Any]:
    """Rows that a coefficient rests on and whose residuals their leverage shrinks, where the error is robust.

    A robust error takes a row's squared residual for its variance, but it is ``1 - leverage`` times that on
    average. A row with less than a tenth of the coefficient's weight changes its error by 5% at most.

    Returns
    -------
    dict
        ``rows``, their largest ``leverage``, and where the error is not clustered its ``ratio``: root of its
        expected square over the true one, with variances alike. Empty without such rows.
    """
    rows = np.flatnonzero((leverage > PULLING - 1e-9) & (shares > CARRYING))
    if not len(rows) or (regression.covariance == "nonrobust" and not regression.cluster):
        return {}
    facts = {"rows": rows.tolist(), "leverage": float(leverage[rows].max())}
    if regression.cluster:
        return facts
    many = len(leverage)
    stretch = {
        "HC1": many / (many - leverage.sum()),  # the sum of leverages is the number of terms
        "HC2": 1 / (1 - leverage),
        "HC3": 1 / (1 - leverage) ** 2,
    }[regression.covariance]
    return facts | {"ratio": float(np.sqrt((shares * (1 - leverage) * stretch).sum()))}


def clustering(regression: LeastSquares, unit: str, tables: Tables) -> Finding:
    """Whether rows of the same unit share what the regression leaves out: one-way analysis of residuals.

    Broken only where errors that allow for it are larger, by a tenth.
    """
    outcome, matrix = arrays(regression, tables)
    groups = np.unique(np.asarray(tables.columns(regression.table)[unit]), return_inverse=True)[1]
    residual = outcome - matrix @ _least_squares(outcome, matrix)
    counts = np.bincount(groups)
    if len(counts) < 3 or counts.max() < 2:
        raise InputError(f"{unit} does not group the rows")
    icc, p = intraclass(residual, groups)
    clustered = LeastSquares(regression.formula, regression.term, regression.table, cluster=unit)(tables)
    ratio = float(clustered.standard_error / regression(tables).standard_error)
    bad = by_p(p) if ratio > 1.1 else "kept"
    facts = {"unit": unit, "units": len(counts), "icc": icc, "ratio": ratio}
    return Finding("clustering", unit, bad, p, facts)


def intraclass(values: Array, groups: Array) -> tuple[float, float]:
    """Intraclass correlation by one-way analysis of variance, and the p-value of its F test."""
    counts = np.bincount(groups)
    means = np.bincount(groups, values) / counts
    between = (counts * (means - values.mean()) ** 2).sum() / (len(counts) - 1)
    within = ((values - means[groups]) ** 2).sum() / (len(values) - len(counts))
    size = (len(values) - (counts**2).sum() / len(values)) / (len(counts) - 1)
    icc = float((between - within) / (between + (size - 1) * within))
    return icc, float(stats.f.sf(between / within, len(counts) - 1, len(values) - len(counts)))


def few_clusters(table: str | None, unit: str, tables: Tables) -> Finding:
    """Whether there are units enough for errors that are clustered by them."""
    many = len(np.unique(tables.columns(table)[unit]))
    status = "broken" if many < FEW_CLUSTERS / 3 else "doubtful" if many < FEW_CLUSTERS else "kept"
    return Finding("few_clusters", unit, status, facts={"units": many, "wanted": FEW_CLUSTERS})


def events(regression: BinaryRegression, tables: Tables) -> Finding:
    """Whether the rarer outcome is there often enough for so many terms."""
    outcome, matrix = arrays(regression, tables)
    if regression.trials is None:
        rarer = min(outcome.sum(), len(outcome) - outcome.sum())
    else:
        trials = np.asarray(tables.columns(regression.table)[regression.trials], dtype=float)
        rarer = min(outcome.sum(), (trials - outcome).sum())
    each = float(rarer / matrix.shape[1])
    status = "broken" if each < FEW_EVENTS / 2 else "doubtful" if each < FEW_EVENTS else "kept"
    facts = {"events": int(rarer), "terms": matrix.shape[1], "each": each}
    return Finding("events", regression.formula, status, facts=facts)


def instrument(regression: TwoStageLeastSquares, tables: Tables) -> Finding:
    """Whether the instruments move the cause: the least first-stage F, robust to unequal variances."""
    columns = tables.columns(regression.table)
    _, matrix = arrays(regression, tables)
    outside = [term for term in regression.terms if term not in regression.endogenous]
    exogenous = matrix[:, [term in outside for term in regression.terms]]
    added = np.column_stack(
        [np.asarray(_term(name, columns), dtype=float) for name in regression.instruments]
    )
    wide, least = np.column_stack([exogenous, added]), np.inf
    for name in regression.endogenous:
        target = matrix[:, regression.terms.index(name)]
        slopes, covariance = _least_squares(target, wide), _sandwich(target, wide)
        kept = slice(-added.shape[1], None)
        wald = slopes[kept] @ np.linalg.solve(covariance[kept, kept], slopes[kept])
        least = min(least, float(wald / added.shape[1]))
    status = "broken" if least < WEAK else "doubtful" if least < STRONG else "kept"
    status = "kept" if least >= WEAK and added.shape[1] > 1 else status
    names = ", ".join(regression.instruments)
    return Finding("instrument", names, status, facts={"f": least, "wanted": WEAK, "strong": STRONG})


def _term(name: str, columns: Any) -> Array:
    from crmlab.estimators.formulas import formula

    return formula(f"{name} ~ 1").arrays(columns)[0]


def arrays(regression: Regression, tables: Tables) -> tuple[Array, Array]:
    """Outcome and design matrix of one cohort."""
    outcome, matrix = regression._formula.arrays(tables.columns(regression.table))
    return np.asarray(outcome, dtype=float), np.asarray(matrix, dtype=float)


def _least_squares(outcome: Array, matrix: Array) -> Array:
    return np.linalg.lstsq(matrix, outcome, rcond=None)[0]


def _sandwich(outcome: Array, matrix: Array, careful: bool = False) -> Array:
    """Covariance of least squares, HC1; or HC3, which keeps its size where single rows weigh much."""
    inverse = np.linalg.pinv(matrix.T @ matrix)
    residual = outcome - matrix @ _least_squares(outcome, matrix)
    rows, terms = matrix.shape
    if careful:
        leverage = np.einsum("ij,jk,ik->i", matrix, inverse, matrix)
        stretched = residual**2 / np.maximum(1 - leverage, 1e-9) ** 2
    else:
        stretched = residual**2 * rows / (rows - terms)
    middle = (matrix * stretched[:, None]).T @ matrix
    return inverse @ middle @ inverse


def _standardised(values: Array) -> Array:
    spread = values.std()
    return (values - values.mean()) / spread if spread > 0 else values * 0.0
