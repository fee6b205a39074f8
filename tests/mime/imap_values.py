"""Reads rendered IMAP values, strictly by the grammar of RFC 3501 section 9.

    nstring = string / nil
    quoted  = DQUOTE *QUOTED-CHAR DQUOTE
    literal = "{" number "}" CRLF *CHAR8

and checks the shape of envelopes and bodies by their productions.
"""

import re
from typing import Any, Final

Value = Any  # None, bytes, int, or a list of them

_QUOTED: Final = re.compile(rb'"((?:[^"\\\r\n\x00\x80-\xff]|\\["\\])*)"')
_LITERAL: Final = re.compile(rb"\{(\d+)\}\r\n")
_NUMBER: Final = re.compile(rb"\d+")


def read(rendered: bytes) -> Value:
    """The one value that `rendered` is, all of it."""
    value, end = _value(rendered, 0)
    assert end == len(rendered), f"left over: {rendered[end:]!r}"
    return value


def _value(octets: bytes, at: int) -> tuple[Value, int]:
    if octets.startswith(b"(", at):
        return _list(octets, at + 1)
    if octets.startswith(b"NIL", at):
        return None, at + 3
    if quoted := _QUOTED.match(octets, at):
        return re.sub(rb"\\(.)", rb"\1", quoted[1]), quoted.end()
    if literal := _LITERAL.match(octets, at):
        end = literal.end() + int(literal[1])
        assert end <= len(octets)
        return octets[literal.end() : end], end
    number = _NUMBER.match(octets, at)
    assert number, f"no value at {octets[at : at + 40]!r}"
    return int(number[0]), number.end()


def _list(octets: bytes, at: int) -> tuple[list[Value], int]:
    """Values with one space between them; none between two lists that stand side by side."""
    values = []
    while not octets.startswith(b")", at):
        value, at = _value(octets, at)
        values.append(value)
        if octets.startswith(b" ", at):
            at += 1
            assert not octets.startswith(b")", at)
        else:
            assert octets[at : at + 1] in (b")", b"(")
    return values, at + 1


def check_envelope(envelope: Value) -> None:
    """Ten members; addresses are lists of four, never an empty list."""
    assert len(envelope) == 10
    for text in (envelope[0], envelope[1], envelope[8], envelope[9]):
        assert _is_nstring(text)
    for addresses in envelope[2:8]:
        assert addresses is None or addresses
        for address in addresses or ():
            assert len(address) == 4
            assert all(map(_is_nstring, address))


def check_body(body: Value, *, extended: bool) -> None:
    """body-type-mpart or body-type-1part, with or without extension data."""
    if isinstance(body[0], list):
        _check_multipart(body, extended=extended)
    else:
        _check_single_part(body, extended=extended)


def _check_multipart(body: Value, *, extended: bool) -> None:
    parts = [inner for inner in body if isinstance(inner, list)]
    count = next(at for at, inner in enumerate(body) if not isinstance(inner, list))
    assert count >= 1
    for inner in parts[:count]:
        check_body(inner, extended=extended)
    assert isinstance(body[count], bytes)
    rest = body[count + 1 :]
    if extended:
        parameters, *extension = rest
        _check_parameters(parameters)
        _check_extension(extension)
    else:
        assert not rest


def _check_single_part(body: Value, *, extended: bool) -> None:
    media, subtype, parameters, id_, description, encoding, octets, *rest = body
    assert all(isinstance(text, bytes) for text in (media, subtype, encoding))
    _check_parameters(parameters)
    assert _is_nstring(id_)
    assert _is_nstring(description)
    assert isinstance(octets, int)
    if (media.lower(), subtype.lower()) == (b"message", b"rfc822"):
        envelope, inner, *rest = rest
        check_envelope(envelope)
        check_body(inner, extended=extended)
    if media.lower() == b"text" or (media.lower(), subtype.lower()) == (b"message", b"rfc822"):
        lines, *rest = rest
        assert isinstance(lines, int)
    if extended:
        md5, *extension = rest
        assert _is_nstring(md5)
        _check_extension(extension)
    else:
        assert not rest


def _check_extension(extension: Value) -> None:
    disposition, languages, location = extension
    if disposition is not None:
        assert isinstance(disposition[0], bytes)
        _check_parameters(disposition[1])
        assert len(disposition) == 2
    assert languages is None or (languages and all(isinstance(tag, bytes) for tag in languages))
    assert _is_nstring(location)


def _check_parameters(parameters: Value) -> None:
    if parameters is not None:
        assert parameters
        assert len(parameters) % 2 == 0
        assert all(isinstance(text, bytes) for text in parameters)


def _is_nstring(value: Value) -> bool:
    return value is None or isinstance(value, bytes)
