"""Checks of what comparisons of treated and others rest on: lots, overlap, trends, proportional hazards."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import stats

from crmlab.checks.finding import Finding, by_p
from crmlab.design import EstimationFailed, Tables
from crmlab.errors import InputError
from crmlab.estimators import GroupTimeEffects, HazardRatio
from crmlab.estimators.causal import Propensity

Array = np.ndarray
LEAST = 0.1  # chance of being treated or not: nearer to 0 or 1 few rows stand for many (Crump et al. 2009)
TOLERATED = 0.05  # share of rows beyond it


def balance(table: str, treated: str, before: Sequence[str], tables: Tables) -> Finding:
    """Whether what was fixed beforehand differs between the arms of a lot: an F test of all of it at once."""
    columns = tables.columns(table)
    lot = np.asarray(columns[treated], dtype=float)
    matrix = np.column_stack(
        [np.ones(len(lot)), *(np.asarray(columns[name], dtype=float) for name in before)]
    )
    rest = [lot - wide @ np.linalg.lstsq(wide, lot, rcond=None)[0] for wide in (matrix[:, :1], matrix)]
    squares = [float(each @ each) for each in rest]
    freedom = len(lot) - matrix.shape[1]
    statistic = (squares[0] - squares[1]) / len(before) / (squares[1] / freedom)
    p = float(stats.f.sf(statistic, len(before), freedom))
    return Finding("balance", treated, by_p(p), p, {"before": ", ".join(before), "share": float(lot.mean())})


def overlap(table: str | None, treated: str, propensity: Propensity, tables: Tables) -> Finding:
    """Whether everybody could have been treated and not: the share of rows whose fitted chance is extreme."""
    columns = tables.columns(table)
    arm = np.atleast_2d(np.asarray(columns[treated], dtype=float))
    chance = propensity.fit(columns, arm)[0][0]
    if not np.isfinite(chance).all():
        raise InputError("no chance of being treated could be fitted: a covariate tells the arms apart")
    beyond = float(((chance < LEAST) | (chance > 1 - LEAST)).mean())
    weight = float(np.max(np.where(arm[0] == 1, 1 / chance, 1 / (1 - chance))))
    status = "broken" if beyond > 4 * TOLERATED else "doubtful" if beyond > TOLERATED else "kept"
    facts = {"beyond": beyond, "low": float(chance.min()), "high": float(chance.max()), "weight": weight}
    return Finding("overlap", treated, status, facts=facts)


def chances(table: str | None, treated: str, known: str, tables: Tables) -> Finding:
    """Whether as many were treated as the stated chances say, altogether and where they are high."""
    columns = tables.columns(table)
    arm, chance = (np.asarray(columns[name], dtype=float) for name in (treated, known))
    weights = np.column_stack([np.ones(len(chance)), chance - chance.mean()])
    weights = weights[:, [True, chance.std() > 1e-9]]
    score = weights.T @ (arm - chance)
    spread = (weights * (chance * (1 - chance))[:, None]).T @ weights
    p = float(stats.chi2.sf(score @ np.linalg.solve(spread, score), len(score)))
    return Finding("chances", treated, by_p(p), p, {"said": float(chance.mean()), "found": float(arm.mean())})


def trends(effects: GroupTimeEffects, tables: Tables) -> Finding:
    """Whether units that start later moved apart before it: placebo effects two to four periods before."""
    found = []
    for lead in (-2, -3, -4):
        placebo = replace(effects, since=lead, until=None, base=1)
        try:
            estimate = placebo(tables)
        except (EstimationFailed, InputError, ValueError, IndexError):
            continue
        found.append((lead, float(estimate.value), float(estimate.p("!=", 0.0))))
    if not found:
        raise InputError("no unit was observed two periods or more before it started")
    lead, value, p = min(found, key=lambda each: each[2])
    p = min(1.0, p * len(found))  # Bonferroni
    return Finding(
        "trends", effects.outcome, by_p(p), p, {"lead": -lead, "value": value, "leads": len(found)}
    )


def hazards(ratio: HazardRatio, tables: Tables) -> Finding:
    """Whether the hazard ratio is the same early and late: estimated on either side of the median event."""
    columns = dict(tables.columns(ratio.table))
    end, seen = (np.asarray(columns[name], dtype=float) for name in (ratio.duration, ratio.event))
    middle = float(np.median(end[seen == 1]))
    entry = np.zeros(len(end)) if ratio.entry is None else np.asarray(columns[ratio.entry], dtype=float)
    early = columns | {"_end": np.minimum(end, middle), "_seen": seen * (end <= middle), "_entry": entry}
    late = columns | {"_end": end, "_seen": seen, "_entry": np.maximum(entry, middle)}
    halves = []
    for held in (early, late):
        at_risk = np.asarray(held["_end"]) > np.asarray(held["_entry"])
        kept = {name: np.asarray(values)[at_risk] for name, values in held.items()}
        half = replace(ratio, duration="_end", event="_seen", entry="_entry", table="half")
        halves.append(half(Tables({"half": kept})))
    difference = float(halves[1].value - halves[0].value)
    error = float(np.hypot(halves[0].standard_error, halves[1].standard_error))
    p = float(2 * stats.norm.sf(abs(difference) / error))
    facts = {
        "early": float(np.exp(halves[0].value)),
        "late": float(np.exp(halves[1].value)),
        "middle": middle,
    }
    return Finding("hazards", ratio.state, by_p(p), p, facts)
