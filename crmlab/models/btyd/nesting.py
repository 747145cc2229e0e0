"""Whether a model fits better than one with fewer free parameters."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import chdtrc

from crmlab.errors import InputError
from crmlab.words import words

if TYPE_CHECKING:
    from crmlab.models.btyd.base import Model


@dataclass(frozen=True)
class LikelihoodRatioTest:
    """Result of a likelihood-ratio test.

    Attributes
    ----------
    statistic : float
        Twice the gain in log-likelihood.
    degrees_of_freedom : int
    p_value : float
        From the chi-square distribution, which holds when the restricted value is inside the parameter space.
    """

    statistic: float
    degrees_of_freedom: int
    p_value: float

    def __repr__(self) -> str:
        return words(
            "btyd.likelihood_ratio",
            statistic=self.statistic,
            p=self.p_value,
            degrees_of_freedom=self.degrees_of_freedom,
        )


def likelihood_ratio_test(restricted: "Model", full: "Model") -> LikelihoodRatioTest:
    """Does `full` fit better than `restricted`, which is the same model with fewer free parameters?

    Parameters
    ----------
    restricted, full : Model
        Two fits of one kind of model to the same customers. `restricted` leaves out covariates that `full`
        has, or was fitted with ``fixed=``.

    Returns
    -------
    LikelihoodRatioTest

    Raises
    ------
    InputError
        If the models are not nested or were fitted to different data.
    """
    if type(restricted) is not type(full) or restricted.name != full.name:
        raise InputError(f"{restricted.name} is not nested in {full.name}; compare them by aic_")

    def free(model: "Model") -> list[str]:
        return [name for name in model.params_.index if name not in model.fixed_]

    extra = [name for name in free(full) if name not in free(restricted)]
    alien = [name for name in free(restricted) if name not in free(full)]
    if alien or not extra:
        raise InputError(
            f"the first fit is not nested in the second: it leaves free "
            f"{', '.join(free(restricted))}; the second {', '.join(free(full))}"
        )
    if not np.allclose(restricted._data, full._data, rtol=1e-9):
        raise InputError("the two models were fitted to different customers; fit both to the same rows")
    statistic = 2.0 * (full.log_likelihood_ - restricted.log_likelihood_)
    return LikelihoodRatioTest(
        max(statistic, 0.0), len(extra), float(chdtrc(len(extra), max(statistic, 0.0)))
    )
