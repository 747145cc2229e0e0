"""What the sources claim, held against markets: numbers over a region of markets, claims against designs."""

from crmlab.claims.audit import Audit, QuantitativeClaim, audit, both
from crmlab.claims.numbers import EXCLUSIONS, NUMBERS, Exclusion
from crmlab.claims.own import OwnMarket, own_market
from crmlab.claims.quantities import QUANTITIES, Quantity, Range

__all__ = [
    "EXCLUSIONS",
    "NUMBERS",
    "QUANTITIES",
    "Audit",
    "Exclusion",
    "OwnMarket",
    "QuantitativeClaim",
    "Quantity",
    "Range",
    "audit",
    "both",
    "own_market",
]
