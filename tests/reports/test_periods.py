"""Purchases and contracts by period: what is counted, what is expected, and the report that says it."""

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest

from crmlab.cli import main
from crmlab.errors import InputError
from crmlab.mechanisms import purchases
from crmlab.models.btyd import BGBB, ShiftedBetaGeometric
from crmlab.reports import customer_report, period_report
from crmlab.reports.periods import ahead, drawn
from crmlab.reports.whole_periods import period_end


def dated(customer, month, amount):
    """A log with one row a month, on any day of it."""
    day = np.random.default_rng(5).integers(1, 28, len(month))
    dates = pd.to_datetime(pd.DataFrame({"year": 2022 + month // 12, "month": month % 12 + 1, "day": day}))
    return pd.DataFrame({"customer_id": customer, "date": dates, "amount": amount})


@pytest.fixture(scope="module")
def opportunities():
    """2,000 customers who began in the first ten of 30 months."""
    born = np.random.default_rng(2).integers(0, 10, 2000)
    truth = dict(alpha=1.2, beta=1.5, gamma=0.66, delta=4.0)
    data = purchases.bg_bb(2000, 29 - born, seed=1, **truth)
    log = data.log()
    customer = log["customer_id"].to_numpy()
    mean = np.random.default_rng(3).gamma(4.0, 5.0, 2000)
    amount = (mean[customer] * np.random.default_rng(4).gamma(6.0, 1 / 6.0, len(log))).round(2) + 0.01
    return dated(customer, born[customer] + log["time"].to_numpy(), amount), born, data, truth


@pytest.fixture(scope="module")
def contracts():
    """1,500 customers who began in the first eight of 24 months, and pay each month until they leave."""
    born = np.random.default_rng(2).integers(0, 8, 1500)
    truth = dict(alpha=0.7, beta=4.0)
    lifetime, _ = purchases.shifted_beta_geometric(1500, seed=1, **truth)
    paid = np.minimum(lifetime, 24 - born).astype(int)
    customer = np.repeat(np.arange(1500), paid)
    month = np.concatenate([first + np.arange(count) for first, count in zip(born, paid)])
    return dated(customer, month, 9.5), born, lifetime, truth


def test_a_period_ends_with_its_last_day():
    assert period_end(date(2024, 2, 29), "M") == date(2024, 2, 29)
    assert period_end(date(2024, 2, 28), "M") == date(2024, 1, 31)
    assert period_end(date(2024, 1, 5), "M") == date(2023, 12, 31)
    assert period_end(date(2024, 3, 3), "W") == date(2024, 3, 3)  # a Sunday
    assert period_end(date(2024, 3, 9), "W") == date(2024, 3, 3)
    assert period_end(date(2024, 12, 31), "Y") == date(2024, 12, 31)
    assert period_end(date(2024, 12, 30), "Y") == date(2023, 12, 31)
    assert period_end(date(2024, 3, 9), "D") == date(2024, 3, 9)


def test_opportunities_are_counted_and_the_model_is_found(opportunities):
    log, born, data, truth = opportunities
    report = period_report(log, "bgbb", observation_end="2024-06-30", calibration_end="2023-09-30")
    assert (report.summary["frequency"] == data.frequency).all()
    assert (report.summary["recency"] == data.recency).all() and (report.summary["T"] == 29 - born).all()
    assert report.model.params_.equals(BGBB().fit(data.frequency, data.recency, data.T).params_)
    found, error = np.log(report.model.params_), report.model.standard_errors_ / report.model.params_
    assert (np.abs(found - np.log(list(truth.values()))) < 4 * error).all()
    assert report.holdout.low < report.made < report.holdout.high
    assert report.made == (log["date"] > "2023-09-30").sum()
    alive = report.totals["active"]
    assert alive.low < (data.truth["alive"]).sum() < alive.high
    value = report.customers["value"]
    assert value.is_monotonic_decreasing and value.sum() == pytest.approx(report.totals["value"].value)
    some = report.customers.iloc[:5]
    asked = report.model.customer_lifetime_value(
        12, 1.1 ** (1 / 12) - 1, some["frequency"], some["recency"], some["T"], some["expected_spend"]
    )
    assert some["value"].to_numpy() == pytest.approx(asked.to_numpy(), rel=1e-3)
    assert report.groups["customers"].sum() == 2000
    assert report.curve["made"].sum() == data.frequency.sum()
    assert report.curve["expected"].sum() == pytest.approx(data.frequency.sum(), rel=0.05)


def test_contracts_are_counted_and_the_model_is_found(contracts):
    log, born, lifetime, truth = contracts
    report = period_report(log, "sbg", observation_end="2023-12-31", calibration_end="2023-06-30")
    stayed = lifetime > 23 - born
    renewals = np.where(stayed, 23 - born, lifetime - 1)
    assert (report.summary["recency"] == renewals).all()
    expected = ShiftedBetaGeometric().fit_customers(renewals, ~stayed)
    assert report.model.params_.equals(expected.params_)
    error = expected.standard_errors_ / expected.params_
    assert (np.abs(np.log(expected.params_) - np.log(list(truth.values()))) < 4 * error).all()
    assert report.totals["active"].value == stayed.sum()
    assert report.holdout.low < report.made < report.holdout.high
    active = report.customers[report.customers["probability_alive"] == 1]
    factor = (1.1 ** (1 / 12)) ** -np.arange(1.0, 13.0)
    steps = np.array([expected.probability_alive(active["recency"].to_numpy(), j) for j in range(1, 13)])
    assert active["value"].to_numpy() == pytest.approx(9.5 * factor @ steps)
    assert (report.customers["value"][report.customers["probability_alive"] == 0] == 0).all()
    assert report.groups["customers"].sum() == stayed.sum()


def test_the_fit_to_customers_is_that_to_survivors():
    """Of one cohort all of whom were asked, whether counted or told one by one."""
    survivors = np.array([1000, 631, 468, 382, 326, 289, 262, 241])
    lost = -np.diff(survivors)
    plain = ShiftedBetaGeometric().fit(survivors)
    each = ShiftedBetaGeometric().fit_customers(np.append(np.arange(7), 7), [1] * 7 + [0], [*lost, 241])
    assert each.params_.to_numpy() == pytest.approx(plain.params_.to_numpy(), rel=1e-12)
    assert each.n_customers_ == plain.n_customers_ == 1000
    for renewals, left, message in (
        ([1, 2], [0, 0], "nobody left"),
        ([0, 0], [1, 1], "nobody made a renewal"),
        ([1, 2], [0, 2], "left is above 1"),
        ([1.5, 2], [0, 1], "renewals is not a whole number"),
    ):
        with pytest.raises(InputError, match=message):
            ShiftedBetaGeometric().fit_customers(renewals, left)


@pytest.mark.parametrize("name", ["bgbb", "sbg"])
def test_drawn_futures_are_those_expected(name):
    n, generator = 200_000, np.random.default_rng(1)
    if name == "bgbb":
        model = BGBB.from_params(alpha=1.2, beta=0.75, gamma=0.66, delta=2.8)
        table = pd.DataFrame({"frequency": 3, "recency": 5, "T": 7}, index=range(n))
    else:
        model = ShiftedBetaGeometric.from_params(alpha=0.7, beta=1.2)
        table = pd.DataFrame({"frequency": 4, "recency": 4, "T": 4}, index=range(n))
    future, mean = drawn(model, 6, table, generator), ahead(model, 6, table.iloc[:1])[-1, 0]
    assert future.mean() == pytest.approx(mean, abs=4 * future.std() / np.sqrt(n))


def test_intervals_hold_what_comes(contracts):
    """Payments of the next half year lie within, in about 95 of 100 cohorts."""
    inside = 0
    for seed in range(40):
        lifetime, _ = purchases.shifted_beta_geometric(400, alpha=0.7, beta=4.0, seed=seed)
        paid = np.minimum(lifetime, 18).astype(int)
        month = np.concatenate([np.arange(count) for count in paid])
        log = dated(np.repeat(np.arange(400), paid), month, 1.0)
        report = period_report(log[month < 12], "sbg", observation_end="2022-12-31", horizon=6, amount=None)
        total = report.totals["expected_purchases"]
        inside += total.low <= (month >= 12).sum() <= total.high
    assert inside >= 34


@pytest.mark.parametrize("name", ["bgbb", "sbg"])
def test_the_command_writes_a_page(name, opportunities, contracts, tmp_path, capsys):
    log = (opportunities if name == "bgbb" else contracts)[0]
    path, out = tmp_path / "log.csv", tmp_path / "report"
    log.to_csv(path, index=False)
    command = ["fit", str(path), "--model", name, "--out", str(out)]
    assert main([*command, "--calibration-end", "2023-05-10"]) == 0
    said = capsys.readouterr()
    assert "in 95 of 100 such holdouts" in said.out
    assert (
        "The calibration ends with 2023-04-30, not 2023-05-10, so that its last month is a whole" in said.err
    )
    page = (out / "index.html").read_text(encoding="utf-8")
    told = "who has not paid in the last one has left" if name == "sbg" else "buys or does not"
    assert told in page and "not 2023-05-10" in page and "<img" in page
    held = json.loads((out / "parameters.json").read_text(encoding="utf-8"))
    assert held["settings"]["time_unit"] == "M" and held["holdout"]["made"] > 0
    table = pd.read_csv(out / "customers.csv")
    assert len(table) == log["customer_id"].nunique()
    assert sorted(each.name for each in (out / "pictures").iterdir()) == [
        "calendar.png",
        "counts.png" if name == "bgbb" else "staying.png",
    ]
    assert main(command) == 0  # over its own
    assert main([*command, "--season", "month"]) == 2
    assert f"--model {name} knows no --season" in capsys.readouterr().err


def test_pauses_are_told(contracts):
    log = contracts[0]
    late = log[~((log["customer_id"] % 50 == 0) & log["date"].dt.month.eq(5))]
    report = period_report(late, "sbg", observation_end="2023-12-31")
    assert any("skipped a payment and came back" in note for note in report.notes)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"model": "bgnbd"}, "unknown model 'bgnbd'; known: bgbb, sbg"),
        ({"horizon": 2.5}, "horizon is 2.5; bgbb counts whole periods"),
        ({"calibration_end": "2024-05-10", "observation_end": "2024-05-20"}, "leave no whole month between"),
        ({"merge": "unit"}, "unknown option 'merge'"),
    ],
)
def test_bad_options(opportunities, options, message):
    with pytest.raises(InputError, match=message):
        period_report(opportunities[0], **options)
    with pytest.raises(InputError, match="ask crmlab.reports.period_report"):
        customer_report(opportunities[0], "sbg")
