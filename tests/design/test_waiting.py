"""A long diagnosis is watched by a bar, and announced before it starts; nobody who does not look sees any."""

import pytest

from crmlab.design import simulating
from crmlab.notebook.session import SESSION, is_watched
from crmlab.theories.start_here import design


def test_somebody_watches_a_notebook_of_their_own(tmp_path, monkeypatch):
    monkeypatch.delenv(SESSION, raising=False)
    assert not is_watched()
    monkeypatch.setenv(SESSION, str(tmp_path / "09_loyalty.ipynb"))
    assert not is_watched(), "no such notebook"
    (tmp_path / "09_loyalty.ipynb").write_text("{}")
    assert is_watched()


@pytest.fixture
def small(monkeypatch):
    """Every task counts as many, and no wait as short."""
    monkeypatch.setattr(simulating, "MANY_TASKS", 0)
    monkeypatch.setattr(simulating, "LONG_SECONDS", 0.0)


def test_a_long_request_is_told_its_time_before_it_starts(small, monkeypatch, capsys):
    order = []
    told = simulating._tell_how_long
    monkeypatch.setattr(simulating, "_tell_how_long", lambda *a: (told(*a), order.append("told")))
    real = simulating.Parallel
    monkeypatch.setattr(simulating, "Parallel", lambda *a, **b: order.append("started") or real(*a, **b))
    quiet = design.diagnose(sims=20, seed=1, progress=False)
    assert "simulations will take" not in capsys.readouterr().err
    order.clear()
    watched = design.diagnose(sims=20, seed=1, progress=True)
    assert "20 simulations will take about 1 min on this computer" in capsys.readouterr().err
    assert order == ["told", "started"]
    assert watched.simulations.equals(quiet.simulations), "the timing draws nothing away"


@pytest.mark.parametrize(
    "seconds, said", [(40, "1 min"), (300, "5 min"), (7300, "2 hours"), (400_000, "5 days")]
)
def test_times_are_said_as_people_say_them(seconds, said):
    assert simulating._duration(seconds) == said
