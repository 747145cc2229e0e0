"""crmlab: learn, teach and research customer relationship management on markets whose truth is known."""

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """`analyse`, which is imported when it is asked for: the command line starts without it."""
    if name == "analyse":
        from crmlab.analysis import analyse

        return analyse
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
