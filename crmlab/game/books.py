"""A firm's books: what it sees of its market, and nothing else.

Orders, answers, complaints and mailings are written down as they come; ``customers`` sums them up, one row a
customer, in columns over which rules are written. What customers feel, need or would do is not among them,
nor who has left: a customer who orders no more stays in the books.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from crmlab.game.economy import ACTIVE
from crmlab.game.market import ANSWERS, Month

YEAR = 12
Columns = dict[str, npt.NDArray[Any]]
NEVER = -1  # month of what has not happened
LOGS = {  # what is written down, by table
    "orders": ("row", "time", "amount", "online"),
    "complaints": ("row", "month", "recovered"),
    "surveys": ("row", "month", *ANSWERS),
    "mailings": ("row", "month", "sent", "test"),
}
STATE = {  # by customer: what it is before anything has happened
    "orders": 0,
    "spend": 0.0,
    "last": NEVER,
    "online": False,
    "complaints": 0,
    "complained": NEVER,
    "satisfaction": 0,
    "answered": NEVER,
    "mailings": 0,
    "mailed": NEVER,
    "offers": 0,
    "member": False,
}


def name_of(number: int) -> str:
    """A customer as files name him: a spreadsheet takes no such word for a number.

    Examples
    --------
    >>> name_of(42)
    'C0000042'
    """
    return f"C{number:07d}"


@dataclass
class Books:
    """The books of one firm.

    Attributes
    ----------
    month : int
        Months written down so far.
    state : dict of arrays
        By customer, in the market's order; customers who are not there yet have rows, too.
    recent : dict of arrays of shape (12, customers)
        Orders and spend of the last twelve months, the month ``m`` in row ``m mod 12``.
    logs : dict of dict of lists of arrays
        Chunks of each table, column by column.
    """

    month: int = 0
    state: Columns = field(default_factory=dict)
    recent: Columns = field(default_factory=dict)
    logs: dict[str, dict[str, list[npt.NDArray[Any]]]] = field(
        default_factory=lambda: {table: {name: [] for name in names} for table, names in LOGS.items()}
    )

    def record(self, seen: Month) -> None:
        """Write a month down."""
        self._grow(seen.customers)
        state, slot = self.state, seen.month % YEAR
        for name, weights in (("orders", None), ("spend", seen.amount)):
            counted = np.bincount(seen.row, weights, minlength=seen.customers)
            state[name] = state[name] + counted.astype(state[name].dtype)
            self.recent[name][slot] = counted
        state["last"][seen.row] = seen.month
        state["online"][seen.row[seen.online]] = True
        np.add.at(state["complaints"], seen.complaint_row, 1)
        state["complained"][seen.complaint_row] = seen.month
        state["satisfaction"][seen.answer_row] = seen.answers[ANSWERS[0]]
        state["answered"][seen.answer_row] = seen.month
        state["member"] = seen.member.copy()
        month = lambda rows: np.full(rows.size, seen.month, np.int16)  # noqa: E731
        self._log("orders", row=seen.row, time=seen.time, amount=seen.amount, online=seen.online)
        row, recovered = seen.complaint_row, seen.complaint_recovered
        self._log("complaints", row=row, month=month(row), recovered=recovered)
        self._log("surveys", row=seen.answer_row, month=month(seen.answer_row), **seen.answers)
        self.month = seen.month + 1

    def mail(self, fits: npt.NDArray[np.bool_], sent: npt.NDArray[np.bool_], test: bool = False) -> None:
        """Write down a mailing of the month that begins: who would have fitted, and who was sent it."""
        self._grow(fits.size)
        rows = np.flatnonzero(fits)
        self._log(
            "mailings",
            row=rows,
            month=np.full(rows.size, self.month, np.int16),
            sent=sent[rows],
            test=np.full(rows.size, test),
        )
        self.state["mailings"] = self.state["mailings"] + sent
        self.state["mailed"][sent] = self.month

    def offer(self, sent: npt.NDArray[np.bool_]) -> None:
        """Write down retention offers of the month that begins."""
        self._grow(sent.size)
        self.state["offers"] = self.state["offers"] + sent

    def customers(self, number: npt.NDArray[np.int64], about: Columns) -> Columns:
        """One row a customer, in the columns that rules may use.

        Parameters
        ----------
        number : array of int of shape (customers,)
            Customers' numbers.
        about : dict of arrays of shape (customers,)
            ``joined``, ``branch``, ``segment``: what is known of them from the start.
        """
        self._grow(number.size)
        state, at = self.state, self.month
        since = lambda name: np.where(state[name] == NEVER, np.nan, at - 1 - state[name])  # noqa: E731
        answered = state["answered"] != NEVER
        recent = np.arange(at - min(at, 4), at) % YEAR
        return {
            "customer": number,
            "joined": np.floor(about["joined"]).astype(np.int64),
            "branch": about["branch"],
            "segment": about["segment"],
            "member": state["member"].astype(np.int64),
            "online": state["online"].astype(np.int64),
            "orders": state["orders"],
            "spend": np.round(state["spend"], 2),
            "orders_4": self.recent["orders"][recent].sum(0).astype(np.int64),
            "orders_12": self.recent["orders"].sum(0).astype(np.int64),
            "spend_12": np.round(self.recent["spend"].sum(0), 2),
            "months_since_order": since("last"),
            "complaints": state["complaints"],
            "months_since_complaint": since("complained"),
            "satisfaction": np.where(answered, state["satisfaction"], np.nan),
            "months_since_answer": since("answered"),
            "mailings": state["mailings"],
            "months_since_mailing": since("mailed"),
            "offers": state["offers"],
        }

    def active(self) -> int:
        """Customers with an order in the last six months."""
        last = self.state["last"]
        return int(((last != NEVER) & (self.month - 1 - last < ACTIVE)).sum())

    def table(self, name: str) -> Columns:
        """One of the logs, whole."""
        return {
            column: np.concatenate(chunks) if chunks else np.zeros(0)
            for column, chunks in self.logs[name].items()
        }

    def arrays(self) -> Columns:
        """All of it as arrays with names, to be stored."""
        held: Columns = {"month": np.array(self.month)}
        held |= {f"state.{name}": values for name, values in self.state.items()}
        held |= {f"recent.{name}": values for name, values in self.recent.items()}
        for table in LOGS:
            held |= {f"log.{table}.{column}": values for column, values in self.table(table).items()}
        return held

    @classmethod
    def of(cls, held: Columns) -> "Books":
        """From what `arrays` gave."""
        books = cls(int(held["month"]))
        for name, values in held.items():
            kind, _, rest = name.partition(".")
            if kind == "state":
                books.state[rest] = values
            elif kind == "recent":
                books.recent[rest] = values
            elif kind == "log":
                table, _, column = rest.partition(".")
                books.logs[table][column] = [values]
        return books

    def _grow(self, size: int) -> None:
        """Give rows to customers who are new in the market."""
        have = self.state["last"].size if self.state else 0
        if have == size and self.state:
            return
        for name, start in STATE.items():
            new = np.full(size - have, start)
            self.state[name] = np.concatenate([self.state[name], new]) if name in self.state else new
        for name in ("orders", "spend"):
            blank = np.zeros((YEAR, size - have))
            self.recent[name] = np.hstack([self.recent[name], blank]) if name in self.recent else blank

    def _log(self, table: str, **columns: npt.NDArray[Any]) -> None:
        if columns["row"].size:
            for name, values in columns.items():
                self.logs[table][name].append(values)
