"""refresh: a committed lesson keeps the outputs of one clean run, and changes only where they do."""

import nbformat

from crmlab.notebook.refreshing import refresh

from .conftest import code, text

PICTURE = """\
import matplotlib.pyplot as plt
from crmlab.plots import show
figure, axes = plt.subplots()
axes.plot([1, 2])
show(figure, alt="A line that rises.")
"""
WIDGET = """\
import ipywidgets
from IPython.display import display
shown = ipywidgets.Output()
with shown:
    figure, axes = plt.subplots()
    axes.plot([2, 1])
    show(figure, alt="A line that falls.")
display(ipywidgets.VBox([ipywidgets.IntSlider(3), shown]))
"""


def test_outputs_are_stored_in_place(home):
    path = home.simple("09_loyalty", code("picture", PICTURE))
    done, changed = refresh("09")
    assert done.ok and changed
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"] == [1, 2, 3]
    assert [cell.id for cell in notebook.cells] == ["title", "parameters", "test", "picture"]
    assert notebook.metadata == {
        "crmlab": {
            "title": "09_Loyalty",
            "claim": "A claim.",
            "minutes": 10,
            "finding": "It is so.",
            "trap": "luck",
            "builds_on": [],
            "questions": ["Why?", "Who?"],
        },
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    assert [cell.metadata for cell in notebook.cells] == [{}, {"tags": ["parameters"]}, {}, {}]
    assert notebook.cells[3].outputs[0].metadata == {"image/png": {"alt": "A line that rises."}}


def test_a_second_time_changes_nothing(home):
    path = home.simple("09_loyalty", code("picture", PICTURE), code("widget", WIDGET))
    refresh("09")
    before = path.read_bytes(), path.stat().st_mtime_ns
    done, changed = refresh("09")
    assert done.ok and not changed
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_only_what_differs_changes(home):
    path = home.simple()
    refresh("09")
    before = path.read_text().splitlines()
    path.write_text(path.read_text().replace("n_customers + seed", "n_customers - seed"))
    refresh("09")
    differing = [(one, other) for one, other in zip(before, path.read_text().splitlines()) if one != other]
    assert len(before) == len(path.read_text().splitlines()) and len(differing) == 3  # source, text, value


def test_widgets_leave_their_last_picture(home):
    path = home.simple("09_loyalty", code("picture", PICTURE), code("widget", WIDGET))
    refresh("09")
    stored = path.read_text()
    assert "widget-view" not in stored and "widget-state" not in stored
    output = nbformat.reads(stored, as_version=4).cells[-1].outputs
    assert len(output) == 1 and "image/png" in output[0].data
    assert output[0].metadata == {"image/png": {"alt": "A line that falls."}, "crmlab": {"widget": True}}


def test_a_lesson_that_fails_stays_as_it_was(home):
    path = home.simple("09_loyalty", text("why", "Now."), code("break", "1 / 0"))
    before = path.read_bytes()
    done, changed = refresh("09")
    assert not done.ok and not changed and done.error.cell == "break"
    assert path.read_bytes() == before
