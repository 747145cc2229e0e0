"""What the names in a student's source stand for: modules and what comes from them, or the student's own."""

import ast
import sys
from collections.abc import Iterator

SCOPES = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda,
    ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp,
)  # fmt: skip


class Names:
    """Modules by the name that they were imported under; grows from cell to cell.

    Attributes
    ----------
    modules : dict of str to str
        ``{"np": "numpy", "norm": "scipy.stats.norm"}``.
    own : set of str
        Names that the student has given to something else since.
    """

    def __init__(self):
        self.modules, self.own = {}, set()

    def learn(self, node: ast.AST, outermost: bool) -> None:
        """Take in what an import or an assignment binds; one inside a function binds nothing here."""
        match node:
            case ast.Import(names=names):
                for each in names:
                    first = each.name.partition(".")[0]
                    self._bind(each.asname or first, each.name if each.asname else first)
            case ast.ImportFrom(module=module, names=names):
                for each in names:
                    self._bind(each.asname or each.name, f"{module}.{each.name}")
            case ast.Name(id=name, ctx=ast.Store()) if outermost:
                self.modules.pop(name, None)
                self.own.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) if outermost:
                self.modules.pop(name, None)
                self.own.add(name)

    def _bind(self, name, stands_for):
        self.modules[name] = stands_for
        self.own.discard(name)

    def is_library(self, node: ast.AST) -> bool:
        """Whether an expression is a module or something in one: ``np``, ``stats.norm``."""
        match node:
            case ast.Name(id=name):
                return name in self.modules
            case ast.Attribute(value=value):
                return self.is_library(value)
            case ast.Subscript(value=ast.Attribute(attr="modules")):
                return True
            case ast.Call(func=ast.Name(id="__import__") | ast.Attribute(attr="import_module")):
                return True
        return False

    def is_namespace(self, node: ast.AST) -> bool:
        """Whether an expression is the dictionary of a library: ``vars(np)``, ``np.__dict__``."""
        match node:
            case ast.Call(func=ast.Name(id="vars"), args=[of]):
                return self.is_library(of)
            case ast.Attribute(attr="__dict__", value=of):
                return self.is_library(of)
        return False

    def patches(self, node: ast.Attribute) -> bool:
        """Whether an assignment to an attribute replaces a function or class of a library."""
        path, of = [], node
        while isinstance(of, ast.Attribute):
            path.append(of.attr)
            of = of.value
        if not isinstance(of, ast.Name):
            return self.is_library(of)
        if of.id not in self.modules:
            return False
        if path[0].startswith("__"):
            return True
        thing = _loaded(self.modules[of.id])
        for name in reversed(path):
            thing = getattr(thing, name, None)
        return callable(thing)


def _loaded(name):
    """The module `name`, or the thing of that name in one, if it is loaded."""
    if name in sys.modules:
        return sys.modules[name]
    module, _, last = name.rpartition(".")
    return getattr(sys.modules.get(module), last, None)


def in_order(tree: ast.AST) -> list[tuple[ast.AST, bool]]:
    """All nodes as they stand in the source, each with whether it is outside of every function and class."""
    found = list(_walk(tree, True))
    return sorted(found, key=lambda each: (getattr(each[0], "lineno", 0), getattr(each[0], "col_offset", 0)))


def _walk(node, outermost) -> Iterator[tuple[ast.AST, bool]]:
    open_ = [(node, outermost)]
    while open_:  # no recursion: what is looked at may be nested on purpose
        node, outermost = open_.pop()
        yield node, outermost
        inside = outermost and not isinstance(node, SCOPES)
        open_ += [(child, inside) for child in ast.iter_child_nodes(node)]


def root(node: ast.AST) -> str:
    """The name at the bottom of ``name.one.two``, or ""."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
