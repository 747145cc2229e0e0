"""Real data on service quality: a month of calls, SERVQUAL's correlations, NCA's example, ratings."""

import numpy as np
import pytest

from crmlab.data import load_calls, load_nca, load_servqual_correlations, load_sq
from crmlab.data.call_centre import regular_calls
from crmlab.data.service_quality import SERVQUAL
from crmlab.design import Tables
from crmlab.errors import InputError
from crmlab.estimators import IntraclassCorrelation
from crmlab.models.necessity import ceiling_effect, necessity_by_column, permutation_p_value


def alpha(correlations):
    items = len(correlations)
    return items / (items - 1) * (1 - items / correlations.to_numpy().sum())


def test_servquals_published_correlations(real_data):
    published = load_servqual_correlations()
    assert published.shape == (22, 22) and (published == published.T).all(axis=None)
    alphas = {name: round(alpha(published.loc[items, items]), 3) for name, items in SERVQUAL.items()}
    assert alphas == {
        "tangibles": 0.662,
        "reliability": 0.821,
        "responsiveness": 0.685,
        "assurance": 0.827,
        "empathy": 0.707,
    }
    assert alpha(published) == pytest.approx(0.914, abs=5e-4)
    roots = np.linalg.eigvalsh(published)[::-1]
    assert roots[:4].round(2) == pytest.approx([8.07, 1.63, 1.24, 1.02])
    assert roots[0] / 22 == pytest.approx(0.367, abs=5e-4)


def test_the_calls_of_a_month(real_data):
    calls = load_calls()
    assert len(calls) == 31_599
    served = regular_calls(calls, shortest=0, fewest=1)
    assert len(served) == 20_114 and (served.talk < 10).sum() == 547
    short = (served.talk < 10).groupby(served.agent).agg(["sum", "mean"])
    assert short["sum"].idxmax() == "MORIAH" and short.loc["MORIAH", "sum"] == 178
    assert short.loc["MORIAH", "mean"] == pytest.approx(0.182, abs=5e-4)


def test_agents_hold_a_twentieth_of_the_variance_of_a_calls_length(real_data):
    calls = regular_calls(load_calls())
    length = np.log(calls.talk.to_numpy())
    number = calls.agent_number.to_numpy()
    assert (len(length), number.max() + 1) == (19_410, 24)
    found = IntraclassCorrelation("length ~ 1", "agent")(Tables({"c": {"length": length, "agent": number}}))
    assert found.value == pytest.approx(0.0533, abs=5e-4)
    assert found.interval == pytest.approx((0.0323, 0.1021), abs=5e-4)
    sizes = np.bincount(number)  # and the analysis of variance
    means = np.bincount(number, length) / sizes
    between = (sizes * (means - length.mean()) ** 2).sum() / 23
    within = ((length - means[number]) ** 2).sum() / (len(length) - 24)
    typical = (len(length) - (sizes**2).sum() / len(length)) / 23
    assert (between - within) / (between + (typical - 1) * within) == pytest.approx(0.050, abs=5e-4)


def test_the_example_of_necessary_condition_analysis(real_data):
    countries = load_nca()
    for name, effect, p_value in (("individualism", 0.416, 0.075), ("risk_taking", 0.309, 0.099)):
        pair = countries[name].to_numpy(), countries.innovation.to_numpy()
        assert ceiling_effect(*pair) == pytest.approx(effect, abs=5e-4)
        assert permutation_p_value(*pair, draws=4000, seed=1) == pytest.approx(p_value, abs=0.02)


def test_eighteen_of_twenty_two_attributes_are_necessary_by_permutation_and_none_is_unusual(real_data):
    ratings = load_sq()
    satisfied = ratings.pop("sat").to_numpy()
    table = necessity_by_column(ratings, satisfied, draws=500, seed=1)
    assert (table.permutation < 0.05).sum() == 18
    assert table.fair.min() > 0.05
    assert set(table.index[table.d.round(2) == 0.24]) == {"a09", "a11", "a12", "a18"}
    assert table.d["a06"] == 0 and table.r["a06"] == pytest.approx(0.69, abs=0.005)


def test_nothing_is_necessary_where_the_ceiling_has_no_room():
    with pytest.raises(InputError, match="one value only"):
        ceiling_effect(np.ones(4), np.arange(4.0))


def test_permutations_test_correlation():
    """Normal pairs: nothing is necessary, and the test rejects the more often the more they go together."""
    rng, found = np.random.default_rng(7), {}
    for correlation in (0.0, 0.5):
        p_values = []
        for at in range(60):
            x, e = rng.standard_normal((2, 150))
            y = correlation * x + np.sqrt(1 - correlation**2) * e
            p_values.append(permutation_p_value(x, y, draws=99, seed=at))
        found[correlation] = np.mean(np.array(p_values) < 0.05)
    assert found[0.0] <= 0.2 and found[0.5] >= 0.55
