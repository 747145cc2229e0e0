"""``record``: what a lesson found, by name, in a form that machines read back and people can check."""

import datetime
import decimal
import json
import math
import numbers
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from crmlab.errors import InputError
from crmlab.notebook.parameters import Cell

Json = None | bool | int | float | str | list[Any] | dict[str, Any]  # what JSON can hold
MIME = "application/vnd.crmlab.result+json"


def record(name: str, value: object, digits: int = 6) -> None:
    """Give a result a name, under which ``run`` returns it; a table is shown, too.

    Numbers are for machines and show nothing in a notebook: what a reader should see stands in a caption or a
    table. Outside a notebook the result is only printed.

    Parameters
    ----------
    name : str
        Unique in the lesson, made of words as in ``"power.adjusted"``.
    value
        A number, string, truth value, ``None``, date, list, array, dictionary, Series or DataFrame.
        A Series becomes a dictionary, a DataFrame ``{"columns": [...], "rows": [[...]]}``, with its index as
        first column unless that only counts the rows.
    digits : int, optional
        Floats are rounded to this many significant digits, so that a result is the same on every machine.

    Raises
    ------
    InputError
        If the name is empty, or the value is not a number that can be written down: NaN or infinite.
        In a Series or DataFrame NaN means "missing", as it does in pandas, and becomes ``None``.
    """
    if not isinstance(name, str) or not name.strip() or name != name.strip():
        raise InputError(f"a result's name must be words without spaces around them, got {name!r}")
    if not isinstance(digits, numbers.Integral) or digits < 1:
        raise InputError(f"digits of result {name!r} must be a whole number from 1, got {digits!r}")
    plain = as_json(value, int(digits), f"result {name!r}")
    table = _rounded(value, int(digits)) if _is_pandas(value) else None
    text = f"{name} =\n{table.to_string()}" if table is not None else f"{name} = {_shown(plain)}"
    if not _in_notebook():
        print(text)
        return
    from IPython.display import display

    # Front ends prefer HTML: nothing for a number, whose text stays for those who compare stored notebooks.
    about = "" if table is None else f"<p><code>{name}</code></p>\n{_as_html(table)}"
    display({"text/plain": text, "text/html": about, MIME: {"name": name, "value": plain}}, raw=True)


def recorded(cells: Iterable[Cell]) -> tuple[dict[str, Json], dict[str, list[str]]]:
    """The results that executed cells gave, and the names given twice.

    Returns
    -------
    results : dict
        In the order in which they were recorded.
    twice : dict
        Name -> ids of the cells that recorded it, for names recorded more than once.
    """
    results, places = {}, {}
    for index, cell in enumerate(cells):
        for output in cell.get("outputs", []):
            result = output.get("data", {}).get(MIME)
            if result is not None:
                results[result["name"]] = result["value"]
                places.setdefault(result["name"], []).append(cell.get("id", str(index)))
    return results, {name: where for name, where in places.items() if len(where) > 1}


def is_silent(output: Mapping[str, Any]) -> bool:
    """Whether an output is a recorded result that shows nothing."""
    data = output.get("data", {})
    return MIME in data and not "".join(data.get("text/html", "")).strip()


def flattened(results: Mapping[str, Json], prefix: str = "") -> Iterator[tuple[str, Json]]:
    """``(name, value)`` with dictionaries spread over dotted names, lists and tables as JSON text."""
    for name, value in results.items():
        if isinstance(value, dict) and set(value) != {"columns", "rows"}:
            yield from flattened(value, f"{prefix}{name}.")
        elif isinstance(value, (dict, list)):
            yield f"{prefix}{name}", json.dumps(value, ensure_ascii=False)
        else:
            yield f"{prefix}{name}", value


def as_json(value: Any, digits: int, what: str) -> Json:
    """`value` as JSON has it, floats rounded; `what` names it in errors."""
    if _is_pandas(value):
        return _pandas_as_json(value, digits, what)
    if hasattr(value, "tolist") and not isinstance(
        value, (bool, int, float, str)
    ):  # NumPy arrays and scalars
        value = value.tolist()
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, (numbers.Real, decimal.Decimal)):
        return _round(float(value), digits, what)
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): as_json(each, digits, f"{what}, entry {key!r},") for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(each, digits, f"{what}, item {index},") for index, each in enumerate(value)]
    raise InputError(
        f"{what} is a {type(value).__name__}, which cannot be written down; "
        "record numbers, strings, lists, dictionaries or a DataFrame"
    )


def _round(number, digits, what):
    if not math.isfinite(number):
        raise InputError(f"{what} is {number}; record None where there is no value, or say what went wrong")
    return float(f"{number:.{digits}g}") + 0.0  # + 0.0 turns -0.0 into 0.0


def _is_pandas(value):
    return type(value).__module__.partition(".")[0] == "pandas" and hasattr(value, "index")


def _pandas_as_json(value, digits, what):
    if value.ndim == 1:
        return {_label(key): _entry(each, digits, f"{what}, entry {key!r},") for key, each in value.items()}
    if not _is_plain_index(value.index):
        value = value.reset_index()
    rows = [
        [
            _entry(each, digits, f"{what}, column {column!r}, row {index},")
            for column, each in zip(value.columns, row)
        ]
        for index, row in enumerate(value.itertuples(index=False, name=None))
    ]
    return {"columns": [_label(column) for column in value.columns], "rows": rows}


def _is_plain_index(index):
    """Whether the index only counts the rows."""
    return index.name is None and index.nlevels == 1 and list(index) == list(range(len(index)))


def _label(key):
    return ".".join(map(str, key)) if isinstance(key, tuple) else str(key)


def _entry(value, digits, what):
    import pandas as pd

    missing = pd.api.types.is_scalar(value) and pd.isna(value)
    return None if missing else as_json(value, digits, what)


def _rounded(frame, digits):
    def shown(value):
        return float(f"{value:.{digits}g}") if isinstance(value, float) else value

    return frame.map(shown)


def _as_html(table):
    return table.to_frame().to_html(header=False) if table.ndim == 1 else table.to_html()


def _shown(plain):
    return plain if isinstance(plain, str) else repr(plain)


def _in_notebook():
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return getattr(get_ipython(), "kernel", None) is not None
