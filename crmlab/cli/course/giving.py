"""``crmlab feedback`` and ``crmlab gradebook``: what students and offices get."""

import argparse

from crmlab.cli.course.shared import bar, of_course, of_exercise


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    feedback = commands.add_parser(
        "feedback",
        parents=[of_exercise()],
        help="for instructors: write a page for each student, and an overview",
        description="Write one HTML page a student, and an overview for you, with overrides and comments.",
    )
    feedback.set_defaults(command=feedback_command)
    gradebook = commands.add_parser(
        "gradebook",
        parents=[of_course()],
        help="for instructors: write gradebook.csv and files for Canvas and Moodle",
        description="Write gradebook.csv and, in the folder gradebook, details and files that Canvas and "
        "Moodle import.",
    )
    gradebook.set_defaults(command=gradebook_command)


def feedback_command(chosen: argparse.Namespace) -> int:
    from crmlab.course.feedback import write_feedback
    from crmlab.course.folder import Course
    from crmlab.words import words

    course = Course(chosen.course)
    with bar(words("course.student_unit")) as progress:
        done = write_feedback(course, chosen.name, on_page=progress.update)
    print(
        words(
            "course.feedback_written",
            exercise=done.exercise,
            count=len(done.pages),
            folder=course.path("feedback", done.exercise),
            overview=done.overview,
        )
    )
    for path in done.zips:
        print(words("course.feedback_zip", file=path))
    if done.open:
        print(words("course.feedback_open", count=done.open, exercise=done.exercise))
    if done.unmarked:
        print(words("course.marking_waits", count=done.unmarked, exercise=done.exercise))
    return 0


def gradebook_command(chosen: argparse.Namespace) -> int:
    from crmlab.course.folder import Course
    from crmlab.course.gradebook import write_gradebook
    from crmlab.words import words

    course = Course(chosen.course)
    done = write_gradebook(course)
    shown = ", ".join(str(path.relative_to(course.folder)) for path in done.paths)
    print(words("course.gradebook_written", files=shown))
    for exercise, count in done.open.items():
        print(words("course.gradebook_open", exercise=exercise, count=count))
    for exercise, count in done.unmarked.items():
        print(words("course.marking_waits", count=count, exercise=exercise))
    return 0
