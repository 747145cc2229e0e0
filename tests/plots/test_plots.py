"""Pictures: what they show is what they were given, nothing is cut off, and everybody can read them."""

import warnings
from dataclasses import dataclass

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.patches import Ellipse, FancyArrowPatch

from crmlab import plots
from crmlab.design import Cohort, Design, Hypothesis, Parameters, parameter
from crmlab.errors import InputError
from crmlab.estimators import LeastSquares, LogisticRegression
from crmlab.mechanisms.paths import PathModel
from crmlab.plots.customers import alive_map, frequency_plot, gain_map, tracking_plot
from crmlab.plots.style import png, style


@dataclass(frozen=True)
class Market(Parameters):
    effect: float = parameter(0.3, "units a unit")
    targeting: float = parameter(0.0, "units a unit")
    method: str = parameter("mail", "how customers are reached", choices=("mail", "phone"))
    loyal: bool = parameter(False, "whether all are members")
    n_customers: int = parameter(60, "customers")


def simulate(p, streams):
    rng, n = streams["customers"], p.n_customers
    history = rng.standard_normal(n)
    contact = p.targeting * history + rng.standard_normal(n)
    spend = p.effect * contact + p.targeting * history + rng.standard_normal(n)
    return Cohort(
        {"customers": {"history": history, "contact": contact, "spend": spend, "renewed": (spend > 0) * 1.0}}
    )


design = Design(
    name="contact",
    title="Contact",
    claim="Contact raises spend.",
    parameters=Market(),
    model=simulate,
    batched=True,
    presets={
        "null": {"effect": 0.0},
        "literature": {},
        "claim": {"effect": 1.0},
        "trap": {"effect": 0.0, "targeting": 0.8},
    },
    hypotheses=[
        Hypothesis(
            "H1",
            "Contact raises spend",
            ">",
            truth=lambda p: p.effect,
            estimators={
                "adjusted": LeastSquares("spend ~ contact + history", "contact"),
                "naive": LeastSquares("spend ~ contact", "contact"),
            },
        ),
        Hypothesis(
            "H2",
            "Contact raises renewal",
            ">",
            truth=lambda p: p.effect,
            estimators={"logit": LogisticRegression("renewed ~ contact", "contact")},
        ),
    ],
)


@pytest.fixture(autouse=True)
def tidy():
    """No warnings, and no figures left open."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    plt.close("all")


def lines_of(axes):
    """What error bars were drawn: ``{label: (x, y, half lengths of the whiskers)}``."""
    found = {}
    for container in axes.containers:
        line, _, (bars,) = container.lines
        heights = [(segment[1, 1] - segment[0, 1]) / 2 for segment in bars.get_segments()]
        found[container.get_label()] = (
            np.asarray(line.get_xdata()),
            np.asarray(line.get_ydata()),
            np.array(heights),
        )
    return found


def assert_nothing_is_cut_off(figure):
    figure.canvas.draw()
    renderer, width, height = figure.canvas.get_renderer(), *figure.canvas.get_width_height()
    texts = [text for legend in figure.legends for text in legend.get_texts()]
    for axes in figure.axes:
        if axes.get_visible() and axes.axison:
            texts += [axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label]
    for text in texts:
        if text.get_text():
            box = text.get_window_extent(renderer)
            assert box.x0 >= -1 and box.x1 <= width + 1 and box.y0 >= -1 and box.y1 <= height + 1, (
                text.get_text()
            )


@pytest.fixture(scope="module")
def by_preset():
    return design.vary(preset=["null", "trap"]).diagnose(sims=30, seed=1)


@pytest.mark.parametrize(
    "grid, x, wanted",
    [
        ({"preset": ["null", "literature", "trap"]}, None, "preset"),
        ({"n_customers": [20, 60, 400]}, None, "n_customers"),
        ({"effect": [-0.2, 0.0, 0.2]}, None, "effect"),
        ({"method": ["mail", "phone"]}, None, "method"),
        ({"loyal": [False, True]}, None, "loyal"),
        ({"n_customers": [20, 400], "effect": [0.0, 0.1, 0.2]}, None, "effect"),
        ({"n_customers": [20, 400], "effect": [0.0, 0.1, 0.2]}, "n_customers", "n_customers"),
        ({"preset": ["null", "trap"], "n_customers": [20, 40, 60, 80]}, "preset", "preset"),
    ],
)
def test_a_diagnosis_of_any_grid_is_drawn_as_it_is(grid, x, wanted):
    diagnosis = design.vary(**grid).diagnose(sims=10, seed=1)
    figure = diagnosis.plot(x=x)
    assert_nothing_is_cut_off(figure)
    panels = np.array(figure.axes).reshape(2, 2)
    assert [axes.get_title("left") or axes.get_title() for axes in panels[0]] == ["H1", "H2"]
    assert panels[1, 0].get_xlabel() == {"n_customers": "customers"}.get(wanted, wanted)
    table = diagnosis.table
    for axes, measure in zip(panels[:, 0], ("rejection_rate", "coverage")):
        drawn = lines_of(axes)
        assert sum(len(y) for _, y, _ in drawn.values()) == len(table[table.hypothesis == "H1"])
        for label, (at, y, reach) in drawn.items():
            rows = table[(table.hypothesis == "H1") & (table.estimator == label.split(", ")[0])]
            for name in set(grid) - {wanted}:
                value = label.split(", ")[1].removeprefix(name.replace("_", " ")).strip()
                rows = rows[rows[name].astype(str) == value]
            assert y.tolist() == rows[measure].tolist()
            assert np.allclose(reach, 1.96 * rows[f"{measure}_mcse"])
            if wanted in ("n_customers", "effect"):
                assert at.tolist() == rows[wanted].tolist()


def test_the_same_estimator_looks_the_same_in_all_panels_and_no_other_does(by_preset):
    looks = {}
    figure = design.vary(n_customers=[20, 40, 60, 80], preset=["null", "trap"]).diagnose(sims=4).plot()
    for axes in figure.axes:
        for container in axes.containers:
            line = container.lines[0]
            look = to_hex(line.get_color()), line.get_marker(), line.get_fillstyle(), line.get_linestyle()
            assert looks.setdefault(container.get_label(), look) == look
    assert len(set(looks.values())) == len(looks) > 3
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert set(looks) < set(legend) and len(set(legend)) == len(legend)


def test_measures_and_hypotheses_can_be_chosen(by_preset):
    figure = by_preset.plot(measures=["bias", "rmse", "type_s"], hypotheses=["H2"])
    assert (
        len(figure.axes) == 3
        and lines_of(figure.axes[0])["logit"][1].tolist()
        == by_preset.table[by_preset.table.hypothesis == "H2"].bias.tolist()
    )
    assert len(by_preset.plot(measures="bias", hypotheses="H1").axes) == 1


@pytest.mark.parametrize(
    "options, says",
    [
        (
            {"measures": ["power"]},
            "unknown measure 'power'; known: mean_estimate, bias, .*, rejection_rate, coverage",
        ),
        ({"hypotheses": ["H3"]}, "unknown hypothesis 'H3'; known: H1, H2"),
        ({"x": "effect"}, "x is 'effect'; the diagnosis varied preset"),
    ],
)
def test_what_a_diagnosis_cannot_show_is_refused(by_preset, options, says):
    with pytest.raises(InputError, match=says):
        by_preset.plot(**options)


def test_failed_fits_leave_gaps_and_no_error():
    diagnosis = design.vary(n_customers=[4, 40]).diagnose(sims=4, seed=1)
    assert diagnosis.table.failures.sum() > 0
    assert_nothing_is_cut_off(diagnosis.plot(measures=["type_s", "bias"]))


def test_estimates_stand_against_their_truth():
    tests = design.preset("claim").test(design.preset("claim").simulate(3))
    figure = plots.estimates_plot(tests, units={"H1": "units"}, titles={"H2": "renewal"})
    assert_nothing_is_cut_off(figure)
    first, second = (axes for axes in figure.axes if axes.get_visible())
    assert [text.get_text() for text in first.get_yticklabels()] == ["adjusted", "naive"]
    assert (first.get_xlabel(), second.get_title("left") or second.get_title()) == ("units", "renewal")
    for number, container in enumerate(first.containers):
        row = tests.iloc[number]
        (segment,) = container.lines[2][0].get_segments()
        assert container.lines[0].get_xdata()[0] == row.estimate
        assert np.allclose(segment[:, 0], [row.low, row.high]) and np.allclose(segment[:, 1], -number)
    (truth,) = {
        tuple(line.get_xdata()) for line in first.get_lines() if line.get_linestyle() not in ("None", "-")
    }
    assert truth == (1.0, 1.0)


def test_estimates_of_many_estimators_and_hypotheses_find_room():
    tests = pd.DataFrame(
        [
            {
                "hypothesis": f"H{claim}",
                "estimator": f"estimator {number}",
                "estimate": number,
                "low": number - 1,
                "high": number + 1,
                "truth": 0.0,
            }
            for claim in range(5)
            for number in range(9)
        ]
    )
    figure = plots.estimates_plot(tests)
    assert_nothing_is_cut_off(figure)
    assert sum(axes.get_visible() for axes in figure.axes) == 5


def test_a_causal_diagram_draws_every_variable_and_every_arrow():
    nodes = {"satisfaction": (0, 0.5), "last\nyear": (0.5, 1), "renewal": (1, 0.5)}
    figure = plots.causal_diagram(
        nodes,
        [
            ("satisfaction", "renewal", {"label": "why?", "bend": 0.2}),
            ("last\nyear", "renewal", {"kind": "bias"}),
        ],
        latent={"satisfaction"},
    )
    (axes,) = figure.axes
    texts = {text.get_text() for text in axes.texts}
    assert texts == {"satisfaction", "last\nyear", "renewal", "why?"}
    assert sum(isinstance(patch, Ellipse) for patch in axes.patches) == 1 and len(axes.patches) == 3 + 2
    with pytest.raises(InputError, match="unknown node 'loyalty'; known: satisfaction"):
        plots.causal_diagram(nodes, [("loyalty", "renewal")])


def test_a_path_model_gives_the_arrows_and_labels_say_what_nodes_are():
    model = PathModel({("habit", "renewal"): 0.3, ("attitude", "renewal"): 0.2}, {("habit", "attitude"): 0.4})
    places = {"habit": (0, 1), "attitude": (0, 0), "renewal": (1, 0.5)}
    figure = plots.causal_diagram(
        places, model.arrows(habit_to_renewal={"label": "0.3"}), labels={"habit": "habit\nof buying"}
    )
    written = {text.get_text() for text in figure.axes[0].texts}
    assert written == {"habit\nof buying", "attitude", "renewal", "0.3"}
    arrows = [each for each in figure.axes[0].patches if isinstance(each, FancyArrowPatch)]
    assert len(arrows) == 3 and arrows[-1].get_arrowstyle().arrow == "<|-|>"
    with pytest.raises(InputError, match="unknown node 'loyalty'"):
        plots.causal_diagram(places, [], labels={"loyalty": "x"})


def test_pictures_of_a_customer_base():
    class Model:
        def probability_alive(self, frequency, recency, T):
            assert (np.asarray(recency) <= T).all()
            return np.clip(recency / T, 0, 1) * np.ones(np.shape(frequency))

    weeks = np.arange(1.0, 21)
    forecast = np.where(weeks > 10, 2.0, np.nan)
    figure = tracking_plot(weeks, np.full(20, 3.0), {"model": np.full(20, 2.5), "late": forecast}, 10)
    total = {line.get_label(): line for line in figure.axes[0].get_lines()}
    assert total["model"].get_ydata()[-1] == 50 and total["late"].get_ydata().tolist() == [
        30 + 2 * k for k in range(1, 11)
    ]
    assert_nothing_is_cut_off(figure)
    assert_nothing_is_cut_off(alive_map(Model(), 39, most=8, customer=(3, 20)))
    assert_nothing_is_cut_off(alive_map(Model(), 39, most=8, customer=(0, 0)))
    assert_nothing_is_cut_off(frequency_plot([5, 3, 1], [4, 3, 2]))
    gain = np.array([[0.1, 0.3], [0.05, np.nan]])
    assert_nothing_is_cut_off(gain_map(gain, np.array([0.5, 0.9]), np.array([0.05, 0.1])))


# Style --------------------------------------------------------------------------------------------------


def test_a_picture_is_the_same_bytes_each_time(by_preset):
    one, other = png(by_preset.plot()), png(by_preset.plot())
    assert one == other and one.startswith(b"\x89PNG")


def test_show_displays_the_picture_with_its_text_and_closes_it(capsys, monkeypatch):
    shown = []
    monkeypatch.setattr("crmlab.plots.style.display", lambda data, **options: shown.append((data, options)))
    figure, axes = plots.subplots()
    plots.truth_line(axes, 0.3, "truth")
    plots.show(figure, "A line at .3")
    ((data, options),) = shown
    assert data["image/png"].startswith(b"\x89PNG") and data["text/plain"] == "[A line at .3]"
    assert options == {"metadata": {"image/png": {"alt": "A line at .3"}}, "raw": True}
    assert plt.get_fignums() == []


@pytest.mark.parametrize("alt", ["", "  \n"])
def test_a_picture_without_a_text_is_not_shown(alt):
    with pytest.raises(InputError, match="alt is empty; say in a sentence what the picture shows"):
        plots.show(plots.subplots()[0], alt)


def test_the_style_as_a_context_leaves_settings_as_they_were():
    with plt.rc_context({"font.size": 31, "axes.grid": False}):
        with style():
            assert plt.rcParams["font.size"] == 10 and plt.rcParams["axes.grid"]
        assert plt.rcParams["font.size"] == 31 and not plt.rcParams["axes.grid"]


# How the eye's cones answer to linear RGB without the long, the middle or the short ones (Viénot, Brettel &
# Mollon 1999 for the first two; Brettel, Viénot & Mollon 1997 simplified for the third).
DEFICIENCIES = {
    "protan": [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
    "deutan": [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
    "tritan": [[1, 0.14461, -0.14461], [0, 0.85924, 0.14076], [0, 0.85924, 0.14076]],
    "none": np.eye(3).tolist(),
}


def lab(colour, matrix):
    linear = np.array([c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)])
    seen = np.clip(np.array(matrix) @ linear, 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ seen
    f = np.cbrt(np.maximum(xyz / [0.9505, 1, 1.089], 1e-4))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_the_first_colours_can_be_told_apart_by_everybody(deficiency):
    """A CIE 1976 distance of 10 is several times what is just noticeable."""
    seen = [lab(colour, DEFICIENCIES[deficiency]) for colour in (*plots.SERIES[:4], plots.TRUTH)]
    distances = [np.linalg.norm(a - b) for at, a in enumerate(seen) for b in seen[:at]]
    assert min(distances) > 10
    assert len(set(plots.SERIES)) == len(plots.SERIES) == len(set(plots.MARKERS))


def test_a_caption_stands_under_its_picture_for_everybody(monkeypatch):
    shown = []
    monkeypatch.setattr(plots.style, "display", lambda data, metadata, raw: shown.append((data, metadata)))
    figure, _ = plots.subplots(figsize=(2, 1))
    plots.show(figure, "A line that rises.", caption="Satisfaction *pays*: 5 < 6.")
    (_, about), (caption, mark) = shown
    assert about["image/png"] == {"alt": "A line that rises.", "caption": "Satisfaction *pays*: 5 < 6."}
    assert "Satisfaction <em>pays</em>: 5 &lt; 6." in caption["text/html"] and mark["crmlab"]["caption"]
    assert caption["text/plain"] == "Satisfaction pays: 5 < 6."


def test_a_caption_says_more_than_the_alt_text():
    figure, _ = plots.subplots(figsize=(2, 1))
    with pytest.raises(InputError, match="the caption says the finding"):
        plots.show(figure, "The same.", caption="The same.")
    plt.close(figure)


def test_no_line_is_told_from_another_by_its_colour_alone():
    found = plots.looks(["a", "b", "c", "d", "e", "f", "a"])
    assert list(found) == list("abcdef")
    for part in ("color", "linestyle", "marker"):
        assert len({str(look[part]) for look in found.values()}) == 6


def test_seaborn_draws_in_the_house_style_and_without_complaint():
    import seaborn as sns

    plots.use_style()
    table = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "who": ["a", "b", "a", "b"], "where": list("uuvv")})
    grid = sns.relplot(table, x="x", y="x", hue="who", col="where", height=2)
    colours = {to_hex(each) for each in grid.axes.flat[0].collections[0].get_facecolors()}
    assert colours == {each.lower() for each in plots.SERIES[:2]}
    plots.show(grid, "Points in two panels.")


def test_a_legend_above_has_nothing_under_it():
    figure, axes = plots.subplots()
    for at in range(5):
        axes.plot([0, 1], [at, 5], label=f"line {at}")
    plots.legend_above(axes)
    figure.canvas.draw()
    box = axes.get_legend().get_window_extent()
    assert axes.transData.inverted().transform(box.min)[1] > 5, "the legend stands over the highest line"
    assert box.max[1] <= axes.get_window_extent().max[1] + 1, "and within the axes"
