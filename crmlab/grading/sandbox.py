"""The grader's end of a sandbox: starts the warm process, gives it runs, keeps the time."""

import json
import os
import secrets
import select
import subprocess
import tempfile
import time
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from crmlab.errors import InputError
from crmlab.grading import building
from crmlab.grading.clock import Budget, Reading
from crmlab.grading.inside.channel import Channel
from crmlab.grading.inside.watching import KINDS
from crmlab.grading.reports import Limits
from crmlab.words import words

START_SECONDS = 300  # on the wall, for a machine that has much else to do
HEAR_SECONDS = 120  # on the wall, for the warm process to answer
READ_SECONDS = 10  # that a run may be charged for reading its plan
LOOK = 0.5  # seconds between two looks at what a run has used
EVENT_BYTES = 1 << 15
CPUS = 4  # processors that a run may keep busy before its processor time is up
FORGED = 100  # lines that are no reply, before the run is ended


class Broken(Exception):
    """The sandbox itself failed; the submission may be innocent.

    Attributes
    ----------
    outcome : Outcome
        As far as the run came.
    """

    outcome = None


@dataclass
class Outcome:
    """What one run said.

    Attributes
    ----------
    answers : dict of int to bytes
        Raw lines by the number of the question. Written by the student's code: to be parsed strictly.
    cause : str
        Why the run ended early: ``timeout``, ``total``, ``memory``, ``output``, ``large``, ``exited``; or "".
    at : int or None
        The question at which it ended.
    status : int or None
        Of the process, negative for a signal.
    forged : int
        Number of lines that were no reply.
    scan, events : list
        Signs found before and while it ran, ``[kind, cell, evidence]``.
    walls : list of str
        That the run built around itself.
    """

    answers: dict = field(default_factory=dict)
    cause: str = ""
    at: int | None = None
    status: int | None = None
    forged: int = 0
    scan: list | None = None
    events: list = field(default_factory=list)
    walls: list = field(default_factory=list)


class Sandbox:
    """A warm process behind the strong walls, or the weak ones. Belongs to the thread that made it.

    Parameters
    ----------
    strong : bool
    preload : list of str
        Modules that the exercise imports.
    exposed : list of path
        Folders that must not be readable from inside; refused if they are.
    share : (int, int)
        Which of how many equal shares of the processors it may use: one student's endless loops do not take
        another's time.
    """

    def __init__(
        self,
        strong: bool,
        preload: Iterable[str] = (),
        exposed: Iterable[Any] = (),
        share: tuple[int, int] = (0, 1),
    ):
        self.strong, self.preload, self.exposed, self.share = strong, list(preload), list(exposed), share
        self.runs = 0
        self.process = None
        self._start()

    def _start(self):
        if self.strong:
            command, variables = (
                building.command(self.exposed, self.preload),
                {"PATH": os.environ.get("PATH", "")},
            )
        else:
            command, variables = building.weak_command(self.preload), building.weak_environment()
        self.control, theirs = Channel.pair()
        self.log = tempfile.TemporaryFile()
        with theirs, _processors(*self.share):
            self.process = subprocess.Popen(
                command, env=variables, stdin=theirs, stdout=subprocess.DEVNULL, stderr=self.log, cwd="/",
                start_new_session=not self.strong,
            )  # fmt: skip
        self.control.settimeout(START_SECONDS)
        try:
            hello = self.control.receive()
        except (OSError, ValueError):
            hello = None
        if hello is None:
            said = self._said()
            self.close()
            raise InputError(words("grading.no_sandbox", said=said))

    def _said(self):
        self.log.seek(0)
        return self.log.read(4000).decode("utf-8", "replace").strip()[-400:]

    def close(self) -> None:
        """End the warm process and everything that it started."""
        self.control.close()
        try:
            self.process.wait(2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def again(self) -> None:
        """Start over after a failure of the sandbox itself."""
        self.process.kill()
        self.close()
        self._start()

    def run(self, plan: dict, limits: Limits, budget: Budget) -> Outcome:
        """Run a plan's questions one after the other.

        Parameters
        ----------
        plan : dict
            For `crmlab.grading.inside.student`.
        limits : Limits
        budget : Budget
            Charged with what the run takes; nothing runs when it is spent.

        Returns
        -------
        Outcome

        Raises
        ------
        Broken
            If the sandbox fails, not the student's code.
        """
        return _Run(self, limits, budget).go(plan)


@contextmanager
def _processors(number, of):
    """Processes started meanwhile by this thread keep to one share of the processors."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    mine = sorted(before)[number % len(before) :: of] if of > 1 else before
    os.sched_setaffinity(0, mine)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class _Run:
    """One conversation with one child of the warm process."""

    def __init__(self, sandbox, limits, budget):
        self.sandbox, self.limits, self.budget, self.found = sandbox, limits, budget, Outcome()
        self.held, self.printed, self.told, self.ended, self.flooded = b"", 0, b"", None, False

    def go(self, plan):
        theirs = self._pipes()
        try:
            self._begin(theirs)
            self._talk(plan)
            self._finish()
        except Broken as broken:
            broken.outcome = self.found
            raise
        except OSError as error:
            broken = Broken(f"{type(error).__name__}: {error}")
            broken.outcome = self.found
            raise broken from error
        finally:
            self._close()
        self.found.events, forged = heard(self.told, self.flooded)
        self.found.forged += forged
        return self.found

    def _pipes(self):
        down, self.down = os.pipe()
        self.up, up = os.pipe()
        self.output, output = os.pipe()
        self.events, events = os.pipe()
        os.set_blocking(self.down, False)
        return [down, up, output, events]

    def _begin(self, theirs):
        self.sandbox.runs += 1
        limits = asdict(self.limits) | {"cpu": int(max(self.budget.left, 1)) * CPUS + 5}
        request = {"start": self.sandbox.runs, "limits": limits}
        try:
            self.sandbox.control.send(request, theirs)
        finally:
            for each in theirs:
                os.close(each)
        self.open = {self.up, self.output, self.events}

    def _talk(self, plan):
        self.reading = Reading(time.monotonic(), 0.0, 0.0)
        first = self._line(START_SECONDS)  # the machine's time, not the student's
        try:
            self.found.walls = json.loads(first)["walls"]
        except (TypeError, ValueError, KeyError):
            raise Broken(f"the walls of a run did not stand: {self._last_words()}") from None
        self.reading = self._look() or self.reading
        self._send(json.dumps(plan).encode() + b"\n")
        if plan["scan"]:
            line = self._timed(READ_SECONDS)
            if line is None:
                self.found.cause = "unreadable"
                return
            self.found.scan = json.loads(line)["scan"]
        for number in range(len(plan["questions"])):
            if not self._ask(number):
                self.found.at = number
                return

    def _ask(self, number):
        allowed = min(self.limits.question_seconds, self.budget.left)
        token = secrets.token_hex(8).encode()
        self._send(token + b"\n")
        line = self._timed(allowed, token)
        if line is None:
            if self.found.cause == "timeout" and allowed < self.limits.question_seconds:
                self.found.cause = "total"
            return False
        self.found.answers[number] = line[len(token) + 1 :]
        return True

    def _timed(self, allowed, token=b""):
        """The line that begins with `token`, or None; the budget is charged with what it took."""
        before = self.reading
        line = self._line(allowed)
        while line is not None and token and not line.startswith(token + b" "):  # nobody asked for this line
            self.found.forged += 1
            if self.found.forged > FORGED:
                self.found.cause, line = "large", None
            else:
                line = self._line(allowed - self.reading.charge(before))
        if self.ended is None:
            self.reading = self._look() or self.reading
        self.budget.charge(self.reading.charge(before))
        return line

    def _look(self):
        """A `Reading` of what the run has used, or None if it has ended."""
        self.sandbox.control.send({"look": True})
        message = self._hear()
        return Reading(time.monotonic(), *message["used"]) if message else None

    def _send(self, data):
        """Write to the run; a run that does not read will be out of time."""
        before = self.reading
        while data and self.ended is None:
            try:
                data = data[os.write(self.down, data[: 1 << 16]) :]
            except BlockingIOError:
                if not select.select([], [self.down], [], LOOK)[1]:
                    now = self._look()
                    if now is None or now.charge(before) > READ_SECONDS:
                        return
            except BrokenPipeError:
                return

    def _line(self, allowed):
        """The next line of the run, or None: then `cause` says why there is none."""
        before, looked = self.reading, time.monotonic()
        while b"\n" not in self.held:
            waiting = [*self.open, self.sandbox.control]
            pending = self.sandbox.control.pending
            ready, _, _ = select.select(waiting, [], [], 0 if pending else LOOK)
            ready += [self.sandbox.control] if pending else []
            if self.events in ready:
                self._listen()
            if self.output in ready:
                self.printed += len(self._read(self.output))
            if self.up in ready:
                self.held += self._read(self.up)
            if self.printed > self.limits.output or len(self.held) > self.limits.answer:
                self.found.cause = "output" if self.printed > self.limits.output else "large"
                return None
            if self.sandbox.control in ready and self.up not in ready:
                self._hear()
            elif b"\n" not in self.held and time.monotonic() - looked >= LOOK:
                self.reading, looked = self._look() or self.reading, time.monotonic()
            if self.ended is not None and not self._more():
                self.found.cause = self.ended["cause"] or "exited"
                return None
            if self.ended is None and self.reading.charge(before) >= allowed:
                self.found.cause = "timeout"
                return None
        line, _, self.held = self.held.partition(b"\n")
        return line

    def _more(self):
        """Whether a run that has ended has left something unread."""
        return b"\n" in self.held or (self.up in self.open and select.select([self.up], [], [], 0)[0])

    def _listen(self):
        data = self._read(self.events)
        self.flooded |= len(self.told) + len(data) > EVENT_BYTES
        self.told += data[: EVENT_BYTES - len(self.told)]

    def _read(self, pipe):
        data = os.read(pipe, 1 << 16)
        if not data:
            self.open.discard(pipe)
        return data

    def _hear(self):
        """What the warm process says; None, and `ended` is set, when it says that the run has ended."""
        self.sandbox.control.settimeout(HEAR_SECONDS)
        try:
            told = self.sandbox.control.receive()
        except (OSError, ValueError) as error:
            raise Broken(f"the sandbox does not answer: {error}") from None
        if told is None:
            raise Broken(f"the sandbox has ended: {self.sandbox._said()}")
        if "ended" not in told:
            return told
        self.ended = told["ended"]
        self.found.status = self.ended["status"]
        return None

    def _last_words(self):
        return self.sandbox._said()

    def _finish(self):
        """End the run if it has not ended, and wait until all its processes have gone."""
        if self.ended is None:
            self.sandbox.control.send({"end": True})
            while self._hear() is not None:  # what was asked before
                continue
        while self.events in self.open and not self.flooded and select.select([self.events], [], [], 0)[0]:
            self._listen()

    def _close(self):
        for each in (self.down, self.up, self.output, self.events):
            os.close(each)


def heard(told: bytes, flooded: bool = False) -> tuple[list[list[str]], int]:
    """Signs that a run told of itself, and how many lines were none: only code that forges writes such."""
    lines, found, forged = told.split(b"\n"), [], 0
    for line in lines[:-1]:  # what has no end was cut off with the run
        try:
            kind, cell, evidence = json.loads(line)
            if kind not in KINDS or not isinstance(cell, str) or not isinstance(evidence, str):
                raise ValueError(kind)
        except (ValueError, TypeError, RecursionError):
            forged += 1
        else:
            found.append([kind, cell[:80], evidence])
    return found, forged + flooded
