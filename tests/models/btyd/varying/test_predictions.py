"""What models expect is what simulated customers do, and estimates find the truth as often as they say."""

import numpy as np
import pandas as pd
import pytest

from crmlab.errors import InputError
from crmlab.models.btyd.varying import ByPeriod, DatedHistories, Season, Static, TimeVaryingBGNBD
from tests.models.btyd.varying.conftest import KINDS, OWN, QUARTERS, births, own_table, periods, shared_table

EFFECTS = QUARTERS | OWN


def market(kind, truth):
    shared = ByPeriod(shared_table())
    given = {"purchase_covariates": Season("quarterly") + shared, "dropout_covariates": shared}
    return kind.from_params(**truth, **EFFECTS, **given)


@pytest.mark.parametrize("kind, truth", KINDS)
def test_new_customers_buy_as_often_as_expected(kind, truth):
    """Within four Monte-Carlo errors, at several ages and in two seasons."""
    model, n = market(kind, truth), 40_000
    for day in ("2021-02-10", "2022-08-17"):
        end = pd.Timestamp(day) + pd.Timedelta(weeks=50)
        drawn = model.simulate([day] * n, end, seed=7)
        ages = np.array([6.0, 20.0, 49.0])
        expected = model.expected_purchases(ages, [day])[:, 0]
        for age, mean in zip(ages, expected):
            made = np.bincount(drawn.customer[drawn.moment <= drawn.first[0] + 7 * age], minlength=n)
            assert abs(made.mean() - mean) < 4 * made.std() / np.sqrt(n)


@pytest.mark.parametrize("kind, truth", KINDS)
def test_forecasts_are_calibrated_over_customers(kind, truth):
    """By tenths of what is expected, and of P(alive), with covariates of each customer's own."""
    ids = pd.Index([f"c{number}" for number in range(6000)], name="customer_id")
    own = ByPeriod(own_table(ids))
    model = kind.from_params(
        **truth, **EFFECTS, purchase_covariates=Season("quarterly") + own, dropout_covariates=own
    )
    whole = model.simulate(births(len(ids)), "2023-03-31", seed=9, ids=ids)
    early = whole.until("2022-06-30")
    length = (whole.end - early.end) / 7.0
    expected = model.conditional_expected_purchases([0.5 * length, length], early)
    made = whole.later(early)
    assert (expected[0] <= expected[1]).all() and expected.shape == (2, len(early))
    for tenth in np.array_split(np.argsort(expected[1]), 10)[3:]:
        error = np.std(made[tenth] - expected[1][tenth]) / np.sqrt(len(tenth))
        assert abs(made[tenth].mean() - expected[1][tenth].mean()) < 4 * error
    alive, lifetime = model.probability_alive(early), early.truth["lifetime"].to_numpy()
    still = lifetime > early.observed
    for tenth in np.array_split(np.argsort(alive), 10):
        error = np.sqrt((alive[tenth] * (1 - alive[tenth])).sum()) / len(tenth)
        assert abs(still[tenth].mean() - alive[tenth].mean()) < 4 * max(error, 1e-3)
    drawn, bought = model.drawn_futures(early, length, np.random.default_rng(1))
    assert abs(drawn.mean() - alive.mean()) < 4 * np.sqrt((alive * (1 - alive)).sum()) / len(early)
    assert abs(bought.mean() - expected[1].mean()) < 4 * bought.std() / np.sqrt(len(early))


ROUNDS = 100
COVERING = 3.7 * np.sqrt(0.95 * 0.05 / ROUNDS)


@pytest.mark.parametrize("kind, truth", KINDS[:2])
def test_intervals_cover_the_truth(kind, truth):
    """Coverage of 95% intervals of all parameters, each within 3.7 Monte-Carlo errors (.08)."""
    model = market(kind, truth)
    names, covered, first = list(model.params_.index), 0, births(400)
    sources = dict(zip(("purchase_covariates", "dropout_covariates"), model.sources_))
    for seed in range(ROUNDS):
        drawn = model.simulate(first, "2023-12-31", seed=seed)
        ends = kind().fit(drawn, **sources).confidence_intervals_
        covered = covered + ((ends.low <= model.params_) & (model.params_ <= ends.high)).to_numpy()
    assert covered / ROUNDS == pytest.approx(0.95, abs=COVERING), dict(zip(names, covered / ROUNDS))


@pytest.mark.parametrize("kind, truth", KINDS)
def test_unit_of_time_and_of_covariates_change_nothing_else(kind, truth, ids):
    model = market(kind, truth)
    drawn = model.simulate(births(1500), "2023-12-31", seed=3)
    shared = shared_table()
    found = kind().fit(drawn, purchase_covariates=ByPeriod(shared), dropout_covariates=ByPeriod(shared))
    scaled = shared.assign(price=100.0 * shared["price"])
    days = DatedHistories(drawn.ids, drawn.first, drawn.customer, drawn.moment, drawn.end, "D")
    other = kind().fit(days, purchase_covariates=ByPeriod(scaled), dropout_covariates=ByPeriod(scaled))
    for name in found.params_.index:
        unit = 7.0 if name in kind.time_parameters else 0.01 if name.endswith("price") else 1.0
        assert other.params_[name] == pytest.approx(unit * found.params_[name], rel=1e-5)
        assert other.standard_errors_[name] == pytest.approx(unit * found.standard_errors_[name], rel=1e-4)
    shift = len(drawn.moment) * np.log(7.0)
    assert other.log_likelihood_ == pytest.approx(found.log_likelihood_ - shift, abs=1e-5)
    assert other.conditional_expected_purchases(70.0, days) == pytest.approx(
        found.conditional_expected_purchases(10.0, drawn), rel=1e-4, abs=1e-9
    )


@pytest.mark.parametrize("kind, truth", KINDS[:1])
def test_origin_of_a_covariate_changes_only_the_scales(kind, truth):
    model = market(kind, truth)
    drawn = model.simulate(births(1500), "2023-12-31", seed=3)
    shared = shared_table()
    moved = shared.assign(price=shared["price"] + 5.0)
    one, other = (
        kind().fit(drawn, purchase_covariates=ByPeriod(each), dropout_covariates=ByPeriod(each))
        for each in (shared, moved)
    )
    assert other.log_likelihood_ == pytest.approx(one.log_likelihood_, abs=1e-6)
    slopes = one.params_.index[4:]
    assert other.params_[slopes].to_numpy() == pytest.approx(one.params_[slopes].to_numpy(), rel=1e-5)
    for scale, slope in (("alpha", "purchase_price"), ("beta", "dropout_price")):
        assert other.params_[scale] == pytest.approx(
            one.params_[scale] * np.exp(5.0 * one.params_[slope]), rel=1e-4
        )


def test_season_factors_average_to_one_on_the_log_scale():
    model = market(*KINDS[1])
    drawn = model.simulate(births(3000), "2023-12-31", seed=2)
    for kind, parts in (("monthly", 12), ("quarterly", 4), ("waves-2", 53)):
        found = TimeVaryingBGNBD().fit(drawn, purchase_covariates=kind).season_factors()
        assert len(found) == parts and ((found.low < found.factor) & (found.factor < found.high)).all()
        assert np.log(found.factor).mean() == pytest.approx(0.0, abs=1e-9 if parts < 53 else 0.02)
    quarters = TimeVaryingBGNBD().fit(drawn, purchase_covariates="quarterly").season_factors()
    truth = np.exp([-0.4, 0.1, -0.2, 0.5])
    assert quarters.factor.to_numpy() == pytest.approx(truth, rel=0.2)
    with pytest.raises(InputError, match="without a season"):
        TimeVaryingBGNBD().fit(drawn).season_factors()


def test_a_sample_and_an_earlier_day_are_histories_too(customers):
    some = customers.some(np.array([5, 2, 9]))
    assert some.ids.tolist() == ["c5", "c2", "c9"]
    assert some.frequency == pytest.approx(customers.frequency[[5, 2, 9]])
    assert some.recency == pytest.approx(customers.recency[[5, 2, 9]])
    early = customers.until("2022-03-31")
    assert (early.first <= early.end).all() and (early.moment <= early.end).all()
    place = customers.ids.get_indexer(early.ids)
    assert early.frequency + customers.later(early) == pytest.approx(customers.frequency[place])


def test_log_to_histories_is_the_customer_summary(tmp_path):
    from crmlab.data import customer_summary

    drawn = market(*KINDS[1]).simulate(births(300), "2022-12-31", seed=4, by_day=True)
    days = np.r_[drawn.first, drawn.moment]
    log = pd.DataFrame(
        {
            "customer_id": np.r_[np.arange(300), drawn.customer],
            "date": pd.Timestamp(0) + pd.to_timedelta(np.floor(days), unit="D"),
        }
    ).sample(frac=1, random_state=1)
    found = DatedHistories.from_log(log, observation_end="2022-12-31")
    summary = customer_summary(log, amount=None, observation_end="2022-12-31")
    for name in ("frequency", "recency", "T"):
        assert found.summary[name].to_numpy() == pytest.approx(summary[name].to_numpy())
    assert found.ids.equals(summary.index) and found.moment == pytest.approx(drawn.moment)
    log.to_csv(tmp_path / "log.csv", index=False)
    again = DatedHistories.from_log(tmp_path / "log.csv", observation_end="2022-12-31")
    assert again.moment == pytest.approx(drawn.moment)


# -- what is refused ---------------------------------------------------------------------------------------


def lacking(ids):
    table = own_table(ids)
    return table[~((table["customer_id"] == "c7") & (table["period"] == periods()[20]))]


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda ids: ByPeriod(lacking(ids)), r"lacks 1 of the [\d,]+ periods .*customer 'c7', 2022-07-17"),
        (lambda ids: ByPeriod(own_table(ids[:-2])), r"no row of 2 customers \('c398', 'c399'\)"),
        (
            lambda ids: ByPeriod(own_table(ids).query("period < '2022-06-01'")),
            "up to 2022-0.*needed .*2022-12-31",
        ),
        (lambda ids: Static(pd.DataFrame({"z": 1.0}, index=ids[1:])), r"no row of 1 customers \('c0'\)"),
    ],
)
def test_what_is_missing_is_named(make, message, ids, customers):
    with pytest.raises(InputError, match=message):
        TimeVaryingBGNBD().fit(customers, purchase_covariates=make(ids))


def twice(ids):
    table = own_table(ids)
    return pd.concat([table, table.iloc[[3]]], ignore_index=True)


@pytest.mark.parametrize(
    "make, message",
    [
        (
            lambda ids: ByPeriod(twice(ids)),
            "another one of customer 'c0' and period 2021-03-28; give one row",
        ),
        (lambda ids: ByPeriod(own_table(ids).assign(price="dear")), r"covariates\['price'\] is not a number"),
        (lambda ids: ByPeriod(own_table(ids).assign(price=np.nan)), r"covariates\['price'\] is not a finite"),
        (lambda ids: ByPeriod(own_table(ids).assign(period="soon")), r"covariates\['period'\] is no date"),
        (lambda ids: ByPeriod(own_table(ids), period="week"), "no column 'week'"),
        (lambda ids: ByPeriod(own_table(ids)[["customer_id", "period"]]), "no column besides"),
        (lambda ids: Static(pd.DataFrame({"z": 1.0}, index=[1, 1])), "more than one row of customer '1'"),
        (lambda ids: Season("weekly"), "season is 'weekly'; give one of monthly"),
        (lambda ids: Season() + Season(), "'January' comes from more than one source"),
    ],
)
def test_what_cannot_be_covariates_is_refused(make, message, ids):
    with pytest.raises(InputError, match=message):
        make(ids)


def test_a_season_that_was_not_seen_is_refused(customers):
    short = customers.until("2021-09-30")
    with pytest.raises(InputError, match="cannot be told apart"):
        TimeVaryingBGNBD().fit(short, purchase_covariates="monthly")
    with pytest.raises(InputError, match="needs a repeat|no repeat purchase"):
        TimeVaryingBGNBD().fit(customers.until(float(customers.first.min())))


def test_questions_need_covariates_as_far_as_they_reach(ids, customers):
    table = own_table(ids)
    model = TimeVaryingBGNBD().fit(
        customers, purchase_covariates=ByPeriod(table.query("period < '2023-02-01'"))
    )
    with pytest.raises(InputError, match="give the missing periods"):
        model.conditional_expected_purchases(52.0, customers)
    whole = model.conditional_expected_purchases(52.0, customers, purchase_covariates=ByPeriod(table))
    assert (whole >= 0).all() and whole.shape == (400,)
    with pytest.raises(InputError, match="the model has promo, price"):
        model.probability_alive(customers, purchase_covariates="monthly")
    with pytest.raises(InputError, match="is a int"):
        TimeVaryingBGNBD().fit(customers, purchase_covariates=3)
