"""The reveal: the whole game is played again with other decisions and other lucks, and the truth is shown."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from crmlab import files
from crmlab.cores import available_cores
from crmlab.course.tables import table_text
from crmlab.errors import InputError, option
from crmlab.game.books import name_of
from crmlab.game.contributions import Contribution
from crmlab.game.course import Rivals, finish
from crmlab.game.decisions import NOTHING
from crmlab.game.folder import Game, Taken
from crmlab.game.playing import rivals_of
from crmlab.game.replaying import (
    PLAYED,
    Task,
    affordable,
    candidates,
    check_replay,
    decisions_of,
    kept_scores,
)
from crmlab.game.scoring import Advantage, Best, best_of, places, ranks

LUCKS = 20  # other lucks, for advantages
SWAPPED = 8  # of them, for single rounds and levers
Scores = dict[str, list[float]]


@dataclass(frozen=True)
class Effect:
    """What one part of a team's decisions added to its score.

    Attributes
    ----------
    kind : {"round", "swap", "lever"}
        Against nothing in one round, against another team's decision in it, against a lever at rest.
    name : str
        The round's number, or the lever.
    advantage : Advantage
    """

    kind: str
    name: str
    advantage: Advantage


@dataclass(frozen=True)
class Result:
    """What came out for a team.

    Attributes
    ----------
    advantage : Advantage
        Over doing nothing.
    profits : tuple of float
        By round, realised.
    left : float
        What its customers are worth afterwards, realised.
    effects : tuple of Effect
    model : str
        The team whose decisions were swapped in; empty where there is no other.
    taken : tuple of Taken
        Its decisions by round.
    customer : Contribution
        The customer who alone makes most of the realised advantage.
    """

    advantage: Advantage
    profits: tuple[float, ...]
    left: float
    effects: tuple[Effect, ...]
    model: str
    taken: tuple[Taken, ...]
    customer: Contribution

    @property
    def verdict(self) -> str:
        """That of the advantage; ``"refused"`` for who is idle because decisions could not be used."""
        found = self.advantage.verdict
        return "refused" if found == "idle" and self.refused else found

    @property
    def refused(self) -> int:
        """Rounds in which the team's file could not be used."""
        return sum(bool(each.problem) for each in self.taken)

    @property
    def score(self) -> float:
        """Profit and what is left."""
        return sum(self.profits) + self.left


@dataclass(frozen=True)
class Revealed:
    """The outcome of a game.

    Attributes
    ----------
    results : dict of str to Result
        By team.
    rules : dict of str to Advantage
        Of simple ways of playing that the budget allows.
    best : Best
    """

    results: dict[str, Result]
    rules: dict[str, Advantage]
    best: Best

    @cached_property
    def ranks(self) -> dict[str, int]:
        """By skill; teams none of whom is known to be better share a rank."""
        return ranks({team: one.advantage for team, one in self.results.items()})

    @property
    def board(self) -> dict[str, int]:
        """Places by profit, as the board had them."""
        return places({team: sum(one.profits) for team, one in self.results.items()})

    @property
    def scored(self) -> dict[str, int]:
        """Places by realised score."""
        return places({team: one.score for team, one in self.results.items()})


def reveal(
    folder: Path | str,
    lucks: int = LUCKS,
    tell: Callable[[str], None] | None = None,
    processes: int | None = None,
) -> Revealed:
    """Reveal a game that is played to its end, and write ``reveal/index.html``.

    What has been replayed is kept; interrupted, it goes on where it was.

    Parameters
    ----------
    folder : path
    lucks : int
        Other lucks, 4 to 200.
    tell : callable, optional
        Is told what is being done, a line at a time.
    processes : int, optional

    Raises
    ------
    InputError
        If rounds are left to play, `lucks` is out of its range, or a stored state is not what the stored
        decisions give.
    """
    from crmlab.game.lastpage import last_page

    game, tell = Game(folder), tell or (lambda line: None)
    if game.played() < game.settings.rounds:
        raise InputError(
            f"{game.played()} of {game.settings.rounds} rounds are played; the truth is shown after the last "
            "(crmlab game play)"
        )
    if isinstance(lucks, bool) or not isinstance(lucks, int) or not 4 <= lucks <= 200:
        raise InputError(f"{option('lucks')} is {lucks!r}; give a whole number from 4 to 200")
    found = _revealed(game, lucks, tell, processes or available_cores())
    for name, text in _tables(game, found).items():
        files.write_text(game.folder / "reveal" / name, text)
    files.write_text(game.folder / "reveal" / "index.html", last_page(game, found))
    return found


def _revealed(game: Game, lucks: int, tell: Callable[[str], None], processes: int) -> Revealed:
    decided = decisions_of(game)
    models = _models(game, decided)
    tasks = {
        team: [_task(game, decided, team, models[team], luck) for luck in range(lucks + 1)]
        for team in decided
    }
    first = _run(game, [each[PLAYED] for each in tasks.values()], "teams", processes)
    for team, scores in zip(tasks, first):
        check_replay(game, team, scores["own"])
    rules = _rule_tasks(game, decided, lucks)
    todo = [task for each in tasks.values() for task in each[1:]]
    tell(f"replaying {len(tasks)} teams and {len(rules) - 1} simple rules with {lucks} lucks")
    scores = _run(game, todo, "teams", processes, tell)
    ruled = _run(game, [task for each in rules.values() for task in each], "rules", processes)
    results = {}
    for at, (team, taken) in enumerate(decided.items()):
        own = [first[at], *scores[at * lucks : (at + 1) * lucks]]
        results[team] = _result(own, taken, models[team])
    totals = np.array([sum(each["own"]) for each in ruled]).reshape(len(rules), lucks + 1)
    gains = dict(zip(list(rules)[1:], totals[1:] - totals[0]))
    advantages = {name: Advantage(float(each[0]), each[1:]) for name, each in gains.items()}
    best = best_of(
        {name: each.lucks for name, each in advantages.items()},
        {name: each.realised for name, each in advantages.items()},
    )
    return Revealed(results, advantages, best)


def _task(game: Game, decided: Mapping[str, tuple[Taken, ...]], team: str, model: str, luck: int) -> Task:
    """All replays of a team with one luck."""
    own = tuple(one.decision.without_forecast() for one in decided[team])
    rounds = range(game.settings.rounds)
    rivals = tuple(
        rivals_of({other: each[at].decision for other, each in decided.items()}, team) for at in rounds
    )
    swapped = tuple(one.decision.without_forecast() for one in decided[model]) if model else ()
    return Task(team, luck, own, rivals, swapped, luck <= SWAPPED, customer=luck == PLAYED)


def _models(game: Game, decided: Mapping[str, tuple[Taken, ...]]) -> dict[str, str]:
    """For each team the one whose decisions are swapped in: that with the highest score of the others.

    Those who decided nothing are held against already; without another team it is empty.
    """
    active = [
        team
        for team, each in decided.items()
        if any(one.decision.without_forecast() != NOTHING for one in each)
    ]
    scores = {team: finish(game.way(team, game.settings.rounds)).total for team in active}
    order = sorted(scores, key=lambda team: -scores[team])
    return {team: next((other for other in order if other != team), "") for team in decided}


def _rule_tasks(game: Game, decided: Mapping[str, tuple[Taken, ...]], lucks: int) -> dict[str, list[Task]]:
    """The simple rules that the budget allows and, named "nothing", none, against all teams as rivals."""
    rounds = game.settings.rounds
    rivals = tuple(Rivals.of([each[at].decision for each in decided.values()]) for at in range(rounds))
    kept = {}
    for at, (name, decision) in enumerate({"nothing": NOTHING, **candidates(game.settings.budget)}.items()):
        if affordable(game, decision, rivals):
            steady = (decision,) * rounds
            kept[name] = [Task(f"rule-{at}", luck, steady, rivals, rule=True) for luck in range(lucks + 1)]
    return kept


def _run(
    game: Game, tasks: Sequence[Task], kind: str, processes: int, tell: Callable[[str], None] | None = None
) -> list[Scores]:
    from joblib import Parallel, delayed

    keep = game.teacher / "replays" / kind
    done = Parallel(n_jobs=min(processes, max(len(tasks), 1)), return_as="generator")(
        delayed(kept_scores)(game.folder, task, keep) for task in tasks
    )
    found = []
    for at, scores in enumerate(done, 1):
        found.append(scores)
        if tell and at % max(len(tasks) // 10, 1) == 0:
            tell(f"{at} of {len(tasks)} replays")
    return found


def _advantage(scores: Sequence[Scores], other: str) -> Advantage:
    """Of the own way over another, from the scores of the played luck and then of the others."""
    gains = [sum(each["own"]) - sum(each[other]) for each in scores if other in each]
    return Advantage(gains[0], np.array(gains[1:]))


def _result(scores: Sequence[Scores], taken: tuple[Taken, ...], model: str) -> Result:
    own = scores[0]["own"]
    effects = []
    for name in scores[0]:
        kind, _, rest = name.rpartition(" ")
        known = {"nothing in": "round", "swapped in": "swap", "without": "lever"}.get(kind)
        if known:
            effects.append(Effect(known, rest, _advantage(scores, name)))
    number, *worth = scores[0]["customer"]
    customer = Contribution(int(number), *worth)
    return Result(
        _advantage(scores, "nothing"), tuple(own[:-1]), own[-1], tuple(effects), model, taken, customer
    )


def _tables(game: Game, found: Revealed) -> dict[str, str]:
    """The results as CSV tables."""
    names, board, skill = {team.id: team.name for team in game.teams}, found.board, found.ranks
    results = [
        {
            "team": team,
            "name": names[team],
            "rank": skill[team],
            "board_place": board[team],
            "score": f"{one.score:.2f}",
            **_columns(one.advantage),
            "verdict": one.verdict,
            "refused": one.refused,
            "customer": name_of(one.customer.number),
            "customer_makes": f"{one.customer.difference:.2f}",
        }
        for team, one in ((team, found.results[team]) for team in skill)
    ]
    effects = [
        {"team": team, "against": each.kind, "what": each.name, **_columns(each.advantage)}
        for team, one in found.results.items()
        for each in one.effects
    ]
    rules = [{"rule": name, **_columns(each)} for name, each in found.rules.items()]
    tables = {"results.csv": results, "effects.csv": effects, "rules.csv": rules}
    return {
        name: table_text(list(rows[0]) if rows else ["team"], rows, kept=False)
        for name, rows in tables.items()
    }


def _columns(advantage: Advantage) -> dict[str, str]:
    low, high = advantage.interval
    values = {
        "realised": advantage.realised,
        "expected": advantage.expected,
        "error": advantage.error,
        "low": low,
        "high": high,
    }
    counts = {"gains": str(advantage.gains), "lucks": str(advantage.lucks.size)}
    return {name: f"{value:.2f}" for name, value in values.items()} | counts
