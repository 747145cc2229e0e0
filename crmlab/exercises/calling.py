"""Functions as answers: called on inputs that only the master knows, told by what they return.

The inputs travel to where a learner's code runs, so they are JSON as well: `packed` by the master, `unpacked`
anew for each call, that no call may change what the next one gets.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from crmlab.errors import InputError
from crmlab.exercises.plain import plain

MOST = 200  # calls


def packed(inputs: Sequence[Any]) -> list[list[Any]]:
    """The inputs of a master's ``inputs=`` as JSON: a list of lists of arguments.

    Parameters
    ----------
    inputs : list
        One entry a call: a tuple of arguments, or the only argument. Arguments are numbers, texts, truth
        values, None, lists of these, NumPy arrays and tables (DataFrames).
    """
    if not isinstance(inputs, (list, tuple)) or not 0 < len(inputs) <= MOST:
        raise InputError(f"inputs must be a list of 1 to {MOST} inputs, each a value or a tuple of arguments")
    return [[_packed(each) for each in (one if isinstance(one, tuple) else (one,))] for one in inputs]


def _packed(argument):
    import pandas as pd

    if isinstance(argument, np.generic):
        argument = argument.item()
    if argument is None or isinstance(argument, (bool, int, float, str)):
        return argument
    if isinstance(argument, (list, tuple)):
        return {"list": [_packed(each) for each in argument]}
    if isinstance(argument, np.ndarray) and argument.dtype.kind in "biufU":
        return {"array": argument.tolist(), "type": argument.dtype.str}
    if isinstance(argument, pd.DataFrame):
        return {"table": {str(name): _packed(column.tolist()) for name, column in argument.items()}}
    kind = type(argument).__name__
    raise InputError(f"inputs hold a {kind}, which cannot be handed to a learner's function")


def unpacked(arguments: list[Any]) -> list[Any]:
    """The arguments of one call."""
    return [_unpacked(each) for each in arguments]


def _unpacked(argument):
    match argument:
        case {"list": values}:
            return unpacked(values)
        case {"array": values, "type": kind}:
            return np.array(values, dtype=kind)
        case {"table": columns}:
            import pandas as pd

            return pd.DataFrame({name: _unpacked(column) for name, column in columns.items()})
    return argument


def returned(function: Any, inputs: list[list[Any]]) -> Any:
    """Plain data: what a function returns for packed `inputs`; of anything else, what it is."""
    if not callable(function):
        return plain(function)
    return {"returned": [_result(function, each) for each in inputs]}


def _result(function, arguments):
    try:
        return plain(function(*unpacked(arguments)))
    except Exception as error:  # a learner's function may raise anything
        return {"raised": type(error).__name__[:60]}
