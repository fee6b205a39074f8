"""Addresses: where to listen, and where clients are."""

import ipaddress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Address:
    """An IP address, or a host name to listen on, and a TCP port (0: any that is free)."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """`127.0.0.1:1143`, `localhost:1143`, `[::1]:1143`; ValueError for anything else."""
    host, _, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = str(ipaddress.IPv6Address(host[1:-1]))
    elif not host or set(host) & set("[]: \t"):
        raise ValueError("no address stands before the port")
    if not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ValueError("no port stands behind the address")
    return Address(host, int(port))


def address_of_client(host: str, port: int) -> Address:
    """Where a client is, in one spelling, whoever says so; ValueError for what is no IP address.

    An IPv4 address counts as one also where it is spelled as an IPv6 address (RFC 4291 section
    2.5.5.2). The zone of a link-local one (RFC 4007) means something on this machine alone, so it
    is left out.
    """
    address = ipaddress.ip_address(host.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return Address(str(mapped or address), port)
