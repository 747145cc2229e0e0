"""The frame of CRM in one claim: keep in touch with customers, and they will buy more.

    contact   = w potential + rest                           targeting w: who is called
    last year = √(1 - luck) potential + √luck rest           what the list shows of a customer's potential
    spend     = β contact + γ potential + rest               effect β: what a call does

All variables have mean 0 and standard deviation 1. Callers know their customers and ring those with
potential; leave last year's spend out and their targeting looks like an effect. Hold it constant and the
effect is right if last year shows potential exactly, and less and less right the more of it was luck.
The market is linear and normal: a simplification of ours, so that one picture is enough.
"""

from dataclasses import dataclass
from math import sqrt

from crmlab.design import Cohort, Construct, Design, Diagram, Hypothesis, Parameters, count, path, share
from crmlab.design.streams import Streams
from crmlab.estimators import LeastSquares
from crmlab.mechanisms.paths import PathModel


@dataclass(frozen=True)
class ContactMarket(Parameters):
    """A market in which the firm calls some customers more often than others."""

    contact_effect: float = path(0.20, "standard deviations of spend per standard deviation of contact")
    targeting: float = path(0.30, "correlation of contact with potential")
    potential_effect: float = path(0.50, "standard deviations of spend per standard deviation of potential")
    luck: float = share(0.0, "share of the variance of last year's spend that was luck", high=0.95)
    n_customers: int = count(200, high=1_000_000)

    def __post_init__(self):
        super().__post_init__()
        market(self)


def market(p: ContactMarket) -> PathModel:
    """The causal paths of the market; impossible ones are refused by name."""
    return PathModel(
        {
            ("potential", "contact"): p.targeting,
            ("potential", "last_year"): sqrt(1 - p.luck),
            ("potential", "spend"): p.potential_effect,
            ("contact", "spend"): p.contact_effect,
        }
    )


def simulate_contact_market(p: ContactMarket, streams: Streams) -> Cohort:
    """Draw a cohort: ``customers`` with contact, last year's spend and this year's spend, in sd."""
    drawn = market(p).draw(streams["customers"], p.n_customers)
    potential = drawn.pop("potential")
    return Cohort({"customers": drawn}, truth={"potential": potential, "effect_of_contact": p.contact_effect})


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
    constructs={
        "contact": Construct("contact", "How often the firm called a customer this year."),
        "spend": Construct("this year's spend", "What a customer spent this year."),
        "last_year": Construct("last year's spend", "What a customer spent in the year before the calls."),
        "potential": Construct("potential", "What a customer would spend if nobody called; nobody sees it."),
    },
    diagram=Diagram(
        nodes={
            "contact": (0.15, 0.15),
            "spend": (0.85, 0.15),
            "potential": (0.5, 0.95),
            "last_year": (0.95, 0.95),
        },
        arrows=list(market(ContactMarket()).paths),
        latent=["potential"],
    ),
)
