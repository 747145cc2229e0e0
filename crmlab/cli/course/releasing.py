"""``crmlab release``: a copy for each student."""

import argparse

from crmlab.cli.course.shared import bar, listed, of_exercise


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "release",
        parents=[of_exercise()],
        help="for instructors: write a copy for each student",
        description="Write each student's own copy of an exercise into the course's folder release. The "
        "first release starts the course: course.toml and a secret. Called again, it adds what is missing.",
    )
    parser.add_argument("--roster", metavar="FILE", help="CSV: id,name,email (default: the course's own)")
    parser.add_argument("--zip", action="store_true", help="one zip a student in place of one folder")
    parser.add_argument(
        "--again", action="store_true", help="take today's master, write copies anew that differ"
    )
    parser.set_defaults(command=release_command)


def release_command(chosen: argparse.Namespace) -> int:
    from crmlab.course.folder import SETTINGS
    from crmlab.course.releasing import release
    from crmlab.words import words

    with bar(words("course.student_unit")) as progress:
        done = release(
            chosen.name, chosen.course, chosen.roster, chosen.zip, chosen.again, on_copy=progress.update
        )
    if done.started:
        print(words("course.started", folder=chosen.course, settings=SETTINGS))
    if done.roster_change:
        print(words("course.roster_changed", change=done.roster_change))
    print(
        words(
            "course.released",
            exercise=done.exercise,
            written=len(done.written),
            folder=done.folder,
            unchanged=len(done.unchanged) + len(done.kept),
        )
    )
    if done.kept:
        print(words("course.kept", count=len(done.kept), names=listed(done.kept)))
    print(words("course.release_next", folder=done.folder, exercise=done.exercise))
    return 0
