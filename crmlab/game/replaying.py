"""Replays: what would have happened, with another decision or another luck.

Customers' draws are keyed, so a replay differs from what was played in what the changed decision moved and in
nothing else. The rivals stay as they were: they do not answer a decision that was never made.
"""

import copy
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crmlab import files
from crmlab.errors import InputError
from crmlab.game.contributions import Contribution, brought, largest
from crmlab.game.course import Rivals, Score, Way, finish, play_round
from crmlab.game.decisions import NOTHING, Decision, Group
from crmlab.game.economy import ECONOMY, Economy
from crmlab.game.folder import Game, Taken

PLAYED = 0  # number of the luck that was played; others are 1, 2, …
LEVERS: dict[str, dict[str, Any]] = {  # each at rest
    "price": {"price": 1.0},
    "service": {"service": 0.0},
    "scheme": {"scheme": False, "push": 0.0},
    "crm": {"crm": False},
    "mailing": {"mailing": None, "mailings": 1},
    "retention": {"retention": None},
}


@dataclass(frozen=True)
class Task:
    """All replays of one team with one luck.

    Attributes
    ----------
    team : str
    luck : int
    decisions : tuple of Decision
        As they were taken, by round.
    rivals : tuple of Rivals
    model : tuple of Decision
        Another team's, to be swapped in round by round; empty where there is none.
    swaps : bool
        Whether single rounds and levers are replayed, too.
    rule : bool
        Whether only the way itself is wanted: what it is held against is the same for all rules.
    customer : bool
        Whether it is wanted which customer alone makes most of the difference.
    """

    team: str
    luck: int
    decisions: tuple[Decision, ...]
    rivals: tuple[Rivals, ...]
    model: tuple[Decision, ...] = ()
    swaps: bool = False
    rule: bool = False
    customer: bool = False

    @property
    def name(self) -> str:
        """Of the file in which its scores are kept: another task has another name."""
        digest = hashlib.sha256(repr(self).encode()).hexdigest()[:12]
        return f"{self.team}-{self.luck}-{digest}.json"


def levers_used(decisions: tuple[Decision, ...]) -> list[str]:
    """Levers that were not at rest in some round."""
    return [name for name, rest in LEVERS.items() if any(replace(each, **rest) != each for each in decisions)]


def start(game: Game, luck: int) -> Way:
    """The stored history, to be gone on from with a luck."""
    way = game.way(game.teams[0].id, 0)
    if luck == PLAYED:
        return way
    way.market = game.market(luck, way.market.arrays())
    return way


def scores(game: Game, task: Task) -> dict[str, list[float]]:
    """The score of each replay: profits by round, then what is left.

    Returns
    -------
    dict
        ``own``, ``nothing``; if asked ``nothing in K`` and ``swapped in K`` for rounds K from 1,
        ``without LEVER``, and ``customer``: the values of a `Contribution`.
    """
    ways = dict(_every(game, task))
    found = {name: [*score.profits, score.left] for name, score in ways.items()}
    if task.customer:
        one = customer_of(game, task)
        found["customer"] = [one.number, one.own, one.nothing]
    return found


def customer_of(game: Game, task: Task) -> Contribution:
    """The customer whose worth the decisions changed most, in the task's luck."""
    numbers, worth = [], []
    for decisions in (task.decisions, (NOTHING,) * len(task.rivals)):
        way = start(game, task.luck)
        _from(way, decisions, task.rivals)
        numbers.append(way.market.number())
        worth.append(brought(way, decisions))
    return largest(numbers, worth)


def _every(game: Game, task: Task) -> Iterator[tuple[str, Score]]:
    begun, before = start(game, task.luck), []
    way = copy.deepcopy(begun)
    for decision, rivals in zip(task.decisions, task.rivals):
        before.append(copy.deepcopy(way) if task.swaps else None)
        play_round(way, decision, rivals)
    own = finish(way)
    yield "own", own
    if not task.rule:
        yield "nothing", _from(copy.deepcopy(begun), (NOTHING,) * len(task.rivals), task.rivals)
    if not task.swaps:
        return
    for at, held in enumerate(before):
        rest, rivals = task.decisions[at:], task.rivals[at:]
        for name, other in (("nothing", (NOTHING,)), ("swapped", task.model[at : at + 1])):
            if other:
                same = other[0] == rest[0]
                yield (
                    f"{name} in {at + 1}",
                    own if same else _from(copy.deepcopy(held), (*other, *rest[1:]), rivals),
                )
    for name in levers_used(task.decisions):
        resting = tuple(replace(each, **LEVERS[name]) for each in task.decisions)
        yield f"without {name}", _from(copy.deepcopy(begun), resting, task.rivals)


def _from(way: Way, decisions: tuple[Decision, ...], rivals: tuple[Rivals, ...]) -> Score:
    for decision, others in zip(decisions, rivals, strict=True):
        play_round(way, decision, others)
    return finish(way)


def kept_scores(folder: Path, task: Task, keep: Path) -> dict[str, list[float]]:
    """`scores`, kept in a file: an interrupted reveal goes on where it was."""
    path = keep / task.name
    if path.is_file():
        return json.loads(path.read_text(encoding="utf-8"))
    found = scores(Game(folder), task)
    files.write_text(path, json.dumps(found) + "\n")
    return found


def check_replay(game: Game, team: str, own: list[float]) -> None:
    """Refuse to go on if the replay of what was played is not what was played, to the bit.

    Raises
    ------
    InputError
        If the team's stored states do not belong to its stored decisions: a file was changed.
    """
    from crmlab.game.accounts import in_round, profit
    from crmlab.game.economy import HISTORY, ROUND

    entries = game.way(team, game.settings.rounds).entries
    stored = [profit(in_round(entries, HISTORY + ROUND * at)) for at in range(game.settings.rounds)]
    if stored != own[:-1]:
        raise InputError(
            f"team {team}: the stored rounds are not what its stored decisions give; a file in "
            f"{game.teacher} was changed, or another version of crmlab wrote it; restore it from a copy"
        )


def candidates(budget: float, economy: Economy = ECONOMY) -> dict[str, Decision]:
    """Simple ways of playing, the same in each round, which the reveal holds teams against.

    Parameters
    ----------
    budget : float
        A quarter of it is spent on offers, a fifth on letters, where a rule has them.
    """
    offers = max(int(budget / 4 / economy.offer), 1)
    letters = max(int(budget / 5 / economy.letter / 2), 1)
    loyal = Group("orders_4 >= 1", at_most=offers, by="orders_12")
    light = Group(
        "orders_12 <= 3 and months_since_order <= 3", at_most=letters, by="months_since_order", lowest=True
    )
    return {
        "price .95": Decision(price=0.95),
        "service .1": Decision(service=0.1),
        "service .2": Decision(service=0.2),
        "CRM system": Decision(crm=True),
        "scheme": Decision(scheme=True),
        "scheme, advertised": Decision(scheme=True, push=1.0),
        "coupon to all": Decision(mailing=Group("all")),
        "coupon to occasional customers": Decision(mailing=light, mailings=2),
        "offers to frequent customers": Decision(retention=loyal),
        "CRM system and offers": Decision(crm=True, retention=loyal),
        "offers, coupons, scheme": Decision(retention=loyal, mailing=light, mailings=2, scheme=True),
        "CRM system, offers, coupons, scheme": Decision(
            crm=True, retention=loyal, mailing=light, mailings=2, scheme=True
        ),
        "service .1, offers, coupons, scheme": Decision(
            service=0.1, retention=loyal, mailing=light, mailings=2, scheme=True
        ),
    }


def affordable(game: Game, decision: Decision, rivals: tuple[Rivals, ...]) -> bool:
    """Whether the budget allows the decision in each round, with the luck that was played."""
    way = start(game, PLAYED)
    for others in rivals:
        if way.committed(decision).total > game.settings.budget:
            return False
        play_round(way, decision, others)
    return True


def decisions_of(game: Game) -> Mapping[str, tuple[Taken, ...]]:
    """What each team decided, by round."""
    rounds = [game.taken(number) for number in range(1, game.settings.rounds + 1)]
    return {team.id: tuple(one[team.id] for one in rounds) for team in game.teams}
