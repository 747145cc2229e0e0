"""A theory as a design: parameters, a market, hypotheses, and what repeated simulation says of them."""

from crmlab.design.cohort import Cohort, Tables, Truth
from crmlab.design.design import Design, Variations
from crmlab.design.diagnosis import Diagnosis
from crmlab.design.estimate import Estimate, EstimationFailed, Hypothesis
from crmlab.design.parameters import Parameters, parameter
from crmlab.design.regression import LeastSquares, LogisticRegression, ProbitRegression, Product
from crmlab.design.streams import Streams
from crmlab.errors import InputError

__all__ = [
    "Cohort",
    "Design",
    "Diagnosis",
    "Estimate",
    "EstimationFailed",
    "Hypothesis",
    "InputError",
    "LeastSquares",
    "LogisticRegression",
    "Parameters",
    "ProbitRegression",
    "Product",
    "Streams",
    "Tables",
    "Truth",
    "Variations",
    "parameter",
]
