"""A theory's truth as data: frozen, named, bounded, with units and sources."""

import dataclasses
import html
import math
import numbers
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from crmlab.errors import InputError, check_known
from crmlab.words import translated
from crmlab.words.layout import headings

OURS = "ours"


def parameter(
    default: Any,
    unit: str,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    source: str = OURS,
    choices: Sequence | None = None,
) -> Any:
    """A field of a `Parameters` class. `path`, `probit`, `share` and their like are fields of one kind.

    Parameters
    ----------
    default : int, float, bool or str
        Its type is the parameter's type.
    unit : str
        What one unit of it is: ``"logit units"``, ``"customers"``.
    low, high : float
        The range it may take, ends included.
    source : str
        Where the default comes from; the authors of the theory by default.
    choices : sequence, optional
        The only values it may take.
    """
    metadata = {"unit": unit, "low": low, "high": high, "source": source, "choices": choices}
    return dataclasses.field(default=default, metadata=metadata)


def _kind(says: str, usual: str | None, least: float, most: float) -> Callable[..., Any]:
    """A function that makes fields of one kind: with its usual unit, if there is one, and its usual range."""

    def make(
        default: float,
        unit: str | None = usual,
        *,
        low: float = least,
        high: float = most,
        source: str = OURS,
    ) -> Any:
        if unit is None:
            raise InputError(f"unit of the parameter with default {default} is missing; say what it counts")
        return parameter(default, unit, low=low, high=high, source=source)

    make.__doc__ = f"{says}, from {least:g} to {most:g} unless `low` and `high` say otherwise."
    return make


path = _kind("A standardised path coefficient", "standardised path", -0.99, 0.99)
correlation = _kind("A correlation", None, -0.99, 0.99)
effect = _kind("What one unit of a cause adds, in the unit given", None, -2.0, 2.0)
probit = _kind("An effect or a level on the probit scale", "probit units", -3.0, 3.0)
logit = _kind("An effect or a level on the logit scale", "logit units", -6.0, 6.0)
share = _kind("A share", "share of customers", 0.0, 1.0)
spread = _kind("A standard deviation", None, 0.0, 5.0)
positive = _kind("A positive quantity", None, 1e-6, 1e6)
count = _kind("A whole number", "customers", 10, 200_000)


@dataclass(frozen=True)
class Parameters:
    """Base of every theory's parameters: each value is checked against its field's type and range.

    A market in which a typical column is longer than its customers are many says so by ``rows_a_customer``;
    fewer cohorts are then drawn at once, so that they stay in the processor's cache.
    """

    rows_a_customer = 1.0

    def __post_init__(self):
        for field in dataclasses.fields(self):
            checked = _checked(field, getattr(self, field.name))
            object.__setattr__(self, field.name, checked)

    @classmethod
    def names(cls) -> list[str]:
        """The parameters' names, in order."""
        return [field.name for field in dataclasses.fields(cls)]

    @classmethod
    def range_of(cls, name: str) -> tuple[float, float]:
        """``(low, high)`` of a parameter, ends included."""
        field = cls.__dataclass_fields__[name]
        return field.metadata.get("low", -math.inf), field.metadata.get("high", math.inf)

    def replace(self, **changes: Any) -> Self:
        """A copy with some values changed.

        Raises
        ------
        InputError
            If a name is unknown (the message lists the known ones) or a value is out of its range.
        """
        check_known("parameter", changes, self.names())
        return dataclasses.replace(self, **changes)

    def _repr_html_(self):
        rows = "".join(
            f"<tr><th scope='row' style='text-align:left'>{field.name}</th>"
            f"<td>{getattr(self, field.name)}</td>"
            f"<td style='text-align:left'>{html.escape(translated(field.metadata.get('unit', '')))}</td>"
            f"<td style='text-align:left'>{html.escape(translated(field.metadata.get('source', '')))}</td>"
            "</tr>"
            for field in dataclasses.fields(self)
        )
        head = headings("parameter", "value", "unit", "source")
        return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def _checked(field, value):
    """`value` as the field's type, or an `InputError` that says what is allowed."""
    wanted = type(field.default)
    unit = field.metadata.get("unit", "")
    if wanted is bool or isinstance(value, bool):
        fits = wanted is bool and isinstance(value, bool)
    elif wanted is int:
        fits = isinstance(value, numbers.Integral)
    elif wanted is float:
        fits = isinstance(value, numbers.Real) and _is_finite(value)
    else:
        fits = isinstance(value, wanted)
    if not fits:
        raise InputError(f"{field.name} is {value!r}; it must be a finite {wanted.__name__} ({unit})")
    choices = field.metadata.get("choices")
    if choices is not None and value not in choices:
        raise InputError(f"{field.name} is {value!r}; it must be one of {', '.join(map(str, choices))}")
    low, high = field.metadata.get("low", -math.inf), field.metadata.get("high", math.inf)
    if wanted in (int, float) and not low <= value <= high:
        raise InputError(f"{field.name} is {value}; it must lie from {low} to {high} ({unit})")
    return wanted(value)


def _is_finite(number):
    try:
        return math.isfinite(number)
    except OverflowError:  # a whole number beyond all floats
        return False
