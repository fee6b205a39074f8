"""Section 4: clients may send lines of 8,192 octets, and sets are kept compact."""

import pytest

from tests.rfc7162.client import Client, flags_of
from tests.rfc7162.hosts import Host
from tests.rfc7162.responses import Esearch, Fetch
from tests.rfc7162.synchronising import come_back, open_with

LENGTHS = [8192, 32768, 60000]


def scattered(length: int) -> str:
    """A set of odd UIDs, `length` octets long or a few less."""
    parts = []
    uid, left = 1, length + 1
    while left > len(str(uid)):
        parts.append(str(uid))
        left -= len(str(uid)) + 1
        uid += 2
    return ",".join(parts)


@pytest.mark.parametrize("length", LENGTHS)
async def test_select_takes_long_sets(host: Host, me: Client, other: Client, length: int) -> None:
    opened = await open_with(me, 6)
    await other.do("SELECT INBOX")
    await other.do(r"STORE 1:4 +FLAGS.SILENT (\Deleted)")
    await other.do("EXPUNGE")
    await other.do(r"STORE 1 +FLAGS.SILENT (\Seen)")
    back = await come_back(host, opened, known=scattered(length))
    assert back.vanished_earlier == (1, 3)
    assert flags_of(back.all(Fetch)) == {5: {"\\Seen"}}


@pytest.mark.parametrize("length", LENGTHS)
async def test_uid_fetch_takes_long_sets(host: Host, me: Client, length: int) -> None:
    opened = await open_with(me, 6)
    await me.do(r"STORE 1:4 +FLAGS.SILENT (\Deleted)")
    await me.do("EXPUNGE")
    await me.do(r"STORE 1 +FLAGS.SILENT (\Seen)")
    uids = scattered(length)
    fetched = await me.do(f"UID FETCH {uids} FLAGS (CHANGEDSINCE {opened.highestmodseq} VANISHED)")
    assert fetched.vanished_earlier == (1, 3)
    assert flags_of(fetched.all(Fetch)) == {5: {"\\Seen"}}


async def test_many_uids_come_as_one_compact_set(host: Host, me: Client) -> None:
    opened = await open_with(me, 40)
    await me.do("CREATE Archive")
    found = (await me.do("UID SEARCH RETURN (ALL) ALL")).one(Esearch)
    assert found.results["ALL"] == "1:40"
    copied = await me.do("UID COPY 1:10,12:20 Archive")
    assert (copied.argument("COPYUID") or "").split()[1:] == ["1:10,12:20", "1:19"]
    await me.do(r"UID STORE 5:14,20:39 +FLAGS.SILENT (\Deleted)")
    expunged = await me.do("EXPUNGE")
    back = await come_back(host, opened)
    for exchange in (expunged, back):
        (line,) = (line for line in exchange.lines if b" VANISHED " in line)
        assert line.endswith(b" 5:14,20:39\r\n")
