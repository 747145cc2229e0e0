"""What every test may use."""

import os
from pathlib import Path

import pytest

pytest_plugins = ["accessible", "leftovers", "order", "without"]


@pytest.fixture(scope="session")
def root():
    """The checkout."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture
def real_data(monkeypatch):
    """The folder of downloaded data that ``CRMLAB_TEST_DATA`` names; loaders and lessons then find them."""
    from crmlab.data.downloads import DOWNLOADS

    folder = Path(os.environ.get("CRMLAB_TEST_DATA", ""))
    missing = [each.file for each in DOWNLOADS.values() if not (folder / each.file).is_file()]
    if "CRMLAB_TEST_DATA" not in os.environ or missing:
        pytest.skip(
            f"no real data ({', '.join(missing)}): set CRMLAB_TEST_DATA to a folder with them "
            "(crmlab data get)"
        )
    monkeypatch.setenv("CRMLAB_DATA", str(folder))
    return folder
