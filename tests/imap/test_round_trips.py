"""What is rendered for a client is read from one as the same: names, strings, flags, dates."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from maildird.imap import rendering
from maildird.imap.commands.append import Append, NewMessage
from maildird.imap.commands.fetch import Fetch, FetchSection
from maildird.imap.commands.mailboxes import Delete, Status, StatusItem
from maildird.imap.commands.messages import Expunge, Store, StoreHow
from maildird.imap.commands.session import Id, Login
from maildird.imap.limits import Limits
from maildird.imap.responses import MailboxStatusResponse
from maildird.terms.flags import SYSTEM_FLAGS
from maildird.terms.section import Section, SectionText
from maildird.terms.sets import SeqSet, UidSet
from tests.imap.feeding import parsed

WIDE = Limits()

STRINGS = st.binary(max_size=12).filter(lambda octets: b"\0" not in octets)
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
UIDS = st.sets(st.integers(1, 1 << 20), min_size=1, max_size=20).map(UidSet.of)
KEYWORDS = st.from_regex(r"[A-Za-z$!#'+./:;<=>?@^_`|~-]+", fullmatch=True)
FLAG_LISTS = st.lists(st.sampled_from(list(SYSTEM_FLAGS)) | KEYWORDS, max_size=5).map(tuple)


@given(STRINGS, STRINGS)
def test_strings(user: bytes, password: bytes) -> None:
    line = b"LOGIN " + rendering.string(user) + b" " + rendering.astring(password)
    assert parsed(line, WIDE) == Login(user, password)


@given(NAMES, NAMES)
def test_nstrings(name: str, value: str) -> None:
    words = rendering.string(name.encode()), rendering.nstring(value.encode())
    line = b"ID (" + b" ".join(words) + b' "x" ' + rendering.nstring(None) + b")"
    assert parsed(line, WIDE) == Id(((name, value), ("x", None)))


@given(NAMES.filter(lambda name: name.upper() != "INBOX"))
def test_mailbox_names(name: str) -> None:
    assert parsed(b"DELETE " + rendering.mailbox(name), WIDE) == Delete(name)


@given(NAMES.filter(lambda name: name.upper() != "INBOX"), st.sets(st.sampled_from(StatusItem)))
def test_status(name: str, items: set[StatusItem]) -> None:
    """What STATUS answers is what was asked for, with numbers."""
    asked = tuple(items) or (StatusItem.MESSAGES,)
    answer = bytes(MailboxStatusResponse(name, tuple((item, 7) for item in asked)))
    line = answer.removeprefix(b"* ").removesuffix(b"\r\n")
    mailbox, _, values = line.rpartition(b" (")
    assert parsed(mailbox + b" (" + values.replace(b" 7", b""), WIDE) == Status(name, asked)


@given(FLAG_LISTS)
def test_flag_lists(flags: tuple[str, ...]) -> None:
    line = b"STORE 1 FLAGS " + rendering.flags(flags)
    assert parsed(line, WIDE) == Store(SeqSet.of([1]), False, StoreHow.REPLACE, flags)


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31)))
def test_dates(moment: datetime) -> None:
    seconds = int(moment.replace(tzinfo=UTC).timestamp())
    line = b"APPEND x " + rendering.date_time(seconds) + b" {1+}\r\ny"
    assert parsed(line) == Append("x", (NewMessage(b"y", (), seconds),))


@given(UIDS)
def test_sets(uids: UidSet) -> None:
    assert parsed(b"UID EXPUNGE " + bytes(uids)) == Expunge(uids)


SECTIONS = st.builds(
    Section,
    st.lists(st.integers(1, 99), min_size=1, max_size=3).map(tuple),
    st.sampled_from([None, SectionText.HEADER, SectionText.TEXT, SectionText.MIME]),
) | st.builds(
    Section,
    st.lists(st.integers(1, 99), max_size=3).map(tuple),
    st.sampled_from([SectionText.HEADER_FIELDS, SectionText.HEADER_FIELDS_NOT]),
    st.lists(STRINGS, min_size=1, max_size=3).map(tuple),
)


@given(SECTIONS)
def test_sections(section: Section) -> None:
    """The label of a response asks for the same section again."""
    spelled = ".".join(map(str, section.part)).encode()
    if section.text is not None:
        spelled += (b"." if section.part else b"") + section.text.value.lower().encode()
    if section.fields:
        spelled += b" (" + b" ".join(map(rendering.string, section.fields)) + b")"
    command = parsed(b"FETCH 1 BODY.PEEK[" + spelled + b"]", WIDE)
    assert isinstance(command, Fetch)
    [item] = command.items
    assert isinstance(item, FetchSection)
    assert (item.section, item.peek, item.partial) == (section, True, None)
    assert parsed(b"FETCH 1 " + item.label, WIDE) == replace(
        command, items=(replace(item, peek=False),)
    )
