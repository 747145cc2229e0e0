"""What is handed out after a round: each team's books, page and blank decision, the rules and the board."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from crmlab import files
from crmlab.course.tables import table_text
from crmlab.game.accounts import Entry
from crmlab.game.books import Columns, name_of
from crmlab.game.course import Way
from crmlab.game.decisions import NOTHING, Decision, Group
from crmlab.game.folder import Game, Taken
from crmlab.game.reading import COLUMNS
from crmlab.words import words

DECISIONS = "decisions.csv"


def publish(game: Game, number: int, processes: int = 1) -> None:
    """Write everything that is handed out when `number` rounds are closed.

    Parameters
    ----------
    game : Game
    number : int
        0 after the history.
    processes : int
    """
    from joblib import Parallel, delayed

    from crmlab.game.pages import board_page, rules_page

    Parallel(n_jobs=min(processes, len(game.teams)))(
        delayed(publish_team)(game.folder, team.id, number) for team in game.teams
    )
    files.write_text(game.folder / "rules.html", rules_page(game))
    files.write_text(game.folder / "board.html", board_page(game, number))


def publish_team(folder: Path, team: str, number: int) -> None:
    """Write a team's books, its page, and the decision that it is asked for next."""
    from crmlab.game.pages import team_page

    game = Game(folder)
    way, taken = game.way(team, number), game.taken(number) if number else {}
    for name, table in seen_tables(game, way, number).items():
        text = table.to_csv(index=False, lineterminator="\n")
        files.write_text(game.of_team(team) / "books" / f"{name}.csv", text)
    here = game.of_team(team, number + 1)
    if number < game.settings.rounds and not (here / DECISIONS).exists():
        _copy_lists(game, team, number, taken.get(team))
        decided = taken[team].decision if team in taken else NOTHING
        files.write_text(here / DECISIONS, blank(decided))
    files.write_text(here / "page.html", team_page(game, team, number, way))


def seen_tables(game: Game, way: Way, number: int) -> dict[str, pd.DataFrame]:
    """The books as tables, by the names of their files."""
    numbers = way.market.number()
    logs = {}
    for name in way.books.logs:
        table = way.books.table(name)
        customer = [name_of(each) for each in numbers[table.pop("row").astype(np.intp)].tolist()]
        logs[name] = pd.DataFrame({"customer": customer} | _plain(table))
    rivals = [
        {"round": at, "team": team, "price": one.decision.price}
        for at in range(1, number + 1)
        for team, one in game.taken(at).items()
    ]
    columns = way.customers()
    columns["customer"] = np.array([name_of(each) for each in columns["customer"].tolist()])
    return {
        "customers": pd.DataFrame(_plain(columns)),
        **logs,
        "accounts": pd.DataFrame(map(account, way.entries), columns=["month", *words_of_accounts()]),
        "prices": pd.DataFrame(rivals, columns=["round", "team", "price"]),
    }


def account(entry: Entry) -> dict[str, float]:
    """A row of ``accounts.csv``."""
    values = {name: round(getattr(entry, name), 2) for name in words_of_accounts()}
    return {"month": entry.month, **values}


def words_of_accounts() -> list[str]:
    """The columns of money, revenue first and profit last."""
    return [*list(Entry.__dataclass_fields__)[1:], "profit"]


def _plain(columns: Columns) -> Columns:
    """Truth values as 1 and 0, months and counts whole where some are missing, money to the cent."""
    found: dict[str, Any] = {}
    for name, values in columns.items():
        if values.dtype == bool:
            found[name] = values.astype(np.int8)
        elif name.startswith("months_since") or name == "satisfaction":
            found[name] = pd.array(np.where(np.isnan(values), -1, values).astype(int), "Int64")
            found[name][np.isnan(values)] = pd.NA
        else:
            found[name] = np.round(values, 2) if values.dtype.kind == "f" else values
    return found


def blank(decision: Decision) -> str:
    """``decisions.csv`` with a decision filled in, and a note in each row."""
    values = {
        "price": f"{decision.price:.12g}",
        "service": f"{decision.service:.12g}",
        "scheme": _switch(decision.scheme),
        "push": f"{decision.push:.12g}",
        "crm": _switch(decision.crm),
        "mailing": str(decision.mailings) if decision.mailing else "off",
        "retention": _switch(decision.retention is not None),
        "forecast": "",
    }
    rows = []
    for name, value in values.items():
        group = getattr(decision, name) if name in ("mailing", "retention") else None
        cells = dict(zip(COLUMNS[2:], written(group))) if group else {}
        rows.append({"decision": name, "value": value, **cells, "note": words(f"game.note_{name}")})
    return table_text([*COLUMNS, "note"], rows, kept=False)


def written(group: Group) -> Sequence[str]:
    """A group as the columns ``customers``, ``at_most`` and ``by`` have it."""
    who = group.rule or f"list {group.source}"
    if group.at_most is None:
        return who, "", ""
    return who, str(group.at_most), group.by + (" lowest" if group.lowest else "")


def _switch(value: bool) -> str:
    return "on" if value else "off"


def _copy_lists(game: Game, team: str, number: int, taken: Taken | None) -> None:
    """Lists that the next decision still names come along."""
    for group in (taken.decision.mailing, taken.decision.retention) if taken else ():
        if (
            group is not None
            and group.source
            and not (game.of_team(team, number + 1) / group.source).exists()
        ):
            text = "customer\n" + "".join(f"{name_of(each)}\n" for each in group.customers)
            files.write_text(game.of_team(team, number + 1) / group.source, text)
