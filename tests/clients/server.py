"""The real server in a process of its own, as a user starts it."""

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

USER = "me"
PASSWORD = "open sesame"
READY = re.compile(r"imap://127\.0\.0\.1:(\d+)")
PATIENCE = 60
"""Seconds in which the server has to be ready."""
FAREWELL = 2
"""Seconds in which the server has to end."""


class ServerProcess:
    """`maildird serve MAILDIR` on a port that the kernel picks; `port` is that one."""

    def __init__(self, maildir: Path, state: Path, *options: str) -> None:
        self.maildir = maildir
        self.state = state
        self.options = options
        self._process = subprocess.Popen(
            [
                *_maildird("serve", maildir, state),
                *("--listen", "127.0.0.1:0", "--user", USER, *options),
            ],
            env=os.environ | {"MAILDIRD_PASSWORD": PASSWORD},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.log: list[str] = []
        self._reader = threading.Thread(target=self._read_log)
        self._reader.start()
        self.port = self._ready_port()

    def send_signal(self, number: signal.Signals) -> None:
        """Send the process a signal."""
        self._process.send_signal(number)

    def end(self) -> None:
        """SIGTERM; it must end cleanly and soon, and leave an index that agrees with the mail."""
        self._process.send_signal(signal.SIGTERM)
        try:
            status = self._process.wait(FAREWELL)
        finally:
            self._process.kill()
            self._process.wait()
            self._reader.join()
            assert self._process.stdout is not None
            self._process.stdout.close()
        assert status == 0, self._told()
        assert not [line for line in self.log if "Traceback" in line], self._told()
        check = subprocess.run(
            [*_maildird("check", self.maildir, self.state), *self.options],
            capture_output=True,
            text=True,
            check=False,
        )
        assert check.returncode == 0, check.stdout + check.stderr + self._told()

    def _ready_port(self) -> int:
        watchdog = threading.Timer(PATIENCE, self._process.kill)
        watchdog.start()
        try:
            assert self._process.stdout is not None
            for line in self._process.stdout:
                match = READY.search(line)
                if match:
                    return int(match[1])
        finally:
            watchdog.cancel()
        self._process.wait()
        self._reader.join()
        raise AssertionError(f"the server did not get ready: {self._told()}")

    def _read_log(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as log:
            self.log.extend(log)

    def _told(self) -> str:
        return "\n" + "".join(self.log)


def _maildird(command: str, maildir: Path, state: Path) -> list[str]:
    return [sys.executable, "-m", "maildird", command, str(maildir), "--state-dir", str(state)]
