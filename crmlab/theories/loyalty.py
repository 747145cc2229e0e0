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
import pandas as pd
from scipy.special import ndtr
from scipy.stats import norm

from crmlab.design import (
    Cohort,
    Design,
    Estimate,
    Hypothesis,
    Parameters,
    parameter,
)
from crmlab.errors import InputError
from crmlab.estimators import LeastSquares, ProbitRegression
from crmlab.mechanisms.items import likert_items, spend_by_period
from crmlab.models.structural import fit_structural

MARGIN = 0.05  # five points of renewal: the difference that a planner would shrug off
ATTITUDE_ITEMS = [f"attitude_{number}" for number in range(1, 5)]
SPEND = [f"spend_q{number}" for number in range(1, 5)]


@dataclass(frozen=True)
class LoyaltyMarket(Parameters):
    """The loyalty market's truth. Paths are between standardised variables."""

    satisfaction_to_attitude: float = parameter(
        0.55,
        "standardised path",
        low=-0.99,
        high=0.99,
        source="positive: Szymanski & Henard (2001); size ours",
    )
    attitude_to_habit: float = parameter(
        0.45, "standardised path", low=-1, high=1, source="positive: Dick & Basu (1994); size ours"
    )
    satisfaction_to_habit: float = parameter(0.10, "standardised path", low=-1, high=1, source="ours")
    base_renewal: float = parameter(0.30, "probit units", low=-3, high=3, source="ours")
    attitude_to_renewal: float = parameter(
        0.40, "probit units a standard deviation", low=-3, high=3, source="ours"
    )
    satisfaction_to_renewal: float = parameter(
        0.15, "probit units a standard deviation", low=-3, high=3, source="ours"
    )
    convexity: float = parameter(
        0.08,
        "probit units a squared standard deviation",
        low=-1,
        high=1,
        source="positive: Mittal & Kamakura (2001); size ours",
    )
    switching_cost_to_renewal: float = parameter(
        0.40,
        "probit units a standard deviation",
        low=-3,
        high=3,
        source="positive: Burnham et al. (2003); size ours",
    )
    rivals_to_renewal: float = parameter(
        -0.35,
        "probit units a standard deviation",
        low=-3,
        high=3,
        source="negative: Jones et al. (2000); size ours",
    )
    satisfaction_x_switching_cost: float = parameter(
        -0.15, "probit units", low=-1, high=1, source="negative: Jones et al. (2000); size ours"
    )
    satisfaction_x_rivals: float = parameter(
        0.15, "probit units", low=-1, high=1, source="positive: Jones et al. (2000); size ours"
    )
    competition: float = parameter(
        0.0, "mean pull of rivals, standard deviations", low=-3, high=3, source="ours"
    )
    veteran_share: float = parameter(0.40, "share of customers", low=0.05, high=0.95, source="ours")
    veteran_renewal: float = parameter(0.30, "probit units", low=-3, high=3, source="ours")
    rating_bias: float = parameter(
        0.0,
        "standard deviations by which veterans overrate all they are asked",
        low=-3,
        high=3,
        source="such bias: Mittal & Kamakura (2001); size ours",
    )
    rating_noise: float = parameter(
        0.0, "standard deviations of error in every rating", low=0, high=3, source="ours"
    )
    overstatement: float = parameter(
        0.25,
        "share of the non-renewing chance that is stated as renewing",
        low=0,
        high=1,
        source="positive: Morwitz (2014); size ours",
    )
    n_customers: int = parameter(800, "customers", low=50, high=200_000, source="ours")

    def __post_init__(self):
        super().__post_init__()
        if self._habit_explained() > 1 + 1e-9:
            raise InputError(
                f"attitude_to_habit {self.attitude_to_habit} and satisfaction_to_habit "
                f"{self.satisfaction_to_habit} explain {self._habit_explained():.2f} of the habit's "
                "variance; lower one so that it is at most 1"
            )

    def _habit_explained(self):
        b, d = self.attitude_to_habit, self.satisfaction_to_habit
        return b**2 + d**2 + 2 * b * d * self.satisfaction_to_attitude


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


def simulate_loyalty_market(p, streams):
    """Draw a cohort: tables ``customers``, ``surveys`` and ``purchases``.

    They hold ratings, conditions and renewals; attitude items; quarterly spend.
    """
    rng, n = streams["customers"], p.n_customers
    satisfaction = rng.standard_normal(n)
    surprise = rng.standard_normal(n)
    attitude = p.satisfaction_to_attitude * satisfaction + sqrt(1 - p.satisfaction_to_attitude**2) * surprise
    switching_cost = rng.standard_normal(n)
    rivals = p.competition + rng.standard_normal(n)
    veteran = (rng.random(n) < p.veteran_share) * 1.0
    chance = ndtr(_renewal_index(p, satisfaction, attitude, switching_cost, rivals, veteran))
    renewed = (rng.random(n) < chance) * 1.0
    rating = satisfaction + p.rating_bias * veteran + p.rating_noise * rng.standard_normal(n)
    habit = (
        p.attitude_to_habit * attitude
        + p.satisfaction_to_habit * satisfaction
        + sqrt(max(0.0, 1 - p._habit_explained())) * streams["habits"].standard_normal(n)
    )
    return Cohort(
        tables={
            "customers": {
                "rating": rating,
                "rating_within_group": rating - _group_mean(rating, veteran),
                "veteran": veteran,
                "switching_cost": switching_cost,
                "rivals": rivals,
                "stated_chance": chance + p.overstatement * (1 - chance),
                "renewed": renewed,
            },
            "surveys": lambda: dict(
                zip(ATTITUDE_ITEMS, likert_items(attitude + p.rating_bias * veteran, streams["surveys"]))
            ),
            "purchases": lambda: dict(zip(SPEND, spend_by_period(habit, streams["purchases"]))),
        },
        truth={"satisfaction": satisfaction, "attitude": attitude, "habit": habit, "renewal_chance": chance},
    )


def _group_mean(values, veteran):
    """Each customer's group mean of `values`."""

    def mean(member):
        return (values * member).sum(-1, keepdims=True) / np.maximum(member.sum(-1, keepdims=True), 1)

    return np.where(veteran > 0, mean(veteran), mean(1 - veteran))


# What is true, from the parameters alone ---------------------------------------------------------------


def attitude_habit_correlation(p):
    """Correlation of attitude and habit: ``b + d a``."""
    return p.attitude_to_habit + p.satisfaction_to_habit * p.satisfaction_to_attitude


def _probit_scale(p):
    """Standard deviation of what the renewal regressions leave out: ``cA e + u``."""
    return sqrt(1 + p.attitude_to_renewal**2 * (1 - p.satisfaction_to_attitude**2))


def renewal_given_satisfaction(p, satisfaction, competition=None, switching_cost=None):
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


def _average_over_satisfaction(function):
    """Mean of a function of a standard normal, by Gauss–Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    return float(weights @ function(nodes) / weights.sum())


def slope_of_renewal(p):
    """What one standard deviation of satisfaction adds to the chance of renewing, on average.

    By Stein's lemma the mean derivative over a normal S is ``E[S · P(renew | S)]``, which is also what a
    least squares line through the renewals estimates.
    """
    return _average_over_satisfaction(lambda s: s * renewal_given_satisfaction(p, s))


def renewal_rate(p):
    """The share of customers who renew."""
    return _average_over_satisfaction(lambda s: renewal_given_satisfaction(p, s))


def intention_gap(p):
    """Mean stated chance of renewing, less the share who renew."""
    return p.overstatement * (1 - renewal_rate(p))


# Estimators that only this lesson needs ----------------------------------------------------------------


def measurement_table(tables, within_groups=True):
    """Attitude items and log spend, standardised, beside the rating: what the factor models are fitted to.

    Within groups, each column has its group's mean taken out, and with it whatever a group of customers
    answers or buys more for reasons of its own.
    """
    customers = tables.columns("customers")
    columns = dict(tables.columns("surveys"))
    columns |= {name: np.log(spend) for name, spend in tables.columns("purchases").items()}
    values = np.array(list(columns.values()))
    if within_groups:
        values = values - _group_mean(values, customers["veteran"])
    values = (values - values.mean(axis=1, keepdims=True)) / values.std(axis=1, keepdims=True)
    rating = customers["rating_within_group" if within_groups else "rating"]
    return pd.DataFrame(dict(zip(columns, values)) | {"rating": rating})


TWO_FACTORS = f"""
attitude =~ {" + ".join(ATTITUDE_ITEMS)}
habit =~ {" + ".join(SPEND)}
attitude ~~ attitude_variance*attitude
habit ~~ habit_variance*habit
attitude ~~ covariance*habit
"""

MEDIATION = f"""
attitude =~ {" + ".join(ATTITUDE_ITEMS)}
habit =~ {" + ".join(SPEND)}
attitude ~ a*rating
habit ~ b*attitude + d*rating
"""


def factor_correlation(tables):
    """Correlation of the attitude and habit factors in a two-factor model."""
    fit = fit_structural(TWO_FACTORS, measurement_table(tables))
    return Estimate(
        *fit.combine(lambda v: v["covariance"] / sqrt(v["attitude_variance"] * v["habit_variance"]))
    )


def score_correlation(tables):
    """Correlation of the two mean scores, as if they held no measurement error; Fisher's z interval."""
    table = measurement_table(tables, within_groups=False)
    r = float(np.corrcoef(table[ATTITUDE_ITEMS].mean(axis=1), table[SPEND].mean(axis=1))[0, 1])
    z, reach = np.arctanh(r), norm.ppf(0.975) / sqrt(len(table) - 3)
    return Estimate(
        r, (1 - r**2) / sqrt(len(table) - 3), interval=(float(np.tanh(z - reach)), float(np.tanh(z + reach)))
    )


def indirect_effect(tables, within_groups=True):
    """Satisfaction's path to habit through attitude, ``a b``, in a quarter's log spend; delta method."""
    fit = fit_structural(MEDIATION, measurement_table(tables, within_groups))
    return Estimate(*fit.combine(lambda v: v["a"] * v["b"]))


def indirect_effect_across_groups(tables):
    """The same model on ratings and answers as given, group differences and all."""
    return indirect_effect(tables, within_groups=False)


# The design ---------------------------------------------------------------------------------------------

ADJUSTED_CURVE = (
    "renewed ~ rating_within_group + I(rating_within_group ** 2) + switching_cost + rivals + veteran"
    " + rating_within_group:switching_cost + rating_within_group:rivals"
)
NAIVE_CURVE = ADJUSTED_CURVE.replace("rating_within_group", "rating").replace(" + veteran", "")


def _curve(term):
    """Adjusted and naive probit regressions for one term of the satisfaction–renewal curve."""
    return {
        "adjusted": ProbitRegression(ADJUSTED_CURVE, term, table="customers"),
        "naive": ProbitRegression(
            NAIVE_CURVE, term.replace("rating_within_group", "rating"), table="customers"
        ),
    }


hypotheses = [
    Hypothesis(
        "H1",
        "Liking a firm and buying from it again are two things, not one",
        "<",
        truth=attitude_habit_correlation,
        null=1.0,
        unit="correlation of the factors",
        estimators={"two-factor model": factor_correlation, "mean scores": score_correlation},
    ),
    Hypothesis(
        "H2",
        "More satisfied customers renew more often",
        ">",
        truth=slope_of_renewal,
        unit="chance of renewing per standard deviation",
        estimators={
            "adjusted": LeastSquares(
                "renewed ~ rating_within_group + switching_cost + rivals + veteran",
                "rating_within_group",
                table="customers",
                covariance="HC1",
            ),
            "naive": LeastSquares("renewed ~ rating", "rating", table="customers", covariance="HC1"),
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
        truth=lambda p: 0.8 * p.satisfaction_to_attitude * p.attitude_to_habit,
        unit="standard deviations of a quarter's log spend",
        estimators={"within groups": indirect_effect, "across groups": indirect_effect_across_groups},
    ),
    Hypothesis(
        "H4",
        "What customers say they will do may stand for what they do",
        "within",
        truth=intention_gap,
        margin=MARGIN,
        unit="stated less actual chance of renewing",
        estimators={
            "paired difference": LeastSquares(
                "I(stated_chance - renewed) ~ 1", "Intercept", table="customers", covariance="HC1"
            )
        },
    ),
]

NO_LINK = {
    "satisfaction_to_attitude": 0.0,
    "satisfaction_to_habit": 0.0,
    "satisfaction_to_renewal": 0.0,
    "attitude_to_habit": 1.0,
    "convexity": 0.0,
    "satisfaction_x_switching_cost": 0.0,
    "satisfaction_x_rivals": 0.0,
}


def _gap_at_margin(changes):
    """The overstatement that puts the intention gap at the margin, where the test's size is largest."""
    return MARGIN / (1 - renewal_rate(LoyaltyMarket(**changes)))


TRAP = NO_LINK | {"rating_bias": 0.8, "veteran_renewal": 0.9}

design = Design(
    name="loyalty",
    title="Customer loyalty",
    claim="Satisfied customers come back, unless switching costs, rivals or the survey itself say otherwise.",
    parameters=LoyaltyMarket(),
    presets={
        "null": NO_LINK | {"overstatement": _gap_at_margin(NO_LINK)},
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
        "trap": TRAP | {"overstatement": _gap_at_margin(TRAP)},
    },
    model=simulate_loyalty_market,
    hypotheses=hypotheses,
    batched=True,
)
