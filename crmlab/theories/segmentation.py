"""Segmentation: is a second offer worth its printing, and who should get it?

A shop mails a plain or a premium offer. Two kinds of customers answer differently: θ is what the premium
offer earns more than the plain one. Four scores, one a base of segmentation, tell the kinds apart, each by
its separation Δ in standard deviations; last year's purchases show each customer's own θ, with noise.

    c ~ Bernoulli(share of enthusiasts),   θ = θ_c + τ z
    x_b = Δ_b (c - ½) + e_b,   b of geography, demography, behaviour, psychographics
    history = θ + noise
    spend = 20 + level of c + slope x_behaviour - loss if outdated + θ (premium - ½) + noise

The premium offer goes by lot, to half of the customers. All rules that say who should get it are fixed
beforehand, by last year's key: the lot judges rules, it does not make them. Two classes, normal scores that
are independent within a class, and effects that add up are simplifications of ours. All e, z are N(0, 1).
"""

from dataclasses import dataclass
from math import log, sqrt

import numpy as np
from scipy.special import ndtr
from scipy.stats import norm

from crmlab.design import AtEdge, Cohort, Construct, Design, Hypothesis, Parameters, count, effect, share
from crmlab.design.streams import BatchStreams, Streams
from crmlab.estimators import LeastSquares, PolicyValue, Propensity, SelfJudgedRule

BASES = ["geography", "demography", "behaviour", "psychographics"]
WHO_THEY_ARE, WHAT_THEY_DO = BASES[:2], BASES[2:]
ATTRIBUTES = [f"attribute_{number}" for number in range(1, 6)]  # of a persona
COST = 0.10  # euros a customer: designing and printing a second offer
LOT = 0.5  # chance of the premium offer
FIFTHS = [-0.84, -0.25, 0.25, 0.84]  # standard deviations: they cut a normal score into fifths
EUROS = "euros"
MORE = "euros that the premium offer earns more than the plain one"
APART = "distance of the two classes' means, standard deviations within a class"


@dataclass(frozen=True)
class SegmentMarket(Parameters):
    """A market of economisers and enthusiasts."""

    enthusiast_share: float = share(0.4, low=0.05, high=0.95)
    economiser_response: float = effect(-3.0, MORE, low=-20, high=20)
    enthusiast_response: float = effect(7.5, MORE, low=-20, high=20)
    response_spread: float = effect(4.0, "euros, standard deviation within a class", low=0, high=20)
    geography: float = effect(0.3, APART, low=0, high=4)
    demography: float = effect(0.6, APART, low=0, high=4, source="weak: Rossi et al. (1996); size ours")
    behaviour: float = effect(1.2, APART, low=0, high=4, source="strong: Rossi et al. (1996); size ours")
    psychographics: float = effect(1.8, APART, low=0, high=4)
    history_noise: float = effect(5.0, "euros, standard deviation of last year's chance", low=0.1, high=500)
    outdated_share: float = share(0.45, "share of labels that are turned, because they are old")
    attribute_match: float = share(0.85, "chance that an enthusiast has an attribute of the persona")
    attribute_elsewhere: float = share(0.40, "chance that an economiser has an attribute of the persona")
    enthusiast_spend: float = effect(2.0, "euros that enthusiasts spend more, whatever the offer", high=50)
    behaviour_spend: float = effect(3.0, "euros a standard deviation of the behaviour score", high=50)
    outdated_spend: float = effect(1.0, "euros that customers with an outdated label spend less", high=50)
    spend_noise: float = effect(8.0, "euros, standard deviation", low=0.1, high=50)
    n_customers: int = count(5000, low=100, high=2_000_000)

    @property
    def responses(self) -> tuple[float, float]:
        """θ of the average economiser and of the average enthusiast, euros."""
        return self.economiser_response, self.enthusiast_response

    def average(self, of_class: tuple[float, float]) -> float:
        """What is known of each class, averaged over customers."""
        return (1 - self.enthusiast_share) * of_class[0] + self.enthusiast_share * of_class[1]

    @property
    def mean_response(self) -> float:
        """What the premium offer for everybody earns more than the plain one, euros a customer."""
        return self.average(self.responses)

    @property
    def log_odds(self) -> float:
        """Of being an enthusiast."""
        return log(self.enthusiast_share / (1 - self.enthusiast_share))

    @property
    def history_cut(self) -> float:
        """The history above which one expects the premium offer to earn more, euros.

        A history is drawn towards the mean by the share κ of its variance that is θ's: premium where
        ``mean + κ (history - mean) > 0``.
        """
        between = self.average((self.responses[0] ** 2, self.responses[1] ** 2)) - self.mean_response**2
        variance = between + self.response_spread**2
        if variance == 0:  # all are alike, and history says nothing
            return -np.inf if self.mean_response > 0 else np.inf if self.mean_response < 0 else 0.0
        return -self.mean_response * self.history_noise**2 / variance


# The market --------------------------------------------------------------------------------------------


def class_label(p: SegmentMarket, customers: dict[str, np.ndarray], bases: list[str]) -> np.ndarray:
    """1 where a customer is more likely an enthusiast, by these bases and the true key; else 0."""
    evidence = sum(getattr(p, base) * customers[base] for base in bases)
    return (p.log_odds + evidence > 0) * 1.0


def cells(customers: dict[str, np.ndarray], bases: list[str], cuts: list[float]) -> np.ndarray:
    """The cell of a cross table in which a customer falls: whole numbers from 0."""
    number = np.zeros(np.shape(customers[bases[0]]), dtype=int)
    for base in bases:
        number = number * (len(cuts) + 1) + np.searchsorted(cuts, customers[base])
    return number


def simulate_segment_market(p: SegmentMarket, streams: Streams | BatchStreams) -> Cohort:
    """Draw a cohort: ``customers`` with scores, rules, lot and spend; ``personas`` with five attributes."""
    rng, n = streams["customers"], p.n_customers
    enthusiast = (rng.random(n) < p.enthusiast_share) * 1.0
    customers = {base: getattr(p, base) * (enthusiast - 0.5) + rng.standard_normal(n) for base in BASES}
    mean = p.economiser_response + (p.enthusiast_response - p.economiser_response) * enthusiast
    theta = mean + p.response_spread * rng.standard_normal(n)
    history = theta + p.history_noise * rng.standard_normal(n)
    label = class_label(p, customers, BASES)
    outdated = (rng.random(n) < p.outdated_share) * 1.0
    customers |= {
        "history": history,
        "label": label,
        "outdated": outdated,
        "old_label": np.abs(label - outdated),
        "by_who_they_are": class_label(p, customers, WHO_THEY_ARE),
        "by_what_they_do": class_label(p, customers, WHAT_THEY_DO),
        "one_to_one": (history > p.history_cut) * 1.0,
        "coarse_cell": cells(customers, WHO_THEY_ARE, [0.0]),
        "fine_cell": cells(customers, WHAT_THEY_DO, FIFTHS),
    }
    customers |= _mailing(p, streams["mailing"], enthusiast, customers, theta)

    def personas():
        draws = streams["personas"]
        chance = p.attribute_elsewhere + (p.attribute_match - p.attribute_elsewhere) * enthusiast
        has = {name: (draws.random(n) < chance) * label for name in ATTRIBUTES}
        return has | {"label": label, "all_five": np.prod(list(has.values()), axis=0)}

    truth = {"enthusiast": enthusiast, "response": theta}
    return Cohort({"customers": customers, "personas": personas}, truth=truth)


def _mailing(p, rng, enthusiast, customers, theta):
    """The offers by lot, and what was spent."""
    premium = (rng.random(p.n_customers) < LOT) * 1.0
    spend = (
        20
        + p.enthusiast_spend * enthusiast
        + p.behaviour_spend * customers["behaviour"]
        - p.outdated_spend * customers["outdated"]
        + theta * (premium - 0.5)
        + p.spend_noise * rng.standard_normal(p.n_customers)
    )
    same = {"chance": np.full(p.n_customers, LOT), "everybody": np.ones(p.n_customers)}
    return {"premium": premium, "spend": spend} | same


# What is true, from the parameters alone ---------------------------------------------------------------


def separation(p: SegmentMarket, bases: list[str]) -> float:
    """Mahalanobis distance of the classes on some bases: the root of the sum of Δ²."""
    return sqrt(sum(getattr(p, base) ** 2 for base in bases))


def labelled(p: SegmentMarket, bases: list[str], bar: float | None = None) -> tuple[float, float]:
    """Share of economisers and of enthusiasts whom the label calls enthusiasts.

    Parameters
    ----------
    p : SegmentMarket
    bases : list of str
    bar : float, optional
        Log odds above which a customer is called one; 0, the more likely class, if none is given.
    """
    distance, lead = separation(p, bases), p.log_odds - (bar or 0.0)
    if distance == 0:
        return (1.0, 1.0) if lead > 0 else (0.0, 0.0)
    return tuple(float(ndtr((lead + side * distance**2 / 2) / distance)) for side in (-1, 1))


def gain(p: SegmentMarket, treated: tuple[float, float]) -> float:
    """What premium for these shares of the classes earns more than premium for all, euros a customer."""
    of_class = tuple(share * response for share, response in zip(treated, p.responses))
    return p.average(of_class) - p.mean_response


def profit_bar(p: SegmentMarket) -> float:
    """Log odds of being an enthusiast above which the premium offer is expected to earn more.

    There ``P(enthusiast) θ₁ + P(economiser) θ₀ = 0``; the classes must answer with opposite signs.
    """
    low, high = p.responses
    if low < 0 < high:
        return log(-low / high)
    return -np.inf if p.mean_response > 0 else np.inf


def one_to_one_gain(p: SegmentMarket) -> float:
    """As `gain`, of the rule that goes by each customer's own history."""
    spread = sqrt(p.response_spread**2 + p.history_noise**2)
    earned = []
    for response in p.responses:
        z = (response - p.history_cut) / spread
        earned.append(response * ndtr(z) + p.response_spread**2 * norm.pdf(z) / spread)
    return p.average(tuple(earned)) - p.mean_response


def old_labels(p: SegmentMarket) -> tuple[float, float]:
    """As `labelled`, with the share of labels turned that are outdated."""
    f = p.outdated_share
    return tuple(k * (1 - f) + (1 - k) * f for k in labelled(p, BASES))


def coverage(p: SegmentMarket, attributes: int = len(ATTRIBUTES)) -> float:
    """The share of customers labelled enthusiasts who have all of the persona's attributes.

    The product is taken within a class, where attributes are independent, and not across: ``Σ π_c k_c a_c^m``
    over ``Σ π_c k_c``.
    """
    k = labelled(p, BASES)
    having = (k[0] * p.attribute_elsewhere**attributes, k[1] * p.attribute_match**attributes)
    return p.average(having) / p.average(k)


# The design --------------------------------------------------------------------------------------------

SCORES = " + ".join([*BASES, "history", "outdated"])
MAILING = ("spend", "premium", Propensity(known="chance"), "customers")


def _judged(rule, against):
    """The lot's verdict on a rule that was fixed beforehand."""
    return PolicyValue(*MAILING, covariates=SCORES, rule=rule, against=against)


hypotheses = [
    Hypothesis(
        "H1",
        "Behaviour and psychographics tell better than geography and demography whom to send what",
        ">",
        truth=lambda p: gain(p, labelled(p, WHAT_THEY_DO)) - gain(p, labelled(p, WHO_THEY_ARE)),
        unit="euros a customer",
        estimators={
            "by lot": _judged("by_what_they_do", "by_who_they_are"),
            "same mailing": SelfJudgedRule(*MAILING, cells="fine_cell", against_cells="coarse_cell"),
            "who spends more": LeastSquares("spend ~ by_what_they_do", "by_what_they_do", table="customers"),
        },
    ),
    Hypothesis(
        "H2",
        "Offers by segment earn more than one offer for all, by more than they cost",
        ">",
        truth=lambda p: gain(p, labelled(p, BASES)),
        null=COST,
        unit="euros a customer",
        estimators={
            "by lot": _judged("label", "everybody"),
            "same mailing": SelfJudgedRule(*MAILING, cells="fine_cell", against="everybody"),
        },
    ),
    Hypothesis(
        "H2b",
        "One-to-one offers earn more than offers by segment",
        ">",
        truth=lambda p: one_to_one_gain(p) - gain(p, labelled(p, BASES)),
        unit="euros a customer",
        estimators={
            "by lot": _judged("one_to_one", "label"),
            "by its own history": LeastSquares(
                "I(history * (history > 0) - history * label) ~ 1", "Intercept", table="customers"
            ),
        },
    ),
    Hypothesis(
        "H3",
        "Wrong labels earn less than no labels",
        "<",
        truth=lambda p: gain(p, old_labels(p)),
        unit="euros a customer",
        estimators={
            "by lot": _judged("old_label", "everybody"),
            "who spends less": LeastSquares("spend ~ outdated", "outdated", table="customers"),
        },
    ),
    Hypothesis(
        "H4",
        "A persona of five attributes describes most of its segment",
        ">",
        truth=coverage,
        null=0.5,
        unit="share of the segment",
        estimators={
            # without a constant and with all zero outside: a mean over the labelled
            "all five": LeastSquares("all_five ~ 0 + label", "label", table="personas", covariance="HC1"),
            "one by one": LeastSquares(
                f"I(({' + '.join(ATTRIBUTES)}) / {len(ATTRIBUTES)}) ~ 0 + label",
                "label",
                table="personas",
                covariance="HC1",
            ),
        },
    ),
]

design = Design(
    name="segmentation",
    title="Segmentation, personas, one-to-one",
    claim="Sort customers into segments, picture each by a persona, and offers made for them earn more.",
    parameters=SegmentMarket(),
    presets={
        "null": dict.fromkeys(BASES, 1.2)
        | {
            "economiser_response": AtEdge("H2", (-3.0, 0.0)),
            "history_noise": AtEdge("H2b", (1.0, 400.0)),
            "outdated_share": AtEdge("H3", (0.0, 0.5)),
            "attribute_match": AtEdge("H4", (0.6, 0.9999)),
        },
        "literature": {},
        "claim": {
            "economiser_response": -4.0,
            "enthusiast_response": 10.0,
            "response_spread": 6.0,
            "behaviour": 1.6,
            "psychographics": 2.4,
            "history_noise": 4.0,
            "outdated_share": 0.5,
            "attribute_match": 0.95,
        },
        "trap": {
            "economiser_response": 0.0,
            "enthusiast_response": 0.0,
            "response_spread": 0.0,
            "enthusiast_spend": 10.0,
            "behaviour_spend": 8.0,
            "outdated_spend": 6.0,
        },
    },
    model=simulate_segment_market,
    hypotheses=hypotheses,
    batched=True,
    constructs={
        "label": Construct(
            "segment label", "The class a customer most likely belongs to, by last year's key."
        ),
        "persona": Construct("persona", "A made-up typical customer who stands for a segment."),
        "response": Construct("response", "What the premium offer earns more than the plain one, euros."),
        "history": Construct(
            "history", "A customer's response as last year's purchases show it, with noise."
        ),
        "separation": Construct(
            "separation", "Distance of two classes' means in standard deviations within a class."
        ),
    },
)
