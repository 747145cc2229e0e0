"""Columns of texts as ids, moments and money, by the one rule of `crmlab.data.logs`; what is open is asked.

Each distinct text is read once, by DuckDB.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import duckdb
import numpy as np
import pandas as pd

from crmlab.data.exports.audit import counted, shortened
from crmlab.data.logs import dates, formats
from crmlab.data.logs.amounts import number_in
from crmlab.data.logs.questions import NUMBERS
from crmlab.data.logs.reading import EPOCHS
from crmlab.data.logs.sql import MISSING, literal
from crmlab.errors import listing, option
from crmlab.words import words

ISO = "ISO 8601"
_SIGN = r"(?:US\$|HK\$|NT\$|R\$|A\$|C\$|[$€£¥₹₩₽元]|人民币|RMB|[A-Z]{3})"
_MONEY = re.compile(
    rf"(?P<open>\()?\s*(?P<minus>[-+−])?\s*(?P<before>{_SIGN})?\s*(?P<minus2>[-+−])?\s*"
    rf"(?P<number>\d[\d.,'\s]*(?:[eE][-+]?\d+)?|[.,]\d+)\s*(?P<after>{_SIGN})?\s*(?P<close>\))?"
)
_POWER = re.compile(r"-?\d(?:[.,]\d+)?[eE]\+\d+")
_SERIAL = re.compile(r"[2-6]\d{4}(?:\.\d+)?")
_LONG = re.compile(r"\d{16,}")
DIGITS = 15  # that a spreadsheet keeps of a number
EPOCH_PATTERN = r"-?\d+"


@dataclass(frozen=True)
class Parsed:
    """A column that was read.

    Attributes
    ----------
    values : pandas.Series
        Missing where nothing stands there or it could not be read.
    bad : ndarray of bool
        Where something stands that could not be read.
    way : str
        How it was read, as ``"%d.%m.%Y"``; empty where there is nothing to say.
    question : str
        What has to be said before the column can be read; empty otherwise.
    notes : list of str
        What a reader should know of it.
    currency : str
        The one sign that stood beside the amounts.
    """

    values: pd.Series
    bad: np.ndarray
    way: str = ""
    question: str = ""
    notes: list[str] = field(default_factory=list)
    currency: str = ""


def present(texts: pd.Series, words: bool = True) -> pd.Series:
    """Texts with None where nothing stands: an empty cell, and unless `words` is false a word for nothing."""
    nothing = MISSING if words else ("",)
    return texts.astype(object).where(~texts.isin(nothing), None)


class Reader:
    """Reads columns of texts; holds the connection that does."""

    def __init__(self) -> None:
        self.connection = duckdb.connect(config={"threads": 1})
        self.connection.execute("SET enable_progress_bar = false")

    def close(self) -> None:
        """Let go of the connection."""
        self.connection.close()

    # -- moments -------------------------------------------------------------------------------------------

    def moments(
        self,
        texts: pd.Series,
        given: str | None,
        usual: Sequence[str],
        zone: str | None,
        lenient: bool = False,
    ) -> Parsed:
        """A column of dates or times.

        Parameters
        ----------
        texts : pandas.Series of str or None
        given : str or None
            The format that the user says, or several set apart by ``|``.
        usual : sequence of str
            Formats besides ISO 8601 that the system is known to write.
        zone : str or None
            Whose clock shows the moments; UTC otherwise.
        lenient : bool
            Whether what cannot be read is left open rather than asked about.
        """
        codes, every = pd.factorize(texts)
        self._hold(every)
        forms = tuple(each.strip() for each in given.split("|")) if given else (ISO, *usual)
        read, way = self._read_by(forms, zone), given or ""
        unread = read.isna().to_numpy()
        if given is None and unread.any() and not (lenient and unread.mean() < 0.5):
            found = self._ways(every, lenient)
            if len(found) != 1:
                return Parsed(_missing(texts), texts.notna().to_numpy(), question=self._ask(found, texts))
            way = found[0].form
            read = self._read_by((way,), zone)
            unread = read.isna().to_numpy()
        bad = np.append(unread, False)[codes]
        values = pd.Series(
            np.append(read.to_numpy("datetime64[us]"), np.datetime64("NaT"))[codes], texts.index
        )
        question = "" if lenient or not bad.any() else _unread(texts, bad, "date", "date_format")
        return Parsed(values, bad, way, question, self._zone_notes(every, way or forms, zone))

    def _hold(self, every: pd.Index) -> None:
        table = pd.DataFrame({"text": every.astype("str"), "place": np.arange(len(every))})
        self.connection.register("held", table)
        self.connection.execute("CREATE OR REPLACE TABLE written AS SELECT * FROM held")

    def _read_by(self, forms: Sequence[str], zone: str | None) -> pd.Series:
        ways = [_moment(each, zone) for each in forms]
        within = "CASE WHEN moment >= DATE '1000-01-01' THEN moment END AS moment"
        query = f"SELECT {within} FROM (SELECT place, COALESCE({', '.join(ways)}) AS moment FROM written)"
        return self.connection.execute(f"{query} ORDER BY place").df()["moment"]

    def _ways(self, every: pd.Index, lenient: bool) -> list[formats.Way]:
        """The ways that read all dates; or, if some may be left open, all but few."""
        found, _ = formats.ways(self.connection.execute)
        strange = [] if found or not lenient else self._strange()
        if strange and len(strange) < 0.5 * len(every):
            self._hold(every[~every.isin(strange)])
            found, _ = formats.ways(self.connection.execute)
            self._hold(every)
        return found

    def _ask(self, found: list[formats.Way], texts: pd.Series) -> str:
        if found:
            meant = " or ".join(f"{each.day} ({each.form})" for each in found)
            said = f"say which by {option('date_format')} or in the map"
            return f"holds {found[0].example!r}, which may be {meant}: {said}"
        some = formats.cover(self.connection.execute)
        if some:
            together = "|".join(each.form or ISO for each in some)
            kinds = ", ".join(f"{each.form or ISO} in {each.rows:,}" for each in some)
            return (
                f"holds dates written in several ways ({kinds} distinct values): say "
                f"{option('date_format', together)} or so in the map to have them tried in this order"
            )
        unread = texts.isin(self._strange())
        return _unread(texts, unread.to_numpy(), "date", "date_format")

    def _strange(self) -> list[str]:
        """Dates that no single way reads which reads most of them."""
        forms = formats.possible(self.connection.execute)
        iso = dates.moment_of("text")
        reads = [iso, *map(formats.read, forms)]
        counts = self.connection.execute(
            f"SELECT {', '.join(f'COUNT({each})' for each in reads)} FROM written"
        )
        best = reads[int(np.argmax(counts.fetchall()[0]))]
        found = self.connection.execute(f"SELECT text FROM written WHERE {best} IS NULL").fetchall()
        return [text for (text,) in found]

    def _zone_notes(self, every: pd.Index, forms: Sequence[str] | str, zone: str | None) -> list[str]:
        if zone is not None or not len(every):
            return []
        epoch = any(each in EPOCHS for each in ([forms] if isinstance(forms, str) else forms))
        pattern = f"{dates.INSTANT}|{EPOCH_PATTERN}" if epoch else dates.INSTANT
        query = f"SELECT COUNT(*) FROM written WHERE regexp_full_match(text, {literal(pattern)})"
        if not self.connection.execute(query).fetchall()[0][0]:
            return []
        return [words("exports.instants", option=option("time_zone"))]

    # -- money ---------------------------------------------------------------------------------------------

    def money(
        self, texts: pd.Series, decimal: str | None, thousands: str | None, usual: str, lenient: bool = False
    ) -> Parsed:
        """A column of amounts or other numbers.

        Parameters
        ----------
        texts : pandas.Series of str or None
        decimal, thousands : str or None
            Marks that the user says.
        usual : str
            The decimal mark of the system where the amounts leave it open; empty to ask.
        lenient : bool
            Whether what cannot be read is left open rather than asked about.
        """
        codes, every = pd.factorize(texts)
        plain, signs = _without_signs(every)
        self._hold(pd.Index(plain))
        ways = [(decimal or ".", thousands)] if decimal or thousands else [(".", None), *NUMBERS]
        tried = [self._numbers(*each) for each in ways]
        counts = [np.isfinite(each).sum() for each in tried]
        most = [k for k, count in enumerate(counts) if count == max(counts)]
        if usual:
            most = [k for k in most if ways[k][0] == usual] or most
        best = most[0]
        apart = [k for k in most if not _alike(tried[k], tried[best])]
        if apart:
            question = _ask_marks(every, tried, best, apart[0])
            return Parsed(_missing(texts), texts.notna().to_numpy(), question=question)
        bad = np.append(~np.isfinite(tried[best]), False)[codes]
        values = pd.Series(np.append(tried[best], np.nan)[codes], texts.index)
        question = "" if lenient or not bad.any() else _unread(texts, bad, "number", "decimal")
        if len(signs) > 1:
            question = f"holds several currencies ({listing(sorted(signs))}); export one at a time"
        mark, group = ways[best]
        way = "" if (mark, group) == (".", None) else f"1{group or ''}234{mark}50"
        return Parsed(values, bad, way, question, [], next(iter(signs), ""))

    def _numbers(self, decimal: str, thousands: str | None) -> np.ndarray:
        number = number_in("text", decimal, thousands)
        query = f"SELECT {number} AS number FROM written ORDER BY place"
        return self.connection.execute(query).df()["number"].to_numpy(float)


def _moment(form: str, zone: str | None) -> str:
    """The moment of `text` as SQL; numbers since 1970 only within living memory."""
    moment = dates.moment_of("text", () if form == ISO else (form,), zone)
    return f"CASE WHEN {formats.read(form)} IS NOT NULL THEN {moment} END" if form in EPOCHS else moment


def _missing(texts: pd.Series) -> pd.Series:
    return pd.Series(np.nan, texts.index)


def _without_signs(every: pd.Index) -> tuple[list[str], set[str]]:
    """Amounts as bare numbers (empty where one is none), and the currencies' signs beside them."""
    plain, signs = [], set()
    for text in every:
        found = _MONEY.fullmatch(unicodedata.normalize("NFKC", text).strip())
        if (
            found is None
            or bool(found["open"]) != bool(found["close"])
            or (found["minus"] and found["minus2"])
        ):
            plain.append("")
            continue
        minus = bool(found["open"]) != ((found["minus"] or found["minus2"]) in ("-", "−"))
        plain.append(("-" if minus else "") + re.sub(r"\s+", " ", found["number"].strip()))
        signs |= {each for each in (found["before"], found["after"]) if each}
    return plain, signs


def _alike(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(((one == other) | (np.isnan(one) & np.isnan(other))).all())


def _ask_marks(every: pd.Index, tried: list[np.ndarray], one: int, other: int) -> str:
    place = int(np.flatnonzero(tried[one] != tried[other])[0])
    return (
        f"holds {every[place]!r}, which may be {tried[one][place]:,g} or {tried[other][place]:,g}: say by "
        f"{option('decimal')} and {option('thousands')}, or in the map, which mark is which"
    )


def _unread(texts: pd.Series, bad: np.ndarray, kind: str, name: str) -> str:
    spots = texts.index[bad]
    if kind == "date" and texts[bad].str.fullmatch(_SERIAL).all():
        return (
            f"holds numbers such as {texts[spots[0]]!r} (row {spots[0]}), the days of a spreadsheet: give "
            f"the column the format of a date there, and save again"
        )
    shown = ", ".join(f"row {row} ({texts[row]!r})" for row in spots[:3])
    more = f" and {len(spots) - 3:,} more" if len(spots) > 3 else ""
    return (
        f"is no {kind} in {counted(len(spots))}: {shown}{more}; mend them, say by "
        f"{option(name)} how it is written, or drop these rows by {option('unreadable', 'drop')}"
    )


# -- ids -----------------------------------------------------------------------------------------------------


def ids(texts: pd.Series, prefix: str = "", repaired: Callable[[str], str] | None = None) -> Parsed:
    """A column of ids: texts without the system's prefix; several in one cell count as the first.

    Ids that a spreadsheet has kept as numbers have lost their last digits; they are refused.
    """
    notes = []
    first = texts.str.split(";").str[0].str.strip() if texts.notna().any() else texts
    several = (texts != first) & texts.notna()
    if several.any():
        notes.append(words("exports.several_ids", rows=counted(several.sum()), which=rows_of(several)))
    values = first.str.removeprefix(prefix) if prefix and first.notna().any() else first
    given = values.dropna()
    if len(given) and given.str.fullmatch(r"\d+\.0").all():
        values = values.str.removesuffix(".0")
        notes.append(words("exports.point_zero"))
    if repaired is not None:
        values = values.map(repaired, na_action="ignore")
    return Parsed(values, np.zeros(len(texts), bool), question=_damage(given), notes=notes)


def without_addresses(read: Parsed) -> Parsed:
    """Ids, unless they are e-mail addresses, which say who somebody is."""
    mails = read.values.dropna()
    mails = mails[mails.str.contains("@", regex=False)]
    if read.question or not len(mails):
        return read
    question = (
        f"holds e-mail addresses as ids in {counted(len(mails))} (row {mails.index[0]}): hash them by "
        f"{option('salt')}, or keep them by {option('personal')}"
    )
    return replace(read, question=question)


def rows_of(where: pd.Series, limit: int = 5) -> str:
    """The rows at which a condition holds, as prose."""
    return words("exports.rows_of", rows=shortened(where.index[where.to_numpy(bool)], limit))


def _damage(given: pd.Series) -> str:
    """What a spreadsheet did to ids; empty if nothing."""
    power = given[given.str.fullmatch(_POWER)]
    remedy = (
        "the last digits are lost. Export again and import that file without opening it in a spreadsheet, or "
        "open it with this column as text"
    )
    if len(power):
        first = f"row {power.index[0]}: {power.iloc[0]!r}"
        return f"holds ids as numbers in {counted(len(power))} ({first}): {remedy}"
    long = given[given.str.fullmatch(_LONG)].drop_duplicates()
    zeros = long.map(lambda each: len(each) - DIGITS if set(each[DIGITS:]) == {"0"} else 0)
    if len(long) and (zeros > 0).all() and zeros.sum() >= 6:
        return f"holds long ids that all end in 0 (row {long.index[0]}: {long.iloc[0]!r}): {remedy}"
    return ""


def repair_of(system: str) -> Callable[[str], str] | None:
    """What makes ids of a system that are written in two ways one."""
    return whole_salesforce_id if system == "salesforce" else None


def whole_salesforce_id(text: str) -> str:
    """A Salesforce id of 15 characters as the one of 18 that does without case; others as they are.

    Its last three characters say which of the first fifteen are capitals, five a character.

    Examples
    --------
    >>> whole_salesforce_id("0011t00000Ab3Cd")
    '0011t00000Ab3CdAAE'
    """
    if not re.fullmatch(r"[A-Za-z0-9]{15}", text):
        return text
    parts = [text[k : k + 5] for k in (0, 5, 10)]
    codes = [
        sum(1 << k for k, each in enumerate(part) if each.isascii() and each.isupper()) for part in parts
    ]
    return text + "".join("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[code] for code in codes)
