"""Dates in the ways of people and platforms, and days late by the clock on the wall."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from crmlab.course.dates import parse_time
from crmlab.course.late import parse_late
from crmlab.errors import InputError

BERLIN, SHANGHAI = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    "text, said",
    [
        ("2026-11-30T22:59:00Z", "2026-11-30T22:59:00+00:00"),
        ("2026-11-30 22:59:00 UTC", "2026-11-30T22:59:00+00:00"),
        ("2026-11-30 22:59:00 -0700", "2026-11-30T22:59:00-07:00"),
        ("2026-11-30T22:59:00.123456+05:30", "2026-11-30T22:59:00.123456+05:30"),
        ("2026-07-09 12:00:00.000000 CEST", "2026-07-09T12:00:00+02:00"),
        ("2026-07-09 12:00:00.000000 PDT", "2026-07-09T12:00:00-07:00"),
        ("2026-11-20 10:00:00.5 America/New_York", "2026-11-20T10:00:00.500000-05:00"),
        ("Monday, 30 November 2026, 9:15 AM", "2026-11-30T09:15:00+01:00"),
        ("Monday, 30 November 2026, 12:05 AM", "2026-11-30T00:05:00+01:00"),
        ("Monday, November 30, 2026, 9:15 PM", "2026-11-30T21:15:00+01:00"),
        ("Nov 30, 2026 at 11:59pm", "2026-11-30T23:59:00+01:00"),
        ("30 Nov 2026, 21:15", "2026-11-30T21:15:00+01:00"),
        ("Montag, 30. November 2026, 09:15", "2026-11-30T09:15:00+01:00"),
        ("Mo., 2. März 2026, 09:15 Uhr", "2026-03-02T09:15:00+01:00"),
        ("1. Dez. 2026 um 23:59 MEZ", "2026-12-01T23:59:00+01:00"),
        ("30.11.2026 09:15", "2026-11-30T09:15:00+01:00"),
        ("30.11.26, 09:15", "2026-11-30T09:15:00+01:00"),
        ("2026年11月30日 星期一 09:15", "2026-11-30T09:15:00+01:00"),
        ("2026年11月30日 下午9:15", "2026-11-30T21:15:00+01:00"),
        ("2026年11月30日 上午 12:15", "2026-11-30T00:15:00+01:00"),
        ("2026/11/30 \uff12\uff11\uff1a\uff11\uff15", "2026-11-30T21:15:00+01:00"),
        ("30/11/2026 21:15", "2026-11-30T21:15:00+01:00"),
        ("11/30/2026 9:15 PM", "2026-11-30T21:15:00+01:00"),
        ("2026-11-30", "2026-11-30T00:00:00+01:00"),
    ],
)
def test_read(text, said):
    assert parse_time(text, BERLIN).isoformat() == said


def test_an_abbreviation_is_the_courses_own_first():
    assert parse_time("2026-11-30 10:00:00 CST", SHANGHAI).utcoffset().total_seconds() == 8 * 3600
    assert (
        parse_time("2026-11-30 10:00 CST", ZoneInfo("America/Chicago")).utcoffset().total_seconds()
        == -6 * 3600
    )
    assert parse_time("2026-10-25 02:30 CET", BERLIN).utcoffset().total_seconds() == 3600
    assert parse_time("2026-10-25 02:30 CEST", BERLIN).utcoffset().total_seconds() == 7200


@pytest.mark.parametrize(
    "text",
    ["yesterday", "11/12/2026 9:15", "2026-11-30 10:00 CST", "30 Brumaire 2026, 10:00", "2026-13-01 10:00",
     "2026-11-30 25:00", "2026-11-30 10:00 Europe/Nowhere", "Nov 30 at 11:59pm", "2026-11-30 13:00 pm",
     "", "9:15"],
)  # fmt: skip
def test_refused(text):
    with pytest.raises(InputError, match="cannot read the time"):
        parse_time(text, BERLIN)


@pytest.mark.parametrize(
    "due, handed_in, days",
    [
        # the clocks go back in the night to 25 October: 24 h 31 min go by, the wall says 23 h 31 min
        ((2026, 10, 24, 23, 59), "2026-10-25T23:30:00+01:00", 1),
        ((2026, 10, 24, 23, 59), "2026-10-26T00:30:00+01:00", 2),
        # and forward in the night to 29 March: 23 h 31 min go by, the wall says a day and half an hour
        ((2026, 3, 28, 23, 59), "2026-03-30T00:30:00+02:00", 2),
        ((2026, 3, 28, 23, 59), "2026-03-29T23:59:00+02:00", 1),
        # handed in 45 minutes later, while the wall shows an earlier time
        ((2026, 10, 25, 2, 30), "2026-10-25T02:15:00+01:00", 1),
    ],
)
def test_days_are_counted_by_the_clock_on_the_wall(due, handed_in, days):
    late = parse_late("10% a day")
    assert late.days_late(datetime.fromisoformat(handed_in), datetime(*due, tzinfo=BERLIN)) == days
