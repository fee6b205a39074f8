"""The server is killed while it takes in a tree that it never saw."""

import shutil

from tests.durability.rounds import no_strays, steps
from tests.durability.seen import Known, look
from tests.durability.server import Server

UIDVALIDITY = 1234567890
FIRST_FREE = 12


async def test_what_a_kill_at_the_first_indexing_leaves(server: Server) -> None:
    """The next server takes the tree in as if nothing had been; what Dovecot told stays true."""
    await begin_anew(server, "watch")
    server.end()
    for step in steps(len(server.trace)):
        await begin_anew(server, f"kill {step}")
        server.end()
        server.start()
        client = await server.connect()
        world = await look(client)
        await Known().visit(client, world)
        await client.close()
        inbox = world["INBOX"]
        assert inbox.uidvalidity == UIDVALIDITY
        *old, (uid, new) = [(uid, each.subject) for uid, each in inbox.messages.items()]
        assert old == [(7, "old 7"), (9, "old 9")]
        assert new == "new"
        assert uid >= FIRST_FREE  # below which UIDs may have been told before the kill
        assert not server.check()
        await no_strays(server.root)
        server.end()


async def begin_anew(server: Server, plan: str) -> None:
    """Start a server over a new tree, and look at it if it gets so far."""
    shutil.rmtree(server.root, ignore_errors=True)
    shutil.rmtree(server.state, ignore_errors=True)
    for subdir in ("cur", "new", "tmp"):
        (server.root / subdir).mkdir(parents=True)
    for uid in (7, 9):
        (server.root / "cur" / f"{uid}.host:2,S").write_text(f"Subject: old {uid}\n\nx\n")
    (server.root / "new" / "20.host").write_text("Subject: new\n\nx\n")
    lines = [f"3 V{UIDVALIDITY} N{FIRST_FREE}", "7 :7.host:2,S", "9 :9.host:2,S", ""]
    (server.root / "dovecot-uidlist").write_text("\n".join(lines))
    server.start(plan)
