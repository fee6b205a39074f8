"""What happens in a real tree is told by inotify, by name and at once."""

import os
import struct
import threading
from collections.abc import Sequence

import pytest

from maildird.maildir.dirty import EVERYTHING, TREE, Dirty, Moved, Noticed
from maildird.maildir.echoes import Echoes
from maildird.maildir.folders import make_folder, stage
from maildird.maildir.inotify import Inotify
from tests.maildir.disk import put
from tests.maildir.listening import PATIENCE, Heard, make, watching


def test_a_delivery_is_told_by_name(root: bytes, folder: bytes, heard: Heard) -> None:
    with watching(root, heard, folder) as monitor:
        assert monitor.kind == "inotify"
        assert monitor.alive()
        staged = stage(folder, b"x", None)
        os.link(staged.path, os.path.join(folder, b"new/1.h"))
        os.unlink(staged.path)
        assert heard.expect(Dirty(folder, b"new/1.h")) == [Dirty(folder, b"new/1.h")]


def test_renames_and_removals_are_told_by_name(root: bytes, folder: bytes, heard: Heard) -> None:
    new = put(folder, b"new/1.h\xff")
    cur = os.path.join(folder, b"cur/1.h\xff:2,")
    with watching(root, heard, folder):
        os.rename(new, cur)
        heard.expect(Dirty(folder, b"new/1.h\xff"), Dirty(folder, b"cur/1.h\xff:2,"))
        os.rename(cur, cur + b"S")
        heard.expect(Dirty(folder, b"cur/1.h\xff:2,"), Dirty(folder, b"cur/1.h\xff:2,S"))
        os.unlink(cur + b"S")
        heard.expect(Dirty(folder, b"cur/1.h\xff:2,S"))


def test_a_move_between_folders_is_told_as_one(root: bytes, folder: bytes, heard: Heard) -> None:
    other = make(os.path.join(root, b"other"))
    path = put(folder, b"cur/1.h:2,S")
    with watching(root, heard, folder, other):
        os.rename(path, os.path.join(other, b"new/1.h"))
        moved = Moved(Dirty(folder, b"cur/1.h:2,S"), Dirty(other, b"new/1.h"))
        assert heard.expect(moved) == [moved]


def test_what_leaves_the_tree_or_enters_it_is_told_by_its_one_name(
    root: bytes, folder: bytes, heard: Heard
) -> None:
    path = put(folder, b"cur/1.h:2,S")
    with watching(root, heard, folder):
        os.rename(path, os.path.join(root, b"out"))
        assert heard.expect(Dirty(folder, b"cur/1.h:2,S")) == [Dirty(folder, b"cur/1.h:2,S")]
        os.rename(os.path.join(root, b"out"), path)
        assert heard.expect(Dirty(folder, b"cur/1.h:2,S")) == [Dirty(folder, b"cur/1.h:2,S")]


def test_reading_and_hidden_names_are_not_told(root: bytes, folder: bytes, heard: Heard) -> None:
    path = put(folder, b"cur/1.h:2,")
    with watching(root, heard, folder):
        with open(path, "rb") as file:
            file.read()
        os.utime(path, (1, 1))
        put(folder, b"cur/.nfs1")
        put(folder, b"dovecot.index.log")
        os.mkdir(os.path.join(folder, b"cur/directory"))
        put(folder, b"cur/last")
        assert heard.expect(Dirty(folder, b"cur/last")) == [Dirty(folder, b"cur/last")]


def test_keywords_are_told(root: bytes, folder: bytes, heard: Heard) -> None:
    with watching(root, heard, folder):
        put(folder, b"dovecot-keywords")
        heard.expect(Dirty(folder))


def test_new_and_lost_folders_are_told(root: bytes, folder: bytes, heard: Heard) -> None:
    with watching(root, heard, folder) as monitor:
        other = make(os.path.join(root, b"other"))
        heard.expect(TREE)
        monitor.watch_only([folder, other])
        put(other, b"new/1.h")
        heard.expect(Dirty(other, b"new/1.h"))
        os.rename(other, other + b"2")
        heard.expect(TREE)
        monitor.watch_only([folder, other + b"2"])
        put(other + b"2", b"new/2.h")
        heard.expect(Dirty(other + b"2", b"new/2.h"))


def test_directories_above_a_folder_are_watched(root: bytes, heard: Heard) -> None:
    os.mkdir(os.path.join(root, b"a"))
    os.mkdir(os.path.join(root, b"a/b"))
    deep = make(os.path.join(root, b"a/b/c"))
    with watching(root, heard, deep):
        os.mkdir(os.path.join(root, b"a/d"))
        heard.expect(TREE)
        os.mkdir(os.path.join(root, b"a/b/d"))
        heard.expect(TREE)


def test_the_root_may_be_a_folder(root: bytes, heard: Heard) -> None:
    make_folder(root)
    with watching(root, heard, root):
        put(root, b"new/1.h")
        heard.expect(Dirty(root, b"new/1.h"))


def test_a_folder_without_new_is_watched_once_it_has_one(
    root: bytes, folder: bytes, heard: Heard
) -> None:
    os.rmdir(os.path.join(folder, b"new"))
    with watching(root, heard, folder) as monitor:
        os.mkdir(os.path.join(folder, b"new"))
        heard.expect(TREE)
        monitor.watch_only([folder])
        put(folder, b"new/1.h")
        heard.expect(Dirty(folder, b"new/1.h"))


def test_a_replaced_folder_is_watched_in_place_of_the_old(
    root: bytes, folder: bytes, heard: Heard
) -> None:
    with watching(root, heard, folder) as monitor:
        os.rename(folder, folder + b"-old")
        make(folder)
        heard.expect(TREE)
        monitor.watch_only([folder])
        put(folder + b"-old", b"new/old")
        put(folder, b"new/1.h")
        assert Dirty(folder, b"new/old") not in heard.expect(Dirty(folder, b"new/1.h"))


def test_two_folders_may_change_places(root: bytes, folder: bytes, heard: Heard) -> None:
    other = make(os.path.join(root, b"other"))
    with watching(root, heard, folder, other) as monitor:
        os.rename(folder, folder + b"-")
        os.rename(other, folder)
        os.rename(folder + b"-", other)
        monitor.watch_only([folder, other])
        heard.expect(TREE)
        put(folder, b"new/1.h")
        put(other, b"new/2.h")
        told = heard.expect(Dirty(folder, b"new/1.h"), Dirty(other, b"new/2.h"))
        assert not {Dirty(folder, b"new/2.h"), Dirty(other, b"new/1.h")} & set(told)


def test_a_replaced_cur_is_told(root: bytes, folder: bytes, heard: Heard) -> None:
    with watching(root, heard, folder) as monitor:
        os.rmdir(os.path.join(folder, b"cur"))
        heard.expect(TREE)
        os.mkdir(os.path.join(folder, b"cur"))
        heard.expect(TREE)
        monitor.watch_only([folder])
        put(folder, b"cur/1.h:2,")
        heard.expect(Dirty(folder, b"cur/1.h:2,"))


def test_what_is_watched_no_more_is_not_told(root: bytes, folder: bytes, heard: Heard) -> None:
    other = make(os.path.join(root, b"other"))
    with watching(root, heard, folder, other) as monitor:
        monitor.watch_only([folder])
        put(other, b"new/1.h")
        put(folder, b"new/2.h")
        assert heard.expect(Dirty(folder, b"new/2.h")) == [Dirty(folder, b"new/2.h")]


def test_a_gone_folder_is_no_error(root: bytes, folder: bytes, heard: Heard) -> None:
    with watching(root, heard, folder, os.path.join(root, b"gone")) as monitor:
        assert monitor.kind == "inotify"
        put(folder, b"new/1.h")
        heard.expect(Dirty(folder, b"new/1.h"))


def test_many_events_are_told_once_each(root: bytes, folder: bytes, heard: Heard) -> None:
    with watching(root, heard, folder):
        names = [b"new/%d.h" % number for number in range(1000)]
        for name in names:
            put(folder, name, b"")
        heard.expect(*(Dirty(folder, name) for name in names))


def test_a_folder_is_told_once_it_is_watched(root: bytes, folder: bytes, heard: Heard) -> None:
    os.mkdir(os.path.join(root, b"above"))
    other = make(os.path.join(root, b"above/other"))
    with watching(root, heard, folder) as monitor:
        monitor.watch_only([folder])
        monitor.watch_only([folder, other])
        assert Dirty(folder) not in heard.expect(Dirty(other), TREE)


def test_a_folder_that_appears_is_watched_at_once(root: bytes, heard: Heard) -> None:
    with watching(root, heard):
        other = os.path.join(root, b"other")
        os.mkdir(other)
        heard.expect(TREE)
        os.mkdir(os.path.join(other, b"new"))
        heard.expect(TREE)
        put(other, b"new/1.h")
        heard.expect(Dirty(other, b"new/1.h"))
        os.mkdir(os.path.join(root, b"..hidden"))
        heard.expect(TREE)
        os.mkdir(os.path.join(root, b"..hidden/x"))
        put(other, b"new/2.h")
        assert heard.expect(Dirty(other, b"new/2.h")) == [Dirty(other, b"new/2.h")]


def test_a_folder_made_anew_is_watched_without_being_told_to(
    root: bytes, folder: bytes, heard: Heard
) -> None:
    with watching(root, heard, folder):
        os.rename(folder, os.path.join(root, b"..gone"))
        made = make(os.path.join(root, b"made"))
        os.rename(made, folder)
        put(folder, b"cur/1.h:2,")
        put(root, b"dovecot-keywords")
        heard.expect(TREE, Dirty(root))  # events come in order: what went before was heard
        put(folder, b"cur/2.h:2,")
        heard.expect(Dirty(folder, b"cur/2.h:2,"))


def test_what_happens_while_a_folder_is_renamed_is_not_lost(
    root: bytes, folder: bytes, heard: Heard
) -> None:
    with watching(root, heard, folder) as monitor:
        os.rename(folder, folder + b"2")
        put(folder + b"2", b"new/1.h")
        monitor.watch_only([folder + b"2"])
        heard.expect(Dirty(folder + b"2"))


def test_a_lost_root_is_told(root: bytes, folder: bytes, heard: Heard) -> None:
    with watching(root, heard, folder):
        os.rename(root, root + b"-away")
        heard.expect(TREE)


def test_more_events_than_the_kernel_keeps_mean_everything(root: bytes, folder: bytes) -> None:
    with open("/proc/sys/fs/inotify/max_queued_events", "rb") as file:
        kept = int(file.read())
    if kept > 100_000:
        pytest.skip("the kernel keeps too many events to make more of them here")
    told: list[Noticed] = []
    busy, go_on, overflown = threading.Event(), threading.Event(), threading.Event()

    def notify(dirty: Sequence[Noticed]) -> None:
        busy.set()
        assert go_on.wait(PATIENCE)
        told.extend(dirty)
        if EVERYTHING in dirty:
            overflown.set()

    with watching(root, notify, folder) as monitor:
        path = put(folder, b"new/0.h")
        assert busy.wait(PATIENCE)
        for _ in range(kept // 2 + 1):
            os.rename(path, path + b"x")
            os.rename(path + b"x", path)
        go_on.set()
        assert overflown.wait(PATIENCE)
        assert monitor.alive()


@pytest.mark.parametrize(
    ("mask", "told"),
    [
        (0x4000, [EVERYTHING]),  # IN_Q_OVERFLOW
        (0x2000, [EVERYTHING]),  # IN_UNMOUNT
        (0x8000, []),  # IN_IGNORED of a watch that is known no more
        (0x0100, []),  # IN_CREATE of one
    ],
)
def test_records_of_no_watch(root: bytes, mask: int, told: list[Dirty]) -> None:
    watches = Inotify(root, Echoes())
    try:
        record = struct.pack("iIII", -1, mask, 0, 16) + b"name".ljust(16, b"\0")
        assert list(watches._read(record)) == told
    finally:
        watches.close()
