"""``crmlab exercises new``, ``preview`` and ``import``."""

import argparse
from pathlib import Path

from crmlab.cli.course.shared import of_course


def add_authoring(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    new = actions.add_parser(
        "new",
        help="write a master to start from",
        description="Write a master with one question, ready to run and to change.",
    )
    new.add_argument("name", metavar="NAME", help="like 12_churn")
    new.add_argument(
        "--out",
        metavar="DIR",
        help="folder for it (default: source/ of the course that you are in, else the public exercises "
        "of crmlab)",
    )
    new.set_defaults(command=new_command)
    preview = actions.add_parser(
        "preview",
        parents=[of_course()],
        help="the copy that a student has, with its right answers",
        description="Write the copy that a student has and print its right answers.",
    )
    preview.add_argument("name", metavar="NAME")
    preview.add_argument("--student", metavar="ID", required=True)
    preview.add_argument("--out", metavar="DIR", default=".", help="folder for the copy (default: this one)")
    preview.set_defaults(command=preview_command)
    imported = actions.add_parser(
        "import",
        help="make a master of an nbgrader source notebook",
        description="Make a master of an nbgrader source notebook; what could not be carried over is listed.",
    )
    imported.add_argument("file", metavar="FILE")
    imported.add_argument("--name", metavar="NAME", required=True, help="of the new exercise, like 12_churn")
    imported.set_defaults(command=import_command)


def new_command(chosen: argparse.Namespace) -> int:
    from crmlab.exercises.authoring.writing import new_master
    from crmlab.words import words

    in_course = Path("course.toml").is_file()
    made = new_master(chosen.name, chosen.out or ("source" if in_course else None))
    print(words("course.new_written", file=made.path))
    print(words("course.new_next", name=made.path.parent if chosen.out else made.name))
    return 0


def preview_command(chosen: argparse.Namespace) -> int:
    from crmlab.course.folder import Course
    from crmlab.exercises.authoring.showing import preview, told, tolerance
    from crmlab.exercises.checking import columns
    from crmlab.words import words

    course = Course(chosen.course)
    exercise, student = course.exercise(chosen.name), course.student(chosen.student)
    path, parameters, questions = preview(exercise, student.id, course.seed(exercise, student.id), chosen.out)
    shown = ", ".join(f"{name} = {value}" for name, value in parameters.items())
    print(words("course.preview_written", file=path, student=student.id, parameters=shown))
    table = [words("course.preview_header").split("|")]
    table += [
        [each.name, f"{each.points:g}", told(each.right), tolerance(each.kind)] for each in questions.values()
    ]
    print("\n".join(columns(table)))
    return 0


def import_command(chosen: argparse.Namespace) -> int:
    from crmlab.course.nbgrader import import_source
    from crmlab.words import words

    done = import_source(chosen.file, chosen.name)
    print(
        words(
            "course.import_written",
            file=done.path,
            questions=len(done.questions),
            points=f"{sum(done.questions.values()):g}",
        )
    )
    if done.lost:
        print(words("course.import_lost", count=len(done.lost)))
        print("\n".join(f"- {each}" for each in done.lost))
    else:
        print(words("course.import_nothing_lost"))
    return 0
