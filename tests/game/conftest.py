"""A small game, made once and copied for whoever plays in it."""

import shutil

import pytest

from crmlab import game
from crmlab.game import pages, pictures, revealing

CUSTOMERS = 300
HEADER = "decision,value,customers,at_most,by\n"
TEAMS = (
    "team,name,members\ncutter,Price Cutters,Ann\nservice,Fine Service,\n"
    "loyal,Loyalists,Bo\nlists,List Makers,Cy\n"
)
# The four scripted strategies: what each writes in every round
SCRIPTS = {
    "cutter": "price,0.95\nforecast,4000\n",
    "service": "service,0.2\n",
    "loyal": "scheme,on\npush,1\ncrm,on\n",
    "lists": "mailing,2,orders_12 >= 1 and months_since_order <= 4,60,orders_12 lowest\n"
    "retention,on,orders_4 >= 1,20\n",
}


@pytest.fixture(scope="session")
def unplayed(tmp_path_factory):
    """A game of which nothing is played; only to be copied."""
    folder = tmp_path_factory.mktemp("unplayed")
    (folder / "teams.csv").write_text(TEAMS, encoding="utf-8")
    return game.new(folder / "game", folder / "teams.csv", seed=5, customers=CUSTOMERS, budget=800).folder


@pytest.fixture
def no_pictures(monkeypatch):
    """Pages whose pictures are not drawn: most of a page's time goes into them."""
    monkeypatch.setattr(pictures, "png", lambda figure: b"")


@pytest.fixture
def fresh(unplayed, tmp_path, no_pictures):
    """A copy of the unplayed game, to be played in."""
    return shutil.copytree(unplayed, tmp_path / "game")


@pytest.fixture
def decide():
    """``decide(folder, number, team=text)`` writes teams' decisions of a round under the usual header."""

    def write(folder, number, **texts):
        for team, text in texts.items():
            path = folder / "teams" / team / f"round-{number}" / "decisions.csv"
            path.write_bytes(text if isinstance(text, bytes) else (HEADER + text).encode())

    return write


@pytest.fixture(scope="session")
def played(unplayed, tmp_path_factory):
    """The game played to its end by the four scripted strategies; only to be looked at."""
    folder = shutil.copytree(unplayed, tmp_path_factory.mktemp("played") / "game")
    for number in range(1, 7):
        for team, text in SCRIPTS.items():
            path = folder / "teams" / team / f"round-{number}" / "decisions.csv"
            path.write_text(HEADER + text, encoding="utf-8")
        with pytest.MonkeyPatch.context() as patch:
            for name in ("team_page", "board_page", "rules_page") if number < 6 else ():
                patch.setattr(pages, name, lambda *arguments: "not looked at")
            game.play(folder, processes=1)
    return folder


def replay_less(patch):
    """Fewer replays than a class gets: single rounds and levers with two lucks, four simple rules."""
    some = dict(list(revealing.candidates(800).items())[:4])
    patch.setattr(revealing, "SWAPPED", 2)
    patch.setattr(revealing, "candidates", lambda budget: some)


@pytest.fixture
def few_replays(monkeypatch):
    """The replays that the fixture `revealed` has."""
    replay_less(monkeypatch)


@pytest.fixture(scope="session")
def revealed(played):
    """What came out of the game that the four strategies played."""
    with pytest.MonkeyPatch.context() as patch:
        replay_less(patch)
        return game.reveal(played, lucks=4, processes=1)
