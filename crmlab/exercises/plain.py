"""Plain data: numbers, texts, lists and tables that JSON can hold, and nothing that can run.

Whatever a learner gives as an answer is turned into plain data first; all judging works on these alone.
"""

import math
from collections import Counter, OrderedDict, defaultdict
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

LARGEST = 20_000  # entries; no exercise asks for more
DEEPEST = 3  # lists in lists
DICTS = (dict, OrderedDict, defaultdict, Counter)  # of Python's own


def plain(value: Any) -> Any:
    """`value` as data that JSON can hold.

    Numbers of Python, NumPy, pandas, ``decimal`` and ``fractions`` become ``int`` or ``float``, a complex one
    without an imaginary part too; a float that is not finite becomes ``{"float": "nan"}``. Arrays and tuples
    become lists. A DataFrame, a list of records or a dict of columns becomes
    ``{"columns": [...], "rows": [[...]]}``, a Series with labels or another dict
    ``{"key": name, "name": name, "pairs": [[label, value]]}``. A blank (``...`` or ``None``) becomes
    ``None``, all else ``{"unknown": type name}``. Nothing of the learner's own classes is called.
    """
    simple = _plain_scalar(value)
    if simple is not _NOT_SCALAR:
        return simple
    import pandas as pd

    if _is(value, pd.DataFrame):
        return _plain_frame(value)
    if _is(value, pd.Series):
        return _plain_series(value)
    if _is(value, (np.ndarray, pd.Index, pd.api.extensions.ExtensionArray)):
        return _plain_array(value)
    if type(value) is range:
        value = value[: LARGEST + 1]  # the length of a longer one may be no length
    if _is(value, tuple):
        value = tuple(tuple.__iter__(value))  # a named tuple is one
    if type(value) in (list, tuple, range):
        return _plain_list(value)
    if type(value) in DICTS:
        return _plain_dict(dict(value.items()))
    return {"unknown": type(value).__name__}


_NOT_SCALAR = object()


def _is(value, kind):
    """Like isinstance, but a value cannot lie about its class."""
    return issubclass(type(value), kind)


def _plain_scalar(value):
    if value is None or value is Ellipsis:
        return None
    if _is(value, (bool, np.bool_)):
        return bool(value)
    if _is(value, np.generic):
        return _plain_numpy(value)
    if type(value) is np.ndarray and value.ndim == 0:
        return _plain_scalar(value[()])
    if _is(value, int):
        return int.__add__(value, 0)  # a subclass cannot speak for itself here
    if _is(value, float):
        return _plain_float(float.__add__(value, 0.0))
    if type(value) is complex:
        return _plain_complex(value)
    if _is(value, str):
        return str.__str__(value)
    if type(value) in (Decimal, Fraction):
        return _plain_float(float(value))
    if type(value).__name__ in ("NAType", "NaTType") and type(value).__module__.startswith("pandas."):
        return {"float": "nan"}
    return _NOT_SCALAR


def _plain_numpy(value):
    if _is(value, np.integer):
        return int(value)
    if _is(value, np.floating):
        return _plain_float(float(value))
    if _is(value, np.complexfloating):
        return _plain_complex(complex(value))
    if _is(value, np.str_):
        return str.__str__(value)
    return {"unknown": type(value).__name__}


def _plain_complex(number):
    """Linear algebra gives real eigenvalues as complex numbers, too; an imaginary part is no answer."""
    return {"unknown": "complex"} if number.imag else _plain_float(number.real)


def _plain_float(number):
    return number if math.isfinite(number) else {"float": repr(number)}


def _plain_entry(value):
    simple = _plain_scalar(value)
    return {"unknown": type(value).__name__} if simple is _NOT_SCALAR else simple


def _plain_list(values, depth=0):
    inner = [each for each in values if type(each) in (list, tuple)] if len(values) <= LARGEST else ()
    if depth == DEEPEST or len(values) + sum(map(len, inner)) > LARGEST:
        return {"unknown": f"list of {len(values)}"}
    if values and all(type(each) is dict for each in values) and len({tuple(each) for each in values}) == 1:
        rows = [[_plain_entry(entry) for entry in each.values()] for each in values]
        return {"columns": [str(name) for name in values[0]], "rows": rows}
    return [
        _plain_list(each, depth + 1) if type(each) in (list, tuple) else _plain_entry(each) for each in values
    ]


def _plain_array(values):
    if values.size > LARGEST:
        return {"unknown": f"array of {values.size}"}
    values = values.tolist()
    return _plain_list(values) if isinstance(values, list) else _plain_entry(values)


def _plain_dict(values):
    columns = list(values.values())
    if (
        columns
        and all(type(each) in (list, tuple) or (_is(each, np.ndarray) and each.ndim == 1) for each in columns)
        and len({len(each) for each in columns}) == 1
    ):
        names = [str(name) for name in values]
        if len(names) * len(columns[0]) > LARGEST:
            return {"unknown": f"dict of {len(columns[0])}"}
        return {"columns": names, "rows": [[_plain_entry(each) for each in row] for row in zip(*columns)]}
    if len(values) > LARGEST:
        return {"unknown": f"dict of {len(values)}"}
    return {
        "key": "",
        "name": "",
        "pairs": [[_plain_label(key), _plain_entry(value)] for key, value in values.items()],
    }


def _plain_label(label):
    return [_plain_entry(each) for each in label] if type(label) is tuple else _plain_entry(label)


def _default_index(index):
    import pandas as pd

    return isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1 and index.name is None


def _plain_series(series):
    if series.size > LARGEST:
        return {"unknown": f"Series of {series.size}"}
    values = [_plain_entry(each) for each in series.tolist()]
    if _default_index(series.index):
        return values
    key = [str(name) if name is not None else "" for name in series.index.names]
    return {
        "key": key[0] if len(key) == 1 else key,
        "name": "" if series.name is None else str(series.name),
        "pairs": [[_plain_label(label), value] for label, value in zip(series.index.tolist(), values)],
    }


def _plain_frame(frame):
    if frame.size > LARGEST:
        return {"unknown": f"table of {len(frame)} rows"}
    columns = {str(name): frame.iloc[:, at].tolist() for at, name in enumerate(frame.columns)}
    if not _default_index(frame.index):
        for level, name in enumerate(frame.index.names):
            columns.setdefault(
                "" if name is None else str(name), frame.index.get_level_values(level).tolist()
            )
    rows = [[_plain_entry(entry) for entry in row] for row in zip(*columns.values())] if columns else []
    return {"columns": list(columns), "rows": rows}


def well_formed(given: Any, depth: int = 0) -> bool:
    """Whether data from a file have the form that `plain` makes. Everything else here relies on it."""
    match given:
        case list():
            return (
                depth < DEEPEST
                and len(given) <= LARGEST
                and all(well_formed(each, depth + 1) for each in given)
            )
        case {"rows": list(rows), "columns": list(names), **more}:
            return (
                not more
                and _texts(names)
                and all(
                    isinstance(row, list) and len(row) == len(names) and all(map(_entry, row)) for row in rows
                )
            )
        case {"pairs": list(pairs), "key": key, "name": str(), **more}:
            return (
                not more
                and (isinstance(key, str) or (isinstance(key, list) and _texts(key)))
                and all(
                    isinstance(pair, list)
                    and len(pair) == 2
                    and _entry(pair[1])
                    and (_entry(pair[0]) or (isinstance(pair[0], list) and all(map(_entry, pair[0]))))
                    for pair in pairs
                )
            )
        case {"returned": list(results), **more}:
            return depth == 0 and not more and len(results) <= LARGEST and all(map(_result, results))
    return _entry(given)


def _result(given):
    """Whether data are what one call of a function gave (`crmlab.exercises.calling`)."""
    match given:
        case {"raised": str(), **more}:
            return not more
    return well_formed(given, 1)


def _texts(names):
    return all(isinstance(name, str) for name in names)


def _entry(given):
    match given:
        case None | bool() | int() | str():
            return True
        case float():
            return math.isfinite(given)
        case {"float": "nan" | "inf" | "-inf", **more} | {"unknown": str(), **more}:
            return not more
    return False


def is_blank(given: Any) -> bool:
    """Whether plain data hold nothing but blanks."""
    if isinstance(given, list):
        return bool(given) and all(is_blank(each) for each in given)
    if isinstance(given, dict) and "pairs" in given:
        return bool(given["pairs"]) and all(value is None for _, value in given["pairs"])
    if isinstance(given, dict) and "returned" in given:
        return all(map(is_blank, given["returned"]))
    return given is None


def form_of(given: Any) -> tuple[str, int]:
    """Name of the form of plain data, and how many entries it has."""
    if isinstance(given, list):
        return "list", len(given)
    if isinstance(given, dict) and "rows" in given:
        return "table", len(given["rows"])
    if isinstance(given, dict) and "pairs" in given:
        return "labelled", len(given["pairs"])
    return "", 1
