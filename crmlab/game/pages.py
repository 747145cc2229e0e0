"""The game's pages: a team's, the board, the rules. Single HTML files that ask nothing of a network."""

import functools
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from crmlab.game import pictures, telling
from crmlab.game.accounts import in_round, profit
from crmlab.game.course import Way
from crmlab.game.economy import ACTIVE, HISTORY, ROUND
from crmlab.game.folder import Game, Taken
from crmlab.game.scoring import places
from crmlab.pages import environment
from crmlab.reports.telling import Money
from crmlab.words import words

FOLDER = Path(__file__).resolve().parent / "templates"
EXAMPLE = """decision,value,customers,at_most,by
price,0.98
service,0.1
crm,on
mailing,2,orders_12 >= 1 and months_since_order <= 4,600,months_since_order lowest
retention,on,list our_best.csv
forecast,48000"""
FILES = ("customers", "orders", "surveys", "complaints", "mailings", "accounts", "prices")


@functools.cache
def template(name: str) -> jinja2.Template:
    """One of this room's templates."""
    return environment(FOLDER, FOLDER / "game.css", filters={"joined": joined}).get_template(name)


def joined(text: str) -> str:
    """A text in which no line ends between a minus sign and its number."""
    return text.replace("−", "−\u2060")


def team_page(game: Game, team: str, number: int, way: Way) -> str:
    """A team's page when `number` rounds are closed: what its firm sees, and what it decides next."""
    settings, money = game.settings, Money(game.settings.currency, cents=False)
    one = next(each for each in game.teams if each.id == team)
    taken = [game.taken(at) for at in range(1, number + 1)]
    last = taken[-1][team] if taken else None
    profits = profits_by_round(way, number)
    asked = number + 1 if number < settings.rounds else None
    shown: dict[str, Any] = {
        "game": settings.title,
        "team": one,
        "asked": asked,
        "budget": money(settings.budget),
        "heading": words("game.before_round", number=asked, rounds=settings.rounds)
        if asked
        else words("game.after"),
        "lead": _lead(number, profits, money),
        "problem": last.problem if last else "",
        "instead": words(f"game.instead_{last.source}") if last else "",
        "facts": _facts(game, way, last, profits, money),
        "course": pictures.course_so_far(telling.orders_by_month(way.books), profits, _course_caption(way)),
        "accounts": telling.accounts_table(way.entries, number, money) if number else None,
        "decided": _decided([each[team] for each in taken]) if taken else None,
        "customers": telling.customers_table(way.customers(), money),
        "lots": telling.own_lots(way, [each[team].decision for each in taken], Money(settings.currency)),
        "tests": pictures.mailing_tests(telling.test_rows(way), Money(settings.currency)),
        "prices": _prices(game, taken, team),
        "levers": telling.levers_table(Money(settings.currency), way.books.active()),
        "files": _files(),
    }
    names = ["money", "decided", "customers", "mailings", "market", "next", "files"]
    kept = [each for each in names if (each != "decided" or taken) and (each != "next" or asked)]
    heads = {each: words(f"game.h_{each}", number=asked) for each in kept}
    return template("team.html.j2").render(**shown, sections=list(heads.items()))


def profits_by_round(way: Way, number: int) -> list[float]:
    """The profit of each round that is closed."""
    return [profit(in_round(way.entries, HISTORY + ROUND * at)) for at in range(number)]


def _lead(number: int, profits: list[float], money: Money) -> str:
    if not number:
        return words("game.lead_start", months=HISTORY)
    if number == 1:
        return words("game.lead_first", profit=money(profits[0]))
    change = profits[-1] - profits[-2]
    key = "game.lead_more" if change >= 0 else "game.lead_less"
    return words(key, number=number, profit=money(profits[-1]), change=money(abs(change)))


def _facts(
    game: Game, way: Way, last: Taken | None, profits: list[float], money: Money
) -> list[tuple[str, str, str]]:
    customers = way.customers()
    active = int((customers["months_since_order"] < ACTIVE).sum())
    facts = [
        (words("game.fact_customers"), f"{customers['customer'].size:,}", words("game.fact_customers_about")),
        (words("game.fact_active"), f"{active:,}", words("game.fact_active_about", months=ACTIVE)),
    ]
    if last is not None:
        foretold = last.decision.forecast
        about = "" if foretold is None else words("game.foretold", forecast=money(foretold))
        facts.append((words("game.fact_profit"), money(profits[-1]), about))
        facts.append((words("game.fact_total"), money(sum(profits)), words("game.fact_total_about")))
        spent = sum(last.committed.values())
        facts.append(
            (
                words("game.fact_spent"),
                money(spent),
                words("game.of_budget", budget=money(game.settings.budget)),
            )
        )
    else:
        facts.append(
            (words("game.fact_budget"), money(game.settings.budget), words("game.fact_budget_about"))
        )
    return facts


def _course_caption(way: Way) -> str:
    orders = telling.orders_by_month(way.books)
    before = f"{orders[HISTORY - ROUND : HISTORY].mean():,.0f}"
    if orders.size == HISTORY:
        return words("game.caption_history", before=before)
    return words(
        "game.caption_course",
        before=before,
        now=f"{orders[-ROUND:].mean():,.0f}",
    )


def _decided(taken: list[Taken]) -> dict[str, Any]:
    texts = telling.decision_texts(one.decision for one in taken)
    rows = [
        telling.row(
            words("game.round_number", number=at),
            [
                text,
                *(
                    f"{one.reached[name]:,}" if name in one.reached else "–"
                    for name in ("mailing", "retention")
                ),
                words(f"game.source_{one.source}"),
            ],
        )
        for at, (one, text) in enumerate(zip(taken, texts), 1)
    ]
    heads = [words(f"game.head_{each}") for each in ("round", "decided", "letters", "offers", "source")]
    return telling.table(words("game.h_decided"), heads, rows, left=True)


def _prices(game: Game, taken: list[dict[str, Taken]], own: str | None) -> dict[str, Any] | None:
    """Everybody's prices by round: they are public."""
    if not taken:
        return None
    rows = [
        telling.row(
            team.name, [f"{one[team.id].decision.price:g}" for one in taken], "own" if team.id == own else ""
        )
        for team in game.teams
    ]
    heads = [words("game.team"), *(words("game.round_number", number=at) for at in range(1, len(taken) + 1))]
    return telling.table(words("game.h_prices"), heads, rows, words("game.prices_caption"))


def _files() -> dict[str, Any]:
    rows = [telling.row(f"books/{name}.csv", [words(f"game.file_{name}")]) for name in FILES]
    return telling.table(
        words("game.h_files"), [words("game.head_file"), words("game.head_holds")], rows, left=True
    )


def board_page(game: Game, number: int) -> str:
    """What everybody may see: profits and prices so far."""
    money = Money(game.settings.currency, cents=False)
    names = {team.id: team.name for team in game.teams}
    shown: dict[str, Any] = {
        "game": game.settings.title,
        "lead": telling.counted("game.board_start", len(names), rounds=game.settings.rounds),
        "standing": None,
        "sections": [("standing", words("game.h_teams"))],
        "teams": telling.table(
            words("game.h_teams"),
            [words("game.team"), words("game.members")],
            [telling.row(team.name, [team.members]) for team in game.teams],
            left=True,
        ),
    }
    if number:
        shown |= _standing(game, number, names, money)
    return template("board.html.j2").render(**shown)


def _standing(game: Game, number: int, names: dict[str, str], money: Money) -> dict[str, Any]:
    """What the board has once a round is closed."""
    profits = {team: profits_by_round(game.way(team, number), number) for team in names}
    totals = {team: sum(each) for team, each in profits.items()}
    place, best = places(totals), max(totals.values())
    order, spread = sorted(names, key=lambda team: place[team]), best - min(totals.values())
    key = "standing" if spread else "level" if len(names) > 1 else "alone"
    caption = words(
        f"game.caption_{key}",
        first=", ".join(names[team] for team in order if place[team] == 1),
        profit=money(best),
        number=number,
        spread=money(spread),
    )
    rows = [
        telling.row(
            f"{place[team]}. {names[team]}", [*(money(each) for each in profits[team]), money(totals[team])]
        )
        for team in order
    ]
    heads = [words("game.team"), *(words("game.round_number", number=at + 1) for at in range(number))]
    return {
        "lead": words("game.board_lead", number=number, rounds=game.settings.rounds),
        "picture": pictures.standing({names[team]: total for team, total in totals.items()}, caption),
        "standing": telling.table(words("game.h_standing"), [*heads, words("game.head_total")], rows),
        "prices": _prices(game, [game.taken(at) for at in range(1, number + 1)], None),
        "sections": [("standing", words("game.h_standing")), ("market", words("game.h_prices"))],
    }


def rules_page(game: Game) -> str:
    """What may be decided, what it costs, how it is written, and how the game is scored."""
    money, settings = Money(game.settings.currency), game.settings
    way = game.way(game.teams[0].id, 0)
    columns = way.customers()
    columns.pop("customer")  # a number that says nothing
    rows = [telling.row(name, [words(f"game.column_{name}"), _range(columns[name])]) for name in columns]
    ids = ("round", "levers", "write", "columns", "score")
    return template("rules.html.j2").render(
        game=settings.title,
        settings=settings,
        steps=[telling.counted(f"game.step_{at}", settings.rounds) for at in range(1, 5)],
        levers=telling.levers_table(money, way.books.active()),
        budget=money(settings.budget),
        example=EXAMPLE,
        columns=telling.table(
            words("game.h_columns"),
            [words("game.head_column"), words("game.head_meaning"), words("game.head_range")],
            rows,
            left=True,
        ),
        score=[words(f"game.score_{at}") for at in range(1, 4)],
        sections=[(each, words(f"game.h_{each}")) for each in ids],
    )


def _range(values: np.ndarray) -> str:
    known = values[~np.isnan(values)] if values.dtype.kind == "f" else values
    return f"{known.min():,.0f}–{known.max():,.0f}" if known.size else words("game.nobody")
