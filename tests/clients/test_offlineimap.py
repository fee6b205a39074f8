"""offlineimap3, two ways: after changes on both sides, both have the same messages and flags."""

import re
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.clients.conftest import Start
from tests.clients.maildirs import Messages, change_both_sides, messages
from tests.clients.server import PASSWORD, USER, ServerProcess

CONFIG = """\
[general]
accounts = me
metadata = {metadata}
ui = quiet
fsync = false

[Account me]
localrepository = near
remoterepository = far

[Repository near]
type = Maildir
localfolders = {near}
sync_deletes = yes

[Repository far]
type = IMAP
remotehost = 127.0.0.1
remoteport = {port}
remoteuser = {user}
remotepass = {password}
ssl = no
starttls = no
auth_mechanisms = PLAIN
folderfilter = lambda name: name in ('INBOX', 'Lists')
"""


class OfflineImap:
    """One near side and its configuration."""

    def __init__(self, program: str, server: ServerProcess, directory: Path) -> None:
        self.near = directory / "near"
        self._program = program
        self._config = directory / "offlineimaprc"
        self._config.write_text(
            CONFIG.format(
                metadata=directory / "metadata",
                near=self.near,
                port=server.port,
                user=USER,
                password=PASSWORD,
            )
        )

    def sync(self) -> None:
        done = subprocess.run(
            [self._program, "-c", str(self._config), "-o"],
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_both_sides_agree(
    start: Start, real_mail: Path, program: Callable[[str], str], tmp_path: Path
) -> None:
    offlineimap = OfflineImap(program("offlineimap"), start(real_mail), tmp_path)
    offlineimap.sync()
    changed = change_both_sides(real_mail, offlineimap.near / "INBOX")
    offlineimap.sync()
    offlineimap.sync()
    assert squeezed(offlineimap.near / "INBOX") == squeezed(real_mail)
    assert squeezed(offlineimap.near / "Lists") == squeezed(real_mail / ".Lists")
    changed.assert_done_in(real_mail)


def test_both_sides_agree_on_twenty_thousand(
    start: Start, many_messages: Path, program: Callable[[str], str], tmp_path: Path
) -> None:
    offlineimap = OfflineImap(program("offlineimap"), start(many_messages), tmp_path)
    offlineimap.sync()
    changed = change_both_sides(many_messages, offlineimap.near / "INBOX")
    offlineimap.sync()
    offlineimap.sync()
    assert squeezed(offlineimap.near / "INBOX") == squeezed(many_messages)
    changed.assert_done_in(many_messages)


def squeezed(folder: Path) -> Messages:
    """Without empty lines: offlineimap writes messages anew, with more of them in multiparts."""
    return Counter(
        (re.sub(rb"\n+", b"\n", content), flags) for content, flags in messages(folder).elements()
    )
