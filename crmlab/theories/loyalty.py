"""Customer loyalty: does satisfaction bring customers back, and what could make it look as if it did?

Satisfaction S shapes attitude A; attitude shapes the habit of buying here B and, with switching cost K and
the pull of rivals V, the decision to renew. What a survey reports is a *rating* of S, which may be biased
in one group of customers (after Mittal & Kamakura 2001, doi:10.1509/jmkr.38.1.131.18832).

    A  = a S + e                                          Var A = 1
    B  = b A + d S + z                                    Var B = 1
    R* = c0 + g G + cA A + cS S + q (S² - 1) + k K - v V + kS S K + vS S V + u,   u ~ N(0, 1)
    R  = 1 if R* > 0;   rating = S + bias G + noise;   S, K ~ N(0, 1),  V ~ N(competition, 1)

A is not in the renewal regressions, so what they estimate is R's probit given S, K and V: every
coefficient divided by the standard deviation of ``cA e + u``.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.special import ndtr

from crmlab.design import AtEdge, Design, Diagram, Hypothesis, Parameters, count, path, probit, share, spread
from crmlab.design.cohort import Cohort, Tables
from crmlab.design.streams import Streams
from crmlab.estimators import ProbitRegression, robust
from crmlab.estimators.factors import OrdinalStructuralEstimate, ScoreCorrelation, StructuralEstimate
from crmlab.mechanisms.items import SPEND_LOADING, Scale, answers, spend_by_period
from crmlab.mechanisms.named import named_paths
from crmlab.mechanisms.normal import mean_over_normal, mean_slope
from crmlab.mechanisms.paths import PathModel
from crmlab.models.structural import Fits, measured_by

MARGIN = 0.05  # five points of renewal: the difference that a planner would shrug off
ATTITUDE_ITEMS = [f"attitude_{number}" for number in range(1, 5)]
SPEND = [f"spend_q{number}" for number in range(1, 5)]
SCALE = Scale(points=7, spread=0.7, loading=0.8)
A_DEVIATION = "probit units a standard deviation"
A_SQUARE = "probit units a squared standard deviation"
MITTAL, JONES, BURNHAM = "Mittal & Kamakura (2001)", "Jones et al. (2000)", "Burnham et al. (2003)"


@dataclass(frozen=True)
class LoyaltyMarket(Parameters):
    """The loyalty market's truth. Paths are between standardised variables."""

    satisfaction_to_attitude: float = path(0.55, source="positive: Szymanski & Henard (2001); size ours")
    attitude_to_habit: float = path(0.45, low=-1, high=1, source="positive: Dick & Basu (1994); size ours")
    satisfaction_to_habit: float = path(0.10, low=-1, high=1)
    base_renewal: float = probit(0.30)
    attitude_to_renewal: float = probit(0.40, A_DEVIATION)
    satisfaction_to_renewal: float = probit(0.15, A_DEVIATION)
    convexity: float = probit(0.08, A_SQUARE, low=-1, high=1, source=f"positive: {MITTAL}; size ours")
    switching_cost_to_renewal: float = probit(0.40, A_DEVIATION, source=f"positive: {BURNHAM}; size ours")
    rivals_to_renewal: float = probit(-0.35, A_DEVIATION, source=f"negative: {JONES}; size ours")
    satisfaction_x_switching_cost: float = probit(
        -0.15, low=-1, high=1, source=f"negative: {JONES}; size ours"
    )
    satisfaction_x_rivals: float = probit(0.15, low=-1, high=1, source=f"positive: {JONES}; size ours")
    competition: float = probit(0.0, "mean pull of rivals, standard deviations")
    veteran_share: float = share(0.40, low=0.05, high=0.95)
    veteran_renewal: float = probit(0.30)
    rating_bias: float = probit(
        0.0, "sd by which veterans overrate all they are asked", source=f"such bias: {MITTAL}; size ours"
    )
    rating_noise: float = spread(0.0, "standard deviations of error in every rating", high=3)
    overstatement: float = share(
        0.25,
        "share of the non-renewing chance stated as renewing",
        source="positive: Morwitz (2014); size ours",
    )
    n_customers: int = count(800, low=50)

    def __post_init__(self):
        super().__post_init__()
        _ = self.paths  # refuses paths that explain more than all of a variance

    @property
    def paths(self) -> PathModel:
        """Satisfaction, attitude and habit."""
        return PathModel(named_paths(self, "attitude", "habit"))


def _renewal_index(p, satisfaction, attitude, switching_cost, rivals, veteran):
    """What the renewal probit adds up, before its error."""
    return (
        p.base_renewal
        + p.veteran_renewal * veteran
        + p.attitude_to_renewal * attitude
        + p.satisfaction_to_renewal * satisfaction
        + p.convexity * (satisfaction**2 - 1)
        + p.switching_cost_to_renewal * switching_cost
        + p.rivals_to_renewal * rivals
        + p.satisfaction_x_switching_cost * satisfaction * switching_cost
        + p.satisfaction_x_rivals * satisfaction * rivals
    )


def simulate_loyalty_market(p: LoyaltyMarket, streams: Streams) -> Cohort:
    """Draw a cohort: ``customers`` (ratings, conditions, renewals), ``surveys`` and ``purchases``."""
    rng, n = streams["customers"], p.n_customers
    latent = p.paths.draw(rng, n, ["satisfaction", "attitude"])
    satisfaction, attitude = latent["satisfaction"], latent["attitude"]
    switching_cost = rng.standard_normal(n)
    rivals = p.competition + rng.standard_normal(n)
    veteran = (rng.random(n) < p.veteran_share) * 1.0
    chance = ndtr(_renewal_index(p, satisfaction, attitude, switching_cost, rivals, veteran))
    renewed = (rng.random(n) < chance) * 1.0
    rating = satisfaction + p.rating_bias * veteran + p.rating_noise * rng.standard_normal(n)
    latent |= p.paths.draw(streams["habits"], n, given=latent)
    customers = {
        "rating": rating,
        "rating_within_group": rating - _group_mean(rating, veteran),
        "veteran": veteran,
        "switching_cost": switching_cost,
        "rivals": rivals,
        "stated_chance": chance + p.overstatement * (1 - chance),
        "renewed": renewed,
    }

    def surveys():
        felt = {"attitude": attitude + p.rating_bias * veteran}
        return answers({"attitude": ATTITUDE_ITEMS}, felt, SCALE, streams["surveys"])

    def purchases():
        return dict(zip(SPEND, spend_by_period(latent["habit"], streams["purchases"], len(SPEND))))

    return Cohort(
        tables={"customers": customers, "surveys": surveys, "purchases": purchases},
        truth=latent | {"renewal_chance": chance},
    )


def _group_mean(values, veteran):
    """Each customer's group mean of `values`."""

    def mean(member):
        return (values * member).sum(-1, keepdims=True) / np.maximum(member.sum(-1, keepdims=True), 1)

    return np.where(veteran > 0, mean(veteran), mean(1 - veteran))


# What is true, from the parameters alone ---------------------------------------------------------------


def _probit_scale(p):
    """Standard deviation of what the renewal regressions leave out: ``cA e + u``."""
    return sqrt(1 + p.attitude_to_renewal**2 * (1 - p.satisfaction_to_attitude**2))


def renewal_given_satisfaction(
    p: LoyaltyMarket,
    satisfaction: np.ndarray,
    competition: float | None = None,
    switching_cost: float | None = None,
) -> np.ndarray:
    """Probability of renewing at a true satisfaction, averaged over all else.

    Parameters
    ----------
    p : LoyaltyMarket
    satisfaction : array
        In standard deviations.
    competition, switching_cost : float, optional
        Hold the pull of rivals or the switching cost at a value, in place of averaging over customers.
    """
    s = np.asarray(satisfaction, dtype=float)
    rivals = p.competition if competition is None else competition
    cost = 0.0 if switching_cost is None else switching_cost
    left_out = _probit_scale(p) ** 2
    if competition is None:
        left_out = left_out + (p.rivals_to_renewal + p.satisfaction_x_rivals * s) ** 2
    if switching_cost is None:
        left_out = left_out + (p.switching_cost_to_renewal + p.satisfaction_x_switching_cost * s) ** 2
    chances = [
        ndtr(_renewal_index(p, s, p.satisfaction_to_attitude * s, cost, rivals, group) / np.sqrt(left_out))
        for group in (0.0, 1.0)
    ]
    return (1 - p.veteran_share) * chances[0] + p.veteran_share * chances[1]


def slope_of_renewal(p: LoyaltyMarket) -> float:
    """What one standard deviation of satisfaction adds to the chance of renewing, on average.

    The mean derivative, which is also what a least squares line through the renewals estimates.
    """
    return mean_slope(lambda s: renewal_given_satisfaction(p, s))


def renewal_rate(p: LoyaltyMarket) -> float:
    """The share of customers who renew."""
    return mean_over_normal(lambda s: renewal_given_satisfaction(p, s))


def intention_gap(p: LoyaltyMarket) -> float:
    """Mean stated chance of renewing, less the share who renew."""
    return p.overstatement * (1 - renewal_rate(p))


# What the factor models are fitted to --------------------------------------------------------------------

FACTORS = measured_by({"attitude": ATTITUDE_ITEMS, "habit": SPEND})
TWO_FACTORS = f"""{FACTORS}
attitude ~~ attitude_variance*attitude
habit ~~ habit_variance*habit
attitude ~~ covariance*habit
"""
MEDIATION = f"""{FACTORS}
attitude ~ a*rating
habit ~ b*attitude + d*rating
"""


def attitude_items(tables: Tables) -> dict[str, np.ndarray]:
    """Answers to the attitude items, by name."""
    return tables.columns("surveys")


def log_spend(tables: Tables) -> dict[str, np.ndarray]:
    """Logarithms of each quarter's spend, by name."""
    return {name: np.log(spend) for name, spend in tables.columns("purchases").items()}


def veterans(tables: Tables) -> np.ndarray:
    """1 for a veteran, 0 for the others."""
    return tables.columns("customers")["veteran"]


def measurements(tables: Tables) -> dict[str, np.ndarray]:
    """Attitude items, log spend and rating, as they are."""
    return attitude_items(tables) | log_spend(tables) | {"rating": tables.columns("customers")["rating"]}


def measurements_within_groups(tables: Tables) -> dict[str, np.ndarray]:
    """The same without each group's mean: without what a group answers or buys for its own reasons."""
    return {name: each - _group_mean(each, veterans(tables)) for name, each in measurements(tables).items()}


def factor_correlation(v: dict[str, np.ndarray]) -> np.ndarray:
    """Correlation of the two factors from the model's parameters."""
    return v["covariance"] / np.sqrt(v["attitude_variance"] * v["habit_variance"])


def indirect_effect(fits: Fits) -> tuple:
    """Satisfaction's effect on habit through attitude, in standard deviations of a quarter's log spend."""
    return fits.indirect_effect("rating", "attitude", "habit", deviations_of=SPEND[0])


# The design ---------------------------------------------------------------------------------------------

ADJUSTED_LINE = "renewed ~ rating_within_group + switching_cost + rivals + veteran"
ADJUSTED_CURVE = (
    "renewed ~ rating_within_group + I(rating_within_group ** 2) + switching_cost + rivals + veteran"
    " + rating_within_group:switching_cost + rating_within_group:rivals"
)
NAIVE_CURVE = ADJUSTED_CURVE.replace("rating_within_group", "rating").replace(" + veteran", "")


def _curve(term):
    """Adjusted and naive probit regressions for one term of the satisfaction–renewal curve."""
    adjusted = ProbitRegression(ADJUSTED_CURVE, term, table="customers", bias_reduced=True)
    naive = ProbitRegression(NAIVE_CURVE, term.replace("rating_within_group", "rating"), table="customers")
    return {"adjusted": adjusted, "naive": naive}


hypotheses = [
    Hypothesis(
        "H1",
        "Liking a firm and buying from it again are two things, not one",
        "<",
        truth=lambda p: p.paths.correlation("attitude", "habit"),
        null=1.0,
        unit="correlation of the factors",
        estimators={
            "two-factor model": OrdinalStructuralEstimate(
                TWO_FACTORS, attitude_items, log_spend, factor_correlation, veterans
            ),
            "mean scores": ScoreCorrelation(attitude_items, log_spend),
        },
    ),
    Hypothesis(
        "H2",
        "More satisfied customers renew more often",
        ">",
        truth=slope_of_renewal,
        unit="chance of renewing per standard deviation",
        estimators={
            "adjusted": robust(ADJUSTED_LINE, "rating_within_group", "customers"),
            "naive": robust("renewed ~ rating", "rating", "customers"),
        },
    ),
    Hypothesis(
        "H2a",
        "The link is convex: the very satisfied renew more than in proportion",
        ">",
        truth=lambda p: p.convexity / _probit_scale(p),
        unit="probit units",
        estimators=_curve("I(rating_within_group ** 2)"),
    ),
    Hypothesis(
        "H2b",
        "Where switching is costly, satisfaction matters less",
        "<",
        truth=lambda p: p.satisfaction_x_switching_cost / _probit_scale(p),
        unit="probit units",
        estimators=_curve("rating_within_group:switching_cost"),
    ),
    Hypothesis(
        "H2c",
        "Where rivals pull, satisfaction matters more",
        ">",
        truth=lambda p: p.satisfaction_x_rivals / _probit_scale(p),
        unit="probit units",
        estimators=_curve("rating_within_group:rivals"),
    ),
    Hypothesis(
        "H3",
        "Satisfaction works on the habit of buying through attitude",
        ">",
        truth=lambda p: SPEND_LOADING * p.paths.indirect_effect("satisfaction", "habit", through="attitude"),
        unit="standard deviations of a quarter's log spend",
        estimators={
            "within groups": StructuralEstimate(MEDIATION, measurements_within_groups, indirect_effect),
            "across groups": StructuralEstimate(MEDIATION, measurements, indirect_effect),
        },
    ),
    Hypothesis(
        "H4",
        "What customers say they will do may stand for what they do",
        "within",
        truth=intention_gap,
        margin=MARGIN,
        unit="stated less actual chance of renewing",
        estimators={"paired difference": robust("I(stated_chance - renewed) ~ 1", "Intercept", "customers")},
    ),
]

NO_LINK = dict.fromkeys(
    [f"satisfaction_to_{effect}" for effect in ("attitude", "habit", "renewal")]
    + ["convexity", "satisfaction_x_switching_cost", "satisfaction_x_rivals"],
    0.0,
) | {"attitude_to_habit": 1.0}
AT_MARGIN = {"overstatement": AtEdge("H4", (0.0, 0.99))}  # where the test's size is at its largest

# Hypotheses whose naive analysis the trap does not fool, and why.
NO_TRAP = {
    "H2b": "veterans overrate by the same amount whatever their switching cost, so no product is biased",
    "H2c": "nor does the amount depend on the pull of rivals",
    "H4": "stated and actual renewals are compared customer by customer; ratings do not enter",
}

design = Design(
    name="loyalty",
    title="Customer loyalty",
    claim="Satisfied customers come back, unless switching costs, rivals or the survey itself say otherwise.",
    parameters=LoyaltyMarket(),
    presets={
        "null": NO_LINK | AT_MARGIN,
        "literature": {},
        "claim": {
            "satisfaction_to_attitude": 0.7,
            "attitude_to_habit": 0.6,
            "satisfaction_to_habit": 0.0,
            "attitude_to_renewal": 0.7,
            "satisfaction_to_renewal": 0.0,
            "convexity": 0.15,
            "satisfaction_x_switching_cost": -0.3,
            "satisfaction_x_rivals": 0.3,
            "overstatement": 0.0,
        },
        "trap": NO_LINK | AT_MARGIN | {"rating_bias": 0.8, "veteran_renewal": 0.9},
    },
    model=simulate_loyalty_market,
    hypotheses=hypotheses,
    batched=True,
    diagram=Diagram.by_cause(
        {
            "satisfaction": (0.04, 0.62),
            "attitude": (0.36, 0.62),
            "habit": (0.62, 1.0),
            "rating": (0.04, 0.03),
            "spend": (0.92, 1.0),
            "renewal": (0.74, 0.45),
            "switching_cost": (1.0, 0.70),
            "rivals": (1.0, 0.22),
            "veteran": (0.52, 0.03),
            "answers": (0.23, 0.26),
        },
        {
            "satisfaction": ("attitude", "habit", "renewal", "rating"),
            "attitude": ("habit", "renewal", "answers"),
            "habit": ("spend",),
            "switching_cost": ("renewal",),
            "rivals": ("renewal",),
            "veteran": ("rating", "answers", "renewal"),
        },
        latent=("satisfaction", "attitude", "habit"),
    ),
)
