"""Alpha and omega: algebra on exactly known covariances, an independent factor analysis, real scales."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.multivariate.factor import Factor

from crmlab.errors import InputError
from crmlab.models.reliability import Reliability, cronbach_alpha, item_statistics, mcdonald_omega
from crmlab.models.structural import NotConverged

UNEQUAL = np.array([0.9, 0.7, 0.6, 0.4])


def implied(loadings):
    return np.outer(loadings, loadings) + np.diag(1 - np.square(loadings))


def exact(covariance, rows=300, seed=1):
    """A table whose sample covariance is exactly this."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((rows, len(covariance)))
    values -= values.mean(0)
    whitened = values @ np.linalg.inv(np.linalg.cholesky(np.cov(values.T))).T
    return pd.DataFrame(whitened @ np.linalg.cholesky(covariance).T).add_prefix("item_")


def test_alpha_of_equal_items_is_spearman_and_browns():
    found = cronbach_alpha(exact(implied([0.8] * 4)))
    assert found.value == pytest.approx(4 * 0.64 / (1 + 3 * 0.64))
    assert found.standard_error == pytest.approx(
        (1 - found.value) * np.sqrt(2 * 4 / (3 * 300))
    )  # van Zyl et al., section 4


def test_omega_is_alpha_where_all_items_load_alike_and_more_where_not():
    alike = exact(implied([0.7] * 5))
    assert mcdonald_omega(alike).value == pytest.approx(cronbach_alpha(alike).value, abs=1e-4)
    table = exact(implied(UNEQUAL))
    omega, alpha = mcdonald_omega(table), cronbach_alpha(table)
    assert omega.value == pytest.approx(UNEQUAL.sum() ** 2 / implied(UNEQUAL).sum(), abs=1e-4)
    assert alpha.value < omega.value


def test_omega_agrees_with_another_factor_analysis():
    rng = np.random.default_rng(3)
    table = pd.DataFrame(rng.multivariate_normal(np.zeros(4), implied(UNEQUAL), 400))
    loadings = Factor(table.to_numpy(), 1, method="ml").fit().loadings[:, 0]
    expected = loadings.sum() ** 2 / (loadings.sum() ** 2 + (1 - loadings**2).sum())
    assert mcdonald_omega(table, standardise=True).value == pytest.approx(expected, abs=2e-3)


def test_standardising_changes_what_differs_in_spread_only():
    table = exact(implied(UNEQUAL)) * [1, 10, 1, 1]
    assert cronbach_alpha(table, standardise=True).value == pytest.approx(
        cronbach_alpha(exact(implied(UNEQUAL))).value
    )
    assert cronbach_alpha(table).value < cronbach_alpha(table, standardise=True).value


def test_errors_are_those_of_repeated_samples():
    rng = np.random.default_rng(5)
    covariance, rows, sims = implied(UNEQUAL), 250, 1500
    true = 4 / 3 * (1 - 4 / covariance.sum())
    found = [cronbach_alpha(rng.multivariate_normal(np.zeros(4), covariance, rows)) for _ in range(sims)]
    values = np.array([each.value for each in found])
    assert np.mean([each.standard_error for each in found]) == pytest.approx(values.std(), rel=0.08)
    covered = np.mean([low <= true <= high for low, high in (each.interval() for each in found)])
    assert abs(covered - 0.95) < 4 * np.sqrt(0.95 * 0.05 / sims) + 0.005  # an interval for large samples


def test_omegas_error_is_that_of_repeated_samples():
    rng = np.random.default_rng(6)
    loadings = np.array([0.8, 0.7, 0.7, 0.6])
    found = [mcdonald_omega(rng.multivariate_normal(np.zeros(4), implied(loadings), 300)) for _ in range(60)]
    values = np.array([each.value for each in found])
    assert np.mean([each.standard_error for each in found]) == pytest.approx(
        values.std(), rel=4 / np.sqrt(2 * 60)
    )
    true = loadings.sum() ** 2 / implied(loadings).sum()
    assert abs(values.mean() - true) < 4 * values.std() / np.sqrt(60) + 0.003


def test_the_interval_ends_below_one():
    low, high = Reliability("alpha", 0.97, 0.03, 3, 50).interval()
    assert low < 0.97 < high < 1


def test_an_item_that_is_all_shared_has_no_omega():
    correlations = np.array([[1, 0.8, 0.8], [0.8, 1, 0.5], [0.8, 0.5, 1]])
    with pytest.raises(NotConverged):
        mcdonald_omega(exact(correlations))


def test_a_reversed_item_is_seen_beside_the_rest():
    table = exact(implied([0.8, 0.8, 0.8, 0.8])) * [1, 1, 1, -1]
    found = item_statistics(table)
    assert found.correlation_with_rest.idxmin() == "item_3" and found.correlation_with_rest["item_3"] < 0
    assert found.alpha_without["item_3"] > cronbach_alpha(table).value
    assert np.isnan(item_statistics(table.iloc[:, :2]).alpha_without).all()


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda t: t.iloc[:, :1], "give at least 2"),
        (lambda t: t.drop(index=3).reindex(t.index), "rows 3 have missing"),
        (lambda t: t.assign(item_1=2.0), "items item_1 do not vary"),
        (lambda t: t.head(3), "more rows than items"),
    ],
)
def test_bad_tables_are_refused(spoil, message):
    with pytest.raises(InputError, match=message):
        cronbach_alpha(spoil(exact(implied(UNEQUAL))))


def test_two_items_are_too_few_for_omega():
    with pytest.raises(InputError, match="give at least 3"):
        mcdonald_omega(exact(implied([0.8, 0.8])))


def test_items_that_cancel_are_refused():
    table = exact(np.eye(2))
    table["item_1"] = -table["item_0"]
    with pytest.raises(InputError, match="same direction"):
        cronbach_alpha(table)


def test_the_real_scales_of_mobi(real_data):
    """Alphas as computed by others on standardised items; two scales fail."""
    from crmlab.data import load_mobi

    mobi = load_mobi()
    known = {"IMAG": 0.7228, "CUEX": 0.4519, "PERQ": 0.8770, "PERV": 0.8236, "CUSA": 0.7792, "CUSL": 0.4724}
    for block, alpha in known.items():
        items = mobi.filter(regex=f"^{block}")
        assert round(cronbach_alpha(items, standardise=True).value, 4) == alpha, block
    assert mcdonald_omega(mobi.filter(regex="^PERQ"), standardise=True).value == pytest.approx(
        0.878, abs=2e-3
    )
    with pytest.raises(NotConverged):
        mcdonald_omega(mobi.filter(regex="^CUSL"))
