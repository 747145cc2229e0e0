"""Real data and reference numbers shared by the tests of the customer-base models."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest


def shipped(name):
    """A data file inside lifetimes, found without importing it (its loaders need a removed module)."""
    import importlib.util

    folder = Path(importlib.util.find_spec("lifetimes").origin).parent / "datasets"
    return pd.read_csv(folder / name)


@pytest.fixture(scope="session")
def cdnow():
    """2,357 customers of CDNOW, weeks: ID, x, t_x, T, zbar."""
    return shipped("cdnow_customers_summary_with_transactions.csv")


@pytest.fixture(scope="session")
def donations():
    """11,104 donors over 6 years, as counts: frequency, recency, periods, weights."""
    return shipped("donations.csv")


@pytest.fixture
def generator():
    return np.random.default_rng(20)
