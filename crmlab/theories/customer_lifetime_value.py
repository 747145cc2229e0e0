"""Customer lifetime value: what a customer will bring, forecast from what the customer has done.

Customers arrive over twelve weeks and buy until they drop out, by the BG/NBD model: purchases at rate λ ~
Gamma(r, α); after each *repeat* purchase the customer is gone for good with probability p ~ Beta(a, b). What
a purchase is worth follows the gamma-gamma model, and may grow with the customer's tenure or go with the
inclination to stay:

    amount = Gamma(p, ν) · exp(growth · years since the first purchase + sorting · z),   ν ~ Gamma(q, γ)

z is the normal score of staying (large where p is small). Each purchase of the holdout weeks stands for
`season` purchases on average: a good or a bad season, a rival, a campaign; whatever the past does not know
about.

The same customers hold a contract that renews by the year: a customer leaves at a renewal with probability
θ ~ Beta(alpha, beta), the shifted beta-geometric model (Fader & Hardie 2007, doi:10.1002/dir.20074).
"""

import warnings
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import betainc, ndtri

from crmlab.design import (
    AtEdge,
    Cohort,
    Design,
    Diagram,
    Estimate,
    EstimationFailed,
    Hypothesis,
    Parameters,
    Tables,
    count,
    effect,
    positive,
)
from crmlab.design.streams import Streams
from crmlab.errors import InputError
from crmlab.estimators import LeastSquares, Within
from crmlab.mechanisms.purchases import bg_nbd, shifted_beta_geometric
from crmlab.models.btyd import BGNBD, ConvergenceWarning, ShiftedBetaGeometric
from crmlab.models.delta import delta_method
from crmlab.models.retention_value import POINTS, gain_from_points, gain_if_all_alike

CALIBRATION, HOLDOUT, ENTRY = 39, 39, 12  # weeks, as in the CDNOW studies
WEEKS_A_YEAR = 365.25 / 7
RENEWALS = 8  # renewals observed of every contract
MARGIN = 0.15  # purchases a customer: an error in the total that a planner would shrug off
PURCHASES, SPEND = "CDNOW: Fader, Hardie & Lee (2005a)", "CDNOW: Fader, Hardie & Lee (2005b)"
HIGH_END = "high-end customers of Fader & Hardie (2007)"
LIMITS = 2  # parameters held at most: one of the purchase rate's, one of dropout's
AT_LEAST = 0.25  # the lower end of "25 to 90 percent"


@dataclass(frozen=True)
class CustomerBase(Parameters):
    """The truth of a customer base. Times in weeks, money in dollars."""

    r: float = positive(0.2426, "shape of purchase rates", low=0.01, high=100, source=PURCHASES)
    alpha: float = positive(4.4135, "weeks, scale of purchase rates", low=0.01, high=1e4, source=PURCHASES)
    a: float = positive(0.7929, "dropout is Beta(a, b)", low=0.001, high=1e4, source=PURCHASES)
    b: float = positive(2.4258, "dropout is Beta(a, b)", low=0.001, high=1e4, source=PURCHASES)
    season: float = positive(1.0, "purchases made in the holdout per purchase foreseeable", low=0.1, high=10)
    spend_p: float = positive(6.249, "shape of a customer's amounts", low=0.1, high=1e3, source=SPEND)
    spend_q: float = positive(3.745, "shape of customers' mean amounts", low=1.01, high=1e3, source=SPEND)
    spend_gamma: float = positive(15.448, "dollars, scale of amounts", low=0.01, source=SPEND)
    spend_growth: float = effect(
        0.0, "growth of amounts, log points a year of tenure", source="none, after Reinartz & Kumar (2000)"
    )
    spend_sorting: float = effect(0.0, "log points of amount a standard deviation of inclination to stay")
    churn_alpha: float = positive(0.668, "churn is Beta(alpha, beta)", low=0.01, high=1e4, source=HIGH_END)
    churn_beta: float = positive(3.806, "churn is Beta(alpha, beta)", low=0.01, high=1e4, source=HIGH_END)
    n_customers: int = count(2000, low=50, source="CDNOW's size")

    def __post_init__(self):
        super().__post_init__()
        if self.mean_churn <= POINTS:
            raise InputError(
                f"churn_alpha {self.churn_alpha} and churn_beta {self.churn_beta} make a mean churn of "
                f"{self.mean_churn:.3f}; five points of it can only be won where it is above {POINTS}"
            )

    @property
    def mean_churn(self) -> float:
        """Share of a new cohort that leaves at the first renewal."""
        return self.churn_alpha / (self.churn_alpha + self.churn_beta)


def simulate_customer_base(p: CustomerBase, streams: Streams) -> Cohort:
    """Draw a cohort of three tables.

    ``customers``: 39 weeks' summary and the 39 weeks that followed; ``purchases``: the log of all 78 weeks;
    ``contracts``: renewals made in eight years, and whether the customer then left.
    """
    rng, n = streams["customers"], p.n_customers
    T = (CALIBRATION - rng.integers(0, ENTRY, n)).astype(float)
    base = bg_nbd(n, T + HOLDOUT, r=p.r, alpha=p.alpha, a=p.a, b=p.b, seed=_seed(rng))
    log = base.log()
    customer, week = log["customer_id"].to_numpy(), log["time"].to_numpy()
    later = week > T[customer]
    copies = np.where(later, _seasonal(streams["season"], p.season, len(week)), 1)
    row = np.repeat(np.arange(len(week)), copies.astype(np.intp, copy=False))
    customer, week, later = customer[row], week[row], later[row]
    recency = np.zeros(n)
    np.maximum.at(recency, customer[~later], week[~later])

    sorted_by = p.spend_sorting * _inclination_to_stay(p, base.truth["dropout_probability"])
    money = streams["purchases"]
    rate = money.standard_gamma(p.spend_q, n) / p.spend_gamma
    years = week / WEEKS_A_YEAR
    amount = (
        money.standard_gamma(p.spend_p, len(week))
        / rate[customer]
        * np.exp(p.spend_growth * years + sorted_by[customer])
    )

    leaves_at, churn = shifted_beta_geometric(
        n, alpha=p.churn_alpha, beta=p.churn_beta, seed=_seed(streams["contracts"])
    )
    return Cohort(
        tables={
            "customers": {
                "frequency": _number(customer[~later], n) - 1,
                "recency": recency,
                "T": T,
                "holdout_purchases": _number(customer[later], n),
            },
            "purchases": {"customer": customer, "week": week, "tenure": years, "amount": amount},
            "contracts": {
                "renewals": np.minimum(leaves_at - 1, RENEWALS).astype(int),
                "left": (leaves_at <= RENEWALS) * 1,
            },
        },
        truth={
            "purchase_rate": base.truth["purchase_rate"],
            "dropout": base.truth["dropout_probability"],
            "lifetime": base.truth["lifetime"],
            "active": base.truth["lifetime"] > T,
            "mean_amount": p.spend_p / rate * np.exp(sorted_by),
            "churn": churn,
        },
    )


def _inclination_to_stay(p, dropout):
    """The normal score of staying, large where p is small; 0 where spend does not go with it."""
    if not p.spend_sorting:
        return np.zeros(len(dropout))
    return -ndtri(np.clip(betainc(p.a, p.b, dropout), 1e-9, 1 - 1e-9))


def _number(which, n):
    """How many there are of each of n customers, or of each of n years."""
    return np.bincount(which.astype(np.intp, copy=False), minlength=n)


def _seed(rng):
    return int(rng.integers(2**62))


def _seasonal(rng, season, size):
    """How many purchases each one stands for, `season` on average."""
    return 1 + rng.poisson(season - 1, size) if season >= 1 else rng.binomial(1, season, size)


# What is true, from the parameters alone ---------------------------------------------------------------


def forecast_by_recipe(frequency: np.ndarray, T: np.ndarray) -> np.ndarray:
    """Frequency times amount, the frequency part: past purchases a week, times the weeks to come."""
    return frequency / T * HOLDOUT


@lru_cache(maxsize=64)
def totals(p: CustomerBase) -> dict[str, float]:
    """Expected purchases a customer: the recipe's forecast of the holdout, the model's, and what happens."""
    model = BGNBD.from_params(r=p.r, alpha=p.alpha, a=p.a, b=p.b)
    T = CALIBRATION - np.arange(ENTRY, dtype=float)
    before, after = model.expected_purchases(T), model.expected_purchases(T + HOLDOUT)
    recipe, foreseeable = float(np.mean(forecast_by_recipe(before, T))), float(np.mean(after - before))
    return {"recipe": recipe, "model": foreseeable, "happens": p.season * foreseeable}


# Estimators ---------------------------------------------------------------------------------------------


def recipe_overshoot(tables: Tables) -> Estimate:
    """Recipe's forecast less what happened, on average over all customers."""
    return _mean(_recipe_errors(tables))


def recipe_overshoot_buyers(tables: Tables) -> Estimate:
    """The same over those who did buy in the holdout: customers chosen by the outcome."""
    return _mean(_recipe_errors(tables)[tables.columns("customers")["holdout_purchases"] > 0])


def _recipe_errors(tables):
    c = tables.columns("customers")
    return forecast_by_recipe(c["frequency"], c["T"]) - c["holdout_purchases"]


def _mean(values):
    if len(values) < 2:
        raise EstimationFailed(f"{len(values)} customers are too few for a mean with an error")
    return Estimate(float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values))), len(values) - 1)


def fit_customers(tables: Tables) -> BGNBD:
    """The BG/NBD fitted to the customers' first 39 weeks, once for each cohort.

    Where the likelihood rises towards a limit (customers all alike, or none who leave), as in few cohorts but
    small ones, the limiting model is taken: the parameter that runs off is held far out, the others fitted.

    Raises
    ------
    EstimationFailed
        If that has no maximum inside the parameter space either.
    """

    def fit():
        c = tables.columns("customers")
        history = c["frequency"], c["recency"], c["T"]
        model, held = _quietly(BGNBD().fit, *history), {}
        while model.convergence_.status == "boundary" and len(held) < LIMITS:
            held |= {name: model.params_[name] for name in model.convergence_.boundary[-1:]}
            model = _quietly(BGNBD().fit, *history, fixed=held)
        return model

    return _converged(tables.once("BG/NBD", fit))


def fit_contracts(tables: Tables) -> ShiftedBetaGeometric:
    """The shifted beta-geometric model fitted to the contracts; raises as `fit_customers`."""
    left_at, still_there = _leaving(tables)
    return _converged(
        _quietly(ShiftedBetaGeometric().fit, lost=left_at, n_customers=left_at.sum() + still_there)
    )


def _quietly(fit, *columns, **counts):
    """A fit without its warning that it did not converge, which `_converged` turns into a failure."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return fit(*columns, **counts)


def _converged(model):
    if not model.convergence_.converged or not np.isfinite(model.covariance_.to_numpy()).all():
        raise EstimationFailed(f"{model.name}: {model.convergence_.message}")
    return model


def model_error(tables: Tables) -> Estimate:
    """BG/NBD forecast less what happened, on average over all customers.

    The error bar knows two sources, the luck of the holdout and the parameters' uncertainty: it is the spread
    of each customer's own error plus that customer's influence on the forecast of all through the parameters.
    """
    c = tables.columns("customers")
    history = c["frequency"], c["recency"], c["T"]
    model = fit_customers(tables)
    expected, slopes = model.forecast(HOLDOUT, *history)
    error = expected - c["holdout_purchases"]
    influence = len(error) * model.scores(*history) @ model.covariance_.to_numpy() @ slopes.mean(0)
    return Estimate(float(error.mean()), float((error + influence).std(ddof=1) / np.sqrt(len(error))))


def model_error_in_sample(tables: Tables) -> Estimate:
    """Purchases expected in the calibration weeks less those made: the fit, taken for a forecast."""
    c = tables.columns("customers")
    weeks, which = np.unique(c["T"], return_inverse=True)
    return _mean(fit_customers(tables).expected_purchases(weeks)[which] - c["frequency"])


def _leaving(tables):
    c = tables.columns("contracts")
    left = c["left"] > 0
    return _number(c["renewals"][left], RENEWALS), int((~left).sum())


def gain_with_differences(tables: Tables) -> Estimate:
    """The gain from five points by the shifted beta-geometric model, which lets customers differ."""
    model = fit_contracts(tables)
    alpha, beta = model.params_
    if alpha / (alpha + beta) <= POINTS:
        raise EstimationFailed("fewer than five in a hundred leave: five points cannot be won")
    gain = delta_method(lambda at: gain_from_points(*at), (alpha, beta), model.covariance_.to_numpy())
    return Estimate(*map(float, gain))


def gain_as_if_alike(tables: Tables) -> Estimate:
    """The gain from five points by the textbook's formula, at the retention rate of all renewals pooled."""
    left_at, _ = _leaving(tables)
    renewals = tables.columns("contracts")["renewals"].sum()
    asked = renewals + left_at.sum()
    retention = renewals / asked
    gain = gain_if_all_alike(retention)
    return Estimate(float(gain), float(gain**2 / POINTS * np.sqrt(retention * (1 - retention) / asked)))


# The design ---------------------------------------------------------------------------------------------

GROWTH = "np.log(amount) ~ tenure"

hypotheses = [
    Hypothesis(
        "H1a",
        "Frequency times amount promises more purchases than come",
        ">",
        truth=lambda p: totals(p)["recipe"] - totals(p)["happens"],
        unit="purchases a customer in 39 weeks",
        estimators={"all customers": recipe_overshoot, "buyers only": recipe_overshoot_buyers},
    ),
    Hypothesis(
        "H1b",
        "The BG/NBD forecast of the total is right, give or take 0.15 purchases a customer",
        "within",
        truth=lambda p: totals(p)["model"] - totals(p)["happens"],
        margin=MARGIN,
        unit="purchases a customer in 39 weeks",
        estimators={"holdout": model_error, "in sample": model_error_in_sample},
    ),
    Hypothesis(
        "H2",
        "The longer customers stay, the more they spend on a purchase",
        ">",
        truth=lambda p: p.spend_growth,
        unit="log points a year",
        estimators={
            "within customers": Within(GROWTH, "tenure", "purchases", unit="customer"),
            "across customers": LeastSquares(GROWTH, "tenure", "purchases", cluster="customer"),
        },
    ),
    Hypothesis(
        "H3",
        "Five points of churn, cut in proportion from everyone, are worth more than 25% of customer value",
        ">",
        truth=lambda p: gain_from_points(p.churn_alpha, p.churn_beta),
        null=AT_LEAST,
        unit="share of today's value",
        estimators={"customers differ": gain_with_differences, "all alike": gain_as_if_alike},
    ),
]

design = Design(
    name="customer_lifetime_value",
    title="Customer lifetime value",
    claim="What customers bought in the past, how often times how much, says what they are worth.",
    parameters=CustomerBase(),
    presets={
        # A season that makes up for all who left, and churn at which five points are worth 25% exactly.
        "null": {
            "season": AtEdge("H1a", (0.5, 5.0)),
            "churn_beta": 20.0,
            "churn_alpha": AtEdge("H3", (1.5, 6.0)),
        },
        "literature": {},
        # Few leave, those who stay spend more each year, and customers are nearly alike.
        "claim": {"a": 0.4, "b": 5.0, "spend_growth": 0.15, "churn_alpha": 3.0, "churn_beta": 30.0},
        # A rival opens in the holdout; big spenders stay; most churn is that of a few.
        "trap": {"season": 0.6, "spend_sorting": 0.4, "churn_alpha": 0.25, "churn_beta": 1.5},
    },
    model=simulate_customer_base,
    hypotheses=hypotheses,
    diagram=Diagram.by_cause(
        {
            "pace": (0.03, 0.94),
            "leaving": (0.03, 0.5),
            "past_purchases": (0.36, 0.94),
            "active": (0.36, 0.5),
            "future_purchases": (0.70, 0.5),
            "season": (0.70, 0.96),
            "mean_amount": (0.36, 0.0),
            "amounts": (0.70, 0.0),
            "tenure": (1.0, 0.0),
            "value": (1.0, 0.35),
        },
        {
            "pace": ("past_purchases", "active", "future_purchases"),
            "leaving": ("past_purchases", "active", "future_purchases", "mean_amount"),
            "active": ("future_purchases",),
            "season": ("future_purchases",),
            "mean_amount": ("amounts",),
            "tenure": ("amounts",),
            "amounts": ("value",),
            "future_purchases": ("value",),
        },
        latent=("pace", "leaving", "active", "season", "mean_amount"),
    ),
)
