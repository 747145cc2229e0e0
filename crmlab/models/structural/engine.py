"""Maximum likelihood for stacks of linear structural models: moments in, estimates and errors out.

In the reticular form (McArdle & McDonald 1984) the variables, observed first, are ``v = m + A v + s`` with
``Cov s = P``, so that with ``E = (I - A)⁻¹`` their covariances are ``E P E'`` and their means ``E m``; Σ is
the observed rows and columns, S the sample's. A parameter's derivative of Σ is a matrix of rank two,
``u w' + w u'``. So its score is ``u'R w`` with ``R = Σ⁻¹(S - Σ)Σ⁻¹``, and the expected information of
parameters ``(u, w)`` and ``(x, y)`` is ``(u'Σ⁻¹y)(w'Σ⁻¹x) + (u'Σ⁻¹x)(w'Σ⁻¹y)``: nothing larger than
parameters times parameters is ever formed, and thousands of samples are scored at once.
"""

from dataclasses import dataclass

import numpy as np

from crmlab.models.stacked import inverse
from crmlab.models.structural.syntax import Description, Term

Array = np.ndarray
STEPS = 200
HALVINGS = 25
ARRIVED = 1e-12  # twice the log-likelihood that a full step could still win
IDENTIFIED = 1e10  # variance inflation beyond which a parameter has no estimate


@dataclass(frozen=True, eq=False)
class Moments:
    """What a stack of samples of one group tells: covariances with divisor ``rows``, and means.

    Attributes
    ----------
    covariance : array of shape (samples, variables, variables)
    mean : array of shape (samples, variables)
    rows : int
    """

    covariance: Array
    mean: Array
    rows: int

    @classmethod
    def of(cls, cases: Array) -> "Moments":
        """From cases of shape (samples, rows, variables)."""
        mean = cases.mean(-2)
        centred = cases - mean[:, None]
        return cls(centred.swapaxes(-1, -2) @ centred / cases.shape[-2], mean, cases.shape[-2])


class Layout:
    """Which entry of which matrix of one group is which parameter.

    Parameters
    ----------
    description : Description
    terms : list of Term
        Of this group.
    numbers : list of int
        Which parameter of the whole model each term is; -1 where it is fixed.
    means : bool
        Whether the model has a mean structure.
    """

    def __init__(self, description: Description, terms: list[Term], numbers: list[int], means: bool):
        self.means = means
        variables = description.observed + description.latent
        at = {name: number for number, name in enumerate(variables)}
        self.observed, self.size = len(description.observed), len(variables)
        self.fixed_arrows = np.zeros((self.size, self.size))
        self.fixed_spread = np.zeros((self.size, self.size))
        self.fixed_level = np.zeros(self.size)
        arrows: list[tuple] = []
        spread: list[tuple] = []
        level: list[tuple] = []
        for term, number in zip(terms, numbers):
            source, target = (at.get(name, -1) for name in term.ends)
            if term.kind == "intercepts":
                self._place(self.fixed_level, (target,), level, term, number)
            elif term.operator == "~~":
                self._place(self.fixed_spread, (target, source), spread, term, number)
            else:
                self._place(self.fixed_arrows, (target, source), arrows, term, number)
        self.fixed_spread = np.where(self.fixed_spread != 0, self.fixed_spread, self.fixed_spread.T)
        self.arrows, self.spread, self.level = _columns(arrows, 3), _columns(spread, 3), _columns(level, 2)
        self.half = np.where(self.spread[0] == self.spread[1], 0.5, 1.0)
        self.exogenous = np.array([at[name] for name in description.exogenous], dtype=np.intp)
        sources = {source for _, source, _ in arrows} | set(np.nonzero(self.fixed_arrows)[1])
        self.inner = np.array(sorted(sources), dtype=np.intp)
        self.outer = np.array([i for i in range(self.size) if i not in sources], dtype=np.intp)

    @staticmethod
    def _place(matrix: Array, at: tuple, free: list, term: Term, number: int) -> None:
        if term.fixed is None:
            free.append((*at, number))
        else:
            matrix[at] = term.fixed

    @property
    def numbers(self) -> Array:
        """The parameter of each entry: arrows, spreads, levels."""
        return np.concatenate([self.arrows[2], self.spread[2], self.level[1]])

    # -- what parameters imply -----------------------------------------------------------------------------

    def implied(self, values: Array, moments: Moments, which: Array) -> dict[str, Array]:
        """All that the likelihood and its derivatives need at these parameters, as stacks.

        Returns
        -------
        dict
            ``effects`` E; ``joint``, covariances of all with the observed; ``spread`` P; ``sigma`` and
            ``weight``, its inverse; ``height``, minus twice the mean log-likelihood up to a constant, inf
            where sigma is no covariance; ``levels``, means of all; ``beside``, sample means less implied.
        """
        arrows = self.filled(self.fixed_arrows, self.arrows, values)
        effects = self._effects(arrows)
        spread = self.filled(self.fixed_spread, self.spread, values)
        spread[:, self.spread[1], self.spread[0]] = values[:, self.spread[2]]
        level = np.broadcast_to(self.fixed_level, (len(values), self.size)).copy()
        level[:, self.level[0]] = values[:, self.level[1]]
        if len(self.exogenous):
            rows, columns = self.exogenous[:, None], self.exogenous
            spread[:, rows, columns] = moments.covariance[which[:, None, None], rows, columns]
            level[:, self.exogenous] = moments.mean[which[:, None], self.exogenous]
        p = self.observed
        joint = effects @ spread @ effects[:, :p].swapaxes(1, 2)
        state = {"effects": effects, "joint": joint, "sigma": joint[:, :p], "spread": spread}
        state["levels"] = (effects @ level[..., None])[..., 0]
        return state | self._height(state, moments, which)

    def _height(self, state: dict[str, Array], moments: Moments, which: Array) -> dict[str, Array]:
        sigma, sample = state["sigma"], moments.covariance[which]
        beside = moments.mean[which] - state["levels"][:, : self.observed]
        if self.means:
            sample = sample + beside[:, :, None] * beside[:, None, :]
        logarithm, weight = _definite(sigma)
        height = logarithm + (weight * sample).sum((1, 2))
        height[np.isnan(height)] = np.inf
        return {"weight": weight, "height": height, "sample": sample, "beside": beside}

    @staticmethod
    def filled(fixed: Array, free: Array, values: Array) -> Array:
        """A stack of matrices with the free entries in their places."""
        matrix = np.broadcast_to(fixed, (len(values), *fixed.shape)).copy()
        matrix[:, free[0], free[1]] = values[:, free[2]]
        return matrix

    def _effects(self, arrows: Array) -> Array:
        """``(I - A)⁻¹``; only variables from which arrows lead need an inverse."""
        inner, outer = self.inner, self.outer
        effects = np.broadcast_to(np.eye(self.size), arrows.shape).copy()
        if len(inner):
            among = inverse(np.eye(len(inner)) - arrows[:, inner[:, None], inner])
            effects[:, inner[:, None], inner] = among
            effects[:, outer[:, None], inner] = arrows[:, outer[:, None], inner] @ among
        return effects

    # -- derivatives ---------------------------------------------------------------------------------------

    def sides(self, state: dict[str, Array]) -> tuple[Array, Array, Array | None]:
        """u and w of each entry, and its derivative of the means: ``(samples, observed, entries)``."""
        effects, joint = state["effects"][:, : self.observed], state["joint"]
        left = effects[..., np.concatenate([self.arrows[0], self.spread[0]])]
        right = np.concatenate(
            [joint[:, self.arrows[1]].swapaxes(1, 2), effects[..., self.spread[1]] * self.half], -1
        )
        if not self.means:
            return left, right, None
        slopes = effects[..., self.arrows[0]] * state["levels"][:, None, self.arrows[1]]
        still = np.zeros((*slopes.shape[:2], len(self.half)))
        return left, right, np.concatenate([slopes, still, effects[..., self.level[0]]], -1)

    def derivatives(self, state: dict[str, Array]) -> tuple[Array, Array]:
        """Score ``(samples, entries)`` and expected information ``(samples, entries, entries)`` of a row."""
        weight = state["weight"]
        left, right, moved = self.sides(state)
        apart = weight @ (state["sample"] - state["sigma"]) @ weight
        score = (left * (apart @ right)).sum(1)
        weighted = weight @ left
        mixed, squared = right.swapaxes(1, 2) @ weighted, left.swapaxes(1, 2) @ weighted
        information = mixed * mixed.swapaxes(1, 2) + squared * (right.swapaxes(1, 2) @ weight @ right)
        if moved is None:
            return score, information
        entries, spreads = moved.shape[-1], information.shape[-1]
        whole = moved.swapaxes(1, 2) @ weight @ moved
        whole[:, :spreads, :spreads] += information
        levels = (moved.swapaxes(1, 2) @ (weight @ state["beside"][..., None]))[..., 0]
        levels[:, :spreads] += score
        return levels, whole.reshape(len(whole), entries, entries)

    def case_scores(self, state: dict[str, Array], cases: Array) -> Array:
        """Each row's own score: ``(samples, rows, entries)``."""
        left, right, moved = self.sides(state)
        centre = state["levels"][:, None, : self.observed] if self.means else cases.mean(1, keepdims=True)
        weighted = (cases - centre) @ state["weight"]
        scores = (weighted @ left) * (weighted @ right) - (left * (state["weight"] @ right)).sum(1)[:, None]
        if moved is None:
            return scores
        levels = weighted @ moved
        levels[..., : scores.shape[-1]] += scores
        return levels


def _columns(entries: list[tuple], width: int) -> Array:
    return np.array(entries, dtype=np.intp).reshape(len(entries), width).T


def _definite(matrices: Array) -> tuple[Array, Array]:
    """Logarithm of the determinant and inverse of each; NaN where a matrix is not positive definite."""
    try:
        root = np.linalg.cholesky(matrices)
    except np.linalg.LinAlgError:
        with np.errstate(invalid="ignore"):
            finite = np.isfinite(matrices).all((1, 2))
            safe = np.where(finite[:, None, None], matrices, np.eye(matrices.shape[-1]))
            good = finite & (np.linalg.eigvalsh(safe)[:, 0] > 1e-12 * np.abs(safe).max((1, 2)))
        safe = np.where(good[:, None, None], safe, np.eye(matrices.shape[-1]))
        logarithm, weight = _definite(safe)
        return np.where(good, logarithm, np.nan), np.where(good[:, None, None], weight, np.nan)
    logarithm = 2 * np.log(np.diagonal(root, axis1=1, axis2=2)).sum(-1)
    back = np.linalg.inv(root)
    return logarithm, back.swapaxes(1, 2) @ back


class Likelihood:
    """The likelihood of a stack of samples, in one group or several.

    Parameters
    ----------
    layouts : sequence of Layout
        One a group.
    moments : sequence of Moments
        One a group.
    count : int
        Of free parameters.
    """

    def __init__(self, layouts: list[Layout], moments: list[Moments], count: int):
        self.layouts, self.moments, self.count = layouts, moments, count
        self.rows = sum(each.rows for each in moments)
        self.shares = [each.rows / self.rows for each in moments]
        self._sums = [_collector(layout.numbers, count) for layout in layouts]

    def states(self, values: Array, which: Array) -> list[dict[str, Array]]:
        """What each group implies; see `Layout.implied`."""
        return [layout.implied(values, each, which) for layout, each in zip(self.layouts, self.moments)]

    def height(self, states: list[dict[str, Array]]) -> Array:
        """Minus twice the mean log-likelihood of a row, up to a constant."""
        return np.sum([share * state["height"] for share, state in zip(self.shares, states)], axis=0)

    def derivatives(self, states: list[dict[str, Array]]) -> tuple[Array, Array]:
        """Score and expected information of a row in the free parameters."""
        score, information = np.zeros(()), np.zeros(())
        for layout, state, share, collect in zip(self.layouts, states, self.shares, self._sums):
            slope, bend = layout.derivatives(state)
            if collect is None:
                score, information = score + share * slope, information + share * bend
            else:
                score = score + share * slope @ collect
                information = information + share * collect.T @ bend @ collect
        return score, information

    def case_products(self, states: list[dict[str, Array]], cases: list[Array]) -> Array:
        """Mean outer product of rows' scores about their mean: ``(samples, parameters, parameters)``."""
        total = np.zeros(())
        for layout, state, share, collect, rows in zip(self.layouts, states, self.shares, self._sums, cases):
            scores = layout.case_scores(state, rows)
            scores = scores if collect is None else scores @ collect
            scores -= scores.mean(1, keepdims=True)
            total = total + share * scores.swapaxes(1, 2) @ scores / rows.shape[1]
        return total


def _collector(numbers: Array, count: int) -> Array | None:
    """Adds up entries that are one parameter; None where each entry is a parameter, in order."""
    if len(numbers) == count and (numbers == np.arange(count)).all():
        return None
    collect = np.zeros((len(numbers), count))
    collect[np.arange(len(numbers)), numbers] = 1.0
    return collect


def climb(likelihood: Likelihood, start: Array, lower: Array) -> tuple[Array, Array]:
    """Maximise the likelihoods by Fisher scoring, no parameter below its bound.

    A parameter at its bound that wants to go below stays there while the others step (projected scoring,
    Bertsekas 1982); a step that lowers a likelihood is halved.

    Parameters
    ----------
    likelihood : Likelihood
    start : array of shape (samples, parameters)
    lower : array of shape (parameters,)

    Returns
    -------
    values : array of shape (samples, parameters)
    arrived : array of bool, shape (samples,)
    """
    values, moving = np.maximum(start, lower), np.arange(len(start))
    arrived = np.zeros(len(start), dtype=bool)
    states = likelihood.states(values, moving)
    with np.errstate(all="ignore"):
        for _ in range(STEPS):
            score, information = likelihood.derivatives(states)
            step = _step(score, information, (values[moving] <= lower) & (score <= 0))
            left = likelihood.rows * (step * score).sum(-1)
            near, now = left < ARRIVED, likelihood.height(states)
            values[moving], states, going = _downhill(likelihood, values[moving], step, now, moving, lower)
            arrived[moving] = near & np.isfinite(now)
            stay = ~near & going
            moving = moving[stay]
            if not len(moving):
                break
            states = states if stay.all() else [{k: v[stay] for k, v in state.items()} for state in states]
    return values, arrived


def _step(score: Array, information: Array, held: Array) -> Array:
    """The scoring step of the parameters that are not held at their bounds."""
    if held.any():
        score = np.where(held, 0.0, score)
        free = ~held
        information = np.where(free[:, :, None] & free[:, None, :], information, 0.0)
        at = np.arange(score.shape[-1])
        information[:, at, at] += held
    scale = 1 / np.sqrt(np.diagonal(information, axis1=1, axis2=2))
    scaled = information * scale[:, :, None] * scale[:, None, :]
    try:
        step = np.linalg.solve(scaled, (score * scale)[..., None])[..., 0]
    except np.linalg.LinAlgError:
        step = (inverse(scaled) @ (score * scale)[..., None])[..., 0]
    return step * scale


def _downhill(
    likelihood: Likelihood, values: Array, step: Array, now: Array, which: Array, lower: Array
) -> tuple[Array, list[dict[str, Array]], Array]:
    """Values and states after the step, halved where it does not help; and whether it ever did."""
    tried = np.maximum(values + step, lower)
    reached = likelihood.states(tried, which)
    slack = 1e-13 * (1 + np.abs(now))
    waiting = np.flatnonzero(~(likelihood.height(reached) <= now + slack))
    scale = 1.0
    for _ in range(HALVINGS):
        if not len(waiting):
            break
        scale /= 2
        tried[waiting] = np.maximum(values[waiting] + scale * step[waiting], lower)
        again = likelihood.states(tried[waiting], which[waiting])
        for state, part in zip(reached, again):
            for key, value in part.items():
                state[key][waiting] = value
        waiting = waiting[~(likelihood.height(again) <= now[waiting] + slack[waiting])]
    going = np.ones(len(values), dtype=bool)
    going[waiting] = False
    tried[waiting] = values[waiting]
    return tried, reached, going


def information_inverse(information: Array) -> Array:
    """Inverse of a row's information; NaN where some parameter is not identified."""
    with np.errstate(all="ignore"):
        scale = 1 / np.sqrt(np.diagonal(information, axis1=1, axis2=2))
        scale = scale[:, :, None] * scale[:, None, :]
        found = inverse(information * scale)
        inflation = np.diagonal(found, axis1=1, axis2=2).max(-1)
    return np.where((inflation < IDENTIFIED)[:, None, None], found * scale, np.nan)
