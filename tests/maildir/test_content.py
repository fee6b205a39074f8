"""Content: wire form, disk form, and the size of the one from the other."""

import errno
import os
import socket
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from maildird.maildir.content import (
    SHORT,
    disk_form,
    read_content,
    read_if_cached,
    wire_form,
    wire_size,
)

contents = st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b"\0", b"a", b"\x80", b"\xff"]), max_size=12
).map(b"".join)


@pytest.mark.parametrize(
    ("raw", "wire"),
    [
        (b"", b""),
        (b"a\n", b"a\r\n"),
        (b"a\r\n", b"a\r\n"),
        (b"a\n\r\nb", b"a\r\n\r\nb"),
        (b"a\rb", b"a\rb"),
        (b"a\r\r\n", b"a\r\r\n"),
        (b"a\n\rb", b"a\r\n\rb"),
        (b"a\0b\0", b"a\x80b\x80"),
        (b"\r\0\n", b"\r\x80\r\n"),
    ],
)
def test_wire_form(raw: bytes, wire: bytes) -> None:
    assert wire_form(raw) == wire


@pytest.mark.parametrize(
    ("content", "raw"),
    [
        (b"a\r\nb\r\n", b"a\nb\n"),
        (b"a\r\n\nb", b"a\n\nb"),
        (b"a\r\r\nb\r\n", b"a\r\r\nb\r\n"),
        (b"a\rb\0", b"a\rb\0"),
    ],
)
def test_disk_form(content: bytes, raw: bytes) -> None:
    assert disk_form(content) == raw


@given(contents)
@example(b"\r\r\n")
@example(b"\r\r\r\n\n")
def test_the_disk_form_has_the_same_wire_form(content: bytes) -> None:
    assert wire_form(disk_form(content)) == wire_form(content)


@given(contents)
def test_the_wire_form_is_its_own(raw: bytes) -> None:
    wire = wire_form(raw)
    assert wire_form(wire) == wire
    assert b"\0" not in wire
    assert wire.count(b"\n") == wire.count(b"\r\n")


@given(contents)
def test_the_wire_size_is_the_length_of_the_wire_form(raw: bytes) -> None:
    assert wire_size(raw) == len(wire_form(raw))


def test_a_message_is_read_with_its_date(tmp_path: Path) -> None:
    path = tmp_path / "1.h:2,"
    path.write_bytes(b"Subject: x\n\nbody\0\n")
    os.utime(path, (5, 1_000_000_000))
    content = read_content(os.fsencode(path))
    assert content.data == b"Subject: x\r\n\r\nbody\x80\r\n"
    assert content.internaldate == 1_000_000_000


def test_a_message_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_content(os.fsencode(tmp_path / "gone"))


def test_what_is_no_regular_file_is_refused_and_leaves_nothing_open(tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "target").write_bytes(b"secret")
    (tmp_path / "link").symlink_to("target")
    before = os.listdir("/proc/self/fd")
    for name in ("directory", "fifo", "link"):
        with pytest.raises(OSError, match=name) as raised:
            read_content(os.fsencode(tmp_path / name))
        assert raised.value.errno in (errno.EINVAL, errno.ELOOP, errno.EISDIR)
    assert os.listdir("/proc/self/fd") == before


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        with pytest.raises(OSError, match="socket"):
            read_content(b"socket")


def test_a_file_that_is_written_in_place_is_not_at_rest(tmp_path: Path) -> None:
    """As `cp` does it; what was linked or renamed into place is complete."""
    (tmp_path / "cur").mkdir()
    written = tmp_path / "cur" / "1.copy:2,"
    written.write_bytes(b"Subject: half")
    assert not read_content(os.fsencode(written)).at_rest
    earlier = time.time() - 10
    os.utime(written, (earlier, earlier))
    assert read_content(os.fsencode(written)).at_rest


def test_what_takes_no_time_to_read(tmp_path: Path) -> None:
    """Some filesystems don't say what they have in memory."""
    path = tmp_path / "1"
    path.write_bytes(b"a\n\0")
    assert read_if_cached(bytes(path)) in (read_content(bytes(path)), None)
    path.write_bytes(b"x" * (SHORT + 1))
    assert read_if_cached(bytes(path)) is None
    path.unlink()
    assert read_if_cached(bytes(path)) is None
    os.mkfifo(path)
    assert read_if_cached(bytes(path)) is None
