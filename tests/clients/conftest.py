"""Servers over copies of real mail and over generated mail."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clients.maildirs import collect, corpus
from tests.clients.server import ServerProcess
from tests.corpus.tree import make_tree

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
            if os.environ.get("CI"):
                pytest.fail(f"{name} is missing")
            pytest.skip(f"{name} is not installed")
        return path

    return find
