"""Questions that people mark: sheets, pages, several graders, and a machine that waits for nobody."""

import csv
import io
import shutil

import pytest

from crmlab import cli
from crmlab.course.batch import grade
from crmlab.course.feedback import write_feedback
from crmlab.course.gradebook import write_gradebook
from crmlab.course.marking import answers, progress, read_marking, take_sheet, write_sheet
from crmlab.course.marks import marks
from crmlab.errors import InputError

from .conftest import copy_of, submit, worked
from .test_marks import override, table

HOSTILE = '=HYPERLINK("http://x")</script><img src=x onerror=alert(1)>'


@pytest.fixture
def graded(wordy, core):
    submit(
        wordy,
        s001=worked(wordy, "s001", words="Twice adds, the square multiplies."),
        s002=worked(wordy, "s002", words=HOSTILE),
        s003=copy_of(wordy, "s003"),
    )
    grade(wordy, "90")
    return wordy


def exercise(course):
    return course.exercise("90")


def fill(course, grader, **points):
    """What a grader types into their table."""
    path = course.path("marking", "90_toy", f"{grader}.csv")
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    for row in rows:
        row["points"] = points.get(row["student"], row["points"])
        row["comment"] = f"{grader} says so" if row["student"] in points else row["comment"]
    held = io.StringIO()
    writer = csv.DictWriter(held, list(rows[0]), delimiter=";")  # as Excel saves it in Germany
    writer.writeheader()
    writer.writerows(rows)
    path.write_text("\ufeff" + held.getvalue().replace(".", ","), encoding="utf-8")


def mark_of(course, student):
    return {mark.student.id: mark for mark in marks(course, exercise(course))}[student]


def test_what_the_machine_marked_does_not_wait(graded):
    mark = mark_of(graded, "s001")
    assert (mark.total, mark.possible, mark.open) == (5, 7, ["q3"])
    assert mark_of(graded, "s003").open == []  # nothing was written: nothing to mark
    done = write_feedback(graded, "90")
    assert (done.open, done.unmarked) == (0, 2)
    page = graded.feedback("90_toy", "s001").read_text()
    assert "Still being marked: q3" in page and "Twice adds" in page
    assert write_gradebook(graded).unmarked == {"90_toy": 2}
    assert table(graded, "gradebook.csv")[0]["90_toy"] == "5"
    assert table(graded, "gradebook/90_toy.csv")[0]["to_mark"] == "q3"


def test_a_sheet_holds_all_answers_in_an_order_that_says_nothing(graded):
    sheet = write_sheet(graded, exercise(graded), "anna")
    assert {each.student for each in sheet.answers} == {"s001", "s002"}
    rows = table(graded, "marking/90_toy/anna.csv")
    assert [row["number"] for row in rows] == ["1", "2"] and all(row["points"] == "" for row in rows)
    assert "'=HYPERLINK" in next(row["answer"] for row in rows if row["student"] == "s002")
    text = sheet.page.read_text()
    assert "says what twice is" in text and "Because twice is not the square." in text
    assert (
        "<img" not in text
        and "Ana L" not in text
        and "src=" not in text.replace("onerror", "").replace("img src=x", "")
    )


def test_points_come_back(graded):
    write_sheet(graded, exercise(graded), "anna")
    fill(graded, "anna", s001="1.5")
    mark = mark_of(graded, "s001")
    assert (mark.total, mark.open) == (6.5, []) and mark.questions[2].comments == ["anna says so"]
    write_sheet(graded, exercise(graded), "anna")  # written again, it keeps what is in it
    assert mark_of(graded, "s001").total == 6.5
    write_feedback(graded, "90")
    page = graded.feedback("90_toy", "s001").read_text()
    assert "Marked by your instructor" in page and "anna says so" in page


def test_graders_who_agree_and_who_do_not(graded):
    for grader in ("anna", "ben"):
        write_sheet(graded, exercise(graded), grader)
    fill(graded, "anna", s001="2", s002="0")
    fill(graded, "ben", s001="2", s002="1")
    assert mark_of(graded, "s001").total == 7 and mark_of(graded, "s002").open == ["q3"]
    said = "\n".join(progress(graded, exercise(graded)))
    assert "q3: 2 answers, 1 marked" in said and "s002, q3: anna 0, ben 1" in said
    override(graded, "90_toy,s002,q3,1,")
    assert (mark_of(graded, "s002").open, mark_of(graded, "s002").total) == ([], 6)


def test_another_answer_is_open_again(graded):
    write_sheet(graded, exercise(graded), "anna")
    fill(graded, "anna", s001="2")
    submit(graded, s001=worked(graded, "s001", words="I have thought again."))
    grade(graded, "90")
    assert mark_of(graded, "s001").open == ["q3"]
    assert "another answer was handed in since" in "\n".join(progress(graded, exercise(graded)))
    assert write_sheet(graded, exercise(graded), "anna").cleared == ["s001"]


def test_rows_that_cannot_be_used_stop_nothing_and_are_named(graded):
    write_sheet(graded, exercise(graded), "anna")
    fill(graded, "anna", s001="9", s002="1")
    assert mark_of(graded, "s001").open == ["q3"] and mark_of(graded, "s002").total == 6
    (problem,) = read_marking(graded, exercise(graded)).problems
    assert "anna.csv, row" in problem and "must be 0 to 2" in problem
    graded.path("marking", "90_toy", "odd.csv").write_bytes(b"\xff\xfe\x00")
    assert write_gradebook(graded).unmarked == {"90_toy": 1}


def test_parts_of_the_answers(graded):
    both = [write_sheet(graded, exercise(graded), f"g{k}", (k, 2)).answers for k in (1, 2)]
    assert sorted(each.student for part in both for each in part) == ["s001", "s002"] and all(both)


def test_what_the_page_saved_is_taken(graded, tmp_path, capsys):
    answer = next(each for each in answers(graded, exercise(graded)) if each.student == "s001")
    saved = tmp_path / "ben (1).csv"
    saved.write_text(
        "\ufeffquestion,student,points,comment,digest\r\n"
        f'"q3","s001","1","Fine, but ""short""","{answer.digest}"\r\n'
    )
    assert cli.main(["mark", "90", "--course", str(graded.folder), "--take", str(saved)]) == 0
    assert "q3: 2 answers, 1 marked" in capsys.readouterr().out
    assert mark_of(graded, "s001").questions[2].comments == ['Fine, but "short"']
    assert graded.path("marking", "90_toy", "ben.csv").is_file()
    saved.write_text("question,student,points,comment,digest\nq3,s999,1,,x\n")
    with pytest.raises(InputError, match="nothing was taken"):
        take_sheet(graded, exercise(graded), saved, "ben")


def test_nothing_to_mark(graded):
    with pytest.raises(InputError, match="names a file"):
        write_sheet(graded, exercise(graded), "../x")
    shutil.rmtree(graded.path("autograded"))
    with pytest.raises(InputError, match="nobody's words"):
        write_sheet(graded, exercise(graded), "anna")


# ------------------------------------------------------------------------------------------- in a browser


def test_a_page_filled_in_is_taken(graded, visit, tmp_path):
    """Ticks add up, a reload forgets nothing, and what the button saves is what --take reads."""
    tab = visit(write_sheet(graded, exercise(graded), "anna").page)
    answer = tab.locator('article[data-student="s001"]')
    answer.locator("input[type=checkbox]").nth(1).check()
    assert answer.locator(".given-points").input_value() == "1"
    answer.locator("textarea").fill('Well "said";\n=1+1')
    tab.reload()
    assert tab.locator(".count").inner_text() == "1 of 2 marked"
    with tab.expect_download() as saved:
        tab.locator("button").click()
    assert saved.value.suggested_filename == "anna.csv"
    saved.value.save_as(tmp_path / "anna.csv")
    assert take_sheet(graded, exercise(graded), tmp_path / "anna.csv", "anna") == 1
    (question,) = [each for each in mark_of(graded, "s001").questions if each.by_hand]
    assert (question.points, question.comments) == (1, ['Well "said";\n=1+1'])


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_accessible(graded, assert_accessible, look):
    sheet = write_sheet(graded, exercise(graded), "anna")
    fill(graded, "anna", s001="2")
    write_feedback(graded, "90")
    assert_accessible(sheet.page, look)
    assert_accessible(graded.feedback("90_toy", "s001"), look)
    assert_accessible(graded.overview("90_toy"), look)
