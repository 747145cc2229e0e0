"""Markov chains from panels of stages: transition probabilities, tests of order, time to absorption.

A panel holds the stage of each customer in each period, as whole numbers 0, 1, …, k - 1: an array of shape
``(customers, periods)``, with -1 where a customer was not observed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from crmlab.errors import InputError, check_known, listing

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MarkovChain:
    """Transition probabilities of a first-order chain, by maximum likelihood.

    Parameters
    ----------
    counts : array_like, shape (k, k)
        Moves seen from the row's state to the column's.
    states : sequence of str, optional

    Notes
    -----
    The estimates are the shares ``p_ij = n_ij / n_i``. In large samples a row is multinomial and rows are
    unrelated: two probabilities of one row covary by ``p_ij (1[j = l] - p_il) / n_i`` (Anderson & Goodman
    1957, https://doi.org/10.1214/aoms/1177707039). Rows of states never seen before a move hold NaN.

    Examples
    --------
    >>> chain = MarkovChain([[60, 40], [0, 20]], states=["customer", "gone"])
    >>> chain.transition.tolist()
    [[0.6, 0.4], [0.0, 1.0]]
    >>> chain.time_in_states(absorbing=["gone"]).round(2).loc["customer", "total"].item()
    2.5
    """

    counts: Array
    states: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        counts = np.asarray(self.counts, float)
        if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or counts.size == 0:
            raise InputError(f"counts has shape {counts.shape}; give a square table, from by to")
        if not np.isfinite(counts).all() or (counts < 0).any():
            raise InputError("counts holds negative or missing numbers; give how often each move was seen")
        states = tuple(map(str, self.states)) or tuple(str(number) for number in range(len(counts)))
        if len(states) != len(counts) or len(set(states)) < len(states):
            raise InputError(f"states is {listing(states)}; give {len(counts)} different names")
        object.__setattr__(self, "counts", counts)
        object.__setattr__(self, "states", states)

    @classmethod
    def fit(cls, panel: npt.NDArray[np.integer], states: Sequence[str]) -> "MarkovChain":
        """The chain of a panel.

        Parameters
        ----------
        panel : int array, shape (customers, periods)
        states : sequence of str
            Names of the states 0, 1, …
        """
        return cls(count_sequences(panel, len(states), 1), tuple(states))

    @property
    def transition(self) -> Array:
        """Estimated probabilities, shape (k, k)."""
        with np.errstate(invalid="ignore"):
            return self.counts / self.counts.sum(axis=1, keepdims=True)

    @property
    def standard_errors(self) -> Array:
        """Of each probability, ``sqrt(p (1 - p) / n)``, shape (k, k)."""
        with np.errstate(invalid="ignore"):
            return np.sqrt(self.transition * (1 - self.transition) / self.counts.sum(axis=1, keepdims=True))

    @property
    def table(self) -> pd.DataFrame:
        """The probabilities as a DataFrame, from by to."""
        names = pd.Index(self.states, name="from"), pd.Index(self.states, name="to")
        return pd.DataFrame(self.transition, *names)

    def shares(self, start: npt.ArrayLike, periods: int) -> Array:
        """Expected share of customers in each state, period by period.

        Parameters
        ----------
        start : array_like, shape (k,)
            Shares at period 0.
        periods : int

        Returns
        -------
        array, shape (periods + 1, k)
        """
        return shares(self.transition, start, periods)

    def time_in_states(self, absorbing: str | Sequence[str]) -> pd.DataFrame:
        """Expected periods spent in each state before absorption, with standard errors.

        Parameters
        ----------
        absorbing : sequence of str
            States taken as ends: a customer who gets there is counted no further, whatever comes after.

        Returns
        -------
        DataFrame
            A row for each state from which a customer starts; for each state a column of expected periods,
            then ``total`` and ``standard_error`` of the total, by the delta method.
        """
        inner = self._inner(absorbing)
        time = FundamentalMatrix.of(self.transition[np.ix_(inner, inner)])
        rows = self.transition[np.ix_(inner, inner)], self.counts.sum(axis=1)[inner]
        names = [self.states[at] for at in inner]
        table = pd.DataFrame(time.visits, index=pd.Index(names, name="start"), columns=names)
        return table.assign(total=time.total, standard_error=time.standard_errors(*rows))

    def absorbed_in(self, absorbing: str | Sequence[str]) -> pd.DataFrame:
        """Probability of ending in each absorbing state, by the state from which a customer starts."""
        inner = self._inner(absorbing)
        ends = [self.states.index(name) for name in absorbing]
        time = FundamentalMatrix.of(self.transition[np.ix_(inner, inner)])
        return pd.DataFrame(
            time.visits @ self.transition[np.ix_(inner, ends)],
            index=pd.Index([self.states[at] for at in inner], name="start"),
            columns=list(absorbing),
        )

    def _inner(self, absorbing: str | Sequence[str]) -> list[int]:
        absorbing = [absorbing] if isinstance(absorbing, str) else list(absorbing)
        check_known("state", absorbing, self.states)
        inner = [at for at, name in enumerate(self.states) if name not in absorbing]
        never = [self.states[at] for at in inner if not self.counts[at].any()]
        if never:
            raise InputError(f"no move out of {listing(never)} was seen; leave those states out of the chain")
        return inner


@dataclass(frozen=True, eq=False)
class FundamentalMatrix:
    """``N = (I - Q)⁻¹``: expected visits to each transient state, from each (Kemeny & Snell 1960).

    Attributes
    ----------
    visits : array, shape (k, k)
        Row: the state of the start, which counts as a visit.
    """

    visits: np.ndarray

    @classmethod
    def of(cls, inner: Array) -> "FundamentalMatrix":
        """From Q, the probabilities of moving among the transient states.

        Raises
        ------
        InputError
            If from some state the end cannot be reached, so that the time is infinite.
        """
        inner = np.asarray(inner, float)
        reach = 1.0 - inner.sum(axis=1) > 1e-12
        for _ in range(len(inner)):
            reach = reach | ((inner > 0) & reach[None, :]).any(axis=1)
        if not reach.all():
            raise InputError(
                f"absorption cannot be reached from {int((~reach).sum())} of {len(inner)} states "
                f"(number {np.flatnonzero(~reach)[0]}); the expected time has no limit"
            )
        return cls(np.linalg.inv(np.eye(len(inner)) - inner))

    @property
    def total(self) -> Array:
        """Expected periods until absorption, ``N 1``."""
        return self.visits.sum(axis=1)

    def standard_errors(self, inner: Array, seen: Array) -> Array:
        """Of `total`, when the rows of Q are shares of `seen` observed moves each; delta method.

        Because ``∂t_i / ∂p_ab = N_ia t_b``, the variance is
        ``Σ_a N_ia² (Σ_b p_ab t_b² - (Σ_b p_ab t_b)²) / n_a``.
        """
        ahead = inner @ self.total
        spread = inner @ self.total**2 - ahead**2
        return np.sqrt(self.visits**2 @ (spread / np.asarray(seen, float)))


def shares(transition: npt.ArrayLike, start: npt.ArrayLike, periods: int) -> Array:
    """Expected share in each state, period by period, shape (periods + 1, k): ``start Pᵗ``."""
    path = [np.asarray(start, float)]
    for _ in range(periods):
        path.append(path[-1] @ transition)
    return np.array(path)


def count_sequences(panel: npt.ArrayLike, k: int, order: int) -> Array:
    """How often each sequence of ``order + 1`` states in a row was seen.

    Parameters
    ----------
    panel : int array, shape (customers, periods)
        -1 where a customer was not observed.
    k : int
        Number of states.
    order : int

    Returns
    -------
    array, shape (k,) * (order + 1)
        The oldest state first.

    Raises
    ------
    InputError
        If the panel is no array of whole numbers from -1 to k - 1, or has too few periods.
    """
    panel = np.asarray(panel)
    if panel.ndim != 2 or not np.issubdtype(panel.dtype, np.integer):
        raise InputError("panel must be whole numbers, a row a customer and a column a period")
    if panel.shape[1] <= order:
        raise InputError(f"panel has {panel.shape[1]} periods; order {order} needs at least {order + 1}")
    if panel.size and (panel.max() >= k or panel.min() < -1):
        strange = np.unique(panel[(panel >= k) | (panel < -1)])
        raise InputError(f"panel holds {listing(strange, 5)}; states are 0 to {k - 1}, and -1 for unobserved")
    steps = panel.shape[1] - order
    windows = np.stack([panel[:, lag : lag + steps].ravel() for lag in range(order + 1)])
    windows = windows[:, (windows >= 0).all(axis=0)]
    code = np.ravel_multi_index(windows, (k,) * (order + 1))
    return (
        np.bincount(code.astype(np.intp, copy=False), minlength=k ** (order + 1))
        .reshape((k,) * (order + 1))
        .astype(float)
    )


@dataclass(frozen=True)
class LikelihoodRatio:
    """A likelihood-ratio test: its statistic, degrees of freedom and p-value."""

    statistic: float
    degrees_of_freedom: int

    @property
    def p_value(self) -> float:
        return float(stats.chi2.sf(self.statistic, self.degrees_of_freedom))

    def __add__(self, other):
        """The test in independent groups together."""
        return LikelihoodRatio(
            self.statistic + other.statistic, self.degrees_of_freedom + other.degrees_of_freedom
        )


def order_test(
    panel: npt.ArrayLike, k: int, order: int = 1, groups: npt.ArrayLike | None = None
) -> LikelihoodRatio:
    """Does the chain remember more than `order` states? Likelihood ratio of order + 1 against order.

    Parameters
    ----------
    panel : int array, shape (customers, periods)
    k : int
        Number of states.
    order : int
        Of the null hypothesis; 0 is independence from period to period.
    groups : array, shape (customers,), optional
        Kinds of customers with chains of their own: the test is made within each and added up.

    Returns
    -------
    LikelihoodRatio

    Notes
    -----
    ``2 Σ n_hj log(n_hj n_.. / (n_h. n_.j))`` for the oldest state h and the next state j, summed over what
    lies between (Anderson & Goodman 1957). Degrees of freedom count only states that were seen there: a
    stage that cannot be reached takes none.
    """
    panel = np.asarray(panel)
    if groups is not None:
        groups = np.asarray(groups)
        if groups.shape != panel.shape[:1]:
            raise InputError(f"groups has shape {groups.shape}; give one for each of {len(panel)} customers")
        tests = [order_test(panel[groups == each], k, order) for each in np.unique(groups)]
        return sum(tests[1:], tests[0])
    counts = count_sequences(panel, k, order + 1)
    return _independence(counts.reshape(k, -1, k).swapaxes(0, 1))


def bootstrap_order_test(
    panel: np.ndarray, k: int, groups: np.ndarray | None = None, draws: int = 199, seed: int = 0
) -> float:
    """p-value of `order_test` of a first-order chain, by the parametric bootstrap.

    Panels are drawn from the fitted chains, each customer from the same first state, and tested alike. For
    tables so sparse that the statistic's distribution is far from chi-square. A state that nobody was seen to
    leave is not left.

    Parameters
    ----------
    panel : int array, shape (customers, periods)
        Without gaps.
    k, groups
        As in `order_test`.
    draws : int
        Panels drawn; the p-value is a multiple of ``1 / (draws + 1)``.
    seed : int

    Returns
    -------
    float

    Raises
    ------
    InputError
        If customers were not observed in some period.
    """
    panel = np.asarray(panel)
    if (panel < 0).any():
        raise InputError(
            "panel holds -1; the bootstrap draws whole histories, so leave out customers with gaps"
        )
    kinds = np.zeros(len(panel), int) if groups is None else np.unique(groups, return_inverse=True)[1]
    seen = order_test(panel, k, groups=groups).statistic
    chains = [count_sequences(panel[kinds == kind], k, 1) for kind in range(kinds.max() + 1)]
    chains = [np.where(counts.any(axis=1, keepdims=True), counts, np.eye(k)) for counts in chains]
    steps = np.cumsum([counts / counts.sum(axis=1, keepdims=True) for counts in chains], axis=2)[..., :-1]
    rng, larger = np.random.default_rng(seed), 0
    for _ in range(draws):
        drawn = panel.copy()
        for period in range(1, panel.shape[1]):
            level = rng.random((len(panel), 1))
            drawn[:, period] = (level > steps[kinds, drawn[:, period - 1]]).sum(axis=1)
        larger += order_test(drawn, k, groups=groups).statistic >= seen
    return (larger + 1) / (draws + 1)


def sameness_test(panel: npt.ArrayLike, k: int, groups: npt.ArrayLike) -> LikelihoodRatio:
    """Do all groups of customers follow one chain? Likelihood ratio of a chain for each against one for all.

    Parameters
    ----------
    panel : int array, shape (customers, periods)
    k : int
    groups : array, shape (customers,)

    Returns
    -------
    LikelihoodRatio
    """
    groups, panel = np.asarray(groups), np.asarray(panel)
    counts = np.stack([count_sequences(panel[groups == each], k, 1) for each in np.unique(groups)], axis=1)
    return _independence(counts)


def _independence(tables: npt.NDArray[np.number]) -> LikelihoodRatio:
    """Likelihood-ratio test of independence in each of a stack of tables, added up."""
    with np.errstate(divide="ignore", invalid="ignore"):
        rows, columns = tables.sum(axis=2, keepdims=True), tables.sum(axis=1, keepdims=True)
        expected = rows * columns / tables.sum(axis=(1, 2), keepdims=True)
        terms = np.where(tables > 0, tables * np.log(tables / expected), 0.0)
    seen = [(rows > 0).sum(axis=(1, 2)), (columns > 0).sum(axis=(1, 2))]
    freedom = np.maximum(seen[0] - 1, 0) * np.maximum(seen[1] - 1, 0)
    return LikelihoodRatio(float(2 * terms.sum()), int(freedom.sum()))
