"""What happens in the demonstration's week: a master with a slip, answers in words, graders, decisions."""

import copy
import hashlib
import random
import re
from pathlib import Path

from crmlab import files
from crmlab.course.folder import SETTINGS, Course
from crmlab.course.intake.records import read_records
from crmlab.course.marking import Answer, answers
from crmlab.course.tables import table_text
from crmlab.errors import InputError
from crmlab.exercises import running
from crmlab.exercises.authoring.writing import cell
from crmlab.exercises.copies import solution_cells
from crmlab.exercises.kinds import Number
from crmlab.exercises.masters import END, Master, answer_call
from crmlab.notebook.zygote import quick_import

with quick_import():
    import nbformat

TASK = """## Your advice

In two sentences: which of your results would you show your manager first, and what should nobody conclude
from it?"""
EXPECTED = """### BEGIN SOLUTION
One result with its number, and what it does not show: that it would be the same elsewhere, that one caused
the other, that it holds for every customer.
### END SOLUTION
### BEGIN MARK SCHEME
- 1: names a result with its number
- 1: says what it does not show
### END MARK SCHEME"""
WRITTEN = {  # what students write, and what it is worth
    "I would show the second number. It does not say that one caused the other.": 2,
    "The gain in the sticky market, the largest; nobody should conclude that it pays: costs are left out.": 2,
    "I would begin with the table, market by market, and warn that nobody here was drawn at random.": 2,
    "My manager should see that the share is high! We should do more of this.": 0,
    "The last result. It is about the average customer and says little about any one of them.": 1,
    "The correlation is smaller than expected.": 1,
    "I did not get a result for this.": 0,
    "Show the share first, with its number, and say that a better question would change it.": 1,
}
SLIP = "  # a slip: this line should not be here"


def write_masters(folder: Path | str, exercise: Master) -> Master:
    """Put the exercise with a slip into a new course's ``source/``; returns it without the slip.

    Both have a question in words more, and points for each row where a question asks for a table.
    """
    notebook = copy.deepcopy(exercise.notebook)
    asked = running.questions(exercise, exercise.check_parameters({}))
    for name, question in asked.items():
        if question.kind.parts:
            _give_credit(_cell(notebook, exercise.checks[name].id), question.kind.parts)
    number = len(exercise.all_points) + 1
    worded = [cell("prose", f"q{number}-task", TASK), cell("manual", f"q{number}-answer", EXPECTED, 2)]
    notebook.cells += worded
    right = _write(folder, "downloads/corrected", exercise.name, notebook)
    name = slipping(asked)
    last = solution_cells(exercise)[name][-1].id
    variable = answer_call(exercise.checks[name].source).args[1].id
    _slip(_cell(notebook, last), variable)
    _write(folder, "source", exercise.name, notebook)
    return right


def slipping(asked: dict) -> str:
    """The question whose master gets a slip: the last that asks for a number."""
    numbers = [name for name, question in asked.items() if isinstance(question.kind, Number)]
    if not numbers:
        raise InputError("the demonstration needs an exercise that asks for a number, like 09")
    return numbers[-1]


def _give_credit(check, parts):
    """``answer("q1", gains, credit="rows", ...)``."""
    if "credit=" not in check.source:
        check.source = re.sub(
            r"(answer\(\s*[\"'][^\"']+[\"'],\s*[^,()]+,)", rf'\1 credit="{parts}",', check.source, count=1
        )


def _cell(notebook, name):
    return next(each for each in notebook.cells if each.id == name)


def _slip(solution, variable):
    at = solution.source.rindex(END)
    line = solution.source[:at].rpartition("\n")[2]
    solution.source = (
        solution.source[:at] + f"{variable} = 2 * {variable}{SLIP}\n{line}" + solution.source[at:]
    )


def _write(folder, place, name, notebook):
    path = Path(folder) / place / name / "master.ipynb"
    files.write_text(path, nbformat.writes(notebook) + "\n")
    return Master(path)


def written(student: str) -> tuple[str, int]:
    """What a student writes in words, and what it is worth."""
    drawn = int(hashlib.sha256(student.encode()).hexdigest(), 16) % len(WRITTEN)
    return list(WRITTEN.items())[drawn]


# ------------------------------------------------------------------------------------------------ graders


def mark(course: Course, exercise: Master, grader: str, generous: bool = False) -> Path:
    """Fill in a grader's table as they would; a generous one gives one answer a point more."""
    rows, given = [], False
    for each in answers(course, exercise):
        points = WRITTEN.get(each.text, 0)
        if generous and not given and points == 1:
            points, given = 2, True
        rows.append(_row(each, points))
    path = course.path("downloads", f"{grader}.csv")
    return files.write_text(path, table_text(("question", "student", "points", "comment", "digest"), rows))


def _row(answer: Answer, points: float) -> dict:
    comment = {0: "Name a result, and its number.", 1: "And what does it not show?", 2: ""}[points]
    return {"question": answer.question, "student": answer.student, "points": points, "comment": comment,
            "digest": answer.digest}  # fmt: skip


# ---------------------------------------------------------------------------------------------- decisions


def write_settings(folder: Path | str, exercise: str) -> None:
    """A due date and a late rule, so that there is something to see."""
    path = Path(folder) / SETTINGS
    text = path.read_text(encoding="utf-8")
    text = text.replace('late = "none"', 'late = "10% a day, at most 50%"')
    text = text.replace(text.splitlines()[0], 'title = "CRM, a demonstration"')
    due = "due = 2026-11-30T23:59:00\npoints = 10\nquestion_seconds = 3\n"
    files.write_text(path, f"{text}\n[exercises.{exercise}]\n{due}")


def decide(course: Course, exercise: Master, dropped: str) -> list[str]:
    """Drop a question, extend a deadline, settle what graders differ on; returns what was written."""
    from crmlab.course.marking import read_marking

    path = course.path(SETTINGS)
    line = f'drop = ["{dropped}"]'
    files.write_text(path, path.read_text(encoding="utf-8") + line + "\n")
    late = [
        student
        for student, record in read_records(course, exercise.name).items()
        if (record.get("when") or "") > "2026-12-01"
    ]
    rows = [f"{exercise.name},{student},due,2026-12-02 23:59,Ill that week." for student in late[:1]]
    marking = read_marking(course, exercise)
    rows += [
        f"{exercise.name},{each.student},{each.question},1.5,Between the two of us."
        for each in answers(course, exercise)
        if marking.of(each.student, each.question, each.text).conflict
    ]
    overrides = course.path("overrides.csv")
    files.write_text(
        overrides, overrides.read_text(encoding="utf-8-sig") + "".join(f"{row}\n" for row in rows)
    )
    return [line, *rows]


def drop_of(exercise: Master, slip: str) -> str:
    """The question to drop: neither the one with the slip nor one with points for its parts."""
    others = [name for name in exercise.checks if name != slip]
    whole = [name for name in others if "credit=" not in exercise.checks[name].source]
    return random.Random(3).choice(whole or others)
