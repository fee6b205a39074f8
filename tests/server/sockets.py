"""Connected pairs of real TCP sockets on the loopback interface."""

import socket
from typing import Final

from maildird.server.addresses import Address

CLIENT: Final = Address("192.0.2.7", 5000)
"""Where the client is said to be, where that matters to nothing."""


def connected_pair() -> tuple[socket.socket, socket.socket]:
    """Both ends of a connection: the accepted one, and the blocking one of the client."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = socket.create_connection(listening.getsockname(), timeout=10)
        accepted, _ = listening.accept()
    return accepted, client
