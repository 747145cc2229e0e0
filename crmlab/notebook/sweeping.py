"""``sweep``: a lesson mapped over a grid of parameters, into one tidy table."""

import contextlib
import hashlib
import itertools
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import crmlab
from crmlab import files
from crmlab.errors import InputError, check_known
from crmlab.notebook.parallel import bar, checked_jobs, each, each_on_cluster, is_on_cluster
from crmlab.notebook.parameters import Parameter, Value
from crmlab.notebook.recording import flattened
from crmlab.notebook.running import check_folder, checked_timeout, execute
from crmlab.notebook.source import Source, read
from crmlab.places import Lesson
from crmlab.words import words

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]  # a run's results, and its error as text

LARGEST = 1_000_000
FORMATS = (".parquet", ".csv")


def sweep(
    lesson: Lesson | str | int | Path,
    grid: Mapping[str, Any],
    jobs: int | None = None,
    out: str | Path | None = None,
    timeout: float | None = None,
    progress: bool = True,
) -> "pd.DataFrame":
    """Run a lesson once for each combination of parameter values.

    A run that fails is a row with its error; the others go on. With `out`, what has been run is kept in a
    folder beside the file, ``FILE.parts``, until the table is complete: an interrupted sweep called again
    goes on from there, unless the lesson or crmlab has changed since.

    Parameters
    ----------
    lesson : str, int, path or Lesson
    grid : dict
        Parameter -> values (a list, range or array) or one value. The last one varies fastest.
    jobs : int, optional
        Notebooks run at once; as many as there are cores. On a cluster (``joblib.parallel_config(
        backend="dask")`` after ``distributed.Client()``) as many as it has.
    out : path, optional
        File for the table, ``.parquet`` or ``.csv``.
    timeout : float, optional
        Seconds that one run may take.
    progress : bool, optional
        Whether to show a progress bar on standard error.

    Returns
    -------
    pd.DataFrame
        A row a run, in the order of the grid: the grid's parameters, the results (dictionaries spread over
        columns ``name.key``, lists and tables as JSON text), and ``error``, empty where the run succeeded.

    Raises
    ------
    InputError
        If the lesson, a parameter or a value is not known or allowed, the grid is empty, or `out` cannot be
        written. Nothing has been run or written then.
    """
    source = read(lesson)
    grid, points = checked_grid(source, grid)
    jobs, timeout = checked_jobs(jobs), checked_timeout(timeout)
    parts = Parts(None if out is None else checked_out(out), source)
    rows = {index: parts.load(values) for index, (_, values) in enumerate(points)}
    todo = [index for index, row in rows.items() if row is None]

    run = _runner(source, points, parts, jobs, timeout)
    with bar(
        len(points),
        words("notebook.sweeping", lesson=source.name),
        words("notebook.run_unit"),
        done=len(points) - len(todo),
        shown=progress,
    ) as shown:
        try:
            for index, row in run(todo):
                rows[index] = row
                shown.update()
        except KeyboardInterrupt:
            raise Interrupted(
                sum(row is not None and not row["error"] for row in rows.values()), parts.folder
            ) from None
    table = as_table(list(grid), [(points[index][0], row) for index, row in rows.items()])
    if out is not None:
        files.write_table(table, Path(out))
        parts.remove()
    return table


def _runner(
    source: Source, points: Sequence[tuple[Row, Row]], parts: "Parts", jobs: int, timeout: float | None
) -> Callable[[Sequence[int]], Iterator[tuple[int, Row]]]:
    """What runs points of the grid, given by number, and keeps what succeeded as soon as it is there."""

    def run_and_keep(index: int) -> Row:
        row = _row(source, points[index], len(points) > 1, timeout)
        parts.keep(points[index][1], row)
        return row

    def on_cluster(todo: Sequence[int]) -> Iterator[tuple[int, Row]]:
        run = partial(_row, source, warm=True, timeout=timeout)
        numbered = [(index, points[index]) for index in todo]
        for (index, point), row in each_on_cluster(lambda item: run(item[1]), numbered):
            parts.keep(point[1], row)
            yield index, row

    if is_on_cluster():
        return on_cluster
    return lambda todo: each(run_and_keep, todo, min(jobs, max(1, len(todo))))


def _row(source: Source, point: tuple[Row, Row], warm: bool, timeout: float | None) -> Row:
    """Run one point: its results, and its error as text."""
    given, values = point
    done = execute(source, given, values, warm=warm, timeout=timeout)
    return {"results": done.results, "error": "" if done.ok else str(done.error)}


def checked_grid(
    source: Source, grid: Mapping[str, Any]
) -> tuple[dict[str, list[Value]], list[tuple[dict[str, Value], dict[str, Value]]]]:
    """The grid as lists, and its points: ``(given, all parameters)`` for each combination."""
    known = source.parameters
    if grid and not known:
        raise InputError(f"lesson {source.name} takes no parameters")
    check_known("parameter", grid, known)
    grid = {name: _as_list(known[name], values) for name, values in grid.items()}
    for name, values in grid.items():
        if not values:
            raise InputError(f"parameter {name} has no values in the grid; give it at least one")
    if math.prod(map(len, grid.values())) > LARGEST:
        raise InputError(
            f"the grid has {math.prod(map(len, grid.values()))} combinations; {LARGEST} are the most"
        )
    defaults = {name: parameter.default for name, parameter in known.items()}
    given = [dict(zip(grid, values)) for values in itertools.product(*grid.values())]
    return grid, [(each, {**defaults, **each}) for each in given]


def _as_list(parameter, values):
    listed = parameter.kind in (list, tuple)
    single = isinstance(values, (str, bytes, dict)) or not hasattr(values, "__iter__")
    if single or (listed and not any(isinstance(each, (list, tuple)) for each in values)):
        values = [values]
    if len(values := list(itertools.islice(values, LARGEST + 1))) > LARGEST:
        raise InputError(f"parameter {parameter.name} has more than {LARGEST} values")
    values = [parameter.check(value) for value in values]
    for index, value in enumerate(values):
        if len(values) < 1000 and value in values[:index]:
            raise InputError(f"parameter {parameter.name} has the value {value!r} twice in the grid")
    return values


def parse_values(parameter: Parameter, text: str) -> list[Value]:
    """Values that a command line gives for one parameter.

    ``a:b`` and ``a:b:step`` are Python's ranges, without ``b``; commas separate values.
    """
    if parameter.kind in (list, tuple, dict):
        return [parameter.parse(text)] if parameter.kind is dict else _parse_lists(parameter, text)
    if parameter.kind in (int, float) and ":" in text:
        return [value for piece in text.split(",") for value in _parse_range(parameter, piece)]
    return [parameter.parse(piece) for piece in text.split(",")]


def _parse_lists(parameter, text):
    import ast

    try:
        values = ast.literal_eval(f"[{text}]")
    except (ValueError, SyntaxError):
        values = [text]
    return [parameter.check(value) for value in values]


def _parse_range(parameter, text):
    ends = text.split(":")
    if len(ends) == 1:
        return [parameter.parse(text)]
    try:
        start, stop, step = [*map(Decimal, ends), Decimal(1)][:3]
        whole = parameter.kind is not int or all(each == int(each) for each in (start, stop, step))
        if len(ends) > 3 or step == 0 or not whole:
            raise ValueError
        count = max(0, math.ceil((stop - start) / step))
    except (InvalidOperation, ValueError, OverflowError):
        raise InputError(
            f"parameter {parameter.name} is {text!r}; a range is a:b or a:b:step "
            f"{'of whole numbers ' if parameter.kind is int else ''}as in Python"
        ) from None
    if count == 0:
        raise InputError(f"parameter {parameter.name} is {text!r}, a range without values: it stops before b")
    if count > LARGEST:
        raise InputError(f"parameter {parameter.name} has more than {LARGEST} values")
    return [parameter.check(parameter.kind(start + index * step)) for index in range(count)]


def checked_out(out: str | Path) -> Path:
    """`out` as a path with a known ending, in a folder that can be written to."""
    path = Path(out).expanduser()
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"out is {str(out)!r}; it must end in {' or '.join(FORMATS)}")
    if path.is_dir():
        raise InputError(f"out is {str(out)!r}, which is a folder; name a file")
    check_folder(path.parent, "the folder of out")
    return path


class Interrupted(KeyboardInterrupt):
    """A sweep was interrupted; `finished` runs are kept in `folder`, None if there was no file to write."""

    def __init__(self, finished: int, folder: Path | None) -> None:
        super().__init__(words("notebook.interrupted", count=finished, folder=folder) if folder else "")
        self.finished, self.folder = finished, folder


class Parts:
    """Finished runs of a sweep, one JSON file each, in ``FILE.parts`` until the table is written."""

    def __init__(self, out: Path | None, source: Source) -> None:
        self.folder = None if out is None else out.with_name(f"{out.name}.parts")
        self.source = source
        if self.folder is not None:
            check_folder(self.folder, "the folder of unfinished runs")

    def load(self, values: Mapping[str, Value]) -> Row | None:
        """The row of a run that was finished before, or None."""
        if self.folder is None or not self.folder.is_dir():
            return None
        try:
            return json.loads(self._path(values).read_text(encoding="utf-8"))["row"]
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, values: Mapping[str, Value], row: Row) -> None:
        """Keep a run that succeeded."""
        if self.folder is not None and not row["error"]:
            content = json.dumps({"lesson": self.source.name, "parameters": values, "row": row})
            files.write_text(self._path(values), content)

    def remove(self) -> None:
        if self.folder is not None and self.folder.is_dir():
            for path in self.folder.glob("*.json"):
                path.unlink()
            with contextlib.suppress(OSError):  # something else lies in it, which is not ours to remove
                self.folder.rmdir()

    def _path(self, values):
        key = json.dumps([_lesson_digest(self.source), _package_digest(), values], sort_keys=True)
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"


def _lesson_digest(source):
    code = [cell["source"] for cell in source.cells if cell["cell_type"] == "code"]
    return hashlib.sha256(json.dumps([source.name, code]).encode()).hexdigest()


@cache
def _package_digest():
    """Of crmlab's own source, on which a lesson's results depend."""
    digest = hashlib.sha256(crmlab.__version__.encode())
    folder = Path(crmlab.__file__).parent
    for path in sorted(folder.rglob("*.py")):
        digest.update(str(path.relative_to(folder)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def as_table(parameters: Sequence[str], rows: Iterable[tuple[Mapping[str, Value], Row]]) -> "pd.DataFrame":
    """Rows ``(given parameters, {"results", "error"})`` as a tidy DataFrame."""
    import pandas as pd

    flat = [dict(flattened(row["results"])) for _, row in rows]
    names = list(dict.fromkeys(name for each in flat for name in each))
    columns = {name: [given[name] for given, _ in rows] for name in parameters}
    for name in names:
        column = f"results.{name}" if name in columns or name == "error" else name
        columns[column] = [each.get(name) for each in flat]
    columns["error"] = [row["error"] for _, row in rows]
    return pd.DataFrame({name: _column(values) for name, values in columns.items()})


def _column(values):
    """One type a column, so that every file format can hold it."""
    import pandas as pd

    kinds = {type(value) for value in values if value is not None}
    missing = None in values
    if kinds == {bool}:
        return pd.array(values, dtype="boolean" if missing else "bool")
    if kinds == {int} and all(abs(value) < 2**63 for value in values if value is not None):
        return pd.array(values, dtype="Int64" if missing else "int64")
    if float in kinds and kinds <= {int, float}:
        return pd.array([math.nan if value is None else float(value) for value in values], dtype="float64")
    texts = [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]
    return pd.array(texts, dtype="str")
