"""A batch of submissions, graded by a few workers; one bad submission never stops it.

Each worker has a sandbox, in which students' code runs, and a judge, in which it never does. A report is
written as soon as it is made. A batch that was killed and is called again with the same arguments skips what
it finds done, and ends with the same reports.
"""

import hashlib
import json
import queue
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from crmlab import files
from crmlab.errors import InputError
from crmlab.exercises.masters import Master, master, role
from crmlab.exercises.reading import read
from crmlab.grading import building
from crmlab.grading.assessing import Assessment
from crmlab.grading.classmates import flag_all, given_names
from crmlab.grading.judge import Judge
from crmlab.grading.reports import Limits, Report, Submission
from crmlab.grading.sandbox import Sandbox
from crmlab.grading.version import grader_version
from crmlab.words import words


def grade_batch(
    exercise: str | Master,
    submissions: Iterable[Submission],
    fresh_seeds: Sequence[int] | Callable[[str, str], Sequence[int]],
    out: Path | str | None = None,
    jobs: int = 2,
    on_done: Callable[[Report], object] | None = None,
    allow_weak_walls: bool = False,
    limits: Limits | None = None,
) -> list[Report]:
    """Grade submissions to one exercise.

    Parameters
    ----------
    exercise : str or Master
    submissions : list of Submission
        Of the whole course, for what is done already is skipped, and wrong answers are compared with all
        classmates' right ones.
    fresh_seeds : list of int, or callable
        Variants that nobody has seen; each answer must be right on these too. A callable draws them anew for
        each submission, from the student and the digest of the file: what a page tells of how code ended
        on them is of no use to the next submission.
    out : path, optional
        Folder for the reports, ``STUDENT.json``.
    jobs : int
        How many submissions at a time.
    on_done : callable, optional
        Called in this thread with each `Report` as it is made, and with those found done.
    allow_weak_walls : bool
        Go on where bubblewrap cannot build the strong walls. Students' code can then read what you can.
    limits : Limits, optional

    Returns
    -------
    list of Report
        In the order of the submissions.

    Raises
    ------
    InputError
        If the walls cannot stand, the master does not run, or an argument does not fit.
    """
    batch = _Batch(
        exercise if isinstance(exercise, Master) else master(exercise),
        _checked(submissions), _drawing(fresh_seeds), Path(out) if out is not None else None,
        limits or Limits(), _strength(allow_weak_walls),
    )  # fmt: skip
    if not (isinstance(jobs, int) and 1 <= jobs <= 256):
        raise InputError(f"jobs is {jobs!r}; it must be 1 to 256")
    if batch.out is not None:
        files.remove_unfinished(batch.out)  # of a run that was killed
    return batch.grade(jobs, on_done or (lambda report: None))


def _strength(allow_weak_walls):
    strong = building.strong()
    if not strong and sys.platform == "win32":
        raise InputError(words("grading.no_walls_at_all"))
    if not strong and not allow_weak_walls:
        raise InputError(words("grading.weak_walls", why=building.why_not()))
    return strong


def _checked(submissions):
    submissions, seen = list(submissions), set()
    for each in submissions:
        name = each.student if isinstance(each, Submission) else None
        if not isinstance(name, str) or not name.strip(". ") or set(name) & set("/\\\0") or len(name) > 200:
            raise InputError(f"student {name!r} cannot name a report's file")
        if name in seen:
            raise InputError(f"student {name!r} has two submissions; give one")
        seen.add(name)
    return submissions


def _drawing(fresh_seeds):
    """`fresh_seeds` as a function of student and digest."""
    if callable(fresh_seeds):
        return fresh_seeds
    fixed = list(fresh_seeds)
    return lambda student, digest: fixed


class _Batch:
    def __init__(self, exercise, submissions, fresh_seeds, out, limits, strong):
        self.exercise, self.submissions, self.out = exercise, submissions, out
        self.strong, self.limits = strong, limits
        if limits.total_seconds is None:
            runs = len(exercise.points) * (1 + len(fresh_seeds("", "")))
            self.limits = replace(limits, total_seconds=limits.question_seconds * runs)
        self.master = hashlib.sha256(exercise.path.read_bytes()).hexdigest()
        self.fresh_seeds, self.given = fresh_seeds, given_names(exercise)
        self.own = {each.student: exercise.check_parameters({"seed": each.seed}) for each in submissions}
        self.reports, self.sandboxes, self.stop = {}, [], threading.Event()
        self.preload = _imports(exercise)
        self.exposed = [exercise.path.parent, *([self.out] if self.out else [])]
        self.exposed += sorted({Path(each.path).parent for each in submissions if each.path is not None})

    def grade(self, jobs, on_done):
        todo, done = queue.Queue(), queue.Queue()
        for each in self.submissions:
            found = self._found(each)
            if found is None:
                todo.put(each)
            else:
                self.reports[each.student] = found
                on_done(found)
        judges = []
        try:
            if todo.qsize():
                self._work(todo, done, min(jobs, todo.qsize()), judges, on_done)
            self._compare(judges)
        finally:
            for judge in judges:
                judge.close()
        return [self.reports[each.student] for each in self.submissions]

    def _work(self, todo, done, jobs, judges, on_done):
        judges += [Judge() for _ in range(jobs)]
        workers = [
            threading.Thread(
                target=self._worker, args=(todo, done, judge, (number, jobs)), name=f"grade-{number}"
            )
            for number, judge in enumerate(judges)
        ]
        for worker in workers:
            worker.start()
        try:
            for _ in range(len(self.submissions) - len(self.reports)):
                report = done.get()
                if isinstance(report, BaseException):
                    raise report
                self._store(report)
                on_done(report)
        except BaseException:
            self.stop.set()
            for sandbox in list(self.sandboxes):
                sandbox.process.kill()  # what runs there now is graded next time
            raise
        finally:
            self.stop.set()
            for worker in workers:
                worker.join()

    def _worker(self, todo, done, judge, share):
        try:
            with Sandbox(self.strong, self.preload, self.exposed, share) as sandbox:
                self.sandboxes.append(sandbox)
                while not self.stop.is_set():
                    try:
                        submission = todo.get_nowait()
                    except queue.Empty:
                        return
                    done.put(Assessment(self, submission, sandbox, judge).report())
        except BaseException as error:  # the thread that asked for the batch raises it
            done.put(error)

    # ------------------------------------------------------------------------------------ reports on disk

    def fresh(self, student, digest):
        """Parameters of the variants that nobody has seen, for one submission."""
        seeds = self.fresh_seeds(student, digest)
        return [self.exercise.check_parameters({"seed": seed}) for seed in seeds]

    def key(self, submission, digest):
        facts = [grader_version(), self.master, digest, self.own[submission.student], submission.problem,
                 self.fresh(submission.student, digest),
                 asdict(self.limits), self.strong]  # fmt: skip
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def _path(self, student):
        return self.out / f"{student}.json"

    def _found(self, submission):
        """The report of an earlier run, if it is still what this one would say."""
        if self.out is None:
            return None
        try:
            report = Report.from_text(self._path(submission.student).read_text(encoding="utf-8"))
            digest = read(submission.path, self.limits.notebook).digest
            return report if report.key == self.key(submission, digest) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _store(self, report):
        self.reports[report.student] = report
        if self.out is not None:
            files.write_text(self._path(report.student), report.text())

    # ----------------------------------------------------------------------------------------- classmates

    def _compare(self, judges):
        """Flag what is alike between classmates, and store the reports of which that changes something."""
        before = {student: list(report.flags) for student, report in self.reports.items()}
        flag_all(self.exercise, self.own, self.reports, judges)
        for student, flags in before.items():
            if self.reports[student].flags != flags:
                self._store(self.reports[student])


def _imports(exercise):
    """Modules that the master's own cells import: the warm process has them ready."""
    import ast

    found = []
    for cell in exercise.notebook.cells:
        if role(cell) in ("given", "solution"):
            for node in ast.walk(ast.parse(cell.source)):
                if isinstance(node, ast.Import):
                    found += [each.name for each in node.names]
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    found.append(node.module)
    return list(dict.fromkeys(found))
