"""The canonical tables, as a firm has them; and the truth, apart from them."""

from dataclasses import dataclass

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

Array = npt.NDArray[np.float64]
START = np.datetime64("2022-01-01", "ms")  # the company's first day
MONTH = 365.25 / 12 * 86_400_000  # milliseconds
CHANNELS, ORDER_COSTS = ("shop", "web"), (2.0, 0.5)
OF_TRUTH = ("experiences", "months")  # tables of the ledger that no firm has
STAFF_SURVEY = 6  # months
MAILING_COST = 0.15  # currency a mailing
IMPORTANCE, FIRST_NEED, IMPORTANCE_NOISE = 3.6, 1.8, 1.2  # points of seven


@dataclass(frozen=True, eq=False)
class Truth:
    """What no firm knows.

    Attributes
    ----------
    parameters : CompanyParameters
    interventions : Interventions
    customers : DataFrame
        Rates and chances, latents, moods at the end, whether and when somebody left.
    branches : DataFrame
        Quality, by branch.
    paths : DataFrame
        Service by branch and month, with the pull of rivals in its region.
    experiences : DataFrame
        Expectation, surprise and satisfaction, an experience a row.
    months : DataFrame
        Sums over all who are with the company: satisfaction, stars that buyers would give.
    """

    parameters: CompanyParameters
    interventions: Interventions
    customers: pd.DataFrame
    branches: pd.DataFrame
    paths: pd.DataFrame
    experiences: pd.DataFrame
    months: pd.DataFrame

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The frames by name."""
        names = ("customers", "branches", "paths", "experiences", "months")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, eq=False)
class Simulation:
    """A company's tables, by name, and its truth."""

    tables: dict[str, pd.DataFrame]
    truth: Truth


def dates(months: npt.ArrayLike) -> npt.NDArray[np.datetime64]:
    """Instants, UTC, of times in months since the company began."""
    return START + np.rint(np.asarray(months, float) * MONTH).astype("timedelta64[ms]")


def firm_tables(
    customers: Customers,
    ledger: Ledger,
    branches: BranchPaths,
    months: int,
    streams: Streams,
) -> dict[str, pd.DataFrame]:
    """What the firm has after so many months, by the names of the canonical tables."""
    here = _in_books(customers, months)
    logs = {
        name: _log(name, ledger.columns(name)) for name in SCHEMAS if name in ledger and name not in OF_TRUTH
    }
    return (
        {
            "customers": _customers(here, branches, streams),
            "needs": _needs(here, streams),
            "branches": _branches(branches, months),
            "employees": _employees(branches),
            "staff_surveys": _staff_surveys(branches, months, streams),
            "channels": pd.DataFrame({"channel": CHANNELS, "cost_an_order": ORDER_COSTS}),
            "members": _starts(here, here.member, months, "joined"),
            "channel_choices": _starts(here, here.channel, months, "taken_up"),
        }
        | ({"campaigns": _campaigns(logs["exposures"])} if "exposures" in logs else {})
        | logs
    )


def truth_of(
    customers: Customers,
    ledger: Ledger,
    branches: BranchPaths,
    months: int,
    p: CompanyParameters,
    do: Interventions,
) -> Truth:
    """The truth of a company that has been simulated over so many months."""
    known = _in_books(customers, months)
    latent = ("rate", "spend_rate", "habit", "switching_cost", "mailing", "method", "alive", "left")
    moods = ("expectation", "satisfaction", "trust", "commitment", "attitude")
    chance = {"dropout": expit(known.leaving)}
    columns = {name: getattr(known, name) for name in (*latent, *moods)}
    sums = pd.DataFrame(ledger.columns("months")).groupby("month", as_index=False).sum()
    return Truth(
        parameters=p,
        interventions=do,
        customers=pd.DataFrame({"customer_id": known.number} | chance | columns),
        branches=pd.DataFrame({"branch_id": np.arange(branches.quality.size), "quality": branches.quality}),
        paths=_paths(branches),
        experiences=_log("experiences", ledger.columns("experiences")),
        months=sums,
    )


def _in_books(customers: Customers, months: int) -> Customers:
    """Those who have come, in the order of their numbers."""
    rows = customers.booked(months - 1)
    return customers.take(rows[np.argsort(customers.number[rows], kind="stable")])


def _log(name: str, columns: Columns) -> pd.DataFrame:
    """A table of the ledger in order of customers and time, dated where it has times."""
    keys = [columns[each] for each in ("order_id", "time", "month", "customer_id") if each in columns]
    order = np.lexsort(keys) if keys else slice(None)
    frame = pd.DataFrame({key: values[order] for key, values in columns.items()})
    if name == "orders":
        frame["channel"] = pd.Categorical.from_codes(frame["channel"], CHANNELS)
        frame.insert(6, "date", dates(frame["time"]))
    elif name in ("complaints", "reviews", "surveys"):
        frame.insert(frame.columns.get_loc("month") + 1, "date", dates(frame["month"] + 1))
    return frame


def _customers(here: Customers, branches: BranchPaths, streams: Streams) -> pd.DataFrame:
    age = 18 + np.floor(60 * streams.uniform(here.key, "age") ** (1.4 - 0.3 * here.segment))
    channel = np.where(here.referrer != NOBODY, 0, 1 + (streams.uniform(here.key, "acquisition") < 0.3))
    return pd.DataFrame(
        {
            "customer_id": here.number,
            "joined": here.joined,
            "date": dates(here.joined),
            "branch_id": here.branch,
            "region": branches.region[here.branch],
            "segment": pd.Categorical.from_codes(here.segment, SEGMENTS),
            "age": age.astype(np.int16),
            "acquired_by": pd.Categorical.from_codes(channel, ("referral", "walk-in", "advertisement")),
            "referrer_id": pd.Series(here.referrer, dtype="Int64").mask(here.referrer == NOBODY),
            "encouraged": here.encouraged,
        }
    )


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


def _branches(branches: BranchPaths, months: int) -> pd.DataFrame:
    def known(start: npt.NDArray[np.int16]) -> pd.Series:
        return pd.Series(start, dtype="Int64").mask(start >= months)

    return pd.DataFrame(
        {
            "branch_id": np.arange(branches.quality.size),
            "region": branches.region,
            "scheme_since": known(branches.launch),
            "crm_since": known(branches.crm),
            "redress_by_lot": branches.pilot,
        }
    )


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


def _starts(here: Customers, month: npt.NDArray[np.int16], months: int, name: str) -> pd.DataFrame:
    began = (month < months) & (month < NEVER)
    return pd.DataFrame({"customer_id": here.number[began], name: month[began], "date": dates(month[began])})


def _campaigns(exposures: pd.DataFrame) -> pd.DataFrame:
    """A row a campaign; there is at most one a month."""
    kinds = exposures.groupby("campaign_id").agg(
        month=("month", "first"),
        sent=("sent", "sum"),
        least=("propensity", "min"),
        most=("propensity", "max"),
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
