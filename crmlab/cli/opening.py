"""``crmlab open``: JupyterLab at the student's own copy of a lesson, or of its exercises."""

import argparse
import os
import sys
from typing import TYPE_CHECKING

from crmlab.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from crmlab.places import Lesson


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "open",
        help="open your own copy of a lesson in JupyterLab",
        description="Open your own copy of a lesson in JupyterLab. It lies in the folder work/, has no "
        "outputs before you run it, and is never written over. What you guess in it is kept beside it, and "
        "so is your copy of the lesson's exercises, which --exercises opens.",
    )
    parser.add_argument(
        "lesson", metavar="LESSON", nargs="?", default="00", help="09 or loyalty (default: 00)"
    )
    parser.add_argument(
        "--exercises",
        action="store_true",
        help="open your copy of the lesson's exercises instead; it is written first if there is none",
    )
    parser.add_argument(
        "--fresh",
        action="store_true",
        help="take the lesson as it is now; the copy that you have is kept under another name",
    )
    parser.add_argument("--no-browser", action="store_true", help="start JupyterLab and open no browser")
    parser.add_argument(
        "--lab", metavar="OPTION", action="append", default=[], help="for JupyterLab, as --lab=--port=9000"
    )
    parser.set_defaults(command=open_command)


def open_command(chosen: argparse.Namespace) -> int:
    from crmlab import places
    from crmlab.notebook.copying import own_copy
    from crmlab.words import words

    asked = places.lesson(chosen.lesson)
    if chosen.exercises and chosen.fresh:
        raise InputError(
            "--fresh is for lessons: with --exercises rename your copy, and a new one is written"
        )
    opened = own_copy(asked, fresh=chosen.fresh)
    for other in places.lessons():  # links lead from one lesson to another
        own_copy(other)
    if opened.aside is not None:
        print(words("open.aside", file=opened.aside))
    elif opened.newer:
        print(words("open.newer", lesson=asked.number or asked.name))
    path = _exercises(asked) if chosen.exercises else opened.path
    print(words("open.opening", file=path), flush=True)
    return _jupyter(path, ["--no-browser"] * chosen.no_browser + chosen.lab)


def _exercises(lesson: "Lesson") -> "Path":
    """The student's copy of a lesson's exercises, written if there is none."""
    from crmlab import places
    from crmlab.exercises.copies import start_own

    path = places.work() / f"{lesson.stem}_exercises.ipynb"
    return path if path.exists() else start_own(lesson.stem)[0]


def _jupyter(path, options):
    """Become JupyterLab, whose file browser shows the folder that holds work/ and everything else."""
    from crmlab import places

    home = places.root()
    top = home if path.resolve().is_relative_to(home) else path.resolve().parent
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        str(path.resolve()),
        f"--ServerApp.root_dir={top}",
        *options,
    ]
    if os.name != "nt":
        os.execv(command[0], command)  # noqa: S606 (no shell is wanted)
    import subprocess

    process = subprocess.Popen(command)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # Ctrl-C reaches the child too; let it end in its own way
            pass
