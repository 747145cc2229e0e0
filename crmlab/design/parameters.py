"""A theory's truth as data: frozen, named, bounded, with units and sources."""

import dataclasses
import html
import math
import numbers
from dataclasses import dataclass

from crmlab.errors import InputError, check_known


def parameter(default, unit, *, low=-math.inf, high=math.inf, source="", choices=None):
    """A field of a `Parameters` class.

    Parameters
    ----------
    default : int, float, bool or str
        Its type is the parameter's type.
    unit : str
        What one unit of it is: ``"logit units"``, ``"customers"``.
    low, high : float
        The range it may take, ends included.
    source : str
        Where the default comes from.
    choices : sequence, optional
        The only values it may take.
    """
    metadata = {"unit": unit, "low": low, "high": high, "source": source, "choices": choices}
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Parameters:
    """Base of every theory's parameters: each value is checked against its field's type and range."""

    def __post_init__(self):
        for field in dataclasses.fields(self):
            checked = _checked(field, getattr(self, field.name))
            object.__setattr__(self, field.name, checked)

    @classmethod
    def names(cls):
        """The parameters' names, in order."""
        return [field.name for field in dataclasses.fields(cls)]

    @classmethod
    def range_of(cls, name):
        """``(low, high)`` of a parameter, ends included."""
        field = cls.__dataclass_fields__[name]
        return field.metadata.get("low", -math.inf), field.metadata.get("high", math.inf)

    def replace(self, **changes):
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
            f"<td style='text-align:left'>{html.escape(field.metadata.get('unit', ''))}</td>"
            f"<td style='text-align:left'>{html.escape(field.metadata.get('source', ''))}</td></tr>"
            for field in dataclasses.fields(self)
        )
        head = "<tr><th>parameter</th><th>value</th><th>unit</th><th>source</th></tr>"
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
