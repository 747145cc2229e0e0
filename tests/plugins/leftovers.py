"""Every test leaves this process as it found it, and answers for what it leaves itself.

What is compared before and after each test, and around each module with its fixtures: figures, sockets and
event loops (by what they hold open), child processes, threads, temporary files and folders, environment
variables, the working folder, the path of imports, and the state of numpy's old generator. Filters of
warnings are put back by pytest itself. Each run of tests has a temporary folder of its own, so that what
others on this machine do is nobody's fault here.
"""

import gc
import os
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

HANDLES = Path("/proc/self/fd")
SHARED = Path("/dev/shm")
# One for each process, kept for the next test on purpose: the fork server of kernels with its folder (see
# `crmlab.notebook.kernels`), and what the standard library, IPython and tqdm keep.
KEPT_CHILDREN = ("crmlab.notebook.zygote", "resource_tracker")
KEPT_THREADS = ("IPythonHistorySaving", "pytest_timeout", "tqdm_monitor")
KEPT_VARIABLES = ("KMP_", "PYTEST_")  # threadpoolctl sets the first when it is imported
# The browser is one for the session, and its files are its own until it ends.
KEPT_FILES = ("crmlab-", "joblib_memmapping_folder_", "pytest-of-", ".org.chromium.Chromium.")
# joblib's workers, with their threads and semaphores: kept from test to test, ended with the module that
# asked for them. (Their folder joblib removes when the process ends.)
POOL = {
    "child processes": ("joblib.externals.loky.backend.popen_loky",),
    "threads": ("ExecutorManager", "QueueFeeder"),
    "shared memory": ("sem.loky-",),
}
GRACE = 5.0  # seconds for what is ending already: a killed child is reaped, a thread returns


def pytest_configure(config):
    """Give this process a temporary folder of its own; its path is short, as sockets need."""
    if hasattr(config, "workerinput") or not config.option.collectonly:
        config.stash[OWN] = tempfile.mkdtemp(prefix="tests-"), os.environ.get("TMPDIR"), tempfile.tempdir
        os.environ["TMPDIR"] = config.stash[OWN][0]
        tempfile.tempdir = None


def pytest_unconfigure(config):
    if OWN in config.stash:
        folder, variable, tempfile.tempdir = config.stash[OWN]
        os.environ.pop("TMPDIR")
        if variable is not None:
            os.environ["TMPDIR"] = variable
        shutil.rmtree(folder, ignore_errors=True)


OWN = pytest.StashKey()


@pytest.fixture(scope="module", autouse=True)
def module_leaves_nothing_behind():
    yield from _compare(with_pool=False)


@pytest.fixture(autouse=True)
def leaves_nothing_behind(module_leaves_nothing_behind):
    yield from _compare(with_pool=True)


def _compare(with_pool):
    before, settings = state(), _settings()
    yield
    if settings:
        dict.update(sys.modules["matplotlib"].rcParams, settings)
    if not with_pool:
        _end_pool()
    left = found(before, with_pool)
    if left:
        _clear_away(before)
        pytest.fail("left behind: " + "; ".join(left), pytrace=False)


def state():
    """What can be left behind, by its kind."""
    return {
        "figures": _figures(),
        "sockets and event loops": _handles(),
        "child processes": _children(),
        "threads": {
            each.ident: each.name for each in threading.enumerate() if not each.name.startswith(KEPT_THREADS)
        },
        "temporary files": _files(Path(tempfile.gettempdir())),
        "shared memory": _files(SHARED, f"{os.getpid()}"),
        "environment variables": {
            key: f"{key}={value}" for key, value in os.environ.items() if not key.startswith(KEPT_VARIABLES)
        },
        "working folder": {"": os.getcwd()},
        "path of imports": dict(enumerate(sys.path)),
        "numpy's old generator": _old_generator(),
    }


def found(before, with_pool=False):
    """What is there now and was not before, in words; waits a moment for what is just ending."""
    until, left = time.monotonic() + GRACE, _new(before, state(), with_pool)
    if left:
        gc.collect()
    while (left := _new(before, state(), with_pool) if left else left) and time.monotonic() < until:
        time.sleep(0.05)
    return left


def _end_pool():
    """End joblib's workers, where there are any."""
    loky = sys.modules.get("joblib.externals.loky.reusable_executor")
    if loky and loky._executor is not None:
        loky._executor.shutdown(wait=True, kill_workers=True)


def _is_pool(kind, value):
    return any(mark in value for mark in POOL.get(kind, ()))


def _new(before, after, with_pool):
    if not before["numpy's old generator"]:  # numpy has only just been imported
        after = {**after, "numpy's old generator": {}}
    changed = {
        kind: [
            str(value)
            for key, value in after[kind].items()
            if before[kind].get(key) != value and not (with_pool and _is_pool(kind, str(value)))
        ]
        + ([] if kind in APPEARING else [f"no {key}" for key in before[kind].keys() - after[kind].keys()])
        for kind in after
    }
    return [f"{kind}: {', '.join(values)[:300]}" for kind, values in changed.items() if values]


# Here it matters only what has come, since what goes may be a fixture's that another test asked for.
APPEARING = {
    "figures",
    "sockets and event loops",
    "child processes",
    "threads",
    "temporary files",
    "shared memory",
}


def _figures():
    plt = sys.modules.get("matplotlib.pyplot")
    return {number: f"figure {number}" for number in plt.get_fignums()} if plt else {}


def _settings():
    """matplotlib's, put back after each test: `crmlab.plots.subplots` leaves the house style on by design."""
    loaded = sys.modules.get("matplotlib")
    return {key: value for key, value in dict.items(loaded.rcParams) if key != "backend"} if loaded else {}


def _handles():
    """Open sockets and what event loops wait with, by number; None of them where the system does not tell."""
    if not HANDLES.is_dir():
        return {}
    held = {}
    for each in HANDLES.iterdir():
        try:
            target = each.readlink().as_posix()
        except OSError:  # the listing's own
            continue
        if target.startswith("socket:") or "eventpoll" in target:
            held[each.name, target] = target
    return held


def _children():
    """Children that run; one that has ended and was not asked for its status yet has no command any more."""
    held = {}
    for each in Path("/proc/self/task").glob("*/children"):
        for number in each.read_text().split():
            try:
                command = Path("/proc", number, "cmdline").read_bytes().decode(errors="replace")
            except OSError:  # gone
                continue
            if command and not any(kept in command for kept in KEPT_CHILDREN):
                held[number] = f"{number} {command.replace(chr(0), ' ')[:120]}"
    return held


def _files(folder, part=""):
    if not folder.is_dir():
        return {}
    names = [each for each in os.listdir(folder) if part in each and not each.startswith(KEPT_FILES)]
    return {name: str(folder / name) for name in names}


def _old_generator():
    numpy = sys.modules.get("numpy")
    if not numpy:
        return {}
    kind, keys, *rest = numpy.random.get_state()
    return {"state": f"{kind} {hash(keys.tobytes())} {rest}"}


def _clear_away(before):
    """Spare the next test what this one left."""
    for number in _figures().keys() - before["figures"].keys():
        sys.modules["matplotlib.pyplot"].close(number)
    os.chdir(before["working folder"][""])
    known = before["environment variables"]
    for key in [each for each in os.environ if not each.startswith(KEPT_VARIABLES)]:
        if key not in known:
            del os.environ[key]
    os.environ.update({key: told.removeprefix(f"{key}=") for key, told in known.items()})
    sys.path[:] = before["path of imports"].values()
