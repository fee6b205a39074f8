"""Starting and ending the programs of `outsider.py`."""

import subprocess
import sys
from pathlib import Path


class Program:
    """An outsider at work from `begin` to `end`; `options` as on its command line."""

    def __init__(self, work: str, folder: Path, **options: object) -> None:
        arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        self.work = work
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.storms.outsider", work, str(folder), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def begin(self) -> None:
        """Have it go to work."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def running(self) -> bool:
        """Whether it has not come to its end by itself."""
        return self._process.poll() is None

    def end(self) -> list[str]:
        """Have it end; gives the lines that it says then."""
        told, _ = self._process.communicate()
        assert self._process.returncode == 0
        return told.splitlines()

    def stop(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.communicate()

    def finish(self) -> list[str]:
        """Wait until its count is reached; gives the lines that it says then."""
        assert self._process.stdout is not None
        told = self._process.stdout.read().splitlines()
        self.end()
        return told
