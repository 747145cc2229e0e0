"""A user's columns and scales, described: means and spreads, floors and ceilings, reliability."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from crmlab.analysis.matching import Matched
from crmlab.analysis.needs import Needs
from crmlab.analysis.preparing import Prepared
from crmlab.analysis.schema import POINTS
from crmlab.checks.finding import Check, Finding
from crmlab.checks.surveys import ceiling, common_method, missingness, piled_end, reliability, scales_of
from crmlab.design import Tables


def described(prepared: Prepared) -> pd.DataFrame:
    """A row a column that was used: sample, column, the user's name for it, rows, mean, spread, range."""
    rows = []
    for each in prepared.matched:
        raw = prepared.raw.get(each.sample.name, {})
        for name, values in raw.items():
            known = np.asarray(values, dtype=float)
            known = known[np.isfinite(known)]
            kind = each.sample.columns[name].kind
            numeric = kind != "id" and len(known) > 0
            rows.append(
                {
                    "sample": each.sample.name,
                    "column": name,
                    "yours": each.uses[name].named,
                    "kind": kind,
                    "rows": len(known),
                    "mean": known.mean() if numeric else np.nan,
                    "spread": known.std(ddof=1) if numeric and len(known) > 1 else np.nan,
                    "least": known.min() if numeric else np.nan,
                    "most": known.max() if numeric else np.nan,
                    "distinct": len(np.unique(known)),
                }
            )
    return pd.DataFrame(rows)


About = tuple[Finding, list[tuple[str, str]]]  # what was found, and the samples and columns that it is about


def of_answers(prepared: Prepared) -> list[About]:
    """Floors and ceilings, reliability of scales, rows left out: what can be said of answers."""
    found: list[About] = []
    for each in prepared.matched:
        raw, name = prepared.raw.get(each.sample.name), each.sample.name
        if raw is None:
            continue
        answers = [column for column in raw if each.sample.columns[column].kind == "scale"]
        scales = scales_of(answers)
        grouped = {item for items in scales.values() for item in items}
        single = [column for column in raw if column not in grouped]
        for scale, items in {**scales, **{column: [column] for column in single}}.items():
            about = [(name, item) for item in items]
            found += [(finding, about) for finding in _ends(prepared, each, scale, items)]
            if len(items) > 1:
                found.append(
                    (_run("reliability", scale, partial(reliability, scale, _of(raw, items))), about)
                )
        if prepared.left_out[name]:
            found.append((_missing(prepared, each), [(name, column) for column in raw]))
    return found


def _of(raw: Mapping[str, np.ndarray], names: list[str]) -> dict[str, np.ndarray]:
    return {name: np.asarray(raw[name], dtype=float) for name in names}


def _run(name: str, subject: str, test: Callable[[], Finding]) -> Finding:
    return Check(name, subject, lambda _: test()).run(Tables({}))


def _ends(prepared: Prepared, each: Matched, scale: str, items: list[str]) -> list[Finding]:
    """Of a scale's items together, or of a single answer, the share at either end; nothing for no answer."""
    values, _, left_out = prepared.whole[each.sample.name]  # as they were given, not in standard deviations
    answers = np.concatenate([np.asarray(values[item], dtype=float)[~left_out] for item in items])
    answers = answers[np.isfinite(answers)]
    low, high = _named_ends(each, items[0])
    if np.isfinite([low, high]).all():
        return [ceiling(scale, answers, low, high)]
    if each.sample.columns[items[0]].kind != "number" or items[0] not in each.sample.told:
        return []
    seen = piled_end(answers, POINTS)
    if np.isnan(seen).all():
        return []
    found = ceiling(scale, answers, *seen)
    at = seen[1] if found.facts["top"] >= found.facts["bottom"] else seen[0]
    return [replace(found, facts=found.facts | {"seen": at})]


def _named_ends(each: Matched, name: str) -> tuple[float, float]:
    """The ends of an answer's scale by the map, the card or the simulation; infinite where none says them.

    A user who gives both ends of a column says that it is an answer. Shares that nobody told are none.
    """
    use, need = each.uses[name], each.sample.columns[name]
    if use.transform or need.kind not in ("scale", "share", "number", "positive"):
        return -np.inf, np.inf
    if use.low is not None and use.high is not None:
        return use.low, use.high
    if need.kind != "scale" and name not in each.sample.told:
        return -np.inf, np.inf
    return (need.low if use.low is None else use.low), (need.high if use.high is None else use.high)


def of_method(needs: Needs, prepared: Prepared) -> list[Finding]:
    """Whether answers share how people answer: by the marker scale; without one it cannot be told."""
    marker = needs.marker.rstrip("_")
    for each in prepared.matched:
        raw = prepared.raw.get(each.sample.name, {})
        scales = scales_of([name for name in raw if each.sample.columns[name].kind == "scale"])
        means = {name: np.mean(list(_of(raw, items).values()), axis=0) for name, items in scales.items()}
        if marker in means and len(means) > 1:
            mean = means.pop(marker)
            return [_run("common_method", marker, partial(common_method, mean, means))]
    return [Finding("common_method", "", "unknown")]


def _missing(prepared: Prepared, each: Matched) -> Finding:
    """Whether the rows left out differ, in what they do say, from those kept."""
    values, empty, left = prepared.whole[each.sample.name]
    numeric = {name: column for name, column in values.items() if each.sample.columns[name].kind != "id"}
    return missingness(left, numeric, empty)
