"""Searching many messages in processes of their own."""

from pathlib import Path

import trio

from maildird.imap.commands import search as keys
from maildird.session.search_processes import ask_in_processes
from maildird.session.verdicts import MAYBE, NO, YES

KEYS = (keys.InBody("Wein"), keys.InText("rot"), keys.Larger(50))


def _files(directory: Path, *contents: bytes) -> list[bytes]:
    for number, content in enumerate(contents):
        (directory / str(number)).write_bytes(content)
    return [bytes(directory / str(number)) for number in range(len(contents))]


async def test_each_file_answers_each_key(tmp_path: Path) -> None:
    paths = _files(
        tmp_path,
        b"Subject: rot\n\nWein\n",
        b"Subject: x\nContent-Type: text/plain; charset=utf-8\n\nw\xc3\xa9in wei\nn ROT\n",
        b"Subject: x\n\n" + b"x" * 50,
        b"",
    )
    said = await ask_in_processes(KEYS, 0, paths)
    assert said == [
        bytes([YES, YES, NO]),
        bytes([NO, YES, YES]),
        bytes([NO, NO, YES]),
        bytes([NO, NO, NO]),
    ]


async def test_what_can_not_be_read_is_left_open(tmp_path: Path) -> None:
    first, second = _files(tmp_path, b"\nWein", b"\nrot")
    said = await ask_in_processes(KEYS, 0, [first, bytes(tmp_path), second, first + b".none"])
    assert said == [
        bytes([YES, NO, NO]),
        bytes([MAYBE] * 3),
        bytes([NO, YES, NO]),
        bytes([MAYBE] * 3),
    ]


async def test_one_search_at_a_time_has_them(tmp_path: Path) -> None:
    paths = _files(tmp_path, *[b"\nWein"] * 9)
    said: list[list[bytes] | None] = []

    async def ask() -> None:
        said.append(await ask_in_processes(KEYS, 0, paths))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        nursery.start_soon(ask)
    assert said == [None, [bytes([YES, NO, NO])] * 9]
    await ask()
    assert said[2] == said[1]
