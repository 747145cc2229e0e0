"""A user's tables as the theory's: read, checked, completed, laid out as estimators take them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from crmlab.analysis.files import Source
from crmlab.analysis.firm.making import FromFirm
from crmlab.analysis.matching import Map, Matched, matched
from crmlab.analysis.needs import Needs
from crmlab.analysis.reading import Problems, Use, typed
from crmlab.checks.resting import outcome_and_cause
from crmlab.design import Design, Estimate, EstimationFailed, Tables
from crmlab.design.cohort import Columns
from crmlab.errors import InputError, listing, option
from crmlab.words import words
from crmlab.words.saying import Said, said, spoken

SHOWN = 8  # rows that a message lists


@dataclass(frozen=True)
class Prepared:
    """A user's tables, ready.

    Attributes
    ----------
    tables : Tables
        As the theory names and lays them out.
    raw : dict of str to dict of str to array
        Each sample's columns as asked for, in the rows that are used.
    rows : dict of str to (int, int)
        Rows of each sample in its file, and rows used.
    matched : list of Matched
    told : list of Said
        What was done to which column, and which rows were left out.
    left_out : dict of str to list of int
        Rows left out of each sample, as its file numbers them.
    testable : dict of (str, str) to list of (str, str)
        For each hypothesis and estimator, the columns that it lacks; empty where it can be computed.
    index : dict of str to array
        The numbers that the rows used have in each sample's file.
    whole : dict of str to (dict, dict, array)
        Of each sample all rows: values, which of them were empty, and which rows were left out.
    """

    tables: Tables
    raw: Mapping[str, Mapping[str, np.ndarray]]
    rows: Mapping[str, tuple[int, int]]
    matched: Sequence[Matched]
    told: Sequence[Said]
    left_out: Mapping[str, list[int]]
    testable: Mapping[tuple[str, str], list[tuple[str, str]]]
    index: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False)
    whole: Mapping[str, tuple[Columns, Columns, np.ndarray]] = field(default_factory=dict, repr=False)

    @property
    def files(self) -> dict[str, str]:
        """The name of each sample's file."""
        return {each.sample.name: each.source.name for each in self.matched}

    def design(self, design: Design) -> Design:
        """The design with only what can be computed on these tables."""
        kept = []
        for each in design.hypotheses:
            estimators = {
                name: one for name, one in each.estimators.items() if not self.testable[each.name, name]
            }
            if estimators:
                kept.append(replace(each, estimators=estimators))
        return replace(design, hypotheses=kept)


def prepared(
    needs: Needs,
    design: Design,
    sources: Sequence[Source],
    said_by: Map,
    complete_cases: bool,
    firm: FromFirm | None = None,
) -> Prepared:
    """A user's tables, ready for the estimators of `design`.

    Parameters
    ----------
    firm : FromFirm, optional
        How the sources were made of a CRM system's tables: what it tells stands first.

    Raises
    ------
    InputError
        If no hypothesis can be tested with the columns there are, or cells cannot be used: all of them at
        once, by file, column and rows.
    """
    found = matched(needs, sources, said_by)
    there = {(each.sample.name, name) for each in found for name in each.uses}
    testable = {
        (each.name, name): [column for column in needs.of(each.name, name) if column not in there]
        for each in design.hypotheses
        for name in each.estimators
    }
    if all(testable.values()):
        raise InputError(_nothing_testable(testable, there, found, firm))
    wanted = {column for key, missing in testable.items() if not missing for column in needs.of(*key)}
    told = [] if firm is None else firm.notes(wanted)
    problems = Problems()
    columns, whole, rows, left, index = {}, {}, {}, {}, {}
    for each in found:
        kept = [
            name
            for name in each.uses
            if (each.sample.name, name) in wanted or name in _besides(each, needs.marker)
        ]
        if not any((each.sample.name, name) in wanted for name in kept):
            continue
        name, frame = each.sample.name, each.source.frame
        values, _, holes = whole[name] = _read(each, kept, complete_cases, problems)
        told += each.source.told
        left[name] = list(frame.index[holes])
        rows[name] = len(frame), len(frame) - len(left[name])
        if not problems.found:
            columns[name], index[name], notes = _ready(each, values, holes, said_by.as_it_is, problems)
            told += notes
    problems.raise_any()
    tables = _laid_out(needs, columns)
    return Prepared(tables, columns, rows, found, told, left, testable, index, whole)


@dataclass(frozen=True)
class _Refused:
    """In place of an estimator: why it is not computed."""

    why: str

    def __call__(self, tables: Tables) -> Estimate:
        raise EstimationFailed(self.why)


def answerable(design: Design, tables: Tables) -> Design:
    """The design without the regressions whose outcome does not vary: they fail, and say so.

    Their slopes and errors would be 0 but for the rounding of floats, and their ratio any number.
    """
    kept = []
    for each in design.hypotheses:
        estimators = {
            name: _Refused("the outcome does not vary") if _idle(one, tables) else one
            for name, one in each.estimators.items()
        }
        kept.append(replace(each, estimators=estimators))
    return replace(design, hypotheses=kept)


def _idle(estimator: Any, tables: Tables) -> bool:
    both = outcome_and_cause(estimator)
    if both is None:
        return False
    table, outcome, _ = both
    columns = tables.columns(table)
    named = [np.asarray(columns[name]) for name in outcome if name in columns]
    return bool(named) and all((each == each[:1]).all() for each in named)


def _besides(found: Matched, marker: str) -> list[str]:
    """Columns read though no estimator does: which rows belong together, and a marker scale's items."""
    balanced = found.sample.balanced
    items = [name for name in found.uses if marker and name.startswith(marker)]
    return [*(balanced[key] for key in ("by", "order") if key in balanced), *items]


def _nothing_testable(
    testable: Mapping[tuple[str, str], list[tuple[str, str]]],
    there: Collection[tuple[str, str]],
    found: Sequence[Matched],
    firm: FromFirm | None,
) -> str:
    fed = () if firm is None else firm.fed
    nearest = min(
        testable, key=lambda key: (not any(of in fed for of, _ in testable[key]), len(testable[key]))
    )
    if firm is not None:
        every = [*firm.why_lacking(testable[nearest]), *map(spoken, firm.idle_files())]
        rows = [f"\n  - {each}" for each in every]
        return words("firm.untestable", name=nearest[0], estimator=nearest[1]) + "".join(rows)
    lacking = listing(f"{column} ({sample})" for sample, column in testable[nearest])
    files = listing(each.source.name for each in found)
    return (
        f"no hypothesis can be tested with the {len(there)} columns that were recognised in {files}; nearest "
        f"is {nearest[0]} ({nearest[1]}), which lacks {lacking}. Say in a map how they are "
        "called; --template writes one"
    )


def _read(
    found: Matched, names: Sequence[str], complete_cases: bool, problems: Problems
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], np.ndarray]:
    """A sample's columns, which of their cells are empty, and which rows have an empty cell."""
    source, values, empty = found.source, {}, {}
    for name in names:
        values[name], empty[name] = typed(
            found.sample.columns[name], found.uses[name], source, found.missing, problems
        )
    for name in names:
        _check_conditional(found, name, values, empty, problems)
    holes = np.any([empty[name] for name in names], axis=0)
    if holes.all():
        problems.found.append(
            f"{source.name}: every row has an empty cell among {listing(names, 10)}; fill them"
        )
    elif holes.any() and not complete_cases:
        for name in names:
            if empty[name].any():
                at = source.frame.index[empty[name]]
                many = len(at) > 1
                what = f"{'rows' if many else 'row'} {listing(at, SHOWN)} {'are' if many else 'is'} empty"
                remedy = f"fill them and say how, or leave those rows out by {option('complete_cases')}"
                problems.add(source, found.uses[name].column, what, remedy)
    return values, empty, holes


def _ready(
    found: Matched, values: Columns, holes: np.ndarray, as_it_is: bool, problems: Problems
) -> tuple[dict[str, np.ndarray], np.ndarray, list[Said]]:
    """The columns in the rows that are used, in order and in the theory's units; and what is told of it."""
    source, told = found.source, list[Said]()
    if holes.any():
        facts = {
            "file": source.name,
            "rows": int(holes.sum()),
            "which": listing(source.frame.index[holes], SHOWN),
        }
        told.append(said("analyse.told_left", **facts))
    kept, order = _in_order(found, {name: each[~holes] for name, each in values.items()}, holes, problems)
    for name in kept:
        need = found.sample.columns[name]
        kept[name], notes = _scaled(need, found.uses[name], kept[name], source, as_it_is)
        kept[name] = _as_simulated(kept[name], need.dtype)
        told += notes
    return kept, np.asarray(source.frame.index)[~holes][order], told


def _check_conditional(
    found: Matched, name: str, values: dict[str, np.ndarray], empty: dict[str, np.ndarray], problems: Problems
) -> None:
    """A column that has a value only where another is 1: missing there only counts, and elsewhere it is."""
    switch = found.sample.columns[name].empty_unless
    if not switch or switch not in values:
        return
    off = values[switch] == 0
    given = off & ~empty[name]
    if given.any():
        at = listing(found.source.frame.index[given], SHOWN)
        remedy = f"leave them empty there, or mend {found.uses[switch].column!r}"
        what = f"rows {at} have a value though {found.uses[switch].column!r} is 0"
        problems.add(found.source, found.uses[name].column, what, remedy)
    empty[name] = empty[name] & ~off


def _in_order(
    found: Matched, values: dict[str, np.ndarray], holes: np.ndarray, problems: Problems
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Rows of a panel one unit after the other; a problem where a unit has more or fewer than it should."""
    balanced = found.sample.balanced
    if not balanced:
        return values, np.arange(len(next(iter(values.values()))))
    by, many = balanced["by"], balanced["rows"]
    if by not in values:
        raise InputError(f"{found.source.name} lacks {by}, which says which rows belong together")
    units, counts = np.unique(values[by], return_counts=True)
    odd = units[counts != many]
    if len(odd):
        such = listing(map(_short, odd), 3)
        short = f"{len(odd)} of {len(units)} have more or fewer than {many} rows, such as {such}"
        remedy = f"give {many} rows for each" + (
            "; fill empty cells, do not leave rows out" if holes.any() else ""
        )
        problems.add(found.source, found.uses[by].column, short, remedy)
    keys = [values[balanced["order"]]] if "order" in balanced else []
    order = np.lexsort([*keys, values[by]])
    return {name: each[order] for name, each in values.items()}, order


def _short(value: float) -> str:
    return f"{value:g}"


def _scaled(
    need: Any, use: Use, values: np.ndarray, source: Source, as_it_is: bool
) -> tuple[np.ndarray, list[Said]]:
    """A column in standard deviations where the theory speaks of it so, and what is to be told of it."""
    facts = {"file": source.name, "column": use.named, "name": need.name}
    told = [said("analyse.told_alias", **facts)] if use.how == "alias" else []
    if use.reverse:
        told.append(said("analyse.told_reverse", **facts))
    if use.transform:
        told.append(said("analyse.told_log", **facts))
    if not need.standardise or use.as_it_is or as_it_is:
        return values, told
    mean, spread = float(values.mean()), float(values.std())
    if not spread > 0:
        return values, told  # a column that does not vary is the estimators' and the checks' to refuse
    told.append(said("analyse.told_standardised", mean=mean, spread=spread, **facts))
    return (values - mean) / spread, told


def _as_simulated(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    whole = np.isfinite(values).all() and (values == np.round(values)).all()
    return values.astype(dtype) if dtype.kind == "b" or (dtype.kind == "i" and whole) else values


def _laid_out(needs: Needs, columns: Mapping[str, Mapping[str, np.ndarray]]) -> Tables:
    """The theory's tables, in the order of its own columns; those of which some column is there."""
    made: dict[str, Any] = {}
    for name, raw in columns.items():
        sample = needs.samples[name]
        known = dict(raw)
        for column, formula in sample.derived.items():
            if all(each in known for each in formula.inputs):
                known[column] = formula.of(known)
        for table in sample.tables:
            inside = [column for of, column in needs.schema.columns if of == table]
            if table in sample.made:
                maker = sample.made[table]
                if maker.parts or all(each in known for each in maker.inputs):
                    made[table] = maker.make(known)
            elif any(column in known for column in inside):
                made[table] = {column: known[column] for column in inside if column in known}
    return Tables(made)
