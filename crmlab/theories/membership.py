"""Membership: what joining does to purchases, apart from who joins and when.

60 branches of a chain open a membership in month 4, in month 7 or not at all, by lot, in 12 months. A
customer i of branch b buys a Poisson number of times a month,

    mean = λ_i · shock_bm · appetite_im · exp(lift + fade at first, less later), as a member
    λ ~ Gamma(k, mean 1);  appetite = exp(± s) / cosh(s): busy and quiet months, a coin toss
    willing = 1(ω ln λ + e > 0);  joins in an open month with chance Λ(θ (± s))

and is a member from the month after. ``lift`` is that of light buyers; heavy ones (twelve or more orders in
the earlier year) gain ``heavy_gap`` more, below zero after Liu (2007). Other customers fill stamp cards
(`crmlab.mechanisms.stamp_cards`) or are invited to a gathering by lot, and the well disposed come:

    attended = invited · 1(.2 + η a + e > 0),   attachment = a + γ attended + e,   a ~ N(0, 1)

All sizes are ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import gammainc, gammainccinv, gammaincinv, ndtr

from crmlab.design import (
    AtEdge,
    Cohort,
    Construct,
    Design,
    Diagram,
    Hypothesis,
    Parameters,
    count,
    effect,
    logit,
    positive,
    probit,
    share,
    spread,
)
from crmlab.estimators import (
    Contrast,
    GapInShares,
    GroupTimeEffects,
    GroupTimeWald,
    InverseProbability,
    LeastSquares,
    LogLift,
    LogRatio,
    PairedDifference,
    Propensity,
    StageHazard,
    TwoStageLeastSquares,
    TwoWayFixedEffects,
)
from crmlab.mechanisms.normal import mean_over_normal
from crmlab.mechanisms.openings import (
    BEFORE,
    FRESH,
    HEAVY,
    WINDOW,
    by_branch,
    by_customer,
    by_offer,
    chance_of_being_willing,
    chance_of_joining,
    draw_panel,
)
from crmlab.mechanisms.stamp_cards import EARLIER_WEEKS, STAGES, STAMPS, draw_cards

Array = np.ndarray
COMING, OWN = 0.2, 0.6  # probit units of coming; standard deviation of attachment that is neither's
LOG_POINTS = "log points of purchases"
PER_MONTH = "orders a member's month"
LIU = "heavy buyers gained least: Liu (2007); size ours"
KIVETZ = "sign: Kivetz, Urminsky & Zheng (2006); size ours"


@dataclass(frozen=True)
class MembershipMarket(Parameters):
    """The truth of branches, cards and gatherings."""

    rows_a_customer = 4.0  # twelve months in one table, one row in the others
    lift: float = effect(0.45, f"{LOG_POINTS} that joining adds, light buyers", source=LIU)
    heavy_gap: float = effect(-0.35, f"{LOG_POINTS} that it adds more for heavy buyers", source=LIU)
    fade: float = effect(0.0, f"{LOG_POINTS} more in a member's first two months, and less later")
    rate_to_joining: float = logit(0.7, "logit units of being willing per log point of purchases")
    rate_shape: float = positive(1.5, "shape of customers' purchase rates, mean 1 a month", low=0.2, high=50)
    surge: float = spread(0.0, "log points by which busy and quiet months differ from the middle", high=1.5)
    surge_to_joining: float = logit(2.5, "logit units of joining now per log point of appetite")
    branch_shock: float = spread(0.05, "standard deviation of a branch's log purchases in a month", high=1.0)
    trend_gap: float = effect(
        0.0, "log points a month by which opened branches grow anyway", low=-0.1, high=0.1
    )
    goal_gradient: float = effect(0.6, "log points of pace from an empty card to a full one", source=KIVETZ)
    illusion: float = share(0.5, "share of given stamps that is taken for progress", source=KIVETZ)
    card_shape: float = positive(1.5, "shape of card holders' purchase rates", low=0.2, high=50)
    choosing: float = share(0.0, "share of card holders who choose their card")
    disposition_to_coming: float = probit(0.5, "probit units per standard deviation of attachment")
    gathering_to_attachment: float = effect(0.3, "standard deviations of attachment")
    n_branches: int = count(
        60, "branches, a third of them each opening early, late and never", low=9, high=300
    )
    n_customers: int = count(3000, "customers of all branches, as many cards, half as many guests", low=300)


# The market ---------------------------------------------------------------------------------------------


def simulate_membership_market(p: MembershipMarket, streams: Mapping[str, Any]) -> Cohort:
    """Draw a cohort: ``branches`` and ``months``, ``offered``, ``cards`` and ``guests``.

    ``branches`` has a row a branch and month, in purchases and members a customer; ``months`` one a customer
    and month; ``offered`` one a customer of a branch that opened.
    """
    panel = draw_panel(p, streams["customers"], streams["months"])
    guests, disposition = _guests(p, streams["guests"])
    return Cohort(
        {
            "branches": lambda: by_branch(p, panel),
            "months": lambda: by_customer(p, panel),
            "offered": lambda: by_offer(p, panel),
            "cards": lambda: draw_cards(
                p.n_customers, p.goal_gradient, p.illusion, p.card_shape, p.choosing, streams["cards"]
            ),
            "guests": guests,
        },
        truth={"rate": panel["rate"], "willing": panel["willing"], "disposition": disposition},
    )


def _guests(p, rng):
    """Invitations by lot, who came, and how attached they were later."""
    n = p.n_customers // 2
    liking, invited = rng.standard_normal(n), rng.random(n) < 0.5
    comes = COMING + p.disposition_to_coming * liking + rng.standard_normal(n) > 0
    attended = (invited & comes) * 1.0
    later = liking + p.gathering_to_attachment * attended + OWN * rng.standard_normal(n)
    return {"invited": invited * 1.0, "attended": attended, "attachment": later}, liking


# What is true, from the parameters alone ---------------------------------------------------------------


def mean_over_customers(p: MembershipMarket, function: Any) -> float:
    """The mean of a function of purchases a month, over customers."""

    def of(z):
        low, high = gammaincinv(p.rate_shape, ndtr(z)), gammainccinv(p.rate_shape, ndtr(-z))
        return function(np.where(z < 0, low, high) / p.rate_shape)

    return mean_over_normal(of)


def _by_month(p):
    """In the months from the opening on, a customer: members, what they would buy anyway, what they buy.

    And what all would buy anyway. Arrays of shape (WINDOW,).
    """
    after = np.arange(WINDOW)
    growth = np.exp(p.trend_gap * (after + 1))
    joins = chance_of_joining(p)
    age = after[:, None] - after  # rows: months since the opening; columns: month of joining
    chance = np.where(age > 0, joins * (1 - joins) ** after, 0.0)
    factor = np.exp(np.where(age <= FRESH, p.fade, -p.fade))
    willing = mean_over_customers(p, lambda rate: chance_of_being_willing(p, rate))

    def buying(heavy):
        def of(rate):
            tail = gammainc(HEAVY, 12 * rate)  # the chance of twelve orders or more
            return rate * chance_of_being_willing(p, rate) * (tail if heavy else 1 - tail)

        return mean_over_customers(p, of)

    light, heavy = buying(False), buying(True)
    lifted = light * np.exp(p.lift) + heavy * np.exp(p.lift + p.heavy_gap)
    member, made = chance.sum(1), (chance * factor).sum(1)
    return willing * member, (light + heavy) * growth * member, lifted * growth * made, growth


def effect_of_opening(p: MembershipMarket) -> Array:
    """What an opening adds to purchases a customer, in each month from it on: shape (6,)."""
    _, anyway, made, _ = _by_month(p)
    return made - anyway


def effect_of_joining(p: MembershipMarket) -> float:
    """What membership adds to purchases in a member's month, over the window."""
    members, anyway, made, _ = _by_month(p)
    return float((made - anyway).sum() / members.sum())


def naive_gap(p: MembershipMarket) -> float:
    """Purchases in members' months less those in other months of opened branches, over the window."""
    members, anyway, made, everybody = _by_month(p)
    months = members.sum()
    return float(made.sum() / months - (everybody - anyway).sum() / (WINDOW - months))


# Estimators ---------------------------------------------------------------------------------------------


def _effect_of_opening(outcome):
    return GroupTimeEffects(outcome, "branch", "month", "opens", "branches", until=WINDOW - 1, base=BEFORE)


OPENINGS = GroupTimeWald(_effect_of_opening("purchases"), _effect_of_opening("members"))
OWN_DATE = TwoWayFixedEffects("purchases", "joined", "customer", "month", "months", cluster="branch")
WEIGHTED = InverseProbability(
    "purchases", "joined", Propensity("np.log(earlier_orders + 1)"), "offered", cluster="branch"
)


GAP = GapInShares("purchases", "members", "member_purchases", "inside", "branches", unit="branch")


def _lift_of(buyers):
    return LogLift(
        _effect_of_opening(f"{buyers}_purchases"), _effect_of_opening(f"{buyers}_member_purchases")
    )


def _growth_of(buyers):
    return LogRatio("as_member", "before", f"{buyers}_lately", "offered", cluster="branch")


def _stages(term, **options):
    return StageHazard(WAITS, "stamps", STAGES, term, "cards", kind="given", **options)


KNOWN = {"where": "by_lot", "earlier": "earlier_orders", "exposure": EARLIER_WEEKS}


WAITS = tuple(f"week_{stage + 1}" for stage in range(STAMPS))

# A check that analysts make before they believe an estimate; no hypothesis of the theory.
LEADS = Hypothesis(
    "check",
    "Branches that open move apart from the others before they open",
    "!=",
    truth=lambda p: np.expm1(-2 * p.trend_gap),
    unit="purchases a customer, three months before the opening less one month before",
    estimators={
        "leads": GroupTimeEffects("purchases", "branch", "month", "opens", "branches", since=-3),
    },
)

hypotheses = [
    Hypothesis(
        "H1",
        "Joining raises what a customer buys",
        ">",
        truth=effect_of_joining,
        unit=PER_MONTH,
        estimators={"openings": OPENINGS, "own joining date": OWN_DATE, "weighted": WEIGHTED},
    ),
    Hypothesis(
        "H2",
        "Members buy more than others by more than joining adds",
        ">",
        truth=lambda p: naive_gap(p) - effect_of_joining(p),
        unit=PER_MONTH,
        estimators={
            "openings": PairedDifference(GAP, OPENINGS),
            "own joining date": Contrast((GAP, OWN_DATE), (1.0, -1.0)),
        },
    ),
    Hypothesis(
        "H3",
        "Purchases speed up towards the reward",
        ">",
        truth=lambda p: p.goal_gradient,
        unit="log points of pace from an empty card to a full one",
        estimators={
            "frailty": _stages("progress", **KNOWN),
            "all alike": _stages("progress", where="by_lot", frailty=False),
        },
    ),
    Hypothesis(
        "H4",
        "Stamps that are given speed purchases up",
        ">",
        truth=lambda p: p.goal_gradient * p.illusion,
        unit="log points of pace per card's length of head start",
        estimators={
            "frailty": _stages("head start", **KNOWN),
            "all alike, choosers too": _stages("head start", frailty=False),
        },
    ),
    Hypothesis(
        "H5",
        "Gatherings attach",
        ">",
        truth=lambda p: p.gathering_to_attachment,
        unit="standard deviations of attachment",
        estimators={
            "invited by lot": TwoStageLeastSquares(
                "attachment ~ attended",
                "attended",
                "guests",
                "HC1",
                endogenous=("attended",),
                instruments=("invited",),
            ),
            "came or not": LeastSquares("attachment ~ attended", "attended", "guests", "HC1"),
        },
    ),
    Hypothesis(
        "H6",
        "Heavy buyers gain less from joining than light ones",
        "<",
        truth=lambda p: p.heavy_gap,
        unit="log points, heavy less light",
        estimators={
            "openings": PairedDifference(_lift_of("heavy"), _lift_of("light")),
            "before and after": PairedDifference(_growth_of("heavy"), _growth_of("light")),
        },
    ),
]

NOTHING = {
    "lift": 0.0,
    "heavy_gap": 0.0,
    "goal_gradient": 0.0,
    "illusion": 0.0,
    "gathering_to_attachment": 0.0,
}

design = Design(
    name="membership",
    title="Membership",
    claim="Membership locks loyal customers in: joining raises what they buy.",
    parameters=MembershipMarket(),
    presets={
        "null": NOTHING | {"rate_to_joining": 0.0, "surge_to_joining": 0.0, "disposition_to_coming": 0.0},
        "literature": {},
        "claim": {
            "lift": 0.55,
            "heavy_gap": -0.45,
            "rate_to_joining": 1.0,
            "goal_gradient": 1.0,
            "illusion": 1.0,
            "gathering_to_attachment": 0.5,
        },
        "trap": NOTHING
        | {
            "lift": AtEdge("H1", (-0.3, 0.6)),
            "rate_to_joining": 1.2,
            "rate_shape": 1.0,
            "surge": 0.8,
            "fade": 0.35,
            "card_shape": 0.8,
            "choosing": 0.4,
            "disposition_to_coming": 1.2,
        },
    },
    model=simulate_membership_market,
    hypotheses=hypotheses,
    batched=True,
    constructs={
        "rate": Construct("purchase rate", "What a customer buys a month before any membership."),
        "joining": Construct("joining", "Taking the card: the day, and all after it."),
        "opening": Construct("opening", "That a branch offers the membership, from a month drawn by lot."),
        "appetite": Construct("appetite", "How much of a busy month it is for a customer."),
        "purchases": Construct("purchases", "Orders of a customer in a month."),
        "attachment": Construct("attachment", "How much customers feel that they belong to the chain."),
    },
    diagram=Diagram(
        nodes={
            "opening": (0.05, 0.2),
            "joining": (0.45, 0.2),
            "purchases": (0.9, 0.2),
            "rate": (0.55, 0.95),
            "appetite": (0.85, 0.95),
        },
        arrows=[
            ("opening", "joining"),
            ("joining", "purchases"),
            *((cause, act) for cause in ("rate", "appetite") for act in ("joining", "purchases")),
        ],
        latent=["rate", "appetite"],
    ),
)
