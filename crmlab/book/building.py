"""``build``: all lessons executed, with a page each and a contents page, all of it readable offline."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from crmlab import files, places
from crmlab.errors import InputError, listing
from crmlab.notebook.outcome import Run
from crmlab.notebook.parallel import bar, checked_jobs, each
from crmlab.notebook.running import check_folder, code_of, execute
from crmlab.notebook.source import Source, read
from crmlab.notebook.speaking import in_language, speaking
from crmlab.words import words


def build(
    out: str | Path = "build",
    only: Iterable[str] | None = None,
    parameters: Mapping[str, Any] | None = None,
    jobs: int | None = None,
    progress: bool = True,
    fresh: bool = False,
    solutions: bool = False,
    pdf: bool = False,
    language: str | None = None,
) -> list[Run]:
    """Execute lessons and write the book.

    Writes ``NN_name.ipynb`` (executed), ``NN_name.html`` (to read without Jupyter) and its slides, the pages
    that all lessons share, and ``results.json`` into the folder `out`. A lesson is executed again only if
    what its outputs follow from has changed since an earlier build into the same folder. A lesson that fails
    is shown as such; the others go on.

    Parameters
    ----------
    out : path, optional
    only : iterable of str, optional
        Lessons, as ``"09"`` or ``"loyalty"``; all of them if not given.
    parameters : dict, optional
        Each value goes to the lessons that have a parameter of this name. Texts are read in the parameter's
        own type, as from a command line.
    jobs : int, optional
        Lessons run at once; as many as there are cores.
    progress : bool, optional
        Whether to show a progress bar on standard error.
    fresh : bool, optional
        Execute every lesson, changed or not.
    solutions : bool, optional
        Whether the exercises are shown with their solutions, for instructors to release.
    pdf : bool, optional
        Whether the whole course is printed into ``course.pdf``, by Chromium, Chrome or Edge.
    language : str, optional
        Of the edition, as ``zh_CN``; that of ``CRMLAB_LANGUAGE``, or English, if not given.

    Returns
    -------
    list of Run
        In the order of the lessons.

    Raises
    ------
    InputError
        If a lesson is not known, a parameter is known to none of them, a value is not allowed, or `out`
        cannot be written. Nothing has been run or written then.
    """
    with speaking(language):
        sources = [in_language(read(lesson)) for lesson in chosen_lessons(only)]
        given = assigned(sources, parameters or {})
        jobs, out = checked_jobs(jobs), _checked_out(out)
        runs = _executed(out, sources, given, jobs, progress, fresh)
        _update_pages(out, sources, runs, fresh, solutions, pdf)
        return runs


def _update_pages(
    out: Path, sources: list[Source], runs: list[Run], fresh: bool, solutions: bool, pdf: bool
) -> None:
    """Write the pages, unless what they follow from is as it was when they were written."""
    from crmlab.book.printing import PDF
    from crmlab.book.reuse import Built

    built = Built(out)
    inputs = built.pages_inputs(runs, solutions=solutions, pdf=pdf)
    if fresh or not built.has_pages(inputs):
        names = _write_pages(out, sources, runs, solutions, pdf)
        if not pdf or PDF in names:  # a browser may be there next time
            built.keep_pages(inputs, names)


def _executed(
    out: Path, sources: list[Source], given: dict[str, dict], jobs: int, progress: bool, fresh: bool
) -> list[Run]:
    """What came of each lesson; those from which nothing has changed are taken from the earlier build."""
    from crmlab.book.reuse import Built, inputs_of
    from crmlab.notebook.storing import as_text  # imports Jupyter's file format

    built = Built(out)
    values = {source.name: _values(source, given[source.name]) for source in sources}
    inputs = {source.name: inputs_of(source, values[source.name]) for source in sources}
    runs = {}
    for source in [] if fresh else sources:
        run = built.run(source, values[source.name], inputs[source.name])
        if run is not None:
            runs[source.name] = run
    waiting = [source for source in sources if source.name not in runs]
    total = sum(len(code_of(source)) for source in waiting)
    with bar(
        total, words("build.building"), words("notebook.cell_unit"), shown=progress and waiting
    ) as shown:

        def run_one(source: Source) -> Run:
            return _run(source, given[source.name], values[source.name], len(waiting) > 1, shown)

        for source, done in each(run_one, waiting, min(jobs, max(1, len(waiting)))):
            runs[source.name] = done
            files.write_text(out / f"{done.lesson}.ipynb", as_text(done.notebook))
            built.keep([done], inputs)
            shown.write(_line(done))
    return [runs[source.name] for source in sources]


def chosen_lessons(only: Iterable[str] | None) -> list[places.Lesson]:
    """The lessons that `only` names, each once, in their order; all of them if it is None."""
    lessons = places.lessons() if only is None else {places.lesson(name): None for name in only}
    if not lessons:
        raise InputError(
            "there are no lessons to build" if only is None else "only names no lesson; name some"
        )
    return sorted(lessons, key=lambda lesson: lesson.path.name)


def assigned(sources: Iterable[Source], parameters: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Which lesson gets which of the `parameters`: lesson name -> values, in their types and checked."""
    known = {source.name: source.parameters for source in sources}
    everywhere = dict.fromkeys(name for each in known.values() for name in each)
    strangers = [name for name in parameters if name not in everywhere]
    if strangers:
        raise InputError(
            f"no lesson here has the parameter {listing(map(repr, strangers))}; "
            f"known: {listing(everywhere) or 'none'}"
        )
    return {
        lesson: {name: _value(lesson, own[name], value) for name, value in parameters.items() if name in own}
        for lesson, own in known.items()
    }


def _value(lesson, parameter, value):
    try:
        return parameter.parse(value) if isinstance(value, str) else parameter.check(value)
    except InputError as error:
        raise InputError(f"{error} (lesson {lesson})") from None


def as_results(runs: Iterable[Run]) -> dict[str, dict[str, Any]]:
    """What ``results.json`` holds, the same on every machine."""
    return {
        run.lesson: {
            "ok": run.ok,
            "parameters": run.parameters,
            "results": run.results,
            "error": run.error.as_dict() if run.error else None,
        }
        for run in runs
    }


def _values(source, given):
    return {**{name: parameter.default for name, parameter in source.parameters.items()}, **given}


def _run(source, given, values, warm, shown):
    """Run a lesson, counting its cells on the progress bar, also those that a failure keeps from running."""
    counted = []

    def count(cell):
        counted.append(cell)
        shown.update()

    done = execute(source, given, values, warm=warm, on_cell=count)
    shown.update(len(code_of(source)) - len(counted))
    told = {cell["id"]: cell["source"] for cell in source.cells if cell["cell_type"] == "markdown"}
    for cell in done.notebook.cells:
        cell.source = told.get(cell.get("id"), cell.source)  # in the language of the edition
    return done


def _line(done):
    if done.ok:
        return words("notebook.ran", lesson=done.lesson, seconds=done.seconds)
    return words("notebook.failed", lesson=done.lesson, error=done.error)


def _write_pages(
    out: Path, sources: list[Source], runs: list[Run], solutions: bool = False, pdf: bool = False
) -> list[str]:
    """Write every page; what an earlier build wrote and this one is not asked for is removed."""
    from crmlab.book import pages, printing, teaching
    from crmlab.book.assembly import assembled
    from crmlab.book.chapters import chapters

    book = chapters(sources, runs)
    made = assembled(book, solutions)
    made["results.json"] = json.dumps(as_results(runs), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    for name, text in made.items():
        files.write_text(out / name, text)
    printed = pdf and printing.print_pdf(out / "course.html", out / printing.PDF)
    for path in out.glob(teaching.SOLUTIONS):
        if path.name not in made:
            path.unlink()
    if not printed:
        (out / printing.PDF).unlink(missing_ok=True)
    contents = pages.contents_page(book, [printing.PDF] if printed else [])
    files.write_text(out / "index.html", contents)  # last: it leads to all the others
    return [*made, "index.html", *([printing.PDF] if printed else [])]


def _checked_out(out):
    folder = Path(out).expanduser()
    check_folder(folder, "out")
    if folder.resolve() == (places.root() / "notebooks").resolve():
        raise InputError(f"out is {str(out)!r}, the folder of the lessons themselves; name another one")
    return folder
