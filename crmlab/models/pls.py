"""Partial least squares path models: each construct is a weighted sum of its items, and paths join the sums.

Mode A (reflective) throughout, on standardised items. Everything follows from the items' correlations, so
one routine fits one sample, all resamples of a bootstrap, or many simulated cohorts at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmlab.errors import InputError, NotConverged, check_known, listing

Array = npt.NDArray[np.float64]
SCHEMES = ("path", "centroid", "factorial")
ITERATIONS = 500
TOLERANCE = 1e-9  # of a weight between two rounds
RESAMPLED_NUMBERS = 4_000_000  # item values that a block of resamples holds at once


@dataclass(frozen=True)
class PLSFit:
    """A fitted partial least squares path model.

    Attributes
    ----------
    paths : DataFrame
        One row a path: source, target, path (standardised) and, after a bootstrap, standard_error, low and
        high (its 2.5% and 97.5% points).
    loadings, weights : Series
        By construct and item: the correlation of item and score, and what the score gives the item, both for
        standardised items.
    scores : DataFrame
        One row a respondent, one column a construct; mean 0, standard deviation 1 (divisor n - 1).
    r_squared : Series
        Of the constructs that something leads to.
    scheme : str
        Inner weighting.
    iterations : int
        Rounds until the weights settled.
    draws : array of shape (resamples, paths), optional
        The bootstrap's paths; a row of NaN where the weights did not settle.
    """

    paths: pd.DataFrame
    loadings: pd.Series = field(repr=False)
    weights: pd.Series = field(repr=False)
    scores: pd.DataFrame = field(repr=False)
    r_squared: pd.Series
    scheme: str
    iterations: int
    draws: np.ndarray | None = field(default=None, repr=False)

    @property
    def failures(self) -> int:
        """How many resamples the bootstrap lost because their weights did not settle."""
        return 0 if self.draws is None else int(np.isnan(self.draws[:, 0]).sum())

    @property
    def variance_extracted(self) -> pd.Series:
        """Mean squared loading of each construct's items."""
        return (self.loadings**2).groupby(level="construct", sort=False).mean()

    @property
    def total_effects(self) -> pd.DataFrame:
        """Direct and indirect effects, row on column: ``(I - B)⁻¹ - I``."""
        names = list(self.scores)
        direct = pd.DataFrame(0.0, names, names)
        for row in self.paths.itertuples():
            direct.loc[row.source, row.target] = row.path
        unit = np.eye(len(names))
        return pd.DataFrame(np.linalg.inv(unit - direct.to_numpy()) - unit, names, names)

    def path(self, source: str, target: str) -> float:
        """One path coefficient."""
        found = self.paths[(self.paths.source == source) & (self.paths.target == target)]
        if found.empty:
            known = [f"{row.source} -> {row.target}" for row in self.paths.itertuples()]
            check_known("path", [f"{source} -> {target}"], known)
        return float(found.path.iloc[0])

    def __repr__(self) -> str:
        head = f"PLS path model: {len(self.scores):,} rows, {len(self.loadings)} items, {self.scheme} scheme"
        if self.draws is not None:
            head += f", {len(self.draws)} resamples ({self.failures} did not settle)"
        explained = ", ".join(f"{name} {value:.3f}" for name, value in self.r_squared.items())
        return f"{head}\n{self.paths.round(4).to_string(index=False)}\nR²: {explained}"

    def _repr_html_(self) -> str:
        head, *_, explained = repr(self).splitlines()
        return f"<p>{head}</p>{self.paths.round(4).to_html(index=False)}<p>{explained}</p>"


def fit_pls(
    table: pd.DataFrame,
    constructs: Mapping[str, Sequence[str]],
    paths: Sequence[tuple[str, str]],
    scheme: str = "path",
    bootstrap: int = 0,
    seed: int | None = None,
) -> PLSFit:
    """Fit a path model by partial least squares, mode A.

    Parameters
    ----------
    table : DataFrame
        One column an item. Items are standardised first.
    constructs : dict of str to list of str
        The items of each construct; an item belongs to one construct.
    paths : sequence of (str, str)
        From and to, without a loop.
    scheme : {"path", "centroid", "factorial"}
        What a construct's neighbours count for while the weights are sought: their regression weight
        (predecessors) or correlation (successors); the sign of the correlation; the correlation.
    bootstrap : int
        Resamples of rows, for standard errors and intervals; 0 for none.
    seed : int
        Of the bootstrap.

    Returns
    -------
    PLSFit
        Each construct's sign is such that its items' loadings add up to something positive; a resample's is
        such that its loadings agree with the sample's.

    Raises
    ------
    InputError
        If the model or the table is not fit for use.
    NotConverged
        If the weights do not settle, or two constructs' scores are the same.

    References
    ----------
    Tenenhaus, M., Esposito Vinzi, V., Chatelin, Y.-M. & Lauro, C. (2005). PLS path modeling. Computational
    Statistics & Data Analysis 48(1), 159–205.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> trust = rng.standard_normal(500)
    >>> commitment = 0.6 * trust + 0.8 * rng.standard_normal(500)
    >>> table = pd.DataFrame(
    ...     {f"t{k}": trust + rng.standard_normal(500) for k in range(3)}
    ...     | {f"c{k}": commitment + rng.standard_normal(500) for k in range(3)}
    ... )
    >>> model = fit_pls(table, {"T": ["t0", "t1", "t2"], "C": ["c0", "c1", "c2"]}, [("T", "C")])
    >>> bool(0.35 < model.path("T", "C") < 0.55)  # pulled towards zero by measurement error
    True
    """
    items, owner, adjacency = _model(constructs, paths)
    if scheme not in SCHEMES:
        raise InputError(f"scheme is {scheme!r}; it must be one of {listing(SCHEMES)}")
    values = _standardised(table, items)
    correlations = values.T @ values / (len(values) - 1)
    try:
        weights, iterations = pls_weights(correlations[None], owner, adjacency, scheme)
        weights = _signed(weights, correlations[None], owner)[0]
        direct, explained = _regressions((weights.T @ correlations @ weights)[None], adjacency)
    except np.linalg.LinAlgError:
        raise NotConverged("two constructs have the same scores; leave one of them out") from None
    if np.isnan(weights).any():
        raise NotConverged(f"PLS weights did not settle in {ITERATIONS} rounds; try another scheme")
    loadings = (correlations @ weights)[owner]
    names = list(constructs)
    index = pd.MultiIndex.from_arrays(
        [[names[at] for at in owner.argmax(1)], items], names=["construct", "item"]
    )
    steps = [(names.index(source), names.index(target)) for source, target in paths]
    fit = PLSFit(
        pd.DataFrame(
            [(source, target, direct[0][at]) for (source, target), at in zip(paths, steps)],
            columns=["source", "target", "path"],
        ),
        pd.Series(loadings, index, name="loading"),
        pd.Series(weights[owner], index, name="weight"),
        pd.DataFrame(values @ weights, table.index, names),
        pd.Series({name: explained[0, at] for at, name in enumerate(names) if adjacency[:, at].any()}),
        scheme,
        int(iterations[0]),
    )
    if not bootstrap:
        return fit
    draws = _bootstrap(values, owner, adjacency, scheme, weights, steps, bootstrap, seed)
    return replace(fit, draws=draws, paths=fit.paths.assign(**_spread(draws)))


def pls_weights(
    correlations: Array, owner: npt.NDArray[np.bool_], adjacency: npt.NDArray[np.bool_], scheme: str = "path"
) -> tuple[Array, npt.NDArray[np.int_]]:
    """Outer weights of many samples at once.

    Parameters
    ----------
    correlations : array of shape (samples, items, items)
    owner : array of bool, shape (items, constructs)
        Which construct an item belongs to.
    adjacency : array of bool, shape (constructs, constructs)
        Row leads to column.
    scheme : str

    Returns
    -------
    weights : array of shape (samples, items, constructs)
        Zero off their construct; every score has variance 1. NaN where the weights did not settle.
    iterations : array of shape (samples,)
    """
    weights = _scaled(np.broadcast_to(owner.astype(float), (len(correlations), *owner.shape)), correlations)
    iterations = np.zeros(len(correlations), dtype=int)
    moving = np.arange(len(correlations))
    for round_number in range(1, ITERATIONS + 1):
        current, own = weights[moving], correlations[moving]
        covariances = own @ current
        inner = _inner_weights(current.swapaxes(-1, -2) @ covariances, adjacency, scheme)
        renewed = _scaled((covariances @ inner) * owner, own)
        weights[moving], iterations[moving] = renewed, round_number
        moving = moving[np.abs(renewed - current).max((-1, -2)) >= TOLERANCE]  # NaN does not move either
        if not len(moving):
            break
    weights[moving] = np.nan
    return weights, iterations


def _scaled(weights, correlations):
    """Weights such that every score has variance 1."""
    variances = np.einsum("sij,sik,skj->sj", weights, correlations, weights, optimize=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return weights / np.sqrt(variances)[:, None, :]


def _inner_weights(between, adjacency, scheme):
    """What each construct's inner proxy gives its neighbours: ``(samples, neighbours, constructs)``."""
    joined = adjacency | adjacency.T
    if scheme == "centroid":
        return joined * np.sign(between)
    if scheme == "factorial":
        return joined * between
    return adjacency.T * between + _regressions(between, adjacency)[0]


def _regressions(between, adjacency):
    """Standardised coefficients, row on column, and each construct's R², from constructs' correlations."""
    coefficients, explained = np.zeros(between.shape), np.zeros(between.shape[:2])
    for target in range(len(adjacency)):
        sources = np.flatnonzero(adjacency[:, target])
        if len(sources):
            right = between[:, sources, target]
            solved = np.linalg.solve(between[:, sources[:, None], sources], right[..., None])[..., 0]
            coefficients[:, sources, target] = solved
            explained[:, target] = (solved * right).sum(-1)
    return coefficients, explained


def _signed(weights, correlations, owner, like=None):
    """Weights with the signs that make loadings positive on the whole, or agree with the loadings `like`."""
    loadings = (correlations @ weights) * owner
    agreement = (loadings * (1.0 if like is None else like)).sum(-2)
    return weights * np.where(agreement < 0, -1.0, 1.0)[:, None, :]


def signed_weights(
    correlations: Array,
    constructs: Mapping[str, Sequence[str]],
    paths: Sequence[tuple[str, str]],
    scheme: str = "path",
) -> Array:
    """Outer weights of many samples at once, with the signs that `fit_pls` gives them.

    Parameters
    ----------
    correlations : array of shape (samples, items, items)
        Items in the order in which `constructs` names them.
    constructs, paths, scheme
        As in `fit_pls`.

    Returns
    -------
    array of shape (samples, items, constructs)
        Standardised items times these are the scores. NaN where the weights did not settle.
    """
    _, owner, adjacency = _model(constructs, paths)
    return _signed(pls_weights(correlations, owner, adjacency, scheme)[0], correlations, owner)


def _chosen(weights, correlations, adjacency, steps):
    """The paths `steps` of every sample, NaN where there are no weights."""
    settled = np.isfinite(weights).all((-1, -2))
    chosen = np.full((len(weights), len(steps)), np.nan)
    between = weights[settled].swapaxes(-1, -2) @ correlations[settled] @ weights[settled]
    direct = _regressions(between, adjacency)[0]
    chosen[settled] = direct[:, [one for one, _ in steps], [other for _, other in steps]]
    return chosen


def _bootstrap(values, owner, adjacency, scheme, weights, steps, resamples, seed):
    """Paths of every resample of rows."""
    if isinstance(resamples, bool) or not isinstance(resamples, (int, np.integer)) or resamples < 2:
        raise InputError(f"bootstrap is {resamples!r}; give a whole number of resamples, 2 or more, or 0")
    if seed is None:
        raise InputError("seed is None; the bootstrap needs one, so that its numbers come again")
    rng, rows = np.random.default_rng(seed), len(values)
    like = (values.T @ values @ weights / (rows - 1)) * owner
    block, draws = max(1, RESAMPLED_NUMBERS // values.size), []
    for start in range(0, resamples, block):
        drawn = values[rng.integers(0, rows, (min(block, resamples - start), rows))]
        drawn -= drawn.mean(1, keepdims=True)
        spread = np.sqrt((drawn**2).sum(1))
        with np.errstate(invalid="ignore", divide="ignore"):  # an item that is constant in a resample
            correlations = (drawn.swapaxes(-1, -2) @ drawn) / (spread[:, :, None] * spread[:, None, :])
        correlations[~np.isfinite(correlations).all((-1, -2))] = np.nan
        found = pls_weights(correlations, owner, adjacency, scheme)[0]
        draws.append(_chosen(_signed(found, correlations, owner, like), correlations, adjacency, steps))
    return np.concatenate(draws)


def _spread(draws):
    """Standard errors and percentile intervals of the paths; all NaN if hardly a resample settled."""
    settled = draws[~np.isnan(draws[:, 0])]
    if len(settled) < 2:
        return dict.fromkeys(("standard_error", "low", "high"), np.nan)
    low, high = np.quantile(settled, [0.025, 0.975], axis=0)
    return {"standard_error": settled.std(0, ddof=1), "low": low, "high": high}


def _model(constructs, paths):
    """Items in order, which construct owns each, and which construct leads to which."""
    names = list(constructs)
    items = [item for block in constructs.values() for item in block]
    empty = [name for name, block in constructs.items() if isinstance(block, str) or not len(block)]
    if empty:
        raise InputError(f"constructs {listing(empty)} have no list of items; give each at least one column")
    twice = sorted({item for item in items if items.count(item) > 1})
    if twice:
        raise InputError(f"items {listing(twice)} stand more than once; an item belongs to one construct")
    check_known("construct", [name for path in paths for name in path], names)
    adjacency = np.zeros((len(names), len(names)), bool)
    for source, target in paths:
        adjacency[names.index(source), names.index(target)] = True
    if np.linalg.matrix_power(adjacency.astype(float), len(names)).any():
        raise InputError("paths lead in a circle; a path model goes one way")
    alone = [name for name, row, column in zip(names, adjacency, adjacency.T) if not (row | column).any()]
    if alone:
        raise InputError(
            f"constructs {listing(alone)} are on no path; join them to another or leave them out"
        )
    owner = np.repeat(np.eye(len(names), dtype=bool), [len(block) for block in constructs.values()], axis=0)
    return items, owner, adjacency


def _standardised(table, items):
    """Item columns with mean 0 and standard deviation 1."""
    check_known("column", items, table.columns)
    values = table[items].to_numpy(dtype=float)
    strange = table.index[~np.isfinite(values).all(1)]
    if len(strange):
        raise InputError(f"rows {listing(strange, 5)} have missing items; drop or fill them, and say how")
    if len(values) <= len(items):
        raise InputError(
            f"table has {len(values)} rows for {len(items)} items; it needs more rows than items"
        )
    spread = values.std(0, ddof=1)
    if (spread == 0).any():
        constant = [item for item, each in zip(items, spread) if each == 0]
        raise InputError(f"items {listing(constant)} do not vary; leave them out")
    return (values - values.mean(0)) / spread
