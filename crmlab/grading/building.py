"""Which walls can stand around a student's code here, and the sandbox that makes the strong ones."""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from crmlab import places
from crmlab.errors import InputError

ALWAYS = ("environment", "temporary folder", "limits", "clock", "output", "process tree")
STRONG = ("network", "disk", "processes")
ONLY_LINUX = ("limits", "process tree")
PACKAGE = Path(__file__).resolve().parents[1]
INSIDE = "/opt/crmlab"


def walls() -> tuple[str, ...]:
    """Names of the walls that can stand on this machine, the strong ones where bubblewrap works."""
    return always() + (STRONG if strong() else ())


def always() -> tuple[str, ...]:
    """Those that stand without bubblewrap.

    A Mac has no limit on memory, and a process that leaves its group there outlives the run.
    """
    return ALWAYS if sys.platform == "linux" else tuple(each for each in ALWAYS if each not in ONLY_LINUX)


@cache
def strong() -> bool:
    """Whether bubblewrap is here and can build what is needed of it."""
    if sys.platform != "linux" or not shutil.which("bwrap"):
        return False
    probe = [*_namespaces(), "--ro-bind", "/usr", "/usr", *_usr_links(), "--proc", "/proc", "--dev", "/dev"]
    try:
        done = subprocess.run(
            [*probe, "--", "/usr/bin/sleep", "0"],
            check=False,
            env={},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=20,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def why_not() -> str:
    """A sentence on what is missing for the strong walls."""
    if sys.platform != "linux":
        return "the strong walls need Linux"
    if not shutil.which("bwrap"):
        return "bubblewrap is not installed (Debian, Ubuntu, Fedora: the package bubblewrap)"
    return "bubblewrap is installed but may not make namespaces here"


def command(exposed: Iterable[Path | str], preload: Iterable[str]) -> list[str]:
    """The command that starts the warm process, out of sight of the folders `exposed`."""
    readable = _readable()
    _refuse_exposed(exposed, readable)
    arguments = [*_namespaces(), "--perms", "1777", "--size", str(64 << 20), "--tmpfs", "/tmp"]
    arguments += ["--ro-bind", "/usr", "/usr", *_usr_links()]
    for place in ("/etc/ld.so.cache", "/etc/fonts", "/etc/localtime", "/etc/alternatives"):
        arguments += ["--ro-bind-try", place, place]
    made = {"/", "/tmp", "/usr", "/etc"}
    for place in readable:
        if not _under(place, "/usr"):
            arguments += [*_folders(place, made), "--ro-bind", str(place), str(place)]
    arguments += [
        *_folders(Path(INSIDE, "lib/crmlab"), made),
        "--ro-bind",
        str(PACKAGE),
        f"{INSIDE}/lib/crmlab",
    ]
    arguments += [*_folders(Path(INSIDE, "home/notebooks/x"), made)]
    data = _data()
    if data is not None:
        arguments += ["--ro-bind", str(data), f"{INSIDE}/home/datasets"]
    arguments += _hidden()
    arguments += [
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--remount-ro",
        "/dev",
        "--remount-ro",
        "/",
        "--chdir",
        "/tmp",
    ]
    for name, value in environment().items():
        arguments += ["--setenv", name, value]
    return [*arguments, "--", sys.executable, *_module(), "strong", *preload]


def weak_command(preload: Iterable[str]) -> list[str]:
    """The command of a fork server without a sandbox."""
    return [sys.executable, *_module(), "weak", *preload]


def _module():
    return ["-P", "-s", "-m", "crmlab.grading.inside.zygote"]


def environment() -> dict[str, str]:
    """All that the sandbox's processes find in their environment."""
    variables = {f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "OMP", "MKL", "BLIS", "NUMBA")}
    return variables | {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": "/tmp",
        "TMPDIR": "/tmp",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": "/tmp/matplotlib",
        "IPYTHONDIR": "/tmp/ipython",
        "NUMBA_CACHE_DIR": "/tmp/numba",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": ":".join([f"{INSIDE}/lib", *map(str, _user_packages())]),
        "CRMLAB_HOME": f"{INSIDE}/home",
    }


def weak_environment() -> dict[str, str]:
    """The variables of a fork server without a sandbox."""
    mac = {"OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES", "VECLIB_MAXIMUM_THREADS": "1"}
    return (
        environment()
        | (mac if sys.platform == "darwin" else {})
        | {
            "PYTHONPATH": ":".join([str(PACKAGE.parent), *map(str, _user_packages())]),
            "CRMLAB_HOME": os.environ.get("CRMLAB_HOME", ""),
        }
    )


def _namespaces():
    """Namespaces of its own and, inside them, the privileges to make more for each run."""
    arguments = ["bwrap", "--die-with-parent", "--new-session", "--clearenv", "--hostname", "sandbox"]
    arguments += [f"--unshare-{each}" for each in ("pid", "ipc", "uts", "net", "cgroup-try")]
    if os.geteuid() != 0:
        arguments += ["--unshare-user", "--uid", "0", "--gid", "0"]
    needed = ("SYS_ADMIN", "SETUID", "SETGID", "SETPCAP", "SYS_RESOURCE", "KILL", "SYS_PTRACE")
    for name in needed:
        arguments += ["--cap-add", f"CAP_{name}"]
    return arguments


def _usr_links():
    """``/bin``, ``/lib`` and their like as this system has them."""
    arguments = []
    for name in ("bin", "sbin", "lib", "lib32", "lib64"):
        place = Path("/", name)
        if place.is_symlink():
            arguments += ["--symlink", os.readlink(place), str(place)]
        elif place.is_dir():
            arguments += ["--ro-bind", str(place), str(place)]
    return arguments


def _readable():
    """Folders that the interpreter and the packages need: nothing else of the disk is seen."""
    found = {Path(sys.prefix), Path(sys.base_prefix), Path(os.path.realpath(sys.executable)).parents[1]}
    found |= {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    found = {Path(os.path.abspath(each)) for each in found} | {each.resolve() for each in found}
    found |= set(_user_packages())
    crowded = {
        Path("/", each) for each in ("", "etc", "home", "media", "mnt", "opt", "root", "srv", "tmp", "var")
    }
    for place in found:
        if place in crowded or _under(Path.home().resolve(), place):
            raise InputError(
                f"this Python is installed in {str(place)!r}, beside things that students' code must not "
                "see; run crmlab from an environment in a folder of its own"
            )
    return sorted(each for each in found if not any(_under(each, other) for other in found - {each}))


def _user_packages():
    """Folders of packages outside the environment: a user's own."""
    return [
        Path(each).resolve()
        for each in sys.path
        if Path(each).name in ("site-packages", "dist-packages") and Path(each).is_dir()
    ]


def _data():
    try:
        data = places.root() / "datasets"
    except InputError:
        return None
    return data if data.is_dir() else None


def _hidden():
    """Empty folders over the exercises that an installed package carries."""
    installed = [PACKAGE / "home", Path(sysconfig.get_path("purelib"), "crmlab", "home")]
    seen = [place for place in installed if any(_under(place, each) for each in [*_readable(), Path("/usr")])]
    if (PACKAGE / "home").is_dir():
        seen.append(Path(INSIDE, "lib/crmlab/home"))
    return [
        argument
        for place in dict.fromkeys(seen)
        if place.is_dir() or _under(place, INSIDE)
        for argument in ("--size", "4096", "--tmpfs", str(place))
    ]


def _refuse_exposed(places_, readable):
    """Refuse to grade from a folder that students' code could read."""
    for place in places_:
        place = Path(place).resolve()
        for each in [*readable, Path("/usr"), PACKAGE, *([_data()] if _data() else [])]:
            if _under(place, each.resolve()) and not _under(place, PACKAGE / "home"):
                raise InputError(
                    f"{str(place)!r} lies in {str(each)!r}, which students' code can read; move it elsewhere"
                )


def _folders(place, made):
    """Arguments that make the parents of `place`, readable by all: bubblewrap's own would be closed."""
    arguments = []
    for parent in reversed(place.parents):
        if str(parent) not in made and not _under(parent, "/usr"):
            made.add(str(parent))
            arguments += ["--perms", "0755", "--dir", str(parent)]
    return arguments


def _under(place, folder):
    return Path(place).is_relative_to(folder)
