"""The PROXY protocol, versions 1 and 2: a proxy tells who the client is (haproxy's specification).

The header comes before anything of the client's, TLS included, and whoever reads what follows can't
give anything back. So never more is read than belongs to it for certain: `octets_missing` says how
much that is.

A header may name nobody: the proxy connected for a purpose of its own (LOCAL), or doesn't know, or
the client came by something else than TCP over IP.
"""

import ipaddress
import re
from typing import Final

from maildird.server.addresses import Address, address_of_client
from maildird.terms.errors import Malformed

SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
"""How a header of version 2 begins (section 2.2)."""

LONGEST_LINE: Final = 107
"""Octets of a header of version 1, with CRLF (section 2.1)."""

_SHORTEST: Final = len(b"PROXY UNKNOWN\r\n")
_FIXED: Final = 16
"""Octets of version 2 before the addresses: signature, version, family, length."""

_LINE: Final = re.compile(
    rb"PROXY (?:UNKNOWN(?: [^\r\n]*)?|(TCP[46]) ([0-9a-fA-F.:]+) ([0-9a-fA-F.:]+)"
    rb" (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4}))\r\n"
)
_IP_LENGTHS: Final = {1: 4, 2: 16}
"""Octets of an address by its family: AF_INET, AF_INET6."""
_UNIX_LENGTH: Final = 108


def octets_missing(beginning: bytes) -> int:
    """How many octets to read next of a header that begins so; 0 when it is whole.

    Raises Malformed when it can't be the beginning of one.
    """
    if len(beginning) < _SHORTEST:
        if not (SIGNATURE.startswith(beginning[:12]) or b"PROXY ".startswith(beginning[:6])):
            raise Malformed("there is no header of the PROXY protocol")
        return _SHORTEST - len(beginning)
    if beginning.startswith(SIGNATURE):
        if len(beginning) < _FIXED:
            return _FIXED - len(beginning)
        length = int.from_bytes(beginning[14:16], "big")
        return _FIXED + length - len(beginning)
    if beginning.endswith(b"\r\n"):
        return 0
    if not beginning.startswith(b"PROXY ") or len(beginning) >= LONGEST_LINE:
        raise Malformed("there is no header of the PROXY protocol")
    return 1


def client_address(header: bytes) -> Address | None:
    """The client that a whole header names, if any; Malformed for one that breaks the rules."""
    if header.startswith(SIGNATURE):
        return _version_2(header)
    return _version_1(header)


def _version_1(line: bytes) -> Address | None:
    match = _LINE.fullmatch(line)
    if match is None:
        raise Malformed("the header of the PROXY protocol, version 1, can't be understood")
    family, source, destination, *ports = match.groups()
    if family is None:
        return None
    kind = ipaddress.IPv4Address if family == b"TCP4" else ipaddress.IPv6Address
    try:
        client, _ = (kind(text.decode("ascii")) for text in (source, destination))
    except ValueError:
        raise Malformed("the PROXY protocol names an address that is none") from None
    if any(int(port) > 0xFFFF for port in ports):
        raise Malformed("the PROXY protocol names a port that is none")
    return address_of_client(str(client), int(ports[0]))


def _version_2(header: bytes) -> Address | None:
    version, command = divmod(header[12], 16)
    family, transport = divmod(header[13], 16)
    if (version, command) == (2, 0):
        return None
    if (version, command) != (2, 1) or family > 3 or transport > 2:
        raise Malformed("the header of the PROXY protocol, version 2, has unknown values")
    if family == 0 or transport != 1:
        return None
    octets = _IP_LENGTHS.get(family)
    if len(header) < _FIXED + 2 * (_UNIX_LENGTH if octets is None else octets + 2):
        raise Malformed("the header of the PROXY protocol is too short for its addresses")
    if octets is None:
        return None
    source = header[_FIXED : _FIXED + octets]
    port = header[_FIXED + 2 * octets : _FIXED + 2 * octets + 2]
    return address_of_client(str(ipaddress.ip_address(source)), int.from_bytes(port, "big"))
