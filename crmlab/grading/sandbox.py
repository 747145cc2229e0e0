"""The grader's end of a sandbox: starts the warm process, gives it runs, keeps the time."""

import json
import os
import secrets
import select
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

from crmlab.errors import InputError
from crmlab.grading import building
from crmlab.words import words

START_SECONDS = 120
LOOK_SECONDS = 10  # that a run may take to read its plan
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
        Signs found before and while it ran, ``[kind, evidence]``.
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

    def __init__(self, strong, preload=(), exposed=(), share=(0, 1)):
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
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.log = tempfile.TemporaryFile()
        with theirs, _processors(*self.share):
            self.process = subprocess.Popen(
                command, env=variables, stdin=theirs, stdout=subprocess.DEVNULL, stderr=self.log, cwd="/",
                start_new_session=not self.strong,
            )  # fmt: skip
        self.control.settimeout(START_SECONDS)
        try:
            hello = self.control.recv(4096)
        except OSError:
            hello = b""
        if not hello:
            said = self._said()
            self.close()
            raise InputError(words("grading.no_sandbox", said=said))

    def _said(self):
        self.log.seek(0)
        return self.log.read(4000).decode("utf-8", "replace").strip()[-400:]

    def close(self):
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

    def again(self):
        """Start over after a failure of the sandbox itself."""
        self.process.kill()
        self.close()
        self._start()

    def run(self, plan, limits, until):
        """Run a plan's questions one after the other.

        Parameters
        ----------
        plan : dict
            For `crmlab.grading.inside.student`.
        limits : Limits
        until : float
            On the monotonic clock; nothing runs after it.

        Returns
        -------
        Outcome

        Raises
        ------
        Broken
            If the sandbox fails, not the student's code.
        """
        return _Run(self, limits, until).go(plan)


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

    def __init__(self, sandbox, limits, until):
        self.sandbox, self.limits, self.until, self.found = sandbox, limits, until, Outcome()
        self.held, self.printed, self.told, self.ended = b"", 0, b"", None

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
        self.found.events = _events(self.told)
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
        limits = asdict(self.limits) | {"cpu": int(max(self.until - time.monotonic(), 1)) * CPUS + 5}
        request = {"start": self.sandbox.runs, "limits": limits}
        try:
            socket.send_fds(self.sandbox.control, [json.dumps(request).encode()], theirs)
        finally:
            for each in theirs:
                os.close(each)
        self.open = {self.up, self.output, self.events}

    def _talk(self, plan):
        first = self._line(time.monotonic() + LOOK_SECONDS)
        try:
            self.found.walls = json.loads(first)["walls"]
        except (TypeError, ValueError, KeyError):
            raise Broken(f"the walls of a run did not stand: {self._last_words()}") from None
        self._send(json.dumps(plan).encode() + b"\n")
        if plan["scan"]:
            line = self._line(min(self.until, time.monotonic() + LOOK_SECONDS))
            if line is None:
                self.found.cause = "unreadable"
                return
            self.found.scan = json.loads(line)["scan"]
        for number in range(len(plan["questions"])):
            if not self._ask(number):
                self.found.at = number
                return

    def _ask(self, number):
        question = time.monotonic() + self.limits.question_seconds
        token = secrets.token_hex(8).encode()
        self._send(token + b"\n")
        line = self._line(min(question, self.until))
        while line is not None and not line.startswith(token + b" "):  # nobody asked for this line
            self.found.forged += 1
            if self.found.forged > FORGED:
                self.found.cause = "large"
                return False
            line = self._line(min(question, self.until))
        if line is None:
            if self.found.cause == "timeout" and self.until < question:
                self.found.cause = "total"
            return False
        self.found.answers[number] = line[len(token) + 1 :]
        return True

    def _send(self, data):
        """Write to the run; a run that does not read is soon out of time."""
        until = time.monotonic() + LOOK_SECONDS
        while data and time.monotonic() < until:
            try:
                data = data[os.write(self.down, data[: 1 << 16]) :]
            except BlockingIOError:
                select.select([], [self.down], [], 0.1)
            except BrokenPipeError:
                return

    def _line(self, until):
        """The next line of the run, or None: then `cause` says why there is none."""
        while b"\n" not in self.held:
            left = until - time.monotonic()
            if left <= 0:
                self.found.cause = "timeout"
                return None
            waiting = [*self.open, self.sandbox.control]
            ready, _, _ = select.select(waiting, [], [], left)
            if self.events in ready:
                self.told += self._read(self.events)[: EVENT_BYTES - len(self.told)]
            if self.output in ready:
                self.printed += len(self._read(self.output))
            if self.up in ready:
                self.held += self._read(self.up)
            if self.printed > self.limits.output or len(self.held) > self.limits.answer:
                self.found.cause = "output" if self.printed > self.limits.output else "large"
                return None
            if self.sandbox.control in ready and self.up not in ready:
                self._hear()
                self.found.cause = self.ended["cause"] or "exited"
                return None
        line, _, self.held = self.held.partition(b"\n")
        return line

    def _read(self, pipe):
        data = os.read(pipe, 1 << 16)
        if not data:
            self.open.discard(pipe)
        return data

    def _hear(self):
        self.sandbox.control.settimeout(20)
        try:
            message = self.sandbox.control.recv(4096)
        except OSError as error:
            raise Broken(f"the sandbox does not answer: {error}") from None
        if not message:
            raise Broken(f"the sandbox has ended: {self.sandbox._said()}")
        self.ended = json.loads(message)["ended"]
        self.found.status = self.ended["status"]

    def _last_words(self):
        return self.sandbox._said()

    def _finish(self):
        """End the run if it has not ended, and wait until all its processes have gone."""
        if self.ended is None:
            self.sandbox.control.send(b'{"end": true}')
            self._hear()
        while self.events in self.open and len(self.told) < EVENT_BYTES:
            if not select.select([self.events], [], [], 0)[0]:
                break
            self.told += self._read(self.events)

    def _close(self):
        for each in (self.down, self.up, self.output, self.events):
            os.close(each)


def _events(told):
    """Signs that a run told of itself; anything else there is dropped."""
    found = []
    for line in told.split(b"\n"):
        try:
            kind, evidence = json.loads(line)
        except (ValueError, TypeError, RecursionError):
            continue
        if (
            isinstance(kind, str)
            and isinstance(evidence, str)
            and kind.replace(" ", "").isalpha()
            and len(found) < 30
        ):
            found.append([kind[:20], evidence])
    return found
