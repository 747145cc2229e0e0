"""What theories estimate with: each estimator takes one cohort or many in one pass.

An estimator is given tables and returns an `Estimate`; the base is `crmlab.design.Estimator`.
"""

from crmlab.design import Estimate, EstimationFailed, Estimator, SingleEstimator
from crmlab.estimators.binary import LogisticRegression, ProbitRegression
from crmlab.estimators.linear import LeastSquares
from crmlab.estimators.regression import Combination, Fitted, Product, Regression

__all__ = [
    "Combination",
    "Estimate",
    "EstimationFailed",
    "Estimator",
    "Fitted",
    "LeastSquares",
    "LogisticRegression",
    "ProbitRegression",
    "Product",
    "Regression",
    "SingleEstimator",
]
