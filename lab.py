#!/usr/bin/env python3
"""Set crmlab up and use it. Needs Python 3.11 or newer, and nothing else.

    python3 lab.py run     run every lesson; results and pictures go to build/index.html
    python3 lab.py test    run the test suite
    python3 lab.py check   look at the code without running it: layout, lint, imports, types; takes seconds
    python3 lab.py open    open JupyterLab at your own copy of the first lesson, or of another: open 09
    python3 lab.py setup   only make the environment
    python3 lab.py lock    choose the locked versions anew (for developers, needs uv)

Whatever follows the command is passed on:

    python3 lab.py run --only 09,11 -p seed=3
    python3 lab.py test -k loyalty

The environment is the folder .venv. The first call makes it, which takes a minute or so and needs the
network; every later call starts at once and needs none.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

OLDEST = (3, 11)
WINDOWS = os.name == "nt"

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
BIN = VENV / ("Scripts" if WINDOWS else "bin")
PYTHON = BIN / ("python.exe" if WINDOWS else "python")
CRMLAB = BIN / ("crmlab.exe" if WINDOWS else "crmlab")
STAMP = VENV / "crmlab.json"
LOG = VENV / "set-up.log"

# One lock for each use; the second holds everything that the first does, at the same versions.
LOCKS = {"run": "requirements.lock", "test": "requirements-test.lock"}

# What installers say when they cannot reach a package index.
OFFLINE = (
    "name resolution",
    "getaddrinfo",
    "dns error",
    "nodename nor servname",
    "timed out",
    "ConnectTimeout",
    "ConnectionError",
    "Connection refused",
    "Network is unreachable",
    "No route to host",
    "ProxyError",
    "error sending request",
    "(from versions: none)",
)


class Trouble(Exception):
    """Something that the user can mend; the message says what it is and what to do next."""


def main(arguments):
    """Do what the command line says; returns the exit status."""
    if sys.version_info < OLDEST:
        return complain(too_old(sys.version_info, sys.executable))
    command, rest = (arguments or ["help"])[0], arguments[1:]
    if command in ("help", "-h", "--help"):
        print(__doc__)
        return 0
    if command not in COMMANDS:
        return complain(f"no command {command!r}; there are {', '.join(COMMANDS)}", status=2)
    try:
        return COMMANDS[command](rest[1:] if rest[:1] == ["--"] else rest)
    except Trouble as trouble:
        return complain(trouble)
    except OSError as error:
        return complain(f"{error.filename or 'the system'}: {error.strerror or error}")
    except KeyboardInterrupt:
        return complain("stopped; the same command goes on from here", status=130)


# The commands -----------------------------------------------------------------------------------------


def run(arguments):
    set_up("run")
    return hand_over([CRMLAB, "build", "--out", "build", *arguments])


def test(arguments):
    set_up("test")
    spread = ["-n", "logical", "--maxprocesses", "4", "--dist", "loadgroup", "--no-loadscope-reorder"]
    return hand_over([PYTHON, "-m", "pytest", *spread, *arguments])


def check(arguments):
    """Run every check, also after one has found something; ``--fix`` mends first what can be mended."""
    if arguments not in ([], ["--fix"]):
        raise Trouble(f"check takes --fix or nothing, and got {' '.join(arguments)}")
    set_up("test")
    if arguments:
        for mend in (["check", "--quiet", "--fix-only"], ["format", "--quiet"]):
            subprocess.call([BIN / "ruff", *mend], cwd=HERE, env=environment())
    found = []
    for name, command in CHECKS.items():
        done = subprocess.run(
            [BIN / command[0], *command[1:]],
            cwd=HERE,
            env=environment(),
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        say(f"{name}: {'ok' if done.returncode == 0 else 'see below'}")
        if done.returncode:
            found.append(name)
            print(done.stdout.rstrip(), flush=True)
    if found:
        raise Trouble(f"to be mended: {', '.join(found)}")
    return 0


def open_lab(arguments):
    set_up("run")
    return hand_over([CRMLAB, "open", *arguments])


def setup(arguments):
    if arguments:
        raise Trouble(f"setup takes no arguments, and got {' '.join(arguments)}")
    if set_up("run"):
        say(f"nothing to do: {VENV.name} is complete")
    say(
        f"the command line is {os.path.join(VENV.name, BIN.name, 'crmlab')}; to type just crmlab, first do: "
        + (rf"{VENV.name}\Scripts\activate" if WINDOWS else f"source {VENV.name}/bin/activate")
    )
    return 0


def lock(arguments):
    """Write both locks from pyproject.toml: names, versions and hashes for every system and Python."""
    uv = shutil.which("uv")
    if not uv:
        raise Trouble("lock needs uv, which is not installed; install it (pipx install uv), then try again")
    common = [
        uv,
        "pip",
        "compile",
        "--quiet",
        "pyproject.toml",
        "--group",
        "build",
        "--universal",
        "--python-version",
        ".".join(map(str, OLDEST)),
        "--fork-strategy",
        "fewest",
        "--generate-hashes",
        "--no-header",
        "--no-annotate",
        "--no-emit-index-url",
        "--no-emit-find-links",
        *arguments,
    ]
    extra = [
        "--extra",
        "test",
        "--extra",
        "cluster",
        "--extra",
        "data",
        "--extra",
        "zh",
        "--constraints",
        LOCKS["run"],
    ]
    for options in (["--output-file", LOCKS["run"]], [*extra, "--output-file", LOCKS["test"]]):
        say(f"resolving {options[-1]}")
        status = subprocess.run([*common, *options], cwd=HERE, check=False).returncode
        if status:
            return status
    return 0


# What `check` runs, in this order; pyproject.toml holds their settings, each exception with its reason.
CHECKS = {
    "layout": ["ruff", "format", "--check", "."],
    "lint": ["ruff", "check", "--output-format", "concise", "."],
    "imports": ["lint-imports"],
    "types": ["mypy"],
    "conventions": ["pytest", "-q", "-p", "no:cacheprovider", "tests/test_conventions.py"],
}

COMMANDS = {"run": run, "test": test, "check": check, "open": open_lab, "setup": setup, "lock": lock}


# The environment --------------------------------------------------------------------------------------


def set_up(use):
    """Make sure that .venv serves `use`, "run" or "test"; True if it did already."""
    if ready(use):
        return True
    with alone():
        if ready(use):  # another call made it while this one waited
            return True
        start = time.monotonic()
        prepare()
        before = read_stamp()
        if before:
            write_stamp({})  # an interruption from here on leaves it half made
        try:
            install(use)
        except Trouble:
            if before:
                write_stamp(before)  # still good for what it was good for
            raise
        switch_off_news()
        uses = ("run", "test") if use == "test" else ("run",)
        write_stamp({"base": base(), **{each: fingerprint(each) for each in uses}})
        say(f"environment ready after {time.monotonic() - start:.0f} s")
    return False


def ready(use):
    """Whether .venv is complete and made from today's locks."""
    stamp = read_stamp() or {}
    made = stamp.get("base") == base() and stamp.get(use) == fingerprint(use)
    return made and PYTHON.exists() and CRMLAB.exists()


def base():
    """What an environment cannot outlive: its Python, and the folder that its scripts name."""
    return f"{sys.implementation.cache_tag} {HERE}"


def fingerprint(use):
    """A hash of the files that say what is installed."""
    content = b"".join((HERE / name).read_bytes() for name in ("pyproject.toml", LOCKS[use]))
    return hashlib.sha256(content).hexdigest()


def read_stamp():
    """What the last set-up wrote; {} if it did not finish, None if there was none."""
    try:
        return json.loads(STAMP.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:  # cut short
        return {}


def write_stamp(stamp):
    beside = STAMP.with_suffix(".new")
    beside.write_text(json.dumps(stamp, indent=1), encoding="utf-8")
    os.replace(beside, STAMP)


def prepare():
    """Leave a .venv behind that works, though perhaps empty; one from elsewhere is kept if it works."""
    stamp = read_stamp()
    if stamp and stamp.get("base") == base() and PYTHON.exists():
        say("the environment is not up to date")
        return
    if stamp is None and version_of(PYTHON):
        if version_of(PYTHON) != dotted(sys.version_info[:2]):
            raise Trouble(
                f"{VENV} was not made by lab.py and has Python {version_of(PYTHON)}, while this is "
                f"{dotted(sys.version_info[:2])}.\nDelete or rename that folder, then try again."
            )
        say(f"there is a {VENV.name} already: using it")
        return
    if VENV.exists():
        say(f"{VENV.name} is half made, or was made elsewhere: making it anew")
        shutil.rmtree(VENV)
    say(f"making {VENV.name} with Python {dotted(sys.version_info[:3])}")
    VENV.mkdir()
    write_stamp({})  # half made
    # Without pip: that part of venv is a package of its own on Debian. See `installers`.
    made = subprocess.run(
        [starting_python(), "-m", "venv", "--without-pip", VENV],
        check=False,
        stderr=subprocess.STDOUT,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )
    if made.returncode:
        raise Trouble(
            f"Python's own module venv did not work: {made.stdout.strip()}\n"
            "Install it (on Debian and Ubuntu: apt install python3-venv), then try again."
        )


def version_of(python):
    """The version of a Python, as 3.11; None if it does not run."""
    try:
        return subprocess.check_output(
            [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        ).strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def starting_python():
    """The Python to build on: this one, unless it is the one in .venv."""
    return sys._base_executable if Path(sys.prefix).resolve() == VENV else sys.executable


def install(use):
    """Install what the lock says, and crmlab itself so that edits to its files take effect."""
    lock = LOCKS[use]
    count = sum("==" in line for line in (HERE / lock).read_text(encoding="utf-8").splitlines())
    say(f"installing up to {count} packages (about 250 MB to download, 1 GB on disk)")
    LOG.write_text("", encoding="utf-8")
    for name, command in installers():
        if follow(name, [*command, "--require-hashes", "-r", lock]) and follow(
            name, [*command, "--no-deps", "--no-build-isolation", "--editable", "."]
        ):
            return
        say(f"{name} could not install them")
    raise Trouble(what_went_wrong(LOG.read_text(encoding="utf-8", errors="replace")))


def installers():
    """Ways to install into .venv, each a name and the start of a command: uv if it is there, then pip."""
    # Python compiles what it imports, so compiling everything now is worth it only where that is forbidden.
    compiles = sys.dont_write_bytecode
    uv = shutil.which("uv")
    if uv:
        yield "uv", [uv, "pip", "install", "--python", PYTHON, *["--compile-bytecode"] * compiles]
    pip = find_pip()
    if pip:  # uv reads no pip configuration, so pip may get through where uv did not
        yield "pip", [*pip, "install", *["--no-compile"] * (not compiles)]
    elif not uv:
        raise Trouble(
            f"this Python ({sys.executable}) has no pip to install packages with.\n"
            "Install it (on Debian and Ubuntu: apt install python3-venv), then try again."
        )


def find_pip():
    """The pip in .venv, else the one of the Python that runs this file, else the one bundled with Python."""
    inside = [PYTHON, "-m", "pip"]
    outside = [starting_python(), "-m", "pip", "--python", PYTHON]
    for command in (inside, outside):
        if succeeds([*command, "--version"]):
            return command
    return inside if succeeds([PYTHON, "-m", "ensurepip"]) else None


def follow(name, command):
    """Run an installer, showing what it is at and keeping what it says; False if it failed."""
    process = subprocess.Popen(
        command,
        cwd=HERE,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    latest = [""]

    def read():
        with open(LOG, "a", encoding="utf-8") as log:
            for line in process.stdout:
                log.write(line)
                if line.strip() and not line.startswith("WARNING"):
                    latest[0] = line.strip()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    start = shown = time.monotonic()
    while reader.is_alive():
        reader.join(0.25)
        now = time.monotonic()
        if sys.stdout.isatty() or now - shown > 10:
            shown = now
            show(f"  {now - start:4.0f} s  {name}: {latest[0]}")
    if sys.stdout.isatty():
        show("")
    return process.wait() == 0


def what_went_wrong(log):
    """Plain words for an installer's output, and the next step."""
    if any(sign in log for sign in OFFLINE):
        return (
            "the packages could not be downloaded. The first set-up needs the network (about 250 MB); "
            "after that nothing does.\nConnect this computer, then give the same command again. Behind a "
            "proxy set HTTPS_PROXY; pip's own settings\n(pip.conf, PIP_INDEX_URL, PIP_FIND_LINKS) are "
            f"respected. What the installer said: {LOG}"
        )
    last = "\n".join(f"  {line}" for line in log.strip().splitlines()[-5:])
    return (
        f"the packages could not be installed. The installer's last words:\n{last}\n"
        f"All it said is in {LOG}. Once that is mended, give the same command again."
    )


def switch_off_news():
    """Keep JupyterLab from asking for news and updates over the network."""
    settings = VENV / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    settings.parent.mkdir(parents=True, exist_ok=True)
    quiet = {"fetchNews": "false", "checkForUpdates": False}
    settings.write_text(json.dumps({"@jupyterlab/apputils-extension:notification": quiet}), encoding="utf-8")


@contextmanager
def alone():
    """Hold this folder's set-up, so that of two calls at once the second waits for the first."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with open(HERE / "pyproject.toml", encoding="utf-8") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another call that is setting up")
            fcntl.flock(held, fcntl.LOCK_EX)
        except OSError:  # a file system without locks
            pass
        yield


# Processes and words ----------------------------------------------------------------------------------


def environment():
    """The variables for programs in .venv, as if it were activated."""
    variables = {
        **os.environ,
        "VIRTUAL_ENV": str(VENV),
        "PATH": os.pathsep.join([str(BIN), os.environ.get("PATH", os.defpath)]),
        "PIP_USER": "0",
        "PIP_NO_INPUT": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    variables.pop("PYTHONHOME", None)
    return variables


def hand_over(command):
    """Become `command`; on Windows, where that cannot be done, run it and return its exit status."""
    command = [str(part) for part in command]
    os.chdir(HERE)
    sys.stdout.flush()
    if not WINDOWS:
        os.execve(command[0], command, environment())
    process = subprocess.Popen(command, env=environment())
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # Ctrl-C reaches the child too; let it end in its own way
            pass


def succeeds(command):
    try:
        return (
            subprocess.call(command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            == 0
        )
    except OSError:
        return False


def too_old(version, executable):
    newer = next(
        (
            name
            for name in ("python3.14", "python3.13", "python3.12", "python3.11")
            if shutil.which(name) and version_of(name)
        ),
        None,
    )
    this = f"{dotted(version[:3])} ({executable})"
    return f"crmlab needs Python {dotted(OLDEST)} or newer, and this is {this}.\n" + (
        f"A newer one is installed; type: {newer} {' '.join(sys.argv)}"
        if newer
        else "Install a newer one (from python.org, or with your system's packages), then try again."
    )


def dotted(version):
    return ".".join(map(str, version))


def say(text):
    print(f"crmlab: {text}", flush=True)


def show(text):
    """Show progress: on a terminal in one line that is written over, elsewhere line by line."""
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns - 1
        print(f"\r{text[:width]:{width}}\r", end="", flush=True)
    else:
        print(text[:110], flush=True)


def complain(text, status=1):
    print(f"lab.py: {text}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
