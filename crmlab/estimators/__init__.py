"""What theories estimate with: each estimator takes one cohort or many in one pass.

An estimator is given tables and returns an `Estimate`; the base is `crmlab.design.Estimator`.

References
----------
Those that the modules cite by author and year and give no DOI for:

Blattberg & Deighton (1996). Manage marketing by the customer equity test. Harvard Business Review 74(4),
    136–144.
Athey & Wager (2021). Policy learning with observational data. Econometrica 89, 133–161.
Beach & Davidson (1983). Distribution-free statistical inference with Lorenz curves and income shares. Review
    of Economic Studies 50, 723–735.
Cameron & Miller (2015). A practitioner's guide to cluster-robust inference. doi:10.3368/jhr.50.2.317
Cox (1972). Regression models and life-tables. Journal of the Royal Statistical Society B 34, 187–220.
Dudík, Langford & Li (2011). Doubly robust policy evaluation and learning. ICML. arXiv:1103.4601
Efron (1979). Bootstrap methods: another look at the jackknife. doi:10.1214/aos/1176344552
Fieller (1954). Some problems in interval estimation. doi:10.1111/j.2517-6161.1954.tb00159.x
Firth (1993). Bias reduction of maximum likelihood estimates. doi:10.1093/biomet/80.1.27
Flora & Curran (2004). An empirical evaluation of alternative methods of estimation for confirmatory factor
    analysis with ordinal data. doi:10.1037/1082-989X.9.4.466
Goodman-Bacon (2021). Difference-in-differences with variation in treatment timing.
    doi:10.1016/j.jeconom.2021.03.014
Gourieroux, Monfort & Trognon (1984). Pseudo maximum likelihood methods: applications to Poisson models.
    Econometrica 52, 701–720.
Hansen & Hurwitz (1946). The problem of non-response in sample surveys. doi:10.1080/01621459.1946.10501894
Horvitz & Thompson (1952). A generalization of sampling without replacement from a finite universe.
    doi:10.1080/01621459.1952.10483446
Lancaster (1961). Significance tests in discrete distributions. doi:10.1080/01621459.1961.10482105
Liang & Zeger (1986). Longitudinal data analysis using generalized linear models. doi:10.1093/biomet/73.1.13
Lunceford & Davidian (2004). Stratification and weighting via the propensity score in estimation of causal
    treatment effects: a comparative study. doi:10.1002/sim.1903
MacKinnon & White (1985). Some heteroskedasticity-consistent covariance matrix estimators with improved
    finite sample properties. doi:10.1016/0304-4076(85)90158-7
Mundlak (1978). On the pooling of time series and cross section data. doi:10.2307/1913646
Muthén (1984). A general structural equation model with dichotomous, ordered categorical, and continuous
    latent variable indicators. doi:10.1007/BF02294210
Newey & McFadden (1994). Large sample estimation and hypothesis testing. doi:10.1016/S1573-4412(05)80005-4
Petrin & Train (2010). A control function approach to endogeneity in consumer choice models. Journal of
    Marketing Research 47, 3–13.
Robins, Rotnitzky & Zhao (1994). Estimation of regression coefficients when some regressors are not always
    observed. doi:10.1080/01621459.1994.10476818
Savalei & Kolenikov (2008). Constrained versus unconstrained estimation in structural equation modeling.
    doi:10.1037/1082-989X.13.2.150
Sobel (1982). Asymptotic confidence intervals for indirect effects in structural equation models.
    doi:10.2307/270723
Staiger & Stock (1997). Instrumental variables regression with weak instruments. doi:10.2307/2171753
Wooldridge (2015). Control function methods in applied econometrics. Journal of Human Resources 50, 420–445.
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
    WeightedPolicyValue,
)
from crmlab.estimators.choice import ChoiceCoefficient, ChoiceModel, WillingnessToPay
from crmlab.estimators.concentration import GiniCoefficient, TierRatio, TopShare, share_curve
from crmlab.estimators.correlations import Correlation, CorrelationDifference
from crmlab.estimators.count_regressions import NegativeBinomialRegression, PoissonRegression
from crmlab.estimators.counts import ShareAmong
from crmlab.estimators.crosslagged import PanelPath, fit_panel, impulse_response, inadmissible, path_table
from crmlab.estimators.frailty import StageHazard
from crmlab.estimators.hazard_ratio import HazardRatio
from crmlab.estimators.interactions import CrossDifference
from crmlab.estimators.joint import Reversed, Weakest
from crmlab.estimators.linear import (
    ControlFunction,
    InResidualDeviations,
    LeastSquares,
    TwoStageLeastSquares,
    Within,
    robust,
)
from crmlab.estimators.mediated import ThroughMediator
from crmlab.estimators.mixed import IntraclassCorrelation, MixedModel, within_and_between
from crmlab.estimators.necessity import NecessaryCondition
from crmlab.estimators.ordered import OrderedProbit
from crmlab.estimators.paired import GapInShares, LogLift, LogRatio, PairedDifference
from crmlab.estimators.panel import GroupTimeEffects, GroupTimeWald, TwoWayFixedEffects
from crmlab.estimators.panel_slopes import PanelProduct, PanelSlope
from crmlab.estimators.ratios import RatioOfEffects
from crmlab.estimators.regression import AverageSlope, Combination, Contrast, Fitted, Product, Regression
from crmlab.estimators.response import Curve, ResponseCurves
from crmlab.estimators.sampling import DoubleSample
from crmlab.estimators.selection import SelectionRegression
from crmlab.estimators.standardised import Standardised
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
    "Correlation",
    "CorrelationDifference",
    "CrossDifference",
    "Curve",
    "DoubleSample",
    "DoublyRobust",
    "Estimate",
    "EstimationFailed",
    "Estimator",
    "Fitted",
    "FittedChanceInstruments",
    "GapInShares",
    "GiniCoefficient",
    "GroupTimeEffects",
    "GroupTimeWald",
    "HazardRatio",
    "InResidualDeviations",
    "IntraclassCorrelation",
    "InverseProbability",
    "LeastSquares",
    "LogLift",
    "LogRatio",
    "LogisticRegression",
    "MixedModel",
    "NecessaryCondition",
    "NegativeBinomialRegression",
    "OrderedProbit",
    "PairedDifference",
    "PanelPath",
    "PanelProduct",
    "PanelSlope",
    "PoissonRegression",
    "PolicyValue",
    "ProbitRegression",
    "Product",
    "Propensity",
    "ProportionalHazards",
    "RatioOfEffects",
    "Regression",
    "ResponseCurves",
    "Reversed",
    "SelectionRegression",
    "SelfJudgedRule",
    "ShareAmong",
    "SingleEstimator",
    "StageHazard",
    "Standardised",
    "SwitchingRegression",
    "ThroughMediator",
    "TierRatio",
    "TopShare",
    "TwoStageLeastSquares",
    "TwoWayFixedEffects",
    "Weakest",
    "WeightedPolicyValue",
    "WillingnessToPay",
    "Within",
    "fit_panel",
    "impulse_response",
    "inadmissible",
    "path_table",
    "robust",
    "share_curve",
    "within_and_between",
]
