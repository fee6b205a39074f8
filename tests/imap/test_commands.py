"""Known answers: what a client writes, and what it means."""

import pytest

from maildird.imap.commands.append import Append, NewMessage
from maildird.imap.commands.fetch import Fetch, FetchAttribute, FetchSection
from maildird.imap.commands.mailboxes import (
    Create,
    Delete,
    List,
    ListReturn,
    ListSelect,
    Lsub,
    Namespace,
    Qresync,
    Rename,
    Select,
    SeqMatch,
    Status,
    StatusItem,
    Subscribe,
    Unsubscribe,
)
from maildird.imap.commands.messages import (
    Check,
    Close,
    Copy,
    Expunge,
    Move,
    Store,
    StoreHow,
    Unselect,
)
from maildird.imap.commands.session import (
    Authenticate,
    Capability,
    Enable,
    Id,
    Idle,
    Login,
    Logout,
    Noop,
    StartTls,
)
from maildird.terms.section import Section, SectionText
from maildird.terms.sets import STAR, SavedResult, SeqSet, UidSet
from tests.imap.feeding import parsed

SESSION = [
    (b"CAPABILITY", Capability()),
    (b"capability", Capability()),
    (b"NOOP", Noop()),
    (b"LOGOUT", Logout()),
    (b"STARTTLS", StartTls()),
    (b"LOGIN joe secret", Login(b"joe", b"secret")),
    (b'LOGIN "j o\\"e" "a\\\\b"', Login(b'j o"e', b"a\\b")),
    (b"LOGIN {3+}\r\njoe {4+}\r\na\r\nb", Login(b"joe", b"a\r\nb")),
    (b'LOGIN joe]x ""', Login(b"joe]x", b"")),
    ('LOGIN joe "größe"'.encode(), Login(b"joe", "größe".encode())),
    (b"AUTHENTICATE plain", Authenticate("PLAIN")),
    (b"AUTHENTICATE PLAIN =", Authenticate("PLAIN", b"")),
    (b"AUTHENTICATE PLAIN AGpvZQBz", Authenticate("PLAIN", b"\0joe\0s")),
    (b"ID NIL", Id()),
    (b"ID ()", Id()),
    (b'ID ("name" "mutt" "os" NIL)', Id((("name", "mutt"), ("os", None)))),
    (b'ID ("name" {4+}\r\nmutt)', Id((("name", "mutt"),))),
]

AFTER_LOGIN = [
    (b"ENABLE condstore X-UNKNOWN", Enable(("CONDSTORE", "X-UNKNOWN"))),
    (b"IDLE", Idle()),
    (b"NAMESPACE", Namespace()),
    (b"CHECK", Check()),
    (b"CLOSE", Close()),
    (b"UNSELECT", Unselect()),
    (b"EXPUNGE", Expunge()),
    (b"UID EXPUNGE 1:3,7", Expunge(UidSet(((1, 3), (7, 7))))),
    (b"uid expunge $", Expunge(SavedResult())),
]

MAILBOXES = [
    (b"SELECT inbox", Select("INBOX")),
    (b"EXAMINE INBOX", Select("INBOX", read_only=True)),
    (b"SELECT {5+}\r\nInBoX", Select("INBOX")),
    (b"SELECT Entw&APw-rfe", Select("Entwürfe")),
    (b'SELECT "a &- b"', Select("a & b")),
    (b"SELECT INBOX (CONDSTORE)", Select("INBOX", condstore=True)),
    (b"SELECT INBOX (QRESYNC (67 715))", Select("INBOX", qresync=Qresync(67, 715))),
    (
        b"SELECT INBOX (condstore qresync (67 715 41,43:211))",
        Select("INBOX", False, True, Qresync(67, 715, UidSet(((41, 41), (43, 211))))),
    ),
    (
        b"SELECT INBOX (QRESYNC (67 90060115194045000 41:211 (1,30,60 41,70,105)))",
        Select(
            "INBOX",
            qresync=Qresync(
                67,
                90060115194045000,
                UidSet(((41, 211),)),
                SeqMatch(
                    SeqSet(((1, 1), (30, 30), (60, 60))), UidSet(((41, 41), (70, 70), (105, 105)))
                ),
            ),
        ),
    ),
    (
        b"SELECT INBOX (QRESYNC (67 5 (1:2 8:9)))",
        Select(
            "INBOX", qresync=Qresync(67, 5, None, SeqMatch(SeqSet(((1, 2),)), UidSet(((8, 9),))))
        ),
    ),
    (b"CREATE a/b", Create("a/b")),
    (b"CREATE Bin (USE (\\Trash \\Junk))", Create("Bin", ("\\Trash", "\\Junk"))),
    (b"CREATE Bin (use ())", Create("Bin")),
    (b"DELETE a", Delete("a")),
    (b'RENAME a "b c"', Rename("a", "b c")),
    (b"RENAME {1+}\r\na {1+}\r\nb", Rename("a", "b")),
    (b"SUBSCRIBE a", Subscribe("a")),
    (b"UNSUBSCRIBE a", Unsubscribe("a")),
    (b'LSUB "" *', Lsub("", "*")),
    (b"STATUS a (MESSAGES)", Status("a", (StatusItem.MESSAGES,))),
    (
        b"STATUS a (uidnext SIZE HIGHESTMODSEQ uidnext)",
        Status("a", (StatusItem.UIDNEXT, StatusItem.SIZE, StatusItem.HIGHESTMODSEQ)),
    ),
]

LISTS = [
    (b'LIST "" ""', List("", ("",))),
    (b'LIST "" %', List("", ("%",))),
    (b"LIST a b]*", List("a", ("b]*",))),
    (b'LIST "" "Entw&APw-*"', List("", ("Entwü*",))),
    (b'LIST "" "&*"', List("", ("&*",))),
    (b'LIST "" ("INBOX" "a/%")', List("", ("INBOX", "a/%"), extended=True)),
    (b'LIST () "" *', List("", ("*",), extended=True)),
    (
        b'LIST (SUBSCRIBED RECURSIVEMATCH) "" *',
        List("", ("*",), True, frozenset({ListSelect.SUBSCRIBED, ListSelect.RECURSIVEMATCH})),
    ),
    (b'LIST (REMOTE) "" *', List("", ("*",), True, frozenset({ListSelect.REMOTE}))),
    (b'LIST "" * RETURN ()', List("", ("*",), extended=True)),
    (
        b'LIST "" * return (CHILDREN special-use)',
        List(
            "",
            ("*",),
            extended=True,
            returns=frozenset({ListReturn.CHILDREN, ListReturn.SPECIAL_USE}),
        ),
    ),
    (
        b'LIST "" * RETURN (STATUS (MESSAGES UNSEEN) SUBSCRIBED)',
        List(
            "",
            ("*",),
            extended=True,
            returns=frozenset({ListReturn.SUBSCRIBED}),
            status=(StatusItem.MESSAGES, StatusItem.UNSEEN),
        ),
    ),
]

APPENDS = [
    (b"APPEND a {3+}\r\nx\0y", Append("a", (NewMessage(b"x\0y"),))),
    (b"APPEND a {0+}\r\n", Append("a", (NewMessage(b""),))),
    (
        b"APPEND {5+}\r\ninbox (\\seen $Junk) {1+}\r\nx",
        Append("INBOX", (NewMessage(b"x", ("\\Seen", "$Junk")),)),
    ),
    (
        b'APPEND a () " 1-Jan-1970 00:00:10 +0000" {1+}\r\nx',
        Append("a", (NewMessage(b"x", (), 10),)),
    ),
    (
        b'APPEND a "01-jan-1970 00:00:00 -0130" {1+}\r\nx',
        Append("a", (NewMessage(b"x", (), 5400),)),
    ),
    (
        b'APPEND a "31-Dec-1969 23:59:60 +0000" {1+}\r\nx',
        Append("a", (NewMessage(b"x", (), -1),)),
    ),
    (
        b'APPEND a {1+}\r\nx (\\Draft) {1+}\r\ny "01-Jan-1970 00:00:00 +0000" {1+}\r\nz',
        Append("a", (NewMessage(b"x"), NewMessage(b"y", ("\\Draft",)), NewMessage(b"z", (), 0))),
    ),
]


def _header_fields(*fields: bytes) -> Section:
    return Section((), SectionText.HEADER_FIELDS, fields)


ONE = SeqSet(((1, 1),))
FETCHES = [
    (b"FETCH 1 FLAGS", Fetch(ONE, False, (FetchAttribute.FLAGS,))),
    (b"FETCH 1 (UID uid)", Fetch(ONE, False, (FetchAttribute.UID,))),
    (
        b"FETCH 1 fast",
        Fetch(
            ONE,
            False,
            (FetchAttribute.FLAGS, FetchAttribute.INTERNALDATE, FetchAttribute.RFC822_SIZE),
        ),
    ),
    (
        b"UID FETCH 2:*,9 (BODY BODYSTRUCTURE ENVELOPE MODSEQ)",
        Fetch(
            UidSet(((2, STAR), (9, 9))),
            True,
            (
                FetchAttribute.BODY,
                FetchAttribute.BODYSTRUCTURE,
                FetchAttribute.ENVELOPE,
                FetchAttribute.MODSEQ,
            ),
        ),
    ),
    (
        b"UID FETCH 1:* FLAGS (CHANGEDSINCE 12345 VANISHED)",
        Fetch(UidSet(((1, STAR),)), True, (FetchAttribute.FLAGS,), 12345, True),
    ),
    (b"UID FETCH $ UID", Fetch(SavedResult(), True, (FetchAttribute.UID,))),
    (b"FETCH $ UID", Fetch(SavedResult(), False, (FetchAttribute.UID,))),
]

ITEMS = [
    (b"BODY[]", FetchSection(Section(), False, b"BODY[]")),
    (b"body.peek[]<5.10>", FetchSection(Section(), True, b"BODY[]<5>", (5, 10))),
    (b"BODY[]<0.4294967295>", FetchSection(Section(), False, b"BODY[]<0>", (0, 4294967295))),
    (b"BODY[1.2]", FetchSection(Section((1, 2)), False, b"BODY[1.2]")),
    (
        b"BODY.PEEK[3.mime]",
        FetchSection(Section((3,), SectionText.MIME), True, b"BODY[3.MIME]"),
    ),
    (b"BODY[TEXT]", FetchSection(Section((), SectionText.TEXT), False, b"BODY[TEXT]")),
    (
        b"BODY[4.1.HEADER]",
        FetchSection(Section((4, 1), SectionText.HEADER), False, b"BODY[4.1.HEADER]"),
    ),
    (
        b'BODY[header.fields (Date "X Y" NIL)]',
        FetchSection(
            _header_fields(b"Date", b"X Y", b"NIL"),
            False,
            b'BODY[HEADER.FIELDS (Date "X Y" "NIL")]',
        ),
    ),
    (
        b"BODY.PEEK[HEADER.FIELDS ({4+}\r\nFrom)]<0.9>",
        FetchSection(_header_fields(b"From"), True, b"BODY[HEADER.FIELDS (From)]<0>", (0, 9)),
    ),
    (
        b"BODY[2.HEADER.FIELDS.NOT (To)]",
        FetchSection(
            Section((2,), SectionText.HEADER_FIELDS_NOT, (b"To",)),
            False,
            b"BODY[2.HEADER.FIELDS.NOT (To)]",
        ),
    ),
    (b"RFC822", FetchSection(Section(), False, b"RFC822")),
    (
        b"RFC822.HEADER",
        FetchSection(Section((), SectionText.HEADER), True, b"RFC822.HEADER"),
    ),
    (b"RFC822.TEXT", FetchSection(Section((), SectionText.TEXT), False, b"RFC822.TEXT")),
    (b"rfc822.size", FetchAttribute.RFC822_SIZE),
]

CHANGES = [
    (b"STORE 1 FLAGS (\\Seen)", Store(ONE, False, StoreHow.REPLACE, ("\\Seen",))),
    (b"STORE 1 FLAGS ()", Store(ONE, False, StoreHow.REPLACE, ())),
    (
        b"UID STORE 1,*:4 +flags.silent \\DELETED $Junk",
        Store(UidSet(((1, 1), (STAR, 4))), True, StoreHow.ADD, ("\\Deleted", "$Junk"), True),
    ),
    (
        b"STORE $ (UNCHANGEDSINCE 0) -FLAGS.SILENT (a b)",
        Store(SavedResult(), False, StoreHow.REMOVE, ("a", "b"), True, 0),
    ),
    (b"COPY 1 inbox", Copy(ONE, False, "INBOX")),
    (b'UID COPY 3:1 "a b"', Copy(UidSet(((3, 1),)), True, "a b")),
    (b"MOVE $ {1+}\r\na", Move(SavedResult(), False, "a")),
    (b"UID MOVE 4294967295 a", Move(UidSet(((4294967295, 4294967295),)), True, "a")),
]


@pytest.mark.parametrize(
    ("words", "expected"),
    [*SESSION, *AFTER_LOGIN, *MAILBOXES, *LISTS, *APPENDS, *FETCHES, *CHANGES],
)
def test_commands(words: bytes, expected: object) -> None:
    assert parsed(words) == expected


@pytest.mark.parametrize(("item", "expected"), ITEMS)
def test_fetch_items(item: bytes, expected: FetchAttribute | FetchSection) -> None:
    assert parsed(b"FETCH 1 " + item) == Fetch(ONE, False, (expected,))
    assert parsed(b"FETCH 1 (UID " + item + b")") == Fetch(
        ONE, False, (FetchAttribute.UID, expected)
    )
