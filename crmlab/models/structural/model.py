"""A structural model: described in words, fitted to one sample or to thousands at once."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from crmlab.errors import InputError, check_known, listing
from crmlab.models.delta import delta_method, jacobian
from crmlab.models.structural.engine import Array, Layout, Likelihood, Moments, climb, information_inverse
from crmlab.models.structural.syntax import Term, describe

KINDS = ("loadings", "regressions", "intercepts", "variances", "covariances")


class StructuralModel:
    """A linear structural model of one group or several.

    Parameters
    ----------
    description : str
        In lavaan's and semopy's language; see `crmlab.models.structural.syntax`.
    groups : sequence of str, optional
        Names of groups that are fitted together. A parameter that the description names is equal in all.
    equal : collection of {"loadings", "regressions", "intercepts", "variances", "covariances"}
        What else is equal in all groups. With intercepts equal, means of factors are free after the first.
    means : bool
        Whether means have a structure; intercepts in the description or among `equal` say so, too.
    bounds : bool
        Whether variances stay at 0 or above.

    Attributes
    ----------
    names : list of str
        Of the free parameters: ``"visual =~ x2"``, or the description's name; ``" [group]"`` is added where
        there are several groups and the parameter is not equal in all.
    observed, latent : list of str
    terms : list of list of (str, Term)
        All parameters of each group with their names, fixed ones included.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> trait = rng.standard_normal((500, 1000))  # 500 samples of 1,000 rows
    >>> items = np.stack([0.8 * trait + 0.6 * rng.standard_normal(trait.shape) for _ in range(3)], -1)
    >>> fits = StructuralModel("factor =~ a + b + c").fit(items)
    >>> value, error = fits.parameter("factor =~ b")
    >>> bool(abs(value.mean() - 1) < 0.01), bool(abs(value.std() / error.mean() - 1) < 0.1)
    (True, True)
    """

    def __init__(
        self,
        description: str,
        groups: Sequence[str] | None = None,
        equal: Collection[str] = (),
        means: bool = False,
        bounds: bool = True,
    ):
        check_known("kind of parameter", equal, KINDS)
        read = describe(description, means or "intercepts" in equal)
        self.description, self.observed, self.latent = read, read.observed, read.latent
        self.groups = [str(group) for group in groups] if groups else [""]
        self.means = any(term.kind == "intercepts" for term in read.terms)
        self.terms = [self._of_group(at, set(equal)) for at in range(len(self.groups))]
        names = [name for terms in self.terms for name, term in terms if term.fixed is None]
        self.names = list(dict.fromkeys(names))
        number = {name: at for at, name in enumerate(self.names)}
        self.layouts = [
            Layout(
                read,
                [term for _, term in terms],
                [number[name] if term.fixed is None else -1 for name, term in terms],
                self.means,
            )
            for terms in self.terms
        ]
        self.lower = np.full(len(self.names), -np.inf)
        if bounds:
            self.lower[[number[name] for name in self.variances]] = 0.0
        self._check_counts()

    def _of_group(self, at: int, equal: set[str]) -> list[tuple[str, Term]]:
        """Each term of a group with its parameter's name."""
        terms = list(self.description.terms)
        if at and "intercepts" in equal:
            terms += [Term(factor, "~", "1", implied=True) for factor in self.latent]
        named = []
        for term in terms:
            shared = term.label or (term.kind in equal and term.left not in self.latent * (term.right == "1"))
            plain = len(self.groups) == 1 or shared
            named.append((term.name if plain else f"{term.name} [{self.groups[at]}]", term))
        return named

    @property
    def variances(self) -> list[str]:
        """Names of the free parameters that are variances."""
        each = [
            name for terms in self.terms for name, t in terms if t.kind == "variances" and t.fixed is None
        ]
        return list(dict.fromkeys(each))

    @property
    def degrees_of_freedom(self) -> int:
        """Moments that the model explains, less free parameters; moments of exogenous variables apart."""
        count, given = len(self.observed), len(self.description.exogenous)
        each = count * (count + 1) // 2 - given * (given + 1) // 2 + self.means * (count - given)
        return each * len(self.groups) - len(self.names)

    def _check_counts(self) -> None:
        if self.degrees_of_freedom < 0:
            raise InputError(
                f"the model has {len(self.names)} free parameters, {-self.degrees_of_freedom} more than "
                f"the moments of {listing(self.observed)} can tell; fix some, or add items"
            )

    # -- fitting -------------------------------------------------------------------------------------------

    def fit(self, *cases: Array, robust: bool = False) -> "Fits":
        """Fit a stack of samples.

        Parameters
        ----------
        *cases : array of shape (samples, rows, observed)
            One a group, columns in the order of `observed`.
        robust : bool
            Errors by the sandwich of rows' scores, which hold for data that are not normal.

        Returns
        -------
        Fits
        """
        fits = self.fit_moments(*(Moments.of(np.asarray(each, dtype=float)) for each in cases))
        return fits.robust(*cases) if robust else fits

    def fit_moments(self, *moments: Moments) -> "Fits":
        """Fit a stack of covariance matrices and means, one `Moments` a group."""
        if len(moments) != len(self.groups):
            raise InputError(f"{len(moments)} groups of data for {len(self.groups)} groups of the model")
        likelihood = Likelihood(self.layouts, list(moments), len(self.names))
        values, arrived = climb(likelihood, self._start(moments), self.lower)
        states = likelihood.states(values, np.arange(len(values)))
        covariance = information_inverse(likelihood.derivatives(states)[1]) / likelihood.rows
        converged = arrived & np.isfinite(covariance).all((1, 2))
        return Fits(self, values, covariance, converged, likelihood, likelihood.height(states))

    def _start(self, moments: Sequence[Moments]) -> Array:
        """Where the search begins: half of each variance is shared, loadings follow the first item's."""
        start = np.zeros((len(moments[0].covariance), len(self.names)))
        number = {name: at for at, name in enumerate(self.names)}
        markers = {t.left: t.right for t in self.description.terms if t.operator == "=~" and t.fixed}
        for terms, moment in zip(self.terms, moments):
            spread = {name: moment.covariance[:, at, at] for at, name in enumerate(self.observed)}
            level = {name: moment.mean[:, at] for at, name in enumerate(self.observed)}
            for name, term in terms:
                if term.fixed is not None:
                    continue
                if term.kind == "variances":
                    of = markers.get(term.left, term.left)
                    start[:, number[name]] = 0.5 * spread[of] if of in spread else 0.5
                elif term.kind == "loadings" and term.right in spread:
                    start[:, number[name]] = self._loading(term, markers.get(term.left, ""), moment, spread)
                elif term.kind == "intercepts" and term.left in level:
                    start[:, number[name]] = level[term.left]
        return start

    def _loading(self, term: Term, marker: str, moment: Moments, spread: dict[str, Array]) -> Array:
        scale = np.sqrt(spread[term.right] / spread.get(marker, 1.0))
        if marker not in spread:
            return 0.7 * scale
        joint = moment.covariance[:, self.observed.index(term.right), self.observed.index(marker)]
        return np.clip(2 * joint / spread[marker], -1.4 * scale, 1.4 * scale)

    # -- standardising -------------------------------------------------------------------------------------

    def standardised(self, values: Array, spreads: Sequence[tuple[Array, Array]]) -> Array:
        """Parameters in standard deviations; see `Fits.standardised`."""
        columns = []
        at = {name: number for number, name in enumerate(self.observed + self.latent)}
        number = {name: place for place, name in enumerate(self.names)}
        for terms, (total, rest) in zip(self.terms, spreads):
            for name, term in terms:
                value = term.fixed if term.fixed is not None else values[..., number[name]]
                target = at[term.ends[1]]
                if term.kind == "intercepts":
                    columns.append(value / np.sqrt(total[..., target]))
                    continue
                source = at[term.ends[0]]
                if term.kind == "variances":
                    columns.append(value / total[..., target])
                elif term.kind == "covariances":
                    columns.append(value / np.sqrt(rest[..., source] * rest[..., target]))
                else:
                    columns.append(value * np.sqrt(total[..., source] / total[..., target]))
        return np.stack(np.broadcast_arrays(*columns), -1)


@dataclass(frozen=True, eq=False)
class Fits:
    """A stack of fitted models.

    Attributes
    ----------
    model : StructuralModel
    values : array of shape (samples, parameters)
        In the order of ``model.names``.
    covariance : array of shape (samples, parameters, parameters)
        From the expected information, or the sandwich.
    converged : array of bool, shape (samples,)
        Whether the likelihood has a maximum there, with errors.
    height : array of shape (samples,)
        Minus twice the mean log-likelihood of a row, up to a constant.
    """

    model: StructuralModel
    values: Array
    covariance: Array
    converged: Array
    likelihood: Likelihood = field(repr=False)
    height: Array = field(repr=False)

    def robust(self, *cases: Array) -> "Fits":
        """The same fits with errors by the sandwich of rows' scores (White 1982); one array a group."""
        states = self.likelihood.states(self.values, np.arange(len(self.values)))
        middle = self.likelihood.case_products(states, [np.asarray(each, dtype=float) for each in cases])
        bread = information_inverse(self.likelihood.derivatives(states)[1])
        return replace(self, covariance=bread @ middle @ bread / self.likelihood.rows)

    def _at(self, name: str) -> int:
        check_known("parameter", [name], self.model.names)
        return self.model.names.index(name)

    def parameter(self, name: str) -> tuple[Array, Array]:
        """Estimates and standard errors of one parameter, NaN where a fit failed."""
        at = self._at(name)
        return self._sound(self.values[:, at], self.covariance[:, at, at])

    def combine(self, function: Callable[[dict[str, Array]], Array]) -> tuple[Array, Array]:
        """A function of the parameters with its standard error by the delta method.

        Parameters
        ----------
        function : callable
            A dict of arrays by name to an array: ``lambda v: v["a"] * v["b"]``.
        """
        used = _Used(zip(self.model.names, self.values.T))
        function(used)
        at = [self._at(name) for name in used.names]

        def of(values: Array) -> Array:
            return function(dict(zip(used.names, np.moveaxis(values, -1, 0))))

        with np.errstate(all="ignore"):
            value, error = _delta(of, self.values[:, at], self.covariance[:, np.array(at)[:, None], at])
        return self._sound(value, error**2)

    def _sound(self, value: Array, variance: Array) -> tuple[Array, Array]:
        with np.errstate(invalid="ignore"):
            error = np.sqrt(np.where(self.converged, variance, np.nan))
        return np.where(self.converged, value, np.nan), error

    def in_moments(self, function: Callable[[dict[str, Array]], Array]) -> tuple[Array, Array]:
        """A function of the parameters and its derivative in the sample's covariances; of a single group.

        For errors of estimates from moments that are not plain covariances, such as polychoric correlations.

        Parameters
        ----------
        function : callable
            As for `combine`.

        Returns
        -------
        value : array of shape (samples,)
        weights : array of shape (samples, observed, observed)
            Symmetric.
        """

        def of(values: Array) -> Array:
            return function(dict(zip(self.model.names, np.moveaxis(values, -1, 0))))

        slope = jacobian(of, self.values).T
        bread = self.covariance * self.likelihood.rows
        states = self.likelihood.states(self.values, np.arange(len(self.values)))
        left, right, _ = self.model.layouts[0].sides(states[0])
        pull = (bread @ slope[..., None])[..., 0][:, self.model.layouts[0].numbers]
        half = states[0]["weight"] @ left * pull[:, None, :] @ (states[0]["weight"] @ right).swapaxes(1, 2)
        value = np.where(self.converged, of(self.values), np.nan)
        return value, (half + half.swapaxes(1, 2)) / 2

    def indirect_effect(self, *path: str, deviations_of: str | None = None) -> tuple[Array, Array]:
        """The product of the coefficients along a path of variables, and its error by the delta method.

        Parameters
        ----------
        *path : str
            ``indirect_effect("trust", "commitment", "renewal")``.
        deviations_of : str, optional
            A variable whose standard deviation, as the model has it, is the unit of the product.
        """
        if len(path) < 3:
            raise InputError(
                f"path is {' → '.join(path)}; an indirect effect passes at least three variables"
            )
        links = [self._link(source, target) for source, target in pairwise(path)]
        at = None if deviations_of is None else self._variable(deviations_of)

        def of(values: Array) -> Array:
            product = np.prod([self._coefficient(term, values) for term in links], axis=0)
            return product if at is None else product / np.sqrt(self.spreads(values)[0][0][:, at])

        value, error = _delta(of, self.values, self.covariance)
        return self._sound(value, error**2)

    def _link(self, source: str, target: str) -> Term:
        for term in self.model.description.terms:
            if term.ends == (source, target) and term.operator != "~~":
                return term
        raise InputError(f"the model has no path from {source} to {target}")

    def _coefficient(self, term: Term, values: Array) -> Array:
        return np.full(len(values), term.fixed) if term.fixed is not None else values[:, self._at(term.name)]

    def _variable(self, name: str) -> int:
        variables = self.model.observed + self.model.latent
        check_known("variable", [name], variables)
        return variables.index(name)

    def total_effect(self, source: str, target: str) -> tuple[Array, Array]:
        """What `target` gains when `source` is one higher, along all paths; of a single group."""
        layout, at = self.model.layouts[0], (self._variable(target), self._variable(source))

        def of(values: Array) -> Array:
            arrows = layout.filled(layout.fixed_arrows, layout.arrows, values)
            arrows[:, at[1]] = 0.0  # nothing acts on what is set
            return np.linalg.inv(np.eye(layout.size) - arrows)[:, at[0], at[1]]

        value, error = _delta(of, self.values, self.covariance)
        return self._sound(value, error**2)

    @property
    def boundary(self) -> Array:
        """Which variances were estimated at 0 or below (Heywood cases): ``(samples, parameters)``."""
        variances = np.isin(self.model.names, self.model.variances)
        return variances & (self.values <= 0)

    def spreads(self, values: Array) -> list[tuple[Array, Array]]:
        """Variances of all variables, and of what arrows do not explain, one pair a group."""
        found = []
        for layout, moment in zip(self.model.layouts, self.likelihood.moments):
            state = layout.implied(values, moment, np.arange(len(values)))
            whole = state["effects"] @ state["spread"] @ state["effects"].swapaxes(1, 2)
            found.append(
                (np.diagonal(whole, axis1=1, axis2=2), np.diagonal(state["spread"], axis1=1, axis2=2))
            )
        return found

    def standardised(self) -> tuple[Array, Array]:
        """All parameters in standard deviations of the variables, and their errors by the delta method.

        The standard deviations are the model's, and count as estimated: a solution from columns that were
        divided by their sample's would have wrong errors (Cudeck 1989).

        Returns
        -------
        values, errors : arrays of shape (samples, terms)
            In the order of the model's terms, fixed ones included, group by group.
        """

        def of(values: Array) -> Array:
            return self.model.standardised(values, self.spreads(values))

        with np.errstate(all="ignore"):
            return _delta(of, self.values, self.covariance)


class _Used(dict):
    """Parameters by name, which remembers the names that were asked for."""

    def __init__(self, items: Iterable[tuple[str, Array]]):
        super().__init__(items)
        self.names: list[str] = []

    def __getitem__(self, name: str) -> Array:
        check_known("parameter", [name], self)
        if name not in self.names:
            self.names.append(name)
        return super().__getitem__(name)


def _delta(function: Callable[[Array], Array], values: Array, covariance: Array) -> tuple[Array, Array]:
    """The delta method with steps in standard errors, whatever the units."""
    scale = np.sqrt(np.maximum(np.diagonal(covariance, axis1=1, axis2=2), 1e-300))
    relative = covariance / (scale[:, :, None] * scale[:, None, :])
    with np.errstate(all="ignore"):
        return delta_method(lambda steps: function(steps * scale), values / scale, relative)
