"""Facts of a message."""

from datetime import UTC, datetime

import pytest

from maildird.imap.rendering import date_time
from maildird.mime.common_header import written_out
from maildird.session.describe import describe


def test_facts() -> None:
    facts = describe(b"Subject: hi\r\n\r\nthere\r\n", 5)
    assert facts.size == 22
    assert facts.internaldate == 5
    assert facts.envelope.startswith(b'(NIL "hi" ')
    assert facts.body.startswith(b'("text" "plain" ')
    assert facts.bodystructure.startswith(b'("text" "plain" ')
    assert written_out(facts.header) == b"Subject: hi\r\n\r\n"


@pytest.mark.parametrize(("internaldate", "year"), [(-(10**12), 1970), (10**12, 9999)])
def test_dates_that_imap_can_not_write(internaldate: int, year: int) -> None:
    seconds = describe(b"", internaldate).internaldate
    assert datetime.fromtimestamp(seconds, UTC).year == year
    assert date_time(seconds)
