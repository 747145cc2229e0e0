"""The book's pages: self-contained HTML that asks nothing of a network."""

import functools
from pathlib import Path

from crmlab.book.cells import rendered_cells
from crmlab.notebook.pictures import cover
from crmlab.pages import environment, number

_FOLDER = Path(__file__).resolve().parent / "templates"
HEADLINES = 4


def lesson_page(source, run, sources):
    """The page of one lesson.

    Parameters
    ----------
    source : Source
    run : Run
        What came of executing it.
    sources : list of Source
        All lessons of this book, for the links between them.
    """
    names = [each.name for each in sources]
    cells, headings = rendered_cells(run.notebook, source.lesson.path.parent, names)
    place = names.index(source.name)
    return _template("lesson.html.j2").render(
        lesson=source,
        run=run,
        cells=cells,
        headings=headings,
        has_title=any(level == 1 for level, *_ in headings),
        before=sources[place - 1] if place else None,
        after=sources[place + 1] if place + 1 < len(sources) else None,
        changed=_changed(source, run),
    )


def contents_page(sources, runs):
    """The contents page."""
    entries = [
        {
            "lesson": source,
            "run": run,
            "cover": cover(run.notebook),
            "headlines": headlines(source, run),
            "changed": _changed(source, run),
        }
        for source, run in zip(sources, runs)
    ]
    return _template("index.html.j2").render(entries=entries, failed=[run for run in runs if not run.ok])


def headlines(source, run):
    """The results that represent a lesson: its metadata's ``headlines``, else its first numbers."""
    wanted = source.metadata.get("headlines")
    if wanted is None:
        wanted = [
            name
            for name, value in run.results.items()
            if isinstance(value, (int, float)) and not isinstance(value, bool)
        ][:HEADLINES]
    return [(name, run.results[name]) for name in wanted if name in run.results]


def _changed(source, run):
    """Parameters that were not at their defaults."""
    return {
        name: value
        for name, value in run.parameters.items()
        if name in source.parameters and value != source.parameters[name].default
    }


@functools.cache
def _template(name):
    return environment(_FOLDER, _FOLDER / "book.css", filters={"number": number}).get_template(name)
