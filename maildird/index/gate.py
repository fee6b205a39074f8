"""The gate between transactions and the moments when none may be open.

The map can grow, and the environment can close, only while no transaction is open anywhere in the
process. The gate counts open transactions by thread: whoever wants to be alone holds back new ones
and waits for the open ones to end. A thread that is inside already gets in again, for whoever waits
for it would wait for ever otherwise.
"""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """Lets many threads inside, or one alone."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside: defaultdict[int, int] = defaultdict(int)
        self._one_alone = False

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Hold a transaction open; waits while another thread is alone."""
        self.enter()
        try:
            yield
        finally:
            self.leave()

    def enter(self) -> None:
        """Begin to be inside; `leave` in the same thread."""
        thread = threading.get_ident()
        with self._changed:
            if self._one_alone:
                self._changed.wait_for(lambda: thread in self._inside or not self._one_alone)
            self._inside[thread] += 1

    def leave(self) -> None:
        """The opposite of `enter`."""
        thread = threading.get_ident()
        with self._changed:
            self._inside[thread] -= 1
            if not self._inside[thread]:
                del self._inside[thread]
            if self._one_alone:
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep everybody out; waits until nobody is inside, then for one another."""
        self.refuse_inside()
        with self._changed:
            self._changed.wait_for(lambda: not self._one_alone)
            self._one_alone = True
            self._changed.wait_for(lambda: not self._inside)
        try:
            yield
        finally:
            with self._changed:
                self._one_alone = False
                self._changed.notify_all()

    def refuse_inside(self) -> None:
        """Raise RuntimeError in a thread that is inside: it would wait for itself."""
        if threading.get_ident() in self._inside:
            raise RuntimeError("end the snapshot before writing to the index or closing it")
