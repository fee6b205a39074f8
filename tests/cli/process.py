"""A real `maildird serve` process on a port of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PASSWORD = "correct horse"


@dataclass(frozen=True)
class Server:
    """A server that has said it is ready."""

    process: "subprocess.Popen[str]"
    lines: list[str]
    host: str
    port: int

    def end(self, number: int = signal.SIGTERM, within: float = 30) -> int:
        """Send a signal and give the exit status; it has `within` seconds to come."""
        self.process.send_signal(number)
        return self.process.wait(timeout=within)


@contextmanager
def serving(
    *arguments: str | Path,
    state: Path,
    password: str | None = PASSWORD,
    within: Sequence[str] = (),
) -> Iterator[Server]:
    """`maildird serve` with these arguments; killed at the end where it still runs.

    `within` is a command that runs the one that follows it.
    """
    command = [*within, sys.executable, "-m", "maildird", "serve", *map(str, arguments)]
    environment = {**os.environ, "XDG_STATE_HOME": str(state)}
    environment.pop("MAILDIRD_PASSWORD", None)
    if password is not None:
        environment["MAILDIRD_PASSWORD"] = password
    with subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield _ready(process)
        finally:
            process.kill()


def maildird(
    *arguments: str | Path, state: Path, typed: str = ""
) -> "subprocess.CompletedProcess[str]":
    """Run a subcommand to its end, with what is typed on standard input."""
    return subprocess.run(
        [sys.executable, "-m", "maildird", *map(str, arguments)],
        env={**os.environ, "XDG_STATE_HOME": str(state), "MAILDIRD_PASSWORD": PASSWORD},
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _ready(process: "subprocess.Popen[str]") -> Server:
    assert process.stdout is not None
    assert process.stderr is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if line.startswith("maildird ready on "):
            host, _, port = line.split("imap://", 1)[1].split()[0].rpartition(":")
            return Server(process, lines, host.strip("[]"), int(port))
    raise AssertionError(f"never ready: {lines} {process.stderr.read()}")
