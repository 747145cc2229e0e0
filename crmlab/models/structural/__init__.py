"""Linear structural models by maximum likelihood: one sample, or thousands at once.

References
----------
Those that the modules cite by author and year:

Bertsekas (1982). Projected Newton methods for optimization problems with simple constraints.
    doi:10.1137/0320018
Bollen (1989). Structural equations with latent variables. Wiley.
Cudeck (1989). Analysis of correlation matrices using covariance structure models.
    doi:10.1037/0033-2909.105.2.317
McArdle & McDonald (1984). Some algebraic properties of the reticular action model for moment structures.
    British Journal of Mathematical and Statistical Psychology 37, 234–251.
Steiger (1990). Structural model evaluation and modification: an interval estimation approach.
    doi:10.1207/s15327906mbr2502_4
White (1982). Maximum likelihood estimation of misspecified models. doi:10.2307/1912526
"""

from crmlab.models.structural.engine import Moments
from crmlab.models.structural.model import Fits, StructuralModel
from crmlab.models.structural.single import NotConverged, StructuralFit, fit_structural
from crmlab.models.structural.statistics import fit_statistics
from crmlab.models.structural.syntax import measured_by

__all__ = [
    "Fits",
    "Moments",
    "NotConverged",
    "StructuralFit",
    "StructuralModel",
    "fit_statistics",
    "fit_structural",
    "measured_by",
]
