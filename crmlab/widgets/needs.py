"""The explorable of lesson 01: a budget over six aspects."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crmlab.plots.style import looks, subplots
from crmlab.theories.needs import ASPECTS, NeedsMarket, best_lifts, gain_of_lifts, worth
from crmlab.widgets.controls import slider
from crmlab.widgets.explorable import Explorable
from crmlab.words import words

BUDGET = 3.0  # standard deviations over all aspects
MOST, STEP = 1.5, 0.25  # of one aspect, and between two lifts
HATCHES = ("", "//", "..", "xx", "++")


def plans(p: NeedsMarket) -> dict[str, dict[str, float]]:
    """Four ways to spend the budget: lifts in standard deviations by aspect, by the plan's name."""

    def only(kind):
        return {aspect: MOST for aspect, each in ASPECTS.items() if each == kind}

    return {
        words("needs.equal"): dict.fromkeys(ASPECTS, BUDGET / len(ASPECTS)),
        words("needs.delighters"): only("attractive"),
        words("needs.basics"): only("must-be"),
        words("needs.best"): best_lifts(p, BUDGET, STEP, MOST),
    }


def explore(p: NeedsMarket) -> Explorable:
    """Sliders for where service stands and for the lift of each aspect.

    Parameters
    ----------
    p : NeedsMarket
        Whose slopes and surprises are meant.
    """
    lifts = {each: slider(words("needs.lift", aspect=each), 0.5, 0.0, MOST, STEP) for each in ASPECTS}
    level = slider(words("needs.level"), 0.0, -1.0, 1.0, 0.5)
    return Explorable(
        lambda level, **lifts: draw(p.replace(level=level), lifts),
        {"level": level, **lifts},
        code=lambda level, **lifts: _code(level, lifts),
        note=lambda level, **lifts: told(p.replace(level=level), lifts),
    )


def _code(level: float, lifts: dict[str, float]) -> str:
    return f"theory.gain_of_lifts(design.preset(preset).parameters.replace(level={level}), {lifts})"


def told(p: NeedsMarket, lifts: dict[str, float]) -> str:
    """What the best plan is, and by how much `lifts` go over the budget."""
    best = best_lifts(p, BUDGET, STEP, MOST)
    says = words("needs.told", best=", ".join(f"{aspect} {each:g}" for aspect, each in best.items() if each))
    over = sum(lifts.values()) - BUDGET
    return f"{says} {words('needs.over', over=over)}" if over > 0 else says


def draw(p: NeedsMarket, lifts: dict[str, float]) -> tuple[Figure, str]:
    """The three kinds' half-lines, and what four plans and one's own gain."""
    yours = words("needs.yours", spent=sum(lifts.values()), budget=BUDGET)
    gains = {plan: gain_of_lifts(p, each) for plan, each in {**plans(p), yours: lifts}.items()}
    figure, (left, right) = subplots(1, 2, figsize=(9.6, 3.4), width_ratios=[1, 1.2])
    draw_kinds(left, p)
    bars = right.barh(list(gains), list(gains.values()), hatch=HATCHES)
    right.bar_label(bars, fmt="%.2f", padding=3)
    right.set(xlabel=words("needs.gain"), xlim=(0, max(2.6, 1.15 * max(gains.values()))))
    right.invert_yaxis()
    return figure, " ".join(words("needs.gains", plan=plan, gain=each) for plan, each in gains.items())


def draw_kinds(axes: Axes, p: NeedsMarket) -> None:
    """Draw what each kind of aspect adds to satisfaction by its surprise, and where service stands."""
    surprise, examples = np.linspace(-2, 2, 9), {kind: aspect for aspect, kind in ASPECTS.items()}
    for kind, look in looks(examples).items():
        axes.plot(surprise, worth(p, examples[kind], surprise), label=kind, **look)
    axes.axvline(p.level, color="grey", linestyle=":", label=words("needs.stands"))
    axes.set(xlabel=words("needs.surprise"), ylabel=words("needs.points"), ylim=(-1.6, 1.6))
    axes.legend(fontsize=8)
