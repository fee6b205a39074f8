"""The file that says how far clients were told, and what crashes make of it."""

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from maildird.maildir.replacing import TEMPORARY
from maildird.maildir.told import FILE, Told, break_told, read_told, remove_told, write_told
from tests.maildir.disk import content_of, put

FIRST = Told(1700000000, 1025, 1700000100, bytes(range(16)))
SECOND = replace(FIRST, next_uid=12, modseq=1700000042, exact=True)


def test_a_folder_of_which_nothing_was_told(folder: bytes) -> None:
    assert read_told(folder) is None


def test_the_last_word_counts(folder: bytes) -> None:
    for told in (FIRST, SECOND):
        write_told(folder, told)
        assert read_told(folder) == told
    remove_told(folder)
    assert read_told(folder) is None
    remove_told(folder)


def test_a_line_that_was_cut_short_does_not_count(folder: bytes) -> None:
    write_told(folder, FIRST)
    before = content_of(folder, FILE)
    write_told(folder, SECOND)
    whole = content_of(folder, FILE)
    for length in range(len(before), len(whole) - 1):
        for more in (b"", b"\n"):  # the next line may be cut short, too
            overwrite(folder, whole[:length] + more)
            assert read_told(folder) == FIRST
        write_told(folder, SECOND)
        assert read_told(folder) == SECOND


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\0" * 5000, b"V1 N2 M3 Gxy\n", b"V1 N2\n"])
def test_what_makes_no_sense_says_nothing(folder: bytes, content: bytes) -> None:
    put(folder, FILE, content)
    assert read_told(folder) is None
    write_told(folder, FIRST)
    assert read_told(folder) == FIRST


def test_the_file_stays_small(folder: bytes) -> None:
    for count in range(1, 200):
        told = replace(FIRST, next_uid=count)
        write_told(folder, told)
        assert read_told(folder) == told
        assert os.path.getsize(os.path.join(folder, FILE)) < 4200


def test_a_file_that_can_not_be_replaced_is_appended_to(folder: bytes) -> None:
    os.mkdir(os.path.join(folder, FILE + TEMPORARY))
    for count in range(1, 200):
        told = replace(FIRST, next_uid=count)
        write_told(folder, told)
        assert read_told(folder) == told


def test_what_is_broken_holds_no_more_and_needs_no_room(folder: bytes) -> None:
    break_told(folder)
    assert read_told(folder) is None
    write_told(folder, SECOND)
    before = content_of(folder, FILE)
    for _ in range(2):
        break_told(folder)
        assert read_told(folder) == replace(SECOND, holds=False)
        assert len(content_of(folder, FILE)) == len(before)
    write_told(folder, FIRST)
    assert read_told(folder) == FIRST


def test_what_was_copied_does_not_hold(folder: bytes) -> None:
    write_told(folder, SECOND)
    path = os.path.join(folder, FILE)
    os.rename(path, path + b".original")
    shutil.copy2(path + b".original", path)
    assert read_told(folder) == replace(SECOND, holds=False)
    os.replace(path + b".original", path)
    assert read_told(folder) == SECOND


def test_what_was_written_over_with_an_old_file_does_not_hold(folder: bytes) -> None:
    write_told(folder, SECOND)
    then = time.time() - 1000
    os.utime(os.path.join(folder, FILE), (then, then))
    assert read_told(folder) == replace(SECOND, holds=False)


@pytest.mark.parametrize(
    "line",
    [
        b"V4294967295 N2 M3 G%s I%d exact",
        b"V0 N2 M3 G%s I%d exact",
        b"V1 N4294967296 M3 G%s I%d exact",
        b"V1 N0 M3 G%s I%d exact",
        b"V1 N2 M9223372036854775807 G%s I%d exact",
        b"V1 N2 M9999999999999999999 G%s I%d promised",
    ],
)
def test_numbers_beyond_the_protocol_are_none(folder: bytes, line: bytes) -> None:
    write_told(folder, FIRST)
    path = os.path.join(folder, FILE)
    overwrite(folder, line % (bytes(16).hex().encode(), os.stat(path).st_ino) + b"\n")
    assert read_told(folder) is None


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_says_nothing(folder: bytes, make: Callable[[bytes], None]) -> None:
    make(os.path.join(folder, FILE))
    assert read_told(folder) is None
    with pytest.raises(OSError, match=r"regular|directory"):
        write_told(folder, FIRST)
    break_told(folder)


def overwrite(folder: bytes, content: bytes) -> None:
    """Have the same file contain something else."""
    with open(os.path.join(folder, FILE), "r+b") as file:
        file.truncate(0)
        file.write(content)


def test_a_symlink_is_not_followed(folder: bytes) -> None:
    os.symlink(b"elsewhere", os.path.join(folder, FILE))
    with pytest.raises(OSError, match="symbolic"):
        write_told(folder, FIRST)
    assert not os.path.exists(os.path.join(folder, b"elsewhere"))
