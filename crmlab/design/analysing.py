"""A theory's estimators on tables of a user's own, beside what simulation says of them.

The truth of a user's market is not known. So an estimate is read against the worlds of the design, drawn
with the user's number of rows: how often the estimator supports the claim where it holds, where it does not,
and where it does not but looks as if it did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlab.design.cohort import Columns, Tables
from crmlab.design.estimate import Estimate, EstimationFailed, Hypothesis
from crmlab.errors import InputError

if TYPE_CHECKING:
    from crmlab.design.design import Design
    from crmlab.design.diagnosis import Diagnosis

WORLDS = ("null", "literature", "trap")
FEWEST = 20  # simulations a point of `solve`
NO_NUMBER = "no number came of it: something that it divides by is 0, or nothing varies"
ROUGH = 0.1  # relative error that is enough for the smallest effect seen


@dataclass(frozen=True)
class Analysis:
    """What a theory's estimators say of a user's tables.

    Attributes
    ----------
    design : Design
        As it was simulated: with the user's number of rows.
    estimates : DataFrame
        A row a hypothesis and estimator: estimate, standard_error, low, high, p_value, degrees_of_freedom,
        verdict, and ``failure``: why there is no estimate, else empty.
    worlds : DataFrame
        What simulation says of each estimator: a row a hypothesis, estimator and world, with whether the
        claim holds there (``holds``), ``rejection_rate``, ``coverage``, ``bias`` and their errors.
    smallest : DataFrame
        A row a hypothesis: the smallest effect that its headline sees with the power asked for. ``here`` is
        by the standard error found in the user's tables and in their units; ``simulated`` is by `solve`, at
        the ``value`` of the parameter ``over``, NaN where moving it does not reach the power.
    power : float
    diagnoses : list of Diagnosis
        From which `worlds` was read: one for each number of rows. Empty without simulations.
    """

    design: Design
    estimates: pd.DataFrame
    worlds: pd.DataFrame
    smallest: pd.DataFrame
    power: float
    diagnoses: list[Diagnosis] = field(default_factory=list, repr=False)


def as_tables(tables: Tables | Mapping[str, pd.DataFrame | Columns]) -> Tables:
    """Tables of DataFrames or of mappings of arrays, as estimators take them."""
    if isinstance(tables, Tables):
        return tables
    if not isinstance(tables, Mapping):
        raise InputError(
            f"tables is a {type(tables).__name__}; give DataFrames by the names of the theory's tables (what "
            f"crmlab import made goes to crmlab.analysis.analyse)"
        )
    return Tables(
        {name: {column: np.asarray(table[column]) for column in table} for name, table in tables.items()}
    )


def analyse(
    design: Design,
    tables: Tables | Mapping[str, Any],
    sims: int = 200,
    seed: int = 1,
    jobs: int | None = None,
    power: float = 0.8,
    like: Mapping[str, Design] | None = None,
) -> Analysis:
    """See `Design.analyse`.

    Parameters
    ----------
    like : dict of str to Design, optional
        By hypothesis, the design to simulate in place of `design`: with as many rows as it was tested on.
    """
    like = {each.name: design for each in design.hypotheses} | dict(like or {})
    estimates = _estimates(design, as_tables(tables))
    if estimates["failure"].ne("").all():
        reason = estimates["failure"].iloc[0]
        raise InputError(f"no estimator of {design.name} could be computed on these tables: {reason}")
    found = estimates[estimates["failure"] == ""]
    worlds, diagnoses = _worlds(like, found, sims, seed, jobs) if sims else (pd.DataFrame(), [])
    rows = [
        _smallest(each, like[each.name], found, sims, seed, jobs, power)
        for each in design.hypotheses
        if each.name in set(found["hypothesis"])
    ]
    return Analysis(design, estimates, worlds, pd.DataFrame(rows), power, diagnoses)


def _estimates(design: Design, tables: Tables) -> pd.DataFrame:
    rows = []
    for hypothesis in design.hypotheses:
        for name, estimator in hypothesis.estimators.items():
            row: dict[str, Any] = {"hypothesis": hypothesis.name, "estimator": name}
            rows.append(row | _confronted(hypothesis, estimator, tables))
    return pd.DataFrame(rows)


def _confronted(hypothesis: Hypothesis, estimator: Any, tables: Tables) -> dict[str, Any]:
    """An estimate and its verdict, or why there is none."""
    nothing = dict.fromkeys(
        ("estimate", "standard_error", "low", "high", "p_value", "degrees_of_freedom"), np.nan
    )
    try:
        with np.errstate(all="ignore"):
            estimate: Estimate = estimator(tables)
    except (InputError, EstimationFailed) as error:
        return nothing | {"verdict": "none", "failure": str(error) or type(error).__name__}
    except (ArithmeticError, KeyError, AttributeError, ValueError, IndexError) as error:
        return nothing | {"verdict": "none", "failure": f"{type(error).__name__}: {error}"}
    with np.errstate(all="ignore"):
        outcome = {key: np.asarray(value).item() for key, value in hypothesis.confront(estimate).items()}
    if np.isnan(outcome["p_value"]):
        return nothing | {"verdict": "none", "failure": NO_NUMBER}
    freedom = float(np.asarray(estimate.degrees_of_freedom))
    value, error = float(np.asarray(estimate.value)), float(np.asarray(estimate.standard_error))
    return {
        "estimate": value,
        "standard_error": error,
        **outcome,
        "degrees_of_freedom": freedom,
        "failure": "",
    }


def _worlds(
    like: Mapping[str, Design], found: pd.DataFrame, sims: int, seed: int, jobs: int | None
) -> tuple[pd.DataFrame, list[Diagnosis]]:
    """The diagnoses of the estimators that gave an answer, at the sizes of their hypotheses."""
    alike: dict[Any, list[str]] = {}
    for name in dict.fromkeys(found["hypothesis"]):
        alike.setdefault(like[name].parameters, []).append(name)
    parts = []
    for names in alike.values():
        design = like[names[0]].only(*names)
        presets = [name for name in WORLDS if name in design.presets]
        parts.append(design.vary(preset=presets).diagnose(sims=sims, seed=seed, jobs=jobs))
    table = pd.concat([part.full for part in parts], ignore_index=True)
    kept = table.merge(found[["hypothesis", "estimator"]], on=["hypothesis", "estimator"])
    holds = [
        like[row.hypothesis].hypothesis(row.hypothesis).holds(row.estimand)
        for row in kept.itertuples(index=False)
    ]
    columns = ["hypothesis", "estimator", "preset", "estimand", "rejection_rate", "rejection_rate_mcse"]
    columns += ["coverage", "coverage_mcse", "bias", "bias_mcse", "failures", "sims"]
    return kept[columns].assign(holds=holds), parts


def _smallest(
    hypothesis: Hypothesis,
    design: Design,
    found: pd.DataFrame,
    sims: int,
    seed: int,
    jobs: int | None,
    power: float,
) -> dict[str, Any]:
    rows = found[found["hypothesis"] == hypothesis.name].set_index("estimator")
    name = hypothesis.headline if hypothesis.headline in rows.index else rows.index[0]
    here = seen_with(hypothesis, float(rows.loc[name, "standard_error"]), power)
    row = {"hypothesis": hypothesis.name, "estimator": name, "here": here, "over": "", "value": np.nan}
    row |= {"simulated": np.nan}
    over = moving(design, hypothesis) if sims >= FEWEST and hypothesis.direction != "within" else None
    if over is None:
        return row
    try:
        # from the null on, where the power is far from what is looked for, so that the search has two points
        nothing = getattr(design.preset("null").parameters, over)
        at = (
            design.preset("literature")
            .replace(**{over: nothing})
            .solve(
                hypothesis.name,
                power,
                over=over,
                estimator=name,
                sims=sims,
                tolerance=ROUGH,
                seed=seed,
                jobs=jobs,
            )
        )
    except InputError:  # the power is not reached however the parameter is moved
        return row | {"over": over}
    if at.value in design.parameters.range_of(over):  # an end of what the parameter may be, and no crossing
        return row | {"over": over}
    return row | {"over": over, "value": float(at.value), "simulated": at.estimand}


def seen_with(hypothesis: Hypothesis, standard_error: float, power: float) -> float:
    """The effect that is found significant with this power, by the normal distribution.

    ``null ± (z(1 − level) + z(power)) · standard error``, with half the level for two-sided tests; for
    ``within`` the narrowest margin that could be confirmed of an effect of 0, whose tests are two.
    """
    two = hypothesis.direction in ("!=", "within")
    level = hypothesis.level if hypothesis.direction == "within" else hypothesis.level / (2 if two else 1)
    reach = norm.isf(level) + norm.ppf((1 + power) / 2 if hypothesis.direction == "within" else power)
    if hypothesis.direction == "within":
        return float(reach * standard_error)
    return float(hypothesis.null + (-1 if hypothesis.direction == "<" else 1) * reach * standard_error)


def moving(design: Design, hypothesis: Hypothesis) -> str | None:
    """The parameter that moves a hypothesis' truth most on the way from `literature` to `null`; or None."""
    if not {"null", "literature"} <= set(design.presets):
        return None
    literature, null = (design.preset(name).parameters for name in ("literature", "null"))
    here = hypothesis.estimand(literature)
    moved: dict[str, float] = {}
    for name in design.presets["null"]:
        if isinstance(getattr(null, name), bool | int | str):
            continue
        try:
            there = hypothesis.estimand(literature.replace(**{name: getattr(null, name)}))
        except InputError:  # an impossible market
            continue
        moved[name] = abs(there - here)
    best = max(moved, key=lambda name: moved[name], default=None)
    return best if best is not None and moved[best] > 0 else None
