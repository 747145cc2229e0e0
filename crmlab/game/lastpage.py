"""The last page: who was skilful, who was lucky, what each decision did, and how the market really was."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from crmlab.game import pictures, telling
from crmlab.game.economy import ACTIVE, ECONOMY, HISTORY
from crmlab.game.folder import Game
from crmlab.game.market import truth
from crmlab.game.pages import template
from crmlab.game.revealing import Effect, Result, Revealed
from crmlab.game.scoring import Advantage, ahead, forecast_error, places
from crmlab.reports.telling import Money
from crmlab.words import words

CONFUSED = ("luck", "misfortune")


def last_page(game: Game, found: Revealed) -> str:
    """``reveal/index.html``."""
    money, names = Money(game.settings.currency, cents=False), {team.id: team.name for team in game.teams}
    teams = [_team(found, team, names, money) for team in found.ranks]
    ids = {
        "winners": "winners",
        "confused": "confused",
        "teams": "teams_did",
        "rules": "rules_best",
        "truth": "truth",
        "how": "how",
    }
    heads = [(each, words(f"game.h_{name}")) for each, name in ids.items()]
    return template("reveal.html.j2").render(
        game=game.settings.title,
        lead=_lead(found, names, money),
        advantages=pictures.advantages(
            {team: one.advantage for team, one in found.results.items()},
            names,
            (found.best.name, found.best.advantage.expected),
            _caption(found, names, money),
        ),
        ranking=_ranking(found, names, money),
        best=_best(found, money),
        rankings=_rankings(found, names),
        confused=_confused(found, names, money),
        forecasts=_forecasts(found, names, money),
        teams=teams,
        rules=_rules(found, money),
        truths=_truths(game, Money(game.settings.currency)),
        how=[words(f"game.how_{at}", **_facts(game, found)) for at in range(1, 6)],
        sections=heads,
    )


def span(advantage: Advantage, money: Money) -> str:
    """A luck interval in words."""
    low, high = advantage.interval
    return words("game.span", low=money(low), high=money(high))


def _lead(found: Revealed, names: Mapping[str, str], money: Money) -> str:
    """Who won, in a sentence or two."""
    first = [team for team, rank in found.ranks.items() if rank == 1]
    top = found.results[first[0]].advantage
    facts = {"team": names[first[0]], "expected": money(top.expected), "span": span(top, money)}
    if top.interval[0] <= 0 and top.expected <= 0:
        return words("game.lead_nobody", **facts)
    if len(first) == 1:
        return words("game.lead_one", **facts)
    others = words("game.and").join(names[team] for team in first[1:4])
    more = words("game.and_more", count=len(first) - 4) if len(first) > 4 else ""
    return words("game.lead_several", **facts, others=others + more, count=len(first))


def _caption(found: Revealed, names: Mapping[str, str], money: Money) -> str:
    verdicts = [one.advantage.verdict for one in found.results.values()]
    kinds = ("skill", "harm", "luck", "misfortune", "undecided", "idle")
    counts = {each: verdicts.count(each) for each in kinds}
    team, one = max(found.results.items(), key=lambda each: abs(each[1].advantage.luck))
    return words(
        "game.caption_advantages",
        teams=len(verdicts),
        skill=counts["skill"],
        harm=counts["harm"],
        other=len(verdicts) - counts["skill"] - counts["harm"],
        team=names[team],
        luck=money(one.advantage.luck),
    )


def _ranking(found: Revealed, names: Mapping[str, str], money: Money) -> list[dict[str, Any]]:
    """A row a team, in the order of skill; `ahead` is of the next team, luck by luck."""
    order, rows = list(found.ranks), []
    for at, team in enumerate(order):
        one = found.results[team].advantage
        follows = found.results[order[at + 1]].advantage if at + 1 < len(order) else None
        rows.append(
            {
                "rank": found.ranks[team],
                "name": names[team],
                "expected": money(one.expected),
                "span": span(one, money),
                "realised": money(one.realised),
                "luck": money(one.luck),
                "board": found.board[team],
                "ahead": f"{ahead(one, follows):.0%}" if follows else "–",
                "verdict": one.verdict,
                "said": words(f"game.verdict_{one.verdict}"),
            }
        )
    return rows


def _best(found: Revealed, money: Money) -> str:
    best = found.best
    beaten = sum(one.advantage.expected > best.advantage.expected for one in found.results.values())
    key = "game.best_beaten" if beaten else "game.best_unbeaten"
    expected = money(best.advantage.expected)
    return words(key, rule=best.name, expected=expected, span=span(best.advantage, money), count=beaten)


def _movers(found: Revealed) -> list[str]:
    """Those whose result luck has moved: out of their band, or to the other side of 0."""
    results = {team: found.results[team].advantage for team in found.ranks}
    return [team for team, one in results.items() if one.surprise or one.verdict in CONFUSED]


def _rankings(found: Revealed, names: Mapping[str, str]) -> dict[str, Any]:
    movers = _movers(found)
    told = words("game.and").join(names[team] for team in movers) or words("game.nobody_moved")
    order = places({team: found.results[team].advantage.expected for team in found.ranks})
    same = sum(found.board[team] == order[team] for team in order)
    caption = words("game.caption_rankings", same=same, count=len(order), movers=told)
    return pictures.rankings(found.board, found.scored, found.ranks, names, movers, caption)


def _confused(found: Revealed, names: Mapping[str, str], money: Money) -> list[str]:
    """Sentences on who would have taken luck for skill, or skill for bad luck."""
    lines = []
    leaders = [team for team, place in found.board.items() if place == 1]
    leader, rank = leaders[0], found.ranks[leaders[0]]
    one = found.results[leader].advantage
    told = words("game.and").join(names[team] for team in leaders)
    facts = {"team": told, "rank": rank, "expected": money(one.expected), "span": span(one, money)}
    first = "leader_first" if one.verdict == "skill" else "leader_undecided"
    key = "leader_idle" if one.verdict == "idle" else first if rank == 1 else "leader_not_first"
    lines.append(words(f"game.{key}", **facts))
    for team in _movers(found):
        one = found.results[team].advantage
        key = one.verdict if one.verdict in CONFUSED else "above" if one.surprise > 0 else "below"
        facts = {"team": names[team], "realised": money(one.realised), "expected": money(one.expected)}
        lines.append(words(f"game.told_{key}", **facts, span=span(one, money)))
    luckiest = max(found.results, key=lambda team: found.results[team].advantage.luck)
    unluckiest = min(found.results, key=lambda team: found.results[team].advantage.luck)
    for key, team in (("luckiest", luckiest), ("unluckiest", unluckiest)):
        luck = found.results[team].advantage.luck
        if luck > 0 if key == "luckiest" else luck < 0:
            lines.append(words(f"game.{key}", team=names[team], luck=money(abs(luck))))
    return lines


def _forecasts(found: Revealed, names: Mapping[str, str], money: Money) -> dict[str, Any] | None:
    """How well teams foretold their profits; None if nobody did."""
    rows = []
    for team, one in found.results.items():
        error = forecast_error([each.decision.forecast for each in one.taken], one.profits)
        if error:
            key = "game.foretold_high" if error[1] > 0 else "game.foretold_low"
            rows.append(telling.row(names[team], [str(error[0]), words(key, error=money(abs(error[1])))]))
    heads = [words("game.team"), words("game.head_foretold"), words("game.head_error")]
    return telling.table(words("game.h_forecasts"), heads, rows) if rows else None


def _team(found: Revealed, team: str, names: Mapping[str, str], money: Money) -> dict[str, Any]:
    """A team's section."""
    result = found.results[team]
    one = result.advantage
    told = words(
        f"game.team_{one.verdict}",
        team=names[team],
        expected=money(one.expected),
        span=span(one, money),
        realised=money(one.realised),
    )
    rounds = [each for each in result.effects if each.kind == "round"]
    levers = [each for each in result.effects if each.kind == "lever"]
    shown = [(_effect_name(each), each.advantage.realised, each.advantage) for each in [*levers, *rounds]]
    return {
        "id": team,
        "name": names[team],
        "verdict": one.verdict,
        "said": words(f"game.verdict_{one.verdict}"),
        "told": told,
        "parts": words(
            "game.team_parts",
            score=money(result.score),
            profit=money(sum(result.profits)),
            left=money(result.left),
        ),
        "picture": pictures.effects(shown, _effects_caption(levers, money), words("game.alt_effects"))
        if levers
        else None,
        "rounds": _rounds(result, names, money),
    }


def _effect_name(effect: Effect) -> str:
    if effect.kind == "lever":
        return words("game.effect_lever", name=words(f"game.lever_{effect.name}"))
    return words("game.round_number", number=effect.name)


def _effects_caption(levers: list[Effect], money: Money) -> str:
    best = max(levers, key=lambda each: each.advantage.expected)
    worst = min(levers, key=lambda each: each.advantage.expected)
    facts = {
        "best": words(f"game.lever_{best.name}"),
        "gain": money(best.advantage.expected),
        "worst": words(f"game.lever_{worst.name}"),
        "loss": money(worst.advantage.expected),
    }
    return words("game.caption_effects_one" if best is worst else "game.caption_effects", **facts)


def _rounds(result: Result, names: Mapping[str, str], money: Money) -> dict[str, Any]:
    """Each round: the decision, what it added to doing nothing, and what it added to another team's."""
    by = {(each.kind, each.name): each.advantage for each in result.effects}
    rows = []
    for at, text in enumerate(telling.decision_texts(one.decision for one in result.taken), 1):
        cells = [text]
        for kind in ("round", "swap"):
            one = by.get((kind, str(at)))
            if one is not None:
                cells += [
                    money(one.realised),
                    words("game.expected_within", mean=money(one.expected), span=span(one, money)),
                ]
        rows.append(telling.row(str(at), cells))
    heads = [words("game.head_round"), words("game.head_decided")]
    heads += [words("game.head_than_nothing"), words("game.head_in_other_lucks")]
    if result.model:
        heads += [words("game.head_than_other", other=names[result.model]), words("game.head_in_other_lucks")]
    return telling.table(words("game.rounds_label"), heads, rows, left=True)


def _rules(found: Revealed, money: Money) -> dict[str, Any]:
    """The simple rules as a picture, the best first."""
    order = sorted(found.rules, key=lambda name: -found.rules[name].expected)
    rows = [(name, found.rules[name].realised, found.rules[name]) for name in order]
    gains = sum(found.rules[name].interval[0] > 0 for name in order)
    caption = words(
        "game.caption_rules",
        count=len(order),
        gains=gains,
        best=order[0],
        gain=money(found.rules[order[0]].expected),
        worst=order[-1],
        loss=money(found.rules[order[-1]].expected),
    )
    return pictures.effects(rows, caption, words("game.alt_effects"))


def _truths(game: Game, money: Money) -> list[str]:
    """What no firm could see of its customers when the game began."""
    way = game.way(game.teams[0].id, 0)
    people, there = way.market.customers, way.market.booked()
    seen, alive = way.books.customers(way.market.number(), way.market.about()), way.market.customers.alive
    active = there & (seen["months_since_order"] < ACTIVE)
    p = truth(game.settings.rounds)
    light = active & alive & (seen["orders_12"] <= 3)
    heavy = active & alive & (seen["orders_12"] >= 8)
    rise = lambda who: f"{np.exp(people.mailing[who]).mean() - 1:+.0%}".replace("-", "−")  # noqa: E731
    margin = 1 - ECONOMY.goods
    pays = np.exp(people.mailing) * (margin - ECONOMY.coupon) > margin
    return [
        words("game.truth_gone", booked=int(there.sum()), gone=(there & ~alive).sum() / there.sum(),
              active_gone=(active & ~alive).sum() / active.sum(), months=ACTIVE),
        words("game.truth_mailing", light=rise(light), heavy=rise(heavy), pays=pays[active & alive].mean()),
        words("game.truth_price", fall=1 - 1.1**p.price_elasticity, price=1.1),
        words("game.truth_offer", fewer=1 - np.exp(-p.retention_offer_to_staying),
              offer=money(ECONOMY.offer)),
        words("game.truth_scheme", more=np.exp(p.membership_to_purchase) - 1, points=ECONOMY.points),
        words("game.truth_service"),
    ]  # fmt: skip


def _facts(game: Game, found: Revealed) -> dict[str, Any]:
    result = next(iter(found.results.values()))
    swapped = next((each.advantage.lucks.size for each in result.effects), 0)
    return {
        "seed": game.seed,
        "lucks": result.advantage.lucks.size,
        "swapped": swapped,
        "rules": len(found.rules),
        "half": found.best.advantage.lucks.size,
        "months": HISTORY,
    }
