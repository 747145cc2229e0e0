"""Real data on feeling and waiting: a news story's effect through emotion, and callers who give up."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from crmlab.data import load_calls, load_framing
from crmlab.data.call_centre import queued_calls
from crmlab.data.framing import COVARIATES
from crmlab.errors import InputError
from crmlab.models.mediation import bootstrap_interval, mediated_chance, mediated_effect_at
from crmlab.models.patience import hazard_by_minute, median_patience, patience_by_group

HELD = " + ".join(COVARIATES)


def fits(people):
    """Of emotion on the story, and of the message on the story, with emotion and without."""
    formulas = (
        f"emotion ~ story + {HELD}",
        f"message ~ story + emotion + {HELD}",
        f"message ~ story + {HELD}",
    )
    return [smf.ols(formula, people).fit() for formula in formulas]


def test_the_links_of_the_news_story(real_data):
    people = load_framing()
    first, second, total = fits(people)
    assert (len(people), people.story.sum()) == (265, 68)
    found = [
        (fit.params[term], fit.bse[term])
        for fit, term in ((first, "story"), (second, "emotion"), (total, "story"), (second, "story"))
    ]
    assert np.array(found) == pytest.approx(
        np.array([[1.339, 0.360], [0.0639, 0.0106], [0.105, 0.065], [0.019, 0.063]]), abs=6e-4
    )
    assert total.pvalues["story"] > 0.1


def test_the_message_through_emotion_and_where_it_vanishes(real_data):
    people = load_framing()
    first, _, total = fits(people)
    correlation = np.corrcoef(first.resid, total.resid)[0, 1]
    assert correlation == pytest.approx(0.35, abs=5e-3)
    spreads = total.resid.std(), first.resid.std()
    at = mediated_effect_at([0.0, correlation], first.params["story"], *spreads, correlation)
    assert at == pytest.approx([0.0856, 0.0], abs=5e-4)
    drawn = mediated_chance(people, "story", "emotion", "message", HELD, draws=4000, seed=1)
    assert drawn[0] == pytest.approx(0.085, abs=5e-4)
    assert bootstrap_interval(drawn[1:], drawn[0]) == pytest.approx((0.035, 0.140), abs=5e-3)


def test_the_effect_on_a_chance_is_what_potential_outcomes_say():
    """Draw mediator and outcome with the mediator as it is with and without the cause, in a large cohort."""
    rng, n = np.random.default_rng(3), 400_000
    cause, age = (rng.random(n) < 0.4) * 1.0, rng.standard_normal(n)
    shock, tie = rng.standard_normal((2, n))
    mediator = {on: 0.8 * on + 0.3 * age + 1.5 * shock for on in (0, 1)}

    def outcome(on, moved):
        return (-0.5 + 0.2 * on + 0.5 * mediator[moved] - 0.2 * age + tie > 0) * 1.0

    seen = np.where(cause == 1, mediator[1], mediator[0])
    acts = np.where(cause == 1, outcome(1, 1), outcome(0, 0))
    truth = np.mean([outcome(on, 1) - outcome(on, 0) for on in (0, 1)])
    sample = pd.DataFrame({"z": cause, "m": seen, "y": acts, "age": age})[:20_000]
    drawn = mediated_chance(sample, "z", "m", "y", "age", draws=400)
    low, high = bootstrap_interval(drawn[1:], drawn[0])
    assert low < truth < high and high - low < 0.02


def test_who_waits_and_who_gives_up(real_data):
    calls = queued_calls(load_calls())
    assert (len(calls), round(calls.gave_up.mean(), 3)) == (16_665, 0.185)
    assert median_patience(calls) == 311
    hazard = hazard_by_minute(calls).set_index("minute").hazard
    assert hazard[[1, 6]].to_numpy() == pytest.approx([0.184, 0.099], abs=5e-4)
    groups = patience_by_group(calls, "priority")
    assert groups.calls.tolist() == [3957, 4197, 8511]
    assert groups.median_patience.tolist() == [171, 311, 610]
    assert groups.wait.to_numpy() == pytest.approx([75.2, 68.4, 64.8], abs=0.05)
    assert groups.gave_up.to_numpy() == pytest.approx([0.342, 0.191, 0.109], abs=5e-4)


def test_the_priorities_differ_by_the_log_rank_test(real_data):
    from lifelines.statistics import logrank_test

    calls = queued_calls(load_calls())
    one, two = (calls[calls.priority == priority] for priority in (1, 2))
    found = logrank_test(one.wait, two.wait, one.gave_up, two.gave_up)
    assert found.test_statistic == pytest.approx(117.2, abs=0.05)


def waits(rng, n, patience):
    served = rng.exponential(90, n)
    return pd.DataFrame({"wait": np.minimum(patience, served), "gave_up": patience < served})


def test_patience_is_found_although_service_cuts_it_short():
    rng, n = np.random.default_rng(4), 40_000
    seen = waits(rng, n, rng.exponential(300, n))
    assert median_patience(seen) == pytest.approx(300 * np.log(2), rel=0.03)
    hazards = hazard_by_minute(seen, 4)
    assert ((hazards.low < 0.2) & (hazards.high > 0.2)).sum() >= 3
    assert hazards.waiting.iloc[0] == n


def test_hazard_falls_where_nobody_grows_more_patient():
    """Two kinds of callers, each with a hazard that stays: the impatient leave first."""
    rng, n = np.random.default_rng(5), 40_000
    kinds = np.where(rng.random(n) < 0.4, 100, 900)
    hazard = hazard_by_minute(waits(rng, n, rng.exponential(kinds)), 4).hazard
    assert hazard.iloc[0] > 1.3 * hazard.iloc[3]


def test_what_is_no_wait_is_refused():
    seen = pd.DataFrame({"wait": [3.0, 0.0], "gave_up": [True, False]})
    with pytest.raises(InputError, match=r"rows \[1\]"):
        median_patience(seen)
    with pytest.raises(InputError, match="unknown column 'gave_up'"):
        hazard_by_minute(seen[["wait"]])
    with pytest.raises(InputError, match="unknown group 'branch'"):
        patience_by_group(seen[:1], "branch")
