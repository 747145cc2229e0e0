"""Importances of a conjoint study: known part-worths are found, noise alone has importances, too."""

import itertools

import numpy as np
import pandas as pd
import pytest

from crmlab.errors import InputError
from crmlab.models.conjoint import importances

PROFILES = pd.DataFrame(itertools.product("xyz", "pq"), columns=["kind", "size"])


def test_known_part_worths_give_their_ranges():
    worth = PROFILES["kind"].map({"x": 0.0, "y": 1.0, "z": 3.0}) + PROFILES["size"].map({"p": 0.0, "q": 1.0})
    found = importances(PROFILES, pd.DataFrame([worth, 7 - 2 * worth], index=["one", "other"]))
    assert found.loc["one"].to_dict() == pytest.approx({"kind": 75, "size": 25})
    assert found.loc["other"].to_dict() == pytest.approx({"kind": 75, "size": 25}), (
        "scale and sign do not matter"
    )


def test_importance_without_preference():
    noise = np.random.default_rng(5).standard_normal((50, len(PROFILES)))
    found = importances(PROFILES, pd.DataFrame(noise))
    assert np.allclose(found.sum(axis=1), 100) and (found.mean() > 20).all()


def test_who_rates_all_alike_has_none():
    assert importances(PROFILES, pd.DataFrame(np.full((1, 6), 4.0))).isna().all(axis=None)


def test_too_few_ratings_are_refused():
    with pytest.raises(InputError, match="5 ratings of 6 profiles"):
        importances(PROFILES, pd.DataFrame(np.ones((2, 5))))
    with pytest.raises(InputError, match="more profiles than coefficients"):
        importances(PROFILES.iloc[[0, 1, 3, 4]], pd.DataFrame(np.ones((2, 4))))
