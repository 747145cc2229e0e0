"""Signs that code does what no exercise asks for: evidence for a human, not a verdict.

`scan` reads a student's source before any of it runs, so what it says cannot be forged. `watch` listens to
Python's own audit events while it runs; code may forge those, but only against itself.
"""

import ast
import os
import sys
from _thread import get_ident

from crmlab.exercises.source import parsed

EVIDENCE = 30  # of each submission, at most
LINE = 110

_MODULES = {
    "socket": "network", "ssl": "network", "http": "network", "urllib": "network", "requests": "network",
    "ftplib": "network", "smtplib": "network", "asyncio.streams": "network", "aiohttp": "network",
    "httpx": "network", "telnetlib": "network", "xmlrpc": "network", "urllib.parse": None,
    "subprocess": "processes", "pty": "processes", "_posixsubprocess": "processes",
    "ctypes": "interpreter", "cffi": "interpreter", "_ctypes": "interpreter", "marshal": "interpreter",
    "code": "interpreter", "dis": "interpreter", "bdb": "interpreter", "builtins": "introspection",
    "inspect": "introspection", "signal": "signals", "faulthandler": "signals", "resource": "limits",
    "atexit": "exit",
}  # fmt: skip
_NAMES = {
    "_exit": "exit", "abort": "exit", "exit": "exit", "quit": "exit", "SystemExit": "exit",
    "kill": "signals", "killpg": "signals", "raise_signal": "signals", "pthread_kill": "signals",
    "fork": "processes", "forkpty": "processes", "Popen": "processes", "system": "processes",
    "execv": "processes", "execve": "processes", "posix_spawn": "processes", "popen": "processes",
    "environ": "environment", "getenv": "environment", "environb": "environment",
    "_getframe": "introspection", "f_globals": "introspection", "f_locals": "introspection",
    "f_back": "introspection", "tb_frame": "introspection", "gi_frame": "introspection",
    "cr_frame": "introspection", "__subclasses__": "introspection", "__globals__": "introspection",
    "__closure__": "introspection", "__code__": "introspection", "__builtins__": "introspection",
    "builtins": "introspection", "get_objects": "introspection", "get_referrers": "introspection",
    "_current_frames": "introspection", "__mro__": "introspection",
    "settrace": "interpreter", "setprofile": "interpreter", "addaudithook": "interpreter",
    "setrecursionlimit": "interpreter", "ast_transformers": "interpreter", "NodeTransformer": "interpreter",
    "_collector": "introspection", "setrlimit": "limits", "getppid": "environment",
    "register_at_fork": "processes", "__reduce__": "interpreter", "__reduce_ex__": "interpreter",
}  # fmt: skip
# Of os alone: these names are ordinary elsewhere.
_OF_OS = dict.fromkeys(("read", "write", "close", "closerange", "dup", "dup2", "set_blocking"), "channels")
_SCRIPTS = ("script", "bash", "sh", "perl", "ruby", "python", "python2", "python3", "pypy", "javascript")
_TEXTS = {
    "/proc": "files", "/etc/": "files", "../": "files", "/root": "files", "/home/": "files",
    "/dev/shm": "files", "gradebook": "files", "secret": "files", "master.ipynb": "files",
    "### BEGIN SOLUTION": "files", "autograded": "files", "submitted/": "files",
    "application/vnd.crmlab": "forged output",
}  # fmt: skip
_COMPARISONS = {"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"}
_EQUALITY = {*_COMPARISONS, "__class__", "__instancecheck__"}
_DEEP = 50_000  # a limit of recursion that no honest function needs
_STUDENTS = ("solution", "extra")


def scan(plan):
    """``[[kind, evidence], ...]`` from the student's own cells of a plan."""
    found = {}
    for asked in plan["questions"]:
        for cell in asked["cells"]:
            if cell["role"] in _STUDENTS:
                for kind, line in _signs(cell["source"], plan["parameters"]):
                    found.setdefault((kind, cell["id"], line), _line(cell, line))
    return [[kind, evidence] for (kind, _, _), evidence in list(found.items())[:EVIDENCE]]


def _line(cell, number):
    lines = cell["source"].splitlines()
    text = lines[number - 1].strip() if 0 < number <= len(lines) else ""
    return f"{cell['id']}, line {number}: {text[:LINE]}"


def _signs(source, parameters):
    try:
        tree = parsed(source)
    except Exception:
        return
    modules, harmless = _imported(tree), set(_harmless(tree))
    for node in ast.walk(tree):
        if node in harmless:
            continue
        line = getattr(node, "lineno", 0)
        match node:
            case ast.Import(names=names):
                for each in names:
                    if kind := _of_module(each.name):
                        yield kind, line
            case ast.ImportFrom(module=module, names=names):
                if kind := _of_module(module or ""):
                    yield kind, line
                for each in names:
                    if each.name in _NAMES and module in ("os", "sys", "signal", "gc"):
                        yield _NAMES[each.name], line
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name) if name in ("answer", "record"):
                yield "redefines", line
            case ast.Name(id=name, ctx=ast.Store()) if name in parameters:
                yield "parameters", line
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) if name in (
                "answer",
                "record",
                "open_exercise",
            ):
                yield "redefines", line
            case ast.FunctionDef(name=name) if name in _EQUALITY:
                if name not in _COMPARISONS or not _looks_at_the_other(node):
                    yield "equality", line
            case ast.FunctionDef(name=name) if name.startswith("__") and name in _NAMES:
                yield _NAMES[name], line
            case ast.Name(id=name, ctx=ast.Store()) if name in _EQUALITY:
                yield "equality", line
            case ast.Subscript(value=ast.Attribute(attr="modules"), ctx=ast.Store() | ast.Del()):
                yield "patches", line
            case ast.Call(func=ast.Attribute(attr="run_cell_magic"), args=[ast.Constant(value=name), *_]) if (
                name in _SCRIPTS
            ):
                yield "processes", line
            case ast.Attribute(attr=name, value=ast.Name(id=module)) if (
                name in _OF_OS and modules.get(module) == "os"
            ):
                yield _OF_OS[name], line
            case ast.Name(id="exit" | "quit" | "SystemExit" | "__builtins__" as name):
                yield _NAMES[name], line
            case ast.Attribute(attr=name, ctx=ast.Load(), value=ast.Name()) if name in _NAMES:
                if (
                    name.startswith("_")
                    or node.value.id in modules
                    or name in ("f_globals", "f_locals", "f_back")
                ):
                    yield _NAMES[name], line
            case ast.Attribute(attr=name) if name in _NAMES and name not in (
                "exit",
                "quit",
                "kill",
                "system",
            ):
                yield _NAMES[name], line
            case ast.Constant(value=str() as text):
                if not text.startswith(("http://", "https://")):
                    yield from ((kind, line) for piece, kind in _TEXTS.items() if piece in text)
                if text in ("ctypes", "socket", "subprocess", "_exit", "os.system"):
                    yield "interpreter", line
                if text in _EQUALITY:
                    yield "equality", line
                elif text.startswith("__") and text in _NAMES:
                    yield _NAMES[text], line
            case ast.Call(func=ast.Name(id="setattr"), args=[ast.Name(id=name), *_]) if name in modules:
                yield "patches", line
            case ast.Subscript(value=ast.Name(id="In" | "Out")):
                yield "introspection", line
        written = isinstance(node, ast.Attribute) and isinstance(node.ctx, (ast.Store, ast.Del))
        if written and _patches(node, modules):
            yield "patches", line


def _of_module(name):
    """The kind of sign that importing a module is; its own before that of its package."""
    return _MODULES.get(name, _MODULES.get(name.partition(".")[0]))


def _harmless(tree):
    """Names that look like a sign and are none: a setting for a library, a little more recursion."""
    for node in ast.walk(tree):
        match node:
            case ast.Subscript(value=ast.Attribute(attr="environ") as name, ctx=ast.Store()):
                yield name
            case ast.Call(
                func=ast.Attribute(attr="setrecursionlimit") as name, args=[ast.Constant(value=int(most))]
            ) if most <= _DEEP:
                yield name


def _looks_at_the_other(function):
    """Whether a comparison of objects uses what it is given, as one that lies need not."""
    given = function.args.posonlyargs + function.args.args
    used = {node.id for each in function.body for node in ast.walk(each) if isinstance(node, ast.Name)}
    return len(given) == 2 and given[1].arg in used


def _imported(tree):
    """Names that imports bind, with what they stand for."""
    names = {"np": "numpy", "pd": "pandas", "stats": "scipy.stats", "plt": "matplotlib.pyplot"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                names[each.asname or each.name.partition(".")[0]] = (
                    each.name if each.asname else each.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            for each in node.names:
                names[each.asname or each.name] = f"{node.module}.{each.name}"
    return names


def _patches(node, modules):
    """Whether an assignment to an attribute replaces a function or class of a module."""
    path = []
    while isinstance(node, ast.Attribute):
        path.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in modules:
        return False
    if path[0].startswith("__"):
        return True
    thing = sys.modules.get(modules[node.id])
    if thing is None:
        module, _, name = modules[node.id].rpartition(".")
        thing = getattr(sys.modules.get(module), name, None)
    for name in reversed(path):
        thing = getattr(thing, name, None)
    return callable(thing)


# --------------------------------------------------------------------------------------------- while it runs

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
_HARMLESS = ("/dev/null", "/dev/urandom", "/dev/random", "/usr/share/", "/opt/crmlab/home/datasets")
_LIBRARIES_READ = ("/usr/", "/etc/", "/sys/", "/proc/", "/opt/crmlab/", "/lib")
_BOX = ("/tmp", "/dev/shm")
_UNIX_SOCKET = 1
_DIRECTLY = (
    "introspection",
    "interpreter",
    "signals",
    "limits",
    "os.fork",
)  # Python's own library does these too


def watch(tell):
    """Pass on audit events that a student's own code sets off, each once, and not too many."""
    seen, library, box, busy = set(), _library(), (*_BOX, os.getcwd()), set()
    standard = os.path.dirname(os.__file__) + "/"

    def hook(event, arguments):
        kind = _EVENTS.get(event) or _EVENTS.get(event.partition(".")[0])
        thread = get_ident()
        if kind is None or len(seen) >= EVIDENCE or thread in busy:
            return
        busy.add(thread)  # looking at frames is an event too
        try:
            look(event, kind, arguments)
        finally:
            busy.discard(thread)

    def look(event, kind, arguments):
        path = _outside(arguments, box) if kind == "files" else ""
        if path is None or (event == "socket.__new__" and arguments[1] == _UNIX_SOCKET):
            return  # Python's own event loop is made of such a pair
        by_student = _by_student(library, standard, bool({kind, event} & set(_DIRECTLY)))
        if not by_student and not (path and not path.startswith((*_LIBRARIES_READ, *library))):
            return
        shown = f"{event} {path or _shown(arguments)}".strip()[:LINE]
        if shown not in seen:
            seen.add(shown)
            tell([kind, shown])

    sys.addaudithook(hook)


def _library():
    """Where code lies that is not the student's."""
    package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    standard = os.path.dirname(os.__file__)
    return tuple({standard + "/", sys.prefix + "/", sys.base_prefix + "/", "<frozen ", package + "/"})


def _by_student(library, standard, directly, getframe=sys._getframe):
    """Whether the nearest code outside Python's own library (or, `directly`, any code) is the student's."""
    frame = getframe(3)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith("<frozen importlib") or name == standard + "platform.py":
            return False  # an import, whoever asked for it; "which system is this?" asks uname
        if not name.startswith(library):
            return True
        if directly or not name.startswith((standard, "<frozen ")) or "site-packages" in name:
            return False
        frame = frame.f_back
    return False


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
