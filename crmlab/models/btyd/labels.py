"""pandas in, pandas out: where columns are Series, answers are, with the same index."""

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmlab.errors import InputError

# One number, an array, or a Series where a Series was given.
Answer: TypeAlias = npt.NDArray[np.float64] | float | pd.Series
Model = TypeVar("Model")
P = ParamSpec("P")


def labelled(method: Callable[Concatenate[Model, P], Answer]) -> Callable[Concatenate[Model, P], Answer]:
    """Let a method answer with a Series, named after the method, where columns are given as Series."""
    names = list(inspect.signature(method).parameters)[1:]

    @wraps(method)
    def asked(self: Model, *columns: P.args, **named: P.kwargs) -> Answer:
        index = common_index(dict(zip(names, columns)) | named)
        answer = method(self, *columns, **named)
        if index is None or np.shape(answer) != (len(index),):
            return answer
        return pd.Series(np.asarray(answer), index=index, name=method.__name__)

    return asked


def common_index(columns: Mapping[str, Any]) -> pd.Index | None:
    """The index that all Series among `columns` share, None where there is none.

    Raises
    ------
    InputError
        If two Series have different indexes: rows are matched by position, which would mix customers up.
    """
    index, of = None, ""
    for name, column in columns.items():
        if not isinstance(column, pd.Series):
            continue
        if index is None:
            index, of = column.index, name
        elif not (column.index is index or column.index.equals(index)):
            raise InputError(
                f"{of} and {name} have different indexes; bring them into the same order of customers, as by "
                f"{name}.reindex({of}.index), or give them without index"
            )
    return index
