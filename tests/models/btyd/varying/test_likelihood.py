"""The likelihood against integrals over customers' own rates, and its derivatives against differences."""

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import dblquad, quad
from scipy.special import betaln
from scipy.stats import gamma

from crmlab.models.btyd import BGNBD, ModifiedBGNBD, ParetoNBD, fitting
from crmlab.models.btyd.varying import ByPeriod
from crmlab.models.btyd.varying.estimating import VaryingLikelihood
from tests.models.btyd.varying.conftest import BG, KINDS, OWN, PARETO, own_table

PLAIN = {"Pareto/NBD": ParetoNBD, "BG/NBD": BGNBD, "MBG/NBD": ModifiedBGNBD}
SIDES = [
    ("own", "own"),
    ("season", "season"),
    ("season", "nothing"),
    ("nothing", "shared"),
    ("own", "own and static"),
    ("static", "static"),
]


def likelihood(kind, customers, purchase, dropout):
    """The objective that a fit climbs, without standardised covariates."""
    model = kind()
    model._remember(purchase, dropout)
    clock, which = model._clock(customers, customers.end)
    model._begin(clock)
    rows = model._rows(customers, clock, which, True)
    return VaryingLikelihood(model._parts(rows), rows.total), 4 + clock.levels.shape[1]


@pytest.mark.parametrize("kind, truth", KINDS)
@pytest.mark.parametrize("purchase, dropout", SIDES)
def test_gradient_and_hessian_are_those_of_the_likelihood(
    kind, truth, purchase, dropout, sources, customers, generator
):
    named = [sources.get(name) for name in (purchase, dropout)]
    objective, size = likelihood(kind, customers, *named)
    at = np.r_[np.log(list(truth.values())), generator.uniform(-0.4, 0.4, size - 4)]
    _, gradient, hessian = objective(at)
    step = 1e-5 * np.eye(size)
    values = np.array([(objective(at + one)[0] - objective(at - one)[0]) / 2e-5 for one in step])
    slopes = np.array([(objective(at + one)[1] - objective(at - one)[1]) / 2e-5 for one in step])
    assert gradient == pytest.approx(values, rel=1e-6, abs=1e-7 * np.abs(gradient).max())
    assert hessian == pytest.approx(slopes, rel=1e-6, abs=1e-8 * np.abs(hessian).max())
    assert np.array_equal(hessian, hessian.T) or np.abs(hessian - hessian.T).max() < 1e-14


class ByHand:
    """One customer's covariates as plain steps in time, and sums over them without any of crmlab's code."""

    def __init__(self, table, customer, effects, customers):
        place = customers.ids.get_loc(customer)
        own = table[table["customer_id"] == customer]
        self.starts = ((own["period"] - pd.Timestamp(0)) / pd.Timedelta(days=1)).to_numpy()
        self.first, self.end = customers.first[place], customers.end
        self.bought = customers.moment[customers.customer == place]
        self.last = self.bought[-1] if self.bought.size else self.first
        names = [name for name in own.columns if name not in ("customer_id", "period")]
        self.faster, self.leaving = (
            np.exp(own[names].to_numpy() @ [effects[f"{side}_{name}"] for name in names])
            for side in ("purchase", "dropout")
        )

    def speed(self, values, moment):
        return values[np.searchsorted(self.starts, moment, side="right") - 1]

    def since_first(self, values, moment):
        """∫ of the speed from the first purchase on, in weeks."""
        low, high = np.maximum(self.starts, self.first), np.append(self.starts[1:], np.inf)
        return float(values @ np.maximum(np.minimum(high, moment) - low, 0.0)) / 7.0

    def deaths(self, nodes=12):
        """Times at which the customer may have died, with their weights: a rule in each period."""
        cuts = self.starts[(self.starts > self.last) & (self.starts < self.end)]
        cuts = np.r_[self.last, cuts, self.end]
        x, w = np.polynomial.legendre.leggauss(nodes)
        half, middle = np.diff(cuts)[:, None] / 2, (cuts[1:] + cuts[:-1])[:, None] / 2
        return (middle + half * x).ravel(), (half * w).ravel() / 7.0


def pareto_by_hand(table, customer, truth, effects, customers):
    """The log-likelihood of one customer, integrated over λ, μ and the time of death."""
    one = ByHand(table, customer, effects, customers)
    taus, weights = one.deaths()
    bought = np.array([one.since_first(one.faster, tau) for tau in taus])
    lived = np.array([one.since_first(one.leaving, tau) for tau in taus])
    hazard = one.speed(one.leaving, taus)
    over = one.since_first(one.faster, one.end), one.since_first(one.leaving, one.end)
    x = one.bought.size

    def at(dropout, rate):
        mixture = gamma.pdf(rate, truth["r"], scale=1 / truth["alpha"])
        mixture *= gamma.pdf(dropout, truth["s"], scale=1 / truth["beta"])
        died = (weights * dropout * hazard * np.exp(-dropout * lived - rate * bought)).sum()
        return mixture * rate**x * (np.exp(-dropout * over[1] - rate * over[0]) + died)

    # Fourth powers tame the poles of the gamma densities at 0; beyond the ends the densities are nothing.
    ends = [
        gamma.isf(1e-14, shape + more, scale=1 / scale) ** 0.25
        for shape, scale, more in ((truth["r"], truth["alpha"], x), (truth["s"], truth["beta"], 1))
    ]
    total, _ = dblquad(
        lambda m, n: at(m**4, n**4) * 16 * m**3 * n**3, 0, ends[0], 0, ends[1], epsabs=0, epsrel=1e-8
    )
    return np.log(total) + np.log(one.speed(one.faster, one.bought)).sum()


@pytest.mark.parametrize("customer", ["c0", "c3", "c17", "c44"])
def test_pareto_likelihood_is_an_integral_over_rates_and_death(ids, customers, customer):
    table = own_table(ids)
    source = ByPeriod(table)
    kind, _ = KINDS[0]
    model = kind.from_params(**PARETO, **OWN, purchase_covariates=source, dropout_covariates=source)
    ours = model.log_likelihood(customers, individual=True)[ids.get_loc(customer)]
    assert ours == pytest.approx(pareto_by_hand(table, customer, PARETO, OWN, customers), abs=1e-6)


@pytest.mark.parametrize("at_start", [False, True])
@pytest.mark.parametrize("customer", ["c0", "c3", "c17", "c44"])
def test_beta_geometric_likelihood_is_an_integral_over_rates_and_chances(ids, customers, customer, at_start):
    table = own_table(ids)
    source = ByPeriod(table)
    kind, _ = KINDS[1 + at_start]
    model = kind.from_params(**BG, **OWN, purchase_covariates=source, dropout_covariates=source)
    ours = model.log_likelihood(customers, individual=True)[ids.get_loc(customer)]
    one = ByHand(table, customer, OWN, customers)
    x, chances = one.bought.size, one.speed(one.leaving, one.bought)
    if at_start:
        chances = np.r_[one.speed(one.leaving, np.array([one.first])), chances]
    over, last = one.since_first(one.faster, one.end), one.since_first(one.faster, one.last)

    def of_rate(clock):
        return quad(
            lambda u: (
                u ** (4 * x + 3)
                * 4
                * np.exp(-(u**4) * clock)
                * gamma.pdf(u**4, BG["r"], scale=1 / BG["alpha"])
            ),
            0,
            2.0,
            epsabs=0,
            epsrel=1e-10,
        )[0]

    def of_chance(function):
        a, b = BG["a"], BG["b"]

        def density(p):
            return np.exp((a - 1) * np.log(p) + (b - 1) * np.log1p(-p) - betaln(a, b))

        return quad(lambda v: function(v**4) * density(v**4) * 4 * v**3, 0, 1, epsabs=0, epsrel=1e-10)[0]

    total = of_rate(over) * of_chance(lambda p: (1 - p) ** chances.sum())
    if chances.size:
        total += of_rate(last) * of_chance(
            lambda p: (1 - p) ** chances[:-1].sum() * (1 - (1 - p) ** chances[-1])
        )
    purchases = np.log(one.speed(one.faster, one.bought)).sum()
    assert ours == pytest.approx(np.log(total) + purchases, abs=1e-8)


@pytest.mark.parametrize("kind, truth", KINDS)
def test_covariates_that_do_not_change_give_the_model_without_time(
    kind, truth, sources, customers, monkeypatch
):
    """As static ones, and as ones that stand in every period: likelihood, estimates, errors, forecasts."""
    monkeypatch.setattr(fitting, "NEAR", 1e-9)  # curvatures of the very end, not of a step before it
    static = sources["static"]
    table = own_table(customers.ids)[["customer_id", "period"]]
    table["online"] = static.table["online"].loc[table["customer_id"]].to_numpy()
    plain = PLAIN[kind.plain.name]()
    values, z = customers.summary, static.table
    columns = values["frequency"], values["recency"], values["T"]
    plain.fit(*columns, purchase_covariates=z, dropout_covariates=z)
    for source in (static, ByPeriod(table)):
        model = kind().fit(customers, purchase_covariates=source, dropout_covariates=source)
        assert model.log_likelihood_ == pytest.approx(plain.log_likelihood_, abs=1e-8)
        assert model.params_.to_numpy() == pytest.approx(plain.params_.to_numpy(), rel=1e-6)
        assert model.standard_errors_.to_numpy() == pytest.approx(plain.standard_errors_.to_numpy(), rel=1e-6)
        asked = {"purchase_covariates": z, "dropout_covariates": z}
        assert model.probability_alive(customers) == pytest.approx(
            plain.probability_alive(*columns, **asked), rel=1e-6
        )
        assert model.conditional_expected_purchases(20.0, customers) == pytest.approx(
            plain.conditional_expected_purchases(20.0, *columns, **asked), rel=1e-6, abs=1e-9
        )


@pytest.mark.parametrize("kind, truth", KINDS)
def test_covariates_without_effect_give_the_model_without_covariates(kind, truth, sources, customers):
    values = customers.summary
    columns = values["frequency"], values["recency"], values["T"]
    plain = PLAIN[kind.plain.name].from_params(**truth)
    effects = dict.fromkeys(OWN, 0.0)
    own = {"purchase_covariates": sources["own"], "dropout_covariates": sources["own"]}
    model = kind.from_params(**truth, **effects, **own)
    ours = model.log_likelihood(customers, individual=True)
    assert ours == pytest.approx(plain.log_likelihood(*columns, individual=True), rel=1e-11)
    assert model.probability_alive(customers) == pytest.approx(plain.probability_alive(*columns), rel=1e-10)
    assert model.conditional_expected_purchases(30.0, customers) == pytest.approx(
        plain.conditional_expected_purchases(30.0, *columns), rel=1e-9
    )


@pytest.mark.parametrize("kind, truth", KINDS)
def test_a_constant_speed_only_changes_the_unit_of_time(kind, truth, customers):
    """Covariates that are 1 for everybody at all times: alpha (and beta) are divided by exp(coefficient)."""
    table = own_table(customers.ids)[["period"]].drop_duplicates().assign(one=1.0)
    source = ByPeriod(table)
    values = customers.summary
    columns = values["frequency"], values["recency"], values["T"]
    model = kind.from_params(**truth, purchase_one=0.7, purchase_covariates=source)
    faster = PLAIN[kind.plain.name].from_params(**(truth | {"alpha": truth["alpha"] * np.exp(-0.7)}))
    assert model.log_likelihood(customers) == pytest.approx(faster.log_likelihood(*columns), abs=1e-8)
