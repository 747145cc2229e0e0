"""Feedback and overview: what they say, what they must never hold, and that everyone can use them."""

import json
import re
from html.parser import HTMLParser

import pytest

from crmlab.course.batch import grade
from crmlab.course.feedback import write_feedback
from crmlab.course.folder import Course
from crmlab.course.pages import histogram, prose
from crmlab.errors import InputError
from crmlab.exercises import running

from .conftest import copy_of, submit, worked
from .test_marks import override, record, settings

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}`*</style>'


@pytest.fixture
def fed(course, core):
    """A graded course with pages."""
    submit(
        course,
        s001=worked(course, "s001"),
        s002=worked(course, "s002", q1="double = number / 2"),
        s003=copy_of(course, "s003"),
        s005=worked(course, "s005"),
    )
    record(course, "s005", when="2026-12-02T10:00:00+00:00")
    settings(course, 'title = "Spring"\nlate = "10% a day"\n[exercises.90_toy]\ndue = 2026-11-30T23:59:00\n')
    grade(course, "90")
    override(course, "90_toy,s003,q2,1,Half `right`.")
    write_feedback(course, "90")
    return course


def page(course, student):
    return course.feedback("90_toy", student).read_text(encoding="utf-8")


class Reader(HTMLParser):
    """Tags with their attributes, and the text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data + " "


def test_a_student_reads_points_reasons_and_hints(fed):
    text = " ".join(Reader(page(fed, "s002")).text.split())
    seed = fed.seed(fed.exercise("90"), "s002")
    for said in (
        "Doe, Jane",
        "3 of 5 points",
        "Spring",
        f"seed {seed}",
        "Twice as much",
        "A known misunderstanding",
        "You took half .",
        "0 / 2",
        "3 / 3",
    ):
        assert said in text
    assert "<code>half</code>" in page(fed, "s002")


def test_lateness_and_overrides_are_told(fed):
    assert "2 days late: 20% off 5 points (10% a day)" in page(fed, "s005")
    third = page(fed, "s003")
    assert "points set by your instructor" in third and "Half <code>right</code>." in third
    assert "Nothing was handed in." in page(fed, "s004")


def test_no_page_of_a_student_holds_a_right_answer(fed):
    """Nor the solution, nor anyone else, nor the secret."""
    exercise = fed.exercise("90")
    for student in ("s002", "s003", "s004"):
        text = Reader(re.sub(r"(?s)<style.*?</style>", "", page(fed, student))).text
        questions = running.questions(
            exercise, exercise.check_parameters({"seed": fed.seed(exercise, student)})
        )
        for question in questions.values():
            assert not re.search(rf"(?<!\d){question.right}(?!\d)", text.replace(",", ""))
        assert "2 * number" not in text and fed.secret.hex() not in text
        for other in fed.students:
            if other.id != student:
                assert other.id not in text and other.email not in text


def test_flags_are_for_the_instructor_alone(fed):
    report(fed, "s001", flags=[{"kind": "classmate's answer", "evidence": "q1 like s002"}])
    write_feedback(fed, "90")
    assert "q1 like s002" in fed.overview("90_toy").read_text()
    assert "classmate" not in page(fed, "s001")


def test_an_answer_that_is_right_for_some_numbers_is_not_shown(fed):
    """A typed-in right answer must not be confirmed by being printed."""
    report(fed, "s002", question={"verdict": "wrong", "right": 1, "variants": 3, "given": 4711, "points": 0})
    report(fed, "s003", question={"verdict": "wrong", "right": 0, "variants": 3, "given": 4712, "points": 0})
    write_feedback(fed, "90")
    assert "4711" not in page(fed, "s002") and "Right on 1 of 3 variants" in page(fed, "s002")
    assert "4712" in page(fed, "s003")


def report(course, student, question=None, **changes):
    path = course.reports("90_toy") / f"{student}.json"
    known = json.loads(path.read_text())
    known |= changes
    known["questions"][0] |= question or {}
    path.write_text(json.dumps(known))


def test_an_answer_that_no_file_can_hold_stops_no_page(fed):
    """Half of a character, and one that turns the direction of reading."""
    report(fed, "s003", question={"verdict": "type", "right": 0, "variants": 3, "given": "a\ud800\u202eb"})
    write_feedback(fed, "90")
    assert "a b" in page(fed, "s003") and "\u202e" not in page(fed, "s003")


def test_the_overview(fed):
    text = " ".join(Reader(fed.overview("90_toy").read_text()).text.split())
    for said in (
        "students 5",
        "handed in 4",
        "Twice as much",
        "misconception: half (1)",
        "Émile Ó Briain",
    ):
        assert said in text
    links = [
        attributes["href"]
        for tag, attributes in Reader(fed.overview("90_toy").read_text()).tags
        if tag == "a"
    ]
    folder = fed.overview("90_toy").parent
    assert all((folder / link).is_file() for link in links if link.endswith(".html"))


def test_hostile_text_is_text(home, course, core, tmp_path):
    course.path("roster.csv").write_text('id,name\ns001,"' + HOSTILE.replace('"', '""') + '"\ns002,B\n')
    course = Course(course.folder)
    submit(course, s001=worked(course, "s001"), s002=worked(course, "s002"))
    record(course, "s001", notes=[HOSTILE], file=HOSTILE)
    grade(course, "90")
    report(
        course,
        "s001",
        flags=[{"kind": HOSTILE, "evidence": {"key": HOSTILE, "facts": {HOSTILE: [HOSTILE]}}}],
        walls=[HOSTILE],
        question={
            "verdict": HOSTILE,
            "reason": {"key": "grading.error", "facts": {"type": HOSTILE, "message": HOSTILE, "where": ""}},
            "hint": HOSTILE,
            "given": HOSTILE,
            "points": 0,
        },
    )
    override(course, '90_toy,s001,,,"' + HOSTILE.replace('"', '""') + '"')
    write_feedback(course, "90")
    for path in (course.feedback("90_toy", "s001"), course.overview("90_toy")):
        tags = Reader(path.read_text()).tags
        assert not {"script", "img", "iframe", "object", "form"} & {tag for tag, _ in tags}
        assert not any(name.startswith("on") for _, attributes in tags for name in attributes)
        assert "{{7*7}}" in path.read_text() and "alert(1)" in Reader(path.read_text()).text


def test_pages_ask_nothing_of_a_network(fed):
    for path in (fed.feedback("90_toy", "s002"), fed.overview("90_toy")):
        text = path.read_text()
        assert not re.search(r"https?://|//[a-z]|@import|url\((?!data:)", text)
        assert "default-src 'none'" in text


def test_the_same_pages_again(fed):
    before = {path: path.read_bytes() for path in fed.folder.rglob("*.html")}
    write_feedback(fed, "90")
    assert before == {path: path.read_bytes() for path in fed.folder.rglob("*.html")} and len(before) == 6


def test_no_feedback_before_grading(course):
    with pytest.raises(InputError, match="has not been graded"):
        write_feedback(course, "90")


def test_text_that_looks_like_markup():
    assert prose("`a<b` *is* 2*3*4 <i>") == "<code>a&lt;b</code> <em>is</em> 2*3*4 &lt;i&gt;"
    assert prose("one ` only") == "one ` only"


def test_histogram_bars_are_in_proportion():
    chart = histogram([1, 0, 4])
    low, none, high = (bar["height"] for bar in chart["bars"])
    assert none == 0 and high == pytest.approx(4 * low, abs=0.5) and high + chart["top"] == chart["floor"]


# ------------------------------------------------------------------------------------------- in a browser


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_accessible(fed, assert_accessible, look):
    """axe-core finds nothing at all in light, dark and on a phone; nothing is wider than the screen."""
    report(fed, "s001", flags=[{"kind": "files", "evidence": "open('/etc/passwd') " * 20}])
    write_feedback(fed, "90")
    for path in (fed.overview("90_toy"), *(fed.feedback("90_toy", each) for each in ("s002", "s003"))):
        assert_accessible(path, look)
