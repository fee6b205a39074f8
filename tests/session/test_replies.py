"""What is sent, and in which pieces."""

import trio

from maildird.session.replies import LONGEST, PIECE, Replies


class Wire:
    """Keeps what was sent; can be made to hang."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.hangs = False

    async def receive_some(self) -> bytes:
        return b""

    async def send_all(self, data: bytes) -> None:
        if self.hangs:
            await trio.sleep_forever()
        self.sent.append(data)


async def test_replies_are_joined() -> None:
    wire = Wire()
    replies = Replies(wire)
    for _ in range(1000):
        replies.write(b"a OK done\r\n")
        await replies.drain()
    assert wire.sent == []
    await replies.flush()
    assert wire.sent == [b"a OK done\r\n" * 1000]
    await replies.flush()
    assert len(wire.sent) == 1


async def test_enough_is_sent_at_once() -> None:
    wire = Wire()
    replies = Replies(wire)
    replies.write(b"x" * PIECE)
    await replies.drain()
    assert wire.sent == [b"x" * PIECE]


async def test_a_long_reply_is_sent_in_pieces_and_each_full_one_is_noted() -> None:
    wire, taken = Wire(), []
    replies = Replies(wire, lambda: taken.append(len(wire.sent)))
    replies.write(b"before")
    replies.write(b"x" * (2 * LONGEST + 1))
    replies.write(b"after")
    await replies.flush()
    assert [len(piece) for piece in wire.sent] == [6, LONGEST, LONGEST, 1, 5]
    assert taken == [2, 3]


async def test_others_get_their_turn() -> None:
    replies = Replies(Wire())
    with trio.move_on_after(0) as scope:
        for _ in range(10_000_000):
            await replies.drain()
    assert scope.cancelled_caught


async def test_no_farewell_in_the_middle_of_a_reply() -> None:
    wire = Wire()
    replies = Replies(wire)
    replies.write(b"never sent")
    await replies.farewell(b"* BYE\r\n")
    assert wire.sent == [b"* BYE\r\n"]
    wire.hangs = True
    replies.write(b"begun")
    with trio.move_on_after(0):
        await replies.flush()
    wire.hangs = False
    await replies.farewell(b"* BYE\r\n")
    assert wire.sent == [b"* BYE\r\n"]
