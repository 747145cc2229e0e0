"""Quizzes: wrong answers are what other analyses say, and what is chosen is answered with that."""

import bs4
import pytest

from crmlab.errors import InputError
from crmlab.widgets import Question, quiz


def size():
    return Question(
        "How often does the *adjusted* regression reject in the trap?",
        right=0.051,
        wrong={"the naive regression": 0.86, "the power in the literature": 1.0, "the promise": 0.0512},
        because="Nothing is there to find.",
        unit="of cohorts",
        digits=2,
    )


def test_options_are_in_an_order_that_gives_nothing_away():
    options = size().options()
    assert [each.text for each in options] == ["0.05 of cohorts", "0.86 of cohorts", "1.00 of cohorts"]
    assert [each.right for each in options] == [True, False, False]


def test_a_wrong_answer_is_told_whose_it_is():
    right, naive, _ = (each.said for each in size().options())
    assert "the naive regression" in naive and "Nothing is there" not in naive
    assert "Nothing is there to find." in right and "the promise says the same" in right


def test_wrong_answers_that_agree_are_one_option():
    question = Question("How many?", 1, {"one reading": 2, "another": 2.001}, because="So it is.", digits=0)
    assert [each.text for each in question.options()] == ["1", "2"]
    assert "one reading, another" in question.options()[1].said


def test_words_are_options_too():
    question = Question("What is the verdict?", "undecided", {"the naive line": "supported"}, because="Wide.")
    assert [each.text for each in question.options()] == ["supported", "undecided"]


def test_the_first_choice_is_kept(kept):
    made = quiz("first-sitting", size(), size())
    made.controls[0].value = "0.86 of cohorts"
    made.controls[0].value = "0.05 of cohorts"
    made.controls[1].value = "0.05 of cohorts"
    assert kept()["quizzes"]["first-sitting"] == {"q1": False, "q2": True}
    said = made.view.children[1].children[2].value
    assert 'role="status"' in said and "Right." in said


def test_the_page_without_a_kernel_answers_by_style_alone():
    page = bs4.BeautifulSoup(quiz("s1", size(), size())._repr_mimebundle_()["text/html"], "html.parser")
    assert len(page("fieldset")) == 2 and page.script is None
    assert {each["name"] for each in page("input")} == {"s1-1", "s1-2"}
    for field in page("input"):
        assert page.find("label", attrs={"for": field["id"]}).text
        assert field.find_next_sibling("p")["class"] == ["crmlab-said"]
    assert "input:not(:checked) ~ .crmlab-said { display: none; }" in page.style.text


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: Question("Q?", 1, {}, because="So."), "no wrong answers"),
        (lambda: Question("Q?", 1, {"a": 2}), "because"),
        (lambda: Question("Q?", 1, {" ": 2}, because="So."), "a wrong answer without a name"),
        (lambda: Question("Q?", float("nan"), {"a": 2}, because="So."), "answer of right to 'Q\\?' is nan"),
        (lambda: quiz("s1"), "no questions"),
        (lambda: quiz("first sitting!", size()), "letters, digits and hyphens"),
    ],
)
def test_what_is_no_question_is_refused(make, words):
    with pytest.raises(InputError, match=words):
        make()
