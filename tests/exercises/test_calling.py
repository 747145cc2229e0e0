"""Answers that are functions: judged on inputs that only the master knows."""

import json

import numpy as np
import pandas as pd
import pytest

from crmlab.errors import InputError
from crmlab.exercises import open_exercise
from crmlab.exercises.authoring.stress import stress
from crmlab.exercises.calling import packed, returned, unpacked
from crmlab.exercises.cards import Card
from crmlab.exercises.copies import make_copy
from crmlab.exercises.plain import is_blank, well_formed
from crmlab.exercises.questions import question
from crmlab.exercises.running import questions

SOLUTION = (
    "def stay(months):\n    ### BEGIN SOLUTION\n    return (1 - number / 200) ** months\n    ### END SOLUTION"
)
CHECK = (
    'answer("q1", stay, points=2, inputs=[(1,), (4,), (9.5,)], relative=0.001, hints=["Each month anew."],\n'
    '       misconceptions={"linear": (lambda months: 1 - months * number / 200, "That is not compounded.")})'
)


def asked(right=lambda x: 2.0 * x, inputs=(3, 4, 5), **told):
    return question("q1", right, {"points": 1, "inputs": list(inputs), **told})


def judged(of, value):
    given = of.kind.observe(value)
    assert well_formed(given) and json.loads(json.dumps(given)) == given
    return of.judge(given)


@pytest.mark.parametrize(
    "value, reason, text",
    [
        (lambda x: x + x, "right", ""),
        (lambda x: np.float64(2 * x), "right", ""),
        (lambda x: ..., "todo", ""),
        (..., "todo", ""),
        (None, "todo", ""),
        (6.0, "type", "type_function"),
        ([6.0, 8.0, 10.0], "type", "type_function"),
        (lambda x: 1 / 0, "type", "type_function_raises"),
        (lambda: 6.0, "type", "type_function_raises"),
        (lambda x: str(2 * x), "type", "type_number_text"),
        (lambda x: [2 * x], "shape", "shape_number_one"),
        (lambda x: float("nan"), "not_finite", ""),
        (lambda x: 200 * x, "units", "units_percent"),
        (lambda x: -2 * x, "sign", "sign_mirror"),
        (lambda x: 6.0, "wrong", "wrong_calls"),
        (print, "todo", ""),
    ],
)
def test_kinds_of_wrong(value, reason, text):
    verdict = judged(asked(), value)
    assert (verdict.reason, verdict.text) == (reason, text)


def test_how_many_inputs_it_is_right_for():
    assert judged(asked(), lambda x: 6.0).facts == {"count": 1, "total": 3}


def test_misconceptions_are_functions():
    of = asked(misconceptions={"squared": (lambda x: x**2.0, "Doubled, not squared.")})
    assert judged(of, lambda x: x * x).misconception == "squared"


def test_arguments_of_every_kind_arrive_as_they_were():
    frame = pd.DataFrame({"name": ["a", "b"], "spend": [1.5, 2.0]}, index=[4, 7])
    there = packed([(1, 2.5, "a", True, None, [1, [2]], np.arange(3), np.array([[0.5]]), np.int64(4), frame)])
    whole, part, text, truth, none, nested, array, table, scalar, again = unpacked(
        json.loads(json.dumps(there))[0]
    )
    assert (whole, part, text, truth, none, nested, scalar) == (1, 2.5, "a", True, None, [1, [2]], 4)
    assert array.dtype == int and array.tolist() == [0, 1, 2] and table.tolist() == [[0.5]]
    assert (
        again.spend.tolist() == [1.5, 2.0] and list(again.index) == [0, 1] and list(again.name) == ["a", "b"]
    )


def test_no_call_changes_what_the_next_one_gets():
    inputs = packed([(np.zeros(2),), (np.zeros(2),)] * 2)

    def spoil(values):
        values += 1
        inputs_seen.append(values.sum())
        return float(values.sum())

    inputs_seen = []
    assert returned(spoil, inputs) == {"returned": [2.0] * 4} == returned(spoil, inputs)


def test_tables_and_lists_may_be_returned():
    of = asked(lambda n: pd.DataFrame({"k": range(n), "v": [0.5] * n}), [2, 3], key="k")
    assert judged(of, lambda n: {"v": [0.5] * n, "k": list(range(n))}).right
    assert judged(of, lambda n: {"v": [0.5], "k": [0]}).reason == "shape"
    assert judged(asked(lambda n: [0.5] * n, [1, 2]), lambda n: np.full(n, 0.5)).right


@pytest.mark.parametrize(
    "right, inputs, problem",
    [
        (lambda x: x, [], "1 to 200 inputs"),
        (lambda x: x, 3, "1 to 200 inputs"),
        (lambda x: x, [object()], "hold a object"),
        (lambda x: 1 / x, [1, 0], "raises ZeroDivisionError on input 2"),
        (5, [1], "goes with a function"),
    ],
)
def test_what_an_author_may_get_wrong(right, inputs, problem):
    with pytest.raises(InputError, match=problem):
        question("q1", right, {"points": 1, "inputs": inputs})


def test_a_function_without_inputs_is_told():
    with pytest.raises(InputError, match="name inputs"):
        question("q1", lambda x: x, {"points": 1})


def test_a_blank_function_is_blank():
    assert is_blank({"returned": [None, None]}) and not is_blank({"returned": [None, 1]})


@pytest.mark.parametrize("given", [{"returned": 1}, {"returned": [{"returned": []}]}, {"returned": [{"raised": 1}]},
                                   [{"returned": [1]}], {"returned": [1], "more": 1}])  # fmt: skip
def test_other_forms_are_refused(given):
    assert not well_formed(given)


# ------------------------------------------------------------------------------------------ in an exercise


def test_a_master_with_a_function(toy, monkeypatch):
    exercise = toy(check=CHECK, solution=SOLUTION)
    assert exercise.functions == ["q1"]
    assert stress(exercise, variants=12).problems == []
    copy = make_copy(exercise, {"seed": 5})
    assert copy.cells[-1].source == 'answer("q1", stay)' and "inputs" not in str(copy)
    shown = []
    monkeypatch.setattr(Card, "show", lambda card: shown.append(card))  # noqa: PLW0108 (becomes a method)
    answer, right = open_exercise("90_toy", seed=5), questions(exercise, {"seed": 5})["q1"]
    exact = dict(zip((1, 4, 9.5), right.right["returned"]))
    for value in (exact.get, lambda months: ..., lambda months: 1 / 0, lambda months: "x" * 5):
        answer("q1", value)
    assert [card.reason for card in shown] == ["right", "todo", "type", "type"]
    assert "ZeroDivisionError" in shown[2].text()
