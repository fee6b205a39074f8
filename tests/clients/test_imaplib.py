"""Python's imaplib: the whole round of a session, and every message as it lies on disk."""

import imaplib
from collections import Counter
from pathlib import Path

from tests.clients.conftest import Start
from tests.clients.maildirs import deliver, messages
from tests.clients.server import PASSWORD, USER, ServerProcess


def login(server: ServerProcess) -> imaplib.IMAP4:
    client = imaplib.IMAP4("127.0.0.1", server.port, timeout=60)
    client.login(USER, PASSWORD)
    return client


def contents(client: imaplib.IMAP4) -> Counter[bytes]:
    """All messages of the selected mailbox."""
    status, data = client.uid("FETCH", "1:*", "(BODY.PEEK[])")
    assert status == "OK"
    return Counter(part[1] for part in data if isinstance(part, tuple))


def on_disk(folder: Path) -> Counter[bytes]:
    """All messages of a folder, as they have to be shown: with CRLF, and NUL can't be."""
    return Counter(
        b"\r\n".join(path.read_bytes().replace(b"\r\n", b"\n").split(b"\n")).replace(b"\0", b"\x80")
        for subdir in ("cur", "new")
        for path in (folder / subdir).iterdir()
    )


def test_every_message_is_what_lies_on_disk(start: Start, real_mail: Path) -> None:
    with login(start(real_mail)) as client:
        status, (count,) = client.select("INBOX")
        assert status == "OK"
        assert count is not None
        assert int(count) == messages(real_mail).total()
        assert contents(client) == on_disk(real_mail)


def test_a_round_of_changes(start: Start, real_mail: Path) -> None:
    server = start(real_mail)
    with login(server) as client, login(server) as other:
        client.select("INBOX")
        other.select("INBOX")
        before = messages(real_mail)
        assert client.uid("STORE", "1:3", "+FLAGS", "(\\Flagged)")[0] == "OK"
        assert client.uid("COPY", "1:3", "Lists")[0] == "OK"
        assert client.uid("STORE", "2", "+FLAGS", "(\\Deleted)")[0] == "OK"
        assert client.expunge()[0] == "OK"
        assert other.uid("FETCH", "1:3", "(FLAGS)")[0] == "OK"
        assert other.noop()[0] == "OK"
        deliver(real_mail, "1700000000.M1.beside", b"Subject: beside\n\nnew\n")
        assert other.noop()[0] == "OK"
        assert other.uid("SEARCH", "SUBJECT", "beside")[1] != [b""]
        assert messages(real_mail).total() == before.total()
        assert client.create("Archive")[0] == "OK"
        assert client.rename("Archive", "Archive2")[0] == "OK"
        assert client.delete("Archive2")[0] == "OK"
        assert (
            client.append("Lists", "(\\Seen)", "", b"Subject: 8 bit \xff\r\n\r\n\x80\r\n")[0]
            == "OK"
        )
        client.select("Lists")
        assert contents(client) == on_disk(real_mail / ".Lists")


def test_twenty_thousand_messages(start: Start, many_messages: Path) -> None:
    with login(start(many_messages)) as client:
        client.select("INBOX")
        assert contents(client) == on_disk(many_messages)
        status, data = client.uid("FETCH", "1:*", "(FLAGS RFC822.SIZE ENVELOPE BODYSTRUCTURE)")
        assert (status, len(data)) == ("OK", 20_000)
        assert client.uid("STORE", "1:20000", "+FLAGS.SILENT", "(\\Flagged)")[0] == "OK"
        assert all("F" in flags for _content, flags in messages(many_messages))
