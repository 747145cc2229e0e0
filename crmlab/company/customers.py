"""Customers: who they are for good and how they are this month, as arrays of one row a customer."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv, gammaincinv, logit

from crmlab.company.branches import NEVER
from crmlab.company.parameters import CompanyParameters
from crmlab.company.streams import Keys, Streams

Array = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]
NOBODY = -1  # referred by

# Segments, by what their customers put first: shares, log rates beside the middle, how well the company fits
SEGMENTS = ("price", "convenience", "company")
SHARES, LOG_RATES, FITS = (
    np.array([0.40, 0.35, 0.25]),
    np.array([-0.75, 0.0, 1.2]),
    np.array([-0.3, 0.3, 0.2]),
)
BOUNDS = np.cumsum(SHARES)[:-1]
UNIFORM = ("segment", "rate", "dropout", "spend rate", "letter")  # purposes of what customers are for good
NORMAL = ("switching cost", "mailing effect", "method", "expectation")
OVERRATES = 2  # the segment whose ratings are biased in the trap
HABIT_MEAN, HABIT_SPREAD, HABIT_MOST = -1.2, 1.6, 2.5  # of log rates over their mean, at the default r


@dataclass(eq=False)
class Customers:
    """State of n customers, each field an array of shape (n,).

    Attributes
    ----------
    key, number, referrer : arrays
        Key of their draws; customer number; number of who referred them, -1 if nobody.
    segment, branch : arrays of int
    joined : array
        Time of the first purchase, months.
    rate, leaving, spend_rate : arrays
        λ, logit p and ν, which would be all in a world without effects.
    habit : array
        ℓ, the standardised log of λ, cut at ±2.5: what a firm could know of λ and acts on.
    switching_cost, mailing, method, encouraged : arrays
        K; what a mailing adds to the log rate; what all of a customer's answers share; got the letter.
    alive, left : arrays
        Has not left; time of leaving, infinite if not yet.
    expectation, experience, satisfaction, trust, commitment, attitude : arrays
        Moods at the end of the last month.
    member, channel : arrays of int
        Month of joining the scheme and of taking up the second channel; 999 is never.
    orders, last, spend, recent : arrays
        Repeat purchases, time of the last purchase, spend on repeats, and purchases of late: a sum in which a
        month counts .85 of the next.
    """

    key: Keys
    number: Whole
    referrer: Whole
    segment: npt.NDArray[np.int8]
    branch: npt.NDArray[np.int16]
    joined: Array
    rate: Array
    leaving: Array
    spend_rate: Array
    habit: Array
    switching_cost: Array
    mailing: Array
    method: Array
    encouraged: Flags
    alive: Flags
    left: Array
    expectation: Array
    experience: Array
    satisfaction: Array
    trust: Array
    commitment: Array
    attitude: Array
    member: npt.NDArray[np.int16]
    channel: npt.NDArray[np.int16]
    orders: npt.NDArray[np.int32]
    last: Array
    spend: Array
    recent: Array

    def __post_init__(self) -> None:
        self._room: dict[str, npt.NDArray[Any]] = {}

    def __len__(self) -> int:
        return self.key.size

    def take(self, rows: Rows) -> "Chosen":
        """Some customers, copied as far as they are looked at."""
        return Chosen(self, rows)

    def copy(self) -> "Customers":
        """All of them, apart from these."""
        return Customers(*(getattr(self, each.name).copy() for each in fields(Customers)))

    def append(self, others: "Customers") -> None:
        """Add customers after the last; room is made for an eighth more than that, as others will follow."""
        before, size = len(self), len(self) + len(others)
        for each in fields(Customers):
            held, room = getattr(self, each.name), self._room.get(each.name)
            if room is None or held.base is not room or room.size < size:
                room = self._room[each.name] = np.empty(size + size // 8, held.dtype)
                room[:before] = held
            room[before:size] = getattr(others, each.name)
            setattr(self, each.name, room[:size])

    def active(self, month: int) -> Rows:
        """Rows of those who have joined by the end of a month and have not left before it."""
        return np.flatnonzero(self.alive & (self.joined < month + 1))

    def booked(self, month: int) -> Rows:
        """Rows of those in the firm's books by the end of a month, also of those who have left silently."""
        return np.flatnonzero(self.joined < month + 1)


class Chosen(Customers):
    """Some of the customers: each column is copied when it is first looked at, and what is set stays here."""

    def __init__(self, of: Customers, rows: Rows) -> None:
        self._of, self._rows = of, rows

    def __len__(self) -> int:
        return self._rows.size

    def __getattr__(self, name: str) -> npt.NDArray[Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        found = self.__dict__[name] = getattr(self._of, name)[self._rows]
        return found

    def put_back(self) -> None:
        """Write what changes in a month to those of whom these were chosen."""
        for name in CHANGING & self.__dict__.keys():
            getattr(self._of, name)[self._rows] = self.__dict__[name]


MOODS = ("expectation", "experience", "satisfaction", "trust", "commitment", "attitude")
CHANGING = {*MOODS, "alive", "left", "member", "channel"}


def draw_customers(
    p: CompanyParameters,
    streams: Streams,
    keys: Keys,
    numbers: Whole,
    joined: Array | None = None,
    referrer: Whole | None = None,
    branch: npt.NDArray[np.int16] | None = None,
) -> Customers:
    """New customers, by inverse distribution functions of their keyed numbers.

    Parameters
    ----------
    p : CompanyParameters
    streams : Streams
    keys, numbers : arrays of shape (n,)
    joined, referrer, branch : arrays of shape (n,), optional
        Of those who are referred; the others come as the company grows, to a branch by lot.
    """
    n = keys.size
    if joined is None:
        joined = _arrivals(p, streams.uniform(keys, "joining"))
    if branch is None:
        place = np.floor(streams.uniform(keys, "branch") * p.n_branches)
        branch = (place + streams.company(keys) * p.n_branches).astype(np.int16)
    if referrer is None:
        referrer = np.full(n, NOBODY, np.int64)
    moods = dict.fromkeys(("experience", "trust", "commitment", "attitude"), 0.0)
    moods |= {"satisfaction": p.usual_satisfaction, "spend": 0.0, "recent": 0.0, "left": np.inf}
    return Customers(
        key=keys,
        number=numbers,
        referrer=referrer,
        branch=branch,
        joined=joined,
        **_drawn(p, streams, keys),
        **{name: np.full(n, value) for name, value in moods.items()},
        alive=np.ones(n, bool),
        member=np.full(n, NEVER, np.int16),
        channel=np.full(n, NEVER, np.int16),
        orders=np.zeros(n, np.int32),
        last=joined.copy(),
    )


def _drawn(p: CompanyParameters, streams: Streams, keys: Keys) -> dict[str, Any]:
    """What does not change, and what they expect at first."""
    by_rank, by_rate, by_dropout, by_spend, by_letter = streams.uniform(keys, UNIFORM)
    cost, moved, method, expected = streams.normal(keys, NORMAL)
    segment = np.searchsorted(BOUNDS, by_rank).astype(np.int8)
    log_rate = p.segment_to_rate * LOG_RATES
    faster = np.exp(log_rate) / (SHARES @ np.exp(log_rate))  # so that the mean rate is r / alpha in any case
    rate = gammaincinv(p.r, by_rate) / p.alpha * faster[segment]
    log_over_mean = np.log(np.maximum(rate * p.alpha / p.r, 1e-3))
    habit = np.clip((log_over_mean - HABIT_MEAN) / HABIT_SPREAD, -HABIT_MOST, HABIT_MOST)
    chance = np.clip(betaincinv(p.a, p.b, by_dropout), 1e-12, 1 - 1e-12)
    return {
        "segment": segment,
        "rate": rate,
        "leaving": logit(chance),
        "spend_rate": gammaincinv(p.q, by_spend) / p.gamma,
        "habit": habit,
        "switching_cost": cost,
        "mailing": p.mailing_to_purchase + (p.spread_of_mailing * moved + p.habit_to_mailing * habit),
        "method": p.method * method,
        "encouraged": by_letter < 0.5,
        "expectation": p.spread_of_expectation * expected,
    }


def _arrivals(p: CompanyParameters, u: Array) -> Array:
    """Times of the first purchase: a share in the first month, the others evenly until growth ends."""
    founding = u / max(p.founding_share, 1e-300)
    later = 1 + (u - p.founding_share) / max(1 - p.founding_share, 1e-300) * max(p.growth_months - 1, 0)
    return np.where(u < p.founding_share, founding, later)
