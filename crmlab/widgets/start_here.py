"""The first explorable: move the effect and the targeting; watch estimates, truth and power."""

from crmlab.plots import SERIES, subplots, truth_line
from crmlab.theories.start_here import design
from crmlab.widgets.explorable import Explorable, power_curve, slider
from crmlab.words import words

SIZES = (25, 50, 100, 200, 400, 800)


def explore(sims=200, seed=1):
    """Sliders for the effect of contact and for targeting.

    Parameters
    ----------
    sims : int
        Cohorts behind each picture.
    seed : int
    """

    def draw(**values):
        return draw_contact(sims, seed, **values)

    return Explorable(
        draw,
        {
            "contact_effect": slider(words("start.slider_effect"), 0.2, 0.0, 0.6, 0.05),
            "targeting": slider(words("start.slider_targeting"), 0.0, 0.0, 0.9, 0.05),
        },
    )


def draw_contact(sims, seed, **values):
    """Histograms of the estimates, and power, with their alt text."""
    market = design.replace(**values)
    found = market.diagnose(sims=sims, seed=seed)
    figure, (spread, power) = subplots(1, 2, figsize=(9.2, 3.4))
    for at, (name, rows) in enumerate(found.simulations.groupby("estimator", sort=False)):
        spread.hist(rows["estimate"], bins=24, alpha=0.55, color=SERIES[at], label=name)
    truth_line(spread, market.parameters.contact_effect, words("design.estimand"), vertical=True)
    spread.set(
        xlabel=words("start.estimate"),
        ylabel=words("start.cohorts"),
        xlim=(-0.4, 1.1),
        title=words("start.estimates", sims=sims, customers=market.parameters.n_customers),
    )
    spread.legend()
    table = power_curve(power, market, "H1", SIZES, sims // 2, seed)
    power.set_title(words("start.power"))
    power.legend(loc="center right")
    at_200 = table[table["n_customers"] == 200].set_index("estimator")["rejection_rate"]
    alt = words(
        "start.alt",
        truth=market.parameters.contact_effect,
        adjusted=found.row("H1")["mean_estimate"],
        naive=found.row("H1", "naive")["mean_estimate"],
        power=at_200["adjusted"],
        naive_power=at_200["naive"],
    )
    return figure, alt
