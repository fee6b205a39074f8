"""Servers over copies of real mail and over generated mail."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from tests.clients.household import Household
from tests.clients.lives import MBSYNCED
from tests.clients.maildirs import collect, corpus
from tests.clients.mbsync import Mbsync
from tests.clients.server import ServerProcess
from tests.corpus.tree import make_tree
from tests.rfc7162.hosts import dovecot_is_installed

GENERATED = 20_000

Start = Callable[..., ServerProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts servers; each is ended and checked after the test."""
    servers: list[ServerProcess] = []

    def start(maildir: Path, *options: str) -> ServerProcess:
        servers.append(ServerProcess(maildir, tmp_path / f"state{len(servers)}", *options))
        return servers[-1]

    yield start
    for server in servers:
        server.end()


@pytest.fixture(params=["default", "lkml"])
def real_mail(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A Maildir++ tree with the mail of a corpus in INBOX and in one folder."""
    source = corpus(request.param)
    root = tmp_path / "Maildir"
    collect(source, root)
    collect(source, root / ".Lists")
    return root


@pytest.fixture(scope="session")
def generated_mail(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree of 20,000 messages that nobody may change; copy it."""
    root = tmp_path_factory.mktemp("generated") / "Maildir"
    make_tree(root, GENERATED, folders=2)
    return root


@pytest.fixture
def many_messages(generated_mail: Path, tmp_path: Path) -> Path:
    """A copy of the generated tree."""
    root = tmp_path / "Maildir"
    shutil.copytree(generated_mail, root)
    return root


@pytest.fixture
def program() -> Callable[[str], str]:
    """Finds a program; a test that needs one which is missing is skipped, but never in CI."""

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            miss(name)
        return path

    return find


def miss(what: str) -> NoReturn:
    """Skip a test for want of what it needs; in CI it fails."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing")
    pytest.skip(f"{what} is not there")


@pytest.fixture
def household(program: Callable[[str], str], tmp_path: Path) -> Household:
    """Clients that have not been anywhere, and beside them an empty tree, `Maildir`."""
    for subdir in ("cur", "new", "tmp"):
        (tmp_path / "Maildir" / subdir).mkdir(parents=True)
    return Household(Mbsync(program("mbsync"), tmp_path, MBSYNCED))


@pytest.fixture
def dovecot_2_3() -> None:
    """Dovecot is there, of the generation that its settings are for."""
    if not dovecot_is_installed():
        miss("Dovecot 2.3")


@pytest.fixture
def unpacked_courier() -> Path:
    """Where tests/run.sh has unpacked Courier; $COURIER."""
    unpacked = Path(os.environ.get("COURIER", "courier")).absolute()
    if not (unpacked / "usr/bin/imapd").is_file():
        miss("Courier")
    return unpacked
