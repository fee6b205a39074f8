"""The mailbox room as a state machine: sessions and other programs change the same folders.

What must hold, whatever comes in which order: the mailbox ends as the model says; a UID means one
message for ever, also after the index was deleted; HIGHESTMODSEQ and UIDNEXT never go down; a
session that pulls, and a client that comes back from any HIGHESTMODSEQ it was ever told, end with
exactly the mailbox; the index keeps all its invariants.
"""

import os
import shutil
import tempfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import trio
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from maildird.mailbox.account import Account
from maildird.mailbox.requests import Observe
from maildird.mailbox.results import FlagChangeHow, Incoming
from maildird.mailbox.selected import Selected
from maildird.terms.errors import MessageGone
from maildird.terms.flags import LETTER_KEYWORDS, flag_names
from tests.mailbox.world import Beside, Running, assert_sound, settings_for

MAILBOXES = ("INBOX", "Other")
LETTERS = {"D": "\\Draft", "F": "\\Flagged", "R": "\\Answered", "S": "\\Seen", "T": "\\Deleted"}
LETTERED = ("$Junk", "Work", *(f"letter-{number}" for number in range(2, LETTER_KEYWORDS)))
LETTERLESS = ("Far", "$Farther", "farthest")
FLAGS = (*LETTERS.values(), "$Junk", "Work", *LETTERLESS)

mailboxes = st.sampled_from(MAILBOXES)
flag_sets = st.sets(st.sampled_from(FLAGS), max_size=3)
letter_sets = st.sets(st.sampled_from(sorted(LETTERS)), max_size=3)
picks = st.integers(0, 99)


@dataclass
class Cache:
    """What a client that comes and goes remembers of a mailbox (RFC 7162 section 6)."""

    uidvalidity: int
    modseq: int
    messages: dict[int, frozenset[str]]


@dataclass
class Model:
    """One mailbox as it should be: message token to flags."""

    flags: dict[str, frozenset[str]] = field(default_factory=dict)
    told: dict[tuple[int, int], str] = field(default_factory=dict)
    uidnext: int = 0
    modseq: int = 0
    caches: list[Cache] = field(default_factory=list)


async def settled(account: Account, name: str) -> Selected:
    """The mailbox, opened once a look at the disk leaves nothing in doubt."""
    with trio.fail_after(10):
        while True:
            selected = await account.open(name, read_only=True)
            if (await account.door.ask(Observe(selected.id))).settled:
                selected.pull(may_expunge=True)
                return selected
            await selected.close()
            await trio.lowlevel.checkpoint()


async def notice(account: Account, name: str) -> None:
    """Have the account see what other programs did."""
    await (await settled(account, name)).close()


class MailboxMachine(RuleBasedStateMachine):
    """Runs against a real account over a real Maildir; see the head of this file."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="maildird-machine-"))
        self.settings = settings_for(self.directory)
        self.beside = Beside(self.directory / "Maildir")
        self.models = {name: Model() for name in MAILBOXES}
        self.count = 0
        self.running = Running(self.settings)

    @initialize()
    def make_the_other_mailbox(self) -> None:
        """In both all letters are taken."""
        self.running.do(lambda account: account.create("Other"))
        lines = [f"{number} {name}\n" for number, name in enumerate(LETTERED)]
        for name in MAILBOXES:
            (self.beside.folder(name) / "dovecot-keywords").write_text("".join(lines))
            self.running.do(partial(notice, name=name))

    def teardown(self) -> None:
        try:
            self.everything_agrees()
        finally:
            self.running.end()
        assert_sound(self.settings)
        shutil.rmtree(self.directory)

    # Sessions

    @rule(name=mailboxes, flags=st.lists(flag_sets, min_size=1, max_size=3))
    def append(self, name: str, flags: list[set[str]]) -> None:
        incoming = []
        for each in flags:
            token = self.fresh_token()
            incoming.append(Incoming(content_of(token), tuple(each)))
            self.models[name].flags[token] = frozenset(each)
        self.running.do(lambda account: account.append(name, incoming))

    @rule(name=mailboxes, pick=picks, how=st.sampled_from(FlagChangeHow), flags=flag_sets)
    def store(self, name: str, pick: int, how: FlagChangeHow, flags: set[str]) -> None:
        async def work(account: Account) -> str | None:
            selected = await account.open(name, read_only=False)
            try:
                uid = picked(selected, pick)
                if uid is None:
                    return None
                await selected.store([uid], how, tuple(flags))
                return await token_if_there(selected, uid)
            finally:
                await selected.close()

        token = self.running.do(work)
        if token is not None:
            before = self.models[name].flags[token]
            self.models[name].flags[token] = {
                FlagChangeHow.REPLACE: frozenset(flags),
                FlagChangeHow.ADD: before | flags,
                FlagChangeHow.REMOVE: before - flags,
            }[how]

    @rule(name=mailboxes)
    def expunge(self, name: str) -> None:
        async def work(account: Account) -> None:
            selected = await account.open(name, read_only=False)
            await selected.expunge()
            await selected.close()

        self.running.do(work)
        flags = self.models[name].flags
        for token in [token for token, has in flags.items() if "\\Deleted" in has]:
            del flags[token]

    @rule(source=mailboxes, into=mailboxes, pick=picks, move=st.booleans())
    def copy_or_move(self, source: str, into: str, pick: int, move: bool) -> None:
        async def work(account: Account) -> str | None:
            selected = await account.open(source, read_only=False)
            try:
                uid = picked(selected, pick)
                if uid is None:
                    return None
                token = await token_if_there(selected, uid)
                await (selected.move if move else selected.copy)([uid], into)
                return token
            finally:
                await selected.close()

        if not move and source == into:
            return
        token = self.running.do(work)
        if token is not None:
            flags = self.models[source].flags[token]
            if move:
                del self.models[source].flags[token]
                self.models[into].flags[token] = flags
            else:
                self.expunge_copy(into, token)

    # Other programs

    @rule(name=mailboxes)
    def deliver(self, name: str) -> None:
        token = self.fresh_token()
        self.beside.deliver(name, content_of(token))
        self.models[name].flags[token] = frozenset()

    @rule(name=mailboxes, pick=picks, letters=letter_sets)
    def rename_flags(self, name: str, pick: int, letters: set[str]) -> None:
        file = self.picked_file(name, pick)
        if file is not None:
            keywords = [letter for letter in info_of(file) if letter.islower()]
            self.beside.reflag(file, "".join(sorted([*letters, *keywords])))
            token = file_token(file.parent.parent, file.name.partition(":2,")[0])
            kept = self.models[name].flags[token] - set(LETTERS.values())
            self.models[name].flags[token] = frozenset({LETTERS[x] for x in letters} | kept)

    @rule(name=mailboxes, pick=picks)
    def unlink(self, name: str, pick: int) -> None:
        file = self.picked_file(name, pick)
        if file is not None:
            token = token_in(file.read_bytes())
            file.unlink()
            del self.models[name].flags[token]

    @rule(name=mailboxes, pick=picks)
    def move_back_to_new(self, name: str, pick: int) -> None:
        file = self.picked_file(name, pick)
        if file is not None and file.parent.name == "cur":
            file.rename(file.parent.parent / "new" / file.name)

    # The server itself

    @rule(lose_index=st.booleans())
    def restart(self, lose_index: bool) -> None:
        self.running.end()
        if lose_index:
            shutil.rmtree(self.directory / "state" / "index")
        self.running = Running(self.settings)

    @invariant()
    def sound(self) -> None:
        assert_sound(self.settings, self.running.account)

    @rule(name=mailboxes, keep=st.integers(0, 3))
    def prune(self, name: str, keep: int) -> None:
        async def work(account: Account) -> None:
            selected = await account.open(name, read_only=True)
            account.index.write(lambda batch: batch.prune(selected.id, keep))
            await selected.close()

        self.running.do(work)

    @rule()
    def quiet(self) -> None:
        self.everything_agrees()

    def everything_agrees(self) -> None:
        for name, model in self.models.items():
            self.running.do(partial(agree, name=name, model=model))

    # What rules share

    def fresh_token(self) -> str:
        self.count += 1
        return f"token-{self.count}"

    def picked_file(self, name: str, pick: int) -> Path | None:
        files = self.beside.files(name)
        return files[pick % len(files)] if files else None

    def expunge_copy(self, name: str, token: str) -> None:
        """A copy has its original's token; take it away again, so that tokens stay unique."""

        async def work(account: Account) -> None:
            selected = await account.open(name, read_only=False)
            for uid in reversed(selected.view.uids):
                if await token_of(selected, uid) == token:
                    await selected.store([uid], FlagChangeHow.ADD, ("\\Deleted",))
                    await selected.expunge([uid])
                    break
            await selected.close()

        self.running.do(work)


async def agree(account: Account, name: str, model: Model) -> None:
    """The mailbox equals the model; nothing went back; every cached client converges."""
    selected = await settled(account, name)
    view = selected.view
    try:
        tokens = {uid: await token_of(selected, uid) for uid in view.uids}
        present = {
            tokens[uid]: frozenset(flag_names(mask, selected.keywords))
            for uid, mask in zip(view.uids, view.masks, strict=True)
        }
        assert present == model.flags
        for uid, token in tokens.items():
            assert model.told.setdefault((selected.uidvalidity, uid), token) == token
        assert view.uidnext >= model.uidnext
        assert view.highestmodseq >= model.modseq
        model.uidnext, model.modseq = view.uidnext, view.highestmodseq
        whole = {
            uid: frozenset(flag_names(mask, selected.keywords))
            for uid, mask in zip(view.uids, view.masks, strict=True)
        }
        for cache in model.caches:
            assert resynchronised(selected, cache, whole) == whole
        model.caches.append(Cache(selected.uidvalidity, view.highestmodseq, whole))
    finally:
        await selected.close()


def resynchronised(
    selected: Selected, cache: Cache, whole: dict[int, frozenset[str]]
) -> dict[int, frozenset[str]]:
    """What a client has after it asked for all changes since its HIGHESTMODSEQ."""
    assert cache.uidvalidity == selected.uidvalidity
    gone = selected.gone_since(cache.modseq)
    messages = {uid: flags for uid, flags in cache.messages.items() if uid not in gone}
    for uid in (selected.view.uids[at] for at in selected.changed_rows(cache.modseq)):
        messages[uid] = whole[uid]
    return messages


def content_of(token: str) -> bytes:
    return f"Subject: {token}\n\nbody of {token}\n".encode()


def token_in(content: bytes) -> str:
    return content.split(b"\n", 1)[0].strip().removeprefix(b"Subject: ").decode()


async def token_of(selected: Selected, uid: int) -> str:
    return token_in((await selected.read(uid)).data)


async def token_if_there(selected: Selected, uid: int) -> str | None:
    """The token; None for a message that another program removed, which a busy look can't prove."""
    try:
        return await token_of(selected, uid)
    except MessageGone:
        return None


def picked(selected: Selected, pick: int) -> int | None:
    uids = selected.view.uids
    return uids[pick % len(uids)] if uids else None


def file_token(folder: Path, base: str) -> str:
    """The token of the message whose base name is `base`."""
    (file,) = [f for f in (folder / "cur").iterdir() if f.name.partition(":2,")[0] == base]
    return token_in(file.read_bytes())


def info_of(file: Path) -> str:
    return file.name.partition(":2,")[2]


MailboxMachine.TestCase.settings = settings(
    max_examples=int(os.environ.get("MACHINE_EXAMPLES", "25")),
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestMailboxMachine = MailboxMachine.TestCase
