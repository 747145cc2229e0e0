"""Integrals over single periods, against integrals by mpmath; and where the ascent starts."""

from dataclasses import replace

import mpmath
import numpy as np
import pytest

from crmlab.models.btyd.varying.clock import Hand
from crmlab.models.btyd.varying.deaths import PAIRS, Deaths, Side
from crmlab.models.btyd.varying.estimating import timing
from crmlab.models.btyd.varying.pieces import blocks
from tests.models.btyd.varying.conftest import KINDS, OWN


def pieces_of(customers, sources):
    model = KINDS[0][0]()
    model._remember(sources["own"], sources["own"])
    clock, which = model._clock(customers, customers.end)
    return next(blocks(model._rows(customers, clock, which, True), 12))[1]


def by_hand(buy, die, group, i, length):
    """The integral over piece i, and the means of log(a/a₀), 1/a, log(b/b₀), 1/b, and of all products."""
    a, b, u, w = (mpmath.mpf(float(each[i])) for each in (buy.begin, die.begin, buy.speed, die.speed))
    k, m = mpmath.mpf(float(np.broadcast_to(buy.power, group.shape)[i])), mpmath.mpf(die.power)
    over = [mpmath.mpf(float(side.over[group[i]])) for side in (buy, die)]

    def at(t):
        return (a + u * t) / over[0], (b + w * t) / over[1]

    def density(t):
        x, y = at(t)
        return die.shape * w * x**-k * y ** -(m - 1) / (b + w * t)

    features = [
        lambda t: mpmath.log1p(u * t / a),
        lambda t: 1 / (a + u * t),
        lambda t: mpmath.log1p(w * t / b),
        lambda t: 1 / (b + w * t),
    ]

    def mean(function):
        return mpmath.quad(lambda t: density(t) * function(t), [0, length]) / total

    total = mpmath.quad(density, [0, length])
    means = [mean(each) for each in features]
    scale = [1, -a, 1, -b]
    off = [lambda t, each=each, m=m: each(t) - m for each, m in zip(features, means)]
    cov = [scale[p] * scale[q] * mean(lambda t, p=p, q=q: off[p](t) * off[q](t)) for p, q in PAIRS]
    return mpmath.log(total), means, cov


@pytest.mark.parametrize(
    "r, alpha, s, beta",
    [(0.8, 8.0, 0.7, 12.0), (30.0, 400.0, 5.0, 2.0), (0.3, 0.01, 0.2, 60.0), (900.0, 9.0, 0.5, 9.0)],
)
def test_integrals_over_periods_and_their_moments(customers, sources, r, alpha, s, beta):
    pieces, effects = pieces_of(customers, sources), np.array([0.4, -0.3])
    k = r + pieces.rows.x[pieces.leader]
    group, _, _, begin, end = pieces.every
    dials = pieces.on_side(slice(0, 2)), pieces.on_side(slice(2, None))
    buy = Side.of(pieces, dials[0], effects, r, alpha, k, k[group])
    die = Side.of(pieces, dials[1], -effects, s, beta, s, s + 1.0)
    found = Deaths.of(pieces, buy, die, True)
    assert (np.diff(dials[0].clock.edges, axis=1) >= 0).all()
    some = np.flatnonzero(end - begin > 1e-3)
    with mpmath.workdps(30):
        for i in some[:: some.size // 6]:
            log_mass, means, cov = by_hand(buy, die, group, i, mpmath.mpf(end[i]) - mpmath.mpf(begin[i]))
            assert found.log_mass[i] == pytest.approx(float(log_mass), rel=1e-12, abs=1e-11)
            assert found.means[:, i] == pytest.approx(np.array(means, float), rel=1e-11)
            assert found.cov[:, i] == pytest.approx(np.array(cov, float), rel=1e-6, abs=1e-15)


def test_covariates_that_never_change_need_no_runs(customers, sources):
    """A side's clock has one run a course, and shows the same."""
    model = KINDS[0][0]()
    model._remember(sources["own"], sources["static"])
    clock, which = model._clock(customers, customers.end)
    rows, columns = model._rows(customers, clock, which, True), slice(2, None)
    short = clock.of_side(columns)
    assert clock.code.shape[1] > 10 and short.code.shape[1] == 1
    whole = replace(clock, levels=clock.levels[:, columns])
    for each in (rows.first, rows.last, rows.end):
        shown = [
            Hand.of(c, c.levels, np.array([0.7])).at(c.points(rows.course, each)) for c in (short, whole)
        ]
        assert shown[0] == pytest.approx(shown[1], rel=1e-13)


@pytest.mark.parametrize("kind, truth", KINDS)
def test_the_ascent_starts_near_its_end(kind, truth, customers, sources):
    """When purchases fall tells effects: of 400 customers, near enough for a few steps."""
    own = {"purchase_covariates": sources["own"], "dropout_covariates": sources["static"]}
    known = {name: value for name, value in OWN.items() if name.startswith("purchase")}
    market = kind.from_params(**truth, **known, dropout_online=0.4, **own)
    drawn = market.simulate(customers.first, "2022-12-31", seed=8, ids=customers.ids)
    model = kind().fit(drawn, **own)
    clock, which = model._clock(drawn, drawn.end)
    effects, faster = timing(model._rows(drawn, clock, which, True), np.array([0, 1]))
    errors = model.standard_errors_[list(known)].to_numpy()
    assert np.abs(effects - model.params_[list(known)].to_numpy()) == pytest.approx(
        0.0, abs=2.5 * errors.max()
    )
    assert faster > 1.0
    assert model.convergence_.evaluations <= 5
