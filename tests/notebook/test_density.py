"""The limits on a lesson's density: a lesson within them has no problem, and each way beyond is named."""

import nbformat
import pytest

from crmlab.notebook.density import QUIZ as QUIZ_STORED
from crmlab.notebook.density import counts, too_dense
from crmlab.notebook.source import read

from .conftest import PARAMETERS, code, text

GUARD = 'from crmlab.notebook import check_parameters\ncheck_parameters("20")'
ASK = 'rate = predict("How often?", 0, 100, unit="%", name="rate")\nrate'
ANSWER = "rate.answer(100 * found)"
QUIZ = 'quiz("end", Question("How often?", right=found, wrong={"the naive line": naive}, because="So."))'


def shown(cell, **output):
    cell.outputs = [nbformat.v4.new_output("display_data", **output)]
    return cell


def cells():
    picture = {
        "data": {"image/png": "AA"},
        "metadata": {"image/png": {"alt": "A line.", "caption": "It rises."}},
    }
    folded = code("explore", "explore_market(design)")
    asks = [code("ask", ASK), code("quiz", QUIZ), code("quiz-two", QUIZ)]
    for each in (folded, *asks):
        each.metadata["jupyter"] = {"source_hidden": True}
    return {
        "parameters": code("parameters", PARAMETERS, "parameters"),
        "imports": code("imports", GUARD),
        "words": text("words", "## Trust\n\nH1 and H2a are argued."),
        "ask": asks[0],
        "answer": code("answer", ANSWER),
        "picture": shown(code("picture", "show(figure)"), **picture),
        "sitting": text("sitting-two", "## Second sitting (30 minutes)", "sitting"),
        "quiz": asks[1],
        "quiz-two": asks[2],
        "explore": folded,
    }


@pytest.fixture
def problems(home):
    """Problems of a lesson of these cells after `change`, as text."""

    def problems(change=None, name="20_trust", **about):
        made = cells()
        if change is not None:
            change(made)
        facts = {"title": "Trust", "claim": "A claim.", "minutes": 70, "sittings": [40, 30], **about}
        path = home.folder / "notebooks" / f"{name}.ipynb"
        path.parent.mkdir(exist_ok=True)
        nbformat.write(nbformat.v4.new_notebook(cells=list(made.values()), metadata={"crmlab": facts}), path)
        found = too_dense(nbformat.read(path, as_version=4), read(path))
        return [f"{cell}: {message}" for cell, message in found]

    return problems


def source(cell, new):
    return lambda made: made[cell].update(source=new)


def options(*texts):
    """A stored quiz with these options, the first of them right."""
    asked = [{"text": "How often?", "options": [[each, each == texts[0]] for each in texts]}]
    return lambda made: shown(made["quiz"], data={QUIZ_STORED: {"name": "end", "questions": asked}})


def table(made):
    made["answer"].outputs = [
        nbformat.v4.new_output("display_data", data={"text/html": f"<table>{'<tr></tr>' * 61}</table>"})
    ]


def many_small_cells(made):
    made |= {f"more-{number}": code(f"more-{number}", "x = 1\n" * 13) for number in range(12)}


def spoiling(made):
    made["answer"].source = f"found = worlds.diagnose()\nrecord('rate', found)\n{ANSWER}"


def test_a_lesson_within_the_limits_has_no_problem(problems):
    assert problems() == []


@pytest.mark.parametrize(
    "change, words",
    [
        (source("words", "word " * 2500), "words of prose; 2400 are the most"),
        (
            source("words", " ".join(f"H{number}" for number in range(1, 8))),
            "7 hypotheses named in the prose",
        ),
        (source("explore", "explore_market(\n" + "x,\n" * 370 + ")"), "lines of code; 370 are the most"),
        (
            many_small_cells,
            "164 lines of code in cells that are not folded; 160 are the most",
        ),
        (source("answer", ANSWER + "  # " + "x" * 100), "answer: a line of 128 characters"),
        (spoiling, "answer: shows found before rate is answered; put rate.answer(…) first"),
        (
            source("explore", "explore_market(\n" + "axes.plot(),\n" * 60 + ")"),
            "61 lines of code that draw; 59",
        ),
        (table, "61 rows of tables shown"),
        (
            lambda made: made["picture"].outputs[0].metadata["image/png"].pop("caption"),
            "picture without a caption",
        ),
        (
            lambda made: made["explore"].metadata.pop("jupyter"),
            "explore: calls explore_market; fold it",
        ),
        (lambda made: made["ask"].metadata.pop("jupyter"), "ask: calls predict; fold it"),
        (lambda made: made["quiz"].metadata.pop("jupyter"), "quiz: calls quiz; fold it"),
        (source("answer", ANSWER + "\nx = 1" * 15), "answer: has more than 15 lines of code; fold it"),
        (source("ask", "1"), "asks for no prediction"),
        (source("answer", "1"), "the prediction rate is not answered"),
        (
            lambda made: made.update(ask=made["answer"], answer=made["ask"]),
            "answers rate before it has been asked",
        ),
        (lambda made: made.pop("sitting"), "2 sittings, and 0 markdown cells tagged sitting"),
        (lambda made: made.pop("quiz-two"), "1 quizzes in 2 sittings"),
        (options("8%"), "has one option: all analyses say the same"),
        (options("8%", "nobody knows before the data are in"), "a length that stands out"),
        (source("quiz", QUIZ.replace("right=found", "right=5")), "an answer of a quiz is typed in"),
        (source("quiz", QUIZ.replace(": naive", ": -0.3")), "an answer of a quiz is typed in"),
        (source("imports", "1"), 'nothing holds the parameters to their ranges: check_parameters("20")'),
    ],
)
def test_each_way_beyond_the_limits_is_named(problems, change, words):
    found = problems(change)
    assert len(found) == 1 and words in found[0], found


@pytest.mark.parametrize(
    "about, words",
    [
        ({"sittings": [40, 40]}, "do not add up to crmlab.minutes, 70"),
        ({"minutes": 100, "sittings": [60, 40]}, "a sitting of 60 minutes; 50 are the most"),
    ],
)
def test_minutes_are_those_of_the_sittings(problems, about, words):
    (found,) = problems(**about)
    assert words in found


def test_options_of_like_length_are_fair(problems):
    assert problems(options("8%", "86%", "100%")) == []
    assert problems(options("too high", "too low", "neither")) == []


def test_a_fitted_model_s_predict_need_not_be_folded(problems):
    assert problems(source("answer", "found = fit.predict(rows)\n" + ANSWER)) == []


def test_folded_and_shown_are_counted_alike():
    found = counts(nbformat.v4.new_notebook(cells=list(cells().values())))
    assert found["figures"] == 1 and found["hypotheses"] == 2 and found["tables"] == 0
