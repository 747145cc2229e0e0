"""What an instructor decides: own due dates, dropped and bonus questions, full points, excuses."""

import pytest

from crmlab.course.batch import grade
from crmlab.course.feedback import write_feedback
from crmlab.course.folder import Course
from crmlab.course.gradebook import write_gradebook
from crmlab.course.intake.records import read_records
from crmlab.course.marks import late_students, marks
from crmlab.course.overrides import read_overrides
from crmlab.errors import InputError

from .conftest import copy_of, submit, worked
from .test_marks import override, record, settings, table, totals

TOML = """timezone = "Europe/Berlin"
late = "10% a day"
[exercises.90_toy]
due = 2026-11-30T23:59:00
points = 10
"""


@pytest.fixture
def graded(course, core):
    """Two all right, of whom one is two days late; one with q1 wrong; one blank; one with nothing."""
    submit(
        course,
        s001=worked(course, "s001"),
        s002=worked(course, "s002", q1="double = number / 2"),
        s003=copy_of(course, "s003"),
        s005=worked(course, "s005"),
    )
    record(course, "s005", when="2026-12-02T10:00:00+01:00")
    settings(course, TOML)
    course = Course(course.folder)
    grade(course, "90")
    return course


def marks_of(course):
    return {mark.student.id: mark for mark in marks(course, course.exercise("90"))}


@pytest.mark.parametrize(
    "due",
    [
        "2026-12-02T12:00",
        "2. Dezember 2026, 12:00 Uhr",
        "2026年12月2日 12:00",
        "2026-12-02",
        "02.12.2026 12:00",
    ],
)
def test_a_due_date_of_ones_own(graded, due):
    override(graded, f'90_toy,s005,due,"{due}",Ill.')
    mark = marks_of(graded)["s005"]
    assert (mark.total, mark.days_late, mark.extended, mark.comments) == (10, 0, True, ["Ill."])
    write_feedback(graded, "90")
    page = graded.feedback("90_toy", "s005").read_text()
    assert "due for you" in page and "2026-12-02" in page
    assert "due 2026-12-02" in graded.overview("90_toy").read_text()


def test_a_due_date_as_people_write_it_in_the_settings(graded):
    settings(graded, TOML.replace("2026-11-30T23:59:00", '"2. Dezember 2026, 12:00 Uhr"'))
    assert marks_of(graded)["s005"].total == 10
    settings(graded, TOML.replace("2026-11-30T23:59:00", '"soon"'))
    with pytest.raises(InputError, match="cannot read the time 'soon'"):
        marks_of(graded)


def test_a_later_due_date_counts_days_from_there(graded):
    override(graded, "90_toy,s005,due,2026-12-01 10:00,")
    assert marks_of(graded)["s005"].total == 9


def test_a_dropped_question_is_out_of_the_points_and_of_what_there_is(graded):
    settings(graded, TOML + 'drop = ["q1"]\n')
    assert totals(graded) == {"s001": 10, "s002": 10, "s003": 0, "s004": 0, "s005": 8}
    assert marks_of(graded)["s002"].possible == 10
    write_feedback(graded, "90")
    assert "does not count" in graded.feedback("90_toy", "s002").read_text()


def test_a_bonus_question_can_only_add(graded):
    settings(graded, TOML.replace("points = 10\n", "") + 'bonus = ["q1"]\n')
    assert totals(graded) == {"s001": 5, "s002": 3, "s003": 0, "s004": 0, "s005": 4}
    assert {mark.possible for mark in marks_of(graded).values()} == {3}


def test_full_points_for_everyone_who_handed_in(graded):
    override(graded, "90_toy,*,q1,full,Its wording misled.", "90_toy,s003,q1,0,Not you.")
    assert totals(graded) == {"s001": 10, "s002": 10, "s003": 0, "s004": 0, "s005": 8}
    found = marks_of(graded)
    assert found["s002"].questions[0].comments == ["Its wording misled."]
    assert found["s003"].questions[0].comments == ["Its wording misled.", "Not you."]


def test_excused(graded):
    override(graded, "90_toy,s002,total,excused,See you next term.")
    mark = marks_of(graded)["s002"]
    assert (mark.status, mark.total, mark.comments) == ("excused", None, ["See you next term."])
    done = write_gradebook(graded)
    assert not done.open
    row = table(graded, "gradebook.csv")[1]
    assert (row["90_toy"], row["total"], row["possible"]) == ("excused", "0", "0")
    assert table(graded, "gradebook/canvas.csv")[2]["90_toy"] == "EX"
    assert table(graded, "gradebook/moodle_90_toy.csv")[1]["Grade"] == ""
    write_feedback(graded, "90")
    assert "Excused" in graded.feedback("90_toy", "s002").read_text()


@pytest.mark.parametrize(
    "row, said",
    [
        ("90_toy,s001,q1,3,", '3 for q1 is above the 2 that there are to earn; if you mean it, write "3!"'),
        ("90_toy,*,q2,4,", "above the 3"),
        ("90_toy,s001,total,11,", "above the 10"),
        ("90_toy,s001,total,full,", "points is 'full'"),
        ("90_toy,s001,q1,excused,", "points is 'excused'"),
        ("90_toy,s001,due,tomorrow,", "cannot read the time 'tomorrow'"),
        ("90_toy,s001,due,11/12/2026 10:00,", "day or month first?"),
    ],
)
def test_what_is_asked_about(graded, row, said):
    override(graded, row)
    with pytest.raises(InputError) as raised:
        read_overrides(graded)
    assert said in str(raised.value)


def test_meant_it_may_be_above(graded):
    override(graded, "90_toy,s001,q1,3!,")
    assert totals(graded)["s001"] == 12


def test_ids_whose_zeros_a_spreadsheet_dropped_are_found(home, tmp_path, core):
    from crmlab.course.releasing import release

    (tmp_path / "zeros.csv").write_text("id,name\n0012,A\n0013,B\n")
    release("90", tmp_path / "zeros", tmp_path / "zeros.csv")
    course = Course(tmp_path / "zeros")
    override(course, "90_toy,12,total,3,")
    assert list(read_overrides(course)) == [("90_toy", "0012")]


@pytest.mark.parametrize("line", ['drop = ["q9"]', 'drop = ["q1", "q2"]', 'bonus = "q1"', "drop = [1]"])
def test_settings_that_do_not_fit(graded, line):
    settings(graded, TOML + line + "\n")
    with pytest.raises(InputError, match=r"course\.toml"):
        marks_of(graded)


def test_who_is_late_is_said_by_their_own_due_dates(graded):
    records = read_records(graded, "90_toy")
    assert late_students(graded, "90_toy", records) == ["s005"]
    override(graded, "90_toy,s005,due,2026-12-03,")
    assert late_students(graded, "90_toy", records) == []
