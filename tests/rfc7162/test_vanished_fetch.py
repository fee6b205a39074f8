"""Section 3.2.6: UID FETCH with CHANGEDSINCE and VANISHED."""

import pytest

from tests.rfc7162.client import Client, Exchange, flags_of
from tests.rfc7162.hosts import Host
from tests.rfc7162.responses import Fetch, Vanished
from tests.rfc7162.statements import dovecot_differs, proves
from tests.rfc7162.synchronising import open_with


async def open_and_change(me: Client) -> Exchange:
    """UIDs 1 to 8, and what a client saw then; 2, 3 and 7 are gone since, 5 is flagged."""
    opened = await open_with(me, 8)
    await me.do(r"STORE 2:3,7 +FLAGS.SILENT (\Deleted)")
    await me.do("EXPUNGE")
    await me.do(r"UID STORE 5 +FLAGS.SILENT (\Flagged)")
    return opened


@proves("3.2#2", "3.2.6#5")
async def test_what_is_gone_is_told_before_what_changed(host: Host, me: Client) -> None:
    opened = await open_and_change(me)
    fetched = await me.do(f"UID FETCH 1:* FLAGS (CHANGEDSINCE {opened.highestmodseq} VANISHED)")
    assert [type(response) for response in fetched.untagged] == [Vanished, Fetch]
    assert fetched.vanished_earlier == (2, 3, 7)
    assert flags_of(fetched.all(Fetch)) == {5: {"\\Flagged"}}
    assert fetched.one(Fetch).modseq is not None


@pytest.mark.parametrize(
    ("uids", "vanished", "changed"),
    [
        ("1:8", (2, 3, 7), {5}),
        ("1:5", (2, 3), {5}),
        ("7", (7,), set()),
        ("8,7,3", (3, 7), set()),
        ("4:6", (), {5}),
        ("1:4294967295", (2, 3, 7), {5}),
        ("100:200", (), set()),
    ],
)
async def test_only_the_uids_asked_for_are_told_of(
    host: Host, me: Client, uids: str, vanished: tuple[int, ...], changed: set[int]
) -> None:
    opened = await open_and_change(me)
    fetched = await me.do(f"UID FETCH {uids} FLAGS (CHANGEDSINCE {opened.highestmodseq} VANISHED)")
    assert fetched.vanished_earlier == vanished
    assert {fetch.uid for fetch in fetched.all(Fetch)} == changed


async def test_what_went_before_is_not_told(host: Host, me: Client) -> None:
    await open_and_change(me)
    now = (await me.do("SELECT INBOX")).highestmodseq
    await me.do(r"UID STORE 8 +FLAGS.SILENT (\Deleted)")
    await me.do("EXPUNGE")
    fetched = await me.do(f"UID FETCH 1:* FLAGS (CHANGEDSINCE {now} VANISHED)")
    assert fetched.vanished_earlier == (8,)
    assert fetched.fetches == {}


@proves("3.2.6#6")
async def test_the_oldest_modseq_has_all_that_is_gone_told(host: Host, me: Client) -> None:
    await open_and_change(me)
    for modseq in (1, 2):
        fetched = await me.do(f"UID FETCH 1:7 FLAGS (CHANGEDSINCE {modseq} VANISHED)")
        assert fetched.vanished_earlier == (2, 3, 7)
        assert 5 in {fetch.uid for fetch in fetched.all(Fetch)}


async def test_the_saved_result_as_its_set(host: Host, me: Client) -> None:
    opened = await open_and_change(me)
    await me.do("UID SEARCH RETURN (SAVE) UID 4:6")
    fetched = await me.do(f"UID FETCH $ FLAGS (CHANGEDSINCE {opened.highestmodseq} VANISHED)")
    assert fetched.vanished_earlier == ()
    assert flags_of(fetched.all(Fetch)) == {5: {"\\Flagged"}}


@dovecot_differs("$ still has messages that were expunged after the search")
async def test_nothing_in_the_saved_result_can_have_gone(host: Host, me: Client) -> None:
    """What is expunged leaves `$` (RFC 5182 section 2.1)."""
    opened = await open_and_change(me)
    await me.do("UID SEARCH RETURN (SAVE) UID 4:6")
    await me.do(r"UID STORE 6 +FLAGS.SILENT (\Deleted)")
    await me.do("EXPUNGE")
    fetched = await me.do(f"UID FETCH $ FLAGS (CHANGEDSINCE {opened.highestmodseq} VANISHED)")
    assert fetched.vanished_earlier == ()


@pytest.mark.parametrize(
    "modifiers", ["CHANGEDSINCE 1 VANISHED", "VANISHED CHANGEDSINCE 1", "VANISHED"]
)
@proves("3.2.6#1")
async def test_fetch_does_not_take_it(host: Host, me: Client, modifiers: str) -> None:
    await open_and_change(me)
    refused = await me.say(f"FETCH 1:* FLAGS ({modifiers})")
    assert refused.tagged.condition == "BAD"
    assert refused.vanished_earlier == ()


@proves("3.2.6#4")
async def test_it_needs_changedsince(host: Host, me: Client) -> None:
    await open_and_change(me)
    refused = await me.say("UID FETCH 1:* FLAGS (VANISHED)")
    assert refused.tagged.condition == "BAD"
    assert refused.vanished_earlier == ()


async def test_both_orders_of_the_modifiers(host: Host, me: Client) -> None:
    opened = await open_and_change(me)
    fetched = await me.do(f"UID FETCH 1:* FLAGS (VANISHED CHANGEDSINCE {opened.highestmodseq})")
    assert fetched.vanished_earlier == (2, 3, 7)
