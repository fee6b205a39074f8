"""Section 7: what servers send, octet by octet against the productions."""

import re

import pytest

from tests.rfc7162.client import Client, Exchange
from tests.rfc7162.hosts import Host
from tests.rfc7162.spelling import refuse
from tests.rfc7162.statements import dovecot_differs, proves

NZ_NUMBER = rb"[1-9]\d{0,9}"
MODSEQ = rb"[1-9]\d{0,18}"
RANGE = NZ_NUMBER + rb"(?::" + NZ_NUMBER + rb")?"
SEQUENCE_SET = RANGE + rb"(?:," + RANGE + rb")*"
ATOM = rb'[^\x00-\x20(){%*"\\\]\x7f-\xff]+'
SYSTEM_FLAG = rb"\\(?:Answered|Flagged|Deleted|Seen|Draft|Recent)"
FLAG = rb"(?:" + SYSTEM_FLAG + rb"|" + ATOM + rb")"
FLAGS = rb"FLAGS \((?:" + FLAG + rb"(?: " + FLAG + rb")*)?\)"
FETCH_MOD_RESP = rb"MODSEQ \(" + MODSEQ + rb"\)"
FETCH_ITEM = rb"(?:UID " + NZ_NUMBER + rb"|" + FLAGS + rb"|" + FETCH_MOD_RESP + rb")"
FETCH = rb"\* " + NZ_NUMBER + rb" FETCH \(" + FETCH_ITEM + rb"(?: " + FETCH_ITEM + rb")*\)\r\n"
SEARCH = rb"\* SEARCH(?:(?: " + NZ_NUMBER + rb")+ \(MODSEQ " + MODSEQ + rb"\))?\r\n"
TEXT = rb"[^\r\n\x00]+"


@pytest.fixture
async def inside(host: Host, me: Client) -> Client:
    """A connection that has enabled QRESYNC and selected INBOX, with three messages in it."""
    for _ in range(3):
        host.beside.deliver("INBOX", b"Subject: x\n\nx\n")
    await me.do("ENABLE QRESYNC")
    await me.do("SELECT INBOX")
    return me


def spelled(exchange: Exchange, about: bytes, pattern: bytes) -> list[bytes]:
    """The responses with `about` in them: there are some, each spelled as `pattern` says."""
    lines = [line for line in exchange.lines if about in line]
    assert lines, exchange.lines
    assert [line for line in lines if not re.fullmatch(pattern, line)] == []
    return lines


@proves("7 capability")
async def test_both_capabilities_are_named(me: Client) -> None:
    exchange = await me.do("CAPABILITY")
    for word in (b"CONDSTORE", b"QRESYNC"):
        (line,) = spelled(exchange, word, rb"\* CAPABILITY(?: " + ATOM + rb")+\r\n")
        assert line.split().count(word) == 1


@proves("7 status-att-val", "7 mod-sequence-valzer")
async def test_status_has_one_number(inside: Client) -> None:
    exchange = await inside.do("STATUS INBOX (HIGHESTMODSEQ)")
    spelled(exchange, b"* STATUS", rb"\* STATUS INBOX \(HIGHESTMODSEQ " + MODSEQ + rb"\)\r\n")
    among = await inside.do("STATUS INBOX (MESSAGES HIGHESTMODSEQ UIDNEXT)")
    spelled(among, b"* STATUS", rb"\* STATUS INBOX \(.*\bHIGHESTMODSEQ " + MODSEQ + rb"\b.*\)\r\n")


@proves("7 fetch-mod-resp", "7 permsg-modsequence", "7 mod-sequence-value")
async def test_fetch_has_one_number_in_parentheses(inside: Client) -> None:
    exchange = await inside.do("FETCH 1:* MODSEQ")
    alone = rb"\* " + NZ_NUMBER + rb" FETCH \(" + FETCH_MOD_RESP + rb"\)\r\n"
    assert len(spelled(exchange, b" FETCH (", alone)) == 3
    for command in (
        "FETCH 1:* (MODSEQ FLAGS UID)",
        "UID FETCH 1:* FLAGS (CHANGEDSINCE 1)",
        "UID FETCH 1:* (UID) (CHANGEDSINCE 1 VANISHED)",
    ):
        lines = spelled(await inside.do(command), b" FETCH (", FETCH)
        assert [line.count(b"MODSEQ (") for line in lines] == [1, 1, 1]


@proves("7 msg-att-dynamic")
async def test_modseq_comes_unasked(inside: Client, other: Client) -> None:
    own = await inside.do("STORE 1 +FLAGS (\\Seen)")
    silent = await inside.do("STORE 2 +FLAGS.SILENT (\\Seen)")
    await other.do("SELECT INBOX")
    await other.do("STORE 3 +FLAGS ($known \\Draft)")
    others = await inside.do("NOOP")
    for exchange in (own, silent, others):
        (line,) = spelled(exchange, b" FETCH (", FETCH)
        assert line.count(b"MODSEQ (") == 1


@proves("7 mailbox-data", "7 search-sort-mod-seq")
async def test_search_ends_with_modseq(inside: Client) -> None:
    for command in ("SEARCH MODSEQ 1", "UID SEARCH UNSEEN MODSEQ 0"):
        (line,) = spelled(await inside.do(command), b"* SEARCH", SEARCH)
        assert line.startswith(b"* SEARCH 1 2 3 (MODSEQ ")


@proves("7 mailbox-data")
async def test_search_that_finds_nothing_has_no_modseq(inside: Client) -> None:
    exchange = await inside.do("SEARCH MODSEQ 9000000000000000000")
    assert exchange.lines[0] == b"* SEARCH\r\n"


@proves("7 sort-data")
async def test_sort_is_not_offered(ours: Host) -> None:
    me = await ours.connect()
    await me.do("SELECT INBOX")
    assert "SORT" not in (await me.do("CAPABILITY")).words("CAPABILITY")
    await refuse(me, "SORT (DATE) UTF-8 MODSEQ 1")


HIGHESTMODSEQ = rb"\* OK \[HIGHESTMODSEQ " + MODSEQ + rb"\] " + TEXT + rb"\r\n"


@proves("7 resp-text-code")
@pytest.mark.parametrize("command", ["SELECT", "EXAMINE"])
async def test_highestmodseq_is_positive_and_nomodseq_unsaid(me: Client, command: str) -> None:
    exchange = await me.do(f"{command} INBOX (CONDSTORE)")
    assert len(spelled(exchange, b"HIGHESTMODSEQ", HIGHESTMODSEQ)) == 1
    assert not any(b"NOMODSEQ" in line for line in exchange.lines)


@proves("7 resp-text-code")
@dovecot_differs("says neither HIGHESTMODSEQ nor NOMODSEQ until somebody uses CONDSTORE")
@pytest.mark.parametrize("command", ["SELECT", "EXAMINE"])
async def test_highestmodseq_is_said_without_condstore(me: Client, command: str) -> None:
    exchange = await me.do(f"{command} INBOX")
    assert len(spelled(exchange, b"HIGHESTMODSEQ", HIGHESTMODSEQ)) == 1


@proves("7 resp-text-code")
async def test_modified_has_a_set(inside: Client) -> None:
    code = rb"a\d+ OK \[MODIFIED (" + SEQUENCE_SET + rb")\] " + TEXT + rb"\r\n"
    for command, numbers in (
        ("STORE 1:3 (UNCHANGEDSINCE 0) +FLAGS (\\Seen)", b"1:3"),
        ("UID STORE 1,3 (UNCHANGEDSINCE 0) +FLAGS.SILENT (\\Seen)", b"1,3"),
    ):
        (line,) = spelled(await inside.do(command), b"[MODIFIED", code)
        found = re.fullmatch(code, line)
        assert found is not None
        assert found[1] == numbers


@proves("7 resp-text-code#2")
async def test_closed_has_no_argument(inside: Client) -> None:
    for command in ("EXAMINE INBOX", "SELECT INBOX"):
        exchange = await inside.do(command)
        spelled(exchange, b"CLOSED]", rb"\* OK \[CLOSED\] " + TEXT + rb"\r\n")


@proves("7 expunged-resp", "7 message-data")
async def test_vanished_has_a_set(inside: Client, other: Client) -> None:
    vanished = rb"\* VANISHED (?:\(EARLIER\) )?" + SEQUENCE_SET + rb"\r\n"
    await inside.do("UID STORE 1,3 +FLAGS.SILENT (\\Deleted)")
    exchange = await inside.do("EXPUNGE")
    assert spelled(exchange, b"* VANISHED", vanished) == [b"* VANISHED 1,3\r\n"]
    assert exchange.expunged == []
    await other.do("SELECT INBOX")
    await other.do("STORE 1 +FLAGS.SILENT (\\Deleted)")
    await other.do("EXPUNGE")
    assert spelled(await inside.do("NOOP"), b"* VANISHED", vanished) == [b"* VANISHED 2\r\n"]
    earlier = await inside.do("UID FETCH 1:3 FLAGS (CHANGEDSINCE 1 VANISHED)")
    assert spelled(earlier, b"* VANISHED", vanished) == [b"* VANISHED (EARLIER) 1:3\r\n"]


@proves("7 expunged-resp")
async def test_vanished_of_select_has_a_set(inside: Client) -> None:
    uidvalidity = (await inside.do("SELECT INBOX")).argument("UIDVALIDITY")
    await inside.do("UID STORE 2 +FLAGS.SILENT (\\Deleted)")
    await inside.do("EXPUNGE")
    exchange = await inside.do(f"SELECT INBOX (QRESYNC ({uidvalidity} 1))")
    spelled(exchange, b"* VANISHED", rb"\* VANISHED \(EARLIER\) " + SEQUENCE_SET + rb"\r\n")


@proves("7 attr-flag-extension", "7 attr-flag", "7 attr-flag-keyword")
async def test_no_flag_is_sent_that_has_no_standard(host: Host, me: Client) -> None:
    for letters in ("FPQRSTX", "abc"):
        file = host.beside.deliver("INBOX", b"Subject: x\n\nx\n")
        file.rename(host.beside.folder("INBOX") / "cur" / f"{file.name}:2,{letters}")
    await me.do("ENABLE CONDSTORE")
    exchange = await me.do("SELECT INBOX")
    spelled(exchange, b"* FLAGS", rb"\* " + FLAGS + rb"\r\n")
    fetched = await me.do("FETCH 1:* (FLAGS MODSEQ)")
    assert len(spelled(fetched, b" FETCH (", FETCH)) == 2
    flags = [fetched.fetches[seq].flags or frozenset() for seq in (1, 2)]
    assert max(flags, key=len) >= {"\\Answered", "\\Flagged", "\\Seen", "\\Deleted"}
