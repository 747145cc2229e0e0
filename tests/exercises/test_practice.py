"""The cards that a learner sees."""

import random

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pandas as pd
import pytest

from crmlab.exercises import open_exercise
from crmlab.exercises.cards import MIME, Card
from crmlab.exercises.masters import master, masters
from crmlab.exercises.running import questions
from tests.exercises.conftest import CHECK, SETUP


@pytest.fixture(autouse=True)
def numpys_old_generator_stays_as_it_was():
    """Exercises put the old generator where their own seed says, in the learner's world."""
    before = np.random.get_state()
    yield
    np.random.set_state(before)


NAMES = sorted(masters())


@pytest.fixture
def cards(monkeypatch):
    """The cards shown, in order."""
    shown = []
    monkeypatch.setattr(Card, "show", lambda card: shown.append(card))  # noqa: PLW0108 (becomes a method)
    return shown


def right(name, seed=7):
    exercise = master(name)
    return questions(exercise, exercise.check_parameters({"seed": seed}))


def test_right_todo_and_wrong(cards):
    answer, q2 = open_exercise("09_loyalty", seed=7), right("09")["q2"]
    for value in (q2.right, ..., q2.right + 7):
        assert answer("q2", value) is None
    assert [card.reason for card in cards] == ["right", "todo", "wrong"]
    assert [card.data["points"] for card in cards] == [2, 0, 0]
    assert "Right" in cards[0].text() and "2 of 2 points" in cards[0].text() and q2.moral in cards[0].text()
    assert "0 of 2 points" in cards[2].text()


def test_each_new_wrong_answer_earns_a_hint_and_the_last_is_the_picture(cards):
    answer, q2 = open_exercise("09_loyalty", seed=7), right("09")["q2"]
    for step in (3, 4, 5, 6, 7):
        answer("q2", q2.right + step)
    assert [list(card.hints) for card in cards[:3]] == [list(q2.hints[:count]) for count in (1, 2, 3)]
    assert [card.picture is not None for card in cards] == [False, False, False, True, True]
    assert "spurious" in cards[3].picture.alt
    assert cards[3].picture.png.startswith(b"\x89PNG")
    assert cards[3].picture.alt in cards[3].html() and cards[3].picture.alt in cards[3].text()


def test_the_same_answer_again_gets_the_same_card(cards):
    answer = open_exercise("09_loyalty", seed=7)
    for _ in range(3):
        answer("q2", 1.2345)
        open_exercise("09_loyalty", seed=7)("q2", 1.2345)
    assert len({card.html() for card in cards}) == 1
    assert len(cards[-1].hints) == 1


def test_a_named_kind_of_wrong_earns_no_hint_the_first_time(cards):
    answer, q2 = open_exercise("09_loyalty", seed=7), right("09")["q2"]
    for value in (q2.right / 100, q2.right * 100, str(q2.right), [q2.right], float("nan"), -q2.right):
        answer("q2", value)
    assert [card.reason for card in cards] == ["units", "units", "type", "shape", "not_finite", "sign"]
    assert [len(card.hints) for card in cards] == [0, 1, 1, 1, 1, 1]


def test_hints_on_request(cards):
    answer = open_exercise("09_loyalty", seed=7)
    for _ in range(5):
        answer.hint("q2")
    answer.hint()
    answer("q2", ...)
    assert [len(card.hints) for card in cards[:4]] == [1, 2, 3, 3]
    assert [card.picture is not None for card in cards[:5]] == [False, False, False, True, True]
    assert "no more hints" in cards[4].text() and "q1, q2, q3" in cards[5].text()
    assert {card.data.get("verdict") for card in cards[:5]} == {"hint"}
    assert cards[6].reason == "todo" and not cards[6].hints


@pytest.mark.parametrize("name", NAMES)
def test_no_card_gives_the_right_answer_away(name, cards):
    answer = open_exercise(name, seed=7)
    for question in right(name).values():
        numbers = [number for number, _ in question.kind.numbers(question.kind.read(question.right))]
        secrets = [f"{number:.{digits}f}" for number in numbers for digits in (2, 3, 4) if 0 < number != 1]
        wrong = [
            ...,
            "x",
            [1],
            float("nan"),
            1e9,
            -1e9,
            12.3,
            45.6,
            78.9,
            *(each.value for each in question.misconceptions),
        ]
        for value in wrong:
            value = (
                pd.DataFrame(value["rows"], columns=value["columns"])
                if isinstance(value, dict) and "rows" in value
                else value
            )
            answer(question.name, value)
            card = cards[-1]
            said = " ".join([card.text(), card.html().split('src="')[0]])
            assert not [secret for secret in secrets if secret in said], (question.name, value)
            data = {key: each for key, each in card.data.items() if key != "given"}
            assert not [secret for secret in secrets if secret in str(data)]
            assert card.reason != "right"


class Trouble:
    """Raises at whatever is asked of it."""

    def __getattribute__(self, name):
        raise RuntimeError("trouble")

    def __repr__(self):
        raise RuntimeError("trouble")


@pytest.mark.parametrize(
    "call",
    [
        lambda answer: answer(),
        lambda answer: answer("q1"),
        lambda answer: answer("q9", 1),
        lambda answer: answer(3, 1),
        lambda answer: answer("q1", 1, 2),
        lambda answer: answer("q1", Trouble()),
        lambda answer: answer(Trouble(), 1),
        lambda answer: answer("q1", 1, points=5, hint="x"),
        lambda answer: answer(["q1"], 1),
        lambda answer: answer.hint("q9"),
        lambda answer: answer.hint(Trouble()),
        lambda answer: answer("q1", {1: 2, ("a",): [3]}),
        lambda answer: answer("q1", pd.DataFrame([[1, 2]], columns=["a", "a"])),
        lambda answer: answer("q1", "\udc00"),
    ],
)
@pytest.mark.parametrize(
    "parameters", [{"seed": 7}, {"seed": "x"}, {"seed": -1}, {}, {"sead": 1}, {"seed": Trouble()}]
)
def test_nothing_raises(call, parameters, cards):
    call(open_exercise("09_loyalty", **parameters))
    assert len(cards) == 1 and cards[0].text() and cards[0].html() and cards[0].bundle()


def test_an_unknown_exercise_gets_a_card(cards):
    open_exercise("77_nothing", seed=1)("q1", 1)
    assert cards[0].reason == "unchecked" and "77_nothing" in cards[0].text()


def test_only_the_parameters_decide_what_is_right(cards):
    answer = open_exercise("09_loyalty", seed=7)
    value = right("09")["q2"].right
    np.random.seed(0)
    seed, favourable, stats = 8, 0.9, None
    answer("q2", value)
    open_exercise("09_loyalty", seed=np.int64(7))("q2", np.float64(value))
    open_exercise("09_loyalty", seed=8)("q2", value)
    assert [card.reason == "right" for card in cards] == [True, True, False]


def test_answering_leaves_the_learners_world_as_it_is(toy, cards, capsys, recwarn):
    noisy = (
        SETUP
        + """
import random, warnings
import matplotlib.pyplot as plt
random.seed(1); np.random.seed(1); plt.rcParams["lines.linewidth"] = 9
print("noise"); warnings.warn("noise")
figure, axes = plt.subplots(); axes.plot([1, 2]); plt.show()"""
    )
    toy(setup=noisy)
    random.seed(5), np.random.seed(5)
    figure = plt.figure()
    expected, width = (
        (random.Random(5).random(), np.random.RandomState(5).random_sample()),
        plt.rcParams["lines.linewidth"],
    )
    open_exercise("90_toy", seed=3)("q1", 1)
    assert cards[0].reason == "magnitude"
    assert (random.random(), np.random.random_sample()) == expected
    assert plt.gcf() is figure and plt.get_fignums() == [figure.number]
    assert plt.rcParams["lines.linewidth"] == width
    assert capsys.readouterr() == ("", "") and not recwarn.list
    plt.close(figure)


def test_a_broken_master_gets_a_card_that_names_the_cell(toy, cards):
    toy(solution="### BEGIN SOLUTION\ndouble = 1 / 0\n### END SOLUTION")
    open_exercise("90_toy", seed=1)("q1", 1)
    assert cards[0].reason == "unchecked" and "q1-solution, line 2: ZeroDivisionError" in cards[0].text()


def test_a_picture_that_does_not_draw_does_not_cost_the_card(toy, cards):
    broken = 'def draw():\n    """A line that rises from left to right, twice as steep."""\n    1 / 0'
    toy(setup=f"{SETUP}\n\n\n{broken}", check=CHECK.replace("relative", "picture=draw, relative"))
    answer = open_exercise("90_toy", seed=1)
    for value in (1, 2, 3, 4):
        answer("q1", value)
    assert [(card.picture, len(card.hints)) for card in cards] == [(None, 1), (None, 2), (None, 2), (None, 2)]


def test_a_master_that_ends_its_process_does_not_end_ours(toy, cards):
    toy(setup=SETUP + "\nimport sys; sys.exit(3)")
    open_exercise("90_toy", seed=1)("q1", 1)
    assert cards[0].reason == "unchecked"


def test_a_changed_master_is_read_again(toy, cards):
    toy()
    answer = open_exercise("90_toy", seed=1)
    number = right("90_toy", 1)["q1"].right
    answer("q1", number)
    toy(solution="### BEGIN SOLUTION\ndouble = 3 * number\n### END SOLUTION")
    answer("q1", number)
    assert [card.reason for card in cards] == ["right", "wrong"]


def test_an_author_running_the_master_sees_what_is_told(cards):
    answer = open_exercise("09_loyalty", seed=7)
    answer(
        "q1", 2.0, points=1, tolerance=0.1, hints=["A hint."], misconceptions={"one off": (3.0, "Not three.")}
    )
    assert cards[0].reason == "right" and not cards[0].data
    for text in ("one off", "Not three.", "A hint.", "2.0"):
        assert text in cards[0].text()


# ------------------------------------------------------------------------------------------------ looks


def test_cards_escape_what_they_quote():
    card = Card("q1", "unchecked", ("<script>alert(1)</script> & `a<b`",), foot="<b>")
    assert "<script>" not in card.html() and "<code>a&lt;b</code>" in card.html() and "<b>" not in card.html()


def test_a_card_says_in_words_what_its_colour_says():
    marks = {
        Card("q1", reason).text().split("(")[0] for reason in ("right", "todo", "wrong", "unchecked", "hint")
    }
    assert len(marks) == 5
    html = Card("q1", "sign").html()
    assert 'role="status"' in html and 'aria-label="q1: Not yet"' in html and 'aria-hidden="true">✗' in html


@pytest.mark.parametrize(
    "colour, page",
    [
        (colour, page)
        for colour in ("#b54a00", "#008a63", "#4a7fb5")
        for page in ("#ffffff", "#111111", "#1f1f1f")
    ],
)
def test_marks_stand_out_on_light_and_dark_pages(colour, page):
    from crmlab.exercises.cards import STYLE

    def luminance(hexadecimal):
        parts = [int(hexadecimal[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return np.dot(linear, [0.2126, 0.7152, 0.0722])

    low, high = sorted([luminance(colour), luminance(page)])
    assert colour in STYLE and (high + 0.05) / (low + 0.05) >= 3


def test_machines_get_plain_json(cards):
    open_exercise("11_customer_lifetime_value", seed=7)("q1", float("nan"))
    bundle = cards[0].bundle()
    assert bundle[MIME]["given"] == {"float": "nan"} and bundle[MIME]["parameters"] == {"seed": 7}
    nbformat.validate(
        nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(outputs=[nbformat.v4.new_output("display_data", bundle)])]
        )
    )


def test_outside_a_notebook_a_card_is_printed(capsys):
    open_exercise("11_customer_lifetime_value", seed=7)("q3", 5.0)
    assert capsys.readouterr().out.startswith("✗ q3: Not yet (0 of 2 points)\n  Five points of retention")
