"""A process that has imported the stack once and forks a ready kernel for each notebook.

It holds a single thread, and it learns nothing from the notebooks that run in its children.
`serve` runs in a process of its own; `kernels` asks it for kernels over a Unix socket, one connection
a kernel: a JSON line with the kernel's arguments goes in, ``{"pid": ...}`` comes back, ``{"exit": ...}``
follows when the kernel ends. When its standard input closes, because whoever started it is gone, the
process ends and its children with it; a line there retires it: it ends when its last child has.
"""

import importlib
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

# Imported before the first fork, where they are installed: what most lessons import.
PRELOADED = (
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "ipykernel.zmqshell",
    "ipykernel.debugger",
    "IPython.core.completer",
    "IPython.core.pylabtools",
    "matplotlib_inline.config",
    "numpy",
    "scipy.stats",
    "pandas",
    "matplotlib.pyplot",
    "matplotlib.backends.backend_agg",
    "PIL.PngImagePlugin",
    "PIL.JpegImagePlugin",
    "PIL.GifImagePlugin",
    "PIL.BmpImagePlugin",
    "PIL.PpmImagePlugin",
    "statsmodels.api",
    "statsmodels.formula.api",
    "seaborn",
    "ipywidgets",
    "semopy",
    "crmlab.notebook.recording",
    "crmlab.design",
    "crmlab.plots",
)
# These look for a notebook when they are imported, and there is none yet: each kernel imports them itself.
_NOTEBOOK_AWARE = ("matplotlib_inline.backend_inline", "tqdm.auto", "tqdm.autonotebook")
INLINE = "module://matplotlib_inline.backend_inline"


@contextmanager
def quick_import() -> Iterator[None]:
    """Skip an optional grammar for URIs in JSON schemas, whose compilation takes a second."""
    absent = "rfc3987_syntax" not in sys.modules
    if absent:
        sys.modules["rfc3987_syntax"] = None
    try:
        yield
    finally:
        if absent and sys.modules.get("rfc3987_syntax", absent) is None:
            del sys.modules["rfc3987_syntax"]


def serve(path: str) -> None:
    """Preload, then listen at the socket `path` and fork a kernel for each connection."""
    os.environ["MPLBACKEND"] = INLINE
    _preload()
    if _threads() > 1:
        raise SystemExit(
            "a library started threads on import; a process with threads cannot be forked safely"
        )
    wake, wakened = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(wakened, False)
    signal.set_wakeup_fd(wakened)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{path}-")
    os.chmod(f"{path}-", 0o600)
    listener.listen(128)
    os.rename(f"{path}-", path)  # whoever sees the path may connect
    kernels, retired = {}, False
    try:
        while kernels or not retired:
            ready, _, _ = select.select([wake, sys.stdin.fileno()] + ([] if retired else [listener]), [], [])
            if sys.stdin.fileno() in ready:
                if not os.read(sys.stdin.fileno(), 4096):
                    return
                retired = True
                listener.close()  # who was about to ask is turned away, and starts a plain kernel
            if wake in ready:
                _reap(wake, kernels)
            if listener in ready and not retired:
                _accept(listener, kernels, inherited=(wake, wakened))
    finally:
        for pid in kernels:
            _end_group(pid)


@contextmanager
def _as_in_a_notebook():
    """pandas asks the built-in ``get_ipython`` on import whether it has a terminal's width; it has not."""
    import builtins
    from types import SimpleNamespace

    builtins.get_ipython = lambda: SimpleNamespace(kernel=None, config={"IPKernelApp": {}})
    try:
        yield
    finally:
        del builtins.get_ipython


def _preload():
    import gc

    with quick_import(), _as_in_a_notebook():
        for name in PRELOADED:
            try:
                importlib.import_module(name)
            except Exception:  # not installed, or broken: the lesson that needs it will say so
                continue
    _forget(*_NOTEBOOK_AWARE)
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"]._backend_mod = None  # the backend is loaded with the first figure
    gc.collect()
    gc.freeze()  # the collector leaves these alone, so that children go on sharing their memory


def _forget(*names):
    for name in names:
        if sys.modules.pop(name, None) is not None:
            package, _, module = name.rpartition(".")
            vars(sys.modules[package]).pop(module, None)


def _threads():
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        import threading

        return threading.active_count()


def _reap(wake, kernels):
    with suppress(BlockingIOError):
        os.read(wake, 4096)
    while kernels:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        connection = kernels.pop(pid, None)
        _end_group(pid)  # processes that the kernel started
        if connection is not None:
            _tell(connection, {"exit": os.waitstatus_to_exitcode(status)})
            connection.close()


def _accept(listener, kernels, inherited):
    connection, _ = listener.accept()
    line = connection.makefile("rb").readline()
    if not line:
        connection.close()
        return
    request = json.loads(line)
    pid = os.fork()
    if pid == 0:
        for each in (listener, connection, *kernels.values()):
            each.close()
        signal.set_wakeup_fd(-1)
        for each in inherited:
            os.close(each)
        _become_kernel(request)
    kernels[pid] = connection
    _tell(connection, {"pid": pid})


def _tell(connection, message):
    with suppress(OSError):
        connection.sendall(json.dumps(message).encode() + b"\n")


def _end_group(pid):
    with suppress(OSError):
        os.killpg(pid, signal.SIGKILL)


def _become_kernel(request):
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.environ.clear()
        os.environ.update(request["env"])
        os.chdir(request["cwd"])
        for number, flags in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
            place = os.devnull if number == 0 else request["log"]
            handle = os.open(place, flags | (0 if number == 0 else os.O_CREAT | os.O_APPEND), 0o600)
            os.dup2(handle, number)
            os.close(handle)
        _start_kernel(request["argv"])
        code = 0
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else 0
    except BaseException:
        import traceback

        traceback.print_exc(file=sys.__stderr__)
    finally:
        try:
            import atexit

            atexit._run_exitfuncs()
            sys.__stdout__.flush()
            sys.__stderr__.flush()
        finally:
            os._exit(code)


def _start_kernel(argv):
    from ipykernel.kernelapp import IPKernelApp

    sys.argv = ["ipykernel_launcher", *argv]
    if "numpy" in sys.modules:  # children must not share the state of the old global generator
        sys.modules["numpy"].random.seed()
    app = IPKernelApp.instance()
    app.parent_handle = os.getppid()  # the kernel ends when the zygote does
    app.initialize(argv)
    if "ipywidgets" in sys.modules:  # on its own import it looks for a kernel, and there was none yet
        sys.modules["ipywidgets"].register_comm_target(app.kernel)
    app.start()
