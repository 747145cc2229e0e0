"""How many customers a power needs: a published table, the audit's sizes, and what cannot be reached."""

from dataclasses import dataclass

import numpy as np
import pytest

from crmlab.design import Cohort, Design, Estimate, Hypothesis, Parameters, parameter
from crmlab.errors import InputError
from crmlab.theories.loyalty import design as loyalty


@dataclass(frozen=True)
class TwoGroups(Parameters):
    difference: float = parameter(0.5, "standard deviations", low=-2, high=2)
    noise: float = parameter(1.0, "standard deviations", low=0.1, high=10)
    n_customers: int = parameter(20, "customers in each group", low=5, high=5000)


def two_groups(p, streams):
    rng = streams["customers"]
    return Cohort(
        {
            "customers": {
                "treated": p.difference + p.noise * rng.standard_normal(p.n_customers),
                "others": p.noise * rng.standard_normal(p.n_customers),
            }
        }
    )


class TTest:
    """Student's, two groups of one size."""

    def batch(self, tables):
        columns = tables.columns("customers")
        treated, others = columns["treated"], columns["others"]
        n = treated.shape[-1]
        pooled = (treated.var(-1, ddof=1) + others.var(-1, ddof=1)) / 2
        return Estimate(treated.mean(-1) - others.mean(-1), np.sqrt(2 * pooled / n), 2 * n - 2)

    def __call__(self, tables):
        return self.batch(tables)


def t_test_design(direction="!="):
    hypothesis = Hypothesis("H1", "Groups differ", direction, lambda p: p.difference, {"t": TTest()})
    return Design("groups", "", "", TwoGroups(), {}, two_groups, [hypothesis], batched=True)


@pytest.mark.parametrize("difference, published", [(0.5, 64), (0.8, 26)])
def test_cohens_sample_sizes_are_found(difference, published):
    """Cohen (1992), Table 2: n in each group for power .80 at a two-sided level of .05."""
    design = t_test_design().replace(difference=difference)
    answer = design.solve("H1", power=0.8, sims=1500, tolerance=0.03, seed=3)
    assert answer.low <= published <= answer.high + 1
    assert abs(answer.value - published) <= 0.06 * published + 1


def test_the_smallest_effect_seen_is_the_one_that_the_sample_size_was_for():
    answer = t_test_design().replace(n_customers=64).solve("H1", 0.8, over="difference", sims=1500, seed=5)
    assert answer.low <= 0.5 <= answer.high + 0.01
    assert answer.estimand == pytest.approx(answer.value)


def test_an_effect_below_zero_is_found_on_its_own_side():
    answer = (
        t_test_design("<")
        .replace(difference=-0.1, n_customers=64)
        .solve("H1", 0.8, over="difference", sims=800)
    )
    assert -0.5 < answer.value < -0.38  # one-sided: 2.486 · √(2/64) = .44


def test_more_customers_than_needed_are_brought_down():
    answer = loyalty.preset("literature").solve("H2", power=0.8, sims=300)
    assert loyalty.preset("literature").parameters.n_customers == 800
    assert 70 < answer.value < 115
    assert set(answer.path) == {"n_customers", "sims", "rejections", "power", "power_mcse"}


def test_the_answer_holds_when_it_is_simulated_afresh():
    design = t_test_design().replace(difference=0.3)
    answer = design.solve("H1", power=0.9, sims=1000, seed=2)
    row = design.replace(n_customers=answer.value).diagnose(sims=4000, seed=77).row("H1")
    assert abs(row["rejection_rate"] - 0.9) < 0.02


def test_a_nuisance_parameter_can_be_moved_too():
    answer = t_test_design().replace(n_customers=64).solve("H1", power=0.6, over="noise", sims=800)
    assert 1.1 < answer.value < 1.45


def test_what_no_number_of_customers_reaches_is_said_with_the_powers_found():
    with pytest.raises(InputError, match=r"power 0\.8 is not reached by moving n_customers.*5,000: 0\.0"):
        t_test_design().replace(difference=0.0).solve("H1", power=0.8, sims=100)


@pytest.mark.parametrize(
    "arguments, named",
    [
        ({"power": 1.2}, "power is 1.2"),
        ({"power": 0.04}, "exceed the test's level"),
        ({"over": "size"}, "unknown parameter 'size'"),
        ({"sims": 3}, "sims is 3"),
        ({"tolerance": 0}, "tolerance is 0"),
        ({"estimator": "z"}, "unknown estimator 'z'"),
    ],
)
def test_bad_questions_are_refused_by_name(arguments, named):
    with pytest.raises(InputError, match=named):
        t_test_design().solve("H1", **arguments)
