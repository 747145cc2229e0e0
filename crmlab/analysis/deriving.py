"""Columns and tables that follow from others, so that nobody is asked for them.

A column follows by a formula on a card, as ``rating - mean_by(rating, veteran)``; a table by a function here.
Tests hold both to the simulated tables: what is derived from a cohort's raw columns is the cohort's own.
"""

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from crmlab.errors import InputError, check_known
from crmlab.mechanisms.journeys import peak_of
from crmlab.models.kano import kano_class

Array = np.ndarray
Columns = Mapping[str, Array]


def mean_by(values: Array, group: Array) -> Array:
    """Each row's mean among the rows of its group."""
    _, at = np.unique(group, return_inverse=True)
    return (np.bincount(at, values) / np.bincount(at))[at]


def lean(with_it: Array, without_it: Array) -> Array:
    """1 where a pair of Kano answers makes a feature attractive, -1 where must-be, 0 otherwise."""
    verdict = kano_class(with_it, without_it)
    return 1.0 * (verdict == "A") - (verdict == "M")


FUNCTIONS: dict[str, Callable[..., Array]] = {
    "mean_by": mean_by,
    "lean": lean,
    "log": np.log,
    "exp": np.exp,
    "minimum": np.minimum,
    "maximum": np.maximum,
    "abs": np.abs,
    "peak": lambda *values: peak_of(np.stack(values, axis=-1)),
}
_ALLOWED = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.Compare, ast.Call, ast.Name, ast.Constant, ast.Load,
    ast.Add, ast.Sub, ast.Mult, ast.Div, ast.USub, ast.Gt, ast.Lt, ast.GtE, ast.LtE, ast.Eq,
)  # fmt: skip


@dataclass(frozen=True)
class Formula:
    """A formula of a card: arithmetic, comparisons and `FUNCTIONS` on columns."""

    text: str

    @property
    def _tree(self) -> ast.Expression:
        try:
            tree = ast.parse(self.text, mode="eval")
        except SyntaxError as error:
            raise InputError(f"formula {self.text!r} cannot be read: {error.msg}") from None
        odd = [node for node in ast.walk(tree) if not isinstance(node, _ALLOWED)]
        if odd:
            raise InputError(
                f"formula {self.text!r} holds a {type(odd[0]).__name__}; only arithmetic may stand"
            )
        called = [node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call)]
        check_known(f"function in {self.text!r}", called, FUNCTIONS)
        return tree

    @property
    def inputs(self) -> list[str]:
        """The columns that it reads, in their order."""
        names = [node.id for node in ast.walk(self._tree) if isinstance(node, ast.Name)]
        return [name for name in dict.fromkeys(names) if name not in FUNCTIONS]

    def of(self, columns: Columns) -> Array:
        """Its value on columns; a constant is repeated in every row."""
        check_known(f"column in {self.text!r}", self.inputs, columns)
        rows = len(next(iter(columns.values())))
        value = _value(self._tree.body, columns)
        return np.broadcast_to(np.asarray(value, dtype=float), rows).copy()


_BINARY: dict[type, Callable[..., Array]] = {
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide,
    ast.Gt: np.greater, ast.Lt: np.less, ast.GtE: np.greater_equal, ast.LtE: np.less_equal, ast.Eq: np.equal,
}  # fmt: skip


def _value(node: ast.AST, columns: Columns) -> Array:
    if isinstance(node, ast.Constant):
        return np.asarray(node.value, dtype=float)
    if isinstance(node, ast.Name):
        return np.asarray(columns[node.id], dtype=float)
    if isinstance(node, ast.UnaryOp):
        return -_value(node.operand, columns)
    if isinstance(node, ast.Call):
        return FUNCTIONS[node.func.id](*(_value(each, columns) for each in node.args))  # type: ignore[attr-defined]
    if isinstance(node, ast.Compare):
        left, right = _value(node.left, columns), _value(node.comparators[0], columns)
        return _BINARY[type(node.ops[0])](left, right) * 1.0
    if isinstance(node, ast.BinOp):
        return _BINARY[type(node.op)](_value(node.left, columns), _value(node.right, columns))
    raise InputError(f"a formula holds a {type(node).__name__}")


# Tables -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Made:
    """How a table follows from the columns of a sample.

    Attributes
    ----------
    inputs : sequence of str
        The columns that it takes.
    make : callable
        Columns to columns.
    parts : dict of str to sequence of str
        For a table whose rows are those of the sample the inputs of each of its columns: such a table is made
        of what columns there are. Empty for the others, which need all inputs.
    """

    inputs: Sequence[str]
    make: Callable[[Columns], dict[str, Array]]
    parts: Mapping[str, Sequence[str]] = field(default_factory=dict)


def halves(exact: Sequence[str], scales: Sequence[str]) -> Made:
    """Two rows an account: each half of a scale measures once and is once the instrument of the other."""
    from crmlab.mechanisms.accounts import by_halves

    inputs = [*exact, *(f"{scale}_{half}" for scale in scales for half in (1, 2))]
    return Made(inputs, lambda columns: by_halves(dict(columns), exact, scales))


def waves(last: int) -> Made:
    """A row a customer and wave: the surprise, and the change of expectation that followed it."""
    from crmlab.mechanisms.disconfirmation import changes

    inputs = ["treated", *(f"expected_{wave}" for wave in range(last + 1))]
    inputs += [f"surprise_{wave}" for wave in range(last)]
    return Made(inputs, lambda columns: changes(dict(columns), last + 1))


def lags(sides: Sequence[str], quarters: int) -> Made:
    """A row a branch and quarter but the first, with the quarter before beside it."""
    from crmlab.mechanisms.turnover import lagged

    inputs = [f"{side}_{quarter}" for quarter in range(1, quarters + 1) for side in sides]
    return Made(inputs, lambda columns: lagged(dict(columns), tuple(sides), quarters))


def scores(traits: Sequence[str], items: int, kept: Sequence[str]) -> Made:
    """Mean scores of scales of so many items each, beside columns that stay as they are."""
    from crmlab.mechanisms.items import mean_scores

    scales = {trait: [f"{trait}_{number}" for number in range(1, items + 1)] for trait in traits}
    parts = {name: [name] for name in kept} | {f"{trait}_score": names for trait, names in scales.items()}
    inputs = list(dict.fromkeys(name for names in parts.values() for name in names))

    def make(columns: Columns) -> dict[str, Array]:
        whole = {trait: names for trait, names in scales.items() if all(name in columns for name in names)}
        used = {name for names in whole.values() for name in names} | set(kept)
        return mean_scores({name: columns[name] for name in inputs if name in used & set(columns)}, whole)

    return Made(inputs, make, parts)


def means(of: str, by: str, kept: Sequence[str]) -> Made:
    """A row a group, in the order of the groups: the mean of a column, and columns that are alike within."""

    def make(columns: Columns) -> dict[str, Array]:
        _, first, at = np.unique(columns[by], return_index=True, return_inverse=True)
        mean = np.bincount(at, columns[of]) / np.bincount(at)
        return {name: np.asarray(columns[name])[first] for name in kept} | {of: mean}

    return Made([by, of, *kept], make)


def ladder() -> Made:
    """Months of customers who have not lapsed, from the second on, counted by what is known of them."""
    return Made(_MONTHS, lambda columns: _counted(columns, lapsed=False))


def lapses() -> Made:
    """Months of customers who have lapsed, from the second on, by kind and by months since."""
    return Made(_MONTHS, lambda columns: _counted(columns, lapsed=True))


_MONTHS = (
    "customer",
    "month",
    "stage",
    "heavy",
    "contacted",
    "matched",
    "moved_up",
    "lapsed_for",
    "advanced",
)


def _counted(columns: Columns, lapsed: bool) -> dict[str, Array]:
    import pandas as pd

    from crmlab.mechanisms.stages import FIRST, LAPSED, LOYAL, MONTHS, REPEAT

    months = pd.DataFrame({name: np.asarray(columns[name]) for name in _MONTHS})
    months = months[(months["month"] > months["month"].min()) & ((months["stage"] == LAPSED) == lapsed)]
    if lapsed:
        every = pd.MultiIndex.from_product([[0, 1], range(1, MONTHS + 1)], names=["heavy", "lapsed_for"])
    else:
        every = pd.MultiIndex.from_tuples(
            [
                (heavy, stage, up, *action)
                for heavy in (0, 1) for stage in range(4) for up in (0, 1)
                for action in ((0, 0), (1, 0), (1, 1))
            ],
            names=["heavy", "stage", "moved_up", "contacted", "matched"],
        )  # fmt: skip
    groups = months.groupby(list(every.names))["advanced"].agg(["size", "sum"]).reindex(every, fill_value=0)
    found = groups.reset_index()
    count = {"months": found["size"].to_numpy(), "advanced": found["sum"].to_numpy()}
    if lapsed:
        kept = {name: found[name].to_numpy() for name in every.names}
        return kept | {"months": count["months"], "returned": count["advanced"]}
    stage = found["stage"].to_numpy()
    rungs = {name: (stage == at) * 1 for name, at in (("first", FIRST), ("repeat", REPEAT), ("loyal", LOYAL))}
    rest = ("heavy", "moved_up", "contacted", "matched")
    return rungs | {name: found[name].to_numpy() for name in rest} | count


def off_curve() -> Made:
    """A row an app user: the share of months in which the growth curve has the wrong state."""

    def make(columns: Columns) -> dict[str, Array]:
        from crmlab.theories.lifecycle import CURVE

        visits = np.asarray(columns["visits"]).reshape(-1, len(CURVE))
        return {"share_off_curve": ((visits > 0) != CURVE).mean(-1)}

    return Made(("app_user", "month", "visits"), make)


def after_start(which: str) -> Made:
    """Branches by quarter as a row a branch: "level" at the end, or "change" of who starts."""

    def make(columns: Columns) -> dict[str, Array]:
        from crmlab.mechanisms.rollout import AFTER

        branch, quarter, start, sales = (
            np.asarray(columns[n]) for n in ("branch", "quarter", "start", "sales")
        )
        begun = np.array([start[branch == each][0] for each in np.unique(branch)])
        wide = np.array(
            [sales[branch == each][np.argsort(quarter[branch == each])] for each in np.unique(branch)]
        )
        if which == "level":
            return {"adopted": (begun > 0) * 1.0, "sales": wide[:, -AFTER:].mean(-1)}
        rows = [
            (int(at) - 1, row) for at, row in sorted(zip(begun, wide), key=lambda pair: pair[0]) if at > 1
        ]
        return {"change": np.array([row[at : at + AFTER].mean() - row[at - 1] for at, row in rows])}

    return Made(("branch", "quarter", "start", "sales"), make)


MAKERS: dict[str, Callable[..., Made]] = {
    each.__name__: each
    for each in (halves, waves, lags, scores, means, ladder, lapses, off_curve, after_start)
}
