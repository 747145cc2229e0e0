"""No lesson shows what a prediction asks before it answers it."""

import pytest

from crmlab.notebook.spoiling import spoiled

from .conftest import code

ASK = 'rate = predict("How often?", 0, 100, unit="%")\nrate'
RUN = "found = market.diagnose(sims=sims)"


def spoilers(*sources):
    cells = [code(f"cell-{number}", source) for number, source in enumerate(sources)]
    return [f"{cell}: {message}" for cell, message in spoiled(cells)]


@pytest.mark.parametrize(
    "before",
    [
        [f"{RUN}\nnaive = found.row('H1').rejection_rate\nrate.answer(100 * naive)\nrecord('naive', naive)"],
        [RUN, "naive = found.row('H1')\nrate.answer(naive)\nfound.summary()"],
        ["cohort = market.simulate(seed)\ncohort.customers", f"{RUN}\nrate.answer(found.bias)"],
        ["assert other == 1\nshow(picture)", f"{RUN}\nrate.answer(found.bias)", "found"],
        ["first = market.diagnose()\nfirst.summary()", f"{RUN}\nrate.answer(found.bias)"],
        [RUN + ";", "rate.answer(found.bias)"],
    ],
    ids=["record after", "table after", "the cohort", "something else", "another outcome", "nothing shown"],
)
def test_what_comes_after_the_answer_or_tells_nothing_of_it_may_be_shown(before):
    assert spoilers(ASK, *before) == []


@pytest.mark.parametrize(
    "before, where",
    [
        (
            [f"{RUN}\nnaive = found.row('H1')\nrecord('naive', naive)\nrate.answer(naive)"],
            "cell-1: shows found",
        ),
        ([f"{RUN}\nfound.summary()", "naive = found.row('H1')\nrate.answer(naive)"], "cell-1: shows found"),
        ([RUN, "show(found.plot())", "rate.answer(found.bias)"], "cell-2: shows found"),
        ([RUN, "figure = draw(found)\nshow(figure)", "rate.answer(found.bias)"], "cell-2: shows found"),
        ([f"{RUN}\nprint(found.bias)", "rate.answer(found.bias)"], "cell-1: shows found"),
        (
            [RUN, "of = lambda name: found.row(name)\nprint(of('H1'))", "one = of('H1')\nrate.answer(one)"],
            "cell-2: shows found, of",
        ),
    ],
    ids=["record", "table", "picture", "figure", "print", "function"],
)
def test_what_tells_the_answer_before_it_is_named(before, where):
    (found,) = spoilers(ASK, *before)
    assert found.startswith(where) and found.endswith("put rate.answer(…) first")


def test_what_stood_before_the_question_is_known_to_whoever_answers():
    assert spoilers(RUN, ASK, "found.summary()", "rate.answer(found.bias)") == []


def test_names_of_loops_and_arguments_tell_nothing():
    loop = "for name, each in pairs:\n    rows[name] = each.test(name)"
    table = "pd.DataFrame({name: of(name) for name in pairs})"
    answer = f"{RUN}\nrate.answer(sum(found.row(name) for name in pairs))"
    assert spoilers(ASK, loop, table, "of = lambda each: each\n[each for each in pairs]", answer) == []


def test_a_fitted_model_s_predict_is_no_question():
    assert spoilers("found = fit.predict(rows)", "found.mean()", "found.answer(found)") == []


def test_each_question_is_judged_by_its_own_answer():
    asks = [ASK, ASK.replace("rate", "share")]
    good = f"{RUN}\nrate.answer(found.bias)\nshow(found.plot())"
    assert len(spoilers(*asks, good, "share.answer(found.power)")) == 1
    assert spoilers(*asks, good.replace("show", "share.answer(found.power)\nshow")) == []


def test_a_cell_that_is_no_python_spoils_nothing():
    assert spoilers(ASK, "%matplotlib inline", f"{RUN}\nrate.answer(found.bias)") == []
