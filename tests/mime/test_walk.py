"""The tree of parts: where each begins and ends, and what each is taken for."""

from collections.abc import Iterator

import pytest
from hypothesis import given

from maildird.mime.header import MAX_HEADER
from maildird.mime.walk import MAX_DEPTH, MAX_HEADERS, MAX_PARTS, Part, walk
from tests.mime.hostile_mail import messages

MIXED = b"Content-Type: multipart/mixed; boundary=%b\r\n\r\n"


def bodies(message: bytes) -> list[object]:
    """Bodies of the leaves, multiparts and messages as lists of what they hold."""
    return _bodies(message, walk(message))


def _bodies(message: bytes, part: Part) -> list[object]:
    inner = part.parts or ((part.message,) if part.message else ())
    if not inner:
        return [message[part.body_start : part.body_end]]
    return [_bodies(message, one) for one in inner]


def every_part(part: Part) -> Iterator[Part]:
    yield part
    for inner in part.parts:
        yield from every_part(inner)
    if part.message:
        yield from every_part(part.message)


def media_type(part: Part) -> bytes:
    return b"%b/%b" % (part.content_type.type, part.content_type.subtype)


def test_the_example_of_the_rfc() -> None:
    # RFC 2046 section 5.1.1.
    message = (
        b"From: Nathaniel Borenstein <nsb@bellcore.com>\r\n"
        b'Content-type: multipart/mixed; boundary="simple boundary"\r\n'
        b"\r\n"
        b"This is the preamble.\r\n"
        b"\r\n"
        b"--simple boundary\r\n"
        b"\r\n"
        b"This is implicitly typed plain US-ASCII text.\r\n"
        b"It does NOT end with a linebreak.\r\n"
        b"--simple boundary\r\n"
        b"Content-type: text/plain; charset=us-ascii\r\n"
        b"\r\n"
        b"It DOES end with a linebreak.\r\n"
        b"\r\n"
        b"--simple boundary--\r\n"
        b"\r\n"
        b"This is the epilogue.\r\n"
    )
    root = walk(message)
    first, second = root.parts
    assert message[: root.body_start].endswith(b'simple boundary"\r\n\r\n')
    assert (root.body_end, root.lines) == (len(message), 14)
    assert message[first.header_start : first.body_start] == b"\r\n"
    assert message[first.body_start : first.body_end].endswith(b"a linebreak.")
    assert (first.lines, second.lines) == (1, 1)
    assert message[second.body_start : second.body_end] == b"It DOES end with a linebreak.\r\n"


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        # Blanks may follow a boundary, nothing else may: `a` is not `ab`, though section 5.1.1
        # would have it so and Dovecot does.
        (b"--a \t\r\n\r\none\r\n--a-- \r\n", [b"one"]),
        (b"--a\r\n\r\none\r\n--ab\r\n\r\ntwo\r\n--a--", [b"one\r\n--ab\r\n\r\ntwo"]),
        (b"--a\r\n\r\none\r\n--A\r\n\r\ntwo\r\n--a--", [b"one\r\n--A\r\n\r\ntwo"]),
        (b"--a\r\n\r\none\r\n --a\r\n--a--", [b"one\r\n --a"]),
        # Bodies that are empty, or not there.
        (b"--a\r\n\r\n--a\r\n--a\r\n\r\n\r\n--a--", [b"", b"", b""]),
        (b"--a\r\nX: y\r\n--a--", [b""]),
        (b"--a\r\nX: y", [b""]),
        (b"--a", [b""]),
        # Never closed, closed and gone on.
        (b"--a\r\n\r\none\r\n--a\r\n\r\ntwo", [b"one", b"two"]),
        (b"--a\r\n\r\none\r\n--a--\r\n--a\r\n\r\ntwo", [b"one"]),
        # LF alone.
        (b"--a\n\none\n\n--a\n\ntwo\n--a--\n", [b"one\n", b"two"]),
        (b"--a\r\n\r\none\r\r\n--a--", [b"one\r"]),
        (b"pre--a\r\n--a\r\n\r\none\r--a--\r\n--a--", [b"one\r--a--"]),
    ],
)
def test_delimiters(body: bytes, parts: list[bytes]) -> None:
    assert bodies(MIXED % b"a" + body) == [[part] for part in parts]


def test_a_boundary_may_end_in_hyphens_or_blanks() -> None:
    assert bodies(MIXED % b"a--" + b"--a--\r\n\r\none\r\n--a----\r\n") == [[b"one"]]
    assert bodies(MIXED % b'"a "' + b"--a \r\n\r\none\r\n--a--\r\n") == [[b"one"]]


def test_an_outer_delimiter_ends_what_is_inside() -> None:
    message = MIXED % b"out" + b"--out\r\n" + MIXED % b"in" + b"--in\r\n\r\none\r\n--out\r\n\r\ntwo"
    assert bodies(message) == [[[b"one"]], [b"two"]]


def test_a_delimiter_of_a_closed_multipart_is_text() -> None:
    message = (
        MIXED % b"out"
        + b"--out\r\n"
        + MIXED % b"in"
        + b"--in\r\n\r\none\r\n--in--\r\nepilogue\r\n--in\r\n\r\nno part\r\n--out--\r\n"
    )
    assert bodies(message) == [[[b"one"]]]


def test_the_same_boundary_inside_belongs_to_the_inner_multipart() -> None:
    message = (
        MIXED % b"a"
        + b"--a\r\n"
        + MIXED % b"a"
        + b"--a\r\n\r\none\r\n--a--\r\n--a\r\n\r\ntwo\r\n--a--\r\n"
    )
    assert bodies(message) == [[[b"one"]], [b"two"]]


def test_a_multipart_without_parts_is_text() -> None:
    # Dovecot shows a multipart with one empty part, and nobody gets to see the text.
    for header in (
        b"Content-Type: multipart/mixed\r\n\r\n",
        MIXED % b'""',
        MIXED % b"a",
        MIXED % b"a" + b"--a--\r\n",
    ):
        root = walk(header + b"text")
        assert media_type(root) == b"text/plain"
        assert not root.parts


def test_parts_of_a_digest_are_messages() -> None:
    # RFC 2046 section 5.1.5.
    message = (
        b"Content-Type: multipart/digest; boundary=a\r\n\r\n"
        b"--a\r\n\r\nSubject: b\r\n\r\none\r\n"
        b"--a\r\nContent-Type: text/plain\r\n\r\ntwo\r\n--a--\r\n"
    )
    first, second = walk(message).parts
    assert (media_type(first), media_type(second)) == (b"message/rfc822", b"text/plain")
    assert first.message is not None
    assert first.message.header == {b"subject": [b"b"]}


def test_a_message_in_a_message() -> None:
    inner = b"Subject: b\r\n\r\none\r\n"
    message = b"Content-Type: message/rfc822\r\n\r\n" * 2 + inner
    root = walk(message)
    assert bodies(message) == [[[b"one\r\n"]]]
    assert root.message is not None
    assert root.message.message is not None
    assert root.message.lines == 3
    encapsulated = root.message.message
    assert message[encapsulated.header_start : encapsulated.body_end] == inner


def test_an_encapsulated_message_without_anything() -> None:
    for end in (b"--a--\r\n", b"\r\n--a--\r\n", b""):
        message = MIXED % b"a" + b"--a\r\nContent-Type: message/rfc822\r\n\r\n" + end
        (part,) = walk(message).parts
        assert part.message is not None
        assert bodies(message) == [[[b""]]]


def test_a_type_that_is_not_valid_is_text_plain() -> None:
    assert media_type(walk(b"Content-Type: image\r\n\r\n")) == b"text/plain"


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n",
        b"X: %d%d\r\nContent-Type: message/rfc822\r\n\r\n",
    ],
)
def test_depth_is_limited(header: bytes) -> None:
    headers = [header % (number, number) for number in range(10_000)]
    parts = list(every_part(walk(b"".join(headers) + b"\r\nleaf")))
    assert len(parts) == MAX_DEPTH
    assert media_type(parts[-1]) == b"application/octet-stream"


def test_the_number_of_parts_is_limited() -> None:
    message = MIXED % b"a" + b"--a\r\n\r\ntext\r\n" * MAX_PARTS + b"--a--"
    root = walk(message)
    assert len(root.parts) == MAX_PARTS - 1
    assert message[root.parts[-2].body_start : root.parts[-2].body_end] == b"text"
    assert root.parts[-1].body_end == len(message)


def test_what_could_hold_parts_when_none_are_left_is_a_leaf() -> None:
    message = (
        MIXED % b"a"
        + b"--a\r\n\r\n" * (MAX_PARTS - 2)
        + b"--a\r\nContent-Type: message/rfc822\r\n\r\nSubject: b\r\n\r\n"
    )
    assert media_type(walk(message).parts[-1]) == b"application/octet-stream"


def test_headers_are_looked_into_up_to_a_limit() -> None:
    large = b"--a\r\nX: %b\r\n\r\n" % (b"x" * MAX_HEADER)
    html = b"--a\r\nContent-Type: text/html\r\n\r\n"
    root = walk(MIXED % b"a" + html + large * (MAX_HEADERS // MAX_HEADER) + html)
    assert media_type(root.parts[0]) == b"text/html"
    assert media_type(root.parts[-1]) == b"text/plain"


@given(messages)
def test_parts_lie_in_order_inside_each_other(message: bytes) -> None:
    root = walk(message)
    assert (root.header_start, root.body_end) == (0, len(message))
    for part in every_part(root):
        assert part.header_start <= part.body_start <= part.body_end
        assert part.lines == message.count(b"\n", part.body_start, part.body_end)
        at = part.body_start
        for inner in part.parts:
            assert at <= inner.header_start
            at = inner.body_end
        assert at <= part.body_end
        if part.message:
            assert part.message.header_start == part.body_start
            assert part.message.body_end == part.body_end
