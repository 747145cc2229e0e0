"""A rule judged by the rows that made it flatters itself; a rule fixed beforehand does not."""

import numpy as np
import pytest

from crmlab.design import Tables
from crmlab.errors import InputError
from crmlab.estimators import PolicyValue, Propensity, SelfJudgedRule

MAILING = ("spend", "sent", Propensity(known="chance"))


def tables(cohorts=200, rows=400, kinds=20, seed=1):
    """Cohorts in which the offer does nothing."""
    rng = np.random.default_rng(seed)
    sent = (rng.random((cohorts, rows)) < 0.5) * 1.0
    columns = {"spend": rng.normal(size=(cohorts, rows)), "sent": sent, "chance": np.full(rows, 0.5)}
    cell = rng.integers(kinds, size=(cohorts, rows))
    return Tables({"customers": columns | {"cell": cell, "all": np.ones(rows), "fixed": (cell < 7) * 1.0}})


def effects_of(one):
    """Cells of a single cohort's rows, and what each row says of the effect, by hand."""
    columns = one.columns("customers")
    cell, sent, spend = (columns[name][0] for name in ("cell", "sent", "spend"))
    means = [spend[sent == arm].mean() for arm in (0, 1)]
    effect = means[1] - means[0] + 2 * sent * (spend - means[1]) - 2 * (1 - sent) * (spend - means[0])
    return cell, effect


def test_chance_is_counted_as_gain():
    noise = tables(kinds=40)
    learned = SelfJudgedRule(*MAILING, cells="cell").batch(noise)
    fixed = PolicyValue(*MAILING, rule="fixed").batch(noise)
    assert learned.value.min() > 0 and (learned.p(">", 0) < 0.05).mean() > 0.9  # it should be 0.05
    assert abs(fixed.value.mean()) < 4 * fixed.value.std() / np.sqrt(200)
    assert (fixed.p(">", 0) < 0.05).mean() < 0.12


def test_it_is_the_value_of_its_own_rule():
    one = tables(cohorts=1)
    cell, effect = effects_of(one)
    best = np.array([effect[cell == kind].mean() > 0 for kind in range(20)])[cell]
    learned = SelfJudgedRule(*MAILING, cells="cell", against="all")(one)
    assert learned.value == pytest.approx(((best - 1.0) * effect).mean())
    fewer = SelfJudgedRule(*MAILING, cells="cell", against_cells="cell")(one)
    assert fewer.value == 0


def test_a_budget_keeps_the_cells_with_the_largest_means():
    one = tables(cohorts=1)
    cell, effect = effects_of(one)
    by_cell = np.array([effect[cell == kind].mean() for kind in range(20)])
    best = np.isin(cell, np.argsort(by_cell)[-3:])
    learned = SelfJudgedRule(*MAILING, cells="cell", most=3)(one)
    assert learned.value == pytest.approx((best * effect).mean())
    positive = int((by_cell > 0).sum())
    everything = SelfJudgedRule(*MAILING, cells="cell")(one).value
    assert positive < 20 and SelfJudgedRule(*MAILING, cells="cell", most=20)(one).value == everything
    with pytest.raises(InputError, match="most is 0; give 1 or more cells"):
        SelfJudgedRule(*MAILING, cells="cell", most=0)


def test_two_rivals_are_refused():
    with pytest.raises(InputError, match="give one of the two"):
        SelfJudgedRule(*MAILING, cells="cell", against="all", against_cells="cell").batch(tables(2))
