"""``quiz``: a few questions at the end of a sitting, whose wrong answers are what other analyses say.

Right and wrong answers alike are values that the lesson has computed; none is typed in.
"""

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import ipywidgets

from crmlab.errors import InputError
from crmlab.notebook import guesses
from crmlab.widgets.live import display_live
from crmlab.widgets.look import boxed, with_unit
from crmlab.words import translated, words
from crmlab.words.marks import as_html, as_text

MIME = "application/vnd.crmlab.quiz+json"
MARKS = {True: "✓", False: "✗"}


@dataclass(frozen=True)
class Question:
    """A question with its right answer and what others would answer.

    Parameters
    ----------
    text : str
        The question.
    right : float or str
        What the truth or the right analysis gives.
    wrong : dict of str to float or str
        What another reading gives, by its name as it stands in a sentence: ``"the naive regression"``. Those
        that agree with the right answer are said to, those that agree with each other are one option.
    because : str
        Why the right answer is right, in a sentence or two.
    unit : str
    digits : int
        Decimals shown of numbers.
    """

    text: str
    right: float | str
    wrong: Mapping[str, float | str] = field(default_factory=dict)
    because: str = ""
    unit: str = ""
    digits: int = 2

    def __post_init__(self) -> None:
        for name in ("text", "because", "unit"):
            object.__setattr__(self, name, translated(getattr(self, name)))
        object.__setattr__(
            self, "wrong", {translated(reading): value for reading, value in self.wrong.items()}
        )
        if not self.text.strip() or not self.because.strip():
            raise InputError("a question needs its text, and because, which says why the answer is right")
        if not all(reading.strip() for reading in self.wrong):
            raise InputError(f"question {self.text!r} has a wrong answer without a name; say whose it is")
        if not self.wrong:
            raise InputError(
                f"question {self.text!r} has no wrong answers; give what other analyses would say"
            )
        for reading, value in [("right", self.right), *self.wrong.items()]:
            if not isinstance(value, str) and not abs(float(value)) < float("inf"):
                raise InputError(f"the answer of {reading} to {self.text!r} is {value}; give a finite number")

    def options(self) -> list["Option"]:
        """What can be chosen: numbers by size, words by the alphabet, an order that gives nothing away."""
        shown = {reading: self._shown(value) for reading, value in self.wrong.items()}
        right = self._shown(self.right)
        values = {right: self.right}
        values |= {shown[reading]: value for reading, value in self.wrong.items() if shown[reading] != right}
        found = []
        for text in sorted(values, key=lambda text: _rank(values[text])):
            readings = tuple(reading for reading in shown if shown[reading] == text)
            found.append(Option(text, text == right, self._said(text == right, readings)))
        return found

    def _said(self, right: bool, readings: tuple[str, ...]) -> str:
        if not right:
            return words("ask.quiz_reading", reading=_together(readings))
        agree = words("ask.quiz_agree", readings=_together(readings)) if readings else ""
        return " ".join(filter(None, (words("ask.quiz_right"), self.because, agree)))

    def _shown(self, value: float | str) -> str:
        if isinstance(value, str):
            return value
        return with_unit(f"{round(float(value), self.digits) + 0.0:,.{self.digits}f}", self.unit)


@dataclass(frozen=True)
class Option:
    """One answer that can be chosen, and what is said then."""

    text: str
    right: bool
    said: str


class Quiz:
    """Questions with their options; `quiz` makes it.

    In a notebook a choice is answered at once and the first one kept; on a page without a kernel the same
    happens by style alone.
    """

    def __init__(self, name: str, questions: tuple[Question, ...]) -> None:
        self.name, self.questions = name, questions
        self.options = [question.options() for question in questions]
        kept = guesses.recall("quizzes", name)
        self.first: dict[str, bool] = {key: bool(value) for key, value in kept.items()}
        self.controls, rows = [], []
        for number, question in enumerate(questions):
            choice = ipywidgets.RadioButtons(
                options=[each.text for each in self.options[number]],
                value=None,
                layout=ipywidgets.Layout(width="auto"),
            )
            said = ipywidgets.HTML()
            choice.observe(lambda change, at=number, said=said: self._chosen(at, said), names="value")
            self.controls.append(choice)
            text = f'<strong class="crmlab-label">{number + 1}. {as_html(question.text)}</strong>'
            rows.append(ipywidgets.VBox([ipywidgets.HTML(text), choice, said]))
            rows[-1].add_class("crmlab-control")
        title = ipywidgets.HTML(boxed(f"<p><strong>{words('ask.quiz')}</strong></p>"))
        self.view = ipywidgets.VBox([title, *rows])

    def _chosen(self, at: int, said: ipywidgets.HTML) -> None:
        option = next(each for each in self.options[at] if each.text == self.controls[at].value)
        said.value = f'<div role="status">{MARKS[option.right]} {as_html(option.said)}</div>'
        key = f"q{at + 1}"
        if key not in self.first:
            self.first[key] = option.right
            guesses.keep("quizzes", self.name, {key: option.right})

    def _still_html(self) -> str:
        """The quiz as a page shows it without a kernel: what is chosen shows what is said about it."""
        parts = [f"<p><strong>{words('ask.quiz')}</strong> {words('ask.quiz_choose')}</p>"]
        for number, (question, options) in enumerate(zip(self.questions, self.options), 1):
            group = html.escape(f"{self.name}-{number}")
            parts.append(f"<fieldset><legend>{number}. {as_html(question.text)}</legend>")
            for at, each in enumerate(options):
                parts.append(
                    f'<div class="crmlab-option"><input type="radio" name="{group}" id="{group}-{at}">'
                    f' <label for="{group}-{at}">{html.escape(each.text)}</label>'
                    f'<p class="crmlab-said" role="status">{MARKS[each.right]} {as_html(each.said)}</p>'
                    "</div>"
                )
            parts.append("</fieldset>")
        return boxed("".join(parts), quiz=self.name)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """The widget; for readers without a kernel the form; for machines the questions."""
        facts = [
            {"text": question.text, "options": [[each.text, each.right] for each in options]}
            for question, options in zip(self.questions, self.options)
        ]
        told = "; ".join(as_text(question.text) for question in self.questions)
        return self.view._repr_mimebundle_() | {
            "text/html": self._still_html(),
            "text/plain": f"[{words('ask.quiz')}: {told}]",
            MIME: {"name": self.name, "questions": facts},
        }

    def _ipython_display_(self) -> None:
        display_live(self._repr_mimebundle_())


def quiz(name: str, *questions: Question) -> Quiz:
    """A quiz at the end of a sitting; let it be the last line of its cell.

    Parameters
    ----------
    name : str
        Unique in the lesson: ``"first-sitting"``.
    *questions : Question
        Three are a good number.

    Raises
    ------
    InputError
        If there is no question, or `name` is not made of letters, digits and hyphens.
    """
    if not questions:
        raise InputError("quiz has no questions; give some")
    if not name or not name.replace("-", "").isalnum():
        raise InputError(f"the quiz's name is {name!r}; letters, digits and hyphens make one")
    return Quiz(name, questions)


def _rank(value: float | str) -> tuple[int, float, str]:
    return (1, 0.0, value) if isinstance(value, str) else (0, float(value), "")


def _together(readings: tuple[str, ...]) -> str:
    return ", ".join(readings)
