"""What a household would pay not to change its brand, with tastes alike or differing between classes.

The coefficient of the brand bought last, over minus that of the price, is a switching cost in money if tastes
are alike. If they are not, those who like a brand bought it last time *and* buy it again, and their liking
looks like a cost (Dubé, Hitsch & Rossi 2010, doi:10.1111/j.1756-2171.2010.00106.x).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlab.models.mixture_logit import MixtureLogit, Panel, fit_mixture_logit

LAST, PRICE = "last", "price"


@dataclass(frozen=True)
class Inertia:
    """A finite-mixture logit in which the brand bought last counts alike for everybody.

    Attributes
    ----------
    fit : MixtureLogit
    terms : tuple of str
    choices : int
    """

    fit: MixtureLogit
    terms: tuple[str, ...]
    choices: int

    @property
    def coefficient(self) -> float:
        """Of the brand bought last, in logit units."""
        return float(self.fit.coefficients[0, self.terms.index(LAST)])

    @property
    def standard_error(self) -> float:
        """Of the coefficient, by households' squared scores."""
        return float(self.fit.standard_errors[0, self.terms.index(LAST)])

    @property
    def price_coefficient(self) -> float:
        """Mean over households, in logit units per unit of price."""
        return float(self.fit.shares @ self.fit.coefficients[:, self.terms.index(PRICE)])

    @property
    def cost(self) -> float:
        """The switching cost in units of price."""
        return self.coefficient / -self.price_coefficient

    @property
    def bic(self) -> float:
        """Schwarz's criterion with the number of choices as sample size."""
        return self.fit.free_parameters * float(np.log(self.choices)) - 2 * self.fit.log_likelihood


def fit_inertia(
    rows: pd.DataFrame, classes: int, alike: Sequence[str] = (), starts: int = 5, seed: int = 0
) -> Inertia:
    """Fit it.

    Parameters
    ----------
    rows : DataFrame
        As `crmlab.data.repeat_choices` returns: a row for each purchase and brand, with ``household``,
        ``brand``, ``chosen``, ``price``, ``disp``, ``feat``, ``last``, and a column for each brand but one.
    classes : int
    alike : sequence of str
        Terms that are alike in all classes beside the last brand: ``("disp", "feat")``.
    starts, seed : int
        As for `crmlab.models.mixture_logit.fit_mixture_logit`.
    """
    brands = list(pd.unique(rows["brand"]))
    terms = (*(brand for brand in brands if brand in rows), PRICE, "disp", "feat", LAST)
    shape = -1, len(brands), len(terms)
    chosen = rows["chosen"].to_numpy().reshape(shape[:2]).argmax(axis=1)
    household = np.unique(rows["household"].to_numpy()[:: len(brands)], return_inverse=True)[1]
    panel = Panel(rows[list(terms)].to_numpy(float).reshape(shape), chosen, household)
    common = [terms.index(term) for term in (*alike, LAST)]
    fit = fit_mixture_logit(panel, classes, starts, seed, common if classes > 1 else ())
    return Inertia(fit, terms, len(chosen))


def inertia_by_classes(rows: pd.DataFrame, most: int, starts: int = 3) -> pd.DataFrame:
    """The switching cost as more kinds of taste are allowed: a row for each number of classes.

    Parameters
    ----------
    rows : DataFrame
        As for `fit_inertia`.
    most : int
        Classes of the last row; the first has one.
    starts : int
    """
    fits = {classes: fit_inertia(rows, classes, starts=starts) for classes in range(1, most + 1)}
    return pd.DataFrame(
        {
            "classes": list(fits),
            "inertia": [each.coefficient for each in fits.values()],
            "error": [each.standard_error for each in fits.values()],
            "price": [each.price_coefficient for each in fits.values()],
            "cost": [each.cost for each in fits.values()],
            "BIC": [each.bic for each in fits.values()],
        }
    )
