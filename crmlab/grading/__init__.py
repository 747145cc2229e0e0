"""Grading work that may be hostile: rebuilt from the master, run behind walls, judged by a process apart.

`grade_batch` is the way in; `walls` tells which walls this machine can build.
"""

from importlib import import_module

_HOMES = {
    "grade_batch": "batch",
    "Submission": "reports",
    "Report": "reports",
    "QuestionResult": "reports",
    "Limits": "reports",
    "walls": "building",
}
__all__ = list(_HOMES)


def __getattr__(name):
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])
