"""Reliability and discriminant validity: by hand, by simulation, and on answers that real customers gave."""

import numpy as np
import pandas as pd
import pytest

from crmlab.errors import InputError
from crmlab.models.measurement import (
    average_variance_extracted,
    composite_reliability,
    factor_quality,
    heterotrait_monotrait,
    scale_quality,
)

CONSTRUCTS = {"T": ["t1", "t2", "t3"], "C": ["c1", "c2", "c3"], "S": ["s1", "s2"]}


def answers(rows, seed=1, correlation=0.5):
    rng = np.random.default_rng(seed)
    latent = dict(zip("tc", rng.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]], rows).T))
    latent["s"] = rng.standard_normal(rows)
    return pd.DataFrame(
        {
            item: latent[item[0]] + rng.standard_normal(rows) * 0.8
            for block in CONSTRUCTS.values()
            for item in block
        }
    )


def test_by_hand():
    assert composite_reliability([0.8, 0.7, 0.6]) == pytest.approx(2.1**2 / (2.1**2 + 0.36 + 0.51 + 0.64))
    assert average_variance_extracted([0.8, 0.7, 0.6]) == pytest.approx((0.64 + 0.49 + 0.36) / 3)


def test_composite_reliability_is_the_squared_correlation_of_sum_and_factor():
    rng = np.random.default_rng(2)
    loadings = np.array([0.9, 0.7, 0.5])
    factor = rng.standard_normal(400_000)
    total = sum(each * factor + np.sqrt(1 - each**2) * rng.standard_normal(factor.size) for each in loadings)
    assert composite_reliability(loadings) == pytest.approx(np.corrcoef(total, factor)[0, 1] ** 2, abs=0.003)


def test_a_factor_models_quality_is_that_of_its_parameters():
    quality = factor_quality(answers(100_000), CONSTRUCTS)
    joined = quality.loc[["T", "C"]]  # two items that go with nothing else hardly tell their loadings
    assert joined.variance_extracted.to_numpy() == pytest.approx(1 / (1 + 0.8**2), abs=0.01)
    assert quality.composite_reliability["T"] == pytest.approx(9 / (9 + 3 * 0.8**2), abs=0.01)
    assert joined.largest_shared_variance.to_numpy() == pytest.approx(0.25, abs=0.01)
    assert quality.largest_shared_variance["S"] < 0.001 and quality.distinct.all()


def test_one_construct_shares_with_nothing():
    with pytest.raises(InputError, match="give two or more"):
        factor_quality(answers(200), {"T": CONSTRUCTS["T"]})


def test_distinct_is_more_extracted_than_shared():
    loadings = pd.Series(
        [0.8, 0.8, 0.6, 0.6], pd.MultiIndex.from_tuples([("T", 1), ("T", 2), ("C", 1), ("C", 2)])
    )
    correlations = pd.DataFrame([[1, 0.7], [0.7, 1]], ["T", "C"], ["T", "C"])
    quality = scale_quality(loadings, correlations)
    assert quality.largest_shared_variance.tolist() == pytest.approx([0.49, 0.49])
    assert quality.distinct.tolist() == [True, False]  # .64 and .36 extracted


def test_the_ratio_estimates_the_correlation_of_the_traits():
    ratios = heterotrait_monotrait(answers(100_000), CONSTRUCTS)
    assert ratios.ratio("T", "C") == ratios.ratio("C", "T") == pytest.approx(0.5, abs=0.01)
    assert ratios.ratio("T", "S") < 0.02


def test_by_hand_on_a_small_table():
    table = answers(40)
    r = table.corr().abs()
    within = {
        name: np.mean([r.loc[one, other] for one in block for other in block if one != other])
        for name, block in CONSTRUCTS.items()
    }
    across = r.loc[CONSTRUCTS["T"], CONSTRUCTS["C"]].to_numpy().mean()
    found = heterotrait_monotrait(table, CONSTRUCTS).ratio("T", "C")
    assert found == pytest.approx(across / np.sqrt(within["T"] * within["C"]))
    turned = heterotrait_monotrait(table.assign(t2=-table.t2), CONSTRUCTS).ratio("T", "C")
    assert turned == pytest.approx(found)


def test_its_interval_covers():
    held = 0
    for seed in range(100):
        table = heterotrait_monotrait(answers(300, seed), CONSTRUCTS, bootstrap=200, seed=1).table
        row = table[(table["first"] == "T") & (table["second"] == "C")].iloc[0]
        held += row.low <= 0.5 <= row.high
    assert abs(held / 100 - 0.95) <= 4 * np.sqrt(0.05 * 0.95 / 100)


def test_the_same_seed_gives_the_same_interval():
    one, two, other = (heterotrait_monotrait(answers(100), CONSTRUCTS, 50, seed) for seed in (1, 1, 2))
    assert one.table.equals(two.table) and not one.table.equals(other.table)
    assert "low" in repr(one) and "<table" in one._repr_html_()


def test_mobi_as_the_lesson_says(real_data):
    import semopy

    from crmlab.data import load_mobi

    items = load_mobi()
    stems = {"image": "IMAG", "quality": "PERQ", "satisfaction": "CUSA", "loyalty": "CUSL"}
    constructs = {
        name: [item for item in items if item.rstrip("0123456789") == stem] for name, stem in stems.items()
    }
    model = semopy.Model("\n".join(f"{name} =~ " + " + ".join(block) for name, block in constructs.items()))
    model.fit((items - items.mean()) / items.std())
    table = model.inspect(std_est=True).astype({"Est. Std": float})
    loadings = table[table.op == "~"].set_index(["rval", "lval"])["Est. Std"]
    correlations = pd.DataFrame(np.eye(4), list(stems), list(stems))
    for _, row in table[(table.op == "~~") & table.lval.isin(stems)].iterrows():
        correlations.loc[row.lval, row.rval] = correlations.loc[row.rval, row.lval] = row["Est. Std"]
    quality = scale_quality(loadings, correlations)
    assert (quality.composite_reliability < 0.7).to_dict() == {
        "image": False,
        "quality": False,
        "satisfaction": False,
        "loyalty": True,
    }
    assert not quality.distinct.any()
    ratios = heterotrait_monotrait(items, constructs, bootstrap=500, seed=8)
    assert round(ratios.ratio("quality", "satisfaction"), 2) == 0.95
    both = ratios.table[
        (ratios.table["first"] == "quality") & (ratios.table["second"] == "satisfaction")
    ].iloc[0]
    assert both.low < 1 < both.high


@pytest.mark.parametrize(
    "ask, message",
    [
        (lambda: composite_reliability([1.3, 0.5]), "standardised"),
        (lambda: average_variance_extracted([]), "standardised"),
        (lambda: heterotrait_monotrait(answers(50), {"T": ["t1", "t2"], "C": ["c1"]}), "C: give two or more"),
        (lambda: heterotrait_monotrait(answers(50), {"T": ["t1", "t2"]}), "T: give two or more"),
        (
            lambda: heterotrait_monotrait(answers(50), {"T": ["t1", "t9"], "C": ["c1", "c2"]}),
            "unknown column 't9'",
        ),
        (lambda: heterotrait_monotrait(answers(50).assign(t1=2.0), CONSTRUCTS), "t1 do not vary"),
        (lambda: heterotrait_monotrait(answers(50), CONSTRUCTS, bootstrap=20), "seed is None"),
        (lambda: heterotrait_monotrait(answers(50), CONSTRUCTS).ratio("T", "T"), "two constructs"),
        (lambda: heterotrait_monotrait(answers(50), CONSTRUCTS).ratio("T", "X"), "unknown construct 'X'"),
    ],
)
def test_what_cannot_be_told_is_refused(ask, message):
    with pytest.raises(InputError, match=message):
        ask()
