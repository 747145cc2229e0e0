"""Explorables: each control moves the picture and its text, at both of its ends."""

import ast
import asyncio
import base64
import html
import re
import warnings
from dataclasses import replace

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import nbformat
import pandas as pd
import pytest

from crmlab import places
from crmlab.design import Estimate, EstimationFailed
from crmlab.errors import InputError
from crmlab.theories.start_here import design as contact
from crmlab.widgets import Explorable, choice, explore_market, power_curve, slider
from crmlab.widgets.explorable import REST


@pytest.fixture(autouse=True)
def tidy():
    """No warnings, and no figures left open: a slider draws hundreds of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    assert plt.get_fignums() == []


def shown(explorable):
    """Picture and text as the widget has them."""
    alt, data = re.fullmatch(
        r'<img alt="([^"]*)" src="data:image/png;base64,([^"]+)"><p aria-hidden="true">\1</p>',
        explorable.picture.value,
    ).groups()
    assert base64.b64decode(data).startswith(b"\x89PNG")
    return data, html.unescape(alt)


def lesson_explorable(lesson):
    """The explorable of a lesson, from the cells of its section and the two that they may need."""
    cells = nbformat.read(lesson.path, as_version=4).cells
    start = next(at for at, cell in enumerate(cells) if cell.id == "explorable")
    end = next(at for at, cell in enumerate(cells) if at > start and cell.cell_type == "markdown")
    needed = [cell for cell in cells if "parameters" in cell.metadata.get("tags", ()) or cell.id == "imports"]
    names = {}
    for cell in needed + cells[start + 1 : end]:
        *before, last = ast.parse(cell.source).body
        exec(compile(ast.Module(before, []), cell.id, "exec"), names)
        shown = (
            eval(compile(ast.Expression(last.value), cell.id, "eval"), names)
            if isinstance(last, ast.Expr)
            else exec(compile(ast.Module([last], []), cell.id, "exec"), names)
        )
    return shown


@pytest.fixture(scope="module", params=places.lessons(), ids=lambda lesson: lesson.stem)
def explorable(request):
    explorable = lesson_explorable(request.param)
    assert isinstance(explorable, Explorable)
    return explorable


def test_it_begins_with_a_picture_and_a_text(explorable):
    data, alt = shown(explorable)
    assert len(alt) > 40 and "{" not in alt and "nan" not in alt
    bundle, metadata = explorable._repr_mimebundle_()
    assert (
        bundle["image/png"] == data
        and bundle["text/plain"] == f"[{alt}]"
        and metadata == {"image/png": {"alt": alt}}
    )
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_every_control_moves_the_picture_at_both_ends(explorable):
    start, before = explorable.values(), shown(explorable)[0]
    for name, control in explorable.controls.items():
        assert len(control.tooltip) > 3 and control.min <= control.value <= control.max
        assert 4 <= (control.max - control.min) / control.step <= 400
        seen = set()
        for value in (control.min, control.max):
            control.value = value
            assert explorable.values()[name] == value
            data, alt = shown(explorable)
            assert "nan" not in alt
            seen.add(data)
        assert len(seen) == 2, name
        control.unobserve(explorable._changed, names="value")
        control.value = start[name]  # without a picture of it: that takes its time
        control.observe(explorable._changed, names="value")
    explorable.redraw()
    assert shown(explorable)[0] == before, "back where it was, it shows the same again"


# The explorable itself ----------------------------------------------------------------------------------


@pytest.fixture
def drawn():
    """An explorable of two controls, and what it was asked to draw."""
    calls = []

    def draw(effect, world):
        calls.append((effect, world))
        figure, axes = plt.subplots(figsize=(1, 1))
        axes.plot([0, effect])
        return figure, f'effect {effect} in <{world}> & "so on"'

    return Explorable(
        draw, {"effect": slider("effect", 0.5, 0.0, 1.0, 0.1), "world": choice("world", ["null", "trap"])}
    ), calls


def test_outside_a_notebook_each_move_is_drawn_at_once(drawn):
    explorable, calls = drawn
    explorable.controls["effect"].value = 0.7
    explorable.controls["world"].value = "trap"
    assert calls == [(0.5, "null"), (0.7, "null"), (0.7, "trap")]
    assert shown(explorable)[1] == 'effect 0.7 in <trap> & "so on"'


@pytest.fixture
def rough():
    """An explorable that can draw roughly, and how it was asked to."""
    calls = []

    def draw(effect, quick):
        calls.append((effect, quick))
        figure, axes = plt.subplots(figsize=(1, 1))
        axes.plot([0, effect], linestyle=":" if quick else "-")
        return figure, f"effect {effect}"

    return Explorable(draw, {"effect": slider("effect", 0.5, 0.0, 1.0, 0.1)}), calls


def test_a_drag_is_followed_roughly_and_refined_at_rest(rough):
    explorable, calls = rough

    async def drag():
        for step in range(6, 9):
            explorable.controls["effect"].value = step / 10
            assert calls[-1] == (step / 10, True) and "rough" in explorable.status.value
        for _ in range(100):  # the machine may be busy: wait for the refinement, not for a time
            await asyncio.sleep(REST / 4)
            if not calls[-1][1]:
                return

    asyncio.run(drag())
    assert calls == [(0.5, False), (0.6, True), (0.7, True), (0.8, True), (0.8, False)]
    assert explorable.status.value == ""


def test_a_picture_drawn_in_full_is_not_drawn_again(rough):
    explorable, calls = rough
    before = shown(explorable)

    async def there_and_back():
        explorable.set(effect=0.9)
        explorable.controls["effect"].value = 0.5
        await asyncio.sleep(2 * REST)

    asyncio.run(there_and_back())
    assert calls == [(0.5, False), (0.9, False)] and shown(explorable) == before


def test_the_picture_is_dimmed_while_it_is_computed():
    seen, made = [], []

    def draw(effect):
        if made:
            seen.append((made[0].picture._dom_classes, made[0].status.value))
        return plt.figure(figsize=(1, 1)), f"effect {effect}"

    made.append(Explorable(draw, {"effect": slider("effect", 0.5, 0.0, 1.0)}))
    made[0].controls["effect"].value = 0.7
    (classes, status), *more = seen
    assert "crmlab-computing" in classes and "computing" in status and more == []
    assert "crmlab-computing" not in made[0].picture._dom_classes and made[0].status.value == ""


def test_bad_input_is_said_where_the_hand_is():
    def draw(effect):
        if effect > 0.6:
            raise InputError("effect is 0.7; the market bears 0.6")
        return plt.figure(figsize=(1, 1)), f"effect {effect}"

    explorable = Explorable(draw, {"effect": slider("effect", 0.5, 0.0, 1.0)})
    explorable.controls["effect"].value = 0.7
    assert "the market bears 0.6" in explorable.status.value


def test_reset_puts_all_back(drawn):
    explorable, calls = drawn
    explorable.set(effect=0.9, world="trap")
    button = next(each for each in explorable.view.children[2].children if hasattr(each, "click"))
    button.click()
    assert explorable.values() == {"effect": 0.5, "world": "null"} and len(calls) == 2


def test_the_code_shown_gives_what_is_seen():
    from crmlab.theories.loyalty import design
    from crmlab.widgets.market import market_code

    moved = design.preset("trap").replace(rating_bias=0.3, n_customers=321)
    names = {"design": design}
    code = market_code(moved.only("H2"), "H2", (50, 100), 20, 1)
    exec(code.splitlines()[0], names)
    assert names["market"].parameters == moved.parameters
    assert [each.name for each in names["market"].hypotheses] == ["H2"]


def test_the_code_shown_names_what_has_a_slider_at_whatever_value():
    from crmlab.theories.start_here import design
    from crmlab.widgets.market import market_code

    assert "luck" not in market_code(design.only("H1"), "H1", (50, 100), 20, 1)
    code = market_code(design.only("H1"), "H1", (50, 100), 20, 1, always=["luck"])
    assert "luck=0.0" in code.splitlines()[0]


def test_the_customers_needed_are_those_that_reach_the_power():
    from crmlab.theories.start_here import design
    from crmlab.widgets.market import POWER, customers_needed

    market = design.only("H1").replace(contact_effect=0.2, targeting=0.0, n_customers=4000)
    needed = customers_needed(market, "adjusted", seed=3)
    found = market.replace(n_customers=round(needed)).diagnose(sims=2000, seed=4, progress=False)
    assert found.row("H1", "adjusted").rejection_rate == pytest.approx(POWER, abs=0.05)
    assert customers_needed(market.replace(contact_effect=0.0), "adjusted") is None


def test_a_claim_of_less_is_found_by_more_customers_too():
    from crmlab.theories.satisfaction import design
    from crmlab.widgets.market import customers_needed

    market = design.only("H1a")
    assert market.hypotheses[0].direction == "<"
    assert 20 < customers_needed(market, "ordered probit") < 2000


def test_labels_stand_above_their_controls(drawn):
    boxes = drawn[0].view.children[1].children
    assert [box.children[0].value for box in boxes] == [
        f'<span class="crmlab-label">{name}</span>' for name in ("effect", "world")
    ]
    assert all(box.children[1].layout.width == "100%" for box in boxes)


def test_set_draws_once_and_leaves_nothing_waiting(drawn):
    explorable, calls = drawn

    async def move():
        explorable.set(effect=0.9, world="trap")
        await asyncio.sleep(0.2)

    asyncio.run(move())
    assert calls == [(0.5, "null"), (0.9, "trap")]


def test_an_unknown_control_is_refused(drawn):
    with pytest.raises(InputError, match="unknown control 'size'; known: effect, world"):
        drawn[0].set(size=3)


def test_sliders_are_for_whole_numbers_or_for_others():
    whole, other = slider("customers", 400, 50, 2000), slider("effect", 0.2, 0.0, 0.6)
    assert type(whole).__name__ == "IntSlider" and whole.step == 1
    assert type(other).__name__ == "FloatSlider" and abs(other.step - 0.03) < 1e-12


def test_the_power_curve_draws_what_it_returns():
    from crmlab.theories.start_here import design

    figure, axes = plt.subplots()
    table = power_curve(axes, design, "H1", (25, 100), sims=20, seed=1)
    told = design.only("H1").vary(n_customers=[25, 100]).diagnose(sims=20, seed=1).table
    keys = ["estimator", "n_customers"]
    columns = ["rejection_rate", "rejection_rate_mcse"]
    expected = told.set_index(keys)[columns].sort_index()
    pd.testing.assert_frame_equal(table.set_index(keys)[columns].sort_index(), expected)
    assert {line.get_label(): line.lines[0].get_ydata().tolist() for line in axes.containers} == {
        name: rows.rejection_rate.tolist() for name, rows in table.groupby("estimator")
    }
    plt.close(figure)


def test_a_market_is_explored_in_three_panels_and_told_in_words():
    from crmlab.theories.loyalty import design

    seen = []

    def draw(axes, parameters):
        seen.append(parameters.rating_bias)
        axes.plot([0, parameters.rating_bias])
        return "A line."

    sliders = {"rating_bias": slider("bias", 0.0, 0.0, 1.0)}
    explorable = explore_market(design.preset("trap"), "H2", sliders, draw, sizes=(50, 100), sims=20)
    assert shown(explorable)[1].startswith("A line. The truth is 0. This cohort's estimates")
    before = shown(explorable)
    explorable.set(rating_bias=1.0)
    assert seen[0] == 0.0 and seen[-1] == 1.0 and shown(explorable) != before
    noted = explore_market(design, "H2", sliders, draw, sizes=(50, 100), sims=20, note="adjusted")
    assert "adjusted: a power of 80% takes about" in noted.foot.value
    nothing = explore_market(design.preset("trap"), "H2", sliders, draw, (50,), sims=20, note="adjusted")
    assert "There is nothing to find" in nothing.foot.value
    with pytest.raises(InputError, match="unknown parameter 'bias'"):
        explore_market(design, "H2", {"bias": sliders["rating_bias"]}, draw)


def test_a_market_without_an_estimate_is_said_where_the_hand_is():
    def picky(tables):
        if tables.columns("customers")["contact"].mean() > 0:
            raise EstimationFailed("contact is too high")
        return Estimate(0.0, 1.0)

    hypothesis = replace(contact.hypotheses[0], estimators={"picky": picky})
    market = replace(contact, hypotheses=[hypothesis], batched=False)
    seeds = {market.simulate(each).customers.contact.mean() > 0: each for each in range(20)}
    controls = {"contact_effect": slider("effect", 0.2, 0.0, 0.5)}
    found = explore_market(
        market, "H1", controls, lambda axes, parameters: "", (50,), sims=20, seed=seeds[False]
    )
    assert "has no estimate" not in found.status.value
    with pytest.raises(InputError, match="H1 has no estimate here: contact is too high; move a slider back"):
        explore_market(market, "H1", controls, lambda axes, parameters: "", (50,), sims=20, seed=seeds[True])
