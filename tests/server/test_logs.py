"""How log lines look, whatever stands in them, and what the journal gets."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

LOG = """
import logging, sys
from maildird.server.logs import start_logging
start_logging("info")
logger = logging.getLogger("maildird.some")
{statements}
"""


def logged(statements: str, *, journal: Callable[[Path], str] | None = None, path: Path) -> str:
    """What a process logs to a file; `journal` makes JOURNAL_STREAM of its path."""
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    environment.pop("JOURNAL_STREAM", None)
    with path.open("wb") as stderr:
        if journal is not None:
            environment["JOURNAL_STREAM"] = journal(path)
        code = LOG.format(statements=statements)
        subprocess.run([sys.executable, "-c", code], stderr=stderr, env=environment, check=True)
    return path.read_text(encoding="utf-8")


def this_stream(path: Path) -> str:
    stat = path.stat()
    return f"{stat.st_dev}:{stat.st_ino}"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def test_the_level_stands_first(log: Path) -> None:
    statements = 'logger.debug("no"); logger.info("one %d", 1); logger.error("Größe")'
    assert logged(statements, path=log) == "INFO one 1\nERROR Größe\n"


def test_the_journal_gets_priorities(log: Path) -> None:
    statements = "[getattr(logger, each)(each) for each in ('info', 'warning', 'error')]"
    assert logged(statements, journal=this_stream, path=log).splitlines() == [
        "<6>INFO info",
        "<4>WARNING warning",
        "<3>ERROR error",
    ]


def test_another_stream_than_the_journal_s_gets_none(log: Path) -> None:
    """A shell under systemd has JOURNAL_STREAM in its environment, too."""
    assert logged('logger.info("x")', journal=lambda _path: "8:1", path=log) == "INFO x\n"


def test_nothing_breaks_a_line_or_commands_a_terminal(log: Path) -> None:
    statements = r'logger.info("a %s b", "\nWARNING failed login for \x1b[2J\u2028\udcff")'
    expected = r"INFO a \nWARNING failed login for \x1b[2J\u2028\udcff b" + "\n"
    assert logged(statements, path=log) == expected


def test_what_is_long_is_cut(log: Path) -> None:
    line = logged('logger.info("%s", "x" * 1_000_000)', path=log)
    assert 1000 < len(line) < 3000
    assert line.endswith("x…\n")


def test_every_line_of_a_traceback_has_its_priority(log: Path) -> None:
    statements = (
        "try:\n    {}['a\\nb']\nexcept KeyError as error:\n    logger.error('bad', exc_info=error)"
    )
    lines = logged(statements, journal=this_stream, path=log).splitlines()
    assert lines[0] == "<3>ERROR bad"
    assert lines[1] == "<3>  Traceback (most recent call last):"
    assert lines[-1] == r"<3>  KeyError: 'a\nb'"
    assert all(line.startswith("<3>  ") for line in lines[1:])
