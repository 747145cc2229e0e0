"""What every test may use."""

import os
from pathlib import Path

import pytest

pytest_plugins = ["accessible", "interrupts", "leftovers", "order", "without"]


@pytest.fixture(scope="session")
def root():
    """The checkout."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture
def real_data(monkeypatch):
    """The folder of downloaded data that ``CRMLAB_TEST_DATA`` names; loaders and lessons then find them.

    A loader that finds its file missing there fails the test, and says how to get it.
    """
    if "CRMLAB_TEST_DATA" not in os.environ:
        pytest.skip("no real data: set CRMLAB_TEST_DATA to a folder with them (crmlab data get --all)")
    monkeypatch.setenv("CRMLAB_DATA", os.environ["CRMLAB_TEST_DATA"])
    return Path(os.environ["CRMLAB_TEST_DATA"])
