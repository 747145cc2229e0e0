"""From starts to estimates: a trust-region Newton ascent, and what the curvature at its end says.

All parameters are estimated on the log scale, where rescaling time is a shift and positivity is free.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import numpy as np
import numpy.typing as npt

from crmlab.errors import InputError
from crmlab.models.btyd.rows import Rows

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


COARSE = 12_000  # rows of the first, coarse ascent on large data
GAIN = 1e-8  # the Newton step that adds less than this to the log-likelihood is the last
NEAR = 1e-4  # … if it moves no coefficient by more: on a ridge the curvature would be that of elsewhere
RETRIES = 4  # starts tried before giving up on an interior maximum
FLAT = 5.0  # a standard error above this on the log scale (a factor of e^10 each way) is no estimate


STATUSES = ("converged", "boundary", "flat", "failed")  # how a fit may end


class Objective(Protocol):
    """What is maximised: the mean log-likelihood over `total` customers."""

    total: float

    @property
    def evaluations(self) -> int:
        """How often the likelihood was computed."""
        ...

    def __call__(self, coefficients: Array, /) -> tuple[float, Array, Array]:
        """Value, gradient and Hessian."""
        ...


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
    boundary: tuple[str, ...] = ()
    flat: tuple[str, ...] = ()

    @property
    def converged(self) -> bool:
        """True if there is an interior maximum, however flat."""
        return self.status in ("converged", "flat")

    def __bool__(self) -> bool:
        return self.converged


@dataclass
class Optimum:
    """Where an ascent ended."""

    at: Array
    value: float
    gradient: Array
    hessian: Array
    iterations: int
    last_gain: float
    held: Mask  # which coefficients sit at a bound
    done: bool


def ascend(
    likelihood: Objective, start: Array, low: Array, high: Array, fixed: Mask, steps: int = 200
) -> Optimum:
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
    at, radius, done, gain = np.clip(start, low, high), 1.0, False, float("inf")
    value, gradient, hessian = likelihood(at)
    for iteration in range(steps + 1):
        held = ~fixed & (((at <= low) & (gradient < 0)) | ((at >= high) & (gradient > 0)))
        free = ~(fixed | held)
        if not free.any():
            gain, done = 0.0, True
            break
        step, newton = _step(gradient[free], hessian[np.ix_(free, free)], radius)
        gain = total * float(gradient[free] @ step + 0.5 * step @ hessian[np.ix_(free, free)] @ step)
        if newton and gain < GAIN and np.abs(step).max() < NEAR:
            # Take it without looking: what is left is of the order of its square.
            at[free] = np.clip(at[free] + step, low[free], high[free])
            value, done = value + gain / total, True
            break
        if (
            not newton and gain < GAIN and radius > 0.1
        ):  # nothing to win far around: a ridge that runs off, or is level
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
            length = float(np.linalg.norm(step))
            if rise > 0.75 * gain and length > 0.9 * radius:
                radius = min(2.0 * radius, 4.0)
            elif rise < 0.25 * gain and gain > noise:
                radius = 0.5 * length
            at, (value, gradient, hessian) = trial, new
        else:
            radius = 0.25 * min(radius, float(np.linalg.norm(step)))
            if radius < 1e-10:  # no step rises: at a maximum, as far as rounding lets us see
                done = gain < 1e-3
                break
    return Optimum(at, value, gradient, hessian, iteration, gain, held, done)


def _step(gradient: Array, hessian: Array, radius: float) -> tuple[Array, bool]:
    """The step that maximises the quadratic model within `radius`, and whether it is a full Newton step."""
    if not np.isfinite(hessian).all():
        return gradient * radius / max(float(np.linalg.norm(gradient)), 1e-300), False
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


def maximise(
    build: Callable[[Rows], Objective],
    rows: Rows,
    starts: Sequence[npt.ArrayLike],
    low: Array,
    high: Array,
    fixed: Mask,
    names: Sequence[str],
    ceiling: float = np.inf,
    explore: bool = False,
) -> tuple[Optimum, Convergence]:
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
    coarse = getattr(rows, "coarse", COARSE)
    thin = build(rows[:: max(1, len(rows) // coarse)]) if len(rows) > 2 * coarse else None
    full = build(rows)
    best: Optimum | None = None
    steps = 0
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
    if best is None:
        raise InputError("starts is empty; give at least one")
    return best, ended


def _in_turn(
    build: Callable[[Rows], Objective],
    rows: Rows,
    starts: Sequence[npt.ArrayLike],
    low: Array,
    high: Array,
    fixed: Mask,
    explore: bool,
) -> Iterator[Array]:
    """The starts in the order in which to climb from them, worked out as far as it is asked for."""
    points = [np.asarray(start, float) for start in starts]
    if explore:
        ranking = build(rows[:: max(1, len(rows) // 3000)])
        yield from _ranked(ranking, [ascend(ranking, point, low, high, fixed, 40).at for point in points])
    else:
        yield points[0]
        yield from _ranked(build(rows[:: max(1, len(rows) // 300)]), points[1:])


def _ranked(likelihood: Objective, points: Sequence[Array]) -> list[Array]:
    """The points by their likelihood, the best first, without those that lie beside a better one."""
    kept: list[Array] = []
    for point in sorted(points, key=lambda point: -_value(likelihood, point)):
        if all(np.abs(point - other).max() > 0.05 for other in kept):
            kept.append(point)
    return kept


def _value(likelihood: Objective, start: Array) -> float:
    value = likelihood(start)[0]
    return value if np.isfinite(value) else -np.inf


def standard_errors(optimum: Optimum, total: float, fixed: Mask) -> Array:
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


def turned(matrix: Array, coefficients: Array, covariance: Array) -> tuple[Array, Array]:
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


def conclude(
    likelihood: Objective,
    optimum: Optimum,
    low: Array,
    high: Array,
    fixed: Mask,
    names: Sequence[str],
    steps: int,
    ceiling: float,
) -> Convergence:
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


def _prose(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _drifting(
    likelihood: Objective, optimum: Optimum, low: Array, high: Array, fixed: Mask, names: Sequence[str]
) -> list[str]:
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
            return [names[int(j)] for j in free if abs(away[j]) > 0.3]
    return []
