"""What others hear and are answered while one mailbox is in a storm that doesn't end."""

from pathlib import Path

import trio

from tests.rfc7162.responses import Expunge, MailboxStatus
from tests.storms.programs import Program
from tests.storms.storm import QUIET, Storm
from tests.storms.test_replaced_folder import make_folder

WITHOUT_END = 10_000_000


async def test_a_storm_in_one_mailbox_holds_up_no_other(storm: Storm, maildir: Path) -> None:
    work = maildir / ".Work"
    make_folder(work, "one", 20)
    client, other = await storm.connect(), await storm.connect()
    with trio.fail_after(QUIET):
        while (await client.say("SELECT Work")).exists != 20:
            pass
    await client.begin("IDLE")
    await client.response()
    program = Program("rename", maildir, count=WITHOUT_END)
    program.begin()
    try:
        with trio.fail_after(QUIET):
            status = await other.do("STATUS INBOX (MESSAGES)")
            assert status.one(MailboxStatus).numbers["MESSAGES"] == len(storm.uids)
            await other.do("SELECT INBOX")
            (work / "cur" / "1700000007.one7.storm:2,").unlink()
            while not isinstance(await client.response(), Expunge):
                pass
            make_folder(maildir / ".New", "new", 3)
            while (await other.say("STATUS New (MESSAGES)")).tagged.condition != "OK":
                pass
        assert program.running()
    finally:
        program.stop()
    await storm.assert_calm()
