"""What instructors do: ``crmlab release``, ``collect``, ``grade``, ``feedback``, ``gradebook``."""

import argparse
import sys

SHOWN = 8  # lines of one kind printed before the rest is left to a file


def add_commands(commands):
    _add_release(commands)
    _add_collect(commands)
    _add_grade(commands)
    _add_feedback(commands)
    _add_gradebook(commands)
    _add_demo(commands)


def _add_release(commands):
    parser = commands.add_parser(
        "release",
        help="for instructors: write a copy for each student",
        description="Write each student's own copy of an exercise into the course's folder release. The "
        "first "
        "release starts the course: course.toml and a secret. Called again, it adds what is missing.",
    )
    parser.add_argument("name", metavar="NAME", help="09, loyalty or 09_loyalty")
    parser.add_argument("--roster", metavar="FILE", help="CSV: id,name,email (default: the course's own)")
    _add_course(parser)
    parser.add_argument("--zip", action="store_true", help="one zip a student in place of one folder")
    parser.add_argument(
        "--again", action="store_true", help="take today's master, write copies anew that differ"
    )
    parser.set_defaults(command=release_command)


def _add_collect(commands):
    parser = commands.add_parser(
        "collect",
        help="for instructors: take in what students handed in",
        description="Take submissions into the course: from an nbgrader tree, a folder of files, or a zip "
        "that "
        "Moodle or Canvas made. What cannot be matched to a student for sure is listed for you to decide.",
    )
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("source", metavar="FOLDER_OR_ZIP")
    parser.add_argument("--times", metavar="FILE", help="CSV: Moodle's worksheet, or id,time")
    _add_course(parser)
    parser.set_defaults(command=collect_command)


def _add_grade(commands):
    parser = commands.add_parser(
        "grade",
        help="for instructors: grade everyone on the roster",
        description="Grade what has been collected. Interrupted and called again, it goes on where it was.",
    )
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--jobs", metavar="N", type=int, default=2, help="submissions at once (default: 2)")
    parser.add_argument("--again", action="store_true", help="grade anew what has been graded")
    parser.add_argument(
        "--allow-weak-walls",
        action="store_true",
        help="grade other people's code although this system cannot wall it in",
    )
    _add_course(parser)
    parser.set_defaults(command=grade_command)


def _add_feedback(commands):
    parser = commands.add_parser(
        "feedback",
        help="for instructors: write a page for each student, and an overview",
        description="Write one HTML page a student, and an overview for you, with overrides and comments.",
    )
    parser.add_argument("name", metavar="NAME")
    _add_course(parser)
    parser.set_defaults(command=feedback_command)


def _add_gradebook(commands):
    parser = commands.add_parser(
        "gradebook",
        help="for instructors: write gradebook.csv and files for Canvas and Moodle",
        description="Write gradebook.csv and, in the folder gradebook, details and files that Canvas and "
        "Moodle import.",
    )
    _add_course(parser)
    parser.set_defaults(command=gradebook_command)


def _add_demo(commands):
    parser = commands.add_parser(
        "demo-course",
        help="for instructors: a made-up course, graded, to look at",
        description="Make up a course, release, have invented students hand in, collect, grade, write "
        "feedback and gradebook; each command is shown.",
    )
    parser.add_argument("--students", metavar="N", type=int, default=30)
    parser.add_argument("--exercise", metavar="NAME", default="09")
    parser.add_argument(
        "--out", metavar="DIR", default="demo-course", help="a new folder (default: demo-course)"
    )
    parser.add_argument("--jobs", metavar="N", type=int, default=2)
    parser.add_argument("--allow-weak-walls", action="store_true", help=argparse.SUPPRESS)
    parser.set_defaults(command=demo_command)


def _add_course(parser):
    parser.add_argument(
        "--course", metavar="DIR", default=".", help="the course's folder (default: this one)"
    )


def add_authoring(actions):
    """``crmlab exercises new``, ``preview`` and ``import``."""
    new = actions.add_parser(
        "new",
        help="write a master to start from",
        description="Write a master with one question, ready to run and to change.",
    )
    new.add_argument("name", metavar="NAME", help="like 12_churn")
    new.set_defaults(command=new_command)
    preview = actions.add_parser(
        "preview",
        help="the copy that a student has, with its right answers",
        description="Write the copy that a student has and print its right answers.",
    )
    preview.add_argument("name", metavar="NAME")
    preview.add_argument("--student", metavar="ID", required=True)
    preview.add_argument("--out", metavar="DIR", default=".", help="folder for the copy (default: this one)")
    _add_course(preview)
    preview.set_defaults(command=preview_command)
    imported = actions.add_parser(
        "import",
        help="make a master of an nbgrader source notebook",
        description="Make a master of an nbgrader source notebook; what could not be carried over is listed.",
    )
    imported.add_argument("file", metavar="FILE")
    imported.add_argument("--name", metavar="NAME", required=True, help="of the new exercise, like 12_churn")
    imported.set_defaults(command=import_command)


# ------------------------------------------------------------------------------------------------ commands


def release_command(chosen):
    from crmlab.course.folder import SETTINGS
    from crmlab.course.releasing import release
    from crmlab.words import words

    with _bar(words("course.student_unit")) as bar:
        done = release(
            chosen.name, chosen.course, chosen.roster, chosen.zip, chosen.again, on_copy=bar.update
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
        print(words("course.kept", count=len(done.kept), names=_listing(done.kept)))
    print(words("course.release_next", folder=done.folder, exercise=done.exercise))
    return 0


def collect_command(chosen):
    from crmlab.course.folder import Course
    from crmlab.course.intake.collecting import collect
    from crmlab.words import words

    course = Course(chosen.course)
    with _bar(words("course.file_unit"), words("course.collecting")) as bar:
        done = collect(course, chosen.name, chosen.source, chosen.times, on_file=bar.update)
    _print_collected(done, course)
    return 0


def _print_collected(done, course):
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
        print(words("course.collected_missing", count=len(done.missing), names=_listing(done.missing)))
    settings = course.settings(done.exercise)
    if done.without_time and settings.due:
        print(words("course.collected_no_times", count=done.without_time))
    late = [
        student
        for student, record in done.records.items()
        if record.get("late_mark") or _is_late(record, settings)
    ]
    if late:
        print(words("course.collected_late", names=_listing(late)))
    doubtful = done.having("doubtful") + done.having("not on the roster")
    if doubtful:
        print(words("course.collected_doubtful", count=len(doubtful), file=done.doubtful_file))
        for row in doubtful[:SHOWN]:
            suggestion = words("course.suggestion", student=row.student) if row.student else ""
            print(words("course.collected_doubtful_row", file=row.file, why=row.why, suggestion=suggestion))
    print(words("course.collected_next", exercise=done.exercise))


def _is_late(record, settings):
    from datetime import datetime

    when = datetime.fromisoformat(record["when"]) if record.get("when") else None
    return settings.late.days_late(when, settings.due) > 0


def grade_command(chosen):
    from crmlab.course.batch import grade
    from crmlab.course.feedback import write_overview
    from crmlab.course.folder import Course
    from crmlab.words import words

    course = Course(chosen.course)
    name = course.exercise(chosen.name).name
    with _bar(words("course.student_unit"), words("course.grading", exercise=name)) as bar:
        try:
            batch = grade(
                course,
                name,
                chosen.jobs,
                chosen.allow_weak_walls,
                chosen.again,
                on_start=bar.reset,
                on_done=lambda report: bar.update(),
            )
        except KeyboardInterrupt:
            bar.close()
            print(words("course.grade_interrupted"), file=sys.stderr)
            return 130
    overview = write_overview(course, batch.exercise)
    print("\n".join(_summary(batch, course, overview)))
    return 0


def _summary(batch, course, overview):
    """What a grading run says at its end: distribution, hardest question, what to look at."""
    from collections import defaultdict

    from crmlab.course.batch import flags_of, question_statistics
    from crmlab.course.marks import marks
    from crmlab.course.pages import question_titles, verdict_words
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
    found = [mark for mark in marks(course, batch.exercise) if mark.status == "graded"]
    yield from _distribution([mark.total / mark.possible for mark in found])
    of = {mark.student.id: batch.reports[mark.student.id] for mark in found}
    if of:
        hardest = min(question_statistics(of), key=lambda each: each["right"])
        wrong = [verdict for verdict, _ in hardest["verdicts"].most_common() if verdict != "right"]
        yield words(
            "course.hardest",
            name=hardest["name"],
            right=hardest["right"],
            title=question_titles(batch.exercise).get(hardest["name"], ""),
            verdict=verdict_words((wrong or ["right"])[0]),
        )
    flags = defaultdict(dict)  # kind -> students, in order
    for student, kind, _ in flags_of(batch.reports):
        flags[_printable(kind).replace("_", " ")][student] = None
    if flags:
        count = len({student for students in flags.values() for student in students})
        yield words("course.flags_title", count=count, file=overview)
        for kind, students in sorted(flags.items(), key=lambda item: -len(item[1])):
            yield words("course.flags_row", kind=kind, count=len(students), students=_listing(students))
    yield words("course.graded_next", exercise=name)


def _distribution(shares):
    import statistics

    from crmlab.course.batch import bins
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


def _printable(text):
    """Text out of a student's run, fit for a terminal: one line, no control characters."""
    return "".join(each if each.isprintable() else "�" for each in text)[:160]


def feedback_command(chosen):
    from crmlab.course.feedback import write_feedback
    from crmlab.course.folder import Course
    from crmlab.words import words

    course = Course(chosen.course)
    with _bar(words("course.student_unit")) as bar:
        done = write_feedback(course, chosen.name, on_page=bar.update)
    print(
        words(
            "course.feedback_written",
            exercise=done.exercise,
            count=len(done.pages),
            folder=course.path("feedback", done.exercise),
            overview=done.overview,
        )
    )
    if done.open:
        print(words("course.feedback_open", count=done.open, exercise=done.exercise))
    return 0


def gradebook_command(chosen):
    from crmlab.course.folder import Course
    from crmlab.course.gradebook import write_gradebook
    from crmlab.words import words

    course = Course(chosen.course)
    done = write_gradebook(course)
    shown = ", ".join(str(path.relative_to(course.folder)) for path in done.paths)
    print(words("course.gradebook_written", files=shown))
    for exercise, count in done.open.items():
        print(words("course.gradebook_open", exercise=exercise, count=count))
    return 0


def demo_command(chosen):
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


def new_command(chosen):
    from crmlab.exercises.authoring.writing import new_master
    from crmlab.words import words

    made = new_master(chosen.name)
    print(words("course.new_written", file=made.path))
    print(words("course.new_next", name=made.name))
    return 0


def preview_command(chosen):
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


def import_command(chosen):
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


def _bar(unit, title=None):
    """Progress with the time that is left, where someone is looking."""
    from tqdm import tqdm

    return tqdm(desc=title, unit=unit, leave=False, disable=not sys.stderr.isatty())


def _listing(names):
    from crmlab.errors import listing

    return listing(names, 12)
