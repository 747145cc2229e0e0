"""Models of the season and of covariates by period as JSON: asked again, they say the same."""

import copy
import json

import numpy as np
import pandas as pd
import pytest

from crmlab.errors import InputError
from crmlab.models.btyd import BGNBD, load_model
from crmlab.models.btyd.varying import ByPeriod, Season, TimeVaryingModifiedBGNBD, TimeVaryingParetoNBD
from tests.models.btyd.test_saving import changed, signed
from tests.models.btyd.varying.conftest import KINDS

SIDES = [("season", "shared"), ("shared", "static"), ("own and static", "nothing"), ("season", "own")]


def asked(model, customers, given):
    return [
        model.log_likelihood(customers, individual=True, **given),
        model.probability_alive(customers, **given),
        model.conditional_expected_purchases([1.0, 30.0], customers, **given),
    ]


@pytest.mark.filterwarnings("ignore::crmlab.models.btyd.ConvergenceWarning")
@pytest.mark.parametrize("kind, truth", KINDS)
@pytest.mark.parametrize("purchase, dropout", SIDES)
def test_a_model_that_was_read_says_the_same(kind, truth, purchase, dropout, sources, customers, tmp_path):
    named = {"purchase_covariates": purchase, "dropout_covariates": dropout}
    given = {side: sources.get(name) for side, name in named.items()}
    model = kind().fit(customers, **given)
    read = load_model(model.save(tmp_path / "model.json", "week"))
    assert type(read) is kind and read.unit_ == "week" and read.covariate_names_ == model.covariate_names_
    assert read.save(tmp_path / "again.json").read_bytes() == (tmp_path / "model.json").read_bytes()
    pd.testing.assert_series_equal(read.params_, model.params_, check_exact=True)
    pd.testing.assert_frame_equal(read.covariance_, model.covariance_, check_exact=True)
    assert read.convergence_ == model.convergence_ and read.aic_ == model.aic_
    of_customers = ("own", "static", "own and static")
    tables = {side: sources[name] for side, name in named.items() if name in of_customers}
    for ours, theirs in zip(asked(model, customers, {}), asked(read, customers, tables)):
        assert np.array_equal(ours, theirs)
    if tables:
        name = next(iter(tables)).removesuffix("_covariates")
        missing = next(
            each for side, each in zip(("purchase", "dropout"), read.covariate_names_) if side == name
        )
        with pytest.raises(InputError, match=f"holds no customers: give .*{missing[0]}.* again"):
            read.probability_alive(customers)
        with pytest.raises(InputError, match="the model has"):
            read.probability_alive(customers, **tables | {f"{name}_covariates": Season("waves")})


def test_what_is_written_holds_no_customer(sources, customers, tmp_path):
    model = TimeVaryingParetoNBD().fit(
        customers, purchase_covariates=sources["own and static"] + Season("quarterly")
    )
    text = model.save(tmp_path / "model.json").read_text(encoding="utf-8")
    assert "c17" not in text and len(text) < 20_000
    told = json.loads(text)["more"]["sources"]
    assert told[1] == {"kind": "nothing"} and told[0]["of"][1] == {"kind": "season", "season": "quarterly"}
    with pytest.raises(InputError, match="holds a TimeVaryingParetoNBD, not a BGNBD"):
        BGNBD.load(tmp_path / "model.json")


BAD = [
    (("more", "sources"), KeyError, "'more.sources' is missing"),
    (("more", "sources"), [], "'more.sources' has other covariates"),
    (("more", "sources", 0), 5, "'more.sources' holds '5'"),
    (("more", "sources", 0, "kind"), "code", "'more.sources.0.kind' is 'code'; update crmlab"),
    (("more", "sources", 0, "season"), "hourly", "'more.sources.0.season' is 'hourly'; known are monthly"),
    (("more", "sources", 0, "run"), "import os", "'more.sources.0.run' is none of ours"),
    (("more", "sources", 1, "values"), [[1.0]], "'more.sources.1.values"),
    (("more", "sources", 1, "days", 0), 1e9, "'more.sources.1.values' is no table of periods"),
    (("more", "sources", 1, "names"), ["promo", "promo"], "'more.sources.1.names'"),
    (("more", "sources", 1, "values", 0, 0), "x", "'more.sources.1.values.promo'"),
    (("more", "standing"), [2, 0], "'more.standing'"),
    (("more", "standing"), [0], "'more.standing'"),
    (("model",), "BGNBD", "'more.sources' is none of ours"),
    (("format_version",), 2, "update crmlab to read this file"),
]


@pytest.fixture(scope="module")
def saved(sources, customers, tmp_path_factory):
    model = TimeVaryingModifiedBGNBD().fit(
        customers, purchase_covariates=sources["season"], dropout_covariates=sources["shared"]
    )
    path = model.save(tmp_path_factory.mktemp("saved") / "model.json")
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("places, value, message", BAD)
def test_hostile_files_are_refused_by_field(saved, tmp_path, places, value, message):
    document = copy.deepcopy(saved)
    changed(document, *places, value=value)
    (tmp_path / "model.json").write_text(json.dumps(signed(document)), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        load_model(tmp_path / "model.json")


def test_sums_within_sums_have_an_end(saved, tmp_path):
    document = copy.deepcopy(saved)
    for _ in range(50):
        document["more"]["sources"][0] = {"kind": "sum", "of": [document["more"]["sources"][0]]}
    (tmp_path / "model.json").write_text(json.dumps(signed(document)), encoding="utf-8")
    with pytest.raises(InputError, match="'sum'; update crmlab"):
        load_model(tmp_path / "model.json")


def test_periods_of_all_customers_keep_their_names(customers, tmp_path):
    """A covariate may be called period."""
    days = pd.date_range("2021-01-03", "2024-12-31", freq="28D")
    table = pd.DataFrame({"from": days, "period": np.arange(len(days)) % 3 * 1.0})
    model = TimeVaryingParetoNBD().fit(customers, purchase_covariates=ByPeriod(table, period="from"))
    read = load_model(model.save(tmp_path / "model.json"))
    assert np.array_equal(read.probability_alive(customers), model.probability_alive(customers))
