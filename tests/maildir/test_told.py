"""The file that says how far clients were told, and what crashes make of it."""

import os
from dataclasses import replace

import pytest

from maildird.maildir.told import FILE, Told, read_told, remove_told, write_told
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
            remove_told(folder)
            put(folder, FILE, whole[:length] + more)
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


def test_a_symlink_is_not_followed(folder: bytes) -> None:
    os.symlink(b"elsewhere", os.path.join(folder, FILE))
    with pytest.raises(OSError, match="symbolic"):
        write_told(folder, FIRST)
    assert not os.path.exists(os.path.join(folder, b"elsewhere"))
