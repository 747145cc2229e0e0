"""Between classmates: wrong answers that are another's right ones, and code that is alike. Evidence only."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from crmlab.exercises.copies import make_copy, solution_cells
from crmlab.exercises.masters import BEGIN, END, Master, role
from crmlab.grading.judge import CHANCE, COMPARED, Judge
from crmlab.grading.reports import Report
from crmlab.grading.similarity import alike, fingerprint, like_solution
from crmlab.words.saying import said

COPIED, SIMILAR, SOLUTION = "classmate's answer", "similar code", "solution's code"
SHOWN = 5  # classmates that a flag names
GROUP = 100  # classmates of whom each is compared with each


def flag_all(
    exercise: Master, own: Mapping[str, dict], reports: Mapping[str, Report], judges: list[Judge]
) -> None:
    """Flag what reports have in common, anew.

    Parameters
    ----------
    exercise : Master
    own : dict of str to dict
        Everyone's parameters.
    reports : dict of str to Report
    judges : list of Judge
        Those that run; one is added if it is needed and there is none.
    """
    for report in reports.values():
        report.flags = [flag for flag in report.flags if flag["kind"] not in (COPIED, SIMILAR, SOLUTION)]
    wrong = {student: answers for student, report in reports.items() if (answers := _wrong(report))}
    if wrong and len(own) > 1:
        judges += [Judge()] if not judges else []
        _flag_answers(exercise, own, reports, judges, wrong)
    _flag_code(exercise, reports)


def _wrong(report):
    """``{question: given}`` of answers that were wrong on the student's own numbers."""
    return {
        each.name: each.given
        for each in report.questions
        if each.verdict in COMPARED and each.given is not None and not each.own_right
    }


def class_chance(pair: float, students: int) -> float:
    """How often a wrong answer is someone's right one in a class; `pair`: how often a given other's."""
    return 1 - (1 - pair) ** (students - 1)


def _flag_answers(exercise, own, reports, judges, wrong):
    names, same, hits, pairs = sorted(own), defaultdict(list), Counter(), Counter()
    for told in _asked(exercise, own, judges, wrong, names):
        for student, question, others in told["same"]:
            same[student, question] += others
        for question, (agreeing, compared) in told["pairs"].items():
            hits[question] += agreeing
            pairs[question] += compared
    for (student, question), others in sorted(same.items()):
        chance = class_chance(hits[question] / pairs[question] if pairs[question] else 1.0, len(names))
        if chance <= CHANCE:
            often = said(
                "grading.chance", percent=100 * chance, students=len(names),
                agreeing=hits[question], pairs=pairs[question],
            )  # fmt: skip
            evidence = said("grading.copied", question=question, students=_listed(others), often=often)
            reports[student].flag(COPIED, evidence, question)


def _asked(exercise, own, judges, wrong, names):
    """What the judges say of groups of classmates: the same groups, however many judges there are."""
    groups = [names[at : at + GROUP] for at in range(0, len(names), GROUP)]

    def ask(number):
        return [
            judges[number].ask(
                len(group), do="classmates", master=str(exercise.path), wrong=wrong,
                others={name: own[name] for name in group},
            )
            for group in groups[number :: len(judges)]
        ]  # fmt: skip

    with ThreadPoolExecutor(len(judges)) as pool:
        return [told for answers in pool.map(ask, range(len(judges))) for told in answers]


def _flag_code(exercise, reports):
    expected = solutions(exercise)
    for question, solution in expected.items():
        class_ = {
            student: report.code[question] for student, report in reports.items() if report.code.get(question)
        }
        for kind, key, found in (
            (SIMILAR, "grading.similar_code", alike(question, class_, set(solution))),
            (SOLUTION, "grading.solution_code", like_solution(question, class_, solution)),
        ):
            for each in found:
                evidence = said(
                    key, question=question, students=_listed(each.others), count=len(each.others) + 1,
                    answered=each.answered,
                )  # fmt: skip
                reports[each.student].flag(kind, evidence, question)


def solutions(exercise: Master) -> dict[str, list[str]]:
    """Fingerprints of the master's own solutions, by question."""
    given = given_names(exercise)
    return {
        name: fingerprint("\n".join(_unmarked(cell.source) for cell in cells), given)
        for name, cells in solution_cells(exercise).items()
    }


def given_names(exercise: Master) -> frozenset[str]:
    """Names that every copy has: they tell nothing of who wrote what, and are kept as they are."""
    import re

    copied = make_copy(exercise, exercise.check_parameters({})).cells
    given = [cell for cell in exercise.notebook.cells if role(cell) == "given"]  # of all alternatives
    code = [cell.source for cell in (*copied, *given) if cell.cell_type == "code"]
    return frozenset(name for source in code for name in re.findall(r"[^\W\d]\w*", source))


def _unmarked(source):
    return "\n".join(line for line in source.splitlines() if line.strip() not in (BEGIN, END))


def _listed(students: Sequence[str]) -> str:
    shown = sorted(students)
    return ", ".join(shown[:SHOWN]) + (", …" if len(shown) > SHOWN else "")
