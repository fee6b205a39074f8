"""Responses, response codes and the values in them, octet by octet."""

import time

import pytest

from maildird.imap import rendering, responses
from maildird.imap.capabilities import AFTER_LOGIN, before_login
from maildird.imap.codes import (
    AppendUid,
    BadCharsetCode,
    Capabilities,
    CopyUid,
    HighestModSeq,
    Modified,
    PermanentFlags,
    ResponseCode,
    UidNext,
    UidValidity,
    Unseen,
    code_bytes,
)
from maildird.imap.commands.mailboxes import StatusItem
from maildird.imap.responses import (
    CapabilityResponse,
    Condition,
    EnabledResponse,
    EsearchResponse,
    Exists,
    ExpungeResponse,
    FlagsResponse,
    IdResponse,
    ListResponse,
    MailboxStatusResponse,
    NamespaceResponse,
    Recent,
    SearchResponse,
    StatusResponse,
    Vanished,
)
from maildird.terms.codes import Code
from maildird.terms.sets import SeqSet, UidSet


@pytest.mark.parametrize(
    ("value", "string", "astring"),
    [
        (b"", b'""', b'""'),
        (b"a", b'"a"', b"a"),
        (b"NIL", b'"NIL"', b'"NIL"'),
        (b"nil", b'"nil"', b'"nil"'),
        (b"NILS", b'"NILS"', b"NILS"),
        (b"a b", b'"a b"', b'"a b"'),
        (b'a"b\\c', b'"a\\"b\\\\c"', b'"a\\"b\\\\c"'),
        (b"a{1}", b'"a{1}"', b'"a{1}"'),
        (b"%*()", b'"%*()"', b'"%*()"'),
        (b"a]", b'"a]"', b'"a]"'),
        (b"~!#$&'+,-./:;<=>?@[^_`|}", b'"~!#$&\'+,-./:;<=>?@[^_`|}"', b"~!#$&'+,-./:;<=>?@[^_`|}"),
        (b"\x01\t\x7f", b'"\x01\t\x7f"', b'"\x01\t\x7f"'),
        (b"a\rb", b"{3}\r\na\rb", b"{3}\r\na\rb"),
        (b"a\nb", b"{3}\r\na\nb", b"{3}\r\na\nb"),
        (b"a\0b", b"{3}\r\na\0b", b"{3}\r\na\0b"),
        (b"\xc3\xa4", b"{2}\r\n\xc3\xa4", b"{2}\r\n\xc3\xa4"),
        (b" " * 1024, b'"' + b" " * 1024 + b'"', b'"' + b" " * 1024 + b'"'),
        (b" " * 1025, b"{1025}\r\n" + b" " * 1025, b"{1025}\r\n" + b" " * 1025),
    ],
)
def test_strings(value: bytes, string: bytes, astring: bytes) -> None:
    assert rendering.string(value) == string
    assert rendering.nstring(value) == string
    assert rendering.astring(value) == astring


def test_values() -> None:
    assert rendering.nstring(None) == b"NIL"
    assert rendering.mailbox("INBOX") == b"INBOX"
    assert rendering.mailbox("Entwürfe & mehr") == b'"Entw&APw-rfe &- mehr"'
    assert rendering.mailbox("") == b'""'
    assert rendering.flags(()) == b"()"
    assert rendering.flags(("\\Seen", "$Junk")) == b"(\\Seen $Junk)"


@pytest.mark.parametrize(
    ("zone", "seconds", "shown"),
    [
        ("UTC0", 0, b'" 1-Jan-1970 00:00:00 +0000"'),
        ("UTC0", 1_700_000_000, b'"14-Nov-2023 22:13:20 +0000"'),
        ("XXX-5:45", 1_700_000_000, b'"15-Nov-2023 03:58:20 +0545"'),
        ("XXX+3:30", 1_700_000_000, b'"14-Nov-2023 18:43:20 -0330"'),
        ("UTC0", -(1 << 70), b'" 2-Jan-0001 00:00:00 +0000"'),
        ("UTC0", 1 << 70, b'"30-Dec-9999 23:59:59 +0000"'),
    ],
)
def test_date_time(monkeypatch: pytest.MonkeyPatch, zone: str, seconds: int, shown: bytes) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        assert rendering.date_time(seconds) == shown
    time.tzset()


CODES: list[tuple[ResponseCode, bytes]] = [
    (Code.READ_ONLY, b"READ-ONLY"),
    (UidValidity(7), b"UIDVALIDITY 7"),
    (UidNext(8), b"UIDNEXT 8"),
    (Unseen(9), b"UNSEEN 9"),
    (PermanentFlags(("\\Seen", "\\*")), b"PERMANENTFLAGS (\\Seen \\*)"),
    (PermanentFlags(()), b"PERMANENTFLAGS ()"),
    (HighestModSeq((1 << 63) - 1), b"HIGHESTMODSEQ 9223372036854775807"),
    (Modified(SeqSet.of([7, 9, 8, 12])), b"MODIFIED 7:9,12"),
    (Modified(UidSet.of([7])), b"MODIFIED 7"),
    (AppendUid(38505, UidSet.of([3955])), b"APPENDUID 38505 3955"),
    (AppendUid(1, UidSet.of([4, 5])), b"APPENDUID 1 4:5"),
    (CopyUid(38505, (304, 319, 320), (3956, 3957, 3958)), b"COPYUID 38505 304,319:320 3956:3958"),
    (CopyUid(1, (5, 4, 6), (9, 7, 8)), b"COPYUID 1 5,4,6 9,7:8"),
    (BadCharsetCode(), b"BADCHARSET (US-ASCII UTF-8)"),
    (Capabilities(("IMAP4rev1", "IDLE")), b"CAPABILITY IMAP4rev1 IDLE"),
]


@pytest.mark.parametrize(("code", "shown"), CODES)
def test_codes(code: ResponseCode, shown: bytes) -> None:
    assert code_bytes(code) == shown
    assert responses.ok(b"a", "Done.", code) == b"a OK [" + shown + b"] Done.\r\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", b"?"),
        ("a b", b"a b"),
        ("a\r\nb OK x\0\x7f\x85", b"a??b OK x???"),
        ("größe \U0001f600 \udc80", b"gr??e ? ?"),
        ("[ALERT] x", b"(ALERT] x"),
        ("x" * 501, b"x" * 500),
    ],
)
def test_text_of_status_responses(text: str, shown: bytes) -> None:
    assert responses.bad(None, text) == b"* BAD " + shown + b"\r\n"


def test_status_responses() -> None:
    assert responses.no(b"a", "x", Code.TRYCREATE) == b"a NO [TRYCREATE] x\r\n"
    assert responses.bad(b"a", "x") == b"a BAD x\r\n"
    assert responses.untagged_ok("x", Code.ALERT) == b"* OK [ALERT] x\r\n"
    assert responses.bye("x") == b"* BYE x\r\n"
    assert bytes(StatusResponse(None, Condition.PREAUTH, "x")) == b"* PREAUTH x\r\n"
    assert responses.continuation() == b"+ \r\n"
    assert responses.continuation("go on") == b"+ go on\r\n"


@pytest.mark.parametrize(
    ("response", "line"),
    [
        (CapabilityResponse(("IMAP4rev1", "ID")), b"* CAPABILITY IMAP4rev1 ID"),
        (EnabledResponse(()), b"* ENABLED"),
        (EnabledResponse(("CONDSTORE", "QRESYNC")), b"* ENABLED CONDSTORE QRESYNC"),
        (IdResponse(), b"* ID NIL"),
        (IdResponse((("name", "x"), ("os", None))), b'* ID ("name" "x" "os" NIL)'),
        (NamespaceResponse("", "/"), b'* NAMESPACE (("" "/")) NIL NIL'),
        (NamespaceResponse("INBOX.", "."), b'* NAMESPACE (("INBOX." ".")) NIL NIL'),
        (ListResponse("INBOX", "/"), b'* LIST () "/" INBOX'),
        (ListResponse("", "\\", ("\\Noselect",)), b'* LIST (\\Noselect) "\\\\" ""'),
        (ListResponse("ä b", ".", lsub=True), b'* LSUB () "." "&AOQ- b"'),
        (
            ListResponse("a", "/", ("\\NonExistent",), ("SUBSCRIBED",)),
            b'* LIST (\\NonExistent) "/" a ("CHILDINFO" ("SUBSCRIBED"))',
        ),
        (
            MailboxStatusResponse("a b", ((StatusItem.MESSAGES, 3), (StatusItem.SIZE, 0))),
            b'* STATUS "a b" (MESSAGES 3 SIZE 0)',
        ),
        (MailboxStatusResponse("a", ()), b"* STATUS a ()"),
        (FlagsResponse(("\\Seen", "x")), b"* FLAGS (\\Seen x)"),
        (SearchResponse(()), b"* SEARCH"),
        (SearchResponse((2, 84), 917), b"* SEARCH 2 84 (MODSEQ 917)"),
        (EsearchResponse(b"A2", uid=False), b'* ESEARCH (TAG "A2")'),
        (EsearchResponse(b"a]'", uid=False, count=0), b'* ESEARCH (TAG "a]\'") COUNT 0'),
        (
            EsearchResponse(b"a", True, 1, 9, 3, UidSet.of([1, 2, 9]), 5),
            b'* ESEARCH (TAG "a") UID MIN 1 MAX 9 COUNT 3 MODSEQ 5 ALL 1:2,9',
        ),
        (EsearchResponse(b"a", True, everything=UidSet()), b'* ESEARCH (TAG "a") UID'),
        (Exists(0), b"* 0 EXISTS"),
        (Recent(2), b"* 2 RECENT"),
        (ExpungeResponse(3), b"* 3 EXPUNGE"),
        (Vanished(UidSet.of([300, 301, 405])), b"* VANISHED 300:301,405"),
        (Vanished(UidSet.of([3]), earlier=True), b"* VANISHED (EARLIER) 3"),
    ],
)
def test_untagged_responses(response: object, line: bytes) -> None:
    assert bytes(response) == line + b"\r\n"  # type: ignore[call-overload]


def test_capabilities() -> None:
    with_login = before_login(["PLAIN", "EXTERNAL"])
    assert with_login[-2:] == ("AUTH=PLAIN", "AUTH=EXTERNAL")
    assert before_login([], starttls=True)[-2:] == ("STARTTLS", "LOGINDISABLED")
    for names in (AFTER_LOGIN, with_login):
        assert names[0] == "IMAP4rev1"
        assert len(set(names)) == len(names)
