"""Broken and hostile tables are refused by file, column and rows, with a remedy; nothing is lost."""

import zipfile

import duckdb
import numpy as np
import pandas as pd
import pytest

from crmlab.analysis import analyse
from crmlab.errors import InputError
from crmlab.words.saying import spoken


def save(frame, path, **options):
    frame.to_csv(path, index=False, **options)
    return path


def refused(lesson, tables, match, **options):
    with pytest.raises(InputError, match=match) as caught:
        analyse(lesson, tables, sims=0, **options)
    return str(caught.value)


def test_words_among_numbers_are_named_with_their_rows(loyal, tmp_path):
    loyal = loyal.astype(object)
    loyal.loc[[0, 4], "spend_q1"] = ["much", "1,2,3"]
    said = refused("09", save(loyal, tmp_path / "survey.csv"), r"rows 2, 6 hold 'much', '1,2,3'")
    assert "survey.csv: column 'spend_q1'" in said
    assert "missing" in said


def test_all_problems_are_told_at_once(loyal, tmp_path):
    loyal = loyal.astype(object)
    loyal.loc[1, "renewed"] = "perhaps"
    loyal.loc[2, "attitude_2"] = 9
    loyal.loc[3, "attitude_3"] = 3.5
    loyal.loc[4, "spend_q4"] = 0
    loyal.loc[5, "stated_chance"] = 80
    said = refused("09", save(loyal, tmp_path / "survey.csv"), "row 3 holds 'perhaps'")
    for wanted in (
        "column 'attitude_2': row 4 holds 9; attitude_2 lies from 1 to 7",
        "column 'attitude_3': row 5 holds 3.5; attitude_3 takes whole numbers",
        "column 'spend_q4': row 6 holds 0, of which no logarithm can be taken",
        "column 'stated_chance': row 7 holds 80; stated_chance lies from 0 to 1",
        'yes = ["…"]',
    ):
        assert wanted in said


def test_empty_cells_are_refused_and_left_out_only_if_asked(loyal, tmp_path):
    loyal = loyal.astype(object)
    loyal.loc[[1, 7], "rating"] = ["", "n/a"]
    loyal.loc[9, "rivals"] = "-99"
    path = save(loyal, tmp_path / "survey.csv")
    said = refused("09", path, "column 'rating': rows 3, 9 are empty")
    assert "complete_cases" in said
    own = analyse("09", path, {"customers": {"missing": ["-99"]}}, complete_cases=True, sims=0)
    assert own.prepared.rows == {"customers": (300, 297)}
    assert own.prepared.left_out == {"customers": [3, 9, 11]}
    assert any("rows 3, 9, 11" in spoken(each) for each in own.prepared.told)
    assert "missingness" in {each.finding.name for each in own.assumptions}


def test_cells_of_columns_that_no_test_needs_may_be_anything(loyal, tmp_path):
    loyal = loyal.assign(comment="; DROP TABLE customers").drop(columns=["stated_chance"])
    own = analyse("09", save(loyal, tmp_path / "survey.csv"), sims=0)
    assert own.untested == {"H4": [("customers", "stated_chance")]}
    assert "comment" not in set(own.columns["yours"])


def test_only_asked_hypotheses_need_columns(loyal, tmp_path):
    loyal = loyal.astype(object)
    loyal.loc[0, "spend_q1"] = "?"
    own = analyse("09", save(loyal, tmp_path / "survey.csv"), hypotheses=["H2"], sims=0)
    assert set(own.found.estimates["hypothesis"]) == {"H2"}
    refused("09", save(loyal, tmp_path / "survey.csv"), "unknown hypothesis", hypotheses=["H9"])


@pytest.mark.parametrize(
    "content, match",
    [
        (b"", "is empty"),
        (b"rating,renewed\n", "holds no rows"),
        (b"rating,rating\n1,2\n", "two columns are named 'rating'"),
        (b"rating,renewed\n1,0\n1,0,1\n", "rows 3 have more or fewer cells"),
        (b"a,b\n1,2\n", "no hypothesis can be tested with the 0 columns"),
        ("rating,renewed\n1,\xff\n".encode("latin-1"), "UTF-8|cannot be read|not written"),
        (b"\x00\x01\x02\x03", "no column|cannot be read|is empty|holds no rows"),
        (b'rating,renewed\n"1,0\n', "row 2 .line 2. cannot be split into cells"),
    ],
)
def test_files_that_are_none(tmp_path, content, match):
    path = tmp_path / "survey.csv"
    path.write_bytes(content)
    assert "survey.csv" in refused("09", path, match)


@pytest.mark.parametrize("name", ["survey.csv", "survey.docx", "survey"])
def test_files_that_are_not_there_or_of_no_kind(tmp_path, name):
    path = tmp_path / name
    if name != "survey.csv":
        path.write_text("rating\n1\n")
    refused("09", path, "is not there|no kind that can be read")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_encodings_and_delimiters(loyal, tmp_path, encoding, mark):
    named = loyal.rename(columns={"rating": "满意度", "renewed": "是否续约", "veteran": "老客户"})
    named["是否续约"] = np.where(loyal["renewed"] == 1, "是", "否")
    path = save(named, tmp_path / "调查.csv", sep=mark, encoding=encoding)
    said = {"customers": {"columns": {"renewed": "是否续约"}}}
    own = analyse("09", path, said, hypotheses=["H2"], sims=0)
    here = analyse("09", loyal, hypotheses=["H2"], sims=0)
    assert np.allclose(own.found.estimates["estimate"], here.found.estimates["estimate"])


def test_spreadsheets_and_parquet(loyal, tmp_path):
    here = analyse("09", loyal, hypotheses=["H2"], sims=0).found.estimates["estimate"]
    with duckdb.connect() as connection:
        connection.from_df(loyal).write_parquet(str(tmp_path / "survey.parquet"))
    with pd.ExcelWriter(tmp_path / "survey.xlsx") as book:
        loyal.to_excel(book, sheet_name="answers", index=False)
        pd.DataFrame({"note": ["hello"]}).to_excel(book, sheet_name="notes", index=False)
    refused("09", tmp_path / "survey.xlsx", "has the sheets 'answers', 'notes'; choose by sheet")
    refused("09", tmp_path / "survey.xlsx", "has no sheet 'x'", sheet="x")
    for path, sheet in ((tmp_path / "survey.xlsx", "answers"), (tmp_path / "survey.parquet", None)):
        own = analyse("09", path, hypotheses=["H2"], sims=0, sheet=sheet)
        assert np.allclose(own.found.estimates["estimate"], here)


def test_json_lines_and_a_zip_with_a_broken_member(loyal, tmp_path):
    here = analyse("09", loyal, hypotheses=["H2"], sims=0).found.estimates["estimate"]
    loyal.to_json(tmp_path / "survey.jsonl", orient="records", lines=True)
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.write(tmp_path / "survey.jsonl", "answers/survey.jsonl")
        archive.writestr("answers/broken.xlsx", b"PK no spreadsheet")
    for path in (tmp_path / "survey.jsonl", tmp_path / "export.zip"):
        own = analyse("09", path, hypotheses=["H2"], sims=0)
        assert np.allclose(own.found.estimates["estimate"], here)
    assert any("broken.xlsx could not be read" in spoken(each) for each in own.prepared.told)
    (tmp_path / "odd.jsonl").write_text('{"rating": 1}\n[1]\n')
    refused("09", tmp_path / "odd.jsonl", "row 2 is no record")
    (tmp_path / "cut.jsonl").write_text('{"rating": 1}\n{"rating": \n')
    refused("09", tmp_path / "cut.jsonl", "row 2 is no JSON")


def test_decimal_commas_and_grouped_thousands_are_read_as_imports_do(loyal, tmp_path):
    here = analyse("09", loyal, hypotheses=["H1"], sims=0).found.estimates["estimate"]
    spend = [f"spend_q{at}" for at in range(1, 5)]
    wide = loyal.assign(**{name: loyal[name] * 100 for name in spend})
    written = wide.astype(object)
    for name in spend:
        written[name] = [f"{each:,.4f}".translate(str.maketrans(",.", ".,")) for each in wide[name]]
    own = analyse("09", save(written, tmp_path / "survey.csv", sep=";"), hypotheses=["H1"], sims=0)
    assert np.allclose(own.found.estimates["estimate"], here, rtol=1e-3)
    assert any("written as 1.234,50" in spoken(each) for each in own.prepared.told)


def test_numbers_that_could_be_two_are_asked_about(loyal, tmp_path):
    loyal = loyal.astype(object)
    loyal["spend_q1"] = [f"1,{234 + row}" for row in range(len(loyal))]
    path = save(loyal, tmp_path / "survey.csv")
    refused("09", path, "which may be 1.234 or 1,234", hypotheses=["H1"])
    said = {"customers": {"columns": {"spend_q1": {"column": "spend_q1", "decimal": ","}}}}
    own = analyse("09", path, said, hypotheses=["H1"], sims=0)
    assert own.prepared.raw["customers"]["spend_q1"].min() == pytest.approx(1.234)


def test_a_map_turns_scales_round_and_reads_other_scales(loyal, tmp_path):
    named = loyal.rename(columns={f"attitude_{at}": f"Q{at}" for at in range(1, 5)})
    named["Q2"] = 8 - named["Q2"]
    named["state"] = np.where(named.pop("renewed") == 1, "active", "gone")
    columns = {f"attitude_{at}": f"Q{at}" for at in range(1, 5)}
    columns |= {"attitude_2": {"column": "Q2", "reverse": True}}
    columns |= {"renewed": {"column": "state", "yes": ["active"], "no": ["gone"]}}
    own = analyse("09", save(named, tmp_path / "survey.csv"), {"customers": {"columns": columns}}, sims=0)
    here = analyse("09", loyal, sims=0)
    assert np.allclose(own.found.estimates["estimate"], here.found.estimates["estimate"])
    assert any("turned round" in spoken(each) for each in own.prepared.told)


def test_logarithms_and_means_are_taken_where_the_map_says(tmp_path):
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"portal": rng.integers(0, 2, 200), "hours": rng.uniform(1, 9, 200)})
    frame["u1"], frame["u2"] = rng.integers(1, 6, 200), rng.integers(1, 6, 200)
    frame["log_orders"] = rng.standard_normal(200)
    columns = {"log_minutes": {"column": "hours", "transform": "log"}}
    own = analyse("06", {"orders": frame}, {"orders": {"columns": columns}}, sims=0)
    assert np.allclose(own.prepared.raw["orders"]["log_minutes"], np.log(frame["hours"]))
    columns = {"told": {"mean": ["u1", "u2"]}, "useful_1": "log_orders", "easy_1": "hours"}
    own = analyse("18", {"users": frame}, {"as_it_is": True, "users": {"columns": columns}}, sims=0)
    assert np.allclose(own.prepared.raw["users"]["told"], frame[["u1", "u2"]].mean(axis=1))


@pytest.mark.parametrize(
    "said, match",
    [
        ({"clients": {}}, "unknown sample in the map 'clients'; known: customers"),
        ({"customers": {"columns": {"mood": "x"}}}, "unknown column of .customers. in the map 'mood'"),
        ({"customers": {"columns": {"rating": "x"}}}, "unknown column of .* in the map 'x'"),
        ({"customers": {"colums": {}}}, "unknown key"),
        ({"customers": {"columns": {"rating": {"column": "rating", "scale": 5}}}}, "it may have column"),
        ({"customers": {"file": "other.csv"}}, "'other.csv' was not given|no column"),
        ({"customers": 3}, "must be a table"),
        (
            {"customers": {"columns": {"rating": {"column": "rating", "reverse": True}}}},
            "column 'rating': reverse is true, but .* not known; give low and high of rating in the map",
        ),
    ],
)
def test_maps_that_say_what_is_not(loyal, said, match):
    refused("09", loyal, match, map=said)


def test_a_map_that_is_no_toml(loyal, tmp_path):
    path = tmp_path / "map.toml"
    refused("09", loyal, "is not there; write one by --template", map=path)
    path.write_text("[customers\n")
    refused("09", loyal, "is no TOML", map=path)


def test_names_that_fit_twice_and_files_that_fit_two_samples(loyal, tmp_path):
    twice = loyal.rename(columns={"rating": "CSAT"}).assign(满意度=1.0)
    refused("09", twice, "'CSAT', '满意度' may each be rating; say in the map which is")
    orders = pd.DataFrame(
        {"failed": [1, 0], "redressed": [1, 0], "satisfaction": [7, 8], "repurchased": [1, 0]}
    )
    one, other = (save(orders, tmp_path / name) for name in ("first.csv", "second.csv"))
    refused("17", [one, other], "both look like trial|could be")


def test_no_hypothesis_can_be_tested(loyal):
    said = refused("09", loyal[["rating", "rivals"]], "no hypothesis can be tested")
    assert "lacks renewed (customers)" in said


def test_a_column_that_does_not_vary_is_no_crash(loyal):
    own = analyse("09", loyal.assign(rating=3.0), sims=0)
    failed = own.found.estimates[own.found.estimates["failure"] != ""]
    assert set(failed["hypothesis"]) >= {"H2"}
    assert own.found.estimates["failure"].eq("").any()


@pytest.mark.parametrize("options, match", [({"sims": -1}, "sims is -1"), ({"power": 2}, "power is 2")])
def test_options_that_cannot_be(loyal, options, match):
    with pytest.raises(InputError, match=match):
        analyse("09", loyal, **({"sims": 0} | options))


def test_values_only_where_they_can_be(tmp_path):
    frame = pd.DataFrame({"discount": [0.1, 1.0, -1.0, 0.4] * 30, "contact": np.linspace(-1, 1, 120)})
    frame["won"] = np.arange(120) % 2
    frame["worth"] = np.where(frame["won"] == 1, 2.0 + frame["discount"], np.nan)
    own = analyse("13", {"prospects": frame}, hypotheses=["H5"], sims=0)
    assert own.prepared.rows["prospects"] == (120, 120)
    frame.loc[0, "worth"] = 5.0
    refused("13", {"prospects": frame}, "rows 2 have a value though 'won' is 0", hypotheses=["H5"])


def test_panels_that_lack_rows_are_told_which():
    frame = pd.DataFrame(
        {"app_user": np.repeat(["a", "b"], 12), "month": list(range(1, 13)) * 2, "visits": 1}
    )
    said = refused("10", {"visits": frame.drop(index=3)}, "1 of 2 have more or fewer than 12 rows")
    assert "give 12 rows for each" in said


def test_an_estimate_that_is_no_number_is_told_as_one_that_failed():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {"frequency": rng.poisson(2, 90), "T": 39.0, "holdout_purchases": rng.poisson(1, 90)}
    )
    frame.loc[3, ["frequency", "T"]] = 0  # who first bought on the last day: nothing divided by nothing
    own = analyse("11", {"customers": frame}, hypotheses=["H1a"], sims=0)
    found = own.found.estimates.set_index("estimator")
    assert "no number came of it" in found.loc["all customers", "failure"]
