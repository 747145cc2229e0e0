"""``crmlab run``, ``list``, ``refresh``: what one does with lessons."""

import argparse
import sys
import textwrap
from collections.abc import Iterator

from crmlab.errors import InputError
from crmlab.words.layout import lines, pad, width


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    _add_run(commands)
    _add_sweep(commands)
    _add_list(commands)
    _add_build(commands)
    _add_refresh(commands)
    _add_lint(commands)


def _add_run(commands):
    parser = commands.add_parser(
        "run",
        help="run a lesson and print the results it recorded",
        description="Run a lesson and print the results it recorded.",
    )
    parser.add_argument("lesson", metavar="LESSON", help="09, loyalty, 09_loyalty or a notebook's path")
    add_parameters(parser)
    parser.add_argument("--out", metavar="DIR", help="folder for the executed notebook and its results")
    parser.add_argument("--json", action="store_true", help="print the results as JSON and nothing else")
    parser.add_argument("--timeout", metavar="S", type=float, help="seconds that the lesson may take")
    parser.set_defaults(command=run_command)


def _add_sweep(commands):
    parser = commands.add_parser(
        "sweep",
        help="run a lesson over a grid of parameters into one table",
        description="Run a lesson for each combination of parameter values and write one "
        "table: parameters, results, error. An interrupted sweep, called "
        "again, goes on where it was.",
    )
    parser.add_argument("lesson", metavar="LESSON", help="09, loyalty, 09_loyalty or a notebook's path")
    parser.add_argument(
        "-p",
        "--parameter",
        dest="parameters",
        metavar="NAME=VALUES",
        action="append",
        default=[],
        help="a:b and a:b:step are ranges without b, as in Python; commas separate values",
    )
    parser.add_argument(
        "--out", metavar="FILE", help="table to write, .parquet or .csv (default: LESSON_sweep.csv, here)"
    )
    add_jobs(parser)
    parser.add_argument("--timeout", metavar="S", type=float, help="seconds that one run may take")
    parser.set_defaults(command=sweep_command)


def add_jobs(parser: argparse.ArgumentParser) -> None:
    """``--jobs``: how much is done at once."""
    parser.add_argument("--jobs", metavar="N", type=int, help="notebooks at once (default: as many as cores)")


def _add_list(commands):
    parser = commands.add_parser(
        "list",
        help="list the lessons and their parameters",
        description="List the lessons, or the parameters of one.",
    )
    parser.add_argument("lesson", metavar="LESSON", nargs="?", help="show this lesson's parameters")
    parser.set_defaults(command=list_command)


def _add_build(commands):
    parser = commands.add_parser(
        "build",
        help="execute all lessons and write the book",
        description="Execute lessons and write executed notebooks, pages to read offline, "
        "a contents page and all named results.",
    )
    parser.add_argument("--out", metavar="DIR", default="build", help="folder to write (default: build)")
    parser.add_argument("--only", metavar="LESSONS", help="these lessons only, as 09,11")
    parser.add_argument(
        "-p",
        "--parameter",
        dest="parameters",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="set a parameter of the lessons that have it",
    )
    parser.add_argument("--fresh", action="store_true", help="execute every lesson, changed or not")
    parser.add_argument(
        "--solutions", action="store_true", help="show the exercises with their solutions, discussed"
    )
    parser.add_argument("--pdf", action="store_true", help="print the whole course into course.pdf")
    add_jobs(parser)
    parser.add_argument("--language", metavar="LANGUAGE", help="of the edition, as zh_CN (default: English)")
    parser.set_defaults(command=build_command)


def _add_refresh(commands):
    parser = commands.add_parser(
        "refresh",
        help="execute committed lessons again and store their outputs",
        description="Execute committed lessons again, in a clean kernel and with their "
        "defaults, and store their outputs in place.",
    )
    parser.add_argument("lessons", metavar="LESSON", nargs="*", help="all lessons if none is named")
    parser.set_defaults(command=refresh_command)


def _add_lint(commands):
    parser = commands.add_parser(
        "lint",
        help="check that lessons keep to the template",
        description="Check that lessons keep to the template that all of them share.",
    )
    parser.add_argument("lessons", metavar="LESSON", nargs="*", help="all lessons if none is named")
    parser.set_defaults(command=lint_command)


def add_parameters(parser: argparse.ArgumentParser) -> None:
    """``-p name=value``, as often as there are parameters to set."""
    parser.add_argument(
        "-p",
        "--parameter",
        dest="parameters",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="set a parameter of the lesson (crmlab list LESSON shows them)",
    )


def run_command(chosen: argparse.Namespace) -> int:
    from crmlab.notebook.parameters import pairs, parsed
    from crmlab.notebook.running import run
    from crmlab.notebook.source import read
    from crmlab.words import words

    source = read(chosen.lesson)
    values = parsed(source.parameters, pairs(chosen.parameters))
    done = run(source.lesson, values, out=chosen.out, timeout=chosen.timeout, progress=sys.stderr.isatty())
    if chosen.json:
        print(done.as_json(), end="")
    elif done.results:
        print("\n".join(aligned(done.results)))
    if not done.ok:
        print(words("notebook.failed", lesson=done.lesson, error=done.error), file=sys.stderr)
        return 1
    if not chosen.json:
        print(words("notebook.ran", lesson=done.lesson, seconds=done.seconds), file=sys.stderr)
    return 0


def sweep_command(chosen: argparse.Namespace) -> int:
    from crmlab.errors import check_known
    from crmlab.notebook.parameters import pairs
    from crmlab.notebook.source import read
    from crmlab.notebook.sweeping import Interrupted, parse_values, sweep
    from crmlab.words import words

    source = read(chosen.lesson)
    texts = pairs(chosen.parameters)
    check_known("parameter", texts, source.parameters)
    grid = {name: parse_values(source.parameters[name], text) for name, text in texts.items()}
    out = chosen.out or f"{source.lesson.stem}_sweep.csv"
    try:
        table = sweep(source.lesson, grid, jobs=chosen.jobs, out=out, timeout=chosen.timeout)
    except Interrupted as interruption:
        print(f"crmlab: {interruption}", file=sys.stderr)
        return 130
    failed = table["error"].ne("")
    print(words("notebook.swept", file=out, rows=len(table), columns=len(table.columns)))
    if failed.any():
        print(
            words("notebook.sweep_failed", failed=failed.sum(), first=table["error"][failed].iloc[0]),
            file=sys.stderr,
        )
    return int(failed.any())


def list_command(chosen: argparse.Namespace) -> int:
    from crmlab import places
    from crmlab.notebook.source import read

    if chosen.lesson is not None:
        print("\n".join(_description(read(chosen.lesson))))
        return 0
    status = 0
    for lesson in places.lessons():
        try:
            print("\n".join(_entry(read(lesson))))
        except InputError as error:  # the other lessons are still worth listing
            print(f"crmlab: {error}", file=sys.stderr)
            status = 1
    return status


def _entry(source):
    """A lesson in the list: a line, and its claim and parameters under it."""
    minutes = f"{source.minutes} min, " if source.minutes else ""
    exercises = "exercises" if source.has_exercises else "no exercises"
    yield f"{source.lesson.number}  {source.title or source.name}  ({minutes}{exercises})"
    indent = " " * 4
    yield from textwrap.wrap(source.claim, 100, initial_indent=indent, subsequent_indent=indent)
    parameters = "; ".join(
        f"{each.name}={each.default}{f' ({each.range})' if each.range else ''}"
        for each in source.parameters.values()
    )
    if parameters:
        yield from textwrap.wrap(
            f"-p {parameters}", 100, initial_indent=indent, subsequent_indent=indent + "   "
        )


def _description(source):
    """One lesson in full."""
    yield from list(_entry(source))[:1]
    if source.claim:
        yield from textwrap.wrap(source.claim, 104)
    rows = [("parameter", "default", "range", "")]
    rows += [
        (each.name, str(each.default), each.range, each.description) for each in source.parameters.values()
    ]
    if len(rows) > 1:
        yield ""
        yield from lines(rows)


def build_command(chosen: argparse.Namespace) -> int:
    from pathlib import Path

    from crmlab.book import build
    from crmlab.notebook.parameters import pairs
    from crmlab.words import words

    only = None if chosen.only is None else [name for name in chosen.only.split(",") if name.strip()]
    runs = build(
        chosen.out,
        only,
        pairs(chosen.parameters),
        jobs=chosen.jobs,
        fresh=chosen.fresh,
        solutions=chosen.solutions,
        pdf=chosen.pdf,
        language=chosen.language,
    )
    failed = [run for run in runs if not run.ok]
    print(words("build.built", count=len(runs), index=Path(chosen.out) / "index.html"))
    if chosen.pdf:
        from crmlab.book import printing

        print(printing.said(Path(chosen.out) / printing.PDF))
    if failed:
        print(words("build.built_failed", failed=len(failed), count=len(runs)), file=sys.stderr)
    return int(bool(failed))


def refresh_command(chosen: argparse.Namespace) -> int:
    from crmlab import places
    from crmlab.notebook.parallel import bar
    from crmlab.notebook.refreshing import refresh
    from crmlab.notebook.running import code_of
    from crmlab.notebook.source import read
    from crmlab.words import words

    sources = [read(each) for each in [places.lesson(each) for each in chosen.lessons] or places.lessons()]
    status = 0
    with bar(
        sum(len(code_of(source)) for source in sources),
        words("notebook.refreshing"),
        words("notebook.cell_unit"),
    ) as shown:
        for source in sources:
            done, changed = refresh(source.lesson, on_cell=lambda _: shown.update())
            key = "failed" if not done.ok else "stored" if changed else "unchanged"
            shown.write(
                words(f"notebook.{key}", lesson=done.lesson, seconds=done.seconds, error=done.error),
                file=sys.stdout if done.ok else sys.stderr,
            )
            status = status or int(not done.ok)
    return status


def lint_command(chosen: argparse.Namespace) -> int:
    from crmlab import places
    from crmlab.notebook.lint import lint
    from crmlab.words import words

    status = 0
    for lesson in [places.lesson(each) for each in chosen.lessons] or places.lessons():
        problems = lint(lesson)
        for problem in problems:
            print(f"{lesson.path.stem}: {problem}")
        if problems:
            status = 1
        else:
            print(words("notebook.no_problems", lesson=lesson.path.stem))
    return status


def aligned(results: dict[str, object]) -> Iterator[str]:
    """Results as lines ``name  value`` with the values under each other."""
    columns = max(map(width, results))
    for name, value in results.items():
        for index, line in enumerate(_lines(value)):
            yield f"{pad(name if index == 0 else '', columns)}  {line}"


def _lines(value):
    if isinstance(value, dict) and set(value) == {"columns", "rows"}:
        return _table(value["columns"], value["rows"])
    if isinstance(value, dict):
        return list(aligned({str(key): each for key, each in value.items()})) if value else ["(empty)"]
    return [_text(value)]


def _table(columns, rows):
    texts = [[str(each) for each in columns], *([_text(each) for each in row] for row in rows)]
    widest = [max(map(width, column)) for column in zip(*texts)]
    return [
        "  ".join(" " * (columns - width(text)) + text for text, columns in zip(row, widest)) for row in texts
    ]


def _text(value):
    return "" if value is None else str(value)
