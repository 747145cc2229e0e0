"""lifetimes, through the one module that imports it, agrees with the engine and with the publications."""

from pathlib import Path

import numpy as np
import pytest

import crmlab
from crmlab.data import load_cdnow_summary
from crmlab.errors import InputError
from crmlab.mechanisms.purchases import bg_nbd, gamma_gamma
from crmlab.models import lifetimes_adapter
from crmlab.models.btyd import BGNBD


@pytest.fixture(scope="module")
def cdnow():
    return load_cdnow_summary()


@pytest.fixture(scope="module")
def opinion(cdnow):
    return lifetimes_adapter.fit_bgnbd(cdnow["frequency"], cdnow["recency"], cdnow["T"])


def test_cdnow_to_the_printed_digits(cdnow, opinion):
    assert np.round(opinion.params_.to_numpy(), 4) == pytest.approx(
        [0.2426, 4.4135, 0.7929, 2.4258], abs=1e-9
    )
    assert round(opinion.log_likelihood_, 1) == -9582.4
    buyers = cdnow[cdnow["frequency"] > 0]
    assert len(buyers) == 946 and round(buyers["monetary_value"].mean(), 2) == 35.08
    spend = lifetimes_adapter.fit_gamma_gamma(buyers["frequency"], buyers["monetary_value"])
    assert list(spend.params_.index) == ["p", "q", "gamma"]
    assert spend.params_.to_numpy() == pytest.approx([6.249, 3.745, 15.448], abs=6e-4)
    assert round(spend.log_likelihood_, 1) == -4055.9
    expected = spend.expected_spend(buyers["frequency"], buyers["monetary_value"])
    assert expected.std() < buyers["monetary_value"].std()  # drawn towards the mean


def test_agrees_with_the_engine(cdnow, opinion):
    history = cdnow["frequency"], cdnow["recency"], cdnow["T"]
    engine = BGNBD().fit(*history)
    assert opinion.params_.to_numpy() == pytest.approx(engine.params_.to_numpy(float), rel=1e-3)
    assert opinion.log_likelihood_ == pytest.approx(engine.log_likelihood_, abs=0.01)
    assert opinion.conditional_expected_purchases(39, *history) == pytest.approx(
        engine.conditional_expected_purchases(39, *history), rel=1e-3
    )
    assert opinion.probability_alive(*history) == pytest.approx(engine.probability_alive(*history), rel=1e-3)
    weeks = np.array([1.0, 39.0, 78.0])
    assert opinion.expected_purchases(weeks) == pytest.approx(engine.expected_purchases(weeks), rel=1e-3)


def test_log_likelihood_is_in_the_unit_of_the_data(cdnow, opinion):
    by_day = lifetimes_adapter.fit_bgnbd(cdnow["frequency"], 7 * cdnow["recency"], 7 * cdnow["T"])
    assert by_day.params_["alpha"] == pytest.approx(7 * opinion.params_["alpha"], rel=1e-3)
    shift = cdnow["frequency"].sum() * np.log(7)
    assert by_day.log_likelihood_ == pytest.approx(opinion.log_likelihood_ - shift, abs=0.01)


def test_finds_known_gamma_gamma_parameters():
    base = bg_nbd(20_000, 60.0, r=1.0, alpha=5.0, a=0.5, b=3.0, seed=1)
    bought = base.frequency > 0
    mean, _ = gamma_gamma(base.frequency[bought], p=6.0, q=4.0, gamma=15.0, seed=2)
    fit = lifetimes_adapter.fit_gamma_gamma(base.frequency[bought], mean)
    assert fit.params_.to_numpy() == pytest.approx([6, 4, 15], rel=0.1)


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="recency has 1 values that are missing"):
        lifetimes_adapter.fit_bgnbd([1, 2], [3, np.nan], [5, 5])
    with pytest.raises(InputError, match="T has 3 values"):
        lifetimes_adapter.fit_bgnbd([1, 0, 2, 1], [3, 0, 4, 2], [5, 5, 5])
    with pytest.raises(InputError, match="frequency below 1 or monetary_value not above 0 in 1 rows"):
        lifetimes_adapter.fit_gamma_gamma([0, 2], [0.0, 30.0])


def test_nothing_else_imports_lifetimes():
    own = Path(lifetimes_adapter.__file__)
    for path in Path(crmlab.__file__).parent.rglob("*.py"):
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
        if path != own:
            assert not any(
                line.startswith(("import lifetimes", "from lifetimes ", "from lifetimes.")) for line in lines
            ), path
