"""The warm process: imports the stack once, forks a child for each run, ends it with all that it started.

It holds one thread and never sees a submission: what a student wrote goes through pipes that it passes on
unread, so that a child's memory holds nothing of another's. It is asked over the socket that is its standard
input: ``{"start": number, "limits": {...}}`` with three pipes attached begins a run, ``{"end": true}`` ends
it, and ``{"ended": {...}}`` comes back once every process of the run has gone. ``{"look": true}`` asks what
the run has used so far.
"""

import contextlib
import fcntl
import gc
import importlib
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
from typing import Any

from crmlab.grading.inside import confine, metering
from crmlab.grading.inside.channel import Channel

WATCH = 0.1  # seconds between two looks at the memory of a run
PRELOADED = (
    "numpy", "scipy.stats", "scipy.optimize", "scipy.special", "pandas", "pandas.io.formats.format",
    "statsmodels.api", "statsmodels.formula.api", "patsy",
    "matplotlib.pyplot", "matplotlib.backends.backend_agg", "seaborn",
    "IPython.core.interactiveshell", "IPython.core.inputtransformer2", "IPython.display",
    "crmlab.exercises.practice", "crmlab.exercises.running", "crmlab.exercises.plain", "crmlab.plots",
    "crmlab.grading.inside.student",
)  # fmt: skip


def main(strong: bool, preload: list[str]) -> None:
    """Preload, say hello, then serve until the socket closes."""
    sys.path[:] = [
        place for place in sys.path if os.path.exists(place)
    ]  # an editable checkout is out of sight
    _preload(preload)
    control = Channel(socket.socket(fileno=os.dup(0)))
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1):
        os.dup2(null, number)
    if null > 2:
        os.close(null)
    Server(control, strong).serve()


def _preload(more):
    import warnings

    from crmlab.notebook.zygote import quick_import

    with quick_import(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in [*PRELOADED, *more]:
            try:
                importlib.import_module(name)
            except Exception:  # the code that needs it will say so
                continue
    if metering.threads() > 1:
        raise SystemExit(
            "a library started threads on import; a process with threads cannot be forked safely"
        )
    gc.collect()
    gc.freeze()


class Server:
    """One run at a time."""

    def __init__(self, control: socket.socket, strong: bool):
        self.control, self.strong = control, strong
        self.child = self.first = self.scratch = None
        self.home = os.open("/proc/self/ns/pid", os.O_RDONLY) if strong else None
        self.wake, self.wakened = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(self.wakened, False)
        signal.set_wakeup_fd(self.wakened)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        if not strong:
            confine.adopt_orphans()

    def serve(self) -> None:
        self.tell({"ready": os.getpid()})
        try:
            while True:
                ready, _, _ = select.select([self.control, self.wake], [], [], WATCH if self.child else None)
                if self.wake in ready:
                    self.reap()
                if self.control in ready and not self.obey_all():
                    return
                if not ready and self.child and self.memory() > self.limits["tree"]:
                    self.end(cause="memory")
        finally:
            if self.child:
                self.kill()

    def tell(self, message: dict[str, Any]) -> None:
        self.control.send(message)

    def obey_all(self) -> bool:
        """Do what is asked; False when nobody is there to ask any more."""
        more = True
        while more:
            request = self.control.receive()
            if request is None:
                return False
            self.obey(request)
            more = self.control.pending
        return True

    def obey(self, request: dict[str, Any]) -> None:
        if "start" in request:
            pipes = self.control.take_pipes()
            self.start(request["start"], request["limits"], pipes)
            for each in pipes:
                os.close(each)
        elif self.child and "look" in request:
            self.tell({"used": self.meter.read(self.pids())})
        elif self.child:
            self.end()

    def start(self, number: int, limits: dict[str, Any], pipes: list[int]) -> None:
        self.limits, self.status, self.meter = limits, None, metering.Meter()
        if self.strong:
            confine.call("unshare", confine.CLONE_NEWPID)
            try:
                self.first = os.posix_spawn("/usr/bin/sleep", ["sleep", "1000000"], {})
                self.child = self.fork(number, pipes)
            finally:
                confine.call("setns", self.home, confine.CLONE_NEWPID)
        else:
            self.scratch = tempfile.mkdtemp(prefix="crmlab-run-")
            self.child = self.fork(number, pipes)

    def fork(self, number: int, pipes: list[int]) -> int:
        pid = os.fork()
        if pid == 0:
            try:
                self.become_student(number, pipes)
            finally:
                os._exit(70)
        return pid

    def become_student(self, number: int, pipes: list[int]) -> None:
        down, up, output, events = range(10, 14)
        apart = [fcntl.fcntl(each, fcntl.F_DUPFD, 20) for each in pipes]
        for source, target in zip(apart, (down, up, output, events)):
            os.dup2(source, target, inheritable=False)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.closerange(3, 10)
        os.close(output)
        os.closerange(14, 4096)
        os.setsid()
        if sys.platform == "linux":
            with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
                file.write("1000")
        if self.strong:
            names = confine.confine(self.limits, number)
        else:
            os.chdir(self.scratch)
            for name in ("HOME", "TMPDIR", "MPLCONFIGDIR", "IPYTHONDIR"):
                os.environ[name] = self.scratch
            tempfile.tempdir = None
            names = ["temporary folder", *(["limits"] if confine.limit_if_possible(self.limits) else [])]
        from crmlab.grading.inside import student

        student.main(down, up, events, names)

    # -------------------------------------------------------------------------------------------- the end

    def reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self.wake, 4096)
        while self.child:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if not pid:
                break
            if pid == self.first:
                self.first = None
            if pid == self.child:
                self.status = os.waitstatus_to_exitcode(status)
                self.end()

    def end(self, cause: str | None = None) -> None:
        self.kill()
        self.tell({"ended": {"status": self.status, "cause": cause}})
        self.status = None

    def kill(self) -> None:
        """End every process of the run, and wait until all have gone."""
        child, first, self.child, self.first = self.child, self.first, None, None
        for pid, send in ((first, os.kill), (child, os.kill if self.strong else os.killpg)):
            if pid is not None:
                with contextlib.suppress(OSError):
                    send(pid, signal.SIGKILL)
        for pid in (child, first):
            if pid is not None:
                try:
                    _, status = os.waitpid(pid, 0)
                    if pid == child:
                        self.status = os.waitstatus_to_exitcode(status)
                except ChildProcessError:
                    pass
        if not self.strong:
            self.sweep()
            shutil.rmtree(self.scratch, ignore_errors=True)

    def sweep(self) -> None:
        """End orphans that left the run's group; they are this process's children by now."""
        for _ in range(100):
            left = metering.children(os.getpid())
            if not left:
                return
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)
                except OSError:
                    pass

    def pids(self) -> list[int]:
        """Of all processes of the run."""
        if not self.strong:
            return metering.descendants(os.getpid())
        own = {os.getpid(), 1, self.first}
        return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and int(pid) not in own]

    def memory(self) -> int:
        """Bytes that the run holds, those that it shares with the warm process left out."""
        held = sum(map(metering.private, self.pids()))
        return held + (metering.sockets() if self.strong else 0)


if __name__ == "__main__":
    main(sys.argv[1] == "strong", sys.argv[2:])
