"""The model of a client that comes and goes: what it remembers, by the rules of RFC 7162.

Theory of operation. A `Cache` outlives connections: flags by UID, and a HIGHESTMODSEQ. A `Visit` is
one connection with the mailbox selected. It believes whatever the server says, the moment a whole
response is there, and nothing else:

- EXISTS, EXPUNGE and VANISHED move message numbers; VANISHED (EARLIER) only forgets (3.2.10).
- HIGHESTMODSEQ counts when the tagged response comes: what the response code said, else the highest
  MODSEQ of the FETCH responses since the last tagged one, if that is higher (section 6). While the
  client is still resynchronising its cache keeps the old value.
- Whoever said STORE with .SILENT changes the flags by itself, but for messages that are in MODIFIED
  and those whose FLAGS the server told.
- New messages are known once their flags were fetched. All below `fetched_below` are known; what
  is said of those above is left alone until the client fetches them.

What a correct server never says is an assertion: VANISHED for a message that was never announced,
or while numbers have to hold, EXPUNGE after ENABLE QRESYNC, a FETCH response without UID and MODSEQ
after CONDSTORE was enabled.
"""

import enum
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from tests.rfc7162.client import Client, Exchange
from tests.rfc7162.responses import (
    Exists,
    Expunge,
    Fetch,
    Response,
    Search,
    Status,
    Vanished,
    compact,
    numbers,
)

Flags = frozenset[str]


class Kind(enum.Enum):
    """What a client makes use of."""

    PLAIN = "nothing"
    CONDSTORE = "CONDSTORE"
    QRESYNC = "QRESYNC"


@dataclass
class Cache:
    """What a client keeps of a mailbox while away; UIDVALIDITY is 0 before its first visit."""

    uidvalidity: int = 0
    modseq: int = 0
    fetched_below: int = 1
    flags: dict[int, Flags] = field(default_factory=dict)

    def copy(self) -> "Cache":
        """The same at another place."""
        return replace(self, flags=dict(self.flags))


@dataclass(frozen=True, slots=True)
class Way:
    """How a client with QRESYNC resynchronises.

    With the parameter of SELECT, or else with UID FETCH after it (as mutt does it). `part` of every
    three of its UIDs are named as the known ones, and asked for by themselves afterwards are the
    others; None names no known UIDs. `match` makes sequence match data out of the client's UIDs.
    """

    by_select: bool = True
    part: int | None = None
    match: Callable[[Sequence[int]], str] | None = None


@dataclass
class Visit:
    """One connection of a client; `numbers` are its UIDs by message number, None for unknown."""

    client: Client
    kind: Kind
    cache: Cache
    numbers: list[int | None] = field(default_factory=list)
    synchronising: bool = True
    _modseq: int = 0
    _said: int | None = None
    _seen: int = 0
    _fresh: dict[int, Flags] | None = None
    _told: set[int] = field(default_factory=set)
    _fetching: bool = False

    async def open(self, way: Way, command: str = "SELECT INBOX") -> Exchange:
        """Select the mailbox and resynchronise; gives what the server answered to SELECT."""
        if self.kind is Kind.QRESYNC:
            await self.do("ENABLE QRESYNC")
        selected = await self._select(way, command)
        uidvalidity = int(selected.argument("UIDVALIDITY") or 0)
        if uidvalidity != self.cache.uidvalidity:
            self.cache.uidvalidity, self.cache.fetched_below = uidvalidity, 1
            self.cache.flags.clear()
        elif self.kind is not Kind.PLAIN:
            assert self._modseq >= self.cache.modseq, "HIGHESTMODSEQ went down"
        await self._resynchronise(way)
        await self.fetch_new()
        self.synchronising = False
        self.cache.modseq = self._modseq
        return selected

    async def do(self, command: str, heard: float = 1.0) -> Exchange:
        """Say a command; of the responses only the first part, `heard`, arrives."""
        return self.hear_all(await self.client.say(command), command, heard)

    def hear_all(self, exchange: Exchange, command: str, heard: float = 1.0) -> Exchange:
        """Take in the responses to `command`, or a first part of them."""
        self._fetching = " FETCH " in f" {command}"
        if command.startswith(("FETCH", "STORE", "SEARCH")):
            assert not exchange.vanished, f"VANISHED in the middle of {command}"
            assert not exchange.expunged, f"EXPUNGE in the middle of {command}"
        self._told.clear()
        responses = [*exchange.untagged, exchange.tagged]
        for response in responses[: int(heard * len(responses))]:
            self.hear(response)
        return exchange

    async def fetch_new(self, heard: float = 1.0) -> None:
        """Get to know the messages that aren't known yet."""
        items = "FLAGS" if self.kind is Kind.PLAIN else "FLAGS MODSEQ"
        self._fresh = {}
        await self.do(f"UID FETCH {self.cache.fetched_below}:* ({items})", heard)
        if heard == 1.0:
            known = {u: f for u, f in self._fresh.items() if u >= self.cache.fetched_below}
            self.cache.flags |= known
            self.cache.fetched_below = max([*known, self.cache.fetched_below - 1]) + 1
        self._fresh = None

    async def store(
        self, messages: Sequence[int], how: str, flags: Flags, more: str, heard: float
    ) -> None:
        """STORE by number if `more` says so, UID STORE else; `how` is `+FLAGS.SILENT`, say."""
        by_number = more.startswith("#")
        named = [uid for uid in messages if uid in self.numbers]
        if not named:
            return
        at = [self.numbers.index(uid) + 1 for uid in named] if by_number else named
        verb = "STORE" if by_number else "UID STORE"
        names = " ".join(sorted(flags))
        command = f"{verb} {compact(sorted(at))} {more.lstrip('#')}{how} ({names})"
        number_of = dict(zip(named, at, strict=True))
        exchange = await self.do(command, heard)
        if heard < 1.0 or not how.endswith(".SILENT"):
            return
        if exchange.tagged.condition != "OK":
            await self._look_again()
            return
        modified = numbers(exchange.argument("MODIFIED") or "")
        for uid in named:
            if number_of[uid] not in modified and uid in self.cache.flags.keys() - self._told:
                self.cache.flags[uid] = _changed(self.cache.flags[uid], how, flags)

    def hear(self, response: Response) -> None:
        """Take in one response."""
        match response:
            case Exists(count):
                assert count >= len(self.numbers), "EXISTS went down without EXPUNGE"
                self.numbers += [None] * (count - len(self.numbers))
            case Expunge(seq):
                assert self.kind is not Kind.QRESYNC, "EXPUNGE after ENABLE QRESYNC"
                self._forget(self.numbers.pop(seq - 1))
            case Vanished(uids, earlier):
                assert self.kind is Kind.QRESYNC, "VANISHED without ENABLE QRESYNC"
                if earlier:
                    self._vanish_earlier(uids)
                else:
                    for uid in uids:
                        self._vanish(uid)
            case Fetch():
                self._hear_fetch(response)
            case Search(found) if self.synchronising and self.kind is Kind.CONDSTORE:
                self._hear_search(found)
            case Status(tag, _, code, argument):
                if code == "HIGHESTMODSEQ":
                    self._said = int(argument)
                if tag is not None:
                    self._settle_modseq()
            case _:
                pass

    async def _select(self, way: Way, command: str) -> Exchange:
        cache = self.cache
        if self.kind is Kind.CONDSTORE:
            command += " (CONDSTORE)"
        elif self.kind is Kind.QRESYNC and cache.uidvalidity and way.by_select:
            words = [str(cache.uidvalidity), str(cache.modseq)]
            if way.part is not None:
                words.append(compact(self._parted(way.part)[0]) or "1")
            known = sorted(cache.flags)
            if way.match is not None and known:
                words.append(way.match(known))
            command += f" (QRESYNC ({' '.join(words)}))"
        return await self.do(command)

    async def _resynchronise(self, way: Way) -> None:
        """Hear what changed since the last visit, if SELECT did not say it."""
        cache = self.cache
        if self.kind is Kind.PLAIN:
            cache.flags.clear()
            cache.fetched_below = 1
        if cache.fetched_below == 1:
            return
        known, since = f"1:{cache.fetched_below - 1}", f"CHANGEDSINCE {cache.modseq}"
        if self.kind is Kind.CONDSTORE:
            await self.do(f"UID FETCH {known} (FLAGS) ({since})")
            await self.do(f"UID SEARCH UID {known}")
        elif not way.by_select:
            await self.do(f"UID FETCH {known} (FLAGS) ({since} VANISHED)")
        elif way.part is not None:
            rest = compact(self._parted(way.part)[1])
            if rest:
                await self.do(f"UID FETCH {rest} (FLAGS) ({since} VANISHED)")
        if self.kind is Kind.QRESYNC:
            self._number_the_known()

    def _parted(self, part: int) -> tuple[list[int], list[int]]:
        """The known UIDs, those that ever were among them, in two parts."""
        uids = range(1, self.cache.fetched_below)
        return [u for u in uids if u % 3 < part], [u for u in uids if u % 3 >= part]

    def _number_the_known(self) -> None:
        for at, uid in enumerate(sorted(self.cache.flags)):
            assert self.numbers[at] in (None, uid), f"message {at + 1} is not UID {uid}"
            self.numbers[at] = uid

    async def _look_again(self) -> None:
        """A STORE that told nothing did not go well: ask what the flags are now."""
        await self.do(f"UID FETCH 1:{max(1, self.cache.fetched_below - 1)} (FLAGS)")

    def _hear_fetch(self, fetch: Fetch) -> None:
        assert 1 <= fetch.seq <= len(self.numbers), f"there is no message {fetch.seq}"
        if self.kind is not Kind.PLAIN and not self._fetching:
            assert fetch.uid is not None, "a FETCH response without UID"
            assert fetch.modseq is not None, "a FETCH response without MODSEQ"
        if fetch.uid is not None:
            assert self.numbers[fetch.seq - 1] in (None, fetch.uid)
            self.numbers[fetch.seq - 1] = fetch.uid
        self._seen = max(self._seen, fetch.modseq or 0)
        uid = self.numbers[fetch.seq - 1]
        if uid is None or fetch.flags is None:
            return
        self._told.add(uid)
        if self._fresh is not None:
            self._fresh[uid] = fetch.flags
        if uid < self.cache.fetched_below:
            self.cache.flags[uid] = fetch.flags

    def _hear_search(self, found: Sequence[int]) -> None:
        """A client without QRESYNC learns so who is gone, and what the numbers are."""
        for uid in self.cache.flags.keys() - set(found):
            del self.cache.flags[uid]
        for at, uid in enumerate(found):
            assert self.numbers[at] in (None, uid)
            self.numbers[at] = uid

    def _vanish(self, uid: int) -> None:
        if uid in self.numbers:
            self.numbers.remove(uid)
        else:
            self._remove_unknown(uid)
        self._forget(uid)

    def _vanish_earlier(self, uids: Sequence[int]) -> None:
        """They may be many thousands, of which few were ever known."""
        there = set(uids).intersection(self.numbers)
        assert not there, f"VANISHED (EARLIER) of UIDs {there}, which are there"
        for uid in set(uids).intersection({*self.cache.flags, *(self._fresh or ())}):
            self._forget(uid)

    def _remove_unknown(self, uid: int) -> None:
        """Of the messages whose UID isn't known, one between its neighbours is `uid`."""
        known = [(u, at) for at, u in enumerate(self.numbers) if u is not None]
        place = bisect_left(known, (uid, 0))
        first = known[place - 1][1] + 1 if place else 0
        following = known[place][1] if place < len(known) else len(self.numbers)
        assert first < following, f"VANISHED of UID {uid}, which was never announced"
        del self.numbers[first]

    def _forget(self, uid: int | None) -> None:
        if uid is not None:
            self.cache.flags.pop(uid, None)
            if self._fresh is not None:
                self._fresh.pop(uid, None)

    def _settle_modseq(self) -> None:
        """A tagged response came (section 6)."""
        if self._said is not None:
            assert self._said >= self._modseq, "HIGHESTMODSEQ went down"
            self._modseq = self._said
        self._modseq = max(self._modseq, self._seen if self._said is None else 0)
        self._said, self._seen = None, 0
        if not self.synchronising:
            self.cache.modseq = self._modseq


def _changed(before: Flags, how: str, flags: Flags) -> Flags:
    match how[0]:
        case "+":
            return before | flags
        case "-":
            return before - flags
        case _:
            return flags
