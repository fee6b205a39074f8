"""BODY and BODYSTRUCTURE of a message (RFC 3501 section 7.4.2).

    body            = "(" (body-type-1part / body-type-mpart) ")"
    body-type-1part = (body-type-basic / body-type-msg / body-type-text) [SP body-ext-1part]
    body-type-basic = media-basic SP body-fields
    body-type-msg   = media-message SP body-fields SP envelope SP body SP body-fld-lines
    body-type-text  = media-text SP body-fields SP body-fld-lines
    body-type-mpart = 1*body SP media-subtype [SP body-ext-mpart]
    body-fields     = body-fld-param SP body-fld-id SP body-fld-desc SP body-fld-enc SP
                      body-fld-octets
    body-ext-1part  = body-fld-md5 SP body-fld-dsp SP body-fld-lang SP body-fld-loc
    body-ext-mpart  = body-fld-param SP body-fld-dsp SP body-fld-lang SP body-fld-loc

BODY is the same without the extension data. Both come from one walk; they are rendered one inside
the other, at most `walk.MAX_DEPTH` deep.
"""

import re
from itertools import islice
from typing import Final

from maildird.mime.envelope import render_envelope
from maildird.mime.header import Header, first
from maildird.mime.lexemes import without_comments
from maildird.mime.nstring import nstring, string
from maildird.mime.parameters import (
    MAX_PARAMETERS,
    ContentType,
    Parameters,
    parameter,
    parse_disposition,
)
from maildird.mime.transfer_encoding import transfer_encoding
from maildird.mime.walk import Part, walk

_LANGUAGE_TAG: Final = re.compile(rb"[^\s,]++")


def body(message: bytes) -> bytes:
    """The body structure of `message` (wire form) without extension data, as IMAP writes it."""
    return render_body(walk(message), extended=False)


def bodystructure(message: bytes) -> bytes:
    """The body structure of `message` (wire form) with extension data, as IMAP writes it."""
    return render_body(walk(message), extended=True)


def render_body(part: Part, *, extended: bool) -> bytes:
    """BODYSTRUCTURE (`extended`) or BODY of a walked part."""
    return _multipart(part, extended) if part.parts else _single_part(part, extended)


def _multipart(part: Part, extended: bool) -> bytes:
    bodies = b"".join([render_body(inner, extended=extended) for inner in part.parts])
    subtype = string(part.content_type.subtype)
    if not extended:
        return b"(%b %b)" % (bodies, subtype)
    parameters = _parameters(part.content_type.parameters)
    return b"(%b %b %b %b)" % (bodies, subtype, parameters, _extension(part.header))


def _single_part(part: Part, extended: bool) -> bytes:
    header = part.header
    pieces = [
        string(part.content_type.type),
        string(part.content_type.subtype),
        _parameters(_with_charset(part.content_type)),
        nstring(first(header, b"content-id")),
        nstring(first(header, b"content-description")),
        string(transfer_encoding(header)),
        b"%d" % (part.body_end - part.body_start),
    ]
    if part.message:
        pieces += [
            render_envelope(part.message.header),
            render_body(part.message, extended=extended),
        ]
    if part.message or part.content_type.is_text:
        pieces.append(b"%d" % part.lines)
    if extended:
        pieces += [nstring(first(header, b"content-md5")), _extension(header)]
    return b"(%b)" % b" ".join(pieces)


def _extension(header: Header) -> bytes:
    return b"%b %b %b" % (
        _disposition(header),
        _languages(header),
        nstring(first(header, b"content-location")),
    )


def _with_charset(content_type: ContentType) -> Parameters:
    """The parameters, with the default charset of text (RFC 2046 section 4.1.2) made plain."""
    if content_type.is_text and parameter(content_type.parameters, b"charset") is None:
        return (*content_type.parameters, (b"charset", b"us-ascii"))
    return content_type.parameters


def _parameters(parameters: Parameters) -> bytes:
    """body-fld-param = "(" string SP string *(SP string SP string) ")" / nil"""
    if not parameters:
        return b"NIL"
    return b"(%b)" % b" ".join([string(text) for pair in parameters for text in pair])


def _disposition(header: Header) -> bytes:
    """body-fld-dsp = "(" string SP body-fld-param ")" / nil"""
    value = first(header, b"content-disposition")
    disposition = parse_disposition(value) if value else None
    if disposition is None:
        return b"NIL"
    return b"(%b %b)" % (string(disposition.type), _parameters(disposition.parameters))


def _languages(header: Header) -> bytes:
    """body-fld-lang = nstring / "(" string *(SP string) ")" """
    value = first(header, b"content-language")
    found = _LANGUAGE_TAG.finditer(without_comments(value or b""))
    tags = b" ".join([string(tag[0]) for tag in islice(found, MAX_PARAMETERS)])
    return b"(%b)" % tags if tags else b"NIL"
