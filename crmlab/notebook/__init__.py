"""A notebook is a function: parameters go in, named results come out.

``record`` stands in the lessons; ``run`` executes a lesson, ``sweep`` maps it over a grid.
They are imported when first used, so that a lesson that records pays for nothing else.
"""

from importlib import import_module

_HOMES = {
    "record": "recording",
    "check_parameters": "guarding",
    "run": "running",
    "Run": "outcome",
    "Failure": "outcome",
    "sweep": "sweeping",
}
__all__ = list(_HOMES)


def __getattr__(name):
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])
