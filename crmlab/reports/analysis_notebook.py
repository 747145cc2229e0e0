"""A notebook that repeats an analysis and goes on from it."""

import os
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd

from crmlab import files
from crmlab.analysis import OwnAnalysis
from crmlab.words import translated, words


def notebook(own: OwnAnalysis, folder: Path, sources: Any, joined: Any = ()) -> str:
    """The notebook as text; frames among `sources` are written into ``tables/`` of the folder.

    Its cells have ids of their own numbers, so the same analysis gives the same file.
    """
    cells = [nbformat.v4.new_markdown_cell(text) if kind == "text" else nbformat.v4.new_code_cell(text)
             for kind, text in _cells(own, *_read(own, folder, sources, joined))]  # fmt: skip
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    made = nbformat.v4.new_notebook(cells=cells, metadata={"language_info": {"name": "python"}})
    made["metadata"]["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.writes(made) + "\n"


def _read(own: OwnAnalysis, folder: Path, sources: Any, joined: Any) -> tuple[Any, str]:
    """What the notebook reads, and with which other options."""
    if own.firm is None:
        return _paths(own, folder, sources), ""
    many = [joined] if isinstance(joined, str | Path | pd.DataFrame) else list(joined)
    files_of = [_place(each, folder, f"joined_{at}") for at, each in enumerate(many)]
    options = f", joined={files_of!r}" if files_of else ""
    options += f", id_column={own.settings['id_column']!r}" if own.settings["id_column"] else ""
    first = sources[0] if isinstance(sources, list | tuple) else sources
    if isinstance(first, str | Path):
        return _place(first, folder, ""), options
    return _place_tables(own, folder), options


def _place(source: Any, folder: Path, name: str) -> str:
    """The path of a file from a folder; a frame is written into it."""
    if isinstance(source, pd.DataFrame):
        place = Path("tables") / f"{name}.csv"
        files.write_text(folder / place, source.to_csv(index=False, lineterminator="\n"))
        return place.as_posix()
    return Path(os.path.relpath(Path(source).expanduser().resolve(), folder.resolve())).as_posix()


def _place_tables(own: OwnAnalysis, folder: Path) -> str:
    """The folder with a firm's tables, written there as `crmlab import` would."""
    for name, table in own.firm.tables.frames().items():
        files.write_text(folder / "tables" / f"{name}.csv", table.to_csv(index=False, lineterminator="\n"))
    return "tables"


def _paths(own: OwnAnalysis, folder: Path, sources: Any) -> dict[str, str]:
    """Where the notebook finds each table, from the folder in which it lies."""
    given = sources if isinstance(sources, dict) else None
    if given is None:
        many = [sources] if isinstance(sources, str | Path | pd.DataFrame) else list(sources or [])
        given = dict(zip(own.settings["files"], many))
    found = {}
    for each in own.prepared.matched:
        source = given.get(each.source.name, given.get(each.sample.name))
        if isinstance(source, str | Path):
            found[each.source.name] = os.path.relpath(Path(source).expanduser().resolve(), folder.resolve())
            continue
        place = Path("tables") / f"{each.sample.name}.csv"
        files.write_text(folder / place, each.source.frame.to_csv(index=False, lineterminator="\n"))
        found[each.source.name] = place.as_posix()
    return {name: Path(path).as_posix() for name, path in found.items()}


READ = """tables = {paths!r}
own = analyse({lesson!r}, tables, map='map.toml', hypotheses={names!r},
              complete_cases={complete_cases}, sims=0, seed={seed}{options})
own.found.estimates.drop(columns='failure')"""
ASSUMED = """found = [{{**vars(each.finding), 'of': each.of}} for each in own.assumptions]
pd.DataFrame(found)"""
TABLES = """tables = own.prepared.tables
tables[tables.names()[0]].describe().T"""
WORLDS = """worlds = own.design.only({first!r}).vary(preset=list(own.design.presets))
worlds.diagnose(sims=100, seed={seed}).summary()"""
MORE = """design_of({lesson!r}).hypothesis({first!r})"""
IMPORTS = """import pandas as pd

from crmlab.analysis import analyse
from crmlab.theories import design_of"""


def _cells(own: OwnAnalysis, paths: Any, options: str) -> list[tuple[str, str]]:
    """Kinds and texts of the cells."""
    names = [each.name for each in own.design.hypotheses]
    facts = {"paths": paths, "options": options, "lesson": own.lesson, "names": names, "first": names[0]}
    facts |= {name: own.settings[name] for name in ("complete_cases", "seed")}
    title = "# " + words("analyse.title", title=translated(own.design.title))
    return [
        ("text", title + "\n\n" + words("analyse.nb_about")),
        ("code", IMPORTS),
        ("code", READ.format(**facts)),
        ("text", words("analyse.nb_assumptions")),
        ("code", ASSUMED.format(**facts)),
        ("text", words("analyse.nb_tables")),
        ("code", TABLES),
        ("text", words("analyse.nb_simulate")),
        ("code", WORLDS.format(**facts)),
        ("text", words("analyse.nb_more")),
        ("code", MORE.format(**facts)),
    ]
