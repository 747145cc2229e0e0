"""``crmlab grade``: everyone's points, behind walls."""

import argparse
import sys

from crmlab.cli.course.shared import bar, listed, of_exercise, of_grading, printable


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "grade",
        parents=[of_exercise(), of_grading()],
        help="for instructors: grade everyone on the roster",
        description="Grade what has been collected. Interrupted and called again, it goes on where it was.",
    )
    parser.add_argument("--again", action="store_true", help="grade anew what has been graded")
    parser.set_defaults(command=grade_command)


def grade_command(chosen: argparse.Namespace) -> int:
    from crmlab.course.batch import grade
    from crmlab.course.feedback import write_overview
    from crmlab.course.folder import Course
    from crmlab.words import words

    course = Course(chosen.course)
    name = course.exercise(chosen.name).name
    with bar(words("course.student_unit"), words("course.grading", exercise=name)) as progress:
        try:
            batch = grade(
                course,
                name,
                chosen.jobs,
                chosen.allow_weak_walls,
                chosen.again,
                on_start=progress.reset,
                on_done=lambda report: progress.update(),
            )
        except KeyboardInterrupt:
            progress.close()
            print(words("course.grade_interrupted"), file=sys.stderr)
            return 130
    overview = write_overview(course, batch.exercise)
    print("\n".join(_summary(batch, course, overview)))
    return 0


def _summary(batch, course, overview):
    """What a grading run says at its end: distribution, hardest question, what to look at."""
    from collections import defaultdict

    from crmlab.course.batch import flags_of
    from crmlab.course.marks import marks
    from crmlab.course.statistics import graded
    from crmlab.words import words

    name = batch.exercise.name
    if batch.graded:
        yield words(
            "course.graded",
            exercise=name,
            graded=batch.graded,
            skipped=batch.skipped,
            seconds=batch.seconds,
            rate=60 * batch.graded / max(batch.seconds, 1e-9),
        )
    else:
        yield words("course.nothing_to_grade", exercise=name, skipped=batch.skipped)
    found = marks(course, batch.exercise)
    yield from _distribution([mark.share for mark in graded(found)])
    yield from _questions(batch.exercise, found)
    flags = defaultdict(dict)  # kind -> students, in order
    for student, kind, _ in flags_of(batch.reports):
        flags[printable(kind).replace("_", " ")][student] = None
    if flags:
        count = len({student for students in flags.values() for student in students})
        yield words("course.flags_title", count=count, file=overview)
        for kind, students in sorted(flags.items(), key=lambda item: -len(item[1])):
            yield words("course.flags_row", kind=kind, count=len(students), students=listed(students))
    yield words("course.graded_next", exercise=name)


def _questions(exercise, found):
    """The hardest question, those that nobody solved, those that people have to mark."""
    from crmlab.course.pages import question_titles, verdict_words
    from crmlab.course.statistics import question_statistics
    from crmlab.words import words

    every, titles = question_statistics(found, exercise), question_titles(exercise)
    by_machine = [each for each in every if not each.by_hand and each.count]
    if by_machine:
        hardest = min(by_machine, key=lambda each: each.right)
        verdict, name, _ = (hardest.wrong or [("right", "", 0)])[0]
        yield words(
            "course.hardest",
            name=hardest.name,
            right=hardest.right,
            title=titles.get(hardest.name, ""),
            verdict=verdict_words(verdict, name),
        )
    for each in by_machine:
        if each.suspect:
            yield words("course.suspect_question", question=each.name, exercise=exercise.name)
    waiting = sum(bool(mark.open) for mark in found)
    if waiting:
        yield words("course.marking_waits", count=waiting, exercise=exercise.name)


def _distribution(shares):
    import statistics

    from crmlab.course.statistics import bins
    from crmlab.words import words

    if not shares:
        yield words("course.nobody")
        return
    yield words(
        "course.distribution",
        count=len(shares),
        mean=statistics.fmean(shares),
        median=statistics.median(shares),
    )
    counts = bins(shares)
    for at, count in enumerate(counts):
        bar = "█" * round(40 * count / max(counts))
        yield f"  {10 * at:3d} to {10 * at + 10:3d}%  {bar} {count}"
