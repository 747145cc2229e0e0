"""Needs and exceeding expectations: which of six aspects please, which only annoy, and does delight last?

Customers compare what comes with what they expected, aspect by aspect: D is the surprise, q the share that an
aspect has in what they need. Kano, Seraku, Takahashi & Tsuji (1984, doi:10.20684/quality.14.2_147) say that
must-be aspects annoy where they are missing and please nobody, and that attractive ones do the opposite.

    S = Σ [1 + ω (6 q - 1)] (β⁺ [D]₊ - β⁻ [-D]₊) + u            the sum over six aspects, u ~ N(0, 1)
    loyalty = λ S + ψ fondness + N(0, 1)
    E' - E = α (mean of the six D) + shock

The six D have variance 1 and share a common part, which may come from fondness. Must-be aspects have few
disasters and attractive ones few windfalls: D is a shifted lognormal of shape γ. In the *experiment*, half of
other customers, by lot, get one or two aspects better by `lift`. In the *Kano survey* still others answer
two questions about each aspect; what they answer follows from β and from a style of their own.
That β⁺ and β⁻ are the same for everybody, and all sizes, are simplifications of ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import numpy as np

from crmlab.design import (
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
    share,
    spread,
)
from crmlab.errors import check_known
from crmlab.estimators import Combination, LeastSquares, RatioOfEffects
from crmlab.mechanisms.kano import AnsweringStyle
from crmlab.mechanisms.surprises import Surprise
from crmlab.models.allocation import best_allocation
from crmlab.models.kano import CLASSES, EVALUATION, kano_class

ASPECTS: dict[str, str] = {  # source s2's six, and the kind that we take each for
    "value": "performance",
    "information": "performance",
    "speed": "must-be",
    "convenience": "must-be",
    "personalisation": "attractive",
    "extras": "attractive",
}
MIDDLE = 0.5  # sd: between less and more than this the penalty–reward dummies see no difference
LIFTED = 1.5  # aspects that the lot lifts on average: one or two
BASE = 0.35  # the slope at which the answers to Kano's questions have no lean
A_SLOPE = "points a standard deviation"
KANO = "which is larger: Kano et al. (1984); size ours"


@dataclass(frozen=True)
class NeedsMarket(Parameters):
    """The needs market's truth. A point is the standard deviation of what the aspects leave open."""

    performance_gain: float = effect(0.35, A_SLOPE)
    performance_loss: float = effect(0.35, A_SLOPE)
    must_be_gain: float = effect(0.15, A_SLOPE, source=KANO)
    must_be_loss: float = effect(0.55, A_SLOPE, source=KANO)
    attractive_gain: float = effect(0.55, A_SLOPE, source=KANO)
    attractive_loss: float = effect(0.15, A_SLOPE, source=KANO)
    need_weight: float = effect(0.5, "share of a slope that follows the customer's need", low=0, high=1)
    level: float = effect(0.0, "standard deviations by which all that comes beats what was expected")
    skew: float = spread(0.3, "shape of the surprises: 0 for normal ones", high=1.2)
    halo: float = share(0.3, "correlation of any two surprises where they are normal", high=0.95)
    fondness_to_service: float = path(0.2, "correlation of fondness with what the surprises share", low=0)
    satisfaction_to_loyalty: float = effect(0.4, "points of loyalty a point of satisfaction")
    fondness_to_loyalty: float = effect(0.3, "points of loyalty a standard deviation of fondness")
    lift: float = positive(
        1.2, "standard deviations by which the experiment lifts an aspect", low=0.1, high=5
    )
    adaptation: float = share(0.35, "share of the mean surprise that the next expectation takes over")
    expectation_shock: float = spread(0.3, "standard deviations by which an expectation moves by itself")
    expectation_noise: float = spread(0.3, "standard deviations of error in every answer on expectations")
    stated_need_halo: float = effect(0.0, "log of stated need a standard deviation of surprise", low=0)
    kano_gain: float = effect(2.0, "standard deviations of an answer a point of slope", low=0, high=6)
    style: float = spread(1.22, "standard deviation of what all of a person's answers share")
    style_correlation: float = correlation(-0.2, "of a person's styles with and without the feature")
    yes_saying: float = effect(0.0, "standard deviations by which everybody likes what is offered")
    n_customers: int = count(800, "customers in the survey, in the experiment and in the Kano survey", low=60)


# The market ---------------------------------------------------------------------------------------------


def slopes(p: NeedsMarket, aspect: str) -> tuple[float, float]:
    """Points a standard deviation of good and of bad surprise, of a customer with equal needs."""
    kind = ASPECTS[aspect].replace("-", "_")
    return getattr(p, f"{kind}_gain"), getattr(p, f"{kind}_loss")


def worth(p: NeedsMarket, aspect: str, surprise: np.ndarray) -> np.ndarray:
    """Points that surprises in an aspect add for a customer with equal needs; 0 where all is as expected."""
    gain, loss = slopes(p, aspect)
    return gain * np.maximum(surprise, 0) + loss * np.minimum(surprise, 0)


def _surprise(p, aspect):
    """Must-be aspects have few disasters, attractive ones few windfalls."""
    return Surprise(p.level, p.skew, {"performance": 0, "must-be": -1, "attractive": 1}[ASPECTS[aspect]])


def _customers(p, rng):
    """Fondness, six surprises and six needs, which average 1."""
    n = p.n_customers
    fondness = rng.standard_normal(n)
    common = p.fondness_to_service * fondness + sqrt(1 - p.fondness_to_service**2) * rng.standard_normal(n)
    surprises, needs = {}, {}
    for aspect in ASPECTS:
        own = rng.standard_normal(n)
        surprises[aspect] = _surprise(p, aspect).at(sqrt(p.halo) * common + sqrt(1 - p.halo) * own)
        needs[aspect] = rng.standard_gamma(2.0, n)
    total = sum(needs.values()) / len(ASPECTS)
    return fondness, surprises, {aspect: need / total for aspect, need in needs.items()}


def _satisfaction(p, surprises, needs, rng):
    points = [(1 + p.need_weight * (needs[each] - 1)) * worth(p, each, surprises[each]) for each in ASPECTS]
    return sum(points) + rng.standard_normal(p.n_customers)


def simulate_needs_market(p: NeedsMarket, streams: Mapping) -> Cohort:
    """Draw a cohort: ``customers`` (a survey), ``experiment`` and ``kano``, each of other customers.

    `customers` have a surprise and a stated need (1 is an equal share) for each aspect, and satisfaction;
    `experiment` the lot, expectations before and after, loyalty; `kano` two answers an aspect, 1 to 5, and
    ``lean``, 1 where they make it attractive, -1 where must-be.
    """
    rng = streams["customers"]
    fondness, surprises, needs = _customers(p, rng)
    satisfied = _satisfaction(p, surprises, needs, rng)
    stated = {aspect: needs[aspect] * np.exp(p.stated_need_halo * surprises[aspect]) for aspect in ASPECTS}
    total = sum(stated.values()) / len(ASPECTS)
    stated = {aspect: need / total for aspect, need in stated.items()}
    fit = sum(stated[aspect] * surprises[aspect] for aspect in ASPECTS) / len(ASPECTS)
    return Cohort(
        tables={
            "customers": surprises
            | {f"need_{aspect}": need for aspect, need in stated.items()}
            | {"fit_score": fit, "satisfied": satisfied},
            "experiment": lambda: _experiment(p, streams["experiment"]),
            "kano": lambda: _kano(p, streams["kano"]),
        },
        truth={"fondness": fondness, "true_needs": np.stack(list(needs.values()), axis=-1)},
    )


def _experiment(p, rng):
    n = p.n_customers
    fondness, surprises, needs = _customers(p, rng)
    lot = (rng.random(n) < 0.5) * 1.0
    ranks = np.stack([rng.random(n) for _ in ASPECTS]).argsort(0).argsort(0)
    chosen = lot * (ranks < 1 + (rng.random(n) < 0.5))
    surprises = {aspect: surprises[aspect] + p.lift * each for aspect, each in zip(ASPECTS, chosen)}
    satisfied = _satisfaction(p, surprises, needs, rng)
    mean = sum(surprises.values()) / len(ASPECTS)
    change = p.adaptation * mean + p.expectation_shock * rng.standard_normal(n)
    before, after = (p.expectation_noise * rng.standard_normal(n) for _ in range(2))
    return {
        "lot": lot,
        "surpassed": np.any([each > 1 for each in surprises.values()], axis=0) * 1.0,
        "surprise": mean - before,  # experience less the expectation that was told
        "expectation_change": change + after - before,
        "satisfied": satisfied,
        "loyalty": p.satisfaction_to_loyalty * satisfied
        + p.fondness_to_loyalty * fondness
        + rng.standard_normal(n),
    }


def _kano(p, rng):
    style = AnsweringStyle(p.style, p.style_correlation)
    persons = style.draw(rng, p.n_customers)
    table = {}
    for aspect in ASPECTS:
        with_it, without_it = style.answers(*_answer_means(p, aspect), persons, rng)
        verdict = kano_class(with_it, without_it)
        table |= {f"with_{aspect}": with_it, f"without_{aspect}": without_it}
        table[f"lean_{aspect}"] = 1.0 * (verdict == "A") - (verdict == "M")
    return table


def _answer_means(p, aspect):
    """Mean response to "if you had it" and to "if you did not"."""
    gain, loss = slopes(p, aspect)
    return p.yes_saying + p.kano_gain * (gain - BASE), p.kano_gain * (loss - BASE)


# What is true, from the parameters alone ---------------------------------------------------------------


def mean_slope_of_need(p: NeedsMarket) -> float:
    """What a need that is higher by an equal share adds to a slope, on average over twelve half-lines."""
    return p.need_weight * float(np.mean([slopes(p, aspect) for aspect in ASPECTS]))


@lru_cache(maxsize=4096)
def mean_worth(p: NeedsMarket, aspect: str, lift: float = 0.0) -> float:
    """Mean points that an aspect adds to satisfaction when all its surprises are lifted by `lift`, in sd."""
    surprise, mass = _surprise(p, aspect).nodes(-lift)
    return float(mass @ worth(p, aspect, surprise + lift))


def gain_of_lifts(p: NeedsMarket, lifts: Mapping[str, float]) -> float:
    """Points of mean satisfaction gained when aspects are lifted, each by its own number of sd."""
    check_known("aspect", lifts, ASPECTS)
    return sum(mean_worth(p, aspect, float(lift)) - mean_worth(p, aspect) for aspect, lift in lifts.items())


def best_lifts(p: NeedsMarket, budget: float = 3.0, step: float = 0.5, most: float = 1.5) -> dict[str, float]:
    """The allocation of a budget of lifts, in steps and at most so many sd an aspect, that gains most."""
    doses = [step * number for number in range(round(most / step) + 1)]
    gains = [[gain_of_lifts(p, {aspect: dose}) for dose in doses] for aspect in ASPECTS]
    return {aspect: doses[at] for aspect, at in zip(ASPECTS, best_allocation(gains, round(budget / step)))}


def effect_of_surpassing(p: NeedsMarket) -> float:
    """Points of loyalty that the lot's one or two lifted aspects add on average."""
    lifted = [gain_of_lifts(p, {aspect: p.lift}) for aspect in ASPECTS]
    return LIFTED * p.satisfaction_to_loyalty * float(np.mean(lifted))


def class_shares(p: NeedsMarket, aspect: str) -> dict[str, float]:
    """Share of each Kano class in the survey."""
    cells = AnsweringStyle(p.style, p.style_correlation).shares(*_answer_means(p, aspect))
    return {name: float(cells[name == EVALUATION].sum()) for name in CLASSES}


def lean_of_extras(p: NeedsMarket) -> float:
    """Attractive less must-be verdicts on extras, less the mean of the same over the other aspects."""
    shares = {aspect: class_shares(p, aspect) for aspect in ASPECTS}
    lean = {aspect: each["A"] - each["M"] for aspect, each in shares.items()}
    return lean["extras"] - float(np.mean([lean[each] for each in ASPECTS if each != "extras"]))


# The design ---------------------------------------------------------------------------------------------


def _half_lines(aspect):
    return f"np.maximum({aspect}, 0)", f"np.minimum({aspect}, 0)"


HALVES = [half for aspect in ASPECTS for half in _half_lines(aspect)]
PRODUCTS = [f"{half}:I(need_{aspect} - 1)" for aspect in ASPECTS for half in _half_lines(aspect)]
HALF_LINES = "satisfied ~ " + " + ".join(HALVES + PRODUCTS)
DUMMIES = "satisfied ~ " + " + ".join(f"I({each} < -{MIDDLE}) + I({each} > {MIDDLE})" for each in ASPECTS)
FIT = LeastSquares(HALF_LINES, HALVES[0], table="customers", covariance="HC2")
CONTRAST = LeastSquares(DUMMIES, f"I(extras > {MIDDLE})", table="customers", covariance="HC2")
OTHERS = " + ".join(f"lean_{aspect}" for aspect in ASPECTS if aspect != "extras")
RELATIVE_LEAN = f"I(lean_extras - ({OTHERS}) / {len(ASPECTS) - 1})"


def _asymmetry(name, aspect, claim):
    """H2: slope of losses less that of gains, or the reverse where it is attractive; and with dummies."""
    sign = 1 if ASPECTS[aspect] == "must-be" else -1
    gain, loss = _half_lines(aspect)
    low, high = f"I({aspect} < -{MIDDLE})", f"I({aspect} > {MIDDLE})"
    estimators = {
        "half-lines": Combination(FIT, lambda b: sign * (b[loss] - b[gain])),
        "dummies": Combination(CONTRAST, lambda b: sign * (-b[low] - b[high])),
    }
    return Hypothesis(
        name, claim, ">", lambda p: -sign * float(np.subtract(*slopes(p, aspect))), estimators, A_SLOPE
    )


def _experimental(outcome, on):
    return LeastSquares(f"{outcome} ~ {on}", on, table="experiment", covariance="HC2")


hypotheses = [
    Hypothesis(
        "H1",
        "Whoever gets more of what they need most is more satisfied",
        ">",
        truth=mean_slope_of_need,
        unit="points a standard deviation, per equal share of need",
        estimators={
            "half-lines by need": Combination(
                FIT, lambda b: sum(b[each] for each in PRODUCTS) / len(PRODUCTS)
            ),
            "fit score": LeastSquares("satisfied ~ fit_score", "fit_score", "customers", covariance="HC2"),
        },
    ),
    _asymmetry("H2a", "speed", "Speed is must-be: too little of it costs more than more of it earns"),
    _asymmetry("H2b", "extras", "Extras are attractive: more of them earns more than too few cost"),
    Hypothesis(
        "H3",
        "To surpass expectations in one or two of six aspects raises loyalty",
        ">",
        truth=effect_of_surpassing,
        unit="points of loyalty",
        estimators={
            "by lot": _experimental("loyalty", "lot"),
            "surpassed or not": _experimental("loyalty", "surpassed"),
        },
    ),
    Hypothesis(
        "H4",
        "Delight raises the next expectation",
        ">",
        truth=lambda p: p.adaptation,
        unit="share of the surprise",
        estimators={
            "lot as instrument": RatioOfEffects(
                _experimental("expectation_change", "lot"), _experimental("surprise", "lot")
            ),
            "change on surprise": _experimental("expectation_change", "surprise"),
        },
    ),
    Hypothesis(
        "H5",
        "Extras are called attractive more than other aspects are",
        ">",
        truth=lean_of_extras,
        unit="share of answers, A less M",
        estimators={
            "within persons": LeastSquares(f"{RELATIVE_LEAN} ~ 1", "Intercept", table="kano"),
            "extras alone": LeastSquares("lean_extras ~ 1", "Intercept", table="kano"),
        },
    ),
]

NO_TRAP: dict[str, str] = {}  # hypotheses whose naive analysis the trap does not fool

BENT = ["must_be_gain", "must_be_loss", "attractive_gain", "attractive_loss"]
LINKS = ["need_weight", "satisfaction_to_loyalty", "adaptation"]
NO_LINK = dict.fromkeys(BENT, BASE) | dict.fromkeys(LINKS, 0.0)

design = Design(
    name="needs",
    title="Needs and exceeding expectations",
    claim="Find out what customers need, surpass it in one or two aspects, and they become loyal.",
    parameters=NeedsMarket(),
    presets={
        "null": NO_LINK,
        "literature": {},
        "claim": {
            "must_be_gain": 0.05,
            "must_be_loss": 0.70,
            "attractive_gain": 0.70,
            "attractive_loss": 0.05,
            "need_weight": 1.0,
            "satisfaction_to_loyalty": 0.6,
            "adaptation": 0.6,
        },
        "trap": NO_LINK
        | {
            "skew": 0.8,
            "stated_need_halo": 0.4,
            "fondness_to_loyalty": 0.8,
            "fondness_to_service": 0.7,
            "expectation_noise": 0.6,
            "yes_saying": 0.7,
        },
    },
    model=simulate_needs_market,
    hypotheses=hypotheses,
    batched=True,
    constructs={
        "surprise": Construct("surprise", "What came less what was expected, of one aspect or on average."),
        "need": Construct("need", "How much of what a customer needs an aspect is; 1 is an equal share."),
        "satisfied": Construct("satisfaction", "The judgement afterwards, on a slider without ends."),
        "loyalty": Construct("loyalty", "How likely a customer says to come back, on a slider without ends."),
        "fondness": Construct("fondness", "How fond a customer was of the firm before anything came."),
        "must_be": Construct("must-be", "An aspect whose lack annoys and whose plenty nobody thanks for."),
        "attractive": Construct("attractive", "An aspect that delights and that nobody misses."),
    },
    diagram=Diagram(
        {
            "need": (0.05, 1.0),
            "surprise": (0.05, 0.6),
            "satisfied": (0.5, 0.8),
            "loyalty": (0.95, 0.8),
            "fondness": (0.5, 0.3),
            "next_expectation": (0.05, 0.15),
        },
        [
            ("need", "satisfied"),
            ("surprise", "satisfied"),
            ("satisfied", "loyalty"),
            ("fondness", "surprise"),
            ("fondness", "loyalty"),
            ("surprise", "next_expectation"),
        ],
        latent=("fondness",),
    ),
)
