"""CRM systems, adoption, AI: which system, does anybody use it, and whom should it tell us to call?

Branches get the system in quarter 2, 4 or 6 or never, by rank of ``κ level + e`` (`mechanisms.rollout`).
Its users find it easy, E, and useful, U = .5 E + .87 e, and spend hours in it; asked twice they answer

    hours = b_U U + b_E E + e;   answer_k = U + mood_k + .5 e;   told = hours + mood_1 + .5 e

Others are invited to a training by lot, which makes the system easier; the zealous come uninvited and use it
more anyway (`mechanisms.training`). Judges share out weights ~ Dirichlet(12 · (.35, .30, .20, .15)) over four
criteria, on which vendor A scores (.30, -.25, .10, -.10) + lead more than B; the project's own team leans to
the first. Customers leave with the chance

    Φ(a + b r - T (t₀ + t₁ u)),   r, u ~ N(0, 1), correlation ρ

where T, a call, is drawn by lot and r and u are scores from an earlier pilot. Offers fit a segment or miss
it, by lot. A retention offer moves the share that leaves from p₀ to p₁; agents who may choose call those who
are easy to reach. All sizes are ours but the 6.4% and 10.0% (Ascarza, Iyengar & Schleicher 2016,
doi:10.1509/jmr.13.0483) and that ease counts little (Ma & Liu 2004, doi:10.4018/joeuc.2004010104).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from crmlab.design import (
    AtEdge,
    Cohort,
    Construct,
    Design,
    Diagram,
    Hypothesis,
    Parameters,
    correlation,
    count,
    effect,
    probit,
    share,
    spread,
)
from crmlab.estimators import (
    GroupTimeEffects,
    LeastSquares,
    PolicyValue,
    Propensity,
    SelfJudgedRule,
    ShareAmong,
    TwoStageLeastSquares,
)
from crmlab.mechanisms.judges import chance_of_reversal, draw_weights, lead_of
from crmlab.mechanisms.rollout import AFTER, adopters, by_branch, by_quarter, draw_branches
from crmlab.mechanisms.targeting import CALLED, draw_areas, draw_calls, draw_offers, draw_retained, saved_by
from crmlab.mechanisms.training import draw_training, gain_of_the_moved, useful_of

LIMIT = 0.10  # share of judges who may put B before A until A's lead is in doubt
ANSWER_ERROR = 0.5
ASCARZA = "Ascarza, Iyengar & Schleicher (2016)"


@dataclass(frozen=True)
class SystemsMarket(Parameters):
    """The truth of branches, users, judges and customers."""

    system: float = effect(0.3, "sd of branches' sales that the system adds in its first quarter")
    system_growth: float = effect(1.0, "share of that which each later quarter adds", low=-1, high=3)
    keenness: float = effect(1.0, "sd of the order of starting per sd of a branch's level", low=0)
    trend: float = effect(0.1, "sd of sales that each quarter adds in all branches", low=-1, high=1)
    usefulness: float = effect(0.4, "sd of hours per sd of usefulness")
    ease: float = effect(0.1, "sd of hours per sd of ease, usefulness held", source="Ma & Liu (2004): weak")
    mood: float = spread(0.5, "sd of the mood that colours one survey's answers")
    training: float = effect(0.8, "sd of ease that training adds for a user of average zeal")
    training_by_zeal: float = effect(-0.2, "sd of ease more per sd of zeal")
    zeal_to_training: float = probit(0.6, "probit units of coming per sd of zeal", low=0)
    zeal_to_hours: float = effect(0.3, "sd of hours per sd of zeal, trained or not")
    lead: float = effect(0.009, "points by which A scores more on every criterion", low=-1, high=1)
    leaning: float = share(0.1, "share of the project team's weights that goes to its own criterion")
    base: float = probit(-1.2, "probit of leaving of an average customer")
    risk: float = probit(0.6, "probit units of leaving per sd of risk score", low=0)
    call: float = probit(0.1, "probit units by which a call keeps an average customer")
    call_by_uplift: float = probit(0.35, "probit units more per sd of uplift score")
    risk_with_uplift: float = correlation(-0.2, "of the two scores")
    right_offer: float = effect(30.0, "yuan of profit with the right offer", low=-200, high=200)
    wrong_offer: float = effect(18.0, "yuan of profit with the wrong offer", low=-200, high=200)
    area: float = share(0.0, "share of branches' error rates that bad areas make")
    left_without: float = share(0.064, "share that leaves without an offer", source=ASCARZA)
    left_with: float = share(0.100, "share that leaves with it", source=ASCARZA)
    choosing: float = effect(0.5, "probit units of being called per sd of settledness", low=0)
    n_branches: int = count(60, "branches, half of which get the system", low=12, high=600)
    n_users: int = count(400, "users asked and logged; four times as many invited by lot", low=40)
    n_judges: int = count(200, "judges who share out 100 points, and as many in the team", low=10)
    n_customers: int = count(
        6000, "customers called or not by lot; a half get offers, a fifth others", low=500
    )


# The market ---------------------------------------------------------------------------------------------


def simulate_systems_market(p: SystemsMarket, streams: Mapping[str, Any]) -> Cohort:
    """Draw a cohort: a table for each of the questions, all drawn apart.

    ``quarters``, ``branches`` and ``adopters`` are of the same branches; ``users`` answered twice; those of
    ``training`` were invited by lot; ``judges`` share out points, and so does the project's ``team``.
    ``offers`` are offers that fit or miss by lot, ``areas`` branches with their error rates, ``retained``
    customers with and without a retention offer by lot, and ``chosen`` those whom agents called.
    """
    rollout = draw_branches(p.n_branches, p.system, p.system_growth, p.keenness, p.trend, streams["branches"])
    users, latent = _users(p, streams["users"])
    return Cohort(
        {
            "quarters": by_quarter(rollout["sales"]),
            "branches": by_branch(rollout["sales"]),
            "adopters": adopters(rollout["sales"]),
            "users": users,
            "training": lambda: draw_training(p, streams["training"]),
            "judges": lambda: _ranked(p, streams["judges"], 0.0),
            "team": lambda: _ranked(p, streams["team"], p.leaning),
            "calls": lambda: draw_calls(p, streams["calls"]),
            "offers": lambda: draw_offers(p, streams["offers"]),
            "areas": lambda: draw_areas(p, streams["areas"]),
            "retained": lambda: draw_retained(p, streams["retained"], by_lot=True),
            "chosen": lambda: draw_retained(p, streams["chosen"], by_lot=False),
        },
        truth={"level": rollout["level"]} | latent,
    )


def _users(p, rng):
    n = p.n_users
    ease = rng.standard_normal(n)
    useful = useful_of(ease, rng)
    hours = p.usefulness * useful + p.ease * ease + rng.standard_normal(n)
    moods = [p.mood * rng.standard_normal(n) for _ in range(2)]
    table = {"hours": hours, "told": hours + moods[0] + ANSWER_ERROR * rng.standard_normal(n)}
    for at, mood in enumerate(moods, start=1):
        for name, true in (("useful", useful), ("easy", ease)):
            table[f"{name}_{at}"] = true + mood + ANSWER_ERROR * rng.standard_normal(n)
    return table, {"usefulness": useful, "ease": ease}


def _ranked(p, rng, leaning):
    """Weights of judges, the lead of A under each, and whether B comes first."""
    weights = draw_weights(p.n_judges, rng, leaning=leaning)
    lead = lead_of(weights, p.lead)
    return weights | {"lead": lead, "reversed": (lead < 0) * 1.0, "one": np.ones(p.n_judges)}


# What is true, from the parameters alone ----------------------------------------------------------------


def effect_of_system(p: SystemsMarket) -> float:
    """What the system adds to a branch's sales in its first two quarters."""
    return p.system * (1 + p.system_growth * (AFTER - 1) / 2)


# The design ---------------------------------------------------------------------------------------------


def _logged(term):
    return {
        "logs, asked twice": TwoStageLeastSquares(
            "hours ~ useful_1 + easy_1",
            term,
            "users",
            "HC1",
            endogenous=("useful_1", "easy_1"),
            instruments=("useful_2", "easy_2"),
        ),
        "one survey": LeastSquares("told ~ useful_1 + easy_1", term, "users", covariance="HC1"),
    }


def _reversals(table):
    return ShareAmong("reversed", "one", table, null=LIMIT, direction="<")


LOT = Propensity(known="chance")
TENTHS = round(10 * CALLED)  # a rule learned by tenths calls no more customers than the two it is set against

hypotheses = [
    Hypothesis(
        "H1",
        "A CRM system raises a branch's sales in its first two quarters",
        ">",
        truth=effect_of_system,
        unit="sd of branches' sales",
        estimators={
            "group-time": GroupTimeEffects(
                "sales", "branch", "quarter", "start", "quarters", until=AFTER - 1
            ),
            "adopters less others": LeastSquares("sales ~ adopted", "adopted", "branches", "HC2"),
            "before and after": LeastSquares("change ~ 1", "Intercept", "adopters"),
        },
    ),
    Hypothesis(
        "H2a",
        "Who finds the system useful uses it more",
        ">",
        truth=lambda p: p.usefulness,
        unit="sd of hours per sd of usefulness",
        estimators=_logged("useful_1"),
    ),
    Hypothesis(
        "H2b",
        "Who finds it easy uses it more, usefulness held",
        ">",
        truth=lambda p: p.ease,
        unit="sd of hours per sd of ease",
        estimators=_logged("easy_1"),
    ),
    Hypothesis(
        "H2c",
        "Who is trained uses it more, through ease and usefulness",
        ">",
        truth=gain_of_the_moved,
        unit="sd of hours, of those whom an invitation brings to the training",
        estimators={
            "invited by lot": TwoStageLeastSquares(
                "hours ~ trained",
                "trained",
                "training",
                "HC1",
                endogenous=("trained",),
                instruments=("invited",),
            ),
            "trained less others": LeastSquares("hours ~ trained", "trained", "training", "HC2"),
        },
    ),
    Hypothesis(
        "H3",
        "The winner holds: fewer than a tenth of the judges put B before A",
        "<",
        null=LIMIT,
        truth=lambda p: chance_of_reversal(p.lead),
        unit="share of judges",
        estimators={"judges by lot": _reversals("judges"), "the project's team": _reversals("team")},
    ),
    Hypothesis(
        "H4",
        "Calling by uplift keeps more customers than calling by risk",
        ">",
        truth=lambda p: saved_by(p, "uplift") - saved_by(p, "risk"),
        unit="customers per 100",
        estimators={
            "new lot": PolicyValue("stayed", "called", LOT, "calls", rule="by_uplift", against="by_risk"),
            "stayed after a call": LeastSquares("credited ~ 1", "Intercept", "calls"),
            "judged where learnt": SelfJudgedRule(
                "stayed", "called", LOT, "calls", cells="tenth", against="by_risk", most=TENTHS
            ),
        },
    ),
    Hypothesis(
        "H5",
        "Putting customers in the wrong segment costs profit",
        "<",
        truth=lambda p: -(p.right_offer - p.wrong_offer) / 10,
        unit="yuan a customer per 10 points of error",
        estimators={
            "offers by lot": LeastSquares("profit ~ tens_wrong", "tens_wrong", "offers", "HC2"),
            "branches": LeastSquares("profit ~ tens_wrong", "tens_wrong", "areas", "HC2"),
        },
    ),
    Hypothesis(
        "H6",
        "A retention offer lowers the share that leaves",
        "<",
        truth=lambda p: p.left_with - p.left_without,
        unit="share of customers",
        estimators={
            "by lot": LeastSquares("left ~ offered", "offered", "retained", "HC2"),
            "agents choose": LeastSquares("left ~ offered", "offered", "chosen", "HC2"),
        },
    ),
]

NO_TRAP: dict[str, str] = {}  # hypotheses whose naive analysis the trap does not fool

NOTHING: dict[str, Any] = {
    "system": 0.0,
    "system_growth": 0.0,
    "usefulness": 0.0,
    "ease": 0.0,
    "lead": AtEdge("H3", (-0.1, 0.2)),
    "call": 0.0,
    "call_by_uplift": 0.0,
    "risk_with_uplift": 0.0,
    "right_offer": 20.0,
    "wrong_offer": 20.0,
    "left_without": 0.08,
    "left_with": 0.08,
}

design = Design(
    name="crm_systems",
    title="CRM systems, adoption, AI",
    claim="Choose the right CRM system, let it score customers, and sales and loyalty rise.",
    parameters=SystemsMarket(),
    presets={
        "null": NOTHING
        | {
            "keenness": 0.0,
            "trend": 0.0,
            "mood": 0.0,
            "zeal_to_training": 0.0,
            "zeal_to_hours": 0.0,
            "leaning": 0.0,
            "risk": 0.0,
            "choosing": 0.0,
        },
        "literature": {},
        "claim": {
            "system": 0.6,
            "system_growth": 0.5,
            "keenness": 0.5,
            "usefulness": 0.5,
            "ease": 0.4,
            "mood": 0.3,
            "training": 1.0,
            "leaning": 0.0,
            "lead": 0.0946,
            "call": 0.15,
            "call_by_uplift": 0.6,
            "risk_with_uplift": -0.5,
            "right_offer": 40.0,
            "wrong_offer": 5.0,
            "left_without": 0.10,
            "left_with": 0.064,
        },
        "trap": NOTHING
        | {
            "keenness": 1.5,
            "trend": 0.25,
            "mood": 0.8,
            "zeal_to_training": 1.0,
            "zeal_to_hours": 0.6,
            "leaning": 0.2,
            "risk": 1.2,
            "area": 0.8,
            "choosing": 0.8,
        },
    },
    model=simulate_systems_market,
    hypotheses=hypotheses,
    batched=True,
    constructs={
        "system": Construct("the system", "That a branch works with the CRM system."),
        "level": Construct("a branch's level", "What a branch sells anyway."),
        "sales": Construct("sales", "Of a branch in a quarter."),
        "usefulness": Construct("usefulness", "How much the system helps users in their work."),
        "ease": Construct("ease", "How little effort the system takes."),
        "invitation": Construct("invitation", "To a course on the system, by lot."),
        "training": Construct("training", "That a user came to a course on the system."),
        "zeal": Construct("zeal", "How much a user cares to do his work well, trained or not."),
        "hours": Construct("hours", "That a user is logged in the system, in standard deviations."),
        "risk": Construct("risk", "How likely a customer is to leave if nobody calls."),
        "uplift": Construct("uplift", "By how much a call lowers the chance of leaving."),
    },
    diagram=Diagram(
        nodes={
            "level": (0.3, 1.0),
            "system": (0.05, 0.78),
            "sales": (0.6, 0.78),
            "zeal": (0.4, 0.52),
            "invitation": (0.0, 0.02),
            "training": (0.0, 0.27),
            "ease": (0.4, 0.27),
            "usefulness": (0.65, 0.02),
            "hours": (0.95, 0.27),
        },
        arrows=[
            ("level", "system"),
            ("level", "sales"),
            ("system", "sales"),
            ("invitation", "training"),
            ("zeal", "training"),
            ("zeal", "hours"),
            ("training", "ease"),
            ("ease", "usefulness"),
            ("ease", "hours"),
            ("usefulness", "hours"),
        ],
        latent=("level", "zeal", "ease", "usefulness"),
    ),
)
