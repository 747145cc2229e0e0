"""Code written for lifetimes: each call of its quickstart on it, as it stands on ours, in our words."""

import contextlib
import io
import shutil
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import crmlab.plots.btyd
import crmlab.plots.customers
from crmlab.data import customer_summary, load_cdnow_log, load_cdnow_summary
from crmlab.errors import InputError
from crmlab.models import as_lifetimes, btyd
from crmlab.models.as_lifetimes import calls, plotting, utils

lifetimes = pytest.importorskip("lifetimes")
DATA = Path(lifetimes.__file__).parent / "datasets"


@pytest.fixture(autouse=True)
def numpys_old_generator_stays_as_it_was():
    """lifetimes' fitters draw their starting values from it."""
    before = np.random.get_state()
    yield
    np.random.set_state(before)
    plt.close("all")


def loaders():
    """lifetimes' own loaders, which need a module that is gone."""
    heads = ["customer_id", "frequency", "recency", "T", "monetary_value"]
    with_money = pd.read_csv(DATA / "cdnow_customers_summary_with_transactions.csv").set_axis(heads, axis=1)
    return {
        "load_cdnow_summary": lambda index_col: pd.read_csv(
            DATA / "cdnow_customers_summary.csv", index_col=index_col
        ),
        "load_transaction_data": lambda: pd.read_csv(DATA / "example_transactions.csv"),
        "load_cdnow_summary_data_with_monetary_value": lambda: with_money.set_index("customer_id"),
    }


def spaces(folder):
    """The names that code finds: in lifetimes, in ours under its names, and in ours."""
    shared = {"np": np, "pd": pd}
    theirs = shared | loaders() | vars(lifetimes) | vars(lifetimes.utils)
    dropped = shared | loaders() | vars(utils) | vars(plotting) | vars(as_lifetimes)
    ours = shared | vars(btyd) | {"customer_summary": customer_summary, "crmlab": crmlab}
    ours["load_cdnow_summary"] = load_cdnow_summary
    for name, names in (("theirs.pkl", theirs), ("dropped.json", dropped), ("ours.json", ours)):
        names["file"] = str(folder / name)
    return theirs, dropped, ours


def run(code, names):
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        exec(code, names)


def numbers(expression, names):
    value = eval(expression, names)
    return np.asarray(value, float).ravel()


def test_every_call_of_the_quickstart(tmp_path, monkeypatch):
    """Numbers agree; where lifetimes fails on today's pandas, ours under its names and in our words do."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(DATA / "example_transactions.csv", tmp_path)
    theirs, dropped, ours = spaces(tmp_path)
    compared = 0
    for call in calls():
        draws = call.theirs.split("\n")[-1].startswith("axes =")
        asks = not draws and (not call.broken or "load_" in call.theirs)
        run(call.theirs, dropped)
        run(call.ours, ours)
        if asks:
            run(call.theirs, theirs)
        if draws:
            assert isinstance(dropped["axes"], Axes), call.theirs
            assert "figure =" not in call.ours or isinstance(ours["figure"], Figure)
            plt.close("all")
        if call.compare:
            in_our_words = numbers(call.compare_ours or call.compare, ours)
            under_their_names = numbers(call.compare, dropped)
            slack = max(call.within, 1e-9)
            assert in_our_words == pytest.approx(under_their_names, rel=slack, nan_ok=False), call.ours
            if asks:
                said = numbers(call.compare, theirs)
                assert under_their_names == pytest.approx(said, rel=slack if slack < 0.01 else 1e-4), (
                    call.theirs
                )
            compared += 1
    assert compared == sum(bool(call.compare) for call in calls()) > 15


def test_the_calls_are_those_of_the_models():
    """Each of lifetimes' public methods of a fitter that ours is has its name on ours."""
    missing = {
        "ParetoNBDFitter": {"conditional_probability_of_n_purchases_up_to_time"},
        "all": {"generate_new_data", "fit", "save_model", "load_model", "summary"},
    }
    for name in as_lifetimes.__all__:
        if not name.endswith("Fitter"):
            continue
        asked = {each for each in vars(getattr(lifetimes, name)) if not each.startswith("_")}
        have = set(dir(getattr(as_lifetimes, name)))
        assert asked - have <= missing.get(name, set()) | missing["all"], name
    for kind in (btyd.BGNBD, btyd.ModifiedBGNBD, btyd.ParetoNBD, btyd.BGCNBD, btyd.ModifiedBGCNBD):
        for method in (
            "predict",
            "conditional_expected_number_of_purchases_up_to_time",
            "conditional_probability_alive",
            "expected_number_of_purchases_up_to_time",
            "probability_of_n_purchases_up_to_time",
            "customer_lifetime_value",
            "save_model",
            "load_model",
        ):
            assert callable(getattr(kind, method))


def test_periods_under_lifetimes_names():
    donations = pd.read_csv(DATA / "donations.csv")
    columns = donations["frequency"], donations["recency"], donations["periods"], donations["weights"]
    ours, theirs = as_lifetimes.BetaGeoBetaBinomFitter(), lifetimes.BetaGeoBetaBinomFitter()
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        ours.fit(*columns), theirs.fit(*columns)
    assert ours.params_.to_numpy() == pytest.approx(theirs.params_.to_numpy(), rel=1e-3)
    for method in ("conditional_expected_number_of_purchases_up_to_time", "conditional_probability_alive"):
        ask, other = getattr(ours, method), getattr(theirs, method)
        assert np.asarray(ask(5, *columns[:3])) == pytest.approx(np.asarray(other(5, *columns[:3])), rel=1e-3)
    few = ours.expected_number_of_transactions_in_first_n_periods(6)["model"]
    other = theirs.expected_number_of_transactions_in_first_n_periods(6)["model"]
    assert few.to_numpy() == pytest.approx(other.to_numpy(), rel=1e-3)


@pytest.mark.parametrize("freq", ["D", "W"])
def test_summaries_under_lifetimes_names(freq):
    log = load_cdnow_log().head(8_000)
    columns = ("customer_id", "date")
    options = dict(monetary_value_col="amount", observation_period_end="1998-03-29", freq=freq)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = lifetimes.utils.summary_data_from_transaction_data(log, *columns, **options)
        split = lifetimes.utils.calibration_and_holdout_data(
            log, *columns, calibration_period_end="1997-09-28", **options
        )
    pd.testing.assert_frame_equal(
        utils.summary_data_from_transaction_data(log, *columns, **options),
        theirs,
        check_dtype=False,
        rtol=1e-9,
    )
    ours = utils.calibration_and_holdout_data(log, *columns, calibration_period_end="1997-09-28", **options)
    assert set(split) == set(ours)
    split = split.drop(columns="monetary_value_holdout")  # theirs is a mean over rows, not over days
    pd.testing.assert_frame_equal(ours[list(split)], split, check_dtype=False, rtol=1e-9)
    half = utils.summary_data_from_transaction_data(log, *columns, **options, freq_multiplier=2)
    assert half["T"].to_numpy() == pytest.approx(theirs["T"].to_numpy() / 2)


def test_a_fitter_is_saved_under_the_name_of_the_model(tmp_path):
    summary = load_cdnow_summary()
    buyers = summary[summary["frequency"] > 0]
    ggf = as_lifetimes.GammaGammaFitter().fit(buyers["frequency"], buyers["monetary_value"])
    ggf.save_model(tmp_path / "ggf.json")
    again = as_lifetimes.GammaGammaFitter()
    again.load_model(tmp_path / "ggf.json")
    assert again.params_.equals(ggf.params_) and list(again.params_.index) == ["p", "q", "v"]
    plain = btyd.load_model(tmp_path / "ggf.json")
    assert list(plain.params_.index) == ["p", "q", "gamma"] and repr(plain) == repr(ggf.model)
    assert again.expected_spend(2, 30.0) == plain.expected_spend(2, 30.0)


@pytest.mark.parametrize(
    "ask, message",
    [
        (lambda: as_lifetimes.BetaGeoFitter(penalizer_coef=-1), "penalizer_coef is -1"),
        (lambda: as_lifetimes.GammaGammaFitter().fit([1, 2], [3.0, 4.0], q_constraint=True), "give a prior"),
        (
            lambda: utils.summary_data_from_transaction_data(pd.DataFrame(), "id", "date", freq="M3"),
            "freq is 'M3'",
        ),
        (
            lambda: utils.summary_data_from_transaction_data(
                pd.DataFrame(), "id", "date", include_first_transaction=True
            ),
            "include_first_transaction is not offered",
        ),
        (lambda: plotting.plot_period_transactions(btyd.BGNBD()), "model has no data"),
    ],
)
def test_what_lifetimes_has_and_ours_has_not(ask, message):
    with pytest.raises(InputError, match=message):
        ask()
