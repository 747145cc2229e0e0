"""Where a lesson's code runs: a kernel started afresh, or forked from a process that is warm already.

Both give the same outputs. The warm one saves the start of an interpreter and the imports, which is most
of the time that a short notebook takes. It needs Linux: forking a process with macOS's frameworks loaded
is unsafe, and Windows has no fork.
"""

import asyncio
import atexit
import contextlib
import importlib.util
import json
import math
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from pathlib import Path
from queue import Empty
from typing import Any

import crmlab
from crmlab.notebook.zygote import INLINE, quick_import

with quick_import():
    from jupyter_client.asynchronous import AsyncKernelClient
    from jupyter_client.channels import AsyncZMQSocketChannel
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager
    from jupyter_client.provisioning import LocalProvisioner
    from traitlets import Type, default

CAN_FORK = sys.platform == "linux"
_START_SECONDS = 60
LANGUAGE_VARIABLES = ("CRMLAB_LANGUAGE", "CRMLAB_NOTE_TEXTS")  # what a zygote has read, its kernels keep
_LOOK_SECONDS = 1.0  # between two looks at a socket that nothing has woken


def environment() -> dict[str, str]:
    """The environment variables of a lesson's kernel.

    One thread for linear algebra: sums then come in the same order on every machine, and several lessons at
    once do not fight for cores. The learner's own IPython and matplotlib settings stay out, and so
    does the name of the notebook that the learner has open.
    """
    variables = dict(os.environ)
    for library in ("OPENBLAS", "OMP", "MKL", "VECLIB_MAXIMUM", "BLIS"):
        variables[f"{library}_NUM_THREADS" if library != "VECLIB_MAXIMUM" else "VECLIB_MAXIMUM_THREADS"] = "1"
    variables.update(
        PYTHONHASHSEED="0",
        MPLBACKEND=INLINE,
        IPYTHONDIR=str(_scratch() / "ipython"),
        PYDEVD_DISABLE_FILE_VALIDATION="1",
    )
    for name in ("MPLSTYLE", "PYTHONSTARTUP", "PYTHONWARNINGS", "JPY_SESSION_NAME"):
        variables.pop(name, None)
    settings = _default_matplotlibrc()
    if settings:
        variables["MATPLOTLIBRC"] = settings
    return variables


class WakefulChannel(AsyncZMQSocketChannel):
    """Looks for messages once a second even if nothing wakes it.

    jupyter_client sends behind asyncio's back, on the same socket, and a message that arrives in that very
    moment wakes nobody. Widgets make a client send in the middle of a cell; the cell's reply could then be
    waited for without end.
    """

    async def get_msg(self, timeout=None):
        until = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            pause = max(0.0, min(_LOOK_SECONDS, until - time.monotonic()))
            if await self.socket.poll(int(1000 * pause)):
                return await self._recv()
            if time.monotonic() >= until:
                raise Empty


class QuickClient(AsyncKernelClient):
    """Waits for a kernel no longer than it needs: jupyter_client's own client lets .2 s of silence pass."""

    shell_channel_class = iopub_channel_class = control_channel_class = Type(WakefulChannel)

    async def _async_wait_for_ready(self, timeout=None):
        until = time.monotonic() + (_START_SECONDS if timeout is None else timeout)
        while time.monotonic() < until:
            # When this request's "idle" arrives, the kernel answers and its outputs reach us.
            if await self._idle_after(self.kernel_info(), until):
                self._handle_kernel_info_reply(await self.get_shell_msg(timeout=1))
                return
            if not await self._async_is_alive():
                raise RuntimeError(f"the kernel died before it was ready. {self._last_words()}".strip())
        raise RuntimeError(f"the kernel did not get ready in time. {self._last_words()}".strip())

    def _last_words(self):
        """The end of what the kernel process wrote."""
        try:
            lines = (
                Path(self.parent.log_path).read_text(encoding="utf-8", errors="replace").strip().splitlines()
            )
        except (OSError, AttributeError):
            return ""
        return f"It said: {lines[-1]}" if lines else ""

    async def _idle_after(self, request, until):
        pause = min(until, time.monotonic() + 0.1)
        while (left := pause - time.monotonic()) > 0:
            try:
                message = await self.get_iopub_msg(timeout=left)
            except Empty:
                return False
            if (
                message["msg_type"] == "status"
                and message["content"]["execution_state"] == "idle"
                and message["parent_header"].get("msg_id") == request
            ):
                return True
        return False

    wait_for_ready = _async_wait_for_ready


class PlainManager(AsyncKernelManager):
    """Starts this Python's own kernel, whatever kernels the machine has registered."""

    provisioner_type = LocalProvisioner

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.client_factory = QuickClient
        self.folder = tempfile.mkdtemp(prefix="kernel-", dir=_scratch())
        self.connection_file = os.path.join(self.folder, "kernel.json")
        weakref.finalize(self, shutil.rmtree, self.folder, True)

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name="Python 3 (ipykernel)",
            language="python",
        )

    @default("transport")
    def _transport(self):
        return "tcp" if sys.platform == "win32" else "ipc"

    @property
    def log_path(self) -> str:
        """Where the kernel process writes what no cell shows."""
        return os.path.join(self.folder, "log")

    async def _async_pre_start_kernel(self, **options):
        self.provisioner = self.provisioner_type(
            kernel_id=options.setdefault("kernel_id", "lesson"), kernel_spec=self.kernel_spec, parent=self
        )
        options["env"] = environment()
        return await super()._async_pre_start_kernel(**options)

    async def _async_launch_kernel(self, command, **options):
        with open(self.log_path, "ab") as log:
            await super()._async_launch_kernel(command, stdout=log, stderr=log, **options)
        _alive[self.provisioner.pid] = self.provisioner.process

    async def _async_wait(self, pollinterval=0.005):
        """Until the killed kernel has gone; jupyter_client looks every .1 s."""
        while await self._async_is_alive():
            await asyncio.sleep(pollinterval)

    async def _async_cleanup_resources(self, restart=False):
        await super()._async_cleanup_resources(restart=restart)
        if self.provisioner is not None:
            _alive.pop(self.provisioner.pid, None)


class WarmProvisioner(LocalProvisioner):
    """Takes its process from the zygote; starts a plain one if there is none to be had."""

    async def launch_kernel(self, command, **options):
        try:
            process = ForkedKernel(
                zygote(),
                command[command.index("-f") :],
                options["env"],
                options.get("cwd") or os.getcwd(),
                self.parent.log_path,
            )
        except (OSError, ValueError):
            return await super().launch_kernel(command, **options)
        self.process, self.pid, self.pgid = process, process.pid, process.pid
        self.cwd = options.get("cwd")
        return self.connection_info

    async def wait(self):
        if self.process:
            self.process.wait()
            self.process = None
        return 0


class WarmManager(PlainManager):
    """Like `PlainManager`, but the kernel is forked from a warm process."""

    provisioner_type = WarmProvisioner


class ForkedKernel:
    """A kernel that the zygote forked; what jupyter_client needs of `subprocess.Popen`."""

    stdin = stdout = stderr = None

    def __init__(self, path: str, argv: list[str], env: dict[str, str], cwd: str | Path, log: str) -> None:
        self.returncode: int | None = None
        self._lock = threading.Lock()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._replies = self._socket.makefile("rb")
        request = {"argv": argv, "env": env, "cwd": str(cwd), "log": log}
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        self.pid = json.loads(self._replies.readline())["pid"]

    def poll(self) -> int | None:
        return self._await(0)

    def wait(self, timeout: float | None = None) -> int:
        if self._await(timeout) is None:
            raise subprocess.TimeoutExpired("kernel", timeout)
        return self.returncode

    def _await(self, timeout: float | None) -> int | None:
        with self._lock:
            if self.returncode is None and select.select([self._socket], [], [], timeout)[0]:
                line = self._replies.readline()
                self.returncode = json.loads(line)["exit"] if line else -signal.SIGKILL
                self._replies.close()
                self._socket.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


_alive = {}  # pid -> process, of kernels that this process started
_retired = []  # (process that started it, zygote that only waits for its last kernels to end)
_lock = threading.Lock()
_state = {}


def zygote() -> str:
    """The socket of this process's zygote, started if need be; ValueError if it cannot be.

    It is replaced when crmlab's own source has changed since, for it has imported that.
    """
    if not CAN_FORK:
        raise ValueError("kernels cannot be forked on this system")
    with _lock:
        key = (os.getpid(), _fingerprint(), *map(os.environ.get, LANGUAGE_VARIABLES))
        if _state.get("key") != key or _state["process"].poll() is not None:
            if _state.get("failed") == key:  # do not try again and again
                raise ValueError("the zygote did not start")
            _retire_zygote()
            _state.update(key=key, failed=None, **_started_zygote())
        process, path = _state["process"], _state["path"]
    # Outside the lock: whoever ends all kernels must not wait for one to be ready.
    return _once_ready(process, path, key)


def wait_until_warm() -> None:
    """Return when the zygote is ready, or when it is clear that there will be none."""
    with contextlib.suppress(ValueError):
        zygote()


def end_all() -> None:
    """Kill every kernel that this process started, and the zygote."""
    with _lock:
        _stop_zygotes()
        _state.pop("failed", None)
    for pid, process in list(_alive.items()):
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()
    _alive.clear()


def _started_zygote():
    folder = tempfile.mkdtemp(prefix="zygote-", dir=_scratch())
    path = os.path.join(folder, "socket")
    # No module of the current folder may stand in for one of ours.
    program = "import sys; sys.path.remove(''); from crmlab.notebook.zygote import serve; serve(sys.argv[1])"
    with open(os.path.join(folder, "log"), "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", program, path],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=_with_package(environment()),
        )
    return {"process": process, "path": path}


def _once_ready(process, path, key):
    until = time.monotonic() + _START_SECONDS
    while not os.path.exists(path):
        if process.poll() is not None or time.monotonic() > until:
            _state["failed"] = key
            raise ValueError("the zygote did not start")
        time.sleep(0.01)
    return path


def _retire_zygote():
    """Let the zygote's kernels finish, but start no more from it."""
    owner, process = _state.pop("key", (None,))[0], _state.pop("process", None)
    if owner == os.getpid() and process.poll() is None:
        process.stdin.write(b"retire\n")
        process.stdin.flush()
        _retired.append((owner, process))


def _stop_zygotes():
    """End all zygotes that this process started, and their kernels with them."""
    zygotes = [*_retired, (_state.pop("key", (None,))[0], _state.pop("process", None))]
    _retired.clear()
    for process in [process for owner, process in zygotes if owner == os.getpid()]:
        process.stdin.close()  # it ends its children, then itself
        try:
            process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _with_package(variables):
    """PYTHONPATH names crmlab's folder if Python would not find it there without."""
    home = str(Path(crmlab.__file__).resolve().parent.parent)
    if home not in sys.path or "" in sys.path:
        variables = {
            **variables,
            "PYTHONPATH": os.pathsep.join(filter(None, [variables.get("PYTHONPATH"), home])),
        }
    return variables


def _fingerprint():
    """Changes when a source file of crmlab does."""
    newest, count = 0.0, 0
    for path in Path(crmlab.__file__).parent.rglob("*.py"):
        newest, count = max(newest, path.stat().st_mtime), count + 1
    return newest, count


def _scratch():
    """The folder of this process alone for sockets and settings, removed when it ends.

    Its path is short, since the path of a Unix socket may not be longer than 107 bytes.
    """
    if _state.get("scratch", (None,))[0] != os.getpid():
        usual = tempfile.gettempdir()
        folder = tempfile.mkdtemp(
            prefix="crmlab-", dir="/tmp" if len(usual) > 40 and os.path.isdir("/tmp") else usual
        )
        _state["scratch"] = (os.getpid(), Path(folder))
    return _state["scratch"][1]


def _default_matplotlibrc():
    spec = importlib.util.find_spec("matplotlib")
    path = spec and Path(spec.origin).parent / "mpl-data" / "matplotlibrc"
    return str(path) if path and path.is_file() else ""


@atexit.register
def _leave():
    end_all()
    owner, folder = _state.get("scratch", (None, None))
    if owner == os.getpid():
        shutil.rmtree(folder, ignore_errors=True)
