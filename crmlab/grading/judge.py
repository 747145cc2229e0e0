"""The judge: a process that runs masters, never students' code, and tells right from wrong.

Lines of JSON come in and go out. What students answered comes as the raw text that left the sandbox; it is
parsed here, strictly, and compared by `crmlab.exercises.answers` with what the master gives for the variant.
"""

import json
import os
import re
import selectors
import signal
import subprocess
import sys
import time
from itertools import combinations
from pathlib import Path
from typing import Any

from crmlab.errors import InputError
from crmlab.exercises import running
from crmlab.exercises.masters import Master
from crmlab.exercises.plain import well_formed
from crmlab.exercises.questions import Question
from crmlab.exercises.verdicts import Verdict
from crmlab.grading.reports import printable
from crmlab.words import words
from crmlab.words.saying import said

PATIENCE = 300.0  # seconds for one run of a master, on a machine that has much else to do
SHORT = 2000  # characters of an answer that a report keeps
CHANCE = 0.05  # what happens more often by chance in a class is not worth a look
COMPARED = ("wrong", "units", "sign", "magnitude", "order", "misconception")


class Judge:
    """The grader's end of a judge."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "crmlab.grading.judge"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
        )  # fmt: skip
        os.set_blocking(self.process.stdin.fileno(), False)

    def ask(self, runs: int = 1, **request: Any) -> Any:
        """What the judge answers to `request`.

        Parameters
        ----------
        runs : int
            Runs of the master that it may need: so much longer it may take.
        **request

        Raises
        ------
        InputError
            If the master does not run for these parameters, or not in time.
        """
        try:
            line = self._exchange(json.dumps(request).encode() + b"\n", time.monotonic() + PATIENCE * runs)
        except TimeoutError:
            self.process.kill()
            raise InputError(words("grading.slow_judge", seconds=PATIENCE)) from None
        except OSError:
            line = b""
        if not line:
            raise InputError(words("grading.no_judge"))
        reply = json.loads(line)
        if "problem" in reply:
            raise InputError(reply["problem"])
        return reply["reply"]

    def _exchange(self, data, until):
        """Send a line and return the one that comes back, b"" if the judge has ended."""
        held, (down, up) = b"", (self.process.stdin.fileno(), self.process.stdout.fileno())
        with selectors.DefaultSelector() as waiting:
            waiting.register(up, selectors.EVENT_READ)
            waiting.register(down, selectors.EVENT_WRITE)
            while not held.endswith(b"\n"):
                ready = [key.fd for key, _ in waiting.select(until - time.monotonic())]
                if not ready:
                    raise TimeoutError
                if down in ready:
                    data = data[os.write(down, data[: 1 << 16]) :]
                    if not data:
                        waiting.unregister(down)
                if up in ready:
                    piece = os.read(up, 1 << 16)
                    if not piece:
                        return b""
                    held += piece
        return held

    def close(self) -> None:
        self.process.stdin.close()
        self.process.stdout.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def main() -> None:
    """Serve until the input closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the grader, whose end closes the input
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what masters print, by whatever way, is no answer
    for line in sys.stdin:
        request = json.loads(line)
        try:
            reply = {"reply": _DO[request.pop("do")](**request)}
        except InputError as error:
            reply = {"problem": str(error)}
        except Exception as error:  # a judge does not leave its grader without a word
            reply = {"problem": f"the judge failed: {type(error).__name__}: {error}"}
        out.write(json.dumps(reply) + "\n")
        out.flush()


# --------------------------------------------------------------------------------------------- one submission


def judge(master: str, picks: dict, variants: list[dict]) -> list[dict]:
    """For each variant ``{"parameters", "answers": {question: raw text}}`` the verdicts, by question.

    `picks` are the student's alternative questions: they are the same on all variants.
    """
    exercise = Master(Path(master)).taking(picks)
    found = []
    for each in variants:
        questions = running.questions(exercise, each["parameters"])
        found.append({name: verdict_on(questions[name], raw) for name, raw in each["answers"].items()})
    return found


def inputs(master: str, picks: dict, parameters: dict) -> dict:
    """``{question: inputs}`` of the questions that ask for a function."""
    exercise = Master(Path(master)).taking(picks)
    questions = running.questions(exercise, parameters)
    return {name: questions[name].kind.inputs for name in exercise.functions}


def verdict_on(question: Question, raw: str) -> dict[str, Any]:
    """The judgement of one raw answer, as a report keeps it."""
    try:
        told = strictly(raw)
    except ValueError:
        return _verdict("malformed", said("grading.malformed"))
    if "answer" in told:
        try:
            verdict, given = question.judge(told["answer"]), told["answer"]
        except Exception:  # data that no kind of answer foresaw
            return _verdict("malformed", said("grading.malformed"))
        return _judged(question, verdict, given) | {"exited": "exited" in told}
    if "error" in told:
        return _error(told["error"])
    if "exited" in told:
        return _verdict("exited", said("grading.exited")) | {"exited": True}
    if "unnamed" in told:
        return _verdict("todo", said("grading.unnamed", name=printable(told["unnamed"], 60)))
    return _verdict("malformed", said("grading.malformed"))


def strictly(raw: str) -> dict[str, Any]:
    """The JSON object in `raw`: finite numbers, plain data, no more than was agreed. Raises ValueError."""

    def refuse(name):
        raise ValueError(name)

    try:
        told = json.loads(raw, parse_constant=refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if type(told) is not dict or not set(told) <= {"answer", "error", "exited", "unnamed", "skipped"}:
        raise ValueError("another message")
    if "answer" in told:
        try:
            formed = well_formed(told["answer"])
        except RecursionError:
            formed = False
        if not formed:
            raise ValueError("no plain data")
    return told


def _verdict(verdict, reason, **more):
    row = {
        "verdict": verdict,
        "reason": reason,
        "share": 0.0,
        "hint": None,
        "misconception": "",
        "given": None,
    }
    return row | more


def _judged(question, verdict, given):
    if verdict.misconception:
        reason, hint = said("grading.misconception", name=verdict.misconception), verdict.facts["hint"]
    else:
        reason = _said(question, verdict)
        hint = question.hints[0] if question.hints and not verdict.right else None
    short = json.dumps(given)
    return _verdict(
        verdict.reason,
        reason,
        share=1.0 if verdict.right else verdict.share,
        hint=hint,
        misconception=verdict.misconception,
        given=given if len(short) <= SHORT else None,
    )


def _said(question, verdict):
    if verdict.reason in ("right", "todo"):
        return said(f"grading.{verdict.reason}")
    facts = {
        name: printable(value, 300) if isinstance(value, str) else value
        for name, value in verdict.facts.items()
    }
    found = said(f"cards.{verdict.text or 'say_' + verdict.reason}", **facts)
    if verdict.reason in ("units", "magnitude") and question.units:
        asked = said("cards.units_asked", units=question.units)
        found = said("grading.and_also", first=found, second=asked)
    return found


def _error(told):
    told = told if type(told) is dict else {}
    kind, line = printable(told.get("type", "?"), 60), told.get("line")
    message = printable(told.get("message", ""), 200)
    if kind.endswith("MemoryError") or message.startswith("[Errno 12]"):
        return _verdict("memory", said("grading.memory")) | {"limit": "memory"}
    where = said("grading.line", line=line) if type(line) is int and 0 < line < 100_000 else ""
    verdict = _verdict("error", said("grading.error", type=kind, message=message, where=where))
    absent = re.match(r"No module named '([\w.]{1,60})'", message) if kind == "ModuleNotFoundError" else None
    verdict |= {"absent": absent[1] if absent else ""}
    return verdict | ({"limit": "disk"} if message.startswith(("[Errno 27]", "[Errno 28]")) else {})


# ------------------------------------------------------------------------------------------------- classmates


def classmates(master: str, wrong: dict, others: dict) -> dict:
    """Wrong answers that are a classmate's right ones, and how often two classmates' right answers agree.

    Parameters
    ----------
    wrong : dict
        ``{student: {question: given}}``.
    others : dict
        ``{student: parameters}`` of the classmates to compare with.

    Returns
    -------
    dict
        ``same``: list of [student, question, [classmates]]; ``pairs``: {question: [agreeing, compared]}.
    """
    exercise = Master(Path(master))
    asked = {student: running.questions(exercise, parameters) for student, parameters in others.items()}
    same = []
    for student, answers in sorted(wrong.items()):
        for name, given in sorted(answers.items()):
            found = [
                other for other in sorted(asked) if other != student and _right(asked[other][name], given)
            ]
            if found:
                same.append([student, name, found])
    pairs = list(combinations(asked.values(), 2))
    names = sorted({name for answers in wrong.values() for name in answers})
    agreeing = {name: sum(_right(one[name], other[name].right) for one, other in pairs) for name in names}
    return {"same": same, "pairs": {name: [count, len(pairs)] for name, count in agreeing.items()}}


def _right(question, given):
    try:
        return question.judge(given) == Verdict("right")
    except Exception:
        return False


_DO = {"judge": judge, "inputs": inputs, "classmates": classmates}

if __name__ == "__main__":
    main()
