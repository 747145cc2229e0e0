"""What instructors get: minutes, misconceptions, solutions on demand, a syllabus, a map."""

import bs4
import pytest
from nbformat.v4 import new_code_cell

from crmlab.book.syllabus import CLASS_MINUTES, concept_map, ordered, syllabus
from crmlab.book.teaching import discussed, master_of, predictions, sections, teaching_page
from crmlab.exercises.masters import Master

from .conftest import code, picture, text, written


def graded(name, source, **grading):
    facts = {"grade": False, "locked": True, "solution": False, "points": 0, "grade_id": name}
    return new_code_cell(source, id=name, metadata={"nbgrader": facts | grading})


@pytest.fixture(params=["{}", "apart({})"])
def practice(shelf, request):
    """A lesson with exercises of one question, whose misconceptions stand as they are or are chosen."""
    mistakes = '{"mean": (1.5, f"The mean, of {1 + 1} numbers."), "none": (0, "No.")}'
    mistakes = request.param.format(mistakes)
    shelf.write(
        "09_loyalty",
        text("title", "# Loyalty"),
        text("look", "## Look\n\n" + "word " * 300),
        code("draw", "draw()", picture("A line.")),
        code("ask", 'guess = predict("How many of *100*?", 0, 100)'),
        text("data", "## Real data\n\n" + "word " * 150),
        text("references", "## References\n\n" + "- Entry.\n" * 50),
        minutes=31,
    )
    shelf.master(
        "09_loyalty",
        text("title", "# Practice"),
        text("q1-task", "## 1 How *much*?\n\nA task."),
        graded("given", "numbers = [1, 2]"),
        text("q1-question", "**q1.** Sum them."),
        graded(
            "solution",
            "### BEGIN SOLUTION\ntotal = sum(numbers)\n### END SOLUTION",
            solution=True,
            locked=False,
        ),
        graded(
            "q1-check",
            'answer("q1", total, points=2, hints=["Add."],\n'
            f"       misconceptions={mistakes},\n"
            '       moral="Sums grow.")',
            grade=True,
            points=2,
        ),
    )
    return shelf.chapters()


def test_minutes_of_the_sections_add_up(practice):
    found = {section.title: section for section in sections(practice[0])}
    assert sum(section.minutes for section in found.values()) == 31
    assert found["Look"].minutes > 2 * found["Real data"].minutes > 0
    assert found["Real data"].skippable and not found["Look"].skippable
    assert "References" not in found, "a reference list takes no time in class"


def test_what_is_known_of_an_exercise(practice):
    (question,) = discussed(master_of(practice[0]))
    assert (question.name, question.title, question.points) == ("q1", "How much?", 2)
    assert question.task == ["A task.", "**q1.** Sum them."] and question.given == ["numbers = [1, 2]"]
    assert question.solution == ["total = sum(numbers)"]
    assert question.misconceptions == {"mean": "The mean, of `1 + 1` numbers.", "none": "No."}
    assert question.hints == ["Add."] and question.moral == "Sums grow."


def test_the_instructors_page(practice):
    page = bs4.BeautifulSoup(teaching_page(practice[0]), "html.parser")
    assert predictions(practice[0]) == ["How many of *100*?"]
    assert "How many of 100?" in page.text and "The mean, of" in page.text
    assert "total = sum(numbers)" not in page.text, "no solutions there"


def test_solutions_are_released_and_taken_back(practice, tmp_path):
    assert "09_loyalty.solutions.html" not in written(practice, tmp_path)
    assert all("sum(numbers)" not in path.read_text() for path in tmp_path.glob("*.html"))
    assert "09_loyalty.solutions.html" in written(practice, tmp_path, solutions=True)
    page = bs4.BeautifulSoup((tmp_path / "09_loyalty.solutions.html").read_text(), "html.parser")
    assert "total = sum(numbers)" in page.text and "### BEGIN" not in page.text
    assert "09_loyalty.solutions.html" in (tmp_path / "instructors.html").read_text()


def test_every_master_can_be_discussed(root):
    for path in sorted((root / "exercises").glob("*/master.ipynb")):
        master = Master(path)
        questions = discussed(master)
        assert [question.name for question in questions] == list(master.checks)
        for question in questions:
            assert question.title and question.task and question.solution, (master.name, question.name)
            assert question.misconceptions and all(question.misconceptions.values())


def course(shelf, count, minutes=60, **about):
    for number in range(count):
        facts = {"minutes": minutes, "builds_on": [f"{number - 1:02}"] if number else []}
        facts |= about.get(f"l{number:02}", {})
        shelf.write(f"{number:02}_x", text("title", f"# {number}"), **facts)
    return shelf.chapters()


@pytest.mark.parametrize("weeks", [6, 10, 14])
@pytest.mark.parametrize("count", [1, 7, 20])
def test_a_syllabus_fills_its_weeks_and_keeps_the_order(shelf, count, weeks):
    found = syllabus(course(shelf, count), weeks)
    assert [week.number for week in found] == list(range(1, weeks + 1))
    taught = [chapter.number for week in found for chapter in week.lessons]
    assert taught == sorted(taught) and taught[0] == "00"
    assert sum(week.minutes for week in found) <= weeks * CLASS_MINUTES
    assert all(week.lessons or week.units for week in found), "no week is empty"
    if count == 7:
        assert len(taught) == 7


def test_what_does_not_fit_is_left_out_behind_what_is_core(shelf):
    about = {f"l{number:02}": {"builds_on": ["00"]} for number in range(1, 12)} | {"l11": {"core": True}}
    about["l11"]["builds_on"] = ["00"]
    taught = [each.number for week in syllabus(course(shelf, 12, 80, **about), 6) for each in week.lessons]
    assert "00" in taught and "11" in taught and "10" not in taught


def test_a_lesson_comes_after_what_it_builds_on(shelf):
    book = course(shelf, 4, l01={"builds_on": ["03"]}, l02={"builds_on": []}, l03={"builds_on": ["00"]})
    assert [each.number for each in ordered(book)] == ["00", "02", "03", "01"]
    drawn = concept_map(book)
    places = {box["chapter"].number: (box["x"], box["y"]) for box in drawn["boxes"]}
    assert len(set(places.values())) == 4 and len(drawn["arrows"]) == 2
    assert places["00"][0] < places["03"][0] < places["01"][0], "arrows lead to the right"


def test_a_circle_of_lessons_is_broken(shelf):
    book = course(shelf, 3, l00={"builds_on": ["02"]})
    assert [each.number for each in ordered(book)] == ["00", "01", "02"]
