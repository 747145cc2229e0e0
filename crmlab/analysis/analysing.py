"""A theory's estimators on a user's own tables: estimates, what simulation says, what they assume."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from crmlab import places
from crmlab.analysis import scales
from crmlab.analysis.assuming import Assumption, assumptions_of, lots_of, undecided_by_one_row
from crmlab.analysis.files import Source, read_source
from crmlab.analysis.firm import FromFirm, firm_tables, from_firm, is_firm
from crmlab.analysis.matching import read_map
from crmlab.analysis.needs import Needs, needs_of
from crmlab.analysis.preparing import Prepared, answerable, prepared
from crmlab.analysis.simulated import Margin, like_tables, sizes_of
from crmlab.checks.confounding import Sensitivity, confounding
from crmlab.checks.resting import causes_of
from crmlab.design import Design, Estimate, Tables
from crmlab.design.analysing import Analysis
from crmlab.design.analysing import analyse as analyse_design
from crmlab.errors import InputError, check_known, option
from crmlab.theories import design_of


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
            "files to be joined (--with) and rules (--rule) go with the folder of crmlab import; give it as "
            "the table"
        )
    sources = sources_of(tables, encoding, sheet) if firm is None else firm.sources
    ready = prepared(needs, design, sources, said, complete_cases, firm)
    testable = ready.design(design)
    like, margins, limits = like_tables(needs, testable, ready)
    found = analyse_design(answerable(testable, ready.tables), ready.tables, sims, seed, jobs, power, like)
    lots = lots_of(needs, testable, firm.made if firm else ())
    resting = assumptions_of(needs, testable, ready, found, lots)
    return OwnAnalysis(
        places.lesson(lesson).number,
        testable,
        needs,
        ready,
        undecided_by_one_row(found, resting),
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
            "rules": {} if firm is None else firm.rules.as_said(),
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
