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
import time
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

from crmlab import files
from crmlab.errors import InputError
from crmlab.exercises.masters import Master, master, role
from crmlab.grading import building
from crmlab.grading.judge import COMPARED, SAMPLE, Judge
from crmlab.grading.reading import read
from crmlab.grading.rebuilding import plan, rebuild
from crmlab.grading.reports import Limits, Report, Submission
from crmlab.grading.sandbox import Broken, Sandbox
from crmlab.words import words

COPIED = "classmate's answer"
NOTHING_SECONDS = 20  # for a run of no question, to tell a broken machine from a student who breaks things


def grade_batch(
    exercise, submissions, fresh_seeds, out=None, jobs=2, on_done=None, allow_weak_walls=False, limits=None
):
    """Grade submissions to one exercise.

    Parameters
    ----------
    exercise : str or Master
    submissions : list of Submission
        Of the whole course, for what is done already is skipped, and wrong answers are compared with all
        classmates' right ones.
    fresh_seeds : list of int
        Variants that nobody has seen; each answer must be right on these too.
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
        _checked(submissions), list(fresh_seeds), Path(out) if out is not None else None,
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


@cache
def grader_version():
    """Digest of the code that a grade depends on."""
    package, digest = Path(__file__).resolve().parents[1], hashlib.sha256()
    for folder in ("grading", "exercises", "words"):
        for path in sorted((package / folder).rglob("*")):
            if path.suffix in (".py", ".toml"):
                digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


class _Batch:
    def __init__(self, exercise, submissions, fresh_seeds, out, limits, strong):
        self.exercise, self.submissions, self.out = exercise, submissions, out
        self.strong, self.limits = strong, limits
        if limits.total_seconds is None:
            runs = len(exercise.points) * (1 + len(fresh_seeds))
            self.limits = replace(limits, total_seconds=limits.question_seconds * runs)
        self.master = hashlib.sha256(exercise.path.read_bytes()).hexdigest()
        self.fresh = [exercise.check_parameters({"seed": seed}) for seed in fresh_seeds]
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
        if todo.qsize():
            self._work(todo, done, min(jobs, todo.qsize()), judges, on_done)
        try:
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
                    done.put(_Grading(self, submission, sandbox, judge).report())
        except BaseException as error:  # the thread that asked for the batch raises it
            done.put(error)

    # ------------------------------------------------------------------------------------ reports on disk

    def _key(self, submission, digest):
        facts = [grader_version(), self.master, digest, self.own[submission.student], self.fresh,
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
            return report if report.key == self._key(submission, digest) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _store(self, report):
        self.reports[report.student] = report
        if self.out is not None:
            files.write_text(self._path(report.student), report.text())

    # ----------------------------------------------------------------------------------------- classmates

    def _compare(self, judges):
        """Flag wrong answers that are a classmate's right ones."""
        wrong = {
            student: answers
            for student, report in self.reports.items()
            if (answers := {each["name"]: each["given"] for each in report.questions
                            if each["verdict"] in COMPARED and each["given"] is not None})
        }  # fmt: skip
        before = {student: list(report.flags) for student, report in self.reports.items()}
        for report in self.reports.values():
            report.flags = [flag for flag in report.flags if flag["kind"] != COPIED]
        if wrong and len(self.own) > 1:
            judges += [Judge()] if not judges else []
            self._flag_classmates(judges, wrong)
        for student, flags in before.items():
            if self.reports[student].flags != flags:
                self._store(self.reports[student])

    def _flag_classmates(self, judges, wrong):
        names = sorted(self.own)
        sample = [self.own[name] for name in names[:SAMPLE]]
        found = {}
        for number, judge in enumerate(judges):
            share = {name: self.own[name] for name in names[number :: len(judges)]}
            for student, question, same, chance in judge.ask(
                len(share) + len(sample), do="classmates", master=str(self.exercise.path),
                wrong=wrong, others=share, everyone=sample,
            ):  # fmt: skip
                found.setdefault((student, question), ([], chance))[0].extend(same)
        for (student, question), (same, chance) in sorted(found.items()):
            pairs = len(sample) * (len(sample) - 1) // 2
            often = words("grading.chance", percent=100 * chance, pairs=pairs)
            shown = ", ".join(sorted(same)[:5]) + (", …" if len(same) > 5 else "")
            self.reports[student].flag(
                COPIED, words("grading.copied", question=question, students=shown, often=often)
            )


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


class _Grading:
    """The grading of one submission by one worker."""

    def __init__(self, batch, submission, sandbox, judge):
        self.batch, self.submission, self.sandbox, self.judge = batch, submission, sandbox, judge
        self.limits, self.own = batch.limits, batch.own[submission.student]
        self.ends = {}  # question -> why its run ended early
        self.result = Report(submission.student, batch.exercise.name, batch.master)
        self.result.walls = list(building.ALWAYS + (building.STRONG if batch.strong else ()))

    def report(self):
        handed = read(self.submission.path, self.limits.notebook)
        self.result.key = self.batch._key(self.submission, handed.digest)
        for kind, evidence in handed.flags:
            self.result.flag(kind, evidence)
        if handed.cells is None:
            for name, points in self.batch.exercise.points.items():
                self.result.questions.append(
                    _row(name, points, handed.verdict, handed.reason, 0, self.variants)
                )
            return self.result
        rebuilt = rebuild(self.batch.exercise, handed, self.own)
        for kind, evidence in rebuilt.flags:
            self.result.flag(kind, evidence)
        verdicts = self._verdicts(rebuilt)
        for question in rebuilt.questions:
            self._add(question, verdicts[question.name])
        self._compare_cards(handed)
        return self.result

    @property
    def variants(self):
        return 1 + len(self.batch.fresh)

    # ---------------------------------------------------------------------------------------- running

    def _verdicts(self, rebuilt):
        """``{question: [verdict of each variant]}``; None where a variant gave no answer."""
        self.until = time.monotonic() + self.limits.total_seconds
        lost = {question.name for question in rebuilt.questions if question.verdict}
        variants = []
        for number, parameters in enumerate([self.own, *self.batch.fresh]):
            answers = self._answers(rebuilt, parameters, lost, scan=number == 0)
            lost |= set(self.ends)
            variants.append({"parameters": parameters, "answers": answers})
        judged = self._judged(variants)
        found = {
            question.name: [each.get(question.name) for each in judged] for question in rebuilt.questions
        }
        for question in rebuilt.questions[1:]:
            told = found[question.name]
            lost = question.verdict or question.name in self.ends or question.is_blank
            if not lost and any(each is None or each["verdict"] != "right" for each in told):
                found[question.name] = self._alone(rebuilt, question.name) or told
        return found

    def _plan(self, rebuilt, parameters, *blank, **choice):
        inputs = {}
        if self.batch.exercise.functions:
            inputs = self.judge.ask(do="inputs", master=str(self.batch.exercise.path), parameters=parameters)
        return plan(rebuilt, parameters, inputs, *blank, **choice)

    def _judged(self, variants):
        return self.judge.ask(
            len(variants), do="judge", master=str(self.batch.exercise.path), variants=variants
        )

    def _alone(self, rebuilt, name):
        """Verdicts on a question without the student's work on the others, if all are right then.

        So that what one cell does to names, data or libraries costs no other question.
        """
        at, found = [each.name for each in rebuilt.questions].index(name), []
        for parameters in [self.own, *self.batch.fresh]:
            outcome = self._run(self._plan(rebuilt, parameters, only=name))
            raw = outcome.answers.get(at, b"").decode("utf-8", "replace")
            found.append(self._judged([{"parameters": parameters, "answers": {name: raw}}])[0][name])
            if found[-1]["verdict"] != "right":
                return None
        return found

    def _answers(self, rebuilt, parameters, lost, scan):
        """Raw answers for one variant.

        A run that dies at a question costs that question: the ones after it get a run in which it stays
        blank. Where other work of the student's ran before it, the question first gets a run of its own. A run
        that dies at a blank question all the same was undone by what ran before: each that is left runs alone.
        """
        names, answers, blank = [each.name for each in rebuilt.questions], {}, set(lost)
        while set(names) - set(answers) - blank:
            outcome = self._run(self._plan(rebuilt, parameters, blank, scan=scan))
            for number, raw in outcome.answers.items():
                if names[number] not in blank:
                    answers.setdefault(names[number], raw.decode("utf-8", "replace"))
            scan = False if outcome.scan is not None or outcome.cause == "unreadable" else scan
            if outcome.at is None and outcome.cause != "unreadable":
                break
            if outcome.cause == "unreadable":
                self.result.flag("unreadable", words("grading.no_scan"))
                continue
            name = names[outcome.at]
            if name in blank:
                for each in [each for each in names if each not in answers and each not in blank]:
                    self._by_itself(rebuilt, parameters, each, answers)
                break
            if name not in answers and set(names[: outcome.at]) - blank:
                self._by_itself(rebuilt, parameters, name, answers, outcome)
            elif name not in answers and name not in self.ends:
                self._ended(name, outcome)
            blank.add(name)
            if outcome.cause == "total":
                for each in set(names) - set(answers) - blank:
                    self._ended(each, outcome)
                break
        return answers

    def _by_itself(self, rebuilt, parameters, name, answers, outcome=None):
        """Add the answer that a question gets without the student's work on the others, if it gets one.

        If not, `outcome` tells why; by default, that run's own.
        """
        alone = self._run(self._plan(rebuilt, parameters, only=name))
        at = [each.name for each in rebuilt.questions].index(name)
        if at in alone.answers:
            answers[name] = alone.answers[at].decode("utf-8", "replace")
        elif name not in self.ends:
            self._ended(name, outcome or alone)

    def _run(self, plan):
        for attempt in (1, 2):
            try:
                outcome = self.sandbox.run(plan, self.limits, self.until)
                break
            except Broken as broken:
                if self.batch.stop.is_set():
                    raise self._broken(broken) from None
                self.sandbox.again()
                if attempt == 2:
                    outcome = self._undone(broken, plan)
        for name in outcome.walls:
            if name not in self.result.walls:
                self.result.walls.append(name)
        if outcome.forged:
            self.result.flag("forged", words("grading.forged"))
        for kind, evidence in [*(outcome.scan or []), *outcome.events]:
            self.result.flag(kind, evidence)
        return outcome

    def _undone(self, broken, plan):
        """The outcome of a run that has broken two sandboxes; another's fault if a run of nothing breaks one."""
        try:
            self.sandbox.run(
                {"questions": [], "scan": False}, self.limits, time.monotonic() + NOTHING_SECONDS
            )
        except Broken:
            raise self._broken(broken) from None
        self.result.flag("broken walls", words("grading.broke"))
        outcome = broken.outcome
        outcome.cause, outcome.at = "exited", min(len(outcome.answers), len(plan["questions"]) - 1)
        return outcome

    def _broken(self, broken):
        return InputError(words("grading.broken", why=broken, student=self.submission.student))

    def _ended(self, name, outcome):
        cause = {"total": "timeout", "unreadable": "error"}.get(outcome.cause, outcome.cause)
        if outcome.cause == "exited" and outcome.status == -24:  # SIGXCPU
            cause = "timeout"
        facts = {"seconds": self.limits.question_seconds, "total": self.limits.total_seconds,
                 "mb": self.limits.output >> 20, "kb": self.limits.answer >> 10}  # fmt: skip
        key = "timeout_total" if outcome.cause == "total" else f"ended_{cause}"
        self.ends[name] = (cause, words(f"grading.{key}", **facts))
        self.result.flag(cause, f"{name}: {words(f'grading.{key}', **facts)}")

    # --------------------------------------------------------------------------------------- adding up

    def _add(self, question, verdicts):
        possible = self.batch.exercise.points[question.name]
        right = sum(1 for each in verdicts if each and each["verdict"] == "right")
        row = _row(question.name, possible, "", "", right, self.variants)
        first_wrong = next((each for each in verdicts if each and each["verdict"] != "right"), None)
        own = verdicts[0]
        if question.verdict:
            row |= {"verdict": question.verdict, "reason": question.reason}
        elif question.name in self.ends:
            cause, reason = self.ends[question.name]
            row |= {"verdict": cause, "reason": reason}
        elif right == self.variants:
            row |= _facts(own) | {"points": possible}
        elif own and own["verdict"] != "right":
            row |= _facts(own)
        else:
            row |= {
                "verdict": "wrong",
                "reason": words("grading.only_own", right=right, variants=self.variants),
            }
            row["given"] = own and own["given"]
            if own and first_wrong and first_wrong["given"] == own["given"] and own["given"] is not None:
                self.result.flag("hard-coded", words("grading.hard_coded", question=question.name))
            else:
                self.result.flag("other variants", words("grading.other_variants", question=question.name))
        if any(each and each.get("exited") for each in verdicts):
            self.result.flag("exit", f"{question.name}: {words('grading.exited')}")
        for kind in ("memory", "disk"):
            if any(each and each.get("limit") == kind for each in verdicts):
                self.result.flag(kind, f"{question.name}: {row['reason']}")
        if any(each and each["verdict"] == "malformed" for each in verdicts):
            self.result.flag("forged", f"{question.name}: {words('grading.malformed')}")
        self.result.questions.append(row)

    def _compare_cards(self, handed):
        """Saved cards that say right where the grade says otherwise."""
        points = {row["name"]: row["points"] for row in self.result.questions}
        for cell in handed.cells:
            for name, verdict in cell.cards:
                if verdict == "right" and points.get(name) == 0:
                    self.result.flag("card differs", words("grading.card_differs", question=name))


def _row(name, possible, verdict, reason, right, variants):
    return {
        "name": name, "points": 0, "possible": possible, "verdict": verdict, "reason": reason,
        "variants_right": f"{right}/{variants}", "hint": None, "misconception": "", "given": None,
    }  # fmt: skip


def _facts(judged):
    return {key: judged[key] for key in ("verdict", "reason", "hint", "misconception", "given")}
