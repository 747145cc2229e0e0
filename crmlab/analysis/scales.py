"""A user's columns and scales, described: means and spreads, floors and ceilings, reliability."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import pandas as pd

from crmlab.analysis.matching import Matched
from crmlab.analysis.needs import Needs
from crmlab.analysis.preparing import Prepared
from crmlab.checks.finding import Check, Finding
from crmlab.checks.surveys import ceiling, common_method, missingness, reliability, scales_of
from crmlab.design import Tables
from crmlab.design.cohort import Columns


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
        scales = scales_of([column for column in raw if each.sample.columns[column].kind == "scale"])
        single = [
            column
            for column in raw
            if each.sample.columns[column].kind == "scale"
            and not any(column in items for items in scales.values())
        ]
        for scale, items in {**scales, **{column: [column] for column in single}}.items():
            about = [(name, item) for item in items]
            found.append((_ends(each, raw, scale, items), about))
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


def _ends(each: Matched, raw: Columns, scale: str, items: list[str]) -> Finding:
    """Of a scale's items together, or of a single answer, the share at either end."""
    use, need = each.uses[items[0]], each.sample.columns[items[0]]
    low = need.low if use.low is None else use.low
    high = need.high if use.high is None else use.high
    answers = np.concatenate([np.asarray(raw[item], dtype=float) for item in items])
    return ceiling(scale, answers, low, high)


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
