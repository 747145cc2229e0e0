"""A lesson is executed again, and pages are written again, only if what they follow from has changed."""

import json
import sys
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from crmlab import files, places
from crmlab.data.locating import folder
from crmlab.notebook.dependencies import digest, imported, programs
from crmlab.notebook.outcome import Run
from crmlab.notebook.source import Source
from crmlab.words import language
from crmlab.words.catalogues import LOCALES

FILE = ".built.json"
_PAGES = "pages"  # among the lessons' names, which begin with a number


class Built:
    """What an earlier build left in a folder, and from what it came."""

    def __init__(self, out: Path) -> None:
        self.out = out
        try:
            self.entries = dict(json.loads((out / FILE).read_text(encoding="utf-8")))
        except (OSError, ValueError):
            self.entries = {}

    def run(self, source: Source, values: Mapping[str, Any], inputs: str) -> Run | None:
        """The lesson as it was executed from these inputs, or None if it was not."""
        from crmlab.notebook.jupyter import nbformat
        from crmlab.notebook.recording import recorded

        entry, path = self.entries.get(source.name, {}), self.out / f"{source.name}.ipynb"
        if entry.get("inputs") != inputs or not path.is_file() or entry["outputs"] != digest([path]):
            return None
        notebook = nbformat.read(path, as_version=4)
        results, _ = recorded(notebook.cells)
        return Run(source.name, dict(values), results, entry["seconds"], None, notebook)

    def keep(self, runs: Iterable[Run], inputs: Mapping[str, str]) -> None:
        """Note what was executed from what; a failed lesson is executed again in any case."""
        for run in runs:
            self.entries.pop(run.lesson, None)
            if run.ok:
                outputs = digest([self.out / f"{run.lesson}.ipynb"])
                self.entries[run.lesson] = {
                    "inputs": inputs[run.lesson],
                    "outputs": outputs,
                    "seconds": round(run.seconds, 2),
                }
        self._write()

    def has_pages(self, inputs: str) -> bool:
        """Whether the pages in the folder were made from these inputs, and none is missing."""
        entry = self.entries.get(_PAGES, {})
        return entry.get("inputs") == inputs and all((self.out / name).is_file() for name in entry["files"])

    def keep_pages(self, inputs: str, names: Iterable[str]) -> None:
        """Note which pages were made from what."""
        self.entries[_PAGES] = {"inputs": inputs, "files": sorted(names)}
        self._write()

    def pages_inputs(self, runs: Iterable[Run], **options: object) -> str:
        """A digest of what the pages follow from: the lessons, our own code and words, the exercises."""
        about = [(run.as_dict(), round(run.seconds, 2), self.entries.get(run.lesson)) for run in runs]
        rooms = [
            places.PACKAGE / room for room in ("book", "claims", "pages", "words", "notebook", "exercises")
        ]
        code = [path for room in rooms for path in _all_files(room)]
        masters = _all_files(places.root() / "exercises")
        ledger = _all_files(places.root() / "datasets" / "ledger")
        return digest([*code, *masters, *ledger], repr((about, sorted(options.items()), language())))

    def _write(self) -> None:
        files.write_text(self.out / FILE, json.dumps(self.entries, indent=1) + "\n")


def inputs_of(source: Source, values: Mapping[str, Any]) -> str:
    """A digest of what a lesson's outputs follow from.

    Its cells and parameters, the modules of ours that it imports, directly or not, the data that are here,
    and the versions of Python and of every package.
    """
    about = [
        [(cell.get("id"), cell["cell_type"], cell["source"], cell["metadata"]) for cell in source.cells],
        source.metadata,
        dict(values),
        language(),
        digest(sorted((LOCALES / language()).glob("*.po"))),
        sys.version,
        sorted({(each.name, each.version) for each in metadata.distributions()}),
        [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in _downloaded()],
    ]
    code = "\n".join(
        cell["source"] for cell in source.cells if cell["cell_type"] == "code" and "crmlab" in cell["source"]
    )
    return digest([*programs(imported(code)), *_all_files(places.root() / "datasets")], repr(about))


def _all_files(folder: Path) -> list[Path]:
    """Every file in a folder and below, but what Python compiled."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")


def _downloaded() -> list[Path]:
    here = folder()
    return sorted(path for path in here.glob("*") if path.is_file()) if here.is_dir() else []
