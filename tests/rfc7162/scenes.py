"""What tests of mod-sequences begin with, and what they ask again and again."""

from typing import TypeVar

from tests.rfc7162.client import Client
from tests.rfc7162.hosts import Host

Known = TypeVar("Known")


def deliver(host: Host, count: int, mailbox: str = "INBOX") -> None:
    """Another program delivers `count` messages without flags."""
    for number in range(count):
        host.beside.deliver(mailbox, b"Subject: %d\n\n%d\n" % (number, number))


async def modseqs(client: Client, messages: str = "1:*") -> dict[int, int]:
    """MODSEQ by message number, of the mailbox selected; it enables CONDSTORE."""
    fetched = await client.do(f"FETCH {messages} MODSEQ")
    return {seq: known(fetch.modseq) for seq, fetch in fetched.fetches.items()}


async def flags(client: Client, messages: str = "1:*") -> dict[int, frozenset[str]]:
    """FLAGS by message number, of the mailbox selected."""
    fetched = await client.do(f"FETCH {messages} FLAGS")
    return {seq: fetch.flags for seq, fetch in fetched.fetches.items() if fetch.flags is not None}


async def opened(host: Host, mailbox: str = "INBOX") -> Client:
    """One more connection, which enables CONDSTORE and selects a mailbox."""
    client = await host.connect()
    await client.do(f"SELECT {mailbox} (CONDSTORE)")
    return client


def known(value: Known | None) -> Known:
    """What has to be there."""
    assert value is not None
    return value
