"""BODY[…]: the example of the RFC, parts that don't exist, header subsets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maildird.mime.sections import section
from maildird.terms.section import Section, SectionText
from tests.mime.hostile_mail import messages

HEADER = SectionText.HEADER
FIELDS = SectionText.HEADER_FIELDS
FIELDS_NOT = SectionText.HEADER_FIELDS_NOT
TEXT = SectionText.TEXT
MIME = SectionText.MIME

PART_4_1 = b"Content-Type: image/gif\r\n\r\ngif"
MESSAGE_4_2 = (
    b"Subject: 4.2\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n"
    b"--c\r\n\r\n4.2.1\r\n"
    b"--c\r\nContent-Type: multipart/alternative; boundary=d\r\n\r\n"
    b"--d\r\n\r\n4.2.2.1\r\n--d\r\nContent-Type: text/richtext\r\n\r\n4.2.2.2\r\n--d--\r\n"
    b"--c--"
)
MESSAGE_3 = (
    b"Subject: 3\r\nContent-Type: multipart/mixed; boundary=e\r\n\r\n"
    b"--e\r\n\r\n3.1\r\n--e\r\nContent-Type: application/octet-stream\r\n\r\n3.2\r\n--e--"
)
HEADER_0 = b"Subject: 0\r\nFrom: a@b\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n"
TEXT_0 = (
    b"--a\r\n\r\n1\r\n"
    b"--a\r\nContent-Type: application/octet-stream\r\n\r\n2\r\n"
    b"--a\r\nContent-Type: message/rfc822\r\n\r\n" + MESSAGE_3 + b"\r\n"
    b"--a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\n" + PART_4_1 + b"\r\n"
    b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + MESSAGE_4_2 + b"\r\n"
    b"--b--\r\n"
    b"--a--\r\n"
)
EXAMPLE = HEADER_0 + TEXT_0


@pytest.mark.parametrize(
    ("part", "text", "octets"),
    [
        ((), None, EXAMPLE),
        ((), HEADER, HEADER_0),
        ((), TEXT, TEXT_0),
        ((1,), None, b"1"),
        ((1,), MIME, b"\r\n"),
        ((2,), None, b"2"),
        ((2,), MIME, b"Content-Type: application/octet-stream\r\n\r\n"),
        ((3,), None, MESSAGE_3),
        ((3,), MIME, b"Content-Type: message/rfc822\r\n\r\n"),
        ((3,), HEADER, MESSAGE_3.partition(b"--e")[0]),
        ((3,), TEXT, MESSAGE_3[MESSAGE_3.index(b"--e") :]),
        ((3, 1), None, b"3.1"),
        ((3, 2), None, b"3.2"),
        ((3, 2), MIME, b"Content-Type: application/octet-stream\r\n\r\n"),
        ((4, 1), None, b"gif"),
        ((4, 1), MIME, b"Content-Type: image/gif\r\n\r\n"),
        ((4, 2), None, MESSAGE_4_2),
        ((4, 2), HEADER, MESSAGE_4_2.partition(b"--c")[0]),
        ((4, 2), TEXT, MESSAGE_4_2[MESSAGE_4_2.index(b"--c") :]),
        ((4, 2, 1), None, b"4.2.1"),
        ((4, 2, 2, 1), None, b"4.2.2.1"),
        ((4, 2, 2, 2), None, b"4.2.2.2"),
        ((4, 2, 2, 2), MIME, b"Content-Type: text/richtext\r\n\r\n"),
    ],
)
def test_the_example_of_the_rfc(
    part: tuple[int, ...], text: SectionText | None, octets: bytes
) -> None:
    # RFC 3501 section 6.4.5.
    assert section(EXAMPLE, Section(part, text)) == octets


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ((5,), None),
        ((0,), None),
        ((1, 1), None),
        ((3, 3), None),
        ((4, 3), MIME),
        ((4, 2, 1, 1), None),
        # HEADER and TEXT belong to messages.
        ((1,), HEADER),
        ((2,), TEXT),
        ((4,), FIELDS),
        ((4, 2, 2), FIELDS_NOT),
    ],
)
def test_parts_that_do_not_exist(part: tuple[int, ...], text: SectionText | None) -> None:
    assert section(EXAMPLE, Section(part, text)) is None


def test_a_message_that_is_no_multipart_has_part_1() -> None:
    message = b"Subject: a\r\n\r\ntext"
    assert section(message, Section((1,))) == b"text"
    assert section(message, Section((1,), MIME)) == b"Subject: a\r\n\r\n"
    assert section(message, Section((1,), HEADER)) is None
    assert section(message, Section((1, 1))) is None
    assert section(message, Section((2,))) is None


def test_an_encapsulated_message_that_is_no_multipart_has_part_1() -> None:
    message = b"Content-Type: message/rfc822\r\n\r\nSubject: a\r\n\r\ntext"
    assert section(message, Section((1,))) == b"Subject: a\r\n\r\ntext"
    assert section(message, Section((1,), HEADER)) == b"Subject: a\r\n\r\n"
    assert section(message, Section((1, 1))) == b"text"
    assert section(message, Section((1, 1), MIME)) == b"Subject: a\r\n\r\n"
    assert section(message, Section((1, 1, 1))) is None


HEADER_TEXT = (
    b"Subject: a\r\n\tb\r\nnot a field\r\nTO : c\r\nX-Raw: \xff\r\nto: d\r\n \r\n e\r\n\r\n"
)


@pytest.mark.parametrize(
    ("names", "subset"),
    [
        ((b"to",), b"TO : c\r\nto: d\r\n \r\n e\r\n\r\n"),
        ((b"X-RAW", b"subject"), b"Subject: a\r\n\tb\r\nX-Raw: \xff\r\n\r\n"),
        ((b"absent", b"not a field", b"T"), b"\r\n"),
        ((b"to ", b"to:"), b"\r\n"),
    ],
)
def test_header_fields(names: tuple[bytes, ...], subset: bytes) -> None:
    assert section(HEADER_TEXT + b"body", Section((), FIELDS, names)) == subset


def test_header_fields_not() -> None:
    rest = section(HEADER_TEXT + b"body", Section((), FIELDS_NOT, (b"To", b"subject")))
    assert rest == b"not a field\r\nX-Raw: \xff\r\n\r\n"


@pytest.mark.parametrize("message", [b"", b"\r\n", b"\r\nbody"])
def test_subsets_of_nothing_end_with_the_blank_line(message: bytes) -> None:
    # Dovecot leaves it out where the message has none.
    assert section(message, Section((), FIELDS, (b"a",))) == b"\r\n"
    assert section(message, Section((), FIELDS_NOT, (b"a",))) == b"\r\n"


def test_subsets_of_a_header_that_is_cut_short() -> None:
    for message in (b"A: b\r\nC: d", b"A: b\r\nC: d\r\n"):
        assert section(message, Section((), FIELDS, (b"c",))) == b"C: d\r\n\r\n"
        assert section(message, Section((), FIELDS_NOT, (b"c",))) == b"A: b\r\n\r\n"


def test_header_fields_of_an_encapsulated_message() -> None:
    assert section(EXAMPLE, Section((3,), FIELDS, (b"SUBJECT",))) == b"Subject: 3\r\n\r\n"


@given(messages)
def test_header_and_text_are_the_message(message: bytes) -> None:
    header = section(message, Section((), HEADER))
    text = section(message, Section((), TEXT))
    assert header is not None
    assert text is not None
    assert header + text == section(message, Section()) == message


@given(messages, st.lists(st.integers(0, 3), min_size=1, max_size=4).map(tuple))
def test_parts_are_pieces_of_the_message(message: bytes, part: tuple[int, ...]) -> None:
    octets = section(message, Section(part))
    header = section(message, Section(part, MIME))
    assert (octets is None) is (header is None)
    if octets is not None and header is not None:
        assert header + octets in message
    encapsulated = section(message, Section(part, HEADER))
    if encapsulated is not None:
        text = section(message, Section(part, TEXT))
        assert text is not None
        assert encapsulated + text == octets
