"""The canonical tables, as a firm has them; and the truth, apart from them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit

from crmlab.company.branches import EMPLOYEE_SPELLS, NEVER, BranchPaths
from crmlab.company.customers import NOBODY, SEGMENTS, Customers
from crmlab.company.decisions import Interventions
from crmlab.company.ledger import SCHEMAS, Columns, Ledger
from crmlab.company.parameters import CompanyParameters
from crmlab.company.selection import BY_LOT
from crmlab.company.streams import Streams
from crmlab.design.streams import generator
from crmlab.errors import listing

Array = npt.NDArray[np.float64]
Made = TypeVar("Made")
START = np.datetime64("2022-01-01", "ms")  # the company's first day
MONTH = 365.25 / 12 * 86_400_000  # milliseconds
CHANNELS, ORDER_COSTS = ("shop", "web"), (2.0, 0.5)
ACQUIRED = ("referral", "walk-in", "advertisement")
MONTHLY = ("complaints", "reviews", "surveys")  # tables of the ledger whose rows are dated by the month's end
IN_COLUMNS = ("customers", "branches", "members", "channel_choices")
DRAWN = (
    *("customers", "needs", "branches", "employees", "staff_surveys"),
    *("channels", "members", "channel_choices"),
)  # tables that are no logs
TRUTHS = ("customers", "branches", "paths", "experiences", "months")
OF_TRUTH = ("experiences", "months")  # tables of the ledger that no firm has
STAFF_SURVEY = 6  # months
MAILING_COST = 0.15  # currency a mailing
IMPORTANCE, FIRST_NEED, IMPORTANCE_NOISE = 3.6, 1.8, 1.2  # points of seven


class Lazy(Mapping[str, Made]):
    """Tables by name, each made when it is first looked at."""

    def __init__(self, names: Iterable[str], make: Callable[[str], Made]) -> None:
        self._names, self._make, self._made = tuple(names), make, dict[str, Made]()

    def __getitem__(self, name: str) -> Made:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"tables {listing(self._names, len(self))}"


Frames = Lazy[pd.DataFrame]


@dataclass(frozen=True, eq=False)
class Truth:
    """What no firm knows.

    Attributes
    ----------
    parameters : CompanyParameters
    interventions : Interventions
    tables : mapping of str to DataFrame
        The frames by name.
    """

    parameters: CompanyParameters
    interventions: Interventions
    tables: Frames

    @property
    def customers(self) -> pd.DataFrame:
        """Rates and chances, latents, moods at the end, whether and when somebody left."""
        return self.tables["customers"]

    @property
    def branches(self) -> pd.DataFrame:
        """Quality, by branch."""
        return self.tables["branches"]

    @property
    def paths(self) -> pd.DataFrame:
        """Service by branch and month, with the pull of rivals in its region."""
        return self.tables["paths"]

    @property
    def experiences(self) -> pd.DataFrame:
        """Expectation, surprise and satisfaction, an experience a row."""
        return self.tables["experiences"]

    @property
    def months(self) -> pd.DataFrame:
        """Sums over all who are with the company: satisfaction, stars that buyers would give."""
        return self.tables["months"]


def dates(months: npt.ArrayLike) -> npt.NDArray[np.datetime64]:
    """Instants, UTC, of times in months since the company began."""
    return START + np.rint(np.asarray(months, float) * MONTH).astype("timedelta64[ms]")


class Kept:
    """What a company leaves after so many months, and the tables that are made of it."""

    def __init__(
        self, customers: Customers, ledger: Ledger, branches: BranchPaths, months: int, streams: Streams
    ) -> None:
        self.ledger, self.branches, self.months, self.streams = ledger, branches, months, streams
        rows = customers.booked(months - 1)
        self.here = customers.take(rows[np.argsort(customers.number[rows], kind="stable")])
        self._known: dict[str, Columns] = {}

    def columns(self, name: str) -> Columns:
        """A firm's table without types and dates: logs in the order in which they came."""
        here, months = self.here, self.months
        if name not in self._known and name not in SCHEMAS:
            self._known[name] = {
                "customers": lambda: _customers(here, self.branches, self.streams),
                "branches": lambda: _branches(self.branches, months),
                "members": lambda: _starts(here, here.member, months, "joined"),
                "channel_choices": lambda: _starts(here, here.channel, months, "taken_up"),
            }[name]()
        return self.ledger.columns(name) if name in SCHEMAS else self._known[name]

    def frame(self, name: str) -> pd.DataFrame:
        """A firm's table as everybody sees it."""
        if name in SCHEMAS:
            return self._log(name)
        return {
            "customers": lambda: _customers_frame(self.columns(name)),
            "needs": lambda: _needs(self.here, self.streams),
            "branches": lambda: _branches_frame(self.columns(name)),
            "employees": lambda: _employees(self.branches),
            "staff_surveys": lambda: _staff_surveys(self.branches, self.months, self.streams),
            "channels": lambda: pd.DataFrame({"channel": CHANNELS, "cost_an_order": ORDER_COSTS}),
            "members": lambda: _dated(self.columns(name), "joined"),
            "channel_choices": lambda: _dated(self.columns(name), "taken_up"),
            "campaigns": lambda: _campaigns(self.columns("exposures")),
        }[name]()

    def truth(self, name: str) -> pd.DataFrame:
        """A table that no firm has."""
        return {
            "customers": lambda: _latents(self.here),
            "branches": lambda: _qualities(self.branches),
            "paths": lambda: _paths(self.branches),
            "experiences": lambda: self._log(name),
            "months": lambda: pd.DataFrame(self.ledger.columns(name)).groupby("month", as_index=False).sum(),
        }[name]()

    def _log(self, name: str) -> pd.DataFrame:
        """A table of the ledger in order of customers and time, dated where it has times."""
        columns = self.ledger.columns(name)
        keys = [columns[each] for each in ("order_id", "time", "month", "customer_id") if each in columns]
        order = np.lexsort(keys) if keys else slice(None)
        frame = pd.DataFrame({key: values[order] for key, values in columns.items()})
        if "channel" in frame:
            frame["channel"] = pd.Categorical.from_codes(frame["channel"], CHANNELS)
        if "time" in frame:
            frame.insert(frame.columns.get_loc("time") + 1, "date", dates(frame["time"]))
        elif name in MONTHLY and "month" in frame:
            frame.insert(frame.columns.get_loc("month") + 1, "date", dates(frame["month"] + 1))
        return frame


class Simulation:
    """A company's tables, by name, and its truth.

    Parameters
    ----------
    parameters : CompanyParameters
    interventions : Interventions
    ledger : Ledger
        Says which tables are kept.
    kept : function
        Returns what the company left; called when somebody first looks at a table.

    Attributes
    ----------
    tables : mapping of str to DataFrame
        What a firm has, each made when it is first looked at.
    arrays : mapping of str to mapping of str to array
        Those tables of which `Histories` are made, without types and dates.
    truth : Truth
    """

    def __init__(
        self,
        parameters: CompanyParameters,
        interventions: Interventions,
        ledger: Ledger,
        kept: Callable[[], Kept],
    ) -> None:
        seen = [name for name in SCHEMAS if name in ledger and name not in OF_TRUTH]
        others = [*DRAWN, *(["campaigns"] if ledger.keeps("exposures") else [])]
        self.tables: Frames = Lazy([*others, *seen], lambda name: kept().frame(name))
        self.arrays: Lazy[Columns] = Lazy([*IN_COLUMNS, *seen], lambda name: kept().columns(name))
        hidden = Lazy(TRUTHS, lambda name: kept().truth(name))
        self.truth = Truth(parameters, interventions, hidden)


def _qualities(branches: BranchPaths) -> pd.DataFrame:
    return pd.DataFrame({"branch_id": np.arange(branches.quality.size), "quality": branches.quality})


def _latents(here: Customers) -> pd.DataFrame:
    latent = ("rate", "spend_rate", "habit", "switching_cost", "mailing", "method", "alive", "left")
    moods = ("expectation", "satisfaction", "trust", "commitment", "attitude")
    known = {"customer_id": here.number, "dropout": expit(here.leaving)}
    return pd.DataFrame(known | {name: getattr(here, name) for name in (*latent, *moods)})


def _customers(here: Customers, branches: BranchPaths, streams: Streams) -> Columns:
    age = 18 + np.floor(60 * streams.uniform(here.key, "age") ** (1.4 - 0.3 * here.segment))
    channel = np.where(here.referrer != NOBODY, 0, 1 + (streams.uniform(here.key, "acquisition") < 0.3))
    return {
        "customer_id": here.number,
        "joined": here.joined,
        "branch_id": here.branch,
        "region": branches.region[here.branch],
        "segment": here.segment,
        "age": age.astype(np.int16),
        "acquired_by": channel,
        "referrer_id": here.referrer,
        "encouraged": here.encouraged,
    }


def _customers_frame(columns: Columns) -> pd.DataFrame:
    referrer = columns["referrer_id"]
    frame = pd.DataFrame(
        columns
        | {
            "segment": pd.Categorical.from_codes(columns["segment"], SEGMENTS),
            "acquired_by": pd.Categorical.from_codes(columns["acquired_by"], ACQUIRED),
            "referrer_id": pd.Series(referrer, dtype="Int64").mask(referrer == NOBODY),
        }
    )
    frame.insert(2, "date", dates(columns["joined"]))
    return frame


def _needs(here: Customers, streams: Streams) -> pd.DataFrame:
    """How important each aspect is to a customer, asked when he joins: 1 to 7."""
    n, aspects = len(here), len(SEGMENTS)
    first = here.segment[:, None] == np.arange(aspects)
    noise = np.column_stack([streams.normal(here.key, "needs", count=at) for at in range(aspects)])
    points = np.clip(np.rint(IMPORTANCE + FIRST_NEED * first + IMPORTANCE_NOISE * noise), 1, 7)
    return pd.DataFrame(
        {
            "customer_id": np.repeat(here.number, aspects),
            "aspect": pd.Categorical.from_codes(np.tile(np.arange(aspects), n), SEGMENTS),
            "importance": points.ravel().astype(np.int8),
        }
    )


def _branches(branches: BranchPaths, months: int) -> Columns:
    """Months that have not come, or never will, are missing."""

    def known(start: npt.NDArray[np.int16]) -> Array:
        return np.where(start < months, start, np.nan)

    return {
        "branch_id": np.arange(branches.quality.size),
        "region": branches.region,
        "scheme_since": known(branches.launch),
        "crm_since": known(branches.crm),
        "redress_by_lot": branches.pilot,
    }


def _branches_frame(columns: Columns) -> pd.DataFrame:
    return pd.DataFrame(columns).astype({"scheme_since": "Int64", "crm_since": "Int64"})


def _employees(branches: BranchPaths) -> pd.DataFrame:
    """Everybody who held a post: from which month, and the first month without them."""
    months, size, posts = branches.spell.shape
    number = (np.arange(size)[:, None] * posts + np.arange(posts)) * EMPLOYEE_SPELLS + branches.spell
    held = pd.DataFrame({"employee_id": number.ravel(), "month": np.repeat(np.arange(months), size * posts)})
    spans = held.groupby("employee_id")["month"].agg(["min", "max"]).reset_index()
    left = (spans["max"] + 1).astype("Int64")
    return pd.DataFrame(
        {
            "employee_id": spans["employee_id"],
            "branch_id": spans["employee_id"] // EMPLOYEE_SPELLS // posts,
            "since": spans["min"],
            "left": left.mask(left >= months),
        }
    )


def _staff_surveys(branches: BranchPaths, months: int, streams: Streams) -> pd.DataFrame:
    """Job satisfaction of all employees, asked twice a year: 1 to 7."""
    asked = np.arange(STAFF_SURVEY - 1, months, STAFF_SURVEY)
    noise = generator(streams.seed, "staff surveys").standard_normal((len(asked), *branches.spell.shape[1:]))
    points = np.clip(np.rint(4.5 + 1.2 * branches.job_satisfaction[asked] + 0.6 * noise), 1, 7)
    size, posts = branches.spell.shape[1:]
    number = (np.arange(size)[:, None] * posts + np.arange(posts)) * EMPLOYEE_SPELLS + branches.spell[asked]
    return pd.DataFrame(
        {
            "employee_id": number.ravel(),
            "branch_id": np.tile(np.repeat(np.arange(size), posts), len(asked)),
            "month": np.repeat(asked, size * posts),
            "job_satisfaction": points.ravel().astype(np.int8),
        }
    )


def _starts(here: Customers, month: npt.NDArray[np.int16], months: int, name: str) -> Columns:
    began = (month < months) & (month < NEVER)
    return {"customer_id": here.number[began], name: month[began]}


def _dated(columns: Columns, start: str) -> pd.DataFrame:
    return pd.DataFrame(columns | {"date": dates(columns[start])})


def _campaigns(exposures: Columns) -> pd.DataFrame:
    """A row a campaign; there is at most one a month."""
    kinds = (
        pd.DataFrame(exposures)
        .groupby("campaign_id")
        .agg(
            month=("month", "first"),
            sent=("sent", "sum"),
            least=("propensity", "min"),
            most=("propensity", "max"),
        )
    )
    decided = kinds["least"].isna()
    by_lot = (kinds["least"] == BY_LOT) & (kinds["most"] == BY_LOT)
    kind = np.select([decided, by_lot, kinds["least"] == 1], ["decided", "by lot", "to all"], "targeted")
    return (
        kinds.assign(kind=kind, cost=MAILING_COST * kinds["sent"])
        .drop(columns=["least", "most"])
        .reset_index()
    )


def _paths(branches: BranchPaths) -> pd.DataFrame:
    months, size = branches.service.shape
    return pd.DataFrame(
        {
            "branch_id": np.tile(np.arange(size), months),
            "month": np.repeat(np.arange(months), size),
            "service": branches.service.ravel(),
            "rivals": branches.rivals[:, branches.region].ravel(),
        }
    )
