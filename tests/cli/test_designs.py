"""``crmlab power``, ``ademp`` and ``package`` as a user meets them."""

import zipfile

import pytest


def test_power_says_how_many_customers_are_needed_and_draws_it(call, tmp_path):
    picture = tmp_path / "power.png"
    done = call("power", "09", "H2", "--power", ".8", "--sims", 100, "--jobs", 1, "--out", picture)
    assert done.status == 0
    assert "H2 (adjusted) has a power of 0.8 at n_customers = " in done.out and "95% interval" in done.out
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_power_without_a_target_says_what_the_power_is(call):
    done = call(
        "power", "loyalty", "H2", "--preset", "trap", "--estimator", "naive", "--sims", 60, "--jobs", 1
    )
    assert done.status == 0 and "H2 (naive), preset trap: supported in 0." in done.out


def test_power_finds_the_smallest_effect_too(call):
    done = call("power", "00", "H1", "--power", ".8", "--over", "contact_effect", "--sims", 200, "--jobs", 1)
    assert done.status == 0, done.errors
    assert "contact_effect = 0." in done.out


def test_ademp_prints_the_protocol_or_writes_it(call, tmp_path):
    printed = call("ademp", "09", "-p", "n_customers=500")
    assert printed.status == 0 and "| `n_customers` | 500 |" in printed.out
    assert call("ademp", "09", "-p", "n_customers=500", "--out", tmp_path / "plan.md").status == 0
    assert (tmp_path / "plan.md").read_text(encoding="utf-8") == printed.out


def test_package_runs_the_study_and_packs_it(call, tmp_path):
    done = call("package", "00", "--out", tmp_path / "study.zip", "--sims", 30, "--jobs", 1)
    assert done.status == 0
    names = zipfile.ZipFile(tmp_path / "study.zip").namelist()
    assert {"ro-crate-metadata.json", "protocol.md", "code/start_here.py", "code/00_start_here.ipynb"} <= set(
        names
    )


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["power", "09", "H9", "--power", ".8"], "unknown hypothesis 'H9'"),
        (["power", "09", "H2", "--power", "2"], "power is 2.0"),
        (["power", "09", "H2", "--preset", "no"], "unknown preset 'no'"),
        (["power", "09", "H2", "--power", ".8", "--sims", "few"], "--sims is 'few'"),
        (["power", "09", "H2", "--sims", "few"], "sims is 'few'"),
        (["power", "99", "H2"], "no lesson '99'"),
        (["ademp", "09", "-p", "n_customers=many"], "-p n_customers is 'many'"),
        (["ademp", "09", "-p", "size=3"], "unknown parameter 'size'"),
        (["package", "09", "--out", "study.tar"], "--out is 'study.tar'"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(call, arguments, says):
    done = call(*arguments)
    assert done.status == 2 and done.errors.startswith("crmlab: ") and says in done.errors
    assert "Traceback" not in done.errors
