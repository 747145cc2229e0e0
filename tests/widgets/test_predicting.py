"""Predictions: a guess is kept, answered where the result falls, and keeps no notebook from running on."""

import bs4
import pytest

from crmlab.errors import InputError
from crmlab.notebook import guesses
from crmlab.widgets import predict


@pytest.fixture
def answers(monkeypatch):
    """What `answer` displays, in order: the bundles and, to see them change, the widgets behind them."""
    import ipywidgets

    shown, made, real = [], [], ipywidgets.HTML
    monkeypatch.setattr("crmlab.widgets.predicting.display", lambda bundle, raw: shown.append(bundle))
    monkeypatch.setattr(ipywidgets, "HTML", lambda *a: made.append(real(*a)) or made[-1])
    return lambda: [(bundle, next(w for w in made if w.model_id == _model(bundle))) for bundle in shown]


def _model(bundle):
    return bundle["application/vnd.jupyter.widget-view+json"]["model_id"]


def analysts():
    return predict(
        "How many of *100* analysts find it?", 0, 100, unit="of 100 analysts", name="naive-in-trap"
    )


def test_without_a_guess_the_answer_is_folded_away(answers):
    analysts().answer(86.2, "Callers *prefer* good customers.")
    ((bundle, widget),) = answers()
    for text in (widget.value, bundle["text/html"]):
        page = bs4.BeautifulSoup(text, "html.parser")
        assert "86" in page.details.text and "86" not in page.details.summary.text
        assert not page.details.has_attr("open") and page.details.em.text == "prefer"
        assert page.svg["role"] == "img" and "86" in page.svg["aria-label"]


def test_guess_and_truth_are_drawn_on_one_line(answers):
    prediction = analysts()
    prediction.keep(40)
    prediction.answer(86.2)
    page = bs4.BeautifulSoup(answers()[0][1].value, "html.parser")
    assert page.details is None and "46 off" in page.text
    circle, diamond = float(page.circle["cx"]), float(page.path["d"][1:].split()[0])
    low, high = sorted({float(line["x1"]) for line in page.find_all("line") if line["x1"] == line["x2"]})
    assert circle == pytest.approx(low + 0.40 * (high - low), abs=0.1)
    assert diamond == pytest.approx(low + 0.862 * (high - low), abs=0.1)


def test_a_guess_made_later_opens_the_answer(answers):
    prediction = analysts()
    prediction.answer(86.2)
    assert "<details>" in answers()[0][1].value
    prediction.control.value = 70
    prediction.button.click()
    assert "<details>" not in answers()[0][1].value and "you guessed 70" in answers()[0][1].value


@pytest.mark.parametrize("low, high, step", [(0, 100, None), (-1, 1, None), (0.0, 0.5, 0.05), (0, 2000, 50)])
def test_no_value_is_suggested_and_none_can_be_kept_before_one_is_set(low, high, step):
    prediction = predict("How much?", low, high, step=step)
    slider = prediction.control
    assert slider.value == slider.min < low, "it waits before the scale"
    assert prediction.button.disabled and "crmlab-unset" in slider._dom_classes
    assert "Not set yet" in prediction.status.value
    slider.value = slider.min + slider.step
    assert slider.value == pytest.approx(low), "the first stop of the scale can be reached"
    assert not prediction.button.disabled and "crmlab-unset" not in slider._dom_classes
    slider.value = slider.min
    assert prediction.button.disabled and "crmlab-unset" in slider._dom_classes
    prediction.button.click()
    assert prediction.guess is None


def test_a_slider_that_was_moved_is_a_guess_and_one_that_was_not_or_was_put_back_is_none(answers):
    moved, left, back = analysts(), analysts(), analysts()
    moved.control.value = 12
    back.control.value = 12
    back.control.value = back.control.min
    for each in (moved, left, back):
        each.answer(86)
    assert moved.guess == 12 and left.guess is None and back.guess is None


def test_the_first_guess_counts_and_is_kept_beside_the_copy(answers, kept):
    prediction = analysts()
    prediction.keep(40)
    prediction.keep(86)
    prediction.answer(86.2)
    facts = kept()["predictions"]["naive-in-trap"]
    assert (facts["guess"], facts["truth"], facts["unit"]) == (40, 86.2, "of 100 analysts")
    assert guesses.closeness(facts) == pytest.approx(0.538)
    again = analysts()
    assert again.guess == 40 and again.control.disabled and "40" in again.status.value


def test_where_no_student_is_nothing_is_written(answers, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    prediction = analysts()
    prediction.keep(40)
    prediction.answer(86)
    assert list(tmp_path.iterdir()) == []


def test_choices_are_right_or_not(answers, kept):
    prediction = predict("Which one leaves the truth?", choices=["naive", "adjusted"], name="which")
    prediction.button.click()
    assert prediction.guess is None and prediction.button.disabled and "Not chosen" in prediction.status.value
    prediction.control.value = "adjusted"
    assert not prediction.button.disabled
    prediction.answer("naive")
    assert "it is naive" in answers()[0][1].value
    assert guesses.closeness(kept()["predictions"]["which"]) == 0
    assert guesses.closeness({"guess": "naive", "truth": "naive"}) == 1


def test_the_page_without_a_kernel_asks_by_a_form():
    bundle = analysts()._repr_mimebundle_()
    page = bs4.BeautifulSoup(bundle["text/html"], "html.parser")
    field = page.label.find("input")
    assert (field["min"], field["max"]) == ("0", "100") and "100 analysts find it?" in page.label.text
    choices = predict("Which <one>?", choices=["a", "b"])._repr_mimebundle_()["text/html"]
    page = bs4.BeautifulSoup(choices, "html.parser")
    assert page.legend.text == "Which <one>?" and [each.text.strip() for each in page("label")] == ["a", "b"]


@pytest.mark.parametrize(
    "low, high, step, digits",
    [(0, 100, None, 0), (0, 1, None, 2), (0.0, 0.5, None, 3), (-10, 10, 0.5, 1), (0, 2000, 50, 0)],
)
def test_numbers_are_shown_as_finely_as_the_slider_moves(low, high, step, digits):
    assert predict("How much?", low, high, step=step).digits == digits


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"question": " "}, "question is empty"),
        ({"question": "Q?"}, "low below high"),
        ({"question": "Q?", "low": 3, "high": 3}, "low below high"),
        ({"question": "Q?", "choices": ["a"]}, "two or more different choices"),
        ({"question": "Q?", "low": 0, "high": 1, "choices": ["a", "b"]}, "not both"),
        ({"question": "Q?", "low": 0, "high": 1, "step": 0}, "step is 0"),
    ],
)
def test_what_cannot_be_asked_is_refused(arguments, words):
    with pytest.raises(InputError, match=words):
        predict(**arguments)


def test_what_cannot_be_guessed_or_true_is_refused():
    with pytest.raises(InputError, match="a number from 0 to 100 is asked"):
        analysts().keep(101)
    with pytest.raises(InputError, match="give a finite number in of 100 analysts"):
        analysts().answer(float("nan"))
    with pytest.raises(InputError, match="the choices are a, b"):
        predict("Q?", choices=["a", "b"]).answer("c")
