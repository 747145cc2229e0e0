"""A theory's estimators on a user's own tables: estimates, what simulation says, what they assume."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from crmlab import places
from crmlab.analysis import scales
from crmlab.analysis.firm import FromFirm, firm_tables, from_firm, is_firm
from crmlab.analysis.matching import read_map
from crmlab.analysis.needs import Needs, Sample, needs_of
from crmlab.analysis.preparing import Prepared, answerable, prepared
from crmlab.analysis.reading import Source, read_source
from crmlab.analysis.simulated import Margin, like_tables, sizes_of
from crmlab.checks.confounding import Sensitivity, confounding
from crmlab.checks.finding import Check, Finding
from crmlab.checks.resting import assumptions, by_lot, causes_of, outcome_and_cause
from crmlab.checks.treatments import balance
from crmlab.design import Design, Estimate, Tables
from crmlab.design.analysing import Analysis
from crmlab.design.analysing import analyse as analyse_design
from crmlab.errors import InputError, check_known, option
from crmlab.theories import design_of

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


@dataclass(frozen=True)
class OwnAnalysis:
    """A user's tables under a theory.

    Attributes
    ----------
    lesson : str
    design : Design
        With the hypotheses and estimators that these tables allow.
    needs : Needs
    prepared : Prepared
    found : crmlab.design.analysing.Analysis
        Estimates, worlds and smallest effects.
    assumptions : list of Assumption
        The worst first.
    sensitivity : dict of (str, str) to Sensitivity
        By hypothesis and estimator.
    columns : DataFrame
        The columns used, described.
    margins : list of Margin
        Margins of the simulation that were set to the user's.
    limits : set of str
        ``capped`` where fewer rows are simulated than the user has, to save time; ``raised`` where more are,
        as the lesson's market has no fewer.
    untested : dict of str to list of (str, str)
        Hypotheses that cannot be tested, with the columns that the nearest estimator lacks.
    lacking : dict of (str, str) to list of (str, str)
        For each hypothesis and estimator of the theory the columns that it lacks; empty where it has all.
    lots : dict of (str, str) to str
        Of hypotheses and estimators whose cause was set by lot, the lot.
    firm : FromFirm or None
        How the samples were made, where a firm's tables were given.
    settings : dict
    """

    lesson: str
    design: Design
    needs: Needs
    prepared: Prepared
    found: Analysis
    assumptions: Sequence[Assumption]
    sensitivity: Mapping[tuple[str, str], Sensitivity]
    columns: pd.DataFrame
    margins: Sequence[Margin]
    limits: set[str]
    untested: Mapping[str, list[tuple[str, str]]]
    lacking: Mapping[tuple[str, str], list[tuple[str, str]]]
    lots: Mapping[tuple[str, str], str]
    firm: FromFirm | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def headlines(self) -> list[Any]:
        """A row of the estimates for each hypothesis: of the first estimator, as declared, that gave one."""
        known = self.found.estimates[self.found.estimates["failure"] == ""]
        return list(known.drop_duplicates("hypothesis").itertuples())

    def failed(self) -> dict[str, list[tuple[str, str]]]:
        """Hypotheses of which no estimator gave an answer: their estimators, and why each failed."""
        rows = self.found.estimates
        without = rows[rows["failure"].ne("").groupby(rows["hypothesis"]).transform("all")]
        grouped = without.groupby("hypothesis", sort=False)
        return {str(name): list(zip(each["estimator"], each["failure"])) for name, each in grouped}

    def of(self, hypothesis: str, estimator: str) -> list[Assumption]:
        """The assumptions that an estimate rests on."""
        return [each for each in self.assumptions if (hypothesis, estimator) in each.of]


def analyse(
    lesson: str,
    tables: Any,
    map: str | Path | Mapping[str, Any] | None = None,  # noqa: A002 - what the flag is called, too
    *,
    hypotheses: Iterable[str] | None = None,
    complete_cases: bool = False,
    sims: int = 200,
    power: float = 0.8,
    seed: int = 1,
    jobs: int | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
    joined: Any = (),
    rules: Mapping[str, Any] | None = None,
    id_column: str | None = None,
) -> OwnAnalysis:
    """Test a theory's hypotheses on tables of your own.

    Parameters
    ----------
    lesson : str
        As ``"09"`` or ``"loyalty"``.
    tables : path, DataFrame, sequence of them, dict of str to them, Import, or folder of an import
        Files or frames; a dict says the names by which messages speak of them, or samples. Of a CRM system's
        tables, as `crmlab.data.import_export` returns or writes them, the samples are made, as far as they
        tell what the theory asks; see `crmlab.analysis.firm`.
    map : path or dict, optional
        Which column is which; see `crmlab.analysis.template`.
    hypotheses : iterable of str, optional
        Only these.
    complete_cases : bool
        Leave rows out in which a needed cell is empty, and say which, in place of refusing them.
    sims : int
        Simulations of each world; 0 for none.
    power : float
        With which the smallest effect is to be seen.
    encoding, sheet : str, optional
        Of text files; of a spreadsheet that has several.
    joined : as `tables`
        Files to be joined to a CRM system's tables by the id of the customer, or of the branch.
    rules : dict, optional
        Dates and windows by which columns are made of such tables, other than the usual ones; they may stand
        in the map, too.
    id_column : str, optional
        The column of joined files with the ids.

    Raises
    ------
    InputError
        If tables, map or options cannot be used: file, column, rows and remedy are named.
    """
    design, needs = design_of(lesson), needs_of(design_of(lesson).name)
    _check(sims, power)
    if hypotheses is not None:
        hypotheses = list(hypotheses)
        check_known("hypothesis", hypotheses, [each.name for each in design.hypotheses])
        design = design.only(*hypotheses)
    said = read_map(map, needs)
    files = sources_of(joined, encoding, sheet) if _any(joined) else []
    firm = None
    if is_firm(tables):
        firm = from_firm(needs, firm_tables(tables), files, said, rules, id_column)
    elif files or rules or said.rules:
        raise InputError(
            f"{option('joined')} and rules go with the tables of crmlab import; give its folder as the table"
        )
    sources = sources_of(tables, encoding, sheet) if firm is None else firm.sources
    ready = prepared(needs, design, sources, said, complete_cases, firm)
    testable = ready.design(design)
    like, margins, limits = like_tables(needs, testable, ready)
    found = analyse_design(answerable(testable, ready.tables), ready.tables, sims, seed, jobs, power, like)
    lots = _lots(needs, testable)
    resting = _assumptions(needs, testable, ready, found, lots)
    return OwnAnalysis(
        places.lesson(lesson).number,
        testable,
        needs,
        ready,
        _undecided_by_one_row(found, resting),
        resting,
        _sensitivities(testable, ready.tables, found, lots),
        scales.described(ready),
        margins,
        limits,
        _untested(design, ready),
        ready.testable,
        lots,
        firm,
        {
            "files": [each.name for each in sources],
            "sims": sims,
            "seed": seed,
            "power": power,
            "complete_cases": complete_cases,
            "as_it_is": said.as_it_is,
            "id_column": id_column,
            "rules": {} if firm is None else dict(firm.rules.said),
            "rows": {name: list(rows) for name, rows in ready.rows.items()},
            "simulated": {name: _sizes(needs, name, each) for name, each in like.items()},
        },
    )


def _any(tables: Any) -> bool:
    return isinstance(tables, str | Path | pd.DataFrame) or bool(len(tables))


def _check(sims: int, power: float) -> None:
    if isinstance(sims, bool) or not isinstance(sims, int | np.integer) or sims < 0 or sims == 1:
        raise InputError(
            f"{option('sims')} is {sims!r}; give a whole number of simulations, 2 or more, or 0 for none"
        )
    if not isinstance(power, int | float) or not 0.05 < power < 1:
        raise InputError(f"{option('power')} is {power!r}; give a share between 0.05 and 1")


def _sizes(needs: Needs, hypothesis: str, design: Design) -> dict[str, int]:
    """The sizes of a design that show in the tables that a hypothesis reads."""
    tables = {table for key, read in needs.schema.reads.items() if key[0] == hypothesis for table, _ in read}
    tables |= {other for table in tables for other in needs.sample_of(table).tables}
    shown = {each.parameter for each in sizes_of(needs.theory) if each.table in tables}
    return {name: getattr(design.parameters, name) for name in design.parameters.names() if name in shown}


def sources_of(tables: Any, encoding: str | None = None, sheet: str | None = None) -> list[Source]:
    """Files and frames as text, with the names by which messages speak of them.

    Raises
    ------
    InputError
        If there are none, or two of the same name.
    """
    if isinstance(tables, Mapping):
        named = [(str(name), each) for name, each in tables.items()]
    elif isinstance(tables, str | Path | pd.DataFrame):
        named = [("", tables)]
    else:
        named = [("", each) for each in tables]
    sources = [read_source(each, encoding, sheet, name) for name, each in named]
    if not sources:
        raise InputError("no table was given; name a file")
    names = [each.name for each in sources]
    if len(set(names)) < len(names):
        raise InputError(
            f"two tables are named alike: {', '.join(names)}; rename one, or give a dict of them"
        )
    return sources


def _untested(design: Design, ready: Prepared) -> dict[str, list[tuple[str, str]]]:
    found = {}
    for each in design.hypotheses:
        lacking = [ready.testable[each.name, name] for name in each.estimators]
        if all(lacking):
            found[each.name] = min(lacking, key=len)
    return found


def _undecided_by_one_row(found: Analysis, resting: Sequence[Assumption]) -> Analysis:
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


def _lots(needs: Needs, design: Design) -> dict[tuple[str, str], str]:
    drawn = {table: each.by_lot for each in needs.samples.values() for table in each.tables}
    found = {}
    for hypothesis in design.hypotheses:
        for name, estimator in hypothesis.estimators.items():
            causes, lots = causes_of(estimator), by_lot(estimator, drawn)
            if lots and {table for table, _ in lots} >= {table for table, _ in causes if table}:
                found[hypothesis.name, name] = lots[0][1]
    return found


def _assumptions(
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


def _sensitivities(
    design: Design, tables: Tables, found: Analysis, lots: Mapping[tuple[str, str], str]
) -> dict[tuple[str, str], Sensitivity]:
    known = found.estimates[found.estimates["failure"] == ""].set_index(["hypothesis", "estimator"])
    sensitivities = {}
    for hypothesis in design.hypotheses:
        for name, estimator in hypothesis.estimators.items():
            key = hypothesis.name, name
            if key not in known.index or key in lots or not causes_of(estimator):
                continue
            row = known.loc[key]
            estimate = Estimate(row["estimate"], row["standard_error"], row["degrees_of_freedom"])
            one = confounding(estimator, estimate, hypothesis.null, tables)
            if one is not None:
                sensitivities[key] = one
    return sensitivities
