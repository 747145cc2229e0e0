"""PLS path models: against the published mobile-phone solution, a loop over rows, the algebra of scores."""

import numpy as np
import pandas as pd
import pytest

from crmlab.errors import InputError
from crmlab.models.pls import SCHEMES, NotConverged, fit_pls, pls_weights, signed_weights

CONSTRUCTS = {"S": ["s1", "s2"], "T": ["t1", "t2", "t3"], "C": ["c1", "c2", "c3"]}
PATHS = [("S", "T"), ("T", "C"), ("S", "C")]
MOBI = {
    "Image": "IMAG", "Expectation": "CUEX", "Quality": "PERQ", "Value": "PERV", "Satisfaction": "CUSA",
    "Complaints": "CUSCO", "Loyalty": "CUSL",
}  # fmt: skip
PUBLISHED = {
    ("Image", "Expectation"): 0.5047, ("Expectation", "Quality"): 0.5572, ("Expectation", "Value"): 0.0508,
    ("Quality", "Value"): 0.5572, ("Image", "Satisfaction"): 0.1788, ("Expectation", "Satisfaction"): 0.0644,
    ("Quality", "Satisfaction"): 0.5125, ("Value", "Satisfaction"): 0.1918, ("Satisfaction", "Complaints"): 0.5261,
    ("Image", "Loyalty"): 0.1954, ("Satisfaction", "Loyalty"): 0.4835, ("Complaints", "Loyalty"): 0.0712,
}  # fmt: skip


def sample(rows=300, seed=1, path=0.6):
    rng = np.random.default_rng(seed)
    s = rng.standard_normal(rows)
    t = 0.5 * s + np.sqrt(0.75) * rng.standard_normal(rows)
    c = path * t + np.sqrt(1 - path**2) * rng.standard_normal(rows)
    latent = {"s": s, "t": t, "c": c}
    items = [item for block in CONSTRUCTS.values() for item in block]
    return pd.DataFrame(
        {item: latent[item[0]] + rng.standard_normal(rows) * (0.4 + 0.2 * int(item[1])) for item in items}
    )


@pytest.fixture(scope="module")
def table():
    return sample()


def by_rows(table, scheme):
    """The textbook's loop on rows, in no hurry: an implementation that shares nothing with the package's."""
    names = list(CONSTRUCTS)

    def unit(values):
        return (values - values.mean(0)) / values.std(0, ddof=1)

    blocks = {name: unit(table[items].to_numpy()) for name, items in CONSTRUCTS.items()}
    score = {name: unit(block.sum(1)) for name, block in blocks.items()}
    for _ in range(200):
        inner = {}
        for name in names:
            before = [one for one, other in PATHS if other == name]
            after = [other for one, other in PATHS if one == name]
            r = {each: np.corrcoef(score[name], score[each])[0, 1] for each in before + after}
            if scheme == "path" and before:
                slopes = np.linalg.lstsq(
                    np.column_stack([score[each] for each in before]), score[name], rcond=None
                )[0]
                r |= dict(zip(before, slopes))
            if scheme == "centroid":
                r = {each: np.sign(value) for each, value in r.items()}
            inner[name] = sum(value * score[each] for each, value in r.items())
        score = {name: unit(block @ (block.T @ unit(inner[name]))) for name, block in blocks.items()}
    found = []
    for one, other in PATHS:
        before = [source for source, target in PATHS if target == other]
        slopes = np.linalg.lstsq(np.column_stack([score[each] for each in before]), score[other], rcond=None)[
            0
        ]
        found.append(slopes[before.index(one)])
    return found, score


@pytest.mark.parametrize("scheme", SCHEMES)
def test_it_is_the_loop_over_rows(table, scheme):
    fit = fit_pls(table, CONSTRUCTS, PATHS, scheme)
    paths, scores = by_rows(table, scheme)
    assert fit.paths.path.to_numpy() == pytest.approx(paths, abs=1e-7)
    for name, score in scores.items():
        assert fit.scores[name].to_numpy() == pytest.approx(score, abs=1e-6)


def test_the_published_solution_of_mobi(real_data):
    from crmlab.data import load_mobi

    items = load_mobi()
    constructs = {
        name: [item for item in items if item.rstrip("0123456789") == stem] for name, stem in MOBI.items()
    }
    fit = fit_pls(items, constructs, list(PUBLISHED), "centroid", bootstrap=200, seed=1)
    assert {(row.source, row.target): round(row.path, 4) for row in fit.paths.itertuples()} == PUBLISHED
    assert (
        fit.failures == 0
        and (fit.paths.low < fit.paths.path).all()
        and (fit.paths.path < fit.paths.high).all()
    )


def test_weights_loadings_scores_and_paths_belong_together(table):
    fit = fit_pls(table, CONSTRUCTS, PATHS)
    unit = (table - table.mean()) / table.std()
    for name, items in CONSTRUCTS.items():
        score = fit.scores[name]
        assert score.mean() == pytest.approx(0, abs=1e-12) and score.std() == pytest.approx(1)
        assert (unit[items] @ fit.weights[name]).to_numpy() == pytest.approx(score.to_numpy())
        assert [np.corrcoef(score, table[item])[0, 1] for item in items] == pytest.approx(
            fit.loadings[name].to_list()
        )
        assert fit.variance_extracted[name] == pytest.approx((fit.loadings[name] ** 2).mean())
    slopes, rest, *_ = np.linalg.lstsq(fit.scores[["S", "T"]], fit.scores["C"], rcond=None)
    assert [fit.path("S", "C"), fit.path("T", "C")] == pytest.approx(slopes)
    assert fit.r_squared["C"] == pytest.approx(1 - rest[0] / (len(table) - 1))
    assert list(fit.r_squared.index) == ["T", "C"]


def test_total_effects_add_up_the_ways(table):
    fit = fit_pls(table, CONSTRUCTS, PATHS)
    total = fit.total_effects
    assert total.loc["S", "C"] == pytest.approx(fit.path("S", "C") + fit.path("S", "T") * fit.path("T", "C"))
    assert total.loc["C", "S"] == 0 and total.loc["S", "S"] == pytest.approx(0)


def test_a_scale_without_error_gives_the_regression():
    table = sample()[["s1", "t1", "c1"]]
    fit = fit_pls(table, {"S": ["s1"], "T": ["t1"], "C": ["c1"]}, PATHS)
    unit = (table - table.mean()) / table.std()
    assert fit.path("T", "C") == pytest.approx(np.linalg.lstsq(unit[["s1", "t1"]], unit.c1, rcond=None)[0][1])


def test_the_sign_is_that_of_most_items(table):
    """Where all items of a construct are reversed, its paths change sign; one item turns alone."""
    fit = fit_pls(table, CONSTRUCTS, PATHS)
    all_reversed = fit_pls(
        table.assign(**{item: -table[item] for item in CONSTRUCTS["T"]}), CONSTRUCTS, PATHS
    )
    assert (
        all_reversed.path("T", "C") == pytest.approx(-fit.path("T", "C"))
        and (all_reversed.loadings > 0).all()
    )
    one_reversed = fit_pls(table.assign(t2=-table.t2), CONSTRUCTS, PATHS)
    assert one_reversed.path("T", "C") == pytest.approx(fit.path("T", "C"))
    assert one_reversed.loadings["T", "t2"] == pytest.approx(-fit.loadings["T", "t2"])


def test_many_samples_at_once_are_many_fits():
    tables = [sample(seed=seed) for seed in range(4)]
    tables[2] = -tables[2]
    at_once = signed_weights(np.array([each.corr().to_numpy() for each in tables]), CONSTRUCTS, PATHS)
    for weights, table in zip(at_once, tables):
        assert weights.sum(1) == pytest.approx(fit_pls(table, CONSTRUCTS, PATHS).weights.to_numpy())


def test_one_that_does_not_settle_leaves_the_others_alone():
    sound = sample().corr().to_numpy()
    found = signed_weights(np.array([sound, np.full(sound.shape, np.nan), sound]), CONSTRUCTS, PATHS)
    assert np.isnan(found[1]).all() and np.isfinite(found[[0, 2]]).all()


def test_the_bootstrap_is_that_of_resampled_fits(table):
    fit = fit_pls(table, CONSTRUCTS, PATHS, bootstrap=3, seed=8)
    rng = np.random.default_rng(8)
    for draw, rows in zip(fit.draws, rng.integers(0, len(table), (3, len(table)))):
        again = fit_pls(table.iloc[rows].reset_index(drop=True), CONSTRUCTS, PATHS)
        assert again.paths.path.to_list() == pytest.approx(draw)


def test_bootstrap_errors_are_the_spread_over_samples():
    paths = np.array([fit_pls(sample(seed=seed), CONSTRUCTS, PATHS).paths.path for seed in range(150)])
    errors = fit_pls(sample(seed=900), CONSTRUCTS, PATHS, bootstrap=400, seed=2).paths.standard_error
    assert errors.to_numpy() == pytest.approx(paths.std(0), rel=0.3)


def test_the_bootstrap_comes_again_and_says_what_it_did(table):
    one, two, other = (fit_pls(table, CONSTRUCTS, PATHS, bootstrap=50, seed=seed) for seed in (1, 1, 2))
    assert (one.draws == two.draws).all() and not (one.draws == other.draws).all()
    assert "50 resamples (0 did not settle)" in repr(one) and "standard_error" in one._repr_html_()
    assert "resamples" not in repr(fit_pls(table, CONSTRUCTS, PATHS))


def test_measurement_error_pulls_paths_towards_zero():
    """What the lesson on trust shows: the score holds the items' error, the factor does not."""
    fit = fit_pls(sample(20_000), CONSTRUCTS, PATHS)
    assert fit.path("T", "C") < 0.6 - 0.05 and fit.path("S", "C") > 0.02


@pytest.mark.parametrize(
    "change, message",
    [
        ({"constructs": {"S": ["s1"], "T": ["s1"]}, "paths": [("S", "T")]}, "s1 stand more than once"),
        ({"constructs": {"S": "s1", "T": ["t1"]}, "paths": [("S", "T")]}, "S have no list of items"),
        ({"constructs": {"S": ["s1"], "T": ["nowhere"]}, "paths": [("S", "T")]}, "unknown column 'nowhere'"),
        ({"paths": [("S", "T"), ("T", "X")]}, "unknown construct 'X'"),
        ({"paths": [("S", "T"), ("T", "C"), ("C", "S")]}, "circle"),
        ({"paths": [("S", "T")]}, "C are on no path"),
        ({"scheme": "structural"}, "scheme is 'structural'"),
        ({"bootstrap": 1, "seed": 1}, "bootstrap is 1"),
        ({"bootstrap": 20}, "seed is None"),
    ],
)
def test_what_cannot_be_fitted_is_refused(table, change, message):
    with pytest.raises(InputError, match=message):
        fit_pls(table, **{"constructs": CONSTRUCTS, "paths": PATHS} | change)


def test_bad_rows_are_named(table):
    with pytest.raises(InputError, match="rows 7 have missing items"):
        fit_pls(table.assign(t2=table.t2.where(table.index != 7)), CONSTRUCTS, PATHS)
    with pytest.raises(InputError, match="items t2 do not vary"):
        fit_pls(table.assign(t2=4.0), CONSTRUCTS, PATHS)
    with pytest.raises(InputError, match="needs more rows"):
        fit_pls(table.head(8), CONSTRUCTS, PATHS)


def test_the_same_scores_twice_are_told(table):
    twins = table.assign(t1=table.s1, t2=table.s2, t3=table.s2)
    with pytest.raises(NotConverged, match="same scores"):
        fit_pls(twins[["s1", "t1", "c1"]], {"S": ["s1"], "T": ["t1"], "C": ["c1"]}, PATHS)


def test_weights_that_cannot_settle_are_told(table, monkeypatch):
    monkeypatch.setattr("crmlab.models.pls.ITERATIONS", 1)
    with pytest.raises(NotConverged, match="did not settle in 1 rounds"):
        fit_pls(table, CONSTRUCTS, PATHS)
    assert np.isnan(
        pls_weights(
            table.corr().to_numpy()[None],
            np.repeat(np.eye(3, dtype=bool), [2, 3, 3], 0),
            np.triu(np.ones((3, 3), bool), 1),
        )[0]
    ).all()
