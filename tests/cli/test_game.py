"""``crmlab game``: a game from the command line."""

import pytest

from crmlab.cli import main
from crmlab.game import pictures


def test_a_game_from_new_to_reveal(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(pictures, "png", lambda figure: b"")  # what takes longest
    (tmp_path / "teams.csv").write_text("team,name\nred,Reds\nblue,Blues\n")
    folder = str(tmp_path / "game")
    new = ["game", "new", folder, "--teams", str(tmp_path / "teams.csv"), "--seed", "1", "--rounds", "1"]
    assert main([*new, "--customers", "200", "--budget", "300"]) == 0
    assert "teams: 2, rounds: 1" in capsys.readouterr().out
    (tmp_path / "game/teams/red/round-1/decisions.csv").write_text("decision,value\nprice,0.95\n")
    (tmp_path / "game/teams/blue/round-1/decisions.csv").write_text("decision,value\nprice,zero\n")
    assert main(["game", "status", folder]) == 1
    out = capsys.readouterr().out
    assert "0 of 1 rounds" in out
    assert "row 2, column value: 'zero' is no number" in out
    assert main(["game", "reveal", folder]) == 2
    assert "0 of 1 rounds are played" in capsys.readouterr().err
    assert main(["game", "play", folder, "--processes", "1"]) == 0
    told = capsys.readouterr()
    assert "round 1 of 1 is closed" in told.out
    assert "blue: round-1/decisions.csv" in told.err
    assert main(["game", "play", folder]) == 2
    assert main(["game", "reveal", folder, "--lucks", "2"]) == 2
    assert "--lucks is 2" in capsys.readouterr().err
    assert main(["game", "reveal", folder, "--lucks", "4", "--processes", "1"]) == 0
    assert "red:" in capsys.readouterr().out
    assert (tmp_path / "game/reveal/index.html").is_file()


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["new"], "--teams"),
        (["new", "g", "--teams", "t.csv", "--rounds", "x"], "--rounds"),
        (["play", "nowhere"], "holds no game.toml"),
        (["play", "nowhere", "--processes", "0"], "--processes is 0"),
        ([], "COMMAND"),
    ],
)
def test_wrong_usage_is_told_in_a_sentence(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("team\nred\n")
    assert main(["game", *arguments]) == 2
    assert said in capsys.readouterr().err
