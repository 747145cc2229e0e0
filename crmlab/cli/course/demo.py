"""``crmlab demo-course``: a made-up course, to look at."""

import argparse

from crmlab.cli.course.shared import of_grading


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "demo-course",
        parents=[of_grading()],
        help="for instructors: a made-up course, graded, to look at",
        description="Make up a course, release, have invented students hand in, collect, grade, correct a "
        "slip, mark answers in words, decide, write feedback and gradebook; each command is shown.",
    )
    parser.add_argument("--students", metavar="N", type=int, default=30)
    parser.add_argument("--exercise", metavar="NAME", default="09")
    parser.add_argument(
        "--out", metavar="DIR", default="demo-course", help="a new folder (default: demo-course)"
    )
    parser.set_defaults(command=demo_command)


def demo_command(chosen: argparse.Namespace) -> int:
    from crmlab.course.demo import handins, week
    from crmlab.course.folder import Course
    from crmlab.exercises import running
    from crmlab.exercises.masters import master
    from crmlab.words import words

    original, folder = master(chosen.exercise), handins.new_folder(chosen.out)
    name, at = original.name, ("--course", folder)
    slip = week.slipping(running.questions(original, original.check_parameters({})))
    roster = handins.write_roster(folder / "downloads" / "students.csv", chosen.students)
    knowing = week.write_masters(folder, original)
    runs = ["--jobs", chosen.jobs, *(["--allow-weak-walls"] if chosen.allow_weak_walls else []), *at]

    _step("release", name, "--roster", roster, *at)
    week.write_settings(folder, name)
    made = handins.hand_in(folder, name, knowing)
    _step("collect", name, made.archive, "--times", made.times, *at)
    _step("grade", name, *runs)
    print("\n" + words("course.demo_slip", question=slip))
    _step("regrade", name, "--master", knowing.path, *runs)
    _step("regrade", name, "--master", knowing.path, "--apply", *runs)
    course = Course(folder)
    exercise = course.exercise(name)
    _step("mark", name, "--grader", "anna", *at)
    for grader, generous in (("anna", False), ("ben", True)):
        _step("mark", name, "--take", week.mark(course, exercise, grader, generous), *at)
    decided = week.decide(course, exercise, week.drop_of(exercise, slip))
    print("\n" + words("course.demo_decided", lines="\n".join(f"  {line}" for line in decided)))
    _step("feedback", name, *at)
    _step("gradebook", *at)
    page = next(iter(sorted(course.path("feedback", name).glob("*.html"))), None)
    print("\n" + words("course.demo_done", students=chosen.students, folder=folder, page=page,
                       overview=course.overview(name),
                       marking=course.path("marking", name, "anna.html")))  # fmt: skip
    return 0


def _step(*arguments):
    """Show a command, and run it."""
    from crmlab.cli import parser
    from crmlab.words import words

    line = [str(each) for each in arguments]
    print(f"\n{words('course.demo_step', command=' '.join(['crmlab', *line]))}", flush=True)
    taken = parser().parse_args(line)
    status = taken.command(taken)
    if status:
        raise SystemExit(status)
