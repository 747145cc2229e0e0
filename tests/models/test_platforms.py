"""Where a platform's index is 32 bits wide (a browser's Python), NumPy refuses to count or repeat by int64.

``np.bincount``, ``np.take`` and ``np.repeat`` cast their indices to ``np.intp`` only if no bit may be lost,
so what they are given is cast where it is handed over. This reads the code, as no test can run there.
"""

import ast

import pytest

ROOMS = ("design", "estimators", "mechanisms", "models", "plots", "theories")
INDEX_AT = {"bincount": 0, "take": 1, "repeat": 1}


def is_cast(node):
    """Whether an expression is a literal, a size, or cast to np.intp."""
    text = ast.unparse(node)
    return isinstance(node, ast.Constant | ast.List) or ".astype(np.intp" in text or plain(node)


def plain(node):
    """A Python number: a constant's name in capitals, len(…), a name of a size, or arithmetic with those."""
    if isinstance(node, ast.BinOp):
        return plain(node.left) and plain(node.right)
    if isinstance(node, ast.Attribute):
        return node.attr == "size"
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) == "len"
    return isinstance(node, ast.Constant) or (
        isinstance(node, ast.Name) and (node.id.isupper() or node.id in ("rows", "months", "width"))
    )


def calls(path):
    """The calls that take indices, but for those whose indices are a name that was given a cast."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    given = [node for node in ast.walk(tree) if isinstance(node, ast.Assign)]
    cast = {ast.unparse(node.targets[0]) for node in given if ".astype(np.intp" in ast.unparse(node.value)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        at = INDEX_AT.get(node.func.attr) if ast.unparse(node.func.value) == "np" else None
        if at is not None and ast.unparse(node.args[at]) not in cast:
            yield node


@pytest.mark.parametrize("room", ROOMS)
def test_indices_are_as_wide_as_the_platforms(root, room):
    found = [
        f"{path.relative_to(root)}:{call.lineno}: {ast.unparse(call)}"
        for path in sorted((root / "crmlab" / room).rglob("*.py"))
        for call in calls(path)
        if not is_cast(call.args[INDEX_AT[call.func.attr]])
    ]
    lists = [each for each in found if "for block in" not in each]  # a list of lengths is cast by NumPy
    assert not lists, "\n".join(lists)


@pytest.mark.parametrize(
    "code, cast",
    [
        ("np.bincount(codes)", False),
        ("np.bincount(codes.astype(int))", False),
        ("np.bincount(codes.astype(np.intp, copy=False), weights)", True),
        ("np.repeat(values, counts)", False),
        ("np.repeat(values, 3 * len(names))", True),
        ("np.take(values, order)", False),
    ],
)
def test_the_check_can_fail(tmp_path, code, cast):
    path = tmp_path / "code.py"
    path.write_text(code, encoding="utf-8")
    (call,) = calls(path)
    assert is_cast(call.args[INDEX_AT[call.func.attr]]) == cast
