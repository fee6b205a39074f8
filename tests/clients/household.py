"""The clients that stay with a tree while its server changes, and what they may notice.

Theory of operation. There are two: an mbsync that synchronises two ways, and a client with QRESYNC
that keeps UIDs, flags and a HIGHESTMODSEQ of every mailbox (`tests.rfc7162.cache`). `Account` is
what a client that knows nothing sees. A client that notices nothing of a new server fetches no
message, sets no flag, is told of no message that it is gone, and has what `Account` has.

Courier knows no CONDSTORE, so a client has nothing but UIDs and flags from there. Dovecot has it;
but its HIGHESTMODSEQ begins anew with its index and knows nothing of the MODSEQs of others, so that
a client that comes to Dovecot from elsewhere has to fetch all flags, as one without QRESYNC does.
What is shown there is that those flags are what the client has.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from tests.clients.in_turn import Stay, connection
from tests.clients.mbsync import Mbsync, Traffic
from tests.rfc7162.cache import Cache, Flags, Kind, Visit, Way
from tests.rfc7162.client import Client
from tests.rfc7162.responses import Other

LEVELS = 4
"""The most that a name has here."""


@dataclass(frozen=True, slots=True)
class Message:
    """What never changes of a message, but for `flags`; `subject` stands for its content."""

    subject: str
    size: int
    date: datetime
    flags: Flags


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One mailbox; messages by UID."""

    uidvalidity: int
    uidnext: int
    messages: dict[int, Message]

    @property
    def flags(self) -> dict[int, Flags]:
        """By UID."""
        return {uid: message.flags for uid, message in self.messages.items()}

    def uid(self, subject: str) -> int:
        """Of the one message of that subject."""
        (uid,) = (uid for uid, each in self.messages.items() if each.subject == subject)
        return uid


@dataclass(frozen=True, slots=True)
class Account:
    """An account; `names` are all that LIST tells of, and what it says of them."""

    names: dict[str, frozenset[str]]
    subscribed: frozenset[str]
    mailboxes: dict[str, Mailbox]

    def assert_unchanged(self, after: "Account") -> None:
        """All that clients know still holds."""
        self.assert_kept(after)
        assert after.names == self.names
        assert after.subscribed == self.subscribed
        for name, mailbox in self.mailboxes.items():
            assert after.mailboxes[name].messages == mailbox.messages, name

    def assert_kept(self, after: "Account") -> None:
        """UIDs mean what they meant in all mailboxes that are still there, and aren't given twice.

        Flags may be others, and messages gone.
        """
        for name in self.mailboxes.keys() & after.mailboxes.keys():
            before, now = self.mailboxes[name], after.mailboxes[name]
            assert now.uidvalidity == before.uidvalidity, name
            assert now.uidnext >= before.uidnext, name
            for uid, message in now.messages.items():
                known = before.messages.get(uid)
                assert known is not None or uid >= before.uidnext, f"{name} has UID {uid} again"
                assert known is None or replace(message, flags=known.flags) == known, name


@dataclass
class Household:
    """Both clients; the one with QRESYNC has `caches` by mailbox."""

    mbsync: Mbsync
    caches: dict[str, Cache] = field(default_factory=dict)

    def sync(self, stay: Stay) -> Traffic:
        """Let mbsync do its work."""
        return self.mbsync.sync(stay.store)

    async def visit(self, stay: Stay, kind: Kind = Kind.QRESYNC) -> dict[str, set[int]]:
        """Let the other client come back to every mailbox; gives what is gone, UIDs by name."""
        gone = {}
        async with connection(stay) as client:
            names = selectable(await _tree(client))
            self.caches = {name: self.caches.get(name, Cache()) for name in names}
            for name, cache in self.caches.items():
                visit = Visit(client, kind, cache)
                selected = await visit.open(Way(), f'SELECT "{name}"')
                gone[name] = set(selected.vanished_earlier)
        return gone

    def copy(self) -> "Household":
        """The same, whose client with QRESYNC will hear of nothing until it comes back."""
        return replace(self, caches={name: cache.copy() for name, cache in self.caches.items()})

    def begin_with_modseqs(self) -> None:
        """Come from a server without CONDSTORE: all that has a MODSEQ is news."""
        for cache in self.caches.values():
            cache.modseq = 1

    def modseqs(self) -> dict[str, int]:
        """The HIGHESTMODSEQ that the client keeps of each mailbox."""
        return {name: cache.modseq for name, cache in self.caches.items()}

    def has(self, account: Account) -> None:
        """The client with QRESYNC has exactly what is there."""
        caches = {name: (c.uidvalidity, c.flags) for name, c in self.caches.items()}
        boxes = {name: (box.uidvalidity, box.flags) for name, box in account.mailboxes.items()}
        assert caches == boxes

    async def notices_nothing(self, stay: Stay, account: Account) -> dict[str, set[int]]:
        """Come back to a server with CONDSTORE, which has `account` as mbsync knows it.

        Gives the UIDs that are gone, by name.
        """
        gone = await self.visit(stay)
        self.has(account)
        for name, mailbox in account.mailboxes.items():
            assert not gone[name] & mailbox.messages.keys(), f"{name} is told to be gone"
        self.mbsync_notices_nothing(stay)
        return gone

    def mbsync_notices_nothing(self, stay: Stay) -> None:
        """Nothing to fetch, append or store, and no file of its own to touch."""
        before = self.mbsync.files()
        assert self.sync(stay) == Traffic()
        assert self.mbsync.files() == before


async def look(stay: Stay) -> Account:
    """What a client that knows nothing sees; it changes nothing."""
    async with connection(stay) as client:
        names = await _tree(client)
        subscribed = await _listed(client, 'LSUB "" "*"')
        mailboxes = {name: await _examine(client, name) for name in selectable(names)}
    return Account(names, frozenset(subscribed), mailboxes)


def selectable(names: Mapping[str, frozenset[str]]) -> list[str]:
    """The mailboxes that can be selected."""
    return sorted(name for name, attributes in names.items() if "\\Noselect" not in attributes)


async def _tree(client: Client) -> dict[str, frozenset[str]]:
    """All names, level by level: so parents that are no mailboxes must be told by every server."""
    separator = _text((await client.do('LIST "" ""')).one(Other).values[1])
    names: dict[str, frozenset[str]] = {}
    for depth in range(1, LEVELS + 1):
        names |= await _listed(client, f'LIST "" "{separator.join("%" * depth)}"')
    return names


async def _listed(client: Client, command: str) -> dict[str, frozenset[str]]:
    listed = [each.values for each in (await client.do(command)).all(Other)]
    return {_text(name): _attributes(attributes) for attributes, _separator, name in listed}


def _attributes(value: object) -> frozenset[str]:
    """Whether a mailbox can be selected, and has children."""
    assert isinstance(value, list)
    told = {"\\Noselect" if each == "\\NonExistent" else str(each) for each in value}
    return frozenset(told & {"\\Noselect", "\\HasChildren", "\\HasNoChildren"})


async def _examine(client: Client, name: str) -> Mailbox:
    selected = await client.do(f'EXAMINE "{name}"')
    fetched = await client.do(
        "UID FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (SUBJECT)])"
        if selected.exists
        else "NOOP"
    )
    messages = {}
    for fetch in fetched.fetches.values():
        assert fetch.uid is not None
        assert fetch.flags is not None
        date = _text(fetch.items["INTERNALDATE"]).strip()
        (header,) = (value for item, value in fetch.items.items() if item.startswith("BODY["))
        messages[fetch.uid] = Message(
            subject=_text(header).partition(": ")[2].strip(),
            size=int(str(fetch.items["RFC822.SIZE"])),
            date=datetime.strptime(date, "%d-%b-%Y %H:%M:%S %z"),
            flags=fetch.flags,
        )
    return Mailbox(
        int(selected.argument("UIDVALIDITY") or 0),
        int(selected.argument("UIDNEXT") or 0),
        messages,
    )


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
