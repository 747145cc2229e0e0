"""A student's own copy: no outputs, never among the lessons, never lost."""

import json

import nbformat
import pytest

from crmlab import places
from crmlab.notebook.copying import own_copy
from crmlab.notebook.guesses import SUFFIX

from .conftest import code, text


@pytest.fixture
def lesson(home):
    (home.folder / "exercises").mkdir(exist_ok=True)
    (home.folder / "exercises" / "README.md").write_text("…")
    cell = code("told", "print(1)")
    cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text="1\n")]
    cell.execution_count = 1
    links = text("links", "[08](08_other.ipynb#x), [how](../exercises/README.md), [web](https://example.org)")
    home.simple("08_other")
    return home.simple("09_loyalty", cell, links)


def test_the_copy_has_no_outputs_and_the_lesson_keeps_its_own(lesson, home):
    before = lesson.read_bytes()
    made = own_copy("09")
    assert made.made and not made.newer and made.path == home.folder / "work" / "09_loyalty.ipynb"
    notebook = nbformat.read(made.path, as_version=4)
    nbformat.validate(notebook)
    assert [cell.outputs for cell in notebook.cells if cell.cell_type == "code"] == [[], [], []]
    assert notebook.metadata.crmlab.copy_of == "09_loyalty" and notebook.metadata.crmlab.title
    assert lesson.read_bytes() == before


def test_its_links_lead_where_the_lesson_s_did(lesson, home, tmp_path):
    elsewhere = tmp_path / "a" / "b"
    for folder in (None, elsewhere):
        made = own_copy("09", folder=folder).path
        source = next(cell for cell in nbformat.read(made, as_version=4).cells if cell.id == "links").source
        assert "[08](08_other.ipynb#x)" in source and "[web](https://example.org)" in source
        link = source.partition("[how](")[2].partition(")")[0]
        assert (made.parent / link).resolve() == (home.folder / "exercises" / "README.md").resolve()


def test_what_a_student_wrote_stays(lesson):
    path = own_copy("09").path
    path.write_text(path.read_text().replace("print(1)", "print(2)"))
    again = own_copy("09")
    assert not again.made and not again.newer and "print(2)" in path.read_text()


def change(lesson):
    lesson.write_text(lesson.read_text().replace("print(1)", "print(1.5)"))


def test_a_newer_lesson_is_offered_and_not_forced(lesson):
    path = own_copy("09").path
    change(lesson)
    again = own_copy("09")
    assert again.newer and not again.made and "print(1.5)" not in path.read_text()


def test_new_outputs_are_no_newer_lesson(lesson):
    own_copy("09")
    content = json.loads(lesson.read_text())
    for cell in content["cells"]:
        cell.update({"outputs": []} if cell["cell_type"] == "code" else {})
    lesson.write_text(json.dumps(content))
    assert not own_copy("09").newer


def test_a_fresh_copy_moves_the_old_one_aside_with_its_guesses(lesson):
    path = own_copy("09").path
    kept = []
    for number in (1, 2):
        path.write_text(path.read_text().replace("print(1", f"print({number}00 + 1"))
        path.with_name(f"09_loyalty{SUFFIX}").write_text(f'{{"predictions": {{"{number}": {{}}}}}}')
        change(lesson)
        fresh = own_copy("09", fresh=True)
        assert fresh.made and "00 + 1" not in path.read_text() and fresh.aside.exists()
        assert not path.with_name(f"09_loyalty{SUFFIX}").exists()
        kept.append(fresh.aside)
        assert f"print({number}00 + 1" in fresh.aside.read_text()
        assert f'"{number}"' in fresh.aside.with_name(f"{fresh.aside.stem}{SUFFIX}").read_text()
    assert len(set(kept)) == 2


def test_a_notebook_of_the_student_s_own_making_is_left_alone(lesson, home):
    path = home.folder / "work" / "09_loyalty.ipynb"
    path.parent.mkdir()
    path.write_text("not even JSON")
    found = own_copy("09")
    assert not found.made and not found.newer and path.read_text() == "not even JSON"


def test_the_folder_can_be_chosen(home, monkeypatch, tmp_path):
    monkeypatch.setenv("CRMLAB_WORK", str(tmp_path / "mine"))
    assert places.work() == tmp_path / "mine"
    monkeypatch.delenv("CRMLAB_WORK")
    assert places.work() == home.folder / "work"
