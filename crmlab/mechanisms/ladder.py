"""How customers move through stages: up, down, out, and back; places and codes as in `stages`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from crmlab.mechanisms.stages import (
    FIRST,
    LAPSED,
    LAPSED_FOR,
    LOYAL,
    MONTHS,
    MOVED_UP,
    NEXT,
    PLACES,
    REPEAT,
    STAGE_OF,
)

Array = np.ndarray


@dataclass(frozen=True)
class Ladder:
    """The moves of one kind of customer: an ordered logit with thresholds by stage.

    ``P(advance) = Λ(up + z)`` and ``P(advance or stay) = Λ(keep + z)``. To advance from loyal is to stay
    loyal; who does not slips to repeat, or lapses. A lapsed customer comes back, to repeat, with chance
    ``Λ(win_back + lapse_time (months lapsed - 1))``. All in logit units.

    Parameters
    ----------
    up, keep : array of shape (4,)
        Thresholds of the stages before lapse.
    level : float
        What z is for this kind.
    memory : float
        Added to z after a move up last month.
    lifts, shares : array of shape (3,)
        What each of the firm's actions adds to z (none, a contact, a contact made for the stage), and in what
        share of months it is taken.
    win_back : float
        In the first month after a lapse.
    lapse_time : float
        What each further month adds to it.
    """

    up: Array
    keep: Array
    level: float
    memory: float
    lifts: Array
    shares: Array
    win_back: float
    lapse_time: float

    def chances(self) -> tuple[Array, Array]:
        """P(advance, or be back) and P(advance or stay) by place and action, each of shape (PLACES, 3)."""
        z = self.level + self.memory * MOVED_UP[:, None] + self.lifts
        back = self.win_back + self.lapse_time * (LAPSED_FOR[:, None] - 1)
        advance = np.where(
            (STAGE_OF == LAPSED)[:, None], back, np.append(self.up, 0.0)[STAGE_OF][:, None] + z
        )
        return expit(advance), expit(np.append(self.keep, np.inf)[STAGE_OF][:, None] + z)

    def back_after(self, months: Array) -> Array:
        """Chance to come back in the next month of those who have been lapsed for so many, 1 or more."""
        return expit(self.win_back + self.lapse_time * (np.asarray(months) - 1))

    def chain(self) -> Array:
        """Probabilities of a month's moves, averaged over actions, shape (2, 4, 5).

        First axis: had not, or had, moved up the month before.
        """
        advance, keep = ((self.shares * chance[:8]).sum(-1).reshape(4, 2).T for chance in self.chances())
        chain = np.zeros((2, 4, 5))
        for stage in range(4):
            best, middle = min(stage + 1, LOYAL), REPEAT if stage == LOYAL else stage
            chain[:, stage, best] += advance[:, stage]
            chain[:, stage, middle] += keep[:, stage] - advance[:, stage]
            chain[:, stage, LAPSED] += 1 - keep[:, stage]
        return chain

    def months_to_lapse(self) -> Array:
        """Expected months until a customer first lapses, from each stage of the ladder, shape (4,)."""
        return np.linalg.solve(np.eye(8) - self._widened(), np.ones(8))[:4]

    def still_there(self, months: int) -> Array:
        """Share who have not lapsed 0, 1, … months after they moved up to a first purchase: (months + 1,)."""
        inner, place = self._widened(), np.zeros(8)
        place[4 + FIRST] = 1.0
        left = [1.0]
        for _ in range(months):
            place = place @ inner
            left.append(float(place.sum()))
        return np.array(left)

    def _widened(self) -> Array:
        """Moves before lapse, by whether the last one was up and by stage: (8, 8), that is (2, 4) twice.

        So the chain is first-order whatever `memory` is.
        """
        chain, inner = self.chain(), np.zeros((2, 4, 2, 4))
        for stage in range(4):
            for after in range(4):
                inner[:, stage, int(after == stage + 1), after] = chain[:, stage, after]
        return inner.reshape(8, 8)


def walk(
    ladders: Sequence[Ladder], kind: Array, place: Array, chance: Array
) -> tuple[list[Array], list[Array]]:
    """Months of actions and moves.

    Parameters
    ----------
    ladders : sequence of Ladder
        One a kind.
    kind, place : array of shape (..., customers)
        Each customer's kind, and place in the first month.
    chance : array of shape (..., 2, MONTHS, customers)
        Uniform numbers, which decide on the firm's action and on the move.

    Returns
    -------
    codes, outcomes : list of array of shape (..., customers)
        One a month; see `crmlab.mechanisms.stages`.
    """
    advance, keep = (np.stack(each).ravel() for each in zip(*(ladder.chances() for ladder in ladders)))
    contacted, matched = (np.array([ladder.shares[at:].sum() for ladder in ladders]) for at in (1, 2))
    codes, outcomes = [], []
    for month in range(MONTHS):
        contact, move = chance[..., 0, month, :], chance[..., 1, month, :]
        action = (contact < contacted[kind]) * 1 + (contact < matched[kind])
        code = (kind * PLACES + place) * 3 + action
        outcome = (move >= advance[code]) * 1 + (move >= keep[code])
        place = NEXT[outcome, place]
        codes.append(code)
        outcomes.append(outcome)
    return codes, outcomes
