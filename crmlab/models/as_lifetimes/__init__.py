"""The models under the names, arguments and units of the package lifetimes, so that its code runs as it is.

Replace ``from lifetimes import BetaGeoFitter`` by ``from crmlab.models.as_lifetimes import BetaGeoFitter``,
and ``lifetimes.utils`` and ``lifetimes.plotting`` likewise. The book's page *From lifetimes*, of `calls`,
has every call of its quickstart beside ours; a test runs both.
"""

from crmlab.models.as_lifetimes.calls import Call, calls
from crmlab.models.as_lifetimes.fitters import (
    BetaGeoBetaBinomFitter,
    BetaGeoFitter,
    GammaGammaFitter,
    ModifiedBetaGeoFitter,
    ParetoNBDFitter,
)

__all__ = [
    "BetaGeoBetaBinomFitter",
    "BetaGeoFitter",
    "Call",
    "GammaGammaFitter",
    "ModifiedBetaGeoFitter",
    "ParetoNBDFitter",
    "calls",
]
