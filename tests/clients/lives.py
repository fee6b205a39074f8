"""What people do with their mail, by IMAP and beside it, whoever serves it.

The messages with \\Deleted lie in a mailbox of their own, `Trash`, which mbsync leaves alone: it
would expunge them.
"""

from itertools import cycle
from pathlib import Path

from tests.clients.in_turn import Stay, connection
from tests.clients.maildirs import deliver
from tests.rfc7162.client import Client
from tests.rfc7162.responses import Other

SUMMER = "&AMk-t&AOk- R&-D"
"""Été R&D, as IMAP and Dovecot spell it (RFC 3501 section 5.1.3)."""

MBSYNCED = "* !Trash !INBOX.Trash"

FLAGS = (
    "",
    "\\Seen",
    "\\Seen \\Answered",
    "\\Flagged $Junk",
    "\\Draft",
    "Custom",
    "\\Seen $Forwarded MixedCase",
    "\\Answered \\Flagged \\Seen \\Draft $Junk Custom MixedCase $NotJunk",
)


def name(separator: str, *levels: str) -> str:
    """A mailbox name, quoted; where the separator is Courier's, so is the namespace."""
    return f'"{separator.join(("INBOX", *levels) if separator == "." else levels)}"'


async def begin(stay: Stay, root: Path, separator: str) -> None:
    """Fill a new tree: folders, messages with all kinds of flags, subscriptions, removals.

    UIDs are missing at the end of INBOX, too, where only a note tells that they were given.
    """
    work = name(separator, "Work")
    reports = name(separator, "Work", "Reports", "2026")
    summer = name(separator, SUMMER)
    trash = name(separator, "Trash")
    old = name(separator, "Old")
    deliver_three(root, "first")
    async with connection(stay) as client:
        for mailbox in (work, reports, summer, trash, old):
            await client.do(f"CREATE {mailbox}")
        for mailbox in ("INBOX", work, summer, old):
            await client.do(f"SUBSCRIBE {mailbox}")
        await client.do(f"DELETE {old}")
        await client.do("SELECT INBOX")
        await fill(client, "INBOX", "inbox", 34)
        await client.do("NOOP")
        await fill(client, work, "work", 10)
        await fill(client, reports, "report", 9)
        await fill(client, summer, "summer", 8)
        await client.do(f"COPY 1:5 {trash}")
        await expunge(client, "3,7,36:37")
        await client.do(f"SELECT {trash}")
        await client.do("STORE 1:3 +FLAGS (\\Deleted)")
        await client.do(f"SELECT {work}")
        await expunge(client, "2")
    deliver_three(root / ".Work", "last")


def deliver_three(folder: Path, subject: str) -> None:
    """What another program delivers."""
    for number in range(3):
        unique = f"17000000{number:02}.M{number}P{len(subject)}.post"
        deliver(folder, unique, content(f"{subject} {number}"))


async def fill(client: Client, mailbox: str, subject: str, count: int) -> None:
    """Append messages, with all kinds of flags in turn."""
    for number, flags in zip(range(count), cycle(FLAGS), strict=False):
        await append(client, mailbox, f"{subject} {number}", flags)


async def append(client: Client, mailbox: str, subject: str, flags: str) -> None:
    """Append one message. Courier wants to be asked for the literal first."""
    octets = content(subject).replace(b"\n", b"\r\n")
    tag = await client.begin(f"APPEND {mailbox} ({flags}) {{{len(octets)}}}")
    assert isinstance(await client.response(), Other)
    await client.stream.send_all(octets + b"\r\n")
    assert (await client.ending(tag)).tagged.condition == "OK"


async def expunge(client: Client, numbers: str) -> None:
    """Remove messages of the selected mailbox."""
    await client.do(f"STORE {numbers} +FLAGS.SILENT (\\Deleted)")
    await client.do("EXPUNGE")


def content(subject: str) -> bytes:
    """A message, as it lies on disk."""
    return f"Subject: {subject}\n\n{subject}\n".encode()
