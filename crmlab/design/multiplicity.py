"""Several hypotheses at once: the chance of a false support somewhere, and Holm's correction.

Holm (1979), Scandinavian Journal of Statistics 6, 65–70: step-down Bonferroni, which keeps the chance of at
least one false rejection at the level whatever the tests' dependence.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmlab.design.diagnosands import share
from crmlab.design.estimate import Hypothesis
from crmlab.errors import check_known

CORRECTIONS = ("none", "holm")


def holm(p_values: np.ndarray) -> np.ndarray:
    """Holm's adjusted p-values.

    Parameters
    ----------
    p_values : array of shape (..., hypotheses)
        NaN, a test that could not be made, stays NaN and counts as one of the family.

    Returns
    -------
    array of the same shape
        Reject where it is below the level of the whole family.
    """
    p_values = np.asarray(p_values, dtype=float)
    family = p_values.shape[-1]
    order = np.argsort(np.where(np.isnan(p_values), np.inf, p_values), axis=-1, kind="stable")
    ranked = np.take_along_axis(p_values, order, axis=-1)
    stepped = np.fmax.accumulate(ranked * np.arange(family, 0, -1), axis=-1)
    adjusted = np.empty_like(p_values)
    np.put_along_axis(adjusted, order, np.minimum(stepped, 1.0), axis=-1)
    return np.where(np.isnan(p_values), np.nan, adjusted)


def familywise(
    simulations: pd.DataFrame, hypotheses: dict, by: list[str], correction: str = "none"
) -> pd.DataFrame:
    """Over the headline tests of a theory taken together: how often one of them is falsely supported.

    Parameters
    ----------
    simulations : DataFrame
        Of a `Diagnosis`.
    hypotheses : dict of str to Hypothesis
    by : list of str
        What was varied.
    correction : {"none", "holm"}

    Returns
    -------
    DataFrame
        One row a point: ``false_claims`` (hypotheses that are false there), ``tests``, ``any_false`` (the
        chance that at least one false claim is supported), ``mean_true`` (of the true claims, the mean
        share supported), each with its Monte-Carlo standard error.
    """
    check_known("correction", [correction], CORRECTIONS)
    headline = pd.concat(
        [
            simulations[(simulations["hypothesis"] == name) & (simulations["estimator"] == each.headline)]
            for name, each in hypotheses.items()
        ]
    )
    rows = []
    for key, group in headline.groupby(by, sort=False, observed=True):
        key = key if isinstance(key, tuple) else (key,)
        rows.append(dict(zip(by, key, strict=True)) | _family(group, hypotheses, correction))
    return pd.DataFrame(rows)


def _family(group: pd.DataFrame, hypotheses: dict, correction: str) -> dict:
    names = list(dict.fromkeys(group["hypothesis"]))
    p_values = group.pivot(index="simulation", columns="hypothesis", values="p_value")[names].to_numpy()
    if correction == "holm":
        p_values = holm(p_values)
    estimand = group.groupby("hypothesis", sort=False)["estimand"].first()
    true = np.array([hypotheses[name].holds(estimand[name]) for name in names])
    level = np.array([hypotheses[name].level for name in names])
    with np.errstate(invalid="ignore"):
        supported = p_values < level
    any_false, any_false_error = share(np.any(supported[:, ~true], axis=1))
    mean_true, mean_true_error = _mean_share(supported[:, true])
    return {
        "tests": len(names),
        "false_claims": int((~true).sum()),
        "any_false": any_false,
        "any_false_mcse": any_false_error,
        "mean_true": mean_true,
        "mean_true_mcse": mean_true_error,
    }


def _mean_share(supported: np.ndarray) -> tuple[float, float]:
    if not supported.shape[1]:
        return np.nan, np.nan
    each = supported.mean(axis=1)
    return float(each.mean()), float(each.std(ddof=1) / np.sqrt(len(each)))


def corrected(tests: pd.DataFrame, hypotheses: Sequence[Hypothesis], correction: str) -> pd.DataFrame:
    """One cohort's tests with the family's p-values and verdicts beside their own.

    Parameters
    ----------
    tests : DataFrame
        What `Design.test` returns.
    hypotheses : sequence of Hypothesis
    correction : {"holm"}

    Returns
    -------
    DataFrame
        With ``p_holm`` and ``verdict_holm``. A row's family is its own test and the headline tests of all
        other hypotheses. ``contradicted`` stays: Holm guards what is called supported.
    """
    check_known("correction", [correction], CORRECTIONS[1:])
    headline = {each.name: each.headline for each in hypotheses}
    level = {each.name: each.level for each in hypotheses}
    first = tests[tests["estimator"] == tests["hypothesis"].map(headline)].set_index("hypothesis")["p_value"]
    adjusted = []
    for _, row in tests.iterrows():
        family = first.to_dict() | {row["hypothesis"]: row["p_value"]}
        adjusted.append(holm(np.array(list(family.values())))[list(family).index(row["hypothesis"])])
    tests = tests.assign(p_holm=adjusted)
    lost = (tests["verdict"] == "supported") & ~(tests["p_holm"] < tests["hypothesis"].map(level))
    return tests.assign(verdict_holm=tests["verdict"].mask(lost, "undecided"))
