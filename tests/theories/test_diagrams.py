"""A design's diagram is its market: what an arrow's parameter moves is its effect and what follows from that.

Cohorts are drawn with the same random numbers under two values of one parameter. Every variable that the
diagram does not put behind the arrow must stay as it was, number by number; the arrow's effect must move.
"""

import numpy as np
import pytest

from crmlab.mechanisms.stages import MONTHS
from crmlab.theories import (
    customer_lifetime_value,
    lifecycle,
    loyalty,
    omnichannel,
    perceived_value,
    satisfaction,
    service_profit_chain,
    service_quality,
    start_here,
    transaction_cost,
)

SEED = 31
DESIGNS = {
    each.design.name: each.design
    for each in (
        customer_lifetime_value,
        lifecycle,
        loyalty,
        omnichannel,
        perceived_value,
        satisfaction,
        service_profit_chain,
        service_quality,
        start_here,
        transaction_cost,
    )
}


def columns(table, *names):
    return {name: np.asarray(table[name]) for name in names}


def of_satisfaction(cohort):
    truth = cohort.truth
    return {
        **columns(cohort.customers, "quality", "service", "price", "brand", "rating"),
        **columns(truth, "expectation", "experience", "satisfaction"),
        "surprise": truth.experience - truth.expectation,
    }


def of_perceived_value(cohort):
    named = {"quality": "quality", "emotion": "feeling", "price": "price", "cost": "cost", "chosen": "choice"}
    surveyed = {"value_before": "survey_before", "value_after": "survey_after"}
    return {ours: np.asarray(cohort.visits[theirs]) for theirs, ours in named.items()} | {
        ours: np.asarray(cohort.survey[theirs]) for theirs, ours in surveyed.items()
    }


def of_service_profit_chain(cohort):
    return {
        **columns(cohort.branches, "quality", "satisfied", "served", "profit"),
        **columns(cohort.truth, "location"),
    }


def of_start_here(cohort):
    return {
        **columns(cohort.customers, "contact", "last_year", "spend"),
        **columns(cohort.truth, "potential"),
    }


def of_lifecycle(cohort):
    """The first three months, and the fourth as a next stage, too: cooling begins in the second of lapse."""
    months = cohort.months
    stage, contacted, matched, lapsed_for, moved_up, heavy = (
        months[name].to_numpy().reshape(-1, MONTHS)
        for name in ("stage", "contacted", "matched", "lapsed_for", "moved_up", "heavy")
    )
    contact = contacted + matched
    return {
        "heavy_user": heavy[:, 0],
        "earlier_stage": stage[:, 0],
        "stage": stage[:, 1],
        "next_stage": stage[:, 2:4],
        "earlier_contact": contact[:, 0],
        "contact": contact[:, 1],
        "moved_up": moved_up[:, 1],
        "lapsed_for": lapsed_for[:, 1],
        "active": cohort.truth.active,
        "visits": cohort.visits.visits.to_numpy(),
    }


def of_transaction_cost(cohort):
    named = {
        "specificity": "specificity",
        "nearness": "nearness",
        "contract": "contract",
        "log_hours": "hours",
    }
    seen = {ours: np.asarray(cohort.contracts[theirs]) for theirs, ours in named.items()}
    return seen | columns(cohort.truth, "ease")


def of_service_quality(cohort):
    """What a listener hears is left out: it shares the extra's parameter with what is perceived."""
    return columns(cohort.survey, "delivered", "expected", "perceived", "satisfaction")


def of_omnichannel(cohort):
    return {
        **columns(cohort.customers, "invitation", "app", "past_spend", "spend"),
        **columns(cohort.truth, "loyalty"),
    }


def of_loyalty(cohort):
    return {
        **columns(cohort.truth, "satisfaction", "attitude", "habit"),
        **columns(cohort.customers, "rating", "switching_cost", "rivals", "veteran"),
        "renewal": np.asarray(cohort.customers.renewed),
        "answers": cohort.surveys.to_numpy(),
        "spend": cohort.purchases.to_numpy(),
    }


def of_customer_lifetime_value(cohort):
    """All but value, which nobody draws, and tenure, a purchase's own time."""
    customers, truth = cohort.customers, cohort.truth
    return {
        "pace": truth.purchase_rate,
        "leaving": truth.dropout,
        "past_purchases": customers[["frequency", "recency"]].to_numpy(),
        "active": truth.active,
        "future_purchases": np.asarray(customers.holdout_purchases),
        "mean_amount": truth.mean_amount,
        "amounts": np.asarray(cohort.purchases.amount),
    }


READ = {
    "omnichannel": of_omnichannel,
    "service_quality": of_service_quality,
    "transaction_cost": of_transaction_cost,
    "loyalty": of_loyalty,
    "customer_lifetime_value": of_customer_lifetime_value,
    "lifecycle": of_lifecycle,
    "satisfaction": of_satisfaction,
    "perceived_value": of_perceived_value,
    "service_profit_chain": of_service_profit_chain,
    "start_here": of_start_here,
}
ARROWS = {  # the parameter of an arrow, and another value of it
    "omnichannel": {
        ("invitation", "app"): ("invitation_to_app", 0.2),
        ("loyalty", "app"): ("loyalty_to_app", -0.3),
        ("app", "spend"): ("app_to_spend", 20.0),
    },
    "transaction_cost": {
        ("specificity", "hours"): ("specificity_to_hours", 0.1),
        ("uncertainty", "hours"): ("uncertainty_to_hours", 0.0),
        ("asymmetry", "hours"): ("asymmetry_to_hours", 0.0),
        ("contract", "hours"): ("contract_cost", 0.0),
        ("ease", "hours"): ("ease_to_hours", 0.0),
        ("ease", "contract"): ("ease_to_contract", 0.9),
        ("nearness", "contract"): ("nearness_to_contract", 0.3),
    },
    "lifecycle": {
        ("heavy_user", "earlier_contact"): ("targeting", 3.0),
        ("heavy_user", "stage"): ("heavy", 2.0),
        ("earlier_stage", "stage"): ("up_first", 0.5),
        ("earlier_contact", "stage"): ("match_lift", 1.0),
        ("stage", "next_stage"): ("win_back", 0.5),
        ("moved_up", "next_stage"): ("memory", 1.5),
        ("lapsed_for", "next_stage"): ("lapse_time", -1.5),
        ("month", "active"): ("curve_pull", 2.0),
        ("active", "visits"): ("visits_active", 6.0),
    },
    "loyalty": {
        ("satisfaction", "attitude"): ("satisfaction_to_attitude", 0.1),
        ("attitude", "habit"): ("attitude_to_habit", 0.1),
        ("satisfaction", "habit"): ("satisfaction_to_habit", 0.5),
        ("attitude", "renewal"): ("attitude_to_renewal", 0.0),
        ("satisfaction", "renewal"): ("satisfaction_to_renewal", 1.0),
        ("switching_cost", "renewal"): ("switching_cost_to_renewal", -1.0),
        ("rivals", "renewal"): ("rivals_to_renewal", 0.5),
        ("veteran", "renewal"): ("veteran_renewal", 2.0),
        ("veteran", "rating"): ("rating_bias", 1.0),
        ("veteran", "answers"): ("rating_bias", 1.0),
    },
    "customer_lifetime_value": {
        ("pace", "past_purchases"): ("alpha", 9.0),
        ("pace", "active"): ("alpha", 9.0),
        ("leaving", "past_purchases"): ("a", 0.2),
        ("leaving", "active"): ("a", 0.2),
        ("leaving", "mean_amount"): ("spend_sorting", 0.4),
        ("season", "future_purchases"): ("season", 2.0),
        ("mean_amount", "amounts"): ("spend_q", 9.0),
        ("tenure", "amounts"): ("spend_growth", 0.3),
    },
    "satisfaction": {
        ("quality", "experience"): ("quality_to_experience", 0.1),
        ("service", "experience"): ("service_to_experience", 0.0),
        ("price", "experience"): ("price_to_experience", 0.0),
        ("brand", "experience"): ("brand_to_experience", 0.0),
        ("quality", "expectation"): ("quality_to_expectation", 0.0),
        ("brand", "expectation"): ("brand_to_expectation", 0.0),
        ("surprise", "satisfaction"): ("loss_slope", 0.0),
        ("expectation", "satisfaction"): ("expectation_effect", 0.0),
    },
    "perceived_value": {
        ("brand", "price"): ("brand_premium", 4.0),
        ("brand", "quality"): ("quality_gap", 2.0),
        ("cost", "price"): ("cost_spread", 5.0),
        ("price", "value"): ("price_to_value", -0.6),
        ("quality", "value"): ("quality_to_value", 2.0),
        ("feeling", "value"): ("emotion_to_value", 2.0),
        ("brand", "value"): ("brand_to_value", 3.0),
        ("demand", "choice"): ("demand_behind_markup", 1.0),
        ("choice", "survey_after"): ("rationalisation", 1.0),
    },
    "service_quality": {
        ("delivered", "perceived"): ("delivered_to_perceived", 0.9),
        ("expected", "perceived"): ("expectation_to_perceived", 0.0),
        ("mood", "perceived"): ("mood_effect", 0.6),
        ("delivered", "satisfaction"): ("delivered_to_satisfaction", 0.3),
        ("perceived", "satisfaction"): ("perceived_to_satisfaction", 0.7),
        ("expected", "satisfaction"): ("expectation_weight", 0.3),
    },
    "service_profit_chain": {
        ("quality", "satisfied"): ("quality_to_staff", 0.1),
        ("satisfied", "served"): ("staff_to_customers", 0.1),
        ("served", "profit"): ("customers_to_profit", 0.5),
        ("location", "quality"): ("location_to_quality", 0.8),
        ("location", "satisfied"): ("location", 0.7),
        ("location", "served"): ("location", 0.7),
        ("location", "profit"): ("location", 0.7),
    },
    "start_here": {
        ("contact", "spend"): ("contact_effect", 0.5),
        ("potential", "spend"): ("potential_effect", 0.1),
        ("potential", "contact"): ("targeting", 0.6),
        ("potential", "last_year"): ("luck", 0.5),
    },
}
MOVED_TOO = {  # what an arrow's parameter moves besides, and why that is no path of the diagram
    ("location", "served"): {"satisfied"},  # a good street lifts all three by one amount
    ("location", "profit"): {"satisfied", "served"},
    ("cost", "price"): {"cost"},  # its spread is its own
    ("veteran", "rating"): {"answers"},  # veterans overrate by one amount whatever they are asked
    ("veteran", "answers"): {"rating"},
    ("pace", "past_purchases"): {
        "pace",
        "active",
        "future_purchases",
        "amounts",
    },  # it is the pace's own, and
    ("pace", "active"): {"pace", "past_purchases", "amounts"},  # each purchase has an amount
    ("leaving", "past_purchases"): {"leaving", "active", "future_purchases", "amounts"},
    ("leaving", "active"): {"leaving", "past_purchases", "amounts"},
    ("season", "future_purchases"): {"amounts"},
    ("mean_amount", "amounts"): {"mean_amount"},
}
EVERY = [(name, arrow) for name, arrows in ARROWS.items() for arrow in arrows]


@pytest.mark.parametrize(
    "name, arrow", EVERY, ids=lambda each: each if isinstance(each, str) else "-".join(each)
)
def test_an_arrow_moves_what_is_behind_it_and_nothing_else(name, arrow):
    design, caused = DESIGNS[name], arrow[1]
    assert arrow in [tuple(each[:2]) for each in design.diagram.arrows]
    parameter, value = ARROWS[name][arrow]
    before, after = (
        READ[name](market.simulate(SEED)) for market in (design, design.replace(**{parameter: value}))
    )
    behind = {each for each in design.diagram.nodes if caused in design.diagram.ancestors(each)} | {caused}
    behind |= MOVED_TOO.get(arrow, set())
    for variable in before:
        same = np.array_equal(before[variable], after[variable])
        assert same or variable in behind, (variable, "moves, though no path leads to it")
    assert any(not np.array_equal(before[each], after[each]) for each in behind if each in before)


@pytest.mark.parametrize("name", ["loyalty", "satisfaction", "start_here"])
def test_every_arrow_between_variables_that_are_drawn_is_tried(name):
    made = {
        ("experience", "surprise"),
        ("expectation", "surprise"),
        ("satisfaction", "rating"),
        ("satisfaction", "rating"),
        ("attitude", "answers"),
        ("habit", "spend"),
    }  # by definition
    made |= {("expectation", "next_expectation"), ("surprise", "next_expectation")}  # in the panel
    assert {tuple(each[:2]) for each in DESIGNS[name].diagram.arrows} - made == set(ARROWS[name])
