"""Rounds as files: played, interrupted, gone on with; broken decisions; what teams see and what not."""

import csv
import filecmp
import io
import re
import shutil

import numpy as np
import pytest

from crmlab import game
from crmlab.errors import InputError
from crmlab.game import playing
from crmlab.game.course import Rivals, finish, play_round
from crmlab.game.decisions import NOTHING, Decision, Group
from crmlab.game.economy import ECONOMY
from crmlab.game.folder import Game
from crmlab.game.pages import team_page

LATENT = ("rate", "alive", "left", "leaving", "trust", "commitment", "attitude", "habit", "expectation")


def rows(path):
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))


def soup(path):
    from bs4 import BeautifulSoup

    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def same_trees(one, other):
    compared = filecmp.dircmp(one, other)
    todo = [compared]
    while todo:
        now = todo.pop()
        assert not now.left_only
        assert not now.right_only
        _, different, errors = filecmp.cmpfiles(now.left, now.right, now.common_files, shallow=False)
        assert different == errors == []
        todo += now.subdirs.values()


def test_an_interrupted_round_ends_as_one_that_was_not(fresh, decide, monkeypatch, tmp_path):
    decide(fresh, 1, cutter="price,0.9\n", lists="mailing,1,all,50,random\n")
    other = shutil.copytree(fresh, tmp_path / "other")
    game.play(fresh, processes=1)

    played_one = playing.play_one

    def stop_at_the_third(folder, number, team, decision, rivals):
        if team == "loyal":
            raise KeyboardInterrupt
        played_one(folder, number, team, decision, rivals)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(playing, "play_one", stop_at_the_third)
        game.play(other, processes=1)
    assert Game(other).played() == 0
    decide(other, 1, cutter="price,1.3\n")  # too late: the decisions were taken when the round was closed
    game.play(other, processes=1)
    assert Game(other).taken(1)["cutter"].decision.price == 0.9
    decide(other, 1, cutter="price,0.9\n")
    same_trees(fresh, other)


def test_a_stored_way_goes_on_as_if_it_had_not_stopped(fresh):
    made = Game(fresh)
    decisions = [
        Decision(service=0.3, crm=True),
        Decision(mailing=Group("all", at_most=40, by="random"), mailings=2),
    ]
    straight, stopped = made.way("cutter", 0), made.way("cutter", 0)
    for decision in decisions:
        play_round(straight, decision, Rivals(0.97, 0.1))
        play_round(stopped, decision, Rivals(0.97, 0.1))
        made.store(stopped, made.of_round(1) / "cutter.npz")
        stopped = made.way("cutter", 1)
    assert finish(straight) == finish(stopped)


def test_one_broken_file_stops_nobody_else(fresh, decide):
    decide(fresh, 1, cutter="price,0.9\n", service="service,0.1\n")
    game.play(fresh, processes=1)
    decide(fresh, 2, cutter="price,-3\n", service=b"\xff\xfe\x00", loyal="foo,1\n", lists="price,0.95\n")
    (fresh / "teams" / "service" / "round-2" / "decisions.csv").unlink()
    said = []
    taken = game.play(fresh, tell=said.append, processes=1)
    assert {team: one.source for team, one in taken.items()} == {
        "cutter": "before", "service": "before", "loyal": "nothing", "lists": "file",
    }  # fmt: skip
    assert taken["cutter"].decision.price == 0.9
    assert taken["service"].decision.service == 0.1
    assert any("cutter: round-2/decisions.csv: row 2, column value: -3" in line for line in said)
    page = (fresh / "teams" / "cutter" / "round-3" / "page.html").read_text(encoding="utf-8")
    assert "row 2, column value: -3 is outside" in page
    assert "decision of the round before was taken" in page
    assert rows(fresh / "teams" / "lists" / "books" / "prices.csv")[-1] == {
        "round": "2",
        "team": "lists",
        "price": "0.95",
    }


def test_what_is_over_budget_is_refused_with_its_parts(fresh, decide):
    decide(fresh, 1, cutter="service,1\nretention,on,all\n")
    taken = game.play(fresh, processes=1)["cutter"]
    assert taken.source == "nothing"
    for part in (
        "the decision commits €",
        "service €",
        "retention €",
        "the budget of a round is €800: €",
        " too much; switch something off, or lower a value or at_most",
    ):
        assert part in taken.problem
    assert taken.over_budget
    page = soup(fresh / "teams" / "cutter" / "round-2" / "page.html")
    said = [each.get_text() for each in page.find(class_="failure").find_all("p")]
    assert said[0].endswith("or at_most.")
    assert said[1].startswith("Nothing was decided instead")


def test_a_file_that_a_team_has_written_is_never_written_over(fresh, decide):
    (fresh / "teams" / "cutter" / "round-2").mkdir()
    decide(fresh, 2, cutter="price,0.91\n")
    game.play(fresh, processes=1)
    assert "0.91" in (fresh / "teams" / "cutter" / "round-2" / "decisions.csv").read_text()


def test_a_list_comes_along_to_the_next_round(fresh, decide):
    decide(fresh, 1, lists="retention,on,list vip.csv\n")
    number = rows(fresh / "teams" / "lists" / "books" / "customers.csv")[0]["customer"]
    (fresh / "teams" / "lists" / "round-1" / "vip.csv").write_text(f"customer\n{number}\n")
    game.play(fresh, processes=1)
    assert game.status(fresh)["teams"]["lists"]["problem"] == ""
    assert Game(fresh).taken(1)["lists"].decision.retention.customers == (int(number[1:]),)


def test_books_hold_what_a_firm_sees_and_no_more(played):
    made = Game(played)
    way = made.way("lists", 6)
    books = played / "teams" / "lists" / "books"
    people = way.market.customers
    for path in books.glob("*.csv"):
        header = path.read_text(encoding="utf-8").partition("\n")[0].split(",")
        assert not set(header) & set(LATENT) or path.name == "surveys.csv", path.name
    seen = rows(books / "customers.csv")
    assert len(seen) == (people.joined < way.month).sum()
    gone = {
        f"C{number:07d}" for number in people.number[~people.alive & (people.joined < way.month)].tolist()
    }
    assert gone, "somebody has left"
    assert gone <= {each["customer"] for each in seen}, "those who left without a word stay in the books"
    text = "".join(path.read_text(encoding="utf-8") for path in (played / "teams").rglob("*.html"))
    assert str(made.seed) not in {each["customer"] for each in seen}
    for team in (
        "cutter",
        "service",
    ):  # another team's decisions, its price aside, are on none of a team's pages
        pages = "".join(
            each.read_text(encoding="utf-8") for each in (played / "teams" / team).rglob("*.html")
        )
        assert "orders_12 lowest" not in pages.replace(" lowest after it", "")
    assert "teacher" not in text
    assert (played / "teacher").stat().st_mode & 0o077 == 0


def test_members_of_a_scheme_that_is_off_cost_and_bring_nothing(fresh):
    """Dropped after a round, a scheme has no effect and no cost: there is nothing to be had for free."""
    made, ways = Game(fresh), []
    for scheme in (True, False):
        way = play_round(made.way("cutter", 0), Decision(scheme=scheme, push=2.0 * scheme), Rivals())
        play_round(way, NOTHING, Rivals())
        ways.append(way)
    dropped, never = (way.entries[-1] for way in ways)
    assert dropped.points == dropped.push == 0
    assert ways[0].customers()["member"].sum() == 0
    assert abs(dropped.revenue / never.revenue - 1) < 0.03


def test_accounts_are_those_of_the_books_and_the_decision(played):
    way = Game(played).way("lists", 6)
    orders, mailings = way.books.table("orders"), way.books.table("mailings")
    for entry in way.entries:
        amount = orders["amount"][np.floor(orders["time"]) == entry.month]
        assert entry.revenue == pytest.approx(amount.sum())
        assert entry.goods == pytest.approx(ECONOMY.goods * amount.sum())
        sent = mailings["sent"][(mailings["month"] == entry.month) & ~mailings["test"].astype(bool)].sum()
        assert entry.letters == pytest.approx(ECONOMY.letter * sent)
    assert sum(entry.offers for entry in way.entries) == pytest.approx(
        ECONOMY.offer * way.books.state["offers"].sum()
    )


def test_a_control_group_by_chance_differs_in_nothing_else():
    """Sent and left out by lot have the same spend before, within what chance allows."""
    rng = np.random.default_rng(0)
    books = {"customer": np.arange(4000), "spend_12": rng.gamma(1, 50, 4000)}
    fits, sent = Group("spend_12 > 10", at_most=1500, by="random").chosen(books, rng.random(4000))
    one, other = books["spend_12"][sent], books["spend_12"][fits & ~sent]
    assert sent.sum() == 1500
    error = np.sqrt(one.var() / one.size + other.var() / other.size)
    assert abs(one.mean() - other.mean()) < 4 * error


def test_a_page_tells_what_the_teams_own_lot_did(fresh, decide):
    """By hand from the books: spend of the month, sent less left out, with its interval."""
    decide(fresh, 1, cutter="mailing,2,all,100,random\n", lists="mailing,1,all,100,spend_12\n")
    game.play(fresh, processes=1)
    page = soup(fresh / "teams" / "cutter" / "round-2" / "page.html").get_text()
    way = Game(fresh).way("cutter", 1)
    orders, mailings = way.books.table("orders"), way.books.table("mailings")
    for month in (12, 14):
        here = mailings["month"] == month
        now = np.floor(orders["time"]) == month
        groups = [
            [orders["amount"][now & (orders["row"] == row)].sum() for row in mailings["row"][here & chosen]]
            for chosen in (mailings["sent"].astype(bool), ~mailings["sent"].astype(bool))
        ]
        (sent, gain), (kept, usual) = ((len(each), np.mean(each)) for each in groups)
        reach = 1.96 * np.sqrt(sum(np.var(each, ddof=1) / len(each) for each in groups))
        said = f"Your own lot of round 1, month {month + 1}: {sent} were sent the coupon, {kept} fitted and"
        told = page[page.index(said) :].partition(").")[0].replace("\u2060", "").replace("−", "-")
        numbers = [float(each.replace("€", "")) for each in re.findall(r"-?€[\d.]+", told)]
        assert numbers == pytest.approx([gain - usual, gain - usual - reach, gain - usual + reach], abs=0.011)
    assert "Your own lot" not in soup(fresh / "teams" / "lists" / "round-2" / "page.html").get_text()


def test_few_customers_are_no_comparison(fresh, decide):
    decide(fresh, 1, cutter="mailing,1,all,3,random\n")
    game.play(fresh, processes=1)
    page = soup(fresh / "teams" / "cutter" / "round-2" / "page.html").get_text()
    assert "3 were sent the coupon" in page
    assert "A comparison needs at least 20 in each" in page


def test_before_the_first_round_the_history_is_told_once(fresh):
    made = Game(fresh)
    page = team_page(made, "cutter", 0, made.way("cutter", 0))
    assert "orders a month in the last four months of the history." in page
    assert "orders a month in the last four months;" not in page


def test_status_reads_and_writes_nothing(fresh, decide):
    decide(fresh, 1, cutter="price,9\n")
    before = sorted((path, path.stat().st_mtime_ns) for path in fresh.rglob("*"))
    found = game.status(fresh)
    assert sorted((path, path.stat().st_mtime_ns) for path in fresh.rglob("*")) == before
    assert (found["played"], found["next"]) == (0, 1)
    assert "row 2, column value: 9" in found["teams"]["cutter"]["problem"]
    assert found["teams"]["loyal"]["problem"] == ""


def test_teams_cannot_change_within_a_game(fresh):
    game.play(fresh, processes=1)
    (fresh / "teams.csv").write_text("team\ncutter\nnew\n")
    with pytest.raises(
        InputError, match=r"teams\.csv lists cutter, new, but the game began with cutter, service"
    ):
        game.status(fresh)
    with pytest.raises(InputError, match="put them back"):
        game.play(fresh, processes=1)


def test_there_is_no_round_after_the_last(played):
    with pytest.raises(InputError, match="all 6 rounds are played"):
        game.play(played)


def test_a_damaged_state_is_told(fresh):
    (fresh / "teacher" / "round-0" / "history.npz").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"history\.npz cannot be read"):
        game.play(fresh, processes=1)


def test_names_are_text_wherever_they_are_shown(tmp_path, decide):
    """Markup and formulas in a team's name are letters, on pages and in pictures."""
    name = "<b>R&D</b> $x^$ =1+1"
    (tmp_path / "teams.csv").write_text(
        f'team,name,members\nred,"{name}","<i>Ann"\nblue,Blues,\n', encoding="utf-8"
    )
    folder = game.new(tmp_path / "game", tmp_path / "teams.csv", seed=1, customers=200, rounds=1).folder
    decide(folder, 1, red="price,<script>\n")
    game.play(folder, processes=1)
    for page in (folder / "board.html", folder / "teams" / "red" / "end" / "page.html"):
        text = page.read_text(encoding="utf-8")
        assert "&lt;b&gt;R&amp;D&lt;/b&gt; $x^$ =1+1" in text
        assert "<b>R" not in text
        assert "<script>" not in text


def test_a_team_that_plays_alone_is_compared_with_nobody(tmp_path, decide, no_pictures, few_replays):
    (tmp_path / "teams.csv").write_text("team,name\nred,Reds\n", encoding="utf-8")
    folder = game.new(tmp_path / "game", tmp_path / "teams.csv", seed=1, customers=200, rounds=1).folder
    assert "One team; rounds: 1." in soup(folder / "board.html").get_text()
    assert "The game has one round." in soup(folder / "rules.html").get_text()
    decide(folder, 1, red="price,0.8\n")
    game.play(folder, processes=1)
    assert "The profit of Reds after round 1: €" in soup(folder / "board.html").get_text()
    game.reveal(folder, lucks=4, processes=1)
    page = soup(folder / "reveal" / "index.html").get_text()
    for comparison in ("led by profit", "share the first rank", "The luckiest", "The same number"):
        assert comparison not in page


def test_teams_that_are_level_on_the_board_lead_together(fresh, decide):
    decide(fresh, 1, cutter="price,0.8\n")
    game.play(fresh, processes=1)
    board = (fresh / "board.html").read_text(encoding="utf-8")
    assert "In front after round 1: Fine Service, Loyalists, List Makers, with" in board
