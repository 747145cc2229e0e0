import pytest

from .probe import Course, write_master


@pytest.fixture(scope="package")
def master(tmp_path_factory):
    return write_master(tmp_path_factory.mktemp("exercises"))


@pytest.fixture
def course(tmp_path, master):
    return Course(tmp_path / "submitted", master)
