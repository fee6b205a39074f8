"""A folder goes back into one that was made anew at its place."""

import os
from pathlib import Path

import pytest

from maildird.maildir.folders import make_folder
from maildird.maildir.merging import merge
from tests.maildir.disk import content_of, files_in, put


@pytest.fixture
def target(tmp_path: Path) -> bytes:
    directory = os.fsencode(tmp_path / "target")
    os.mkdir(directory)
    make_folder(directory)
    return directory


def test_messages_go_where_they_were(folder: bytes, target: bytes) -> None:
    put(folder, b"cur/1.h:2,S")
    put(folder, b"new/2.h")
    put(target, b"new/3.h")
    merge(folder, target)
    assert files_in(target) == {b"cur/1.h:2,S", b"new/2.h", b"new/3.h"}
    assert not os.path.exists(folder)


def test_a_message_whose_name_is_taken_gets_its_own(folder: bytes, target: bytes) -> None:
    put(folder, b"cur/1.h:2,S", b"a")
    put(target, b"cur/1.h:2,S", b"b")
    put(folder, b"new/2.h", b"c")
    os.link(os.path.join(folder, b"new/2.h"), os.path.join(target, b"new/2.h"))
    merge(folder, target)
    assert content_of(target, b"cur/1.h:2,S") == b"b"
    (own,) = files_in(target) - {b"cur/1.h:2,S", b"new/2.h"}
    assert content_of(target, own) == b"a"
    assert own.endswith(b":2,S")


def test_of_what_servers_keep_that_stays_which_is_there(folder: bytes, target: bytes) -> None:
    for name in (b"dovecot-uidlist", b"dovecot-keywords"):
        put(folder, name, b"old")
    put(target, b"dovecot-uidlist", b"new")
    merge(folder, target)
    assert content_of(target, b"dovecot-uidlist") == b"new"
    assert content_of(target, b"dovecot-keywords") == b"old"


def test_other_files_are_never_removed(folder: bytes, target: bytes) -> None:
    put(folder, b"notes", b"old")
    put(folder, b"cur/1.h:2,S")
    put(target, b"notes", b"new")
    with pytest.raises(FileExistsError):
        merge(folder, target)
    assert content_of(folder, b"notes") == b"old"
    assert content_of(target, b"notes") == b"new"
    assert files_in(target) == {b"cur/1.h:2,S"}
