"""Making a game: its folder, the history that all teams share, and everybody's first page."""

import math
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import Any

from crmlab import files
from crmlab.errors import InputError, option
from crmlab.game.course import history
from crmlab.game.folder import SETTINGS, TEAMS, Game, checked, settings_text, teams_text, write_json
from crmlab.game.teams import read_teams

BUDGET = 0.8  # a customer of the game and round, where none is given


def new(
    folder: Path | str,
    teams: Path | str,
    seed: int | None = None,
    rounds: int = 6,
    customers: int = 5000,
    budget: float | None = None,
    title: str = "The market game",
    currency: str = "€",
) -> Game:
    """Make a game.

    Parameters
    ----------
    folder : path
        To be made; it must not be there yet, or be empty.
    teams : path
        A CSV file with the columns ``team`` and, if you like, ``name`` and ``members``.
    seed : int, optional
        Of the market and its luck; without it chance chooses one, which only the teacher's folder knows.
    rounds : int
        Of four months each.
    customers : int
        Who come of their own accord; every team serves the same ones, in a market of its own.
    budget : float, optional
        Money that a team may commit in a round; .8 a customer where none is given.
    title, currency : str

    Returns
    -------
    Game

    Raises
    ------
    InputError
        If the folder is in use, or the teams or a setting cannot be used.
    """
    place = Path(folder).expanduser()
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise InputError(f"{place} is there already; name a folder that is not, or remove it")
    listed = read_teams(teams)
    given: dict[str, Any] = {"title": title, "rounds": rounds, "customers": customers, "currency": currency}
    given["budget"] = round(BUDGET * customers) if budget is None else budget
    settings = checked(given)
    if not math.isfinite(settings.budget):
        raise InputError(f"{option('budget')} is {settings.budget}; give an amount of money")
    seed = secrets.randbelow(2**31) if seed is None else checked_seed(seed)
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(dir=place.parent, prefix=f".{place.name}-"))
    try:
        files.write_text(beside / SETTINGS, settings_text(settings))
        files.write_text(beside / TEAMS, teams_text(listed))
        _begin(Game(beside), seed)
        beside.chmod(0o755)
        if place.exists():
            place.rmdir()
        beside.rename(place)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return Game(place)


def checked_seed(seed: object) -> int:
    """A seed that can be used.

    Raises
    ------
    InputError
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise InputError(f"{option('seed')} is {seed!r}; give a whole number, 0 or more")
    return seed


def _begin(game: Game, seed: int) -> None:
    from crmlab.game.publishing import publish

    game.teacher.mkdir(mode=0o700)
    write_json(game.teacher / "secret.json", {"seed": seed})
    way = history(game.market())
    game.store(way, game.of_round(0) / "history.npz")
    publish(game, 0)
