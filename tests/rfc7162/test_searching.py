"""Sections 3.1.5, 3.1.6, 3.1.9 and 3.1.10: SEARCH by MODSEQ, and the MODSEQ of what it finds."""

import pytest

from tests.rfc7162.client import Client
from tests.rfc7162.hosts import Host
from tests.rfc7162.responses import Esearch, Search, numbers
from tests.rfc7162.scenes import deliver, modseqs
from tests.rfc7162.statements import proves

NEVER = 2**62
"""A mod-sequence that no message reaches."""

SEEN = '"/flags/\\\\seen"'
ENTRIES = (
    f"{SEEN} all",
    f"{SEEN} priv",
    f"{SEEN} shared",
    '"/flags/$Nobody" all',
    '"/FLAGS/\\\\Draft" ALL',
)


@pytest.fixture
async def told(host: Host, me: Client) -> dict[int, int]:
    """Five messages, UIDs 2 to 6, each with a MODSEQ of its own; gives these.

    They were stored in the order 2, 5, 1, 4, 3: the greatest is neither the first nor the last.
    """
    deliver(host, 6)
    await me.do("SELECT INBOX (CONDSTORE)")
    await me.do("STORE 1 +FLAGS.SILENT (\\Deleted)")
    await me.do("EXPUNGE")
    for seq in (2, 5, 1, 4, 3):
        await me.do(f"STORE {seq} FLAGS.SILENT (\\Seen)")
    return await modseqs(me)


@proves("3.1.5#3", "3.1.6#1")
@pytest.mark.parametrize(
    ("at", "found"),
    [
        (2, (1, 2, 3, 4, 5)),
        (5, (1, 3, 4, 5)),
        (1, (1, 3, 4)),
        (4, (3, 4)),
        (3, (3,)),
    ],
)
async def test_messages_with_that_modseq_or_a_greater_are_found(
    me: Client, told: dict[int, int], at: int, found: tuple[int, ...]
) -> None:
    by_number = (await me.do(f"SEARCH MODSEQ {told[at]}")).one(Search)
    assert (by_number.numbers, by_number.modseq) == (found, told[3])
    by_uid = (await me.do(f"UID SEARCH MODSEQ {told[at]}")).one(Search)
    assert (by_uid.numbers, by_uid.modseq) == (tuple(seq + 1 for seq in found), told[3])


@proves("3.1.6#1")
@pytest.mark.parametrize(("others", "found"), [("1:2", (1, 2)), ("2", (2,)), ("4:5", (4, 5))])
async def test_the_modseq_is_the_highest_of_those_found(
    me: Client, told: dict[int, int], others: str, found: tuple[int, ...]
) -> None:
    searched = (await me.do(f"SEARCH {others} MODSEQ 1 SEEN")).one(Search)
    assert searched.numbers == found
    assert searched.modseq == max(told[seq] for seq in found)


@proves("3.1.6#1")
@pytest.mark.parametrize("keys", [f"MODSEQ {NEVER}", "MODSEQ 1 DRAFT", f"OR DRAFT MODSEQ {NEVER}"])
@pytest.mark.parametrize("command", ["SEARCH", "UID SEARCH"])
async def test_no_modseq_where_nothing_is_found(
    me: Client, told: dict[int, int], command: str, keys: str
) -> None:
    searched = await me.do(f"{command} {keys}")
    assert [(each.numbers, each.modseq) for each in searched.all(Search)] in ([], [((), None)])


@proves("3.1.6#1")
async def test_no_modseq_where_it_was_not_asked_for(me: Client, told: dict[int, int]) -> None:
    assert (await me.do("SEARCH SEEN")).one(Search) == Search((1, 2, 3, 4, 5), None)
    found = (await me.do("SEARCH RETURN (ALL) SEEN")).one(Esearch)
    assert found.results == {"ALL": "1:5"}


@proves("3.1.5#3", "3.1.6#1")
async def test_modseq_in_or(me: Client, told: dict[int, int]) -> None:
    searched = (await me.do(f"SEARCH OR MODSEQ {told[4]} UID 3")).one(Search)
    assert (searched.numbers, searched.modseq) == ((2, 3, 4), told[3])
    searched = (await me.do(f"SEARCH OR UID 2 (MODSEQ {told[1]} 4)")).one(Search)
    assert (searched.numbers, searched.modseq) == ((1, 4), told[4])


@proves("3.1.5#3", "3.1.6#1")
async def test_modseq_in_not(me: Client, told: dict[int, int]) -> None:
    searched = (await me.do(f"SEARCH NOT MODSEQ {told[1]}")).one(Search)
    assert (searched.numbers, searched.modseq) == ((2, 5), told[5])


@proves("3.1.5#3", "3.1.6#1")
async def test_modseq_in_not_within_or(me: Client, told: dict[int, int]) -> None:
    searched = (await me.do(f"SEARCH OR NOT MODSEQ {told[1]} LARGER 50000")).one(Search)
    assert (searched.numbers, searched.modseq) == ((2, 5), told[5])


@proves("3.1.5#1")
@pytest.mark.parametrize("entry", ENTRIES)
async def test_an_entry_is_taken(me: Client, told: dict[int, int], entry: str) -> None:
    searched = (await me.do(f"SEARCH MODSEQ {entry} 1")).one(Search)
    assert (searched.numbers, searched.modseq) == ((1, 2, 3, 4, 5), told[3])


@proves("3.1.5#2")
@pytest.mark.parametrize("entry", ENTRIES)
async def test_an_entry_changes_nothing(me: Client, told: dict[int, int], entry: str) -> None:
    plain = (await me.do(f"SEARCH MODSEQ {told[4]}")).one(Search)
    assert (await me.do(f"SEARCH MODSEQ {entry} {told[4]}")).one(Search) == plain
    plain = (await me.do(f"SEARCH OR DRAFT NOT MODSEQ {told[4]}")).one(Search)
    assert (await me.do(f"SEARCH OR DRAFT NOT MODSEQ {entry} {told[4]}")).one(Search) == plain


@proves("3.1.5#3")
@pytest.mark.parametrize("value", [0, 1])
async def test_a_value_below_all_finds_all(me: Client, told: dict[int, int], value: int) -> None:
    searched = (await me.do(f"SEARCH MODSEQ {value}")).one(Search)
    assert (searched.numbers, searched.modseq) == ((1, 2, 3, 4, 5), told[3])


@proves("3.1.10#1")
@pytest.mark.parametrize(
    ("options", "names", "counted"),
    [
        ("MIN", {"MIN"}, (1,)),
        ("MAX", {"MAX"}, (5,)),
        ("MIN MAX", {"MIN", "MAX"}, (1, 5)),
        ("ALL", {"ALL"}, (1, 3, 4, 5)),
        ("", {"ALL"}, (1, 3, 4, 5)),
        ("COUNT", {"COUNT"}, (1, 3, 4, 5)),
        ("MIN COUNT", {"MIN", "COUNT"}, (1, 3, 4, 5)),
        ("MAX ALL", {"MAX", "ALL"}, (1, 3, 4, 5)),
        ("COUNT MAX ALL MIN", {"MIN", "MAX", "ALL", "COUNT"}, (1, 3, 4, 5)),
    ],
)
@pytest.mark.parametrize("by_uid", [False, True])
async def test_esearch_says_the_modseq_of_what_it_returns(
    me: Client,
    told: dict[int, int],
    options: str,
    names: set[str],
    counted: tuple[int, ...],
    by_uid: bool,
) -> None:
    """RFC 4731 section 3.2: of the one for MIN or MAX, the higher for both, else of all found."""
    command = "UID SEARCH" if by_uid else "SEARCH"
    found = (await me.do(f"{command} RETURN ({options}) MODSEQ {told[5]}")).one(Esearch)
    assert found.uid == by_uid
    results = dict(found.results)
    assert int(results.pop("MODSEQ")) == max(told[seq] for seq in counted)
    uid = int(by_uid)
    everything = {
        "MIN": (1 + uid,),
        "MAX": (5 + uid,),
        "COUNT": (4,),
        "ALL": tuple(seq + uid for seq in (1, 3, 4, 5)),
    }
    assert {name: numbers(value) for name, value in results.items()} == {
        name: everything[name] for name in names
    }


@proves("3.1.10#1")
@pytest.mark.parametrize("options", ["MIN", "MAX", "ALL", "", "MIN MAX COUNT ALL"])
@pytest.mark.parametrize("key", [f"MODSEQ {NEVER}", "MODSEQ 1 DRAFT"])
async def test_esearch_says_none_where_nothing_is_found(
    me: Client, told: dict[int, int], options: str, key: str
) -> None:
    found = (await me.do(f"SEARCH RETURN ({options}) {key}")).one(Esearch)
    assert found.results == ({"COUNT": "0"} if "COUNT" in options else {})


@proves("3.1.10#1")
@pytest.mark.parametrize("key", ["OR MODSEQ {} DRAFT", f"MODSEQ {SEEN} all {{}}"])
async def test_esearch_says_it_wherever_the_key_stands(
    me: Client, told: dict[int, int], key: str
) -> None:
    found = (await me.do(f"SEARCH RETURN (COUNT) {key.format(told[4])}")).one(Esearch)
    assert found.results == {"COUNT": "2", "MODSEQ": str(told[3])}


@proves("3.1.10#1")
async def test_what_was_saved_is_what_was_found(me: Client, told: dict[int, int]) -> None:
    found = (await me.do(f"SEARCH RETURN (SAVE ALL) MODSEQ {told[4]}")).one(Esearch)
    assert found.results == {"ALL": "3:4", "MODSEQ": str(told[3])}
    assert (await me.do("FETCH $ UID")).fetches.keys() == {3, 4}
    assert (await me.do(f"SEARCH $ MODSEQ {told[3]}")).one(Search) == Search((3,), told[3])


@proves("3.1.9#1", "3.1.10#2")
async def test_sort_and_thread_are_not_offered(ours: Host) -> None:
    client = await ours.connect()
    offered = (await client.do("CAPABILITY")).words("CAPABILITY")
    assert "ESEARCH" in offered
    assert not any(name.startswith(("SORT", "ESORT", "THREAD")) for name in offered)
    await client.do("SELECT INBOX")
    for command in ("SORT (DATE) UTF-8 MODSEQ 1", "UID SORT RETURN (ALL) (DATE) UTF-8 MODSEQ 1"):
        assert (await client.say(command)).tagged.condition == "BAD"
