"""``crmlab game``: the market game, from the first page to the last."""

import argparse
import sys

from crmlab.errors import InputError, speaking_of_flags


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``game new``, ``play``, ``status`` and ``reveal``."""
    parser = commands.add_parser(
        "game",
        help="play the market game: teams run the same firm, and in the end the truth is shown",
        description="Teams run the same firm for some rounds and see what a firm sees. In the end all is "
        "replayed with other decisions and other lucks: what each decision did, who was skilful, who lucky.",
    )
    actions = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_new(actions)
    play = actions.add_parser(
        "play",
        help="close a round: read every team's decisions.csv, let four months pass, write the pages",
        description="Close the next round. A decision that cannot be used stops nobody else: the team keeps "
        "its last valid one, and its page says why. Interrupted, the same command ends in the same result.",
    )
    _add_folder(play)
    play.set_defaults(command=play_command)
    status = actions.add_parser(
        "status",
        help="say how far the game is, and what is wrong with decisions before the round is closed",
        description="Say how far the game is, and read the decisions that lie there now; nothing is closed.",
    )
    _add_folder(status, processes=False)
    status.set_defaults(command=status_command)
    reveal = actions.add_parser(
        "reveal",
        help="after the last round: replay everything, rank by skill, show the truth",
        description="Replay the game with other decisions and other lucks and write reveal/index.html. What "
        "is replayed is kept: interrupted, the same command goes on where it was.",
    )
    _add_folder(reveal)
    reveal.add_argument("--lucks", type=int, default=20, metavar="N", help="other lucks (default: 20)")
    reveal.set_defaults(command=reveal_command)


def _add_folder(parser: argparse.ArgumentParser, processes: bool = True) -> None:
    parser.add_argument("game", metavar="GAME", help="the game's folder")
    if processes:
        parser.add_argument(
            "--processes",
            type=int,
            metavar="N",
            help="that play at once (default: as many as there are cores)",
        )


def _add_new(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser(
        "new",
        help="make a game's folder, with everybody's first page",
        description="Make a game: a folder with the rules, and for each team its books, its page and a blank "
        "decision. The folder teacher/ in it is for no team's eyes.",
    )
    parser.add_argument(
        "game", metavar="GAME", nargs="?", default="game", help="folder to make (default: game)"
    )
    parser.add_argument(
        "--teams",
        required=True,
        metavar="FILE",
        help="CSV with the columns team and, if you like, name,members",
    )
    parser.add_argument(
        "--seed", type=int, metavar="N", help="of market and luck (default: by chance, kept secret)"
    )
    parser.add_argument("--rounds", type=int, default=6, metavar="N", help="of four months (default: 6)")
    parser.add_argument("--customers", type=int, default=5000, metavar="N", help="default: 5000")
    parser.add_argument(
        "--budget",
        type=float,
        metavar="MONEY",
        help="that a team may commit in a round (default: .8 a customer)",
    )
    parser.add_argument("--title", default="The market game", metavar="TEXT", help="default: The market game")
    parser.add_argument("--currency", default="€", metavar="SIGN", help="default: €")
    parser.set_defaults(command=new_command)


def new_command(chosen: argparse.Namespace) -> int:
    from crmlab.game import new
    from crmlab.words import words

    options = {name: value for name, value in vars(chosen).items() if name not in ("command", "game")}
    with speaking_of_flags():
        made = new(chosen.game, **options)
    print(
        words(
            "game.made",
            folder=made.folder,
            game=chosen.game,
            teams=len(made.teams),
            rounds=made.settings.rounds,
        )
    )
    return 0


def play_command(chosen: argparse.Namespace) -> int:
    from crmlab.game import play
    from crmlab.game.folder import Game
    from crmlab.words import words

    taken = play(chosen.game, tell=_tell, processes=_processes(chosen))
    game = Game(chosen.game)
    number, spare = game.played(), sum(bool(one.problem) for one in taken.values())
    print(words("game.closed", number=number, rounds=game.settings.rounds, board=game.folder / "board.html"))
    if spare:
        print(words("game.spare", count=spare))
    if number == game.settings.rounds:
        print(words("game.over", game=chosen.game))
    return 0


def status_command(chosen: argparse.Namespace) -> int:
    from crmlab.game import status
    from crmlab.words import words
    from crmlab.words.layout import lines

    found = status(chosen.game)
    print(words("game.so_far", title=found["title"], played=found["played"], rounds=found["rounds"]))
    rows = [
        [
            team,
            one["name"],
            f"{one['profit']:,.0f}",
            one.get("problem") or words("game.ready" if found["next"] else "game.done"),
        ]
        for team, one in found["teams"].items()
    ]
    for line in lines(rows):
        print(line)
    if found["next"] is None:
        print(words("game.revealed" if found["revealed"] else "game.over", game=chosen.game))
    return 1 if any(one.get("problem") for one in found["teams"].values()) else 0


def reveal_command(chosen: argparse.Namespace) -> int:
    from pathlib import Path

    from crmlab.game import reveal
    from crmlab.words import words

    with speaking_of_flags():
        found = reveal(chosen.game, lucks=chosen.lucks, tell=_tell, processes=_processes(chosen))
    for team, rank in found.ranks.items():
        result = found.results[team]
        one = result.advantage
        low, high = (f"{each:,.0f}" for each in one.interval)
        facts = {
            "gains": one.gains,
            "lucks": one.lucks.size,
            "expected": f"{one.expected:,.0f}",
            "error": f"{one.error:,.0f}",
            "low": low,
            "high": high,
            "realised": f"{one.realised:,.0f}",
        }
        verdict = words(f"game.verdict_{result.verdict}")
        print(words("game.ranked", rank=rank, team=team, verdict=verdict, **facts))
    print(words("game.wrote", page=Path(chosen.game) / "reveal" / "index.html"))
    return 0


def _processes(chosen: argparse.Namespace) -> int | None:
    if chosen.processes is not None and chosen.processes < 1:
        raise InputError(f"--processes is {chosen.processes}; give 1 or more")
    return chosen.processes


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
