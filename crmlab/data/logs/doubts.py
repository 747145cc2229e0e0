"""What of a log gives cause for doubt: odd days, rows lost, one customer who makes much of it."""

from datetime import date, datetime, timedelta

from crmlab.data.logs.ids import shown
from crmlab.data.logs.log import Log
from crmlab.errors import option
from crmlab.words import words

FAR = 0.5  # a gap above this share of the rest of the time is far
FEW = 0.01  # share of rows that may lie beyond a gap for these to be the odd ones
LEAST = 20  # rows or customers below which nothing is odd
LOST = 0.05  # share of rows left out that is worth a word
CONCENTRATED = 0.1  # share of rows or money of one customer that is


def about(log: Log, end: date | None = None) -> list[str]:
    """Sentences about an open log, observed to `end`."""
    return [*_days(log, end), *_lost(log), *_concentration(log, end)]


def _days(log: Log, end: date | None) -> list[str]:
    """Days that can hardly be meant."""
    days = log.run(
        "SELECT day, COUNT(*) FROM typed WHERE day IS NOT NULL AND customer IS NOT NULL "
        + (f"AND day <= DATE '{end}' " if end else "")
        + "GROUP BY day ORDER BY day"
    ).fetchall()
    notes = []
    for name, some in (("last", days), ("first", days[::-1])):
        far = _far(some)
        if far:
            beside, odd, rows = far
            key = "fit.note_far_last" if name == "last" else "fit.note_far_first"
            flag = option("observation_end", beside) if name == "last" else ""
            notes.append(words(key, rows=f"{rows:,}", day=odd, beside=beside, option=flag))
    today = datetime.now().astimezone().date()
    late = sum(count for day, count in days if day > today)
    if late and not notes:
        flag = option("observation_end", max((day for day, _ in days if day <= today), default=today))
        notes.append(words("fit.note_future", rows=f"{late:,}", day=days[-1][0], today=today, option=flag))
    return notes


def _far(days: list[tuple[date, int]]) -> tuple[date, date, int] | None:
    """The last day before a gap with few rows beyond it, the first day beyond, and these rows."""
    total, beyond = sum(count for _, count in days), 0
    if total < LEAST:
        return None
    for place in range(len(days) - 1, 1, -1):
        beyond += days[place][1]
        if beyond > max(FEW * total, 1):
            return None
        gap = abs(days[place][0] - days[place - 1][0])
        rest = abs(days[place - 1][0] - days[0][0])
        if gap > max(FAR * rest, timedelta(30)):
            return days[place - 1][0], days[place][0], beyond
    return None


def _lost(log: Log) -> list[str]:
    audit = log.audit
    lost = audit.unusable
    if lost <= LOST * audit.rows:
        return []
    names = {"no_customer": audit.no_customer, "no_date": audit.no_date, "bad_date": audit.bad_date}
    why = ", ".join(
        f"{words(f'fit.rule_{name}').lower()}: {count:,}" for name, count in names.items() if count
    )
    share = lost / audit.rows
    return [words("fit.note_lost", rows=f"{lost:,}", all=f"{audit.rows:,}", share=share, why=why)]


def _concentration(log: Log, end: date | None) -> list[str]:
    """One customer who makes much of the log: a reseller, a till, a placeholder for the unknown."""
    money = log.has_amount
    within = f"AND day <= DATE '{end}'" if end else ""
    amount = "GREATEST(COALESCE(amount, 0), 0)" if money else "1"
    top = (
        f"SELECT customer, COUNT(*) AS bought, SUM({amount}) AS worth FROM typed "
        f"WHERE customer IS NOT NULL AND day IS NOT NULL {within} GROUP BY customer"
    )
    customers, rows, worth, *most = log.run(
        f"SELECT COUNT(*), SUM(bought), SUM(worth), MAX_BY(customer, bought), MAX(bought), "
        f"MAX_BY(customer, worth), MAX(worth) FROM ({top})"
    ).fetchall()[0]
    if not rows or customers < LEAST:
        return []
    notes = []
    for share, who, key in (
        (most[1] / rows, most[0], "rows"),
        (most[3] / worth if worth else 0, most[2], "money"),
    ):
        if share > CONCENTRATED and (key == "rows" or money):
            name = shown_name(log, who)
            notes.append(words(f"fit.note_concentrated_{key}", customer=name, share=share))
    return notes


def shown_name(log: Log, key: object) -> str:
    """What a user calls the customer that queries know by `key`."""
    return shown(log.opened.ids.restore([key])[0])
