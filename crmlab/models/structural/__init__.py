"""Linear structural models by maximum likelihood: one sample, or thousands at once."""

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
