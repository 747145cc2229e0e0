"""What a copy would be graded: rebuilt from the master as grading does it, and run on two sets of numbers.

It runs in processes of their own, in an empty folder: a file that lies beside the notebook, or a cell that
other numbers undo, fails here as it fails there. There are no walls: a learner's code runs as the learner.
"""

import ast
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from crmlab.exercises import environment, running
from crmlab.exercises.masters import Master
from crmlab.exercises.plain import well_formed
from crmlab.exercises.questions import Question
from crmlab.exercises.rebuilding import Rebuilt, plan
from crmlab.exercises.source import parsed
from crmlab.exercises.verdicts import Verdict

OTHER = 7_919  # to the seed: numbers that are not the learner's


@dataclass(frozen=True)
class Foretold:
    """What grading would make of one question.

    Attributes
    ----------
    verdict : Verdict or None
        On the learner's own numbers; None if there was no answer.
    elsewhere : bool
        Whether it is right on other numbers too.
    """

    verdict: Verdict | None
    elsewhere: bool = False

    @property
    def right(self) -> bool:
        return self.verdict is not None and self.verdict.right and self.elsewhere


def foretell(exercise: Master, rebuilt: Rebuilt, parameters: dict, timeout: float) -> dict[str, Foretold]:
    """`Foretold` of each question.

    Parameters
    ----------
    exercise : Master
    rebuilt : Rebuilt
        The copy.
    parameters : dict
        The learner's own.
    timeout : float
        Seconds that each run may take.
    """
    exercise = exercise.drawn(parameters)  # other numbers, the same questions
    variants = [parameters, _other(exercise, parameters)]
    asked = [running.questions(exercise, each) for each in variants]
    replies = _replies(rebuilt, exercise, variants, asked, timeout)
    found = {each.name: _foretold(each.name, asked, replies) for each in rebuilt.questions}
    for each in rebuilt.questions[1:]:
        undone = any("answer" not in reply.get(each.name, {}) for reply in replies)
        if not found[each.name].right and not each.is_blank and not each.verdict and undone:
            alone = _replies(rebuilt, exercise, variants, asked, timeout, only=each.name)
            again = _foretold(each.name, asked, alone)
            found[each.name] = again if again.right else found[each.name]
    return found


def _other(exercise, parameters):
    """Parameters of another variant, the same for the same copy."""
    known = exercise.parameters["seed"]
    low, high = int(known.low or 0), int(known.high or 10**9)
    seed = low + (parameters["seed"] - low + OTHER) % (high - low + 1)
    return exercise.check_parameters({**parameters, "seed": seed})


def _replies(rebuilt, exercise, variants, asked, timeout, only=None):
    """For each variant ``{question: what came back}``."""
    running_ = []
    for parameters, questions in zip(variants, asked):
        inputs = {name: questions[name].kind.inputs for name in exercise.functions}
        running_.append(_Run(plan(rebuilt, parameters, inputs, only=only)))
    return [each.replies([question.name for question in rebuilt.questions], timeout) for each in running_]


class _Run:
    """One plan, run in a process of its own."""

    def __init__(self, told):
        self.folder = tempfile.TemporaryDirectory(prefix="crmlab-check-", ignore_cleanup_errors=True)
        self.out = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it has been read
        variables = os.environ | {"MPLBACKEND": "Agg", "PYTHONDONTWRITEBYTECODE": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "crmlab.exercises.foretelling"],
            stdin=subprocess.PIPE, stdout=self.out, stderr=subprocess.DEVNULL, cwd=self.folder.name,
            env=variables,
        )  # fmt: skip
        self.told = json.dumps(told).encode()

    def replies(self, names, timeout):
        try:
            self.process.communicate(self.told, timeout)
        except (subprocess.TimeoutExpired, OSError):
            self.process.kill()
            self.process.wait()
        self.out.seek(0)
        lines = self.out.read().splitlines()
        self.out.close()
        self.folder.cleanup()
        return dict(zip(names, map(_read, lines)))


def _read(line):
    try:
        told = json.loads(line)
        return told if isinstance(told, dict) else {}
    except ValueError:
        return {}


def _foretold(name, asked, replies):
    verdicts = [_verdict(questions[name], reply.get(name, {})) for questions, reply in zip(asked, replies)]
    return Foretold(verdicts[0], all(each is not None and each.right for each in verdicts[1:]))


def _verdict(question: Question, reply: dict) -> Verdict | None:
    if "answer" not in reply or not well_formed(reply["answer"]):
        return None
    return question.judge(reply["answer"])


def missing_packages(sources: Iterable[str]) -> list[str]:
    """Modules that code imports and that are not wherever crmlab is; those that it writes itself left out."""
    found, written = set(), set()
    for source in sources:
        written |= {
            name.removesuffix(".py") for name in re.findall(r"%%writefile\s+(?:-a\s+)?([\w./]+)", source)
        }
        try:
            tree = parsed(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                found |= {each.name.partition(".")[0] for each in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    optional = {"google"}  # "am I in Colab?"
    return sorted(each for each in found - written - optional if not environment.is_provided(each))


def main() -> None:
    """Run the plan that comes in; a line goes out for each question."""
    told = json.load(sys.stdin)
    out = os.fdopen(os.dup(1), "w", encoding="ascii")
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1):  # what the learner's code prints is no answer
        os.dup2(null, number)
    from crmlab.exercises.working import Work

    work = Work(told)
    for asked in told["questions"]:
        out.write(json.dumps(work.question(asked)) + "\n")
        out.flush()


if __name__ == "__main__":
    sys.path[:] = [place for place in sys.path if place and Path(place) != Path.cwd()]
    main()
