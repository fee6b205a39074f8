"""Connected pairs of real TCP sockets on the loopback interface."""

import socket


def connected_pair() -> tuple[socket.socket, socket.socket]:
    """Both ends of a connection: the accepted one, and the blocking one of the client."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = socket.create_connection(listening.getsockname(), timeout=10)
        accepted, _ = listening.accept()
    return accepted, client
