"""Customer lifecycle: from prospect to loyal customer to lost one, and back?

Each month a customer is in one of five stages (source s4's list): prospect, first purchase, repeat, loyal,
lapsed. Moves up or down the ladder follow an ordered logit with thresholds for each stage,

    P(advance | stage) = Λ(up_stage + z),   P(advance or stay | stage) = Λ(keep_stage + z)
    z = heavy·G + contact_lift·C + match_lift·M + memory·U

G: a heavy user of the category; C: contacted this month; M: contacted with what is made for the stage; U:
moved up a step last month. To advance from loyal is to stay loyal; who does not slips to repeat, or lapses. A
lapsed customer comes back, to repeat, with chance Λ(win_back + heavy·G + lapse_time·(months lapsed - 1)).

Half of the customers use the firm's app. Nobody sees whether they are active or dormant there; visits are
Poisson, with a rate for each state. By the growth curve a relationship is introduced in its first three
months, grows, matures, and declines in its last three of twelve: active in the middle six. What customers do:

    P(active next | now) = Λ(enter or stay, by the state now, ± curve_pull),   + where the curve says active,

after Netzer, Lattin & Srinivasan (2008, doi:10.1287/mksc.1070.0294), with two states in place of their three.
With `visit_spread` s > 0 users differ: each one's rates are multiplied by a number of their own, gamma
distributed with mean 1 and standard deviation s, which the hidden Markov model of the lesson does not know.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import expit

from crmlab.design import (
    AtEdge,
    Cohort,
    Construct,
    Design,
    Diagram,
    Estimate,
    Hypothesis,
    Parameters,
    Tables,
    count,
    logit,
    positive,
    share,
    spread,
)
from crmlab.design.streams import Streams
from crmlab.errors import InputError
from crmlab.estimators import LeastSquares, LogisticRegression
from crmlab.mechanisms.counts import poisson_counts
from crmlab.mechanisms.ladder import Ladder, walk
from crmlab.mechanisms.stages import (
    LAPSED,
    LOYAL,
    MONTHS,
    counted,
    ladder_table,
    lapses_table,
    long_table,
    months_table,
)
from crmlab.models.hidden_markov import HiddenMarkov, fit_hidden_markov

START = (0.40, 0.25, 0.20, 0.15)  # shares of the stages when observation begins; nobody has lapsed yet
CURVE = np.repeat([0, 1, 1, 0], MONTHS // 4)  # introduction, growth, maturity, decline: 1 is active
CURVE_SIGN = 2 * CURVE[1:, None] - 1  # of the month that a move leads to, one row a move
MEMORY_MARGIN = 0.4  # log-odds: a chance of 20% becomes 27%; less than that a planner may leave out
TOLERATED = 0.25  # share of months in the wrong stage that a manager might put up with
ADVANCE = "logit units of a month's chance to advance"
KEEP = "logit units of a month's chance to advance or stay"


@dataclass(frozen=True)
class Relationships(Parameters):
    """The truth of a customer base on its way through the stages."""

    up_prospect: float = logit(-1.9, ADVANCE, high=2)
    up_first: float = logit(-1.2, ADVANCE, high=2)
    up_repeat: float = logit(-1.4, ADVANCE, high=2)
    up_loyal: float = logit(1.2, ADVANCE)
    keep_first: float = logit(1.3, KEEP, low=-5, high=8)
    keep_repeat: float = logit(1.9, KEEP, low=-5, high=8)
    keep_loyal: float = logit(2.8, KEEP, low=-5, high=8)
    win_back: float = logit(-1.3, "logit units of the chance to be back after a month of lapse", high=2)
    heavy_share: float = share(0.40, low=0.05, high=0.95)
    heavy: float = logit(0.5, "logit units by which heavy users do better", low=-3, high=3)
    memory: float = logit(
        0.10, "logit units after a move up last month", low=-2, high=2, source="little: the claim; size ours"
    )
    contact_share: float = share(0.50, "share of months with a contact", low=0.05, high=0.95)
    contact_lift: float = logit(
        0.15, low=-2, high=2, source="positive: after Netzer et al. (2008); size ours"
    )
    match_lift: float = logit(
        0.25, "logit units beyond any contact's", low=-2, high=2, source="positive: the claim; size ours"
    )
    targeting: float = logit(0.0, "logit units by which heavy users rather get the matched contact")
    lapse_time: float = logit(
        -0.12, "logit units a further month of lapse", low=-2, high=2, source="negative: the claim; size ours"
    )
    start_active: float = logit(-0.5, "logit units, first month", low=-5, high=5)
    enter: float = logit(-1.1, "logit units, dormant the month before", low=-5, high=5)
    stay: float = logit(1.1, "logit units, active the month before", low=-5, high=5)
    curve_pull: float = logit(0.3)
    visits_dormant: float = positive(0.4, "visits a month", low=0.02, high=20)
    visits_active: float = positive(2.5, "visits a month", low=0.05, high=50)
    visit_spread: float = spread(0.0, "sd of users' own multiple of both rates", low=0, high=2)
    n_customers: int = count(500, low=50, high=100_000)

    def __post_init__(self):
        super().__post_init__()
        for stage in ("first", "repeat", "loyal"):
            up, keep = getattr(self, f"up_{stage}"), getattr(self, f"keep_{stage}")
            if keep <= up:
                raise InputError(
                    f"keep_{stage} is {keep} and up_{stage} {up}; keeping a customer includes advancing one, "
                    "so it must be the larger"
                )
        if self.visits_active <= self.visits_dormant:
            raise InputError(
                f"visits_active is {self.visits_active} and visits_dormant {self.visits_dormant}; "
                "the active visit more often"
            )

    @property
    def up(self) -> np.ndarray:
        """Of P(advance), in logit units, by stage of the ladder."""
        return np.array([self.up_prospect, self.up_first, self.up_repeat, self.up_loyal])

    @property
    def keep(self) -> np.ndarray:
        """Of P(advance or stay), in logit units; a prospect cannot lapse."""
        return np.array([np.inf, self.keep_first, self.keep_repeat, self.keep_loyal])


# The market ---------------------------------------------------------------------------------------------


def simulate_lifecycle(p: Relationships, streams: Streams) -> Cohort:
    """Draw a cohort.

    ``months``: a row a customer and month; ``ladder`` and ``lapses``: the same months from the second on,
    counted by what is known of them; ``visits``: a row an app user and month; ``app_users``: a row a user.
    """
    n = p.n_customers
    chance = streams["customers"].random((2, n))
    heavy = (chance[..., 0, :] < p.heavy_share) * 1
    place = 2 * np.digitize(chance[..., 1, :], np.cumsum(START)[:-1])
    codes, outcomes = walk(ladders(p), heavy, place, streams["moves"].random((2, MONTHS, n)))
    counts = counted(codes[1:], outcomes[1:])
    visits, active = _draw_visits(p, streams, n // 2)
    return Cohort(
        tables={
            "months": lambda: months_table(np.stack(codes, -1), np.stack(outcomes, -1)),
            "ladder": lambda: ladder_table(counts),
            "lapses": lambda: lapses_table(counts),
            "visits": lambda: long_table({"visits": visits}, "app_user"),
            "app_users": lambda: {"share_off_curve": ((visits > 0) != CURVE).mean(-1)},
        },
        truth={"active": active},
    )


def _draw_visits(p, streams, users):
    """Visits and hidden states of app users, each of shape (..., users, months)."""
    rng = streams["visits"]
    chance = rng.random((MONTHS, users))
    rates = p.visits_dormant, p.visits_active
    if p.visit_spread:  # rates that differ cannot be given to a batch of generators
        level = rng.random((MONTHS, users))
        multiple = streams["users"].gamma(1 / p.visit_spread**2, p.visit_spread**2, users)
        counts = [
            poisson_counts(rate * multiple[..., None, :] + 0 * level, level).astype(int) for rate in rates
        ]
    else:
        counts = [rng.poisson(rate, (MONTHS, users)) for rate in rates]
    active = [chance[..., 0, :] < expit(p.start_active)]
    for month in range(1, MONTHS):
        pull = p.curve_pull * CURVE_SIGN[month - 1, 0]
        goes_on = np.where(active[-1], expit(p.stay + pull), expit(p.enter + pull))
        active.append(chance[..., month, :] < goes_on)
    active = np.stack(active, axis=-1)
    dormant, busy = (np.moveaxis(each, -2, -1) for each in counts)
    return np.where(active, busy, dormant), active


# What is true, from the parameters alone ---------------------------------------------------------------


def ladders(p: Relationships) -> list[Ladder]:
    """The moves of light and of heavy users of the category."""
    lifts = np.array([0.0, p.contact_lift, p.contact_lift + p.match_lift])
    found = []
    for heavy in (0, 1):
        matched = p.contact_share * expit(p.targeting * (heavy - 0.5))
        shares = np.array([1 - p.contact_share, p.contact_share - matched, matched])
        level = p.heavy * heavy
        found.append(Ladder(p.up, p.keep, level, p.memory, lifts, shares, p.win_back + level, p.lapse_time))
    return found


def win_back_chance(p: Relationships, lapsed_for: ArrayLike, heavy: int | None = None) -> np.ndarray:
    """Probability that a customer who has been lapsed for so many months comes back in the next.

    Parameters
    ----------
    p : Relationships
    lapsed_for : array
        Months, 1 or more.
    heavy : {0, 1}, optional
        One kind of customer; otherwise those of both kinds who are still there to be won back, of a cohort
        that lapsed together in the kinds' shares.
    """
    months = np.asarray(lapsed_for)
    reach = np.arange(1, int(months.max()) + 1)
    chances = [ladder.back_after(reach) for ladder in ladders(p)]
    if heavy is not None:
        return chances[heavy][months - 1]
    left = [np.append(1.0, np.cumprod(1 - chance)[:-1]) for chance in chances]
    weight = (1 - p.heavy_share) * left[0], p.heavy_share * left[1]
    return ((weight[0] * chances[0] + weight[1] * chances[1]) / (weight[0] + weight[1]))[months - 1]


def chance_on_record(p: Relationships, months: pd.DataFrame) -> np.ndarray:
    """True chance to advance, to stay loyal, or to be back, of each row of the table ``months``.

    Given the kind, the stage, a move up last month and the months of lapse; averaged over contacts.
    """
    kind, stage, moved_up, lapsed_for = (
        np.asarray(months[name]) for name in ("heavy", "stage", "moved_up", "lapsed_for")
    )
    chain = np.stack([ladder.chain() for ladder in ladders(p)])
    back = np.stack([ladder.back_after(np.arange(1, MONTHS + 1)) for ladder in ladders(p)])
    here = np.minimum(stage, LOYAL)
    advance = chain[kind, moved_up, here, np.minimum(here + 1, LOYAL)]
    return np.where(stage == LAPSED, back[kind, np.maximum(lapsed_for, 1) - 1], advance)


def visit_model(p: Relationships) -> HiddenMarkov:
    """The hidden Markov model of the app users."""
    return HiddenMarkov(
        [1 - expit(p.start_active), expit(p.start_active)],
        [[-p.enter], [-p.stay]],
        [p.visits_dormant, p.visits_active],
        [[p.curve_pull], [p.curve_pull]],
    )


def off_curve(model: HiddenMarkov) -> float:
    """Share of months in which an app user's state is not what the growth curve says, of a `HiddenMarkov`."""
    shares = model.state_shares(CURVE_SIGN)
    return 1 - shares[np.arange(MONTHS), CURVE].mean()


# Estimators that only this lesson needs ----------------------------------------------------------------


def hidden_share_off_curve(tables: Tables) -> Estimate:
    """Share of months off the growth curve by a hidden Markov model of the visits; delta method error."""
    visits = np.asarray(tables.columns("visits")["visits"]).reshape(-1, MONTHS)
    return Estimate(*map(float, fit_hidden_markov(visits, 2, covariates=CURVE_SIGN).combine(off_curve)))


def hidden_chances(cohort: Cohort) -> tuple[Estimate, pd.DataFrame]:
    """What a hidden Markov model says of a cohort's app users, beside what is true of them.

    Returns
    -------
    Estimate
        Share of months off the growth curve.
    DataFrame
        A row a user and month: ``said``, the chance of active given the visits so far; ``active``, 0 or 1.
    """
    visits = np.asarray(cohort.visits.visits).reshape(-1, MONTHS)
    fit = fit_hidden_markov(visits, 2, covariates=CURVE_SIGN)
    said = fit.model.filtered(visits, CURVE_SIGN)[..., 1]
    table = pd.DataFrame({"said": said.ravel(), "active": cohort.truth.active.ravel() * 1})
    return Estimate(*map(float, fit.combine(off_curve))), table


# The design ---------------------------------------------------------------------------------------------

LADDER = "advanced ~ first + repeat + loyal + contacted + matched + moved_up"


def _kinds(formula, term, table):
    """Logistic regressions on counts of months, with the kind of customer among the terms and without."""
    return {
        "within kinds": LogisticRegression(f"{formula} + heavy", term, table, trials="months"),
        "all alike": LogisticRegression(formula, term, table, trials="months"),
    }


hypotheses = [
    Hypothesis(
        "H1",
        "The stage tells all: how a customer got there adds next to nothing",
        "within",
        truth=lambda p: p.memory,
        margin=MEMORY_MARGIN,
        unit="logit units after a move up last month",
        estimators=_kinds(LADDER, "moved_up", "ladder"),
    ),
    Hypothesis(
        "H2",
        "A contact made for the stage moves customers up more than any contact does",
        ">",
        truth=lambda p: p.match_lift,
        unit="logit units",
        estimators=_kinds(LADDER, "matched", "ladder"),
    ),
    Hypothesis(
        "H3",
        "The longer customers have lapsed, the less likely they come back",
        "<",
        truth=lambda p: p.lapse_time,
        unit="logit units a further month of lapse",
        estimators=_kinds("returned ~ lapsed_for", "lapsed_for", "lapses"),
    ),
    Hypothesis(
        "H4",
        "The growth curve puts customers into the wrong state in more than a quarter of months",
        ">",
        truth=lambda p: off_curve(visit_model(p)),
        null=TOLERATED,
        unit="share of months",
        estimators={
            "hidden Markov": hidden_share_off_curve,
            "any visit": LeastSquares("share_off_curve ~ 1", "Intercept", table="app_users"),
        },
    ),
]


# One month's move and the month before it. The growth curve's year and the app's visits stand apart.
DIAGRAM = Diagram.by_cause(
    {
        "heavy_user": (0.52, 1.0),
        "earlier_contact": (0.02, 1.0),
        "earlier_stage": (0.02, 0.64),
        "stage": (0.42, 0.64),
        "contact": (1.02, 1.0),
        "moved_up": (0.3, 0.32),
        "lapsed_for": (0.74, 0.32),
        "next_stage": (1.02, 0.64),
        "month": (0.02, 0.0),
        "active": (0.52, 0.0),
        "visits": (1.02, 0.0),
    },
    {
        "heavy_user": ("earlier_contact", "earlier_stage", "stage", "contact", "next_stage"),
        "earlier_stage": ("earlier_contact", "stage", "moved_up", "lapsed_for"),
        "earlier_contact": ("stage",),
        "stage": ("moved_up", "lapsed_for", "contact", "next_stage"),
        "moved_up": ("next_stage",),
        "contact": ("next_stage",),
        "lapsed_for": ("next_stage",),
        "month": ("active",),
        "active": ("visits",),
    },
    latent=("active",),
)

NULL = {"match_lift": 0.0, "lapse_time": 0.0, "memory": MEMORY_MARGIN}
AT_TOLERATED = AtEdge("H4", (0.0, 6.0))

design = Design(
    name="lifecycle",
    title="Customer lifecycle",
    claim="Customers pass through stages, and the stage tells what to do next, "
    "unless unlike customers are taken for alike.",
    parameters=Relationships(),
    presets={
        "null": NULL | {"heavy": 0.0, "curve_pull": AT_TOLERATED},
        "literature": {},
        "claim": {"memory": 0.0, "match_lift": 0.5, "lapse_time": -0.25, "curve_pull": 0.0},
        "trap": NULL
        | {
            "visits_dormant": 0.5,
            "visits_active": 2.2,
            "heavy": 2.0,
            "heavy_share": 0.7,
            "win_back": -2.0,
            "memory": 0.0,
            "targeting": 3.0,
            "curve_pull": AT_TOLERATED,
        },
    },
    model=simulate_lifecycle,
    hypotheses=hypotheses,
    constructs={
        "stage": Construct("stage", "The rung of the ladder on which a customer's behaviour has put them."),
        "contact": Construct("contact", "A message of the firm's, made for the customer's stage or not."),
        "heavy_user": Construct("heavy user", "A customer who buys much of the category, from whomever."),
        "lapsed_for": Construct("months lapsed", "Months since a customer was last on the ladder."),
        "active": Construct("active", "Whether an app user still cares; nobody sees it, but visits show it."),
    },
    diagram=DIAGRAM,
    batched=True,
)
