"""Fitting: what changes nothing changes nothing, bad input is refused, and a fitted model tells its story."""

import copy
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest

from crmlab.errors import InputError
from crmlab.mechanisms import purchases
from crmlab.models.btyd import (
    BGBB,
    BGNBD,
    ConvergenceWarning,
    GammaGamma,
    ModifiedBGNBD,
    NotFittedError,
    ParetoNBD,
    ShiftedBetaGeometric,
    fitting,
    likelihood_ratio_test,
)
from crmlab.models.btyd.likelihood import Likelihood
from crmlab.models.btyd.rows import Rows, compress

BG = dict(r=0.5, alpha=5.0, a=0.8, b=2.5)
PARETO = dict(r=0.6, alpha=8.0, s=0.7, beta=12.0)
KINDS = [
    (BGNBD, purchases.bg_nbd, BG),
    (ModifiedBGNBD, purchases.mbg_nbd, BG),
    (ParetoNBD, purchases.pareto_nbd, PARETO),
]


@pytest.fixture(scope="module")
def base():
    return purchases.bg_nbd(1500, np.random.default_rng(0).integers(100, 300, 1500), seed=1, grain=1.0, **BG)


@pytest.mark.parametrize("kind, draw, truth", KINDS)
def test_rescaling_time_rescales_only_times(kind, draw, truth):
    data = draw(800, 40.0, seed=3, **truth)
    weeks = kind().fit(data.frequency, data.recency, data.T)
    days = kind().fit(data.frequency, data.recency * 7, data.T * 7)
    for name in weeks.params_.index:
        unit = 7 if name in kind.time_parameters else 1
        assert days.params_[name] == pytest.approx(unit * weeks.params_[name], rel=1e-7)
        assert days.standard_errors_[name] == pytest.approx(unit * weeks.standard_errors_[name], rel=1e-6)
    shift = data.frequency.sum() * np.log(7)
    assert days.log_likelihood_ == pytest.approx(weeks.log_likelihood_ - shift, abs=1e-7)
    assert days.probability_alive(2, 140.0, 280.0) == pytest.approx(
        weeks.probability_alive(2, 20.0, 40.0), rel=1e-6
    )
    assert days.expected_purchases(70.0) == pytest.approx(weeks.expected_purchases(10.0), rel=1e-6)


def test_rescaling_money(generator):
    x = generator.integers(1, 9, 900)
    money, _ = purchases.gamma_gamma(x, p=6.0, q=4.0, gamma=15.0, seed=1)
    euro, cent = GammaGamma().fit(x, money), GammaGamma().fit(x, money * 100)
    assert cent.params_.tolist() == pytest.approx(
        [euro.params_.p, euro.params_.q, 100 * euro.params_.gamma], rel=1e-7
    )
    assert cent.log_likelihood_ == pytest.approx(euro.log_likelihood_ - 900 * np.log(100), abs=1e-6)


@pytest.mark.parametrize("kind, draw, truth", KINDS)
def test_weights_are_counts(kind, draw, truth):
    data = draw(600, 40.0, seed=4, grain=1.0, **truth).summary
    counted = data.groupby(["frequency", "recency", "T"]).size().reset_index(name="n")
    plain = kind().fit(data.frequency, data.recency, data["T"])
    weighted = kind().fit(counted.frequency, counted.recency, counted["T"], counted.n)
    shuffled = data.sample(frac=1, random_state=1)
    again = kind().fit(shuffled.frequency, shuffled.recency, shuffled["T"])
    for other in (weighted, again):
        assert other.params_.to_numpy() == pytest.approx(plain.params_.to_numpy(), rel=1e-7)
        assert other.standard_errors_.to_numpy() == pytest.approx(plain.standard_errors_.to_numpy(), rel=1e-6)
        assert other.log_likelihood_ == pytest.approx(plain.log_likelihood_, abs=1e-8)
        assert other.bic_ == pytest.approx(plain.bic_, abs=1e-7)


def test_compression_keeps_every_customer(generator):
    columns = [
        generator.integers(0, 4, 5000).astype(float),
        generator.integers(0, 9, 5000) / 7,
        np.full(5000, 3e9),
    ]
    weights = generator.random(5000) + 0.5
    for given in (None, weights):
        rows = compress(columns, given)
        assert len(rows) == 36
        table = pd.DataFrame(np.column_stack(columns)).assign(w=1.0 if given is None else given)
        expected = table.groupby([0, 1, 2]).w.sum()
        got = pd.Series(rows.weight, index=pd.MultiIndex.from_arrays(rows.columns)).sort_index()
        assert got.to_numpy() == pytest.approx(expected.to_numpy())
        assert np.array_equal(
            np.column_stack(got.index.to_frame().to_numpy().T),
            np.column_stack(expected.index.to_frame().to_numpy().T),
        )


def test_result_does_not_depend_on_threads(base):
    rows = compress((base.frequency.astype(float), base.recency, base.T))
    many = Rows(tuple(np.tile(column, 40) for column in rows.columns), np.tile(rows.weight, 40))
    values = [
        Likelihood(BGNBD()._terms, many, 4, threads=threads)(np.log([0.5, 5, 0.8, 2.5])) for threads in (1, 3)
    ]
    assert all(np.array_equal(a, b) for a, b in zip(*values))


@pytest.mark.parametrize("kind, draw, truth", KINDS)
def test_reported_log_likelihood_is_that_of_the_customers(kind, draw, truth):
    data = draw(500, 40.0, seed=5, **truth)
    columns = data.frequency, data.recency, data.T
    model = kind().fit(*columns)
    assert model.log_likelihood(*columns) == pytest.approx(model.log_likelihood_, abs=1e-8)
    assert model.log_likelihood(*columns, individual=True).sum() == pytest.approx(
        model.log_likelihood_, abs=1e-8
    )
    assert model.aic_ == pytest.approx(8 - 2 * model.log_likelihood_)
    assert model.bic_ == pytest.approx(4 * np.log(500) - 2 * model.log_likelihood_)
    for name in model.params_.index:  # a maximum: lower on either side
        for factor in (0.99, 1.01):
            other = kind.from_params(**(model.params_.to_dict() | {name: model.params_[name] * factor}))
            assert other.log_likelihood(*columns) < model.log_likelihood_


# -- covariates and nested fits ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind, draw, truth", KINDS)
def test_covariates_are_recovered_and_nested(kind, draw, truth):
    generator = np.random.default_rng(2)
    z = pd.DataFrame({"promo": generator.integers(0, 2, 4000), "age": generator.integers(-2, 3, 4000) / 2})
    dropout = z[["promo"]]
    data = draw(
        4000,
        60,
        seed=6,
        grain=1.0,
        purchase_covariates=z,
        purchase_effects=[0.5, -0.3],
        dropout_covariates=dropout,
        dropout_effects=[-0.6],
        **truth,
    )
    columns = data.frequency, data.recency, data.T
    full = kind().fit(*columns, purchase_covariates=z, dropout_covariates=dropout)
    assert full.convergence_ and list(full.params_.index[4:]) == [
        "purchase_promo",
        "purchase_age",
        "dropout_promo",
    ]
    error = (full.params_[4:] - [0.5, -0.3, -0.6]) / full.standard_errors_[4:]
    assert (error.abs() < 3.5).all()
    assert full.log_likelihood(*columns, purchase_covariates=z, dropout_covariates=dropout) == pytest.approx(
        full.log_likelihood_, abs=1e-6
    )

    without = kind().fit(*columns, purchase_covariates=z)
    test = full.likelihood_ratio_test(without)
    assert test.degrees_of_freedom == 1 and test.p_value < 1e-3 and "p =" in repr(test)
    assert test.statistic == pytest.approx(2 * (full.log_likelihood_ - without.log_likelihood_))
    held = kind().fit(
        *columns, purchase_covariates=z, dropout_covariates=dropout, fixed={"dropout_promo": 0.0}
    )
    assert held.log_likelihood_ == pytest.approx(without.log_likelihood_, abs=1e-6)
    assert held.aic_ == pytest.approx(without.aic_, abs=1e-6)
    with pytest.raises(InputError, match="not nested"):
        likelihood_ratio_test(full, without)

    # a customer with covariates is a customer of the model with moved parameters
    base = kind.from_params(**full.params_[:4].to_dict())
    moved = dict(full.params_[:4])
    moved["alpha"] *= np.exp(-full.params_.purchase_promo - full.params_.purchase_age)
    key, sign = ("beta", -1) if kind is ParetoNBD else ("a", 1)
    moved[key] *= np.exp(sign * full.params_.dropout_promo)
    ask = dict(purchase_covariates=[[1, 1.0]], dropout_covariates=[[1]])
    ask = {
        "purchase_covariates": pd.DataFrame({"promo": [1], "age": [1.0]}),
        "dropout_covariates": pd.DataFrame({"promo": [1]}),
    }
    assert full.probability_alive([2], [9.0], [30.0], **ask) == pytest.approx(
        kind.from_params(**moved).probability_alive([2], [9.0], [30.0])
    )
    assert full.expected_purchases([9.0], **ask) == pytest.approx(
        kind.from_params(**moved).expected_purchases([9.0])
    )
    assert base.expected_purchases(9.0) != pytest.approx(full.expected_purchases([9.0], **ask)[0])
    with pytest.raises(InputError, match="purchase_covariates not given"):
        full.probability_alive(2, 9.0, 30.0)
    drawn = full.simulate(4000, 60.0, seed=1, purchase_covariates=z, dropout_covariates=dropout)
    assert drawn.frequency[z.promo == 1].mean() > 1.2 * drawn.frequency[z.promo == 0].mean()
    with pytest.raises(InputError, match="not given"):
        full.simulate(10, 60.0, seed=1)


@pytest.mark.parametrize("kind, draw, truth", KINDS)
def test_covariate_hessian_is_the_gradients_slope(kind, draw, truth):
    generator = np.random.default_rng(3)
    z = generator.normal(size=(300, 2))
    data = draw(300, 40.0, seed=7, **truth)
    model = kind()
    rows = compress((data.frequency.astype(float), data.recency, data.T), None, z, z[:, :1])
    likelihood = Likelihood(model._terms, rows, 4, model._slopes(rows))
    at = np.concatenate([np.log(list(truth.values())), [0.3, -0.2, 0.4]])
    _, _, hessian = likelihood(at)
    for j in range(7):
        step = np.eye(7)[j] * 1e-5
        up, down = likelihood(at + step), likelihood(at - step)
        assert hessian[j] == pytest.approx((up[1] - down[1]) / 2e-5, rel=1e-5, abs=1e-7)
        assert likelihood(at)[1][j] == pytest.approx((up[0] - down[0]) / 2e-5, rel=1e-5, abs=1e-8)


@pytest.mark.filterwarnings("ignore::crmlab.models.btyd.fitting.ConvergenceWarning")
def test_fixed_parameters_and_the_size_of_the_test():
    """Under a true restriction the likelihood-ratio test rejects 5% of the time."""
    rejected = 0
    for seed in range(200):
        data = purchases.bg_nbd(400, 40, seed=seed, **BG)
        columns = data.frequency, data.recency, data.T
        held = BGNBD().fit(*columns, fixed={"r": 0.5})
        assert held.params_.r == 0.5 and held.standard_errors_.r == 0.0
        rejected += BGNBD().fit(*columns).likelihood_ratio_test(held).p_value < 0.05
    assert 1 <= rejected <= 22  # 200 × .05 ± 3.9 standard deviations


def test_nested_fits_must_see_the_same_customers(base):
    columns = base.frequency, base.recency, base.T
    held = BGNBD().fit(*(column[:900] for column in columns), fixed={"b": 2.5})
    with pytest.raises(InputError, match="different customers"):
        BGNBD().fit(*columns).likelihood_ratio_test(held)
    with pytest.raises(InputError, match="not nested in Pareto"):
        ParetoNBD().fit(*columns).likelihood_ratio_test(held)


# -- bad input -----------------------------------------------------------------------------------------------


GOOD = dict(frequency=[2, 0, 1, 3], recency=[5.0, 0.0, 2.0, 8.0], T=[9.0, 9.0, 8.0, 8.0])
BAD = [
    (dict(recency=[5.0, 0.0, -2.0, 8.0]), r"recency is negative in 1 of 4 rows.*row 2: -2"),
    (
        dict(recency=[5.0, 0.0, 12.0, 80.0]),
        r"recency is later than T in 2 of 4 rows.*row 2: 12 with T 8.*same unit",
    ),
    (dict(recency=[5.0, 3.0, 2.0, 8.0]), r"recency is above 0 where frequency is 0 in 1 of 4.*row 1: 3"),
    (dict(recency=[5.0, 0.0, np.nan, 8.0]), r"recency is not a finite number in 1 of 4.*row 2: nan"),
    (dict(T=[9.0, np.inf, 8.0, 8.0]), r"T is not a finite number.*row 1"),
    (dict(T=["9", "9", "x", 8.0]), r"T is not a number.*row 0: '9'"),
    (dict(frequency=["2", "0", "1", "3"]), r"frequency is not a number in 4 of 4"),
    (dict(frequency=[2, 0, None, 3]), r"frequency is not a number in 1 of 4.*row 2: None"),
    (dict(frequency=[2.5, 0, 1, 3]), r"frequency is not a whole number in 1 of 4.*row 0: 2.5"),
    (dict(frequency=[-1, 0, 1, 3]), r"frequency is below 0 in 1 of 4"),
    (dict(recency=[5.0, 0.0, 2.0]), r"unequal length: frequency has 4, recency has 3"),
    (dict(T=pd.to_datetime(["2024-01-01"] * 4)), r"T holds dates.*days since the first purchase"),
    (dict(recency=pd.to_timedelta([5, 0, 2, 8], unit="D")), r"recency holds dates or durations"),
    (dict(weights=[1, 2, 0, 1]), r"weights is not above 0 in 1 of 4.*row 2: 0"),
    (dict(weights=[1, 2, -3, 1]), r"weights is not above 0"),
    (dict(weights=[1, 2]), r"weights has 2"),
    (dict(frequency=[], recency=[], T=[]), r"frequency is empty"),
    (dict(frequency=[[2, 0, 1, 3]]), r"frequency is of dimension 2"),
    (dict(frequency=pd.DataFrame({"x": [2, 0, 1, 3]})), r"frequency is a table"),
]


@pytest.mark.parametrize("change, message", BAD)
@pytest.mark.parametrize("kind", [BGNBD, ModifiedBGNBD, ParetoNBD])
def test_bad_histories_are_refused(kind, change, message):
    with pytest.raises(InputError, match=message):
        kind().fit(**(GOOD | change))


def test_many_bad_rows_are_counted_not_listed():
    with pytest.raises(InputError, match=r"in 1000 of 1000 rows.*row 4: 9 with T 1, and 995 more"):
        BGNBD().fit(np.ones(1000), np.full(1000, 9.0), np.ones(1000))


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: GammaGamma().fit([0, 2], [0.0, 5.0]),
            r"frequency is below 1 in 1 of 2.*leave the others out",
        ),
        (lambda: GammaGamma().fit([1, 2], [-3.0, 5.0]), r"monetary_value is not above 0.*refunds"),
        (lambda: GammaGamma().fit([1, 2], [3.0]), r"unequal length"),
        (lambda: BGBB().fit([3], [2], [6]), r"frequency is above recency"),
        (lambda: BGBB().fit([1], [7], 6), r"recency is later than n_periods"),
        (lambda: BGBB().fit([1], [2.5], 6), r"recency is not a whole number"),
        (lambda: ShiftedBetaGeometric().fit([631, 468], lost=[3]), r"either survivors or lost"),
        (lambda: ShiftedBetaGeometric().fit(lost=[369, 163]), r"n_customers not given"),
        (lambda: ShiftedBetaGeometric().fit([100, 90, 95]), r"survivors is above the one before.*row 2: 95"),
        (lambda: ShiftedBetaGeometric().fit(lost=[60, 50], n_customers=100), r"more than the 100"),
        (lambda: BGNBD().fit(**GOOD, fixed={"rr": 1}), r"unknown fixed parameter 'rr'; known: r, alpha"),
        (lambda: BGNBD().fit(**GOOD, purchase_covariates=[1.0, 1.0, 1.0, 1.0]), r"constant column"),
        (lambda: BGNBD().fit(**GOOD, purchase_covariates=[1.0, 2.0]), r"2 rows for 4 customers"),
        (lambda: BGNBD.from_params(r=1, alpha=1, a=1), r"parameter b not given"),
        (lambda: BGNBD.from_params(r=1, alpha=1, a=-1, b=1), r"a is -1"),
        (lambda: BGNBD(confidence_level=95), r"confidence_level is 95"),
        (lambda: BGNBD.from_params(**BG).probability_alive(2, 9.0, 8.0), r"recency is later than T"),
        (lambda: BGNBD.from_params(**BG).expected_purchases(-1.0), r"t is negative"),
    ],
)
def test_other_bad_input_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_asking_before_fitting():
    with pytest.raises(NotFittedError, match="call fit first"):
        BGNBD().params_
    with pytest.raises(NotFittedError):
        BGNBD().probability_alive(1, 2.0, 3.0)
    assert "not fitted" in repr(BGNBD()) and not hasattr(BGNBD(), "summary_")


# -- how it shows itself ----------------------------------------------------------------------------------


def test_fitted_model_tells_its_story(base):
    model = BGNBD().fit(base.frequency, base.recency, base.T)
    assert model.fit(base.frequency, base.recency, base.T) is model
    text, markup = repr(model), model._repr_html_()
    for word in ("BG/NBD", "1,500 customers", "Converged", "log-likelihood", "alpha", "drop out"):
        assert word in text and word in markup
    assert list(model.summary.columns) == ["estimate", "standard_error", "low", "high"]
    assert list(model.summary.index) == ["r", "alpha", "a", "b"]
    wide, narrow = model.confidence_intervals(0.99), model.confidence_intervals(0.5)
    inside = (
        (wide.low < narrow.low) & (narrow.low < model.params_) & (narrow.high < wide.high) & (wide.low > 0)
    )
    assert inside.all()
    draws = model.parameter_draws(4000, seed=1)
    assert np.log(draws).std().to_numpy() == pytest.approx(
        (model.standard_errors_ / model.params_).to_numpy(), rel=0.1
    )


@pytest.mark.parametrize("kind, draw, truth", KINDS)
def test_scores_vanish_at_the_maximum_and_give_its_curvature(kind, draw, truth):
    data = draw(20_000, 40.0, seed=8, **truth)
    model = kind().fit(data.frequency, data.recency, data.T)
    scores = model.scores(data.frequency, data.recency, data.T)
    assert np.abs(scores.sum(axis=0) * model.standard_errors_).max() < 1e-3
    robust = np.linalg.inv(scores.T @ scores)  # the other estimate of the same information
    assert np.sqrt(np.diag(robust)) == pytest.approx(model.standard_errors_.to_numpy(), rel=0.1)


def test_models_and_customers_travel(base):
    model = pickle.loads(pickle.dumps(BGNBD().fit(base.frequency, base.recency, base.T)))
    assert model.convergence_ and "BG/NBD" in repr(copy.deepcopy(model))
    again = pickle.loads(pickle.dumps(base))
    assert again.log().equals(base.log()) and "1,500 simulated customers" in repr(again)


def test_intervals_of_anything(base):
    model = BGNBD().fit(base.frequency, base.recency, base.T)
    low, high = model.interval(lambda fitted: fitted.expected_purchases([10.0, 100.0]), draws=300, seed=2)
    assert low.shape == (2,) and (low < model.expected_purchases([10.0, 100.0])).all()
    assert (model.expected_purchases([10.0, 100.0]) < high).all()
    low, high = model.interval(lambda fitted: fitted.params_.r, draws=2000)
    assert [low, high] == pytest.approx(model.confidence_intervals_.loc["r"].tolist(), rel=0.02)


def test_columns_may_be_lists_series_or_integers(base):
    lists = BGNBD().fit(base.frequency.tolist(), base.recency.tolist(), base.T.astype(int).tolist())
    frame = base.summary.convert_dtypes()
    frames = BGNBD().fit(frame.frequency, frame.recency, frame["T"])
    assert lists.params_.equals(frames.params_)


def test_of_several_maxima_the_highest_is_found():
    """The MBG/NBD often has two; held against climbing from the truth."""
    for seed in range(15):
        truth = dict(r=0.5, alpha=8.0, a=0.4, b=8.0)
        data = purchases.mbg_nbd(300, 30.0, seed=seed, **truth)
        columns = data.frequency.astype(float), data.recency, data.T
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = ModifiedBGNBD().fit(*columns)
        likelihood = Likelihood(model._terms, compress(columns), 4)
        reached = fitting.ascend(
            likelihood, np.log(list(truth.values())), np.full(4, -12.0), np.full(4, 12.0), np.zeros(4, bool)
        )
        assert model.log_likelihood_ > likelihood.total * reached.value - 1e-3
        assert model.convergence_.status != "failed"


def test_interior_but_flat_maximum_warns_and_is_a_maximum():
    columns = [5000, 0, 3, 200], [1e5, 0.0, 1e3, 1e5], [1e5] * 4
    with pytest.warns(ConvergenceWarning, match="almost nothing about beta"):
        model = ParetoNBD().fit(*columns)
    assert model.convergence_.status == "flat" and model.convergence_.flat == ("beta",) and model.convergence_
    for factor in (0.1, 10.0):
        other = ParetoNBD.from_params(**(model.params_.to_dict() | {"beta": model.params_.beta * factor}))
        assert other.log_likelihood(*columns) < model.log_likelihood_


@pytest.mark.parametrize("kind, draw, truth", KINDS)
def test_origin_and_unit_of_a_covariate_change_only_its_coefficient(kind, draw, truth, generator):
    """Year of birth as a covariate: no boundary, the same fit, and alpha that of customers born in year 0."""
    decades = generator.normal(size=2500)
    data = draw(2500, 40.0, seed=4, purchase_covariates=decades, purchase_effects=0.4, **truth)
    columns = data.frequency, data.recency, data.T
    plain = kind().fit(*columns, purchase_covariates=decades)
    for origin, unit in ((1970.0, 10.0), (0.0, 1e-7), (-3e6, 1e5)):
        table = origin + unit * decades
        other = kind().fit(*columns, purchase_covariates=table)
        assert other.convergence_.status == "converged"
        assert other.log_likelihood_ == pytest.approx(plain.log_likelihood_, abs=1e-6)
        slope = "purchase_covariate_1"
        for name in ("params_", "standard_errors_"):
            ours, theirs = getattr(other, name), getattr(plain, name)
            assert ours[slope] * unit == pytest.approx(theirs[slope], rel=1e-4)
            untouched = [each for each in truth if each != "alpha"]
            assert ours[untouched].to_numpy() == pytest.approx(theirs[untouched].to_numpy(), rel=1e-4)
        mean = other.at(purchase_covariates=[[origin]])
        assert mean.params_["alpha"] == pytest.approx(plain.params_["alpha"], rel=1e-4)
        assert mean.standard_errors_["alpha"] == pytest.approx(plain.standard_errors_["alpha"], rel=1e-4)


def test_covariates_with_fixed_parameters(generator):
    """A parameter held is that of customers whose covariates, as given, are 0."""
    z = generator.normal(5.0, 2.0, 2500)
    truth = dict(r=0.8, alpha=6.0, a=0.8, b=2.5)
    data = purchases.bg_nbd(2500, 40.0, seed=4, purchase_covariates=z, purchase_effects=0.2, **truth)
    columns = data.frequency, data.recency, data.T
    full = BGNBD().fit(*columns, purchase_covariates=z)
    for name in ("alpha", "purchase_covariate_1"):
        held = BGNBD().fit(*columns, purchase_covariates=z, fixed={name: full.params_[name]})
        assert held.params_.to_numpy() == pytest.approx(full.params_.to_numpy(), rel=1e-4)
        assert held.standard_errors_[name] == 0.0 and held.fixed_ == (name,)


@pytest.mark.parametrize("kind, draw, truth", KINDS)
def test_the_model_at_given_covariates(kind, draw, truth, generator):
    """It says of customers what the whole model says of them, with the same uncertainty."""
    z = pd.DataFrame({"young": generator.integers(0, 2, 2500), "income": generator.normal(size=2500)})
    data = draw(
        2500,
        40.0,
        seed=5,
        purchase_covariates=z,
        purchase_effects=[0.4, -0.2],
        dropout_covariates=z[["young"]],
        dropout_effects=[0.3],
        **truth,
    )
    model = kind().fit(
        data.frequency, data.recency, data.T, purchase_covariates=z, dropout_covariates=z[["young"]]
    )
    row = {"purchase_covariates": {"young": 1, "income": 2.0}, "dropout_covariates": {"young": 1}}
    tables = {name: pd.DataFrame([values]) for name, values in row.items()}
    one = model.at(**row)
    assert list(one.params_.index) == list(kind.parameter_names) and "nan" not in repr(one).lower()
    times = np.array([1.0, 10.0, 50.0])
    whole = model.expected_purchases(times, **tables)
    assert one.expected_purchases(times) == pytest.approx(whole, rel=1e-12)
    assert one.probability_alive(3, 20.0, 40.0) == pytest.approx(
        model.probability_alive(3, 20.0, 40.0, **tables), rel=1e-12
    )
    low, high = model.interval(lambda m: m.expected_purchases(40.0, **tables), draws=4000)
    ours = one.interval(lambda m: m.expected_purchases(40.0), draws=4000)
    assert ours == pytest.approx((low, high), rel=0.02)
    with pytest.raises(InputError, match=r"model.at\(...\)"):
        model.expected_purchases(times)
    with pytest.raises(InputError, match="dropout_covariates not given"):
        model.at(purchase_covariates=row["purchase_covariates"])
    with pytest.raises(InputError, match="fitted"):
        kind().at()


def test_one_value_serves_all_customers_with_covariates(generator):
    z = generator.normal(size=900)
    data = purchases.bg_nbd(
        900, 40.0, seed=1, purchase_covariates=z, purchase_effects=0.5, r=0.8, alpha=6.0, a=0.8, b=2.5
    )
    model = BGNBD().fit(data.frequency, data.recency, data.T, purchase_covariates=z)
    three = z[:3]
    own = [model.expected_purchases(10.0, purchase_covariates=[[each]]) for each in three]
    assert model.expected_purchases(10.0, purchase_covariates=three) == pytest.approx(own, rel=1e-12)
    assert model.probability_of_n(1, 10.0, purchase_covariates=three).shape == (3,)
    assert model.conditional_expected_purchases(10.0, 2, 5.0, 40.0, purchase_covariates=three).shape == (3,)
    assert model.expected_purchases([1.0, 2.0], purchase_covariates=[[three[0]]]).shape == (2,)
    with pytest.raises(InputError, match="3 rows for 2 customers"):
        model.expected_purchases([1.0, 2.0], purchase_covariates=three)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda m: m.expected_purchases("soon"), "t is not a number in 1 of 1 rows"),
        (lambda m: m.conditional_expected_purchases(-1.0, 1, 2.0, 3.0), "t is negative"),
        (lambda m: m.customer_lifetime_value(9, 0.1, 1, 2.0, 3.0, -5.0), "spend is negative"),
        (lambda m: m.customer_lifetime_value(9, 0.1, [1, 1, 1], 2.0, 3.0, [5.0, 6.0]), "spend has .2,."),
        (lambda m: m.customer_lifetime_value(9, 0.1, 1, 2.0, 3.0, 5.0, margin="all"), "margin is 'all'"),
        (lambda m: m.simulate("many", 3.0, seed=1), "n is 'many'"),
        (lambda m: m.simulate(9, 3.0, seed="me"), "seed is 'me'"),
        (lambda m: m.simulate(9, 3.0, seed=-1), "seed is -1"),
        (lambda m: m.simulate(9, "long", seed=1), "T is 'long'"),
        (lambda m: type(m)().fit([1, 0], [0.0, 0.0], [0.0, 0.0]), "T is 0 in all 2 rows"),
        (lambda m: type(m)().fit([1, 0], [1.0, 0.0], [2.0]), "frequency has 2, recency has 2, T has 1;"),
        (lambda m: type(m)().fit([1j, 0], [1.0, 0.0], [2.0, 2.0]), "frequency holds complex numbers"),
        (lambda m: type(m)().fit([1, 0], [1.0, 0.0], [2.0, 2.0], 2), "weights has 1"),
    ],
)
@pytest.mark.parametrize("kind, draw, truth", KINDS)
def test_every_argument_is_named_when_refused(kind, draw, truth, call, message):
    with pytest.raises(InputError, match=message):
        call(kind.from_params(**truth))


def test_covariates_too_far_from_0_are_refused(base):
    z = 1e9 + np.random.default_rng(0).normal(size=1500)
    z += 0.3 * np.log1p(base.frequency)
    with pytest.raises(InputError, match="subtract a typical value"):
        BGNBD().fit(base.frequency, base.recency, base.T, purchase_covariates=z)
