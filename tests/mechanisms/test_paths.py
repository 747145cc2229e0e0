"""Path models: what they draw is what they imply, and what they imply is what the algebra says."""

import numpy as np
import pytest

from crmlab.design.streams import BatchStreams, Streams
from crmlab.errors import InputError
from crmlab.mechanisms.paths import PathModel

RELATIONSHIP = {
    ("transparency", "trust"): 0.30,
    ("pressure", "trust"): -0.30,
    ("satisfaction", "trust"): 0.35,
    ("trust", "commitment"): 0.45,
    ("satisfaction", "commitment"): 0.10,
    ("pressure", "commitment"): -0.05,
    ("commitment", "renewal"): 0.4,
    ("trust", "renewal"): 0.2,
}


@pytest.fixture
def model():
    return PathModel(RELATIONSHIP)


def covariances(draws):
    return np.cov(np.stack(list(draws.values())))


def test_variables_come_in_causal_order(model):
    assert model.variables == ["transparency", "pressure", "satisfaction", "trust", "commitment", "renewal"]
    assert model.exogenous == ["transparency", "pressure", "satisfaction"]


def test_all_variances_are_one_and_covariances_follow_the_tracing_rules(model):
    implied = model.implied_covariance()
    assert np.diag(implied) == pytest.approx(1)
    assert implied.loc["trust", "commitment"] == pytest.approx(0.45 + 0.10 * 0.35 + 0.05 * 0.30)
    assert implied.loc["transparency", "commitment"] == pytest.approx(0.30 * 0.45)
    assert model.explained("trust") == pytest.approx(0.30**2 * 2 + 0.35**2)
    assert model.explained("satisfaction") == 0


@pytest.mark.parametrize(
    "correlations",
    [
        {},
        {("transparency", "pressure"): -0.4},
        {("transparency", "pressure"): -0.4, ("pressure", "satisfaction"): 0.3, ("trust", "commitment"): 0.5},
        {("trust", "renewal"): -0.6},
    ],
)
def test_draws_have_the_implied_covariances(correlations):
    model = PathModel(RELATIONSHIP, correlations)
    assert np.diag(model.implied_covariance()) == pytest.approx(1)
    drawn = model.draw(np.random.default_rng(4), 400_000)
    assert list(drawn) == model.variables
    assert covariances(drawn) == pytest.approx(model.implied_covariance().to_numpy(), abs=0.01)


def test_correlated_rests_bias_a_regression_as_endogeneity_does():
    paths = {("price", "sales"): -0.5, ("cost", "price"): 0.6}
    model = PathModel(paths, {("price", "sales"): 0.5})
    assert model.covariance("price", "sales") > -0.5
    assert model.covariance("cost", "sales") / model.covariance("cost", "price") == pytest.approx(-0.5)
    assert model.total_effect("price", "sales") == -0.5


def test_many_cohorts_are_those_drawn_one_by_one(model):
    seeds = [(7, number) for number in range(3)]
    many = model.draw(BatchStreams(seeds)["customers"], 50)
    for number, seed in enumerate(seeds):
        one = model.draw(Streams(seed)["customers"], 50)
        for name in model.variables:
            assert (many[name][number] == one[name]).all()


def test_parts_are_drawn_from_streams_of_their_own(model):
    first = model.draw(np.random.default_rng(1), 200_000, [*model.exogenous, "trust"])
    rest = model.draw(np.random.default_rng(2), 200_000, given=first)
    assert list(rest) == ["commitment", "renewal"]
    assert covariances(first | rest) == pytest.approx(model.implied_covariance().to_numpy(), abs=0.015)


# -- effects ----------------------------------------------------------------------------------------------


def test_effects_are_sums_over_paths(model):
    assert model.direct_effect("trust", "renewal") == 0.2
    assert model.total_effect("trust", "renewal") == pytest.approx(0.2 + 0.45 * 0.4)
    assert model.indirect_effect("trust", "renewal") == pytest.approx(0.45 * 0.4)
    assert model.total_effect("renewal", "trust") == 0
    assert model.indirect_effect("satisfaction", "renewal", through="commitment") == pytest.approx(
        (0.35 * 0.45 + 0.10) * 0.4
    )


def test_an_intervention_moves_the_same_customers(model):
    before = model.draw(np.random.default_rng(3), 1000)
    raised, lowered = (model.do(trust=value).draw(np.random.default_rng(3), 1000) for value in (1.0, 0.0))
    for name in model.exogenous:
        assert (raised[name] == before[name]).all()
    assert (raised["trust"] == 1).all()
    assert raised["renewal"] - lowered["renewal"] == pytest.approx(model.total_effect("trust", "renewal"))


def test_an_intervention_cuts_what_led_there(model):
    done = model.do(trust=2.0)
    assert done.covariance("satisfaction", "trust") == 0
    assert done.covariance("satisfaction", "commitment") == pytest.approx(0.10)
    assert done.mean("commitment") == pytest.approx(0.9) and model.mean("commitment") == 0
    drawn = done.draw(np.random.default_rng(5), 200_000)
    assert covariances(drawn) == pytest.approx(done.implied_covariance().to_numpy(), abs=0.01)
    assert drawn["renewal"].mean() == pytest.approx(done.mean("renewal"), abs=0.01)
    assert model.covariance("satisfaction", "trust") == pytest.approx(0.35)  # the model itself is as it was


def test_weighted_sums_have_variances_and_correlations(model):
    weights = {"commitment": 0.3, "satisfaction": 0.15}
    expected = 0.3**2 + 0.15**2 + 2 * 0.3 * 0.15 * model.covariance("commitment", "satisfaction")
    assert model.covariance(weights) == pytest.approx(expected)
    assert model.covariance(weights, "trust") == pytest.approx(
        0.3 * model.covariance("commitment", "trust") + 0.15 * 0.35
    )
    assert model.correlation("trust", "commitment") == pytest.approx(model.covariance("trust", "commitment"))
    with pytest.raises(InputError, match="does not vary"):
        model.do(trust=1.0).correlation("trust", "commitment")


# -- what is refused --------------------------------------------------------------------------------------


def test_a_refusal_names_the_path_and_how_far_to_lower_it():
    paths = RELATIONSHIP | {("trust", "commitment"): 0.99}
    with pytest.raises(
        InputError, match="lead to commitment explain 1.09 .*bring trust_to_commitment into"
    ) as told:
        PathModel(paths)
    low, high = (float(word) for word in str(told.value).split(" into ")[1].split(",")[0].split(" to "))
    for value, fits in ((low + 0.01, True), (high - 0.01, True), (low - 0.02, False), (high + 0.02, False)):
        changed = paths | {("trust", "commitment"): value, ("commitment", "renewal"): 0.0}
        if fits:
            PathModel(changed)
        else:
            with pytest.raises(InputError, match="lead to commitment"):
                PathModel(changed)


def test_all_of_a_variance_may_be_explained():
    model = PathModel({("attitude", "habit"): 1.0})
    drawn = model.draw(np.random.default_rng(1), 10)
    assert (drawn["habit"] == drawn["attitude"]).all()


@pytest.mark.parametrize(
    "paths, correlations, message",
    [
        ({}, {}, "paths is empty"),
        ({("a", "a"): 0.1}, {}, "from a to itself"),
        ({("a", "b"): 0.1, ("b", "c"): 0.1, ("c", "a"): 0.1}, {}, "a, b, c run in a circle"),
        ({("a", "b"): np.nan}, {}, "from a to b is nan"),
        ({("a", "b", "c"): 0.1}, {}, "must be a pair of names"),
        ({("a", "b"): 0.1}, {("a", "b"): 0.2}, "a path leads to one of them only"),
        ({("a", "c"): 0.1, ("b", "c"): 0.1}, {("a", "b"): 1.2}, "correlation of a and b is 1.2"),
        ({("a", "c"): 0.1}, {("a", "z"): 0.2}, "unknown variable 'z'"),
        (
            {("a", "d"): 0.1, ("b", "d"): 0.1, ("c", "d"): 0.1},
            {("a", "b"): 0.9, ("a", "c"): 0.9, ("b", "c"): -0.9},
            "contradict each other",
        ),
        ({("a", "d"): 0.8, ("b", "d"): 0.8, ("c", "d"): 0.8}, {("b", "c"): 0.5}, "lower several"),
    ],
)
def test_models_that_cannot_be_are_refused(paths, correlations, message):
    with pytest.raises(InputError, match=message):
        PathModel(paths, correlations)


def test_draws_that_leave_a_cause_out_are_refused(model):
    with pytest.raises(InputError, match="leaves transparency out, from which trust comes"):
        model.draw(np.random.default_rng(1), 10, ["trust"])
    joined = PathModel({("a", "c"): 0.1, ("b", "c"): 0.1}, {("a", "b"): 0.5})
    with pytest.raises(InputError, match="only one of a, b"):
        joined.draw(np.random.default_rng(1), 10, ["a"])


# -- the picture ------------------------------------------------------------------------------------------


def test_the_diagram_has_an_arrow_a_path(model):
    arrows = model.arrows(satisfaction_to_commitment={"bend": 0.3})
    assert {(a, b) for a, b, _ in arrows} == set(RELATIONSHIP)
    assert [look for *_, look in arrows if look] == [{"bend": 0.3}]
    with pytest.raises(InputError, match="unknown arrow 'trust_to_satisfaction'"):
        model.arrows(trust_to_satisfaction={})


def test_variables_may_share_a_node_and_correlations_are_shown():
    model = PathModel({("a", "c"): 0.1, ("b", "c"): 0.1}, {("a", "b"): 0.5})
    assert model.arrows() == [("a", "c", {}), ("b", "c", {}), ("a", "b", {"kind": "correlation"})]
    assert model.arrows(together={"causes": ["a", "b"]}) == [("causes", "c", {})]
