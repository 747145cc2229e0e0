"""The one error that bad input raises, so that every way in reports it alike."""

import re
import shlex
import textwrap
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType

CELL = re.compile(r"ipykernel_\d+|<ipython-input|^<cell")  # what IPython calls the file of a cell
CARD = 88  # columns


class InputError(ValueError):
    """Input that crmlab cannot use.

    The message names the argument, the offending value or rows, and the remedy.
    The command line prints it as one sentence and exits with status 2; a notebook shows it as a card of a few
    lines, without what happened inside crmlab.
    """

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of a traceback: the message, and the line of the cell that led to it."""
        said = textwrap.wrap(str(self), CARD - 2, break_long_words=False, break_on_hyphens=False)
        place = cell_line(self.__traceback__)
        rule, bold, plain = "─" * CARD, "\x1b[1m", "\x1b[0m"
        marked = [f"{'  ' if number else '✗ '}{bold}{each}{plain}" for number, each in enumerate(said)]
        return [rule, *marked, *([f"  {place}"] if place else []), rule]


class NotConverged(ArithmeticError):
    """A fit found no maximum, or none with standard errors."""


def cell_line(trace: TracebackType | None) -> str:
    """The last line of a notebook's own code on the way to an error, or nothing outside a notebook."""
    own = [frame for frame in traceback.extract_tb(trace) if CELL.search(frame.filename)]
    return f"line {own[-1].lineno} of this cell: {own[-1].line}" if own and own[-1].line else ""


def listing(names: Iterable[object], limit: int = 40) -> str:
    """Names as prose for a message: ``a, b, c`` (cut after `limit`, saying so)."""
    names = [str(name) for name in names]
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def check_known(kind: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Refuse names that are not known, listing the known ones.

    Parameters
    ----------
    kind : str
        What the names are, in the singular: ``"parameter"``.
    given, known : iterable of str

    Raises
    ------
    InputError
        If any given name is not among the known ones.
    """
    known = list(known)
    unknown = [name for name in given if name not in known]
    if unknown:
        plural = "s" if len(unknown) > 1 else ""
        raise InputError(f"unknown {kind}{plural} {listing(map(repr, unknown))}; known: {listing(known)}")


_typed_as_flags: ContextVar[bool] = ContextVar("typed_as_flags", default=False)


@contextmanager
def speaking_of_flags() -> Iterator[None]:
    """Within it, messages name options as they are typed at the command line; see `option`."""
    before = _typed_as_flags.set(True)
    try:
        yield
    finally:
        _typed_as_flags.reset(before)


def option(name: str, value: object = None) -> str:
    """An option as the user wrote it, for a message.

    Examples
    --------
    >>> option("date_format"), option("unreadable", "ignore")
    ('date_format', "unreadable='ignore'")
    >>> with speaking_of_flags():
    ...     option("date_format"), option("unreadable", "ignore")
    ('--date-format', '--unreadable ignore')
    """
    if not _typed_as_flags.get():
        return name if value is None else f"{name}={value!r}"
    flag = "LOG" if name == "log" else "--" + name.replace("_", "-")
    return flag if value is None else f"{flag} {shlex.quote(str(value))}"
