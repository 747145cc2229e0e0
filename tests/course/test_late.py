"""The late rule."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from crmlab.course.late import parse_late
from crmlab.errors import InputError

DUE = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    "rule, hours, off",
    [
        ("none", 1000, 0),
        ("", 5, 0),
        ("10% a day", 0, 0),
        ("10% a day", -5, 0),
        ("10% a day", 0.01, 10),
        ("10% a day", 24, 10),
        ("10% a day", 24.1, 20),
        ("10% a day", 24 * 30, 100),
        ("10% per day, at most 50%", 24 * 30, 50),
        ("2.5% a day", 1, 2.5),
        ("10% a day, at most 50%, nothing after 7 days", 24 * 7, 50),
        ("10% a day, at most 50%, nothing after 7 days", 24 * 7 + 1, 100),
        ("nothing after 0 days", 1, 100),
        ("10% a day, 2 hours grace", 2, 0),
        ("10% a day, 2 hours grace", 2.1, 10),
    ],
)
def test_what_lateness_costs(rule, hours, off):
    late = parse_late(rule)
    assert late.percent_off(late.days_late(DUE + timedelta(hours=hours), DUE)) == pytest.approx(off)


@pytest.mark.parametrize(
    "rule", ["10 a day", "10% a day, at most", "at most 50%", "10% a day, 5% a day", "late"]
)
def test_what_cannot_be_read_is_refused(rule):
    with pytest.raises(InputError, match="late is"):
        parse_late(rule)


def test_time_zones_count():
    late = parse_late("10% a day")
    east = timezone(timedelta(hours=9))
    assert late.days_late(datetime(2026, 12, 1, 8, 0, tzinfo=east), DUE) == 0
    assert late.days_late(None, DUE) == late.days_late(DUE, None) == 0
