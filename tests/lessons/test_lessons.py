"""Every lesson runs, with its defaults and with other parameters, without a warning, and gives its results.

With its defaults it runs where the network cannot be reached, by a kernel started afresh; with other
parameters by forked kernels, where the system has them.
"""

import math

import nbformat
import pytest

from crmlab.notebook import run
from crmlab.notebook.recording import recorded

from .common import every_lesson, messages, numbers, other_values


@pytest.fixture(scope="module")
def other_run():
    made = {}

    def of(lesson, name):
        key = lesson.stem, name
        if key not in made:
            made[key] = run(lesson, other_values(lesson)[name], timeout=300)
        return made[key]

    return of


def assert_sound(done):
    assert done.ok, done.error
    assert messages(done.notebook) == {}
    found = list(numbers(done.results))
    assert found and all(value is not None and math.isfinite(value) for _, value in found), found


@every_lesson
def test_it_runs_with_its_defaults(lesson, default_run):
    assert_sound(default_run(lesson))


@every_lesson
def test_it_does_not_try_to_reach_the_network(lesson, default_run):
    assert default_run(lesson).tried == ""


@every_lesson
def test_the_same_seed_gives_the_stored_results(lesson, default_run):
    stored, twice = recorded(nbformat.read(lesson.path, as_version=4).cells)
    assert stored == default_run(lesson).results and not twice


@pytest.mark.parametrize("name", ["another seed", "low ends", "other words"])
@every_lesson
def test_it_runs_with_other_parameters(lesson, name, default_run, other_run, record_property):
    done = other_run(lesson, name)
    record_property("seconds", round(done.seconds, 1))
    assert_sound(done)
    values = other_values(lesson)[name]
    assert {key: done.parameters[key] for key in values} == values
    assert set(done.results) == set(default_run(lesson).results), "the same names, whatever the parameters"


@every_lesson
def test_another_seed_gives_other_results(lesson, default_run, other_run):
    assert list(other_values(lesson)["another seed"]) == ["seed"], (
        "a lesson draws from a seed that it is given"
    )
    one, other = (
        dict(numbers(default_run(lesson).results)),
        dict(numbers(other_run(lesson, "another seed").results)),
    )
    assert any(one[where] != other.get(where) for where in one)
