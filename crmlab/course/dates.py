"""Dates and times as people, Canvas, Moodle and nbgrader write them, in English, German and Chinese.

What could mean two things is refused, never guessed: 11/12/2026, or a CST that is not the course's own.
"""

import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from crmlab.errors import InputError

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january januar jan jänner", "february februar feb", "march märz maerz mar mär mrz",
            "april apr", "may mai", "june juni jun", "july juli jul", "august aug",
            "september sept sep", "october oktober oct okt", "november nov", "december dezember dec dez",
        ), 1,
    )
    for name in names.split()
}  # fmt: skip
WEEKDAYS = (
    r"(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?"
    r"|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonnabend|sonntag|mo|di|mi|do|fr|sa|so"
)
# Hours east of Greenwich of the abbreviations that mean one zone. CST, IST and BST do not.
ZONES = {
    "utc": 0, "gmt": 0, "z": 0, "wet": 0, "west": 1, "cet": 1, "cest": 2, "mez": 1, "mesz": 2, "eet": 2,
    "eest": 3, "msk": 3, "est": -5, "edt": -4, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
    "hkt": 8, "sgt": 8, "jst": 9, "kst": 9, "aest": 10, "aedt": 11, "nzst": 12, "nzdt": 13,
}  # fmt: skip
DATES = (
    r"(?P<year>\d{4})\s*[-/.年]\s*(?P<month>\d{1,2})\s*[-/.月]\s*(?P<day>\d{1,2})\s*日?",
    r"(?P<day>\d{1,2})(?:\.|st|nd|rd|th)?\s*(?P<name>[^\W\d]+)\.?,?\s*(?P<year>\d{4})",
    r"(?P<name>[^\W\d]+)\.?\s*(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s*(?P<year>\d{4})",
    r"(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.\s?(?P<year>\d{4}|\d\d)",
    r"(?P<first>\d{1,2})/(?P<second>\d{1,2})/(?P<year>\d{4}|\d\d)",
)
CLOCK = (
    r"(?P<before>上午|早上|中午|下午|晚上)?\s*(?P<hour>\d{1,2})(?:[:.时](?P<minute>\d\d)分?"
    r"(?::(?P<seconds>\d\d)(?:[.,](?P<parts>\d{1,9}))?)?)?\s*(?P<after>[ap]\.?m\.?(?![a-z]))?\s*(?:(?:uhr|h)(?![a-z]))?"
)
OFFSET = r"(?P<offset>(?:utc|gmt)?[+-]\d\d?(?::?\d\d)?)"
ZONE = rf"(?:{OFFSET}|(?P<zone>z|[a-z]{{2,5}}|[a-z]+(?:/[\w+-]+)+))?"
FORMS = [
    re.compile(rf"{date}(?:(?:\s*,|t|\s*at|\s*um)?\s*{CLOCK}\s*\(?{ZONE}\)?)?", re.IGNORECASE)
    for date in DATES
]


def parse_time(text: str, zone: tzinfo = UTC) -> datetime:
    """A time as people and learning platforms write it.

    Parameters
    ----------
    text : str
        With the year. Without a clock time, midnight, at which the day begins.
    zone : tzinfo
        In which it is meant if it names none: the course's.

    Raises
    ------
    InputError
        If it cannot be read, or could mean more than one time.
    """
    clean = " ".join(unicodedata.normalize("NFKC", text).split())
    clean = re.sub(r"\(?(?:星期|周|週|礼拜)[一二三四五六日天]\)?,?", " ", clean)
    clean = re.sub(rf"^(?:{WEEKDAYS})\b\.?,?\s+", "", clean.strip(), flags=re.IGNORECASE)
    clean = " ".join(clean.split())
    for form in FORMS:
        match = form.fullmatch(clean)
        if match:
            return _time(match.groupdict(), zone, text)
    raise _unreadable(text)


def _unreadable(text, why=""):
    return InputError(f"cannot read the time {text.strip()[:60]!r}{why}; write it like 2026-11-30 23:59")


def _time(found, zone, text):
    try:
        year = int(found["year"]) + (2000 if len(found["year"]) == 2 else 0)
        month, day = _month_and_day(found, text)
        hour = _hour(found, text)
        minute, second = int(found["minute"] or 0), int(found["seconds"] or 0)
        local = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 its zone comes next
    except ValueError as error:
        raise _unreadable(text, f": {error}") from None
    local += timedelta(microseconds=int((found["parts"] or "0")[:6].ljust(6, "0")))
    return _placed(local, found, zone, text)


def _month_and_day(found, text):
    if found.get("name"):
        if found["name"].casefold() not in MONTHS:
            raise _unreadable(text, f": no month {found['name']!r}")
        return MONTHS[found["name"].casefold()], int(found["day"])
    if found.get("first"):
        first, second = int(found["first"]), int(found["second"])
        if first <= 12 and second <= 12 and first != second:
            raise _unreadable(text, ": day or month first?")
        return (second, first) if first > 12 else (first, second)
    return int(found["month"]), int(found["day"])


def _hour(found, text):
    hour = int(found["hour"] or 0)
    half = (found["after"] or "").replace(".", "").casefold()
    later = half == "pm" or found["before"] in ("下午", "晚上") or (found["before"] == "中午" and hour < 11)
    if half and not 1 <= hour <= 12:
        raise _unreadable(text)
    if found["hour"] and found["minute"] is None and not half:
        raise _unreadable(text)
    if later and hour < 12:
        return hour + 12
    return 0 if hour == 12 and (half == "am" or found["before"] in ("上午", "早上")) else hour


def _placed(local, found, zone, text):
    """The time in the zone that it names, else in `zone`."""
    if found["offset"]:
        sign, hours, minutes = re.fullmatch(r"\D*([+-])(\d\d?):?(\d\d)?", found["offset"]).groups()
        east = timedelta(hours=int(hours), minutes=int(minutes or 0))
        return local.replace(tzinfo=timezone(-east if sign == "-" else east))
    name = found["zone"]
    if not name:
        return local.replace(tzinfo=zone)
    for fold in (0, 1):  # the course's own abbreviation: CST in Shanghai is not Chicago's
        own = local.replace(tzinfo=zone, fold=fold)
        if (own.tzname() or "").casefold() == name.casefold():
            return own
    if name.casefold() in ZONES:
        return local.replace(tzinfo=timezone(timedelta(hours=ZONES[name.casefold()]), name.upper()))
    try:
        return local.replace(tzinfo=ZoneInfo(name if "/" in name else ""))
    except Exception:
        raise _unreadable(text, f": which time zone is {name!r}?") from None
