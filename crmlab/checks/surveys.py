"""Checks of answers: floors and ceilings, reliability, one factor, a common method, who did not answer."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from crmlab.checks.finding import Finding, by_p
from crmlab.errors import InputError
from crmlab.models.reliability import cronbach_alpha, mcdonald_omega
from crmlab.models.structural import NotConverged

Array = np.ndarray
PILED = 0.15  # share at an end that is called a floor or ceiling (Terwee et al. 2007)
COMPARED = 8  # rows left out from which on they can be compared with the others
RELIABLE, USABLE = 0.7, 0.6  # of alpha: enough for research; less and estimates of links are much too small


def ceiling(name: str, values: Array, low: float, high: float) -> Finding:
    """Whether answers pile up at an end of their scale, where differences cannot show."""
    top, bottom = float((values == high).mean()), float((values == low).mean())
    worst = max(top, bottom)
    status = "broken" if worst > 2 * PILED else "doubtful" if worst > PILED else "kept"
    return Finding("ceiling", name, status, facts={"top": top, "bottom": bottom, "limit": PILED})


def piled_end(values: Array, points: int) -> tuple[float, float]:
    """The ends of a scale that nobody has named, as far as answers show them; NaN where they do not.

    Whole numbers on a few neighbouring points are answers on a scale. An outermost answer is its end only if
    it is the most frequent: otherwise answers tail off there, and the scale may go on. 0 and 1 are a yes/no.

    Parameters
    ----------
    values : ndarray, shape (answers,)
    points : int
        The most points of an answering scale.

    Returns
    -------
    low, high : float
    """
    known, counts = np.unique(values, return_counts=True)
    whole = bool(np.isfinite(known).all() and (known == np.round(known)).all())
    if not whole or len(known) < 2 or known[-1] - known[0] >= points or set(known) <= {0.0, 1.0}:
        return np.nan, np.nan
    most = known[counts == counts.max()]
    low, high = (float(end) if end in most else np.nan for end in (known[0], known[-1]))
    return low, high


def reliability(name: str, items: Mapping[str, Array]) -> Finding:
    """Whether a scale's items measure one thing: Cronbach's alpha, with McDonald's omega beside it."""
    table = pd.DataFrame(dict(items))
    alpha = cronbach_alpha(table)
    low, high = map(float, alpha.interval())
    try:
        omega = mcdonald_omega(table).value if table.shape[1] > 2 else np.nan
    except (NotConverged, InputError):
        omega = np.nan
    value = float(alpha.value)
    status = "broken" if value < USABLE else "doubtful" if value < RELIABLE else "kept"
    facts = {
        "alpha": value,
        "low": low,
        "high": high,
        "omega": omega,
        "items": table.shape[1],
        "wanted": RELIABLE,
    }
    return Finding("reliability", name, status, facts=facts)


def common_method(marker: Array, scores: Mapping[str, Array]) -> Finding:
    """Whether a marker scale, of something unrelated, goes with the scales: then answering is shared.

    The largest correlation, its p-value times the number of scales (Lindell & Whitney 2001).
    """
    found = {name: stats.pearsonr(marker, values) for name, values in scores.items()}
    worst = min(found, key=lambda name: found[name].pvalue)
    p = min(1.0, float(found[worst].pvalue) * len(found))
    return Finding(
        "common_method", ", ".join(scores), by_p(p), p, {"scale": worst, "r": float(found[worst].statistic)}
    )


def missingness(left_out: Array, columns: Mapping[str, Array], empty: Mapping[str, Array]) -> Finding:
    """Whether rows with an empty cell differ from the others in what they do say.

    Means compared by Welch's t test, column by column; the least p-value times their number. That rows do
    not differ in what is seen does not say that they are alike in what is not.
    """
    found = {}
    for name, values in columns.items():
        known = ~empty[name] & np.isfinite(values)
        out, kept = values[known & left_out], values[known & ~left_out]
        if min(len(out), len(kept)) >= COMPARED and (out.std() > 0 or kept.std() > 0):
            found[name] = stats.ttest_ind(out, kept, equal_var=False).pvalue
    facts = {"rows": int(left_out.sum()), "share": float(left_out.mean())}
    if not found:
        return Finding(
            "missingness", "", "unknown", facts=facts | {"why": "too few rows were left out to compare"}
        )
    worst = min(found, key=lambda name: found[name])
    p = min(1.0, float(found[worst]) * len(found))
    return Finding("missingness", "", by_p(p), p, facts | {"column": worst.replace("_", " ")})


def scales_of(names: Sequence[str]) -> dict[str, list[str]]:
    """Items that belong to one scale: names alike but for the number at their end, two or more of them."""
    families: dict[str, list[str]] = {}
    for name in names:
        bare = name.rstrip("0123456789").rstrip("_")
        if bare != name:
            families.setdefault(bare, []).append(name)
    return {bare: items for bare, items in families.items() if len(items) > 1}
