"""The command line.

Every module of this package that has ``add_commands(subparsers)`` adds its commands to it: a new command
is a new module. These modules are imported for ``crmlab --help`` too, so at their top they import nothing
but what is quick; what a command needs it imports when it runs.

A command's parser names its function by ``set_defaults(command=function)``; the function takes the parsed
arguments and returns the exit status. `InputError` becomes one sentence and exit status 2.
"""

import argparse
import importlib
import os
import pkgutil
import sys
from typing import NoReturn

from crmlab import __version__
from crmlab.errors import InputError

FIRST = ("lessons",)  # these commands head the list


class Parser(argparse.ArgumentParser):
    """Reports bad usage as one sentence."""

    def __init__(self, *arguments, **options):
        options.setdefault("allow_abbrev", False)
        super().__init__(*arguments, **options)

    def error(self, message: str) -> NoReturn:
        """Raise what argparse has to say, for `main` to show."""
        raise InputError(f"{message} (see {self.prog} --help)")


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit status: 0 all well, 1 something ran and failed, 2 bad input."""
    for stream in (sys.stdout, sys.stderr):  # a terminal that lacks a letter shows its number
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        chosen = parser().parse_args(arguments)
        return chosen.command(chosen) or 0
    except InputError as error:
        print(f"crmlab: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("crmlab: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of a pipe has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:  # a folder that cannot be written, a file that cannot be read
        place = f": {error.filename}" if error.filename else ""
        print(f"crmlab: {error.strerror or error}{place}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    top = Parser(
        prog="crmlab",
        description="Learn, teach and research customer relationship management on "
        "markets whose truth is known.",
    )
    top.add_argument("--version", action="version", version=f"crmlab {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in _modules():
        module = importlib.import_module(f"{__name__}.{name}")
        if hasattr(module, "add_commands"):
            module.add_commands(commands)
    return top


def _modules():
    names = sorted(each.name for each in pkgutil.iter_modules(__path__) if not each.name.startswith("_"))
    return sorted(names, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))
