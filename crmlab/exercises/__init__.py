"""Exercises that every learner gets an own version of: written once, practised, checked.

The master notebook is the only source. `open_exercise` stands in it and in every copy; the rest is imported
when first used, so that a notebook which only answers pays for nothing else.
"""

from importlib import import_module

_HOMES = {"open_exercise": "practice", "master": "masters", "make_copy": "copies", "check": "checking"}
__all__ = list(_HOMES)


def __getattr__(name):
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])
