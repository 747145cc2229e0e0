"""Books that need no kernel: lessons with their stored outputs, rendered."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from crmlab import files, places
from crmlab.book import pages
from crmlab.book.assembly import assembled
from crmlab.book.chapters import chapters
from crmlab.notebook.outcome import Run
from crmlab.notebook.recording import recorded
from crmlab.notebook.source import read

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def text(name, source, *tags):
    return new_markdown_cell(source, id=name, metadata={"tags": list(tags)} if tags else {})


def code(name, source, *outputs, tags=()):
    cell = new_code_cell(
        source, id=name, outputs=list(outputs), metadata={"tags": list(tags)} if tags else {}
    )
    cell.execution_count = 1
    return cell


def picture(alt, caption=None):
    told = {"alt": alt} | ({"caption": caption} if caption else {})
    return new_output("display_data", data={"image/png": PIXEL}, metadata={"image/png": told})


def table(html):
    return new_output("execute_result", data={"text/html": html, "text/plain": ""}, execution_count=1)


class Shelf:
    """A folder that stands in for the checkout, and the book of its lessons as they are stored."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "notebooks").mkdir(parents=True)

    def write(self, name, *cells, **metadata):
        facts = {"title": name[3:].title(), "claim": "A claim.", "minutes": 20} | metadata
        notebook = new_notebook(cells=list(cells), metadata={"crmlab": facts})
        nbformat.write(notebook, self.folder / "notebooks" / f"{name}.ipynb")

    def master(self, name, *cells, **metadata):
        path = self.folder / "exercises" / name / "master.ipynb"
        path.parent.mkdir(parents=True)
        facts = {"title": "Practice", "lesson": name, "minutes": 30} | metadata
        nbformat.write(new_notebook(cells=list(cells), metadata={"crmlab": facts}), path)

    def chapters(self):
        return stored_chapters()


def stored_chapters():
    """The lessons of the current home, with the outputs that are stored in them."""
    sources = [read(lesson) for lesson in places.lessons()]
    runs = []
    for source in sources:
        notebook = nbformat.read(source.lesson.path, as_version=4)
        values = {name: each.default for name, each in source.parameters.items()}
        runs.append(Run(source.name, values, recorded(notebook.cells)[0], 1.0, None, notebook))
    return chapters(sources, runs)


def written(book, out, solutions=False):
    """The book's pages as files; returns their names."""
    made = assembled(book, solutions) | {"index.html": pages.contents_page(book), "results.json": "{}"}
    for name, content in made.items():
        files.write_text(out / name, content)
    for chapter in book:
        files.write_text(out / f"{chapter.name}.ipynb", "{}")
    return sorted(made)


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    monkeypatch.setenv("CRMLAB_HOME", str(tmp_path / "home"))
    return Shelf(tmp_path / "home")
