"""What the parsers and the output of the instructors' commands share."""

import argparse
import sys
from collections.abc import Iterable
from typing import Any

SHOWN = 8  # lines of one kind printed before the rest is left to a file


def of_course() -> argparse.ArgumentParser:
    """The parent parser with ``--course``."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument(
        "--course", metavar="DIR", default=".", help="the course's folder (default: this one)"
    )
    return parent


def of_exercise() -> argparse.ArgumentParser:
    """The parent parser with the exercise's name and ``--course``."""
    parent = argparse.ArgumentParser(add_help=False, parents=[of_course()])
    parent.add_argument("name", metavar="NAME", help="09, loyalty or 09_loyalty")
    return parent


def of_grading() -> argparse.ArgumentParser:
    """The parent parser with what running students' code takes."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument("--jobs", metavar="N", type=int, default=2, help="submissions at once (default: 2)")
    parent.add_argument(
        "--allow-weak-walls",
        action="store_true",
        help="run other people's code although this system cannot wall it in",
    )
    return parent


def bar(unit: str, title: str | None = None) -> Any:
    """Progress with the time that is left, where someone is looking."""
    from tqdm import tqdm

    return tqdm(desc=title, unit=unit, leave=False, disable=not sys.stderr.isatty())


def listed(names: Iterable[str]) -> str:
    """Names in a row, the first dozen of many."""
    from crmlab.errors import listing

    return listing(names, 12)


def printable(text: str) -> str:
    """Text out of a student's run, fit for a terminal: one line, no control characters."""
    return "".join(each if each.isprintable() else "�" for each in text)[:160]
