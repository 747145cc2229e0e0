"""The grading of one submission: rebuilt, run on each variant, judged, added up."""

from typing import Any

from crmlab.errors import InputError
from crmlab.exercises import environment
from crmlab.exercises.copies import make_copy
from crmlab.exercises.manual import written_answer
from crmlab.exercises.reading import read, unusable
from crmlab.exercises.rebuilding import plan, rebuild
from crmlab.grading import building
from crmlab.grading.clock import Budget
from crmlab.grading.judge import Judge
from crmlab.grading.reports import QuestionResult, Report, Submission
from crmlab.grading.sandbox import Broken, Sandbox
from crmlab.grading.similarity import fingerprint
from crmlab.words import words
from crmlab.words.saying import said

LONGEST_TEXT = 20_000  # characters of an answer in words
NOTHING_SECONDS = 20  # for a run of no question, to tell a broken machine from a student who breaks things


class Assessment:
    """The grading of one submission by one worker."""

    def __init__(self, batch: Any, submission: Submission, sandbox: Sandbox, judge: Judge):
        self.batch, self.submission, self.sandbox, self.judge = batch, submission, sandbox, judge
        self.limits, self.own = batch.limits, batch.own[submission.student]
        self.exercise = batch.exercise.drawn(self.own)
        self.ends = {}  # question -> why its run ended early
        self.result = Report(submission.student, batch.exercise.name, batch.master)
        self.result.walls = list(building.always() + (building.STRONG if batch.strong else ()))

    def report(self) -> Report:
        handed = read(self.submission.path, self.limits.notebook)
        if self.submission.path is None and self.submission.problem:
            handed = unusable(self.submission.problem)
        self.result.key = self.batch.key(self.submission, handed.digest)
        self.fresh = self.batch.fresh(self.submission.student, handed.digest)
        for kind, evidence in handed.flags:
            self.result.flag(kind, evidence)
        if handed.cells is None:
            for name, points in self.exercise.all_points.items():
                self.result.questions.append(
                    QuestionResult(
                        name, points, verdict=handed.verdict, reason=handed.reason, variants=self.variants
                    )
                )
            return self.result
        rebuilt = rebuild(self.exercise, handed, self.own)
        for kind, evidence in rebuilt.flags:
            self.result.flag(kind, evidence)
        self.result.code = {
            each.name: fingerprint(each.code, self.batch.given) for each in rebuilt.questions if each.code
        }
        self.saved_by = handed.python
        verdicts = self._verdicts(rebuilt)
        for question in rebuilt.questions:
            self._add(question, verdicts[question.name])
        self._add_written(handed)
        self._compare_cards(handed)
        return self.result

    @property
    def variants(self) -> int:
        return 1 + len(self.fresh)

    # ---------------------------------------------------------------------------------------- running

    def _verdicts(self, rebuilt):
        """``{question: [verdict of each variant]}``; None where a variant gave no answer."""
        self.budget = Budget(self.limits.total_seconds)
        lost = {question.name for question in rebuilt.questions if question.verdict}
        variants = []
        for number, parameters in enumerate([self.own, *self.fresh]):
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
        if self.exercise.functions:
            inputs = self.judge.ask(do="inputs", master=str(self.exercise.path), picks=self.exercise.picks,
                                    parameters=parameters)  # fmt: skip
        return plan(rebuilt, parameters, inputs, *blank, **choice)

    def _judged(self, variants):
        request = {"do": "judge", "master": str(self.exercise.path), "picks": self.exercise.picks}
        return self.judge.ask(len(variants), **request, variants=variants)

    def _alone(self, rebuilt, name):
        """Verdicts on a question without the student's work on the others, if all are right then.

        So that what one cell does to names, data or libraries costs no other question.
        """
        at, found = [each.name for each in rebuilt.questions].index(name), []
        for parameters in [self.own, *self.fresh]:
            outcome = self._run(self._plan(rebuilt, parameters, only=name))
            raw = outcome.answers.get(at, b"").decode("utf-8", "replace")
            found.append(self._judged([{"parameters": parameters, "answers": {name: raw}}])[0][name])
            if found[-1]["verdict"] != "right":
                return None
        return found

    def _answers(self, rebuilt, parameters, lost, scan):
        """Raw answers for one variant.

        A run that dies at a question costs that question: the ones after it get a run in which it stays
        blank. Where other work of the student's ran before it, the question first gets a run of its own. A
        run that dies at a blank question all the same was undone by what ran before: each that is left runs
        alone.
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
                self.result.flag("unreadable", said("grading.no_scan"))
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
                outcome = self.sandbox.run(plan, self.limits, self.budget)
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
            self.result.flag("forged", said("grading.forged"))
        for kind, cell, evidence in [*(outcome.scan or []), *outcome.events]:
            self.result.flag(kind, f"{cell}: {evidence}" if cell else evidence, cell)
        return outcome

    def _undone(self, broken, plan):
        """The outcome of a run that broke two sandboxes; another's fault if a run of nothing breaks one."""
        try:
            self.sandbox.run({"questions": [], "scan": False}, self.limits, Budget(NOTHING_SECONDS))
        except Broken:
            raise self._broken(broken) from None
        self.result.flag("broken walls", said("grading.broke"))
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
        self.ends[name] = (cause, said(f"grading.{key}", **facts))
        self.result.flag(cause, _of(name, self.ends[name][1]))

    # --------------------------------------------------------------------------------------- adding up

    def _add(self, question, verdicts):
        row = QuestionResult(question.name, self.exercise.points[question.name], variants=self.variants)
        row.right = sum(1 for each in verdicts if each and each["verdict"] == "right")
        if question.verdict:
            row.verdict, row.reason = question.verdict, question.reason
        elif question.name in self.ends:
            row.verdict, row.reason = self.ends[question.name]
        else:
            self._judge(row, verdicts)
            self._explain(row, verdicts)
        self._flag_runs(row, verdicts)
        self.result.questions.append(row)

    def _add_written(self, handed):
        """What people are to mark: the student's words, and no points yet."""
        exercise = self.exercise
        copy = make_copy(exercise, self.own).cells if exercise.manual else ()
        for name, asked in exercise.manual.items():
            text = written_answer(handed.cells, copy, asked)
            row = QuestionResult(name, asked.points, verdict="manual" if text else "todo")
            if text is None:
                row.verdict, row.reason = "missing", said("grading.cell_missing", cell=asked.cell)
            elif text:
                row.given = _readable(text)
            self.result.questions.append(row)
        order = list(exercise.all_points)
        self.result.questions.sort(key=lambda row: order.index(row.name))

    def _judge(self, row, verdicts):
        """Points by the worst variant: what is right on one's own numbers alone is not."""
        own = verdicts[0]
        row.own_right = bool(own) and own["verdict"] == "right"
        row.share = min(each["share"] if each else 0.0 for each in verdicts)
        row.points = row.possible if row.right == self.variants else round(row.share * row.possible, 2)
        if row.right == self.variants or (own and own["verdict"] != "right"):
            row.take(own)
            return
        row.verdict, row.given = "wrong", own and own["given"]
        row.reason = said("grading.only_own", right=row.right, variants=self.variants)
        wrong = next((each for each in verdicts if each and each["verdict"] != "right"), None)
        if own and wrong and own["given"] is not None and wrong["given"] == own["given"]:
            self.result.flag("hard-coded", said("grading.hard_coded", question=row.name))
        else:
            self.result.flag("other variants", said("grading.other_variants", question=row.name))

    def _explain(self, row, verdicts):
        """Say which Python and packages grade, where an error may come of there being others at home."""
        if row.verdict != "error":
            return
        absent = next((each["absent"] for each in verdicts if each and each.get("absent")), "")
        if absent:
            row.reason = said("grading.no_package", package=absent, python=environment.python(),
                              packages=", ".join(environment.packages()))  # fmt: skip
            self.result.flag("package not here", said("grading.absent", question=row.name, package=absent))
        elif environment.is_newer(self.saved_by):
            newer = said("grading.newer_python", saved=self.saved_by, python=environment.python())
            row.reason = said("grading.and_also", first=row.reason, second=newer)
            self.result.flag("newer Python", _of(row.name, newer))
        elif row.reason["facts"].get("type") == "SyntaxError":
            here = said("grading.this_python", python=environment.python())
            row.reason = said("grading.and_also", first=row.reason, second=here)

    def _flag_runs(self, row, verdicts):
        if any(each and each.get("exited") for each in verdicts):
            self.result.flag("exit", _of(row.name, said("grading.exited")))
        for kind in ("memory", "disk"):
            if any(each and each.get("limit") == kind for each in verdicts):
                self.result.flag(kind, _of(row.name, row.reason))
        if any(each and each["verdict"] == "malformed" for each in verdicts):
            self.result.flag("forged", _of(row.name, said("grading.malformed")))

    def _compare_cards(self, handed):
        """Saved cards that say right where the grade says otherwise."""
        points = {row.name: row.points for row in self.result.questions}
        for cell in handed.cells:
            for name, verdict in cell.cards:
                if verdict == "right" and points.get(name) == 0:
                    self.result.flag("card differs", said("grading.card_differs", question=name))


def _readable(text):
    """What someone wrote, without characters that no page can show."""
    kept = "".join(each if each.isprintable() or each == "\n" else " " for each in text)
    return kept[:LONGEST_TEXT].encode("utf-8", "replace").decode()


def _of(question, reason):
    return said("grading.of_question", question=question, reason=reason)
