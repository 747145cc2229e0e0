"""A company in a folder: whole, in parts, interrupted, claimed by another."""

import json

import duckdb
import pandas as pd
import pytest

from crmlab.company import Company
from crmlab.company.analyses import ANALYSES
from crmlab.company.parts import read_tables, write_parts
from crmlab.errors import InputError


@pytest.fixture(scope="module")
def company():
    return Company("claim", customers=300, months=14, seed=4)


def written(folder, name):
    paths = sorted(folder.glob(f"{name}/*.csv")) or [folder / f"{name}.csv"]
    table = pd.concat([pd.read_csv(path) for path in paths])
    return table.sort_values(list(table.columns)).reset_index(drop=True)


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_parts_hold_what_the_whole_holds(company, tmp_path):
    assert list(write_parts(company, tmp_path / "one", form="csv")) == [(0, 1), (1, 1)]
    assert list(write_parts(company, tmp_path / "three", parts=3, form="csv"))[-1] == (3, 3)
    tables = {path.stem for path in (tmp_path / "one" / "tables").iterdir()}
    assert tables == {path.name.removesuffix(".csv") for path in (tmp_path / "three" / "tables").iterdir()}
    for place, names in (("tables", tables), ("truth", ("customers", "experiences", "months", "paths"))):
        for name in names:
            one, three = (written(tmp_path / each / place, name) for each in ("one", "three"))
            pd.testing.assert_frame_equal(one, three, obj=name)


def test_what_was_interrupted_is_gone_on_with(company, tmp_path):
    progress = write_parts(company, tmp_path / "stopped", parts=3)
    assert [next(progress), next(progress)] == [(0, 3), (1, 3)]
    progress.close()
    half = tmp_path / "stopped" / "tables" / "orders" / ".part-0002.parquet.x.unfinished"
    half.write_bytes(b"half of a file")
    first = tmp_path / "stopped" / "tables" / "orders" / "part-0001.parquet"
    before = first.stat().st_mtime_ns
    assert list(write_parts(company, tmp_path / "stopped", parts=3)) == [(1, 3), (2, 3), (3, 3)]
    assert first.stat().st_mtime_ns == before
    assert not half.exists()
    list(write_parts(company, tmp_path / "straight", parts=3))
    assert contents(tmp_path / "stopped") == contents(tmp_path / "straight")


def test_the_truth_lies_apart(company, tmp_path):
    list(write_parts(company.do(membership=0), tmp_path))
    described = json.loads((tmp_path / "truth" / "company.json").read_text())
    assert described["interventions"]["membership"] == 0
    assert described["parameters"]["membership_to_purchase"] == 0.4
    tables = company.simulate()
    hidden = set(tables.truth.customers.columns) - {
        "customer_id",
        "satisfaction",
        "attitude",
        "switching_cost",
    }
    for name in ("customers", "surveys", "orders", "exposures"):
        shown = duckdb.sql(f"DESCRIBE SELECT * FROM '{tmp_path / 'tables' / name}.parquet'").df()[
            "column_name"
        ]
        assert not hidden & set(shown), name


@pytest.mark.parametrize(
    "change, options",
    [({"seed": 5}, {}), ({}, {"parts": 2}), ({}, {"form": "csv"}), ({"months": 15}, {})],
    ids=["seed", "parts", "form", "months"],
)
def test_another_company_is_refused(company, tmp_path, change, options):
    list(write_parts(company, tmp_path))
    before = contents(tmp_path)
    with pytest.raises(InputError, match="holds another company"):
        list(write_parts(company.replace(**change), tmp_path, **options))
    assert contents(tmp_path) == before


def test_a_folder_of_something_else_is_refused(company, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="is not empty and holds no company"):
        list(write_parts(company, tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("options", [{"parts": 0}, {"parts": 301}, {"parts": 1.5}, {"form": "xlsx"}], ids=str)
def test_arguments_are_checked_before_anything_is_written(company, tmp_path, options):
    with pytest.raises(InputError, match=next(iter(options))):
        list(write_parts(company, tmp_path / "new", **options))
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("said", ["", "{", "\x00"], ids=["empty", "cut short", "zeros"])
def test_a_damaged_marker_is_named_and_can_be_removed(company, tmp_path, said):
    list(write_parts(company, tmp_path, parts=2))
    before = contents(tmp_path)
    marker = tmp_path / ".parts" / "part-0002.json"
    marker.write_text(said)
    with pytest.raises(InputError, match="part-0002.json is damaged; remove it"):
        list(write_parts(company, tmp_path, parts=2))
    marker.unlink()
    assert list(write_parts(company, tmp_path, parts=2)) == [(1, 2), (2, 2)]
    assert contents(tmp_path) == before


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_analyses_of_what_is_read_back_are_those_of_the_company(tmp_path, form):
    company = Company("claim", customers=1500, months=36, seed=6)
    list(write_parts(company, tmp_path, parts=2, form=form))
    read, kept = read_tables(tmp_path / "tables"), company.simulate()
    assert read.keys() == kept.tables.keys()
    assert read_tables(tmp_path / "truth").keys() == kept.truth.tables.keys()
    for name, analysis in ANALYSES.items():
        one, other = analysis(read, 36), analysis(kept.tables, 36)
        assert one.value == pytest.approx(other.value, rel=1e-9), name
        assert one.standard_error == pytest.approx(other.standard_error, rel=1e-9), name


def test_a_folder_without_tables_cannot_be_read(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match="holds no tables"):
            read_tables(folder)
