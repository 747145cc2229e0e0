"""Customer satisfaction: is it the gap between what was expected and what came?

A customer expects E and experiences P. Satisfaction S follows from the expectation and from the surprise
D = P - E, which may weigh more when it is bad (after Oliver 1980, doi:10.1177/002224378001700405, and
Anderson & Sullivan 1993, doi:10.1287/mksc.12.2.125; that the two are put together in this way is ours).

    S = c + β_E E + β⁺ [D]₊ - β⁻ [-D]₊ + u,  u ~ N(0, 1)      rating = 1 + number of thresholds below S
    E = promise + quality, brand + rest                        P = quality, service, price, brand + rest

E less its promise, P and the four drivers have variance 1; any two drivers correlate by `halo`, and the two
rests by `familiarity`. One slope in both directions, β_E = β⁺ = β⁻, makes S = c + βP: then expectation is no
yardstick at all. The literature's sizes are ours, but such that expectation and satisfaction correlate by
what Schiebler, Lee & Brodbeck (2025, doi:10.1007/s11747-024-01078-x) find in 150 records: .29.

A panel follows other customers over five waves. After the first, half of them, by lot, are served better by
`step`; expectations adapt to what came, see `crmlab.mechanisms.disconfirmation`.
"""

from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations
from math import sqrt

import numpy as np

from crmlab.design import (
    AtEdge,
    Cohort,
    Construct,
    Design,
    Diagram,
    Hypothesis,
    Parameters,
    correlation,
    count,
    effect,
    path,
    positive,
    probit,
    share,
    spread,
)
from crmlab.design.streams import Streams
from crmlab.estimators import (
    AverageSlope,
    Combination,
    InResidualDeviations,
    OrderedProbit,
    TwoStageLeastSquares,
    Within,
    robust,
)
from crmlab.mechanisms.disconfirmation import Disconfirmation, Disconfirmed, ServedPanel, changes
from crmlab.mechanisms.items import Scale, congeneric
from crmlab.mechanisms.named import named_paths, weighted, weights_on
from crmlab.mechanisms.paths import PathModel

MARGIN = 0.2  # rating points per standard deviation: along E = P a planner would call less than that flat
SCALE = Scale()  # of the rating
POINTS, THRESHOLDS = SCALE.points, SCALE.thresholds  # thresholds in standard deviations of u
OLIVER = "positive: Oliver (1980); size ours"
ANDERSON = "above gain_slope: Anderson & Sullivan (1993); size ours"
CLAIMED = "claimed in source s0; size ours"
DRIVERS = ("quality", "service", "price", "brand")
LAST = 4  # the panel's waves are 0 to 4; the step comes between 0 and 1
LOADINGS = {  # of the survey's items on what they measure
    "expectation": (0.6, 0.5, 0.45),
    "experience": (0.8, 0.8, 0.8, 0.8),
    "satisfaction": (0.95, 0.85, 0.5),
}


@dataclass(frozen=True)
class SatisfactionMarket(Parameters):
    """The satisfaction market's truth."""

    expectation_effect: float = probit(
        0.55, "probit units an sd of expectation, surprise held", source=OLIVER
    )
    gain_slope: float = probit(0.60, "probit units an sd of good surprise", source=OLIVER)
    loss_slope: float = probit(1.20, "probit units an sd of bad surprise", source=ANDERSON)
    base_satisfaction: float = probit(0.5, "probit units above the middle of the scale")
    promise: float = effect(0.0, "standard deviations that customers expect above what comes", low=-3, high=3)
    quality_to_experience: float = path(0.40, source="sign: Fornell et al. (1996); size ours")
    service_to_experience: float = path(0.30, source=CLAIMED)
    price_to_experience: float = path(0.20, "standardised path; a fair price is high", source=CLAIMED)
    brand_to_experience: float = path(0.20, source=CLAIMED)
    quality_to_expectation: float = path(0.50)
    brand_to_expectation: float = path(0.35)
    familiarity: float = correlation(0.6, "correlation of expectation and experience, drivers held", low=0)
    halo: float = correlation(0.4, "correlation of any two drivers, as customers rate them", low=0, high=0.95)
    expectation_noise: float = spread(0.0, "standard deviations of error in the survey's expectation", high=3)
    adaptation: float = share(0.30, "share of the surprise that expectation makes up until the next wave")
    optimism: float = spread(0.5, "sd of what customers always expect above what comes", high=3)
    expectation_shock: float = spread(
        0.3, "sd by which expectations move for no reason seen", low=0.01, high=3
    )
    step: float = positive(1.0, "sd by which service improves for half of the panel", low=0.1, high=5)
    slump: float = probit(0.0, "change of all answers a wave, probit units", low=-2, high=2)
    n_customers: int = count(800, "customers in the survey, and again in the panel", low=60)

    def __post_init__(self):
        super().__post_init__()
        _ = self.paths  # refuses paths that explain more than all of a variance

    @property
    def paths(self) -> PathModel:
        """Drivers, expectation less its promise, and experience."""
        halo = dict.fromkeys(combinations(DRIVERS, 2), self.halo)
        to_both = named_paths(self, "experience", "expectation")
        return PathModel(to_both, halo | {("expectation", "experience"): self.familiarity})

    @property
    def disconfirmation(self) -> Disconfirmation:
        """What satisfaction adds up, in probit units."""
        return Disconfirmation(
            self.base_satisfaction, self.expectation_effect, self.gain_slope, self.loss_slope
        )

    @property
    def population(self) -> Disconfirmed:
        """The customers of the survey."""
        agreement = self.paths.covariance("expectation", "experience")
        return Disconfirmed(self.disconfirmation, self.promise, agreement)

    @property
    def panel(self) -> ServedPanel:
        """Five waves, answered on sliders that know no ends."""
        return ServedPanel(
            self.disconfirmation,
            waves=LAST + 1,
            step=self.step,
            adaptation=self.adaptation,
            promise=self.promise,
            optimism=self.optimism,
            shock=self.expectation_shock,
            drift=self.slump,
        )


def simulate_satisfaction_market(p: SatisfactionMarket, streams: Streams) -> Cohort:
    """Draw a cohort: ``customers``, their long questionnaire ``items``, and others in a ``panel``."""
    rng, n = streams["customers"], p.n_customers
    common = rng.standard_normal(n)
    drivers = {name: sqrt(p.halo) * common + sqrt(1 - p.halo) * rng.standard_normal(n) for name in DRIVERS}
    known = rng.standard_normal(n)
    new = p.familiarity * known + sqrt(1 - p.familiarity**2) * rng.standard_normal(n)
    paths = p.paths
    expectation = (
        p.promise + weighted(weights_on(p, "expectation"), drivers) + paths.rest("expectation") * known
    )
    experience = weighted(weights_on(p, "experience"), drivers) + paths.rest("experience") * new
    satisfaction = p.disconfirmation.index(expectation, experience - expectation) + rng.standard_normal(n)
    expected = expectation + p.expectation_noise * rng.standard_normal(n)
    panel = cache(lambda: p.panel.draw(streams["panel"], n))
    latents = {"expectation": expectation, "experience": experience, "satisfaction": satisfaction}
    return Cohort(
        tables={
            "customers": {
                **drivers,
                "expected": expected,
                "experienced": experience.copy(),
                "gap": experience - expected,
                "rating": SCALE.cut(satisfaction),
            },
            "items": lambda: _items(p, latents, streams["items"]),
            "panel": panel,
            "waves": lambda: changes(panel(), LAST + 1),
        },
        truth=latents,
    )


def _items(p, latents, rng):
    """Ten-point items of expectation, experience and satisfaction; a likelihood to recommend of 0 to 10."""
    standardised = latents | {"satisfaction": latents["satisfaction"] / p.population.moments[1]}
    answers = congeneric(LOADINGS, standardised, Scale(points=10, spread=0.45), rng)
    (recommend,) = Scale(11, 0.4, 0.85).draw(standardised["satisfaction"], rng)
    return answers | {"recommend": recommend - 1}


# What is true, from the parameters alone ---------------------------------------------------------------


def mean_rating(p: SatisfactionMarket, expectation: np.ndarray, surprise: np.ndarray) -> np.ndarray:
    """Expected rating of customers with this expectation and surprise, 1 to 7."""
    return SCALE.mean_answer(p.disconfirmation.index(expectation, surprise))


def average_rating(p: SatisfactionMarket) -> float:
    """Mean rating of all customers."""
    expectation, surprise, weight = p.population.grid
    return float(weight @ mean_rating(p, expectation, surprise))


def slope_along_agreement(p: SatisfactionMarket) -> float:
    """Slope of the quadratic surface along E = P, in the middle: rating points a standard deviation.

    The surface is the quadratic in E and P that comes nearest to the mean rating; in E and D, along E = P
    only E changes, so the slope is the coefficient of E.
    """
    E, D, weight = p.population.grid
    terms = np.stack([np.ones_like(D), E, D, E**2, E * D, D**2])
    rating = mean_rating(p, E, D) - average_rating(p)
    return float(np.linalg.solve(terms * weight @ terms.T, terms * weight @ rating)[1])


def effect_of_driver(p: SatisfactionMarket, name: str) -> float:
    """Rating points that a standard deviation of one driver adds on average, the other drivers held.

    Through experience and through expectation; by Stein's lemma it is also what a least squares regression of
    the rating on the four drivers estimates.
    """
    expectation, surprise, weight = p.population.grid
    steepness = weight * SCALE.mean_answer_slope(p.disconfirmation.index(expectation, surprise))
    slope = p.disconfirmation.slope(surprise)
    worth = {"experience": steepness @ slope, "expectation": steepness @ (p.expectation_effect - slope)}
    return sum(p.paths.direct_effect(name, way) * float(each) for way, each in worth.items())


def fading(p: SatisfactionMarket) -> float:
    """Change of the step's lift from the first wave after it to the last: probit units."""
    return p.panel.satisfaction_lift(LAST) - p.panel.satisfaction_lift(1)


# The design ---------------------------------------------------------------------------------------------


# Losses may have a slope of their own: min(D, 0) has the slope of a loss less that of a gain.
KINKED = OrderedProbit("rating ~ 0 + expected + gap + I(np.minimum(gap, 0))", "gap", "customers")
GAP_ONLY = OrderedProbit("rating ~ 0 + gap", "gap", "customers")
KINKED_RATING = robust(
    "rating ~ expected + gap + I(np.minimum(gap, 0))", "I(np.minimum(gap, 0))", "customers"
)
SURFACE = "rating ~ expected + gap + I(expected ** 2) + expected:gap + I(gap ** 2)"
ADAPTING = "I(expected_2 - expected_1) ~ surprise_1"
ALL_DRIVERS = "rating ~ " + " + ".join(DRIVERS)


hypotheses = [
    Hypothesis(
        "H1",
        "Among customers who expected the same, those who got more are more satisfied",
        ">",
        truth=lambda p: p.population.slope_of_surprise,
        unit="probit units per standard deviation",
        estimators={
            "ordered probit": AverageSlope(KINKED, lambda c: (0, 1, c["gap"] < 0)),
            "gap score": GAP_ONLY,
        },
    ),
    Hypothesis(
        "H1a",
        "Expectation is the yardstick: of customers who got the same, who expected more is less satisfied",
        "<",
        truth=lambda p: p.population.slope_of_expectation,
        unit="probit units per standard deviation",
        estimators={
            "ordered probit": AverageSlope(KINKED, lambda c: (1, -1, -1.0 * (c["gap"] < 0))),
            "gap score": Combination(GAP_ONLY, lambda b: -b["gap"]),
        },
    ),
    Hypothesis(
        "H1b",
        "Only the gap counts: to expect more and to get more leaves satisfaction where it was",
        "within",
        truth=slope_along_agreement,
        margin=MARGIN,
        unit="rating points per standard deviation",
        estimators={"polynomial": robust(SURFACE, "expected", "customers")},
    ),
    Hypothesis(
        "H2",
        "Losses weigh more than gains",
        ">",
        truth=lambda p: p.loss_slope - p.gain_slope,
        unit="probit units per standard deviation",
        estimators={
            "ordered probit": replace(KINKED, term="I(np.minimum(gap, 0))"),
            "least squares": InResidualDeviations(KINKED_RATING),
        },
    ),
    Hypothesis(
        "H3",
        "Expectations adapt to experience",
        ">",
        truth=lambda p: p.adaptation,
        unit="share of the surprise a wave",
        estimators={
            "step as instrument": TwoStageLeastSquares(  # of the surprise only what the lot decided
                ADAPTING, "surprise_1", "panel", endogenous=("surprise_1",), instruments=("treated",)
            ),
            "fixed effects": Within("change ~ surprise", "surprise", "waves", unit="customer"),
            "across customers": robust(ADAPTING, "surprise_1", "panel"),
        },
    ),
    Hypothesis(
        "H3a",
        "What a better service gains in satisfaction fades",
        "<",
        truth=fading,
        unit="probit units, from the first wave after the step to the last",
        estimators={
            "against controls": robust("I(satisfied_4 - satisfied_1) ~ treated", "treated", "panel"),
            "treated only": robust(
                "I(treated * (satisfied_4 - satisfied_1)) ~ 0 + treated", "treated", "panel"
            ),
        },
    ),
    *(
        Hypothesis(
            f"H4{letter}",
            f"{claim} raises satisfaction",
            ">",
            truth=lambda p, name=name: effect_of_driver(p, name),
            unit="rating points per standard deviation",
            estimators={
                "four drivers": robust(ALL_DRIVERS, name, "customers"),
                "one at a time": robust(f"rating ~ {name}", name, "customers"),
            },
        )
        for letter, name, claim in (
            ("a", "quality", "Better product quality"),
            ("b", "service", "Better service"),
            ("c", "price", "A fairer price"),
            ("d", "brand", "A better brand image"),
        )
    ),
]

NO_LINK = dict.fromkeys(
    ["gain_slope", "loss_slope", "adaptation", "quality_to_expectation", "brand_to_expectation"]
    + [f"{name}_to_experience" for name in DRIVERS],
    0.0,
)

design = Design(
    name="satisfaction",
    title="Customer satisfaction",
    claim="Customers are satisfied when they get more than they expected, and a disappointment weighs more.",
    parameters=SatisfactionMarket(),
    presets={
        "null": NO_LINK | {"expectation_effect": AtEdge("H1b", (0.0, 1.0))},
        "literature": {},
        "claim": {
            "expectation_effect": 0.0,
            "gain_slope": 0.6,
            "loss_slope": 1.5,
            "adaptation": 0.5,
            "quality_to_expectation": 0.0,
            "brand_to_expectation": 0.0,
        },
        "trap": {
            "expectation_effect": 0.7,
            "gain_slope": 0.7,
            "loss_slope": 0.7,
            "base_satisfaction": 2.0,
            "price_to_experience": 0.0,
            "brand_to_experience": 0.0,
            "quality_to_expectation": 0.3,
            "brand_to_expectation": 0.0,
            "familiarity": 0.0,
            "halo": 0.5,
            "adaptation": 0.0,
            "slump": -0.15,
        },
    },
    model=simulate_satisfaction_market,
    hypotheses=hypotheses,
    batched=True,
    constructs={
        "expectation": Construct("expectation", "What a customer thinks beforehand will come."),
        "experience": Construct("experience", "What came, as the customer sees it."),
        "surprise": Construct("surprise", "Experience less expectation: the disconfirmation."),
        "satisfaction": Construct("satisfaction", "The judgement afterwards; a rating shows it."),
    },
    diagram=Diagram.by_cause(
        {
            "quality": (-0.03, 1.0),
            "service": (-0.03, 0.66),
            "price": (-0.03, 0.34),
            "brand": (-0.03, 0.03),
            "experience": (0.32, 0.78),
            "expectation": (0.32, 0.16),
            "surprise": (0.62, 0.45),
            "satisfaction": (0.92, 0.78),
            "rating": (1.09, 0.34),
            "next_expectation": (0.75, 0.05),
        },
        {
            **dict.fromkeys(("quality", "brand"), ("experience", "expectation")),
            **dict.fromkeys(("service", "price"), ("experience",)),
            "experience": ("surprise",),
            "expectation": ("surprise", "satisfaction", "next_expectation"),
            "surprise": ("satisfaction", "next_expectation"),
            "satisfaction": ("rating",),
        },
        latent=("experience", "expectation", "surprise", "satisfaction", "next_expectation"),
    ),
)
