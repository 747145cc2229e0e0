"""Inertia and taste: told apart where both are known, and the numbers of the ketchup panel."""

import numpy as np
import pandas as pd
import pytest

from crmlab.data import load_catsup, repeat_choices
from crmlab.models.choice import fit_logit
from crmlab.models.inertia import fit_inertia

BRANDS = ["heinz41", "heinz32", "heinz28", "hunts32"]


@pytest.fixture(scope="module")
def ketchup():
    return repeat_choices(load_catsup(), BRANDS)


def households(inertia, seed=4, people=250, times=16):
    """Purchases of two kinds of household that differ in which brand they like."""
    rng = np.random.default_rng(seed)
    price = rng.normal(3, 0.5, (people, times, 2))
    likes = np.where(rng.random(people) < 0.5, 2.0, -2.0)
    last, rows = np.full(people, -1), []
    for time in range(times):
        utility = -price[:, time] + np.stack([np.zeros(people), likes], axis=1) + rng.gumbel(size=(people, 2))
        utility[np.arange(people), last] += inertia * (last >= 0)
        last = utility.argmax(axis=1)
        rows.append(last)
    choice = np.array(["a", "b"], dtype=object)[np.stack(rows, axis=1)]
    columns = {"id": np.repeat(np.arange(people), times), "choice": choice.ravel()}
    for at, brand in enumerate("ab"):
        columns[f"price.{brand}"] = price[..., at].ravel()
        columns |= {f"{part}.{brand}": rng.integers(0, 2, people * times) for part in ("disp", "feat")}
    return repeat_choices(pd.DataFrame(columns), ["a", "b"])


def test_taste_that_differs_looks_like_inertia_until_classes_take_it_up():
    rows = households(inertia=0.0)
    alike, two = fit_inertia(rows, 1), fit_inertia(rows, 2, starts=2)
    assert alike.coefficient > 8 * alike.standard_error
    assert abs(two.coefficient) < 3 * two.standard_error and two.bic < alike.bic


def test_inertia_that_is_there_stays():
    two = fit_inertia(households(inertia=0.7), 2, starts=2)
    assert two.coefficient == pytest.approx(0.7, abs=3 * two.standard_error)
    assert two.cost == pytest.approx(0.7, abs=0.25)


def test_one_class_is_the_plain_logit(ketchup):
    one = fit_inertia(ketchup, 1)
    assert one.choices == 2498 and one.fit.memberships.shape == (300, 1)
    wide = ketchup[list(one.terms)].to_numpy().reshape(1, -1, 4, 7)
    plain = fit_logit(wide, ketchup.chosen.to_numpy().reshape(1, -1, 4))
    at = [one.terms.index(name) for name in ("last", "price")]
    assert plain.coefficients[0, at] == pytest.approx([1.089, -1.429], abs=5e-4)
    assert plain.standard_errors[0, at] == pytest.approx([0.052, 0.065], abs=5e-4)
    assert one.cost == pytest.approx(0.762, abs=5e-4)


def test_most_of_the_cost_is_taste(ketchup):
    """Four classes, which Schwarz's criterion prefers to three and five; also with advertising alike."""
    fits = {classes: fit_inertia(ketchup, classes) for classes in (3, 4, 5)}
    four = fits[4]
    assert four.coefficient == pytest.approx(0.499, abs=2e-3)
    assert four.cost == pytest.approx(0.301, abs=2e-3)
    assert four.bic == pytest.approx(3926.9, abs=0.3)
    assert four.bic < min(fits[3].bic, fits[5].bic)
    fewer = fit_inertia(ketchup, 4, alike=("disp", "feat"))
    assert fewer.bic == pytest.approx(3898.4, abs=0.3) and fewer.cost == pytest.approx(0.301, abs=2e-3)


def test_a_common_term_is_one_parameter_with_one_error(ketchup):
    two = fit_inertia(ketchup, 2, starts=2).fit
    last = two.coefficients.shape[1] - 1
    assert two.common == (last,)
    assert two.coefficients[0, last] == two.coefficients[1, last]
    assert two.standard_errors[0, last] == pytest.approx(two.standard_errors[1, last])
    assert two.free_parameters == 2 * 6 + 1 + 1
