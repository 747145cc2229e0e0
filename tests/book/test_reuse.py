"""A lesson is executed again if, and only if, what its outputs follow from has changed."""

import os

import nbformat
import pytest

from crmlab import files
from crmlab.book.reuse import Built, inputs_of
from crmlab.notebook.outcome import Failure, Run
from crmlab.notebook.source import read
from crmlab.notebook.storing import as_text

from .conftest import code, text


@pytest.fixture
def lesson(shelf, monkeypatch, tmp_path):
    """Writes the lesson anew and returns its digest."""
    monkeypatch.setenv("CRMLAB_DATA", str(tmp_path / "data"))

    def digest(source="from crmlab.words import words\nx = 1", values=None, **metadata):
        shelf.write("09_a", text("title", "# A"), code("run", source), **metadata)
        return inputs_of(read("09"), values or {"seed": 1})

    return digest


def test_the_same_lesson_has_the_same_digest(lesson):
    assert lesson() == lesson()


@pytest.mark.parametrize(
    "change",
    [{"source": "from crmlab.words import words\nx = 2"}, {"values": {"seed": 2}}, {"finding": "Another."}],
)
def test_another_lesson_has_another(lesson, change):
    assert lesson() != lesson(**change)


def test_outputs_do_not_count(lesson, shelf):
    before = lesson()
    path = shelf.folder / "notebooks" / "09_a.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].outputs = [nbformat.v4.new_output("stream", text="2")]
    nbformat.write(notebook, path)
    assert inputs_of(read("09"), {"seed": 1}) == before


def test_data_that_arrive_count(lesson, tmp_path):
    before = lesson()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mobi.csv").write_text("x\n1\n")
    assert lesson() != before


def test_modules_count_where_they_are_imported(lesson, monkeypatch, tmp_path):
    """Directly, through another module, and inside a function; and those alone."""
    package = tmp_path / "crmlab"
    for name, content in {
        "__init__.py": "",
        "one/__init__.py": "",
        "one/near.py": "def f():\n    from crmlab.one import far\n",
        "one/far.py": "VALUE = 1\n",
        "one/other.py": "",
        "one/table.toml": "a = 1",
    }.items():
        files.write_text(package / name, content)
    monkeypatch.setattr("crmlab.places.PACKAGE", package)
    before = lesson("import crmlab.one.near")

    def changes(name):
        path = package / name
        text = path.read_text()
        path.write_text(text + "\n# changed\n")
        changed = lesson("import crmlab.one.near") != before
        path.write_text(text)
        assert lesson("import crmlab.one.near") == before
        return changed

    assert changes("one/near.py") and changes("one/far.py") and changes("one/table.toml")
    assert not changes("one/other.py")


def run_of(lesson, error=None):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", id="a", execution_count=1)])
    return Run(lesson, {"seed": 1}, {}, 3.21, error, notebook)


def kept(out, run):
    files.write_text(out / f"{run.lesson}.ipynb", as_text(run.notebook))
    Built(out).keep([run], {run.lesson: "digest"})


def test_what_was_built_is_taken_from_there(lesson, tmp_path):
    lesson()
    source = read("09")
    assert Built(tmp_path).run(source, {"seed": 1}, "digest") is None
    kept(tmp_path, run_of("09_a"))
    again = Built(tmp_path).run(source, {"seed": 1}, "digest")
    assert (again.lesson, again.parameters, again.seconds, again.ok) == ("09_a", {"seed": 1}, 3.21, True)
    assert Built(tmp_path).run(source, {"seed": 1}, "another") is None


def test_a_notebook_that_somebody_changed_is_not(lesson, tmp_path):
    lesson()
    kept(tmp_path, run_of("09_a"))
    with open(tmp_path / "09_a.ipynb", "a") as file:
        file.write(" ")
    assert Built(tmp_path).run(read("09"), {"seed": 1}, "digest") is None
    os.unlink(tmp_path / "09_a.ipynb")
    assert Built(tmp_path).run(read("09"), {"seed": 1}, "digest") is None


def test_a_lesson_that_failed_is_not(lesson, tmp_path):
    lesson()
    kept(tmp_path, run_of("09_a"))
    kept(tmp_path, run_of("09_a", Failure("ValueError", "no")))
    assert Built(tmp_path).run(read("09"), {"seed": 1}, "digest") is None


def test_a_damaged_note_is_as_good_as_none(lesson, tmp_path):
    lesson()
    kept(tmp_path, run_of("09_a"))
    (tmp_path / ".built.json").write_text("{")
    assert Built(tmp_path).run(read("09"), {"seed": 1}, "digest") is None


def test_pages_are_kept_until_what_they_follow_from_changes(lesson, shelf, tmp_path):
    lesson()
    run = run_of("09_a")
    kept(tmp_path, run)
    built = Built(tmp_path)
    inputs = built.pages_inputs([run], solutions=False)
    files.write_text(tmp_path / "index.html", "page")
    assert not built.has_pages(inputs)
    built.keep_pages(inputs, ["index.html"])
    assert (
        Built(tmp_path).has_pages(inputs) and Built(tmp_path).pages_inputs([run], solutions=False) == inputs
    )
    assert Built(tmp_path).pages_inputs([run], solutions=True) != inputs
    files.write_text(shelf.folder / "exercises" / "09_a" / "master.ipynb", "{}")
    assert Built(tmp_path).pages_inputs([run], solutions=False) != inputs, "instructors' pages show exercises"
    (tmp_path / "index.html").unlink()
    assert not Built(tmp_path).has_pages(inputs)
