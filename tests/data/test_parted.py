"""Summaries in parts: those of memory, whatever the number of parts, and resumed where they were left."""

import warnings

import duckdb
import numpy as np
import pandas as pd
import pytest

from crmlab.data import DataQualityWarning, SummaryParts, customer_summary, parted, summary_in_parts
from crmlab.errors import InputError
from crmlab.models.btyd import BGNBD, GammaGamma

COLUMNS = {"customer_id": "customer", "date": "when", "amount": "paid"}


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """A log with refunds, rows alike and gaps as Parquet, of 400 customers in two years."""
    generator, n = np.random.default_rng(8), 3000
    table = pd.DataFrame(
        {
            "customer": generator.integers(1, 400, n),
            "when": pd.Timestamp("2022-01-03") + pd.to_timedelta(generator.integers(0, 700, n), unit="D"),
            "paid": generator.integers(1, 60, n) / 4.0,
        }
    )
    table.loc[generator.random(n) < 0.04, "paid"] *= -1
    table.loc[generator.random(n) < 0.02, "paid"] = np.nan
    table = pd.concat([table, table.sample(40, random_state=1)], ignore_index=True)
    path = tmp_path_factory.mktemp("log") / "log.parquet"
    with duckdb.connect() as connection:
        connection.register("frame", table)
        connection.execute(f"COPY frame TO '{path}'")
    return path


@pytest.fixture(params=[1000.0, 1.0], ids=["reread", "sorted"])
def in_buckets(request, monkeypatch):
    """Few buckets, found by reading all rows, and many, whose rows are sorted into folders first."""
    megabytes = 488.3
    monkeypatch.setattr("crmlab.data.logs.log.ROWS_A_BUCKET", request.param / megabytes)
    monkeypatch.setattr("crmlab.data.logs.log.MOST_BUCKETS", 14)


def quietly(function, *given, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataQualityWarning)
        return function(*given, **COLUMNS, **options)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"refunds": "ignore"},
        {"duplicates": "drop"},
        {"calibration_end": "2023-03-31"},
        {"calibration_end": "2023-03-31", "refunds": "ignore", "merge": "unit"},
    ],
    ids=lambda options: ",".join(options) or "plain",
)
def test_parts_are_the_summary(log, tmp_path, options, in_buckets):
    whole = quietly(customer_summary, log, observation_end="2023-11-01", **options)
    parts = quietly(summary_in_parts, log, out=tmp_path / "parts", observation_end="2023-11-01", **options)
    assert len(parts) > 1 and parts.customers == len(whole)
    pd.testing.assert_frame_equal(pd.concat(parts).sort_index(), whole, check_index_type=False)
    assert parts.attrs == whole.attrs


def test_counts_give_the_fits_of_customers(log, in_buckets, tmp_path):
    whole = quietly(customer_summary, log)
    parts = quietly(summary_in_parts, log, out=tmp_path)
    histories, spending = parts.histories(), parts.spending()
    assert histories["weights"].sum() == len(whole) and len(histories["T"]) < len(whole)
    buyers = whole[(whole["frequency"] > 0) & (whole["monetary_value"] > 0)]
    assert spending["weights"].sum() == len(buyers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours, theirs = BGNBD().fit(**histories), BGNBD().fit(*(whole[name] for name in parted.HISTORY))
        of_spend = GammaGamma().fit(**spending)
        spend = GammaGamma().fit(buyers["frequency"], buyers["monetary_value"])
    np.testing.assert_allclose(ours.log_likelihood_, theirs.log_likelihood_, rtol=1e-12)
    np.testing.assert_allclose(of_spend.params_, spend.params_, rtol=1e-6)
    np.testing.assert_allclose(of_spend.standard_errors_, spend.standard_errors_, rtol=1e-6)


def test_what_is_finished_is_kept_until_the_log_changes(log, in_buckets, tmp_path, monkeypatch):
    made, stop_after = [], 2
    write = parted.write_part

    def interrupted(frame, path, about):
        if len(made) == stop_after:
            raise KeyboardInterrupt
        write(frame, path, about)
        made.append(path)

    monkeypatch.setattr(parted, "write_part", interrupted)
    with pytest.raises(KeyboardInterrupt):
        quietly(summary_in_parts, log, out=tmp_path)
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.parquet")}
    assert set(kept) == set(made) and not (tmp_path / parted.ABOUT).exists()
    (tmp_path / ("part-0000.parquet" + parted.UNFINISHED)).write_bytes(b"half")
    stop_after = 10**6
    parts = quietly(summary_in_parts, log, out=tmp_path)
    assert all(path.stat().st_mtime_ns == time for path, time in kept.items())
    assert len(made) == len(parts) == len(set(made))
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in parts.paths} | {parted.ABOUT}
    pd.testing.assert_frame_equal(
        pd.concat(parts).sort_index(), quietly(customer_summary, log), check_index_type=False
    )
    made.clear()
    again = quietly(summary_in_parts, log, out=tmp_path)
    assert not made and again.attrs == parts.attrs
    quietly(summary_in_parts, log, out=tmp_path, time_unit="D")
    assert len(made) == len(parts)  # another unit of time: other parts


class Batch:
    """What Arrow's record batches, and frames of Spark and Polars, have in common."""

    def __init__(self, frame):
        self.frame = frame

    def to_pandas(self):
        return self.frame


def test_batches_of_another_engine(log, tmp_path):
    """Spark's result has the columns of the query, under the query's names."""
    whole = quietly(customer_summary, log)
    rows = whole.rename_axis("customer").reset_index().assign(row_count=1)
    batches = (Batch(rows.iloc[start : start + 100]) for start in range(0, len(rows), 100))
    parts = SummaryParts.stored(batches, tmp_path / "stored")
    assert len(parts) == -(-len(whole) // 100) and parts.customers == len(whole) and parts.attrs == {}
    pd.testing.assert_frame_equal(pd.concat(parts), whole.rename_axis("customer"), check_index_type=False)
    indexed = SummaryParts.stored([whole], tmp_path / "indexed")
    pd.testing.assert_frame_equal(next(iter(indexed)), whole, check_index_type=False)
    with pytest.raises(InputError, match="holds Parquet files already"):
        SummaryParts.stored([whole], tmp_path / "indexed")


def test_ids_lose_nothing(tmp_path):
    texts = pd.DataFrame({"customer_id": ["007", "x", "007"], "date": ["2024-01-01"] * 2 + ["2024-02-01"]})
    texts.to_json(tmp_path / "log.jsonl", orient="records", lines=True)
    parts = summary_in_parts(tmp_path / "log.jsonl", amount=None, out=tmp_path / "texts")
    assert list(pd.concat(parts).index) == ["007", "x"] and not parts.has_money
    with pytest.raises(InputError, match="no column monetary_value"):
        parts.spending()
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT 123456789012345678901::DECIMAL(25, 0) AS customer_id, DATE '2024-01-01' AS date "
            f"UNION ALL SELECT 5, '2024-01-02') TO '{tmp_path / 'long.parquet'}'"
        )
    long = summary_in_parts(tmp_path / "long.parquet", amount=None, out=tmp_path / "long")
    assert sorted(pd.concat(long).index) == ["123456789012345678901", "5"]


def test_folders_of_others_are_refused(log, tmp_path):
    with pytest.raises(InputError, match="holds no Parquet files"):
        SummaryParts(tmp_path)
    with pytest.raises(InputError, match="is no customer summary: it has the columns customer, when, paid"):
        SummaryParts(log.parent)
    with pytest.raises(InputError, match="is no part of ours"):
        quietly(summary_in_parts, log, out=log.parent)
    with pytest.raises(InputError, match="holds no purchase up to 2021"):
        quietly(summary_in_parts, log, out=tmp_path / "none", observation_end="2021-01-01")
