"""An apparel retailer: the published static fit, three identities with covariates by week, the forecast."""

from functools import cache

import numpy as np
import pytest

from crmlab.data import load_apparel, load_apparel_customers, load_apparel_weeks
from crmlab.models.btyd import BGNBD, ParetoNBD
from crmlab.models.btyd.varying import (
    ByPeriod,
    DatedHistories,
    Static,
    TimeVaryingBGNBD,
    TimeVaryingParetoNBD,
)
from tests.models.btyd.varying.test_likelihood import pareto_by_hand

# Bachmann, Schilter, Näf & Meierer, walkthrough of CLVTools: estimation 2005-01-02 to 2006-12-31, in weeks.
PUBLISHED = {
    "r": (1.8378, 0.3455),
    "alpha": (92.9123, 16.9670),
    "s": (0.5920, 0.2609),
    "beta": (49.6227, 36.2509),
    "dropout_gender": (-0.6430, 0.2955),
    "dropout_channel": (0.7907, 0.3059),
    "purchase_gender": (0.2859, 0.1041),
    "purchase_channel": (0.6241, 0.1050),
}


@pytest.fixture
def retailer(real_data):
    """Histories to the end of 2006 and of the data, customers, and their weeks."""
    return read()


@cache
def read():
    """The data, read once."""
    whole = DatedHistories.from_log(load_apparel()[["customer_id", "date"]])
    return whole.until("2006-12-31"), whole, load_apparel_customers(), load_apparel_weeks()


def test_covariates_that_stand_in_every_week_give_the_published_fit(retailer):
    early, _, customers, weeks = retailer
    assert len(early) == 600 and weeks["period"].nunique() == 313
    constant = ByPeriod(weeks.drop(columns="high_season"))
    for source in (Static(customers), constant):
        model = TimeVaryingParetoNBD().fit(early, purchase_covariates=source, dropout_covariates=source)
        assert model.log_likelihood_ == pytest.approx(-5821.0627, abs=1e-4)
        for name, (estimate, error) in PUBLISHED.items():  # theirs stopped a little short of the maximum
            assert model.params_[name] == pytest.approx(estimate, abs=0.01 * error)
            assert model.standard_errors_[name] == pytest.approx(error, rel=0.01)
    z, summary = customers.loc[early.ids], early.summary
    plain = ParetoNBD().fit(
        summary["frequency"], summary["recency"], summary["T"], purchase_covariates=z, dropout_covariates=z
    )
    assert model.params_.to_numpy() == pytest.approx(plain.params_.to_numpy(), rel=1e-6)
    assert model.log_likelihood_ == pytest.approx(plain.log_likelihood_, abs=1e-8)


@pytest.mark.parametrize("kind, plain", [(TimeVaryingParetoNBD, ParetoNBD), (TimeVaryingBGNBD, BGNBD)])
def test_effects_of_zero_give_the_plain_likelihood(kind, plain, retailer):
    early, _, _, weeks = retailer
    summary, source = early.summary, ByPeriod(weeks)
    columns = summary["frequency"], summary["recency"], summary["T"]
    found = plain().fit(*columns)
    names = [f"{side}_{name}" for side in ("purchase", "dropout") for name in source.names]
    model = kind.from_params(
        **found.params_, **dict.fromkeys(names, 0.0), purchase_covariates=source, dropout_covariates=source
    )
    ours, theirs = (
        model.log_likelihood(early, individual=True),
        found.log_likelihood(*columns, individual=True),
    )
    assert ours == pytest.approx(theirs, abs=1e-10)


def test_at_random_parameters_the_likelihood_is_the_integral(retailer):
    early, _, _, weeks = retailer
    generator, source = np.random.default_rng(4), ByPeriod(weeks)
    for customer in ("1", "7", "102"):
        params = dict(
            zip(("r", "alpha", "s", "beta"), generator.uniform([0.5, 20, 0.4, 20], [3, 120, 1.5, 90]))
        )
        effects = {
            f"{side}_{name}": generator.uniform(-0.8, 0.8)
            for side in ("purchase", "dropout")
            for name in source.names
        }
        model = TimeVaryingParetoNBD.from_params(
            **params, **effects, purchase_covariates=source, dropout_covariates=source
        )
        ours = model.log_likelihood(early, individual=True)[early.ids.get_loc(customer)]
        assert ours == pytest.approx(pareto_by_hand(weeks, customer, params, effects, early), abs=1e-6)


@pytest.mark.parametrize("kind", [TimeVaryingParetoNBD, TimeVaryingBGNBD])
def test_the_high_season_shows_and_mends_the_forecast(kind, retailer):
    early, whole, customers, weeks = retailer
    static, season = Static(customers), ByPeriod(weeks[["customer_id", "period", "high_season"]])
    without = kind().fit(early, purchase_covariates=static, dropout_covariates=static)
    found = kind().fit(early, purchase_covariates=season + static, dropout_covariates=static)
    low, high = found.confidence_intervals_.loc["purchase_high_season"]
    assert 0.5 < low < high < 1.0
    test = found.likelihood_ratio_test(without)
    assert test.degrees_of_freedom == 1 and test.statistic > 100
    # Week by week in 2007: the one follows the season, the other cannot.
    days = np.arange(early.end, early.end + 52 * 7, 7)
    made = np.histogram(whole.moment, np.r_[days, days[-1] + 7])[0]
    errors = []
    for model in (without, found):
        expected = np.diff(
            model.conditional_expected_purchases(np.arange(1.0, 53.0), early).sum(1), prepend=0
        )
        errors.append(np.sqrt(np.mean((made - expected) ** 2)))
    assert errors[1] < 0.95 * errors[0]
