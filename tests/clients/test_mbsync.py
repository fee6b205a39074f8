"""mbsync, two ways: after changes on both sides, both have the same messages and flags."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.clients.conftest import Start
from tests.clients.maildirs import change_both_sides, messages
from tests.clients.server import PASSWORD, USER, ServerProcess

CONFIG = """\
FSync no

IMAPStore far
Host 127.0.0.1
Port {port}
User {user}
Pass "{password}"
{no_tls}
AuthMechs LOGIN

MaildirStore near
Path {near}/
Inbox {near}/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Remove Both
Expunge Both
SyncState *
"""


class Mbsync:
    """One near side and its configuration."""

    def __init__(self, program: str, server: ServerProcess, directory: Path) -> None:
        self.near = directory / "near"
        self.near.mkdir()
        self._program = program
        self._config = directory / "mbsyncrc"
        version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
        old = version.stdout.split()[1] < "1.5"
        self._config.write_text(
            CONFIG.format(
                port=server.port,
                user=USER,
                password=PASSWORD,
                near=self.near,
                no_tls="SSLType None" if old else "TLSType None",
            )
        )

    def sync(self) -> None:
        done = subprocess.run(
            [self._program, "--config", str(self._config), "--all", "--quiet"],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_both_sides_agree(
    start: Start, real_mail: Path, program: Callable[[str], str], tmp_path: Path
) -> None:
    mbsync = Mbsync(program("mbsync"), start(real_mail), tmp_path)
    mbsync.sync()
    changed = change_both_sides(real_mail, mbsync.near / "INBOX")
    mbsync.sync()
    mbsync.sync()
    assert messages(mbsync.near / "INBOX") == messages(real_mail)
    assert messages(mbsync.near / "Lists") == messages(real_mail / ".Lists")
    changed.assert_done_in(real_mail)


def test_both_sides_agree_on_twenty_thousand(
    start: Start, many_messages: Path, program: Callable[[str], str], tmp_path: Path
) -> None:
    mbsync = Mbsync(program("mbsync"), start(many_messages), tmp_path)
    mbsync.sync()
    changed = change_both_sides(many_messages, mbsync.near / "INBOX")
    mbsync.sync()
    mbsync.sync()
    assert messages(mbsync.near / "INBOX") == messages(many_messages)
    changed.assert_done_in(many_messages)
