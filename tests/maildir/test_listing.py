"""Listing a folder: what is a message, what is not, and when absence means anything."""

import os
import time
from pathlib import Path

import pytest

from maildird.maildir.folders import (
    TICK,
    exists_in,
    folder_identity,
    folder_mtimes,
    is_folder,
    list_folder,
    list_new,
    make_folder,
)
from maildird.terms.codes import Code
from maildird.terms.errors import Refused
from tests.maildir.disk import make_old, put


def test_messages_of_new_and_cur_are_listed(folder: bytes) -> None:
    names = {b"new/1.h", b"cur/2.h:2,S", b"cur/\xff\n:2,", b"new/3.h:2,"}
    for name in names:
        put(folder, name)
    put(folder, b"tmp/4.h")
    put(folder, b"cur/.nfs0001")
    listing = list_folder(folder)
    assert set(listing.names) == names
    assert not listing.strange
    assert list_new(folder) == [b"new/1.h", b"new/3.h:2,"]


def test_what_is_no_regular_file_is_strange(folder: bytes, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    os.mkfifo(os.path.join(folder, b"cur/fifo:2,"))
    os.mkdir(os.path.join(folder, b"cur/directory"))
    os.symlink(tmp_path / "secret", os.fsdecode(os.path.join(folder, b"new/link")))
    os.symlink("nowhere", os.fsdecode(os.path.join(folder, b"new/dangling")))
    put(folder, b"cur/1.h:2,")
    listing = list_folder(folder)
    assert set(listing.names) == {b"cur/1.h:2,"}
    assert listing.strange == {b"cur/fifo:2,", b"cur/directory", b"new/link", b"new/dangling"}
    assert list_new(folder) == []


def test_hard_links_are_messages(folder: bytes, tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"x")
    os.link(tmp_path / "outside", os.fsdecode(os.path.join(folder, b"cur/1.h:2,")))
    assert set(list_folder(folder).names) == {b"cur/1.h:2,"}


def test_a_listing_is_stable_when_nothing_changed_lately(folder: bytes) -> None:
    put(folder, b"cur/1.h:2,")
    make_old(folder)
    listing = list_folder(folder)
    assert listing.stable
    assert listing.mtimes == folder_mtimes(folder)


@pytest.mark.parametrize("changed", [0, 1])
@pytest.mark.parametrize(
    ("age", "stable"),
    [(0, False), (TICK, False), (TICK + 1, True), (-TICK, False), (-(10**9), True)],
)
def test_a_listing_within_a_tick_of_a_change_is_not_stable(
    folder: bytes, monkeypatch: pytest.MonkeyPatch, changed: int, age: int, stable: bool
) -> None:
    make_old(folder)
    os.utime(os.path.join(folder, (b"new", b"cur")[changed]))
    now = folder_mtimes(folder)[changed] + age
    monkeypatch.setattr(time, "time_ns", lambda: now)
    assert list_folder(folder).stable is stable


@pytest.mark.parametrize("missing", [b"new", b"cur", b"tmp"])
def test_a_missing_subdirectory_is_made_anew(folder: bytes, missing: bytes) -> None:
    os.rmdir(os.path.join(folder, missing))
    assert set(list_folder(folder).names) == set()
    assert os.stat(os.path.join(folder, missing)).st_mode & 0o777 == 0o700


def test_a_directory_that_is_no_folder_is_not_made_one(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    with pytest.raises(Refused, match="mounted") as raised:
        list_folder(os.fsencode(tmp_path))
    assert raised.value.code is Code.UNAVAILABLE
    assert os.listdir(tmp_path) == ["tmp"]


def test_a_folder_that_is_gone_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Refused) as raised:
        list_folder(os.fsencode(tmp_path / "gone"))
    assert raised.value.code is Code.UNAVAILABLE


def test_a_file_in_place_of_cur_is_refused(folder: bytes) -> None:
    os.rmdir(os.path.join(folder, b"cur"))
    put(folder, b"cur")
    with pytest.raises(Refused, match="Not a directory") as raised:
        list_folder(folder)
    assert raised.value.code is Code.UNAVAILABLE


@pytest.mark.parametrize("subdir", [b"new", b"cur"])
def test_an_unreadable_directory_is_refused_with_the_reason(
    powerless: bytes, subdir: bytes
) -> None:
    os.chmod(os.path.join(powerless, subdir), 0)
    with pytest.raises(Refused, match="owner and mode") as raised:
        list_folder(powerless)
    assert raised.value.code is Code.NOPERM


def test_a_symlinked_cur_is_followed(folder: bytes, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    os.rmdir(os.path.join(folder, b"cur"))
    os.symlink(os.fsencode(tmp_path / "elsewhere"), os.path.join(folder, b"cur"))
    put(folder, b"cur/1.h:2,")
    assert set(list_folder(folder).names) == {b"cur/1.h:2,"}


def test_identity_is_the_directory_and_not_its_name(folder: bytes) -> None:
    identity = folder_identity(folder)
    os.rename(folder, folder + b"2")
    assert folder_identity(folder + b"2") == identity
    os.mkdir(folder)
    make_folder(folder)
    assert folder_identity(folder) != identity


def test_is_folder(folder: bytes, tmp_path: Path) -> None:
    assert is_folder(folder)
    os.rmdir(os.path.join(folder, b"cur"))
    assert is_folder(folder)
    os.rmdir(os.path.join(folder, b"new"))
    assert not is_folder(folder)
    assert not is_folder(os.fsencode(tmp_path / "gone"))


def test_exists_in(folder: bytes) -> None:
    put(folder, b"cur/1.h:2,")
    os.symlink("1.h:2,", os.fsdecode(os.path.join(folder, b"cur/link")))
    assert exists_in(folder, b"cur/1.h:2,")
    assert not exists_in(folder, b"cur/link")
    assert not exists_in(folder, b"new/1.h:2,")
