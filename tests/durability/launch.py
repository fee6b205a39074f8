"""Starts servers under test: `python -m tests.durability.launch`, with a socket as standard input.

Theory of operation. A server is started hundreds of times here, and most of what that takes is to
import it. So this process imports it once and forks, before any thread or event loop is there; what
comes out is `maildird serve` in a session of its own. Each start is one message on the socket: the
arguments as JSON, and two descriptors, for the log and for talking about faults (`faults`).

The answer is the process's id. When it ended, its wait status comes behind the id of that time.
"""

import importlib
import json
import os
import socket
import sys
import traceback
from pathlib import Path
from typing import Any

from maildird.cli.main import main
from tests.durability.faults import Faults, obey
from tests.durability.operations import watch

_LARGEST = 65536

_LATE = ("maildird.cli.serve", "maildird.server.daemon")
"""What `main` imports only when it needs it."""


def launch() -> None:
    """Start servers one after the other, until the socket is closed."""
    for module in _LATE:
        importlib.import_module(module)
    with socket.socket(fileno=os.dup(0)) as orders:
        while True:
            message, descriptors, _flags, _address = socket.recv_fds(orders, _LARGEST, 2)
            if not message:
                return
            order = json.loads(message)
            process = os.fork()
            if not process:
                orders.close()
                _serve(order, *descriptors)
            for descriptor in descriptors:
                os.close(descriptor)
            orders.sendall(b"%d\n" % process)
            _, status = os.waitpid(process, 0)
            orders.sendall(b"%d\n" % status)


def _serve(order: dict[str, Any], log: int, control: int) -> None:
    """Be the server, to the end of this process."""
    os.setsid()
    os.environ |= order["environment"]
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    directories = [os.fsencode(Path(each).resolve()) for each in order["directories"]]
    faults = Faults(directories, os.open(order["trace"], os.O_WRONLY | os.O_CREAT | os.O_APPEND))
    obey(faults, control)
    if order["plan"]:
        faults.plan(order["plan"])
    watch(directories, faults)
    status = 1
    try:
        status = main(order["arguments"])
    except Exception:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    launch()
