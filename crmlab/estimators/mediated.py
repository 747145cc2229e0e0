"""How much of a cause's effect runs through a mediator, when lots move the cause and the mediator."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from crmlab.design import Estimate, Estimator, Tables
from crmlab.errors import InputError
from crmlab.estimators.linear import LeastSquares
from crmlab.models.stacked import orthogonal


@dataclass(frozen=True)
class ThroughMediator(Estimator):
    """The effect of a cause through a mediator, ``a · b``, where a second lot pushes the mediator itself.

    With a of the cause and l of the push on the mediator, and π of the push on the outcome, b is π/l: what
    moves mediator and outcome together needs no measuring.

    Parameters
    ----------
    mediator, outcome : LeastSquares
        Regressions of both on the same terms and rows. The cause is their `term`.
    push : str
        The term of the second lot. It must move the outcome through the mediator alone.

    Notes
    -----
    The claim needs both links, so the p-value is the larger of those of a and π: an intersection-union test
    (Berger 1982, Technometrics 24), whose size does not depend on how strong the push is, so long as it
    raises the mediator. The value is aπ/l, its error by rows' influence (HC2) and the delta method.
    """

    mediator: LeastSquares
    outcome: LeastSquares
    push: str

    failure: ClassVar[str] = "the terms are not of full rank"

    def __post_init__(self) -> None:
        one, other = self.mediator, self.outcome
        if (one.terms, one.term, one.table) != (other.terms, other.term, other.table):
            raise InputError("mediator and outcome differ in terms, term or table; let only outcomes differ")
        if self.push not in one.terms or self.push == one.term:
            raise InputError(f"push is {self.push!r}; name a term of {one.formula!r} other than {one.term!r}")

    def _links(self, tables: Tables) -> tuple[np.ndarray, np.ndarray]:
        """Effects a, l, π, shape (simulations, 3), and rows' influence on them, (simulations, rows, 3)."""
        (affected, matrix), (reached, _) = (each._arrays(tables) for each in (self.mediator, self.outcome))
        basis, back = orthogonal(matrix)
        found, influence = [], []
        for values, term in ((affected, self.mediator.term), (affected, self.push), (reached, self.push)):
            at = self.mediator.terms.index(term)
            loadings = (basis.swapaxes(-1, -2) @ values[..., None])[..., 0]
            found.append((back[..., at, :] * loadings).sum(-1))
            residual = values - (basis @ loadings[..., None])[..., 0]
            pull = (basis @ back[..., at, :, None])[..., 0]
            influence.append(pull * residual / np.sqrt(1 - (basis**2).sum(-1)))
        return np.stack(found, -1), np.stack(influence, -1)

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        with np.errstate(all="ignore"):
            links, influence = self._links(tables)
            cause, push, reached = np.moveaxis(links, -1, 0)
            slope = np.stack([reached / push, -cause * reached / push**2, cause / push], -1)
            error = np.sqrt(((influence @ slope[..., None])[..., 0] ** 2).sum(-1))
            errors = np.sqrt((influence**2).sum(-2))
        weakest = np.stack([Estimate(links[..., at], errors[..., at]).p(">", 0.0) for at in (0, 2)]).max(0)
        return Estimate(cause * reached / push, error, p_value=weakest)
