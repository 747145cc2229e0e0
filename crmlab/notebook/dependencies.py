"""What something follows from: the modules of ours that code imports, directly or not, and their digest."""

import ast
import functools
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from crmlab import places

_PROGRAMS = (".py", ".toml", ".csv", ".json")  # what modules consist of, and read
_PACKAGE = places.PACKAGE.name
_THEORIES = f"{_PACKAGE}.theories"  # lists what there is; a lesson depends on those that it names


def digest(paths: Iterable[Path], more: str = "") -> str:
    """SHA-256 of files, by name and content, and of what else counts."""
    found = hashlib.sha256(more.encode())
    for path in paths:
        found.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


def programs(names: Iterable[str]) -> list[Path]:
    """The files of modules of ours, and of all that they import of ours."""
    found: dict[str, list[Path]] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = _files(name)
            for path in found[name]:
                waiting += _imports_of(path) if path.suffix == ".py" else ()
    return sorted({path for paths in found.values() for path in paths})


def _imports_of(path: Path) -> tuple[str, ...]:
    """Names that a file imports."""
    return _names_in(path.read_text(encoding="utf-8"))


@functools.cache
def _names_in(code: str) -> tuple[str, ...]:
    """The same for the same text, which is parsed once."""
    return tuple(dict.fromkeys(imported(code)))


def _files(name: str) -> list[Path]:
    """The files of one module: a package's own and what lies beside it; all of them if it imports by name."""
    base = places.PACKAGE.parent.joinpath(*name.split("."))
    init = base / "__init__.py"
    if not init.is_file():
        return [path for path in [base.with_suffix(".py")] if path.is_file()]
    by_name = name != _THEORIES and "import_module" in init.read_text(encoding="utf-8")
    inside = [path for path in base.iterdir() if path.suffix in _PROGRAMS]
    return [path for path in inside if path == init or path.suffix != ".py" or by_name]


def imported(code: str) -> Iterator[str]:
    """Names of modules of ours that code may import; what a name stands for, module or not, is seen later."""
    try:
        tree = ast.parse("\n".join(line for line in code.splitlines() if not line.startswith(("%", "!"))))
    except SyntaxError:  # the run will say so
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
        else:
            continue
        for name in names:
            if name.split(".")[0] == _PACKAGE:
                parts = name.split(".")
                yield from (".".join(parts[:length]) for length in range(2, len(parts) + 1))
