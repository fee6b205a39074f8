"""Folders of Maildir++ and fs trees: found, named, made, deleted, renamed."""

import logging
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maildird.maildir.directories import DEEPEST, DELETED, remove_deleted
from maildird.maildir.folders import make_folder
from maildird.maildir.layouts import INBOX, Fs, Layout, MaildirPlusPlus, Parts
from maildird.maildir.recognition import Kind, Recognised, make_layout
from maildird.maildir.spelling import Names, read, spell
from maildird.terms.codes import Code
from maildird.terms.errors import Refused
from tests.maildir.disk import put
from tests.maildir.relocations import delete, rename


@pytest.fixture
def root(tmp_path: Path) -> bytes:
    return os.fsencode(tmp_path)


def make(root: bytes, *names: bytes | str) -> None:
    """Folders that another program made; the name "" is the root itself."""
    for name in names:
        directory = os.path.join(root, name.encode() if isinstance(name, str) else name)
        os.makedirs(directory, exist_ok=True)
        make_folder(directory)


def message_in(layout: Layout, parts: Parts) -> bytes:
    """Put a message into a folder; gives its path."""
    return put(layout.directory(parts), b"cur/1.h:2,")


# spelling

levels = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1).filter(
    lambda level: level not in (".", "..") and level[0] != "~"
)


@given(
    level=levels.filter(lambda level: "/" not in level), names=st.sampled_from(["utf-7", "utf-8"])
)
def test_what_is_spelled_is_read(level: str, names: Names) -> None:
    assert read(spell(level, names, forbidden="/"), names) == level


@given(name=st.binary(max_size=20), names=st.sampled_from(["utf-7", "utf-8"]))
def test_what_is_read_is_spelled_so(name: bytes, names: Names) -> None:
    level = read(name, names)
    assert level is None or spell(level, names, forbidden="/") == name


@pytest.mark.parametrize(
    "level",
    ["", ".", "..", "~", "~root", "a\0", "a\nb", "a\x7f", "a\x85", "a\u2028", "\ud800", "/"],
)
def test_what_is_no_level(level: str) -> None:
    with pytest.raises(Refused) as raised:
        spell(level, "utf-8", forbidden="/")
    assert raised.value.code is Code.CANNOT


# Maildir++


def test_folders_of_maildir_plus_plus(root: bytes) -> None:
    make(root, "", ".Sent", ".A.B", ".Entw&APw-rfe")
    os.makedirs(os.path.join(root, b".cache/x"))
    os.makedirs(os.path.join(root, b"plain/cur"))
    put(root, b".file")
    assert MaildirPlusPlus(root, "utf-7").folders() == {
        INBOX: root,
        ("Sent",): root + b"/.Sent",
        ("A", "B"): root + b"/.A.B",
        ("Entwürfe",): root + b"/.Entw&APw-rfe",
    }


@pytest.mark.parametrize(
    "name",
    [b".A&B", b".A..B", b".\xff", b".A.", b".inbox", b".INBOX", b".Inbox.A", b".a\nb", b".~"],
)
def test_folders_that_are_no_mailboxes_are_left_out_and_said_once(
    root: bytes, name: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    make(root, "", name, ".Sent")
    layout = MaildirPlusPlus(root, "utf-7")
    with caplog.at_level(logging.WARNING):
        assert layout.folders().keys() == {INBOX, ("Sent",)}
        assert layout.folders().keys() == {INBOX, ("Sent",)}
    assert len(layout.problems) == len(caplog.records) == 1
    os.rename(os.path.join(root, name), os.path.join(root, b".new"))
    layout.folders()
    assert not layout.problems


@pytest.mark.parametrize(
    "parts",
    [
        ("a.b",),
        ("",),
        ("..",),
        ("a", ""),
        ("a/b",),
        ("inbox",),
        ("Inbox", "a"),
        ("x" * 255,),
        ("ü" * 150,),
    ],
)
def test_names_that_cannot_be_in_maildir_plus_plus(root: bytes, parts: Parts) -> None:
    with pytest.raises(Refused) as raised:
        MaildirPlusPlus(root, "utf-8").create(parts)
    assert raised.value.code is Code.CANNOT
    assert os.listdir(root) == []


@pytest.mark.parametrize("parts", [INBOX, ("A",), ("A", "B & C"), ("INBOX", "x"), ("日本", "語")])
@pytest.mark.parametrize("kind", ["maildir++", "fs"])
@pytest.mark.parametrize("inbox", [None, "Inbox"])
def test_a_folder_that_is_made_is_found(
    root: bytes, kind: Kind, inbox: str | None, parts: Parts
) -> None:
    layout = make_layout(root, Recognised(kind, "utf-7", inbox))
    directory = layout.create(parts)
    assert layout.folders() == {parts: directory}
    assert layout.directory(parts) == directory
    for name in (b"cur", b"new", b"tmp"):
        assert os.stat(os.path.join(directory, name)).st_mode & 0o777 == 0o700
    assert os.path.exists(os.path.join(directory, b"maildirfolder")) == (
        kind == "maildir++" and parts != INBOX
    )
    message_in(layout, parts)
    assert layout.create(parts) == directory
    assert os.listdir(os.path.join(directory, b"cur")) == [b"1.h:2,"]


def test_deleting_leaves_the_children(root: bytes) -> None:
    layout = MaildirPlusPlus(root, "utf-7")
    for parts in (INBOX, ("A",), ("A", "B"), ("AB",)):
        layout.create(parts)
        message_in(layout, parts)
    delete(layout, ("A",))
    assert layout.folders().keys() == {INBOX, ("A", "B"), ("AB",)}
    assert sorted(os.listdir(root)) == [b".A.B", b".AB", b"cur", b"new", b"tmp"]


def test_renaming_takes_the_children_along(root: bytes) -> None:
    layout = MaildirPlusPlus(root, "utf-7")
    for parts in (INBOX, ("A",), ("A", "B"), ("A", "B", "C"), ("AB",)):
        layout.create(parts)
    message_in(layout, ("A", "B"))
    rename(layout, ("A",), ("X", "Y"))
    assert layout.folders().keys() == {
        INBOX,
        ("AB",),
        ("X", "Y"),
        ("X", "Y", "B"),
        ("X", "Y", "B", "C"),
    }
    assert os.path.exists(os.path.join(layout.directory(("X", "Y", "B")), b"cur/1.h:2,"))


def test_a_rename_that_fails_is_taken_back(root: bytes) -> None:
    layout = MaildirPlusPlus(root, "utf-7")
    for parts in (("A",), ("A", "B"), ("A", "C"), ("X", "C")):
        layout.create(parts)
    before = layout.folders()
    with pytest.raises(FileExistsError):
        rename(layout, ("A",), ("X",))
    assert layout.folders() == before
    with pytest.raises(Refused):
        rename(layout, ("A",), ("x" * 253,))
    assert layout.folders() == before


# fs


def test_folders_of_fs(root: bytes) -> None:
    make(root, "", "A", "A/B", "P/Q", "Entwürfe", "a.b", "INBOX/x")
    os.makedirs(os.path.join(root, b".hidden/cur"))
    os.makedirs(os.path.join(root, b"A/cur/odd/cur"))
    assert Fs(root, "utf-8", None).folders() == {
        INBOX: root,
        ("A",): root + b"/A",
        ("A", "B"): root + b"/A/B",
        ("P", "Q"): root + b"/P/Q",
        ("Entwürfe",): root + "/Entwürfe".encode(),
        ("a.b",): root + b"/a.b",
        ("INBOX", "x"): root + b"/INBOX/x",
    }


def test_inbox_as_a_folder_of_its_own(root: bytes) -> None:
    make(root, "Inbox", "Inbox/x", "Sent", "inbox", "INBOX", "INBOX/y")
    layout = Fs(root, "utf-8", "Inbox")
    assert layout.folders() == {
        INBOX: root + b"/Inbox",
        ("INBOX", "x"): root + b"/Inbox/x",
        ("Sent",): root + b"/Sent",
    }
    assert len(layout.problems) == 3
    for parts in (("Inbox",), ("Inbox", "x"), ("iNBOX",)):
        with pytest.raises(Refused):
            layout.directory(parts)


@pytest.mark.parametrize(
    "parts",
    [
        ("cur",),
        ("a", "new"),
        ("tmp", "a"),
        (".hidden",),
        ("a", ".."),
        ("a/b",),
        ("",),
        ("x" * 256,),
        ("a",) * (DEEPEST + 1),
        ("x" * 200,) * 50,
        ("inbox",),
    ],
)
@pytest.mark.parametrize("inbox", [None, "INBOX"])
def test_names_that_cannot_be_in_fs(root: bytes, inbox: str | None, parts: Parts) -> None:
    with pytest.raises(Refused) as raised:
        Fs(root, "utf-8", inbox).create(parts)
    assert raised.value.code is Code.CANNOT
    assert os.listdir(root) == []


def test_the_deepest_folder_is_found(root: bytes) -> None:
    layout = Fs(root, "utf-8", None)
    layout.create(("a",) * DEEPEST)
    assert layout.folders().keys() == {("a",) * DEEPEST}


def test_parents_are_private_too(root: bytes) -> None:
    Fs(root, "utf-8", None).create(("a", "b", "c"))
    for path in (b"a", b"a/b", b"a/b/c"):
        assert os.stat(os.path.join(root, path)).st_mode & 0o777 == 0o700


def test_deleting_in_fs_leaves_children_and_what_is_of_others(root: bytes) -> None:
    layout = Fs(root, "utf-8", None)
    for parts in (INBOX, ("A",), ("A", "newer"), ("A", "dovecot"), ("Leaf",), ("Notes",)):
        layout.create(parts)
        message_in(layout, parts)
    put(root, b"A/dovecot-uidlist")
    put(root, b"Notes/notes.txt")
    for parts in (("A",), ("Leaf",), ("Notes",)):
        delete(layout, parts)
    assert layout.folders().keys() == {INBOX, ("A", "newer"), ("A", "dovecot")}
    assert set(os.listdir(root)) == {b"cur", b"new", b"tmp", b"A", b"Notes"}
    assert set(os.listdir(os.path.join(root, b"A"))) == {b"newer", b"dovecot"}
    assert os.listdir(os.path.join(root, b"Notes")) == [b"notes.txt"]


def test_renaming_in_fs(root: bytes) -> None:
    layout = Fs(root, "utf-8", None)
    for parts in (INBOX, ("A",), ("A", "B"), ("C",)):
        layout.create(parts)
    message_in(layout, ("A", "B"))
    os.mkdir(os.path.join(root, b"empty"))
    rename(layout, ("A",), ("X", "Y"))
    rename(layout, ("X", "Y", "B"), ("empty",))
    assert layout.folders().keys() == {INBOX, ("X", "Y"), ("empty",), ("C",)}
    assert os.path.exists(os.path.join(root, b"empty/cur/1.h:2,"))
    with pytest.raises(FileExistsError):
        rename(layout, ("C",), ("empty",))
    assert layout.folders().keys() == {INBOX, ("X", "Y"), ("empty",), ("C",)}


# both


@pytest.fixture(params=["maildir++", "fs"])
def layout(request: pytest.FixtureRequest, root: bytes) -> Layout:
    return make_layout(root, Recognised(request.param, "utf-8", None))


def test_inbox_stays(layout: Layout) -> None:
    layout.create(INBOX)
    with pytest.raises(Refused, match="INBOX"):
        delete(layout, INBOX)
    with pytest.raises(Refused, match="INBOX"):
        rename(layout, INBOX, ("A",))
    assert layout.folders().keys() == {INBOX}


def test_a_folder_that_is_gone_cannot_be_deleted(layout: Layout) -> None:
    with pytest.raises(FileNotFoundError):
        delete(layout, ("A",))


def test_a_linked_folder_is_deleted_without_what_it_leads_to(
    layout: Layout, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = os.fsencode(tmp_path_factory.mktemp("elsewhere"))
    make(elsewhere, "")
    put(elsewhere, b"cur/1.h:2,")
    os.symlink(elsewhere, layout.directory(("A",)))
    assert layout.folders().keys() == {("A",)}
    delete(layout, ("A",))
    assert layout.folders() == {}
    assert os.path.exists(os.path.join(elsewhere, b"cur/1.h:2,"))


def test_links_in_a_circle(layout: Layout, root: bytes) -> None:
    layout.create(("A",))
    os.symlink(b"loop", layout.directory(("loop",)))
    os.symlink(b"..", os.path.join(layout.directory(("A",)), b"up"))
    assert ("A",) in layout.folders()
    os.symlink(root, layout.directory(("self",)))
    assert ("A",) in layout.folders()


def test_what_a_crash_left_of_a_deletion_is_out_of_sight_and_goes(
    layout: Layout, root: bytes
) -> None:
    make(root, DELETED + b"1")
    put(root, DELETED + b"1/cur/1.h:2,")
    assert layout.folders() == {}
    remove_deleted(root)
    assert os.listdir(root) == []


def test_what_cannot_be_removed_is_said(
    layout: Layout,
    root: bytes,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    layout.create(("A",))

    def refuse(path: bytes) -> None:
        raise PermissionError(1, "Operation not permitted", path)

    monkeypatch.setattr("shutil.rmtree", refuse)
    delete(layout, ("A",))
    assert layout.folders() == {}
    assert "can't be removed: Operation not permitted" in caplog.text


def test_a_root_that_is_gone_is_an_error(tmp_path: Path) -> None:
    for kind in ("maildir++", "fs"):
        layout = make_layout(os.fsencode(tmp_path / "gone"), Recognised(kind, "utf-8", None))
        with pytest.raises(FileNotFoundError):
            layout.folders()
