"""Convergence: whatever happens in which order, a client that comes back ends with the mailbox.

Theory of operation. Clients of three kinds, other programs and the server itself change one mailbox
over real sessions and a real Maildir. Answers arrive in part before a connection breaks, commands
are said and never heard of again, sessions overlap, the server restarts, loses its index, forgets
old tombstones. What a client knew after each of its commands is kept.

At a quiet point the disk is compared with what a fresh session sees. Then every client that is
connected must know exactly that after one NOOP; and a client must end with exactly that from
whatever it ever knew, with any known UIDs and match data, asked for in either way, hearing of no
message that did not change.

`CONVERGENCE_EXAMPLES=5000` makes a long run of it; a failure prints how to repeat it.
"""

import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import trio
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from maildird.index.batches import Batch
from tests.dialogues.dialogue import Server
from tests.mailbox.world import Beside, InThread, assert_sound, settings_for
from tests.rfc7162.cache import Cache, Flags, Kind, Visit
from tests.rfc7162.client import Client
from tests.rfc7162.crowd import Crowd, Person, filled
from tests.rfc7162.responses import Fetch, Vanished
from tests.rfc7162.truth import LETTERS, Truth, served, the_truth

KINDS = (Kind.QRESYNC, Kind.QRESYNC, Kind.CONDSTORE, Kind.PLAIN)
FLAGS = ("\\Seen", "\\Deleted", "\\Flagged", "$Junk", "Work")

clients = st.integers(0, len(KINDS) - 1)
picks = st.integers(0, 99)
flag_sets = st.sets(st.sampled_from(FLAGS), max_size=2).map(frozenset)
hearing = st.sampled_from([1.0] * 12 + [0.0, 0.3, 0.5, 0.7, 0.9])
"""How much of an answer arrives; the connection breaks when it is not all of it."""


class Convergence(RuleBasedStateMachine):
    """See the head of this file."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="maildird-convergence-"))
        self.beside = Beside(self.directory / "Maildir")
        self.server = InThread(served(self.directory, self.beside))
        self.crowd = Crowd([Person(kind) for kind in KINDS])
        self.subjects: dict[tuple[int, int], str] = {}
        self.count = 0

    @initialize(seed=st.integers(0, 2**32), mails=st.integers(0, 6))
    def begin(self, seed: int, mails: int) -> None:
        self.crowd.chance.seed(seed)
        self.do(self._create_other)
        for _ in range(mails):
            self.deliver()

    def teardown(self) -> None:
        try:
            self.do(self._agree)
        finally:
            self.server.end()
        assert_sound(settings_for(self.directory))
        shutil.rmtree(self.directory)

    # Clients

    @rule(
        who=clients,
        heard=hearing,
        command=st.sampled_from(
            [
                "NOOP",
                "CHECK",
                "STATUS INBOX (UNSEEN HIGHESTMODSEQ)",
                'LIST "" INBOX RETURN (STATUS (HIGHESTMODSEQ))',
                "FETCH {n} FLAGS",
                "FETCH {n} BODY[]",
                "FETCH 1:* (UID FLAGS)",
                "FETCH 1:* (MODSEQ)",
                "FETCH 1:* (UID FLAGS) (CHANGEDSINCE {m})",
                "UID FETCH {u} (FLAGS MODSEQ)",
                "UID FETCH {u} BODY[TEXT]",
                "UID FETCH 1:* (FLAGS) (CHANGEDSINCE {m} VANISHED)",
                "UID FETCH $ (FLAGS) (CHANGEDSINCE {m} VANISHED)",
                "SEARCH MODSEQ {m}",
                "UID SEARCH UNSEEN",
                "UID SEARCH {n} MODSEQ 1",
                "SEARCH RETURN (SAVE) ALL",
                "COPY {n} Other",
                "UID COPY {u} INBOX",
                "MOVE {n} Other",
                "UID MOVE {u} Other",
                "EXPUNGE",
                "UID EXPUNGE {u}:*",
            ]
        ),
        pick=picks,
    )
    def say(self, who: int, heard: float, command: str, pick: int) -> None:
        self.act(who, command, heard, pick)

    @rule(
        who=clients,
        heard=hearing,
        named=st.sets(picks, min_size=1, max_size=3),
        how=st.sampled_from(["FLAGS", "+FLAGS", "-FLAGS"]),
        silent=st.booleans(),
        flags=flag_sets,
        by_number=st.booleans(),
        since=st.sampled_from([None, None, "now", "0"]),
        beside=st.one_of(st.none(), picks),
    )
    def store(
        self,
        who: int,
        heard: float,
        named: set[int],
        how: str,
        silent: bool,
        flags: Flags,
        by_number: bool,
        since: str | None,
        beside: int | None,
    ) -> None:
        """Flags change, and another program changes others at the same moment."""

        async def work(server: Server) -> None:
            person, visit = await self.crowd.visit(server, who)
            if beside is not None:
                self.reflag(beside, {"F", "R"})
            known = sorted(person.cache.flags)
            uids = sorted({known[pick % len(known)] for pick in named}) if known else []
            more = "#" if by_number else ""
            if since is not None and person.kind is not Kind.PLAIN:
                value = person.cache.modseq if since == "now" else 0
                more += f"(UNCHANGEDSINCE {value}) "
            await visit.store(uids, how + ".SILENT" * silent, flags, more, heard)
            await self.crowd.after(person, heard)

        self.do(work)

    @rule(who=clients, flags=flag_sets, heard=hearing)
    def append(self, who: int, flags: Flags, heard: float) -> None:
        self.act(who, f"APPEND INBOX ({' '.join(sorted(flags))}) {self._literal()}", heard)

    @rule(who=clients, heard=hearing)
    def fetch_new(self, who: int, heard: float) -> None:
        async def work(server: Server) -> None:
            person, visit = await self.crowd.visit(server, who)
            await visit.fetch_new(heard)
            await self.crowd.after(person, heard)

        self.do(work)

    @rule(who=clients)
    def begin_idle(self, who: int) -> None:
        async def work(server: Server) -> None:
            person, visit = await self.crowd.visit(server, who)
            person.idling = await visit.client.begin("IDLE")

        self.do(work)

    @rule(pair=st.permutations(range(len(KINDS))), pick=picks, deeds=st.tuples(picks, picks))
    def at_once(self, pair: list[int], pick: int, deeds: tuple[int, int]) -> None:
        """Two clients change the mailbox at the same moment."""
        commands = (
            "UID STORE {u} +FLAGS (\\Seen $Junk)",
            "UID STORE {u} FLAGS (\\Deleted)",
            "EXPUNGE",
            "UID MOVE {u} Other",
            f"APPEND INBOX (\\Flagged) {self._literal()}",
            "NOOP",
            "FETCH 1:* MODSEQ",
            "UID COPY {u} INBOX",
        )

        async def work(server: Server) -> None:
            for who in pair[:2]:
                await self.crowd.visit(server, who)
            async with trio.open_nursery() as nursery:
                for who, deed in zip(pair[:2], deeds, strict=True):
                    command = commands[deed % len(commands)]
                    nursery.start_soon(self.crowd.act, server, who, command, 1.0, pick)

        self.do(work)

    @rule(
        who=clients,
        command=st.sampled_from(
            [
                "FETCH 1:* MODSEQ",
                "FETCH {n} BODY[]",
                "STORE {n} +FLAGS (\\Seen)",
                "STORE {n} -FLAGS (\\Seen)",
            ]
        ),
        heard=hearing,
        pick=picks,
    )
    def keep_numbers(self, who: int, command: str, heard: float, pick: int) -> None:
        """A message is expunged, and the next command doesn't allow to say so."""

        async def work(server: Server) -> None:
            person, _visit = await self.crowd.visit(server, who)
            remover = Client((await server.connect()).stream)
            await remover.do("SELECT INBOX")
            uid = filled(person, "{u}", pick)
            if uid is not None:
                await remover.do(f"UID STORE {uid} +FLAGS (\\Deleted)")
                await remover.do(f"UID EXPUNGE {uid}")
            await remover.close()
            await self.crowd.act(server, who, command, heard, pick)

        self.do(work)

    @rule(
        who=clients, command=st.sampled_from(["EXPUNGE", "UID MOVE {u} Other", "NOOP"]), pick=picks
    )
    def say_and_go(self, who: int, command: str, pick: int) -> None:
        """The connection breaks before anything is heard; the server is at work meanwhile."""

        async def work(server: Server) -> None:
            person, visit = await self.crowd.visit(server, who)
            said = filled(person, command, pick)
            if said is not None:
                await visit.client.begin(said)
            await visit.client.close()
            person.leave()

        self.do(work)

    @rule(who=clients)
    def go_home(self, who: int) -> None:
        async def work(server: Server) -> None:
            person = self.crowd.people[who]
            if person.visit is not None:
                await person.visit.client.close()
            person.leave()

        self.do(work)

    # Other programs

    @rule()
    def deliver(self) -> None:
        self.beside.deliver("INBOX", self._mail().encode())

    @rule(pick=picks, letters=st.sets(st.sampled_from(sorted(LETTERS)), max_size=3))
    def reflag_beside(self, pick: int, letters: set[str]) -> None:
        self.reflag(pick, letters)

    def reflag(self, pick: int, letters: set[str]) -> None:
        files = self.beside.files("INBOX")
        with suppress(IndexError, FileNotFoundError):  # the server renames it at the same moment
            self.beside.reflag(_picked(files, pick), "".join(sorted(letters)))

    @rule(pick=picks)
    def unlink(self, pick: int) -> None:
        files = self.beside.files("INBOX")
        with suppress(IndexError, FileNotFoundError):
            _picked(files, pick).unlink()

    # The server

    @rule(lose_index=st.sampled_from([False, False, False, True]))
    def restart(self, lose_index: bool) -> None:
        self.server.end()
        if lose_index:
            shutil.rmtree(self.directory / "state" / "index")
            self.crowd.honest = True
        self.server = InThread(served(self.directory, self.beside))
        for person in self.crowd.people:
            person.leave()

    @rule(keep=st.integers(0, 4))
    def prune(self, keep: int) -> None:
        """Old tombstones go, whatever sessions are open."""

        async def work(server: Server) -> None:
            def forget() -> None:
                with server.account.index.snapshot() as snapshot:
                    row = snapshot.mailbox_named(("INBOX",))
                if row is not None:
                    prune = partial(Batch.prune, mailbox=row.id, keep=keep)
                    server.account.index.write(prune)

            await trio.to_thread.run_sync(forget)

        self.do(work)
        self.crowd.honest = True

    @rule()
    def quiet(self) -> None:
        self.do(self._agree)

    # How clients act

    def do(self, work: Callable[[Server], Awaitable[None]]) -> None:
        self.server.do(work)

    def act(self, who: int, command: str, heard: float, pick: int = 0) -> None:
        self.do(lambda server: self.crowd.act(server, who, command, heard, pick))

    async def _create_other(self, server: Server) -> None:
        client = Client((await server.connect()).stream)
        await client.do("CREATE Other")
        await client.close()

    def _literal(self) -> str:
        mail = self._mail()
        return f"{{{len(mail)}+}}\r\n{mail}"

    def _mail(self) -> str:
        self.count += 1
        return f"Subject: mail {self.count}\r\n\r\nbody\r\n"

    # The quiet point

    async def _agree(self, server: Server) -> None:
        """Everybody knows the mailbox, or gets to know it from all that it ever knew."""
        truth = await the_truth(server)
        for uid, subject in truth.subjects.items():
            assert self.subjects.setdefault((truth.uidvalidity, uid), subject) == subject
        assert truth.highestmodseq >= self.crowd.highest, "HIGHESTMODSEQ went down"
        self.crowd.present = sorted(truth.flags)
        for who, person in enumerate(self.crowd.people):
            if person.visit is not None:
                await self.crowd.visit(server, who)
                await person.visit.do("NOOP")
                await person.visit.fetch_new()
                assert person.cache.flags == truth.flags, _shown(person.visit.client)
                assert person.visit.numbers == self.crowd.present
                self.crowd.remember(person)
        for kind, cache in self.crowd.some_knowledge():
            await self._come_back(server, kind, cache.copy(), truth)

    async def _come_back(self, server: Server, kind: Kind, cache: Cache, truth: Truth) -> None:
        before, way = cache.copy(), self.crowd.some_way()
        client = Client((await server.connect()).stream)
        selected = await Visit(client, kind, cache).open(way, "EXAMINE INBOX")
        await client.close()
        assert cache.uidvalidity == truth.uidvalidity
        assert cache.flags == truth.flags, f"{kind} from {before}\n{_shown(client)}"
        assert kind is Kind.PLAIN or cache.modseq == truth.highestmodseq
        for fetch in selected.all(Fetch):
            assert fetch.modseq is not None
            assert fetch.modseq > before.modseq, "told of a message that did not change"
        for vanished in selected.all(Vanished):
            assert not truth.flags.keys() & set(vanished.uids)


def _shown(client: Client) -> str:
    return b"".join(client.talk).decode("utf-8", "backslashreplace")


def _picked(files: Sequence[Path], pick: int) -> Path:
    return files[pick % max(1, len(files))]


Convergence.TestCase.settings = settings(
    max_examples=int(os.environ.get("CONVERGENCE_EXAMPLES", "60")),
    stateful_step_count=50,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
TestConvergence = Convergence.TestCase
