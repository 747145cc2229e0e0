"""Which of two series moves the other: cross-lagged panel models, with and without stable traits.

Two series of the same units, x and y, at waves 1 … T. The cross-lagged panel model says

    x(t) = a x(t-1) + b y(t-1) + e(t),    y(t) = c x(t-1) + d y(t-1) + f(t),

with e and f correlated within a wave. Units that are high on both for good make b and c look positive where
nothing moves anything. The random-intercept model (Hamaker, Kuiper & Grasman 2015, doi:10.1037/a0038889)
says the same of deviations from each unit's own level, ``x(t) = trait_x + w_x(t)``; it holds the other as the
special case of traits that do not vary. It takes the level to be the same at all waves. The dynamic panel
model (Allison, Williams & Moral-Benito 2017, doi:10.1177/2378023117710578) does not: traits enter from the
second wave on, through the equations above, and the first wave is whatever it is, correlated with them.

All are fitted by `crmlab.models.structural` to covariances, many samples in one pass. Variances have no
bound: a trait that does not vary is estimated below 0 in half of the samples, and neither those samples nor
the estimates may be thrown away or moved to 0 without bias in the paths. `inadmissible` tells which they are.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pandas as pd

from crmlab.design import Estimate, Estimator, Tables
from crmlab.errors import InputError, check_known
from crmlab.models.structural import Fits, Moments, StructuralModel

Array = np.ndarray
PATHS = ("x_to_x", "y_to_x", "x_to_y", "y_to_y")
MODELS = ("cross-lagged", "random intercepts", "dynamic panel")
FEWEST = {  # waves that identify it with equal paths, and with paths of their own
    "cross-lagged": (2, 2),
    "random intercepts": (3, 3),
    "dynamic panel": (3, 4),
}


def description(waves: int, model: str = "random intercepts", equal: bool = True, alike: bool = False) -> str:
    """A panel model in lavaan's language, over ``x1 … xT`` and ``y1 … yT``.

    Parameters
    ----------
    waves : int
        T; at least 2 for the cross-lagged model, 3 for the others, 4 for the dynamic one with free paths.
    model : {"cross-lagged", "random intercepts", "dynamic panel"}
    equal : bool
        Whether each of the four paths is the same between all neighbouring waves: `PATHS` are their names.
        Else the wave to which it leads is added: ``x_to_y_2``.
    alike : bool
        Whether the variances and the covariance of what is new in a wave are the same in all waves but the
        first. With tens of units that matters: weights that are estimated wave by wave cost precision which
        the likelihood's errors know nothing of.

    Raises
    ------
    InputError
        If the model is unknown or the waves are too few.
    """
    check_known("model", [model], MODELS)
    if waves < FEWEST[model][not equal]:
        raise InputError(
            f"waves is {waves}; the {model} model with {'equal' if equal else 'free'} paths needs at least "
            f"{FEWEST[model][not equal]}"
        )
    start = 1 if model == "random intercepts" else 2
    lines = [] if model == "cross-lagged" else _traits(waves, start)
    series = ("wx", "wy") if model == "random intercepts" else ("x", "y")
    if model == "random intercepts":
        lines += _deviations(waves)
    if model == "dynamic panel":
        lines += [f"x1 ~~ {each}" for each in ("y1", "trait_x", "trait_y")]
        lines += [f"y1 ~~ {each}" for each in ("trait_x", "trait_y")]
    for wave in range(2, waves + 1):
        lines += _lags(series, wave, "" if equal else f"_{wave}")
    for wave in range(start, waves + 1):
        lines += _news(series, wave, named=alike and wave > 1)
    return "\n".join(lines)


def _news(series: tuple[str, str], wave: int, named: bool) -> list[str]:
    """What is new in a wave: the covariance, and where they have names, which makes them equal, variances."""
    x, y = (f"{name}{wave}" for name in series)
    if not named:
        return [f"{x} ~~ {y}"]
    return [f"{x} ~~ new_xy*{y}", f"{x} ~~ new_x*{x}", f"{y} ~~ new_y*{y}"]


def _traits(waves: int, first: int) -> list[str]:
    return [
        f"trait_{name} =~ " + " + ".join(f"1*{name}{wave}" for wave in range(first, waves + 1))
        for name in "xy"
    ]


def _deviations(waves: int) -> list[str]:
    """Each observation is its unit's level and a deviation, which alone moves on."""
    lines = []
    for name in "xy":
        for wave in range(1, waves + 1):
            lines += [f"w{name}{wave} =~ 1*{name}{wave}", f"{name}{wave} ~~ 0*{name}{wave}"]
    return lines + [f"trait_{trait} ~~ 0*w{name}1" for trait in "xy" for name in "xy"]


def _lags(series: tuple[str, str], wave: int, suffix: str) -> list[str]:
    return [
        f"{target}{wave} ~ "
        + " + ".join(f"{source[-1]}_to_{target[-1]}{suffix}*{source}{wave - 1}" for source in series)
        for target in series
    ]


@lru_cache(maxsize=32)
def panel_model(
    waves: int, model: str = "random intercepts", equal: bool = True, alike: bool = False
) -> StructuralModel:
    """The model of `description`, read once, variances without bounds."""
    return StructuralModel(description(waves, model, equal, alike), bounds=False)


def fit_panel(
    x: Array,
    y: Array,
    model: str = "random intercepts",
    equal: bool = True,
    robust: bool = False,
    alike: bool = False,
) -> Fits:
    """Fit a panel model to two series, of one sample or of many.

    Parameters
    ----------
    x, y : arrays of shape (units, waves) or (samples, units, waves)
    model, equal, alike
        As for `description`.
    robust : bool
        Errors by the sandwich of units' scores, which hold for data that are not normal, such as counts;
        variances times ``units / (units - parameters)``, as HC1's are.

    Returns
    -------
    Fits
        ``parameter("x_to_y")`` gives a path and its error, `crmlab.models.structural.fit_statistics` the χ².

    Raises
    ------
    InputError
        If the series differ in shape, or a value is missing or infinite.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    if x.shape != y.shape or x.ndim not in (2, 3):
        raise InputError(f"x has shape {x.shape} and y {y.shape}; both need (units, waves)")
    bad = ~(np.isfinite(x) & np.isfinite(y)).all(-1)
    if bad.any():
        rows = np.flatnonzero(bad if x.ndim == 2 else bad.any(0))
        raise InputError(
            f"{len(rows)} units have missing values in x or y, the first being row {rows[0]}; drop those rows"
        )
    structure = panel_model(x.shape[-1], model, equal, alike)
    columns = {
        f"{name}{at + 1}": each[..., at] for name, each in (("x", x), ("y", y)) for at in range(x.shape[-1])
    }
    cases = np.stack([columns[name] for name in structure.observed], -1)
    cases = cases if cases.ndim == 3 else cases[None]
    fits = structure.fit_moments(Moments.of(cases))
    if not robust:
        return fits
    units, parameters = cases.shape[-2], len(structure.names)
    factor = units / (units - parameters) if units > parameters else np.nan
    return replace(fits, covariance=fits.robust(cases).covariance * factor)


def inadmissible(fits: Fits) -> Array:
    """Which samples have a solution that no population has: a variance below 0 or a correlation beyond 1.

    The estimates of the paths are none the worse for it.

    Returns
    -------
    array of bool, shape (samples,)
    """
    count = len(fits.values)
    found = np.zeros(count, dtype=bool)
    names = fits.model.names
    for name in (each for each in names if _is_variance(each)):
        found |= fits.values[:, names.index(name)] < 0
    for name in (each for each in names if " ~~ " in each and not _is_variance(each)):
        first, second = name.split(" ~~ ")
        if {f"{first} ~~ {first}", f"{second} ~~ {second}"} <= set(names):
            own = [fits.values[:, names.index(f"{each} ~~ {each}")] for each in (first, second)]
            found |= fits.values[:, names.index(name)] ** 2 > own[0] * own[1]
    return found & fits.converged


def path_table(fits: Fits, sample: int = 0) -> pd.DataFrame:
    """The paths of one sample, with their errors.

    Returns
    -------
    DataFrame
        Index path, ``x_to_y`` and so on, with its wave where each wave has its own; columns estimate and
        standard_error.
    """
    names = [name for name in fits.model.names if name.startswith(PATHS)]
    rows = [[float(part[sample]) for part in fits.parameter(name)] for name in names]
    index = pd.Index(names, name="path")
    return pd.DataFrame(rows, index=index, columns=["estimate", "standard_error"])


def impulse_response(paths: Array, periods: int) -> Array:
    """What one unit more at the start brings in each later period, both ways: powers of the paths' matrix.

    Parameters
    ----------
    paths : array of shape (2, 2)
        Rows to, columns from.
    periods : int

    Returns
    -------
    array of shape (periods + 1, 2, 2)
        The first is the unit itself, the identity.
    """
    return np.stack([np.linalg.matrix_power(paths, each) for each in range(periods + 1)])


def _is_variance(name: str) -> bool:
    first, operator, second = name.partition(" ~~ ")
    return bool(operator) and first == second


@dataclass(frozen=True)
class PanelPath(Estimator):
    """One path of a panel model with equal paths between waves.

    Parameters
    ----------
    series : callable
        Tables to the two series x and y, arrays of shape ``(simulations, units, waves)``.
    path : {"x_to_x", "y_to_x", "x_to_y", "y_to_y"}
    model : {"random intercepts", "cross-lagged", "dynamic panel"}
    robust : bool
        Errors by the sandwich, which counts need and tens of units cannot carry; else the likelihood's, with
        units less one degrees of freedom.
    alike : bool
        As for `description`.
    """

    series: Callable[[Tables], tuple[Array, Array]]
    path: str
    model: str = "random intercepts"
    robust: bool = True
    alike: bool = False

    failure = "the panel model has no maximum, or the data do not identify it"

    def __post_init__(self) -> None:
        check_known("path", [self.path], PATHS)
        check_known("model", [self.model], MODELS)

    def fits(self, tables: Tables) -> Fits:
        """The fitted models of all cohorts; estimators of the same model share them."""
        return tables.once(
            (self.series, self.model, self.robust, self.alike),
            lambda: fit_panel(*self.series(tables), model=self.model, robust=self.robust, alike=self.alike),
        )

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        with np.errstate(all="ignore"):
            freedom = np.inf if self.robust else self.series(tables)[0].shape[-2] - 1.0
            return Estimate(*self.fits(tables).parameter(self.path), freedom)
