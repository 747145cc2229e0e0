"""The numbers that lesson 12 lands on, from the files themselves."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from crmlab.data import load_calls, load_cdnow_log
from crmlab.design import Cohort
from crmlab.estimators import GiniCoefficient, TierRatio, TopShare
from crmlab.models.concentration import tier_moves


@pytest.fixture(scope="module")
def cdnow():
    log = load_cdnow_log()
    edges = pd.to_datetime(["1997-01-01", "1997-04-01", "1997-11-15", "1998-07-01"])
    window = pd.cut(log.date, edges, right=False, labels=["came", "now", "then"])
    spent = log.pivot_table("amount", "customer_id", window, "sum", 0.0, observed=False)
    columns = {str(name): spent[name].to_numpy() for name in spent}
    columns["all"], columns["bought"] = sum(columns.values()), (columns["now"] > 0) * 1.0
    return columns


def test_cdnow_78_weeks(cdnow):
    tables = Cohort({"customers": cdnow}).tables
    share = TopShare("all")(tables)
    assert len(cdnow["all"]) == 23_570
    assert np.round([share.value, *share.bounds()], 3) == pytest.approx([0.678, 0.670, 0.686])
    assert GiniCoefficient("all")(tables).value == pytest.approx(0.635, abs=0.0005)
    assert np.exp(TierRatio("all")(tables).value) == pytest.approx(52, abs=0.5)


def test_cdnow_after_the_door_was_shut(cdnow):
    tables, among = Cohort({"customers": cdnow}).tables, {"by": "now", "among": "bought"}
    assert cdnow["bought"].sum() == 8110
    assert TopShare("now")(tables).value == pytest.approx(0.907, abs=0.0005)
    assert TopShare("now", **among)(tables).value == pytest.approx(0.619, abs=0.0005)
    assert TopShare("then", **among)(tables).value == pytest.approx(0.550, abs=0.0005)
    ratios = [np.exp(TierRatio(name, **among)(tables).value) for name in ("now", "then")]
    assert np.round(ratios).tolist() == [39, 14]
    best = np.argsort(-cdnow["now"], kind="stable")[: round(0.2 * 8110)]
    assert cdnow["then"][best].sum() / cdnow["then"].sum() == pytest.approx(0.457, abs=0.0005)
    newcomers = cdnow["then"][cdnow["bought"] == 0].sum() / cdnow["then"].sum()
    assert newcomers == pytest.approx(0.168, abs=0.0005)
    moves = tier_moves(cdnow["now"], cdnow["then"])
    assert moves[0, 0] / moves[0].sum() == pytest.approx(0.40, abs=0.005)


def test_priority_waits_hardly_less_and_is_twice_as_patient(real_data):
    calls = load_calls()
    queued = calls[(calls.wait > 0) & calls.outcome.isin(["AGENT", "HANG"])]
    queued = queued.assign(left=(queued.outcome == "HANG") * 1)
    assert len(queued) == 16_665 and queued.left.mean() == pytest.approx(0.185, abs=0.0005)
    by = queued.groupby("priority")
    assert by.wait.mean().round(1).tolist() == [75.2, 68.4, 64.8]
    assert by.left.mean().round(3).tolist() == [0.342, 0.191, 0.109]
    patience = [SurvfuncRight(one.wait, one.left).quantile(0.5) for _, one in by]
    assert patience == [171, 311, 610]
    known = queued[queued.priority > 0]
    statistic, _ = survdiff(known.wait, known.left, known.priority)
    assert statistic == pytest.approx(117, abs=0.6)
