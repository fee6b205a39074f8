"""A client on a raw socket: it says octets and counts what comes back, as little as can be done."""

import socket
import time
from collections.abc import Callable

PATIENCE = 60
"""Seconds in which a server has to answer a command."""


class Silence(Exception):
    """What was waited for did not come in time, was refused, or the server has gone."""


class Wire:
    """One connection; `socket` may be given to a selector while nothing is being said."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self._unread = bytearray()
        self._count = 0

    def command(self, command: bytes) -> bytes:
        """Say a command; gives all octets of its answer, which has to be OK."""
        self._count += 1
        tag = b"b%d" % self._count
        self.socket.sendall(b"%s %s\r\n" % (tag, command))
        return self.until(lambda octets: _tagged(octets, tag), PATIENCE)

    def skim(self, command: bytes) -> int:
        """As `command`, for an answer of any size: gives its length and keeps none of it."""
        self._count += 1
        tag = b"b%d" % self._count
        self.socket.sendall(b"%s %s\r\n" % (tag, command))
        self.socket.settimeout(PATIENCE)
        buffer = memoryview(bytearray(1 << 20))
        length, last = 0, b""
        while b"\r\n%s OK " % tag not in last:
            received = self.socket.recv_into(buffer)
            if not received:
                raise Silence("the server has gone")
            length += received
            last = last[-200:] + bytes(buffer[max(0, received - 200) : received])
        return length

    def idle(self) -> None:
        """Say IDLE and wait for the continuation; what the server says then is to be heard."""
        self._count += 1
        self.socket.sendall(b"b%d IDLE\r\n" % self._count)
        self.until(_continuation, PATIENCE)

    def done(self) -> None:
        """End IDLE."""
        tag = b"b%d" % self._count
        self.socket.sendall(b"DONE\r\n")
        self.until(lambda octets: _tagged(octets, tag), PATIENCE)

    def until(self, there: Callable[[bytearray], int], patience: float) -> bytes:
        """Read until `there` gives where what was waited for ends, which is above 0.

        Gives all up to there; raises Silence after `patience` seconds.
        """
        deadline = time.perf_counter() + patience
        while not (end := there(self._unread)):
            self.socket.settimeout(max(0.001, deadline - time.perf_counter()))
            try:
                received = self.socket.recv(1 << 20)
            except TimeoutError:
                raise Silence(f"nothing came in {patience} s") from None
            if not received:
                raise Silence("the server has gone")
            self._unread += received
        heard = bytes(self._unread[:end])
        del self._unread[:end]
        return heard

    def receive(self) -> bytes:
        """What comes next, at least one octet; all that was read before is forgotten."""
        heard = bytes(self._unread) or self.socket.recv(1 << 20)
        self._unread.clear()
        if not heard:
            raise Silence("the server has gone")
        return heard

    def forget(self) -> None:
        """Read away what has come until now."""
        self._unread.clear()
        self.socket.setblocking(False)
        try:
            while self.socket.recv(1 << 20):
                pass
        except BlockingIOError:
            pass
        finally:
            self.socket.setblocking(True)

    def close(self) -> None:
        """Go without a word."""
        self.socket.close()


def _line_end(octets: bytearray, start: int) -> int:
    """Where the line that `start` lies in ends; 0 when it is not whole."""
    end = octets.find(b"\r\n", start)
    return end + 2 if end >= 0 else 0


def after(word: bytes) -> Callable[[bytearray], int]:
    """For `until`: the end of the first line that has `word`."""

    def there(octets: bytearray) -> int:
        at = octets.find(word)
        return _line_end(octets, at) if at >= 0 else 0

    return there


def _continuation(octets: bytearray) -> int:
    start = 0 if octets.startswith(b"+ ") else octets.find(b"\r\n+ ") + 2
    return _line_end(octets, start) if octets.startswith(b"+ ", start) else 0


def _tagged(octets: bytearray, tag: bytes) -> int:
    """Where all ends once the last line is the tagged one; it comes last."""
    if not octets.endswith(b"\r\n"):
        return 0
    before = octets.rfind(b"\r\n", 0, len(octets) - 2)
    last = octets[before + 2 :] if before >= 0 else octets
    if not last.startswith(tag + b" "):
        return 0
    if not last.startswith(tag + b" OK"):
        raise Silence(last.decode(errors="replace"))
    return len(octets)
