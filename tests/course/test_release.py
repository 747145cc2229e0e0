"""Releasing copies, and the secret that they depend on."""

import os
import stat
import zipfile

import nbformat
import pytest

from crmlab.course.folder import Course
from crmlab.course.releasing import release
from crmlab.errors import InputError
from crmlab.notebook.parameters import read_parameters

from .conftest import ROSTER


def seed_in(path):
    return read_parameters(nbformat.read(path, 4).cells)["seed"].default


def everything(folder):
    return {
        path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != "audit.jsonl"
    }


def test_everyone_gets_an_own_version(course):
    exercise = course.exercise("90")
    seeds = [
        seed_in(course.path("release", "90_toy", each.id, f"90_toy_{each.id}.ipynb"))
        for each in course.students
    ]
    assert seeds == [course.seed(exercise, each.id) for each in course.students]
    assert len(set(seeds)) == 5
    fresh = course.fresh_seeds(exercise, "s001", "ab" * 32)
    assert len(fresh) == 2 and not set(fresh) & set(seeds)
    assert fresh == course.fresh_seeds(exercise, "s001", "ab" * 32)  # the same work again
    others = [("s002", "ab" * 32), ("s001", "cd" * 32)]
    assert not any(set(fresh) & set(course.fresh_seeds(exercise, *each)) for each in others)


def test_no_solution_and_no_secret_in_a_release(course):
    secret = course.secret.hex().encode()
    for path, data in everything(course.path("release")).items():
        assert b"2 * number" not in data and b"misconceptions" not in data and secret not in data
        assert secret not in str(path).encode()


def test_again_changes_nothing(course, tmp_path):
    before = everything(course.folder)
    done = release("90_toy", course.folder)
    assert everything(course.folder) == before
    assert len(done.unchanged) == 5 and not done.written and not done.started


def test_a_student_who_joins_late(course, tmp_path):
    before = everything(course.path("release"))
    (tmp_path / "more.csv").write_text(ROSTER + "s006,Late Joiner,\n", encoding="utf-8")
    done = release("90", course.folder, tmp_path / "more.csv")
    assert done.written == ["s006"] and done.roster_change == "1 added, 0 gone"
    assert before.items() <= everything(course.path("release")).items()


def test_a_changed_copy_is_kept_unless_asked(course):
    path = course.path("release", "90_toy", "s001", "90_toy_s001.ipynb")
    right = path.read_bytes()
    path.write_bytes(b"{}")
    assert release("90", course.folder).kept == ["s001"] and path.read_bytes() == b"{}"
    assert release("90", course.folder, again=True).written == ["s001"] and path.read_bytes() == right


def test_the_released_master_stays_when_the_original_changes(course, home):
    original = home / "exercises" / "90_toy" / "master.ipynb"
    before = course.exercise("90").version
    original.write_text(original.read_text().replace("Toy", "Other"))
    assert Course(course.folder).exercise("90").version == before
    assert len(release("90", course.folder).unchanged) == 5
    release("90", course.folder, again=True)
    assert Course(course.folder).exercise("90").version != before


def test_an_exercise_of_the_courses_own(course):
    """It need not be among the lessons' exercises."""
    own = course.path("source", "95_own", "master.ipynb")
    own.parent.mkdir()
    own.write_bytes(course.path("source", "90_toy", "master.ipynb").read_bytes())
    assert len(release("95_own", course.folder).written) == 5
    assert course.exercise("95").name == course.exercise("own").name == "95_own"
    with pytest.raises(InputError, match="no exercises '96'"):
        course.exercise("96")


def test_zips_are_the_same_each_time(course, tmp_path):
    release("90", course.folder, zipped=True)
    path = course.path("release", "90_toy", "s002.zip")
    first = path.read_bytes()
    assert zipfile.ZipFile(path).namelist() == ["90_toy_s002.ipynb"]
    path.unlink()
    release("90", course.folder, zipped=True)
    assert path.read_bytes() == first


def test_the_secret_is_the_owners_alone(course):
    path = course.path(".secret")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(course.secret) == 32
    os.chmod(path, 0o644)
    with pytest.raises(InputError, match="others may read the secret"):
        Course(course.folder).secret


def test_a_lost_secret_is_not_replaced(course):
    course.path(".secret").unlink()
    with pytest.raises(InputError, match="bring it back"):
        release("90", course.folder)
    assert not course.path(".secret").exists()


def test_lost_settings_are_not_replaced(course):
    course.path("course.toml").unlink()
    with pytest.raises(InputError, match="course.toml is missing"):
        release("90", course.folder)


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("nothing", "new", "r.csv"), "no exercises 'nothing'"),
        (("90", "new", None), "no roster"),
        (("90", "new", "broken.csv"), "row 2: the id is missing"),
    ],
)
def test_bad_input_writes_nothing(home, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.csv").write_text(ROSTER, encoding="utf-8")
    (tmp_path / "broken.csv").write_text("id,name\n,A\n")
    with pytest.raises(InputError, match=said):
        release(*arguments)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "line, said",
    [
        ("late = 'x'", "late is 'x'"),
        ("timezone = 'Mars'", "timezone is 'Mars'"),
        ("dew = 1", "unknown setting 'dew'"),
        ("fresh_variants = 50", "fresh_variants is 50"),
        ("[exercises.90_toy]\ndue = 'soon'", "due of 90_toy"),
        ("[exercises.90_toy]\npoints = 0", "points of 90_toy is 0"),
        ("title = ", "course.toml cannot be read"),
    ],
)
def test_settings_that_cannot_be_used(course, line, said):
    course.path("course.toml").write_text(line + "\n")
    with pytest.raises(InputError, match=said):
        again = Course(course.folder)
        again.settings("90_toy"), again.zone


def test_two_secrets_make_two_courses(home, tmp_path):
    (tmp_path / "r.csv").write_text(ROSTER, encoding="utf-8")
    seeds = []
    for name in ("one", "two"):
        release("90", tmp_path / name, tmp_path / "r.csv")
        made = Course(tmp_path / name)
        seeds.append(made.seed(made.exercise("90"), "s001"))
    assert seeds[0] != seeds[1]


# ------------------------------------------------------------------------------- an instructor's own masters


def test_a_private_master_starts_a_course(home, tmp_path, monkeypatch, capsys):
    """Written outside the repository, tested there, released by its path; then it is the course's own."""
    from crmlab.cli import main

    monkeypatch.chdir(tmp_path)
    (tmp_path / "students.csv").write_text(ROSTER, encoding="utf-8")
    assert main(["exercises", "new", "12_churn", "--out", "private"]) == 0
    assert (tmp_path / "private" / "12_churn" / "master.ipynb").is_file()
    assert not (home / "exercises" / "12_churn").exists()
    assert main(["exercises", "test", "private/12_churn", "--variants", "3"]) == 0
    assert main(["release", "private/12_churn", "--roster", "students.csv", "--course", "spring"]) == 0
    course = Course(tmp_path / "spring")
    assert course.exercises == ["12_churn"] and len(list(course.released("12_churn").glob("*/*.ipynb"))) == 5
    assert "12_churn: 3 variants, all well" in capsys.readouterr().out


def test_a_course_begins_with_its_own_source(home, tmp_path, monkeypatch, capsys):
    from crmlab.cli import main

    monkeypatch.chdir(tmp_path)
    (tmp_path / "students.csv").write_text(ROSTER, encoding="utf-8")
    assert main(["exercises", "new", "12_churn", "--out", "spring/source"]) == 0
    assert main(["release", "churn", "--roster", "students.csv", "--course", "spring"]) == 0
    monkeypatch.chdir(tmp_path / "spring")
    assert main(["exercises", "new", "13_offers"]) == 0
    assert (tmp_path / "spring" / "source" / "13_offers" / "master.ipynb").is_file()
    assert main(["exercises", "test", "offers", "--variants", "3"]) == 0
    assert main(["exercises", "test", "--variants", "2"]) == 0
    out = capsys.readouterr().out
    assert "12_churn" in out and "13_offers" in out and "90_toy" not in out


def test_a_path_that_leads_to_no_master_is_told(home, tmp_path, capsys):
    from crmlab.cli import main

    assert main(["exercises", "test", str(tmp_path / "nowhere" / "12_churn")]) == 2
    assert "no master.ipynb at" in capsys.readouterr().err
