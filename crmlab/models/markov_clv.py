"""Customers as a Markov chain: value in each state, and when to stop spending on them."""

from dataclasses import dataclass
from numbers import Real

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmlab.errors import InputError, listing

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MarkovCLV:
    """Customer lifetime value in a Markov chain of relationship states.

    Parameters
    ----------
    transition : array_like, shape (k, k)
        Row i: probabilities of the state one period after state i; each row adds up to 1.
    reward : array_like, shape (k,)
        Cash flow of a period that begins in each state.
    discount_rate : float
        A period.
    stop_transition, stop_reward : array_like, optional
        The same for a customer on whom the firm stops spending, for `stopping_rule`; without them such a
        customer is worth nothing.
    states : sequence of str, optional

    References
    ----------
    Pfeifer, P. E. & Carraway, R. L. (2000). Modeling customer relationships as Markov
    chains. Journal of Interactive Marketing 14(2), 43–55.
    https://doi.org/10.1002/(SICI)1520-6653(200021)14:2<43::AID-DIR4>3.0.CO;2-H

    Examples
    --------
    >>> chain = MarkovCLV.from_recency(
    ...     [0.3, 0.2, 0.15, 0.05], contribution=40, marketing=4, discount_rate=0.2
    ... )
    >>> chain.value().round(3).tolist()
    [52.32, 5.554, 1.251, -1.82, 0.0]
    """

    transition: np.ndarray
    reward: np.ndarray
    discount_rate: float
    stop_transition: np.ndarray | None = None
    stop_reward: np.ndarray | None = None
    states: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        reward = _column("reward", self.reward)
        k = reward.size

        def put(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        put("reward", reward)
        put("transition", _stochastic("transition", self.transition, k))
        if not (isinstance(self.discount_rate, Real) and 0 <= self.discount_rate < np.inf):
            raise InputError(
                f"discount_rate is {self.discount_rate!r}; give one number of at least 0 a period"
            )
        if (self.stop_transition is None) != (self.stop_reward is None):
            raise InputError("give stop_transition and stop_reward together")
        if self.stop_reward is not None:
            put("stop_reward", _column("stop_reward", self.stop_reward, k))
            put("stop_transition", _stochastic("stop_transition", self.stop_transition, k))
        states = tuple(str(state) for state in self.states) or tuple(str(j + 1) for j in range(k))
        if len(states) != k:
            raise InputError(f"states names {len(states)} states; reward has {k}")
        put("states", states)

    @classmethod
    def from_recency(
        cls, probability: npt.ArrayLike, contribution: float, marketing: float, discount_rate: float
    ) -> "MarkovCLV":
        """The chain of Pfeifer & Carraway: states are periods since the last purchase, then gone for good.

        Parameters
        ----------
        probability : array_like, shape (k,)
            Probability of a purchase in the next period, at recency 1, …, k.
        contribution : float
            Net contribution of a purchase, received in the period that begins at recency 1.
        marketing : float
            Cost of marketing to a customer in a period, in every state but the last.
        discount_rate : float
            A period.
        """
        p = _column("probability", probability)
        if ((p < 0) | (p > 1)).any():
            raise InputError(f"probability holds {p[(p < 0) | (p > 1)][0]:g}; give shares between 0 and 1")
        k = p.size
        transition = np.zeros((k + 1, k + 1))
        transition[:k, 0] = p
        transition[np.arange(k), np.arange(k) + 1] = 1.0 - p
        transition[k, k] = 1.0
        reward = np.full(k + 1, -float(marketing))
        reward[0] += contribution
        reward[k] = 0.0
        gone = np.zeros((k + 1, k + 1))
        gone[:, k] = 1.0
        bought = np.zeros(k + 1)
        bought[0] = contribution
        return cls(
            transition,
            reward,
            discount_rate,
            gone,
            bought,
            (*tuple(f"recency {j + 1}" for j in range(k)), "former customer"),
        )

    def value(self, horizon: int | None = None) -> Array:
        """Expected discounted cash flow from each state: (I − P/(1+d))⁻¹R, or over `horizon` periods.

        Returns
        -------
        array, shape (k,)
        """
        return _value(self.transition, self.reward, self.discount_rate, horizon)

    def stopping_rule(self) -> "StoppingRule":
        """The best set of states to keep spending in, by policy iteration.

        In each state the firm continues (transition, reward) or stops for good, which is worth what
        stop_transition and stop_reward earn, or nothing.

        Returns
        -------
        StoppingRule
            Its ``value``, shape (k,), and ``keep``, bool, shape (k,).
        """
        k = self.reward.size
        stopped = (
            np.zeros(k)
            if self.stop_reward is None or self.stop_transition is None
            else _value(self.stop_transition, self.stop_reward, self.discount_rate)
        )
        keep = np.ones(k, bool)
        for _ in range(2 ** min(k, 16) + 1):
            value = self._value_of(keep, stopped)
            ahead = self.reward + self.transition @ value / (1.0 + self.discount_rate)
            better = np.where(
                np.abs(ahead - stopped) <= 1e-12 * (1.0 + np.abs(stopped)), keep, ahead > stopped
            )
            if (better == keep).all():
                break
            keep = better
        return StoppingRule(value, keep, self.states)

    def _value_of(self, keep: npt.NDArray[np.bool_], stopped: Array) -> Array:
        v = 1.0 / (1.0 + self.discount_rate)
        system = np.eye(keep.size) - np.where(keep[:, None], v * self.transition, 0.0)
        return np.asarray(np.linalg.solve(system, np.where(keep, self.reward, stopped)), float)

    def paths(
        self, n: int, periods: int, seed: int | np.random.Generator, start: int | str = 0
    ) -> npt.NDArray[np.int64]:
        """Simulate the states of n customers.

        Parameters
        ----------
        n, periods : int
        seed : int or numpy.random.Generator
        start : int or str
            A state by number, from 0, or by name.

        Returns
        -------
        int array, shape (n, periods + 1)
            Column 0 is `start`.
        """
        n, periods = _whole("n", n, 1), _whole("periods", periods, 0)
        start = self.states.index(start) if start in self.states else start
        if not (isinstance(start, Real) and start in range(self.reward.size)):
            raise InputError(
                f"start is {start!r}; give a state: 0 to {self.reward.size - 1}, or one of "
                f"{listing(self.states)}"
            )
        generator = np.random.default_rng(seed)
        steps = np.cumsum(self.transition, axis=1)
        steps[:, -1] = 1.0
        path = np.empty((n, periods + 1), np.int64)
        path[:, 0] = start
        for period in range(periods):
            path[:, period + 1] = (generator.random(n)[:, None] > steps[path[:, period]]).sum(axis=1)
        return path

    @property
    def summary(self) -> pd.DataFrame:
        """One row a state: reward, value, and value under the stopping rule."""
        rule = self.stopping_rule()
        return pd.DataFrame(
            {
                "reward": self.reward,
                "value": self._finite_value(),
                "keep": rule.keep,
                "value_with_stopping": rule.value,
            },
            index=list(self.states),
        )

    def _finite_value(self) -> Array:
        try:
            return self.value()
        except InputError:
            return np.full(self.reward.size, np.nan)

    def __repr__(self) -> str:
        return (
            f"MarkovCLV, {self.reward.size} states, discount rate {self.discount_rate:g} a period\n\n"
            + self.summary.to_string(float_format=lambda value: f"{value:.3f}")
        )

    def _repr_html_(self) -> str:
        return self.summary.to_html(float_format=lambda value: f"{value:.3f}", border=0)


@dataclass(frozen=True, eq=False)
class StoppingRule:
    """The states worth spending in (`keep`) and the value of each state under that rule."""

    value: Array
    keep: npt.NDArray[np.bool_]
    states: tuple[str, ...]

    @property
    def stop_at(self) -> tuple[str, ...]:
        """States in which to stop."""
        return tuple(state for state, keep in zip(self.states, self.keep) if not keep)


def _value(transition: Array, reward: Array, discount_rate: float, horizon: int | None = None) -> Array:
    v = 1.0 / (1.0 + discount_rate)
    if horizon is not None:
        total: Array = np.zeros(reward.size)
        state: Array = np.eye(reward.size)
        for _ in range(_whole("horizon", horizon, 0)):
            total = total + state @ reward
            state = np.asarray(v * state @ transition, float)
        return total
    if v < 1.0:
        return np.asarray(np.linalg.solve(np.eye(reward.size) - v * transition, reward), float)
    return _undiscounted(transition, reward)


def _undiscounted(transition: Array, reward: Array) -> Array:
    """Without discounting, value is finite only if the chain ends in states that earn nothing."""
    reach = np.linalg.matrix_power((transition > 0) + np.eye(reward.size) > 0, 1).astype(float)
    for _ in range(reward.size):
        reach = ((reach @ reach) > 0).astype(float)
    recurrent = np.array([all(reach[j, i] for j in np.flatnonzero(reach[i])) for i in range(reward.size)])
    if (reward[recurrent] != 0).any():
        raise InputError(
            "discount_rate is 0 and customers stay for ever in states that earn; the value has no limit; "
            "give a discount_rate above 0 or a horizon"
        )
    value, passing = np.zeros(reward.size), ~recurrent
    inner = transition[np.ix_(passing, passing)]
    value[passing] = np.linalg.solve(np.eye(inner.shape[0]) - inner, reward[passing])
    return value


def _whole(name: str, value: object, least: int) -> int:
    if not (isinstance(value, Real) and least <= float(value) < np.inf and float(value).is_integer()):
        raise InputError(f"{name} is {value!r}; give a whole number from {least}")
    return int(float(value))


def _array(name: str, values: npt.ArrayLike) -> Array:
    try:
        return np.asarray(values, float)
    except (TypeError, ValueError):
        raise InputError(f"{name} must hold numbers, in rows of equal length; it is {values!r:.80}") from None


def _column(name: str, values: npt.ArrayLike, k: int | None = None) -> Array:
    column = _array(name, values)
    if column.ndim != 1 or column.size == 0 or not np.isfinite(column).all():
        raise InputError(f"{name} must be one row of finite numbers, one for each state")
    if k is not None and column.size != k:
        raise InputError(f"{name} has {column.size} values for {k} states")
    return column


def _stochastic(name: str, values: npt.ArrayLike, k: int) -> Array:
    matrix = _array(name, values)
    if matrix.shape != (k, k):
        raise InputError(f"{name} has shape {matrix.shape}; {k} states need {(k, k)}")
    bad = np.flatnonzero(
        ~np.isfinite(matrix).all(axis=1)
        | (matrix < 0).any(axis=1)
        | (np.abs(matrix.sum(axis=1) - 1.0) > 1e-9)
    )
    if bad.size:
        raise InputError(
            f"{name} is not a set of probabilities in {bad.size} of {k} rows (row {bad[0]}: adds up to "
            f"{matrix[bad[0]].sum():g}); each row must be at least 0 and add up to 1"
        )
    return matrix
