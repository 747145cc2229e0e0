"""The last page's sentences on made-up outcomes: they agree with verdicts and ranks, and are English."""

import re

import numpy as np
import pytest

from crmlab.game import judging, pictures
from crmlab.game.contributions import Contribution
from crmlab.game.decisions import NOTHING
from crmlab.game.folder import Taken
from crmlab.game.revealing import Result, Revealed
from crmlab.game.scoring import Advantage, Best, better
from crmlab.reports.telling import Money

MONEY = Money("€", cents=False)
SURE, WIDE = 100.0, 3000.0  # spreads of lucks


def outcome(mean, spread=SURE, realised=None, profit=None, problems=()):
    """A team's result; `problems` holds for each round "" or whether it was "over" the budget or "unread"."""
    lucks = np.zeros(20) if mean is None else mean + spread * np.random.default_rng(7).permutation(
        np.linspace(-1, 1, 20)
    )  # fmt: skip
    came = realised if realised is not None else 0.0 if mean is None else mean
    taken = tuple(
        Taken(NOTHING, "nothing" if each else "file", each, over_budget=each == "over")
        for each in problems or ("",)
    )
    profits = (float(came if profit is None else profit),)
    return Result(Advantage(came, lucks), profits, 1000.0, (), "", taken, Contribution(7, 90.0, 20.0))


def revealed(**outcomes):
    """A game of these teams, in which the best simple rule brings about 300."""
    rule = Advantage(300.0, 300 + np.linspace(-900, 900, 20))
    rules = {"a rule": rule, "another": Advantage(0.0, -rule.lucks)}
    return Revealed(outcomes, rules, Best("a rule", Advantage(300.0, rule.lucks[1::2])))


CASES = {
    "one gains": {"red": outcome(5000)},
    "one loses": {"red": outcome(-5000)},
    "one cannot be told": {"red": outcome(300, WIDE)},
    "one idle": {"red": outcome(None)},
    "one refused": {"red": outcome(None, problems=("over", "over"))},
    "two, one gains surely": {"red": outcome(5000), "blue": outcome(300, WIDE)},
    "two level": {"red": outcome(300, WIDE), "blue": outcome(299, WIDE / 2)},
    "two share a gain": {"red": outcome(1500, WIDE), "blue": outcome(1400, 2000)},
    "two lose": {"red": outcome(-900), "blue": outcome(-5000)},
    "ahead, yet open": {"red": outcome(300, WIDE), "blue": outcome(-9000), "gold": outcome(-8000)},
    "one idle, others lose": {"red": outcome(None), "blue": outcome(-5000), "gold": outcome(-900)},
    "all idle": {"red": outcome(None), "blue": outcome(None), "gold": outcome(None)},
    "all refused": {name: outcome(None, problems=("over", "unread")) for name in ("red", "blue")},
    "luck": {"red": outcome(900, realised=-50), "blue": outcome(-900, realised=90), "gold": outcome(None)},
    "known against wide": {"red": outcome(2755, 6600), "blue": outcome(1535, 700), "gold": outcome(None)},
    "many": {f"team{at}": outcome(300 * at - 900, WIDE) for at in range(12)},
}  # fmt: skip


def told(found):
    """All sentences by place."""
    names = {team: team.title() for team in found.results}
    return {
        "lead": judging.lead(found, names, MONEY),
        "caption": judging.caption(found, names, MONEY),
        "best": judging.best(found, names, MONEY),
        "confused": judging.confused(found, names, MONEY),
        "teams": {team: judging.told_of(one, names[team], MONEY) for team, one in found.results.items()},
        "table": judging.ranking(found, names, MONEY),
        "picture": judging.rankings(found, names),
    }


@pytest.fixture(autouse=True)
def _(monkeypatch):
    monkeypatch.setattr(pictures, "png", lambda figure: b"")


@pytest.mark.parametrize("case", CASES)
def test_sentences_say_what_the_table_says(case):
    found = revealed(**CASES[case])
    said = told(found)
    verdicts = {row["name"]: row["verdict"] for row in said["table"]}
    gain = [name for name, verdict in verdicts.items() if verdict in ("skill", "misfortune")]
    first = [row["name"] for row in said["table"] if row["rank"] == 1]
    top, *others = (found.results[team].advantage for team in found.ranks)
    best = first[0] in gain and bool(others) and all(better(top, each) for each in others)
    assert ("was best" in said["lead"]) == best
    assert ("share the first rank" in said["lead"]) == (len(first) > 1)
    shown = re.search(r"Known to gain on average \(skill\): (.*?)\.", said["caption"])
    assert (shown[1] if shown else "") == ", ".join(gain)
    for name, verdict in verdicts.items():
        text = said["teams"][name.lower()]
        assert ("do not tell" in text) == (verdict == "undecided")
        assert ("could be used" in text or "could not be used" in text) == (verdict == "refused")
        assert ("Doing nothing would have been better" in text) == (verdict == "harm")


@pytest.mark.parametrize("case", CASES)
def test_the_picture_of_places_shows_what_its_caption_counts(case):
    found = revealed(**CASES[case])
    picture = told(found)["picture"]
    if len(found.results) == 1:
        assert picture is None
        return
    same = [team.title() for team, rank in found.ranks.items() if found.board[team] == rank]
    listed = re.match(r"The same number by profit and by skill: (.*?)\. From", picture["caption"])[1]
    assert [each for each in same if each in listed][: judging.NAMED] == same[: judging.NAMED]
    assert (listed == "no team") == (not same)


@pytest.mark.parametrize("case", CASES)
def test_every_number_of_teams_and_rounds_makes_a_sentence(case):
    said = told(revealed(**CASES[case]))
    text = " ".join([said["lead"], said["caption"], said["best"], *said["confused"], *said["teams"].values()])
    assert not re.search(r"\b(1 (teams|rounds)|0 (teams|others|rounds)|of 1 teams)\b", text), text
    assert "{" not in text
    assert not re.search(r"luck (took|added) €0\b|most, by €0\b", text), text


def test_a_wide_band_makes_no_gain_doubtful():
    """A gain that is known to be one on average is skill, though four lucks in ten are losses."""
    found = revealed(**CASES["known against wide"])
    assert found.results["red"].verdict == "skill"
    assert found.ranks == {"red": 1, "blue": 1, "gold": 3}


def test_refused_is_not_idle():
    found = revealed(red=outcome(None, problems=("over", "over")), blue=outcome(None), gold=outcome(900))
    said = told(found)
    rows = {row["name"]: row["said"] for row in said["table"]}
    assert (rows["Red"], rows["Blue"]) == ("was refused", "did nothing")
    assert said["teams"]["red"].startswith(
        "Red decided in 2 rounds, and none of these decisions could be used"
    )
    assert "(over the budget)" in said["teams"]["red"]
    one = revealed(red=outcome(None, problems=("unread", "")))
    assert (
        "decided in one round, and that decision could not be used (the file had errors)" in told(one)["lead"]
    )


@pytest.mark.parametrize(
    "leader, other, said",
    [
        (outcome(900, profit=9), -900, "has the first rank by skill, too. The decisions bring"),
        (outcome(-900, profit=9), -5000, "The decisions lose on average, −€900"),
        (outcome(300, WIDE, profit=9), -9000, "do not tell whether the decisions gain at all: €300"),
        (outcome(-900, profit=9), 900, "but by skill it has rank 2"),
        (outcome(None, profit=9), 900, "nothing they decided took effect"),
    ],
)
def test_whoever_led_by_profit_is_told_what_it_was_worth(leader, other, said):
    assert said in told(revealed(red=leader, blue=outcome(other, profit=1)))["confused"][0]
