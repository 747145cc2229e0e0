"""``build``: all lessons executed, with a page each and a contents page, all of it readable offline."""

import json
from pathlib import Path

from crmlab import files, places
from crmlab.errors import InputError, listing
from crmlab.notebook.parallel import bar, checked_jobs, each
from crmlab.notebook.running import check_folder, code_of, execute
from crmlab.notebook.source import read
from crmlab.words import words


def build(out="build", only=None, parameters=None, jobs=None, progress=True):
    """Execute lessons and write the book.

    Writes ``NN_name.ipynb`` (executed), ``NN_name.html`` (to read without Jupyter), ``index.html`` and
    ``results.json`` into the folder `out`. A lesson that fails is shown as such; the others go on.

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
    from crmlab.notebook.storing import as_text  # imports Jupyter's file format

    sources = [read(lesson) for lesson in chosen_lessons(only)]
    given = assigned(sources, parameters or {})
    jobs = checked_jobs(jobs)
    out = _checked_out(out)
    runs = {}
    total = sum(len(code_of(source)) for source in sources)
    with bar(total, words("build.building"), words("notebook.cell_unit"), shown=progress) as shown:

        def run_one(source):
            return _run(source, given[source.name], len(sources) > 1, shown)

        for source, done in each(run_one, sources, min(jobs, len(sources))):
            runs[source.name] = done
            files.write_text(out / f"{done.lesson}.ipynb", as_text(done.notebook))
            shown.write(_line(done))
    runs = [runs[source.name] for source in sources]
    _write_pages(out, sources, runs)
    return runs


def chosen_lessons(only):
    """The lessons that `only` names, each once, in their order; all of them if it is None."""
    lessons = places.lessons() if only is None else {places.lesson(name): None for name in only}
    if not lessons:
        raise InputError(
            "there are no lessons to build" if only is None else "only names no lesson; name some"
        )
    return sorted(lessons, key=lambda lesson: lesson.path.name)


def assigned(sources, parameters):
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


def as_results(runs):
    """What ``results.json`` holds, the same on every machine."""
    return {
        run.lesson: {
            "ok": run.ok,
            "parameters": run.parameters,
            "results": run.results,
            "error": None if run.ok else run.error.as_dict(),
        }
        for run in runs
    }


def _run(source, given, warm, shown):
    """Run a lesson, counting its cells on the progress bar, also those that a failure keeps from running."""
    counted = []

    def count(cell):
        counted.append(cell)
        shown.update()

    values = {**{name: parameter.default for name, parameter in source.parameters.items()}, **given}
    done = execute(source, given, values, warm=warm, on_cell=count)
    shown.update(len(code_of(source)) - len(counted))
    return done


def _line(done):
    if done.ok:
        return words("notebook.ran", lesson=done.lesson, seconds=done.seconds)
    return words("notebook.failed", lesson=done.lesson, error=done.error)


def _write_pages(out, sources, runs, solutions=False):
    """Write every page; pages of solutions are removed where they are not asked for."""
    from crmlab.book import teaching
    from crmlab.book.assembly import assembled
    from crmlab.book.chapters import chapters

    book = chapters(sources, runs)
    made = assembled(book, solutions)
    made["results.json"] = json.dumps(as_results(runs), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    for name, text in made.items():
        files.write_text(out / name, text)
    for path in out.glob(teaching.SOLUTIONS):
        if path.name not in made:
            path.unlink()


def _checked_out(out):
    folder = Path(out).expanduser()
    check_folder(folder, "out")
    if folder.resolve() == (places.root() / "notebooks").resolve():
        raise InputError(f"out is {str(out)!r}, the folder of the lessons themselves; name another one")
    return folder
