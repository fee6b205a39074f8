"""Sections 3.2.2 to 3.2.4: how a server offers QRESYNC, and what a client turns on with it."""

import pytest

from tests.rfc7162.client import Client
from tests.rfc7162.hosts import Host
from tests.rfc7162.statements import dovecot_differs, proves


@proves("3.2.2#1", "3.2.3#1")
async def test_capabilities(host: Host, me: Client) -> None:
    capabilities = (await me.do("CAPABILITY")).words("CAPABILITY")
    assert capabilities >= {"QRESYNC", "CONDSTORE", "ENABLE"}


@proves("3.2#3")
async def test_there_are_no_annotations_to_change(host: Host, me: Client) -> None:
    assert "METADATA" not in (await me.do("CAPABILITY")).words("CAPABILITY")
    answer = await me.say('SETMETADATA INBOX (/private/comment "x")')
    assert answer.tagged.condition in ("BAD", "NO")


@pytest.mark.parametrize("names", ["QRESYNC", "QRESYNC CONDSTORE", "CONDSTORE QRESYNC", "qresync"])
@proves("3.2.3#1", "3.2.3#2", "3.2.3#3", "3.2.4#1")
async def test_enable_takes_both_names_in_any_order(
    host: Host, me: Client, other: Client, names: str
) -> None:
    for _ in range(2):
        await me.append("INBOX")
    assert "QRESYNC" in (await me.do(f"ENABLE {names}")).words("ENABLED")
    await me.do("SELECT INBOX")
    await other.do("SELECT INBOX")
    await other.do(r"STORE 1 +FLAGS.SILENT (\Deleted)")
    flagged = (await me.do("NOOP")).fetches[1]
    assert flagged.uid == 1
    assert flagged.modseq is not None
    await other.do("EXPUNGE")
    gone = await me.do("NOOP")
    assert (gone.vanished, gone.expunged) == ((1,), [])


@proves("3.2.3#3")
async def test_qresync_stays_on_for_every_mailbox_and_may_come_late(host: Host, me: Client) -> None:
    await me.do("CREATE Archive")
    for mailbox in ("INBOX", "Archive"):
        await me.append(mailbox, flags=r"\Deleted")
        await me.append(mailbox)
    await me.do("SELECT INBOX")
    await me.do("ENABLE QRESYNC")
    assert (await me.do("EXPUNGE")).vanished == (1,)
    await me.do("SELECT Archive")
    assert (await me.do("EXPUNGE")).vanished == (1,)


@proves("3.2.3#3")
async def test_condstore_alone_keeps_expunge(host: Host, me: Client) -> None:
    await me.append("INBOX", flags=r"\Deleted")
    await me.do("SELECT INBOX (CONDSTORE)")
    expunged = await me.do("EXPUNGE")
    assert (expunged.vanished, expunged.expunged) == ((), [1])


@pytest.mark.parametrize("enabled", ["", "ENABLE CONDSTORE"])
@pytest.mark.parametrize(
    "command",
    [
        "SELECT INBOX (QRESYNC (1 1))",
        "EXAMINE INBOX (QRESYNC (1 1))",
        "UID FETCH 1:* FLAGS (CHANGEDSINCE 1 VANISHED)",
    ],
)
@proves("3.2.3#5", "3.2.5#1", "3.2.6#2")
async def test_qresync_has_to_be_enabled(
    host: Host, me: Client, enabled: str, command: str
) -> None:
    await me.append("INBOX")
    if enabled:
        await me.do(enabled)
    await me.do("SELECT INBOX")
    refused = await me.say(command)
    assert refused.tagged.condition == "BAD"
    assert refused.vanished_earlier == ()
    assert refused.fetches == {}


BY_NUMBER = [
    r"STORE 1 +FLAGS (\Flagged)",
    r"STORE 1 +FLAGS.SILENT (\Flagged)",
    r"STORE 1 (UNCHANGEDSINCE 9223372036854775807) +FLAGS (\Flagged)",
    "FETCH 1 BODY[]",
]
BY_UID = [
    r"UID STORE 1 FLAGS (\Flagged $Work)",
    r"UID STORE 1 (UNCHANGEDSINCE 9223372036854775807) +FLAGS.SILENT (\Flagged)",
    "UID FETCH 1 BODY[TEXT]",
]


@pytest.mark.parametrize("command", [*BY_NUMBER, *BY_UID])
@proves("3.2.4#1")
async def test_own_flag_changes_come_with_uid_and_modseq(
    host: Host, me: Client, command: str
) -> None:
    await me.append("INBOX")
    await me.do("ENABLE QRESYNC")
    await me.do("SELECT INBOX")
    await own_change_has_uid_and_modseq(me, command)


@dovecot_differs("flag changes have a UID only after ENABLE QRESYNC, not if CONDSTORE alone is on")
@pytest.mark.parametrize("command", BY_NUMBER)
@proves("3.2.4#1")
async def test_own_flag_changes_come_with_uid_for_condstore_too(
    host: Host, me: Client, command: str
) -> None:
    await me.append("INBOX")
    await me.do("SELECT INBOX (CONDSTORE)")
    await own_change_has_uid_and_modseq(me, command)


async def own_change_has_uid_and_modseq(me: Client, command: str) -> None:
    before = (await me.do("FETCH 1 MODSEQ")).fetches[1].modseq
    told = (await me.do(command)).fetches[1]
    assert told.uid == 1
    assert before is not None
    assert told.modseq is not None
    assert told.modseq > before


@proves("3.2.4#1")
async def test_flag_changes_of_others_come_with_uid_and_modseq(
    host: Host, me: Client, other: Client
) -> None:
    await me.append("INBOX")
    await me.do("ENABLE QRESYNC")
    await me.do("SELECT INBOX")
    await changes_of_others_have_uid_and_modseq(host, me, other)


@dovecot_differs("flag changes have a UID only after ENABLE QRESYNC, not if CONDSTORE alone is on")
@proves("3.2.4#1")
async def test_flag_changes_of_others_come_with_uid_for_condstore_too(
    host: Host, me: Client, other: Client
) -> None:
    await me.append("INBOX")
    await me.do("SELECT INBOX (CONDSTORE)")
    await changes_of_others_have_uid_and_modseq(host, me, other)


async def changes_of_others_have_uid_and_modseq(host: Host, me: Client, other: Client) -> None:
    await other.do("SELECT INBOX")
    await other.do(r"STORE 1 +FLAGS.SILENT (\Flagged)")
    by_a_session = (await me.do("NOOP")).fetches[1]
    assert by_a_session.flags == frozenset({"\\Flagged"})
    assert by_a_session.uid == 1
    assert by_a_session.modseq is not None
    (file,) = host.beside.files("INBOX")
    host.beside.reflag(file, "FS")
    on_the_disk = (await me.do("NOOP")).fetches[1]
    assert on_the_disk.flags == frozenset({"\\Flagged", "\\Seen"})
    assert on_the_disk.uid == 1
    assert on_the_disk.modseq is not None
    assert on_the_disk.modseq > by_a_session.modseq


@proves("3.2.4#1")
async def test_fetch_answers_what_it_was_asked(host: Host, me: Client) -> None:
    await me.append("INBOX")
    await me.do("ENABLE QRESYNC")
    await me.do("SELECT INBOX")
    assert (await me.do("FETCH 1 FLAGS")).fetches[1].flags == frozenset()
    fetched = (await me.do("UID FETCH 1 FLAGS")).fetches[1]
    assert (fetched.uid, fetched.flags) == (1, frozenset())
