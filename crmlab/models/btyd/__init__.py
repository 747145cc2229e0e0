"""Customer-base ("buy till you die") models with one shape: fit, look, ask.

>>> from crmlab.models.btyd import BGNBD
>>> from crmlab.mechanisms.purchases import bg_nbd
>>> customers = bg_nbd(2000, 39, r=0.24, alpha=4.4, a=0.79, b=2.4, seed=1)
>>> model = BGNBD().fit(customers.frequency, customers.recency, customers.T)
>>> bool(model.convergence_)
True

Models whose rates change with the season or other covariates of the time are in `crmlab.models.btyd.varying`.
"""

from crmlab.models.btyd.base import NotFittedError
from crmlab.models.btyd.bgbb import BGBB
from crmlab.models.btyd.bgnbd import BGNBD, ModifiedBGNBD
from crmlab.models.btyd.fitting import Convergence, ConvergenceWarning
from crmlab.models.btyd.gammagamma import GammaGamma
from crmlab.models.btyd.nesting import LikelihoodRatioTest, likelihood_ratio_test
from crmlab.models.btyd.paretonbd import ParetoNBD
from crmlab.models.btyd.regular import BGCNBD, ModifiedBGCNBD, RegularModel
from crmlab.models.btyd.saving import load_model, save_model
from crmlab.models.btyd.sbg import ShiftedBetaGeometric

__all__ = [
    "BGBB",
    "BGCNBD",
    "BGNBD",
    "Convergence",
    "ConvergenceWarning",
    "GammaGamma",
    "LikelihoodRatioTest",
    "ModifiedBGCNBD",
    "ModifiedBGNBD",
    "NotFittedError",
    "ParetoNBD",
    "RegularModel",
    "ShiftedBetaGeometric",
    "likelihood_ratio_test",
    "load_model",
    "save_model",
]
