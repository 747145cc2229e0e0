"""The one error that bad input raises, so that every way in reports it alike."""


class InputError(ValueError):
    """Input that crmlab cannot use.

    The message names the argument, the offending value or rows, and the remedy.
    The command line prints it as one sentence and exits with status 2.
    """


class NotConverged(ArithmeticError):
    """A fit found no maximum, or none with standard errors."""


def listing(names, limit=40):
    """Names as prose for a message: ``a, b, c`` (cut after `limit`, saying so)."""
    names = [str(name) for name in names]
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def check_known(kind, given, known):
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
