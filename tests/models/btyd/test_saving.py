"""Models as JSON: the same to the last digit, and what was tampered with is refused by the field's name."""

import copy
import hashlib
import json
import warnings

import numpy as np
import pandas as pd
import pytest

from crmlab.errors import InputError
from crmlab.mechanisms import purchases
from crmlab.models import btyd
from crmlab.models.btyd import (
    BGBB,
    BGCNBD,
    BGNBD,
    GammaGamma,
    ModifiedBGCNBD,
    ModifiedBGNBD,
    ParetoNBD,
    ShiftedBetaGeometric,
    load_model,
    save_model,
)
from crmlab.models.btyd.saving import FORMAT_VERSION, NAMES

BG = dict(r=0.5, alpha=5.0, a=0.8, b=2.5)


def history(kind, draw, truth, **options):
    data = draw(600, 40.0, seed=3, **truth)
    return kind(**options).fit(data.frequency, data.recency, data.T)


def with_covariates():
    z = np.random.default_rng(1).standard_normal((800, 1))
    table = pd.DataFrame(z, columns=["age “x”"])
    data = purchases.bg_nbd(800, 40.0, seed=2, purchase_covariates=z, purchase_effects=[0.5], **BG)
    return BGNBD(0.9).fit(data.frequency, data.recency, data.T, purchase_covariates=table)


def at_a_boundary():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return BGNBD().fit([3, 3, 3], [9.0, 9.0, 9.0], [10.0, 10.0, 10.0])


MODELS = {
    "BG/NBD": lambda: history(BGNBD, purchases.bg_nbd, BG),
    "MBG/NBD": lambda: history(ModifiedBGNBD, purchases.mbg_nbd, BG),
    "Pareto/NBD": lambda: history(ParetoNBD, purchases.pareto_nbd, dict(r=0.6, alpha=8.0, s=0.7, beta=12.0)),
    "BG/CNBD-2": lambda: history(BGCNBD, purchases.bg_cnbd, BG | {"k": 2}, k=2),
    "MBG/CNBD-k": lambda: history(ModifiedBGCNBD, purchases.mbg_cnbd, BG | {"k": 2}),
    "BG/BB": lambda: BGBB().fit([0, 1, 3, 2, 0, 5], [0, 2, 5, 6, 0, 6], 6, weights=[90, 20, 10, 30, 20, 9]),
    "Gamma-Gamma": lambda: GammaGamma().fit([1, 2, 5, 3, 1, 8], [9.0, 14.0, 8.0, 30.0, 22.0, 11.0]),
    "sBG": lambda: ShiftedBetaGeometric().fit([1000, 631, 468, 382]),
    "covariates": with_covariates,
    "boundary": at_a_boundary,
    "fixed": lambda: BGBB().fit(
        [0, 1, 3], [0, 2, 5], 6, weights=[9, 2, 4], fixed={"beta": 1.0, "delta": 3.0}
    ),
    "known": lambda: BGCNBD.from_params(k=3, **BG),
    "at": lambda: with_covariates().at(purchase_covariates={"age “x”": 1.0}),
}


@pytest.fixture(params=MODELS)
def model(request):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", btyd.ConvergenceWarning)
        return MODELS[request.param]()


def same(ours, theirs):
    """Everything that a model holds, to the last bit."""
    assert set(ours) - {"unit_"} == set(theirs) - {"unit_"}
    for name, value in ours.items():
        other = theirs[name]
        if isinstance(value, (pd.Series, pd.DataFrame)):
            getattr(pd.testing, f"assert_{type(value).__name__.lower().replace('data', '')}_equal")(
                value, other, check_exact=True
            )
        elif isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, other, strict=True)
        elif name != "unit_":
            assert repr(value) == repr(other), name  # digits and NaN alike


def test_a_model_comes_back_to_the_last_digit(model, tmp_path):
    path = save_model(model, tmp_path / "model.json", unit="week")
    again = load_model(path)
    assert type(again) is type(model) and again.unit_ == "week"
    same(model.__dict__, again.__dict__)
    assert repr(again) == repr(model)
    before = path.read_bytes()
    assert again.save(path).read_bytes() == before  # its unit, too
    assert type(model).load(path).params_.equals(model.params_)
    assert [each.name for each in tmp_path.iterdir()] == ["model.json"]


def test_what_is_written_says_what_it_is(tmp_path):
    model = MODELS["BG/NBD"]()
    document = json.loads(model.save(tmp_path / "m.json", "day").read_text(encoding="utf-8"))
    assert document["model"] == "BGNBD" and document["unit"] == "day" and document["in_unit"] == ["alpha"]
    assert document["parameters"] == dict(model.params_)
    assert document["fit"]["log_likelihood"] == model.log_likelihood_
    assert document["fit"]["customers"] == 600 and document["crmlab"]
    assert set(NAMES) == {
        name
        for name in btyd.__all__
        if isinstance(getattr(btyd, name), type) and hasattr(getattr(btyd, name), "fit")
    } - {"RegularModel"}


def changed(document, *places, value):
    part = document
    for place in places[:-1]:
        part = part[place]
    if value is KeyError:
        del part[places[-1]]
    else:
        part[places[-1]] = value


def signed(document):
    """With a hash that is right, as somebody hostile would."""
    document = {name: value for name, value in document.items() if name != "sha256"}
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return document | {"sha256": hashlib.sha256(text.encode()).hexdigest()}


BAD = [
    (("format",), "scikit-learn", "'format' is 'scikit-learn'"),
    (("format_version",), FORMAT_VERSION + 1, r"'format_version' is 2, written by crmlab .* update crmlab"),
    (("format_version",), True, "'format_version'"),
    (("crmlab",), KeyError, "'crmlab' is missing"),
    (("model",), "os.system", "'model' is 'os.system'"),
    (("model",), "ParetoNBD", "'in_unit'"),
    (
        ("settings", "confidence_level"),
        "0.95",
        "'settings.confidence_level' is '0.95'; it is a finite number",
    ),
    (("settings", "confidence_level"), 7.0, "confidence_level is 7"),
    (("settings", "prior"), {"r": [1.0]}, r"prior\['r'\]"),
    (("settings", "prior"), 5, "prior is 5"),
    (("settings", "penalizer_coef"), -1.0, "penalizer_coef is -1"),
    (("settings", "k"), 2, "'settings.k' is none of ours"),
    (("unit",), ["week"], "'unit'"),
    (("covariates",), [["x"], [], []], "'covariates'"),
    (("covariates",), [["x"], []], r"'parameters.purchase_x' is missing"),
    (("parameters", "r"), -1.0, "'parameters.r' is '-1.0'; it is a finite number above 0"),
    (("parameters", "r"), 10**400, "'parameters.r'"),
    (("parameters", "r"), None, "'parameters.r'"),
    (("parameters", "z"), 1.0, "'parameters.z' is none of ours"),
    (("parameters",), [1.0], "'parameters'"),
    (("estimates", "covariance"), [[1.0]], "'estimates.covariance'.* 4 rows"),
    (("estimates", "covariance", 0, 1), 9.0, "'estimates.covariance'.* symmetric"),
    (("estimates", "standard_errors"), [1.0] * 4, "'estimates.standard_errors'"),
    (("estimates", "coefficients"), [0.0] * 4, "'estimates.coefficients'"),
    (("fit", "log_likelihood"), {"$gt": 0}, "'fit.log_likelihood'"),
    (("fit", "customers"), 0.0, "'fit.customers'"),
    (("fit", "degrees_of_freedom"), 4.0, "'fit.degrees_of_freedom'"),
    (("fit", "fixed"), ["q"], "'fit.fixed'"),
    (("fit", "status"), "fine", "'fit.status'"),
    (("fit", "message"), "x" * 20_000, "'fit.message'"),
    (("more", "code"), "import os", "'more.code' is none of ours"),
    (("payload",), 1, "'payload' is none of ours"),
]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = MODELS["BG/NBD"]().save(tmp_path_factory.mktemp("saved") / "model.json")
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("places, value, message", BAD)
def test_hostile_files_are_refused_by_field(saved, tmp_path, places, value, message):
    document = copy.deepcopy(saved)
    changed(document, *places, value=value)
    path = tmp_path / "model.json"
    path.write_text(json.dumps(signed(document)), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        load_model(path)


def test_a_change_of_any_number_is_seen(saved, tmp_path):
    document = copy.deepcopy(saved)
    document["fit"]["log_likelihood"] += 1e-9
    (tmp_path / "m.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(InputError, match="'sha256' is not that of the rest"):
        load_model(tmp_path / "m.json")


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "holds no fields"),
        ('{"format": NaN}', "NaN is no number of JSON"),
        ('{"format": 1, "format": 2}', "'format' stands there more than once"),
        (b"\xff\xfe", "is no JSON"),
        ("{}" + " " * (1 << 23), "bytes; no model"),
    ],
)
def test_files_that_are_none_of_ours(tmp_path, text, message):
    path = tmp_path / "m.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=message):
        load_model(path)


def test_what_cannot_be_saved_or_read(tmp_path, saved):
    with pytest.raises(InputError, match="is no file"):
        load_model(tmp_path)
    with pytest.raises(btyd.NotFittedError):
        BGNBD().save(tmp_path / "m.json")

    class Own(BGNBD):
        pass

    with pytest.raises(InputError, match="Own has no file format"):
        Own.from_params(**BG).save(tmp_path / "m.json")
    path = BGNBD.from_params(**BG).save(tmp_path / "m.json")
    with pytest.raises(InputError, match="holds a BGNBD, not a ParetoNBD"):
        ParetoNBD.load(path)
