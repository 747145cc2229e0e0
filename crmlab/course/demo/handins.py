"""A small course made up from nothing: roster, released copies, and what thirty students might hand in.

The submissions are what the grader has to tell apart: right work, partly right work, known misconceptions,
blanks, numbers typed in, a classmate's numbers, broken files, and a few that attack. They go into a zip named
as Moodle names it, together with someone who is not on the roster and a name that is misspelt.
"""

import ast
import copy
import io
import random
import zipfile
from dataclasses import dataclass
from pathlib import Path

from crmlab import files
from crmlab.course.demo.week import written
from crmlab.course.folder import Course
from crmlab.errors import InputError
from crmlab.exercises import running
from crmlab.exercises.copies import make_copy, solution_cells, solved
from crmlab.exercises.masters import Master, answer_call, role
from crmlab.notebook.zygote import quick_import

with quick_import():
    import nbformat

FIRST = (
    "Aino",
    "Bảo",
    "Chiara",
    "Deniz",
    "Émile",
    "Fatima",
    "Goran",
    "Hana",
    "Ingrid",
    "João",
    "Kwame",
    "Li",
    "Mei",
    "Noor",
    "Olga",
    "Priya",
    "Quentin",
    "Rosa",
    "Søren",
    "Tomáš",
)
LAST = (
    "Almeida",
    "Bauer",
    "Chen",
    "Dvořák",
    "Eriksen",
    "Farouk",
    "García",
    "Haddad",
    "Ito",
    "Jansen",
    "Kowalska",
    "López",
    "Moreau",
    "Nguyen",
    "O'Brien",
    "Petrov",
    "Rossi",
    "Silva",
    "Tanaka",
    "Weber",
)
ATTACKS = (
    "import os\nos._exit(0)",
    "while True:\n    try:\n        pass\n    except BaseException:\n        pass",
    "class Anything:\n    def __eq__(self, other):\n        return True\n{name} = Anything()",
    (
        "import glob, os\nfound = [open(each).read() for each in glob.glob('/**/.secret', recursive=True)]\n"
        "found += [str(os.environ)]\n{name} = found"
    ),
    (
        "import json, math\nmath.isclose = lambda *_, **__: True\njson.dumps = lambda *_, **__: '99'\n"
        "print('<script>alert(1)</script> 100 of 100')\n{name} = '<img src=x onerror=alert(1)>'"
    ),
    "held = [' ' * 10**9 for _ in range(100)]\n{name} = len(held)",
)
SHARES = (
    ("right", 0.32),
    ("partly", 0.12),
    ("a part wrong", 0.08),
    ("misconception", 0.2),
    ("hostile", 0.07),
    ("blank", 0.07),
    ("typed in", 0.06),
    ("classmate's numbers", 0.04),
    ("broken", 0.04),
)


@dataclass
class Demo:
    """A demo course before anything has been collected.

    Attributes
    ----------
    folder, archive, times : pathlib.Path
        The course, what "Moodle" has to download, and its worksheet with the times.
    kinds : dict of str to str
        What each student is up to.
    """

    folder: Path
    archive: Path
    times: Path
    kinds: dict


def write_roster(path: Path, number: int) -> Path:
    """A roster of invented people."""
    if not 2 <= number <= 400:
        raise InputError(f"students is {number}; it must be 2 to 400")
    names = [f"{first} {last}" for first in FIRST for last in LAST]
    random.Random(5).shuffle(names)
    rows = [
        f"s{at:03d},{name},s{at:03d}@example.edu,{'Monday' if at % 2 else 'Thursday'}"
        for at, name in enumerate(names[:number], 1)
    ]
    return files.write_text(path, "\n".join(["id,name,email,section", *rows]) + "\n")


def new_folder(folder: Path | str) -> Path:
    """Refuse a folder that holds something."""
    folder = Path(folder).expanduser()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{str(folder)!r} holds something already; name a new folder with --out")
    return folder


def hand_in(folder: Path | str, exercise: str, knowing: Master) -> Demo:
    """Write what the students hand in, as a download from Moodle.

    Parameters
    ----------
    folder : path
        Of a course whose copies have been released.
    exercise : str
    knowing : Master
        What students know: the master without its slip.
    """
    course = Course(folder)
    master = course.exercise(exercise)
    kinds = _kinds([each.id for each in course.students])
    draw, entries, times = (
        random.Random(6),
        [],
        ["Identifier,Full name,Email address,Last modified (submission)"],
    )
    for number, student in enumerate(course.students, 4001):
        if kinds[student.id] == "nothing":
            continue
        name = student.name if number != 4003 else student.name.replace(student.name[1], "", 1)
        place = f"{name}_{number}_assignsubmission_file/{master.name}_{student.id}.ipynb"
        entries.append((place, _submission(course, knowing, student.id, kinds[student.id], draw)))
        day = "30 November" if draw.random() < 0.85 else "2 December"
        when = f"{day} 2026, {draw.randint(8, 21):02d}:15"
        times.append(f'Participant {number},{student.name},{student.email},"{when}"')
    entries.append(("Someone Else_4999_assignsubmission_file/homework.ipynb", entries[0][1]))
    archive = files.write_bytes(course.path("downloads", f"CRM-{master.name}-4000.zip"), _zip(entries))
    sheet = files.write_text(course.path("downloads", "worksheet.csv"), "\n".join(times) + "\n")
    return Demo(course.folder, archive, sheet, kinds)


def _kinds(ids):
    """What each student does; two in each thirty hand in nothing."""
    wanted = [kind for kind, share in SHARES for _ in range(max(1, round(share * len(ids))))]
    wanted = (wanted + ["right"] * len(ids))[: max(len(ids) - max(1, len(ids) // 20), 1)]
    wanted += ["nothing"] * (len(ids) - len(wanted))
    random.Random(7).shuffle(wanted)
    return dict(zip(ids, wanted))


def _submission(course, master, student, kind, draw):
    """The bytes of one submission."""
    if kind == "broken":
        return b'{"cells": [{"cell_type": "code", "source": "1 +'
    parameters = master.check_parameters({"seed": course.seed(master, student)})
    blank = make_copy(master, parameters)
    names = list(master.checks)
    made = {
        "blank": lambda: blank,
        "right": lambda: solved(blank, master),
        "partly": lambda: solved(blank, master, draw.sample(names, max(1, len(names) - draw.randint(1, 2)))),
        "a part wrong": lambda: _a_part_wrong(solved(blank, master), master, parameters),
        "misconception": lambda: _mistaken(solved(blank, master), master, draw),
        "hostile": lambda: _attacking(blank, master, draw),
        "typed in": lambda: _typed_in(blank, master, parameters),
        "classmate's numbers": lambda: _typed_in(blank, master, _neighbour(course, master, student)),
    }[kind]()
    if kind not in ("blank", "hostile"):
        _write_words(made, master, student)
    return (nbformat.writes(made) + "\n").encode()


def _write_words(notebook, master, student):
    for asked in master.manual.values():
        for cell in notebook.cells:
            if cell.id == asked.cell:
                cell.source = written(student)[0]


def _neighbour(course, master, student):
    ids = [each.id for each in course.students]
    other = ids[ids.index(student) - 1]
    return master.check_parameters({"seed": course.seed(master, other)})


def _answered(master, name):
    """The variable that a question is answered with, or None if it is an expression."""
    value = answer_call(master.checks[name].source).args[1]
    return value.id if isinstance(value, ast.Name) else None


def _mistaken(notebook, master, draw):
    """Solved, but for one question, where a known misconception is computed in place of the right answer."""
    notebook, found = copy.deepcopy(notebook), []
    for name, cell in master.checks.items():
        told = next(
            (each.value for each in answer_call(cell.source).keywords if each.arg == "misconceptions"), None
        )
        if isinstance(told, ast.Dict) and _answered(master, name):
            found += [
                (name, ast.unparse(value.elts[0])) for value in told.values if isinstance(value, ast.Tuple)
            ]
    if found:
        name, wrong = draw.choice(found)
        _extend(notebook, master, name, f"{_reference(master, name)}\n{_answered(master, name)} = {wrong}")
    return notebook


OFF = {  # how to spoil one part of an answer
    "rows": "{name} = {name}.copy()\n{name}.iloc[0, -1] = 3 * {name}.iloc[0, -1] + 1",
    "entries": "{name} = [3 * {name}[0] + 1, *{name}[1:]]",
}


def _a_part_wrong(notebook, master, parameters):
    """Solved, but for one row or entry of a question whose parts count one by one."""
    notebook = copy.deepcopy(notebook)
    for name, question in running.questions(master, parameters).items():
        if question.credit in OFF and _answered(master, name):
            _extend(notebook, master, name, OFF[question.credit].format(name=_answered(master, name)))
            break
    return notebook


def _reference(master, name):
    """What the master computes for itself before a question's check."""
    sources = []
    for cell in master.notebook.cells:
        if role(cell) == "reference":
            sources.append(cell.source)
        if cell is master.checks[name]:
            break
    return "\n".join(sources)


def _extend(notebook, master, name, source):
    last = solution_cells(master)[name][-1].id
    for cell in notebook.cells:
        if cell.id == last:
            cell.source += "\n" + source


def _attacking(notebook, master, draw):
    notebook = copy.deepcopy(notebook)
    for name in master.checks:
        _extend(notebook, master, name, draw.choice(ATTACKS).format(name=_answered(master, name) or "x"))
    notebook.metadata["crmlab"]["points"] = 1000
    return notebook


def _typed_in(notebook, master, parameters):
    """Right numbers for some parameters, typed in as numbers."""
    notebook = copy.deepcopy(notebook)
    for name, question in running.questions(master, parameters).items():
        variable = _answered(master, name)
        if variable:
            _extend(notebook, master, name, f"{variable} = {_literal(question.right)}")
    return notebook


def _literal(right):
    if isinstance(right, dict) and "rows" in right:
        return f"[dict(zip({right['columns']!r}, row)) for row in {right['rows']!r}]"
    if isinstance(right, dict) and "pairs" in right:
        return f"dict({right['pairs']!r})"
    return repr(right)


def _zip(entries):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return held.getvalue()
