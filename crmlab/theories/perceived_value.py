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

That visits and survey have no common taste but the brand's mean is a simplification of ours.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.special import ndtr
from scipy.stats import norm

from crmlab.design import (
    Cohort,
    Design,
    Estimate,
    EstimationFailed,
    Estimator,
    Hypothesis,
    Parameters,
    parameter,
)
from crmlab.errors import InputError, check_known
from crmlab.estimators import LeastSquares
from crmlab.mechanisms.choices import choose
from crmlab.mechanisms.items import likert_items
from crmlab.models.choice import Ratio, fit_control_logit, fit_logit

VISITS = 4  # of each customer
ALTERNATIVES = ("brand", "plain", "neither")
BURGERS = (0, 1)  # the alternatives that have a price
MEAN_PRICE = 20.0  # yuan, of the plain burger
PASS_THROUGH = 0.5  # yuan a standard deviation of quality
SURVEY = {"quality": "functional", "price": "functional", "emotional": "affective", "social": "affective"}
ITEMS = 3  # of each dimension
DIMENSION_LOADING = 0.8  # of each dimension on overall value
ITEM_LOADING, POINTS, SPREAD = 0.8, 7, 0.7  # of each item on its dimension; of its scale


@dataclass(frozen=True)
class ValueMarket(Parameters):
    """The truth of a market for burgers, and of what its customers say."""

    quality_to_value: float = parameter(
        0.3, "logit units a standard deviation", low=-5, high=5, source="positive: Zeithaml (1988); size ours"
    )
    emotion_to_value: float = parameter(
        0.2,
        "logit units a standard deviation",
        low=-5,
        high=5,
        source="positive: Sweeney & Soutar (2001); size ours",
    )
    brand_to_value: float = parameter(0.3, "logit units", low=-5, high=5, source="ours")
    price_to_value: float = parameter(
        -0.15, "logit units a yuan", low=-2, high=0, source="negative: Zeithaml (1988); size ours"
    )
    burger_to_value: float = parameter(
        3.6, "logit units of a burger over none, before its price", low=-10, high=20, source="ours"
    )
    taste_spread: float = parameter(
        0.0,
        "standard deviation of the brand's value between customers, logit units",
        low=0,
        high=5,
        source="ours",
    )
    quality_gap: float = parameter(
        0.5, "standard deviations by which the brand's quality is better", low=-3, high=3, source="ours"
    )
    brand_premium: float = parameter(
        1.0, "yuan by which the brand is dearer at equal quality", low=-10, high=10, source="ours"
    )
    cost_spread: float = parameter(2.5, "standard deviation of cost, yuan", low=0.1, high=10, source="ours")
    markup_spread: float = parameter(
        2.0, "standard deviation of the markup, yuan", low=0.1, high=10, source="ours"
    )
    demand_behind_markup: float = parameter(
        0.10,
        "logit units a yuan of markup",
        low=-2,
        high=2,
        source="positive: Villas-Boas & Winer (1999), Petrin & Train (2010); size ours",
    )
    cost_to_value: float = parameter(
        0.0, "logit units a yuan of cost: the instrument's fault", low=-2, high=2, source="ours"
    )
    value_to_purchase: float = parameter(
        0.3,
        "probit units a standard deviation",
        low=-3,
        high=3,
        source="positive: Sweeney & Soutar (2001); size ours",
    )
    base_purchase: float = parameter(-0.3, "probit units", low=-3, high=3, source="ours")
    rationalisation: float = parameter(
        0.0, "standard deviations that having bought adds to the value stated", low=-3, high=3, source="ours"
    )
    n_customers: int = parameter(300, "customers", low=50, high=50_000, source="ours")

    def __post_init__(self):
        super().__post_init__()
        if self.price_to_value == 0 and self.brand_to_value != 0:
            raise InputError(
                f"price_to_value is 0 and brand_to_value {self.brand_to_value}: where nobody minds the "
                "price, willingness to pay has no end; give a negative price_to_value, or brand_to_value 0"
            )


def simulate_value_market(p, streams):
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
        answers = likert_items(latent, rng, ITEMS, ITEM_LOADING, POINTS, SPREAD)
        items |= {f"{dimension}_{number}": each for number, each in enumerate(answers, 1)}
    return items


# What is true, from the parameters alone ---------------------------------------------------------------


def willingness_to_pay(p):
    """Yuan that the brand is worth at equal quality and feeling; nothing if it adds nothing."""
    return p.brand_to_value / -p.price_to_value if p.brand_to_value else 0.0


def true_score(value):
    """The answer that a customer of this value gives on average to an item of the survey, scale points."""
    loading = DIMENSION_LOADING * ITEM_LOADING
    thresholds = (np.arange(1, POINTS) - POINTS / 2) * SPREAD
    above = (loading * np.asarray(value)[..., None] - thresholds) / sqrt(1 - loading**2)
    return 1 + ndtr(above).sum(axis=-1)


def slope_of_purchase(p):
    """What a point of the survey's true score adds to the chance of buying: the best line's slope."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()
    score = true_score(nodes)
    score = score - weights @ score
    chance = ndtr(p.base_purchase + p.value_to_purchase * nodes)
    return float(weights @ (score * chance) / (weights @ score**2))


# Estimators that only this lesson needs ----------------------------------------------------------------


def wide(columns, names):
    """Columns of ``visits`` as an array ``(cohorts, choices, alternatives, names)``."""
    check_known("column", names, columns)
    arrays = np.broadcast_arrays(*(np.atleast_2d(columns[name]) for name in names))
    return np.stack([each.reshape(len(each), -1, len(ALTERNATIVES)) for each in arrays], axis=-1)


@dataclass(frozen=True)
class ChoiceModel:
    """A multinomial logit of the visits, with or without a control function for the price.

    Parameters
    ----------
    attributes : tuple of str
    control : bool
        Whether cost is the instrument of a control function.
    """

    attributes: tuple
    control: bool = False

    def fit(self, tables):
        """The fits of all cohorts, made once for the tables that are given: a `LogitFit`."""
        return tables.once(self, lambda: self._fit(tables.columns("visits")))

    def _fit(self, columns):
        attributes, chosen = wide(columns, self.attributes), wide(columns, ["chosen"])[..., 0]
        if not self.control:
            return fit_logit(attributes, chosen)
        price = self.attributes.index("price")
        return fit_control_logit(attributes, chosen, price, wide(columns, ["cost"]), BURGERS)

    def number(self, term):
        """Where a term's coefficient stands; the residual's is the last."""
        terms = [*self.attributes, "residual"] if self.control else list(self.attributes)
        check_known("term", [term], terms)
        return terms.index(term)


@dataclass(frozen=True)
class _FromChoices(Estimator):
    """One number from a choice model: for many cohorts at once, or for one."""

    model: ChoiceModel
    term: str

    def __call__(self, tables):
        estimate = self.batch(tables).one(0)
        if not np.isfinite(estimate.value) or not np.isfinite(estimate.standard_error):
            raise EstimationFailed("the logit has no maximum: an attribute tells choices apart without fail")
        return estimate


class Coefficient(_FromChoices):
    """One coefficient of a choice model, in logit units."""

    def batch(self, tables):
        fit, at = self.model.fit(tables), self.model.number(self.term)
        return Estimate(fit.coefficients[:, at], fit.standard_errors[:, at])


@dataclass(frozen=True)
class WillingnessToPay(_FromChoices):
    """A term's worth in yuan, for the claim that it is more than nothing.

    Parameters
    ----------
    interval : str
        ``"fieller"``, ``"delta"`` or ``"krinsky_robb"``. Fieller's goes with a test that divides by
        nothing; the others with the delta method's.
    """

    interval: str = "fieller"

    def ratio(self, tables):
        fit, at = self.model.fit(tables), self.model.number(self.term)
        return Ratio.willingness_to_pay(fit.coefficients, fit.covariance, at, self.model.number("price"))

    def batch(self, tables):
        ratio = self.ratio(tables)
        p_value = norm.sf(ratio.z()) if self.interval == "fieller" else None
        return Estimate(
            ratio.value, ratio.standard_error, interval=getattr(ratio, self.interval)(), p_value=p_value
        )


@dataclass(frozen=True)
class HalfAsInstrument(Estimator):
    """Slope of purchase on the survey's true score: one half of the scale is the other's instrument.

    Both halves measure value with errors that have nothing to do with each other, so
    ``cov(half, bought) / cov(half, other half)`` is free of both: two-stage least squares, exactly
    identified, with heteroskedasticity-consistent errors.
    """

    score: str = "functional"
    instrument: str = "affective"

    def batch(self, tables):
        columns = tables.columns("survey")
        x, z, y = (
            values - values.mean(axis=-1, keepdims=True)
            for values in (np.atleast_2d(columns[name]) for name in (self.score, self.instrument, "bought"))
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            together = (z * x).sum(axis=-1)
            slope = (z * y).sum(axis=-1) / together
            error = y - slope[:, None] * x
            n = y.shape[-1]
            variance = (z**2 * error**2).sum(axis=-1) / together**2 * n / (n - 2)
        return Estimate(slope, np.sqrt(variance), n - 2)

    def __call__(self, tables):
        return self.batch(tables).one(0)


# The design ---------------------------------------------------------------------------------------------

ATTRIBUTES = ("quality", "emotion", "brand", "price", "burger")
CONTROLLED = ChoiceModel(ATTRIBUTES, control=True)
PRICE_AS_GIVEN = ChoiceModel(ATTRIBUTES)
TILL_DATA = ChoiceModel(("brand", "price", "burger"))


def _both(term):
    return {
        "control function": Coefficient(CONTROLLED, term),
        "price taken as given": Coefficient(PRICE_AS_GIVEN, term),
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
        estimators=_both("brand") | {"till data only": Coefficient(TILL_DATA, "brand")},
    ),
    Hypothesis(
        "H1d",
        "A higher price drives customers away",
        "<",
        truth=lambda p: p.price_to_value,
        unit="logit units a yuan",
        estimators=_both("price") | {"till data only": Coefficient(TILL_DATA, "price")},
    ),
    Hypothesis(
        "H2",
        "Who sees more value buys more",
        ">",
        truth=slope_of_purchase,
        unit="chance of buying a scale point",
        estimators={
            "half as instrument": HalfAsInstrument(),
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
)
