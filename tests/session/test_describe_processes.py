"""Describing many messages in processes of their own."""

from pathlib import Path

import pytest
import trio

from maildird.index.rows import Facts
from maildird.maildir.content import read_content
from maildird.session.describe import describe
from maildird.session.describe_processes import BATCH, describers


def files(directory: Path, count: int) -> list[bytes]:
    """Messages that were linked after they were written, as deliveries are."""
    for number in range(count):
        (directory / f"{number}.tmp").write_bytes(b"Subject: %d\n\nbody\n" % number)
        (directory / f"{number}.tmp").rename(directory / str(number))
    return [bytes(directory / str(number)) for number in range(count)]


@pytest.mark.parametrize("count", [1, BATCH, 3 * BATCH + 7])
async def test_each_file_is_described(tmp_path: Path, count: int) -> None:
    paths = files(tmp_path, count)
    described: list[Facts | None] = []
    async with describers(paths, 2) as processes:
        assert processes is not None
        while len(described) < count:
            described += await processes.next_batch()
    contents = map(read_content, paths)
    assert described == [describe(each.data, each.internaldate) for each in contents]


async def test_what_can_not_be_read_is_left_out(tmp_path: Path) -> None:
    first, second = files(tmp_path, 2)
    unreadable = [bytes(tmp_path), first + b".none"]
    async with describers([first, *unreadable, second], 2) as processes:
        assert processes is not None
        described = await processes.next_batch()
    assert [facts is None for facts in described] == [False, True, True, False]


async def test_one_session_at_a_time_has_them(tmp_path: Path) -> None:
    paths = files(tmp_path, 1)
    async with describers(paths, 2) as processes, describers(paths, 2) as others:
        assert processes is not None
        assert others is None
        assert None not in await processes.next_batch()
    async with describers(paths, 2) as processes:
        assert processes is not None


async def test_they_end_when_nobody_wants_the_rest(tmp_path: Path) -> None:
    paths = files(tmp_path, 1)
    with trio.fail_after(10):
        async with describers(paths * 50_000, 2) as processes:
            assert processes is not None
            assert len(await processes.next_batch()) == BATCH


async def test_what_ends_the_session_stays_what_it_is(tmp_path: Path) -> None:
    async def session() -> None:
        async with describers(files(tmp_path, 1), 2):
            raise trio.BrokenResourceError("the client left")

    with pytest.raises(trio.BrokenResourceError, match="the client left"):
        await session()
