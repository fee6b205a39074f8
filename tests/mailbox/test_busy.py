"""A mailbox that can't be listed in peace for long is said to be so, once."""

import os

import pytest

from maildird.mailbox import busy
from tests.mailbox.outside import Mail, until, warnings_in


async def test_a_mailbox_that_does_not_settle_is_said_once(
    mail: Mail, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(busy, "LONG", 0.0)
    file = mail.put("new/1.h", "one")
    assert len(await mail.shown()) == 1
    caplog.clear()
    os.link(file, mail.root / "cur" / "1.h:2,S")  # half of a move keeps it from settling
    await until(lambda: warnings_in(caplog, mail.root))
    for _ in range(5):
        await mail.account.status("INBOX")
    assert len(warnings_in(caplog, mail.root)) == 1
    file.unlink()
    assert len(await mail.shown()) == 1
