"""Messages on disk: written, published, renamed, copied, removed; never overwritten or lost."""

import errno
import os
import time
from pathlib import Path

import pytest

from maildird.maildir.content import read_content
from maildird.maildir.folders import (
    ABANDONED,
    change_flags,
    clean_tmp,
    copied_name,
    copy_into,
    discard,
    fsync_directory,
    make_folder,
    publish,
    remove,
    resolve_double,
    stage,
    take_new,
)
from maildird.maildir.names import parse_name
from maildird.terms.flags import FLAGGED, SEEN, keyword_bit
from tests.maildir.disk import content_of, files_in, full_disk, put

A, B = keyword_bit(0), keyword_bit(1)


@pytest.fixture
def target(tmp_path: Path) -> bytes:
    directory = os.fsencode(tmp_path / "target")
    os.mkdir(directory)
    make_folder(directory)
    return directory


# stage, publish, discard


def test_a_staged_message_lies_in_tmp_until_it_is_published(folder: bytes) -> None:
    staged = stage(folder, b"a\r\nb\0\r\n", 1_000_000_000)
    assert files_in(folder) == {b"tmp/" + staged.base}
    name = publish(staged, folder, SEEN | A, A)
    assert name == b"cur/" + staged.base + b":2,Sa"
    assert files_in(folder) == {name}
    assert content_of(folder, name) == b"a\nb\0\n"
    assert staged.base.endswith(b",S=5,W=7")
    assert os.stat(os.path.join(folder, name)).st_mode & 0o777 == 0o600
    assert read_content(os.path.join(folder, name)).internaldate == 1_000_000_000
    fsync_directory(os.path.join(folder, b"cur"))
    discard(staged)
    assert files_in(folder) == {name}


def test_a_message_without_a_date_has_the_present_one(folder: bytes) -> None:
    before = int(time.time())
    staged = stage(folder, b"x", None)
    assert before <= int(os.stat(staged.path).st_mtime) <= int(time.time())


def test_a_discarded_message_is_gone(folder: bytes) -> None:
    staged = stage(folder, b"x", None)
    discard(staged)
    discard(staged)
    assert files_in(folder) == set()


def test_staging_makes_a_missing_tmp(folder: bytes) -> None:
    os.rmdir(os.path.join(folder, b"tmp"))
    staged = stage(folder, b"x", None)
    assert files_in(folder) == {b"tmp/" + staged.base}


def test_a_full_disk_leaves_nothing_in_tmp(folder: bytes) -> None:
    with full_disk(), pytest.raises(OSError, match="large") as raised:
        stage(folder, b"x", None)
    assert raised.value.errno == errno.EFBIG
    assert raised.value.filename.startswith(os.path.join(folder, b"tmp"))
    assert files_in(folder) == set()


def test_publishing_overwrites_nothing(folder: bytes) -> None:
    staged = stage(folder, b"new", None)
    other = put(folder, b"cur/" + staged.base + b":2,", b"other")
    with pytest.raises(FileExistsError):
        publish(staged, folder, 0, 0)
    assert content_of(folder, b"cur/" + os.path.basename(other)) == b"other"
    assert os.path.exists(staged.path)


# flags


def test_flags_change_the_name_only(folder: bytes) -> None:
    path = put(folder, b"cur/1.h:2,Pb,x=1")
    os.utime(path, (7, 7))
    before = os.stat(path)
    name = change_flags(folder, b"cur/1.h:2,Pb,x=1", FLAGGED | A, A)
    assert name == b"cur/1.h:2,FPab,x=1"
    assert files_in(folder) == {name}
    after = os.stat(os.path.join(folder, name))
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_flags_move_a_new_message_to_cur(folder: bytes) -> None:
    put(folder, b"new/1.h")
    assert change_flags(folder, b"new/1.h", 0, 0) == b"cur/1.h:2,"
    assert files_in(folder) == {b"cur/1.h:2,"}


def test_flags_that_are_there_already_change_nothing(folder: bytes) -> None:
    put(folder, b"cur/1.h:2,S")
    assert change_flags(folder, b"cur/1.h:2,S", SEEN, 0) == b"cur/1.h:2,S"
    assert files_in(folder) == {b"cur/1.h:2,S"}


def test_flags_of_a_message_that_is_gone(folder: bytes) -> None:
    with pytest.raises(FileNotFoundError):
        change_flags(folder, b"cur/1.h:2,S", 0, 0)


def test_flags_never_overwrite_another_message(folder: bytes) -> None:
    put(folder, b"cur/1.h:2,", b"one")
    put(folder, b"cur/1.h:2,S", b"two")
    with pytest.raises(FileExistsError):
        change_flags(folder, b"cur/1.h:2,", SEEN, 0)
    assert content_of(folder, b"cur/1.h:2,") == b"one"
    assert content_of(folder, b"cur/1.h:2,S") == b"two"


def test_flags_finish_a_move_that_stopped_half_way(folder: bytes) -> None:
    path = put(folder, b"new/1.h")
    os.link(path, os.path.join(folder, b"cur/1.h:2,S"))
    assert change_flags(folder, b"new/1.h", SEEN, 0) == b"cur/1.h:2,S"
    assert files_in(folder) == {b"cur/1.h:2,S"}


# new to cur


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        (b"new/1.h", b"cur/1.h:2,"),
        (b"new/1.h:2,", b"cur/1.h:2,"),
        (b"new/1.h,U=1:2,TS,x", b"cur/1.h,U=1:2,TS,x"),
    ],
)
def test_new_messages_move_to_cur(folder: bytes, name: bytes, taken: bytes) -> None:
    put(folder, name)
    assert take_new(folder, name) == taken
    assert files_in(folder) == {taken}


def test_a_new_message_stays_where_the_disk_forbids_the_move(powerless: bytes) -> None:
    put(powerless, b"new/1.h")
    os.chmod(os.path.join(powerless, b"cur"), 0o500)
    assert take_new(powerless, b"new/1.h") == b"new/1.h"
    assert files_in(powerless) == {b"new/1.h"}


def test_a_new_message_stays_when_another_has_its_name(folder: bytes) -> None:
    put(folder, b"new/1.h", b"one")
    put(folder, b"cur/1.h:2,", b"two")
    assert take_new(folder, b"new/1.h") == b"new/1.h"
    assert content_of(folder, b"new/1.h") == b"one"
    assert content_of(folder, b"cur/1.h:2,") == b"two"


def test_a_new_message_stays_when_its_name_would_be_too_long(folder: bytes) -> None:
    name = b"new/" + b"x" * 254
    put(folder, name)
    assert take_new(folder, name) == name


def test_a_new_message_that_is_gone(folder: bytes) -> None:
    with pytest.raises(FileNotFoundError):
        take_new(folder, b"new/1.h")


# remove, copy


def test_removing(folder: bytes) -> None:
    put(folder, b"cur/1.h:2,")
    remove(folder, b"cur/1.h:2,")
    with pytest.raises(FileNotFoundError):
        remove(folder, b"cur/1.h:2,")


def test_a_copy_is_a_link_under_a_name_of_its_own(folder: bytes, target: bytes) -> None:
    path = put(folder, b"cur/1.h:2,FPXab")
    os.utime(path, (7, 7))
    copied = copied_name(b"cur/1.h:2,FPXab", b"2.h", SEEN | B, B)
    copy_into(folder, b"cur/1.h:2,FPXab", target, copied)
    parsed = parse_name(copied.removeprefix(b"cur/"))
    assert parsed.base == b"2.h"
    assert parsed.letters == b"PSXb", "the letter a may mean something else there"
    assert files_in(target) == {copied}
    assert os.path.samefile(path, os.path.join(target, copied))
    assert read_content(os.path.join(target, copied)).internaldate == 7


def test_a_copy_to_another_disk_has_content_and_date(folder: bytes, tmp_path: Path) -> None:
    here = tmp_path.stat().st_dev
    others = [path for path in map(Path, ("/dev/shm", "/tmp", "/var/tmp")) if path.is_dir()]
    other = next((path for path in others if path.stat().st_dev != here), None)
    if other is None:
        pytest.skip("there is no second file system")
    elsewhere = other / f"maildird-{os.getpid()}"
    path = put(folder, b"cur/1.h:2,", b"a\r\nb\n")
    os.utime(path, (7, 7))
    elsewhere.mkdir()
    try:
        there = os.fsencode(elsewhere)
        make_folder(there)
        copied = b"cur/2.h:2,S"
        copy_into(folder, b"cur/1.h:2,", there, copied)
        assert files_in(there) == {copied}
        assert content_of(there, copied) == b"a\r\nb\n"
        assert os.stat(os.path.join(there, copied)).st_mtime == 7
    finally:
        for name in files_in(there):
            os.unlink(os.path.join(there, name))
        for directory in (elsewhere / "cur", elsewhere / "new", elsewhere / "tmp", elsewhere):
            directory.rmdir()


def test_a_copy_of_what_is_gone_leaves_nothing(folder: bytes, target: bytes) -> None:
    with pytest.raises(FileNotFoundError):
        copy_into(folder, b"cur/1.h:2,", target, b"cur/2.h:2,")
    assert files_in(target) == set()


# doubles


def test_another_message_of_the_same_name_gets_one_of_its_own(folder: bytes) -> None:
    put(folder, b"cur/1.h:2,S", b"one")
    put(folder, b"new/1.h", b"two")
    own = resolve_double(folder, b"cur/1.h:2,S", b"new/1.h")
    assert own is not None
    assert parse_name(own.removeprefix(b"cur/")).base != b"1.h"
    assert files_in(folder) == {b"cur/1.h:2,S", own}
    assert content_of(folder, own) == b"two"


def test_a_double_keeps_its_letters_and_trailer(folder: bytes) -> None:
    put(folder, b"cur/1.h:2,S")
    put(folder, b"cur/1.h:2,Fa,x")
    own = resolve_double(folder, b"cur/1.h:2,S", b"cur/1.h:2,Fa,x")
    assert own is not None
    assert own.endswith(b":2,Fa,x")


def test_one_file_of_two_names_loses_one_in_time(
    folder: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(folder, b"new/1.h")
    os.link(path, os.path.join(folder, b"cur/1.h:2,"))
    assert resolve_double(folder, b"cur/1.h:2,", b"new/1.h") is None
    assert files_in(folder) == {b"new/1.h", b"cur/1.h:2,"}, "its mover may be at it yet"
    later = time.time() + 120
    monkeypatch.setattr(time, "time", lambda: later)
    assert resolve_double(folder, b"cur/1.h:2,", b"new/1.h") is None
    assert files_in(folder) == {b"cur/1.h:2,"}


def test_a_double_that_went_away(folder: bytes) -> None:
    put(folder, b"cur/1.h:2,")
    with pytest.raises(FileNotFoundError):
        resolve_double(folder, b"cur/1.h:2,", b"new/1.h")


# tmp


def test_tmp_is_cleaned_of_what_nobody_touches(
    folder: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    staged = stage(folder, b"x", 1_000_000_000)
    os.mkdir(os.path.join(folder, b"tmp/directory"))
    clean_tmp(folder)
    assert files_in(folder) == {b"tmp/" + staged.base, b"tmp/directory"}, "its date is not its age"
    later = time.time() + ABANDONED + 10
    monkeypatch.setattr(time, "time", lambda: later)
    clean_tmp(folder)
    assert files_in(folder) == {b"tmp/directory"}
