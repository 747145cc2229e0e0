"""Acquisition, retention and word of mouth: what one more customer costs, and who would have come anyway.

What spending adds has a ceiling (Blattberg & Deighton 1996), so that a customer's cost is an output of how
much is spent, and of who comes, or stays, for nothing:

    share won  = a₀ + (ā - a₀)(1 - exp(-k A))              A dollars a prospect
    share kept = r₀ + (r̄ - r₀)(1 - exp(-k R))              R dollars a customer
    hazard of leaving  = .024 t^-.2 exp(h · referred)       t months since joining
    hazard of leaving  = .03 exp(g · has recommended)
    won = 1(-.5 + .6 discount + .7 contact + u > 0),  value = 2.6 + β discount + v     corr(u, v) = ρ
    chance of adopting = (p + q · share of adopters + α · ads) · shock                 Bass (1969) with ads

Spends of the 60 regions are 0, ½, 1, 2 or 4 times today's, by lot; contact is by lot, and so is the discount.
Records begin when most have joined: who left before is in none. Sizes are ours unless a source is named.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log, sqrt

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
    positive,
    probit,
    share,
)
from crmlab.estimators import (
    Combination,
    Curve,
    HazardRatio,
    LeastSquares,
    ResponseCurves,
    SelectionRegression,
)
from crmlab.mechanisms.counts import binomial_counts
from crmlab.mechanisms.growth import Records, Response, adoption, best_split, by_lot, recommenders

PROSPECTS, CUSTOMERS = 2000, 800  # of a region
PEOPLE, MONTHS = 800, 20  # of a city
LOW, HIGH = 3.0, 5.0  # how many times dearer the source says that winning is
DOLLARS = "dollars a head"
LOG_HAZARD = "log hazard of leaving"
SCHMITT = "sign: Schmitt et al. (2011); size ours"
GARNEFELD = "sign: Garnefeld et al. (2013); size ours"


@dataclass(frozen=True)
class GrowthMarket(Parameters):
    """The truth of regions, records, prospects and cities."""

    won_anyway: float = share(0.01, "share of prospects who come unasked")
    won_ceiling: float = share(0.11, "share of prospects won at endless spend")
    won_rate: float = positive(0.12, "per dollar a prospect", high=5)
    kept_anyway: float = share(0.55, "share of customers who stay unasked")
    kept_ceiling: float = share(0.85, "share of customers kept at endless spend")
    kept_rate: float = positive(0.15, "per dollar a customer", high=5)
    won_spend: float = positive(10.0, f"{DOLLARS}, today, of prospects", high=1000)
    kept_spend: float = positive(6.0, f"{DOLLARS}, today, of customers", high=1000)
    won_worth: float = positive(260.0, "dollars that a customer won is worth", high=1e5)
    kept_worth: float = positive(60.0, "dollars that a customer kept for a year is worth", high=1e5)
    referred_to_leaving: float = effect(-0.25, LOG_HAZARD, source=SCHMITT)
    referred_early: float = effect(
        0.0, "logit units of being referred a standard deviation of joining earlier"
    )
    recommended_to_leaving: float = effect(-0.3, LOG_HAZARD, source=GARNEFELD)
    recommending: float = positive(0.04, "recommendations a month of who has made none", high=1)
    discount_to_won: float = probit(0.6)
    contact_to_won: float = probit(0.7)
    discount_to_worth: float = effect(-0.15, "hundred dollars a standard deviation of discount")
    unseen: float = correlation(0.4, "correlation of what is unseen in winning and in worth")
    innovation: float = positive(0.012, "chance a month to adopt by oneself", high=0.05)
    imitation: float = effect(0.15, "chance a month where all others have adopted", low=0, high=0.4)
    ads_to_adoption: float = effect(0.03, "chance a month a unit of advertising", low=0, high=0.08)
    adoption_shock: float = share(0.3, "half the width of a city-month's common shock", high=0.3)
    n_customers: int = count(
        3000, "customers in the records, and as many prospects and recommenders", low=200
    )
    n_regions: int = count(60, "regions", low=20, high=2000)
    n_cities: int = count(30, "cities", low=10, high=2000)


# The market ---------------------------------------------------------------------------------------------


def simulate_growth_market(p: GrowthMarket, streams: Mapping) -> Cohort:
    """Draw a cohort: ``regions``, ``records``, ``recommenders``, ``prospects`` and ``cities``.

    All are of other people. The value of prospects who were not won is missing.
    """
    prospects, unseen = _prospects(p, streams["prospects"])
    return Cohort(
        tables={
            "regions": lambda: _regions(p, streams["regions"]),
            "records": lambda: records_of(p).draw(p.n_customers, streams["records"]),
            "recommenders": lambda: recommenders(
                p.n_customers, 0.03, p.recommending, p.recommended_to_leaving, streams["recommenders"]
            ),
            "prospects": prospects,
            "cities": lambda: adoption(
                p.n_cities,
                PEOPLE,
                MONTHS,
                lambda adopted, ads: p.innovation + p.imitation * adopted + p.ads_to_adoption * ads,
                p.adoption_shock,
                streams["cities"],
            ),
        },
        truth=unseen,
    )


def _regions(p, rng):
    """Spend by lot and what came of it; what is known of money stands in every row."""
    won, kept = responses(p)
    spends = {"won_spend": p.won_spend, "kept_spend": p.kept_spend}
    doses = {name: today * by_lot(p.n_regions, rng) for name, today in spends.items()}
    chances = {"won": won.share(doses["won_spend"]), "kept": kept.share(doses["kept_spend"])}
    heads = {"won": PROSPECTS, "kept": CUSTOMERS}
    found = {
        name: binomial_counts(heads[name], each, rng.random(p.n_regions)) for name, each in chances.items()
    }
    known = {"won_today": p.won_spend, "kept_today": p.kept_spend}
    known |= {"won_worth": p.won_worth, "kept_worth": p.kept_worth}
    known |= {"prospects": PROSPECTS, "customers": CUSTOMERS}
    return doses | found | {name: np.full(p.n_regions, float(each)) for name, each in known.items()}


def _prospects(p, rng):
    """Prospects with their discount and contact by lot, whether they were won, and what they are worth."""
    discount, contact, leaning, own = (rng.standard_normal(p.n_customers) for _ in range(4))
    won = -0.5 + p.discount_to_won * discount + p.contact_to_won * contact + leaning > 0
    unseen = p.unseen * leaning + sqrt(1 - p.unseen**2) * own
    worth = 2.6 + p.discount_to_worth * discount + unseen
    seen = {"discount": discount, "contact": contact, "won": won * 1.0, "worth": np.where(won, worth, np.nan)}
    return seen, {"leaning": leaning, "worth_if_won": worth}


def records_of(p: GrowthMarket) -> Records:
    """Who joined, was referred, left, and is in the records."""
    return Records(0.024, 0.8, p.referred_to_leaving, p.referred_early)


# What is true, from the parameters alone ---------------------------------------------------------------


def responses(p: GrowthMarket) -> tuple[Response, Response]:
    """The curves of winning and of keeping."""
    won = Response(p.won_anyway, p.won_ceiling, p.won_rate)
    return won, Response(p.kept_anyway, p.kept_ceiling, p.kept_rate)


def costs(p: GrowthMarket) -> dict[str, float]:
    """Dollars at today's spend: a head of all who came or stayed, and of those whom spending added."""
    won, kept = responses(p)
    return {
        "won, all": p.won_spend / float(won.share(p.won_spend)),
        "won, added": p.won_spend / float(won.added(p.won_spend)),
        "kept, all": p.kept_spend / float(kept.share(p.kept_spend)),
        "kept, added": p.kept_spend / float(kept.added(p.kept_spend)),
    }


def log_cost_ratio(p: GrowthMarket) -> float:
    """Log of what one more customer won costs over what one more kept costs, at today's spend."""
    cost = costs(p)
    return log(cost["won, added"] / cost["kept, added"])


def gain_of_moving(p: GrowthMarket) -> float:
    """What the next dollar on keeping brings more than the next dollar on winning, dollars."""
    won, kept = responses(p)
    return float(p.kept_worth * kept.marginal(p.kept_spend) - p.won_worth * won.marginal(p.won_spend))


def profit(
    p: GrowthMarket, won_spend: float | np.ndarray, kept_spend: float | np.ndarray
) -> float | np.ndarray:
    """Dollars that a region brings at spends a head, less the spends."""
    won, kept = responses(p)
    return PROSPECTS * (p.won_worth * won.share(won_spend) - won_spend) + CUSTOMERS * (
        p.kept_worth * kept.share(kept_spend) - kept_spend
    )


def best_spends(p: GrowthMarket, budget: float | None = None) -> tuple[float, float]:
    """The best split of a region's budget, today's unless one is given: dollars a prospect and a customer."""
    today = PROSPECTS * p.won_spend + CUSTOMERS * p.kept_spend
    worth = (p.won_worth, p.kept_worth)
    return best_split(today if budget is None else budget, responses(p), worth, (PROSPECTS, CUSTOMERS))


# The design ---------------------------------------------------------------------------------------------

MIDDLE, MARGIN = log(LOW * HIGH) / 2, log(HIGH / LOW) / 2
CURVES = ResponseCurves(
    (Curve("won", "won", "prospects", "won_spend"), Curve("kept", "kept", "customers", "kept_spend")),
    "won: base",
    "regions",
)
KNOWN = ("won_today", "kept_today", "won_worth", "kept_worth")


def _added(b, side):
    return b[f"{side}: gain"] * -np.expm1(-b[f"{side}: rate"] * b[f"{side}_today"])


def _marginal(b, side):
    left = np.exp(-b[f"{side}: rate"] * b[f"{side}_today"])
    return b[f"{side}_worth"] * b[f"{side}: gain"] * b[f"{side}: rate"] * left


def _average(b, side):
    return b[f"{side}_worth"] * (b[f"{side}: base"] + _added(b, side)) / b[f"{side}_today"]


def _log_cost(b, side, base=0.0):
    return np.log(b[f"{side}_today"] / (base + _added(b, side)))


def _of_curves(function):
    return Combination(CURVES, function, KNOWN)


def _of_prospects(corrected):
    return SelectionRegression(
        "worth ~ discount",
        "discount",
        "prospects",
        switch="won",
        choice="discount + contact",
        corrected=corrected,
    )


def _of_cities(terms):
    return LeastSquares(f"adopters ~ 0 + left + left:share{terms}", "left:share", "cities", cluster="city")


hypotheses = [
    Hypothesis(
        "H1",
        "One more customer won costs three to five times one more customer kept",
        "within",
        truth=log_cost_ratio,
        unit="log of the ratio",
        null=MIDDLE,
        margin=MARGIN,
        estimators={
            "added by spending": _of_curves(lambda b: _log_cost(b, "won") - _log_cost(b, "kept")),
            "spend by all": _of_curves(
                lambda b: _log_cost(b, "won", b["won: base"]) - _log_cost(b, "kept", b["kept: base"])
            ),
        },
    ),
    Hypothesis(
        "H2",
        "A dollar moved from winning customers to keeping them pays",
        ">",
        truth=gain_of_moving,
        unit="dollars a dollar",
        estimators={
            "marginal": _of_curves(lambda b: _marginal(b, "kept") - _marginal(b, "won")),
            "average": _of_curves(lambda b: _average(b, "kept") - _average(b, "won")),
        },
    ),
    Hypothesis(
        "H3",
        "Referred customers leave less",
        "<",
        truth=lambda p: p.referred_to_leaving,
        unit=LOG_HAZARD,
        estimators={
            "late entry": HazardRatio("tenure", "left", "referred", "records", entry="tenure_at_entry"),
            "from joining on": HazardRatio("tenure", "left", "referred", "records"),
        },
    ),
    Hypothesis(
        "H4",
        "Who has recommended leaves less",
        "<",
        truth=lambda p: p.recommended_to_leaving,
        unit=LOG_HAZARD,
        estimators={
            "since recommending": HazardRatio(
                "tenure", "left", "recommended", "recommenders", since="recommended_after"
            ),
            "ever recommended": HazardRatio("tenure", "left", "recommended", "recommenders"),
        },
    ),
    Hypothesis(
        "H5",
        "The same customer is worth less, won with a discount",
        "<",
        truth=lambda p: p.discount_to_worth,
        unit="hundred dollars a standard deviation of discount",
        estimators={"two steps": _of_prospects(True), "those who were won": _of_prospects(False)},
    ),
    Hypothesis(
        "H6",
        "People adopt because others have",
        ">",
        truth=lambda p: p.imitation,
        unit="chance a month where all others have adopted",
        estimators={"with advertising": _of_cities(" + left:ads"), "adopters alone": _of_cities("")},
    ),
]

NO_EFFECT = {
    "referred_to_leaving": 0.0,
    "recommended_to_leaving": 0.0,
    "discount_to_worth": 0.0,
    "imitation": 0.0,
}

design = Design(
    name="acquisition_retention",
    title="Acquisition, retention, word of mouth",
    claim="Winning a customer costs several times what keeping one does, and customers who are recommended, "
    "or recommend, stay.",
    parameters=GrowthMarket(),
    presets={
        "null": NO_EFFECT
        | {
            "unseen": 0.0,
            "ads_to_adoption": 0.0,
            "kept_ceiling": 0.9033,  # a ratio of 5.0004
            "kept_worth": AtEdge("H2", (10.0, 200.0)),
        },
        "literature": {},
        "claim": {
            "kept_ceiling": 0.84,
            "kept_worth": 90.0,
            "referred_to_leaving": -0.4,
            "recommended_to_leaving": -0.5,
            "discount_to_worth": -0.3,
            "imitation": 0.3,
        },
        "trap": NO_EFFECT
        | {
            "kept_spend": 25.0,
            "kept_rate": 0.05,
            "kept_anyway": 0.75,
            "kept_ceiling": 0.87,
            "kept_worth": AtEdge("H2", (100.0, 2000.0)),
            "referred_early": 1.0,
            "recommending": 0.06,
            "unseen": 0.8,
            "discount_to_won": 0.8,
            "ads_to_adoption": 0.06,
        },
    },
    model=simulate_growth_market,
    hypotheses=hypotheses,
    batched=True,
    constructs={
        "won": Construct("won", "Whether a prospect became a customer."),
        "kept": Construct("kept", "Whether a customer was still one a year later."),
        "discount": Construct("discount", "How much less than the list a prospect was offered."),
        "contact": Construct("contact", "How often a prospect was called on, by lot."),
        "leaning": Construct("leaning", "What makes a prospect come that nobody recorded."),
        "worth": Construct("worth", "What a customer brings over the time to come."),
        "referred": Construct("referred", "Whether a customer came on another's recommendation."),
        "imitation": Construct("imitation", "How much adoption by others raises the chance to adopt."),
    },
    diagram=Diagram(
        {
            "contact": (0.0, 0.85),
            "discount": (0.0, 0.15),
            "won": (0.45, 0.5),
            "leaning": (0.6, 1.0),
            "worth": (0.95, 0.4),
        },
        [
            ("contact", "won"),
            ("discount", "won"),
            ("leaning", "won"),
            ("leaning", "worth"),
            ("discount", "worth"),
        ],
        latent=("leaning",),
    ),
)
