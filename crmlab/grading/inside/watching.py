"""Signs while a student's code runs: Python's audit events. Code may forge them, but only against itself."""

import os
import sys
from _thread import get_ident
from collections import Counter
from collections.abc import Callable, Collection, Iterator

PER_KIND = 10  # signs of one kind that a run tells
LINE = 110

_EVENTS = {
    "socket": "network", "subprocess": "processes", "os.system": "processes", "os.exec": "processes",
    "os.posix_spawn": "processes", "os.fork": "processes", "os.forkpty": "processes", "pty": "processes",
    "os.kill": "signals", "os.killpg": "signals", "signal": "signals",
    "ctypes": "interpreter", "sys.settrace": "interpreter", "sys.setprofile": "interpreter",
    "sys.addaudithook": "interpreter", "code": "interpreter",
    "gc.get_objects": "introspection", "gc.get_referrers": "introspection",
    "gc.get_referents": "introspection",
    "sys._getframe": "introspection", "sys._current_frames": "introspection",
    "resource.setrlimit": "limits",
    "open": "files", "os.listdir": "files", "os.scandir": "files", "os.chdir": "files", "os.symlink": "files",
    "os.link": "files",
}  # fmt: skip
KINDS = frozenset(_EVENTS.values())
_HARMLESS = (
    "/dev/null", "/dev/urandom", "/dev/random", "/usr/share/", "/opt/crmlab/home/datasets",
    # what libraries ask about the machine
    "/proc/meminfo", "/proc/cpuinfo", "/proc/stat", "/proc/loadavg", "/proc/version", "/proc/uptime",
    "/proc/self/cgroup", "/proc/self/statm", "/proc/sys/", "/proc/mounts", "/proc/filesystems",
    "/etc/fonts", "/etc/localtime", "/etc/timezone", "/etc/mime.types", "/etc/os-release",
    "/etc/resolv.conf", "/etc/ssl", "/etc/ld.so", "/etc/host", "/etc/nsswitch.conf", "/etc/gai.conf",
)  # fmt: skip
_ANY_DEPTH = ("/proc/", "/etc/")  # whichever library opens it for the student
_LIBRARIES_READ = ("/usr/", "/etc/", "/sys/", "/proc/", "/opt/crmlab/", "/lib")
_BOX = ("/tmp", "/dev/shm")
_UNIX_SOCKET = 1
# Python's own library does these too: only the student's own line counts.
_DIRECTLY = ("introspection", "interpreter", "signals", "limits", "os.fork")
_LOADERS = ("/ctypes/", "/numpy/ctypeslib", "/cffi/")  # through which a library is loaded


def watch(tell: Callable[[list[str]], None], cells: Collection[str] = ()) -> None:
    """Pass on audit events that a student's own code sets off.

    Parameters
    ----------
    tell : callable
        Given ``[kind, cell, evidence]``, once for each kind and cell.
    cells : collection of str
        Ids of the student's cells.
    """
    Watch(tell, cells).begin()


class Watch:
    """What has been seen so far, and where code lies that is not the student's."""

    def __init__(self, tell: Callable[[list[str]], None], cells: Collection[str]):
        self.tell, self.cells = tell, {f"<{each}>" for each in cells}
        self.seen, self.told, self.busy = set(), Counter(), set()
        self.box = (*_BOX, os.getcwd())
        self.standard = os.path.dirname(os.__file__) + "/"
        package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        self.library = tuple(
            {self.standard, sys.prefix + "/", sys.base_prefix + "/", "<frozen ", package + "/"}
        )

    def begin(self) -> None:
        known, busy, look = _EVENTS, self.busy, self._look

        def hook(event, arguments):
            kind = known.get(event) or known.get(event.partition(".")[0])
            thread = get_ident()
            if kind is None or thread in busy:
                return
            busy.add(thread)  # looking at frames is an event too
            try:
                look(event, kind, arguments)
            finally:
                busy.discard(thread)

        sys.addaudithook(hook)

    def _look(self, event, kind, arguments):
        path = _outside(arguments, self.box) if kind == "files" else ""
        if path is None or (event == "socket.__new__" and arguments[1] == _UNIX_SOCKET):
            return  # Python's own event loop is made of such a pair
        if self.told[kind] >= PER_KIND:
            return
        between, cell, imports = self._way()
        if imports or not (self._by_student(event, kind, path, between) or self._astray(path)):
            return
        if (kind, cell) not in self.seen:
            self.seen.add((kind, cell))
            self.told[kind] += 1
            self.tell([kind, cell, f"{event} {path or _shown(arguments)}".strip()[:LINE]])

    def _by_student(self, event, kind, path, between):
        """Whether it is the student's doing, from the files of the code `between` it and theirs."""
        if between is None:
            return False
        if event.startswith("ctypes."):
            return all(any(part in each for part in _LOADERS) for each in between)
        if {kind, event} & set(_DIRECTLY):
            return not between
        if path and path.startswith(_ANY_DEPTH):
            return True
        return all(each.startswith(self.standard) and "site-packages" not in each for each in between)

    def _astray(self, path):
        """Whether a path is none that a library would open of itself."""
        return bool(path) and not path.startswith((*_LIBRARIES_READ, *self.library))

    def _way(self):
        """Files of code between the event and the student's nearest line, or None; their cell; an import?"""
        between, found, cell = [], None, ""
        for name in _files():
            if found is None and (name.startswith("<frozen importlib") or name.endswith("/platform.py")):
                return None, "", True  # whoever asked for it; "which system is this?" asks uname
            if self._is_student(name):
                found = between if found is None else found
                if name in self.cells:
                    cell = name.strip("<>")
                    break
            elif found is None and not name.startswith("<"):
                between.append(name)
        return found, cell, False

    def _is_student(self, name):
        return name in self.cells or name == "<string>" or not name.startswith((*self.library, "<"))


def _files(getframe=sys._getframe) -> Iterator[str]:
    """Of the code that is running, from the event on."""
    frame = getframe(1)
    while frame is not None:
        if frame.f_code.co_filename != __file__:
            yield frame.f_code.co_filename
        frame = frame.f_back


def _outside(arguments, box):
    """The path that is opened or listed if it is none of the student's business, else None."""
    path = arguments[0] if arguments else None
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    if not isinstance(path, (str, os.PathLike)):
        return None
    path = os.path.normpath(os.path.join(os.getcwd(), os.fspath(path)))
    return None if path.startswith((*box, *_HARMLESS)) else path


def _shown(arguments):
    try:
        return ", ".join(
            str.__str__(each)[:LINE] if type(each) is str else repr(each)[:LINE]
            for each in arguments[:2]
            if type(each) in (str, bytes, int, tuple)
        )[:LINE]
    except BaseException:
        return ""
