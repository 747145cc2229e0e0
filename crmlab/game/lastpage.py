"""The last page: who was skilful, who was lucky, what each decision did, and how the market really was."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from crmlab.game import judging, pictures, telling
from crmlab.game.books import name_of
from crmlab.game.economy import ACTIVE, ECONOMY, HISTORY
from crmlab.game.folder import Game
from crmlab.game.market import truth
from crmlab.game.pages import template
from crmlab.game.revealing import Effect, Result, Revealed
from crmlab.game.scoring import Advantage, forecast_error
from crmlab.game.telling import counted
from crmlab.reports.telling import Money
from crmlab.words import words


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
        lead=judging.lead(found, names, money),
        advantages=pictures.advantages(
            {team: found.results[team].advantage for team in found.ranks},
            names,
            (found.best.name, found.best.advantage.expected),
            judging.caption(found, names, money),
        ),
        ranking=judging.ranking(found, names, money),
        best=judging.best(found, names, money),
        rankings=judging.rankings(found, names),
        confused=judging.confused(found, names, money),
        forecasts=_forecasts(found, names, money),
        teams=teams,
        rules=_rules(found, money),
        truths=_truths(game, Money(game.settings.currency)),
        how=[words(f"game.how_{at}", **_facts(game, found)) for at in range(1, 6)],
        sections=heads,
    )


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
    levers = [each for each in result.effects if each.kind == "lever"]
    return {
        "id": team,
        "name": names[team],
        "verdict": result.verdict,
        "said": words(f"game.verdict_{result.verdict}"),
        "told": judging.told_of(result, names[team], money),
        "parts": _parts(result, money),
        "picture": _effects(result, levers, money) if levers else None,
        "rounds": _rounds(result, names, money),
    }


def _parts(result: Result, money: Money) -> str:
    """What the score is made of, what of it hangs on one customer, and how often a file could not be used."""
    profit, left = money(sum(result.profits)), money(result.left)
    told = [words("game.team_parts", score=money(result.score), profit=profit, left=left)]
    one = result.customer
    if result.verdict not in judging.IDLE and one.difference:
        facts = {"own": money(one.own), "nothing": money(one.nothing), "difference": money(one.difference)}
        told.append(words("game.team_customer", customer=name_of(one.number), **facts))
    if result.refused and result.verdict != "refused":
        told.append(counted("game.team_kept", result.refused))
    return " ".join(told)


def _effects(result: Result, levers: list[Effect], money: Money) -> dict[str, Any]:
    """The picture of what levers and rounds added."""
    rounds = [each for each in result.effects if each.kind == "round"]
    shown = [(_effect_name(each), each.advantage.realised, each.advantage) for each in [*levers, *rounds]]
    return pictures.effects(shown, _effects_caption(levers, money), words("game.alt_effects"))


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
        taken = result.taken[at - 1]
        cells = [words(f"game.refused_{taken.source}") if taken.problem else text]
        for kind in ("round", "swap"):
            one = by.get((kind, str(at)))
            if one is not None:
                cells += _gain(one, money)
        rows.append(telling.row(str(at), cells))
    heads = [words("game.head_round"), words("game.head_decided")]
    heads += [words("game.head_than_nothing"), words("game.head_in_other_lucks")]
    if result.model:
        heads += [words("game.head_than_other", other=names[result.model]), words("game.head_in_other_lucks")]
    return telling.table(words("game.rounds_label"), heads, rows, left=True)


def _gain(one: Advantage, money: Money) -> list[str]:
    """What was realised and what is expected of it; a dash where nothing was other than it was."""
    if one.verdict == "idle":
        return [words("game.nobody")] * 2
    within = judging.span(one, money)
    return [money(one.realised), words("game.expected_within", mean=money(one.expected), span=within)]


def _rules(found: Revealed, money: Money) -> dict[str, Any]:
    """The simple rules as a picture, the best first."""
    order = sorted(found.rules, key=lambda name: -found.rules[name].expected)
    rows = [(name, found.rules[name].realised, found.rules[name]) for name in order]
    chosen, (most, least) = found.best, (order[0], order[-1])
    caption = words(
        "game.caption_rules",
        count=len(order),
        gain=sum(each.sign > 0 for each in found.rules.values()),
        most=most,
        gains=money(found.rules[most].expected),
        least=least,
        loss=money(found.rules[least].expected),
        chosen=chosen.name,
        whole=money(found.rules[chosen.name].expected),
        judged=money(chosen.advantage.expected),
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
    worth = np.sort(way.market.values_left(1 - ECONOMY.goods, ECONOMY.discount)[there])[::-1]
    few = worth[: max(worth.size // 100, 1)].sum() / worth.sum() if worth.any() else 0.0
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
        words("game.truth_few", few=few, most=money(float(worth[0]))),
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
