"""The company's truth as data, and its four presets."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import exp, hypot, log, pi, sqrt
from typing import Any

import numpy as np
import pandas as pd
from scipy.integrate import trapezoid
from scipy.special import roots_sh_jacobi

from crmlab.design.parameters import Parameters, count, effect, logit, positive, share, spread
from crmlab.errors import InputError, check_known
from crmlab.mechanisms.disconfirmation import Disconfirmation

MOST_FASTER = 20.0  # times faster than its base rate is the most that a customer may buy
MOST_ORDERS = 60.0  # a month, of the mean customer whom nothing moves
MOST_REFERRALS = 0.9  # a customer's expected referrals; from 1 on the customer base explodes
LOGS, STAYS = "log points of the purchase rate", "logit units by which leaving falls"
MORGAN = "sign: Morgan & Hunt (1994); sizes ours"
CDNOW = "ours; so that the best fifth of customers hold and keep what CDNOW's do"
SZYMANSKI = "sign: Szymanski & Henard (2001); sizes ours"
LEENHEER = "positive, and members select themselves: Leenheer et al. (2007); sizes ours"
MONTAGUTI = "positive, and heavy buyers choose it: Montaguti et al. (2016); sizes ours"
MITTAL = "sign: Mittal & Kamakura (2001); sizes ours"
BURNHAM = "sign: Burnham et al. (2003); sizes ours"
JONES = "sign: Jones et al. (2000); sizes ours"
DE_MATOS = "satisfaction yes, repurchase no: de Matos et al. (2007); sizes ours"
OLIVER = "form: Oliver (1980); size ours, that of lesson 04"
ANDERSON = "above the gain: Anderson & Sullivan (1993); size ours, that of lesson 04"


@dataclass(frozen=True)
class CompanyParameters(Parameters):
    """The truth. Without arguments all effects on purchases, leaving and referrals are 0, as in `null`."""

    # Purchases, leaving and spend of customers whom nothing moves: BG/NBD with gamma-gamma, by the month
    r: float = positive(0.40, "shape of purchase rates", low=0.05, high=50, source=CDNOW)
    alpha: float = positive(1.3, "scale of purchase rates, months", low=0.01, high=1000, source=CDNOW)
    a: float = positive(0.8, "first shape of dropout chances", low=0.05, high=100, source=CDNOW)
    b: float = positive(3.2, "second shape of dropout chances", low=0.05, high=1000, source=CDNOW)
    p: float = positive(2.0, "shape of a purchase's amount", low=0.2, high=200, source=CDNOW)
    q: float = positive(2.7, "shape of customers' spend rates", low=1.05, high=200, source=CDNOW)
    gamma: float = positive(46.75, "scale of customers' spend rates, currency", low=1e-3, high=1e6)
    segment_to_rate: float = effect(0.0, f"{LOGS} a unit between segments")

    # What raises the purchase rate
    attitude_to_purchase: float = effect(0.0, f"{LOGS} a unit of attitude", source=SZYMANSKI)
    membership_to_purchase: float = effect(0.0, LOGS, source=LEENHEER)
    mailing_to_purchase: float = effect(0.0, f"{LOGS} in its month, of a customer of usual habit")
    spread_of_mailing: float = spread(0.0, f"{LOGS}, sd of a mailing's effect", high=1)
    habit_to_mailing: float = effect(0.0, f"{LOGS} that a mailing adds more a unit of habit")
    channel_to_purchase: float = effect(0.0, LOGS, source=MONTAGUTI)
    price_elasticity: float = effect(0.0, f"{LOGS} a log point of price", low=-5, high=0)

    # What keeps customers; a referral brings one
    satisfaction_to_staying: float = effect(0.0, f"{STAYS} a unit of satisfaction", source=MITTAL)
    commitment_to_staying: float = effect(0.0, f"{STAYS} a unit of commitment", source=MORGAN)
    switching_cost_to_staying: float = effect(0.0, f"{STAYS} an sd of switching costs", source=BURNHAM)
    satisfaction_x_switching_cost: float = effect(0.0, f"{STAYS} a unit of both at once", source=JONES)
    rivals_to_leaving: float = effect(0.0, "logit units of leaving an sd of rivals' pull", source=JONES)
    retention_offer_to_staying: float = effect(0.0, f"{STAYS} in its month")
    attitude_to_referral: float = effect(0.0, "referrals a month a unit of attitude above 0", low=0)

    # Expectation, experience, satisfaction
    fit_to_experience: float = effect(0.3, "units of experience a unit of fit")
    branch_to_experience: float = effect(0.25, "units of experience a unit of the branch's quality")
    staff_to_experience: float = effect(0.25, "units of experience a unit of skill and job satisfaction")
    spread_of_experience: float = spread(0.8, "units of experience")
    spread_of_expectation: float = spread(0.5, "units of experience, at the start")
    expectation_to_satisfaction: float = effect(0.55, "units a unit of expectation", source=OLIVER)
    gain: float = effect(0.6, "units of satisfaction a unit of good surprise", source=OLIVER)
    loss: float = effect(1.2, "units of satisfaction a unit of bad surprise", source=ANDERSON)
    spread_of_satisfaction: float = spread(0.4, "units of satisfaction")
    adaptation: float = share(0.30, "share of a surprise that expectation makes up")
    usual_satisfaction: float = effect(-0.23, "satisfaction's mean in 30 pilot runs: losses loom larger")
    contact: float = share(0.08, "chance of a contact in a month without purchase")
    recovery_to_satisfaction: float = effect(0.0, "units of satisfaction that redress adds", source=DE_MATOS)

    # Trust, commitment, value, attitude
    memory_of_trust: float = share(0.85, "share of trust that is left a month later", high=0.999)
    satisfaction_to_trust: float = effect(0.12, "units of trust a unit of satisfaction")
    care_to_trust: float = effect(0.12, "units of trust a unit of the branch's care")
    spread_of_trust: float = spread(0.30, "units of trust a month")
    memory_of_commitment: float = share(0.90, "share of commitment that is left a month later", high=0.999)
    trust_to_commitment: float = effect(0.10, "units of commitment a unit of trust", source=MORGAN)
    satisfaction_to_commitment: float = effect(0.05, "units of commitment a unit of satisfaction")
    investment_to_commitment: float = effect(0.10, "units of commitment a unit invested in a customer")
    spread_of_commitment: float = spread(0.25, "units of commitment a month")
    experience_to_value: float = effect(0.3, "units of value a unit of experience")
    transaction_cost: float = effect(0.3, "units of value, without a CRM system")
    crm_to_transaction_cost: float = share(0.3, "share of transaction costs that a CRM system saves")
    satisfaction_to_attitude: float = effect(0.45, "units of attitude a unit of satisfaction")
    commitment_to_attitude: float = effect(0.35, "units of attitude a unit of commitment")
    value_to_attitude: float = effect(0.20, "units of attitude a unit of value")
    spread_of_attitude: float = spread(0.5, "units of attitude")

    # Who selects himself, or is selected
    joining: float = logit(-3.4, "logit units of joining the scheme in a month")
    attitude_to_joining: float = logit(0.0, "logit units a unit of attitude", source=LEENHEER)
    habit_to_joining: float = logit(0.0, "logit units a unit of habit", source=LEENHEER)
    branch_to_joining: float = logit(0.0, "logit units a unit of the branch's quality")
    channel_choice: float = logit(-4.4, "logit units of taking up the second channel in a month")
    habit_to_channel: float = logit(0.0, "logit units a unit of habit", source=MONTAGUTI)
    encouragement: float = logit(1.2, "logit units of taking it up that a letter adds")
    habit_to_recovery: float = logit(0.0, "logit units of redress a unit of habit")
    habit_to_targeting: float = logit(0.0, "logit units of being mailed a unit of habit")
    reading: float = share(0.6, "share of mailings that are read")
    complaining: float = logit(-2.9, "logit units of complaining of a bad surprise")
    surprise_to_complaining: float = logit(1.0, "logit units a unit of bad surprise")
    crm_selection: float = effect(0.0, "sds by which better branches get a CRM system rather")
    launch_selection: float = effect(0.0, "sds by which better branches open the scheme earlier")

    # What surveys and reviews show of it
    response: float = logit(-1.0, "logit units of answering a survey")
    satisfaction_to_response: float = logit(0.0, "logit units a unit of satisfaction")
    habit_to_response: float = logit(0.0, "logit units a unit of habit")
    gone_to_response: float = logit(-1.5, "logit units, if gone without anybody knowing")
    rating_bias: float = effect(0.0, "units by which one segment overrates satisfaction", source=MITTAL)
    method: float = spread(0.3, "sd of what all of a respondent's answers share")
    posting: float = logit(-2.3, "logit units of posting a review after a month with purchases")
    satisfaction_to_posting: float = logit(0.0, "logit units a unit of satisfaction")
    extremity_to_posting: float = logit(0.0, "logit units a unit away from usual satisfaction")

    # The company
    n_branches: int = count(40, "branches", low=4, high=5000)
    n_employees: int = count(6, "employees a branch", low=1, high=200)
    founding_share: float = share(0.4, "share of customers who come in the first month")
    growth_months: float = positive(24.0, "months in which the others come", low=0, high=600)

    def __post_init__(self):
        super().__post_init__()
        if self.r / self.alpha > MOST_ORDERS:
            raise InputError(
                f"r is {self.r:g} and alpha {self.alpha:g}: customers would buy {self.r / self.alpha:.0f} "
                f"times a month on average; give a mean rate r/alpha of at most {MOST_ORDERS:g}"
            )
        self.check_rates(price=1.0)

    @property
    def spread_of_attitudes(self) -> float:
        """About the standard deviation of attitudes in the long run, that of satisfaction being 1."""
        commitment = self.spread_of_commitment / sqrt(1 - self.memory_of_commitment**2)
        moved = self.commitment_to_attitude * commitment
        return hypot(self.satisfaction_to_attitude, moved, self.spread_of_attitude)

    def check_rates(self, price: float) -> None:
        """Refuse effects that make a customer two deviations above the mean buy more than 20 times as much.

        Raises
        ------
        InputError
        """
        liked = self.attitude_to_purchase * self.spread_of_attitudes
        sds = 2 * hypot(liked, self.spread_of_mailing)
        means = self.membership_to_purchase + self.mailing_to_purchase + self.channel_to_purchase
        faster = means + sds + self.price_elasticity * log(price)
        if faster > log(MOST_FASTER):
            raise InputError(
                f"at price {price:g} customers two standard deviations above the mean would buy "
                f"{exp(faster):.3g} times as much as their base rate, and {MOST_FASTER:g} is the most; lower "
                "the effects …_to_purchase, spread_of_mailing or price_elasticity"
            )

    def check_referrals(self, months: int) -> None:
        """Refuse referrals that make the company explode within so many months.

        Raises
        ------
        InputError
            If a customer brings 0.9 others or more: ``θ_W E[A]₊`` times the months that customers stay.
        """
        liked = self.spread_of_attitudes / sqrt(2 * pi)  # E[A]₊ of a normal with mean 0
        brought = self.attitude_to_referral * liked * self.mean_stay(months)
        if brought >= MOST_REFERRALS:
            raise InputError(
                f"attitude_to_referral is {self.attitude_to_referral:g}: in {months} months a customer would "
                f"bring {brought:.2f} others, and from {MOST_REFERRALS} on the company explodes; lower it"
            )

    def mean_stay(self, months: int) -> float:
        """Months of the first `months` in which a customer whom nothing moves stays, on average.

        ``∫ E[(α / (α + p t))^r] dt`` over the Beta(a, b) of dropout chances p.
        """
        chance, mass = roots_sh_jacobi(40, self.a + self.b - 1, self.a)
        times = np.linspace(0, months, 200)
        alive = (self.alpha / (self.alpha + np.outer(times, chance))) ** self.r @ (mass / mass.sum())
        return float(trapezoid(alive, times))

    @property
    def disconfirmation(self) -> Disconfirmation:
        """Satisfaction as lesson 04 has it."""
        return Disconfirmation(0.0, self.expectation_to_satisfaction, self.gain, self.loss)


LITERATURE = {
    "attitude_to_purchase": 0.10,
    "membership_to_purchase": 0.08,
    "mailing_to_purchase": 0.25,
    "spread_of_mailing": 0.2,
    "habit_to_mailing": -0.1,
    "channel_to_purchase": 0.05,
    "price_elasticity": -1.2,
    "satisfaction_to_staying": 0.25,
    "commitment_to_staying": 0.20,
    "switching_cost_to_staying": 0.20,
    "satisfaction_x_switching_cost": -0.10,
    "rivals_to_leaving": 0.25,
    "retention_offer_to_staying": 0.3,
    "attitude_to_referral": 0.010,
    "recovery_to_satisfaction": 0.5,
    "segment_to_rate": 0.3,
    "attitude_to_joining": 0.3,
    "habit_to_joining": 0.4,
    "branch_to_joining": 0.2,
    "habit_to_channel": 0.4,
    "habit_to_recovery": 0.3,
    "habit_to_targeting": 0.45,
    "crm_selection": 0.3,
    "satisfaction_to_response": 0.2,
    "habit_to_response": 0.15,
    "satisfaction_to_posting": 0.45,
    "extremity_to_posting": 0.3,
}
CLAIM = LITERATURE | {
    "attitude_to_purchase": 0.30,
    "membership_to_purchase": 0.40,
    "mailing_to_purchase": 0.50,
    "channel_to_purchase": 0.30,
    "satisfaction_to_staying": 0.6,
    "commitment_to_staying": 0.5,
    "attitude_to_referral": 0.03,
    "recovery_to_satisfaction": 1.0,
}
TRAP = {
    "segment_to_rate": 0.8,
    "attitude_to_joining": 0.5,
    "habit_to_joining": 0.9,
    "branch_to_joining": 0.3,
    "habit_to_channel": 0.9,
    "habit_to_recovery": 0.8,
    "habit_to_targeting": 1.2,
    "crm_selection": 0.6,
    "satisfaction_to_response": 0.4,
    "habit_to_response": 0.2,
    "satisfaction_to_posting": 0.6,
    "extremity_to_posting": 0.5,
    "rating_bias": 1.7,
    "method": 0.6,
}
PRESETS: Mapping[str, Mapping[str, float]] = {
    "null": {},
    "literature": LITERATURE,
    "claim": CLAIM,
    "trap": TRAP,
}


def preset(name: str, **changes: Any) -> CompanyParameters:
    """The parameters of one of the four presets.

    Parameters
    ----------
    name : {"null", "literature", "claim", "trap"}
    **changes
        Parameters with other values.
    """
    check_known("preset", [name], PRESETS)
    check_known("parameter", changes, CompanyParameters.names())
    values: dict[str, Any] = {**PRESETS[name], **changes}
    return CompanyParameters(**values)


def presets_table() -> pd.DataFrame:
    """Every parameter: its unit, its value in each preset, and whence it comes."""
    rows = []
    for field in fields(CompanyParameters):
        unit, source = field.metadata["unit"], field.metadata["source"]
        values = {name: chosen.get(field.name, field.default) for name, chosen in PRESETS.items()}
        rows.append({"parameter": field.name, "unit": unit, **values, "source": source})
    return pd.DataFrame(rows)
