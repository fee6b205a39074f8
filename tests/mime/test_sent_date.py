"""The day in the Date field."""

import email.utils
from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maildird.mime.sent_date import sent_date
from tests.mime import corpora
from tests.mime.hostile_mail import values


def read(value: bytes) -> date | None:
    return sent_date(b"Subject: a\r\nDate: %b\r\n\r\n" % value)


@pytest.mark.parametrize(
    ("value", "day"),
    [
        # RFC 5322 appendix A.
        (b"Fri, 21 Nov 1997 09:55:06 -0600", date(1997, 11, 21)),
        (b"Tue, 1 Jul 2003 10:52:37 +0200", date(2003, 7, 1)),
        (
            b"Thu,\r\n 13\r\n Feb\r\n 1969\r\n 23:32\r\n -0330 (Newfoundland Time)",
            date(1969, 2, 13),
        ),
        (b"21 Nov 97 09:55:06 GMT", date(1997, 11, 21)),
        (b"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", date(1997, 11, 21)),
        # Obsolete years (section 4.3).
        (b"1 Jan 49 00:00 GMT", date(2049, 1, 1)),
        (b"1 Jan 50 00:00 GMT", date(1950, 1, 1)),
        (b"1 Jan 103 00:00 GMT", date(2003, 1, 1)),
        # The day as written, whatever the zone.
        (b"1 Jan 2001 00:30 +0200", date(2001, 1, 1)),
        (b"31 Dec 2000 23:30 -0800", date(2000, 12, 31)),
        # Other spellings.
        (b"(comment) 1 (comment) jan (comment) 2001", date(2001, 1, 1)),
        (b"Monday, 1-January-2001 12:00", date(2001, 1, 1)),
        (b"01.Jan.2001", None),
        (b"Wed Jun 23 18:05:01 2010", date(2010, 6, 23)),
        (b"Wed Jun  3 18:05:01 MET DST 2010", date(2010, 6, 3)),
        (b"2010-06-23T18:05:01Z", date(2010, 6, 23)),
        # Nothing there.
        (b"31 Jun 2001 12:00", None),
        (b"0 Jan 2001 12:00", None),
        (b"yesterday", None),
        (b"", None),
    ],
)
def test_days(value: bytes, day: date | None) -> None:
    assert read(value) == day


def test_no_field() -> None:
    assert sent_date(b"Subject: a\r\n\r\nDate: 1 Jan 2001\r\n") is None


def test_the_first_field_counts() -> None:
    assert sent_date(b"Date: 1 Jan 2001\r\nDate: 2 Jan 2002\r\n\r\n") == date(2001, 1, 1)


_zones = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))


@given(st.datetimes(datetime(1900, 1, 1), timezones=_zones))
def test_what_email_writes_is_read(moment: datetime) -> None:
    assert read(email.utils.format_datetime(moment).encode()) == moment.date()


@given(values)
def test_reading_never_fails(value: bytes) -> None:
    read(value)


def test_real_dates() -> None:
    for path, message in corpora.messages().items():
        parsed = email.utils.parsedate(str(email.message_from_bytes(message)["Date"]))
        assert sent_date(message) == (date(*parsed[:3]) if parsed else None), path
