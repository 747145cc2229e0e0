"""What the simulators are given, checked."""

from collections.abc import Mapping
from numbers import Real

import numpy as np
import numpy.typing as npt

from crmlab.errors import InputError

Array = npt.NDArray[np.float64]


def check_positive(parameters: Mapping[str, object]) -> None:
    """Refuse parameters that are not one finite number above 0 each."""
    for name, value in parameters.items():
        if not (isinstance(value, Real) and 0 < float(value) < np.inf):
            raise InputError(f"{name} is {value!r}; give one finite number above 0")


def size_of(n: object, name: str = "n") -> int:
    """How many customers (or events): a whole number of at least 1."""
    if not (isinstance(n, Real) and 1 <= float(n) < np.inf and float(n).is_integer()):
        of = " of customers" if name == "n" else ""
        raise InputError(f"{name} is {n!r}; give a whole number{of}, at least 1")
    return int(float(n))


def numbers(name: str, values: npt.ArrayLike) -> Array:
    """Values as an array of numbers."""
    try:
        return np.asarray(values, float)
    except (TypeError, ValueError):
        raise InputError(f"{name} is {values!r:.60}; give numbers") from None


def windows(T: npt.ArrayLike, n: int, grain: float | None) -> Array | float:
    """The time that each of n customers is observed, in whole days where days are counted."""
    window = numbers("T", T)
    if window.ndim > 1 or (window.ndim == 1 and window.size != n):
        raise InputError(f"T has shape {window.shape}; give one number or one for each of {n} customers")
    bad = ~np.isfinite(window) | (window < 0)
    if bad.any():
        raise InputError(
            f"T is {window[bad].flat[0] if window.ndim else window:g} in {bad.sum()} of {window.size} "
            f"values; give times of at least 0"
        )
    if grain is not None:
        check_positive({"grain": grain})
        window = np.rint(window / grain) * grain
    return window if window.ndim else float(window)


def multiplier(
    side: str, covariates: npt.ArrayLike | None, effects: npt.ArrayLike | None, n: int
) -> Array | float:
    """``exp(covariates @ effects)``, shape (n,), by which rates are multiplied; 1 without covariates."""
    if covariates is None and effects is None:
        return 1.0
    if covariates is None or effects is None:
        raise InputError(f"give {side}_covariates and {side}_effects together")
    z = numbers(f"{side}_covariates", covariates)
    z = z[:, None] if z.ndim == 1 else z
    gamma = np.atleast_1d(numbers(f"{side}_effects", effects))
    if z.shape != (n, gamma.size):
        raise InputError(
            f"{side}_covariates has shape {z.shape}; {n} customers and {gamma.size} "
            f"{side}_effects need {(n, gamma.size)}"
        )
    with np.errstate(over="ignore"):
        faster = np.exp(z @ gamma)
    bad = ~np.isfinite(faster)
    if bad.any():
        raise InputError(
            f"{side}_covariates times {side}_effects is not finite or too large in {bad.sum()} of {n} rows, "
            f"the first being row {np.flatnonzero(bad)[0]}; drop or repair these rows"
        )
    return faster
