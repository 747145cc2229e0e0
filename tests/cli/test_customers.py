"""``crmlab fit``."""

import json

import pytest

from crmlab.cli import main
from crmlab.data import load_cdnow_sample


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    path = tmp_path_factory.mktemp("log") / "cdnow.csv"
    table = load_cdnow_sample().rename(columns={"customer_id": "who", "date": "when", "amount": "paid"})
    table.assign(when=table["when"].dt.strftime("%d.%m.%Y")).to_csv(path, index=False)
    return path


COLUMNS = ["--customer-id", "who", "--date", "when", "--amount", "paid", "--date-format", "%d.%m.%Y"]


def test_fit(log, tmp_path, capsys):
    out = tmp_path / "report"
    assert main(["fit", str(log), *COLUMNS, "--calibration-end", "1997-09-30", "--out", str(out)]) == 0
    printed = capsys.readouterr()
    assert "BG/NBD fitted to 2,357 customers" in printed.out and "1,882 purchases made" in printed.out
    assert f"wrote {out / 'index.html'} and 2,357 customers" in printed.out and "Traceback" not in printed.err
    found = json.loads((out / "parameters.json").read_text(encoding="utf-8"))["holdout"]["model"][
        "parameters"
    ]
    assert {name: round(row["estimate"], 3) for name, row in found.items()} == {
        "r": 0.243,
        "alpha": 4.414,
        "a": 0.793,
        "b": 2.426,
    }
    assert (
        (out / "customers.csv")
        .read_text(encoding="utf-8")
        .startswith("who,frequency,recency,T,monetary_value,probability_alive,")
    )


@pytest.mark.parametrize(
    "change, message",
    [
        (["--model", "arima"], "unknown --model 'arima'"),
        (["--date", "day"], "unknown column 'day'; known: "),
        (["--calibration-end", "soon"], "--calibration-end is 'soon'"),
        (["--date-format", "%Y"], "no date written as %Y in 6,919 rows"),
        (["--refunds", "burn"], "invalid choice: 'burn'"),
        (["--horizon", "-3"], "--horizon is -3"),
        (["--memory-limit", "some"], "--memory-limit 'some'"),
    ],
)
def test_bad_input_is_one_sentence(log, tmp_path, capsys, change, message):
    assert main(["fit", str(log), *COLUMNS, "--out", str(tmp_path / "out"), *change]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and message in printed.err and printed.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_missing_log(tmp_path, capsys):
    assert main(["fit", str(tmp_path / "none.csv"), "--out", str(tmp_path / "out")]) == 2
    assert "is not there" in capsys.readouterr().err


def test_what_became_of_the_rows_is_said(tmp_path, capsys):
    path = tmp_path / "log.csv"
    path.write_text(
        "customer_id,date,amount\n1,2024-01-01,5\n1,2024-02-01,6\n1,2024-02-01,-2\n,2024-02-01,6\n"
        "2,2024-01-03,5\n2,2024-01-09,7\n2,2024-01-09,3\n3,2024-01-02,\n"
    )
    assert main(["fit", str(path), "--out", str(tmp_path / "report")]) == 0
    printed = capsys.readouterr().out
    assert "  8  Rows read: from the log\n  1  Customer missing: left out\n" in printed
    assert "  1  Refunds (amount below 0): " in printed and "  7  Rows used: make 5 purchases\n" in printed
    assert "Date missing" not in printed  # rules that no row met are left to the page


def test_a_dry_run_shows_what_would_be_read_and_writes_nothing(log, tmp_path, capsys):
    said = [*COLUMNS[:6], "--date-format", "%d.%m.%Y"]
    assert main(["fit", str(log), *said, "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert "6,919" in printed and "1997-01-01 – 1998-06-30" in printed and "→ day" in printed
    assert main(["fit", str(log), *COLUMNS[:6], "--dry-run"]) == 1
    printed = capsys.readouterr().out
    assert "To be said first" in printed and "--date-format %d.%m.%Y" in printed
    assert main(["fit", str(log), *said]) == 2
    assert "--out is missing" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_what_is_printed_has_units(log, tmp_path, capsys):
    assert main(["fit", str(log), *COLUMNS, "--currency", "$", "--out", str(tmp_path / "report")]) == 0
    printed = capsys.readouterr().out
    assert "times a week on average" in printed and "A purchase is worth $" in printed
    assert "unit of time" not in printed and "inf" not in printed.split()
