"""Customer-base models whose rates change with the season and with other covariates of the time.

Covariates come from a `Season`, a table `ByPeriod` or a `Static` one, or a sum of these, for purchases and
for dropout apart. They are constant within periods, so that each customer has a clock that runs faster or
slower (`clock`); on it the models are those without covariates, except that the Pareto/NBD adds an integral
over each period in which a silent customer may have died (`pieces`). Likelihoods have exact first and second
derivatives. With covariates that never change, and with effects of 0, they are the models of
`crmlab.models.btyd`.

>>> from crmlab.models.btyd.varying import Season, TimeVaryingBGNBD
>>> known = {"r": 0.5, "alpha": 8.0, "a": 0.8, "b": 2.5}
>>> effects = {"purchase_quarter_1": -0.4, "purchase_quarter_2": 0.1, "purchase_quarter_3": -0.2}
>>> shop = TimeVaryingBGNBD.from_params(purchase_covariates=Season("quarterly"), **known, **effects)
>>> customers = shop.simulate(["2022-01-31"] * 2000, "2023-12-31", seed=1)
>>> model = TimeVaryingBGNBD().fit(customers, purchase_covariates="quarterly")
>>> bool(model.convergence_)
True
"""

from crmlab.models.btyd.varying.bgnbd import TimeVaryingBGNBD, TimeVaryingModifiedBGNBD
from crmlab.models.btyd.varying.dated import DatedHistories
from crmlab.models.btyd.varying.model import TimeVaryingModel
from crmlab.models.btyd.varying.paretonbd import TimeVaryingParetoNBD
from crmlab.models.btyd.varying.season import Season
from crmlab.models.btyd.varying.sources import ByPeriod, Static

__all__ = [
    "ByPeriod",
    "DatedHistories",
    "Season",
    "Static",
    "TimeVaryingBGNBD",
    "TimeVaryingModel",
    "TimeVaryingModifiedBGNBD",
    "TimeVaryingParetoNBD",
]
