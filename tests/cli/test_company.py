"""``crmlab company`` at the command line."""

import re

import pytest

from crmlab.company import Company


def test_a_company_is_written_and_can_be_fitted(call, tmp_path):
    given = ("--customers", 400, "--months", 12, "--preset", "trap", "--out", tmp_path / "firm")
    told = call("company", "simulate", *given, "--do", "membership=0", "-p", "rating_bias=0.5", "--parts", 2)
    assert told.status == 0
    assert told.out.startswith(f"wrote {tmp_path / 'firm'}/tables")
    assert "2/2" in told.errors
    shown = call("fit", tmp_path / "firm" / "tables" / "orders", "--dry-run")
    assert shown.status == 0
    assert "2 × parquet" in shown.out
    assert re.search(r"Customers  2\d\d\n", shown.out)  # of the 400 those who come in the first year
    again = call("company", "simulate", *given)
    assert again.status == 2
    assert "holds another company" in again.errors


def test_an_interrupted_command_goes_on_where_it_was(call, tmp_path, monkeypatch):
    given = (
        "company",
        "simulate",
        "--customers",
        90,
        "--months",
        8,
        "--parts",
        3,
        "--out",
        tmp_path / "firm",
    )
    simulated = []

    def part(company, number, parts):
        if number == 1 and "interrupted" not in simulated:
            simulated.append("interrupted")
            raise KeyboardInterrupt
        simulated.append(number)
        return whole(company, number, parts)

    whole = Company.part
    monkeypatch.setattr(Company, "part", part)
    told = call(*given)
    assert told.status == 130
    assert "1 parts are kept" in told.errors.replace("\r", "\n")
    assert call(*given).status == 0
    assert simulated == [0, "interrupted", 1, 2]


@pytest.mark.parametrize(
    "flags, said",
    [
        (["--preset", "truth"], "unknown preset 'truth'"),
        (["--do", "membership=2"], "membership=2"),
        (["--do", "membership"], "--do takes name=value"),
        (["--do", "wages=1"], "unknown name 'wages'"),
        (["-p", "r=fast"], "r=fast: give a number"),
        (["-p", "attitude_to_referral=2"], "explodes"),
        (["-p", "n_branches=2.5"], "n_branches is 2.5"),
        (["--customers", "0"], "customers is 0"),
        (["--months", "1000"], "months is 1000"),
        (["--parts", "0"], "parts is 0"),
        (["--seed", "-1"], "seed"),
        (["--format", "xlsx"], "form is 'xlsx'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_told_and_nothing_written(call, tmp_path, flags, said):
    told = call("company", "simulate", "--customers", 50, "--months", 6, "--out", tmp_path / "firm", *flags)
    assert told.status == 2
    assert said in told.errors
    assert not (tmp_path / "firm").exists()


def test_the_truth_is_listed(call):
    told = call("company", "parameters")
    assert told.status == 0
    assert "membership_to_purchase" in told.out
    assert "Leenheer" in told.out
