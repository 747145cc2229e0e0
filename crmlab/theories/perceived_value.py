"""Perceived value: what do customers pay a brand for, and is it the brand that they pay?

On each visit a customer chooses a branded burger, a plain one or neither:

    U = burger + b brand + q Q + e E + p price + λ (markup) + k cost + Gumbel,   U(neither) = Gumbel
    price = mean + premium · brand + pass · Q + cost + markup,   cost ~ N(0, s²), markup ~ N(0, m²)

Q is the quality and E the feeling that the customer expects of that burger. The markup is the seller's: high
where demand is high for reasons that no table holds. λ says how much demand stands behind it. With λ > 0 a
high price is a sign of a good day, and customers seem not to mind it. cost is the till's cost of beef: an
instrument, as long as k = 0.

Apart from that, a survey asks PERVAL's four dimensions (Sweeney & Soutar 2001) before the month in which the
customer buys the branded burger or not, and again after it:

    B = 1 if c0 + c V + u > 0,  u ~ N(0, 1);   each dimension = 0.8 V + 0.6 w;   afterwards V is V + r B

That the survey's V is drawn apart from the visits' U is a simplification of ours.
"""

from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from scipy.special import ndtr

from crmlab.design import (
    Cohort,
    Construct,
    Design,
    Diagram,
    Hypothesis,
    Parameters,
    count,
    effect,
    logit,
    probit,
    spread,
)
from crmlab.design.streams import Streams
from crmlab.errors import InputError
from crmlab.estimators import (
    ChoiceCoefficient,
    ChoiceModel,
    LeastSquares,
    TwoStageLeastSquares,
    WillingnessToPay,
)
from crmlab.mechanisms.choices import choose
from crmlab.mechanisms.items import Scale
from crmlab.mechanisms.normal import normal_nodes

VISITS = 4  # of each customer
ALTERNATIVES = ("brand", "plain", "neither")
BURGERS = (0, 1)  # the alternatives that have a price
MEAN_PRICE = 20.0  # yuan, of the plain burger
PASS_THROUGH = 0.5  # yuan a standard deviation of quality
SURVEY = {"quality": "functional", "price": "functional", "emotional": "affective", "social": "affective"}
ITEMS = 3  # of each dimension
DIMENSION_LOADING = 0.8  # of each dimension on overall value
SCALE = Scale()  # of each item, on its dimension
OVERALL = replace(SCALE, loading=DIMENSION_LOADING * SCALE.loading)  # of each item, on overall value
PER_DEVIATION = "logit units a standard deviation"


@dataclass(frozen=True)
class ValueMarket(Parameters):
    """The truth of a market for burgers, and of what its customers say."""

    quality_to_value: float = logit(
        0.3, PER_DEVIATION, low=-5, high=5, source="positive: Zeithaml (1988); size ours"
    )
    emotion_to_value: float = logit(
        0.2, PER_DEVIATION, low=-5, high=5, source="positive: Sweeney & Soutar (2001); size ours"
    )
    brand_to_value: float = logit(0.3, low=-5, high=5)
    price_to_value: float = logit(
        -0.15, "logit units a yuan", low=-2, high=0, source="negative: Zeithaml (1988); size ours"
    )
    burger_to_value: float = logit(
        3.6, "logit units of a burger over none, before its price", low=-10, high=20
    )
    taste_spread: float = spread(
        0.0, "standard deviation of the brand's value between customers, logit units"
    )
    quality_gap: float = effect(
        0.5, "standard deviations by which the brand's quality is better", low=-3, high=3
    )
    brand_premium: float = effect(1.0, "yuan by which the brand is dearer at equal quality", low=-10, high=10)
    cost_spread: float = spread(2.5, "standard deviation of cost, yuan", low=0.1, high=10)
    markup_spread: float = spread(2.0, "standard deviation of the markup, yuan", low=0.1, high=10)
    demand_behind_markup: float = logit(
        0.10,
        "logit units a yuan of markup",
        low=-2,
        high=2,
        source="positive: Villas-Boas & Winer (1999), Petrin & Train (2010); size ours",
    )
    cost_to_value: float = logit(0.0, "logit units a yuan of cost: the instrument's fault", low=-2, high=2)
    value_to_purchase: float = probit(
        0.3, "probit units a standard deviation", source="positive: Sweeney & Soutar (2001); size ours"
    )
    base_purchase: float = probit(-0.3)
    rationalisation: float = effect(
        0.0, "standard deviations that having bought adds to the value stated", low=-3, high=3
    )
    n_customers: int = count(300, low=50, high=50_000)

    def __post_init__(self):
        super().__post_init__()
        if self.price_to_value == 0 and self.brand_to_value != 0:
            raise InputError(
                f"price_to_value is 0 and brand_to_value {self.brand_to_value}: where nobody minds the "
                "price, willingness to pay has no end; give a negative price_to_value, or brand_to_value 0"
            )


def simulate_value_market(p: ValueMarket, streams: Streams) -> Cohort:
    """Draw a cohort: ``visits``, one row an alternative of a choice, and ``survey``, one row a customer."""
    n = p.n_customers
    taste = p.taste_spread * streams["tastes"].standard_normal(n)
    value = streams["customers"].standard_normal(n)
    bought = (streams["purchases"].random(n) < ndtr(p.base_purchase + p.value_to_purchase * value)) * 1.0
    return Cohort(
        tables={
            "visits": _visits(p, streams, taste),
            "survey": lambda: _survey(p, streams["survey"], value, bought),
        },
        truth={"value": value, "brand_taste": p.brand_to_value + taste},
    )


def _visits(p, streams, taste):
    """Every visit's three alternatives, one under the other; a burger that is not there costs nothing."""
    rng, choices = streams["visits"], p.n_customers * VISITS
    brand, burger = np.array([1.0, 0, 0]), np.array([1.0, 1, 0])

    def draw():
        return rng.standard_normal((choices, len(ALTERNATIVES))) * burger + 0.0  # no minus zeros

    quality = draw() + p.quality_gap * brand
    emotion = draw()
    cost, markup = p.cost_spread * draw(), p.markup_spread * draw()
    mean = MEAN_PRICE * burger + p.brand_premium * brand
    price = mean + PASS_THROUGH * quality + cost + markup
    utility = (
        p.burger_to_value * burger
        + 0.0  # no minus zeros
        + (p.brand_to_value + np.repeat(taste, VISITS, axis=-1)[..., None]) * brand
        + p.quality_to_value * quality
        + p.emotion_to_value * emotion
        + p.price_to_value * price
        + p.demand_behind_markup * markup
        + p.cost_to_value * cost
    )
    wide = {
        "quality": quality,
        "emotion": emotion,
        "price": price,
        "cost": cost,
        "chosen": choose(utility, streams["choices"]),
    }
    return {
        "customer": np.repeat(np.arange(p.n_customers), VISITS * len(ALTERNATIVES)),
        "visit": np.repeat(np.arange(choices), len(ALTERNATIVES)),
        "brand": np.tile(brand, choices),
        "burger": np.tile(burger, choices),
    } | {name: values.reshape(*values.shape[:-2], -1) for name, values in wide.items()}


def _survey(p, rng, value, bought):
    """PERVAL's items before the purchase, and the means of its halves and of the whole, before and after."""
    before = _items(rng, value)
    after = _items(rng, value + p.rationalisation * bought)
    halves = {
        half: np.mean([before[name] for name in before if SURVEY[name.split("_")[0]] == half], axis=0)
        for half in ("functional", "affective")
    }
    return before | {
        **halves,
        "value_before": np.mean(list(before.values()), axis=0),
        "value_after": np.mean(list(after.values()), axis=0),
        "bought": bought,
    }


def _items(rng, value):
    items = {}
    for dimension in SURVEY:
        own = rng.standard_normal(np.shape(value)[-1])
        latent = DIMENSION_LOADING * value + sqrt(1 - DIMENSION_LOADING**2) * own
        answers = SCALE.draw(latent, rng, ITEMS)
        items |= {f"{dimension}_{number}": each for number, each in enumerate(answers, 1)}
    return items


# What is true, from the parameters alone ---------------------------------------------------------------


def willingness_to_pay(p: ValueMarket) -> float:
    """Yuan that the brand is worth at equal quality and feeling; nothing if it adds nothing."""
    return p.brand_to_value / -p.price_to_value if p.brand_to_value else 0.0


def true_score(value: np.ndarray) -> np.ndarray:
    """The answer that a customer of this value gives on average to an item of the survey, scale points."""
    return OVERALL.true_score(value)


def slope_of_purchase(p: ValueMarket) -> float:
    """What a point of the survey's true score adds to the chance of buying: the best line's slope."""
    points, masses = normal_nodes()
    score = true_score(points)
    score = score - masses @ score
    chance = ndtr(p.base_purchase + p.value_to_purchase * points)
    return float(masses @ (score * chance) / (masses @ score**2))


# The design ---------------------------------------------------------------------------------------------

ATTRIBUTES = ("quality", "emotion", "brand", "price", "burger")
PRICE_AS_GIVEN = ChoiceModel(ATTRIBUTES, len(ALTERNATIVES), "visits")
CONTROLLED = replace(PRICE_AS_GIVEN, endogenous="price", instruments=("cost",), priced=BURGERS)
TILL_DATA = replace(PRICE_AS_GIVEN, attributes=("brand", "price", "burger"))

# One half of the scale is the other's instrument: both measure value, with errors that have nothing to do
# with each other, so the slope on the true score is free of both.
HALF_AS_INSTRUMENT = TwoStageLeastSquares(
    "bought ~ functional",
    "functional",
    table="survey",
    covariance="HC1",
    endogenous=("functional",),
    instruments=("affective",),
)


def _both(term):
    return {
        "control function": ChoiceCoefficient(CONTROLLED, term),
        "price taken as given": ChoiceCoefficient(PRICE_AS_GIVEN, term),
    }


hypotheses = [
    Hypothesis(
        "H1a",
        "Customers choose the burger whose quality they rate higher",
        ">",
        truth=lambda p: p.quality_to_value,
        unit="logit units a standard deviation",
        estimators=_both("quality"),
    ),
    Hypothesis(
        "H1b",
        "Customers choose the burger that feels better",
        ">",
        truth=lambda p: p.emotion_to_value,
        unit="logit units a standard deviation",
        estimators=_both("emotion"),
    ),
    Hypothesis(
        "H1c",
        "The brand adds value at equal quality and feeling",
        ">",
        truth=lambda p: p.brand_to_value,
        unit="logit units",
        estimators=_both("brand") | {"till data only": ChoiceCoefficient(TILL_DATA, "brand")},
    ),
    Hypothesis(
        "H1d",
        "A higher price drives customers away",
        "<",
        truth=lambda p: p.price_to_value,
        unit="logit units a yuan",
        estimators=_both("price") | {"till data only": ChoiceCoefficient(TILL_DATA, "price")},
    ),
    Hypothesis(
        "H2",
        "Who sees more value buys more",
        ">",
        truth=slope_of_purchase,
        unit="chance of buying a scale point",
        estimators={
            "half as instrument": HALF_AS_INSTRUMENT,
            "asked before": LeastSquares("bought ~ value_before", "value_before", "survey", "HC1"),
            "asked afterwards": LeastSquares("bought ~ value_after", "value_after", "survey", "HC1"),
        },
    ),
    Hypothesis(
        "H3",
        "Customers pay more for the brand at equal quality",
        ">",
        truth=willingness_to_pay,
        unit="yuan",
        estimators={
            "control function": WillingnessToPay(CONTROLLED, "brand"),
            "price taken as given": WillingnessToPay(PRICE_AS_GIVEN, "brand"),
            "till data only": WillingnessToPay(TILL_DATA, "brand"),
        },
    ),
]

design = Design(
    name="perceived_value",
    title="Perceived value",
    claim="Customers buy what they find worth its price, and pay more for a brand even at equal quality.",
    parameters=ValueMarket(),
    presets={
        "null": {
            "quality_to_value": 0.0,
            "emotion_to_value": 0.0,
            "brand_to_value": 0.0,
            "price_to_value": 0.0,
            "burger_to_value": 0.6,
            "demand_behind_markup": 0.0,
            "value_to_purchase": 0.0,
        },
        "literature": {},
        "claim": {
            "quality_to_value": 0.8,
            "emotion_to_value": 0.6,
            "brand_to_value": 1.2,
            "price_to_value": -0.20,
            "burger_to_value": 4.4,
            "demand_behind_markup": 0.0,
            "value_to_purchase": 0.8,
        },
        "trap": {
            "brand_to_value": 0.0,
            "quality_gap": 1.5,
            "demand_behind_markup": 0.25,
            "value_to_purchase": 0.0,
            "rationalisation": 0.8,
        },
    },
    model=simulate_value_market,
    hypotheses=hypotheses,
    batched=True,
    constructs={
        "quality": Construct("quality", "What the customer expects the burger to be made of."),
        "feeling": Construct("feeling", "How the customer expects to feel about it."),
        "demand": Construct("demand nobody records", "A reason to want a burger that no table holds."),
        "value": Construct("perceived value", "What one gets for what one gives, all in all."),
    },
    diagram=Diagram(
        {
            "cost": (0.0, 0.96),
            "price": (0.36, 0.96),
            "demand": (0.86, 0.96),
            "brand": (0.0, 0.46),
            "quality": (0.24, 0.68),
            "feeling": (0.24, 0.22),
            "value": (0.56, 0.50),
            "choice": (0.88, 0.50),
            "survey_before": (0.56, 0.01),
            "survey_after": (0.88, 0.01),
        },
        [
            ("cost", "price"),
            ("quality", "price"),
            ("brand", "price"),
            ("price", "value"),
            ("quality", "value"),
            ("feeling", "value"),
            ("brand", "value"),
            ("value", "choice"),
            ("value", "survey_before"),
            ("value", "survey_after"),
            ("demand", "price"),
            ("demand", "choice"),
            ("brand", "quality"),
            ("choice", "survey_after"),
        ],
        latent=("demand", "value"),
    ),
)
