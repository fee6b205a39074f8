"""The rule of sections 3.2 and 6: a client whose connection breaks comes back and has lost nothing.

No HIGHESTMODSEQ is above what a client was told in full, whatever others did meanwhile. So that the
tests see it, `other` changes something, `me` says one command and goes; the next connection of the
client comes back with the highest mod-sequence that this command may have left it with.
"""

import pytest

from tests.rfc7162.client import Client, Exchange, flags_of
from tests.rfc7162.hosts import Host
from tests.rfc7162.responses import Fetch, Response, Status
from tests.rfc7162.statements import dovecot_differs, proves
from tests.rfc7162.synchronising import come_back, idle, kept, open_with, promised

SENDS_MODSEQ = [
    r"STORE 1 +FLAGS.SILENT (\Seen)",
    r"STORE 1 +FLAGS (\Seen)",
    r"STORE 1 (UNCHANGEDSINCE 9223372036854775807) +FLAGS.SILENT (\Seen)",
    "FETCH 1:3 (UID FLAGS MODSEQ)",
    "FETCH 1:* UID (CHANGEDSINCE 1)",
    "FETCH 1 BODY[]",
]

NOT_ENDED = Status(None, "OK", None, "", "")


async def open_and_have_expunged(me: Client, other: Client) -> tuple[Exchange, int]:
    """UID 2 of three is expunged by `other`; what `me` saw before, and HIGHESTMODSEQ after it.

    Another flag changes behind it, so that there is a mod-sequence above that of the expunge.
    """
    opened = await open_with(me, 3)
    await other.do("ENABLE QRESYNC")
    await other.do("SELECT INBOX")
    await other.do(r"STORE 2 +FLAGS.SILENT (\Deleted)")
    expunged = (await other.do("EXPUNGE")).highestmodseq
    assert expunged is not None
    await other.do(r"UID STORE 1 +FLAGS.SILENT (\Flagged)")
    return opened, expunged


@pytest.mark.parametrize("command", SENDS_MODSEQ)
@proves("3.2#5")
async def test_a_modseq_past_a_delayed_expunge_comes_with_a_lower_highestmodseq(
    host: Host, me: Client, other: Client, command: str
) -> None:
    _, expunged = await open_and_have_expunged(me, other)
    for _ in range(2):
        said = await me.do(command)
        assert said.vanished == ()
        modseqs = [fetch.modseq or 0 for fetch in said.all(Fetch)]
        assert said.highestmodseq is not None or max(modseqs, default=0) < expunged
        assert said.highestmodseq is None or said.highestmodseq < expunged


@pytest.mark.parametrize("command", [*SENDS_MODSEQ, "SEARCH MODSEQ 1", "SEARCH ALL", "NOOP"])
@proves("3.2#4", "3.2#5")
async def test_an_expunge_that_is_delayed_is_told_to_who_comes_back(
    host: Host, me: Client, other: Client, command: str
) -> None:
    opened, _ = await open_and_have_expunged(me, other)
    modseq = opened.highestmodseq or 1
    told: set[int] = set()
    for _ in range(2):
        said = await me.do(command)
        told.update(said.vanished)
        modseq = kept(modseq, said)
    await me.close()
    back = await come_back(host, opened, modseq)
    assert told | set(back.vanished_earlier) == {2}
    assert back.exists == 2


async def test_the_delay_ends_with_the_highest_modseq(
    host: Host, me: Client, other: Client
) -> None:
    await open_and_have_expunged(me, other)
    delayed = (await me.do(r"STORE 1 +FLAGS.SILENT (\Seen)")).highestmodseq
    told = await me.do("NOOP")
    assert told.vanished == (2,)
    now = (await other.do("SELECT INBOX")).highestmodseq
    assert delayed is not None
    assert now is not None
    assert kept(delayed, told) == now > delayed


async def open_and_have_flagged(me: Client, other: Client) -> Exchange:
    """What `me` saw of three messages; UID 1 is \\Deleted, UID 2 became \\Flagged by `other`."""
    await me.do("CREATE Archive")
    await open_with(me, 3)
    await me.do(r"STORE 1 +FLAGS.SILENT (\Deleted)")
    opened = await me.do("SELECT INBOX")
    await other.do("SELECT INBOX")
    await other.do(r"STORE 2 +FLAGS.SILENT (\Flagged)")
    return opened


async def nothing_is_lost(host: Host, me: Client, other: Client, command: str) -> None:
    """The flag that `other` set is told by `command`, or to the client that comes back after it."""
    opened = await open_and_have_flagged(me, other)
    said = await idle(me) if command == "IDLE" else await me.do(command)
    await me.close()
    back = await come_back(host, opened, promised(opened.highestmodseq or 1, said))
    told = flags_of([*said.all(Fetch), *back.all(Fetch)])
    assert told[2] >= {"\\Flagged"}


@pytest.mark.parametrize(
    "command",
    [
        "EXPUNGE",
        "UID EXPUNGE 1",
        "MOVE 1 Archive",
        "UID MOVE 1,3 Archive",
        "UID MOVE 3 INBOX",
        "COPY 1 INBOX",
        "UID COPY 1 Archive",
        "APPEND INBOX {6+}\r\na: b\r\n",
        "APPEND Archive {6+}\r\na: b\r\n",
        r"STORE 3 +FLAGS.SILENT (\Seen)",
        r"STORE 1:3 +FLAGS.SILENT (\Seen)",
        r"STORE 1:3 (UNCHANGEDSINCE 9223372036854775807) +FLAGS.SILENT (\Seen)",
        "FETCH 1:3 (UID MODSEQ)",
        "FETCH 3 BODY[]",
        "UID FETCH 3 BODY[]",
        "SEARCH MODSEQ 1",
        "UID SEARCH RETURN (ALL) MODSEQ 1",
        "STATUS INBOX (HIGHESTMODSEQ)",
        'LIST "" INBOX RETURN (STATUS (HIGHESTMODSEQ))',
        "ENABLE QRESYNC",
        "ENABLE CONDSTORE",
        "NOOP",
        "CHECK",
        "IDLE",
        "CLOSE",
        "UNSELECT",
    ],
)
@proves("3.2#4")
async def test_a_flag_change_of_others_is_never_lost(
    host: Host, me: Client, other: Client, command: str
) -> None:
    await nothing_is_lost(host, me, other, command)


@pytest.mark.parametrize(
    "command",
    [
        "EXPUNGE",
        "UID MOVE 1,3 Archive",
        "APPEND INBOX {6+}\r\na: b\r\n",
        "FETCH 3 BODY[]",
        "STATUS INBOX (HIGHESTMODSEQ)",
        'LIST "" INBOX RETURN (STATUS (HIGHESTMODSEQ))',
        "ENABLE QRESYNC",
        "IDLE",
    ],
)
@proves("3.2#4")
async def test_an_answer_that_breaks_off_has_promised_nothing_untold(
    host: Host, me: Client, other: Client, command: str
) -> None:
    """Wherever the answer ends, its HIGHESTMODSEQ so far covers no more than what was told so far.

    MODSEQ of FETCH counts only when the answer is whole (section 6).
    """
    opened = await open_and_have_flagged(me, other)
    said = await idle(me) if command == "IDLE" else await me.do(command)
    for end in range(len(said.untagged) + 1):
        heard = said.untagged[:end]
        codes: list[Response] = [each for each in heard if not isinstance(each, Fetch)]
        modseq = promised(opened.highestmodseq or 1, Exchange(codes, NOT_ENDED))
        back = await come_back(host, opened, modseq)
        told = flags_of(each for each in (*heard, *back.untagged) if isinstance(each, Fetch))
        assert told[2] >= {"\\Flagged"}


async def enabling_loses_nothing(host: Host, me: Client, other: Client, command: str) -> None:
    """`command` turns CONDSTORE on while a flag change of `other` waits to be told."""
    await me.do("CREATE Archive")
    for _ in range(3):
        await me.append("INBOX")
    opened = await me.do("SELECT INBOX")
    await other.do("ENABLE QRESYNC")
    await other.do("SELECT INBOX")
    await other.do(r"STORE 2 +FLAGS.SILENT (\Flagged)")
    said = await me.do(command)
    await me.close()
    back = await come_back(host, opened, promised(opened.highestmodseq or 1, said))
    flags = [each[2].flags for each in (said.fetches, back.fetches) if 2 in each]
    assert frozenset({"\\Flagged"}) in flags


@pytest.mark.parametrize(
    "command",
    [
        "FETCH 1 MODSEQ",
        "FETCH 1 FLAGS (CHANGEDSINCE 1)",
        "SEARCH MODSEQ 1",
        r"STORE 3 (UNCHANGEDSINCE 9223372036854775807) +FLAGS.SILENT (\Seen)",
    ],
)
@proves("3.2#4")
async def test_the_first_highestmodseq_covers_nothing_untold(
    host: Host, me: Client, other: Client, command: str
) -> None:
    await enabling_loses_nothing(host, me, other, command)


@dovecot_differs("the HIGHESTMODSEQ of ENABLE and STATUS covers flag changes not yet told")
@pytest.mark.parametrize(
    "command",
    [
        "ENABLE CONDSTORE",
        "ENABLE QRESYNC",
        "STATUS INBOX (HIGHESTMODSEQ)",
        "STATUS Archive (HIGHESTMODSEQ)",
        'LIST "" INBOX RETURN (STATUS (HIGHESTMODSEQ))',
    ],
)
@proves("3.2#4")
async def test_the_first_highestmodseq_of_enable_and_status_covers_nothing_untold(
    host: Host, me: Client, other: Client, command: str
) -> None:
    await enabling_loses_nothing(host, me, other, command)


@pytest.mark.parametrize(
    "command", ["EXPUNGE", "UID EXPUNGE 1:9", "MOVE 1 Archive", "UID COPY 1 INBOX", "NOOP"]
)
@proves("3.2#4", "3.2#5")
async def test_nothing_is_lost_behind_a_delayed_expunge(
    host: Host, me: Client, other: Client, command: str
) -> None:
    """One removal was delayed, one flag change told, and another one comes with `command`."""
    opened = await open_with(me, 4)
    await me.do("CREATE Archive")
    await other.do("SELECT INBOX")
    await other.do(r"STORE 2 +FLAGS.SILENT (\Deleted)")
    await other.do("EXPUNGE")
    said = [await me.do(r"STORE 1 +FLAGS.SILENT (\Deleted)")]
    await other.do(r"UID STORE 3 +FLAGS.SILENT (\Flagged)")
    said.append(await me.do("FETCH 1 MODSEQ"))
    await other.do(r"UID STORE 4 +FLAGS.SILENT (\Answered)")
    said.append(await me.do(command))
    await me.close()
    modseq = opened.highestmodseq or 1
    for exchange in said:
        modseq = kept(modseq, exchange)
    back = await come_back(host, opened, modseq)
    told = flags_of(fetch for exchange in (*said, back) for fetch in exchange.all(Fetch))
    assert told[3] >= {"\\Flagged"}
    assert told[4] >= {"\\Answered"}
    vanished = [uid for each in (*said, back) for uid in (*each.vanished, *each.vanished_earlier)]
    assert 2 in vanished


@dovecot_differs(
    "now and then a tagged HIGHESTMODSEQ covers a STORE whose FETCH only the next command brings"
)
@pytest.mark.parametrize(
    "command",
    [
        r"UID STORE {uid} FLAGS.SILENT (\Deleted)",
        "EXPUNGE",
        "UID MOVE {uid} Archive",
        "UID COPY {uid} INBOX",
        "STATUS INBOX (HIGHESTMODSEQ)",
        "NOOP",
    ],
)
@proves("3.2#4")
async def test_commands_that_overlap_lose_nothing(ours: Host, command: str) -> None:
    """`other` changes flags in the very moment; the client believes what it is told, no more."""
    me, other = await ours.connect(), await ours.connect()
    opened = await open_with(me, 12)
    await me.do("CREATE Archive")
    await me.do(r"UID STORE 7:12 FLAGS (\Deleted)")
    await other.do("SELECT INBOX")
    modseq = (await me.do("SELECT INBOX")).highestmodseq or 1
    for uid in range(1, 7):
        tag = await other.begin(rf"UID STORE {uid} +FLAGS.SILENT (\Flagged)")
        said = await me.do(command.format(uid=uid + 6))
        modseq = promised(modseq, said)
        at_once = await come_back(ours, opened, modseq)
        await other.ending(tag)
        later = await come_back(ours, opened, promised(modseq, at_once))
        told = flags_of(fetch for each in (said, at_once, later) for fetch in each.all(Fetch))
        assert told[uid] == {"\\Flagged"}
