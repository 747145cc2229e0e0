"""``crmlab demo-course``: a made-up course, to look at."""

import argparse

from crmlab.cli.course.shared import of_grading


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "demo-course",
        parents=[of_grading()],
        help="for instructors: a made-up course, graded, to look at",
        description="Make up a course, release, have invented students hand in, collect, grade, write "
        "feedback and gradebook; each command is shown.",
    )
    parser.add_argument("--students", metavar="N", type=int, default=30)
    parser.add_argument("--exercise", metavar="NAME", default="09")
    parser.add_argument(
        "--out", metavar="DIR", default="demo-course", help="a new folder (default: demo-course)"
    )
    parser.set_defaults(command=demo_command)


def demo_command(chosen: argparse.Namespace) -> int:
    from crmlab.course import demo
    from crmlab.course.folder import Course
    from crmlab.exercises.masters import master
    from crmlab.words import words

    name, folder = master(chosen.exercise).name, demo.new_folder(chosen.out)
    roster = demo.write_roster(folder / "downloads" / "students.csv", chosen.students)

    def step(*arguments):
        print(
            f"\n{words('course.demo_step', command=' '.join(['crmlab', *map(str, arguments)]))}", flush=True
        )
        from crmlab.cli import parser

        taken = parser().parse_args([str(each) for each in arguments])
        status = taken.command(taken)
        if status:
            raise SystemExit(status)

    at = ("--course", folder)
    step("release", name, "--roster", roster, *at)
    demo.write_settings(folder, name)
    made = demo.hand_in(folder, name)
    step("collect", name, made.archive, "--times", made.times, *at)
    weak = ["--allow-weak-walls"] if chosen.allow_weak_walls else []
    step("grade", name, "--jobs", chosen.jobs, *weak, *at)
    step("feedback", name, *at)
    step("gradebook", *at)
    course = Course(folder)
    page = next((each for each in sorted(course.path("feedback", name).glob("*.html"))), None)
    print(
        "\n"
        + words(
            "course.demo_done",
            students=chosen.students,
            folder=folder,
            page=page,
            overview=course.overview(name),
        )
    )
    return 0
