"""Predictions, quizzes and explorables in a real JupyterLab, in its themes and at the widths of a laptop."""

import json

import nbformat
import pytest

from .test_jupyterlab import browser, code_cells, playwright, pytestmark, server, visit  # noqa: F401 (fixtures)

PARAMETERS = "seed = 1\nn_customers = 200"
IMPORTS = """\
from crmlab.notebook import check_parameters
from crmlab.theories.start_here import design
from crmlab.widgets import Question, explore_market, predict, quiz, slider
check_parameters("00")"""
ASK = """\
guess = predict("How many of *100* naive analysts report an effect?", 0, 100,
                unit="of 100 analysts", name="naive")
guess"""
ANSWER = """\
rates = design.preset("trap").diagnose(sims=100, seed=seed).table.set_index("estimator").rejection_rate
guess.answer(100 * rates["naive"], "Callers rang those who buy a lot anyway.")"""
QUIZ = """\
quiz("first-sitting", Question(
    "In the trap, how often does the *adjusted* regression reject?", right=100 * rates["adjusted"],
    wrong={"the naive regression": 100 * rates["naive"]}, because="That is the test's level.",
    unit="%", digits=0))"""
EXPLORE = """\
def draw(axes, parameters):
    axes.plot([0, parameters.contact_effect])
    return "A line."

explore_market(design, "H1", {"contact_effect": slider("effect of contact (sd)", 0.2, 0.0, 0.6, 0.05),
                              "targeting": slider("targeting (correlation)", 0.0, 0.0, 0.9, 0.05)},
               draw, sims=40)"""


@pytest.fixture(scope="module")
def lesson(server):  # noqa: F811
    """A lesson of a few cells in the server's folder; its code is folded as a lesson's is."""
    cells = [nbformat.v4.new_code_cell(each) for each in (PARAMETERS, IMPORTS, ASK, ANSWER, QUIZ, EXPLORE)]
    for cell in cells[2:]:
        cell.metadata["jupyter"] = {"source_hidden": True}
    path = server.folder / "00_small.ipynb"
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


@pytest.fixture
def opened(lesson, visit):  # noqa: F811
    """That lesson, run from the top before anything was guessed."""
    guesses = lesson.with_name("00_small.guesses.json")
    guesses.unlink(missing_ok=True)
    visit.open(lesson.name)
    visit.run_all(code_cells(lesson))
    visit.panel.locator(".crmlab-picture img").wait_for()  # the last cell's; folded cells show no prompt
    assert visit.complaints() == []
    yield visit, guesses
    assert visit.outside == [] and visit.errors == []


def handle(visit, name):  # noqa: F811
    return visit.panel.get_by_role("slider", name=name)


def test_run_all_spoils_no_prediction_and_a_guess_opens_the_answer(opened):
    visit, guesses = opened  # noqa: F811
    answer = visit.panel.locator(".crmlab-ask details")
    assert answer.count() == 1 and answer.get_attribute("open") is None
    slider = handle(visit, "How many of 100 naive analysts")
    button = visit.panel.get_by_role("button", name="This is my guess")
    number = visit.panel.locator(".widget-readout").first
    unset = "Not set yet: move the slider, from 0 to 100 of 100 analysts."
    playwright.expect(slider).to_have_attribute("aria-valuetext", unset)
    playwright.expect(button).to_be_disabled()
    playwright.expect(number).to_be_hidden()
    slider.press("End")
    for _ in range(7):
        slider.press("ArrowLeft")
    playwright.expect(number).to_have_text("93")
    playwright.expect(visit.panel.get_by_text("93 of 100 analysts is set")).to_be_visible()
    button.click()
    line = visit.panel.get_by_role("img", name="You guessed 93")
    line.wait_for()
    assert answer.count() == 0 and "Callers rang" in visit.panel.inner_text()
    kept = json.loads(guesses.read_text(encoding="utf-8"))["predictions"]["naive"]
    assert kept["guess"] == 93 and kept["truth"] > 80


def test_a_quiz_answers_at_once(opened):
    visit, guesses = opened  # noqa: F811
    options = visit.panel.get_by_role("radiogroup").get_by_role("radio")
    assert options.count() == 2
    options.last.check()
    visit.panel.get_by_text("This is what the naive regression says.").wait_for()
    options.first.check()
    visit.panel.get_by_text("That is the test's level.").wait_for()
    assert json.loads(guesses.read_text(encoding="utf-8"))["quizzes"]["first-sitting"] == {"q1": False}


def test_a_slider_has_a_name_and_room_and_the_picture_follows(opened):
    visit, _ = opened  # noqa: F811
    effect = handle(visit, "effect of contact (sd)")
    track = visit.panel.locator(".crmlab-explorable .noUi-target").first.bounding_box()
    assert track["width"] > 200
    picture = visit.panel.locator(".crmlab-picture img")
    before, said = picture.get_attribute("src"), picture.get_attribute("alt")
    code = visit.panel.locator(".crmlab-explorable pre")
    effect.press("ArrowRight")
    playwright.expect(code).to_contain_text("contact_effect=0.25")
    playwright.expect(picture).not_to_have_attribute("src", before)
    assert picture.get_attribute("alt") != said
    visit.panel.get_by_role("button", name="Reset").click()
    playwright.expect(picture).to_have_attribute("src", before)
    playwright.expect(code).to_contain_text("contact_effect=0.2, targeting=0.0")


def test_while_it_computes_the_picture_is_dimmed(opened):
    visit, _ = opened  # noqa: F811
    visit.page.evaluate(
        """() => { window.dimmed = 0; new MutationObserver(() => {
            if (document.querySelector('.crmlab-picture.crmlab-computing')) window.dimmed += 1;
        }).observe(document.querySelector('.crmlab-picture'), {attributes: true}); }"""
    )
    handle(visit, "targeting (correlation)").press("ArrowRight")
    visit.page.wait_for_function("window.dimmed > 0")


@pytest.fixture(params=["Light", "Dark"])
def theme(request, server):  # noqa: F811
    """JupyterLab's theme, set as a person's settings would set it."""
    path = server.folder.parent / "settings" / "@jupyterlab" / "apputils-extension"
    path /= "themes.jupyterlab-settings"
    path.write_text(json.dumps({"theme": f"JupyterLab {request.param}"}))
    yield request.param
    path.unlink()


@pytest.mark.parametrize("width, height", [(1440, 900), (1024, 768)])
def test_the_whole_explorable_is_seen_at_once(theme, opened, width, height):
    visit, _ = opened  # noqa: F811
    visit.page.set_viewport_size({"width": width, "height": height})
    visit.page.locator(f"body[data-jp-theme-light='{str(theme == 'Light').lower()}']").wait_for(
        state="attached"
    )
    visit.panel.locator(".crmlab-explorable").scroll_into_view_if_needed()
    explorable = visit.panel.locator(".crmlab-explorable").bounding_box()
    picture = visit.panel.locator(".crmlab-picture img").bounding_box()
    notebook = visit.panel.locator(".jp-NotebookPanel-notebook").bounding_box()
    assert explorable["height"] < notebook["height"], "sliders, picture and code fit on the screen"
    assert picture["x"] + picture["width"] <= notebook["x"] + notebook["width"] + 1
    ink, ground = visit.panel.locator(".crmlab-ask p").first.evaluate(
        "each => [getComputedStyle(each).color, getComputedStyle(document.body).backgroundColor]"
    )
    assert ink != ground
