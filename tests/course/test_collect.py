"""Collecting: what Moodle, Canvas, nbgrader and people make of files, and what an attacker would."""

import csv
import io
import json
import os
import shutil
import zipfile

import pytest

from crmlab.course.dates import parse_time
from crmlab.course.intake import arrivals as arriving
from crmlab.course.intake.collecting import collect
from crmlab.errors import InputError

from .conftest import copy_of, worked


def archive(path, entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in entries.items():
            made.writestr(name, data)
    return path


def submitted(course):
    return {
        path.parts[-3]: path.read_bytes() for path in course.folder.glob("submitted/*/90_toy/90_toy.ipynb")
    }


def statuses(done):
    return {row.file: (row.student, row.status) for row in done.rows}


# ------------------------------------------------------------------------------------ naming conventions


@pytest.mark.parametrize(
    "pattern",
    [
        "{name}_{number}_assignsubmission_file/{file}",  # in folders, today's Moodle
        "{name}_{number}_assignsubmission_file_/{file}",  # in folders, older ones
        "{name}_{number}_assignsubmission_file_{file}",  # all in one folder
        "{name}_{number}_assignsubmission_file/src/deep/{file}",
    ],
)
def test_moodle(course, tmp_path, pattern):
    names = {"s001": "Ana López", "s002": "Jane Doe", "s005": "Emile O Briain"}
    entries = {
        pattern.format(name=name, number=4000 + at, file="my work.ipynb"): worked(course, student)
        for at, (student, name) in enumerate(names.items())
    }
    done = collect(course, "90", archive(tmp_path / "CRM-Toy-1.zip", entries))
    assert {student: worked(course, student) for student in names} == submitted(course)
    assert done.missing == ["s003", "s004"]


def test_moodle_names_that_are_twice_on_the_roster(course, tmp_path):
    named, bare = worked(course, "s003"), worked(course, "s004")
    path = archive(
        tmp_path / "m.zip",
        {
            "Wei Wang_1_assignsubmission_file/90_toy_s003.ipynb": named,
            "Wei Wang_2_assignsubmission_file/homework.ipynb": bare,
        },
    )
    done = collect(course, "90", path)
    assert submitted(course) == {"s003": named}  # file name and version agree with the name
    (row,) = done.having("doubtful")
    assert row.student == "s004" and "s003, s004" in row.why  # suggested by the version, decided by a human


def test_moodle_numbers_of_the_roster(home, course, tmp_path):
    course.path("roster.csv").write_text("id,name,moodle_id\ns003,Wei Wang,17\ns004,Wei Wang,18\n")
    course.__dict__.pop("students", None)
    path = archive(tmp_path / "m.zip", {"Wei Wang_18_assignsubmission_file/x.ipynb": b"{}"})
    collect(course, "90", path)
    assert submitted(course) == {"s004": b"{}"}


@pytest.mark.parametrize(
    "name, student",
    [
        ("lpezana_17_901_x.ipynb", None),  # not what Canvas writes: it keeps letters with accents
        ("lópezana_17_901_x.ipynb", "s001"),
        ("doejane_17_901_90_toy.ipynb", "s002"),
        ("doejane_17_901_x-1.ipynb", "s002"),
        ("doejane_LATE_17_901_x.ipynb", "s002"),
        ("óbriainémile_17_901_x.ipynb", "s005"),
    ],
)
def test_canvas(course, tmp_path, name, student):
    done = collect(course, "90", archive(tmp_path / "submissions.zip", {name: b"{}"}))
    assert list(submitted(course)) == ([student] if student else [])
    if student:
        assert done.records[student]["late_mark"] == ("LATE" in name)


def test_a_late_mark_is_kept_when_the_same_work_comes_again_from_elsewhere(course, tmp_path):
    work = worked(course, "s002")
    collect(course, "90", archive(tmp_path / "c.zip", {"doejane_LATE_17_1000_x.ipynb": work}))
    done = collect(course, "90", archive(tmp_path / "files.zip", {"90_toy_s002.ipynb": work}))
    assert done.rows[0].status == "unchanged" and done.records["s002"]["late_mark"]


def test_canvas_takes_the_later_upload(course, tmp_path):
    late, early = worked(course, "s002"), worked(course, "s002", q1="double = 0")
    path = archive(tmp_path / "c.zip", {"doejane_17_1000_x.ipynb": late, "doejane_17_999_x.ipynb": early})
    done = collect(course, "90", path)
    assert submitted(course) == {"s002": late}
    assert "2 different files" in done.records["s002"]["notes"][0]


@pytest.mark.parametrize("mark", ["", "LATE_"])
def test_canvas_anonymous_by_the_released_name(course, tmp_path, mark):
    path = archive(tmp_path / "c.zip", {f"{mark}anon_a1B2c_1000_90_toy_s004.ipynb": worked(course, "s004")})
    assert collect(course, "90", path).records["s004"]["late_mark"] == bool(mark)
    assert list(submitted(course)) == ["s004"]
    (row,) = collect(
        course, "90", archive(tmp_path / "d.zip", {"anon_x_1_s001.ipynb": worked(course, "s002")})
    ).rows
    assert (row.student, row.status) == ("s001", "doubtful")


def test_nbgrader_tree(course, tmp_path):
    for student in ("s001", "S002"):
        place = tmp_path / "submitted" / student / "90_toy"
        place.mkdir(parents=True)
        (place / "90_toy.ipynb").write_bytes(worked(course, student.lower()))
        (place / "timestamp.txt").write_text("2026-11-20 10:00:00.123456 UTC\n")
    (tmp_path / "submitted" / "nobody" / "90_toy").mkdir(parents=True)
    (tmp_path / "submitted" / "nobody" / "90_toy" / "90_toy.ipynb").write_bytes(b"{}")
    done = collect(course, "90", tmp_path / "submitted")
    assert sorted(submitted(course)) == ["s001", "s002"]
    assert done.records["s001"]["when"].startswith("2026-11-20T10:00:00")
    assert [row.file for row in done.having("not on the roster")] == ["nobody/90_toy/90_toy.ipynb"]


@pytest.mark.parametrize(
    "name, student, sure",
    [
        ("90_toy_s003.ipynb", "s003", True),
        ("S003 final.ipynb", "s003", True),
        ("s0031.ipynb", "", False),
        ("s001 and s002.ipynb", "", False),
        ("Jane Doe.ipynb", "s002", True),
        ("toy jane doe v2.ipynb", "s002", False),
        ("homework.ipynb", "", False),
    ],
)
def test_loose_files(course, tmp_path, name, student, sure):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(b"{}")
    (row,) = collect(course, "90", tmp_path / "in").rows
    assert row.student == student and (list(submitted(course)) == [student]) == sure


def test_the_version_inside_is_a_suggestion_and_no_more(course, tmp_path):
    (tmp_path / "homework.ipynb").write_bytes(worked(course, "s004"))
    (row,) = collect(course, "90", tmp_path / "homework.ipynb").rows
    assert (row.student, row.status) == ("s004", "doubtful") and not submitted(course)


def test_a_classmates_copy_is_noted(course, tmp_path):
    path = archive(
        tmp_path / "m.zip", {"Jane Doe_1_assignsubmission_file/90_toy_s001.ipynb": worked(course, "s001")}
    )
    notes = collect(course, "90", path).records["s002"]["notes"]
    assert any("released to s001" in note for note in notes) and any(
        "named for s001" in note for note in notes
    )


@pytest.mark.parametrize(
    "name",
    [
        "Jane Doe_7_assignsubmission_file/s001/x.ipynb",
        "Jane Doe_7_assignsubmission_file/s001.ipynb",
        "Jane Doe_7_assignsubmission_file/lópezana_1_2_x.ipynb",
        "Jane Doe_7_assignsubmission_file/Ana López_1_assignsubmission_file/s001/90_toy/90_toy.ipynb",
        "Jane Doe_7_assignsubmission_file_Ana López_1_assignsubmission_file_x.ipynb",
        "doejane_7_8_s001.ipynb",
        "doejane_7_8_lópezana_1_2_x.ipynb",
        "s002/90_toy/s001/lópezana_1_2_x.ipynb",
    ],
)
def test_nobody_hands_in_for_another(course, tmp_path, name):
    """Whatever a student may name, the name that the platform put in front decides."""
    collect(course, "90", archive(tmp_path / "m.zip", {name: worked(course, "s001")}))
    assert list(submitted(course)) == ["s002"]
    shutil.rmtree(course.path("submitted"))
    course.path("collected", "90_toy.json").unlink()
    inner = archive(
        tmp_path / "inner.zip", {name: worked(course, "s001"), "s001/x.ipynb": b"{}", "s001.ipynb": b"{}"}
    )
    outer = {"Jane Doe_7_assignsubmission_file/work.zip": inner.read_bytes()}
    collect(course, "90", archive(tmp_path / "m.zip", outer))
    assert list(submitted(course)) == ["s002"]
    shutil.rmtree(course.path("submitted"))
    collect(course, "90", archive(tmp_path / "c.zip", {"doejane_7_8_s001.zip": inner.read_bytes()}))
    assert list(submitted(course)) == ["s002"]


def test_a_zip_within(course, tmp_path):
    inner = archive(tmp_path / "work.zip", {"a/work.ipynb": worked(course, "s001"), "a/essay.pdf": b"%PDF"})
    path = archive(tmp_path / "m.zip", {"Ana López_1_assignsubmission_file/work.zip": inner.read_bytes()})
    collect(course, "90", path)
    assert submitted(course) == {"s001": worked(course, "s001")}


def test_other_exercises_are_left_alone(course, tmp_path, home):
    other = home / "exercises" / "91_other"
    other.mkdir()
    (other / "master.ipynb").write_bytes((home / "exercises" / "90_toy" / "master.ipynb").read_bytes())
    from crmlab.course.releasing import release

    release("91", course.folder)
    foreign = copy_of(course, "s001").replace(b'"exercise": "90_toy"', b'"exercise": "91_other"')
    done = collect(
        course, "90", archive(tmp_path / "f.zip", {"s001.ipynb": foreign, "s002/91_other/x.ipynb": b"{}"})
    )
    assert [row.status for row in done.rows] == ["unusable", "other exercise"] and not submitted(course)
    assert done.records["s001"]["problem"] == "a notebook of another exercise, 91_other"
    assert "s002" not in done.records  # its place says that it is for the other


# ------------------------------------------------------------------------------------------------ a human


def test_a_human_decides(course, tmp_path):
    path = archive(
        tmp_path / "m.zip",
        {
            "Wei Wang_1_assignsubmission_file/=homework.ipynb": b"{}",
            "=cmd_7_assignsubmission_file/x.ipynb": b"[]",
        },
    )
    done = collect(course, "90", path)
    rows = list(csv.DictReader(io.StringIO(done.doubtful_file.read_text(encoding="utf-8-sig"))))
    assert len(rows) == 2 and not submitted(course)
    for row, student in zip(rows, ("S004", "-")):
        row["student"] = student
    with open(done.doubtful_file, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    done = collect(course, "90", path)
    assert submitted(course) == {"s004": b"{}"} and done.doubtful_file is None
    collect(course, "90", path)  # decided once is decided
    assert submitted(course) == {"s004": b"{}"}


def test_a_decision_for_nobody_on_the_roster_is_refused(course, tmp_path):
    path = archive(tmp_path / "m.zip", {"Wei Wang_1_assignsubmission_file/x.ipynb": b"{}"})
    sheet = collect(course, "90", path).doubtful_file
    sheet.write_text(sheet.read_text().rstrip("\n") + "s999\n")
    with pytest.raises(InputError, match="row 2: no student 's999'"):
        collect(course, "90", path)


# ------------------------------------------------------------------------------------- again, and late


def test_collecting_again_changes_nothing(course, tmp_path):
    path = archive(tmp_path / "f.zip", {"s001.ipynb": worked(course, "s001"), "s002.ipynb": b""})
    collect(course, "90", path)
    before = {each: each.read_bytes() for each in course.folder.glob("[cs]*ed/**/*") if each.is_file()}
    assert collect(course, "90", path).having("unchanged")
    after = {each: each.read_bytes() for each in course.folder.glob("[cs]*ed/**/*") if each.is_file()}
    before.pop(course.path("collected", "90_toy.csv")), after.pop(course.path("collected", "90_toy.csv"))
    assert after == before


def test_a_new_submission_takes_the_place_of_the_old(course, tmp_path):
    first, second = worked(course, "s001"), worked(course, "s001", q1="double = 1")
    collect(course, "90", archive(tmp_path / "a.zip", {"s001.ipynb": first}))
    collect(course, "90", archive(tmp_path / "b.zip", {"s001.ipynb": second}))
    assert submitted(course) == {"s001": second}
    (kept,) = course.folder.glob("collected/90_toy/earlier/*")
    assert kept.read_bytes() == first


def test_an_empty_file_counts_and_is_noted(course, tmp_path):
    done = collect(course, "90", archive(tmp_path / "a.zip", {"s001.ipynb": b""}))
    assert submitted(course) == {"s001": b""} and done.records["s001"]["notes"] == ["the file is empty"]


@pytest.mark.parametrize(
    "table",
    [
        "id,time\ns001,2026-12-01 08:00\n",
        (
            "Identifier,Full name,Email address,Last modified (submission)\n"
            'Participant 12,Ana López,ANA@example.edu,"Tuesday, 1 December 2026, 8:00 AM"\n'
        ),
        'Full name,Email address,Last modified (submission)\nAna López,,"1 December 2026, 08:00"\n',
    ],
)
def test_times_of_a_worksheet(course, tmp_path, table):
    (tmp_path / "w.csv").write_text(table, encoding="utf-8")
    course.path("course.toml").write_text('timezone = "Europe/Berlin"\n')
    course.__dict__.pop("config", None)
    done = collect(course, "90", archive(tmp_path / "a.zip", {"s001.ipynb": b"{}"}), tmp_path / "w.csv")
    assert done.records["s001"]["when"] == "2026-12-01T08:00:00+01:00"


@pytest.mark.parametrize(
    "table, said",
    [
        ("id,time\ns001,soon\n", "row 2: cannot read the time 'soon'"),
        ("id,time\ns999,2026-01-01\n", "no time of anyone"),
        ("id,time\n", "has no rows"),
    ],
)
def test_times_that_cannot_be_used(course, tmp_path, table, said):
    (tmp_path / "w.csv").write_text(table)
    with pytest.raises(InputError, match=said):
        collect(course, "90", archive(tmp_path / "a.zip", {"s001.ipynb": b"{}"}), tmp_path / "w.csv")
    assert not submitted(course)


def test_times_are_read_as_platforms_write_them():
    assert parse_time("2026-11-20 10:00:00.5 America/New_York").utcoffset().total_seconds() == -5 * 3600
    assert parse_time("Monday, 23 November 2026, 7:53 PM").isoformat() == "2026-11-23T19:53:00+00:00"
    with pytest.raises(InputError):
        parse_time("yesterday")


# ------------------------------------------------------------------------------------------- hostile files


@pytest.mark.parametrize(
    "name",
    [
        "../../s001.ipynb",
        "/etc/s001.ipynb",
        "..\\..\\s001.ipynb",
        "C:\\s001.ipynb",
        "a/../../../s001.ipynb",
    ],
)
def test_names_that_lead_out(course, tmp_path, name):
    outside = set(tmp_path.rglob("*"))
    done = collect(course, "90", archive(tmp_path / "evil.zip", {name: b"{}"}))
    (row,) = done.rows
    assert "leads out" in row.note and not submitted(course)
    new = set(tmp_path.rglob("*")) - outside - {tmp_path / "evil.zip"}
    assert all(path.is_relative_to(course.folder) for path in new)


def test_a_file_name_in_no_known_encoding(course, tmp_path):
    """As an archive of another system leaves them when it is unpacked."""
    inbox = tmp_path / "in"
    inbox.mkdir()
    try:
        (inbox / os.fsdecode(b"M\xfcller_s001.ipynb")).write_bytes(worked(course, "s001"))
    except OSError:
        pytest.skip("this disk takes no such name")
    done = collect(course, "90", inbox)
    assert [(row.file, row.student, row.status) for row in done.rows] == [
        ("M\ufffdller_s001.ipynb", "s001", "counts")
    ]
    assert "M\ufffdller" in course.path("collected", "90_toy.csv").read_text(encoding="utf-8")


def test_links_are_not_followed(course, tmp_path):
    inbox = tmp_path / "in"
    inbox.mkdir()
    (inbox / "s001.ipynb").symlink_to(course.path(".secret"))
    (inbox / "s002").symlink_to(tmp_path)
    os.mkfifo(inbox / "s003.ipynb")
    entry = zipfile.ZipInfo("s004.ipynb")
    entry.external_attr = 0o120777 << 16
    with zipfile.ZipFile(inbox / "s004.zip", "w") as made:
        made.writestr(entry, str(course.path(".secret")))
    done = collect(course, "90", inbox)
    assert not submitted(course) and {row.status for row in done.rows} == {"unusable"}


def test_bombs(course, tmp_path, monkeypatch):
    monkeypatch.setattr(arriving, "LARGEST", 100_000)
    monkeypatch.setattr("crmlab.course.intake.collecting.LARGEST", 100_000)
    nothing = b" " * 5_000_000
    inner = archive(tmp_path / "inner.zip", {"s003.ipynb": nothing}).read_bytes()
    deepest = archive(tmp_path / "deep.zip", {"deep.zip": inner}).read_bytes()
    path = archive(
        tmp_path / "bomb.zip",
        {"s001.ipynb": nothing, "s002.ipynb": b"{}", "s003.zip": inner, "s004.zip": deepest},
    )
    done = collect(course, "90", path)
    assert submitted(course) == {"s002": b"{}"}
    assert "more than" in done.records["s001"]["problem"] and "more than" in done.records["s003"]["problem"]


def test_a_size_that_lies(course, tmp_path, monkeypatch):
    """An entry that says it is small and is not."""
    monkeypatch.setattr(arriving, "LARGEST", 100_000)
    monkeypatch.setattr("crmlab.course.intake.collecting.LARGEST", 100_000)
    path = archive(tmp_path / "lie.zip", {"s001.ipynb": b" " * 5_000_000})
    data = path.read_bytes().replace((5_000_000).to_bytes(4, "little"), (50).to_bytes(4, "little"))
    path.write_bytes(data)
    collect(course, "90", path)
    assert len(submitted(course).get("s001", b"")) <= 100_000


def test_a_hand_in_that_unpacks_to_too_much_costs_that_student_alone(course, tmp_path, monkeypatch):
    monkeypatch.setattr("crmlab.course.intake.collecting.READ_OF_ONE", 40_000)
    entries = {f"Ana López_1_assignsubmission_file/{n}.ipynb": b" " * 9000 + b"%d" % n for n in range(8)}
    entries["Jane Doe_2_assignsubmission_file/x.ipynb"] = worked(course, "s002")
    done = collect(course, "90", archive(tmp_path / "a.zip", entries))
    assert list(submitted(course)) == ["s002"]
    over = [row for row in done.rows if "handed in at once" in row.note]
    assert {row.student for row in over} == {"s001"} and 0 < len(over) < 8


def test_a_zip_within_that_holds_too_many_files_costs_that_student_alone(course, tmp_path):
    many = archive(tmp_path / "many.zip", {f"{n}.txt": b"" for n in range(1500)}).read_bytes()
    huge = archive(tmp_path / "huge.zip", {f"{n:0200}": b"" for n in range(3000)}).read_bytes()
    entries = {
        "Ana López_1_assignsubmission_file/many.zip": many,
        "Emile O Briain_3_assignsubmission_file/huge.zip": huge,
        "Jane Doe_2_assignsubmission_file/x.ipynb": worked(course, "s002"),
    }
    done = collect(course, "90", archive(tmp_path / "a.zip", entries))
    assert list(submitted(course)) == ["s002"]
    assert "1500 files" in done.records["s001"]["problem"]
    assert "table of contents" in done.records["s005"]["problem"]


@pytest.mark.parametrize("number", ["9" * 5000, "٣" * 30, "1" * 19])
def test_digits_without_end_stop_no_collection(course, tmp_path, number):
    entries = {
        f"doejane_{number}_{number}_x.ipynb": b"{}",
        f"Ana López_{number}_assignsubmission_file/x.ipynb": b"{}",
        "90_toy_s005.ipynb": worked(course, "s005"),
    }
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as made:
        for name, data in entries.items():
            made.writestr(name, data)
    collect(course, "90", tmp_path / "d.zip")
    assert list(submitted(course)) == ["s005"]


def test_contents_are_not_kept_in_memory(course, tmp_path):
    """Five hand-ins of 8 MB each; more than one of them at a time is not held."""
    import tracemalloc

    padded = {}
    for student in ("s001", "s002", "s003", "s004", "s005"):
        made = json.loads(worked(course, student))
        made["metadata"]["padding"] = "x" * 8_000_000
        padded[f"90_toy_{student}.ipynb"] = json.dumps(made).encode()
    path = archive(tmp_path / "p.zip", padded)
    del padded, made
    tracemalloc.start()
    try:
        collect(course, "90", path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(submitted(course)) == 5 and peak < 38_000_000


def test_a_file_named_for_another_is_never_sure(course, tmp_path):
    inbox = tmp_path / "in"
    inbox.mkdir()
    (inbox / "90_toy_s001.ipynb").write_bytes(worked(course, "s002"))
    (row,) = collect(course, "90", inbox).rows
    assert (row.status, row.student) == ("doubtful", "s001") and "released to s002" in row.why
    assert not submitted(course)


def test_a_file_that_hides_its_version_does_not_push_out_the_owners(course, tmp_path):
    own, nameless = worked(course, "s001"), worked(course, "s001", q1="double = 0")
    nameless = nameless.replace(b"seed = ", b"sead = ")
    inbox = tmp_path / "in"
    inbox.mkdir()
    (inbox / "90_toy_s001.ipynb").write_bytes(own)
    (inbox / "s001 final.ipynb").write_bytes(nameless)
    os.utime(inbox / "90_toy_s001.ipynb", (1, 1))  # the other is later
    collect(course, "90", inbox)
    assert submitted(course) == {"s001": own}


@pytest.mark.parametrize(
    "place, believed",
    [
        ("s001/90_toy", True),
        ("Ana López_1_assignsubmission_file", False),
        ("Ana López_1_assignsubmission_file/s001/90_toy", False),
        ("inbox", False),
    ],
)
def test_a_timestamp_is_believed_in_nbgraders_tree_alone(course, tmp_path, place, believed):
    folder = tmp_path / "in" / place
    folder.mkdir(parents=True)
    (folder / "90_toy_s001.ipynb").write_bytes(worked(course, "s001"))
    (folder / "timestamp.txt").write_text("2001-01-01 00:00:00 UTC\n")
    packed = archive(
        tmp_path / "in.zip",
        {f"{place}/{each.name}": each.read_bytes() for each in folder.iterdir()},
    )
    for source in (tmp_path / "in", packed):
        record = collect(course, "90", source).records["s001"]
        assert (record["when"] is not None) == believed


def test_a_timestamp_that_cannot_be_read_is_told(course, tmp_path):
    folder = tmp_path / "submitted" / "s001" / "90_toy"
    folder.mkdir(parents=True)
    (folder / "90_toy.ipynb").write_bytes(worked(course, "s001"))
    (folder / "timestamp.txt").write_text("the day before\x1b[31m yesterday\n")
    (note,) = collect(course, "90", tmp_path / "submitted").records["s001"]["notes"]
    assert "cannot be read: the day before" in note and note.isprintable()


def test_control_characters_are_never_passed_on(course, tmp_path, capsys):
    from crmlab.cli import main

    escape = "Nobody \x1b]0;owned\x07\u202e_1_assignsubmission_file/\x1b[2Jx.ipynb"
    path = archive(
        tmp_path / "c.zip", {escape: b"{}", "Ana López_7_assignsubmission_file/\x9b31m.pdf": b"%PDF"}
    )
    main(["collect", "90", str(path), "--course", str(course.folder)])
    said = capsys.readouterr()
    tables = [each.read_text(encoding="utf-8-sig") for each in course.folder.glob("collected/*")]
    for text in (said.out, said.err, *tables):
        assert all(each.isprintable() or each in "\n\t" for each in text), repr(text)
    assert "a PDF, not a notebook" in said.out


def test_released_names_of_short_ids_and_of_one_within_another(course, tmp_path):
    course.path("roster.csv").write_text(
        "id,name\n7,Ana A\n12,Ben B\nann,Cleo C\nann.b,Dora D\n1,Emil E\nb,Finn F\n"
    )
    course.__dict__.pop("students", None)
    inbox = tmp_path / "in"
    inbox.mkdir()
    for name in (
        "90_toy_7",
        "90_toy_12 (1)",
        "90_toy_ann",
        "90_toy_ann.b",
        "90_toy_1-Copy1",
        "90_toy_b.ipynb (2)",
    ):
        (inbox / f"{name}.ipynb").write_bytes(name.encode())
    found = {row.student: row.status for row in collect(course, "90", inbox).rows}
    assert found == dict.fromkeys(["7", "12", "ann", "ann.b", "1", "b"], "counts")


# ------------------------------------------------------------------------ what is beside the real copy


MOODLE = "Jane Doe_7_assignsubmission_file/"
SCRATCH = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [
    {"cell_type": "code", "source": "1 + 1", "metadata": {}, "outputs": [],
     "execution_count": None}]}).encode()  # fmt: skip


@pytest.mark.parametrize(
    "name, make",
    [
        ("z_scratch.ipynb", lambda work: SCRATCH),
        ("z_again.ipynb", lambda work: work[: len(work) // 2]),
        ("z_empty.ipynb", lambda work: b""),
        ("z_note.pdf", lambda work: b"%PDF-1.7"),
        ("z_data.json", lambda work: b'{"a": 1}'),
    ],
)
def test_the_readable_copy_of_this_exercise_counts(course, tmp_path, name, make):
    work = worked(course, "s002")
    entries = {MOODLE + "90_toy_s002.ipynb": work, MOODLE + name: make(work)}
    done = collect(course, "90", archive(tmp_path / "m.zip", entries))
    assert submitted(course) == {"s002": work} and not done.having("doubtful")
    collect(course, "90", archive(tmp_path / "later.zip", {MOODLE + name: make(work)}))
    assert submitted(course) == {"s002": work}


def test_two_notebooks_none_of_them_a_copy_are_doubtful(course, tmp_path):
    done = collect(
        course, "90", archive(tmp_path / "m.zip", {MOODLE + "a.ipynb": SCRATCH, MOODLE + "b.ipynb": b"{"})
    )
    assert len(done.having("doubtful")) == 2 and not submitted(course) and done.doubtful_file.is_file()


@pytest.mark.parametrize(
    "name", ["90_toy_s002.ipynb.txt", "90_toy_s002.json", "90_toy_s002.ipynb (1)", "x.IPYNB"]
)
def test_a_notebook_by_another_ending_is_read(course, tmp_path, name):
    work = worked(course, "s002")
    collect(course, "90", archive(tmp_path / "m.zip", {MOODLE + name: work}))
    assert submitted(course) == {"s002": work}


def test_a_copy_without_ids_and_metadata_is_known(course, tmp_path):
    made = json.loads(worked(course, "s002"))
    made["metadata"] = {}
    for each in made["cells"]:
        each["metadata"] = {}
        each.pop("id", None)
    work = json.dumps(made).encode()
    entries = {MOODLE + "a.ipynb": work, MOODLE + "z.ipynb": SCRATCH}
    collect(course, "90", archive(tmp_path / "m.zip", entries))
    assert submitted(course) == {"s002": work}


@pytest.mark.parametrize(
    "name, data, what",
    [
        ("homework.pdf", b"%PDF-1.7", "a PDF"),
        ("homework.html", b"<!DOCTYPE html><p>", "HTML"),
        ("homework.rar", b"Rar!", "RAR"),
        ("homework.py", b"x = 1", "Python script"),
        ("homework.pages", b"\0", ".pages"),
    ],
)
def test_what_is_no_notebook_is_reported_as_handed_in(course, core, tmp_path, name, data, what):
    done = collect(course, "90", archive(tmp_path / "m.zip", {MOODLE + name: data}))
    (row,) = done.rows
    assert (row.status, row.student) == ("unusable", "s002") and "s002" not in done.missing
    assert what in done.records["s002"]["problem"] and name in done.records["s002"]["file"]


@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_names_that_do_not_tell_their_encoding(course, tmp_path, encoding):
    course.path("roster.csv").write_text("id,name\ns1,王小明\n", encoding="utf-8")
    course.__dict__.pop("students", None)
    name = "王小明_5_assignsubmission_file/作业.ipynb".encode(encoding)
    with zipfile.ZipFile(tmp_path / "y.zip", "w") as made:
        made.writestr("n" * len(name), b"{}")
    data = (tmp_path / "y.zip").read_bytes().replace(b"n" * len(name), name)
    (tmp_path / "y.zip").write_bytes(data)
    collect(course, "90", tmp_path / "y.zip")
    assert list(submitted(course)) == ["s1"]


def test_damaged_archives(course, tmp_path):
    good = archive(tmp_path / "g.zip", {"s001.ipynb": worked(course, "s001"), "s002.zip": b"PK\3\4 nonsense"})
    done = collect(course, "90", good)
    assert list(submitted(course)) == ["s001"]
    assert "cannot be opened" in done.records["s002"]["problem"]
    (tmp_path / "cut.zip").write_bytes(good.read_bytes()[:-40])
    for bad in ("cut.zip", "none.zip"):
        with pytest.raises(InputError):
            collect(course, "90", tmp_path / bad)


def test_odd_contents_and_names(course, tmp_path):
    entries = {
        "s001.ipynb": b"\xff\xfe not text",
        "s002.ipynb": b"[" * 200_000,
        "s003.ipynb": json.dumps({"metadata": 3, "cells": [{"metadata": None}]}).encode(),
        "s004.ipynb": json.dumps({"cells": "x", "metadata": {"crmlab": {"exercise": ["91"]}}}).encode(),
        "<img src=x>/s005.ipynb": b"{}",
        "__MACOSX/._s005.ipynb": b"x",
        ".ipynb_checkpoints/s001-checkpoint.ipynb": b"x",
        "s005 \u202egnp.ipynb": b"{}",
    }
    collect(course, "90", archive(tmp_path / "odd.zip", entries))
    assert sorted(submitted(course)) == ["s001", "s002", "s003", "s004", "s005"]
