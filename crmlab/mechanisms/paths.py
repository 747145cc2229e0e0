"""Linear paths among standardised variables: they draw a market, and they are the causal diagram of it.

One `PathModel` gives the simulator its draws, the estimands their covariances and effects, and the lesson
its picture, so none of the three can disagree with the others.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from math import sqrt
from numbers import Real

import numpy as np
import pandas as pd

from crmlab.errors import InputError, check_known, listing

Path = tuple[str, str]
Weights = str | Mapping[str, float]
DUST = 1e-9  # of an explained variance: what rounding may leave beyond 1


class PathModel:
    """A linear model ``η = Bη + ζ`` whose variables all have mean 0 and variance 1.

    Parameters
    ----------
    paths : mapping of (str, str) to float
        From and to: ``{("trust", "commitment"): 0.45}``. A path of 0 is an arrow that this market does not
        use. Variables to which no path leads are exogenous.
    correlations : mapping of (str, str) to float, optional
        Of two exogenous variables, or of what is left of two that paths lead to; all others are 0.

    Raises
    ------
    InputError
        If the paths run in a circle, or explain more than all of a variable's variance: the message names
        the path to lower and how far.

    Examples
    --------
    >>> model = PathModel(
    ...     {
    ...         ("satisfaction", "trust"): 0.35,
    ...         ("trust", "commitment"): 0.45,
    ...         ("satisfaction", "commitment"): 0.10,
    ...     }
    ... )
    >>> round(model.covariance("trust", "commitment"), 4)
    0.485
    >>> round(model.total_effect("satisfaction", "commitment"), 4)
    0.2575
    >>> customers = model.draw(np.random.default_rng(1), 50_000)
    >>> bool(abs(np.corrcoef(customers["trust"], customers["commitment"])[0, 1] - 0.485) < 0.01)
    True

    References
    ----------
    Wright, S. (1934). The method of path coefficients. Annals of Mathematical Statistics 5(3), 161–215.
    Bollen, K. A. (1989). Structural equations with latent variables. Wiley; chapter 8 for the effects.
    """

    def __init__(self, paths: Mapping[Path, float], correlations: Mapping[Path, float] | None = None):
        self.paths = {path: _path_value(path, value) for path, value in paths.items()}
        self.variables = _in_order(self.paths)
        self.correlations = dict(correlations or {})
        self._set: dict[str, float] = {}
        self._rests, self._explained = self._checked_rests()

    # -- what the model is --------------------------------------------------------------------------------

    @property
    def exogenous(self) -> list[str]:
        """Variables to which no path leads."""
        targets = {target for _, target in self.paths}
        return [name for name in self.variables if name not in targets]

    def explained(self, variable: str) -> float:
        """Share of a variable's variance that the paths to it explain."""
        self._check(variable)
        return float(self._explained[self.variables.index(variable)])

    def rest(self, variable: str) -> float:
        """Standard deviation of what drives a variable besides the paths."""
        self._check(variable)
        return float(self._rests[self.variables.index(variable)])

    @cached_property
    def _coefficients(self) -> np.ndarray:
        """B, row to, column from; no arrow leads to a variable that was set."""
        at = {name: number for number, name in enumerate(self.variables)}
        matrix = np.zeros((len(at), len(at)))
        for (source, target), value in self.paths.items():
            matrix[at[target], at[source]] = 0.0 if target in self._set else value
        return matrix

    @cached_property
    def _effects(self) -> np.ndarray:
        """``(I - B)⁻¹``: total effects of each variable (column) on each (row)."""
        return np.linalg.inv(np.eye(len(self.variables)) - self._coefficients)

    @cached_property
    def _disturbances(self) -> np.ndarray:
        """Correlations of what drives each variable besides the paths, its scale apart."""
        matrix = np.eye(len(self.variables))
        for path, value in self.correlations.items():
            one, other = (self.variables.index(name) for name in path)
            matrix[one, other] = matrix[other, one] = value
        return matrix

    def _checked_rests(self) -> tuple[np.ndarray, np.ndarray]:
        """Standard deviation of each variable's disturbance, so that its variance is 1; share explained."""
        self._check_correlations()
        count = len(self.variables)
        rests, explained, implied = np.ones(count), np.zeros(count), np.eye(count)
        for at, name in enumerate(self.variables):
            loads, among = self._coefficients[at, :at], implied[:at, :at]
            explained[at] = loads @ among @ loads
            if explained[at] > 1 + DUST:
                raise InputError(self._too_much(name, loads, among))
            effects = np.linalg.inv(np.eye(at) - self._coefficients[:at, :at])
            with_rest = effects @ (rests[:at] * self._disturbances[:at, at])
            joint = float(loads @ with_rest)  # where what is left of two variables is correlated
            rests[at] = sqrt(max(0.0, joint**2 + 1 - explained[at])) - joint
            implied[at, :at] = implied[:at, at] = among @ loads + with_rest * rests[at]
        return rests, explained

    def _check_correlations(self) -> None:
        exogenous = set(self.exogenous)
        for path, value in self.correlations.items():
            check_known("variable", path, self.variables)
            if len(set(path)) < 2 or not -1 < value < 1:
                raise InputError(
                    f"the correlation of {path[0]} and {path[1]} is {value!r}; give one between -1 and 1"
                )
            if (path[0] in exogenous) != (path[1] in exogenous):
                raise InputError(
                    f"{path[0]} and {path[1]} are correlated, but a path leads to one of them only; "
                    "give a path between them instead"
                )
        if self.correlations and np.linalg.eigvalsh(self._disturbances)[0] < -DUST:
            raise InputError(
                f"the correlations {listing(f'{a}–{b} {r:g}' for (a, b), r in self.correlations.items())} "
                "contradict each other; bring one of them nearer to 0"
            )

    def _too_much(self, target: str, loads: np.ndarray, among: np.ndarray) -> str:
        """Says which path to `target` to lower, and to what."""
        at = int(np.abs(loads).argmax())
        rest = np.where(np.arange(len(loads)) == at, 0.0, loads)
        cross, others = float(among[at] @ rest), float(rest @ among @ rest)
        head = (
            f"the paths that lead to {target} explain {loads @ among @ loads:.2f} of its variance "
            f"({listing(self._told(target))})"
        )
        if cross**2 + 1 < others:
            return f"{head}; lower several of them so that it is at most 1"
        reach = sqrt(cross**2 + 1 - others)
        low, high = -cross - reach, -cross + reach
        return (
            f"{head}; bring {self.variables[at]}_to_{target} into {low:.2f} to {high:.2f}, or lower another"
        )

    def _told(self, target: str) -> list[str]:
        return [f"{a}_to_{b} {value:g}" for (a, b), value in self.paths.items() if b == target]

    def _check(self, *names: str) -> None:
        check_known("variable", names, self.variables)

    # -- draws ---------------------------------------------------------------------------------------------

    def draw(
        self,
        rng: np.random.Generator,
        rows: int,
        names: Iterable[str] | None = None,
        given: Mapping[str, np.ndarray] | None = None,
    ) -> dict[str, np.ndarray]:
        """Draw customers.

        Parameters
        ----------
        rng : numpy Generator, or one of ``BatchStreams``
        rows : int
            Customers.
        names : collection of str, optional
            Draw these variables only, now; all that the paths to them come from must be among them or given.
        given : mapping of str to array of shape (..., rows), optional
            Variables that are there already; they are not drawn.

        Returns
        -------
        dict of str to array of shape (..., rows)
            The variables drawn, in the model's order. After `do` the same generator draws the same
            customers, who differ only by what was done.
        """
        known = dict(given or {})
        wanted = self.variables if names is None else list(names)
        self._check(*wanted, *known)
        drawn = [name for name in self.variables if name in wanted and name not in known]
        noise = self._noise(rng, rows, drawn)
        for name in drawn:
            known[name] = (
                self._set_to(name, noise[name]) if name in self._set else self._value(name, known, noise)
            )
        return {name: known[name] for name in drawn}

    def _noise(self, rng: np.random.Generator, rows: int, drawn: Sequence[str]) -> dict[str, np.ndarray]:
        """Standard normal disturbances of the variables drawn, correlated as declared."""
        noise = {name: rng.standard_normal(rows) for name in drawn}
        apart = [path for path in self.correlations if (path[0] in noise) != (path[1] in noise)]
        if apart:
            raise InputError(
                f"names holds only one of {listing(apart[0])}, which are correlated; draw both at once"
            )
        if not any(path[0] in noise for path in self.correlations):
            return noise
        at = [self.variables.index(name) for name in drawn]
        values, vectors = np.linalg.eigh(self._disturbances[np.ix_(at, at)])
        mixing = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
        return {
            name: sum(weight * noise[other] for weight, other in zip(mixing[row], drawn) if weight)
            for row, name in enumerate(drawn)
        }

    def _value(
        self, name: str, known: Mapping[str, np.ndarray], noise: Mapping[str, np.ndarray]
    ) -> np.ndarray:
        value = self._rests[self.variables.index(name)] * noise[name]
        for (source, target), path in self.paths.items():
            if target == name:
                if source not in known:
                    raise InputError(f"names leaves {source} out, from which {name} comes; draw or give it")
                value = value + path * known[source]
        return value

    def _set_to(self, name: str, like: np.ndarray) -> np.ndarray:
        return np.full(np.shape(like), float(self._set[name]))

    def do(self, **values: float) -> "PathModel":
        """The model in which variables are set by intervention: no path leads to them any more.

        Parameters
        ----------
        **values : float
            In standard deviations: ``model.do(trust=1.0)``.
        """
        self._check(*values)
        changed = object.__new__(PathModel)
        changed.paths, changed.variables = self.paths, self.variables
        changed.correlations = self.correlations
        changed._rests, changed._explained = self._rests, self._explained
        changed._set = self._set | {name: float(value) for name, value in values.items()}
        return changed

    # -- what is true --------------------------------------------------------------------------------------

    @cached_property
    def _moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Means and covariances of all variables."""
        fixed = np.array([name in self._set for name in self.variables])
        rests = np.where(fixed, 0.0, self._rests)
        disturbed = self._effects * rests
        means = self._effects @ np.array([self._set.get(name, 0.0) for name in self.variables])
        return means, disturbed @ self._disturbances @ disturbed.T

    def mean(self, variable: str) -> float:
        """Mean of a variable: 0, unless something was set."""
        self._check(variable)
        return float(self._moments[0][self.variables.index(variable)])

    def implied_covariance(self) -> pd.DataFrame:
        """Covariances of all variables, which are correlations unless something was set."""
        return pd.DataFrame(self._moments[1], self.variables, self.variables)

    def covariance(self, first: Weights, second: Weights | None = None) -> float:
        """Covariance of two variables, or of two weighted sums of variables.

        Parameters
        ----------
        first, second : str or mapping of str to float
            A name, or weights by name: ``{"commitment": 0.3, "satisfaction": 0.15}``. With `second` left
            out, the variance of `first`.
        """
        one = self._weights(first)
        return float(one @ self._moments[1] @ (one if second is None else self._weights(second)))

    def correlation(self, first: Weights, second: Weights) -> float:
        """Correlation of two variables, or of two weighted sums of variables."""
        spread = self.covariance(first) * self.covariance(second)
        if spread <= 0:
            raise InputError(f"{first} or {second} does not vary; a correlation needs that both do")
        return self.covariance(first, second) / sqrt(spread)

    def _weights(self, of: Weights) -> np.ndarray:
        weights = {of: 1.0} if isinstance(of, str) else of
        self._check(*weights)
        return np.array([weights.get(name, 0.0) for name in self.variables])

    def total_effect(self, source: str, target: str) -> float:
        """What `target` gains, in standard deviations, when `source` is set one higher."""
        self._check(source, target)
        cut = self._coefficients.copy()
        cut[self.variables.index(source)] = 0.0  # nothing acts on what is set
        effects = np.linalg.inv(np.eye(len(cut)) - cut)
        return float(effects[self.variables.index(target), self.variables.index(source)])

    def direct_effect(self, source: str, target: str) -> float:
        """The path from `source` to `target`; 0 where there is none."""
        self._check(source, target)
        return float(self._coefficients[self.variables.index(target), self.variables.index(source)])

    def indirect_effect(self, source: str, target: str, through: str | None = None) -> float:
        """The part of the total effect that is not direct, or that runs through one variable.

        Parameters
        ----------
        through : str, optional
            Only what runs through this one.
        """
        if through is None:
            return self.total_effect(source, target) - self.direct_effect(source, target)
        if through in (source, target):
            raise InputError(f"through is {through}, an end of the effect; give a variable in between")
        return self.total_effect(source, through) * self.total_effect(through, target)

    # -- the picture ---------------------------------------------------------------------------------------

    def arrows(self, together: Mapping[str, Sequence[str]] | None = None, **options: dict) -> list[tuple]:
        """The arrows of the causal diagram, as `crmlab.plots.causal_diagram` draws them.

        Parameters
        ----------
        together : mapping of str to sequence of str, optional
            Draw several variables as one node: ``{"records": ["transparency", "consistency"]}``. An arrow
            from or to any of them is an arrow of the node.
        **options : dict
            Of single arrows, by ``FROM_to_TO``: ``satisfaction_to_commitment={"bend": 0.3}``.

        Returns
        -------
        list of (str, str, dict)
            One a path, then one with ``kind="correlation"`` for each correlation.
        """
        node = {name: name for name in self.variables}
        for group, members in (together or {}).items():
            self._check(*members)
            node |= dict.fromkeys(members, group)
        arrows: dict[tuple[str, str], dict[str, object]]
        arrows = {(node[a], node[b]): {} for a, b in self.paths if node[a] != node[b]}
        arrows |= {
            (node[a], node[b]): {"kind": "correlation"} for a, b in self.correlations if node[a] != node[b]
        }
        names = {f"{a}_to_{b}": (a, b) for a, b in arrows}
        check_known("arrow", options, names)
        return [(a, b, look | options.get(f"{a}_to_{b}", {})) for (a, b), look in arrows.items()]

    def __repr__(self) -> str:
        shown = ", ".join(f"{a} → {b} {value:g}" for (a, b), value in self.paths.items())
        done = "".join(f"; {name} set to {value:g}" for name, value in self._set.items())
        return f"PathModel({shown}{done})"


def _path_value(path: Path, value: float) -> float:
    if not (isinstance(path, tuple) and len(path) == 2 and all(isinstance(name, str) for name in path)):
        raise InputError(f"path {path!r} must be a pair of names, from and to")
    if path[0] == path[1]:
        raise InputError(f"a path leads from {path[0]} to itself; remove it")
    if not isinstance(value, Real) or not np.isfinite(value):
        raise InputError(f"the path from {path[0]} to {path[1]} is {value!r}; give a finite number")
    return float(value)


def _in_order(paths: Iterable[Path]) -> list[str]:
    """Exogenous variables in order of mention, then the others, causes before effects."""
    paths = list(paths)
    if not paths:
        raise InputError("paths is empty; give at least one")
    mentioned = list(dict.fromkeys(name for path in paths for name in path))
    order: list[str] = []
    while len(order) < len(mentioned):
        free = [
            name for name in mentioned if name not in order and all(a in order for a, b in paths if b == name)
        ]
        if not free:
            circle = [name for name in mentioned if name not in order]
            raise InputError(f"the paths among {listing(circle)} run in a circle; remove one of them")
        order.extend(free)
    return order
