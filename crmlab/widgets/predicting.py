"""``predict``: a guess made before the result is seen, kept, and answered where the result falls."""

import datetime
import html
import re
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets
from IPython.display import display

from crmlab.errors import InputError
from crmlab.notebook import guesses
from crmlab.widgets.live import display_live
from crmlab.widgets.look import boxed, number_line, with_unit
from crmlab.words import translated, words
from crmlab.words.marks import as_html, as_text

MIME = "application/vnd.crmlab.prediction+json"
STEPS = 100  # of a slider that is told no step


class Prediction:
    """A question, and the guess that a student makes; `predict` makes and shows it.

    No value is suggested: a slider waits on a stop before its scale, which is no guess, and nothing is chosen
    among choices. Nothing here stops a notebook that is run from the top: without a guess the answer is shown
    closed.
    """

    def __init__(
        self,
        question: str,
        low: float | None,
        high: float | None,
        unit: str,
        choices: tuple[str, ...],
        name: str,
        step: float | None,
    ) -> None:
        self.question, self.unit = translated(question), translated(unit)
        self.choices, self.name = choices, name
        self.low, self.high = low, high
        self.digits = 0 if choices else _digits(low, high, step)
        self.step = step or 10.0**-self.digits
        self._listeners: list[Callable[[], None]] = []
        kept = guesses.recall("predictions", name).get("guess")
        self._guess = kept if self._possible(kept) else None
        self._build()

    @property
    def guess(self) -> float | str | None:
        """What the student guessed, None if nothing yet."""
        return self._guess

    def keep(self, guess: float | str) -> None:
        """Take a guess, as the button does; the first one counts.

        Raises
        ------
        InputError
            If it does not lie on the slider, or is not among the choices.
        """
        if not self._possible(guess):
            asked = (
                f"one of {', '.join(self.choices)}"
                if self.choices
                else f"a number from {self.low:g} to {self.high:g}"
            )
            raise InputError(f"guess is {guess!r}; {asked} is asked")
        if self._guess is None:
            self._guess = guess
            guesses.keep("predictions", self.name, self._facts() | {"guess": guess, "made": _today()})
            self._settle()
            for listener in self._listeners:
                listener()

    def answer(self, truth: float | str, because: str = "") -> None:
        """Show the truth beside the guess; until there is a guess, folded away.

        Parameters
        ----------
        truth : float or str
            What came out, in the unit of the question; one of the choices where there are choices.
        because : str, optional
            A sentence on why.

        Raises
        ------
        InputError
            If `truth` is not finite, or not one of the choices.
        """
        truth, because = self._checked_truth(truth), translated(because)
        if self._guess is None and self._possible(self.control.value):  # set, and the button not pressed
            self.keep(self.control.value)
        if self._guess is not None:
            guesses.keep("predictions", self.name, self._facts() | {"truth": truth})
        shown = ipywidgets.HTML(self._answer_html(truth, because))

        def open_it() -> None:
            shown.value = self._answer_html(truth, because)
            guesses.keep("predictions", self.name, {"truth": truth})

        self._listeners.append(open_it)
        still = boxed(self._fold(truth, because), prediction_answer=self.name)
        display(
            shown._repr_mimebundle_()
            | {"text/html": still, "text/plain": f"[{as_text(self._told(truth, self._guess))}]"},
            raw=True,
        )

    # What it shows --------------------------------------------------------------------------------------

    def _build(self) -> None:
        wide = ipywidgets.Layout(width="100%", max_width="40rem")
        if self.choices:
            self.control = ipywidgets.RadioButtons(options=list(self.choices), value=None, layout=wide)
        else:
            self.control = self._slider(wide)
        whole = ipywidgets.Layout(width="auto")  # whatever the language, no word is cut
        self.button = ipywidgets.Button(
            description=words("ask.keep"), tooltip=as_text(self.question), layout=whole
        )
        self.status = ipywidgets.HTML()
        self.status.add_class("crmlab-status")
        asked = ipywidgets.HTML(boxed(self._question_html()))
        self.view = ipywidgets.VBox(
            [asked, self.control, ipywidgets.HBox([self.button, self.status])],
            layout=ipywidgets.Layout(width="100%", max_width="40rem", overflow="visible"),
        )
        self.view.add_class("crmlab-control")
        self.control.observe(lambda _change: self._settle(), names="value")
        self.button.on_click(lambda _button: self.keep(self.control.value))
        self._settle()

    def _slider(self, wide: ipywidgets.Layout) -> ipywidgets.FloatSlider | ipywidgets.IntSlider:
        """A slider whose first stop, where it waits, lies one step before the scale."""
        make, number = (ipywidgets.FloatSlider, float) if self.digits else (ipywidgets.IntSlider, round)
        before = number(self.low - self.step)
        return make(
            value=before,
            min=before,
            max=number(self.high),
            step=number(self.step),
            readout_format=f".{self.digits}f" if self.digits else "d",
            layout=wide,
        )

    def _settle(self) -> None:
        """Show what stands: nothing yet, a value that is not kept, or a guess."""
        made, ready = self._guess is not None, self._possible(self.control.value)
        self.control.disabled = made
        self.button.disabled = made or not ready
        if made:
            self.control.value, told = self._guess, words("ask.kept", guess=self.shown(self._guess))
        elif ready:
            told = words("ask.not_kept", guess=self.shown(self.control.value))
        elif self.choices:
            told = words("ask.not_chosen")
        else:
            told = words("ask.not_set", low=self.shown(self.low, unit=False), high=self.shown(self.high))
        (self.control.remove_class if made or ready else self.control.add_class)("crmlab-unset")
        self.status.value = f'<span role="status">{html.escape(told)}</span>'

    def _question_html(self) -> str:
        unit = f" <small>({html.escape(self.unit)})</small>" if self.unit else ""
        asked = f'<span class="crmlab-label">{as_html(self.question)}{unit}</span>'
        return f"<p><strong>{words('ask.predict')}</strong> {asked}</p>"

    def _still_html(self) -> str:
        """The question for a page without a kernel: a field or choices that need no script."""
        if self.choices:
            options = "".join(
                f'<div class="crmlab-option"><label><input type="radio" name="guess-{self.name}" '
                f'value="{html.escape(each)}"> {as_html(each)}</label></div>'
                for each in self.choices
            )
            inside = f"<fieldset><legend>{as_html(self.question)}</legend>{options}</fieldset>"
        else:
            inside = (
                f"<p><label>{as_html(self.question)} "
                f'<input type="number" min="{self.low:g}" max="{self.high:g}" '
                f'step="{10.0**-self.digits:g}"></label> {html.escape(self.unit)}</p>'
            )
        return boxed(
            f"<p><strong>{words('ask.predict')}</strong></p>{inside}",
            prediction=self.name,
            low=self.low,
            high=self.high,
        )

    def _answer_html(self, truth: float | str, because: str) -> str:
        if self._guess is None:
            return boxed(self._fold(truth, because))
        return boxed(self._drawn(truth, because, self._guess))

    def _fold(self, truth: float | str, because: str) -> str:
        drawn = self._drawn(truth, because, None)
        return f"<details><summary>{words('ask.open')}</summary>{drawn}</details>"

    def _drawn(self, truth: float | str, because: str, guess: float | str | None) -> str:
        told = self._told(truth, guess)
        says = f"<p>{as_html(told)}</p>" + (f"<p>{as_html(because)}</p>" if because else "")
        if self.choices:
            return says
        labels = {"low": f"{self.low:g}", "high": f"{self.high:g}"}
        labels["truth"] = words("ask.truth_label", truth=self.shown(truth, unit=False))
        if guess is not None:
            labels["guess"] = words("ask.guess_label", guess=self.shown(guess, unit=False))
        return number_line(self.low, self.high, truth, guess, labels, as_text(told)) + says

    def _told(self, truth: float | str, guess: float | str | None) -> str:
        """Guess and truth in a sentence."""
        if guess is None:
            return words("ask.told_truth", truth=self.shown(truth))
        if self.choices:
            key = "ask.told_right" if guess == truth else "ask.told_other"
            return words(key, guess=guess, truth=truth)
        off = self.shown(abs(guess - truth), unit=False)
        return words("ask.told_off", guess=self.shown(guess, unit=False), truth=self.shown(truth), off=off)

    def shown(self, value: float | str, unit: bool = True) -> str:
        """A value as it is shown: rounded as the slider is, with its unit."""
        if isinstance(value, str):
            return value
        return with_unit(f"{value:,.{self.digits}f}", self.unit if unit else "")

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """The control; for readers without a kernel, the question as a form."""
        facts = self._facts() | {"name": self.name}
        return self.view._repr_mimebundle_() | {
            "text/html": self._still_html(),
            "text/plain": f"[{as_text(self.question)}]",
            MIME: facts,
        }

    def _ipython_display_(self) -> None:
        display_live(self._repr_mimebundle_())

    # What it allows -------------------------------------------------------------------------------------

    def _facts(self) -> dict[str, Any]:
        scale = {"choices": list(self.choices)} if self.choices else {"low": self.low, "high": self.high}
        return {"question": self.question, "unit": self.unit, **scale}

    def _possible(self, value: Any) -> bool:
        if self.choices:
            return value in self.choices
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return number and self.low <= value <= self.high

    def _checked_truth(self, truth: float | str) -> float | str:
        if self.choices:
            if truth not in self.choices:
                raise InputError(f"truth is {truth!r}; the choices are {', '.join(self.choices)}")
            return truth
        try:
            number = float(truth)
        except (TypeError, ValueError):
            number = float("nan")
        if not abs(number) < float("inf"):
            raise InputError(f"truth is {truth!r}; give a finite number in {self.unit or 'the unit asked'}")
        return number


def predict(
    question: str,
    low: float | None = None,
    high: float | None = None,
    *,
    unit: str = "",
    choices: Sequence[str] = (),
    name: str = "",
    step: float | None = None,
) -> Prediction:
    """Ask for a guess, by a slider from `low` to `high` or by `choices`.

    Put it last in its cell, ``calls = predict(…)`` before it and ``calls`` as the last line, and answer it
    where the result falls: ``calls.answer(100 * rate)``.

    Parameters
    ----------
    question : str
        ``*emphasis*`` and ```code``` are marked.
    low, high : float
        Ends of the slider; whole numbers make a slider of whole numbers.
    unit : str
        Of the number: ``"of 100 analysts"``.
    choices : sequence of str
        Instead of a slider: two or more.
    name : str
        Under which the guess is kept, unique in the lesson; made of the question's words if not given.
    step : float, optional
        Of the slider; a hundredth of it, or 1 for whole numbers, if not given.

    Raises
    ------
    InputError
        If there are neither two ends nor two choices, or both.
    """
    if not question.strip():
        raise InputError("question is empty; ask something")
    if choices:
        if low is not None or high is not None or len(set(choices)) < 2:
            raise InputError("give two or more different choices, or the ends of a slider, not both")
    elif low is None or high is None or not low < high:
        raise InputError(f"the slider goes from {low} to {high}; give low below high, or choices")
    if step is not None and not step > 0:
        raise InputError(f"step is {step}; it must be above 0")
    return Prediction(question, low, high, unit, tuple(choices), name or _slug(question), step)


def _slug(question: str) -> str:
    return "-".join(re.findall(r"\w+", question.lower())[:8])


def _digits(low: float, high: float, step: float | None) -> int:
    """Decimals that a slider shows: none for whole ends, else two more than its length has."""
    from math import ceil, log10

    if step is None and float(low).is_integer() and float(high).is_integer() and high - low >= 10:
        return 0
    step = step if step is not None else (high - low) / STEPS
    return max(0, ceil(-log10(step) - 1e-9))


def _today() -> str:
    return datetime.datetime.now(datetime.UTC).date().isoformat()
