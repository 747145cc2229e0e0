"""The list of threats and of honest styles, graded in one batch behind the strong walls."""

import os

import nbformat
import pytest

from crmlab.exercises.environment import python
from crmlab.grading import Submission, grade_batch
from crmlab.words.saying import spoken

from . import honest, hostile
from .probe import FRESH, LIMITS, SEED, Course, needs_walls, right_answer

pytestmark = needs_walls
CASES = {
    **{f"source-{name}": case for name, case in hostile.SOURCES.items()},
    **{f"change-{name}": case for name, case in hostile.CHANGES.items()},
    **{f"file-{name}": case for name, case in hostile.MALFORMED.items()},
}
HONEST = [*(f"honest-{name}" for name in honest.SOURCES), *(f"honest-{name}" for name in honest.CHANGES)]


@pytest.fixture(scope="module")
def reports(tmp_path_factory, master):
    course = Course(tmp_path_factory.mktemp("threats") / "submitted", master)
    for name, sources in honest.SOURCES.items():
        course.hand_in(f"honest-{name}", **sources)
    for name, change in honest.CHANGES.items():
        course.hand_in(f"honest-{name}", change=change)
    for name, (change, _) in honest.MOVED_ABOUT.items():
        course.hand_in(f"editor-{name}", change=change)
    for name, (sources, _, _) in hostile.SOURCES.items():
        course.hand_in(f"source-{name}", **sources)
    for name, (change, _, _) in hostile.CHANGES.items():
        course.hand_in(f"change-{name}", change=change)
    for name, (make, _, _) in hostile.MALFORMED.items():
        course.hand_in(f"file-{name}", data=make(course.honest()))
    _odd_files(course)
    course.hand_in("hard-coded", q1=f"total = {right_answer(master)!r}")
    course.add("handed-in-nothing", None)
    course.submissions.append(Submission("handed-in-a-pdf", None, SEED, "x.pdf: a PDF, not a notebook"))
    found = grade_batch(master, course.submissions, FRESH, jobs=2, limits=LIMITS)
    return {each.student: each for each in found}


def _odd_files(course):
    folder = course.folder
    secret = folder.parent / "elsewhere.ipynb"
    secret.write_text(nbformat.writes(course.honest()))
    (folder / "link.ipynb").symlink_to(secret)
    (folder / "folder.ipynb").mkdir()
    os.mkfifo(folder / "pipe.ipynb")
    with open(folder / "big.ipynb", "wb") as file:
        file.truncate(200 << 20)
    for name in ("link", "folder", "pipe", "big", "absent"):
        course.add(name, folder / f"{name}.ipynb")
    odd = folder / "Ünïcode $(rm -rf) '\"; name\n.ipynb"
    odd.write_text(nbformat.writes(course.honest()))
    course.add("odd name $(id)", odd)


def _about(report):
    return [(each.name, each.verdict, each.reason) for each in report.questions], report.flags


@pytest.mark.parametrize("name", HONEST)
def test_honest_work_scores_full_without_a_flag(reports, name):
    report = reports[name]
    assert report.score == 6, _about(report)
    allowed = {"honest-renamed": {"edited cell"}, "honest-without_any_id": {"edited cell"}}.get(name, set())
    assert {flag["kind"] for flag in report.flags} <= allowed, _about(report)
    assert all((each.right, each.variants) == (3, 3) for each in report.questions)


@pytest.mark.parametrize("name", honest.MOVED_ABOUT)
def test_what_an_editor_does_to_the_cells_costs_nothing_and_is_told(reports, name):
    report = reports[f"editor-{name}"]
    assert report.score == 6, _about(report)
    assert {flag["kind"] for flag in report.flags} == honest.MOVED_ABOUT[name][1], _about(report)


@pytest.mark.parametrize("name", CASES)
def test_attack_scores_what_honest_work_would_and_is_flagged(reports, name):
    _, score, kinds = CASES[name]
    report = reports[name]
    assert report.score == score, _about(report)
    assert not kinds or kinds & {flag["kind"] for flag in report.flags}, _about(report)
    assert {"network", "disk", "processes"} <= set(report.walls)


@pytest.mark.parametrize(
    "name, verdict, flagged",
    [("link", "unreadable", True), ("folder", "unreadable", True), ("pipe", "unreadable", True),
     ("big", "unreadable", True), ("absent", "missing", False), ("handed-in-nothing", "missing", False), ("handed-in-a-pdf", "unreadable", True)],
)  # fmt: skip
def test_files_that_are_no_notebooks(reports, name, verdict, flagged):
    report = reports[name]
    assert {each.verdict for each in report.questions} == {verdict}
    assert report.score == 0 and report.possible == 6
    assert bool(report.flags) == flagged


def test_an_odd_file_name_does_no_harm(reports):
    assert reports["odd name $(id)"].score == 6


@pytest.mark.parametrize(
    "name, verdict",
    [("source-nan", "not_finite"), ("source-truth", "type"), ("source-number_in_quotes", "type"),
     ("source-number_in_a_list", "shape"), ("source-rows_missing", "shape"), ("source-rows_twice", "shape"),
     ("source-equal_to_all", "type"), ("source-endless", "timeout"), ("source-os_exit", "exited"),
     ("source-sys_exit", "exited"), ("source-memory_at_once", "memory"),
     ("source-misconception", "misconception"), ("change-removed", "missing"),
     ("source-output", "output"), ("source-null_byte", "error"), ("change-forged_cards", "todo")],
)  # fmt: skip
def test_the_reason_is_named(reports, name, verdict):
    assert verdict in [each.verdict for each in reports[name].questions], _about(reports[name])


def test_code_for_another_python_or_package_is_told_what_grades(reports):
    absent = spoken(reports["source-package_that_is_not_here"].questions[0].reason)
    assert "no package polars" in absent and "numpy" in absent and python() in absent
    assert f"graded by Python {python()}" in spoken(reports["source-newer_syntax"].questions[0].reason)
    newer = reports["change-newer_python"]
    assert "saved by Python 3.99.1" in spoken(newer.questions[0].reason)


def test_a_hard_coded_answer_fails_the_fresh_variants(reports):
    question = reports["hard-coded"].questions[0]
    assert (question.verdict, question.right, question.variants, question.points) == ("wrong", 1, 3, 0)
    assert "hard-coded" in {flag["kind"] for flag in reports["hard-coded"].flags}


def test_reports_say_nothing_of_the_right_answer(reports, master):
    from crmlab.exercises import running

    for seed in (SEED, *FRESH):
        right = running.questions(master, {"seed": seed})
        for name in ("source-nan", "change-removed", "source-os_exit", "source-misconception", "hard-coded"):
            report = reports[name]
            for each in report.questions:
                if each.verdict != "right" and each.right == 0:
                    assert repr(right[each.name].right) not in repr(each)
