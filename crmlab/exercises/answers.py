"""The kind of answer that fits a right one, by what the master says of it."""

import numbers
from typing import Any

from crmlab.errors import InputError, check_known, listing
from crmlab.exercises.compound import Function, Ordered, Table, label_of
from crmlab.exercises.kinds import Choice, Kind, Number, Text, Truth
from crmlab.exercises.plain import form_of
from crmlab.exercises.verdicts import Unfit

OPTIONS = ("tolerance", "relative", "units", "options", "accept", "key", "inputs")


def kind_of(right: Any, **given: Any) -> Kind:
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
        labels = [label_of(label) for label, _ in right["pairs"]]
        entries = {right["name"]: [value for _, value in right["pairs"]]}
    else:
        missing = [name for name in key if name not in right["columns"]]
        if missing or not key:
            raise InputError(
                f"key is {listing(key) or 'not given'}; it must name columns of the table "
                f"({listing(right['columns'])})"
            )
        at = {name: at for at, name in enumerate(right["columns"])}
        labels = [label_of([row[at[name]] for name in key]) for row in right["rows"]]
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
