"""mbsync, two ways: after changes on both sides, both have the same messages and flags."""

from collections.abc import Callable
from pathlib import Path

from tests.clients.conftest import Start
from tests.clients.maildirs import change_both_sides, messages
from tests.clients.mbsync import Mbsync, store_at


def test_both_sides_agree(
    start: Start, real_mail: Path, program: Callable[[str], str], tmp_path: Path
) -> None:
    far = store_at(start(real_mail))
    mbsync = Mbsync(program("mbsync"), tmp_path)
    mbsync.sync(far)
    changed = change_both_sides(real_mail, mbsync.near / "INBOX")
    mbsync.sync(far)
    mbsync.sync(far)
    assert messages(mbsync.near / "INBOX") == messages(real_mail)
    assert messages(mbsync.near / "Lists") == messages(real_mail / ".Lists")
    changed.assert_done_in(real_mail)


def test_both_sides_agree_on_twenty_thousand(
    start: Start, many_messages: Path, program: Callable[[str], str], tmp_path: Path
) -> None:
    far = store_at(start(many_messages))
    mbsync = Mbsync(program("mbsync"), tmp_path)
    mbsync.sync(far)
    changed = change_both_sides(many_messages, mbsync.near / "INBOX")
    mbsync.sync(far)
    mbsync.sync(far)
    assert messages(mbsync.near / "INBOX") == messages(many_messages)
    changed.assert_done_in(many_messages)
