"""Customers who buy until they drop out: exact draws of summaries and of full transaction logs.

Each simulator draws the truth of every customer (rates, dropout, lifetime) and from it the summary
(frequency, recency, T) directly, without stepping through purchases. `Customers.log` fills in the purchases
that the summary implies: given x purchases of which the last is at t_x, the gaps between them are
exchangeable and uniform on the simplex in all models with Poisson purchases, and exchangeable gammas of a
given sum where times are regular.

Customers come in blocks of fixed size with one random stream a block and purpose, so results depend on the
seed alone, not on the number of threads nor on whether a cohort is drawn whole or in parts (`in_parts`).
"""

from crmlab.mechanisms.purchases.customers import Customers
from crmlab.mechanisms.purchases.periods import bg_bb, shifted_beta_geometric, survivors
from crmlab.mechanisms.purchases.rates import bg_cnbd, bg_nbd, in_parts, mbg_cnbd, mbg_nbd, pareto_nbd
from crmlab.mechanisms.purchases.spending import gamma_gamma
from crmlab.mechanisms.purchases.streams import BLOCK

__all__ = [
    "BLOCK",
    "Customers",
    "bg_bb",
    "bg_cnbd",
    "bg_nbd",
    "gamma_gamma",
    "in_parts",
    "mbg_cnbd",
    "mbg_nbd",
    "pareto_nbd",
    "shifted_beta_geometric",
    "survivors",
]
