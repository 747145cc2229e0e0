"""``crmlab check``: is everything in a copy right, and does what it shows follow from what it says?

The notebook is run from a clean kernel by papermill. Its answers are judged again here, by the master alone:
nothing that the copy says of points or verdicts counts. What was saved is compared with what a clean kernel
shows, by nbval. Work done out of order, and cards that rest on something no longer in the notebook, are
named.
"""

from dataclasses import dataclass, field

from crmlab.errors import InputError, listing
from crmlab.exercises import comparing, running
from crmlab.exercises.cards import MIME
from crmlab.exercises.copies import make_copy
from crmlab.exercises.manual import answer_in
from crmlab.exercises.masters import Master, masters, read_notebook, role
from crmlab.exercises.plain import well_formed
from crmlab.exercises.verdicts import REASONS, Verdict
from crmlab.notebook.outcome import code_cells
from crmlab.notebook.parameters import checked, read_parameters
from crmlab.words import words
from crmlab.words.layout import lines, width

FIXED = ("grade", "grade_id", "locked", "points", "solution", "task")


@dataclass(frozen=True)
class Copy:
    """A learner's copy as it stands in its file."""

    path: object
    notebook: object
    exercise: Master
    parameters: dict

    def cell(self, name):
        """Numbers of the cells that are the master's cell `name`: by their ids, else by their grade ids."""
        by_id = [number for number, cell in enumerate(self.notebook.cells) if cell.get("id") == name]
        return by_id or [number for number, cell in enumerate(self.notebook.cells) if _grade_id(cell) == name]


@dataclass(frozen=True)
class Row:
    """What became of one question."""

    question: str
    verdict: Verdict
    said: str
    points: float
    of: float


@dataclass
class Report:
    """What a check found; `str` gives it as a learner reads it.

    Attributes
    ----------
    rows : list of Row
    stale : list of str
        Why what was saved does not follow from the notebook.
    notes : list of str
        What else is worth knowing.
    """

    copy: Copy
    rows: list = field(default_factory=list)
    stale: list = field(default_factory=list)
    notes: list = field(default_factory=list)

    @property
    def ok(self):
        return not self.stale and all(row.verdict.right for row in self.rows)

    @property
    def points(self):
        return sum(row.points for row in self.rows)

    def __str__(self):
        table = [words("check.header").split("|")]
        table += [[row.question, row.said, f"{row.points:g} / {row.of:g}"] for row in self.rows]
        table += [[words("check.total"), "", f"{self.points:g} / {sum(row.of for row in self.rows):g}"]]
        lines = [self.copy.exercise.title, "", *columns(table)]
        if self.stale or self.notes:
            lines += ["", *(f"- {each}" for each in self.stale + self.notes)]
        lines += ["", words("check.all_right" if self.ok else "check.not_all_right")]
        if self.stale:
            lines += [words("check.advice")]
        return "\n".join(lines)


def columns(table):
    """Rows of texts as lines, with a rule under the first row."""
    rule = ["-" * max(map(width, column)) for column in zip(*table)]
    head, *rest = lines([*table, rule])
    return [head, rest[-1], *rest[:-1]]


def check(path, timeout=600.0, say=lambda text: None):
    """Run a copy afresh and judge it. Its file is left as it is.

    Parameters
    ----------
    path : path
        A notebook that ``crmlab start`` wrote.
    timeout : float
        Seconds that it may take.
    say : callable
        Told what is going on.

    Returns
    -------
    Report

    Raises
    ------
    InputError
        If there is no such file, it is no copy, or its metadata have been changed.
    """
    from crmlab.notebook import run

    copy = read_copy(path)
    questions = running.questions(copy.exercise, copy.parameters)
    ran = any(cell.get("execution_count") is not None for cell in code_cells(copy.notebook))
    say(words("check.checking", file=copy.path.name))
    done = run(str(copy.path), timeout=timeout)
    report, stop = Report(copy), _failed_cell(copy, done)
    report.rows = [_row(copy, question, done.notebook, stop) for question in questions.values()]
    if stop is not None:
        report.stale.append(
            words(
                "check.stopped",
                cell=describe(copy.notebook, stop),
                error=done.error.name + (f": {done.error.message}" if done.error.message else ""),
            )
        )
    if ran:
        say(words("check.comparing"))
        report.stale += _order_problems(copy.notebook)
        report.stale += _card_problems(copy, report.rows)
        report.stale += _differences(copy, done.notebook, stop)
    else:
        report.notes.append(words("check.never_run"))
    report.notes += _changes(copy)
    report.notes += _written(copy)
    return report


def _written(copy):
    """What people will mark."""
    for asked in copy.exercise.manual.values():
        cells = [copy.notebook.cells[number].source for number in copy.cell(asked.cell)]
        count = len(answer_in("\n".join(cells)).split())
        key = "manual" if count else "manual_blank"
        yield words(f"check.{key}", question=asked.name, points=f"{asked.points:g}", count=count)


# ------------------------------------------------------------------------------------------ reading a copy


def read_copy(path):
    """The `Copy` at `path`; see `check` for what is refused."""
    from pathlib import Path

    path = Path(path).expanduser()
    notebook = read_notebook(path)
    exercise = _exercise(path, notebook.metadata.get("crmlab"))
    known = exercise.parameters
    try:
        given = read_parameters(notebook.cells)
    except Exception as error:  # whatever a learner may have typed there
        raise InputError(
            f"the parameters cell of {path.name} cannot be read: {error}; it must have lines like "
            f"{next(iter(known))} = {next(iter(known.values())).default!r}"
        ) from None
    if set(given) != set(known):
        raise InputError(
            f"the parameters cell of {path.name} sets {listing(given) or 'nothing'}; it must set "
            f"{listing(known)} and nothing else. {_fresh(exercise)}"
        )
    parameters = checked(known, {name: each.default for name, each in given.items()}, exercise.name)
    _refuse_changed_metadata(path, notebook, exercise)
    return Copy(path.resolve(), notebook, exercise, parameters)


def _exercise(path, about):
    if not isinstance(about, dict) or about.get("copy") is not True:
        raise InputError(f"{str(path)!r} is not an exercise copy; crmlab start writes one")
    name, known = about.get("exercise"), masters()
    if not isinstance(name, str) or name not in known:
        raise InputError(
            f"{path.name} says it is a copy of {str(name)[:60]!r}; there are exercises "
            f"{listing(known) or 'none'}"
        )
    return known[name]


def _refuse_changed_metadata(path, notebook, exercise):
    """Cells of the master keep nbgrader's metadata. Lost ones do no harm, different ones do."""
    original = {cell.id: cell.metadata.get("nbgrader", {}) for cell in exercise.notebook.cells}
    for cell in notebook.cells:
        here = cell.metadata.get("nbgrader")
        if here is None or cell.get("id") not in original:
            continue
        there = original[cell.id]
        for key in FIXED:
            if not isinstance(here, dict) or here.get(key) != there.get(key):
                was, now = there.get(key), here.get(key) if isinstance(here, dict) else here
                raise InputError(
                    f"{path.name}: the metadata of cell {cell.id!r} have been changed ({key} is "
                    f"{str(now)[:40]}, it was {was}). {_fresh(exercise)}"
                )


def _fresh(exercise):
    return f"Write a fresh copy with crmlab start {exercise.name} --out and paste your work into it"


def _grade_id(cell):
    grading = cell.metadata.get("nbgrader")
    return grading.get("grade_id") if isinstance(grading, dict) else None


def _answering(copy):
    """Numbers of the cells that give answers; their cards are compared by what they say."""
    return {number for check in copy.exercise.checks.values() for number in copy.cell(check.id)} | {
        number for number, cell in enumerate(copy.notebook.cells) if any(_left_by_answer(cell))
    }


def describe(notebook, number):
    """A cell as a learner finds it: its place, and its first line of code."""
    lines = [line.strip() for line in notebook.cells[number].source.splitlines()]
    first = next((line for line in lines if line and not line.startswith("#")), lines[0] if lines else "")
    return words("check.cell", number=number + 1, first=first if len(first) <= 44 else first[:43] + "…")


# ---------------------------------------------------------------------------------------------- judging


def _row(copy, question, fresh, stop):
    where = copy.cell(copy.exercise.checks[question.name].id)
    if len(where) != 1:
        return _no_row(question, "check.missing" if not where else "check.twice")
    if stop is not None and where[0] >= stop:
        return _no_row(question, "check.not_reached")
    cards = [card for card in _cards(fresh.cells[where[0]]) if card.get("question") == question.name]
    if not cards:
        return _no_row(question, "check.no_answer")
    if cards[-1].get("parameters") != copy.parameters or cards[-1].get("exercise") != copy.exercise.name:
        return _no_row(question, "check.other_parameters")
    verdict = _judged(question, cards[-1])
    said = words(f"check.verdict_{verdict.reason}", name=verdict.misconception)
    return Row(question.name, verdict, said, question.points_for(verdict), question.points)


def _no_row(question, key):
    return Row(question.name, Verdict("unchecked"), words(key), 0, question.points)


def _judged(question, card):
    given = card.get("given")
    return question.judge(given) if well_formed(given) else Verdict("unchecked")


def _cards(cell):
    """The judged answers in a cell's outputs, as `answer` left them for machines."""
    return (card for card in _left_by_answer(cell) if card.get("verdict") != "hint")


def _left_by_answer(cell):
    for output in cell.get("outputs", []):
        data = output.get("data")
        card = data.get(MIME) if isinstance(data, dict) else None
        if isinstance(card, dict):
            yield card


def saved_verdicts(copy):
    """``{question: reason}`` as the saved cards say; ``todo`` where there is none."""
    reasons = {name: card.get("verdict", "todo") for name, card in _saved_cards(copy).items()}
    return {name: reason if reason in REASONS else "unchecked" for name, reason in reasons.items()}


def saved_points(copy):
    """``{question: points}``: the master's for what the saved cards call right, theirs for parts of it."""
    found, possible = {}, copy.exercise.points
    for name, card in _saved_cards(copy).items():
        points = possible[name] if card.get("verdict") == "right" else card.get("points", 0)
        fits = isinstance(points, (int, float)) and 0 <= points <= possible[name]
        found[name] = points if fits else 0
    return found


def _saved_cards(copy):
    """The last saved card of each question, empty where there is none."""
    found = {}
    for name, check in copy.exercise.checks.items():
        cards = [
            card
            for number in copy.cell(check.id)
            for card in _cards(copy.notebook.cells[number])
            if card.get("question") == name
        ]
        found[name] = cards[-1] if cards else {}
    return found


# ---------------------------------------------------------------------------------------------- staleness


def _failed_cell(copy, done):
    """Number of the cell that stopped the fresh run, or None."""
    if done.ok or done.error.name == "DuplicateResult":
        return None
    stopped = code_cells(copy.notebook)[(done.error.number or 1) - 1]
    return next(number for number, cell in enumerate(copy.notebook.cells) if cell is stopped)


def _order_problems(notebook):
    """Cells whose execution counts do not rise from top to bottom, and cells that were not run at all."""
    latest, latest_count = None, 0
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        count = cell.get("execution_count")
        if count is None:
            yield words("check.not_run", cell=describe(notebook, number))
        elif count <= latest_count:
            yield words(
                "check.out_of_order", cell=describe(notebook, number), earlier=describe(notebook, latest)
            )
        else:
            latest, latest_count = number, count


def _card_problems(copy, rows):
    saved = saved_verdicts(copy)
    for row in rows:
        where = copy.cell(copy.exercise.checks[row.question].id)
        if len(where) == 1 and copy.notebook.cells[where[0]].get("execution_count") is not None:
            if saved[row.question] == "right" and not row.verdict.right:
                yield words("check.hidden_state", question=row.question)
            elif saved[row.question] != "right" and row.verdict.right:
                yield words("check.old_card", question=row.question)


def _differences(copy, fresh, stop):
    try:
        found = comparing.differing(copy.notebook, fresh, _answering(copy))
    except comparing.Failed as failed:
        return [words("check.not_compared", problem=failed)]
    return [
        words("check.differs", cell=describe(copy.notebook, number))
        for number in found
        if stop is None or number < stop
    ]


def _changes(copy):
    """The master's own cells that the learner has edited."""
    if copy.notebook.metadata.crmlab.get("version") != copy.exercise.version:
        yield words("check.old_version")
        return
    roles = {cell.id: role(cell) for cell in copy.exercise.notebook.cells}
    for cell in make_copy(copy.exercise, copy.parameters).cells:
        if roles[cell.id] in ("parameters", "given", "check"):
            for number in copy.cell(cell.id):
                if copy.notebook.cells[number].source.strip() != cell.source.strip():
                    yield words("check.changed_cell", cell=describe(copy.notebook, number))
