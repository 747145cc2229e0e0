"""Tables in the reader's language: column names and words in cells, looked up when a table is shown."""

import os
from typing import Any

from crmlab.words import ENGLISH, language, translated

LONGEST = 300  # characters of a cell that is looked up


def translate_tables() -> None:
    """From here on DataFrames are shown in the language in force; in English as pandas shows them."""
    if language() == ENGLISH and not os.environ.get("CRMLAB_NOTE_TEXTS"):
        return
    import pandas as pd
    from IPython import get_ipython

    shell = get_ipython()
    if shell is None:
        return
    formatters = shell.display_formatter.formatters
    formatters["text/html"].for_type(pd.DataFrame, lambda frame: in_language(frame)._repr_html_())
    formatters["text/plain"].for_type(
        pd.DataFrame, lambda frame, printer, cycle: printer.text(repr(in_language(frame)))
    )


def in_language(frame: Any) -> Any:
    """A copy of a DataFrame for showing: its names and words translated, its numbers as they are."""
    shown = frame.copy()
    shown.columns = _labels(frame.columns)
    shown.index = _labels(frame.index)
    for at, column in enumerate(frame.columns):
        if not _is_number(frame.dtypes.iloc[at]):
            shown.isetitem(
                at,
                [_cell(value) for value in frame[column]] if frame.columns.is_unique else frame.iloc[:, at],
            )
    return shown


def _labels(index: Any) -> Any:
    import pandas as pd

    if isinstance(index, pd.MultiIndex):
        labels = index.map(lambda each: tuple(_cell(part) for part in each))
    elif _is_number(index.dtype):
        labels = index.copy()
    else:
        labels = index.map(_cell)
    return labels.set_names([None if name is None else _cell(name) for name in index.names])


def _is_number(dtype: Any) -> bool:
    return getattr(dtype, "kind", "O") in "iufbcmM"


def _cell(value: Any) -> Any:
    worth = isinstance(value, str) and len(value) <= LONGEST and any(each.isalpha() for each in value)
    return translated(value) if worth else value
