"""The canonical tables: customers, contacts, deals, orders, cases and members, whatever the system."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["id", "text", "moment", "money", "number"]


@dataclass(frozen=True)
class Field:
    """A column of a canonical table.

    Attributes
    ----------
    name, about : str
    kind : {"id", "text", "moment", "money", "number"}
        Ids and texts are texts; a moment is a datetime64 without a zone, as the clock of `time_zone` shows
        it; money and numbers are floats.
    needed : {"", "column", "row"}
        Whether the column must be there, or besides every row must have it to be used.
    personal : bool
        Whether it says who somebody is; such columns are left out unless asked for.
    """

    name: str
    kind: Kind
    about: str
    needed: Literal["", "column", "row"] = ""
    personal: bool = False


def _who() -> tuple[Field, ...]:
    return (
        Field("customer_id", "id", "whose it is"),
        Field("contact_id", "id", "the person at the customer's"),
        Field("customer_name", "text", "whose it is, by name", personal=True),
    )


_REACHED = (
    Field("email", "text", "e-mail address", personal=True),
    Field("phone", "text", "telephone", personal=True),
)
_CREATED = Field("created", "moment", "when the record was made")
_OWNER = Field("owner", "text", "the employee in charge", personal=True)
_CURRENCY = Field("currency", "text", "of the amounts")
_STATUS = Field("status", "text", "status")
_DELETED = Field("deleted", "text", "whether it lies in the recycle bin")

TABLES: dict[str, tuple[Field, ...]] = {
    "customers": (
        Field("id", "id", "the customer", needed="row"),
        Field("name", "text", "name of the person or firm", personal=True),
        *_REACHED,
        Field("address", "text", "street", personal=True),
        Field("city", "text", "city", personal=True),
        Field("region", "text", "state or province"),
        Field("country", "text", "country"),
        Field("level", "text", "level or rating"),
        Field("type", "text", "type"),
        Field("industry", "text", "industry"),
        Field("source", "text", "where the customer came from"),
        Field("branch", "text", "branch or department that looks after the customer"),
        Field("referrer_id", "id", "the customer who referred this one"),
        _CREATED,
        _OWNER,
    ),
    "contacts": (
        Field("id", "id", "the person", needed="row"),
        Field("customer_id", "id", "the customer that the person belongs to"),
        Field("name", "text", "whole name", personal=True),
        Field("first_name", "text", "first name", personal=True),
        Field("last_name", "text", "last name", personal=True),
        *_REACHED,
        Field("customer_name", "text", "the customer, by name", personal=True),
        Field("stage", "text", "stage of the life cycle"),
        Field("source", "text", "where the person came from"),
        _CREATED,
        _OWNER,
    ),
    "deals": (
        Field("id", "id", "the deal"),
        *_who(),
        Field("name", "text", "title, which often names the customer", personal=True),
        Field("stage", "text", "stage", needed="row"),
        Field("amount", "money", "what it is worth", needed="column"),
        _CURRENCY,
        _CREATED,
        Field("closed", "moment", "when it was, or is to be, closed", needed="row"),
        Field("source", "text", "where it came from"),
        Field("type", "text", "new or existing business"),
        _DELETED,
        _OWNER,
    ),
    "orders": (
        Field("id", "id", "the order"),
        *_who(),
        Field("deal_id", "id", "the deal that it came from"),
        Field("time", "moment", "when it was placed", needed="row"),
        Field("amount", "money", "what was ordered", needed="column"),
        Field("refunded", "money", "money given back"),
        Field("returned", "money", "worth of goods that came back"),
        Field("paid", "money", "money received"),
        _CURRENCY,
        Field("channel", "text", "through which it came"),
        _STATUS,
        _DELETED,
        _OWNER,
    ),
    "cases": (
        Field("id", "id", "the case or ticket"),
        *_who(),
        Field("subject", "text", "title, as people wrote it", personal=True),
        Field("type", "text", "type"),
        Field("origin", "text", "channel through which it came"),
        Field("priority", "text", "priority"),
        _STATUS,
        Field("opened", "moment", "when it was opened", needed="row"),
        Field("closed", "moment", "when it was closed"),
        _OWNER,
    ),
    "members": (
        Field("id", "id", "the membership"),
        *_who(),
        Field("tier", "text", "tier"),
        Field("points", "number", "points at the time of the export"),
        Field("joined", "moment", "when the customer joined"),
        _STATUS,
    ),
}
LOG = ("customer_id", "date", "amount")  # of the transaction log, as `crmlab fit` calls them


def field(table: str, name: str) -> Field:
    """A column of a canonical table."""
    return next(each for each in TABLES[table] if each.name == name)
