"""What a client sees of an account: every mailbox with its numbers and messages."""

from dataclasses import dataclass, field

import trio

from tests.rfc7162.cache import Cache, Flags, Kind, Visit, Way
from tests.rfc7162.client import Client
from tests.rfc7162.responses import Other


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `subject` stands for its content."""

    subject: str
    flags: Flags


@dataclass(frozen=True, slots=True)
class Box:
    """One mailbox; `messages` and `modseqs` are by UID."""

    uidvalidity: int
    uidnext: int
    highestmodseq: int
    messages: dict[int, Message]
    modseqs: dict[int, int]

    @property
    def subjects(self) -> list[str]:
        """Of all messages, sorted."""
        return sorted(message.subject for message in self.messages.values())


World = dict[str, Box]

PATIENCE = 20
"""Seconds in which the account has to come to rest."""


async def look(client: Client) -> World:
    """The account as it is, once two looks agree; nothing is changed by that.

    A removal that a killed server left untold is believed only when the folder rests: on a busy
    machine a first look can come too early for that.
    """
    with trio.fail_after(PATIENCE):
        before, now = None, await _look_once(client)
        while now is None or now != before:
            before, now = now, await _look_once(client)
    return now


async def _look_once(client: Client) -> World | None:
    """What a client sees; None while a message is there that can't be read any more."""
    listed = await client.do('LIST "" "*"')
    names = [
        _text(each.values[2])
        for each in listed.all(Other)
        if each.name == "LIST"
        and not {"\\Noselect", "\\NonExistent"} & set(map(str, each.values[0]))
    ]
    boxes = {name: await _look_at(client, name) for name in names}
    seen = {name: box for name, box in boxes.items() if box is not None}
    return seen if seen.keys() == boxes.keys() else None


async def _look_at(client: Client, name: str) -> Box | None:
    selected = await client.do(f"EXAMINE {name} (CONDSTORE)")
    numbers = {
        code: int(selected.argument(code) or 0)
        for code in ("UIDVALIDITY", "UIDNEXT", "HIGHESTMODSEQ")
    }
    fetched = await client.say("UID FETCH 1:* (FLAGS MODSEQ BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
    if fetched.tagged.condition != "OK":
        assert fetched.tagged.code == "EXPUNGEISSUED", fetched.tagged
        return None
    messages, modseqs = {}, {}
    for fetch in fetched.fetches.values():
        assert fetch.uid is not None
        header = fetch.items["BODY[HEADER.FIELDS (SUBJECT)]"]
        subject = _text(header).removeprefix("Subject: ").strip()
        messages[fetch.uid] = Message(subject, fetch.flags or frozenset())
        modseqs[fetch.uid] = fetch.modseq or 0
    return Box(
        numbers["UIDVALIDITY"],
        numbers["UIDNEXT"],
        numbers["HIGHESTMODSEQ"],
        messages,
        modseqs,
    )


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


@dataclass
class Known:
    """All that clients were ever told of an account, and what each of them keeps.

    Mailboxes are known by their UIDVALIDITY, which no two of an account share.
    """

    _contents: dict[tuple[int, int], str] = field(default_factory=dict)
    _states: dict[tuple[int, int, int], Flags] = field(default_factory=dict)
    _highest: dict[int, tuple[int, int]] = field(default_factory=dict)
    _caches: dict[int, list[Cache]] = field(default_factory=dict)

    def told(self, uidvalidity: int, uid: int, subject: str) -> None:
        """A client learnt which UID a message has."""
        known = self._contents.setdefault((uidvalidity, uid), subject)
        assert known == subject, f"UID {uid} was {known!r}, and is {subject!r} now"

    def hear(self, world: World) -> None:
        """Compare what a client sees now with all that was ever told, and know it from now on."""
        uidvalidities = [box.uidvalidity for box in world.values()]
        assert len(set(uidvalidities)) == len(uidvalidities), "mailboxes share a UIDVALIDITY"
        for name, box in world.items():
            try:
                self._hear_box(box)
            except AssertionError as error:
                error.add_note(f"mailbox {name}")
                raise

    async def visit(self, client: Client, world: World) -> None:
        """Have clients with QRESYNC come back, the first that ever came and the last one."""
        for name, box in world.items():
            caches = self._caches.setdefault(box.uidvalidity, [])
            for cache in [*caches, Cache()]:
                visit = Visit(client, Kind.QRESYNC, cache)
                await visit.open(Way(), f"EXAMINE {name}")
                expected = {uid: message.flags for uid, message in box.messages.items()}
                said = b"".join(client.talk).decode()
                assert cache.flags == expected, f"a client of {name} did not converge\n{said}"
            self._caches[box.uidvalidity] = [*caches[:1], cache]

    def _hear_box(self, box: Box) -> None:
        uidnext, modseq = self._highest.get(box.uidvalidity, (0, 0))
        assert box.uidnext >= uidnext, f"UIDNEXT went down from {uidnext} to {box.uidnext}"
        assert box.highestmodseq >= modseq, "HIGHESTMODSEQ went down"
        self._highest[box.uidvalidity] = box.uidnext, box.highestmodseq
        for uid, message in box.messages.items():
            self.told(box.uidvalidity, uid, message.subject)
            state = box.uidvalidity, uid, box.modseqs[uid]
            known = self._states.setdefault(state, message.flags)
            assert known == message.flags, f"UID {uid} changed without a new MODSEQ"
