"""Designs: presets, grids, one cohort and its tests."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlab.design import (
    AtEdge,
    Cohort,
    Construct,
    Design,
    Diagram,
    Hypothesis,
    InputError,
    Parameters,
    parameter,
)
from crmlab.estimators import LeastSquares

from .markets import Market, design, searching


def test_a_preset_changes_what_it_says_and_nothing_else():
    trap = design.preset("trap")
    assert trap.parameters == Market(effect=0.0, confounding=0.8) and trap.preset_name == "trap"
    assert design.preset("literature").parameters == design.parameters == Market()


@searching
@given(st.lists(st.sampled_from(["null", "literature", "claim", "trap"]), min_size=1, max_size=4))
def test_the_last_preset_holds_whatever_came_before(names):
    chosen = design.replace(n_customers=77)
    for name in names:
        chosen = chosen.preset(name)
    assert chosen.parameters == design.preset(names[-1]).replace(n_customers=77).parameters
    assert chosen.preset_name == names[-1]
    assert chosen.vary(preset=["literature"]).designs[0].parameters == Market(n_customers=77)


def test_what_was_set_by_hand_stays_until_a_preset_says_otherwise():
    assert design.preset("trap").replace(confounding=0.3).preset("literature").parameters == Market(
        confounding=0.3
    )
    assert design.preset("trap").replace(effect=0.3).parameters == Market(effect=0.3, confounding=0.8)
    assert design.replace(effect=0.9).preset("null").parameters.effect == 0
    assert design.replace(effect=0.9).preset("null").preset("literature").parameters.effect == 0.9


def test_unknown_names_list_the_known_ones():
    with pytest.raises(InputError, match="unknown preset 'nul'; known: null, literature, claim, trap"):
        design.preset("nul")
    with pytest.raises(InputError, match="unknown parameter 'efect'; known: effect, confounding"):
        design.replace(efect=1)
    with pytest.raises(InputError, match="unknown parameter 'efect'; known: preset, effect, confounding"):
        design.vary(efect=[1])
    with pytest.raises(InputError, match="unknown preset 'nul'"):
        design.vary(preset=["nul"])
    with pytest.raises(InputError, match="unknown hypothesis 'H3'; known: H1, H2"):
        design.only("H3")
    with pytest.raises(InputError, match="unknown estimator 'ols'; known: adjusted, naive, logit"):
        design.with_estimators("ols")


@pytest.mark.parametrize(
    "grid, says",
    [
        ({"n_customers": 50}, "n_customers is 50; give a list of values"),
        ({"preset": "null"}, "preset is 'null'; give a list"),
        ({"effect": []}, "effect is \\[\\]; give a list"),
        ({}, "nothing to vary; name preset or a parameter: effect"),
        ({"effect": [0.1, 0.2, 0.1]}, "effect holds 0.1 more than once"),
        ({"preset": ["null", "null"]}, "preset holds null more"),
        ({"effect": [0.1, 5]}, "effect is 5; it must lie from -2 to 2"),
    ],
)
def test_a_grid_that_cannot_be_is_refused(grid, says):
    with pytest.raises(InputError, match=says):
        design.vary(**grid)


def test_a_grid_is_every_combination_in_order():
    grid = design.vary(preset=["null", "trap"], n_customers=range(20, 41, 20))
    assert [(point["preset"], point["n_customers"]) for point, _ in grid.points] == [
        ("null", 20),
        ("null", 40),
        ("trap", 20),
        ("trap", 40),
    ]
    assert [each.parameters.n_customers for each in grid.designs] == [20, 40, 20, 40] and len(grid) == 4
    assert repr(grid).splitlines() == [
        "Variations of contact at 4 points:",
        "  preset=null, n_customers=20",
        "  preset=null, n_customers=40",
        "  preset=trap, n_customers=20",
        "  preset=trap, n_customers=40",
    ]
    assert len(design.vary(effect=iter([0.1, 0.2]))) == len(design.vary(effect=np.array([0.1, 0.2]))) == 2


def test_a_parameter_called_like_a_column_cannot_be_varied():
    @dataclass(frozen=True)
    class Biased(Parameters):
        bias: float = parameter(0.1, "units")

    biased = replace(design, parameters=Biased(), presets={})
    with pytest.raises(InputError, match="parameter 'bias' is also a column of the diagnosis"):
        biased.vary(bias=[0.1, 0.2])
    assert biased.replace(bias=0.2).parameters.bias == 0.2


def test_fewer_hypotheses_and_estimators():
    assert [each.name for each in design.only("H2", "H1").hypotheses] == ["H1", "H2"]
    assert [list(each.estimators) for each in design.with_estimators("naive").hypotheses] == [["naive"]]
    assert design.hypothesis("H2").claim == "Contact raises renewal"
    for nothing in (design.only, design.with_estimators):
        with pytest.raises(InputError, match="hypotheses of contact is empty"):
            nothing()


def test_an_impossible_design_is_refused_when_it_is_written():
    with pytest.raises(InputError, match="hypotheses of contact share names: H1, H1"):
        replace(design, hypotheses=[design.hypotheses[0]] * 2)
    with pytest.raises(InputError, match="unknown parameter 'efect'"):
        replace(design, presets={"null": {"efect": 0}})
    with pytest.raises(InputError, match="preset null: unknown hypothesis 'H9'"):
        replace(design, presets={"null": {"effect": AtEdge("H9", (0, 1))}})


def test_a_preset_is_checked_when_it_is_taken_and_named_in_the_error():
    impossible = replace(design, presets={**design.presets, "null": {"effect": 7}})
    assert impossible.replace(effect=0.4).preset("trap").parameters.confounding == 0.8
    with pytest.raises(InputError, match="preset null: effect is 7; it must lie from -2 to 2"):
        impossible.preset("null")


def within(margin):
    """The design with one claim more, of equivalence."""
    claim = Hypothesis(
        "H3",
        "Contact hardly matters",
        "within",
        truth=lambda p: p.effect**3,
        margin=margin,
        estimators={"adjusted": LeastSquares("spend ~ contact + history", "contact")},
    )
    return replace(design, hypotheses=[*design.hypotheses, claim], declared=())


@pytest.mark.parametrize("bracket, value", [((0, 2), 0.5), ((-2, 0), -0.5)])
def test_a_design_can_be_put_where_a_claim_just_fails(bracket, value):
    edge = within(0.125).at_edge("H3", "effect", bracket)
    assert np.isclose(edge.parameters.effect, value, rtol=1e-11)
    assert not edge.hypothesis("H3").holds(edge.hypothesis("H3").estimand(edge.parameters))
    null = design.replace(effect=0.7).at_edge("H1", "effect", (-1, 1))
    assert null.parameters.effect == 0
    with pytest.raises(InputError, match="bracket of effect is 1 to 2; H3 must hold at one of them"):
        within(0.125).at_edge("H3", "effect", (1, 2))


def test_a_preset_may_be_at_the_edge_whichever_hypotheses_are_chosen():
    edges = replace(within(0.125), presets={"null": {"effect": AtEdge("H3", (0, 2)), "n_customers": 20}})
    chosen = edges.only("H1").replace(confounding=0.3).preset("null")
    assert np.isclose(chosen.parameters.effect, 0.5, rtol=1e-11) and chosen.parameters.n_customers == 20
    assert chosen.preset("null").parameters == chosen.parameters


def test_labels_come_from_the_glossary():
    named = replace(design, constructs={"spend": Construct("Spend, yuan", "What a customer pays in a year.")})
    assert named.label("spend") == "Spend, yuan" and named.label("n_calls") == "n calls"
    assert named.glossary().loc["spend", "definition"] == "What a customer pays in a year."


def test_a_diagram_knows_what_comes_before_what():
    diagram = Diagram({"a": (0, 0), "b": (0.5, 0), "c": (1, 0)}, [("a", "b"), ("b", "c")], latent=["a"])
    assert diagram.causes("c") == ["b"] and diagram.ancestors("c") == {"a", "b"}
    with pytest.raises(InputError, match="unknown node 'd'"):
        Diagram({"a": (0, 0)}, [("a", "d")])


def test_a_design_is_left_as_it_was_by_all_that_is_derived_from_it():
    before = repr(design)
    design.preset("trap").replace(effect=1.0).only("H1").with_estimators("naive").vary(
        n_customers=[20]
    ).diagnose(sims=2)
    assert repr(design) == before and design.parameters == Market()


def test_the_same_seed_gives_the_same_cohort():
    one, other = design.simulate(7), design.simulate(seed=(7,))
    assert one.customers.equals(other.customers) and one.seed == other.seed == 7
    assert not one.customers.equals(design.simulate(8).customers)
    assert design.simulate((7, 0)).seed == (7, 0) and not one.customers.equals(
        design.simulate((7, 0)).customers
    )
    assert one.parameters == design.parameters


def test_a_test_is_tidy_and_stands_beside_the_truth():
    tests = design.preset("claim").test(design.preset("claim").simulate(1))
    assert tests.columns.tolist() == [
        "hypothesis",
        "estimator",
        "estimate",
        "standard_error",
        "low",
        "high",
        "p_value",
        "truth",
        "verdict",
    ]
    assert tests[["hypothesis", "estimator"]].values.tolist() == [
        ["H1", "adjusted"],
        ["H1", "naive"],
        ["H2", "logit"],
    ]
    assert (tests.truth == 1.0).all() and set(tests.verdict) <= {"supported", "undecided", "contradicted"}
    assert tests.estimate.dtype == float and tests.p_value.between(0, 1).all()


def test_the_truth_beside_a_test_is_that_of_the_cohort():
    cohort = design.preset("claim").simulate(1)
    assert (design.test(cohort).truth == 1.0).all(), "not that of the design which happens to test it"
    by_hand = Cohort(cohort.tables._columns)
    assert (design.test(by_hand).truth == 0.3).all()


def test_only_cohorts_are_tested():
    for other in (design.simulate(1).customers, None, 3):
        with pytest.raises(InputError, match="cohort is a .*; give what design.simulate\\(\\) returned"):
            design.test(other)


def test_it_reads_well():
    text, html = repr(design.preset("trap")), design.preset("trap")._repr_html_()
    assert text.splitlines()[0] == "Design contact: Contact raises spend & renewal."
    assert (
        "preset trap of null, literature, claim, trap" in text and "confounding=0.8" in text and "H2:" in text
    )
    assert "Contact &lt;b&gt;: preset trap" in html and "<b>" not in html
    assert isinstance(design, Design) and "units a unit" in html
