"""Servers for the tests of RFC 7162: maildird always, Dovecot where it is asked for (`-m dovecot`).

A test that takes `host` runs on both, one that takes `ours` on maildird alone.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.rfc7162.client import Client
from tests.rfc7162.hosts import Host, dovecot, dovecot_is_installed, maildird


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What Dovecot is known to do otherwise has to fail there, as long as it does."""
    for item in items:
        differs = item.get_closest_marker("dovecot_differs")
        if differs is not None and item.get_closest_marker("dovecot") is not None:
            item.add_marker(pytest.mark.xfail(reason=differs.args[0], strict=True))


@pytest.fixture(params=["maildird", pytest.param("dovecot", marks=pytest.mark.dovecot)])
async def host(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Host]:
    """A server with an empty INBOX."""
    if request.param == "dovecot" and not dovecot_is_installed():
        pytest.skip("Dovecot 2.3 is not installed")
    async with (maildird if request.param == "maildird" else dovecot)(tmp_path) as running:
        yield running


@pytest.fixture
async def ours(tmp_path: Path) -> AsyncIterator[Host]:
    """maildird with an empty INBOX."""
    async with maildird(tmp_path) as running:
        yield running


@pytest.fixture
async def me(host: Host) -> Client:
    """A connection that has enabled nothing yet."""
    return await host.connect()


@pytest.fixture
async def other(host: Host) -> Client:
    """A second connection of the same user, which enables nothing."""
    return await host.connect()
