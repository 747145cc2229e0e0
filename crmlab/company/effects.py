"""What a company's decisions do to purchases: the same customers, with the same luck, without them.

There are no closed forms. The company is simulated with something forbidden (`Company.do`), and purchases are
compared customer by customer on the rows that an analysis uses. Whoever is not touched does the same to the
last bit, so the Monte-Carlo error is that of the few who are: a fifth of an effect, from four companies. For
the presets many companies were replayed, once, into ``effects.csv``, by `store_presets`; a test replays the
first of them, and wants what was stored.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cache, lru_cache
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from crmlab import files
from crmlab.company.histories import Columns, Histories
from crmlab.company.market import Company
from crmlab.company.parameters import PRESETS, CompanyParameters, preset

MONTHS = 36
WORLDS, MANY, CUSTOMERS = 4, 200, 5000  # companies replayed, for the presets, and customers of each
FAIR = 0.5  # everybody's chance of a mailing by lot
STORED = Path(__file__).with_name("effects.csv")
COMPARED = {  # tables that grow by the month, and their columns, of which rows for analysts are made
    "orders": ("customer_id", "month", "time"),
    "exposures": ("customer_id", "month", "sent", "read", "propensity"),
    "complaints": ("customer_id", "branch_id", "month", "redressed"),
}


# Two worlds ----------------------------------------------------------------------------------------------


def gained(company: Company, forbidden: str, rows: Callable[[Histories], Columns]) -> pd.DataFrame:
    """Rows of an analysis with orders less those that would have been made without something.

    Parameters
    ----------
    company : Company
    forbidden : {"membership", "crm", "campaign", "second_channel", "recovery"}
    rows : function
        A method of `Histories`.
    """
    known = company.parameters, company.customers, company.months, company.seed
    with_it, without = rows(_usual(*known)), rows(_otherwise(*known, forbidden))
    return pd.DataFrame(with_it | {"orders": with_it["orders"] - without["orders"]})


@lru_cache(maxsize=WORLDS)
def _usual(p: CompanyParameters, customers: int, months: int, seed: tuple[int, ...]) -> Histories:
    company = Company(p, customers=customers, months=months, seed=seed)
    return Histories(company.simulate(COMPARED).arrays, months)


@lru_cache(maxsize=WORLDS)
def _otherwise(
    p: CompanyParameters, customers: int, months: int, seed: tuple[int, ...], forbidden: str
) -> Histories:
    """The usual histories, but with the orders that the same customers would have made without something."""
    usual = _usual(p, customers, months, seed)
    company = Company(p, customers=customers, months=months, seed=seed).do(**{forbidden: 0})
    orders = company.simulate({"orders": COMPARED["orders"]}).arrays["orders"]
    there = np.isin(orders["customer_id"], usual.number)  # friends may be referred in one only
    kept = {name: values[there] for name, values in orders.items()}
    return Histories({**usual.tables, "orders": kept}, months)


# Effects -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Effect:
    """What something does to purchases: of all replayed companies, the sum of gains over the sum of units.

    Parameters
    ----------
    name : str
    forbidden : str
        What the other world has not.
    acts : sequence of str
        Parameters of which all are 0 where it does nothing.
    rows : function
        A method of `Histories`.
    measure : function
        From the rows, with what was gained as ``orders``: a company's gain, and the units that it is for.
    """

    name: str
    forbidden: str
    acts: Sequence[str]
    rows: Callable[[Histories], Columns]
    measure: Callable[[pd.DataFrame], tuple[float, float]]

    def __call__(self, p: CompanyParameters) -> float:
        """The effect in purchases: 0, as stored for a preset, or replayed."""
        if not any(getattr(p, name) for name in self.acts):
            return 0.0
        truth = truth_of(p)
        stored = _stored().get((self.name, truth))
        return _live(self.name, truth) if stored is None else stored

    def of(self, p: CompanyParameters, seed: int) -> tuple[float, float]:
        """Gain and units of one company."""
        company = Company(p, customers=CUSTOMERS, months=MONTHS, seed=seed)
        return self.measure(gained(company, self.forbidden, self.rows))


def truth_of(p: CompanyParameters) -> CompanyParameters:
    """The company's own parameters, without what a market adds to them."""
    return CompanyParameters(**{each.name: getattr(p, each.name) for each in fields(CompanyParameters)})


@lru_cache(maxsize=256)
def _live(name: str, p: CompanyParameters) -> float:
    return replayed(EFFECTS[name], p, range(WORLDS))[0]


def replayed(effect: Effect, p: CompanyParameters, seeds: Sequence[int]) -> tuple[float, float]:
    """An effect, and its jackknifed standard error, from companies of these seeds."""
    gains, units = np.array([effect.of(p, seed) for seed in seeds]).T
    return _ratio(gains, units)


def _ratio(gains: np.ndarray, units: np.ndarray) -> tuple[float, float]:
    without = (gains.sum() - gains) / (units.sum() - units)
    spread = (gains.size - 1) / gains.size * ((without - without.mean()) ** 2).sum()
    return float(gains.sum() / units.sum()), float(np.sqrt(spread))


def _at_branches(start: str, last: int) -> Callable[[pd.DataFrame], tuple[float, float]]:
    """Purchases a founder and month, from a start at branches until `last` months later."""

    def measure(rows: pd.DataFrame) -> tuple[float, float]:
        since = rows["period"] - rows[start]
        counts = rows[(rows[start] > 0) & since.between(0, last)].groupby(start)
        return float(np.average(counts["orders"].mean(), weights=counts["branch_id"].nunique())), 1.0

    return measure


def _by_lot(rows: pd.DataFrame, lot: str, outcome: str = "orders") -> float:
    """Mean of those whom the lot chose less that of the others."""
    chosen, values = rows[lot].to_numpy() > 0, rows[outcome].to_numpy()
    return float(values[chosen].mean() - values[~chosen].mean())


EFFECTS = {
    each.name: each
    for each in (
        Effect(
            "scheme",
            "membership",
            ["membership_to_purchase"],
            Histories.branch_months,
            _at_branches("start", 8),
        ),
        Effect(
            "system",
            "crm",
            ["attitude_to_purchase", "commitment_to_staying", "attitude_to_referral"],
            Histories.branch_months,
            _at_branches("system", 11),
        ),
        Effect(
            "channel",
            "second_channel",
            ["channel_to_purchase"],
            Histories.letters,
            lambda rows: (_by_lot(rows, "encouraged"), _by_lot(rows, "encouraged", "use")),
        ),
        Effect(
            "redress",
            "recovery",
            ["recovery_to_satisfaction"],
            Histories.redress,
            lambda rows: (_by_lot(rows[rows["by_lot"] > 0], "redressed"), 1.0),
        ),
        Effect(
            "mailing",
            "campaign",
            ["mailing_to_purchase", "spread_of_mailing", "habit_to_mailing"],
            Histories.mailings,
            lambda rows: (_by_lot(rows[rows["propensity"] == FAIR], "sent"), 1.0),
        ),
    )
}


# What was replayed once ----------------------------------------------------------------------------------


def stored_effects() -> pd.DataFrame:
    """What was replayed for the presets.

    Returns
    -------
    pandas.DataFrame
        preset, effect, value, error (Monte-Carlo), companies, first (from the first four companies).
    """
    return pd.read_csv(STORED)


@cache
def _stored() -> dict[tuple[str, CompanyParameters], float]:
    table = stored_effects()
    presets = {name: preset(name) for name in table["preset"].unique()}
    return {(row.effect, presets[row.preset]): row.value for row in table.itertuples()}


def replay_presets(jobs: int = -1) -> pd.DataFrame:
    """Replay the presets in many companies; see `stored_effects`."""
    worlds = [(name, seed) for name in PRESETS for seed in range(MANY)]
    found = Parallel(n_jobs=jobs)(delayed(_of_world)(*world) for world in worlds)
    rows = []
    for (name, effect), group in pd.concat(found).groupby(["preset", "effect"], sort=False):
        gains, units = group["gain"].to_numpy(), group["unit"].to_numpy()
        value, error = _ratio(gains, units)
        first = _ratio(gains[:WORLDS], units[:WORLDS])[0]
        known = {"value": value, "error": error, "companies": len(group), "first": first}
        rows.append({"preset": name, "effect": effect} | known)
    return pd.DataFrame(rows)


def _of_world(name: str, seed: int) -> pd.DataFrame:
    p = preset(name)
    acting = [each for each in EFFECTS.values() if any(getattr(p, act) for act in each.acts)]
    rows = [(name, each.name, *each.of(p, seed)) for each in acting]
    return pd.DataFrame(rows, columns=["preset", "effect", "gain", "unit"])


def store_presets() -> None:
    """Write what the presets do, replayed anew."""
    buffer = StringIO()
    replay_presets().to_csv(buffer, index=False, float_format="%.12g", lineterminator="\n")
    files.write_text(STORED, buffer.getvalue())
