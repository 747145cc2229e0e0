"""``crmlab regrade``: a corrected exercise."""

import argparse

from crmlab.cli.course.shared import SHOWN, bar, of_exercise, of_grading


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "regrade",
        parents=[of_exercise(), of_grading()],
        help="for instructors: correct a released exercise",
        description="Grade everyone with a corrected master and say whose mark would move, by how much and "
        "why. Nothing is changed without --apply; no mark goes down without --down.",
    )
    parser.add_argument("--master", metavar="FILE", help="the corrected master (default: source/NAME's)")
    parser.add_argument("--apply", action="store_true", help="take the correction")
    parser.add_argument("--down", action="store_true", help="let marks go down, too")
    parser.set_defaults(command=regrade_command)


def regrade_command(chosen: argparse.Namespace) -> int:
    from crmlab.course.feedback import write_overview
    from crmlab.course.folder import Course
    from crmlab.course.regrading import apply, propose
    from crmlab.words import words

    course = Course(chosen.course)
    name = course.exercise(chosen.name).name
    with bar(words("course.student_unit"), words("course.grading", exercise=name)) as progress:
        done = propose(
            course, name, chosen.master, chosen.jobs, chosen.allow_weak_walls, chosen.down,
            on_start=progress.reset, on_done=lambda report: progress.update(),
        )  # fmt: skip
    print("\n".join(_said(done)))
    if chosen.apply:
        apply(course, done, chosen.down)
        write_overview(course, course.exercise(name))
        print(words("course.regrade_applied", exercise=name))
    else:
        print(words("course.regrade_next", exercise=name))
    return 0


def _said(done):
    from crmlab.words import words

    same = done.students - len(done.up) - len(done.down)
    yield words(
        "course.regraded", exercise=done.exercise.name, students=done.students, up=len(done.up),
        down=len(done.down), same=same,
    )  # fmt: skip
    for move in done.moves[:SHOWN]:
        held = move.without_keeping < move.after
        kept = words("course.regrade_kept", without=move.without_keeping) if held else ""
        yield words(
            "course.regrade_move", student=move.student, before=move.before, after=move.after, kept=kept
        )
        for each in move.changes:
            yield _changed(each)
    if len(done.moves) > SHOWN:
        yield words("course.regrade_more", count=len(done.moves) - SHOWN, file=done.folder / "moves.csv")
    if done.held:
        yield words("course.regrade_held", count=len(done.held))


def _changed(change):
    from crmlab.course.pages import verdict_words
    from crmlab.words import words

    before, after = (
        verdict_words(each) if each else words("course.regrade_absent")
        for each in (change.verdict_before, change.verdict_after)
    )
    return words(
        "course.regrade_change", question=change.question, points_before=change.before,
        points_after=change.after, before=before, after=after,
    )  # fmt: skip
