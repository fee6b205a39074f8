"""The servers that the tests own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.durability.server import Launcher, Server


@pytest.fixture(scope="session")
def launcher() -> Iterator[Launcher]:
    started = Launcher()
    yield started
    started.end()


@pytest.fixture(params=["maildir++", "fs"])
def layout(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def server(launcher: Launcher, layout: str, tmp_path: Path) -> Iterator[Server]:
    owned = Server(launcher, tmp_path, layout)
    yield owned
    owned.close()
