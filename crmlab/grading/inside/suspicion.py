"""Signs in a student's source that it does what no exercise asks for: evidence for a human, not a verdict.

`scan` reads it before any of it runs, so what it says cannot be forged. A word that is only a word is none: a
loop over ``record``, an object of the student's called ``stats``, "secret" in something printed.
"""

import ast
import re
from collections.abc import Iterator

from crmlab.exercises.source import parsed
from crmlab.grading.inside.naming import Names, in_order, root

LINE = 110
DEEP = 3  # code in a text in a text

_MODULES = {
    "socket": "network", "ssl": "network", "http": "network", "urllib": "network", "requests": "network",
    "ftplib": "network", "smtplib": "network", "asyncio.streams": "network", "aiohttp": "network",
    "httpx": "network", "telnetlib": "network", "xmlrpc": "network", "urllib.parse": None,
    "subprocess": "processes", "pty": "processes", "_posixsubprocess": "processes",
    "ctypes": "interpreter", "cffi": "interpreter", "_ctypes": "interpreter", "marshal": "interpreter",
    "code": "interpreter", "dis": "interpreter", "bdb": "interpreter", "builtins": "introspection",
    "signal": "signals", "faulthandler": "signals", "resource": "limits", "atexit": "exit",
    "crmlab.exercises": "answer lookup", "crmlab.grading": "answer lookup", "crmlab.course": "answer lookup",
}  # fmt: skip
_NAMES = {
    "_exit": "exit", "abort": "exit", "exit": "exit", "quit": "exit",
    "kill": "signals", "killpg": "signals", "raise_signal": "signals", "pthread_kill": "signals",
    "fork": "processes", "forkpty": "processes", "Popen": "processes", "system": "processes",
    "execv": "processes", "execve": "processes", "posix_spawn": "processes", "popen": "processes",
    "environ": "environment", "getenv": "environment", "environb": "environment", "getppid": "environment",
    "_getframe": "introspection", "f_globals": "introspection", "f_locals": "introspection",
    "f_back": "introspection", "tb_frame": "introspection", "gi_frame": "introspection",
    "cr_frame": "introspection", "__subclasses__": "introspection", "__globals__": "introspection",
    "__closure__": "introspection", "__code__": "introspection", "__builtins__": "introspection",
    "builtins": "introspection", "get_objects": "introspection", "get_referrers": "introspection",
    "_current_frames": "introspection", "__mro__": "introspection", "_collector": "introspection",
    "settrace": "interpreter", "setprofile": "interpreter", "addaudithook": "interpreter",
    "setrecursionlimit": "interpreter", "ast_transformers": "interpreter", "NodeTransformer": "interpreter",
    "setrlimit": "limits", "register_at_fork": "processes",
    "__reduce__": "interpreter", "__reduce_ex__": "interpreter",
    "CDLL": "interpreter", "PyDLL": "interpreter", "LoadLibrary": "interpreter", "dlopen": "interpreter",
    "load_library": "interpreter", "ctypeslib": "interpreter", "ctypes": "interpreter",
}  # fmt: skip
_ORDINARY = {
    "exit",
    "quit",
    "kill",
    "system",
    "abort",
    "fork",
    "popen",
    "builtins",
    "ctypes",
    "getenv",
    "environ",
}
_OF = {  # names that are ordinary elsewhere, by the module in which they are a sign
    "os": dict.fromkeys(("read", "write", "close", "closerange", "dup", "dup2", "set_blocking"), "channels"),
    "inspect": dict.fromkeys(("currentframe", "stack", "trace", "getouterframes"), "introspection"),
    "crmlab": dict.fromkeys(("exercises", "grading", "course"), "answer lookup"),
}
_SCRIPTS = ("script", "bash", "sh", "perl", "ruby", "python", "python2", "python3", "pypy", "javascript")
_COMPARISONS = {"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"}
_EQUALITY = {*_COMPARISONS, "__class__", "__instancecheck__"}
_DEEPEST = 50_000  # a limit of recursion that no honest function needs
_STUDENTS = ("solution", "extra")
_GIVEN = ("answer", "record", "open_exercise")
_SECRET = re.compile(r"crmlab|secret|token|password|seed|key$", re.IGNORECASE)

_PLACES = ("/proc", "/etc/", "/root", "/home/", "/dev/shm", "../", "~/")
_FILES = {".secret", "gradebook.csv", "overrides.csv", "audit.jsonl", "course.toml", "master.ipynb", ".ssh"}
_FOLDERS = {"gradebook", "autograded", "submitted"}
_SAYING = {
    "print", "display", "Markdown", "HTML", "title", "xlabel", "ylabel", "text", "annotate", "suptitle",
    "set_title", "set_xlabel", "set_ylabel", "info", "warning", "debug", "error",
}  # fmt: skip


def scan(plan: dict) -> list[list[str]]:
    """``[[kind, cell, evidence], ...]`` from the student's own cells: one for each kind and cell."""
    found, names = {}, Names()
    for asked in plan["questions"]:
        for cell in asked["cells"]:
            signs = _signs(cell["source"], plan["parameters"], names)
            if cell["role"] not in _STUDENTS:
                list(signs)  # what is given imports, too
                continue
            for kind, line in sorted(signs, key=lambda sign: sign[1]):
                found.setdefault((kind, cell["id"]), _line(cell, line))
    return [[kind, cell, evidence] for (kind, cell), evidence in found.items()]


def _line(cell, number):
    lines = cell["source"].splitlines()
    text = lines[number - 1].strip() if 0 < number <= len(lines) else ""
    return f"line {number}: {text[:LINE]}"


def _signs(source, parameters, names, depth=0) -> Iterator[tuple[str, int]]:
    """``(kind, line)``; `names` learns what the source binds."""
    try:
        nodes = in_order(parsed(source))
    except Exception:
        return
    harmless = set(_harmless(nodes))
    for node, outermost in nodes:
        line = getattr(node, "lineno", 0)
        names.learn(node, outermost)
        if node in harmless:
            continue
        for kind in (
            *_of_imports(node), *_of_definitions(node, parameters, outermost), *_of_calls(node, names),
            *_of_attributes(node, names), *_of_patches(node, names), *_of_texts(node),
        ):  # fmt: skip
            yield kind, line
        hidden = _code_in_text(node) if depth < DEEP else None
        if hidden is not None:
            yield from ((kind, line + at - 1) for kind, at in _signs(hidden, parameters, names, depth + 1))


def _of_imports(node):
    match node:
        case ast.Import(names=names):
            yield from (kind for each in names if (kind := _of_module(each.name)))
        case ast.ImportFrom(module=module, names=names):
            asked = {each.name for each in names}
            if (module, asked) != ("crmlab.exercises", {"open_exercise"}):
                full = [f"{module}.{each}" for each in asked] if module == "crmlab" else [module or ""]
                yield from (kind for each in full if (kind := _of_module(each)))
            for name in asked:
                if name in _NAMES and module in ("os", "sys", "signal", "gc"):
                    yield _NAMES[name]
                elif name in _OF.get(module, ()):
                    yield _OF[module][name]


def _of_module(name):
    """The kind of sign that importing a module is; its own before that of its packages."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        if ".".join(parts[:count]) in _MODULES:
            return _MODULES[".".join(parts[:count])]
    return None


def _of_definitions(node, parameters, outermost):
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name) if name in _GIVEN:
            yield "redefines"
        case ast.Assign(targets=targets, value=value) if outermost:
            bound = {each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)}
            if bound & set(_GIVEN) and (isinstance(value, ast.Lambda) or _opens(value)):
                yield "redefines"
            if bound & set(parameters):
                yield "parameters"
        case (
            ast.AugAssign(target=ast.Name(id=name))
            | ast.AnnAssign(target=ast.Name(id=name))
            | ast.NamedExpr(target=ast.Name(id=name))
        ) if outermost and name in parameters:
            yield "parameters"
    match node:
        case ast.FunctionDef(name=name) if name in _EQUALITY:
            if name not in _COMPARISONS or not _looks_at_the_other(node):
                yield "equality"
        case ast.FunctionDef(name=name) if name.startswith("__") and name in _NAMES:
            yield _NAMES[name]
        case ast.Name(id=name, ctx=ast.Store()) if name in _EQUALITY:
            yield "equality"


def _opens(value):
    return isinstance(value, ast.Call) and root(value.func) == "open_exercise"


def _of_attributes(node, names):
    match node:
        case ast.Attribute(attr=name, value=value):
            of = root(value)
            if name in _OF.get(names.modules.get(of, ""), ()):
                yield _OF[names.modules[of]][name]
            elif of == "answer" and name.startswith("_"):
                yield "answer lookup"
            elif name in _NAMES and (names.is_library(value) or name not in _ORDINARY):
                yield _NAMES[name]
        case ast.Name(id="SystemExit", ctx=ast.Load()):
            yield "exit"
        case ast.Name(id="__builtins__"):
            yield "introspection"
        case ast.Subscript(value=ast.Name(id="In" | "Out" as name)) if name not in names.own:
            yield "introspection"


def _of_calls(node, names):
    match node:
        case ast.Call(func=ast.Name(id="exit" | "quit" as name)) if name not in names.own:
            yield "exit"
        case ast.Call(func=ast.Name(id="exec" | "eval" | "__import__" as name), args=[first, *_]):
            if name in names.own:
                return
            if not _is_literal(first):
                yield "hidden code"
            elif name == "__import__" and (kind := _of_module(first.value)):
                yield kind
        case ast.Call(func=ast.Attribute(attr="import_module"), args=[first, *_]):
            if not _is_literal(first):
                yield "hidden code"
            elif kind := _of_module(first.value):
                yield kind
        case ast.Call(func=ast.Attribute(attr="run_cell_magic"), args=[ast.Constant(value=name), *_]):
            if name in _SCRIPTS:
                yield "processes"
        case ast.Call(func=ast.Name(id="getattr" | "hasattr"), args=[of, ast.Constant(value=str(name)), *_]):
            if root(of) == "answer" and name.startswith("_"):
                yield "answer lookup"
            elif names.is_library(of) and name in _NAMES:
                yield _NAMES[name]
        case ast.Call(func=ast.Name(id="getattr"), args=[ast.Name(id=of), _, *_]):
            if names.modules.get(of) in ("os", "sys", "builtins", "subprocess", "signal"):
                yield "hidden code"
        case ast.Call(func=ast.Name(id="vars" | "dir" | "type"), args=[ast.Name(id="answer")]):
            if "answer" not in names.own:
                yield "answer lookup"


def _is_literal(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _of_patches(node, names):
    match node:
        case ast.Attribute(ctx=ast.Store() | ast.Del()) if names.patches(node):
            yield "patches"
        case ast.Subscript(value=ast.Attribute(attr="modules"), ctx=ast.Store() | ast.Del()):
            yield "patches"
        case ast.Subscript(value=of, ctx=ast.Store() | ast.Del()) if names.is_namespace(of):
            yield "patches"
        case ast.Call(func=ast.Name(id="setattr" | "delattr"), args=[of, *_]) if names.is_library(of):
            yield "patches"
        case ast.Call(
            func=ast.Attribute(attr="update" | "setdefault" | "pop" | "clear" | "__setitem__", value=of)
        ):
            if names.is_namespace(of):
                yield "patches"


def _of_texts(node):
    match node:
        case ast.Constant(value=str(text)):
            if _names_a_place(text) or "### BEGIN SOLUTION" in text:
                yield "files"
            if "application/vnd.crmlab" in text:
                yield "forged output"
            if text.startswith(("crmlab.exercises.", "crmlab.grading", "crmlab.course")):
                yield "answer lookup"
            if text in _EQUALITY:
                yield "equality"
            elif text.startswith("__") and text in _NAMES:
                yield _NAMES[text]


def _names_a_place(text):
    """Whether a text, or a word in a command, is a path to what is none of the student's business."""
    for word in re.split(r"[\s'\"`;|&<>(),=]+", text[:5000]):
        if word.startswith(("http://", "https://")):
            continue
        parts = re.split(r"[/\\]", word)
        if word.startswith(_PLACES) or "/../" in word or parts[-1] in _FILES or _FILES & set(parts[:-1]):
            return True
        if len(parts) > 1 and _FOLDERS & set(parts):
            return True
    return False


def _code_in_text(node):
    """Python that a call is given as a literal text: to ``exec``, or to a magic that runs or writes it."""
    match node:
        case ast.Call(
            func=ast.Name(id="exec" | "eval" | "compile"), args=[ast.Constant(value=str(text)), *_]
        ):
            return text
        case ast.Call(
            func=ast.Attribute(attr="run_cell_magic"),
            args=[ast.Constant(value=name), _, ast.Constant(value=str(text))],
        ) if name not in _SCRIPTS:
            return text
        case ast.Call(
            func=ast.Attribute(attr="run_line_magic"),
            args=[ast.Constant(value="time" | "timeit" | "prun"), ast.Constant(value=str(text))],
        ):
            return text
    return None


def _harmless(nodes):
    """Names and texts that look like a sign and are none."""
    for node, _ in nodes:
        match node:
            case ast.Subscript(value=ast.Attribute(attr="environ") as name, ctx=ast.Store()):
                yield name  # a setting for a library
            case (
                ast.Subscript(value=ast.Attribute(attr="environ") as name, slice=ast.Constant(value=str(key)))
                | (
                    ast.Compare(
                        left=ast.Constant(value=str(key)), comparators=[ast.Attribute(attr="environ") as name]
                    )
                )
                | ast.Call(
                    func=ast.Attribute(attr="get", value=ast.Attribute(attr="environ") as name),
                    args=[ast.Constant(value=str(key)), *_],
                )
                | ast.Call(func=ast.Attribute(attr="getenv") as name, args=[ast.Constant(value=str(key)), *_])
            ):
                if not _SECRET.search(key):
                    yield name  # one variable: "am I in Colab?"
            case ast.Call(
                func=ast.Attribute(attr="setrecursionlimit") as name, args=[ast.Constant(value=int(most))]
            ) if most <= _DEEPEST:
                yield name
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=args) if name in _SAYING:
                yield from _texts(args)
            case ast.Expr(value=ast.Constant() as text) | ast.Assert(msg=ast.Constant() as text):
                yield text
            case ast.Raise(exc=ast.Call(args=args)):
                yield from _texts(args)


def _texts(arguments):
    """The texts among the arguments of a call, those in f-strings included."""
    for each in arguments:
        if isinstance(each, ast.JoinedStr):
            yield from (part for part in each.values if isinstance(part, ast.Constant))
        elif isinstance(each, ast.Constant):
            yield each


def _looks_at_the_other(function):
    """Whether a comparison of objects uses what it is given, as one that lies need not."""
    given = function.args.posonlyargs + function.args.args
    used = {node.id for each in function.body for node in ast.walk(each) if isinstance(node, ast.Name)}
    return len(given) == 2 and given[1].arg in used
