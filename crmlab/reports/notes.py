"""What a reader should know before trusting a report's figures."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from crmlab.errors import InputError, option
from crmlab.models.btyd import GammaGamma
from crmlab.reports.holdouts import Comparison
from crmlab.words import words


def about_fit(model: Any, which: str = "") -> list[str]:
    """That a fit found no interior maximum."""
    if model.convergence_.status == "converged":
        return []
    name = f"{model.name}{f' ({which})' if which else ''}"
    return [words("fit.note_fit", name=name, message=model.convergence_.message)]


def about_never_repeaters(model: Any, comparison: Comparison | None) -> list[str]:
    """That BG/NBD takes everybody who never bought again for active, beside MBG/NBD."""
    if comparison is None or getattr(model, "plain", model).name != "BG/NBD":
        return []
    by_name = {each.key: each for each in comparison.models}
    if not {"bgnbd", "mbgnbd"} <= set(by_name) or not comparison.never:
        return []
    ours, other = by_name["bgnbd"], by_name["mbgnbd"]
    shown = next((each for each in comparison.models if each.name == model.name), ours)
    gain = other.log_likelihood - ours.log_likelihood
    better = words(
        "fit.better_by" if gain > 0 else "fit.worse_by", gain=abs(gain), option=option("model", "mbgnbd")
    )
    return [
        words(
            "fit.note_never_again",
            never=f"{shown.active_never:,.0f}",
            active=f"{shown.active:,.0f}",
            other=f"{other.active_never:,.0f}",
            better=better,
        )
    ]


def fitted_spend(summary: pd.DataFrame) -> tuple[GammaGamma | None, list[str]]:
    """The Gamma-Gamma model, or None where it cannot be fitted, with notes."""
    buyers = summary[(summary["frequency"] > 0) & (summary["monetary_value"] > 0)]
    left = int((summary["frequency"] > 0).sum()) - len(buyers)
    return spend_of({name: buyers[name] for name in ("frequency", "monetary_value")}, left)


def spend_of(buyers: Mapping[str, Any], left: int) -> tuple[GammaGamma | None, list[str]]:
    """The same, given what `GammaGamma.fit` takes and how many buyers are not among it."""
    notes = [words("fit.note_worthless", customers=f"{left:,}")] if left else []
    if np.sum(buyers.get("weights", np.ones(len(buyers["frequency"])))) < 2:
        return None, [*notes, words("fit.note_no_spend", reason=words("fit.few_buyers"))]
    try:
        spend = GammaGamma().fit(**buyers)
    except InputError as error:
        return None, [*notes, words("fit.note_no_spend", reason=str(error))]
    notes += about_fit(spend)
    if not np.isfinite(spend.expected_spend()):
        notes.append(words("fit.note_heavy", q=spend.params_["q"]))
    return spend, notes


def about_spend(summary: pd.DataFrame) -> list[str]:
    """How far amounts depend on how often somebody buys, which the model of spend takes for nothing."""
    buyers = summary[(summary["frequency"] > 0) & (summary["monetary_value"] > 0)]
    return about_dependence({name: buyers[name].to_numpy() for name in ("frequency", "monetary_value")})


def about_dependence(buyers: Mapping[str, np.ndarray]) -> list[str]:
    """The same of buyers as `GammaGamma.fit` takes them."""
    x, m, weights = buyers["frequency"], buyers["monetary_value"], buyers.get("weights")
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(m) == 0:
        return []
    between = np.cov(x, m, aweights=weights)
    correlation = between[0, 1] / np.sqrt(between[0, 0] * between[1, 1])
    key = "fit.note_independent" if abs(correlation) < 0.1 else "fit.note_dependent"
    return [words(key, correlation=correlation)]
