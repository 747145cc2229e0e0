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

from dataclasses import dataclass, replace
from functools import cache
from math import exp, sqrt

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlab.design import (
    Cohort,
    Design,
    Estimate,
    EstimationFailed,
    Estimator,
    Hypothesis,
    Parameters,
    parameter,
)
from crmlab.errors import InputError
from crmlab.estimators import LeastSquares, Product
from crmlab.mechanisms.items import likert_items
from crmlab.models.errors_in_variables import MeasuredRegression, scale_score
from crmlab.models.mediation import bootstrap_interval, bootstrap_p_value
from crmlab.models.pls import signed_weights
from crmlab.models.structural import fit_structural

MARGIN = (
    0.15  # points of commitment for a standard deviation of pressure: a direct path too small to care for
)
ITEMS = 4
THRESHOLDS = (np.arange(1, 7) - 3.5) * 0.7  # of likert_items
SCALES = {
    name: [f"{name}_{number}" for number in range(1, ITEMS + 1)]
    for name in ("trust", "commitment", "satisfaction", "marker")
}
LATER = {name: [f"later_{item}" for item in SCALES[name]] for name in ("trust", "commitment")}
RECORDS = ["transparency", "consistency", "response", "pressure"]  # what may act on trust
ON_TRUST = "satisfaction + " + " + ".join(RECORDS)
ON_COMMITMENT = "trust + satisfaction + investment + termination_cost + pressure"
RESAMPLES = 500  # of customers, in the design's bootstraps
MORGAN_HUNT, PALMATIER = "Morgan & Hunt (1994)", "Palmatier et al. (2006)"


@dataclass(frozen=True)
class TrustMarket(Parameters):
    """The truth of a market of relationships. Paths are between standardised variables."""

    transparency_to_trust: float = parameter(
        0.30, "standardised path", low=-1, high=1, source=f"positive: {MORGAN_HUNT}, communication; size ours"
    )
    consistency_to_trust: float = parameter(0.20, "standardised path", low=-1, high=1, source="ours")
    response_to_trust: float = parameter(0.15, "standardised path", low=-1, high=1, source="ours")
    pressure_to_trust: float = parameter(
        -0.30, "standardised path", low=-1, high=1, source=f"negative: {MORGAN_HUNT}, opportunism; size ours"
    )
    satisfaction_to_trust: float = parameter(0.35, "standardised path", low=-1, high=1, source="ours")
    trust_to_commitment: float = parameter(
        0.45, "standardised path", low=-1, high=1, source=f"positive: {MORGAN_HUNT}; size ours"
    )
    satisfaction_to_commitment: float = parameter(0.10, "standardised path", low=-1, high=1, source="ours")
    investment_to_commitment: float = parameter(0.15, "standardised path", low=-1, high=1, source="ours")
    termination_cost_to_commitment: float = parameter(
        0.30, "standardised path", low=-1, high=1, source=f"positive: {MORGAN_HUNT}; size ours"
    )
    pressure_to_commitment: float = parameter(
        0.0,
        "standardised path around trust",
        low=-1,
        high=1,
        source=f"none: {MORGAN_HUNT}; some: their rival",
    )
    base_renewal: float = parameter(0.50, "probit units", low=-3, high=3, source="ours")
    commitment_to_renewal: float = parameter(
        0.30, "probit units a standard deviation", low=-3, high=3, source=f"positive: {PALMATIER}; size ours"
    )
    satisfaction_to_renewal: float = parameter(
        0.15, "probit units a standard deviation", low=-3, high=3, source="ours"
    )
    termination_cost_to_renewal: float = parameter(
        0.20, "probit units a standard deviation", low=-3, high=3, source="ours"
    )
    base_referrals: float = parameter(-0.7, "log referrals a year", low=-5, high=3, source="ours")
    commitment_to_referrals: float = parameter(
        0.35, "log referrals a standard deviation", low=-1, high=1, source=f"positive: {PALMATIER}; size ours"
    )
    satisfaction_to_referrals: float = parameter(
        0.10, "log referrals a standard deviation", low=-1, high=1, source="ours"
    )
    trust_persistence: float = parameter(0.60, "standardised path over a year", low=-1, high=1, source="ours")
    commitment_persistence: float = parameter(
        0.55, "standardised path over a year", low=-1, high=1, source="ours"
    )
    trust_to_later_commitment: float = parameter(
        0.20, "standardised path over a year", low=-1, high=1, source="ours"
    )
    commitment_to_later_trust: float = parameter(
        0.10, "standardised path over a year", low=-1, high=1, source="ours"
    )
    loading: float = parameter(
        0.75, "λ, of every item on what it measures", low=0.3, high=0.95, source="ours"
    )
    method_loading: float = parameter(
        0.30,
        "δ, of every answer on the method factor",
        low=0,
        high=0.8,
        source="some: Podsakoff et al. (2003); size ours",
    )
    marker_exposure: float = parameter(
        1.0, "the marker items' method loading, as a share of δ", low=0, high=1, source="ours"
    )
    n_customers: int = parameter(400, "customers", low=50, high=200_000, source="ours")

    def __post_init__(self):
        super().__post_init__()
        explained = {
            "trust": trust_explained(self),
            "commitment": commitment_explained(self),
            "later trust": _carried(self.trust_persistence, self.commitment_to_later_trust, self),
            "later commitment": _carried(self.commitment_persistence, self.trust_to_later_commitment, self),
            "an item": self.loading**2 + self.method_loading**2,
        }
        for what, share in explained.items():
            if share > 1 + 1e-9:
                raise InputError(
                    f"the paths or loadings that lead to {what} explain {share:.2f} of its variance; "
                    "lower one of them so that it is at most 1"
                )


def trust_explained(p):
    """Share of trust's variance that the records and satisfaction explain."""
    paths = (p.transparency_to_trust, p.consistency_to_trust, p.response_to_trust, p.pressure_to_trust)
    return sum(path**2 for path in paths) + p.satisfaction_to_trust**2


def commitment_explained(p):
    """Share of commitment's variance that trust and the rest explain."""
    b, s, x = p.trust_to_commitment, p.satisfaction_to_commitment, p.pressure_to_commitment
    own = b**2 + s**2 + x**2 + p.investment_to_commitment**2 + p.termination_cost_to_commitment**2
    return own + 2 * b * (s * p.satisfaction_to_trust + x * p.pressure_to_trust)


def trust_commitment_correlation(p):
    """Correlation of trust and commitment within a wave."""
    return (
        p.trust_to_commitment
        + p.satisfaction_to_commitment * p.satisfaction_to_trust
        + p.pressure_to_commitment * p.pressure_to_trust
    )


def _carried(persistence, crossed, p):
    """Share of a later construct's variance that the two earlier ones explain."""
    return persistence**2 + crossed**2 + 2 * persistence * crossed * trust_commitment_correlation(p)


def simulate_trust_market(p, streams):
    """Draw a cohort: ``customers`` (records, what they did), ``surveys`` and, a year later, ``follow_up``."""
    rng, n = streams["customers"], p.n_customers
    records = {name: rng.standard_normal(n) for name in [*RECORDS, "investment", "termination_cost"]}
    satisfaction = rng.standard_normal(n)
    trust = (
        sum(getattr(p, f"{name}_to_trust") * records[name] for name in RECORDS)
        + p.satisfaction_to_trust * satisfaction
        + _rest(trust_explained(p)) * rng.standard_normal(n)
    )
    commitment = (
        p.trust_to_commitment * trust
        + p.satisfaction_to_commitment * satisfaction
        + sum(
            getattr(p, f"{name}_to_commitment") * records[name]
            for name in ("investment", "termination_cost", "pressure")
        )
        + _rest(commitment_explained(p)) * rng.standard_normal(n)
    )
    renewal = (
        p.base_renewal
        + p.commitment_to_renewal * commitment
        + p.satisfaction_to_renewal * satisfaction
        + p.termination_cost_to_renewal * records["termination_cost"]
    )
    renewed = (renewal + rng.standard_normal(n) > 0) * 1.0
    referring = p.commitment_to_referrals * commitment + p.satisfaction_to_referrals * satisfaction
    referrals = _poisson(np.exp(p.base_referrals + referring), streams["referrals"].random(n))
    method = streams["method"].standard_normal(n)
    latent = {"trust": trust, "commitment": commitment, "satisfaction": satisfaction}
    customers = records | {"renewed": renewed, "referrals": referrals}
    surveys = cache(lambda: _survey(p, latent, records, renewal, method, streams["surveys"]))
    follow_up = cache(lambda: _follow_up(p, trust, commitment, method, streams["follow_up"]))
    return Cohort(
        tables={
            "customers": customers,
            "surveys": surveys,
            "follow_up": follow_up,
            "scores": lambda: (
                customers | _mean_scores(surveys(), SCALES) | _mean_scores(follow_up(), LATER, "later_")
            ),
        },
        truth=latent | {"method": method},
    )


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


def _rest(explained):
    """Standard deviation of what is left, for a variance of 1."""
    return sqrt(max(0.0, 1 - explained))


def _survey(p, latent, records, renewal, method, rng):
    """The first year's answers: four scales, four impressions of the firm, the stated chance of renewing."""

    def ask(trait, items, share=1.0, points=7, spread=0.7):
        return likert_items(trait, rng, items, p.loading, points, spread, share * p.method_loading, method)

    answers = {}
    for name in ("trust", "commitment", "satisfaction"):
        answers |= dict(zip(SCALES[name], ask(latent[name], ITEMS)))
    unrelated = rng.standard_normal(p.n_customers)
    answers |= dict(zip(SCALES["marker"], ask(unrelated, ITEMS, p.marker_exposure)))
    for name in ("transparency", "consistency", "response", "investment"):
        answers[f"perceived_{name}"] = ask(records[name], 1)[0]
    intention = (renewal - p.base_renewal) / renewal_spread(p)
    answers["stated_chance"] = (ask(intention, 1, points=11, spread=0.45)[0] - 1) / 10
    return answers


def _follow_up(p, trust, commitment, method, rng):
    """Trust and commitment a year later, asked again."""
    innovation = {name: rng.standard_normal(p.n_customers) for name in LATER}
    later = {
        "trust": p.trust_persistence * trust + p.commitment_to_later_trust * commitment,
        "commitment": p.commitment_persistence * commitment + p.trust_to_later_commitment * trust,
    }
    kept = {
        "trust": _carried(p.trust_persistence, p.commitment_to_later_trust, p),
        "commitment": _carried(p.commitment_persistence, p.trust_to_later_commitment, p),
    }
    answers = {}
    for name, items in LATER.items():
        state = later[name] + _rest(kept[name]) * innovation[name]
        answers |= dict(
            zip(items, likert_items(state, rng, ITEMS, p.loading, method=p.method_loading, common=method))
        )
    return answers


# What is true, from the parameters alone ---------------------------------------------------------------


def points(p):
    """Points of a scale from 1 to 7 for a standard deviation of its trait: ``λ Σ φ(τ)``, by Stein's lemma."""
    return p.loading * float(norm.pdf(THRESHOLDS).sum())


def _commitment_covariances(p):
    """Covariances of commitment with satisfaction and with termination cost."""
    return (
        p.trust_to_commitment * p.satisfaction_to_trust + p.satisfaction_to_commitment,
        p.termination_cost_to_commitment,
    )


def renewal_spread(p):
    """Standard deviation of the renewal index, its error apart."""
    with_satisfaction, with_cost = _commitment_covariances(p)
    c, s, k = p.commitment_to_renewal, p.satisfaction_to_renewal, p.termination_cost_to_renewal
    return sqrt(c**2 + s**2 + k**2 + 2 * c * (s * with_satisfaction + k * with_cost))


def _chance_for_a_probit_unit(p):
    """Mean slope of the renewal chance in the index: ``φ(r0/σ)/σ``. Its index is normal, so it is exact."""
    spread = sqrt(1 + renewal_spread(p) ** 2)
    return float(norm.pdf(p.base_renewal / spread)) / spread


def mean_referrals(p):
    """Referrals of a customer a year: the mean of a lognormal rate."""
    c, s = p.commitment_to_referrals, p.satisfaction_to_referrals
    return exp(p.base_referrals + (c**2 + s**2 + 2 * c * s * _commitment_covariances(p)[0]) / 2)


def renewal_for_commitment(p):
    """What a point of commitment adds to the chance of renewing, the least squares slope."""
    return p.commitment_to_renewal * _chance_for_a_probit_unit(p) / points(p)


def referrals_for_commitment(p):
    """What a point of commitment adds to a year's referrals, the least squares slope."""
    return p.commitment_to_referrals * mean_referrals(p) / points(p)


# Estimators that only this lesson needs ----------------------------------------------------------------


def measures(tables):
    """All that the corrected regressions use, by name: arrays of shape ``(..., rows)``.

    Records as they are; each scale's score, ``NAME noise`` with the row's statement of its error variance,
    and ``shared``: the product of the marker score and the mean of the three others, which averages to δ².
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


SURVEYED = {"trust", "commitment", "satisfaction", "later_trust", "later_commitment"}


@dataclass(frozen=True)
class MarkerRegression(Estimator):
    """One coefficient of a regression among scales and records, without measurement error and shared method.

    Parameters
    ----------
    formula : str
        Names joined by plus signs: ``"commitment ~ trust + satisfaction + pressure"``.
    term : str
        The coefficient that is the estimate.
    """

    formula: str
    term: str

    def __call__(self, tables):
        estimate = self.batch(tables)
        if not np.isfinite(estimate.standard_error):
            raise EstimationFailed(
                "the corrected moments have no inverse: too few customers, or too little signal"
            )
        return replace(estimate, value=float(estimate.value), standard_error=float(estimate.standard_error))

    def batch(self, tables):
        """The estimates on many cohorts at once; NaN where the corrected moments have no inverse."""
        coefficients, covariance, freedom = tables.once(self.formula, lambda: self.fit(measures(tables)))
        at = split(self.formula)[1].index(self.term)
        with np.errstate(invalid="ignore"):
            return Estimate(coefficients[..., at], np.sqrt(covariance[..., at, at]), freedom)

    def fit(self, found):
        """Coefficients, covariance and degrees of freedom from `measures`."""
        regression = measured(self.formula, found)
        return *regression.fit(), regression.degrees_of_freedom


def measured(formula, found):
    """The corrected regression that a formula among `measures` asks for."""
    outcome, terms = split(formula)
    return MeasuredRegression(
        found[outcome],
        np.stack([found[name] for name in terms], -1),
        np.stack([found.get(f"{name} noise", np.zeros(found[name].shape)) for name in terms], -1),
        found["shared"],
        [name in SURVEYED for name in terms],
        outcome in SURVEYED,
    )


def split(formula):
    """``"y ~ a + b"`` as its outcome and a list of its terms."""
    outcome, terms = formula.split(" ~ ")
    return outcome, terms.split(" + ")


PLS_CONSTRUCTS = {name: SCALES[name] for name in ("satisfaction", "trust", "commitment")} | {
    name: [name] for name in [*RECORDS, "investment", "termination_cost"]
}
PLS_PATHS = [(name, "trust") for name in ["satisfaction", *RECORDS]] + [
    (name, "commitment") for name in ["trust", "satisfaction", "investment", "termination_cost", "pressure"]
]


@dataclass(frozen=True)
class PLSRegression(Estimator):
    """The path from trust to commitment between partial least squares scores.

    Its standard error takes the weights as known; a bootstrap's hardly differs.
    """

    def __call__(self, tables):
        estimate = self.batch(tables)
        return replace(
            estimate, value=float(estimate.value[0]), standard_error=float(estimate.standard_error[0])
        )

    def batch(self, tables):
        """The estimates on many cohorts at once."""
        values = _pls_items(tables)
        correlations = values.swapaxes(-1, -2) @ values / (values.shape[-2] - 1)
        scores = values @ signed_weights(correlations, PLS_CONSTRUCTS, PLS_PATHS)
        names = list(PLS_CONSTRUCTS)
        sources = [source for source, target in PLS_PATHS if target == "commitment"]
        regression = MeasuredRegression(
            scores[..., names.index("commitment")], scores[..., [names.index(name) for name in sources]]
        )
        coefficients, covariance = regression.fit()
        at = sources.index("trust")
        return Estimate(
            coefficients[..., at], np.sqrt(covariance[..., at, at]), regression.degrees_of_freedom
        )


def _pls_items(tables):
    """The path model's items, standardised: ``(cohorts, rows, items)``."""
    columns = tables.columns("surveys") | tables.columns("customers")
    items = [columns[item] for block in PLS_CONSTRUCTS.values() for item in block]
    values = np.stack([np.atleast_2d(item) for item in items], -1)
    return (values - values.mean(-2, keepdims=True)) / values.std(-2, keepdims=True, ddof=1)


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


def survey_table(tables):
    """Answers and records side by side: what factor and path models are fitted to."""
    return pd.concat([tables["surveys"], tables["customers"]], axis=1)


def structural_path(tables):
    """Trust's path to commitment between factors, as it is usually fitted: without a method factor."""
    fit = fit_structural(MEASUREMENT + PATHS, survey_table(tables))
    return Estimate(*fit.combine(lambda values: values["b"]))


@dataclass(frozen=True)
class BootstrapMediation:
    """An indirect effect ``a b``, both marker-corrected, by resampling customers.

    Parameters
    ----------
    first, second : MarkerRegression
        Give a and b.
    direction : {">", "<"}
        Of the claim.
    method : {"percentile", "bias-corrected"}
    """

    first: MarkerRegression
    second: MarkerRegression
    direction: str
    method: str = "percentile"

    def __call__(self, tables):
        value = self.first(tables).value * self.second(tables).value
        draws = tables.once((self.first, self.second), lambda: self.draws(tables))
        if not np.isfinite(draws).all():
            raise EstimationFailed("the corrected moments of a resample have no inverse: too few customers")
        return Estimate(
            value,
            float(draws.std(ddof=1)),
            interval=bootstrap_interval(draws, value, self.method),
            p_value=bootstrap_p_value(draws, value, self.method, direction=self.direction),
        )

    def draws(self, tables):
        """``a b`` on each resample: the same customers make up both of its factors."""
        product = 1.0
        for link in (self.first, self.second):
            coefficients = measured(link.formula, measures(tables)).resample(RESAMPLES, seed=RESAMPLES)
            product = product * coefficients[:, split(link.formula)[1].index(link.term)]
        return product


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
        "percentile bootstrap": BootstrapMediation(first, second, direction),
        "bias-corrected bootstrap": BootstrapMediation(first, second, direction, "bias-corrected"),
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
            "marker-corrected": MarkerRegression(f"commitment ~ {ON_COMMITMENT}", "trust"),
            "structural model": structural_path,
            "PLS": PLSRegression(),
        },
    ),
    Hypothesis(
        "H2a",
        "Trust comes first: today's trust raises next year's commitment",
        ">",
        truth=lambda p: p.trust_to_later_commitment,
        unit="standardised path over a year",
        estimators={
            "marker-corrected": MarkerRegression("later_commitment ~ trust + commitment", "trust"),
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
            "marker-corrected": MarkerRegression(f"trust ~ {ON_TRUST}", "satisfaction"),
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
            "marker-corrected": MarkerRegression(f"renewed ~ {ON_RENEWAL}", "commitment"),
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
            "marker-corrected": MarkerRegression("referrals ~ commitment + satisfaction", "commitment"),
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
            MarkerRegression(f"trust ~ {ON_TRUST}", "pressure"),
            MarkerRegression(f"commitment ~ {ON_COMMITMENT}", "trust"),
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
            MarkerRegression(f"commitment ~ {ON_COMMITMENT}", "termination_cost"),
            MarkerRegression(f"renewed ~ {ON_RENEWAL}", "commitment"),
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
            "marker-corrected": MarkerRegression(f"commitment ~ {ON_COMMITMENT}", "pressure"),
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
