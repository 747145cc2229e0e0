"""``crmlab start``, ``check``, ``progress``, ``exercises test``: what one does with exercises."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from crmlab.cli.course.authoring import add_authoring

if TYPE_CHECKING:
    from crmlab.exercises.masters import Master


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    _add_start(commands)
    _add_check(commands)
    _add_progress(commands)
    _add_exercises(commands)


def _add_start(commands):
    parser = commands.add_parser(
        "start",
        help="write your own copy of a lesson's exercises",
        description="Write your own copy of a lesson's exercises, with numbers of its own, beside your "
        "copies of the lessons. crmlab open LESSON --exercises does the same and opens it.",
    )
    parser.add_argument("lesson", metavar="LESSON", help="09, loyalty or 09_loyalty")
    parser.add_argument("--seed", metavar="N", help="your version's number; drawn at random if not given")
    parser.add_argument(
        "--out", metavar="DIR", help="folder for the copy (default: work/, beside your lessons)"
    )
    parser.set_defaults(command=start_command)


def _add_check(commands):
    parser = commands.add_parser(
        "check",
        help="run an exercise copy afresh and say what is right",
        description="Run an exercise copy from a clean kernel, compare what it shows with "
        "what was saved, and say what is right. The copy stays as it is. Exit status 0 "
        "only if all is right and nothing is stale.",
    )
    parser.add_argument(
        "file",
        metavar="FILE",
        nargs="?",
        help="a notebook that crmlab start wrote, or its lesson (09); default: the one saved last",
    )
    parser.add_argument(
        "--timeout",
        metavar="S",
        type=float,
        default=600.0,
        help="seconds that the notebook may take (default: 600)",
    )
    parser.set_defaults(command=check_command)


def _add_progress(commands):
    parser = commands.add_parser(
        "progress",
        help="what is done in your exercise copies, as last saved",
        description="What is done in the exercise copies in a folder, as last saved.",
    )
    parser.add_argument(
        "folder", metavar="FOLDER", nargs="?", help="default: this one, and the folder of your own copies"
    )
    parser.set_defaults(command=progress_command)


def _add_exercises(commands):
    parser = commands.add_parser(
        "exercises", help="for authors: test exercise masters", description="For authors of exercises."
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    test = actions.add_parser(
        "test",
        help="put a master through many variants",
        description="Put a master through many variants: solved, blank and wrong copies, "
        "misconceptions, answers that are too much alike.",
    )
    test.add_argument(
        "name",
        metavar="NAME",
        nargs="?",
        help="an exercise, or the path of a master; in a course's folder, one in its source/ (default: all)",
    )
    test.add_argument("--variants", metavar="N", type=int, default=200)
    test.set_defaults(command=test_command)
    add_authoring(actions)


def start_command(chosen: argparse.Namespace) -> int:
    from crmlab.exercises.copies import start, start_own
    from crmlab.words import words

    own = chosen.out is None
    path, exercise, parameters = (
        start_own(chosen.lesson, chosen.seed) if own else start(chosen.lesson, chosen.seed, chosen.out)
    )
    shown = ", ".join(f"{name} = {value}" for name, value in parameters.items())
    print(words("progress.started", file=path, title=exercise.title, parameters=shown))
    lesson = exercise.name.partition("_")[0]
    print(words("progress.started_own", lesson=lesson) if own else words("progress.started_next", file=path))
    return 0


def check_command(chosen: argparse.Namespace) -> int:
    from pathlib import Path

    from crmlab.exercises.checking import check
    from crmlab.exercises.overview import the_copy
    from crmlab.exercises.remembering import remember

    report = check(
        the_copy(Path(), chosen.file),
        timeout=chosen.timeout,
        say=lambda text: print(text, file=sys.stderr),
    )
    remember(report)
    print(report)
    return 0 if report.ok else 1


def progress_command(chosen: argparse.Namespace) -> int:
    from crmlab.exercises.overview import overview

    print(overview(chosen.folder))
    return 0


def _masters_named(name: str | None) -> list["Master"]:
    """The masters that are meant: those of the course in whose folder one stands come first."""
    from crmlab.exercises.masters import Master, master, masters

    own = [Master(path) for path in sorted(Path("source").glob("*/master.ipynb"))]
    if name is None:
        return own or list(masters().values())
    named = [each for each in own if name in (each.name, *each.name.split("_", 1))]
    return named if len(named) == 1 else [master(name)]


def test_command(chosen: argparse.Namespace) -> int:
    from tqdm import tqdm

    from crmlab.errors import InputError
    from crmlab.exercises.authoring.stress import stress
    from crmlab.words import words

    if not 2 <= chosen.variants <= 100_000:
        raise InputError(f"--variants is {chosen.variants}; it must be 2 to 100000")
    status = 0
    for each in _masters_named(chosen.name):
        with tqdm(
            total=chosen.variants,
            desc=each.name,
            unit="variant",
            leave=False,
            disable=not sys.stderr.isatty(),
        ) as bar:
            report = stress(each, chosen.variants, on_variant=bar.update)
        key = "progress.stress_passed" if report.ok else "progress.stress_failed"
        print(
            words(
                key,
                name=report.name,
                variants=report.variants,
                count=len(report.problems),
                seconds=report.seconds,
            )
        )
        for problem in report.problems:
            print(f"  {problem}")
        status = status or (0 if report.ok else 1)
    return status
