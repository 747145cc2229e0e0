"""teams.csv: who plays."""

import pytest

from crmlab import game
from crmlab.errors import InputError
from crmlab.game.teams import read_teams


@pytest.fixture
def teams(tmp_path):
    def write(content):
        path = tmp_path / "teams.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_teams(path)

    return write


def test_names_and_members_may_be_left_out(teams):
    found = teams("team;name\nred;Die Roten\nblue;\n")
    assert [(each.id, each.name, each.members) for each in found] == [
        ("red", "Die Roten", ""),
        ("blue", "blue", ""),
    ]


@pytest.mark.parametrize(
    "content, said",
    [
        ("", "row 1: is empty; it must have the column team"),
        ("name\nred\n", "row 1: is name; it must have the column team"),
        ("team\n", "lists 0 teams"),
        ("team\nred\nblue\nRed\n", "row 4: column team: 'red' is in row 2 already"),
        ("team\n../../etc\n", "row 2: column team: '../../etc' names a folder"),
        ("team,name\n,Reds\n", "row 2: column team: is empty"),
        ("team\ncon\n", "row 2: column team: 'con' names a folder"),
        ("team\n红队\n", "row 2: column team: '红队' names a folder"),
        ("team,name\nred," + "x" * 61 + "\n", "row 2: column name: has more than 60 characters"),
        ("team\n红队\n".encode("gbk"), "row 2: not UTF-8"),
        ("team\n" + "".join(f"t{at}\n" for at in range(201)), "lists 201 teams; a game has 1 to 200"),
    ],
)
def test_wrong_teams_are_told_their_row(teams, content, said):
    with pytest.raises(InputError) as told:
        teams(content)
    assert said in str(told.value)


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"rounds": 0}, "rounds is 0; give 1 to 12"),
        ({"rounds": 2.5}, "rounds is 2.5; give a whole number"),
        ({"customers": 10}, "customers is 10; give 200 to 100,000"),
        ({"budget": -1}, "budget is -1"),
        ({"budget": float("nan")}, "budget is nan"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": "x"}, "seed is 'x'"),
        ({"teams": "nowhere.csv"}, "no file 'nowhere.csv'"),
    ],
)
def test_a_game_that_cannot_be_made_leaves_nothing(tmp_path, wrong, said):
    (tmp_path / "teams.csv").write_text("team\nred\n")
    with pytest.raises(InputError) as told:
        game.new(tmp_path / "game", **{"teams": tmp_path / "teams.csv", **wrong})
    assert said in str(told.value)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["teams.csv"]


def test_a_folder_that_is_in_use_is_left_alone(tmp_path):
    (tmp_path / "teams.csv").write_text("team\nred\n")
    with pytest.raises(InputError, match="is there already"):
        game.new(tmp_path, teams=tmp_path / "teams.csv")
    with pytest.raises(InputError, match=r"holds no game\.toml"):
        game.play(tmp_path)
