"""A small market that the tests of the design room share."""

from dataclasses import dataclass, replace

import numpy as np
from hypothesis import settings

from crmlab.design import Cohort, Design, Hypothesis, Parameters, parameter
from crmlab.estimators import LeastSquares, LogisticRegression

searching = settings(deadline=None, max_examples=60, derandomize=True)  # the same examples everywhere


@dataclass(frozen=True)
class Market(Parameters):
    effect: float = parameter(0.3, "units a unit", low=-2, high=2, source="ours")
    confounding: float = parameter(0.0, "units a unit", low=-2, high=2)
    method: str = parameter("mail", "how customers are reached", choices=("mail", "phone"))
    loyal: bool = parameter(False, "whether all are members")
    n_customers: int = parameter(60, "customers", low=4, high=10_000)


def simulate(p, streams):
    rng, n = streams["customers"], p.n_customers
    history = rng.standard_normal(n)
    contact = p.confounding * history + rng.standard_normal(n)
    spend = p.effect * contact + p.confounding * history + rng.standard_normal(n)
    renewed = (streams["renewals"].random(n) < 1 / (1 + np.exp(-p.effect * contact))) * 1.0
    return Cohort(
        {"customers": {"history": history, "contact": contact, "spend": spend, "renewed": renewed}},
        truth={"history": history, "effect": p.effect},
    )


design = Design(
    name="contact",
    title="Contact <b>",
    claim="Contact raises spend & renewal.",
    parameters=Market(),
    presets={
        "null": {"effect": 0.0},
        "literature": {},
        "claim": {"effect": 1.0},
        "trap": {"effect": 0.0, "confounding": 0.8},
    },
    model=simulate,
    hypotheses=[
        Hypothesis(
            "H1",
            "Contact raises spend",
            ">",
            truth=lambda p: p.effect,
            unit="units",
            estimators={
                "adjusted": LeastSquares("spend ~ contact + history", "contact"),
                "naive": LeastSquares("spend ~ contact", "contact"),
            },
        ),
        Hypothesis(
            "H2",
            "Contact raises renewal",
            ">",
            truth=lambda p: p.effect,
            estimators={"logit": LogisticRegression("renewed ~ contact", "contact")},
        ),
    ],
    batched=True,
)
looped = replace(design, batched=False)


def with_estimators(batched=True, **estimators):
    """The market with one hypothesis and these estimators."""
    return replace(
        design,
        batched=batched,
        hypotheses=[
            Hypothesis("H1", "Contact raises spend", ">", truth=lambda p: p.effect, estimators=estimators)
        ],
    )
