"""A whole batch: resumed after a kill, compared between classmates, undisturbed by one bad submission."""

import json
import signal
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from crmlab.errors import InputError
from crmlab.exercises.reading import read
from crmlab.grading import Report, Submission, building, grade_batch
from crmlab.grading import judge as judging
from crmlab.grading.judge import strictly
from crmlab.words.saying import spoken

from .probe import FRESH, LIMITS, Course, extra, needs_walls, right_answer, write_master

BATCH = 12


def _hand_in(course, number):
    """Honest, wrong, hostile, missing: by turns."""
    student, seed = f"s{number:03}", 100 + number
    if number % 6 == 1:
        course.hand_in(student, seed, q1=f"total = {right_answer(course.master, 100)!r}")  # s000's
    elif number % 6 == 2:
        course.hand_in(student, seed, q1="import os\nos._exit(0)")
    elif number % 6 == 3:
        course.hand_in(student, seed, q2="means = 1 / 0")
    elif number % 6 == 4:
        course.hand_in(student, seed, data=b"no notebook")
    elif number == 11:
        course.add(student, None, seed)
    else:
        course.hand_in(student, seed)


def _files(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


RUN = textwrap.dedent("""
    import sys
    sys.path[:0] = [sys.argv[1]]
    from pathlib import Path
    from crmlab.exercises.masters import Master
    from crmlab.grading import grade_batch
    from grading.probe import Course, FRESH, LIMITS
    from grading.test_batch import BATCH, _hand_in
    folder = Path(sys.argv[2])
    course = Course.__new__(Course)
    course.folder, course.master, course.submissions = folder / "submitted", Master(folder / "90_probe/master.ipynb"), []
    for number in range(BATCH):
        _hand_in(course, number)
    grade_batch(course.master, course.submissions, FRESH, folder / sys.argv[3], jobs=int(sys.argv[4]), limits=LIMITS,
                on_done=lambda report: print(report.student, flush=True))
""")


def _command(folder, out, jobs):
    return [sys.executable, "-P", "-c", RUN, str(Path(__file__).parents[1]), str(folder), out, str(jobs)]


@needs_walls
def test_killed_and_started_again_it_gives_the_same_reports(tmp_path):
    Course(tmp_path / "submitted", write_master(tmp_path))
    whole = subprocess.run(_command(tmp_path, "whole", 2), capture_output=True, text=True, timeout=120)
    assert whole.returncode == 0, whole.stderr
    process = subprocess.Popen(_command(tmp_path, "parts", 1), stdout=subprocess.PIPE, text=True)
    limit = threading.Timer(120, process.kill)
    limit.start()
    for _ in range(4):
        process.stdout.readline()
    limit.cancel()
    process.send_signal(signal.SIGKILL)
    process.wait(20)
    process.stdout.close()
    assert 0 < len(_files(tmp_path / "parts")) < BATCH
    (tmp_path / "parts" / ".s007.json.abc12345.unfinished").write_bytes(b"")  # killed in the middle of a file
    again = subprocess.run(_command(tmp_path, "parts", 1), capture_output=True, text=True, timeout=120)
    assert again.returncode == 0, again.stderr
    assert len(again.stdout.split()) == BATCH
    assert _files(tmp_path / "parts") == _files(tmp_path / "whole")
    reports = {name: Report.from_text(text.decode()) for name, text in _files(tmp_path / "whole").items()}
    assert [reports[f"s{number:03}.json"].score for number in range(6)] == [6, 4, 4, 3, 0, 6]
    flags = reports["s001.json"].flags
    copied = [spoken(flag["evidence"]) for flag in flags if flag["kind"] == "classmate's answer"]
    assert len(copied) == 1 and "s000" in copied[0] and "%" in copied[0]
    assert not any(flag["kind"] == "classmate's answer" for flag in reports["s003.json"].flags)


@needs_walls
def test_a_report_stands_until_something_changes(course, master, tmp_path):
    course.hand_in("a", 1)
    course.hand_in("b", 2, q1="total = 0")
    out, graded = tmp_path / "out", []
    options = {"out": out, "jobs": 1, "limits": LIMITS}
    grade_batch(master, course.submissions, FRESH, **options)
    before = (out / "a.json").stat().st_mtime_ns
    grade_batch(
        master, course.submissions, FRESH, on_done=lambda report: graded.append(report.student), **options
    )
    assert sorted(graded) == ["a", "b"] and (out / "a.json").stat().st_mtime_ns == before
    course.submissions.clear()
    course.hand_in("a", 1, change=lambda notebook: notebook.cells.append(extra("1")))
    course.submissions.append(Submission("b", course.folder / "b.ipynb", 3))
    (out / "b.json").write_text('{"broken": ')
    reports = grade_batch(master, course.submissions, FRESH, **options)
    assert (out / "a.json").stat().st_mtime_ns != before
    assert Report.from_text((out / "b.json").read_text()) == reports[1]


@needs_walls
def test_interrupted_it_leaves_nothing_running(course, master, tmp_path):
    course.hand_in("a", 1)
    course.hand_in("b", 2, q1="import time\ntime.sleep(600)")

    def stop(report):
        raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        grade_batch(master, course.submissions, FRESH, tmp_path / "out", jobs=2, on_done=stop,
                    limits=replace(LIMITS, question_seconds=600, total_seconds=600))  # fmt: skip
    assert time.monotonic() - started < 300
    assert (tmp_path / "out" / "a.json").exists()


@needs_walls
def test_a_master_that_does_not_run_is_told(course, master, tmp_path):
    broken = write_master(tmp_path / "broken")
    text = broken.path.read_text()
    broken.path.write_text(text.replace("customers.spend.sum()", "customers.no_such_column.sum()"))
    course.hand_in("a")
    with pytest.raises(InputError, match="no_such_column"):
        grade_batch(broken, course.submissions, FRESH, jobs=1, limits=LIMITS)


@pytest.mark.parametrize("student", ["../up", "", ".", "..", "a/b", "a\0b", 7])
def test_students_whose_names_leave_the_folder_are_refused(master, student):
    if not building.strong():
        pytest.skip("no strong walls")
    with pytest.raises(InputError, match="cannot name"):
        grade_batch(master, [Submission(student, None, 1)], FRESH)


def test_two_submissions_of_one_student_are_refused(master):
    if not building.strong():
        pytest.skip("no strong walls")
    with pytest.raises(InputError, match="two submissions"):
        grade_batch(master, [Submission("a", None, 1)] * 2, FRESH)


@pytest.mark.parametrize(
    "raw",
    ["", "1", "[1]", '{"answer": NaN}', '{"answer": Infinity}', '{"answer": -Infinity}', '{"answer": 1e999}',
     '{"answer": {"rows": [[1]], "columns": ["a"], "right": true}}', '{"answer": {"a": 1}}', '{"verdict": "right"}',
     '{"answer": 1, "points": 9}', '{"answer": ' + "[" * 100_000 + "]" * 100_000 + "}", '{"answer": [[[[1]]]]}',
     '{"answer": ' + "9" * 10_000 + "}", '{"answer": 1} {"answer": 2}'],
)  # fmt: skip
def test_what_is_no_plain_answer_is_refused(raw):
    with pytest.raises(ValueError):
        strictly(raw)


@pytest.mark.parametrize(
    "raw", ['{"answer": 1}', '{"answer": null}', '{"answer": [1, "a", true]}', '{"answer": {"float": "nan"}}']
)
def test_plain_answers_are_read(raw):
    assert "answer" in strictly(raw)


def test_reading_never_raises(tmp_path):
    import random

    draw = random.Random(1)
    good = (b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code", "id": "a", '
            b'"metadata": {"nbgrader": {"grade_id": "q1"}, "tags": ["x"]}, "source": ["a = 1"], '
            b'"outputs": [{"data": {"application/vnd.crmlab.answer+json": {"question": "q1"}}}]}]}')  # fmt: skip
    pieces = [b"[", b"]", b"{", b"}", b'"', b"null", b"1e9", b",", b"\xff", b"\0", b"\\ud800", b"[[[["]
    path = tmp_path / "x.ipynb"
    for _ in range(400):
        data = bytearray(good)
        for _ in range(draw.randint(1, 4)):
            at = draw.randrange(len(data))
            data[at : at + draw.choice([0, 1, 5])] = draw.choice(pieces)
        path.write_bytes(data)
        handed = read(path, 10_000)
        assert handed.cells is not None or handed.verdict


@pytest.fixture
def endless(master, tmp_path):
    """A master that never ends."""
    broken = write_master(tmp_path / "endless")
    text = broken.path.read_text(encoding="utf-8")
    broken.path.write_text(
        text.replace("total = customers.spend.sum()", "while True: pass"), encoding="utf-8"
    )
    return broken


def test_a_judge_that_never_answers_is_not_waited_for(endless, monkeypatch):
    monkeypatch.setattr(judging, "PATIENCE", 3.0)
    with judging.Judge() as judge, pytest.raises(InputError, match="longer than 3 s"):
        judge.ask(
            do="judge",
            master=str(endless.path),
            picks={},
            variants=[{"parameters": {"seed": 1}, "answers": {}}],
        )


def test_a_judge_that_has_ended_is_told(master):
    with judging.Judge() as judge:
        judge.process.kill()
        with pytest.raises(InputError, match="has ended"):
            judge.ask(do="judge", master=str(master.path), picks={}, variants=[])


def test_a_long_request_and_a_long_reply_do_not_wait_for_each_other(master):
    """Both are longer than a pipe holds."""
    answers = {name: json.dumps({"answer": "x" * 1500}) for name in ("q1", "q2", "q3")}
    variants = [{"parameters": {"seed": 1}, "answers": answers}] * 200
    with judging.Judge() as judge:
        assert len(judge.ask(do="judge", master=str(master.path), picks={}, variants=variants)) == 200
