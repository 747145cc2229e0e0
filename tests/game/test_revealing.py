"""The reveal: replays that are exact, effects that are differences of scores, a last page that says so."""

import json
import re
import shutil

import numpy as np
import pytest

from crmlab import game
from crmlab.errors import InputError
from crmlab.game import revealing
from crmlab.game.accounts import in_round, profit
from crmlab.game.contributions import brought
from crmlab.game.course import finish, play_round
from crmlab.game.decisions import NOTHING
from crmlab.game.economy import HISTORY, ROUND
from crmlab.game.folder import Game
from crmlab.game.playing import rivals_of
from crmlab.game.replaying import start


def test_four_strategies_over_six_rounds(revealed):
    assert set(revealed.results) == {"cutter", "service", "loyal", "lists"}
    assert min(revealed.ranks.values()) == 1
    for one in revealed.results.values():
        assert len(one.profits) == len(one.taken) == 6
        assert all(each.source == "file" for each in one.taken)
        assert np.isfinite([one.score, one.advantage.realised, *one.advantage.lucks]).all()
        assert one.advantage.lucks.size == 4


def test_what_was_played_is_replayed_to_the_bit(played, revealed):
    made = Game(played)
    for team, one in revealed.results.items():
        way = made.way(team, 6)
        stored = tuple(profit(in_round(way.entries, HISTORY + ROUND * at)) for at in range(6))
        assert one.profits == stored
        assert one.left == finish(way).left


def test_effects_are_what_a_replay_by_hand_gives(played, revealed):
    """Round 3 of one team with nothing, and with another team's decision, from the stored state before it."""
    made, result = Game(played), revealed.results["service"]
    taken = [made.taken(number) for number in range(1, 7)]
    for kind, other in (("round", NOTHING), ("swap", taken[2][result.model].decision.without_forecast())):
        way = made.way("service", 2)
        for at in range(2, 6):
            decisions = {team: one.decision for team, one in taken[at].items()}
            decision = other if at == 2 else decisions["service"]
            play_round(way, decision, rivals_of(decisions, "service"))
        (effect,) = (each for each in result.effects if (each.kind, each.name) == (kind, "3"))
        assert effect.advantage.realised == result.score - finish(way).total


def test_levers_that_were_used_are_taken_back(revealed):
    used = {
        team: {each.name for each in one.effects if each.kind == "lever"}
        for team, one in revealed.results.items()
    }
    assert used == {
        "cutter": {"price"},
        "service": {"service"},
        "loyal": {"scheme", "crm"},
        "lists": {"mailing", "retention"},
    }
    alone = revealed.results["service"]
    (effect,) = (each for each in alone.effects if each.kind == "lever")
    assert effect.advantage.realised == alone.advantage.realised, "one lever taken back is doing nothing"


def test_another_luck_has_the_same_history_and_other_accidents(played):
    made = Game(played)
    one, other = start(made, 0), start(made, 3)
    assert {name: values.tolist() for name, values in one.books.table("orders").items()} == {
        name: values.tolist() for name, values in other.books.table("orders").items()
    }
    taken = {team: each.decision for team, each in made.taken(1).items()}
    orders = []
    for way in (one, other):
        play_round(way, taken["cutter"], rivals_of(taken, "cutter"))
        orders.append(way.books.table("orders")["time"].size)
    assert orders[0] != orders[1]


def test_an_interrupted_reveal_goes_on_where_it_was(
    played, revealed, few_replays, no_pictures, tmp_path, monkeypatch
):
    folder = shutil.copytree(played, tmp_path / "game")
    removed = [
        next((folder / "teacher" / "replays" / "teams").glob(f"{each}-*.json"))
        for each in ("cutter-4", "lists-2")
    ]
    for path in removed:
        path.unlink()
    replayed, scores = [], revealing.kept_scores

    def counted(place, task, keep):
        if not (keep / task.name).is_file():
            replayed.append(task.name)
        return scores(place, task, keep)

    monkeypatch.setattr(revealing, "kept_scores", counted)
    again = game.reveal(folder, lucks=4, processes=1)
    assert sorted(replayed) == [path.name for path in removed]
    for name in ("results.csv", "effects.csv", "rules.csv"):
        assert (folder / "reveal" / name).read_bytes() == (played / "reveal" / name).read_bytes()
    assert again.ranks == revealed.ranks


def test_a_tampered_state_is_found(played, tmp_path, monkeypatch):
    monkeypatch.setattr(revealing, "SWAPPED", -1)
    folder = shutil.copytree(played, tmp_path / "game")
    path = folder / "teacher" / "round-2" / "decisions.json"
    held = json.loads(path.read_text(encoding="utf-8"))
    held["cutter"]["decision"]["price"] = 1.2
    path.write_text(json.dumps(held), encoding="utf-8")
    with pytest.raises(
        InputError, match="team cutter: the stored rounds are not what its stored decisions give"
    ):
        game.reveal(folder, lucks=4, processes=1)


def test_no_truth_before_the_end(fresh):
    with pytest.raises(InputError, match="0 of 6 rounds are played"):
        game.reveal(fresh)


@pytest.mark.parametrize("lucks", [3, 201, 10.0, True])
def test_lucks_have_their_range(played, lucks):
    with pytest.raises(InputError, match="from 4 to 200"):
        game.reveal(played, lucks=lucks)


def test_the_last_page_names_everybody_with_what_came_out(played, revealed):
    page = (played / "reveal" / "index.html").read_text(encoding="utf-8")
    for name in ("Price Cutters", "Fine Service", "Loyalists", "List Makers"):
        assert page.count(name) >= 3
    for one in revealed.results.values():
        assert f"{abs(one.advantage.expected):,.0f}" in page
    assert "http" not in page.replace("http://www.w3.org", ""), "nothing is fetched"
    assert str(Game(played).seed) in page


def test_teams_that_are_level_share_places_and_sentences(tmp_path, decide, no_pictures, few_replays):
    (tmp_path / "teams.csv").write_text("team,name\nred,Reds\nblue,Blues\ngold,Golds\n", encoding="utf-8")
    folder = game.new(tmp_path / "game", tmp_path / "teams.csv", seed=1, customers=200, rounds=1).folder
    decide(folder, 1, gold="price,0.7\n")
    game.play(folder, processes=1)
    outcome = game.reveal(folder, lucks=4, processes=1)
    page = (folder / "reveal" / "index.html").read_text(encoding="utf-8")
    assert "Reds, Blues led by profit, and nothing they decided took effect" in page
    found = re.search(r"The same number by profit and by skill: (.*?)\. From left", page)[1]
    assert found == ", ".join(
        {"red": "Reds", "blue": "Blues", "gold": "Golds"}[team]
        for team, rank in outcome.ranks.items()
        if outcome.board[team] == rank
    )
    assert "luck took €0." not in page


def test_a_refused_decision_is_told_apart_from_none(tmp_path, decide, no_pictures, few_replays):
    (tmp_path / "teams.csv").write_text("team,name\nred,Reds\nblue,Blues\n", encoding="utf-8")
    folder = game.new(tmp_path / "game", tmp_path / "teams.csv", seed=1, customers=200, rounds=2).folder
    for number in (1, 2):
        decide(folder, number, blue="service,1\nretention,on,all\n")
        game.play(folder, processes=1)
    found = game.reveal(folder, lucks=4, processes=1)
    assert {team: one.verdict for team, one in found.results.items()} == {"red": "idle", "blue": "refused"}
    page = (folder / "reveal" / "index.html").read_text(encoding="utf-8")
    assert "Blues decided in 2 rounds, and none of these decisions could be used (over the budget)" in page
    assert page.count("refused; nothing was decided instead") == 2
    assert "Which of them is best" not in page


def test_the_customer_on_whom_a_result_hangs(played, revealed):
    """What customers bring adds up to the score's margin, and the largest difference is the one named."""
    made, result = Game(played), revealed.results["cutter"]
    decisions = [each.decision for each in result.taken]
    way = made.way("cutter", 6)
    assert finish(way).left == pytest.approx(result.left)
    own = brought(way, decisions)
    alone = brought_by(way, result.customer.number, decisions)
    assert own[way.market.number() == result.customer.number] == pytest.approx(alone)
    assert result.customer.own == pytest.approx(alone)
    # only the price was decided, so that profit and what is left have no other cost
    before = way.entries[0].month
    assert before == HISTORY
    assert own.sum() == pytest.approx(result.score)
    other = start(made, 0)
    for decisions_ in ([NOTHING] * 6,):
        rivals = [
            rivals_of({team: each.decision for team, each in made.taken(at).items()}, "cutter")
            for at in range(1, 7)
        ]
        for decision, others in zip(decisions_, rivals):
            play_round(other, decision, others)
    finish(other)
    nothing = dict(zip(other.market.number().tolist(), brought(other, [NOTHING] * 6)))
    differences = {
        number: worth - nothing.pop(number, 0.0) for number, worth in zip(way.market.number().tolist(), own)
    }
    differences |= {number: -worth for number, worth in nothing.items()}
    assert max(differences, key=lambda each: abs(differences[each])) == result.customer.number


def brought_by(way, number, decisions):
    """The margin of one customer's orders, added up by hand, and the closed form of the rest."""
    orders = way.books.table("orders")
    row = int(np.flatnonzero(way.market.number() == number)[0])
    total = way.market.values_left(0.4, 0.01)[row] * 0.99**12
    for time, amount in zip(orders["time"][orders["row"] == row], orders["amount"][orders["row"] == row]):
        if HISTORY <= time < HISTORY + ROUND * 6:
            total += amount * (1 - 0.6 / decisions[int(time - HISTORY) // ROUND].price)
        elif time >= HISTORY + ROUND * 6:
            total += 0.4 * amount * 0.99 ** (int(time) + 1 - HISTORY - ROUND * 6)
    return total
