"""The commands in whose middle the server is stopped, and what may be left of each.

Every scenario is played many times over one tree; `round` tells the times apart, so that each uses
names and subjects of its own.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from maildird.terms.flags import LETTER_KEYWORDS
from tests.durability.seen import Box, World
from tests.rfc7162.client import Client

COPIES = "copies"
"""Where messages are copied and moved to."""


KEPT = 8
"""Rounds after which mailboxes of a round are deleted: each client looks at all of them."""

LETTERS = " ".join(f"letter{number}" for number in range(LETTER_KEYWORDS))
"""Keywords that take all the letters."""


class HalfDone(AssertionError):
    """A command was carried out in part; nothing was lost by that, and nothing was promised."""


@dataclass(frozen=True, slots=True)
class Turnout:
    """What came of one round: the account before and after, and whether OK was answered."""

    round: int
    before: World
    after: World
    answered: bool

    def arrived(self, mailbox: str) -> list[str]:
        """The subjects that a mailbox has now, and had not before."""
        before, after = self.before[mailbox], self.after[mailbox]
        return sorted((Counter(after.subjects) - Counter(before.subjects)).elements())

    def left(self, mailbox: str) -> list[str]:
        """The subjects that a mailbox had before, and has not now."""
        before, after = self.before[mailbox], self.after[mailbox]
        return sorted((Counter(before.subjects) - Counter(after.subjects)).elements())

    def unchanged(self, *but: str) -> None:
        """All mailboxes are what they were, apart from some."""
        for name in (self.before.keys() | self.after.keys()) - set(but):
            assert name in self.after, f"{name} is gone"
            assert name in self.before, f"{name} came from nowhere"
            same(self.before[name], self.after[name])


class Scenario(Protocol):
    """One command; `separator` parts the levels of mailbox names."""

    arriving: list[str]
    """Subjects of the messages that get a UID by the command, in that order."""

    async def prepare(self, client: Client, round: int, separator: str) -> str:
        """Make what the command needs, and give the command, which is said to `client`."""

    def judge(self, turnout: Turnout) -> None:
        """AssertionError unless the command was carried out or not; HalfDone for what is between.

        What STORE and EXPUNGE do, they do message by message.
        """


class Append:
    """APPEND of one message."""

    def __init__(self) -> None:
        self.arriving: list[str] = []

    async def prepare(self, client: Client, round: int, separator: str) -> str:
        self.arriving = [f"append {round}"]
        return f"APPEND INBOX (\\Flagged) {literal(*self.arriving)}"

    def judge(self, turnout: Turnout) -> None:
        turnout.unchanged("INBOX")
        all_or_none(turnout, "INBOX", self.arriving)


class MultiAppend:
    """APPEND of three messages."""

    def __init__(self) -> None:
        self.arriving: list[str] = []

    async def prepare(self, client: Client, round: int, separator: str) -> str:
        self.arriving = [f"multi {round} {letter}" for letter in "abc"]
        return f"APPEND INBOX {' '.join(map(literal, self.arriving))}"

    def judge(self, turnout: Turnout) -> None:
        turnout.unchanged("INBOX")
        all_or_none(turnout, "INBOX", self.arriving)


class Copy:
    """UID COPY of two messages."""

    def __init__(self) -> None:
        self.arriving: list[str] = []

    async def prepare(self, client: Client, round: int, separator: str) -> str:
        self.arriving = [f"copy {round} {letter}" for letter in "ab"]
        return f"UID COPY {await two_new(client, self.arriving)} {COPIES}"

    def judge(self, turnout: Turnout) -> None:
        turnout.unchanged(COPIES)
        all_or_none(turnout, COPIES, self.arriving)


class Move:
    """UID MOVE of two messages."""

    def __init__(self) -> None:
        self.arriving: list[str] = []

    async def prepare(self, client: Client, round: int, separator: str) -> str:
        self.arriving = [f"move {round} {letter}" for letter in "ab"]
        return f"UID MOVE {await two_new(client, self.arriving)} {COPIES}"

    def judge(self, turnout: Turnout) -> None:
        turnout.unchanged(COPIES, "INBOX")
        left = turnout.left("INBOX")
        assert set(left) <= set(turnout.arrived(COPIES)), "a message is nowhere"
        assert not turnout.answered or left == self.arriving, (
            "answered OK, but they are still there"
        )
        all_or_none(turnout, COPIES, self.arriving)
        if left != turnout.arrived(COPIES):
            raise HalfDone(f"both copies and originals are there: {left} left")


class Store:
    """UID STORE of a flag and a new keyword on two messages."""

    def __init__(self) -> None:
        self.arriving: list[str] = []
        self._stored: set[str] = set()

    async def prepare(self, client: Client, round: int, separator: str) -> str:
        self._stored = {"\\Flagged", f"word{round % 20}"}
        return await self._store(client, round)

    async def _store(self, client: Client, round: int) -> str:
        uids = await two_new(client, [f"store {round} {letter}" for letter in "ab"])
        return f"UID STORE {uids} +FLAGS ({' '.join(sorted(self._stored))})"

    def judge(self, turnout: Turnout) -> None:
        before, after = turnout.before["INBOX"].messages, turnout.after["INBOX"].messages
        assert before.keys() == after.keys()
        for uid, message in after.items():
            if message.subject.startswith(f"store {turnout.round} "):
                new = before[uid].flags | self._stored
                assert message.flags == new or not turnout.answered
                assert message.flags in (before[uid].flags, new)
            else:
                assert message == before[uid]
        turnout.unchanged("INBOX")


class StoreLetterless(Store):
    """UID STORE of a keyword that has no letter, on two messages."""

    async def prepare(self, client: Client, round: int, separator: str) -> str:
        await take_all_letters(client)
        self._stored = {f"far{round % 20}"}
        return await self._store(client, round)


class AppendLetterless(Append):
    """APPEND of a message with a keyword that has no letter."""

    async def prepare(self, client: Client, round: int, separator: str) -> str:
        await take_all_letters(client)
        self.arriving = [f"append {round}"]
        return f"APPEND INBOX (far) {literal(*self.arriving)}"

    def judge(self, turnout: Turnout) -> None:
        super().judge(turnout)
        have_far(turnout, "INBOX", self.arriving)


class MoveLetterless(Move):
    """UID MOVE of two messages with a keyword that has no letter."""

    async def prepare(self, client: Client, round: int, separator: str) -> str:
        await take_all_letters(client)
        command = await super().prepare(client, round, separator)
        await client.do(f"UID STORE {command.split()[2]} +FLAGS.SILENT ({LETTERS} far)")
        return command

    def judge(self, turnout: Turnout) -> None:
        super().judge(turnout)
        have_far(turnout, COPIES, self.arriving)


class Expunge:
    """EXPUNGE of two messages."""

    def __init__(self) -> None:
        self.arriving: list[str] = []

    async def prepare(self, client: Client, round: int, separator: str) -> str:
        uids = await two_new(client, [f"expunge {round} {letter}" for letter in "ab"])
        await client.do(f"UID STORE {uids} +FLAGS.SILENT (\\Deleted)")
        return "EXPUNGE"

    def judge(self, turnout: Turnout) -> None:
        doomed = [
            message.subject
            for message in turnout.before["INBOX"].messages.values()
            if "\\Deleted" in message.flags
        ]
        left = turnout.left("INBOX")
        assert set(left) <= set(doomed)
        assert left == sorted(doomed) or not turnout.answered
        assert not turnout.arrived("INBOX")
        turnout.unchanged("INBOX")


class Create:
    """CREATE of a mailbox below another that is not there yet."""

    def __init__(self) -> None:
        self.arriving: list[str] = []
        self._name = ""

    async def prepare(self, client: Client, round: int, separator: str) -> str:
        await delete(client, [f"made{round - KEPT}{separator}inner", f"made{round - KEPT}"])
        self._name = f"made{round}{separator}inner"
        return f"CREATE {self._name}"

    def judge(self, turnout: Turnout) -> None:
        if self._name in turnout.after:
            assert not turnout.after[self._name].messages
        else:
            assert not turnout.answered
        turnout.unchanged(self._name)


class Rename:
    """RENAME of a mailbox with two children, a message in each."""

    def __init__(self) -> None:
        self.arriving: list[str] = []
        self._below: Sequence[str] = ()

    async def prepare(self, client: Client, round: int, separator: str) -> str:
        self._below = ("", f"{separator}a", f"{separator}b")
        past = [f"{name}{round - KEPT}" for name in ("old", "new")]
        await delete(client, [name + below for below in reversed(self._below) for name in past])
        for below in self._below:
            await client.do(f"CREATE old{round}{below}")
            await client.append(f"old{round}{below}", message(f"of {round}{below}"))
        return f"RENAME old{round} new{round}"

    def judge(self, turnout: Turnout) -> None:
        old = [f"old{turnout.round}{below}" for below in self._below]
        new = [f"new{turnout.round}{below}" for below in self._below]
        moved = [name in turnout.after for name in new]
        for was, now in zip(old, new, strict=True):
            assert (was in turnout.after) != (now in turnout.after)
            same(turnout.before[was], turnout.after[now if now in turnout.after else was])
        turnout.unchanged(*old, *new)
        assert all(moved) or not turnout.answered
        if any(moved) and not all(moved):
            raise HalfDone(f"half of it was renamed: {moved}")


class RenameInbox:
    """RENAME of INBOX, which moves its two messages."""

    def __init__(self) -> None:
        self.arriving: list[str] = []

    async def prepare(self, client: Client, round: int, separator: str) -> str:
        await delete(client, [f"kept{round - KEPT}"])
        await client.do("SELECT INBOX")
        await client.do("UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
        await client.do("EXPUNGE")
        subjects = [f"inbox {round} {letter}" for letter in "ab"]
        await two_new(client, subjects)
        await client.do("STORE 1:* +FLAGS.SILENT (word)")
        return f"RENAME INBOX kept{round}"

    def judge(self, turnout: Turnout) -> None:
        subjects = [f"inbox {turnout.round} {letter}" for letter in "ab"]
        name = f"kept{turnout.round}"
        turnout.unchanged("INBOX", name)
        kept = turnout.after[name].subjects if name in turnout.after else None
        assert kept == subjects or not turnout.answered
        left = turnout.after["INBOX"].subjects
        assert {*left, *(kept or ())} == set(subjects), "a message is nowhere"
        if (kept, left) not in ((None, subjects), (subjects, [])):
            raise HalfDone(f"half of it was renamed: {kept} there, {left} left")


class Delete:
    """DELETE of a mailbox with a message and a child."""

    def __init__(self) -> None:
        self.arriving: list[str] = []
        self._child = ""

    async def prepare(self, client: Client, round: int, separator: str) -> str:
        past = f"doomed{round - KEPT}"
        await delete(client, [f"{past}{separator}child", past])
        self._child = f"doomed{round}{separator}child"
        for name in (f"doomed{round}", self._child):
            await client.do(f"CREATE {name}")
            await client.append(name, message(f"of {name}"))
        return f"DELETE doomed{round}"

    def judge(self, turnout: Turnout) -> None:
        name = f"doomed{turnout.round}"
        turnout.unchanged(name)
        if name in turnout.after:
            assert not turnout.answered
            assert not turnout.arrived(name)
            if turnout.left(name):
                raise HalfDone("the mailbox is there without its messages")
            same(turnout.before[name], turnout.after[name])


SCENARIOS: dict[str, type[Scenario]] = {
    "APPEND": Append,
    "MULTIAPPEND": MultiAppend,
    "COPY": Copy,
    "MOVE": Move,
    "STORE": Store,
    "STORE letterless": StoreLetterless,
    "APPEND letterless": AppendLetterless,
    "MOVE letterless": MoveLetterless,
    "EXPUNGE": Expunge,
    "CREATE": Create,
    "RENAME": Rename,
    "RENAME INBOX": RenameInbox,
    "DELETE": Delete,
}


def message(subject: str) -> str:
    """A short message."""
    return f"Subject: {subject}\r\n\r\nThe text of {subject}.\r\n"


def literal(subject: str) -> str:
    """A short message as a literal."""
    content = message(subject)
    return f"{{{len(content)}+}}\r\n{content}"


async def two_new(client: Client, subjects: list[str]) -> str:
    """Select INBOX with new messages; gives their UIDs."""
    appended = await client.do(f"APPEND INBOX {' '.join(map(literal, subjects))}")
    await client.do("SELECT INBOX")
    return (appended.argument("APPENDUID") or "").split()[-1]


async def delete(client: Client, names: list[str]) -> None:
    """Delete the mailboxes that there are of these."""
    for name in names:
        exchange = await client.say(f"DELETE {name}")
        assert exchange.tagged.condition == "OK" or exchange.tagged.code == "NONEXISTENT"


async def take_all_letters(client: Client) -> None:
    """Have keywords in INBOX that take all the letters."""
    if f" {LETTERS.split()[-1]} " not in str(await client.do("SELECT INBOX")):
        await two_new(client, ["letters a", "letters b"])
        await client.do(f"STORE * +FLAGS.SILENT ({LETTERS})")


def have_far(turnout: Turnout, mailbox: str, subjects: list[str]) -> None:
    """The messages that arrived have their keyword without a letter, if OK was answered."""
    arrived = [m for m in turnout.after[mailbox].messages.values() if m.subject in subjects]
    assert not turnout.answered or all("far" in message.flags for message in arrived)


def all_or_none(turnout: Turnout, mailbox: str, subjects: list[str]) -> None:
    """All of some messages arrived in a mailbox or none, all if OK was answered; no other left."""
    arrived = turnout.arrived(mailbox)
    assert arrived == subjects or not turnout.answered, "answered OK, and not there"
    assert not Counter(arrived) - Counter(subjects), "something came twice, or from nowhere"
    assert not turnout.left(mailbox)
    if arrived not in ([], subjects):
        raise HalfDone(f"half of them arrived: {arrived}")


def same(before: Box, after: Box) -> None:
    """A mailbox is what it was."""
    assert after.uidvalidity == before.uidvalidity
    assert after.messages == before.messages
