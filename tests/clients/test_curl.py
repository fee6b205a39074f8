"""curl: lists, fetches, searches, appends."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.clients.conftest import Start
from tests.clients.maildirs import messages
from tests.clients.server import PASSWORD, USER, ServerProcess


def curl(program: str, server: ServerProcess, path: str, *options: str) -> str:
    url = f"imap://127.0.0.1:{server.port}/{path}"
    done = subprocess.run(
        [program, "--silent", "--show-error", "--user", f"{USER}:{PASSWORD}", url, *options],
        capture_output=True,
        check=True,
        timeout=60,
    )
    return done.stdout.decode("utf-8", "replace").replace("\r\n", "\n")


def test_curl_reads_and_writes(
    start: Start, real_mail: Path, program: Callable[[str], str], tmp_path: Path
) -> None:
    find = program("curl")
    server = start(real_mail)
    assert '"." Lists' in curl(find, server, "")
    first = curl(find, server, "INBOX;UID=1")
    assert any(
        content.decode("utf-8", "replace") == first for content, _flags in messages(real_mail)
    )
    assert curl(find, server, "INBOX;UID=1;SECTION=TEXT") in first
    upload = tmp_path / "upload"
    upload.write_bytes(b"Subject: uploaded by curl\r\n\r\nHello.\r\n")
    curl(find, server, "Lists", "--upload-file", str(upload))
    (found,) = curl(find, server, "Lists?SUBJECT%20uploaded").split("\n")[:1]
    assert found.startswith("* SEARCH ")
    assert b"Subject: uploaded by curl\n\nHello.\n" in {
        content for content, _flags in messages(real_mail / ".Lists")
    }


def test_curl_and_twenty_thousand_messages(
    start: Start, many_messages: Path, program: Callable[[str], str]
) -> None:
    find, server = program("curl"), start(many_messages)
    assert curl(find, server, "", "--request", "STATUS INBOX (MESSAGES UIDNEXT)") == (
        "* STATUS INBOX (MESSAGES 20000 UIDNEXT 20001)\n"
    )
    last = curl(find, server, "INBOX;UID=20000")
    shown = {content.decode("utf-8", "replace") for content, _flags in messages(many_messages)}
    assert last in shown
