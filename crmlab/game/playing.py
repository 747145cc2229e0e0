"""Closing a round: every team's decision is read, the market answers, everybody gets a page.

A decision that cannot be used stops nobody else: the team keeps its last valid one, and its page says why.
The decisions are written down before anything is played, and what is played depends on them and the stored
states alone; so a round that is interrupted and closed again is the round that would have been.
"""

from collections.abc import Callable
from math import ceil
from pathlib import Path

import numpy as np

from crmlab.cores import available_cores
from crmlab.errors import InputError, listing
from crmlab.game.accounts import profit
from crmlab.game.course import Rivals, Way, play_round
from crmlab.game.decisions import NOTHING, Decision
from crmlab.game.economy import HISTORY, ROUND
from crmlab.game.folder import Game, Taken, write_json
from crmlab.game.reading import read_decision
from crmlab.reports.telling import Money

DECISIONS = "decisions.csv"
Told = Callable[[str], None]


class OverBudget(InputError):
    """A decision that can be read but not paid for."""


def play(folder: Path | str, tell: Told | None = None, processes: int | None = None) -> dict[str, Taken]:
    """Close the next round.

    Parameters
    ----------
    folder : path
        Of the game.
    tell : callable, optional
        Is told what is being done, a line at a time.
    processes : int, optional
        That play teams at once; as many as there are cores.

    Returns
    -------
    dict of str to Taken
        What each team's decision was, and what was wrong with its file.

    Raises
    ------
    InputError
        If there is no round left, or the game's own files cannot be used. Never for a team's file.
    """
    game, tell = Game(folder), tell or (lambda line: None)
    number = game.played() + 1
    if number > game.settings.rounds:
        raise InputError(f"all {game.settings.rounds} rounds are played; crmlab game reveal shows the truth")
    strangers = sorted(
        each.name
        for each in (game.folder / "teams").glob("*")
        if each.name not in {team.id for team in game.teams}
    )
    if strangers:
        tell(f"no team of teams.csv: {listing(strangers)}; what lies there is not read")
    taken = close(game, number)
    for team, one in taken.items():
        if one.problem:
            tell(f"{team}: {one.problem}")
    _play_teams(game, number, taken, tell, processes or available_cores())
    from crmlab.game.publishing import publish

    publish(game, number, processes or available_cores())
    write_json(game.of_round(number) / "closed.json", {"round": number})
    return taken


def close(game: Game, number: int) -> dict[str, Taken]:
    """The decisions of a round: as they were written down, or read now and written down."""
    if (game.of_round(number) / "decisions.json").is_file():
        return game.taken(number)
    before = game.taken(number - 1) if number > 1 else {}
    taken = {}
    for team in game.teams:
        way = game.way(team.id, number - 1)
        taken[team.id] = _take(game, team.id, number, way, before.get(team.id))
    write_json(game.of_round(number) / "decisions.json", {team: one.plain() for team, one in taken.items()})
    return taken


def _take(game: Game, team: str, number: int, way: Way, before: Taken | None) -> Taken:
    """A team's decision, or what stands in for one that cannot be used."""
    path, settings = game.of_team(team, number) / DECISIONS, game.settings
    try:
        return _taken(way, read_valid(path, way, settings.budget, settings.currency))
    except InputError as error:
        problem, over = str(error), isinstance(error, OverBudget)
    kept = before.decision.without_forecast() if before else NOTHING
    if kept != NOTHING and way.committed(kept).total <= settings.budget:
        return _taken(way, kept, "before", problem, over)
    return _taken(way, NOTHING, "nothing", problem, over)


def _taken(
    way: Way, decision: Decision, source: str = "file", problem: str = "", over_budget: bool = False
) -> Taken:
    committed = way.committed(decision)
    return Taken(decision, source, problem, committed.by_lever(), committed.reached, over_budget)


def read_valid(path: Path, way: Way, budget: float, currency: str = "") -> Decision:
    """A decision that can be read and paid for.

    Raises
    ------
    InputError
        Naming file, row, column and remedy; an `OverBudget` where it can be read.
    """
    books = way.customers()
    decision = read_decision(path, list(books), books["customer"])
    committed = way.committed(decision)
    if committed.total > budget:
        money = Money(currency, cents=False)
        parts = [f"{name} {money(cost)}" for name, cost in committed.by_lever().items() if cost > 0]
        raise OverBudget(
            f"{path.parent.name}/{path.name}: the decision commits {money(committed.total)} "
            f"({', '.join(parts)}), and the budget of a round is {money(budget)}: "
            f"{money(ceil(committed.total - budget))} too much; switch something off, or lower a value or "
            "at_most"
        )
    return decision


def rivals_of(decisions: dict[str, Decision], team: str) -> Rivals:
    """What the others do in a round, for one team."""
    return Rivals.of([decision for other, decision in decisions.items() if other != team])


def _play_teams(game: Game, number: int, taken: dict[str, Taken], tell: Told, processes: int) -> None:
    """Play the round for each team whose state after it is not there yet."""
    from joblib import Parallel, delayed

    decisions = {team: one.decision for team, one in taken.items()}
    left = [team for team in decisions if not (game.of_round(number) / f"{team}.npz").is_file()]
    tell(f"round {number}: {len(decisions)} teams")
    Parallel(n_jobs=min(processes, max(len(left), 1)))(
        delayed(play_one)(game.folder, number, team, decisions[team], rivals_of(decisions, team))
        for team in left
    )


def play_one(folder: Path, number: int, team: str, decision: Decision, rivals: Rivals) -> None:
    """Play a round for one team, from its stored state to the next."""
    game = Game(folder)
    way = play_round(game.way(team, number - 1), decision, rivals)
    game.store(way, game.of_round(number) / f"{team}.npz")


def status(folder: Path | str) -> dict[str, object]:
    """How far a game has come, and what is wrong with the decisions that lie there now.

    Writes nothing.

    Returns
    -------
    dict
        ``title``, ``rounds``, ``played``, ``next`` (None after the last), ``teams``: for each its ``name``,
        its ``profit`` so far and, if a round is open, ``problem``: what `play` would say of its file.
    """
    game = Game(folder)
    played = game.played()
    number = played + 1 if played < game.settings.rounds else None
    teams = {}
    for team in game.teams:
        way = game.way(team.id, played)
        one: dict[str, object] = {"name": team.name, "profit": profit(way.entries)}
        if number is not None:
            one["problem"] = _take(game, team.id, number, way, None).problem
        teams[team.id] = one
    kept = {"title": game.settings.title, "rounds": game.settings.rounds, "played": played, "next": number}
    return {**kept, "revealed": (game.folder / "reveal" / "index.html").is_file(), "teams": teams}


def profits_by_round(game: Game, team: str, number: int) -> np.ndarray:
    """The team's profit in each of the rounds that are closed, shape (rounds,)."""
    entries = game.way(team, number).entries if number else []
    at = [
        [each for each in entries if (each.month - HISTORY) // ROUND == number_] for number_ in range(number)
    ]
    return np.array([profit(each) for each in at])
