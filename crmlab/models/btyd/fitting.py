"""From columns to estimates: compression, a trust-region Newton ascent, and what the curvature says.

All parameters are estimated on the log scale, where rescaling time is a shift and positivity is free.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pandas as pd

from crmlab.cores import available_cores

BLOCK = 1 << 13  # rows evaluated together; fixed, so sums do not depend on the number of threads
COARSE = 12_000  # rows of the first, coarse ascent on large data
GAIN = 1e-8  # the Newton step that adds less than this to the log-likelihood is the last
RETRIES = 4  # starts tried before giving up on an interior maximum
FLAT = 5.0  # a standard error above this on the log scale (a factor of e^10 each way) is no estimate


class ConvergenceWarning(UserWarning):
    """The fit has no interior maximum, or it was not found."""


@dataclass(frozen=True)
class Convergence:
    """How a fit ended.

    Attributes
    ----------
    status : str
        ``"converged"``, ``"boundary"`` (the likelihood rises towards a limit of the parameters), ``"flat"``
        (a maximum the data hardly tell from its surroundings) or ``"failed"``.
    message : str
        One sentence about it.
    iterations, evaluations : int
        Newton steps and evaluations of the likelihood on all rows.
    last_gain : float
        What the last Newton step added to the log-likelihood; a further one would add of the order of its
        square.
    boundary, flat : tuple of str
        Parameters at a limit, and parameters without a usable standard error.
    """

    status: str
    message: str
    iterations: int = 0
    evaluations: int = 0
    last_gain: float = np.nan
    boundary: tuple = ()
    flat: tuple = ()

    @property
    def converged(self):
        """True if there is an interior maximum, however flat."""
        return self.status in ("converged", "flat")

    def __bool__(self):
        return self.converged


@dataclass
class Rows:
    """Unique rows of the data, each with the number of customers that share it."""

    columns: tuple
    weight: np.ndarray
    purchase: np.ndarray = None  # covariates of the purchase rate, shape (rows, k)
    dropout: np.ndarray = None  # covariates of dropout

    def __len__(self):
        return self.weight.size

    def __getitem__(self, part):
        def some(table):
            return None if table is None else table[part]

        return Rows(
            tuple(column[part] for column in self.columns),
            self.weight[part],
            some(self.purchase),
            some(self.dropout),
        )

    @property
    def total(self):
        """Customers in all."""
        return float(self.weight.sum())

    def weighted(self, column):
        """Sum of a column over customers (not by BLAS, whose threads cost more than they give here)."""
        return float(np.sum(self.weight * column))


def compress(columns, weights=None, purchase=None, dropout=None):
    """Unique rows with their total weight.

    Columns become small integer codes, the codes of a row one integer key, and equal keys are counted.

    Parameters
    ----------
    columns : sequence of float arrays, shape (n,)
    weights : float array, shape (n,), optional
    purchase, dropout : float arrays, shape (n, k), optional
        Covariates, part of what makes a row unique.

    Returns
    -------
    Rows
    """
    every = list(columns) + [
        column for table in (purchase, dropout) if table is not None for column in table.T
    ]
    key, size = np.zeros(len(columns[0]), np.int64), 1
    for column in every:
        code, levels = _code(column)
        if size * levels >= 1 << 62:
            key, size = _factorize(key)
        key, size = key * levels + code, size * levels
    chosen, count = _count(key, size, weights)

    def some(table):
        return None if table is None else table[chosen]

    return Rows(tuple(column[chosen] for column in columns), count, some(purchase), some(dropout))


def _code(column):
    """A column as integers from 0, and how many there may be: whole numbers directly, others by hashing."""
    low, high = column.min(), column.max()
    if high - low < 1 << 22 and (column == np.rint(column)).all():
        return (column - low).astype(np.int64), int(high - low) + 1
    return _factorize(column)


def _factorize(values):
    codes, levels = pd.factorize(values)
    return codes.astype(np.int64, copy=False), len(levels)


def _count(key, size, weights):
    """One row of each key, and the number (or total weight) of rows that share it."""
    if size > (1 << 16) + 4 * key.size:  # a table of all possible keys would cost more than hashing
        key, size = _factorize(key)
    present = np.bincount(key.astype(np.intp, copy=False), weights, minlength=1)
    found = np.flatnonzero(present)
    row = np.empty(present.size, np.intp)
    row[key] = np.arange(key.size)
    return row[found], present[found].astype(float)


class Likelihood:
    """The mean log-likelihood of a model on `rows`, with gradient and Hessian in the coefficients.

    Coefficients are the logs of the model's parameters, followed by those of the covariates.

    Parameters
    ----------
    terms : callable
        ``terms(columns, *parameters)`` returns, for each row, the log-likelihood, a list of its k first
        derivatives and a dict ``{(j, l): second derivative}``, j ≤ l, all in the parameters themselves.
    rows : Rows
    n_parameters : int
    slopes : sequence of (int, array), optional
        For each covariate coefficient, the parameter whose log it moves and the column that multiplies it.
    threads : int, optional
    """

    def __init__(self, terms, rows, n_parameters, slopes=(), threads=None):
        self.terms, self.rows, self.k, self.slopes = terms, rows, n_parameters, list(slopes)
        self.parts = [slice(start, start + BLOCK) for start in range(0, len(rows), BLOCK)]
        threads = min(threads or available_cores(), 8, len(self.parts))
        self.map = ThreadPoolExecutor(threads).map if threads > 1 else map
        self.total = rows.total
        self.evaluations = 0

    def parameters(self, coefficients, part=slice(None)):
        """The model's parameters: floats, or arrays of shape (rows,) where covariates act."""
        logs = list(coefficients[: self.k])
        for (j, column), slope in zip(self.slopes, coefficients[self.k :]):
            logs[j] = logs[j] + slope * column[part]
        return [np.exp(each) for each in logs]

    def __call__(self, coefficients):
        """(value, gradient, Hessian) at `coefficients`."""
        self.evaluations += 1
        sums = list(self.map(lambda part: self._block(coefficients, part), self.parts))
        value, gradient, hessian = (sum(each[j] for each in sums) / self.total for j in range(3))
        return value, gradient, hessian

    def _block(self, coefficients, part):
        rows = self.rows[part]
        parameters = self.parameters(coefficients, part)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            value, first, second = self.terms(rows.columns, *parameters)
        if self.slopes:
            return self._with_covariates(parameters, part, rows.weight, value, first, second)
        weight = rows.weight

        def total(each):
            return np.sum(weight * each)  # `each` may be one number for all rows

        gradient = np.array([total(each) for each in first]) * parameters
        hessian = np.diag(gradient)
        for (j, l), each in second.items():
            hessian[j, l] += total(each) * parameters[j] * parameters[l]
            hessian[l, j] = hessian[j, l]
        return total(value), gradient, hessian

    def _with_covariates(self, parameters, part, weight, value, first, second):
        logs = [g * p for g, p in zip(first, parameters)]
        moves = [(j, 1.0) for j in range(self.k)] + [(j, column[part]) for j, column in self.slopes]
        gradient = np.array([np.sum(weight * logs[j] * z) for j, z in moves])
        hessian = np.zeros((len(moves), len(moves)))
        for a, (j, z) in enumerate(moves):
            for b, (l, y) in enumerate(moves[: a + 1]):
                curve = second.get((min(j, l), max(j, l)), 0.0) * parameters[j] * parameters[l]
                if j == l:
                    curve = curve + logs[j]
                hessian[a, b] = hessian[b, a] = np.sum(weight * curve * z * y)
        return np.sum(weight * value), gradient, hessian


@dataclass
class Optimum:
    """Where an ascent ended."""

    at: np.ndarray
    value: float
    gradient: np.ndarray
    hessian: np.ndarray
    iterations: int
    last_gain: float
    held: np.ndarray  # which coefficients sit at a bound
    done: bool


def ascend(likelihood, start, low, high, fixed, steps=200):
    """Maximise by Newton steps within a trust region and a box.

    Parameters
    ----------
    likelihood : callable
        ``likelihood(x)`` returns value, gradient and Hessian.
    start, low, high : arrays, shape (k,)
    fixed : bool array, shape (k,)
        Coefficients held at their start.

    Returns
    -------
    Optimum
    """
    total = getattr(likelihood, "total", 1.0)
    at, radius, done, gain = np.clip(start, low, high), 1.0, False, np.inf
    value, gradient, hessian = likelihood(at)
    for iteration in range(steps + 1):
        held = ~fixed & (((at <= low) & (gradient < 0)) | ((at >= high) & (gradient > 0)))
        free = ~(fixed | held)
        if not free.any():
            gain, done = 0.0, True
            break
        step, newton = _step(gradient[free], hessian[np.ix_(free, free)], radius)
        gain = total * (gradient[free] @ step + 0.5 * step @ hessian[np.ix_(free, free)] @ step)
        if newton and gain < GAIN:  # take it without looking: what is left is of the order of its square
            at[free] = np.clip(at[free] + step, low[free], high[free])
            value, done = value + gain / total, True
            break
        if gain < GAIN and radius > 0.1:  # nothing to win far around: a ridge that runs off, or is level
            done = True
            break
        if iteration == steps:
            done = gain < 1e-6
            break
        trial = at.copy()
        trial[free] = np.clip(at[free] + step, low[free], high[free])
        new = likelihood(trial)
        rise, noise = total * (new[0] - value), 1e-9 + 1e-13 * total * abs(value)
        if np.isfinite(new[0]) and np.isfinite(new[1]).all() and (rise > 1e-4 * gain or gain < noise):
            length = np.linalg.norm(step)
            if rise > 0.75 * gain and length > 0.9 * radius:
                radius = min(2.0 * radius, 4.0)
            elif rise < 0.25 * gain and gain > noise:
                radius = 0.5 * length
            at, (value, gradient, hessian) = trial, new
        else:
            radius = 0.25 * min(radius, np.linalg.norm(step))
            if radius < 1e-10:  # no step rises: at a maximum, as far as rounding lets us see
                done = gain < 1e-3
                break
    return Optimum(at, value, gradient, hessian, iteration, float(gain), held, done)


def _step(gradient, hessian, radius):
    """The step that maximises the quadratic model within `radius`, and whether it is a full Newton step."""
    if not np.isfinite(hessian).all():
        return gradient * radius / max(np.linalg.norm(gradient), 1e-300), False
    curve, axes = np.linalg.eigh(-hessian)
    slope = axes.T @ gradient
    if curve[0] > 0 and np.linalg.norm(slope / curve) <= radius:
        return axes @ (slope / curve), True
    under = max(-curve[0], 0.0)
    low, high = under, under + np.linalg.norm(slope) / radius + 1e-300
    for _ in range(60):
        middle = 0.5 * (low + high)
        too_long = np.linalg.norm(slope / np.maximum(curve + middle, 1e-300)) > radius
        low, high = (middle, high) if too_long else (low, middle)
    return axes @ (slope / np.maximum(curve + high, 1e-300)), False


def maximise(build, rows, starts, low, high, fixed, names, ceiling=np.inf, explore=False):
    """The best maximum found, and how the search ended.

    Large data are thinned for a coarse first ascent. The first start is that from moments; the others, ranked
    on a few rows, are tried only if it does not end at an interior maximum. A model that is known for several
    maxima climbs from all.

    Parameters
    ----------
    build : callable
        ``build(rows)`` returns the Likelihood of these rows.
    rows : Rows
    starts : sequence of arrays, shape (k,)
        Coefficients to start from.
    low, high : arrays, shape (k,)
        Box of the coefficients.
    fixed : bool array, shape (k,)
    names : sequence of str
    ceiling : float
        What the log-likelihood can never exceed.
    explore : bool
        Climb from every start on a few rows, and from the best three of the tops reached on all rows.

    Returns
    -------
    Optimum, Convergence
    """
    thin = build(rows[:: max(1, len(rows) // COARSE)]) if len(rows) > 2 * COARSE else None
    full = build(rows)
    best, steps = None, 0
    for tried, start in enumerate(
        islice(_in_turn(build, rows, starts, low, high, fixed, explore), RETRIES), 1
    ):
        if thin is not None:
            start = ascend(thin, start, low, high, fixed).at
        optimum = ascend(full, start, low, high, fixed)
        steps += optimum.iterations
        if best is None or full.total * (optimum.value - best.value) > 1e-6:
            best = optimum
        ended = conclude(full, best, low, high, fixed, names, steps, ceiling)
        if ended.converged and (not explore or tried == 3):
            break
    return best, ended


def _in_turn(build, rows, starts, low, high, fixed, explore):
    """The starts in the order in which to climb from them, worked out as far as it is asked for."""
    starts = [np.asarray(start, float) for start in starts]
    if explore:
        ranking = build(rows[:: max(1, len(rows) // 3000)])
        yield from _ranked(ranking, [ascend(ranking, start, low, high, fixed, 40).at for start in starts])
    else:
        yield starts[0]
        yield from _ranked(build(rows[:: max(1, len(rows) // 300)]), starts[1:])


def _ranked(likelihood, points):
    """The points by their likelihood, the best first, without those that lie beside a better one."""
    kept = []
    for point in sorted(points, key=lambda point: -_value(likelihood, point)):
        if all(np.abs(point - other).max() > 0.05 for other in kept):
            kept.append(point)
    return kept


def _value(likelihood, start):
    value = likelihood(start)[0]
    return value if np.isfinite(value) else -np.inf


def standard_errors(optimum, total, fixed):
    """Covariance of the coefficients from the observed information; NaN for those at a bound.

    Returns
    -------
    array, shape (k, k)
    """
    k = optimum.at.size
    free = ~(fixed | optimum.held)
    covariance = np.full((k, k), np.nan)
    covariance[np.ix_(fixed, fixed)] = 0.0
    if not free.any():
        return covariance
    curve, axes = np.linalg.eigh(-optimum.hessian[np.ix_(free, free)] * total)
    if curve[0] <= 1e-14 * max(curve[-1], 1e-300):
        return covariance
    covariance[np.ix_(free, free)] = (axes / curve) @ axes.T
    covariance[np.ix_(free, fixed)] = 0.0
    covariance[np.ix_(fixed, free)] = 0.0
    return covariance


def turned(matrix, coefficients, covariance):
    """Linear combinations of coefficients with their covariance, NaN where an unknown variance enters.

    Parameters
    ----------
    matrix : array, shape (j, k)
    coefficients, covariance : arrays, shapes (k,) and (k, k)

    Returns
    -------
    arrays, shapes (j,) and (j, j)
    """
    unknown = np.isnan(np.diag(covariance))
    result = matrix @ np.where(np.isnan(covariance), 0.0, covariance) @ matrix.T
    lost = (matrix[:, unknown] != 0).any(axis=1)
    result[lost, :] = result[:, lost] = np.nan
    return matrix @ coefficients, result


def conclude(likelihood, optimum, low, high, fixed, names, steps, ceiling):
    """What to tell about an ascent, as a Convergence."""
    total = likelihood.total
    spread = np.sqrt(np.diag(standard_errors(optimum, total, fixed)))
    boundary = [name for name, held in zip(names, optimum.held) if held]
    flat = [
        name for name, each, hold in zip(names, spread, fixed | optimum.held) if not hold and not each < FLAT
    ]
    if flat and optimum.done:
        boundary += [
            name for name in _drifting(likelihood, optimum, low, high, fixed, names) if name not in boundary
        ]
    if optimum.value * total > ceiling + 1e-6 * (1.0 + abs(ceiling)):
        status, message = "failed", "the likelihood found is above what the data permit; report this data set"
    elif not optimum.done:
        status, message = "failed", "the ascent stopped before a maximum; treat the parameters as unknown"
    elif boundary:
        status = "boundary"
        message = (
            f"the likelihood keeps rising as {_prose(boundary)} move{'s' * (len(boundary) == 1)} towards a "
            f"limit, so the data prefer a simpler model"
        )
    elif flat:
        status, message = "flat", f"a maximum, but the data say almost nothing about {_prose(flat)}"
    else:
        status, message = "converged", f"an interior maximum after {steps} Newton steps"
    return Convergence(
        status, message, steps, likelihood.evaluations, optimum.last_gain, tuple(boundary), tuple(flat)
    )


def _prose(names):
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _drifting(likelihood, optimum, low, high, fixed, names):
    """Parameters that can run off along the flattest direction at no loss of likelihood: no true maximum."""
    free = np.flatnonzero(~(fixed | optimum.held))
    _curve, axes = np.linalg.eigh(-optimum.hessian[np.ix_(free, free)])
    for sign in (1.0, -1.0):
        away = np.zeros(optimum.at.size)
        away[free] = sign * axes[:, 0] / np.abs(axes[:, 0]).max()
        values = [
            _value(likelihood, np.clip(optimum.at + distance * away, low, high))
            for distance in (1.0, 3.0, 6.0)
        ]
        if likelihood.total * (optimum.value - min(values)) < 0.01:
            return [names[j] for j in free if abs(away[j]) > 0.3]
    return []
