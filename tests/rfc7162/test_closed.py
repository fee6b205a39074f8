"""Section 3.2.11: CLOSED stands between what is about one mailbox and what is about the next."""

import pytest

from tests.rfc7162.client import Client
from tests.rfc7162.hosts import Host
from tests.rfc7162.responses import Exists, Expunge, Other, Status, Vanished
from tests.rfc7162.statements import proves
from tests.rfc7162.synchronising import open_with, since

ENABLING = ["", "ENABLE CONDSTORE", "ENABLE QRESYNC"]


async def open_one_of_two(me: Client, enabling: str) -> None:
    """INBOX with two messages is selected, Archive has one."""
    if enabling:
        await me.do(enabling)
    await me.do("CREATE Archive")
    for mailbox in ("INBOX", "INBOX", "Archive"):
        await me.append(mailbox)
    opened = await me.do("SELECT INBOX")
    assert opened.argument("CLOSED") is None


@pytest.mark.parametrize("enabling", ENABLING)
@pytest.mark.parametrize("command", ["SELECT", "EXAMINE"])
@proves("3.2.11#1", "3.2.11#2")
async def test_another_mailbox_is_opened(
    host: Host, me: Client, other: Client, enabling: str, command: str
) -> None:
    await open_one_of_two(me, enabling)
    await other.do("SELECT INBOX")
    await other.do(r"STORE 1 +FLAGS.SILENT (\Deleted)")
    await other.do("EXPUNGE")
    opened = await me.do(f"{command} Archive")
    codes = [each.code if isinstance(each, Status) else None for each in opened.untagged]
    assert codes.count("CLOSED") == 1
    boundary = codes.index("CLOSED")
    before, after = opened.untagged[:boundary], opened.untagged[boundary:]
    assert not any(isinstance(each, Other) and each.name == "FLAGS" for each in before)
    assert "UIDVALIDITY" not in codes[:boundary]
    assert [each.count for each in after if isinstance(each, Exists)] == [1]
    assert not any(isinstance(each, Expunge | Vanished) for each in after)


@pytest.mark.parametrize("enabling", ENABLING)
@pytest.mark.parametrize("command", ["SELECT", "EXAMINE"])
@proves("3.2.11#1", "3.2.11#2")
async def test_another_mailbox_is_not_there(
    host: Host, me: Client, enabling: str, command: str
) -> None:
    """SELECT that fails has closed the mailbox all the same (RFC 3501 section 6.3.1)."""
    await open_one_of_two(me, enabling)
    failed = await me.say(f"{command} Nowhere")
    assert failed.tagged.condition == "NO"
    assert failed.argument("CLOSED") is not None
    assert (await me.say("CHECK")).tagged.condition == "BAD"


@proves("3.2.11#1")
async def test_what_is_resynchronised_stands_behind_it(
    host: Host, me: Client, other: Client
) -> None:
    await me.do("CREATE Archive")
    opened = await open_with(me, 3)
    await me.do("SELECT Archive")
    await other.do("SELECT INBOX")
    await other.do(r"STORE 1 +FLAGS.SILENT (\Deleted)")
    await other.do("EXPUNGE")
    back = await me.do(f"SELECT INBOX {since(opened)}")
    codes = [each.code if isinstance(each, Status) else None for each in back.untagged]
    assert codes.index("CLOSED") < back.untagged.index(Vanished((1,), earlier=True))


@pytest.mark.parametrize("leaving", ["CLOSE", "UNSELECT"])
async def test_a_mailbox_that_was_left_is_not_closed_again(
    host: Host, me: Client, leaving: str
) -> None:
    await open_one_of_two(me, "")
    await me.do(leaving)
    assert (await me.do("SELECT Archive")).argument("CLOSED") is None
