"""What an experience leaves: satisfaction, expectation, trust, commitment, value, attitude.

Expectation, experience and satisfaction move only when there is something to experience: a purchase, the
first visit, or a contact.

    P  = Q_bt + service + κ fit_c + σ ε;   D = P − E
    S  = β_E E + gain [D]₊ − loss [−D]₊ + u  (+ redress);          E' = E + α D
    T' = ρ T + a (S − s̄) + a' (½ CRM + ⅕ U) + e;   C' = ρ C + b T' + b' (S − s̄) + b'' invested + e
    V  = v P − ln price − tc (1 − saved CRM);      A  = c (S − s̄) + c' C' + c'' V + e
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from crmlab.company.customers import FITS, Customers
from crmlab.company.month import Month

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]
CRM_CARE, QUALITY_CARE = 0.5, 0.2  # what a CRM system and a good branch are as care
DISAPPOINTED = 0.3  # units of bad surprise from which customers may complain


@dataclass(frozen=True, eq=False)
class Experiences:
    """The month's experiences, one a row.

    Attributes
    ----------
    row : array of int
        Whose, among the active.
    expectation, surprise : arrays
        E before, and D.
    complained, redressed : arrays of bool
    """

    row: Rows
    expectation: Array
    surprise: Array
    complained: Flags
    redressed: Flags


def experience(now: Customers, month: Month, met: Flags) -> Experiences:
    """Let those who met the company experience it; `now` learns experience, satisfaction and expectation.

    Parameters
    ----------
    now : Customers
    month : Month
    met : array of bool
        Who has bought this month.
    """
    p, draw = month.p, month.draw
    row = np.flatnonzero(met | (draw.uniform(now.key, "contacts") < p.contact))
    key, branch, expected = now.key[row], now.branch[row], now.expectation[row]
    served = month.branches.service[month.number, branch] + month.service
    came = served + p.fit_to_experience * FITS[now.segment[row]]
    by_chance, liked = draw.normal(key, ("experience", "satisfaction"))
    came += p.spread_of_experience * by_chance
    surprise = came - expected
    satisfied = p.disconfirmation.index(expected, surprise) + p.spread_of_satisfaction * liked
    complained, redressed = _complaints(now, month, row, surprise)
    now.satisfaction[row] = satisfied + p.recovery_to_satisfaction * redressed
    now.experience[row] = came
    now.expectation[row] = expected + p.adaptation * surprise
    return Experiences(row, expected, surprise, complained, redressed)


def _complaints(now: Customers, month: Month, row: Rows, surprise: Array) -> tuple[Flags, Flags]:
    """Which experiences are complained of, and which complaints are redressed."""
    p, complained, redressed = month.p, np.zeros(row.size, bool), np.zeros(row.size, bool)
    disappointed = np.flatnonzero(surprise < -DISAPPOINTED)
    chance = expit(p.complaining - p.surprise_to_complaining * surprise[disappointed])
    complaints = disappointed[month.draw.uniform(now.key[row[disappointed]], "complaints") < chance]
    complained[complaints] = True
    whose = row[complaints]
    redressed[complaints] = month.draw.uniform(now.key[whose], "redress") < chance_of_redress(
        now, month, whose
    )
    return complained, redressed


def chance_of_redress(now: Customers, month: Month, row: Rows) -> Array:
    """By lot in pilot branches, elsewhere as the desk likes heavy buyers; or as decided."""
    forced, decided = month.switch("recovery"), month.decision.recovery
    fixed = decided if forced is None else forced
    if fixed is not None:
        return np.full(row.size, float(fixed))
    liked = expit(month.p.habit_to_recovery * now.habit[row])
    return np.where(month.branches.pilot[now.branch[row]], 0.5, liked)


def settle(now: Customers, month: Month, member: Flags) -> None:
    """Trust, commitment and attitude at the month's end."""
    p = month.p
    for_trust, for_commitment, for_attitude = month.draw.normal(now.key, ("trust", "commitment", "attitude"))
    satisfied, crm = now.satisfaction - p.usual_satisfaction, month.has_crm(now)
    care = CRM_CARE * crm + QUALITY_CARE * month.branches.quality[now.branch]
    trust = p.memory_of_trust * now.trust + p.satisfaction_to_trust * satisfied
    now.trust = trust + p.care_to_trust * care + p.spread_of_trust * for_trust
    committed = p.memory_of_commitment * now.commitment + p.trust_to_commitment * now.trust
    committed += p.satisfaction_to_commitment * satisfied
    committed += p.investment_to_commitment * month.decision.investment * member
    now.commitment = committed + p.spread_of_commitment * for_commitment
    saved = p.transaction_cost * p.crm_to_transaction_cost * crm
    value = p.experience_to_value * now.experience - np.log(month.price) + saved  # against no CRM system
    liked = p.satisfaction_to_attitude * satisfied + p.commitment_to_attitude * now.commitment
    now.attitude = liked + p.value_to_attitude * value + p.spread_of_attitude * for_attitude
