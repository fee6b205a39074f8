"""Section 3.1.4: FETCH with CHANGEDSINCE, and FETCH of MODSEQ."""

import pytest

from tests.rfc7162.client import Client
from tests.rfc7162.hosts import Host
from tests.rfc7162.responses import Fetch
from tests.rfc7162.scenes import deliver, flags, known, modseqs, opened
from tests.rfc7162.statements import dovecot_differs, proves


@pytest.fixture
async def told(host: Host, me: Client, other: Client) -> dict[int, int]:
    """Both have selected four messages, UIDs 2 to 5, each with a MODSEQ of its own; gives these.

    They were stored in the order 3, 1, 4, 2.
    """
    deliver(host, 5)
    await other.do("SELECT INBOX")
    await other.do("STORE 1 +FLAGS.SILENT (\\Deleted)")
    await other.do("EXPUNGE")
    await me.do("SELECT INBOX (CONDSTORE)")
    for seq in (3, 1, 4, 2):
        await other.do(f"STORE {seq} FLAGS.SILENT (\\Flagged)")
    await me.do("NOOP")
    return await modseqs(me)


@proves("7 fetch-modifier", "7 chgsince-fetch-mod")
@pytest.mark.parametrize(("at", "newer"), [(3, [1, 2, 4]), (1, [2, 4]), (4, [2]), (2, [])])
@pytest.mark.parametrize("command", ["FETCH 1:*", "UID FETCH 1:*", "FETCH 4,1:3"])
async def test_only_what_has_a_greater_modseq_is_fetched(
    me: Client, told: dict[int, int], command: str, at: int, newer: list[int]
) -> None:
    fetched = await me.do(f"{command} (FLAGS) (CHANGEDSINCE {told[at]})")
    assert sorted(fetch.seq for fetch in fetched.all(Fetch)) == newer
    assert all(known(fetch.flags) == {"\\Flagged"} for fetch in fetched.all(Fetch))


@proves("7 fetch-modifier", "7 chgsince-fetch-mod")
async def test_of_the_messages_named(me: Client, told: dict[int, int]) -> None:
    by_number = await me.do(f"FETCH 1,3:4 FLAGS (CHANGEDSINCE {told[1]})")
    assert by_number.fetches.keys() == {4}
    by_uid = await me.do(f"UID FETCH 2:4 FLAGS (CHANGEDSINCE {told[1]})")
    assert {fetch.seq: fetch.uid for fetch in by_uid.all(Fetch)} == {2: 3}


@proves("7 fetch-modifier", "7 fetch-att", "7 fetch-mod-resp")
@pytest.mark.parametrize("items", ["FLAGS", "(UID)", "FAST", "(UID MODSEQ)", "(BODY.PEEK[HEADER])"])
async def test_changedsince_adds_modseq(me: Client, told: dict[int, int], items: str) -> None:
    fetched = await me.do(f"FETCH 1:* {items} (CHANGEDSINCE {told[3]})")
    assert {fetch.seq: fetch.modseq for fetch in fetched.all(Fetch)} == {
        seq: modseq for seq, modseq in told.items() if seq != 3
    }


@proves("7 fetch-modifier")
@dovecot_differs("BAD: a section that is asked for without parentheses is missing its bracket")
async def test_changedsince_after_a_section_without_parentheses(
    me: Client, told: dict[int, int]
) -> None:
    fetched = await me.do(f"FETCH 1:* BODY.PEEK[HEADER] (CHANGEDSINCE {told[4]})")
    assert fetched.one(Fetch).modseq == told[2]


@proves("7 chgsince-fetch-mod")
@pytest.mark.parametrize(("since", "count"), [(0, 4), (1, 4), (2**63 - 1, 0)])
async def test_bounds_of_changedsince(
    me: Client, told: dict[int, int], since: int, count: int
) -> None:
    fetched = await me.do(f"UID FETCH 1:* (UID) (CHANGEDSINCE {since})")
    assert len(fetched.all(Fetch)) == count


@proves("3.1#4")
async def test_only_messages_that_are_fetched_become_seen(
    host: Host, me: Client, told: dict[int, int]
) -> None:
    fetched = await me.do(f"FETCH 1:* (BODY[]) (CHANGEDSINCE {told[1]})")
    assert fetched.fetches.keys() == {2, 4}
    seen = {seq for seq, now in (await flags(await opened(host))).items() if "\\Seen" in now}
    assert seen == {2, 4}
    after = await modseqs(me)
    assert all(known(fetched.fetches[seq].modseq) == after[seq] > told[seq] for seq in (2, 4))


@proves("3.1#4")
async def test_a_change_that_was_not_told_yet_is_found(
    me: Client, other: Client, told: dict[int, int]
) -> None:
    highest = max(told.values())
    await other.do("STORE 3 +FLAGS.SILENT (\\Answered)")
    heard = await me.do(f"UID FETCH 1:* FLAGS (CHANGEDSINCE {highest})")
    assert heard.fetches.keys() == {3}
    assert known(heard.fetches[3].flags) == {"\\Answered", "\\Flagged"}
    assert known(heard.fetches[3].modseq) > highest


@proves("3.1#4")
async def test_changes_on_the_disk_are_found(host: Host, me: Client, told: dict[int, int]) -> None:
    highest = max(told.values())
    host.beside.reflag(host.beside.files("INBOX")[2], "FR")
    deliver(host, 1)
    await me.do("NOOP")
    heard = await me.do(f"FETCH 1:* FLAGS (CHANGEDSINCE {highest})")
    (changed,) = heard.fetches.keys() - {5}
    assert known(heard.fetches[changed].flags) == {"\\Answered", "\\Flagged"}
    assert known(heard.fetches[5].flags) == set()


@proves("3.1#1", "7 fetch-att", "7 fetch-mod-resp")
@pytest.mark.parametrize("items", ["MODSEQ", "(MODSEQ)", "(FLAGS MODSEQ UID)", "(modseq)"])
async def test_modseq_is_fetched(me: Client, told: dict[int, int], items: str) -> None:
    fetched = await me.do(f"FETCH 2:3 {items}")
    assert {fetch.seq: fetch.modseq for fetch in fetched.all(Fetch)} == {2: told[2], 3: told[3]}
    by_uid = await me.do(f"UID FETCH 2,5 {items}")
    assert {fetch.uid: fetch.modseq for fetch in by_uid.all(Fetch)} == {2: told[1], 5: told[4]}


@proves("3.1#6")
async def test_all_sessions_hear_of_each_change(
    host: Host, me: Client, other: Client, told: dict[int, int]
) -> None:
    """RFC 7162, example 14, with all flags shared."""
    third = await opened(host)
    for store, expected in (
        ("+FLAGS.SILENT (\\Deleted)", {"\\Flagged", "\\Deleted"}),
        ("+FLAGS.SILENT (\\Seen)", {"\\Flagged", "\\Deleted", "\\Seen"}),
        ("-FLAGS.SILENT (\\Flagged \\Seen)", {"\\Deleted"}),
    ):
        mine = (await me.do(f"STORE 2 {store}")).fetches[2].modseq
        for client in (other, third):
            heard = (await client.do("NOOP")).fetches[2]
            assert known(heard.flags) == expected
            assert heard.modseq == (None if client is other else mine)
