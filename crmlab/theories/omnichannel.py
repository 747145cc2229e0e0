"""Omnichannel, reviews and complaints: who comes to a channel, who posts, who complains.

*Channel.* Invitations Z by lot bring customers to the app A; loyalty λ brings them anyway, and buys more.

    A = 1(-.67 + γ Z + ω λ + √(1 - ω²) v > 0)
    past spend = 50 + 15 λ + 20 e,   spend = 50 + (15 + g) λ + (τ + h λ) A + 20 e

An invitation gives nothing away: it moves who comes, and unless its own effect on spend is set, nothing else.

*Linkage.* `crmlab.mechanisms.linkage`: two devices, some of them linked, some of those wrongly.
*Reviews.* Satisfaction is N(0, 1), cut into stars s. They are posted with
chance Λ(base + slope (s - 3) + extremes |s - 3|), a J where extremes > 0, and told when asked with another.

*Complaints.* `crmlab.mechanisms.recovery`: orders fail, half of the failures are redressed by lot; in the
files those who complain are redressed as the desk likes them.

Sizes are ours but where a parameter names a source. That ``literature`` has a recovery paradox in
satisfaction and none in repurchase is after the meta-analysis of de Matos, Henrique & Rossi (2007).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

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
    logit,
    probit,
    share,
)
from crmlab.estimators import (
    Combination,
    Contrast,
    CorrelationDifference,
    DoubleSample,
    LeastSquares,
    LogisticRegression,
    RatioOfEffects,
    Standardised,
    robust,
)
from crmlab.mechanisms.linkage import draw_accounts, gain_of_linkage
from crmlab.mechanisms.normal import mean_over_normal
from crmlab.mechanisms.recovery import (
    chance_of_failure,
    chance_of_repurchase,
    draw_orders,
    means_after_failure,
)
from crmlab.mechanisms.reviews import (
    STARS,
    TRUE_SHARES,
    chance_of_speaking,
    mean_of_speakers,
    stars_from,
)

Array = np.ndarray
APP, SPEND, BY_LOYALTY, NOISE = -0.67, 50.0, 15.0, 20.0  # probit units; euros a quarter
PHONED = 0.25  # of those who did not answer, by lot
EURO = "euros a quarter"
SIZES = {"accounts": 0.2, "buyers": 0.8, "asked": 0.08, "trial": 0.5, "files": 0.5}  # of the lottery
COAT = "after coat (Schnabel et al. 2016), where it is the chance to be rated"
DE_MATOS = "sign: de Matos et al. (2007); size ours"


@dataclass(frozen=True)
class ChannelMarket(Parameters):
    """The truth of the app, the links, the reviews and the complaints."""

    invitation_to_app: float = probit(0.8, low=0.05)
    loyalty_to_app: float = correlation(0.5, "correlation of loyalty with the leaning to the app")
    app_to_spend: float = effect(6.0, EURO, low=-50, high=50)
    app_x_loyalty: float = effect(3.0, f"{EURO} a standard deviation of loyalty", low=-20, high=20)
    loyalty_to_growth: float = effect(
        3.0, f"{EURO} a standard deviation of loyalty, without the app", low=-20, high=20
    )
    invitation_to_spend: float = effect(0.0, f"{EURO}; other than 0 breaks the exclusion", low=-20, high=20)
    links: float = logit(0.0, "logit of being linked, at one purchase a year")
    purchases_to_link: float = logit(0.3, "logit units a log point of purchases")
    wrong_links: float = share(0.05, "share of links that lead to a stranger")
    posting: float = logit(-2.28, "logit of posting at three stars", source=COAT)
    stars_to_posting: float = logit(0.255, "logit units a star", source=COAT)
    extremes_to_posting: float = logit(0.0, "logit units a star away from three", source=COAT)
    answering: float = logit(-0.4, "logit of answering at three stars")
    stars_to_answering: float = logit(0.4, "logit units a star")
    usage_to_failure: float = probit(0.0, "probit units a standard deviation of usage")
    failure_to_satisfaction: float = effect(1.0, "points of ten lost by a failure", low=-5, high=5)
    redress_to_satisfaction: float = effect(
        1.2, "points of ten that redress adds", low=-5, high=5, source=DE_MATOS
    )
    failure_to_repurchase: float = probit(0.6, "probit units lost by a failure")
    redress_to_repurchase: float = probit(0.6, "probit units that redress adds", source=DE_MATOS)
    loyalty_to_voice: float = probit(0.4, "probit units a standard deviation of loyalty")
    loyalty_to_redress: float = probit(0.3, "probit units a standard deviation, of the desk's redress")
    n_customers: int = count(5000, "customers in the lottery; samples of others are parts of that", low=100)


# The market ---------------------------------------------------------------------------------------------


def rows_of(p: ChannelMarket) -> dict[str, int]:
    """Rows of each table: what the lottery has, times `SIZES`."""
    return {table: round(part * p.n_customers) for table, part in SIZES.items()}


def simulate_channel_market(p: ChannelMarket, streams: Mapping[str, Any]) -> Cohort:
    """Draw a cohort: ``customers``, ``accounts``, ``buyers``, ``asked``, the ``trial`` and the ``files``.

    Every table is of other customers. ``posted_stars`` and ``heard`` are 0 where nobody said anything.
    """
    customers, truth = _customers(p, streams["customers"])
    rows = rows_of(p)
    satisfaction = streams["buyers"].standard_normal(rows["buyers"])
    return Cohort(
        {
            "customers": customers,
            "accounts": lambda: draw_accounts(vars(p), rows["accounts"], streams["accounts"]),
            "buyers": lambda: _buyers(p, stars_from(satisfaction), streams["posting"]),
            "asked": lambda: _asked(p, rows["asked"], streams["asked"]),
            "trial": lambda: draw_orders(vars(p), rows["trial"], streams["trial"], by_lot=True),
            "files": lambda: draw_orders(vars(p), rows["files"], streams["files"], by_lot=False),
        },
        truth=truth | {"stars": stars_from(satisfaction)},
    )


def _customers(p, rng):
    """Invitations by lot, the app and what is spent; in truth loyalty, and what either choice would bring."""
    n = p.n_customers
    loyalty, leaning = rng.standard_normal(n), rng.standard_normal(n)
    leaning = APP + p.loyalty_to_app * loyalty + sqrt(1 - p.loyalty_to_app**2) * leaning
    invitation = (rng.random(n) < 0.5) * 1.0
    app = (leaning + p.invitation_to_app * invitation > 0) * 1.0
    own = SPEND + BY_LOYALTY * loyalty
    past, without = own + NOISE * rng.standard_normal(n), own + NOISE * rng.standard_normal(n)
    without = without + p.loyalty_to_growth * loyalty + p.invitation_to_spend * invitation
    added = p.app_to_spend + p.app_x_loyalty * loyalty
    persuaded = ((leaning <= 0) & (leaning + p.invitation_to_app > 0)) * 1.0
    seen = {"invitation": invitation, "app": app, "past_spend": past, "spend": without + added * app}
    return seen, {"loyalty": loyalty, "added_by_app": added, "persuaded": persuaded}


def _buyers(p, stars, rng):
    posted = (rng.random(stars.shape[-1]) < chance_of_posting(p, stars)) * 1.0
    return {"posted": posted, "posted_stars": posted * stars}


def _asked(p, n, rng):
    """A questionnaire to some, by lot; a quarter of those who do not answer are phoned, and all talk."""
    stars = stars_from(rng.standard_normal(n))
    answered = (rng.random(n) < chance_of_speaking(stars, p.answering, p.stars_to_answering)) * 1.0
    phoned = (1 - answered) * (rng.random(n) < PHONED)
    return {"answered": answered, "phoned": phoned, "heard": (answered + phoned) * stars}


def chance_of_posting(p: ChannelMarket, stars: ArrayLike) -> Array:
    """Chance to post of buyers with so many stars to give."""
    return chance_of_speaking(np.asarray(stars), p.posting, p.stars_to_posting, p.extremes_to_posting)


# What is true, from the parameters alone ---------------------------------------------------------------


def effect_on_persuaded(p: ChannelMarket) -> float:
    """What the app adds to the spend of those whom the invitation brings to it."""

    def persuaded(loyalty: Array) -> Array:
        at = APP + p.loyalty_to_app * loyalty
        spread = sqrt(1 - p.loyalty_to_app**2)
        return ndtr((at + p.invitation_to_app) / spread) - ndtr(at / spread)

    weighted = mean_over_normal(lambda loyalty: loyalty * persuaded(loyalty))
    return p.app_to_spend + p.app_x_loyalty * weighted / mean_over_normal(persuaded)


def posting_bias(p: ChannelMarket) -> float:
    """Mean of the stars posted less that of all buyers'."""
    return mean_of_speakers(chance_of_posting(p, STARS)) - float(STARS @ TRUE_SHARES)


def redress_among_failed(p: ChannelMarket) -> float:
    """What redress adds to the chance to buy again of those whose order failed."""

    def failed(usage: Array) -> Array:
        return chance_of_failure(usage, p.usage_to_failure)

    def gain(usage: Array) -> Array:
        lost = -p.failure_to_repurchase
        return chance_of_repurchase(usage, lost + p.redress_to_repurchase) - chance_of_repurchase(usage, lost)

    return mean_over_normal(lambda usage: failed(usage) * gain(usage)) / mean_over_normal(failed)


def paradox_in_repurchase(p: ChannelMarket) -> float:
    """Chance to buy again after a failure and redress, less that without a failure, over all customers."""
    without, _, redressed = means_after_failure(vars(p), repurchase=True)
    return float(redressed - without)


# The design ---------------------------------------------------------------------------------------------

BY_INVITATION = RatioOfEffects(
    LeastSquares("spend ~ invitation + past_spend", "invitation", "customers"),
    LeastSquares("app ~ invitation + past_spend", "invitation", "customers"),
)
POSTED = robust("posted_stars ~ 0 + posted", "posted", "buyers")  # the mean of those posted
ANSWERS = robust("I(answered * heard) ~ 0 + answered", "answered", "asked")
EVERYBODY = DoubleSample("heard", "answered", "phoned", "asked")
SATISFACTION = robust("satisfaction ~ failed + redressed + usage", "redressed", "trial")
REPURCHASE = LogisticRegression("repurchased ~ failed + redressed + usage", "redressed", "trial")


def _paradox(b):
    return b["failed"] + b["redressed"]


hypotheses = [
    Hypothesis(
        "H1",
        "Customers whom an invitation brings to the app then spend more",
        ">",
        truth=effect_on_persuaded,
        unit=EURO,
        estimators={
            "invitation by lot": BY_INVITATION,
            "past spend held": robust("spend ~ app + past_spend", "app", "customers"),
            "difference in differences": robust("I(spend - past_spend) ~ app", "app", "customers"),
        },
    ),
    Hypothesis(
        "H2",
        "Linking devices makes forecasts better",
        ">",
        truth=lambda p: gain_of_linkage(p.links, p.purchases_to_link, p.wrong_links),
        unit="correlation",
        estimators={
            "with less without": CorrelationDifference("next_year", "forecast", "purchases", "accounts"),
            "linked less unlinked": CorrelationDifference(
                "next_year", "forecast", "forecast", "accounts", "linked", "unlinked"
            ),
        },
    ),
    Hypothesis(
        "H3",
        "Posted stars flatter",
        ">",
        truth=posting_bias,
        unit="stars",
        estimators={
            "silent phoned": Contrast((POSTED, EVERYBODY), (1, -1)),
            "less answers": Contrast((POSTED, ANSWERS), (1, -1)),
        },
    ),
    Hypothesis(
        "H4",
        "Redress makes those whose order failed buy again",
        ">",
        truth=redress_among_failed,
        unit="chance of buying again",
        estimators={
            "by lot": robust("repurchased ~ failed + redressed", "redressed", "trial"),
            "files": robust("repurchased ~ failed + complained + redressed", "redressed", "files"),
        },
    ),
    Hypothesis(
        "H5",
        "After redress customers are more satisfied than without a failure",
        ">",
        truth=lambda p: p.redress_to_satisfaction - p.failure_to_satisfaction,
        unit="points of ten",
        estimators={
            "usage held": Combination(SATISFACTION, _paradox),
            "usage not held": Combination(
                robust("satisfaction ~ failed + redressed", "redressed", "trial"), _paradox
            ),
            "files": robust("satisfaction ~ redressed", "redressed", "files"),
        },
    ),
    Hypothesis(
        "H6",
        "After redress they rather buy again than without a failure",
        ">",
        truth=paradox_in_repurchase,
        unit="chance of buying again",
        estimators={
            "standardised": Standardised(
                REPURCHASE, {"failed": 1, "redressed": 1}, {"failed": 0, "redressed": 0}
            ),
            "files": robust("repurchased ~ redressed", "redressed", "files"),
        },
    ),
]

NOBODY_SELECTS = dict.fromkeys(
    ["loyalty_to_app", "stars_to_posting", "stars_to_answering", "loyalty_to_voice", "loyalty_to_redress"],
    0.0,
)
NO_EFFECT = {"app_to_spend": 0.0, "app_x_loyalty": 0.0}

design = Design(
    name="omnichannel",
    title="Omnichannel, reviews, complaints",
    claim="Every channel linked and every voice heard makes customers spend more and come again.",
    parameters=ChannelMarket(),
    presets={
        "null": NO_EFFECT
        | NOBODY_SELECTS
        | {
            "loyalty_to_growth": 0.0,
            "purchases_to_link": 0.0,
            "wrong_links": AtEdge("H2", (0.0, 1.0)),
            "failure_to_satisfaction": 0.0,
            "redress_to_satisfaction": 0.0,
            "failure_to_repurchase": 0.0,
            "redress_to_repurchase": 0.0,
        },
        "literature": {},
        "claim": {
            "app_to_spend": 15.0,
            "loyalty_to_app": 0.3,
            "links": 1.4,
            "purchases_to_link": 0.0,
            "wrong_links": 0.0,
            "posting": -2.6,
            "stars_to_posting": 0.6,
            "stars_to_answering": 0.0,
            "redress_to_satisfaction": 1.6,
            "redress_to_repurchase": 1.1,
        },
        "trap": NO_EFFECT
        | {
            "loyalty_to_app": 0.7,
            "loyalty_to_growth": 6.0,
            "purchases_to_link": 3.0,
            "wrong_links": AtEdge("H2", (0.0, 1.0)),
            "posting": -3.0,
            "extremes_to_posting": 0.8,
            "stars_to_posting": AtEdge("H3", (-1.0, 1.0)),
            "answering": 0.4,
            "stars_to_answering": -0.5,
            "failure_to_satisfaction": 0.8,
            "redress_to_satisfaction": 0.8,
            "failure_to_repurchase": 0.0,
            "redress_to_repurchase": 0.0,
            "usage_to_failure": 0.6,
            "loyalty_to_voice": 0.8,
            "loyalty_to_redress": 1.0,
        },
    },
    model=simulate_channel_market,
    hypotheses=hypotheses,
    batched=True,
    constructs={
        "invitation": Construct(
            "invitation",
            "A letter that praises the app, without a gift, sent to half of the customers by lot.",
        ),
        "app": Construct("app", "Whether a customer also orders by the app: a second channel."),
        "spend": Construct("spend", "Euros that a customer spends in a quarter, in all channels."),
        "past_spend": Construct("past spend", "Euros spent in the quarter before the invitations."),
        "loyalty": Construct("loyalty", "How fond a customer is of the firm; nobody records it."),
        "satisfaction": Construct("satisfaction", "How content a buyer is: the stars that all would give."),
        "voice": Construct("voice", "To complain to the firm in place of leaving without a word."),
        "redress": Construct(
            "redress", "What a firm gives whose order failed: money, a new parcel, an excuse."
        ),
    },
    diagram=Diagram(
        {
            "invitation": (0.05, 0.2),
            "app": (0.4, 0.2),
            "spend": (0.9, 0.2),
            "loyalty": (0.65, 0.95),
            "past_spend": (0.95, 0.85),
        },
        [
            ("invitation", "app"),
            ("app", "spend"),
            ("loyalty", "app"),
            ("loyalty", "spend"),
            ("loyalty", "past_spend"),
        ],
        latent=("loyalty",),
    ),
)
