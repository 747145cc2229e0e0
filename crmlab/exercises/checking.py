"""``crmlab check``: is everything in a copy right, and does what it shows follow from what it says?

Its blanks are put into the master and run as grading does it (`crmlab.exercises.foretelling`), so what is
right here is right there; nothing that the copy says of points or verdicts counts. The notebook itself is run
from a clean kernel by papermill, and what was saved is compared with what that shows, by nbval: work done out
of order, and cards that rest on something no longer in the notebook, are named.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from crmlab.exercises import comparing, running
from crmlab.exercises.copied import Copy, cards, describe, left_by_answer, read_copy, saved_verdicts
from crmlab.exercises.copies import make_copy
from crmlab.exercises.foretelling import foretell, missing_packages
from crmlab.exercises.manual import answer_in
from crmlab.exercises.masters import role
from crmlab.exercises.plain import well_formed
from crmlab.exercises.verdicts import Verdict
from crmlab.notebook.outcome import code_cells
from crmlab.words import words
from crmlab.words.layout import lines, width


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
    def ok(self) -> bool:
        return not self.stale and all(row.verdict.right for row in self.rows)

    @property
    def points(self) -> float:
        return sum(row.points for row in self.rows)

    def __str__(self):
        table = [words("check.header").split("|")]
        table += [[row.question, row.said, f"{row.points:g} / {row.of:g}"] for row in self.rows]
        table += [[words("check.total"), "", f"{self.points:g} / {sum(row.of for row in self.rows):g}"]]
        lines = [self.copy.exercise.title, "", *columns(table)]
        if self.stale or self.notes:
            lines += ["", *(f"- {each}" for each in self.stale + self.notes)]
        lines += ["", words("check.all_right" if self.ok else "check.not_all_right"), self._next()]
        return "\n".join(lines)

    def _next(self) -> str:
        """What to do now, in a sentence."""
        open_ = next((row.question for row in self.rows if not row.verdict.right), "")
        if self.stale:
            return words("check.advice")
        file = self.copy.path
        return words("check.next_question", question=open_, file=file) if open_ else words("check.next_done")


def columns(table: list[list[str]]) -> list[str]:
    """Rows of texts as lines, with a rule under the first row."""
    rule = ["-" * max(map(width, column)) for column in zip(*table)]
    head, *rest = lines([*table, rule])
    return [head, rest[-1], *rest[:-1]]


def check(
    path: Path | str, timeout: float = 600.0, say: Callable[[str], object] = lambda text: None
) -> Report:
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
        If there is no such file, or it is no copy.
    """
    from crmlab.notebook import run

    copy = read_copy(path)
    questions = running.questions(copy.exercise, copy.parameters)
    ran = any(cell.get("execution_count") is not None for cell in code_cells(copy.notebook))
    say(words("check.checking", file=copy.path.name))
    done = run(str(copy.path), timeout=timeout)
    report, stop = Report(copy), _failed_cell(copy, done)
    fresh = [_row(copy, question, done.notebook, stop) for question in questions.values()]
    _foretell(report, questions, fresh, done, timeout)
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
        report.stale += _card_problems(copy, fresh)
        report.stale += _differences(copy, done.notebook, stop)
    else:
        report.notes.append(words("check.never_run"))
    report.notes += _changes(copy)
    report.notes += _written(copy)
    return report


def _foretell(report, questions, fresh, done, timeout):
    """Fill in the rows with what grading would say, and note where the notebook itself says otherwise."""
    copy = report.copy
    if done.error is not None and done.error.name == "Timeout":
        report.rows = fresh
        return
    found = foretell(copy.exercise, copy.rebuilt, copy.parameters, timeout)
    for row, question in zip(fresh, questions.values()):
        report.rows.append(_graded(row, question, found[row.question]))
        if report.rows[-1].verdict.right and row.verdict.reason == "unchecked":
            report.notes.append(f"{row.question}: {row.said}")
    own = [cell.source for cell in copy.handed.cells if cell.kind == "code"]
    report.notes += [words("check.no_package", package=each) for each in missing_packages(own)]


def _graded(row, question, foretold):
    """The row of a question as grading would have it."""
    if foretold.right:
        return Row(row.question, foretold.verdict, words("check.verdict_right"), row.of, row.of)
    if foretold.verdict is not None and foretold.verdict.right:
        return Row(row.question, Verdict("wrong"), words("check.only_own"), 0, row.of)
    if foretold.verdict is not None and not (foretold.verdict.reason == "todo" and row.points == 0):
        said = words(f"check.verdict_{foretold.verdict.reason}", name=foretold.verdict.misconception)
        return Row(row.question, foretold.verdict, said, question.points_for(foretold.verdict), row.of)
    if row.points:
        return Row(row.question, Verdict("unchecked"), words("check.not_alone"), 0, row.of)
    return row


def _written(copy):
    """What people will mark."""
    for asked in copy.exercise.manual.values():
        cells = [copy.notebook.cells[number].source for number in copy.cell(asked.cell)]
        count = len(answer_in("\n".join(cells)).split())
        key = "manual" if count else "manual_blank"
        yield words(f"check.{key}", question=asked.name, points=f"{asked.points:g}", count=count)


def _answering(copy):
    """Numbers of the cells that give answers; their cards are compared by what they say."""
    return {number for check in copy.exercise.checks.values() for number in copy.cell(check.id)} | {
        number for number, cell in enumerate(copy.notebook.cells) if any(left_by_answer(cell))
    }


# ---------------------------------------------------------------------------------------------- judging


def _row(copy, question, fresh, stop):
    where = copy.cell(copy.exercise.checks[question.name].id)
    if len(where) != 1:
        return _no_row(question, "check.missing" if not where else "check.twice")
    if stop is not None and where[0] >= stop:
        return _no_row(question, "check.not_reached")
    told = [card for card in cards(fresh.cells[where[0]]) if card.get("question") == question.name]
    if not told:
        return _no_row(question, "check.no_answer")
    if told[-1].get("parameters") != copy.parameters or told[-1].get("exercise") != copy.exercise.name:
        return _no_row(question, "check.other_parameters")
    verdict = _judged(question, told[-1])
    said = words(f"check.verdict_{verdict.reason}", name=verdict.misconception)
    return Row(question.name, verdict, said, question.points_for(verdict), question.points)


def _no_row(question, key):
    return Row(question.name, Verdict("unchecked"), words(key), 0, question.points)


def _judged(question, card):
    given = card.get("given")
    return question.judge(given) if well_formed(given) else Verdict("unchecked")


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
    about = copy.notebook.metadata.get("crmlab")
    if isinstance(about, dict) and about.get("version") != copy.exercise.version:
        yield words("check.old_version")
        return
    told = dict.fromkeys(f"{kind}: {what}" for kind, what in copy.rebuilt.flags if kind != "edited cell")
    if told:
        yield words("check.told", changes="; ".join(told))
    roles = {cell.id: role(cell) for cell in copy.exercise.notebook.cells}
    for cell in make_copy(copy.exercise, copy.parameters).cells:
        if roles[cell.id] in ("parameters", "given", "check"):
            for number in copy.cell(cell.id):
                if copy.notebook.cells[number].source.strip() != cell.source.strip():
                    yield words("check.changed_cell", cell=describe(copy.notebook, number))
