"""imapclient: capabilities, extensions and IDLE through a library that people script with."""

from pathlib import Path

from imapclient import IMAPClient

from tests.clients.conftest import Start
from tests.clients.maildirs import deliver
from tests.clients.server import PASSWORD, USER, ServerProcess


def login(server: ServerProcess) -> IMAPClient:
    client = IMAPClient("127.0.0.1", server.port, ssl=False, timeout=60)
    client.login(USER, PASSWORD)
    return client


def test_mailboxes_and_messages(start: Start, real_mail: Path) -> None:
    server = start(real_mail)
    with login(server) as client:
        assert client.has_capability("QRESYNC")
        assert {name for _flags, _separator, name in client.list_folders()} == {"INBOX", "Lists"}
        client.create_folder("Entwürfe & mehr")
        assert client.folder_exists("Entwürfe & mehr")
        info = client.select_folder("INBOX")
        uids = client.search("ALL")
        assert len(uids) == info[b"EXISTS"]
        fetched = client.fetch(uids, ["ENVELOPE", "BODYSTRUCTURE", "RFC822.SIZE", "INTERNALDATE"])
        assert sorted(fetched) == sorted(uids)
        assert client.folder_status("INBOX", ["MESSAGES", "UNSEEN"])[b"MESSAGES"] == len(uids)
        client.move(uids[:2], "Entwürfe & mehr")
        assert client.folder_status("Entwürfe & mehr", ["MESSAGES"])[b"MESSAGES"] == 2
        client.add_flags(uids[2:5], ["$Important"])
        assert client.search(["KEYWORD", "$Important"]) == uids[2:5]
        client.add_flags(uids[2:5], [b"\\Deleted"])
        client.uid_expunge(uids[2:4])
        assert client.search("ALL") == uids[4:]


def test_idle_hears_of_a_delivery(start: Start, real_mail: Path) -> None:
    with login(start(real_mail)) as client:
        count = client.select_folder("INBOX")[b"EXISTS"]
        client.idle()
        deliver(real_mail, "1700000000.M1.beside", b"Subject: beside\n\nnew\n")
        heard: list[tuple[object, ...]] = []
        while (count + 1, b"EXISTS") not in heard:
            responses = client.idle_check(timeout=30)
            assert responses, f"nothing came; heard {heard}"
            heard += responses
        client.idle_done()


def test_twenty_thousand_messages(start: Start, many_messages: Path) -> None:
    with login(start(many_messages)) as client:
        client.select_folder("INBOX")
        uids = client.search("ALL")
        assert len(uids) == 20_000
        some = uids[:8000]  # names every one of them, and lines of more than 64 KiB are refused
        assert len(client.fetch(some, ["FLAGS", "INTERNALDATE"])) == len(some)
        assert len(client.search(["SUBJECT", "Rechnung"])) > 1000
