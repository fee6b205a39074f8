"""A folder goes back into one that was made anew at its place."""

import os
from pathlib import Path

import pytest

from maildird.maildir.folders import make_folder
from maildird.maildir.letterless import Letterless, read_letterless, write_letterless
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
    for name in (b"dovecot-uidlist", b"maildird-told"):
        put(folder, name, b"old")
    put(target, b"dovecot-uidlist", b"new")
    merge(folder, target)
    assert content_of(target, b"dovecot-uidlist") == b"new"
    assert content_of(target, b"maildird-told") == b"old"


def test_other_files_are_never_removed(folder: bytes, target: bytes) -> None:
    put(folder, b"notes", b"old")
    put(folder, b"cur/1.h:2,S")
    put(target, b"notes", b"new")
    with pytest.raises(FileExistsError):
        merge(folder, target)
    assert content_of(folder, b"notes") == b"old"
    assert content_of(target, b"notes") == b"new"
    assert files_in(target) == {b"cur/1.h:2,S"}


def test_keywords_go_with_their_messages(folder: bytes, target: bytes) -> None:
    """The letters of both folders mean what they meant, whatever they are now."""
    put(folder, b"dovecot-keywords", b"0 Work\n1 Home\n2 both\n4 other\n")
    put(folder, b"cur/1.h:2,FSabe,x=1")
    put(folder, b"cur/2.h:2,c")
    put(folder, b"cur/3.h:2,dz")
    put(target, b"dovecot-keywords", b"0 BOTH\n1 new\n3 newer\n")
    put(target, b"cur/4.h:2,abdf")
    merge(folder, target)
    assert content_of(target, b"dovecot-keywords") == (
        b"0 BOTH\n1 new\n2 Work\n3 newer\n4 Home\n6 other\n"
    )
    assert files_in(target) == {
        *(b"cur/1.h:2,FSceg,x=1", b"cur/2.h:2,a", b"cur/3.h:2,z", b"cur/4.h:2,abdf")
    }


def test_keywords_go_to_a_folder_that_has_none(folder: bytes, target: bytes) -> None:
    put(folder, b"dovecot-keywords", b"0 Work\n1 Home\n")
    put(folder, b"cur/1.h:2,ab")
    os.rmdir(os.path.join(target, b"cur"))
    merge(folder, target)
    assert content_of(target, b"dovecot-keywords") == b"0 Work\n1 Home\n"
    assert files_in(target) == {b"cur/1.h:2,ab"}


def test_a_keyword_without_a_letter_becomes_no_other(folder: bytes, target: bytes) -> None:
    put(folder, b"dovecot-keywords", b"0 Work\n")
    put(folder, b"cur/1.h:2,Sa")
    names = b"".join(b"%d k%d\n" % (number, number) for number in range(26))
    put(target, b"dovecot-keywords", names)
    merge(folder, target)
    assert content_of(target, b"dovecot-keywords") == names
    assert files_in(target) == {b"cur/1.h:2,S"}


def test_what_stays_keeps_its_keywords(folder: bytes, target: bytes) -> None:
    """It is moved another time, by the letters that it has."""
    put(folder, b"dovecot-keywords", b"0 Work\n")
    put(folder, b"cur/1.h:2,a")
    put(folder, b"cur/2.h:2,a")
    put(folder, b"notes")
    put(target, b"notes")
    put(target, b"dovecot-keywords", b"0 new\n")
    with pytest.raises(FileExistsError):
        merge(folder, target)
    os.mkdir(os.path.join(folder, b"cur"))
    put(folder, b"cur/3.h:2,a")
    os.unlink(os.path.join(target, b"notes"))
    merge(folder, target)
    assert content_of(target, b"dovecot-keywords") == b"0 new\n1 Work\n"
    assert files_in(target) == {b"cur/1.h:2,b", b"cur/2.h:2,b", b"cur/3.h:2,b"}


def test_keywords_without_a_letter_go_when_all_messages_went_before(
    folder: bytes, target: bytes
) -> None:
    put(folder, b"cur/1.h:2,S")
    put(folder, b"notes")
    put(target, b"notes")
    write_letterless(folder, lambda: {("far",): [b"1.h"]})
    write_letterless(target, lambda: {("other",): [b"gone"]})
    with pytest.raises(FileExistsError):
        merge(folder, target)
    os.unlink(os.path.join(target, b"notes"))
    merge(folder, target)
    assert read_letterless(target, [b"1.h"]) == Letterless({b"1.h": ("far",)}, damaged=False)


def test_nothing_is_moved_while_another_program_names_keywords(
    folder: bytes, target: bytes
) -> None:
    put(folder, b"dovecot-keywords", b"0 Work\n")
    put(folder, b"cur/1.h:2,a")
    put(target, b"dovecot-uidlist.lock", b"1:another.example")
    with pytest.raises(OSError, match="is held by another program"):
        merge(folder, target)
    assert files_in(folder) == {b"cur/1.h:2,a"}


def test_keywords_without_a_letter_go_with_their_messages(folder: bytes, target: bytes) -> None:
    put(folder, b"cur/1.h:2,S")
    put(folder, b"cur/2.h:2,S")
    put(target, b"cur/3.h:2,S")
    write_letterless(folder, lambda: {("one", "two"): [b"1.h", b"gone"], ("two",): [b"2.h"]})
    write_letterless(target, lambda: {("two", "three"): [b"3.h"]})
    merge(folder, target)
    said = read_letterless(target, [b"1.h", b"2.h", b"3.h", b"gone"])
    assert said == Letterless(
        {b"1.h": ("one", "two"), b"2.h": ("two",), b"3.h": ("two", "three")}, damaged=False
    )


def test_the_messages_of_a_folder_go_alone(folder: bytes, target: bytes) -> None:
    """Its children stay, so that each of its directories goes by itself."""
    put(folder, b"dovecot-keywords", b"0 Work\n")
    put(folder, b"cur/1.h:2,S", b"a")
    put(folder, b"cur/2.h:2,a")
    put(target, b"dovecot-keywords", b"0 new\n")
    put(target, b"cur/1.h:2,S", b"b")
    merge(os.path.join(folder, b"cur"), os.path.join(target, b"cur"))
    (own,) = files_in(target) - {b"cur/1.h:2,S", b"cur/2.h:2,b"}
    assert content_of(target, own) == b"a"
    assert content_of(target, b"dovecot-keywords") == b"0 new\n1 Work\n"
