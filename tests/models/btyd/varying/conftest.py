"""Markets whose covariates change in time, shared by the tests of the models that know them."""

import numpy as np
import pandas as pd
import pytest

from crmlab.models.btyd.varying import (
    ByPeriod,
    Season,
    Static,
    TimeVaryingBGNBD,
    TimeVaryingModifiedBGNBD,
    TimeVaryingParetoNBD,
)

BG = dict(r=0.8, alpha=8.0, a=0.8, b=2.5)
PARETO = dict(r=0.8, alpha=8.0, s=0.7, beta=12.0)
KINDS = [(TimeVaryingParetoNBD, PARETO), (TimeVaryingBGNBD, BG), (TimeVaryingModifiedBGNBD, BG)]
QUARTERS = {"purchase_quarter_1": -0.4, "purchase_quarter_2": 0.1, "purchase_quarter_3": -0.2}
OWN = {"purchase_promo": 0.5, "purchase_price": -0.3, "dropout_promo": 0.6, "dropout_price": 0.2}


def periods():
    return pd.date_range("2021-01-03", "2024-12-31", freq="28D")


def own_table(ids, seed=1):
    """A promotion and a price for each customer and four weeks."""
    generator, days = np.random.default_rng(seed), periods()
    size = len(ids) * len(days)
    return pd.DataFrame(
        {
            "customer_id": np.repeat(ids, len(days)),
            "period": np.tile(days, len(ids)),
            "promo": generator.integers(0, 2, size).astype(float),
            "price": generator.normal(size=size),
        }
    )


def shared_table(seed=2):
    """The same for all customers."""
    generator, days = np.random.default_rng(seed), periods()
    return pd.DataFrame(
        {
            "period": days,
            "promo": generator.integers(0, 2, len(days)).astype(float),
            "price": generator.normal(size=len(days)),
        }
    )


def births(n, seed=0):
    """Days since 1970 within 2021."""
    start = (pd.Timestamp("2021-01-10") - pd.Timestamp(0)).days
    return start + np.random.default_rng(seed).uniform(0, 350, n)


@pytest.fixture(scope="session")
def ids():
    return pd.Index([f"c{number}" for number in range(400)], name="customer_id")


@pytest.fixture(scope="session")
def sources(ids):
    """Sources of covariates by name: of each customer, of all, static, the season."""
    generator = np.random.default_rng(3)
    fixed = pd.DataFrame({"online": generator.integers(0, 2, len(ids)).astype(float)}, index=ids)
    return {
        "own": ByPeriod(own_table(ids)),
        "shared": ByPeriod(shared_table()),
        "static": Static(fixed),
        "season": Season("monthly"),
        "own and static": ByPeriod(own_table(ids)) + Static(fixed),
    }


@pytest.fixture(scope="session")
def customers(ids):
    """400 customers of one market, without covariates."""
    model = TimeVaryingBGNBD.from_params(**BG)
    return model.simulate(births(len(ids)), "2022-12-31", seed=5, ids=ids)
