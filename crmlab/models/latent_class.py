"""Latent classes: customers in groups that nobody sees, found from yes–no answers; and how stable they are.

Within a class answers are independent, so that classes alone explain why answers go together (Lazarsfeld &
Henry 1968). Fitted by expectation–maximisation (Dempster, Laird & Rubin 1977) from many starts in one pass.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp

from crmlab.errors import InputError

LEAST = 1e-9  # chances are kept this far from 0 and 1, or one odd answer would rule a class out
FINISHED = 1e-8  # gain in log likelihood an answer pattern below which a fit is done
SHORT = 30  # steps from every start, before the better half goes on


@dataclass(frozen=True)
class LatentClasses:
    """Latent classes fitted to yes–no answers; the largest class comes first.

    Attributes
    ----------
    shares : array of shape (classes,)
    chances : array of shape (classes, items)
        Of a yes.
    log_likelihood : float
    rows : int
        Answers that were fitted.
    """

    shares: np.ndarray
    chances: np.ndarray
    log_likelihood: float
    rows: int

    @property
    def free_parameters(self) -> int:
        """Chances, and all shares but one."""
        return self.chances.size + len(self.shares) - 1

    @property
    def bic(self) -> float:
        """Schwarz's (1978) criterion, ``parameters · log rows - 2 log likelihood``: small is good."""
        return self.free_parameters * float(np.log(self.rows)) - 2 * self.log_likelihood

    def memberships(self, answers: ArrayLike) -> np.ndarray:
        """Chance of each class given the answers, shape (rows, classes)."""
        joint = _joint(_checked(answers), self.shares, self.chances)
        return np.exp(joint - logsumexp(joint, axis=-1, keepdims=True))


def fit_latent_classes(answers: ArrayLike, classes: int, starts: int = 20, seed: int = 0) -> LatentClasses:
    """Latent classes by maximum likelihood, the best of many starts.

    Parameters
    ----------
    answers : array of shape (rows, items)
        0 or 1.
    classes : int
    starts : int
        A likelihood of classes has many peaks; few starts find a low one.
    seed : int
        Of the starts.

    Raises
    ------
    InputError
        If answers are not 0 or 1, or there are fewer different ones than classes.
    """
    answers = _checked(answers)
    patterns, counts = np.unique(answers, axis=0, return_counts=True)
    if not 1 <= classes <= len(patterns):
        raise InputError(f"classes is {classes}; give 1 to {len(patterns)}, the number of different answers")
    shares, chances = _starts(patterns, counts, classes, starts, np.random.default_rng(seed))
    shares, chances, likelihood = _climb(patterns, counts, shares, chances, SHORT)
    best = np.argsort(likelihood)[-max(1, starts // 2) :]
    shares, chances, likelihood = _climb(patterns, counts, shares[best], chances[best], 5000)
    top = likelihood.argmax()
    order = np.argsort(-shares[top])
    return LatentClasses(shares[top][order], chances[top][order], float(likelihood[top]), len(answers))


def _checked(answers):
    answers = np.asarray(answers, dtype=float)
    wrong = int((~np.isin(answers, (0, 1))).any(-1).sum()) if answers.ndim == 2 else -1
    if wrong:
        raise InputError(
            "answers must be a table of 0 and 1"
            + (f"; {wrong} rows hold something else" if wrong > 0 else "")
        )
    return answers


def _starts(patterns, counts, classes, starts, rng):
    """Random memberships, made into shares and chances."""
    member = rng.dirichlet(np.full(classes, 0.5), size=(starts, len(patterns)))
    return _maximised(patterns, counts, member)


def _joint(patterns, shares, chances):
    """Log of share times chance of each pattern, shape (..., patterns, classes)."""
    yes, no = np.log(chances), np.log1p(-chances)
    turned = (yes - no).swapaxes(-1, -2)
    return patterns @ turned + no.sum(-1)[..., None, :] + np.log(shares)[..., None, :]


def _maximised(patterns, counts, member):
    """Shares and chances that are likeliest if memberships are known."""
    weight = member * counts[:, None]
    size = np.maximum(weight.sum(-2), LEAST)
    chances = (weight.swapaxes(-1, -2) @ patterns) / size[..., None]
    return size / size.sum(-1, keepdims=True), np.clip(chances, LEAST, 1 - LEAST)


def _climb(patterns, counts, shares, chances, steps):
    """Expectation–maximisation from several starts at once, until none gains."""
    before = np.full(len(shares), -np.inf)
    for _ in range(steps):
        joint = _joint(patterns, shares, chances)
        total = logsumexp(joint, axis=-1)
        likelihood = total @ counts
        if (likelihood - before < FINISHED * len(patterns)).all():
            break
        before = likelihood
        shares, chances = _maximised(patterns, counts, np.exp(joint - total[..., None]))
    return shares, chances, (logsumexp(_joint(patterns, shares, chances), axis=-1)) @ counts


def bootstrap_agreement(
    rows: ArrayLike,
    assign: Callable[[np.ndarray, int], Callable[[np.ndarray], np.ndarray]],
    pairs: int,
    seed: int,
) -> np.ndarray:
    """How far two samples of the same customers agree on who belongs together.

    Parameters
    ----------
    rows : array of shape (rows, columns)
    assign : callable
        ``assign(sample, seed)`` fits classes to a sample and returns what puts rows into classes.
    pairs : int
        Pairs of bootstrap samples.
    seed : int

    Returns
    -------
    array of shape (pairs,)
        Adjusted Rand indices (Hubert & Arabie 1985) of the two partitions of all rows: 1 where they are the
        same, 0 on average where they agree as by chance (Dolnicar & Leisch 2010).
    """
    from sklearn.metrics import adjusted_rand_score

    rows = np.asarray(rows)
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(pairs):
        one, other = (
            assign(rows[rng.integers(len(rows), size=len(rows))], int(rng.integers(2**31)))(rows)
            for _ in range(2)
        )
        found.append(adjusted_rand_score(one, other))
    return np.array(found)
