"""Conventions of the code that no other tool checks: typed signatures, short files, rooms under contract."""

import ast
import tomllib

import pytest

# Rooms whose public signatures are still to be typed. The list may only become shorter.
UNTYPED: list[str] = []
# Files that are still to be cut: path and the lines that it may have, with some air for work in progress.
LONG = {}
LINES = 400

# The rooms without statistics, which may be taken elsewhere (a second product), and what those stand on.
NO_SCIENCE = {"course", "exercises", "grading", "notebook", "pages", "words", "cli"}


@pytest.fixture(scope="module")
def modules(root):
    """Syntax trees of the package's modules, by path from the checkout."""
    package = root / "crmlab"
    return {
        path.relative_to(root).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(package.rglob("*.py"))
    }


def public_functions(tree):
    """Functions and methods that a user may call: name and node, those of public classes included."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            methods = [each for each in node.body if isinstance(each, ast.FunctionDef)]
            for each in methods:
                if not each.name.startswith("_") or each.name in ("__init__", "__call__"):
                    yield f"{node.name}.{each.name}", each
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield node.name, node


def is_typed(function):
    """Whether each argument and what comes back has its type; ``*rest`` and ``**options`` may go without."""
    arguments = function.args.posonlyargs + function.args.args + function.args.kwonlyargs
    named = [each for each in arguments if each.arg not in ("self", "cls")]
    back = function.returns is not None or function.name == "__init__"
    return back and all(each.annotation for each in named)


def untyped(tree):
    return [f"{name} (line {node.lineno})" for name, node in public_functions(tree) if not is_typed(node)]


def pending(path):
    return next((each for each in UNTYPED if path == each or path.startswith(f"{each}/")), None)


def test_public_signatures_are_typed(modules):
    missing = {path: untyped(tree) for path, tree in modules.items() if not pending(path)}
    assert {path: names for path, names in missing.items() if names} == {}


def test_what_is_typed_is_off_the_list(modules):
    waiting = {pending(path) for path, tree in modules.items() if pending(path) and untyped(tree)}
    assert set(UNTYPED) - waiting == set(), "typed by now: take it off the list"


def test_files_are_short(root):
    sizes = {
        path.relative_to(root).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in (root / "crmlab").rglob("*.py")
    }
    assert {path: lines for path, lines in sizes.items() if lines > LONG.get(path, LINES)} == {}
    assert [path for path in LONG if sizes.get(path, 0) <= LINES] == [], "short by now: take it off the list"


def test_contracts_name_every_room(root):
    """import-linter refuses names of rooms that are not there, so a new one must be added to the contract."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = (
        each for each in settings["tool"]["importlinter"]["contracts"] if each["type"] == "forbidden"
    )
    rooms = {path.parent.name for path in (root / "crmlab").glob("*/__init__.py")}
    assert {f"crmlab.{room}" for room in rooms - NO_SCIENCE} == set(contract["forbidden_modules"])
