"""Spark: the same queries, its results as summaries, and logs as it writes them.

The folders of ``spark`` hold one log, with ids beyond 2^53, amounts as DECIMAL and gaps: by Spark 4.3 with
INT96 times (its default) and with a folder a channel, by Arrow with times in nanoseconds; ``rows.jsonl`` is
the log itself.
"""

import json
import pickle
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from crmlab.cli import main
from crmlab.data import SummaryParts, customer_summary, queries
from crmlab.data.logs import Log
from crmlab.data.rules import rules_for
from crmlab.models.btyd import BGNBD
from crmlab.reports import forecast_in_parts
from tests.data.on_spark import asked, missing

LOGS = Path(__file__).with_name("spark")
CHOICES = {
    "plain": {},
    "split": {"calibration_end": "2023-03-31"},
    "ignored": {"refunds": "ignore"},
    "months": {"merge": "unit", "time_unit": "M", "calibration_end": "2023-03-31"},
}
WIDE = {"customer_id": "customer", "date": "time", "amount": "paid"}


def by_number(table):
    return table.set_axis(table.index.astype("int64")).sort_index()


@pytest.mark.filterwarnings("ignore::crmlab.data.DataQualityWarning")
@pytest.mark.parametrize("folder", ["int96", "nanos", "partitioned"])
def test_logs_as_spark_writes_them(folder):
    whole = by_number(customer_summary(LOGS / "rows.jsonl", **WIDE))
    found = by_number(customer_summary(LOGS / folder, **WIDE))
    pd.testing.assert_frame_equal(found, whole, check_exact=True)
    assert found.index.max() > 2**53 and (found.index % 2 == 1).any()


@pytest.mark.filterwarnings("ignore::crmlab.data.DataQualityWarning")
def test_a_column_that_stands_in_names_of_folders():
    shops = customer_summary(LOGS / "partitioned", "channel", "time", "paid")
    assert list(shops.index) == ["shop", "web"]


@pytest.mark.filterwarnings("ignore::crmlab.data.DataQualityWarning")
def test_the_command_reads_a_folder_of_sparks(tmp_path, capsys):
    options = [
        "--customer-id",
        "customer",
        "--date",
        "time",
        "--amount",
        "paid",
        "--out",
        str(tmp_path / "report"),
    ]
    assert main(["fit", str(LOGS / "int96"), *options]) == 0
    told = json.loads((tmp_path / "report" / "parameters.json").read_text(encoding="utf-8"))
    assert told["totals"]["customers"] == len(customer_summary(LOGS / "rows.jsonl", **WIDE))


# -- with a Spark that is there ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """A log of 3,000 rows of 400 customers, in the columns that the queries ask, as a folder of Parquet."""
    generator, n = np.random.default_rng(11), 3000
    table = pd.DataFrame(
        {
            "customer": generator.integers(1, 400, n),
            "day": pd.Timestamp("2022-01-03") + pd.to_timedelta(generator.integers(0, 700, n), unit="D"),
            "amount": generator.gamma(2, 20, n).round(2),
        }
    )
    table.loc[generator.random(n) < 0.04, "amount"] *= -1
    table.loc[generator.random(n) < 0.03, "amount"] = np.nan
    folder = tmp_path_factory.mktemp("log")
    with duckdb.connect() as connection:
        connection.register("frame", table)
        connection.execute(
            f"COPY (SELECT customer, day::DATE AS day, amount FROM frame) TO '{folder / 'log.parquet'}'"
        )
    return folder


def query_of(log, calibration_end=None, time_unit="W", **options):
    with Log(log, "customer", "day", "amount") as opened:
        return queries.summary_query(rules_for(opened, "2023-11-30", calibration_end, time_unit, **options))


@pytest.fixture(scope="module")
def spark(log, tmp_path_factory):
    """The folder with Spark's answers to every choice."""
    if missing():
        pytest.skip(missing())
    out = tmp_path_factory.mktemp("spark") / "out"
    asked(log, {name: query_of(log, **options) for name, options in CHOICES.items()}, out)
    return out


@pytest.mark.filterwarnings("ignore::crmlab.data.DataQualityWarning")
@pytest.mark.parametrize("name", CHOICES)
def test_spark_says_the_same_to_the_last_digit(spark, log, name):
    """The text of the query, unchanged, on another engine: as a frame and as files."""
    columns = {"customer_id": "customer", "date": "day", "amount": "amount"}
    ours = customer_summary(log, **columns, observation_end="2023-11-30", **CHOICES[name]).sort_index()
    frame = pickle.loads((spark / f"{name}.pickle").read_bytes()).set_index("customer").sort_index()
    files = pd.concat(SummaryParts(spark / name)).sort_index()
    assert (spark / name / "_SUCCESS").exists()
    for theirs in (frame, files):
        assert list(theirs.index) == list(ours.index)
        for column in ours.columns.intersection(frame.columns):
            assert np.array_equal(theirs[column].astype(float), ours[column].astype(float)), column


@pytest.mark.filterwarnings(
    "ignore::crmlab.data.DataQualityWarning", "ignore::crmlab.models.btyd.ConvergenceWarning"
)
def test_what_spark_wrote_is_fitted(spark, log, tmp_path):
    parts = SummaryParts(spark / "plain")
    ours = customer_summary(log, "customer", "day", "amount", observation_end="2023-11-30")
    whole = BGNBD().fit(ours["frequency"], ours["recency"], ours["T"])
    assert BGNBD().fit(**parts.histories()).params_.to_numpy() == pytest.approx(
        whole.params_.to_numpy(), rel=1e-9
    )
    report = forecast_in_parts(parts, out=tmp_path)
    assert report.size == len(ours) and report.repeats == ours["frequency"].sum()
    frame = pickle.loads((spark / "plain.pickle").read_bytes())
    stored = SummaryParts.stored([frame.iloc[:100], frame.iloc[100:]], tmp_path / "stored")
    assert all(np.array_equal(stored.histories()[name], each) for name, each in parts.histories().items())
