"""Cohorts that pass a check: counted by hand, and where the check is worth nothing or all."""

from dataclasses import replace

import pytest

from crmlab.design.screening import screen
from crmlab.estimators import LeastSquares
from crmlab.theories.start_here import design

SPEND = LeastSquares("spend ~ contact", "contact")
CHECK = replace(
    design.hypothesis("H1"),
    name="check",
    direction="!=",
    estimators={"last year": LeastSquares("last_year ~ contact", "contact")},
)


def test_shares_are_those_of_the_single_simulations():
    trap = design.preset("trap").replace(n_customers=40, targeting=0.3)
    naive = replace(trap, hypotheses=[replace(trap.hypothesis("H1"), estimators={"naive": SPEND})])
    found = screen(naive, CHECK, "H1", sims=60, seed=3)
    simulations = replace(naive, hypotheses=[CHECK, *naive.hypotheses]).diagnose(sims=60, seed=3).simulations
    p = {name: rows.p_value.to_numpy() for name, rows in simulations.groupby("hypothesis")}
    passed = p["check"] >= 0.05
    assert found.passed == pytest.approx(passed.mean()) and 0 < found.passed < 1
    assert found.rejected == pytest.approx((p["H1"] < 0.05).mean())
    assert found.rejected_if_passed == pytest.approx((p["H1"] < 0.05)[passed].mean())


def test_nobody_passes_a_check_that_always_rejects():
    trap = design.preset("trap").replace(n_customers=2000, targeting=0.8)
    found = screen(trap, CHECK, "H1", sims=20)
    assert found.passed == 0 and found.rejected_if_passed != found.rejected_if_passed
