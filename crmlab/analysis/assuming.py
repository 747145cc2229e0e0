"""What the estimates of an analysis rest on: each assumption once, with all estimates that rest on it."""

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from crmlab.analysis import scales
from crmlab.analysis.needs import Needs, Sample
from crmlab.analysis.preparing import Prepared
from crmlab.checks.finding import Check, Finding
from crmlab.checks.resting import assumptions, by_lot, causes_of, outcome_and_cause
from crmlab.checks.treatments import balance
from crmlab.design import Design
from crmlab.design.analysing import Analysis

SEVERITY = ("broken", "doubtful", "unknown", "kept")


@dataclass(frozen=True)
class Assumption:
    """An assumption, what the check found, and which estimates rest on it.

    Attributes
    ----------
    finding : Finding
    of : tuple of (str, str)
        Hypotheses and estimators; empty for what concerns all.
    """

    finding: Finding
    of: tuple[tuple[str, str], ...] = ()


def undecided_by_one_row(found: Analysis, resting: Sequence[Assumption]) -> Analysis:
    """The analysis in which estimates that one row makes have no finite interval, and so decide nothing.

    The row's residual is 0 whatever its outcome, so the standard error leaves out the only chance there is.
    """
    alone = {key for each in resting if each.finding.facts.get("alone") for key in each.of}
    if not alone:
        return found
    estimates, smallest = found.estimates.copy(), found.smallest.copy()
    made = pd.Series([key in alone for key in zip(estimates["hypothesis"], estimates["estimator"])])
    columns = ["standard_error", "low", "high", "p_value", "verdict"]
    estimates.loc[made, columns] = [np.inf, -np.inf, np.inf, 1.0, "undecided"]
    first = ~estimates["hypothesis"].where(estimates["failure"] == "").duplicated()
    unseen = estimates.loc[made & first, "hypothesis"]
    smallest.loc[smallest["hypothesis"].isin(unseen), "here"] = np.inf
    return replace(found, estimates=estimates, smallest=smallest)


def lots_of(
    needs: Needs, design: Design, made: Collection[tuple[str, str]] = ()
) -> dict[tuple[str, str], str]:
    """For each estimate whose cause was set by lot, that lot.

    Parameters
    ----------
    needs, design
    made : collection of (str, str)
        Samples and columns that were made of a firm's tables: nobody said that a lot set them.
    """
    drawn = {
        table: tuple(column for column in each.by_lot if (each.name, column) not in made)
        for each in needs.samples.values()
        for table in each.tables
    }
    found = {}
    for hypothesis in design.hypotheses:
        for name, estimator in hypothesis.estimators.items():
            causes, lots = causes_of(estimator), by_lot(estimator, drawn)
            if lots and {table for table, _ in lots} >= {table for table, _ in causes if table}:
                found[hypothesis.name, name] = lots[0][1]
    return found


def assumptions_of(
    needs: Needs, design: Design, ready: Prepared, found: Analysis, lots: Mapping[tuple[str, str], str]
) -> list[Assumption]:
    """Every assumption of every estimate, each once with all that rest on it; then those of the answers."""
    checks: dict[Hashable, tuple[Check, list[tuple[str, str]]]] = {}
    units = _units(needs, ready)
    failed = {(row.hypothesis, row.estimator) for row in found.estimates.itertuples() if row.failure}
    for hypothesis in design.hypotheses:
        for name, estimator in hypothesis.estimators.items():
            key = hypothesis.name, name
            if key in failed:
                continue
            for check in [*_of_cause(needs, estimator, key, ready, lots), *assumptions(estimator, units)]:
                checks.setdefault(check.key, (check, []))[1].append(key)
    tested = [
        Assumption(_in_file(needs, ready, check.run(ready.tables)), tuple(dict.fromkeys(of)))
        for check, of in checks.values()
    ]
    told = _told_together(needs, design, failed)
    answers = [
        Assumption(each, _that_read(needs, design, failed, about)) for each, about in scales.of_answers(ready)
    ]
    answers += [Assumption(each, told) for each in scales.of_method(needs, ready)] if told else []
    every = [*tested, *answers, Assumption(Finding("sampling", "", "unknown"))]
    return sorted(every, key=lambda each: SEVERITY.index(each.finding.status))


def _in_file(needs: Needs, ready: Prepared, finding: Finding) -> Finding:
    """A finding about a row with the number of the row in the user's file, where it is one of its rows."""
    if finding.name != "influence" or "at" not in finding.facts:
        return finding
    table = finding.facts["table"] or ready.tables.names()[0]
    sample = needs.sample_of(table)
    facts = finding.facts | {"file": ready.files[sample.name], "at": None}
    if table not in sample.made or sample.made[table].parts:
        numbers = ready.index[sample.name]
        facts |= {
            key: np.asarray(numbers[at]).tolist()
            for key, at in finding.facts.items()
            if key in ("at", "rows")
        }
    return replace(finding, facts=facts)


def _told_together(needs: Needs, design: Design, failed: set[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Estimates whose cause and outcome the same people told in one questionnaire."""
    found = []
    for hypothesis in design.hypotheses:
        for name, estimator in hypothesis.estimators.items():
            both = outcome_and_cause(estimator)
            if both is None or (hypothesis.name, name) in failed:
                continue
            table, *sides = both
            table = table or next(iter(needs.schema.rows))
            sample = needs.sample_of(table)
            told = [[each in sample.told for each in _asked_for(sample, table, side)] for side in sides]
            if all(each and all(each) for each in told):
                found.append((hypothesis.name, name))
    return tuple(found)


def _that_read(
    needs: Needs, design: Design, failed: set[tuple[str, str]], about: Sequence[tuple[str, str]]
) -> tuple[tuple[str, str], ...]:
    """Estimates that need one of these columns."""
    keys = [(each.name, name) for each in design.hypotheses for name in each.estimators]
    return tuple(key for key in keys if key not in failed and set(needs.of(*key)) & set(about))


def _asked_for(sample: Sample, table: str, columns: Iterable[str]) -> list[str]:
    """The columns asked for from which columns of a table come."""
    parts = sample.made[table].parts if table in sample.made else {}
    return [
        each
        for column in sorted(columns)
        for part in parts.get(column, [column])
        for each in sample.inputs(part)
    ]


def _units(needs: Needs, ready: Prepared) -> dict[str, list[str]]:
    """For each table its columns that name units: rows with the same belong together."""
    found: dict[str, list[str]] = {}
    for table in ready.tables.names():
        sample = needs.sample_of(table)
        columns = ready.tables.columns(table)
        named = [name for name, need in sample.columns.items() if need.groups and name in columns]
        found[table] = [name for name in named if len(np.unique(columns[name])) < len(columns[name])]
    return found


def _of_cause(
    needs: Needs, estimator: Any, key: tuple[str, str], ready: Prepared, lots: Mapping[tuple[str, str], str]
) -> list[Check]:
    """That a lot was one, or that nothing unmeasured moves both cause and effect."""
    causes = causes_of(estimator)
    if not causes:
        return []
    if key not in lots:
        return [_confounding(needs, key, ", ".join(dict.fromkeys(name for _, name in causes)))]
    lot = lots[key]
    sample = next(each for each in needs.samples.values() if lot in each.by_lot)
    table = next((name for name in sample.tables if name in ready.tables.names()), "")
    there = ready.tables.columns(table) if table else {}
    before = [name for name in sample.before if name in there]
    if not before or lot not in there:
        return [Check("balance", lot)]
    return [Check("balance", lot, lambda tables: balance(table, lot, before, tables))]


def _confounding(needs: Needs, key: tuple[str, str], cause: str) -> Check:
    """That nothing unmeasured moves cause and outcome; with what the card says may do so there."""
    samples = [needs.sample_of(table) for table, _ in needs.schema.reads[key]]
    facts = {"here": next((each.confounder for each in samples if each.confounder), "")}
    return Check("confounding", cause, lambda _: Finding("confounding", cause, "unknown", facts=facts))
