"""One module a theory. Each exports ``design``."""

import importlib
import importlib.util

from crmlab import places
from crmlab.design import Design
from crmlab.errors import InputError


def design_of(lesson: str) -> Design:
    """The design of the theory that a lesson is about.

    Parameters
    ----------
    lesson : str
        As in `crmlab.places.lesson`: ``"09"``, ``"loyalty"``, ``"09_loyalty"``.

    Raises
    ------
    InputError
        If there is no such lesson, or its theory has no module of the lesson's name.
    """
    name = places.lesson(lesson).name
    if importlib.util.find_spec(f"{__name__}.{name}") is None:
        raise InputError(f"lesson {lesson!r} has no design: there is no crmlab/theories/{name}.py")
    return importlib.import_module(f"{__name__}.{name}").design
