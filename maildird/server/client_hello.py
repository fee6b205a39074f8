"""The protocols that a TLS client offers with its first message (ALPN, RFC 7301).

A client that offers protocols, but not ours, has to be refused: it may be a browser that was led
here, and what it sends to a web server must not mean anything to a mail server. OpenSSL could do
that, but Python's ssl goes on without ALPN then. So the message is looked at before OpenSSL reads
it. Only what every client sends is understood, a ClientHello in one record (RFC 8446 section 5.1);
about anything else OpenSSL has its say.
"""

from collections.abc import Iterator
from typing import Final

NO_APPLICATION_PROTOCOL: Final = bytes((21, 3, 3, 0, 2, 2, 120))
"""The alert for a client that is refused (RFC 7301 section 3.2), as a record."""

HEADER: Final = 5
"""Octets of a record before its content."""

_LARGEST: Final = 16 * 1024
_HANDSHAKE: Final = 22
_CLIENT_HELLO: Final = 1
_ALPN: Final = 16


def size_of_record(header: bytes) -> int:
    """Octets of the record that begins so; 0 when it is not one of a handshake."""
    size = int.from_bytes(header[3:5], "big")
    if len(header) < HEADER or header[0] != _HANDSHAKE or size > _LARGEST:
        return 0
    return HEADER + size


def offered_protocols(record: bytes) -> tuple[bytes, ...]:
    """The names that a ClientHello offers; none without ALPN, and where it isn't understood."""
    try:
        for kind, content in _extensions(record):
            if kind == _ALPN:
                return tuple(_members(_Octets(content).vector(2)))
    except ValueError:
        return ()
    return ()


class _Octets:
    """Reads from the front; ValueError where there isn't enough."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._octets) - self._at

    def take(self, count: int) -> bytes:
        if count > self.left:
            raise ValueError("the message ends too early")
        self._at += count
        return self._octets[self._at - count : self._at]

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "big")

    def vector(self, width: int) -> bytes:
        """Octets behind their number, which has `width` octets (RFC 8446 section 3.4)."""
        return self.take(self.number(width))


def _extensions(record: bytes) -> Iterator[tuple[int, bytes]]:
    """ClientHello (RFC 8446 section 4.1.2): version, random, session id, cipher suites,
    compression methods, extensions."""
    message = _Octets(record[HEADER:])
    if message.number(1) != _CLIENT_HELLO:
        return
    hello = _Octets(message.vector(3))
    hello.take(2 + 32)
    for width in (1, 2, 1):
        hello.vector(width)
    extensions = _Octets(hello.vector(2))
    while extensions.left:
        yield extensions.number(2), extensions.vector(2)


def _members(names: bytes) -> Iterator[bytes]:
    left = _Octets(names)
    while left.left:
        yield left.vector(1)
