"""What theories estimate with: each estimator takes one cohort or many in one pass.

An estimator is given tables and returns an `Estimate`; the base is `crmlab.design.Estimator`.
"""

from crmlab.design import Estimate, EstimationFailed, Estimator, SingleEstimator
from crmlab.estimators.binary import LogisticRegression, ProbitRegression
from crmlab.estimators.bootstrap import Bootstrap
from crmlab.estimators.causal import (
    DoublyRobust,
    InverseProbability,
    PolicyValue,
    Propensity,
    SelfJudgedRule,
)
from crmlab.estimators.choice import ChoiceCoefficient, ChoiceModel, WillingnessToPay
from crmlab.estimators.count_regressions import NegativeBinomialRegression, PoissonRegression
from crmlab.estimators.counts import ShareAmong
from crmlab.estimators.crosslagged import PanelPath, fit_panel, impulse_response, inadmissible, path_table
from crmlab.estimators.interactions import CrossDifference
from crmlab.estimators.joint import Weakest
from crmlab.estimators.linear import (
    ControlFunction,
    InResidualDeviations,
    LeastSquares,
    TwoStageLeastSquares,
    Within,
    robust,
)
from crmlab.estimators.mixed import IntraclassCorrelation, MixedModel, within_and_between
from crmlab.estimators.necessity import NecessaryCondition
from crmlab.estimators.ordered import OrderedProbit
from crmlab.estimators.panel import GroupTimeEffects
from crmlab.estimators.ratios import RatioOfEffects
from crmlab.estimators.regression import AverageSlope, Combination, Contrast, Fitted, Product, Regression
from crmlab.estimators.survival import ProportionalHazards
from crmlab.estimators.switching import FittedChanceInstruments, SwitchingRegression

__all__ = [
    "AverageSlope",
    "Bootstrap",
    "ChoiceCoefficient",
    "ChoiceModel",
    "Combination",
    "Contrast",
    "ControlFunction",
    "CrossDifference",
    "DoublyRobust",
    "Estimate",
    "EstimationFailed",
    "Estimator",
    "Fitted",
    "FittedChanceInstruments",
    "GroupTimeEffects",
    "InResidualDeviations",
    "IntraclassCorrelation",
    "InverseProbability",
    "LeastSquares",
    "LogisticRegression",
    "MixedModel",
    "NecessaryCondition",
    "NegativeBinomialRegression",
    "OrderedProbit",
    "PanelPath",
    "PoissonRegression",
    "PolicyValue",
    "ProbitRegression",
    "Product",
    "Propensity",
    "ProportionalHazards",
    "RatioOfEffects",
    "Regression",
    "SelfJudgedRule",
    "ShareAmong",
    "SingleEstimator",
    "SwitchingRegression",
    "TwoStageLeastSquares",
    "Weakest",
    "WillingnessToPay",
    "Within",
    "fit_panel",
    "impulse_response",
    "inadmissible",
    "path_table",
    "robust",
    "within_and_between",
]
