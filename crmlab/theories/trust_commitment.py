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
import pandas as pd
from scipy.stats import norm

from crmlab.design import Cohort, Design, Hypothesis, Parameters, Tables, count, effect, path, probit, share
from crmlab.estimators import LeastSquares, Product
from crmlab.estimators.factors import StructuralEstimate
from crmlab.estimators.measured import BootstrapProduct, CorrectedRegression, PLSPath
from crmlab.mechanisms.items import Scale
from crmlab.mechanisms.paths import PathModel
from crmlab.models.errors_in_variables import scale_score

MARGIN = 0.15  # points of commitment a standard deviation of pressure: a direct path too small to care for
ITEMS = 4
SCALES = {
    name: [f"{name}_{number}" for number in range(1, ITEMS + 1)]
    for name in ("trust", "commitment", "satisfaction", "marker")
}
LATER = {name: [f"later_{item}" for item in SCALES[name]] for name in ("trust", "commitment")}
RECORDS = ["transparency", "consistency", "response", "pressure"]  # what may act on trust
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
    satisfaction_to_trust: float = path(0.35)
    trust_to_commitment: float = path(0.45, source=f"positive: {MORGAN_HUNT}; size ours")
    satisfaction_to_commitment: float = path(0.10)
    investment_to_commitment: float = path(0.15)
    termination_cost_to_commitment: float = path(0.30, source=f"positive: {MORGAN_HUNT}; size ours")
    pressure_to_commitment: float = path(
        0.0, "standardised path around trust", source=f"none: {MORGAN_HUNT}; some: their rival"
    )
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
        on_trust, on_commitment = [*RECORDS, "satisfaction"], ON_COMMITMENT.split(" + ")
        on_commitment = ["investment", "termination_cost", *(n for n in on_commitment if n in on_trust)]
        return PathModel(
            {(name, "trust"): getattr(self, f"{name}_to_trust") for name in RECORDS}
            | {(n, "commitment"): getattr(self, f"{n}_to_commitment") for n in on_commitment[:2]}
            | {("satisfaction", "trust"): self.satisfaction_to_trust}
            | {(n, "commitment"): getattr(self, f"{n}_to_commitment") for n in on_commitment[2:]}
            | {
                ("trust", "commitment"): self.trust_to_commitment,
                ("trust", "later_trust"): self.trust_persistence,
                ("commitment", "later_trust"): self.commitment_to_later_trust,
                ("commitment", "later_commitment"): self.commitment_persistence,
                ("trust", "later_commitment"): self.trust_to_later_commitment,
            }
        )

    def scale(self, points: int = 7, spread: float = 0.7, exposure: float = 1.0) -> Scale:
        """The scale of an item; `exposure` is its method loading as a share of δ."""
        return Scale(points, spread, self.loading, exposure * self.method_loading)

    @property
    def renewal_weights(self) -> dict:
        """What the renewal index adds up, its level apart, by variable."""
        return {
            "commitment": self.commitment_to_renewal,
            "satisfaction": self.satisfaction_to_renewal,
            "termination_cost": self.termination_cost_to_renewal,
        }

    @property
    def referral_weights(self) -> dict:
        """What the log of the referral rate adds up, its level apart, by variable."""
        return {
            "commitment": self.commitment_to_referrals,
            "satisfaction": self.satisfaction_to_referrals,
        }


def simulate_trust_market(p, streams):
    """Draw a cohort: ``customers`` (records, what they did), ``surveys`` and, a year later, ``follow_up``."""
    rng, n = streams["customers"], p.n_customers
    this_year = [name for name in p.paths.variables if not name.startswith("later_")]
    drawn = p.paths.draw(rng, n, this_year)
    inclination = _weighted(p.renewal_weights, drawn)
    renewed = (p.base_renewal + inclination + rng.standard_normal(n) > 0) * 1.0
    rate = np.exp(p.base_referrals + _weighted(p.referral_weights, drawn))
    referrals = _poisson(rate, streams["referrals"].random(n))
    method = streams["method"].standard_normal(n)
    records = {name: drawn[name] for name in [*RECORDS, "investment", "termination_cost"]}
    customers = records | {"renewed": renewed, "referrals": referrals}
    surveys = cache(lambda: _survey(p, drawn, inclination, method, streams["surveys"]))
    follow_up = cache(lambda: _follow_up(p, drawn, method, streams["follow_up"]))
    return Cohort(
        tables={
            "customers": customers,
            "surveys": surveys,
            "follow_up": follow_up,
            "scores": lambda: (
                customers | _mean_scores(surveys(), SCALES) | _mean_scores(follow_up(), LATER, "later_")
            ),
        },
        truth={name: drawn[name] for name in ("trust", "commitment", "satisfaction")} | {"method": method},
    )


def _weighted(weights, values):
    return sum(weight * values[name] for name, weight in weights.items())


def _poisson(mean, uniform):
    """Counts by inversion: a batch of generators takes no array of means, and scipy's quantiles are slow."""
    chance = np.exp(-mean)
    left, count, number = uniform - chance, np.zeros(mean.shape), 0
    while (left > 0).any() and number < 1000:
        number += 1
        count += left > 0
        chance = chance * mean / number
        left = left - chance
    return count


def _mean_scores(answers, scales, prefix=""):
    """The mean of each scale's items, and the questions that stand alone."""
    asked = {item for items in scales.values() for item in items}
    scores = {
        f"{prefix}{name}_score": sum(answers[item] for item in items) / len(items)
        for name, items in scales.items()
    }
    return scores | {name: values for name, values in answers.items() if name not in asked}


def _survey(p, drawn, inclination, method, rng):
    """The first year's answers: four scales, four impressions of the firm, the stated chance of renewing."""
    answers = {}
    for name in ("trust", "commitment", "satisfaction"):
        answers |= dict(zip(SCALES[name], p.scale().draw(drawn[name], rng, ITEMS, method)))
    unrelated, marker = rng.standard_normal(p.n_customers), p.scale(exposure=p.marker_exposure)
    answers |= dict(zip(SCALES["marker"], marker.draw(unrelated, rng, ITEMS, method)))
    for name in ("transparency", "consistency", "response", "investment"):
        (answers[f"perceived_{name}"],) = p.scale().draw(drawn[name], rng, 1, method)
    intention = inclination / sqrt(p.paths.covariance(p.renewal_weights))
    (stated,) = p.scale(points=11, spread=0.45).draw(intention, rng, 1, method)
    return answers | {"stated_chance": (stated - 1) / 10}


def _follow_up(p, drawn, method, rng):
    """Trust and commitment a year later, asked again."""
    later = p.paths.draw(rng, p.n_customers, given=drawn)
    answers = {}
    for name, items in LATER.items():
        answers |= dict(zip(items, p.scale().draw(later[f"later_{name}"], rng, ITEMS, method)))
    return answers


# What is true, from the parameters alone ---------------------------------------------------------------


def points(p):
    """Points of a scale from 1 to 7 for a standard deviation of its trait."""
    return p.scale().points_per_deviation


def _chance_for_a_probit_unit(p):
    """Mean slope of the renewal chance in the index: ``φ(r0/σ)/σ``. Its index is normal, so it is exact."""
    spread = sqrt(1 + p.paths.covariance(p.renewal_weights))
    return float(norm.pdf(p.base_renewal / spread)) / spread


def mean_referrals(p):
    """Referrals of a customer a year: the mean of a lognormal rate."""
    return exp(p.base_referrals + p.paths.covariance(p.referral_weights) / 2)


def renewal_for_commitment(p):
    """Slope of the chance of renewing on a point of commitment, by least squares."""
    return p.commitment_to_renewal * _chance_for_a_probit_unit(p) / points(p)


def referrals_for_commitment(p):
    """Slope of a year's referrals on a point of commitment, by least squares."""
    return p.commitment_to_referrals * mean_referrals(p) / points(p)


# Estimators that only this lesson needs ----------------------------------------------------------------


def measures(tables):
    """All that the corrected regressions use, by name: arrays of shape ``(..., rows)``.

    Records as they are; each scale's score, ``NAME noise`` with the row's statement of its error variance,
    and ``shared``: the product of the marker score and the mean of the others, δ² in points² on average.
    """
    return tables.once("measures", lambda: _measures(tables))


def _measures(tables):
    found = dict(tables.columns("customers"))
    surveys, follow_up = tables.columns("surveys"), tables.columns("follow_up")
    scales = {name: [surveys[item] for item in items] for name, items in SCALES.items()}
    scales |= {f"later_{name}": [follow_up[item] for item in items] for name, items in LATER.items()}
    for name, items in scales.items():
        found[name], found[f"{name} noise"] = scale_score(items)
    found["shared"] = found["marker"] * (found["trust"] + found["commitment"] + found["satisfaction"]) / 3
    return found


SURVEYED = frozenset({"trust", "commitment", "satisfaction", "later_trust", "later_commitment"})


def marker_corrected(formula, term):
    """A regression of which measurement error and the shared method are taken out; see `measures`."""
    return CorrectedRegression(formula, term, measures, SURVEYED)


PLS_CONSTRUCTS = {name: SCALES[name] for name in ("satisfaction", "trust", "commitment")} | {
    name: [name] for name in [*RECORDS, "investment", "termination_cost"]
}
PLS_PATHS = [(name, "trust") for name in ["satisfaction", *RECORDS]] + [
    (name, "commitment") for name in ["trust", "satisfaction", "investment", "termination_cost", "pressure"]
]


MEASUREMENT = "\n".join(
    f"{name} =~ " + " + ".join(SCALES[name]) for name in ("satisfaction", "trust", "commitment")
)
PATHS = f"""
trust ~ {ON_TRUST}
commitment ~ b*{ON_COMMITMENT}
"""
METHOD = "\n".join(
    [
        "marker =~ " + " + ".join(SCALES["marker"]),
        "method =~ " + " + ".join(f"1*{item}" for items in SCALES.values() for item in items),
        *(f"method ~~ 0*{name}" for name in ("satisfaction", "marker")),
        "marker ~~ 0*satisfaction",
    ]
)

ELSEWHERE = {"trust": {"investment", "termination_cost"}, "commitment": set(RECORDS) - {"pressure"}}


def arrow(cause: str, effect: str, exclusions: bool = True) -> str:
    """A path model in which trust causes commitment, or commitment trust, with a method factor.

    Without `exclusions` all else acts on both, and the directions are equivalent. With them, as in `PATHS`,
    three records act on trust alone, investment and termination cost on commitment alone.
    """
    all_else = [*ON_TRUST.split(" + "), "investment", "termination_cost"]
    on = {end: [n for n in all_else if not (exclusions and n in ELSEWHERE[end])] for end in ELSEWHERE}
    paths = f"{cause} ~ {' + '.join(on[cause])}\n{effect} ~ {' + '.join([cause, *on[effect]])}"
    return f"{MEASUREMENT}\n{METHOD}\n{paths}"


def survey_table(tables: Tables) -> pd.DataFrame:
    """Answers and records side by side: what factor and path models are fitted to."""
    return pd.concat([tables["surveys"], tables["customers"]], axis=1)


def survey_columns(tables):
    """The same as columns."""
    return tables.columns("surveys") | tables.columns("customers")


STRUCTURAL_PATH = StructuralEstimate(MEASUREMENT + PATHS, survey_columns, lambda fits: fits.parameter("b"))
PLS_PATH = PLSPath(PLS_CONSTRUCTS, PLS_PATHS, "trust", "commitment", survey_columns)


# The design ---------------------------------------------------------------------------------------------

TRUST_RECORDS = "trust_score ~ " + " + ".join(RECORDS)
COMMITMENT_RECORDS = "commitment_score ~ investment + termination_cost + " + " + ".join(RECORDS)
ON_RENEWAL = "commitment + satisfaction + termination_cost"


def as_scores(formula):
    """A formula among measures as one among mean scores: ``trust`` becomes ``trust_score``."""
    return " ".join(f"{word}_score" if word in SURVEYED else word for word in formula.split())


def _naive(formula, term):
    """Least squares on the mean scores, as if they were what they measure."""
    return LeastSquares(as_scores(formula), as_scores(term), table="scores", covariance="HC1")


def _antecedent(name, formula):
    """What the firm's records say of an antecedent, and what customers' impressions of it say."""
    perceived = f"{formula.split()[0]} ~ perceived_{name}"
    return {
        "records": LeastSquares(formula, name, table="scores"),
        "impressions": LeastSquares(perceived, f"perceived_{name}", table="scores"),
    }


def _mediation(first, second, direction):
    """Two bootstrap intervals of an indirect effect, and Sobel's test on mean scores."""
    return {
        "percentile bootstrap": BootstrapProduct(first, second, direction),
        "bias-corrected bootstrap": BootstrapProduct(first, second, direction, "bias-corrected"),
        "mean scores": Product(_naive(first.formula, first.term), _naive(second.formula, second.term)),
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
            "marker-corrected": marker_corrected(f"commitment ~ {ON_COMMITMENT}", "trust"),
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
        estimators={
            "marker-corrected": marker_corrected("later_commitment ~ trust + commitment", "trust"),
            "mean scores": _naive("later_commitment ~ trust + commitment", "trust"),
        },
    ),
    Hypothesis(
        "H3",
        "Satisfaction builds trust",
        ">",
        truth=lambda p: p.satisfaction_to_trust,
        unit="standardised path",
        estimators={
            "marker-corrected": marker_corrected(f"trust ~ {ON_TRUST}", "satisfaction"),
            "mean scores": _naive(f"trust ~ {ON_TRUST}", "satisfaction"),
        },
    ),
    Hypothesis(
        "H4a",
        "Committed customers renew",
        ">",
        truth=renewal_for_commitment,
        unit="chance of renewing per point of commitment",
        estimators={
            "marker-corrected": marker_corrected(f"renewed ~ {ON_RENEWAL}", "commitment"),
            "mean scores": _naive(f"renewed ~ {ON_RENEWAL}", "commitment"),
            "stated chance": _naive(f"stated_chance ~ {ON_RENEWAL}", "commitment"),
        },
    ),
    Hypothesis(
        "H4b",
        "Committed customers recommend",
        ">",
        truth=referrals_for_commitment,
        unit="referrals a year per point of commitment",
        estimators={
            "marker-corrected": marker_corrected("referrals ~ commitment + satisfaction", "commitment"),
            "mean scores": _naive("referrals ~ commitment + satisfaction", "commitment"),
        },
    ),
    Hypothesis(
        "H5a",
        "Trust mediates: pressure selling costs commitment because it costs trust",
        "<",
        truth=lambda p: p.pressure_to_trust * p.trust_to_commitment * points(p),
        unit="points of commitment per standard deviation of pressure",
        estimators=_mediation(
            marker_corrected(f"trust ~ {ON_TRUST}", "pressure"),
            marker_corrected(f"commitment ~ {ON_COMMITMENT}", "trust"),
            "<",
        ),
    ),
    Hypothesis(
        "H5b",
        "Commitment mediates: termination cost brings renewals because it commits",
        ">",
        truth=lambda p: p.termination_cost_to_commitment * points(p) * renewal_for_commitment(p),
        unit="chance of renewing per standard deviation of termination cost",
        estimators=_mediation(
            marker_corrected(f"commitment ~ {ON_COMMITMENT}", "termination_cost"),
            marker_corrected(f"renewed ~ {ON_RENEWAL}", "commitment"),
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
        estimators={
            "marker-corrected": marker_corrected(f"commitment ~ {ON_COMMITMENT}", "pressure"),
            "mean scores": _naive(f"commitment ~ {ON_COMMITMENT}", "pressure"),
        },
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

NO_LINK = {
    "transparency_to_trust": 0.0,
    "consistency_to_trust": 0.0,
    "response_to_trust": 0.0,
    "satisfaction_to_trust": 0.0,
    "trust_to_commitment": 0.0,
    "trust_to_later_commitment": 0.0,
    "investment_to_commitment": 0.0,
    "commitment_to_renewal": 0.0,
    "commitment_to_referrals": 0.0,
}

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
)
