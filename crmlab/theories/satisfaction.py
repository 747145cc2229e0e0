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

A panel follows customers over five waves. After the first, half of them, by lot, are served better by `step`.
Expectations run after experience, E' = E + α (P + o - E) + shock, where o is how much a customer always
expects above what comes.
"""

from dataclasses import dataclass, replace
from functools import cache, lru_cache
from math import sqrt

import numpy as np
from scipy.special import ndtr
from scipy.stats import norm

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
from crmlab.errors import InputError
from crmlab.estimators import (
    AverageSlope,
    Combination,
    InResidualDeviations,
    LeastSquares,
    OrderedProbit,
    TwoStageLeastSquares,
    Within,
)
from crmlab.mechanisms.items import Scale
from crmlab.mechanisms.normal import nodes_beside, normal_nodes

MARGIN = 0.2  # rating points per standard deviation: along E = P a planner would call less than that flat
SCALE = Scale()  # of the rating
POINTS, THRESHOLDS = SCALE.points, SCALE.thresholds  # thresholds in standard deviations of u
CLAIMED = "claimed in source s0; size ours"
DRIVERS = ("quality", "service", "price", "brand")
LAST = 4  # the panel's waves are 0 to 4; the step comes between 0 and 1
EXPERIENCE_NOISE = 0.4  # standard deviation of a wave's experience about the customer's usual one
SLIDER_NOISE = 0.5  # standard deviation of the error in a wave's answer
LOADINGS = {  # of the survey's items on what they measure
    "expectation": (0.6, 0.5, 0.45),
    "experience": (0.8, 0.8, 0.8, 0.8),
    "satisfaction": (0.95, 0.85, 0.5),
}


@dataclass(frozen=True)
class SatisfactionMarket(Parameters):
    """The satisfaction market's truth."""

    expectation_effect: float = probit(
        0.55,
        "probit units a standard deviation of expectation, surprise held",
        source="positive: Oliver (1980); size ours",
    )
    gain_slope: float = probit(
        0.60,
        "probit units a standard deviation of good surprise",
        source="positive: Oliver (1980); size ours",
    )
    loss_slope: float = probit(
        1.20,
        "probit units a standard deviation of bad surprise",
        source="above gain_slope: Anderson & Sullivan (1993); size ours",
    )
    base_satisfaction: float = probit(0.5, "probit units above the middle of the scale")
    promise: float = effect(0.0, "standard deviations that customers expect above what comes", low=-3, high=3)
    quality_to_experience: float = path(0.40, source="sign: Fornell et al. (1996); size ours")
    service_to_experience: float = path(0.30, source=CLAIMED)
    price_to_experience: float = path(0.20, "standardised path; a fair price is high", source=CLAIMED)
    brand_to_experience: float = path(0.20, source=CLAIMED)
    quality_to_expectation: float = path(0.50)
    brand_to_expectation: float = path(0.35)
    familiarity: float = correlation(
        0.6, "correlation of expectation and experience, drivers held: customers know what comes", low=0
    )
    halo: float = correlation(0.4, "correlation of any two drivers, as customers rate them", low=0, high=0.95)
    expectation_noise: float = spread(0.0, "standard deviations of error in the survey's expectation", high=3)
    adaptation: float = share(0.30, "share of the surprise that expectation makes up until the next wave")
    optimism: float = spread(
        0.5, "standard deviation of what customers always expect above what comes", high=3
    )
    expectation_shock: float = spread(
        0.3, "standard deviations by which an expectation moves for no reason seen", low=0.01, high=3
    )
    step: float = positive(
        1.0, "standard deviations by which service improves for half of the panel", low=0.1, high=5
    )
    slump: float = probit(
        0.0, "change of everybody's answers from wave to wave, probit units", low=-2, high=2
    )
    n_customers: int = count(800, "customers in the survey, and again in the panel", low=60)

    def __post_init__(self):
        super().__post_init__()
        for of, paths in (("experience", self.to_experience), ("expectation", self.to_expectation)):
            explained = _product(self, paths, paths)
            if explained > 1 + 1e-9:
                raise InputError(
                    f"the paths to {of} explain {explained:.2f} of its variance; "
                    "lower one so that it is at most 1"
                )

    @property
    def to_experience(self):
        """Paths of the four drivers to experience."""
        return np.array([getattr(self, f"{name}_to_experience") for name in DRIVERS])

    @property
    def to_expectation(self):
        """Paths of the four drivers to expectation."""
        return np.array([self.quality_to_expectation, 0.0, 0.0, self.brand_to_expectation])


def _product(p, one, other):
    """Covariance of two weighted sums of the drivers."""
    return float((1 - p.halo) * one @ other + p.halo * one.sum() * other.sum())


def _rest(p, paths):
    """Standard deviation of what the drivers leave open."""
    return sqrt(max(0.0, 1 - _product(p, paths, paths)))


def _from_drivers(paths, drivers):
    return sum(path * driver for path, driver in zip(paths, drivers))


def satisfaction_index(p, expectation, surprise):
    """Satisfaction without its error, in probit units."""
    return (
        p.base_satisfaction
        + p.expectation_effect * expectation
        + p.gain_slope * np.maximum(surprise, 0)
        + p.loss_slope * np.minimum(surprise, 0)
    )


def simulate_satisfaction_market(p, streams):
    """Draw a cohort: tables ``customers``, ``items`` and ``panel``.

    They hold drivers, what was expected and experienced, and a rating; a long questionnaire of the same
    customers; other customers in five waves.
    """
    rng, n = streams["customers"], p.n_customers
    common = rng.standard_normal(n)
    drivers = [sqrt(p.halo) * common + sqrt(1 - p.halo) * rng.standard_normal(n) for _ in DRIVERS]

    known = rng.standard_normal(n)
    new = p.familiarity * known + sqrt(1 - p.familiarity**2) * rng.standard_normal(n)
    expectation = p.promise + _from_drivers(p.to_expectation, drivers) + _rest(p, p.to_expectation) * known
    experience = _from_drivers(p.to_experience, drivers) + _rest(p, p.to_experience) * new
    satisfaction = satisfaction_index(p, expectation, experience - expectation) + rng.standard_normal(n)
    expected = expectation + p.expectation_noise * rng.standard_normal(n)
    panel = cache(lambda: _panel(p, streams["panel"]))
    latents = {"expectation": expectation, "experience": experience, "satisfaction": satisfaction}
    return Cohort(
        tables={
            "customers": {
                **dict(zip(DRIVERS, drivers)),
                "expected": expected,
                "experienced": experience.copy(),
                "gap": experience - expected,
                "rating": SCALE.cut(satisfaction),
            },
            "items": lambda: _items(p, latents, streams["items"]),
            "panel": panel,
            "waves": lambda: _waves(panel()),
        },
        truth=latents,
    )


def _items(p, latents, rng):
    """Ten-point items of expectation, experience and satisfaction; a likelihood to recommend of 0 to 10."""
    moments = satisfaction_moments(p)
    standardised = latents | {"satisfaction": latents["satisfaction"] / moments[1]}
    answers = {}
    for name, loadings in LOADINGS.items():
        for number, loading in enumerate(loadings, 1):
            (answers[f"{name}_{number}"],) = Scale(10, 0.45, loading).draw(standardised[name], rng)
    (recommend,) = Scale(11, 0.4, 0.85).draw(standardised["satisfaction"], rng)
    return answers | {"recommend": recommend - 1}


def _panel(p, rng):
    """Five waves: expectation before, experience and satisfaction after, on sliders that know no ends."""
    n = p.n_customers
    usual, optimism = rng.standard_normal(n), p.optimism * rng.standard_normal(n)
    treated = (rng.random(n) < 0.5) * 1.0
    expectation = p.promise + usual + optimism + p.expectation_shock * rng.standard_normal(n)
    table = {"treated": treated}
    for wave in range(LAST + 1):
        experience = usual + p.step * treated * (wave > 0) + EXPERIENCE_NOISE * rng.standard_normal(n)
        surprise = experience - expectation
        answer = satisfaction_index(p, expectation, surprise) + SLIDER_NOISE * rng.standard_normal(n)
        table |= {
            f"expected_{wave}": expectation,
            f"experienced_{wave}": experience,
            f"surprise_{wave}": surprise,
            f"satisfied_{wave}": answer + p.slump * wave,
        }
        shock = p.expectation_shock * rng.standard_normal(n)
        expectation = expectation + p.adaptation * (surprise + optimism) + shock
    return table


def _waves(panel):
    """The panel in long form, without the last wave, after which nothing is known."""
    n = panel["treated"].shape[-1]
    columns = {"surprise": [], "change": []}
    for wave in range(LAST):
        columns["surprise"].append(panel[f"surprise_{wave}"])
        columns["change"].append(panel[f"expected_{wave + 1}"] - panel[f"expected_{wave}"])
    long = {name: np.concatenate(values, axis=-1) for name, values in columns.items()}
    return {"customer": np.tile(np.arange(n), LAST), "wave": np.arange(LAST * n) // n} | long


# What is true, from the parameters alone ---------------------------------------------------------------


def expectation_experience_correlation(p):
    """Correlation of E and P in the survey, error aside."""
    rests = _rest(p, p.to_expectation) * _rest(p, p.to_experience)
    return _product(p, p.to_expectation, p.to_experience) + p.familiarity * rests


def surprise_distribution(p):
    """Mean and standard deviation of D in the survey."""
    return -p.promise, sqrt(2 - 2 * expectation_experience_correlation(p))


def share_disappointed(p):
    """Share of customers for whom less came than they expected."""
    mean, spread = surprise_distribution(p)
    return float(ndtr(-mean / spread))


def slope_of_surprise(p):
    """What a standard deviation of surprise adds on average, *expectation* held: probit units."""
    return p.gain_slope + (p.loss_slope - p.gain_slope) * share_disappointed(p)


def slope_of_expectation(p):
    """What a standard deviation of expectation adds on average, *experience* held: probit units."""
    return p.expectation_effect - slope_of_surprise(p)


@lru_cache(maxsize=64)
def _customers_on_a_grid(p):
    """Nodes of expectation and surprise with their weights.

    In D on both sides of the kink at 0, then in E given D.
    """
    mean, spread = surprise_distribution(p)
    surprise, weight = nodes_beside(0.0, mean, spread)
    z, mass = normal_nodes(40)
    rest = sqrt(1 - spread**2 / 4)  # Cov(E, D) = -spread² / 2
    expectation = p.promise - (surprise[:, None] - mean) / 2 + rest * z
    return expectation.ravel(), np.repeat(surprise, len(z)), np.outer(weight, mass).ravel()


def satisfaction_moments(p):
    """Mean and standard deviation of satisfaction, its error included: probit units."""
    expectation, surprise, weight = _customers_on_a_grid(p)
    index = satisfaction_index(p, expectation, surprise)
    mean = float(weight @ index)
    return mean, sqrt(float(weight @ (index - mean) ** 2) + 1)


def expectation_satisfaction_correlation(p):
    """Correlation of E and S, all else as it falls; by Stein's lemma from the two slopes."""
    together = slope_of_surprise(p) * expectation_experience_correlation(p) + slope_of_expectation(p)
    return together / satisfaction_moments(p)[1]


def mean_rating(p, expectation, surprise):
    """Expected rating of customers with this expectation and surprise, 1 to 7."""
    return SCALE.mean_answer(satisfaction_index(p, expectation, surprise))


def average_rating(p):
    """Mean rating of all customers."""
    expectation, surprise, weight = _customers_on_a_grid(p)
    return float(weight @ mean_rating(p, expectation, surprise))


def slope_along_agreement(p):
    """Slope of the quadratic surface along E = P, in the middle: rating points a standard deviation.

    The surface is the quadratic in E and P that comes nearest to the mean rating; in E and D, along E = P
    only E changes, so the slope is the coefficient of E.
    """
    E, D, weight = _customers_on_a_grid(p)
    terms = np.stack([np.ones_like(D), E, D, E**2, E * D, D**2])
    rating = mean_rating(p, E, D) - average_rating(p)
    return float(np.linalg.solve(terms * weight @ terms.T, terms * weight @ rating)[1])


def effect_of_driver(p, name):
    """Rating points that a standard deviation of one driver adds on average, the other drivers held.

    Through experience and through expectation; by Stein's lemma it is also what a least squares regression of
    the rating on the four drivers estimates.
    """
    expectation, surprise, weight = _customers_on_a_grid(p)
    index = satisfaction_index(p, expectation, surprise)
    steepness = weight * SCALE.mean_answer_slope(index)
    slope = np.where(surprise > 0, p.gain_slope, p.loss_slope)
    at = DRIVERS.index(name)
    through_experience = p.to_experience[at] * float(steepness @ slope)
    return through_experience + p.to_expectation[at] * float(steepness @ (p.expectation_effect - slope))


def expectation_after_step(p, wave):
    """How much more the treated expect than the others at a wave: ``step (1 - (1 - α)^(wave - 1))``."""
    return p.step * (1 - (1 - p.adaptation) ** max(wave - 1, 0))


def lift_of_step(p, wave):
    """How much more satisfied the treated are than the others at a wave, in probit units."""
    if wave == 0:
        return 0.0
    keep = 1 - p.adaptation
    restless = p.expectation_shock**2 * keep ** (2 * wave)
    for past in range(wave):
        restless += (p.expectation_shock**2 + (p.adaptation * EXPERIENCE_NOISE) ** 2) * keep ** (2 * past)
    spread = sqrt(EXPERIENCE_NOISE**2 + p.optimism**2 + restless)
    usual = -p.promise * keep**wave
    more = expectation_after_step(p, wave)
    gain = _mean_worth(p, usual + p.step - more, spread) - _mean_worth(p, usual, spread)
    return p.expectation_effect * more + gain


def _mean_worth(p, mean, spread):
    """Mean of β⁺[D]₊ - β⁻[-D]₊ for a normal D."""
    good = mean * norm.cdf(mean / spread) + spread * norm.pdf(mean / spread)
    return p.gain_slope * good + p.loss_slope * (mean - good)


def fading(p):
    """Change of the step's lift from the first wave after it to the last: probit units."""
    return lift_of_step(p, LAST) - lift_of_step(p, 1)


# The design ---------------------------------------------------------------------------------------------

# Losses may have a slope of their own: min(D, 0) has the slope of a loss less that of a gain.
KINKED = OrderedProbit("rating ~ 0 + expected + gap + I(np.minimum(gap, 0))", "gap", "customers")
GAP_ONLY = OrderedProbit("rating ~ 0 + gap", "gap", "customers")
KINKED_RATING = LeastSquares(
    "rating ~ expected + gap + I(np.minimum(gap, 0))",
    "I(np.minimum(gap, 0))",
    table="customers",
    covariance="HC1",
)
# Of the first surprise after the step only what the lot decided.
STEP_AS_INSTRUMENT = TwoStageLeastSquares(
    "I(expected_2 - expected_1) ~ surprise_1",
    "surprise_1",
    table="panel",
    endogenous=("surprise_1",),
    instruments=("treated",),
)
SURFACE = "rating ~ expected + gap + I(expected ** 2) + expected:gap + I(gap ** 2)"
ALL_DRIVERS = "rating ~ " + " + ".join(DRIVERS)


def _driver(number, name, claim):
    """H4a–d: one driver's effect, with the others in the regression and without."""
    return Hypothesis(
        f"H4{'abcd'[number]}",
        claim,
        ">",
        truth=lambda p: effect_of_driver(p, name),
        unit="rating points per standard deviation",
        estimators={
            "four drivers": LeastSquares(ALL_DRIVERS, name, table="customers", covariance="HC1"),
            "one at a time": LeastSquares(f"rating ~ {name}", name, table="customers", covariance="HC1"),
        },
    )


hypotheses = [
    Hypothesis(
        "H1",
        "Among customers who expected the same, those who got more are more satisfied",
        ">",
        truth=slope_of_surprise,
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
        truth=slope_of_expectation,
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
        estimators={"polynomial": LeastSquares(SURFACE, "expected", table="customers", covariance="HC1")},
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
            "step as instrument": STEP_AS_INSTRUMENT,
            "fixed effects": Within("change ~ surprise", "surprise", "waves", unit="customer"),
            "across customers": LeastSquares(
                "I(expected_2 - expected_1) ~ surprise_1", "surprise_1", table="panel", covariance="HC1"
            ),
        },
    ),
    Hypothesis(
        "H3a",
        "What a better service gains in satisfaction fades",
        "<",
        truth=fading,
        unit="probit units, from the first wave after the step to the last",
        estimators={
            "against controls": LeastSquares(
                "I(satisfied_4 - satisfied_1) ~ treated", "treated", table="panel", covariance="HC1"
            ),
            "treated only": LeastSquares(
                "I(treated * (satisfied_4 - satisfied_1)) ~ 0 + treated",
                "treated",
                table="panel",
                covariance="HC1",
            ),
        },
    ),
    _driver(0, "quality", "Better product quality raises satisfaction"),
    _driver(1, "service", "Better service raises satisfaction"),
    _driver(2, "price", "A fairer price raises satisfaction"),
    _driver(3, "brand", "A better brand image raises satisfaction"),
]

NO_LINK = {
    "gain_slope": 0.0,
    "loss_slope": 0.0,
    "adaptation": 0.0,
    **{f"{name}_to_experience": 0.0 for name in DRIVERS},
    "quality_to_expectation": 0.0,
    "brand_to_expectation": 0.0,
}


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
    diagram=Diagram(
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
        [
            *((driver, "experience") for driver in DRIVERS),
            ("quality", "expectation"),
            ("brand", "expectation"),
            ("experience", "surprise"),
            ("expectation", "surprise"),
            ("surprise", "satisfaction"),
            ("expectation", "satisfaction"),
            ("satisfaction", "rating"),
            ("expectation", "next_expectation"),
            ("surprise", "next_expectation"),
        ],
        latent=("experience", "expectation", "surprise", "satisfaction", "next_expectation"),
    ),
)
