"""What a test is worth among the cohorts that passed a check first.

Analysts look at trends before an event, or at balance, and go on if the check finds nothing. Those who go on
are not a sample of all (Roth 2022, doi:10.1257/aeri.20210236).
"""

from dataclasses import dataclass, replace

import numpy as np

from crmlab.design.design import Design
from crmlab.design.estimate import Hypothesis


@dataclass(frozen=True)
class Screened:
    """Shares of cohorts.

    Attributes
    ----------
    passed : float
        In which the check does not reject.
    rejected : float
        In which the hypothesis' null is rejected.
    rejected_if_passed : float
        The same among those that passed; NaN if none did.
    sims : int
    """

    passed: float
    rejected: float
    rejected_if_passed: float
    sims: int


def screen(design: Design, check: Hypothesis, hypothesis: str, sims: int, seed: int = 1) -> Screened:
    """How often a hypothesis' headline rejects, in all cohorts and in those that pass a check.

    Parameters
    ----------
    design : Design
        With its preset and parameters.
    check : Hypothesis
        Its headline estimator is the check's, its level that at which a cohort fails.
    hypothesis : str
    sims : int
        Cohorts; those without an estimate of either count as neither passed nor rejected.
    seed : int
    """
    headline = design.hypothesis(hypothesis)
    first = {each.name: {each.headline: each.estimators[each.headline]} for each in (check, headline)}
    both = [replace(each, estimators=first[each.name]) for each in (check, headline)]
    found = replace(design, hypotheses=both).diagnose(sims=sims, seed=seed, progress=False).simulations
    wide = found.pivot(index="simulation", columns="hypothesis", values="p_value")
    passed, rejected = wide[check.name] >= check.level, wide[hypothesis] < headline.level
    among = float(rejected[passed].mean()) if passed.any() else np.nan
    return Screened(float(passed.mean()), float(rejected.mean()), among, sims)
