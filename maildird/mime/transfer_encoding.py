"""Content transfer encodings (RFC 2045 section 6), decoded whatever is broken in them."""

import binascii
import re
from typing import Final

from maildird.mime.header import Header, first
from maildird.mime.lexemes import without_comments

_MECHANISM: Final = re.compile(rb"[^\s;]++")
_UNPADDED: Final = re.compile(rb"[^=]++")
_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_NO_BASE64: Final = bytes(octet for octet in range(256) if octet not in _ALPHABET)


def transfer_encoding(header: Header) -> bytes:
    """The Content-Transfer-Encoding as written; without one it is 7bit (RFC 2045 section 6.1)."""
    value = first(header, b"content-transfer-encoding")
    found = _MECHANISM.search(without_comments(value)) if value else None
    return found[0] if found else b"7bit"


def decode_transfer(octets: bytes, encoding: bytes) -> bytes:
    """`octets` without the transfer encoding named so (any case); unknown ones change nothing."""
    match encoding.lower():
        case b"base64":
            return decode_base64(octets)
        case b"quoted-printable":
            return binascii.a2b_qp(octets)
        case _:
            return octets


def decode_base64(octets: bytes) -> bytes:
    """Decoded base64; what is not of its alphabet is left out (RFC 2045 section 6.8), and so is a
    last character that stands alone. After padding a new run begins, as when texts were joined."""
    if b"=" not in octets.rstrip(b"=\r\n"):  # all in one run, as it mostly is
        try:
            return binascii.a2b_base64(octets)
        except binascii.Error:
            pass
    decoded = bytearray()
    for run in _UNPADDED.finditer(octets.translate(None, _NO_BASE64)):
        decoded += _decode_run(run[0])
    return bytes(decoded)


def _decode_run(run: bytes) -> bytes:
    if len(run) % 4 == 1:
        run = run[:-1]
    return binascii.a2b_base64(run + b"=" * (-len(run) % 4))
