"""The frame of CRM in one claim: keep in touch with customers, and they will buy more.

    contact = w potential + √(1 - w²) noise                 targeting w: who is called
    spend   = β contact + γ potential + ε                    effect β: what a call does

Last year's spend reveals a customer's potential; leave it out and the callers' targeting looks like
an effect.
The market is linear and normal: a simplification, so that ten minutes are enough.
"""

from dataclasses import dataclass
from math import sqrt

from crmlab.design import Cohort, Design, Hypothesis, Parameters, parameter
from crmlab.estimators import LeastSquares


@dataclass(frozen=True)
class ContactMarket(Parameters):
    """A market in which the firm calls some customers more often than others."""

    contact_effect: float = parameter(
        0.20, "standard deviations of spend per standard deviation of contact", low=-2, high=2, source="ours"
    )
    targeting: float = parameter(
        0.30, "correlation of contact with potential", low=-0.95, high=0.95, source="ours"
    )
    potential_effect: float = parameter(
        0.60,
        "standard deviations of spend per standard deviation of potential",
        low=-2,
        high=2,
        source="ours",
    )
    n_customers: int = parameter(200, "customers", low=10, high=1_000_000, source="ours")


def simulate_contact_market(p, streams):
    """One table, ``customers``: contact, last year's spend (standardised), this year's spend."""
    rng, n = streams["customers"], p.n_customers
    potential = rng.standard_normal(n)
    contact = p.targeting * potential + sqrt(1 - p.targeting**2) * rng.standard_normal(n)
    spend = p.contact_effect * contact + p.potential_effect * potential + rng.standard_normal(n)
    return Cohort(
        {"customers": {"contact": contact, "last_year": potential, "spend": spend}},
        truth={"effect_of_contact": p.contact_effect},
    )


design = Design(
    name="start_here",
    title="Start here",
    claim="Keep in touch with customers, and they will buy more.",
    parameters=ContactMarket(),
    presets={
        "null": {"contact_effect": 0.0, "targeting": 0.0},
        "literature": {},
        "claim": {"contact_effect": 0.5, "targeting": 0.0},
        "trap": {"contact_effect": 0.0, "targeting": 0.6},
    },
    model=simulate_contact_market,
    hypotheses=[
        Hypothesis(
            "H1",
            "Contact raises spend",
            ">",
            truth=lambda p: p.contact_effect,
            unit="sd of spend per sd of contact",
            estimators={
                "adjusted": LeastSquares("spend ~ contact + last_year", "contact"),
                "naive": LeastSquares("spend ~ contact", "contact"),
            },
        ),
    ],
    batched=True,
)
