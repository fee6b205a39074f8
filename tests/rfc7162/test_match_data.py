"""Section 3.2.5.2: message numbers with their UIDs say how far a client knows what is gone."""

import pytest

from tests.rfc7162.client import Client, Exchange
from tests.rfc7162.hosts import Host
from tests.rfc7162.statements import proves
from tests.rfc7162.synchronising import come_back, open_with, since


async def open_and_lose(me: Client, other: Client) -> Exchange:
    """UIDs 1 to 8, and what a client saw then; 2, 3 and 7 are gone since."""
    opened = await open_with(me, 8)
    await other.do("SELECT INBOX")
    await other.do(r"STORE 2:3,7 +FLAGS.SILENT (\Deleted)")
    await other.do("EXPUNGE")
    return opened


@pytest.mark.parametrize(
    "pairs", ["1 1", "1,4 1,4", "1:8 1:8", "8 8", "1,3,5,7 1,3,5,7", "5,8 5,8"]
)
@proves("3.2#4")
async def test_honest_data_hides_nothing_new(
    host: Host, me: Client, other: Client, pairs: str
) -> None:
    opened = await open_and_lose(me, other)
    back = await come_back(host, opened, known=f"1:8 ({pairs})")
    assert back.vanished_earlier == (2, 3, 7)


@proves("3.2#4")
async def test_honest_data_of_a_client_that_knows_a_part(
    host: Host, me: Client, other: Client
) -> None:
    """It was told of 2 and 3, not of 7."""
    opened = await open_and_lose(me, other)
    back = await come_back(host, opened, known="1,4:8 (1:4,6 1,4:6,8)")
    assert back.vanished_earlier == (7,)


@pytest.mark.parametrize(
    "pairs",
    [
        "1:4 2:5",
        "1,2,3 10,20,30",
        "100:200 100:200",
        "7:9 9:11",
        "4 8",
        "1:4294967295 1:4294967295",
        "4294967295 4294967295",
    ],
)
@proves("3.2#4")
async def test_data_that_fits_nothing_loses_nothing(
    host: Host, me: Client, other: Client, pairs: str
) -> None:
    opened = await open_and_lose(me, other)
    back = await come_back(host, opened, known=f"1:8 ({pairs})")
    assert back.vanished_earlier == (2, 3, 7)


@pytest.mark.parametrize("pairs", ["1:3 1", "1 1:3"])
async def test_sets_of_different_length_are_bad(host: Host, me: Client, pairs: str) -> None:
    opened = await open_with(me, 3)
    refused = await me.say(f"SELECT INBOX {since(opened, known=f'1:3 ({pairs})')}")
    assert refused.tagged.condition == "BAD"


@pytest.mark.parametrize("pairs", ["5 8", "2 4", "1:5 1,4:6,8"])
async def test_data_that_claims_too_much_loses_nothing(ours: Host, pairs: str) -> None:
    """The client pretends to know what is gone; what went since its mod-sequence is told still."""
    me, other = await ours.connect(), await ours.connect()
    opened = await open_and_lose(me, other)
    back = await come_back(ours, opened, known=f"1:8 ({pairs})")
    assert back.vanished_earlier == (2, 3, 7)


SPARING = [
    ("1 1", {2, 3, 7}),
    ("2 4", {7}),
    ("2:4,99 4,5:6,99", {7}),
    ("1:5 1,4:6,8", set()),
    ("3:5 5,7,9", {7}),
    ("1:8 1:8", {2, 3, 7}),
]


@pytest.mark.parametrize(("pairs", "unknown"), SPARING)
@proves("3.2.6#6")
async def test_data_spares_no_more_than_what_is_known(
    host: Host, me: Client, other: Client, pairs: str, unknown: set[int]
) -> None:
    opened = await open_and_lose(me, other)
    back = await come_back(host, opened, modseq=1, known=f"1:8 ({pairs})")
    assert unknown <= set(back.vanished_earlier) <= {2, 3, 7}


@pytest.mark.parametrize(("pairs", "unknown"), SPARING)
@pytest.mark.parametrize("known", ["1:8 ", ""])
async def test_data_spares_what_is_known_if_the_modseq_is_too_old(
    ours: Host, known: str, pairs: str, unknown: set[int]
) -> None:
    """What is gone above the last pair that fits is told, and nothing below it."""
    me, other = await ours.connect(), await ours.connect()
    opened = await open_and_lose(me, other)
    back = await come_back(ours, opened, modseq=1, known=f"{known}({pairs})")
    assert set(back.vanished_earlier) == unknown
