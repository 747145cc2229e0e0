"""``crmlab collect``: what students handed in."""

import argparse

from crmlab.cli.course.shared import SHOWN, bar, listed, of_exercise


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "collect",
        parents=[of_exercise()],
        help="for instructors: take in what students handed in",
        description="Take submissions into the course: from an nbgrader tree, a folder of files, or a zip "
        "that Moodle or Canvas made. What cannot be matched to a student for sure is listed for you to "
        "decide.",
    )
    parser.add_argument("source", metavar="FOLDER_OR_ZIP")
    parser.add_argument("--times", metavar="FILE", help="CSV: Moodle's worksheet, or id,time")
    parser.set_defaults(command=collect_command)


def collect_command(chosen: argparse.Namespace) -> int:
    from crmlab.course.folder import Course
    from crmlab.course.intake.collecting import collect
    from crmlab.words import words

    course = Course(chosen.course)
    with bar(words("course.file_unit"), words("course.collecting")) as progress:
        done = collect(course, chosen.name, chosen.source, chosen.times, on_file=progress.update)
    _print_collected(done, course)
    return 0


def _print_collected(done, course):
    from crmlab.course.marks import late_students
    from crmlab.words import words

    print(
        words(
            "course.collected_files",
            exercise=done.exercise,
            count=len(done.records),
            students=len(course.students),
            new=len(done.having("counts")),
            unchanged=len(done.having("unchanged")),
            earlier=len(done.having("earlier")),
        )
    )
    for row in done.having("unusable"):
        print(words("course.collected_unusable", student=row.student, file=row.file, note=row.note))
    noted = [(student, note) for student, record in done.records.items() for note in record["notes"]]
    for student, note in noted[:SHOWN]:
        print(words("course.collected_note", student=student, note=note))
    if done.missing:
        print(words("course.collected_missing", count=len(done.missing), names=listed(done.missing)))
    settings = course.settings(done.exercise)
    if done.without_time and settings.due:
        print(words("course.collected_no_times", count=done.without_time))
    late = late_students(course, done.exercise, done.records)
    if late:
        print(words("course.collected_late", names=listed(late)))
    if done.undecided:
        print(words("course.collected_undecided", exercise=done.exercise, files=listed(done.undecided)))
    doubtful = done.having("doubtful") + done.having("not on the roster")
    if doubtful:
        print(words("course.collected_doubtful", count=len(doubtful), file=done.doubtful_file))
        for row in doubtful[:SHOWN]:
            suggestion = words("course.suggestion", student=row.student) if row.student else ""
            print(words("course.collected_doubtful_row", file=row.file, why=row.why, suggestion=suggestion))
    print(words("course.collected_next", exercise=done.exercise))
