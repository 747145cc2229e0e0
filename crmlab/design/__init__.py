"""A theory as a design: parameters, a market, hypotheses, and what repeated simulation says of them."""

from crmlab.design.cohort import Cohort, Tables, Truth
from crmlab.design.constructs import Construct, Diagram
from crmlab.design.design import AtEdge, Design
from crmlab.design.diagnosis import Diagnosis
from crmlab.design.estimate import Estimate, EstimationFailed, Hypothesis
from crmlab.design.estimator import Estimator, SingleEstimator
from crmlab.design.parameters import (
    Parameters,
    correlation,
    count,
    effect,
    logit,
    parameter,
    path,
    positive,
    probit,
    share,
    spread,
)
from crmlab.design.streams import Streams
from crmlab.design.variations import Variations
from crmlab.errors import InputError

__all__ = [
    "AtEdge",
    "Cohort",
    "Construct",
    "Design",
    "Diagnosis",
    "Diagram",
    "Estimate",
    "EstimationFailed",
    "Estimator",
    "Hypothesis",
    "InputError",
    "Parameters",
    "SingleEstimator",
    "Streams",
    "Tables",
    "Truth",
    "Variations",
    "correlation",
    "count",
    "effect",
    "logit",
    "parameter",
    "path",
    "positive",
    "probit",
    "share",
    "spread",
]
