"""Customer experience and emotion: which moments are kept, what eases waiting, what runs through a feeling.

One mood colours a moment, the answer about it and the attitude; that is what misleads here.

    dimension_d = √.84 G + .8 s_d,  d = sense, feel, think, act; experience X is their mean
    answer_dk = dimension_d + mood_k + e;  attitude_k = β X + mood_k + .87 e      k = 1, 2, 3 occasions
    moment_t = g + e_t,  t = 1…6;  recall = w_m z(mean) + w_p z(peak–end) + e     variance 1; a week later
    at the exit = recall + κ (end - mean)/1.2 + .3 e
    unease = 3 + .6 W - b W Z + A + e               W days of waiting ~ Γ(3), Z order status by lot, A anxiety
    cancel = Λ(-1.5 + .3 A + .1 (W - 3) + Z (k₁ A + k₂))
    affect = a appeal + l lift + k C + √(1 - k²) e                                two lots, 0 or 1
    attitude = c appeal + b affect + d C + e
    distance = 5 - d title + u + e                   variance of u + e is 1, of u the ICC; u the adviser's

Mood varies anew by occasion. Lift is a small gift before the advertisement: it moves attitude through affect
alone. C is a disposition that one scale measures with reliability .6. That peak–end and the mean go equally
well with recall in ``literature``, at .581, is after Alaybek et al. (2022, doi:10.1016/j.obhdp.2022.104149);
other sizes are ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from scipy.special import expit

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
    logit,
    path,
    probit,
    spread,
)
from crmlab.errors import InputError
from crmlab.estimators import (
    Combination,
    CorrelationDifference,
    LeastSquares,
    Product,
    ThroughMediator,
    TwoStageLeastSquares,
)
from crmlab.mechanisms.journeys import MOMENT_SPREAD, MOMENTS, draw_moments, journey_scores, peak_end_of

Array = np.ndarray
DIMENSIONS = ("sense", "feel", "think", "act")
OCCASIONS = (1, 2, 3)
OWN_PART = 0.8  # of a dimension, beside the part that all four share
ATTITUDE_NOISE = 0.87
MEAN_WAIT, WAIT_SHAPE = 3.0, 3.0  # days
CANCELS, ANXIOUS_CANCEL, WAITING_CANCELS = -1.5, 0.3, 0.1
RELIABILITY = 0.6  # of the scale of disposition
SCALE_POINTS = "points of attitude a standard deviation"
ALAYBEK = "Alaybek et al. (2022): mean and peak–end both at .581"


@dataclass(frozen=True)
class ExperienceMarket(Parameters):
    """The truth of guests, journeys, orders, viewers and advisers."""

    experience_to_attitude: float = effect(0.3, "points of attitude a standard deviation of experience")
    mood: float = spread(0.5, "standard deviation of what one mood adds to all answers of an occasion")
    mean_to_recall: float = path(0.314, "standard deviations of recall a deviation", source=ALAYBEK)
    peak_end_to_recall: float = path(0.314, "standard deviations of recall a deviation", source=ALAYBEK)
    last_moment_at_exit: float = effect(0.0, "recall at the exit a deviation of the end from the mean")
    status_to_unease: float = effect(0.12, "points of unease that order status takes a day of waiting")
    status_anxious_cancel: float = logit(0.3, "logits that status adds a unit of anxiety")
    status_cancel: float = logit(0.0, "logits that status adds at mean anxiety")
    appeal_to_affect: float = effect(0.4, "standard deviations of affect that the appeal adds")
    lift_to_affect: float = effect(0.8, "standard deviations of affect that the lift adds")
    affect_to_attitude: float = effect(0.3, SCALE_POINTS)
    appeal_to_attitude: float = effect(0.0, "points of attitude that the appeal adds past affect")
    lift_to_attitude: float = effect(0.0, "points of attitude; other than 0 breaks the exclusion")
    disposition_to_affect: float = path(0.3, "standard deviations of affect a deviation of disposition")
    disposition_to_attitude: float = effect(0.2, SCALE_POINTS)
    title_to_distance: float = effect(0.25, "standard deviations of distance that the title takes")
    intraclass: float = correlation(0.1, "share of distance's variance between advisers", low=0, high=0.9)
    best_get_title: float = probit(1.0, "by how much advisers who are close anyway get the title")
    n_customers: int = count(600, "guests, and as many journeys and as many orders", low=50)
    n_viewers: int = count(1000, "who see the advertisement or not", low=60)
    n_advisers: int = count(64, "advisers, every other one with the title by lot", low=6, high=20_000)
    clients: int = count(15, "clients an adviser", low=2, high=1000)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.recall_explained() > 1:
            raise InputError(
                f"mean_to_recall is {self.mean_to_recall} and peak_end_to_recall {self.peak_end_to_recall}; "
                f"together they would explain {self.recall_explained():.2f} of recall's variance of 1"
            )

    def recall_explained(self) -> float:
        """Share of recall's variance that the journey explains."""
        mean, peak_end = self.mean_to_recall, self.peak_end_to_recall
        return mean**2 + peak_end**2 + 2 * mean * peak_end * journey_scores().correlation


# The market ---------------------------------------------------------------------------------------------


def simulate_experience_market(p: ExperienceMarket, streams: Mapping[str, Any]) -> Cohort:
    """Draw a cohort: ``surveys``, ``journeys``, ``orders``, ``viewers``, ``clients`` and their advisers.

    Every sample is of other customers.
    """
    experience, surveys = _surveys(p, streams["surveys"])
    anxiety, orders = _orders(p, streams["orders"])
    disposition, viewers = _viewers(p, streams["viewers"])
    clients, advisers = _clients(p, streams["clients"])
    return Cohort(
        tables={
            "surveys": surveys,
            "journeys": lambda: _journeys(p, streams["journeys"]),
            "orders": orders,
            "viewers": viewers,
            "clients": clients,
            "advisers": advisers,
            "advisers_as_given": lambda: _as_given(p, streams["as_given"]),
        },
        truth={"experience": experience, "anxiety": anxiety, "disposition": disposition},
    )


def _surveys(p, rng):
    """Answers to four dimensions and attitude at three occasions, and the experience behind them."""
    n = p.n_customers
    common = sqrt(1 - OWN_PART**2 / 4) * rng.standard_normal(n)
    dimension = common[..., None] + OWN_PART * rng.standard_normal((n, 4))
    experience, columns = dimension.mean(-1), {}
    for occasion in OCCASIONS:
        mood = p.mood * rng.standard_normal(n)
        answers = dimension + mood[..., None] + rng.standard_normal((n, 4))
        columns |= {f"{name}_{occasion}": answers[..., at] for at, name in enumerate(DIMENSIONS)}
        columns[f"answers_{occasion}"] = answers.mean(-1)
        rest = ATTITUDE_NOISE * rng.standard_normal(n)
        columns[f"attitude_{occasion}"] = p.experience_to_attitude * experience + mood + rest
    return experience, columns


def _journeys(p, rng):
    """Six moments of each guest, their mean and peak–end, and recall at the exit and a week later."""
    n, scores = p.n_customers, journey_scores()
    moments = draw_moments(rng, n)
    mean, peak_end = moments.mean(-1), peak_end_of(moments)
    recall = sqrt(1 - p.recall_explained()) * rng.standard_normal(n)
    recall += p.mean_to_recall * (mean - scores.mean) / scores.mean_spread
    recall += p.peak_end_to_recall * (peak_end - scores.peak_end) / scores.peak_end_spread
    still_felt = p.last_moment_at_exit * (moments[..., -1] - mean) / MOMENT_SPREAD
    columns = {f"moment_{at + 1}": moments[..., at] for at in range(MOMENTS)}
    columns |= {"mean": mean, "peak_end": peak_end, "recall": recall}
    return columns | {"recall_at_exit": recall + still_felt + 0.3 * rng.standard_normal(n)}


def _orders(p, rng):
    """Days of waiting, order status by lot, unease while waiting, and who cancelled."""
    n = p.n_customers
    wait = rng.gamma(WAIT_SHAPE, MEAN_WAIT / WAIT_SHAPE, n)
    status, anxiety = (rng.random(n) < 0.5) * 1.0, rng.standard_normal(n)
    unease = 3 + (0.6 - p.status_to_unease * status) * wait + anxiety + rng.standard_normal(n)
    leaning = CANCELS + ANXIOUS_CANCEL * anxiety + WAITING_CANCELS * (wait - MEAN_WAIT)
    leaning += status * (p.status_anxious_cancel * anxiety + p.status_cancel)
    delivered = (rng.random(n) >= expit(leaning)) * 1.0
    columns = {"wait": wait, "status": status, "unease": unease, "delivered": delivered}
    # Rows of zeros say nothing to a regression without intercept: so one leaves out the cancelled.
    kept = {f"{name}_if_delivered": columns[name] * delivered for name in ("wait", "status", "unease")}
    return anxiety, columns | kept


def _viewers(p, rng):
    """The two lots, affect after the advertisement, attitude, and a scale of disposition."""
    n = p.n_viewers
    appeal, lift = ((rng.random(n) < 0.5) * 1.0 for _ in range(2))
    disposition = rng.standard_normal(n)
    affect = p.appeal_to_affect * appeal + p.lift_to_affect * lift + p.disposition_to_affect * disposition
    affect += sqrt(1 - p.disposition_to_affect**2) * rng.standard_normal(n)
    attitude = attitude_of(p, appeal, affect, disposition) + p.lift_to_attitude * lift
    attitude = attitude + rng.standard_normal(n)
    scale = sqrt(RELIABILITY) * disposition + sqrt(1 - RELIABILITY) * rng.standard_normal(n)
    columns = {"appeal": appeal, "lift": lift, "affect": affect, "attitude": attitude}
    return disposition, columns | {"disposition_scale": scale}


def attitude_of(p: ExperienceMarket, appeal: Array, affect: Array, disposition: Array) -> Array:
    """Expected attitude of viewers, points; affect may be set from outside."""
    found: Array = p.appeal_to_attitude * appeal + p.affect_to_attitude * affect
    return found + p.disposition_to_attitude * disposition


def _distances(p, rng, title, own):
    """Distance that clients of each adviser feel, shape (..., advisers, clients)."""
    rest = sqrt(1 - p.intraclass) * rng.standard_normal((p.n_advisers, p.clients))
    return (5 - p.title_to_distance * title + sqrt(p.intraclass) * own)[..., None] + rest


def _clients(p, rng):
    """The title by lot: rows of clients, and rows of advisers."""
    title = np.arange(p.n_advisers) % 2 * 1.0
    distance = _distances(p, rng, title, rng.standard_normal(p.n_advisers))
    adviser = np.arange(p.n_advisers * p.clients) // p.clients
    rows = {
        "adviser": adviser,
        "title": title[adviser],
        "distance": distance.reshape(*distance.shape[:-2], -1),
    }
    return rows, {"title": title, "distance": distance.mean(-1)}


def _as_given(p, rng):
    """Advisers of another branch, where the manager gives the title."""
    own = rng.standard_normal(p.n_advisers)
    title = (rng.standard_normal(p.n_advisers) > p.best_get_title * own) * 1.0
    return {"title": title, "distance": _distances(p, rng, title, own).mean(-1)}


# What is true, from the parameters alone ---------------------------------------------------------------


def recall_correlations(p: ExperienceMarket) -> tuple[float, float]:
    """Correlation of recall a week later with peak–end, and with the mean of the moments."""
    both = journey_scores().correlation
    mean, peak_end = p.mean_to_recall, p.peak_end_to_recall
    return peak_end + mean * both, mean + peak_end * both


def peak_end_lead(p: ExperienceMarket) -> float:
    """By how much recall's correlation with peak–end is above that with the mean."""
    peak_end, mean = recall_correlations(p)
    return peak_end - mean


# The design ---------------------------------------------------------------------------------------------

BY_OTHER_ANSWERS = {"endogenous": ("answers_1",), "instruments": ("answers_2",)}
BOTH_LOTS = "affect ~ appeal + lift", "attitude ~ appeal + lift"
ONE_LOT = LeastSquares("affect ~ appeal", "appeal", "viewers")
TWO_LOTS = ThroughMediator(*(LeastSquares(text, "appeal", "viewers") for text in BOTH_LOTS), push="lift")
MEAN_HELD = LeastSquares("recall ~ peak_end + mean", "peak_end", "journeys")


def _mediated(formula):
    return Product(ONE_LOT, LeastSquares(formula, "affect", "viewers"))


def _in_deviations(b):
    return journey_scores().peak_end_spread * b["peak_end"]


hypotheses = [
    Hypothesis(
        "H1",
        "Who experiences more in four dimensions thinks better of the brand",
        ">",
        truth=lambda p: p.experience_to_attitude,
        unit="points of attitude a standard deviation of experience",
        estimators={
            "asked at three occasions": TwoStageLeastSquares(
                "attitude_3 ~ answers_1", "answers_1", "surveys", **BY_OTHER_ANSWERS
            ),
            "one survey": LeastSquares("attitude_1 ~ answers_1", "answers_1", "surveys"),
        },
    ),
    Hypothesis(
        "H2",
        "Recall goes with peak and end more closely than with the mean of the moments",
        ">",
        truth=peak_end_lead,
        unit="correlation with peak–end less that with the mean",
        estimators={
            "a week later": CorrelationDifference("recall", "peak_end", "mean", "journeys"),
            "at the exit": CorrelationDifference("recall_at_exit", "peak_end", "mean", "journeys"),
            "peak–end, mean held": Combination(MEAN_HELD, _in_deviations),
        },
    ),
    Hypothesis(
        "H3",
        "To see the order's status lowers unease while waiting",
        "<",
        truth=lambda p: -p.status_to_unease * MEAN_WAIT,
        unit="points of unease",
        estimators={
            "all orders": LeastSquares("unease ~ status + wait", "status", "orders", "HC1"),
            "delivered only": LeastSquares(
                "unease_if_delivered ~ 0 + delivered + status_if_delivered + wait_if_delivered",
                "status_if_delivered",
                "orders",
                "HC1",
            ),
        },
    ),
    Hypothesis(
        "H4",
        "An emotional appeal raises attitude through affect",
        ">",
        truth=lambda p: p.appeal_to_affect * p.affect_to_attitude,
        unit="points of attitude through affect",
        estimators={
            "two lots": TWO_LOTS,
            "one lot": _mediated("attitude ~ appeal + affect"),
            "one lot, disposition held": _mediated("attitude ~ appeal + affect + disposition_scale"),
        },
    ),
    Hypothesis(
        "H5",
        "Clients feel less distance from an adviser who is called a consultant",
        "<",
        truth=lambda p: -p.title_to_distance,
        unit="standard deviations of distance",
        estimators={
            "adviser means": LeastSquares("distance ~ title", "title", "advisers"),
            "clients as independent": LeastSquares("distance ~ title", "title", "clients"),
            "titles as given": LeastSquares("distance ~ title", "title", "advisers_as_given"),
        },
    ),
]

NO_LINK = {name: 0.0 for name in ExperienceMarket.names() if "_to_" in name}
NO_LINK |= {"lift_to_affect": 0.8, "status_anxious_cancel": 0.0, "best_get_title": 0.0}

design = Design(
    name="experience",
    title="Customer experience and emotion",
    claim="Customers keep the peak and the end, and what they feel makes what they think.",
    parameters=ExperienceMarket(),
    presets={
        "null": NO_LINK | {"mood": 0.0, "appeal_to_affect": 0.5, "appeal_to_attitude": 0.1},
        "literature": {},
        "claim": {
            "experience_to_attitude": 0.6,
            "mood": 0.3,
            "mean_to_recall": 0.0,
            "peak_end_to_recall": 0.65,
            "status_to_unease": 0.3,
            "status_anxious_cancel": 0.0,
            "appeal_to_affect": 0.6,
            "affect_to_attitude": 0.6,
            "disposition_to_affect": 0.0,
            "disposition_to_attitude": 0.0,
            "title_to_distance": 0.5,
        },
        "trap": {
            "experience_to_attitude": 0.0,
            "mood": 0.8,
            "last_moment_at_exit": 0.6,
            "status_to_unease": 0.0,
            "status_anxious_cancel": 1.2,
            "status_cancel": 0.8,
            "appeal_to_affect": 0.5,
            "affect_to_attitude": 0.0,
            "appeal_to_attitude": 0.2,
            "disposition_to_affect": 0.6,
            "disposition_to_attitude": 0.6,
            "title_to_distance": 0.0,
            "intraclass": 0.25,
        },
    },
    model=simulate_experience_market,
    hypotheses=hypotheses,
    batched=True,
    constructs={
        "appeal": Construct("appeal", "Whether the advertisement, or its game, speaks to feelings: by lot."),
        "lift": Construct("lift", "A small gift before the advertisement, by lot: it moves affect only."),
        "affect": Construct("affect", "How pleasant a viewer feels after the advertisement."),
        "attitude": Construct("attitude", "What a customer thinks of the brand, in points."),
        "disposition": Construct("disposition", "How warmly somebody feels and judges anything at all."),
        "experience": Construct("experience", "What a customer senses, feels, thinks and does with a brand."),
        "mood": Construct("mood", "What an occasion adds to all answers given on it."),
        "recall": Construct("recall", "How good a guest finds the stay when looking back."),
        "unease": Construct("unease", "How uneasy a customer is while waiting for an order, in points."),
        "distance": Construct("distance", "How far from the adviser a client feels."),
    },
    diagram=Diagram(
        {
            "appeal": (0.0, 0.2),
            "lift": (0.0, 0.9),
            "affect": (0.45, 0.75),
            "attitude": (1.0, 0.2),
            "disposition": (1.0, 0.95),
        },
        [
            ("appeal", "affect"),
            ("lift", "affect"),
            ("disposition", "affect"),
            ("affect", "attitude"),
            ("disposition", "attitude"),
            ("appeal", "attitude"),
        ],
        latent=("disposition",),
    ),
)
