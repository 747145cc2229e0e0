"""Draw the README's picture: python .github/picture.py."""

from pathlib import Path

import numpy as np

from crmlab.plots import HEADLINE, MARKERS, NAIVE, TRUTH, subplots, use_style
from crmlab.theories.loyalty import design

SHOWN = 40  # cohorts in the left panel
PRESETS = {
    "null": "null\n(no link)",
    "literature": "literature",
    "claim": "claim",
    "trap": "trap\n(no link,\nbiased survey)",
}
NAMES = {"naive": "naive regression", "adjusted": "adjusted regression"}
COLOURS = {"naive": NAIVE, "adjusted": HEADLINE}


def main():
    """Write ``.github/picture.png``."""
    diagnosis = design.only("H2").vary(preset=list(PRESETS)).diagnose(sims=2000, seed=1)
    use_style()
    figure, (left, right) = subplots(1, 2, figsize=(10.5, 4.2), width_ratios=[1.2, 1])
    intervals(left, diagnosis.simulations)
    rates(right, diagnosis.table)
    figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    figure.savefig(Path(__file__).with_suffix(".png"), dpi=150, metadata={"Software": None})


def intervals(axes, simulations):
    """What each of many cohorts from the trap makes an analyst believe."""
    trap = simulations[simulations["preset"] == "trap"]
    truth = trap["estimand"].iloc[0]
    order = trap[trap["estimator"] == "naive"].iloc[:SHOWN].sort_values("estimate")["simulation"]
    for estimator, shift in zip(NAMES, (-0.2, 0.2)):
        rows = trap[trap["estimator"] == estimator].set_index("simulation").loc[order]
        at = np.arange(SHOWN) + shift
        axes.vlines(at, 100 * rows["low"], 100 * rows["high"], color=COLOURS[estimator], linewidth=1.5)
        axes.plot(at, 100 * rows["estimate"], ".", color=COLOURS[estimator], markersize=5)
    axes.axhline(100 * truth, color=TRUTH, linewidth=1.5)
    axes.annotate("the truth", (SHOWN + 0.3, 100 * truth), va="center", annotation_clip=False)
    axes.set_xlim(-1, SHOWN)
    axes.set_xticks([])
    axes.set_title("In the trap satisfaction does nothing. What analysts find:")
    axes.set_xlabel(f"{SHOWN} cohorts of {design.parameters.n_customers} customers, 95% intervals")
    axes.set_ylabel("effect on renewal, percentage points")


def rates(axes, table):
    """How often the null hypothesis is rejected in worlds where we know whether it should be."""
    for number, (estimator, shift) in enumerate(zip(NAMES, (-0.08, 0.08))):
        rows = table[table["estimator"] == estimator].set_index("preset").loc[list(PRESETS)]
        axes.errorbar(
            np.arange(len(rows)) + shift,
            rows["rejection_rate"],
            1.96 * rows["rejection_rate_mcse"],
            fmt=MARKERS[number],
            color=COLOURS[estimator],
            label=NAMES[estimator],
            capsize=3,
        )
    axes.axhline(0.05, color=TRUTH, linestyle=":", linewidth=1.2, label="5%: right where there is no link")
    axes.set_xticks(range(len(PRESETS)), PRESETS.values())
    axes.set_xlim(-0.5, len(PRESETS) - 0.5)
    axes.set_ylim(-0.03, 1.05)
    axes.yaxis.set_major_formatter("{x:.0%}")
    axes.set_title("“It brings customers back”: how often found")


if __name__ == "__main__":
    main()
