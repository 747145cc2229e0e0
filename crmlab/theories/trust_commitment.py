"""Trust and commitment: do they carry a relationship, or do they only share a questionnaire?

Morgan & Hunt (1994, doi:10.1177/002224299405800302) put trust T and commitment C between what a firm does and
what its customers do. Records are logged, standardised and independent of each other (a simplification):
transparency X1, consistency X2, response X3, pressure selling X4, investment I, termination cost K. S is
satisfaction.

    T = a1 X1 + a2 X2 + a3 X3 + a4 X4 + aS S + e                      Var T = 1
    C = b T + bS S + bI I + bK K + bX X4 + z                          Var C = 1
    R* = r0 + rC C + rS S + rK K + u,  renewed = 1 if R* > 0;          u ~ N(0, 1)
    referrals ~ Poisson(exp(w0 + wC C + wS S))
    a year later:  T' = pT T + k C + e',   C' = pC C + l T + z'        Var T' = Var C' = 1

T, C and S are seen through items on a scale from 1 to 7, each cut from ``λη + δm + ε``; m is a method factor
that all answers of a respondent share, in both years, and that the marker scale, about something else,
shares too. The structural part is the usual linear model, η = Bη + ζ; equal loadings are a simplification.
"""

from dataclasses import dataclass
from functools import cache
from math import exp, sqrt

import numpy as np
from scipy.stats import norm

from crmlab.design import (
    Cohort,
    Construct,
    Design,
    Hypothesis,
    Parameters,
    Tables,
    count,
    effect,
    path,
    probit,
    share,
)
from crmlab.design.streams import Streams
from crmlab.estimators import LeastSquares
from crmlab.estimators.factors import StructuralEstimate
from crmlab.estimators.measured import MarkedMeasures, PLSPath
from crmlab.mechanisms.counts import poisson_counts
from crmlab.mechanisms.items import Scale, answers, mean_scores
from crmlab.mechanisms.named import named_paths, weighted, weights_on
from crmlab.mechanisms.paths import PathModel
from crmlab.models.structural import measured_by

MARGIN = 0.15  # points of commitment a standard deviation of pressure: a direct path too small to care for
ITEMS = 4
SUBJECTS = ("trust", "commitment", "satisfaction")
SCALES = {name: [f"{name}_{number}" for number in range(1, ITEMS + 1)] for name in (*SUBJECTS, "marker")}
ABOUT = {name: SCALES[name] for name in SUBJECTS}
LATER = {f"later_{name}": [f"later_{item}" for item in SCALES[name]] for name in ("trust", "commitment")}
RECORDS = ["transparency", "consistency", "response", "pressure"]  # what may act on trust
LOGGED = [*RECORDS, "investment", "termination_cost"]
IMPRESSIONS = {name: [f"perceived_{name}"] for name in [*RECORDS[:3], "investment"]}
ON_TRUST = "satisfaction + " + " + ".join(RECORDS)
ON_COMMITMENT = "trust + satisfaction + investment + termination_cost + pressure"
MORGAN_HUNT, PALMATIER = "Morgan & Hunt (1994)", "Palmatier et al. (2006)"
A_DEVIATION = "probit units a standard deviation"
LOG_REFERRALS = "log referrals a standard deviation"
A_YEAR = "standardised path over a year"


@dataclass(frozen=True)
class TrustMarket(Parameters):
    """The truth of a market of relationships. Paths are between standardised variables."""

    transparency_to_trust: float = path(0.30, source=f"positive: {MORGAN_HUNT}, communication; size ours")
    consistency_to_trust: float = path(0.20)
    response_to_trust: float = path(0.15)
    pressure_to_trust: float = path(-0.30, source=f"negative: {MORGAN_HUNT}, opportunism; size ours")
    investment_to_commitment: float = path(0.15)
    termination_cost_to_commitment: float = path(0.30, source=f"positive: {MORGAN_HUNT}; size ours")
    satisfaction_to_trust: float = path(0.35)
    satisfaction_to_commitment: float = path(0.10)
    pressure_to_commitment: float = path(
        0.0, "standardised path around trust", source=f"none: {MORGAN_HUNT}; some: their rival"
    )
    trust_to_commitment: float = path(0.45, source=f"positive: {MORGAN_HUNT}; size ours")
    base_renewal: float = probit(0.50)
    commitment_to_renewal: float = probit(0.30, A_DEVIATION, source=f"positive: {PALMATIER}; size ours")
    satisfaction_to_renewal: float = probit(0.15, A_DEVIATION)
    termination_cost_to_renewal: float = probit(0.20, A_DEVIATION)
    base_referrals: float = effect(-0.7, "log referrals a year", low=-5, high=3)
    commitment_to_referrals: float = effect(
        0.35, LOG_REFERRALS, low=-1, high=1, source=f"positive: {PALMATIER}; size ours"
    )
    satisfaction_to_referrals: float = effect(0.10, LOG_REFERRALS, low=-1, high=1)
    trust_persistence: float = path(0.60, A_YEAR)
    commitment_persistence: float = path(0.55, A_YEAR)
    trust_to_later_commitment: float = path(0.20, A_YEAR)
    commitment_to_later_trust: float = path(0.10, A_YEAR)
    loading: float = share(0.75, "λ, of every item on what it measures", low=0.3, high=0.95)
    method_loading: float = share(
        0.30,
        "δ, of every answer on the method factor",
        high=0.8,
        source="some: Podsakoff et al. (2003); size ours",
    )
    marker_exposure: float = share(1.0, "the marker items' method loading, as a share of δ")
    n_customers: int = count(400, low=50)

    def __post_init__(self):
        super().__post_init__()
        _ = self.paths, self.scale()  # refuse paths and loadings that explain more than all of a variance

    @property
    def paths(self) -> PathModel:
        """All that is linear: records, satisfaction, trust and commitment in both years."""
        over_a_year = {
            ("trust", "later_trust"): self.trust_persistence,
            ("commitment", "later_trust"): self.commitment_to_later_trust,
            ("commitment", "later_commitment"): self.commitment_persistence,
            ("trust", "later_commitment"): self.trust_to_later_commitment,
        }
        return PathModel(named_paths(self, "trust", "commitment") | over_a_year)

    def scale(self, points: int = 7, spread: float = 0.7, exposure: float = 1.0) -> Scale:
        """The scale of an item; `exposure` is its method loading as a share of δ."""
        return Scale(points, spread, self.loading, exposure * self.method_loading)


def simulate_trust_market(p: TrustMarket, streams: Streams) -> Cohort:
    """Draw a cohort: ``customers`` (records, what they did), ``surveys`` and, a year later, ``follow_up``."""
    rng, n = streams["customers"], p.n_customers
    this_year = [name for name in p.paths.variables if not name.startswith("later_")]
    drawn = p.paths.draw(rng, n, this_year)
    inclination = weighted(weights_on(p, "renewal"), drawn)
    renewed = (p.base_renewal + inclination + rng.standard_normal(n) > 0) * 1.0
    rate = np.exp(p.base_referrals + weighted(weights_on(p, "referrals"), drawn))
    referrals = poisson_counts(rate, streams["referrals"].random(n))
    method = streams["method"].standard_normal(n)
    customers = {name: drawn[name] for name in LOGGED} | {"renewed": renewed, "referrals": referrals}
    surveys = cache(lambda: _survey(p, drawn, inclination, method, streams["surveys"]))
    follow_up = cache(lambda: _follow_up(p, drawn, method, streams["follow_up"]))
    return Cohort(
        tables={
            "customers": customers,
            "surveys": surveys,
            "follow_up": follow_up,
            "scores": lambda: customers | mean_scores(surveys() | follow_up(), SCALES | LATER),
        },
        truth={name: drawn[name] for name in SUBJECTS} | {"method": method},
    )


def _survey(p, drawn, inclination, method, rng):
    """The first year's answers: four scales, four impressions of the firm, the stated chance of renewing."""
    found = answers(ABOUT, drawn, p.scale(), rng, method)
    unrelated, marker = {"marker": rng.standard_normal(p.n_customers)}, p.scale(exposure=p.marker_exposure)
    found |= answers({"marker": SCALES["marker"]}, unrelated, marker, rng, method)
    found |= answers(IMPRESSIONS, drawn, p.scale(), rng, method)
    intention = inclination / sqrt(p.paths.covariance(weights_on(p, "renewal")))
    (stated,) = p.scale(points=11, spread=0.45).draw(intention, rng, 1, method)
    return found | {"stated_chance": (stated - 1) / 10}


def _follow_up(p, drawn, method, rng):
    """Trust and commitment a year later, asked again."""
    return answers(LATER, p.paths.draw(rng, p.n_customers, given=drawn), p.scale(), rng, method)


# What is true, from the parameters alone ---------------------------------------------------------------


def points(p: TrustMarket) -> float:
    """Points of a scale from 1 to 7 for a standard deviation of its trait."""
    return p.scale().points_per_deviation


def _chance_for_a_probit_unit(p):
    """Mean slope of the renewal chance in the index: ``φ(r0/σ)/σ``. Its index is normal, so it is exact."""
    spread = sqrt(1 + p.paths.covariance(weights_on(p, "renewal")))
    return float(norm.pdf(p.base_renewal / spread)) / spread


def mean_referrals(p: TrustMarket) -> float:
    """Referrals of a customer a year: the mean of a lognormal rate."""
    return exp(p.base_referrals + p.paths.covariance(weights_on(p, "referrals")) / 2)


def renewal_for_commitment(p: TrustMarket) -> float:
    """Slope of the chance of renewing on a point of commitment, by least squares."""
    return p.commitment_to_renewal * _chance_for_a_probit_unit(p) / points(p)


def referrals_for_commitment(p: TrustMarket) -> float:
    """Slope of a year's referrals on a point of commitment, by least squares."""
    return p.commitment_to_referrals * mean_referrals(p) / points(p)


# Estimators that only this lesson needs ----------------------------------------------------------------
MEASURES = MarkedMeasures(SCALES | LATER, "marker", SUBJECTS, "customers", ("surveys", "follow_up"))

PLS_CONSTRUCTS = ABOUT | {name: [name] for name in LOGGED}
PLS_PATHS = list(named_paths(TrustMarket(), "trust", "commitment"))

MEASUREMENT = measured_by(ABOUT)
PATHS = f"\ntrust ~ {ON_TRUST}\ncommitment ~ b*{ON_COMMITMENT}\n"
METHOD = f"""
{measured_by({"marker": SCALES["marker"]})}
{measured_by({"method": [item for items in SCALES.values() for item in items]}, "1*")}
method ~~ 0*satisfaction
method ~~ 0*marker
marker ~~ 0*satisfaction
"""
ELSEWHERE = {"trust": {"investment", "termination_cost"}, "commitment": set(RECORDS) - {"pressure"}}


def arrow(cause: str, effect: str, exclusions: bool = True) -> str:
    """A path model in which trust causes commitment, or commitment trust, with a method factor.

    Without `exclusions` all else acts on both, and the directions are equivalent. With them, as in `PATHS`,
    three records act on trust alone, investment and termination cost on commitment alone.
    """
    all_else = ["satisfaction", *LOGGED]
    on = {end: [n for n in all_else if not (exclusions and n in ELSEWHERE[end])] for end in ELSEWHERE}
    paths = f"{cause} ~ {' + '.join(on[cause])}\n{effect} ~ {' + '.join([cause, *on[effect]])}"
    return f"{MEASUREMENT}\n{METHOD}\n{paths}"


def survey_columns(tables: Tables) -> dict[str, np.ndarray]:
    """Answers and records: what factor and path models are fitted to."""
    return tables.columns("surveys") | tables.columns("customers")


STRUCTURAL_PATH = StructuralEstimate(MEASUREMENT + PATHS, survey_columns, lambda fits: fits.parameter("b"))
PLS_PATH = PLSPath(PLS_CONSTRUCTS, PLS_PATHS, "trust", "commitment", survey_columns)


# The design ---------------------------------------------------------------------------------------------

TRUST_RECORDS = "trust_score ~ " + " + ".join(RECORDS)
COMMITMENT_RECORDS = "commitment_score ~ investment + termination_cost + " + " + ".join(RECORDS)
ON_RENEWAL = "commitment + satisfaction + termination_cost"


def _antecedent(name, formula):
    """What the firm's records say of an antecedent, and what customers' impressions of it say."""
    perceived = f"{formula.split()[0]} ~ perceived_{name}"
    return {
        "records": LeastSquares(formula, name, table="scores"),
        "impressions": LeastSquares(perceived, f"perceived_{name}", table="scores"),
    }


hypotheses = [
    *(
        Hypothesis(
            f"H1{letter}",
            f"{claim} earns trust",
            ">",
            truth=lambda p, name=name: getattr(p, f"{name}_to_trust") * points(p),
            unit="points of trust per standard deviation",
            estimators=_antecedent(name, TRUST_RECORDS),
        )
        for letter, name, claim in (
            ("a", "transparency", "Transparent information"),
            ("b", "consistency", "Consistent conduct"),
            ("c", "response", "Quick response"),
        )
    ),
    Hypothesis(
        "H2",
        "Customers who trust are committed because they trust",
        ">",
        truth=lambda p: p.trust_to_commitment,
        unit="standardised path",
        estimators={
            "marker-corrected": MEASURES.regression(f"commitment ~ {ON_COMMITMENT}", "trust"),
            "structural model": STRUCTURAL_PATH,
            "PLS": PLS_PATH,
        },
    ),
    Hypothesis(
        "H2a",
        "Trust comes first: today's trust raises next year's commitment",
        ">",
        truth=lambda p: p.trust_to_later_commitment,
        unit="standardised path over a year",
        estimators=MEASURES.both_ways("later_commitment ~ trust + commitment", "trust"),
    ),
    Hypothesis(
        "H3",
        "Satisfaction builds trust",
        ">",
        truth=lambda p: p.satisfaction_to_trust,
        unit="standardised path",
        estimators=MEASURES.both_ways(f"trust ~ {ON_TRUST}", "satisfaction"),
    ),
    Hypothesis(
        "H4a",
        "Committed customers renew",
        ">",
        truth=renewal_for_commitment,
        unit="chance of renewing per point of commitment",
        estimators=MEASURES.both_ways(f"renewed ~ {ON_RENEWAL}", "commitment")
        | {"stated chance": MEASURES.on_scores(f"stated_chance ~ {ON_RENEWAL}", "commitment")},
    ),
    Hypothesis(
        "H4b",
        "Committed customers recommend",
        ">",
        truth=referrals_for_commitment,
        unit="referrals a year per point of commitment",
        estimators=MEASURES.both_ways("referrals ~ commitment + satisfaction", "commitment"),
    ),
    Hypothesis(
        "H5a",
        "Trust mediates: pressure selling costs commitment because it costs trust",
        "<",
        truth=lambda p: p.pressure_to_trust * p.trust_to_commitment * points(p),
        unit="points of commitment per standard deviation of pressure",
        estimators=MEASURES.indirect(
            (f"trust ~ {ON_TRUST}", "pressure"),
            (f"commitment ~ {ON_COMMITMENT}", "trust"),
            "<",
        ),
    ),
    Hypothesis(
        "H5b",
        "Commitment mediates: termination cost brings renewals because it commits",
        ">",
        truth=lambda p: p.termination_cost_to_commitment * points(p) * renewal_for_commitment(p),
        unit="chance of renewing per standard deviation of termination cost",
        estimators=MEASURES.indirect(
            (f"commitment ~ {ON_COMMITMENT}", "termination_cost"),
            (f"renewed ~ {ON_RENEWAL}", "commitment"),
            ">",
        ),
    ),
    Hypothesis(
        "H5c",
        "Nothing goes around trust: the rival model's direct path may be left out",
        "within",
        truth=lambda p: p.pressure_to_commitment * points(p),
        margin=MARGIN,
        unit="points of commitment per standard deviation of pressure",
        estimators=MEASURES.both_ways(f"commitment ~ {ON_COMMITMENT}", "pressure"),
    ),
    Hypothesis(
        "H6",
        "A firm that invests in the relationship has committed customers",
        ">",
        truth=lambda p: p.investment_to_commitment * points(p),
        unit="points of commitment per standard deviation",
        estimators=_antecedent("investment", COMMITMENT_RECORDS),
    ),
]

NO_LINK = dict.fromkeys(
    [f"{name}_to_trust" for name in (*RECORDS[:3], "satisfaction")]
    + [f"{name}_to_commitment" for name in ("trust", "investment")]
    + ["trust_to_later_commitment", "commitment_to_renewal", "commitment_to_referrals"],
    0.0,
)

NO_TRAP = {  # hypotheses whose naive analysis the trap does not fool, and why
    "H4b": "referrals are counted, not asked for, so the form adds noise to one side and nothing to both",
    "H5b": "renewals and termination cost are logged: the form reaches neither end of the effect",
}

design = Design(
    name="trust_commitment",
    title="Trust and commitment",
    claim="Trust and commitment carry relationships, unless it is the questionnaire that carries them.",
    parameters=TrustMarket(),
    presets={
        "null": NO_LINK | {"pressure_to_commitment": -MARGIN / points(TrustMarket())},
        "literature": {},
        "claim": {
            "transparency_to_trust": 0.40,
            "consistency_to_trust": 0.30,
            "response_to_trust": 0.25,
            "satisfaction_to_trust": 0.45,
            "trust_to_commitment": 0.60,
            "trust_to_later_commitment": 0.35,
            "commitment_to_later_trust": 0.0,
            "investment_to_commitment": 0.30,
            "commitment_to_renewal": 0.60,
            "commitment_to_referrals": 0.50,
        },
        "trap": NO_LINK | {"method_loading": 0.6},
    },
    model=simulate_trust_market,
    hypotheses=hypotheses,
    batched=True,
    constructs={
        "trust": Construct("trust", "Confidence that the firm is reliable and honest."),
        "commitment": Construct("commitment", "The wish to keep a relationship that is worth the effort."),
        "satisfaction": Construct("satisfaction", "The judgement of what the firm has delivered so far."),
        "termination_cost": Construct("termination cost", "What it would cost a customer to end it all."),
        "investment": Construct("investment", "What the firm puts into this relationship alone."),
        "pressure": Construct("pressure selling", "Selling that serves the firm at the customer's cost."),
        "marker": Construct("marker scale", "Questions about something else, which only the form ties in."),
    },
)
