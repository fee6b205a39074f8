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

BODY is the same without the extension data. Both come from one walk and are rendered together, as
they share most of their pieces; parts one inside the other, at most `walk.MAX_DEPTH` deep.
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

_EXTENSION_FIELDS: Final = (b"content-disposition", b"content-language", b"content-location")
_LANGUAGE_TAG: Final = re.compile(rb"[^\s,]++")


def body(message: bytes) -> bytes:
    """The body structure of `message` (wire form) without extension data, as IMAP writes it."""
    return render_bodies(walk(message))[0]


def bodystructure(message: bytes) -> bytes:
    """The body structure of `message` (wire form) with extension data, as IMAP writes it."""
    return render_bodies(walk(message))[1]


def render_bodies(part: Part) -> tuple[bytes, bytes]:
    """BODY and BODYSTRUCTURE of a walked part."""
    return _multipart(part) if part.parts else _single_part(part)


def _multipart(part: Part) -> tuple[bytes, bytes]:
    bodies, structures = map(b"".join, zip(*map(render_bodies, part.parts), strict=True))
    subtype = string(part.content_type.subtype)
    parameters = _parameters(part.content_type.parameters)
    return (
        b"(%b %b)" % (bodies, subtype),
        b"(%b %b %b %b)" % (structures, subtype, parameters, _extension(part.header)),
    )


def _single_part(part: Part) -> tuple[bytes, bytes]:
    header = part.header
    basic = b"%b %b %b %b %b %b %d" % (
        string(part.content_type.type),
        string(part.content_type.subtype),
        _parameters(_with_charset(part.content_type)),
        nstring(first(header, b"content-id")),
        nstring(first(header, b"content-description")),
        string(transfer_encoding(header)),
        part.body_end - part.body_start,
    )
    extension = b"%b %b" % (nstring(first(header, b"content-md5")), _extension(header))
    if part.message:
        envelope = render_envelope(part.message.header)
        inner = render_bodies(part.message)
        body, structure = [b"%b %b %b %d" % (basic, envelope, x, part.lines) for x in inner]
    elif part.content_type.is_text:
        body = structure = b"%b %d" % (basic, part.lines)
    else:
        body = structure = basic
    return b"(%b)" % body, b"(%b %b)" % (structure, extension)


def _extension(header: Header) -> bytes:
    if header.keys().isdisjoint(_EXTENSION_FIELDS):
        return b"NIL NIL NIL"
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
