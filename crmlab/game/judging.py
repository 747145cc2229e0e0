"""Sentences on who was good, who was lucky, and who would have confused the two.

All of them follow from verdicts and ranks, so that none says more than the table beside it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from crmlab.game import pictures
from crmlab.game.revealing import Result, Revealed
from crmlab.game.scoring import Advantage, ahead, better
from crmlab.game.telling import counted
from crmlab.reports.telling import Money
from crmlab.words import words

CONFUSED = ("luck", "misfortune")
IDLE = ("idle", "refused")
NAMED = 6  # teams that a sentence names before it counts the rest
SHOWN = 0.5  # money that is not written as 0
Names = Mapping[str, str]


def span(advantage: Advantage, money: Money) -> str:
    """A luck interval in words."""
    low, high = advantage.interval
    return words("game.span", low=money(low), high=money(high))


def with_error(advantage: Advantage, money: Money) -> str:
    """The expected advantage and its standard error."""
    return words("game.with_error", mean=money(advantage.expected), error=money(advantage.error))


def facts_of(name: str, one: Advantage, money: Money) -> dict[str, Any]:
    """What sentences say of a team's advantage."""
    return {
        "team": name,
        "mean": with_error(one, money),
        "span": span(one, money),
        "realised": money(one.realised),
        "gains": one.gains,
        "lucks": one.lucks.size,
    }


def listed(teams: Iterable[str], names: Names) -> str:
    """Teams by name; the rest counted where they are many."""
    teams = list(teams)
    if not teams:
        return words("game.no_team")
    shown = teams[:NAMED] if len(teams) > NAMED + 1 else teams
    told = words("game.and").join(names[team] for team in shown)
    return told + (words("game.and_more", count=len(teams) - len(shown)) if len(shown) < len(teams) else "")


def lead(found: Revealed, names: Names, money: Money) -> str:
    """Who was best, as far as the lucks tell: a sentence or two."""
    first = [team for team, rank in found.ranks.items() if rank == 1]
    top = found.results[first[0]]
    facts = facts_of(names[first[0]], top.advantage, money)
    idle = _idle(found)
    if len(names) == 1:
        return told_of(top, names[first[0]], money)
    if len(idle) == len(names):
        return words("game.lead_idle")
    if top.verdict in IDLE:
        return words("game.lead_nothing", team=listed(idle, names))
    if top.advantage.expected <= 0:
        return words("game.lead_nobody", **facts)
    if len(first) > 1:
        gain = [team for team in first if found.results[team].advantage.sign > 0]
        told = words("game.lead_several", **facts, count=len(first), teams=listed(first, names))
        key = "game.lead_known" if gain else "game.lead_unknown"
        return f"{told} " + words(key, teams=listed(gain, names))
    if top.advantage.sign <= 0:
        return words("game.lead_ahead", **facts)
    others = [one.advantage for one in found.results.values() if one is not top]
    best_of_all = all(better(top.advantage, each) for each in others)
    return words("game.lead_one" if best_of_all else "game.lead_alone", **facts)


def _where(found: Revealed, holds: Callable[[Result], Any]) -> list[str]:
    """Teams, in the order of ranks, of whom something holds."""
    return [team for team in found.ranks if holds(found.results[team])]


def _idle(found: Revealed) -> list[str]:
    return _where(found, lambda one: one.verdict in IDLE)


def caption(found: Revealed, names: Names, money: Money) -> str:
    """Of the picture of advantages: whose gain or loss is known, and whom luck moved most."""
    groups = {
        "gain": _where(found, lambda one: one.advantage.sign > 0),
        "lose": _where(found, lambda one: one.advantage.sign < 0),
        "open": _where(found, lambda one: one.verdict == "undecided"),
        "idle": _idle(found),
    }
    told = [words(f"game.caption_{key}", teams=listed(each, names)) for key, each in groups.items() if each]
    if not groups["gain"] and not groups["lose"]:
        told.insert(0, words("game.caption_neither"))
    team, one = max(found.results.items(), key=lambda each: abs(each[1].advantage.luck))
    if abs(one.advantage.luck) >= SHOWN:
        told.append(words("game.caption_luck", team=names[team], luck=money(one.advantage.luck)))
    return " ".join(told)


def ranking(found: Revealed, names: Names, money: Money) -> list[dict[str, Any]]:
    """A row a team, in the order of skill; `ahead` is of the next team, luck by luck."""
    order, rows = list(found.ranks), []
    for at, team in enumerate(order):
        result = found.results[team]
        one = result.advantage
        rows.append(
            {
                "rank": found.ranks[team],
                "name": names[team],
                "expected": with_error(one, money),
                "gains": words("game.of_lucks", gains=one.gains, lucks=one.lucks.size),
                "span": span(one, money),
                "realised": money(one.realised),
                "luck": money(one.luck),
                "board": found.board[team],
                "ahead": _ahead(one, [found.results[each].advantage for each in order[at + 1 : at + 2]]),
                "verdict": result.verdict,
                "said": words(f"game.verdict_{result.verdict}"),
            }
        )
    return rows


def _ahead(one: Advantage, follows: list[Advantage]) -> str:
    """How often a team beats the next; a dash where there is none, or nothing between them."""
    if not follows or (one.lucks == follows[0].lucks).all():
        return words("game.nobody")
    return f"{ahead(one, follows[0]):.0%}"


def best(found: Revealed, names: Names, money: Money) -> str:
    """The best simple rule, and who is known to have done better with the lucks that judged it."""
    rule = found.best.advantage
    judged = {
        team: Advantage(one.advantage.realised, one.advantage.lucks[1::2])
        for team, one in found.results.items()
    }
    done_better = [team for team in found.ranks if better(judged[team], rule)]
    facts = facts_of("", rule, money) | {"rule": found.best.name, "teams": listed(done_better, names)}
    return words("game.best", **facts)


def movers(found: Revealed) -> list[str]:
    """Those whose result luck has moved: out of their band, or to the other side of 0."""
    return _where(found, lambda one: one.advantage.surprise or one.verdict in CONFUSED)


def rankings(found: Revealed, names: Names) -> dict[str, Any] | None:
    """The picture of places by profit, by score and by skill; None where there is one team."""
    if len(names) == 1:
        return None
    moved, ranks = movers(found), found.ranks
    same = [team for team in ranks if found.board[team] == ranks[team]]
    told = words("game.caption_rankings", same=listed(same, names), movers=listed(moved, names))
    return pictures.rankings(found.board, found.scored, ranks, names, moved, told)


def confused(found: Revealed, names: Names, money: Money) -> list[str]:
    """Sentences on who would have taken luck for skill, or skill for bad luck."""
    lines = [_leader(found, names, money)] if 1 < len(names) > len(_idle(found)) else []
    for team in movers(found):
        one = found.results[team]
        surprise = "above" if one.advantage.surprise > 0 else "below"
        key = one.verdict if one.verdict in CONFUSED else surprise
        lines.append(words(f"game.told_{key}", **facts_of(names[team], one.advantage, money)))
    return [*lines, *_moved_most(found, names, money)] or [words("game.confused_nobody")]


def _leader(found: Revealed, names: Names, money: Money) -> str:
    """Whether those who led by profit deserved it."""
    leaders = [team for team, place in found.board.items() if place == 1]
    one, rank = found.results[leaders[0]], found.ranks[leaders[0]]
    facts = facts_of(listed(leaders, names), one.advantage, money) | {"rank": rank}
    if one.verdict in IDLE:
        return words("game.leader_idle", **facts)
    key = "leader_first" if rank == 1 else "leader_not_first"
    told = words(f"game.{key}", **facts)
    kind = {1: "gains", -1: "loses", 0: "unknown"}[one.advantage.sign]
    return f"{told} " + words(f"game.leader_{kind}", **facts)


def _moved_most(found: Revealed, names: Names, money: Money) -> list[str]:
    """Whom luck gave most, and whom it took most."""
    lucks, lines = {team: one.advantage.luck for team, one in found.results.items()}, []
    for key, choose, sign in (("luckiest", max, 1), ("unluckiest", min, -1)):
        team = choose(lucks, key=lambda each: lucks[each])
        if sign * lucks[team] >= SHOWN:
            alone = "_alone" if len(names) == 1 else ""
            lines.append(words(f"game.{key}{alone}", team=names[team], luck=money(abs(lucks[team]))))
    return lines


def told_of(result: Result, name: str, money: Money) -> str:
    """What came out for a team, in a sentence or two."""
    one, facts = result.advantage, facts_of(name, result.advantage, money)
    if result.verdict == "refused":
        over = sum(each.over_budget for each in result.taken)
        why = "over" if over == result.refused else "both" if over else "unreadable"
        return counted("game.team_refused", result.refused, team=name, why=words(f"game.refused_{why}"))
    told = words(f"game.team_{result.verdict}", **facts)
    steady = one.steady and one.sign
    return f"{told} " + words("game.team_steady") if steady else told
