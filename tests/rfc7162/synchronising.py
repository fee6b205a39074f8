"""What a client with QRESYNC does again and again: open, leave, and come back later."""

from tests.rfc7162.client import Client, Exchange
from tests.rfc7162.hosts import Host
from tests.rfc7162.responses import Fetch, MailboxStatus, Other, Response


async def open_with(client: Client, count: int, mailbox: str = "INBOX") -> Exchange:
    """Enable QRESYNC, append `count` messages, and give what SELECT says then."""
    await client.do("ENABLE QRESYNC")
    for _ in range(count):
        await client.append(mailbox)
    return await client.do(f"SELECT {mailbox}")


def since(opened: Exchange, modseq: int | None = None, known: str = "") -> str:
    """The QRESYNC parameter of a client that saw `opened`; `known` are UIDs and match data."""
    modseq = opened.highestmodseq if modseq is None else modseq
    return f"(QRESYNC ({opened.argument('UIDVALIDITY')} {modseq}{' ' if known else ''}{known}))"


async def come_back(
    host: Host,
    opened: Exchange,
    modseq: int | None = None,
    known: str = "",
    mailbox: str = "INBOX",
) -> Exchange:
    """Resynchronise over a new connection, and leave it open."""
    client = await host.connect()
    await client.do("ENABLE QRESYNC")
    return await client.do(f"SELECT {mailbox} {since(opened, modseq, known)}")


async def idle(client: Client) -> Exchange:
    """IDLE, ended as soon as the server has agreed to it."""
    tag = await client.begin("IDLE")
    untagged = [await client.response()]
    while not is_continuation(untagged[-1]):
        untagged.append(await client.response())
    await client.stream.send_all(b"DONE\r\n")
    rest = await client.ending(tag)
    return Exchange(untagged + rest.untagged, rest.tagged)


def is_continuation(response: Response) -> bool:
    """Whether it is the server's `+`."""
    return isinstance(response, Other) and response.name == "+"


def kept(before: int, exchange: Exchange) -> int:
    """The HIGHESTMODSEQ that a client keeps after a command (section 6)."""
    if exchange.highestmodseq is not None:
        return exchange.highestmodseq
    return max([before, *(fetch.modseq or 0 for fetch in exchange.all(Fetch))])


def promised(before: int, exchange: Exchange) -> int:
    """The highest mod-sequence that a client could come back with, STATUS taken at its word."""
    said = [status.numbers.get("HIGHESTMODSEQ", 0) for status in exchange.all(MailboxStatus)]
    return max([kept(before, exchange), *said])
