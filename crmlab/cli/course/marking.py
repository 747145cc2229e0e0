"""``crmlab mark``: questions that are answered in words."""

import argparse
from pathlib import Path

from crmlab.cli.course.shared import listed, of_exercise


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "mark",
        parents=[of_exercise()],
        help="for instructors: mark answers in words",
        description="Write a page, and a table beside it, with all answers to a question that is marked by "
        "people; say how far the marking is. --take reads the table that the page saves.",
    )
    parser.add_argument(
        "--grader", metavar="NAME", help="who marks; names the files (default: instructor, or FILE's name)"
    )
    parser.add_argument("--part", metavar="K/N", default="1/1", help="2/3: the second third of the answers")
    parser.add_argument("--take", metavar="FILE", help="a table that the page saved, or a spreadsheet")
    parser.set_defaults(command=mark_command)


def mark_command(chosen: argparse.Namespace) -> int:
    from crmlab.course.folder import Course
    from crmlab.course.marking import progress, take_sheet, write_sheet
    from crmlab.words import words

    course = Course(chosen.course)
    exercise = course.exercise(chosen.name)
    if chosen.take:
        grader = chosen.grader or Path(chosen.take).stem.partition(" ")[0]  # a browser's "anna (1).csv"
        count = take_sheet(course, exercise, Path(chosen.take), grader)
        print(words("course.marking_taken", count=count, grader=grader))
    else:
        sheet = write_sheet(course, exercise, chosen.grader or "instructor", _part(chosen.part))
        print(words("course.marking_written", count=len(sheet.answers), page=sheet.page, table=sheet.table))
        if sheet.cleared:
            print(words("course.marking_cleared", names=listed(sheet.cleared)))
    print("\n".join(progress(course, exercise)))
    print(words("course.marking_next", exercise=exercise.name))
    return 0


def _part(text):
    from crmlab.errors import InputError

    number, _, of = text.partition("/")
    if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of) <= 100):
        raise InputError(f"--part is {text!r}; write like 2/3")
    return int(number), int(of)
