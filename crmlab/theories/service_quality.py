"""Service quality: what makes a call good, what a sale cannot do without, and how much who answers matters.

Two tables. In ``survey`` something extra is delivered by lot (D), expectations E were asked beforehand, a
listener hears the call, and one customer rates what was perceived, Q, and how satisfied she is, S:

    Q = a D + .6 W + κ E + μ M + .5 e,     S = b Q + c D − ω E + μ M + .7 e,     heard = a D + .6 W + .5 e

W is the care taken anyway, M the customer's mood. In ``calls``, agents of skill A show five behaviours
``B_k = .5 A + √.75 e``, which the listener codes and customers rate with a halo, ``B_k + h M``:

    judgement  = Σ γ_k B_k + s A + μ M + .7 e
    sale       : chance Φ(β + θ x), times 1 − strict if the enthusiasm x is below −1
    resolution = f(talk) + type + style + match·[style fits type] − .4 hard + s A + e
    rating     = √icc A + .3 mix + √(1 − icc) e

f is the reward of the agent's share of the talk: an arch ``−bend (talk − peak)²`` and a rise that ends where
three parts in ten are the agent's. Agents are on a rota of full, two thirds and one third time.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from crmlab.design import (
    AtEdge,
    Cohort,
    Construct,
    Design,
    Diagram,
    Hypothesis,
    Parameters,
    count,
    effect,
    positive,
    probit,
    share,
)
from crmlab.design.streams import Streams
from crmlab.estimators import (
    Combination,
    IntraclassCorrelation,
    LeastSquares,
    NecessaryCondition,
    Product,
    Reversed,
    ShareAmong,
    TwoStageLeastSquares,
    Weakest,
    Within,
)
from crmlab.mechanisms import calls as desk
from crmlab.mechanisms.normal import nodes_beside

BEHAVIOURS = ["promises", "knowledge", "enthusiasm", "empathy", "calm"]
QUIET = -1.0  # standard deviations of enthusiasm: below it a call counts as without
LEAK = 0.05  # of quiet calls that end in a sale: below it "certain failure" is called true
DIFFERENT = 0.02  # share of the variance between agents from which on they differ
POINTS = "points per point"


@dataclass(frozen=True)
class ServiceMarket(Parameters):
    """The market's truth. Scales have residual standard deviations of about 1 point."""

    delivered_to_perceived: float = effect(0.50, "points of perceived quality for the extra")
    perceived_to_satisfaction: float = effect(
        0.50, POINTS, source="positive: Cronin & Taylor (1992); size ours"
    )
    delivered_to_satisfaction: float = effect(0.10, "points for the extra, whatever is perceived")
    expectation_to_perceived: float = effect(0.20, "points of perceived quality per sd of expectation")
    expectation_weight: float = effect(0.10, "points of satisfaction that an sd of expectation takes")
    mood_effect: float = effect(0.30, "points in everything that one customer is asked, per sd of mood")
    halo: float = effect(0.40, "sd by which mood lifts a customer's rating of each behaviour")
    promises: float = effect(0.15, "points of judgement per sd")
    knowledge: float = effect(0.25, "points of judgement per sd")
    enthusiasm: float = effect(0.20, "points of judgement per sd")
    empathy: float = effect(0.20, "points of judgement per sd")
    calm: float = effect(0.15, "points of judgement per sd")
    skill_effect: float = effect(0.30, "points per sd of an agent's skill, beside the behaviours")
    sale_base: float = probit(-0.60)
    sale_slope: float = probit(0.50, "probit units per sd of enthusiasm")
    strict: float = share(0.0, "share of the sales of quiet calls that fail for want of enthusiasm")
    peak: float = share(0.28, "agent's share of the talk at which the arch is highest", low=0.1, high=0.6)
    bend: float = positive(9.0, "points per squared share of the talk", low=0.0, high=40.0)
    rise: float = effect(0.0, "points by which talk helps until three parts in ten", low=0.0, high=5.0)
    match: float = effect(0.30, "points of resolution where style fits type")
    upset_effect: float = effect(-0.50, "points of resolution of upset callers against demanding ones")
    icc: float = share(0.08, "share of the variance of ratings that lies between agents", high=0.9)
    mix_effect: float = effect(0.30, "points of rating per sd of the case mix")
    sorting: float = share(0.0, "correlation of a call's case mix with its agent's", high=0.99)
    n_agents: int = count(30, "agents", low=5, high=500)
    n_customers: int = count(1500, "calls, and customers surveyed", low=60)


def sale_chance(p: ServiceMarket, enthusiasm: np.ndarray) -> np.ndarray:
    """Chance of a sale at an enthusiasm in standard deviations, shape as `enthusiasm`."""
    chance = ndtr(p.sale_base + p.sale_slope * np.asarray(enthusiasm))
    return chance * (1 - p.strict * (np.asarray(enthusiasm) < QUIET))


def simulate_service(p: ServiceMarket, streams: Streams) -> Cohort:
    """Draw a cohort: ``survey``, one row a customer, and ``calls``, one row a call."""
    n, agent = p.n_customers, desk.rota(p.n_customers, p.n_agents)
    agents = streams["agents"]
    skill, own_mix = (agents.standard_normal(p.n_agents)[..., agent] for _ in range(2))
    mood = streams["moods"].standard_normal(n)
    calls = {"agent": agent} | _behaviours(p, streams["behaviours"], n, skill, mood)
    calls |= _talk(p, streams["talk"], n, skill)
    rng = streams["ratings"]
    mix = p.sorting * own_mix + np.sqrt(1 - p.sorting**2) * rng.standard_normal(n)
    rating = np.sqrt(p.icc) * skill + p.mix_effect * mix + np.sqrt(1 - p.icc) * rng.standard_normal(n)
    calls |= {"mix": mix, "rating": rating}
    return Cohort(
        {"survey": lambda: _survey(p, streams["survey"]), "calls": calls}, {"skill": skill, "mood": mood}
    )


def _survey(p, rng):
    n = p.n_customers
    expected, care, mood, first, second, third = (rng.standard_normal(n) for _ in range(6))
    delivered = (rng.random(n) < 0.5) * 1.0
    heard = p.delivered_to_perceived * delivered + 0.6 * care
    perceived = heard + p.expectation_to_perceived * expected + p.mood_effect * mood + 0.5 * first
    satisfaction = (
        p.perceived_to_satisfaction * perceived
        + p.delivered_to_satisfaction * delivered
        - p.expectation_weight * expected
        + p.mood_effect * mood
        + 0.7 * second
    )
    return {
        "delivered": delivered,
        "expected": expected,
        "perceived": perceived,
        "heard": heard + 0.5 * third,
        "satisfaction": satisfaction,
    }


def _behaviours(p, rng, n, skill, mood):
    coded = {name: 0.5 * skill + np.sqrt(0.75) * rng.standard_normal(n) for name in BEHAVIOURS}
    judged = sum(getattr(p, name) * values for name, values in coded.items())
    judged = judged + p.skill_effect * skill + p.mood_effect * mood + 0.7 * rng.standard_normal(n)
    enthusiasm = coded["enthusiasm"]
    sale = (rng.random(n) < sale_chance(p, enthusiasm)) * 1.0
    rated = {f"rated_{name}": values + p.halo * mood for name, values in coded.items()}
    return coded | rated | {"judgement": judged, "sale": sale, "quiet": (enthusiasm < QUIET) * 1.0}


def _talk(p, rng, n, skill):
    """Types, styles, shares of the talk, and how well the caller's problem is resolved."""
    kind, style = desk.types_and_styles(rng, n, skill)
    talk, hard = desk.talk_shares(rng, n)
    matched = (style == kind) * 1.0
    resolution = (
        desk.talk_reward(talk, p.peak, p.bend, p.rise)
        + p.upset_effect * np.array([0.0, 0.4, 1.0])[kind]
        + np.array([0.1, 0.0, -0.1])[style]
        + p.match * matched
        - 0.4 * hard
        + p.skill_effect * skill
        + rng.standard_normal(n)
    )
    seen = {name: (kind == at) * 1.0 for at, name in enumerate(desk.TYPES)}
    seen |= {name: (style == at) * 1.0 for at, name in enumerate(desk.STYLES)}
    seen |= {"talk": talk, "hard": hard, "matched": matched, "resolution": resolution}
    return seen | desk.two_sides(talk)


# What is true, from the parameters alone ---------------------------------------------------------------


def indirect_effect(p: ServiceMarket) -> float:
    """Points of satisfaction that the extra brings through what is perceived of it."""
    return p.delivered_to_perceived * p.perceived_to_satisfaction


def weakest_behaviour(p: ServiceMarket) -> float:
    """Points of judgement per standard deviation of the behaviour that counts least."""
    return min(getattr(p, name) for name in BEHAVIOURS)


def quiet_sales(p: ServiceMarket) -> float:
    """The share of quiet calls that end in a sale."""
    points, masses = nodes_beside(QUIET)
    quiet = points < QUIET
    return float(masses[quiet] @ sale_chance(p, points[quiet]) / masses[quiet].sum())


def weaker_side(p: ServiceMarket) -> float:
    """The smaller of the rise before and the fall after three in ten: above 0 if there is an inverted U."""
    before, after = desk.talk_slopes(p.peak, p.bend, p.rise)
    return min(before, -after)


# The design ---------------------------------------------------------------------------------------------

SATISFIED = "satisfaction ~ perceived + delivered + expected"
LINES = "resolution ~ below + above + past + hard + hard:past"
ARCH = "resolution ~ talk + I(talk ** 2) + hard"


def instrumented(term: str) -> TwoStageLeastSquares:
    """A coefficient of satisfaction, with what a listener heard as the instrument of what was perceived."""
    return TwoStageLeastSquares(SATISFIED, term, "survey", endogenous=("perceived",), instruments=("heard",))


def behaviours(estimator: type, **options) -> Weakest:
    """The weakest of the five behaviours as a listener codes them."""
    text = f"judgement ~ {' + '.join(BEHAVIOURS)}"
    return Weakest([estimator(text, name, table="calls", **options) for name in BEHAVIOURS])


def end_slope(talk: float) -> Combination:
    """The fitted parabola's slope in points per tenth of the call at one share of the talk."""
    parabola = LeastSquares(ARCH, "talk", table="calls", covariance="HC1")
    return Combination(parabola, lambda b: (b["talk"] + 2 * talk * b["I(talk ** 2)"]) / 10)


def side(term: str) -> LeastSquares:
    """The slope of one of two separate lines."""
    return LeastSquares(LINES, term, "calls", "HC1")


by_lot = LeastSquares("perceived ~ delivered", "delivered", table="survey")
MATCHED = f"resolution ~ matched + {' + '.join(desk.TYPES[1:] + desk.STYLES[1:])}"

hypotheses = [
    Hypothesis(
        "H1",
        "What is delivered satisfies through what is perceived of it",
        ">",
        truth=indirect_effect,
        unit="points of satisfaction for the extra",
        estimators={
            "lot and listener": Product(by_lot, instrumented("perceived")),
            "one respondent": Product(by_lot, LeastSquares(SATISFIED, "perceived", table="survey")),
        },
    ),
    Hypothesis(
        "H2",
        "Each of the five behaviours makes a call better",
        ">",
        truth=weakest_behaviour,
        unit="points of judgement per sd of the weakest",
        estimators={
            "coded, within agents": behaviours(Within, unit="agent", covariance="nonrobust"),
            "ratings, one by one": Weakest(
                [
                    LeastSquares(f"judgement ~ rated_{name}", f"rated_{name}", table="calls")
                    for name in BEHAVIOURS
                ]
            ),
            "coded, all calls": behaviours(LeastSquares),
        },
    ),
    Hypothesis(
        "H3",
        "Without enthusiasm there is no sale: fewer than 5 in 100 quiet calls",
        "<",
        truth=quiet_sales,
        null=LEAK,
        unit="share of quiet calls that end in a sale",
        estimators={
            "counterexamples": ShareAmong("sale", "quiet", table="calls", null=LEAK),
            "permutation (NCA)": NecessaryCondition("enthusiasm", "sale", "quiet", table="calls"),
        },
    ),
    Hypothesis(
        "H4",
        "Three parts in ten: below it more talk by the agent helps, above it hurts",
        ">",
        truth=weaker_side,
        unit="points of resolution per tenth of the call, on the weaker side",
        estimators={
            "two lines": Weakest([side("below"), Reversed(side("above"))]),
            "parabola": Weakest([end_slope(desk.FIRST), Reversed(end_slope(desk.LAST))]),
        },
    ),
    Hypothesis(
        "H5",
        "A style that fits the caller's type resolves more",
        ">",
        truth=lambda p: p.match,
        unit="points of resolution",
        estimators={
            "types, styles and agents held": Within(
                MATCHED, "matched", table="calls", unit="agent", covariance="nonrobust"
            ),
            "matched or not": LeastSquares("resolution ~ matched", "matched", table="calls"),
        },
    ),
    Hypothesis(
        "H6",
        "Who answers matters: agents differ by more than 2% of the variance",
        ">",
        truth=lambda p: p.icc,
        null=DIFFERENT,
        unit="share of the variance of ratings",
        estimators={
            "case mix held": IntraclassCorrelation("rating ~ mix", "agent", table="calls", null=DIFFERENT),
            "as they come": IntraclassCorrelation("rating ~ 1", "agent", table="calls", null=DIFFERENT),
        },
    ),
    Hypothesis(
        "H7",
        "Customers subtract what they expected from what they perceive",
        "<",
        truth=lambda p: -p.expectation_weight,
        unit="points of satisfaction per sd of expectation",
        estimators={
            "weight of expectation": instrumented("expected"),
            "gap score": LeastSquares(
                "satisfaction ~ I(expected - perceived)", "I(expected - perceived)", "survey"
            ),
        },
    ),
]

NOTHING = {
    "perceived_to_satisfaction": 0.0,
    "expectation_weight": 0.0,
    "calm": 0.0,
    "bend": 0.0,
    "rise": 2.0,
    "match": 0.0,
    "icc": DIFFERENT,
}
NO_TRAP: dict[str, str] = {}  # each false claim has a naive analysis that the trap fools

design = Design(
    name="service_quality",
    title="Service quality",
    claim="A service is what the customer perceives: five behaviours make it, none of it sells without "
    "enthusiasm, and three parts of ten are the agent's to say.",
    parameters=ServiceMarket(),
    presets={
        "null": NOTHING | {"strict": AtEdge("H3", (0.0, 1.0))},
        "literature": {},
        "claim": {
            "perceived_to_satisfaction": 0.7,
            "expectation_weight": 0.3,
            "promises": 0.3,
            "knowledge": 0.4,
            "enthusiasm": 0.4,
            "empathy": 0.4,
            "calm": 0.3,
            "strict": 0.89,
            "peak": desk.PLACE,
            "bend": 14.0,
            "match": 0.5,
            "icc": 0.15,
        },
        "trap": NOTHING
        | {
            "mood_effect": 0.6,
            "halo": 0.8,
            "skill_effect": 1.0,
            "sale_slope": 1.0,
            "sale_base": AtEdge("H3", (-3.0, 1.0)),
            "upset_effect": -1.0,
            "sorting": 0.8,
        },
    },
    model=simulate_service,
    hypotheses=hypotheses,
    batched=True,
    constructs={
        "delivered": Construct(
            "extra delivered", "1 where the lot gave the customer something extra, else 0."
        ),
        "perceived": Construct(
            "perceived quality", "How good the customer says that the service was, in points."
        ),
        "expected": Construct(
            "expectation", "How good the customer said beforehand that it would be, in sd."
        ),
        "heard": Construct(
            "heard by a listener", "How good somebody else finds the recorded call, in points."
        ),
        "satisfaction": Construct("satisfaction", "How satisfied the customer says she is, in points."),
        "enthusiasm": Construct("enthusiasm", "How lively the agent is, as a listener codes it, in sd."),
        "talk": Construct("agent's share of the talk", "The part of the call's speech that is the agent's."),
        "resolution": Construct("resolution", "How far the caller's problem is solved, in points."),
        "rating": Construct("rating", "What the caller gives the call afterwards, in points."),
        "mix": Construct("case mix", "How easy the caller's case is to please, in sd."),
        "care": Construct("care", "How well the rest of the call is done; nobody measures it."),
        "mood": Construct("mood", "How kindly a customer answers whatever she is asked; nobody measures it."),
    },
    diagram=Diagram(
        nodes=dict(delivered=(0.02, 0.5), perceived=(0.42, 0.5), satisfaction=(0.9, 0.5))
        | dict(mood=(0.68, 1.0), expected=(0.3, 1.0), care=(0.72, 0.0), heard=(0.32, 0.0)),
        arrows=[(cause, "perceived") for cause in ("delivered", "expected", "care", "mood")]
        + [(cause, "satisfaction") for cause in ("delivered", "perceived", "expected", "mood")]
        + [(cause, "heard") for cause in ("delivered", "care")],
        latent=("care", "mood"),
    ),
)
