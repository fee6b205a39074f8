"""Where headers end and which fields they hold."""

import pytest
from hypothesis import given

from maildird.mime.header import (
    MAX_HEADER,
    MAX_REPEATS,
    first,
    header_end,
    parse_header,
    split_fields,
    unfold,
    used_header,
)
from tests.mime.hostile_mail import messages


@pytest.mark.parametrize(
    ("message", "header"),
    [
        (b"A: b\r\n\r\nbody", b"A: b\r\n\r\n"),
        (b"A: b\n\nbody", b"A: b\n\n"),
        (b"A: b\r\n\nbody", b"A: b\r\n\n"),
        (b"A: b\n\r\nbody", b"A: b\n\r\n"),
        (b"A: b\r\n \r\nC: d\r\n\r\nbody", b"A: b\r\n \r\nC: d\r\n\r\n"),
        (b"A: b\r\nno field\r\nC: d\r\n\r\nbody", b"A: b\r\nno field\r\nC: d\r\n\r\n"),
        (b"A: b\r\r\nC: d\r\n\r\nbody", b"A: b\r\r\nC: d\r\n\r\n"),
        (b"\r\nbody", b"\r\n"),
        (b"\nbody", b"\n"),
        (b"A: b\r\n", b"A: b\r\n"),
        (b"A: b", b"A: b"),
        (b"", b""),
    ],
)
def test_the_first_empty_line_ends_a_header(message: bytes, header: bytes) -> None:
    assert message[: header_end(message)] == header


@pytest.mark.parametrize(
    ("value", "unfolded"),
    [
        (b" one line", b"one line"),
        (b" one\r\n two\r\n", b"one two"),
        (b" one\r\n  two\r\n", b"one  two"),
        (b" one\n two\n", b"one two"),
        # A tab was put there by folding. Dovecot's Subject has a space here too.
        (b" one\r\n\ttwo", b"one two"),
        (b" one\ttwo", b"one\ttwo"),
        (b"\r\n <id@host>", b"<id@host>"),
        (b" \r\n \r\n", b""),
        (b" bare\rCR", b"bare\rCR"),
    ],
)
def test_unfolding(value: bytes, unfolded: bytes) -> None:
    assert unfold(value) == unfolded


def test_fields_by_name() -> None:
    header = parse_header(
        b"To: a\r\n"
        b"Subject : white space before the colon\r\n"
        b"TO: b\r\n\tc\r\n"
        b" \r\n"
        b"Other: d\r\n"
        b"From nobody\n"
        b"Empty:\r\n"
        b"\r\n",
        (b"to", b"subject", b"empty", b"from nobody", b"absent"),
    )
    assert header == {
        b"to": [b"a", b"b c"],
        b"subject": [b"white space before the colon"],
        b"empty": [b""],
    }
    assert first(header, b"to") == b"a"
    assert first(header, b"absent") is None


def test_a_header_is_looked_into_up_to_a_limit() -> None:
    message = b"A: " + b"x" * MAX_HEADER + b"\r\nB: c\r\n\r\nbody"
    assert used_header(message) == message[:MAX_HEADER]
    repeated = parse_header(b"A: b\r\n" * (MAX_REPEATS + 1), (b"a",))
    assert len(repeated[b"a"]) == MAX_REPEATS


@given(messages)
def test_fields_are_the_whole_header(message: bytes) -> None:
    header = message[: header_end(message)]
    assert b"\n".join(split_fields(header)) == header
