"""``answer(...)`` as a learner meets it: a card at once, whatever they give it.

Nothing here raises. An exercise that cannot be opened, a question that is not there, a value that no one
expected: each gets a card that says so, and the notebook runs on.
"""

import json
from typing import Any

from crmlab.errors import InputError, listing
from crmlab.exercises import running
from crmlab.exercises.cards import Card, drawn
from crmlab.exercises.masters import master, masters
from crmlab.exercises.plain import plain
from crmlab.exercises.questions import Question
from crmlab.exercises.questions import question as make_question
from crmlab.exercises.showing import show_plainly
from crmlab.exercises.verdicts import Verdict
from crmlab.words import words

EXPLAINED = ("type", "shape", "not_finite", "units", "sign", "order", "misconception")

# What each question of this session has been answered with. A card depends on the answers given so far, not
# on how often a cell was run: the same answer again gets the same card.
_attempts = {}


class Attempts:
    """The different wrong answers to one question, and how many hints they have earned."""

    def __init__(self):
        self.answers, self.reasons, self.hints = set(), set(), 0

    def add(self, given: Any, reason: str, total: int) -> int:
        """Count a wrong answer and return the number of hints to show.

        A new wrong answer earns one hint more, except that the first answer of a kind of wrong that the card
        names earns none: the learner should try again with that alone.
        """
        answer = json.dumps(given, sort_keys=True)
        if answer not in self.answers:
            if reason not in EXPLAINED or reason in self.reasons:
                self.more(total)
            self.answers.add(answer)
            self.reasons.add(reason)
        return self.hints

    def more(self, total: int) -> int:
        self.hints = min(self.hints + 1, total)
        return self.hints


class Answers:
    """What `open_exercise` returns: call it with a question's name and a value."""

    def __init__(self, name: str, parameters: dict[str, Any]):
        self.name, self.parameters = name, parameters

    def __repr__(self):
        return f"answers to {self.name!r}, version {self.parameters}"

    def __call__(self, question: Any = None, value: Any = ..., *rest: Any, **told: Any) -> None:
        """Judge `value` as the answer to `question` and show a card. Returns nothing and never raises."""
        self._safely(self._told_card if told else self._card, question, value, *rest, **told)

    def hint(self, question: Any = None) -> None:
        """Show the next hint for `question`."""
        self._safely(self._hint_card, question)

    def _safely(self, make, question, *rest, **told):
        try:
            card = make(question, *rest, **told)
        except Exception as error:  # a learner's notebook runs on
            name = question if type(question) is str else ""
            problem = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
            card = Card(name[:40], "unchecked", (words("cards.say_unchecked", problem=problem),))
        card.show()

    def _master(self):
        """The master, if it is on this computer: an instructor's own is not."""
        try:
            return master(self.name)
        except InputError:
            raise InputError(
                words("cards.not_here", name=str(self.name)[:60], known=listing(masters()) or "none")
            ) from None

    def _found(self, name):
        exercise = self._master()
        known = running.questions(exercise, exercise.check_parameters(self.parameters))
        if type(name) is not str or name not in known:
            shown = repr(name[:40]) if type(name) is str else type(name).__name__
            raise InputError(words("cards.unknown_question", question=shown, known=listing(known)))
        return known[name]

    def _memory(self, name):
        key = (self.name, json.dumps(self.parameters, sort_keys=True, default=repr), name)
        return _attempts.setdefault(key, Attempts())

    def _card(self, name, value, *rest):
        if rest:
            raise InputError(words("cards.two_values"))
        question = self._found(name)
        given = question.kind.observe(value)
        verdict = question.judge(given)
        total, shown = hints_of(question), 0
        if verdict.reason not in ("right", "todo"):
            shown = self._memory(name).add(given, verdict.reason, total)
        return _card(
            question,
            verdict,
            shown,
            data={
                "exercise": self.name,
                "parameters": self.parameters,
                "question": name,
                "given": given,
                "verdict": verdict.reason,
                "misconception": verdict.misconception,
                "points": question.points_for(verdict),
                "of": question.points,
            },
        )

    def _hint_card(self, name):
        exercise = self._master()
        if name is None:
            raise InputError(words("cards.which_hint", known=listing(exercise.checks)))
        question = self._found(name)
        total, memory = hints_of(question), self._memory(name)
        says = (words("cards.no_hints", question=name),) if memory.hints >= total else ()
        data = {"exercise": self.name, "question": name, "verdict": "hint"}
        return _card(question, Verdict("hint"), memory.more(total), data, says)

    def _told_card(self, name, value, *rest, **told):
        """A master's own call, met when its author runs the master: all that is told, at a glance."""
        question = make_question(name, value, told)
        says = [words("cards.authors_view"), f"{question.kind!r} = {question.right!r}"]
        says += [
            f"{each.name}: {each.value!r} ({question.judge(each.value).reason}) {each.hint}"
            for each in question.misconceptions
        ]
        return _card(question, question.judge(question.right), hints_of(question), says=tuple(says))


def hints_of(question: Question) -> int:
    """How many hints a question has, its picture counted."""
    return len(question.hints) + (question.picture is not None)


def _picture(question):
    try:
        with running.quiet():
            return drawn(question.picture)
    except Exception:  # the verdict matters more; authors hear of it from the stress test
        return None


def _card(question, verdict, shown, data=None, says=None):
    hints, total = question.hints[:shown], hints_of(question)
    picture = _picture(question) if shown > len(question.hints) else None
    more = verdict.reason not in ("right", "unchecked") and shown < total
    return Card(
        question.name,
        verdict.reason,
        _sentences(question, verdict) if says is None else says,
        hints,
        total,
        picture,
        words("cards.more_hints", question=question.name) if more else "",
        question.points,
        data or {},
        question.points_for(verdict),
    )


def _sentences(question, verdict):
    counted = ()
    if question.credit and not verdict.right:
        key = "credit" if verdict.share else "credits"
        counted = (words(f"cards.{key}_{question.credit}", share=verdict.share),)
    if verdict.reason == "misconception":
        return (verdict.facts["hint"], *counted)
    says = (words(f"cards.{verdict.text or 'say_' + verdict.reason}", **verdict.facts),)
    if verdict.reason in ("todo", "units", "magnitude") and question.units:
        key = "percent_asked" if "percent" in question.units else "units_asked"
        says += (words(f"cards.{key}", units=question.units),)
    if verdict.right and question.moral:
        says += (question.moral,)
    return says + counted


def open_exercise(name: str, **parameters: Any) -> Any:
    """Open an exercise; returns ``answer``, to be called with a question's name and a value.

    Parameters
    ----------
    name : str
        ``"09_loyalty"``.
    **parameters
        The learner's own, as in the notebook's parameters cell: ``seed=seed``. They alone decide what is
        right; nothing else that the notebook defines or changes does.

    Examples
    --------
    >>> answer = open_exercise("09_loyalty", seed=7)
    >>> answer("q1", 0.21)  # doctest: +SKIP
    """
    collect = running.collector()
    if collect is not None:
        return collect
    show_plainly()
    parameters = {key: plain(value) for key, value in parameters.items()}
    return Answers(name, parameters)
