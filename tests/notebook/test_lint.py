"""lint: a lesson that keeps to the template has no problems; each way to leave it is named."""

import nbformat
import pytest

from crmlab.notebook import lint as lint_module
from crmlab.notebook.lint import OPTIONAL, SECTIONS, lint
from crmlab.notebook.refreshing import refresh
from crmlab.notebook.storing import as_text

from .conftest import PARAMETERS, code, text
from .test_refresh import PICTURE, WIDGET

RECORD = 'from crmlab.notebook import record\nrecord("sum", n_customers + seed)'


def sound_cells():
    """A lesson in all its sections."""
    cells = {
        "title": [text("title", "# Loyalty\n\nA claim, with $\\beta_1$.")],
        "references": [
            text("references", "## References\n\nA. Author (2001). https://doi.org/10.1177/0092070301291002")
        ],
    }
    for name in SECTIONS:
        cells.setdefault(name, [text(f"{name}-text", f"## {name.title()}\n\nA sentence.", f"section:{name}")])
    cells["objectives"] += [code("parameters", PARAMETERS, "parameters"), code("picture", PICTURE)]
    cells["test"] += [code("test-code", RECORD)]
    cells["explorable"] += [code("widget", WIDGET)]
    return [cell for name in SECTIONS for cell in cells[name]]


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """The stored form of such a lesson, executed once."""
    from .conftest import Home

    folder = tmp_path_factory.mktemp("lint")
    home = Home(folder)
    path = home.write("09_loyalty", *sound_cells())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRMLAB_HOME", str(folder))
        done, _ = refresh("09")
    assert done.ok, done.error
    return path.read_text()


@pytest.fixture
def check(home, sound):
    """Problems after `change` has been made to the sound lesson, as text."""

    def check(change=None, restore=True):
        notebook = nbformat.reads(sound, as_version=4)
        cells = {cell.id: cell for cell in notebook.cells}
        if change is not None:
            change(notebook, cells)
        path = home.folder / "notebooks" / "09_loyalty.ipynb"
        path.write_text(as_text(notebook) if restore else nbformat.writes(notebook))
        return [str(problem) for problem in lint("09")]

    return check


@pytest.fixture(autouse=True)
def of_any_density(monkeypatch):
    """The template is tested here; how dense a lesson may be has tests of its own."""
    monkeypatch.setattr(lint_module, "too_dense", lambda notebook, source: [])


def test_a_sound_lesson_has_no_problems(check):
    assert check() == []


def set_source(name, source):
    return lambda notebook, cells: cells[name].update(source=source)


def drop(name):
    return lambda notebook, cells: notebook.cells.remove(cells[name])


def set_fact(name, value):
    return lambda notebook, cells: notebook.metadata.crmlab.update({name: value})


def add(position, cell):
    return lambda notebook, cells: notebook.cells.insert(position, cell)


def output(cell, **fields):
    def change(notebook, cells):
        cells[cell].outputs.append(nbformat.v4.new_output(**fields))

    return change


@pytest.mark.parametrize(
    "change, words",
    [
        (set_fact("title", ""), "metadata lack crmlab.title"),
        (set_fact("claim", " "), "metadata lack crmlab.claim"),
        (set_fact("claim", "x" * 300), "at most 250"),
        (set_fact("finding", ""), "metadata lack crmlab.finding"),
        (set_fact("trap", "x" * 50), "crmlab.trap has 50 characters"),
        (set_fact("builds_on", "00"), "metadata lack crmlab.builds_on"),
        (set_fact("builds_on", ["09"]), "builds_on names '09', which is no other lesson"),
        (set_fact("questions", ["One?"]), "crmlab.questions has 1 entries"),
        (set_fact("skip", [1]), "crmlab.skip must be a list of sentences"),
        (set_fact("minutes", "forty"), "crmlab.minutes"),
        (set_fact("template", "essay"), "template is 'essay'"),
        (drop("dag-text"), "section dag is missing"),
        (drop("references"), "section references is missing"),
        (drop("parameters"), "no code cell has the tag parameters"),
        (set_source("references", "## References\n\nA book."), "'references': the references name no DOI"),
        (
            set_source("references", "## References\n\n- Author, A. (2001). A paper. doi:10.1177/1"),
            "Author (2001) is not cited in the lesson",
        ),
        (set_source("dag-text", "No heading."), "section dag must begin with a heading"),
        (set_source("title", "## Loyalty"), "section title must begin with a heading"),
        (add(5, text("extra", "## More", "section:essay")), "there is no section 'essay'"),
        (add(5, text("extra", "## More", "section:dag")), "section dag stands twice"),
        (add(5, text("deadbeef", "Words.")), "'deadbeef': the id is not made of words"),
        (add(5, text("Upper_Case", "Words.")), "the id is not made of words"),
        (add(30, text("end", "  \n")), "'end': the cell is empty"),
        (set_source("test-code", "x = 1\n" * 31), "31 lines of code; 30 are the most"),
        (set_source("parameters", "seed = 1  # seed of the random numbers"), "parameter seed needs a range"),
        (set_source("parameters", "seed = 1"), "parameter seed needs a comment"),
        (
            set_source("parameters", "seed = 10  # seed, 0 to 9"),
            "the default does not pass: parameter seed is 10",
        ),
        (set_source("parameters", "import os\nseed = 1  # seed, 0 to 9"), "`import os` is not one parameter"),
        (set_source("parameters", "seed = "), "not Python"),
        (set_source("dag-text", "## DAG\n\n$\\nonsense{x}$"), "cannot be shown offline"),
        (
            set_source("dag-text", "## DAG\n\n[there](nowhere.ipynb)"),
            "leads to nowhere.ipynb, which is not there",
        ),
        (set_source("dag-text", "## DAG\n\n![](../home.png)"), "needs a text for those who cannot see it"),
        (set_source("dag-text", "## DAG\n\n![a](https://example.org/a.png)"), "lies on the network"),
        (
            output("test-code", output_type="error", ename="ValueError", evalue="bad"),
            "stored output is an error: ValueError: bad",
        ),
        (
            output("test-code", output_type="stream", name="stderr", text="Warning: mind\n"),
            "standard error: Warning: mind",
        ),
        (
            output("test-code", output_type="display_data", data={"image/png": "AA"}),
            "a picture without a text",
        ),
        (output("test-code", output_type="stream", text="<Thing at 0x7f1234567890>"), "a memory address"),
        (
            output("test-code", output_type="stream", text="<Figure size 640x480 with 1 Axes>"),
            "representation of a figure",
        ),
        (output("test-code", output_type="stream", text="at 12:34:56"), "a time of day"),
        (output("test-code", output_type="stream", text="in /home/me/x.csv"), "a path of this machine"),
        (lambda notebook, cells: cells["test-code"].update(outputs=[]), "no result is recorded"),
        (
            lambda notebook, cells: cells["test-code"].outputs.append(cells["test-code"].outputs[0]),
            "'sum' is recorded twice",
        ),
        (
            lambda notebook, cells: cells["test-code"].update(execution_count=9),
            "not those of one run from the top",
        ),
        (lambda notebook, cells: notebook.cells.append(notebook.cells.pop(1)), "must come before"),
    ],
)
def test_each_way_to_leave_the_template_is_named(check, change, words):
    problems = check(change)
    assert any(words in problem for problem in problems), problems


@pytest.mark.parametrize(
    "written, changed, words",
    [
        ('"id": "picture"', '"id": "title"', "cell 'title': this id stands twice"),
        ('"id": "picture"', '"surplus": 1', "not a valid notebook"),
    ],
)
def test_files_that_are_no_sound_notebooks(home, sound, written, changed, words):
    assert written in sound
    (home.folder / "notebooks" / "09_loyalty.ipynb").write_text(sound.replace(written, changed))
    assert words in str(lint("09")[0])


def test_citations_need_references(check):
    def change(notebook, cells):
        cells["references"].source = "## References\n\n- Author, A. (2001). A paper. doi:10.1177/1"
        cells["dag-text"].source += " So Author (2001), but Other and Person (2002) not."

    assert check(change) == ["cell 'dag-text': 'Other and Person (2002' has no entry in the references"]


def test_code_needs_prose_between(check):
    def change(notebook, cells):
        place = notebook.cells.index(cells["test-code"])
        for number in range(3):
            notebook.cells.insert(
                place,
                code(
                    f"more-{number}",
                    "1",
                ),
            )

    assert any("more than 3 code cells in a row" in problem for problem in check(change))


def test_what_jupyter_adds_is_refreshed_away(check):
    def change(notebook, cells):
        cells["picture"].metadata["execution"] = {"iopub.status.busy": "2024-01-01T10:00:00"}

    assert check(change, restore=False) == ["stored otherwise than crmlab refresh would; run it"]


def test_exercises_must_be_led_to(check, home):
    (home.folder / "exercises" / "09_loyalty").mkdir(parents=True)
    (home.folder / "exercises" / "09_loyalty" / "master.ipynb").write_text("{}")
    assert check(drop("exercises-text")) == [
        "there are exercises, but no section that leads to them (section:exercises)"
    ]
    assert check() == []


def test_the_short_template_asks_for_less(check):
    def change(notebook, cells):
        notebook.metadata.crmlab["template"] = "start"
        for name in OPTIONAL["start"]:
            for cell in list(notebook.cells):
                if cell.id == f"{name}-text":
                    notebook.cells.remove(cell)

    assert [problem for problem in check(change) if "section" in problem] == []


def test_problems_name_their_cell(check):
    assert check(set_source("dag-text", "## DAG\n\n$x^$"))[0].startswith("cell 'dag-text': formula 'x^'")
