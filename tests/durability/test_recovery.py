"""What a start makes of a command that was cut short, when others were at work in between.

A server is killed in the middle of a command, mostly one that moves two messages from INBOX to
another mailbox. Then something happens to what it left, and the next server starts.
"""

import json
import os
import shutil
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio

from maildird.maildir.holding import Hold
from maildird.maildir.names import spelled_host
from tests.durability.faults import BEGUN
from tests.durability.rounds import no_strays, steps
from tests.durability.scenarios import COPIES, message, two_new
from tests.durability.seen import look
from tests.durability.server import Server
from tests.rfc7162.client import Client

pytestmark = pytest.mark.parametrize("layout", ["maildir++"])

MOVE = f"UID MOVE UIDS {COPIES}"
SUBJECTS = ["one", "two"]

NOT_DONE = {"INBOX": SUBJECTS, COPIES: ["three"]}
DONE = {"INBOX": [], COPIES: ["one", "three", "two"]}

FIRST_LINK = r"1 ^link \S+/cur/"
SECOND_LINK = r"2 ^link \S+/cur/"
FIRST_HIDDEN = r"1 ^rename \S+/cur/\S+ to \S+/tmp/"
SECOND_HIDDEN = r"2 ^rename \S+/cur/\S+ to \S+/tmp/"
COMMITTED = r"1 ^unlink \S+/tmp/\S+-hidden-"
"""Steps of a move, in place of which the server is killed; the last comes after the commit."""

PATIENCE = 10


async def kill(
    server: Server,
    command: str,
    step: str,
    before: Callable[[Client], Awaitable[None]] | None = None,
) -> None:
    """Have a server with two messages in INBOX die of a command; `UIDS` in it are theirs.

    `before` is done before the command, while nothing else goes on.
    """
    server.start()
    client = await server.connect()
    await client.do(f"CREATE {COPIES}")
    await client.append(COPIES, message("three"))
    uids = await two_new(client, SUBJECTS)
    await is_listed(server, "three")
    if before is not None:
        await before(client)
    server.plan(f"kill {step} after {BEGUN}")
    with pytest.raises((trio.BrokenResourceError, OSError)):
        await client.do(command.replace("UIDS", uids))
    await client.close()
    assert server.wait() == -9
    assert intents(server)


async def is_listed(server: Server, subject: str) -> None:
    """The uidlist of the target has a message; it is written when there is time."""
    (file,) = files(server, subject)
    deadline = trio.current_time() + PATIENCE
    base = file.name.partition(":2,")[0]
    while not uidlist(server).exists() or base not in uidlist(server).read_text():
        assert trio.current_time() < deadline
        await trio.sleep(0.01)


async def found(server: Server) -> dict[str, list[str]]:
    """Start a server, and say which subjects each mailbox has; nothing strays then."""
    assert server.start(), server.log
    client = await server.connect()
    world = await look(client)
    await client.close()
    await no_strays(server.root)
    assert not server.check()
    return {name: box.subjects for name, box in world.items()}


def intents(server: Server) -> list[Path]:
    """What tells that something was begun."""
    return list(server.root.rglob("..maildird-intent-*"))


def files(server: Server, subject: str, folder: str = f".{COPIES}") -> list[Path]:
    """The files of a message in a folder, the target if no other is named."""
    every = (server.root / folder / "cur").iterdir()
    return [file for file in every if f"Subject: {subject}\n" in file.read_text()]


def uidlist(server: Server) -> Path:
    """That of the target."""
    return server.root / f".{COPIES}" / "dovecot-uidlist"


@pytest.mark.parametrize("step", [FIRST_LINK, SECOND_LINK, FIRST_HIDDEN, SECOND_HIDDEN])
async def test_copies_that_others_gave_flags_are_taken_back(server: Server, step: str) -> None:
    await kill(server, MOVE, step)
    for file in [*files(server, "one"), *files(server, "two")]:
        file.rename(file.with_name(file.name + "F"))
    assert await found(server) == NOT_DONE


async def test_originals_go_after_the_commit(server: Server) -> None:
    await kill(server, MOVE, COMMITTED)
    assert await found(server) == DONE


async def test_originals_that_a_power_cut_brought_back_go(server: Server) -> None:
    """They were hidden, and the directory was not synced; the copies were."""
    await kill(server, MOVE, COMMITTED)
    (intent,) = intents(server)
    hiding = server.root / "tmp" / json.loads(intent.read_bytes())["hiding"]
    for file in hiding.iterdir():
        file.rename(server.root / "cur" / file.name)
    assert await found(server) == DONE


async def test_a_copy_stays_when_others_removed_its_original(server: Server) -> None:
    """The copy may be the only one there is."""
    await kill(server, MOVE, FIRST_HIDDEN)
    for file in files(server, "one", "."):
        file.unlink()
    assert await found(server) == {"INBOX": ["two"], COPIES: ["one", "three"]}


async def test_a_copy_stays_that_another_server_gave_a_uid(server: Server) -> None:
    await kill(server, f"UID COPY UIDS {COPIES}", SECOND_LINK)
    (copy,) = files(server, "one")
    with uidlist(server).open("a") as file:
        file.write(f"100 :{copy.name}\n")
    assert await found(server) == {"INBOX": SUBJECTS, COPIES: ["one", "three"]}


@pytest.mark.parametrize("step", [SECOND_LINK, SECOND_HIDDEN, COMMITTED])
async def test_nothing_is_removed_when_the_index_is_lost(server: Server, step: str) -> None:
    await kill(server, MOVE, step)
    there = {"three", *(each for each in SUBJECTS if files(server, each))}
    shutil.rmtree(server.state)
    assert await found(server) == {"INBOX": SUBJECTS, COPIES: sorted(there)}


async def test_nothing_is_removed_for_an_index_from_an_older_backup(server: Server) -> None:
    async def back_up(client: Client) -> None:
        ignored = shutil.ignore_patterns("status")
        shutil.copytree(server.state, server.directory / "backup", ignore=ignored)
        await client.do("STORE 1 +FLAGS (\\Flagged)")

    await kill(server, MOVE, COMMITTED, back_up)
    shutil.rmtree(server.state)
    shutil.move(server.directory / "backup", server.state)
    assert await found(server) == {"INBOX": SUBJECTS, COPIES: DONE[COPIES]}


@pytest.mark.parametrize("rest", [b"", b"{", b"[]", b"{}", b"\0\0", b"[" * 200_000])
async def test_an_intent_that_was_not_written_to_its_end_goes(server: Server, rest: bytes) -> None:
    await kill(server, MOVE, FIRST_LINK)
    (intent,) = intents(server)
    intent.write_bytes(rest)
    assert await found(server) == NOT_DONE


async def test_a_settled_intent_that_comes_back_does_nothing(server: Server) -> None:
    """After a power cut; others had put one message back to where it was."""
    await kill(server, MOVE, COMMITTED)
    (intent,) = intents(server)
    said = intent.read_bytes()
    original = json.loads(said)["pairs"][0][1]
    assert await found(server) == DONE
    assert server.end() == 0
    (server.root / "cur" / f"{original}:2,").write_text("Subject: one\n\nbody\n")
    assert await found(server) == {"INBOX": ["one"], COPIES: DONE[COPIES]}
    assert server.end() == 0
    intent.write_bytes(said)
    assert await found(server) == {"INBOX": ["one"], COPIES: DONE[COPIES]}


async def test_the_intent_of_a_server_that_runs_is_left_alone(server: Server) -> None:
    """It serves the same tree with an index of its own."""
    await kill(server, MOVE, SECOND_LINK)
    (intent,) = intents(server)
    said = json.loads(intent.read_bytes()) | {"index": "another"}
    intent.unlink()
    made, _, host = intent.name.partition("R")
    theirs = intent.with_name(f"{made.rpartition('P')[0]}P{os.getpid()}R{host}")
    theirs.write_text(json.dumps(said))
    with holding(server):
        assert server.start()
        assert intents(server) == [theirs]
        assert files(server, "one")
    assert server.end() == 0
    assert await found(server) == {"INBOX": SUBJECTS, COPIES: ["one", "three"]}


@pytest.mark.parametrize(
    ("command", "step", "intent_is_lost", "expected"),
    [
        (MOVE, SECOND_HIDDEN, False, {"INBOX": SUBJECTS, COPIES: ["one", "three", "two"]}),
        (MOVE, SECOND_HIDDEN, True, {"INBOX": SUBJECTS, COPIES: ["one", "three", "two"]}),
        (MOVE, COMMITTED, False, {"INBOX": SUBJECTS, COPIES: ["one", "three", "two"]}),
        (f"RENAME {COPIES} others", "1 ^commit ", False, NOT_DONE),
        (f"DELETE {COPIES}", "1 ^commit ", False, NOT_DONE),
    ],
)
async def test_what_a_container_hid_comes_back_with_the_next_one(
    server: Server, command: str, step: str, intent_is_lost: bool, expected: dict[str, list[str]]
) -> None:
    """It has another host name and no index; but nothing comes back while somebody may be at it."""
    await kill(server, command, step)
    shutil.rmtree(server.state)
    _happened_elsewhere(server)
    if intent_is_lost:
        intents(server)[0].unlink()
    left = set(server.root.rglob("..maildird-*"))
    with holding(server):
        assert server.start()
        assert left <= set(server.root.rglob("..maildird-*"))
        assert server.end() == 0
    shutil.rmtree(server.state)
    assert await found(server) == expected


@pytest.mark.parametrize(
    ("command", "step", "expected"),
    [
        (MOVE, SECOND_HIDDEN, NOT_DONE),
        (MOVE, COMMITTED, DONE),
        (f"RENAME {COPIES} others", "1 ^commit ", NOT_DONE),
        (f"DELETE {COPIES}", "1 ^commit ", NOT_DONE),
        (f"DELETE {COPIES}", "1 ^unlink .*intent", {"INBOX": SUBJECTS}),
    ],
)
async def test_a_start_that_is_killed_leaves_the_rest_to_the_next(
    server: Server, command: str, step: str, expected: dict[str, list[str]]
) -> None:
    await kill(server, command, step)
    left = server.directory / "left"
    shutil.copytree(server.directory, left, ignore=shutil.ignore_patterns("status"))
    changes = "^(rename|unlink|fsync|rmdir|commit|committed) "
    server.start(f"watch 0 {changes}")
    assert server.end() == 0
    assert len(server.trace) > 2
    for number in steps(len(server.trace)):
        for name in ("Maildir", "state"):
            shutil.rmtree(server.directory / name)
            shutil.copytree(left / name, server.directory / name)
        server.start(f"kill {number} {changes}")
        server.end()
        assert await found(server) == expected
        server.close()


@pytest.mark.parametrize("command", [f"RENAME {COPIES} others", f"DELETE {COPIES}"])
async def test_folders_are_put_back_when_the_index_is_lost(server: Server, command: str) -> None:
    await kill(server, command, "1 ^commit ")
    shutil.rmtree(server.state)
    assert await found(server) == NOT_DONE


async def test_originals_come_back_when_the_target_is_not_mounted(server: Server) -> None:
    """What explains why they are hidden is on the other disk."""
    await kill(server, MOVE, "1 ^commit ")
    (server.root / f".{COPIES}").rename(server.directory / "unmounted")
    (server.root / f".{COPIES}").mkdir()
    assert server.start()
    assert len(files(server, "one", ".")) == len(files(server, "two", ".")) == 1
    assert server.end() == 0
    (server.root / f".{COPIES}").rmdir()
    (server.directory / "unmounted").rename(server.root / f".{COPIES}")
    assert await found(server) == NOT_DONE


async def test_originals_come_back_when_the_target_is_restored_from_a_backup(
    server: Server,
) -> None:
    target, backup = server.root / f".{COPIES}", server.directory / "backup"

    async def back_up(client: Client) -> None:
        shutil.copytree(target, backup)

    await kill(server, MOVE, "1 ^commit ", back_up)
    shutil.rmtree(target)
    backup.rename(target)
    assert await found(server) == NOT_DONE


async def test_an_original_whose_name_was_taken_comes_back_under_another(server: Server) -> None:
    await kill(server, MOVE, "1 ^commit ")
    for hidden in (server.root / "tmp").glob("*/*"):
        (server.root / "cur" / hidden.name).write_text("Subject: other\n\nbody\n")
    for copy in [*files(server, "one"), *files(server, "two")]:
        copy.unlink()
    assert server.start()
    assert len(files(server, "one", ".")) == len(files(server, "two", ".")) == 1
    assert len(files(server, "other", ".")) == 2


async def test_flags_that_others_set_before_a_move_are_there_when_it_is_taken_back(
    server: Server,
) -> None:
    await kill(server, MOVE, SECOND_HIDDEN, give_flags(server))
    assert await found(server) == NOT_DONE
    for subject in SUBJECTS:
        (file,) = files(server, subject, ".")
        assert file.name.endswith(":2,F")


async def test_delivered_messages_that_were_read_meanwhile_stay(server: Server) -> None:
    literals = " ".join(f"{{{len(message(each))}+}}\r\n{message(each)}" for each in "abc")
    await kill(server, f"APPEND {COPIES} {literals}", r"3 ^rename \S+/tmp/\S+ to \S+/cur/")
    (read,) = files(server, "a")
    read.rename(read.with_name(read.name + "RS"))
    assert await found(server) == {"INBOX": SUBJECTS, COPIES: ["a", "three"]}


@pytest.mark.parametrize("command", ["MOVE", "COPY"])
async def test_the_folder_that_copies_came_from_may_have_been_renamed(
    server: Server, command: str
) -> None:
    async def select_other(client: Client) -> None:
        await client.do("CREATE origin")
        await client.do("MOVE 1:2 origin")
        await client.do("SELECT origin")

    step = SECOND_LINK if command == "COPY" else r"2 ^rename \S+/cur/\S+ to \S+/tmp/"
    await kill(server, f"{command} 1:2 {COPIES}", step, select_other)
    (server.root / ".origin").rename(server.root / ".renamed")
    assert await found(server) == {"INBOX": [], "renamed": SUBJECTS, COPIES: ["three"]}


async def test_a_deleted_folder_is_put_back_into_one_that_others_made_meanwhile(
    server: Server,
) -> None:
    await kill(server, f"DELETE {COPIES}", "1 ^commit ")
    deliver(server, COPIES)
    assert await found(server) == NOT_DONE | {COPIES: ["delivered", "three"]}


@pytest.mark.parametrize("index", ["kept", "lost"])
async def test_keywords_are_put_back_into_a_folder_that_others_made_meanwhile(
    server: Server, index: str
) -> None:
    """Their letters mean others there."""

    async def flag(client: Client) -> None:
        await client.do(f"SELECT {COPIES}")
        await client.do("STORE 1 +FLAGS (work home)")

    await kill(server, f"DELETE {COPIES}", "1 ^commit ", flag)
    deliver(server, COPIES)
    new = server.root / f".{COPIES}"
    (new / "dovecot-keywords").write_text("0 news\n")
    (new / "new" / "1700000000.1.agent").rename(new / "cur" / "1700000000.1.agent:2,a")
    if index == "lost":
        shutil.rmtree(server.state)
    assert await found(server) == NOT_DONE | {COPIES: ["delivered", "three"]}
    client = await server.connect()
    world = await look(client)
    await client.close()
    flags = {each.subject: each.flags for each in world[COPIES].messages.values()}
    assert flags == {"three": {"work", "home"}, "delivered": {"news"}}


async def test_a_renamed_folder_is_put_back_into_one_that_others_made_meanwhile(
    server: Server,
) -> None:
    async def make_child(client: Client) -> None:
        await client.do(f"CREATE {COPIES}.child")
        await client.append(f"{COPIES}.child", message("four"))

    await kill(server, f"RENAME {COPIES} others", rf"2 ^rename \S+/.{COPIES}", make_child)
    deliver(server, COPIES)
    expected = {COPIES: ["delivered", "three"], f"{COPIES}.child": ["four"]}
    assert await found(server) == NOT_DONE | expected


async def test_a_folder_of_others_at_the_new_place_is_not_put_back(server: Server) -> None:
    await kill(server, f"RENAME {COPIES} others", r"1 ^rename ")
    deliver(server, "others")
    assert await found(server) == NOT_DONE | {"others": ["delivered"]}


async def test_what_cannot_be_settled_now_is_settled_later(server: Server) -> None:
    """Another intent is settled in between."""
    await kill(server, MOVE, COMMITTED)
    server.start(r"EACCES 1 ^unlink \S+-hidden-")
    assert intents(server)
    client = await server.connect()
    await client.do("CREATE new")
    await client.do("RENAME new newer")
    await client.close()
    assert server.end() == 0
    assert await found(server) == DONE | {"newer": []}


async def test_originals_that_cannot_be_removed_go_at_the_next_start(server: Server) -> None:
    server.start()
    client = await server.connect()
    await client.do(f"CREATE {COPIES}")
    uids = await two_new(client, SUBJECTS)
    server.plan(r"EACCES 1 ^unlink \S+-hidden-")
    await client.do(MOVE.replace("UIDS", uids))
    await client.do("CREATE new")
    await client.do("RENAME new newer")
    await client.close()
    assert server.end() == 0
    assert intents(server)
    assert await found(server) == {"INBOX": [], COPIES: SUBJECTS, "newer": []}


@contextmanager
def holding(server: Server) -> Iterator[None]:
    """Be another server that is in the middle of something in the tree."""
    hold = Hold()
    hold.take(os.fsencode(server.root))
    yield
    hold.release()


def _happened_elsewhere(server: Server) -> None:
    """Have what was left be made on another host."""
    here, there = os.fsdecode(spelled_host()), "another.example"
    for path in sorted(server.root.rglob("..maildird-*"), reverse=True):
        if path.is_file():
            path.write_text(path.read_text().replace(here, there))
        path.rename(path.with_name(path.name.replace(here, there)))


def deliver(server: Server, name: str) -> None:
    """A delivery agent makes the folder that it delivers to."""
    folder = server.root / f".{name}"
    for subdir in ("cur", "new", "tmp"):
        (folder / subdir).mkdir(parents=True)
    (folder / "new" / "1700000000.1.agent").write_text("Subject: delivered\n\nbody\n")


def give_flags(server: Server) -> Callable[[Client], Awaitable[None]]:
    async def give(client: Client) -> None:
        for subject in SUBJECTS:
            for file in files(server, subject, "."):
                file.rename(file.with_name(file.name + "F"))

    return give
