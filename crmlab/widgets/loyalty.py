"""The loyalty explorable: move the link, the rivals or the survey's bias; watch estimate, truth and power."""

import numpy as np

from crmlab.plots import MARKERS, PALETTE, SERIES, subplots, truth_line
from crmlab.theories.loyalty import design, renewal_given_satisfaction
from crmlab.widgets.explorable import Explorable, power_curve, slider
from crmlab.words import words

SIZES = (50, 100, 200, 400, 800, 1600)


def explore(sims=100, seed=1):
    """Sliders for the market; pictures of the renewal curve, one cohort's estimates of H2, and its power.

    Parameters
    ----------
    sims : int
        Cohorts behind each point of the power curve.
    seed : int
    """

    def draw(**values):
        return draw_loyalty(sims, seed, **values)

    return Explorable(
        draw,
        {
            "attitude_to_renewal": slider(words("loyalty.slider_link"), 0.3, 0.0, 1.0, 0.05),
            "competition": slider(words("loyalty.slider_competition"), 0.0, -1.5, 1.5, 0.25),
            "rating_bias": slider(words("loyalty.slider_bias"), 0.0, 0.0, 1.5, 0.1),
            "n_customers": slider(words("loyalty.slider_customers"), 400, 50, 2000, 50),
        },
    )


def draw_loyalty(sims, seed, **values):
    """The three panels and their alt text for one setting of the sliders."""
    market = design.only("H2").replace(
        satisfaction_to_renewal=0.0, convexity=0.0, veteran_renewal=0.9, **values
    )
    tests = market.test(market.simulate(seed))
    figure, (curve, one, power) = subplots(
        1, 3, figsize=(10.2, 3.5), gridspec_kw={"width_ratios": [1, 0.9, 1.15]}
    )
    _draw_curve(curve, market.parameters)
    _draw_estimates(one, tests)
    table = power_curve(power, market, "H2", SIZES, sims, seed)
    power.set_title(words("loyalty.power"))
    power.tick_params(axis="x", labelrotation=35)
    figure.legend(*power.get_legend_handles_labels(), loc="outside lower right", ncols=3)
    here = table[table["n_customers"] == 400].set_index("estimator")["rejection_rate"]
    alt = words(
        "loyalty.explorable_alt",
        truth=tests["truth"].iloc[0],
        adjusted=tests["estimate"].iloc[0],
        naive=tests["estimate"].iloc[1],
        power=here["adjusted"],
        naive_power=here["naive"],
    )
    return figure, alt


def _draw_curve(axes, parameters):
    satisfaction = np.linspace(-2.5, 2.5, 61)
    for shift, name, colour in ((-1, "weak", PALETTE["sky"]), (1, "strong", PALETTE["blue"])):
        axes.plot(
            satisfaction,
            renewal_given_satisfaction(parameters, satisfaction, parameters.competition + shift),
            color=colour,
            label=words(f"loyalty.rivals_{name}"),
        )
    axes.set(
        ylim=(0, 1),
        xlabel=words("loyalty.satisfaction"),
        ylabel=words("loyalty.chance"),
        title=words("loyalty.curve"),
    )
    axes.legend(loc="lower right", fontsize=9)


def _draw_estimates(axes, tests):
    for at, (_, row) in enumerate(tests.iterrows()):
        axes.errorbar(
            row["estimate"],
            -at,
            xerr=[[row["estimate"] - row["low"]], [row["high"] - row["estimate"]]],
            marker=MARKERS[at],
            color=SERIES[at],
            capsize=3,
        )
    truth_line(axes, tests["truth"].iloc[0], words("design.estimand"), vertical=True)
    axes.axvline(0, color=PALETTE["grey"], linewidth=0.8)
    axes.set(
        xlim=(-0.15, 0.35),
        ylim=(-1.6, 0.6),
        xlabel=words("loyalty.points"),
        title=words("loyalty.one_cohort"),
    )
    axes.set_yticks([0, -1], list(tests["estimator"]))
    axes.legend(loc="lower right", fontsize=9)
