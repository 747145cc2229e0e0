"""Does an exercise hold for every learner? The master is put through many variants before anyone sees it.

For each variant: the master runs; the solved copy gets full points, also with each cell run twice; the blank
copy runs to its end and gets none; each question alone can be solved, the others being blank; each
misconception gets no points, and its own hint.
Over all variants: answers differ between variants, no more often alike between neighbours than between any
two, and no answer is another question's.
"""

import ast
import re
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import combinations, pairwise

from crmlab.errors import InputError
from crmlab.exercises import running
from crmlab.exercises.cards import drawn
from crmlab.exercises.copies import blocks, make_copy, solution_cells, solved
from crmlab.exercises.kinds import Choice, Text, Truth
from crmlab.exercises.masters import SCHEMA, Master, alternative, master, role
from crmlab.exercises.verdicts import Unfit

ALIKE = 0.10  # of pairs of learners may have answers that would pass for one another's
SURPRISING = 0.001  # probability below which "more often than chance" is reported


@dataclass
class Report:
    """What a stress test found.

    Attributes
    ----------
    name : str
    variants : int
    problems : list of str
        Sentences that an author can act on; empty when all is well.
    alike : dict of str to float
        For each question, the share of pairs of variants whose right answers pass for one another.
    seconds : float
    """

    name: str
    variants: int
    problems: list = field(default_factory=list)
    alike: dict = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return not self.problems


def stress(
    which: str | Master,
    variants: int = 20,
    first: int = 1,
    on_variant: Callable[[], object] | None = None,
) -> Report:
    """Put a master through `variants` seeds, from `first` on.

    Parameters
    ----------
    which : str or Master
    variants, first : int
    on_variant : callable, optional
        Called after each variant, for a progress bar.

    Returns
    -------
    Report
    """
    started = time.monotonic()
    exercise = which if isinstance(which, Master) else master(which)
    report = Report(exercise.name, variants)
    report.problems += static_problems(exercise)
    if report.problems:
        return report
    if "seed" not in exercise.parameters:
        raise InputError(f"{exercise.name} has no parameter seed, from which variants are made")
    asked, found = [], defaultdict(list)
    for seed in range(first, first + variants):
        parameters = exercise.check_parameters({"seed": seed})
        try:
            asked.append(running.questions(exercise, parameters))
            for problem in _variant_problems(exercise.drawn(parameters), parameters, asked[-1]):
                found[problem].append(seed)
        except InputError as error:
            found[f"does not run: {error}"].append(seed)
        if on_variant:
            on_variant()
    report.problems += [f"{problem} ({_seeds(seeds, variants)})" for problem, seeds in found.items()]
    if asked:
        report.problems += _picture_problems(asked[0])
        report.alike, more = _alike(asked)
        report.problems += more
    report.seconds = time.monotonic() - started
    return report


def _seeds(seeds, variants):
    some = ", ".join(map(str, seeds[:5])) + (", ..." if len(seeds) > 5 else "")
    return f"{len(seeds)} of {variants} variants: seed {some}"


# --------------------------------------------------------------------------------- before anything runs


def static_problems(exercise: Master) -> list[str]:
    """What is wrong with a master that can be seen without running it."""
    try:
        checks, _ = exercise.checks, exercise.parameters
    except InputError as error:
        return [str(error)]
    found = [] if checks else ['there is no check cell, answer("q1", ...)']
    for cell in exercise.notebook.cells:
        problem = _cell_problem(cell)
        if problem:
            found.append(f"cell {cell.id!r}: {problem}")
    for name, cells in solution_cells(exercise).items():
        if not cells:
            found.append(f"question {name!r} has no solution cell before its check cell")
    return found + list(_alternative_problems(exercise))


def _alternative_problems(exercise):
    """Each alternative asks its question, for the same points."""
    for question, names in exercise.alternatives.items():
        points = set()
        for name in names:
            one = exercise.taking({question: name})
            if question not in one.checks or alternative(one.checks[question]) != (question, name):
                yield f"alternative {name!r} of {question} has no check cell of its own"
                continue
            points.add(one.points[question])
            if not solution_cells(one)[question]:
                yield f"alternative {name!r} of {question} has no solution cell"
        if len(names) < 2:
            yield f"{question} has one alternative, {names[0]!r}: there is nothing to pick"
        if len(points) > 1:
            yield f"the alternatives of {question} give different points: {sorted(points)}"


def _cell_problem(cell):
    if cell.cell_type != "code":
        return ""
    if cell.outputs or cell.execution_count is not None:
        return "it has outputs; clear them"
    try:
        ast.parse(cell.source)
        marks = blocks(cell.source)
    except SyntaxError as error:
        return f"it is not plain Python: {error}"
    grading = cell.metadata.get("nbgrader")
    if not grading:
        return "it has no nbgrader metadata (exercises/README.md tells which)"
    if grading.get("grade_id") != cell.id:
        return (
            f"its grade_id {grading.get('grade_id')!r} differs from its id, or another cell has that id too"
        )
    if grading.get("schema_version") != SCHEMA or not re.fullmatch(r"[A-Za-z0-9_-]+", cell.id):
        return (
            f"its nbgrader metadata must have schema_version {SCHEMA} and an id of letters, digits, - and _"
        )
    if bool(marks) != (role(cell) == "solution"):
        return "solution markers and nbgrader's solution=true belong together"
    if grading.get("locked") == (role(cell) == "solution"):
        return "solution cells are not locked, all others are"
    return ""


# ------------------------------------------------------------------------------------------- one variant


def _variant_problems(exercise, parameters, questions):
    blank = make_copy(exercise, parameters)
    yield from _score_problems(exercise, parameters, questions, blank, right=(), what="the blank copy")
    for times, what in ((1, "the solved copy"), (2, "the solved copy with each cell run twice")):
        yield from _score_problems(
            exercise,
            parameters,
            questions,
            solved(blank, exercise),
            right=tuple(questions),
            what=what,
            times=times,
        )
    if len(questions) > 1:
        for name in questions:
            yield from _score_problems(
                exercise,
                parameters,
                questions,
                solved(blank, exercise, [name]),
                right=(name,),
                what=f"the copy with only {name} solved",
            )
    for name, question in questions.items():
        declared = exercise.points[name]
        if declared != question.points:
            yield f"{name}: points={question.points} in the call, {declared} in the cell's metadata"
        for each in question.misconceptions:
            verdict = question.judge(each.value)
            if verdict.misconception != each.name:
                yield f"{name}: the misconception {each.name!r} is judged {_said(verdict)}"


def _score_problems(exercise, parameters, questions, copy, right, what, times=1):
    try:
        given = running.run_cells(copy.cells, parameters, running.Given(questions), exercise.name, times)
    except InputError as error:
        yield f"{what} does not run to its end: {error}"
        return
    for name, question in questions.items():
        verdict = question.judge(given.get(name))
        expected = "right" if name in right else "todo"
        if verdict.reason != expected:
            yield f"{name}: {what} is judged {_said(verdict)}, not {expected}"


def _said(verdict):
    return f"misconception {verdict.misconception!r}" if verdict.misconception else verdict.reason


def _picture_problems(questions):
    for name, question in questions.items():
        if question.picture is None:
            continue
        try:
            with running.quiet():
                picture = drawn(question.picture)
        except Exception as error:
            yield f"{name}: its picture does not draw: {type(error).__name__}: {error}"
        else:
            if len(picture.alt) < 30:
                yield f"{name}: the alt text of its picture says too little: {picture.alt!r}"


# ------------------------------------------------------------------------------------ between variants


def _alike(asked):
    """The share of pairs that pass for one another, by question, and what is wrong with that."""
    shares, problems = {}, []
    for name in asked[0]:
        each = [questions[name] for questions in asked]
        pairs = list(combinations(range(len(each)), 2))
        share = sum(_passes(each[i], each[j]) for i, j in pairs) / max(len(pairs), 1)
        shares[name] = share
        few = isinstance(each[0].kind, (Choice, Text, Truth))
        if pairs and share == 1:
            problems.append(f"{name}: the answer is the same in all variants")
        elif share > ALIKE and not few:
            problems.append(
                f"{name}: two learners' answers pass for one another in {share:.0%} of the pairs; "
                "widen what the seed draws, or narrow the tolerance"
            )
        hits = sum(_passes(one, other) for one, other in pairwise(each))
        if _surprising(hits, len(each) - 1, share):
            problems.append(
                f"{name}: neighbouring seeds have the same answer {hits} times in {len(each) - 1}, "
                f"any two in {share:.1%}"
            )
    problems += _confused(asked)
    return shares, problems


def _confused(asked):
    """Questions whose right answer is another question's, more often than by chance."""
    for one in asked[0]:
        for other in asked[0]:
            if one != other:
                hits = sum(_passes(questions[one], questions[other]) for questions in asked)
                chance = sum(
                    _passes(first[one], second[other]) for first, second in zip(asked, asked[1:] + asked[:1])
                ) / len(asked)
                if hits / len(asked) > ALIKE or _surprising(hits, len(asked), chance):
                    yield f"the answer to {other} passes for that to {one} in {hits} of {len(asked)} variants"


def _passes(question, other):
    """Whether the right answer to `other` would be judged right as an answer to `question`."""
    try:
        return question.kind.same(question.kind.read(question.right), question.kind.read(other.right))
    except Unfit:
        return False


def _surprising(hits, trials, chance):
    from scipy.stats import binomtest

    return (
        trials > 0 and binomtest(hits, trials, max(chance, 0.01), alternative="greater").pvalue < SURPRISING
    )
