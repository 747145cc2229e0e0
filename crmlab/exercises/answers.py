"""What an answer may be, and which kind of wrong a wrong one is.

All here works on plain data (`crmlab.exercises.plain`), so a judge may sit in a process that never ran the
learner's code, with JSON between the two.

A kind of answer is a class with four methods:

``observe(value)``
    plain data from what the learner's code made (a kind whose answers are functions calls them here);
``read(plain)``
    the answer in the form that is compared; raises `Unfit` for the wrong type or shape;
``same(right, given)``
    whether two read answers agree within the tolerance;
``explain(right, given)``
    what can be said about a wrong one without giving the right one away.
"""

import numbers
from dataclasses import dataclass, field

from crmlab.errors import InputError, check_known, listing
from crmlab.exercises.calling import returned
from crmlab.exercises.plain import form_of, plain

UNITS = {
    100: "percent",
    12: "months",
    52: "weeks",
    4: "quarters",
    7: "days",
    365: "days_years",
    1000: "thousands",
}
ORDER_OF_MAGNITUDE = 10
REASONS = (
    "right",
    "todo",
    "type",
    "shape",
    "not_finite",
    "units",
    "sign",
    "magnitude",
    "order",
    "misconception",
    "wrong",
    "unchecked",
)


@dataclass(frozen=True)
class Verdict:
    """The judgement of one answer.

    Attributes
    ----------
    reason : str
        One of `REASONS`; ``unchecked`` when it could not be judged.
    text : str
        Name of the card text that says it, in ``[cards]`` of the words; empty for the reason's own.
    facts : dict
        What that text mentions. Never the right answer.
    misconception : str
        The name of the misconception that was recognised.
    share : float
        Of a wrong answer whose parts count one by one, the share that is right.
    """

    reason: str
    text: str = ""
    facts: dict = field(default_factory=dict)
    misconception: str = ""
    share: float = 0.0

    @property
    def right(self):
        return self.reason == "right"


class Unfit(Exception):
    """An answer of another type or shape than is asked; carries the verdict."""

    def __init__(self, reason, text, /, **facts):
        super().__init__(reason, text)
        self.verdict = Verdict(reason, text, facts)


# ---------------------------------------------------------------------------------------- kinds of answer


class Kind:
    """What all kinds share: observing by `plain`, and explaining by the numbers in the answer."""

    def observe(self, value):
        return plain(value)

    def explain(self, right, given):
        return explain_numbers(self.numbers(right), self.numbers(given))

    def numbers(self, answer):
        """The numbers in a read answer, as ``[(number, allowed difference)]``; empty where there are none."""
        return []


@dataclass(frozen=True)
class Number(Kind):
    """One number, right within `tolerance` or within `relative` times the right one: the larger counts."""

    tolerance: float = 0.0
    relative: float = 0.0
    units: str = ""

    def allowed(self, right):
        rounding = 1e-12 * abs(right)
        return max(self.tolerance, self.relative * abs(right)) + rounding

    def read(self, given):
        form, size = form_of(given)
        if form:
            raise Unfit("shape", "shape_number_one" if size == 1 else "shape_number", size=size)
        if isinstance(given, bool):
            raise Unfit("type", "type_number_truth")
        if isinstance(given, str):
            raise Unfit("type", "type_number_text")
        if given is None or (isinstance(given, dict) and "float" in given):
            raise Unfit("not_finite", "")
        if isinstance(given, dict):
            raise Unfit("type", "type_number", given=given.get("unknown", "?"))
        try:
            return float(given)
        except OverflowError:
            raise Unfit("not_finite", "") from None

    def same(self, right, given):
        return abs(given - right) <= self.allowed(right)

    def numbers(self, answer):
        return [(answer, self.allowed(answer))]


@dataclass(frozen=True)
class Truth(Kind):
    """``True`` or ``False``."""

    def read(self, given):
        if not isinstance(given, bool):
            raise Unfit("type", "type_truth")
        return given

    def same(self, right, given):
        return right is given


def _spelling(text):
    return " ".join(text.split()).casefold()


@dataclass(frozen=True)
class Text(Kind):
    """A word or phrase; case and spacing do not matter, `accept` lists other right spellings."""

    accept: tuple = ()

    def read(self, given):
        if not isinstance(given, str):
            raise Unfit("shape", "shape_text") if form_of(given)[0] else Unfit("type", "type_text")
        return _spelling(given)

    def same(self, right, given):
        return given == right or given in {_spelling(each) for each in self.accept}


@dataclass(frozen=True)
class Choice(Kind):
    """One of `options`, which the task names."""

    options: tuple

    def read(self, given):
        known = {_spelling(each): each for each in self.options}
        if not isinstance(given, str) or _spelling(given) not in known:
            raise Unfit("type", "type_choice", options=listing(self.options))
        return known[_spelling(given)]

    def same(self, right, given):
        return given == right


@dataclass(frozen=True)
class Ordered(Kind):
    """A list whose order counts, each entry of one `entry` kind."""

    entry: Kind
    length: int

    def read(self, given):
        if isinstance(given, dict) and "pairs" in given:
            given = [value for _, value in given["pairs"]]
        if not isinstance(given, list):
            raise Unfit("shape", "shape_list", length=self.length)
        if len(given) != self.length:
            raise Unfit("shape", "shape_length", length=self.length, size=len(given))
        return [self.entry.read(each) for each in given]

    def same(self, right, given):
        return all(map(self.entry.same, right, given))

    def numbers(self, answer):
        return [pair for each in answer for pair in self.entry.numbers(each)]

    def explain(self, right, given):
        if self._same_entries(right, given):
            return Verdict("order")
        count = sum(map(self.entry.same, right, given))
        return _with_count(super().explain(right, given), "wrong_entries", count, len(right))

    def _same_entries(self, right, given):
        left = list(given)
        for each in right:
            at = next((at for at, other in enumerate(left) if self.entry.same(each, other)), None)
            if at is None:
                return False
            del left[at]
        return True


@dataclass(frozen=True)
class Table(Kind):
    """Rows found by `key` in any order; `columns` pairs the others with their kinds. More do no harm."""

    key: tuple
    columns: tuple  # of (name, Kind)
    labels: frozenset  # the keys that the right table has

    def read(self, given):
        rows = self._rows(given)
        # Only known keys get into a set: numbers can be chosen so that a large set of them takes minutes.
        known = [label for label, _ in rows if label in self.labels]
        if len(set(known)) < len(known):
            raise Unfit("shape", "shape_twice", key=listing(self.key))
        if not len(self.labels) == len(known) == len(rows):
            missing, more = len(self.labels) - len(known), len(rows) - len(known)
            raise Unfit(
                "shape",
                "shape_rows",
                rows=len(self.labels),
                key=listing(self.key),
                missing=missing,
                more=more,
            )
        return {
            label: tuple(kind.read(entry) for (_, kind), entry in zip(self.columns, entries))
            for label, entries in rows
        }

    def _rows(self, given):
        names = [name for name, _ in self.columns]
        form, _ = form_of(given)
        if form == "labelled" and len(names) == 1:
            return [(_label(label), (value,)) for label, value in given["pairs"]]
        if form != "table":
            raise Unfit("shape", "shape_table", columns=listing((*self.key, *names)))
        columns, key = given["columns"], self.key
        if len(key) == 1 and key[0] not in columns and "" in columns:
            key = ("",)  # a frame whose unnamed index holds the key
        missing = [name for name in (*key, *names) if name not in columns]
        if missing:
            raise Unfit("shape", "shape_columns", columns=listing(missing))
        at_key, at = [columns.index(name) for name in key], [columns.index(name) for name in names]
        return [(_label([row[i] for i in at_key]), tuple(row[i] for i in at)) for row in given["rows"]]

    def same(self, right, given):
        return all(self._same_row(right[label], given[label]) for label in right)

    def _same_row(self, right, given):
        return all(kind.same(one, other) for (_, kind), one, other in zip(self.columns, right, given))

    def numbers(self, answer):
        return [
            pair
            for label in sorted(answer, key=repr)
            for (_, kind), entry in zip(self.columns, answer[label])
            for pair in kind.numbers(entry)
        ]

    def explain(self, right, given):
        count = sum(self._same_row(right[label], given[label]) for label in right)
        return _with_count(super().explain(right, given), "wrong_rows", count, len(right))


@dataclass(frozen=True)
class Function(Kind):
    """A function, judged by what it returns for `inputs`; `results` are the kinds of these, one an input."""

    inputs: list
    results: tuple

    @property
    def units(self):
        return getattr(self.results[0], "units", "")

    def observe(self, value):
        return returned(value, self.inputs)

    def read(self, given):
        if not (isinstance(given, dict) and "returned" in given):
            raise Unfit("type", "type_function")
        given = given["returned"]
        if len(given) != len(self.results):
            raise Unfit("shape", "")
        for each in given:
            if isinstance(each, dict) and "raised" in each:
                raise Unfit("type", "type_function_raises", error=each["raised"])
        return [kind.read(each) for kind, each in zip(self.results, given)]

    def _agreeing(self, right, given):
        return [kind.same(one, other) for kind, one, other in zip(self.results, right, given)]

    def same(self, right, given):
        return all(self._agreeing(right, given))

    def numbers(self, answer):
        return [pair for kind, each in zip(self.results, answer) for pair in kind.numbers(each)]

    def explain(self, right, given):
        agreeing = self._agreeing(right, given)
        verdict = super().explain(right, given)
        return _with_count(verdict, "wrong_calls", sum(agreeing), len(agreeing))


def _label(label):
    """A key as a tuple that can be looked up; whole floats count as integers, texts without outer spaces."""
    entries = label if isinstance(label, list) else [label]
    return tuple(
        (
            int(each)
            if isinstance(each, float) and each.is_integer()
            else (
                each.strip()
                if isinstance(each, str)
                else repr(each)
                if isinstance(each, (dict, list))
                else each
            )
        )
        for each in entries
    )


def _with_count(verdict, key, count, total):
    return Verdict("wrong", key, {"count": count, "total": total}) if verdict.reason == "wrong" else verdict


# --------------------------------------------------------------------------------------- kinds of wrong


def explain_numbers(right, given):
    """Units, sign, order of magnitude, or just wrong, from two equally long lists of (number, allowed)."""
    pairs = [(one, other, allowed) for (one, allowed), (other, _) in zip(right, given)]
    telling = [pair for pair in pairs if abs(pair[0]) > pair[2]]
    if not telling:
        return Verdict("wrong")
    for factor, name in UNITS.items():
        for scale in (factor, 1 / factor):
            if all(abs(other - scale * one) <= scale * allowed for one, other, allowed in pairs):
                return Verdict("units", f"units_{name}")
    if all(abs(other + one) <= allowed for one, other, allowed in pairs):
        return Verdict("sign", "sign_mirror")
    if len(pairs) == 1 and given[0][0] * right[0][0] < 0 and abs(given[0][0]) > right[0][1]:
        return Verdict("sign")
    ratios = [other / one for one, other, _ in telling]
    if all(ratio >= ORDER_OF_MAGNITUDE for ratio in ratios):
        return Verdict("magnitude", "magnitude_large")
    if all(0 < ratio <= 1 / ORDER_OF_MAGNITUDE for ratio in ratios):
        return Verdict("magnitude", "magnitude_small")
    return Verdict("wrong")


# ------------------------------------------------------------------------------------------ from a master

OPTIONS = ("tolerance", "relative", "units", "options", "accept", "key", "inputs")


def kind_of(right, **given):
    """The kind of answer that fits the right one.

    Parameters
    ----------
    right
        Plain data: a number gives `Number`, a text `Text` (or `Choice`, with `options`), a list `Ordered`,
        a table or labelled values `Table` (rows found by `key`), a truth value `Truth`; what a function
        returned for its `inputs` gives `Function`.
    tolerance, relative : float
        Allowed difference of a number, absolute and relative to the right one. Without either a whole number
        must be exact and any other agree to six digits.
    units : str
    options, accept : list of str
    key : str or list of str
    inputs : list
        As `crmlab.exercises.calling.packed` made them.

    Raises
    ------
    InputError
        If the options do not fit the answer, or the right answer is none.
    """
    check_known("option", given, OPTIONS)
    given = {name: value for name, value in given.items() if value not in (None, "", ())}
    form, _ = form_of(right)
    if "inputs" in given:
        kind = _function_kind(right, **given)
    elif form == "list":
        entry = kind_of(right[0] if right else None, **given)
        kind = Ordered(entry, len(right))
    elif form:
        kind = _table_kind(right, **given)
    else:
        kind = _scalar_kind(right, **given)
    try:
        kind.read(right)
    except Unfit as unfit:
        raise InputError(
            f"the right answer is not usable ({unfit.verdict.reason}): {str(right)[:200]}"
        ) from None
    return kind


def _function_kind(right, inputs, **given):
    if not (isinstance(right, dict) and "returned" in right):
        raise InputError("inputs= goes with a function, and the right answer is none")
    for number, each in enumerate(right["returned"], 1):
        if isinstance(each, dict) and "raised" in each:
            raise InputError(f"the right function raises {each['raised']} on input {number}")
    return Function(inputs, tuple(kind_of(each, **given) for each in right["returned"]))


def _scalar_kind(right, **given):
    if isinstance(right, bool):
        return Truth(**_only(given))
    if isinstance(right, str):
        if "options" in given:
            return Choice(tuple(_only(given, "options")["options"]))
        return Text(tuple(_only(given, "accept").get("accept", ())))
    if isinstance(right, dict) and "float" in right:
        raise InputError(f"the right answer is {right['float']}; it must be finite")
    if isinstance(right, dict) and right.get("unknown") == "function":
        raise InputError("the right answer is a function; name inputs=[...] to judge it on")
    if not isinstance(right, numbers.Real):
        raise InputError(f"the right answer is {right!r}, which is no number, text, list or table")
    given = _only(given, "tolerance", "relative", "units")
    for name in ("tolerance", "relative"):
        if name in given and not (isinstance(given[name], numbers.Real) and given[name] > 0):
            raise InputError(f"{name} is {given[name]!r}; it must be a positive number")
    if not {"tolerance", "relative"} & set(given) and not isinstance(right, int):
        given["relative"] = 1e-6
    return Number(**given)


def _table_kind(right, **given):
    key = given.pop("key", None) or right.get("key")
    key = (key,) if isinstance(key, str) else tuple(key or ())
    if "pairs" in right:
        if not key or not key[0] or not right["name"]:
            raise InputError("labelled values need a name and key=, or be given as a table")
        labels = [_label(label) for label, _ in right["pairs"]]
        entries = {right["name"]: [value for _, value in right["pairs"]]}
    else:
        missing = [name for name in key if name not in right["columns"]]
        if missing or not key:
            raise InputError(
                f"key is {listing(key) or 'not given'}; it must name columns of the table "
                f"({listing(right['columns'])})"
            )
        at = {name: at for at, name in enumerate(right["columns"])}
        labels = [_label([row[at[name]] for name in key]) for row in right["rows"]]
        entries = {name: [row[at[name]] for row in right["rows"]] for name in at if name not in key}
    if not labels:
        raise InputError("the right table has no rows")
    columns = tuple(
        (name, kind_of(values[0], **(given if not isinstance(values[0], str) else {})))
        for name, values in entries.items()
    )
    return Table(key, columns, frozenset(labels))


def _only(given, *names):
    if set(given) - set(names):
        raise InputError(f"{listing(sorted(set(given) - set(names)))} does not go with this kind of answer")
    return dict(given)
