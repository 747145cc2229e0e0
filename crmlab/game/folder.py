"""A game's folder: its settings, its teams, where everything is, and how far it has come.

::

    game.toml  teams.csv                     what the game is; nothing secret
    rules.html  board.html                   for everybody
    teams/TEAM/books/*.csv                   what the team's firm sees, up to now
    teams/TEAM/round-2/page.html             the same as a page, before it decides round 2
    teams/TEAM/round-2/decisions.csv         what it decides
    teacher/                                 seed, decisions as they were taken, states; for no team's eyes
    reveal/                                  the last page and its tables
"""

import json
import tomllib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from crmlab import files
from crmlab.course.tables import table_text
from crmlab.errors import InputError, check_known, listing
from crmlab.game.course import Way, restored, stored
from crmlab.game.decisions import Decision
from crmlab.game.market import Market
from crmlab.game.teams import Team, read_teams

SETTINGS, TEAMS = "game.toml", "teams.csv"
BOUNDS = {"rounds": (1, 12), "customers": (200, 100_000), "budget": (0, 10**9), "seed": (0, 2**63)}


@dataclass(frozen=True)
class Settings:
    """What ``game.toml`` says.

    Attributes
    ----------
    title : str
    rounds : int
    customers : int
        Who come of their own accord in the course of the game; referrals come on top.
    budget : float
        Money that a team may commit in a round.
    currency : str
        Sign, shown before amounts.
    """

    title: str = "The market game"
    rounds: int = 6
    customers: int = 5000
    budget: float = 4000.0
    currency: str = "€"


@dataclass(frozen=True)
class Taken:
    """A decision as it was taken when a round was closed.

    Attributes
    ----------
    decision : Decision
    source : {"file", "before", "nothing"}
        From the team's file; the last valid one because the file could not be used; or none.
    problem : str
        What was wrong with the file.
    committed : dict of str to float
        Money by lever.
    reached : dict of str to int
        Customers whom one ``mailing`` and the ``retention`` offers went to, where there were any.
    over_budget : bool
        Whether the problem was that the file's decision cost more than the budget.
    """

    decision: Decision
    source: str = "file"
    problem: str = ""
    committed: dict[str, float] = field(default_factory=dict)
    reached: dict[str, int] = field(default_factory=dict)
    over_budget: bool = False

    def plain(self) -> dict[str, Any]:
        """As data that JSON can hold."""
        return {**self.__dict__, "decision": self.decision.plain()}

    @classmethod
    def of(cls, held: dict[str, Any]) -> "Taken":
        """From what `plain` gave."""
        return cls(**{**held, "decision": Decision.of(held["decision"])})


class Game:
    """One game. Making it reads its settings and writes nothing.

    Parameters
    ----------
    folder : path
        Holds ``game.toml``.

    Raises
    ------
    InputError
        If it is no game's folder, or its settings cannot be used.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder).expanduser().resolve()
        if not (self.folder / SETTINGS).is_file():
            raise InputError(f"{str(folder)!r} holds no {SETTINGS}; crmlab game new makes a game's folder")
        self.settings = checked(_toml(self.folder / SETTINGS))

    @cached_property
    def teams(self) -> list[Team]:
        """In the order of ``teams.csv``.

        Raises
        ------
        InputError
            If they are not those who played the first round.
        """
        teams, first = read_teams(self.folder / TEAMS), self.of_round(1) / "decisions.json"
        names = [team.id for team in teams]
        began = list(_json(first)) if first.is_file() else names
        if set(names) != set(began):
            raise InputError(
                f"{TEAMS} lists {listing(names)}, but the game began with {listing(began)}; put them back"
            )
        return teams

    @cached_property
    def seed(self) -> int:
        """Of the market and its luck."""
        held = _json(self.teacher / "secret.json")
        return int(held["seed"])

    @property
    def teacher(self) -> Path:
        """The folder that no team may see."""
        return self.folder / "teacher"

    def of_round(self, number: int) -> Path:
        """The teacher's folder of a round; 0 is the history."""
        return self.teacher / f"round-{number}"

    def of_team(self, team: str, number: int | None = None) -> Path:
        """A team's folder, or that of one of its rounds; after the last round it is called ``end``."""
        own = self.folder / "teams" / team
        if number is None:
            return own
        return own / (f"round-{number}" if number <= self.settings.rounds else "end")

    def played(self) -> int:
        """Rounds that are closed."""
        closed = 0
        while (self.of_round(closed + 1) / "closed.json").is_file():
            closed += 1
        return closed

    def taken(self, number: int) -> dict[str, Taken]:
        """The decisions of a round that is being closed or is closed, by team."""
        held = _json(self.of_round(number) / "decisions.json")
        return {team: Taken.of(one) for team, one in held.items()}

    def market(self, luck: int = 0, held: dict[str, np.ndarray] | None = None) -> Market:
        """The game's market, at its beginning or going on from a state, with a luck."""
        return Market(self.settings.rounds, self.settings.customers, self.seed, luck, held)

    def way(self, team: str, number: int) -> Way:
        """A team's way after a round, as it was stored."""
        path = self.of_round(number) / (f"{team}.npz" if number else "history.npz")
        try:
            with np.load(path, allow_pickle=False) as held:
                arrays = dict(held)
        except (OSError, ValueError) as error:
            raise InputError(f"{path} cannot be read: {error}; restore it from a copy of the game") from None
        return restored(arrays, lambda own: self.market(held=own))

    def store(self, way: Way, path: Path) -> None:
        """Store a way, beside its place first."""
        import io

        data = io.BytesIO()
        np.savez_compressed(data, **stored(way))
        files.write_bytes(path, data.getvalue())


def checked(given: dict[str, Any]) -> Settings:
    """Settings that can be used.

    Raises
    ------
    InputError
        Naming the setting and what it may be.
    """
    check_known(f"setting of {SETTINGS}", given, Settings.__dataclass_fields__)
    for name, (low, high) in BOUNDS.items():
        value = given.get(name)
        if value is None:
            continue
        whole = name != "budget"
        if isinstance(value, bool) or not isinstance(value, (int,) if whole else (int, float)):
            raise InputError(f"{name} is {value!r}; give {'a whole' if whole else 'a'} number")
        if not low <= value <= high:
            raise InputError(f"{name} is {value}; give {low:,} to {high:,}")
    return Settings(**given)


def settings_text(settings: Settings) -> str:
    """``game.toml``."""
    quoted = {name: json.dumps(value, ensure_ascii=False) for name, value in settings.__dict__.items()}
    return "# What the game is. Change nothing once the first round is closed.\n" + "".join(
        f"{name} = {value}\n" for name, value in quoted.items()
    )


def teams_text(teams: list[Team]) -> str:
    """``teams.csv``."""
    rows = [{"team": each.id, "name": each.name, "members": each.members} for each in teams]
    return table_text(["team", "name", "members"], rows, kept=False)


def write_json(path: Path, held: Any) -> None:
    """Write plain data, beside its place first."""
    files.write_text(path, json.dumps(held, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from None


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}; restore it from a copy of the game") from None
