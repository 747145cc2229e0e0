"""The teams: a CSV file with the columns ``team`` and, if you have them, ``name`` and ``members``."""

import re
from dataclasses import dataclass
from pathlib import Path

from crmlab.course.tables import decoded, parsed, plain
from crmlab.errors import InputError, listing

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
DEVICES = {"con", "prn", "aux", "nul", *(f"{kind}{n}" for kind in ("com", "lpt") for n in range(1, 10))}
MOST = 200
SHOWN = 10  # problems in one message


@dataclass(frozen=True)
class Team:
    """One row of ``teams.csv``.

    Attributes
    ----------
    id : str
        Names the team's folder.
    name, members : str
        As they are shown; the name is the id where none is given.
    """

    id: str
    name: str
    members: str = ""


def read_teams(path: Path | str) -> list[Team]:
    """The teams of a file, in its order.

    Raises
    ------
    InputError
        If there is no such file or it cannot be used; names rows as a spreadsheet counts them.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise InputError(f"no file {str(path)!r}; --teams wants a CSV file with the columns team,name")
    rows = parsed(decoded(path).removeprefix("\ufeff"), path.name)
    header = [plain(each).strip().lower() for each in rows[0][1]] if rows else []
    if "team" not in header:
        have = listing(filter(None, header)) or "empty"
        raise InputError(
            f"{path.name}, row 1: is {have}; it must have the column team, and may have name,members"
        )
    teams, problems, seen = [], [], {}
    for number, row in rows[1:]:
        entry = {column: " ".join(plain(cell).split()) for column, cell in zip(header, row)}
        team = Team(
            entry.get("team", ""), entry.get("name") or entry.get("team", ""), entry.get("members", "")
        )
        problems += [f"row {number}: {each}" for each in _problems(team, number, seen)]
        teams.append(team)
    if problems:
        more = f"; and {len(problems) - SHOWN} problems more" if len(problems) > SHOWN else ""
        raise InputError(f"{path.name} cannot be used: " + "; ".join(problems[:SHOWN]) + more)
    if not 1 <= len(teams) <= MOST:
        raise InputError(f"{path.name} lists {len(teams)} teams; a game has 1 to {MOST}")
    return teams


def _problems(team: Team, number: int, seen: dict[str, int]) -> list[str]:
    if not team.id:
        return ["column team: is empty; give the team a short name"]
    found = []
    if not ID.fullmatch(team.id) or team.id.lower() in DEVICES:
        found.append(
            f"column team: {team.id[:40]!r} names a folder, so it is letters, digits, - and _, at most 32; "
            "put anything else into the column name"
        )
    for value in {team.id.casefold(), team.name.casefold()}:
        before = seen.setdefault(value, number)
        if before != number:
            found.append(f"column team: {value[:40]!r} is in row {before} already")
    if len(team.name) > 60:
        found.append("column name: has more than 60 characters")
    return found
