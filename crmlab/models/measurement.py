"""How well scales measure, and whether two of them measure two things.

Composite reliability and average variance extracted come from a factor model's loadings; the
heterotrait-monotrait ratio comes from the items' correlations alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmlab.errors import InputError, check_known, listing
from crmlab.models.mediation import bootstrap_interval
from crmlab.models.structural import fit_structural

Array = npt.NDArray[np.float64]
RESAMPLED_NUMBERS = 4_000_000  # item values that a block of resamples holds at once


def composite_reliability(loadings: npt.ArrayLike) -> float:
    """Share of a sum score's variance that the factor explains: ``(Σλ)² / ((Σλ)² + Σ(1 - λ²))``.

    Parameters
    ----------
    loadings : sequence of float
        Standardised, of one construct's items.

    References
    ----------
    Jöreskog, K. G. (1971). Statistical analysis of sets of congeneric tests. Psychometrika 36(2), 109–133.
    """
    loadings = _loadings(loadings)
    total = loadings.sum() ** 2
    return float(total / (total + (1 - loadings**2).sum()))


def average_variance_extracted(loadings: npt.ArrayLike) -> float:
    """Mean share of an item's variance that the factor explains: the mean squared standardised loading.

    References
    ----------
    Fornell, C. & Larcker, D. F. (1981). Evaluating structural equation models with unobservable variables and
    measurement error. Journal of Marketing Research 18(1), 39–50.
    """
    return float((_loadings(loadings) ** 2).mean())


def scale_quality(loadings: pd.Series, correlations: pd.DataFrame) -> pd.DataFrame:
    """Each construct's composite reliability and variance extracted, beside what it shares with others.

    Parameters
    ----------
    loadings : Series
        Standardised; index levels construct and item, in this order.
    correlations : DataFrame
        Of the constructs.

    Returns
    -------
    DataFrame
        Columns composite_reliability, variance_extracted, largest_shared_variance (the largest squared
        correlation with another construct) and distinct, Fornell and Larcker's criterion: more variance
        extracted than shared.
    """
    names = list(dict.fromkeys(loadings.index.get_level_values(0)))
    check_known("construct", names, correlations.columns)
    rows = {}
    for name in names:
        others = correlations.loc[name, [each for each in names if each != name]]
        shared = float((others**2).max()) if len(others) else 0.0
        extracted = average_variance_extracted(loadings[name])
        rows[name] = {
            "composite_reliability": composite_reliability(loadings[name]),
            "variance_extracted": extracted,
            "largest_shared_variance": shared,
            "distinct": extracted > shared,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def factor_quality(table: pd.DataFrame, constructs: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """`scale_quality` of a factor model with one factor a construct, fitted by maximum likelihood.

    Parameters
    ----------
    table : DataFrame
        One column an item.
    constructs : dict of str to list of str
        Each construct's items, two or more constructs.

    Raises
    ------
    InputError
        If the table lacks an item, or holds missing or constant ones.
    NotConverged
        If the likelihood has no maximum.
    """
    if len(constructs) < 2:
        raise InputError(f"constructs {listing(constructs)}: give two or more, there is nothing to share")
    model = "\n".join(f"{name} =~ {' + '.join(items)}" for name, items in constructs.items())
    found = fit_structural(model, table).table.set_index(["left", "right"])["standardised"]
    loadings = pd.concat({name: found[name].loc[list(items)] for name, items in constructs.items()})
    correlations = pd.DataFrame(np.eye(len(constructs)), list(constructs), list(constructs))
    for one, other in permutations(constructs, 2):
        correlations.loc[one, other] = found[(one, other) if (one, other) in found.index else (other, one)]
    return scale_quality(loadings, correlations)


@dataclass(frozen=True)
class Heterotrait:
    """Heterotrait-monotrait ratios of pairs of constructs.

    Attributes
    ----------
    table : DataFrame
        One row a pair: first, second, ratio and, after a bootstrap, low and high.
    draws : array of shape (resamples, pairs), optional
    """

    table: pd.DataFrame
    draws: np.ndarray | None = field(default=None, repr=False)

    def ratio(self, first: str, second: str) -> float:
        """The ratio of one pair, in either order."""
        pair = self.table[["first", "second"]].apply(set, axis=1) == {first, second}
        if not pair.any():
            check_known("construct", [first, second], set(self.table["first"]) | set(self.table["second"]))
            raise InputError(f"first and second are both {first!r}; a ratio needs two constructs")
        return float(self.table.loc[pair, "ratio"].iloc[0])

    def __repr__(self) -> str:
        return f"Heterotrait-monotrait ratios\n{self.table.round(4).to_string(index=False)}"

    def _repr_html_(self) -> str:
        return self.table.round(3).to_html(index=False)


def heterotrait_monotrait(
    table: pd.DataFrame,
    constructs: Mapping[str, Sequence[str]],
    bootstrap: int = 0,
    seed: int | None = None,
    level: float = 0.95,
) -> Heterotrait:
    """Are two constructs two? Correlations between their items over correlations within.

    Parameters
    ----------
    table : DataFrame
        One column an item.
    constructs : dict of str to list of str
        Two or more items each.
    bootstrap : int
        Resamples for a percentile interval; 0 for none.
    seed : int
        Of the bootstrap.
    level : float
        Of the interval.

    Returns
    -------
    Heterotrait
        Near 1 the items of two constructs correlate as if they were of one. Absolute correlations are
        averaged, so that reversed items do no harm.

    References
    ----------
    Henseler, J., Ringle, C. M. & Sarstedt, M. (2015). A new criterion for assessing discriminant validity in
    variance-based structural equation modeling. Journal of the Academy of Marketing Science 43, 115–135.
    https://doi.org/10.1007/s11747-014-0403-8
    """
    items = [item for block in constructs.values() for item in block]
    short = [name for name, block in constructs.items() if isinstance(block, str) or len(block) < 2]
    if short or len(constructs) < 2:
        raise InputError(
            f"constructs {listing(short or constructs)}: give two or more, each with two or more items"
        )
    check_known("column", items, table.columns)
    values = table[items].to_numpy(dtype=float)
    if not np.isfinite(values).all():
        raise InputError("table has missing items; drop or fill them, and say how")
    if (values.std(0) == 0).any():
        raise InputError(f"items {listing(np.array(items)[values.std(0) == 0])} do not vary; leave them out")
    names = list(constructs)
    owner = np.repeat(np.arange(len(names)), [len(block) for block in constructs.values()])
    pairs = [(one, other) for one in range(len(names)) for other in range(one)]
    ratios = _ratios(_correlations(values[None]), owner, pairs)[0]
    found = pd.DataFrame(
        [(names[other], names[one], ratio) for (one, other), ratio in zip(pairs, ratios)],
        columns=["first", "second", "ratio"],
    )
    if not bootstrap:
        return Heterotrait(found)
    if seed is None:
        raise InputError("seed is None; the bootstrap needs one, so that its numbers come again")
    draws = _resampled(values, owner, pairs, bootstrap, np.random.default_rng(seed))
    bounds = [bootstrap_interval(column, ratio, level=level) for column, ratio in zip(draws.T, ratios)]
    return Heterotrait(found.assign(low=[low for low, _ in bounds], high=[high for _, high in bounds]), draws)


def _resampled(
    values: Array,
    owner: npt.NDArray[np.intp],
    pairs: list[tuple[int, int]],
    resamples: int,
    rng: np.random.Generator,
) -> Array:
    """The ratios of every resample of rows."""
    rows, draws = len(values), []
    block = max(1, RESAMPLED_NUMBERS // values.size)
    for start in range(0, resamples, block):
        drawn = values[rng.integers(0, rows, (min(block, resamples - start), rows))]
        draws.append(_ratios(_correlations(drawn), owner, pairs))
    return np.concatenate(draws)


def _correlations(values: Array) -> Array:
    """Correlations of the columns of each sample: ``(samples, items, items)``."""
    centred = values - values.mean(1, keepdims=True)
    spread = np.sqrt((centred**2).sum(1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return (centred.swapaxes(-1, -2) @ centred) / (spread[:, :, None] * spread[:, None, :])


def _ratios(correlations: Array, owner: npt.NDArray[np.intp], pairs: list[tuple[int, int]]) -> Array:
    """Mean correlation between constructs over the geometric mean of those within: ``(samples, pairs)``."""
    size = np.abs(correlations)
    blocks = [np.flatnonzero(owner == number) for number in range(owner.max() + 1)]
    within = [size[:, block[:, None], block][:, ~np.eye(len(block), dtype=bool)].mean(-1) for block in blocks]
    between = [size[:, blocks[one][:, None], blocks[other]].mean((-1, -2)) for one, other in pairs]
    return np.stack(
        [each / np.sqrt(within[one] * within[other]) for each, (one, other) in zip(between, pairs)], -1
    )


def _loadings(loadings: npt.ArrayLike) -> Array:
    loadings = np.asarray(loadings, dtype=float)
    if (
        loadings.ndim != 1
        or not len(loadings)
        or not np.isfinite(loadings).all()
        or (np.abs(loadings) > 1).any()
    ):
        raise InputError("loadings must be a row of numbers between -1 and 1: take the standardised ones")
    return loadings
