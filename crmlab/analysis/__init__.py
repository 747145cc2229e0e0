"""Your own tables under a theory: what its estimators need, what they say of them, how far to trust it."""

from crmlab.analysis.analysing import Assumption, OwnAnalysis, analyse
from crmlab.analysis.needs import Needs, needs_of

__all__ = ["Assumption", "Needs", "OwnAnalysis", "analyse", "needs_of"]
