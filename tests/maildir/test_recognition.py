"""Trees as Postfix, Dovecot, Courier, mbsync and offlineimap leave them are recognised."""

import os
from pathlib import Path

import pytest

from maildird.maildir.folders import make_folder
from maildird.maildir.layouts import INBOX, Parts
from maildird.maildir.recognition import Recognised, make_layout, recognise
from tests.maildir.disk import put

PLUS = Recognised("maildir++", "utf-7", None)


def tree(tmp_path: Path, *folders: str | bytes) -> bytes:
    """A tree with these folders; `.` is the root."""
    root = os.fsencode(tmp_path)
    for folder in folders:
        path = os.path.join(root, os.fsencode(folder))
        os.makedirs(path, exist_ok=True)
        make_folder(path)
    return root


@pytest.mark.parametrize(
    ("folders", "recognised"),
    [
        ((), PLUS),
        ((".",), PLUS),
        ((".", ".Sent", ".Sent.2024"), PLUS),
        ((".Sent",), PLUS),
        ((".", ".Sent", "stray"), PLUS),
        ((".", ".Entw&APw-rfe"), PLUS),
        ((".", ".Entwürfe"), Recognised("maildir++", "utf-8", None)),
        ((".", ".R&D"), Recognised("maildir++", "utf-8", None)),
        ((".", ".R&-D"), PLUS),
        ((".", ".Entw&APw-rfe", ".R&-D", b".\xff"), PLUS),
        (("INBOX", "Sent"), Recognised("fs", "utf-8", "INBOX")),
        (("Inbox", "Sent", ".notmuch"), Recognised("fs", "utf-8", "Inbox")),
        (("INBOX", "Inbox", "Sent"), Recognised("fs", "utf-8", "INBOX")),
        (("Sent",), Recognised("fs", "utf-8", "INBOX")),
        (("INBOX", "Entw&APw-rfe"), Recognised("fs", "utf-7", "INBOX")),
        (("INBOX", "Archive/Entw&APw-rfe"), Recognised("fs", "utf-7", "INBOX")),
        (("INBOX", "Entwürfe"), Recognised("fs", "utf-8", "INBOX")),
        (("INBOX", "R&D"), Recognised("fs", "utf-8", "INBOX")),
        (("A/B/C",), Recognised("fs", "utf-8", "INBOX")),
        ((".", "Sent"), Recognised("fs", "utf-8", None)),
    ],
)
def test_recognition(
    tmp_path: Path, folders: tuple[str | bytes, ...], recognised: Recognised
) -> None:
    assert recognise(tree(tmp_path, *folders)) == recognised


@pytest.mark.parametrize("mark", [b"dovecot.index.log", b"dovecot-uidvalidity"])
def test_dovecots_own_files_tell_modified_utf_7_and_what_we_write_tells_nothing(
    tmp_path: Path, mark: bytes
) -> None:
    root = tree(tmp_path, ".", "Sent")
    for name in (b"dovecot-uidlist", b"dovecot-keywords", b"subscriptions"):
        put(root, name)
    assert recognise(root).names == "utf-8"
    put(root, mark)
    assert recognise(root).names == "utf-7"


@pytest.mark.parametrize(
    ("folders", "mailboxes"),
    [
        ((".", ".Entw&APw-rfe", ".A.B"), {INBOX, ("Entwürfe",), ("A", "B")}),
        ((".", ".Entwürfe"), {INBOX, ("Entwürfe",)}),
        (("inbox", "Work/Entwürfe"), {INBOX, ("Work", "Entwürfe")}),
        ((".", "Work", "Work/Sub"), {INBOX, ("Work",), ("Work", "Sub")}),
    ],
)
def test_the_layout_of_what_was_recognised(
    tmp_path: Path, folders: tuple[str, ...], mailboxes: set[Parts]
) -> None:
    root = tree(tmp_path, *folders)
    layout = make_layout(root, recognise(root))
    assert layout.folders().keys() == mailboxes
    assert not layout.problems


def test_a_made_tree_is_recognised_as_what_it_is(tmp_path: Path) -> None:
    root = os.fsencode(tmp_path)
    layout = make_layout(root, recognise(root))
    layout.create(INBOX)
    layout.create(("Entwürfe & mehr", "2024"))
    assert make_layout(root, recognise(root)).folders() == layout.folders()


def test_a_tree_with_what_cannot_be_looked_into(tmp_path: Path) -> None:
    root = tree(tmp_path, ".", ".Sent")
    os.symlink("loop", tmp_path / "loop")
    os.symlink("..", tmp_path / ".up")
    assert recognise(root) == PLUS


def test_a_root_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        recognise(os.fsencode(tmp_path / "gone"))
