"""Sections 3.1.3 and 3.1.12: STORE, with UNCHANGEDSINCE and without."""

import pytest

from tests.rfc7162.client import Client, Exchange
from tests.rfc7162.hosts import Host
from tests.rfc7162.responses import Fetch, numbers
from tests.rfc7162.scenes import deliver, flags, known, modseqs, opened
from tests.rfc7162.statements import dovecot_differs, proves

HOWS = ("FLAGS", "FLAGS.SILENT", "+FLAGS", "+FLAGS.SILENT", "-FLAGS", "-FLAGS.SILENT")
NICE_HOWS = HOWS[2:]


@pytest.fixture
async def since(host: Host, me: Client, other: Client) -> int:
    """Both have selected five messages with `$Tested`, UIDs 2 to 6; gives the highest MODSEQ."""
    deliver(host, 6)
    await other.do("SELECT INBOX")
    await other.do("STORE 1 FLAGS.SILENT (\\Deleted)")
    await other.do("STORE 2:6 FLAGS.SILENT ($Tested)")
    await other.do("EXPUNGE")
    await me.do("SELECT INBOX (CONDSTORE)")
    return max((await modseqs(me)).values())


def modified(exchange: Exchange) -> tuple[int, ...]:
    """What MODIFIED names; nothing when it wasn't said."""
    assert exchange.tagged.condition in ("OK", "NO")
    return numbers(exchange.argument("MODIFIED") or "")


@proves("3.1.3#1")
@pytest.mark.parametrize("how", ["+FLAGS (\\Seen)", "-FLAGS ($Tested)", "FLAGS (\\Flagged)"])
async def test_a_conditional_store_gives_a_new_modseq(
    me: Client, other: Client, since: int, how: str
) -> None:
    stored = await me.do(f"STORE 2:3 (UNCHANGEDSINCE {since}) {how}")
    assert modified(stored) == ()
    told = await modseqs(me)
    assert all(told[seq] > since >= told[seq + 2] for seq in (2, 3))
    assert {seq: fetch.modseq for seq, fetch in stored.fetches.items()} == {2: told[2], 3: told[3]}


@proves("3.1.3#1")
async def test_it_changes_the_flags(host: Host, me: Client, since: int) -> None:
    await me.do(f"STORE 1 (UNCHANGEDSINCE {since}) +FLAGS.SILENT (\\Seen)")
    await me.do(f"STORE 2 (UNCHANGEDSINCE {since}) -FLAGS.SILENT ($Tested)")
    await me.do(f"UID STORE 4 (UNCHANGEDSINCE {since}) FLAGS.SILENT (\\Draft)")
    newcomer = await flags(await opened(host), "1:4")
    assert newcomer == {1: {"\\Seen", "$Tested"}, 2: set(), 3: {"\\Draft"}, 4: {"$Tested"}}


@proves("3.1.3#2", "3.1.3#3")
@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("command", ["STORE 2", "UID STORE 3"])
async def test_it_is_answered_by_fetch_with_modseq(
    me: Client, since: int, command: str, how: str
) -> None:
    flag = "$Tested" if how.startswith("-") else "\\Seen"
    stored = await me.do(f"{command} (UNCHANGEDSINCE {since}) {how} ({flag})")
    fetch = stored.one(Fetch)
    assert fetch.seq == 2
    assert known(fetch.modseq) > since
    assert fetch.uid == 3 or not command.startswith("UID")


@proves("3.1.3#2", "3.1.3#3")
@dovecot_differs("no FETCH for a message whose flags were as they should become")
@pytest.mark.parametrize("how", ["+FLAGS ($Tested)", "-FLAGS.SILENT (\\Seen)"])
async def test_it_is_answered_where_nothing_had_to_change(me: Client, since: int, how: str) -> None:
    stored = await me.do(f"STORE 2 (UNCHANGEDSINCE {since}) {how}")
    assert stored.one(Fetch).modseq == (await modseqs(me))[2] <= since


@proves("3.1.3#4")
@pytest.mark.parametrize("how", HOWS)
async def test_a_message_that_was_changed_since_stays_as_it_is(
    host: Host, me: Client, other: Client, since: int, how: str
) -> None:
    await other.do("STORE 2 FLAGS.SILENT (\\Seen \\Flagged)")
    newcomer = await opened(host)
    before, after = (await flags(newcomer))[2], (await modseqs(newcomer))[2]
    flag = "\\Seen" if how.startswith("-") else "$Tested"
    stored = await me.do(f"STORE 2 (UNCHANGEDSINCE {since}) {how} ({flag})")
    assert modified(stored) == (2,)
    assert (await flags(newcomer))[2] == before == {"\\Seen", "\\Flagged"}
    assert (await modseqs(newcomer))[2] == after > since


@proves("3.1.3#4")
async def test_one_own_change_since_is_a_change(me: Client, since: int) -> None:
    first = await me.do(f"STORE 2 (UNCHANGEDSINCE {since}) +FLAGS.SILENT (\\Seen)")
    second = await me.do(f"STORE 2 (UNCHANGEDSINCE {since}) -FLAGS.SILENT (\\Seen)")
    assert (modified(first), modified(second)) == ((), (2,))
    value = known(first.fetches[2].modseq)
    third = await me.do(f"STORE 2 (UNCHANGEDSINCE {value}) -FLAGS.SILENT (\\Seen)")
    assert modified(third) == ()


@proves("3.1.3#4")
async def test_a_change_on_the_disk_is_a_change(host: Host, me: Client, since: int) -> None:
    flag_on_disk(host)
    await me.do("NOOP")
    await only_the_flagged_fails(me, since)


@proves("3.1.3#4")
@dovecot_differs("STORE does not look at the disk first, and writes over what it finds there")
async def test_a_change_on_the_disk_that_nobody_has_seen_is_a_change(
    host: Host, me: Client, since: int
) -> None:
    flag_on_disk(host)
    await only_the_flagged_fails(me, since)


def flag_on_disk(host: Host) -> None:
    """Another program sets \\Flagged on one message."""
    file = host.beside.files("INBOX")[1]
    host.beside.reflag(file, "F" + file.name.partition(":2,")[2])


async def only_the_flagged_fails(me: Client, since: int) -> None:
    stored = await me.do(f"STORE 1:5 (UNCHANGEDSINCE {since}) FLAGS.SILENT (\\Seen)")
    (failed,) = modified(stored)
    now = await flags(me)
    assert now.pop(failed) == {"\\Flagged", "$Tested"}
    assert set(now.values()) == {frozenset({"\\Seen"})}


@proves("3.1.3#4")
async def test_one_of_two_wins_each_message(me: Client, other: Client, since: int) -> None:
    command = f"STORE 1:5 (UNCHANGEDSINCE {since}) +FLAGS ($Work)"
    tags = [(client, await client.begin(command)) for client in (me, other)]
    lost = [modified(await client.ending(tag)) for client, tag in tags]
    assert sorted(lost[0] + lost[1]) == [1, 2, 3, 4, 5]


@proves("3.1.3#5")
async def test_modified_names_all_that_failed_by_number(
    me: Client, other: Client, since: int
) -> None:
    await other.do("STORE 1,3,5 +FLAGS.SILENT (\\Seen)")
    stored = await me.do(f"STORE 5,1:4 (UNCHANGEDSINCE {since}) +FLAGS.SILENT (\\Seen)")
    assert modified(stored) == (1, 3, 5)
    assert all("\\Seen" in each for each in (await flags(me)).values())


@proves("3.1.3#5")
async def test_modified_names_all_that_failed_by_uid(me: Client, other: Client, since: int) -> None:
    await other.do("STORE 1,3,5 +FLAGS.SILENT (\\Seen)")
    stored = await me.do(f"UID STORE 1:* (UNCHANGEDSINCE {since}) +FLAGS.SILENT (\\Seen)")
    assert modified(stored) == (2, 4, 6)


@proves("3.1.3#5")
async def test_modified_is_not_said_where_none_failed(me: Client, since: int) -> None:
    stored = await me.do(f"STORE 1:* (UNCHANGEDSINCE {since}) +FLAGS.SILENT (\\Seen)")
    assert stored.argument("MODIFIED") is None


@proves("3.1.3#6")
@pytest.mark.parametrize("how", ["+FLAGS", "+FLAGS.SILENT"])
@pytest.mark.parametrize("condition", ["", " (UNCHANGEDSINCE {})"])
async def test_store_tells_what_others_changed(
    me: Client, other: Client, since: int, condition: str, how: str
) -> None:
    await other.do("STORE 4 FLAGS.SILENT (\\Answered)")
    stored = await me.do(f"STORE 2{condition.format(since)} {how} (\\Seen)")
    assert known(stored.fetches[4].flags) == {"\\Answered"}
    assert known(stored.fetches[4].modseq) > since


@proves("3.1.3#7")
@pytest.mark.parametrize("how", ["+FLAGS", "-FLAGS"])
@pytest.mark.parametrize("flag", ["\\Seen", "\\Deleted", "\\Answered", "\\Flagged", "\\Draft"])
async def test_zero_fails_for_a_system_flag(
    host: Host, me: Client, since: int, flag: str, how: str
) -> None:
    await me.do(f"STORE 1 +FLAGS ({flag})")
    before = await flags(me)
    stored = await me.do(f"STORE 1:2 (UNCHANGEDSINCE 0) {how} ({flag})")
    assert modified(stored) == (1, 2)
    assert await flags(await opened(host)) == before


@proves("3.1.3#7")
@pytest.mark.parametrize("how", ["FLAGS (\\Seen)", "FLAGS ($Fresh)", "FLAGS.SILENT ()"])
async def test_zero_fails_where_all_flags_are_replaced(
    host: Host, me: Client, since: int, how: str
) -> None:
    stored = await me.do(f"STORE 1:2 (UNCHANGEDSINCE 0) {how}")
    assert modified(stored) == (1, 2)
    assert (await flags(await opened(host)))[1] == {"$Tested"}


@proves("3.1.3#7")
@pytest.mark.parametrize("how", ["+FLAGS.SILENT", "-FLAGS"])
async def test_zero_fails_for_a_keyword_that_is_set(
    host: Host, me: Client, since: int, how: str
) -> None:
    stored = await me.do(f"UID STORE 2 (UNCHANGEDSINCE 0) {how} ($Tested)")
    assert modified(stored) == (2,)
    assert (await flags(await opened(host)))[1] == {"$Tested"}


@proves("3.1.3#9")
@dovecot_differs("value 0 fails for every message, which has one MODSEQ for all of its flags")
async def test_zero_passes_for_a_keyword_that_is_not_set(
    host: Host, me: Client, since: int
) -> None:
    stored = await me.do("STORE 1 (UNCHANGEDSINCE 0) +FLAGS.SILENT ($MDNSent)")
    assert modified(stored) == ()
    assert known(stored.fetches[1].modseq) > since
    again = await me.do("STORE 1:2 (UNCHANGEDSINCE 0) +FLAGS.SILENT ($MDNSent)")
    assert modified(again) == (1,)
    assert (await flags(await opened(host)))[2] == {"$Tested", "$MDNSent"}


@proves("3.1.3#9")
@dovecot_differs("a change of any flag fails each conditional STORE: the MODSEQ alone is compared")
@pytest.mark.parametrize("how", NICE_HOWS)
async def test_a_change_of_another_flag_does_not_fail_it(
    host: Host, me: Client, other: Client, since: int, how: str
) -> None:
    await other.do("STORE 2 +FLAGS.SILENT (\\Deleted \\Answered)")
    flag = "$Tested" if how.startswith("-") else "$Processed"
    stored = await me.do(f"STORE 1:2 (UNCHANGEDSINCE {since}) {how} ({flag})")
    assert modified(stored) == ()
    now = {"\\Deleted", "\\Answered"} | (set() if how.startswith("-") else {"$Tested", flag})
    assert known(stored.fetches[2].flags) == now
    assert known(stored.fetches[2].modseq) > since
    assert (await flags(await opened(host)))[2] == now


@proves("3.1.3#4")
@pytest.mark.parametrize("how", ["FLAGS", "FLAGS.SILENT"])
async def test_a_change_of_another_flag_fails_a_replacement(
    host: Host, me: Client, other: Client, since: int, how: str
) -> None:
    await other.do("STORE 2 +FLAGS.SILENT (\\Deleted)")
    stored = await me.do(f"STORE 1:2 (UNCHANGEDSINCE {since}) {how} ($Processed)")
    assert modified(stored) == (2,)
    assert (await flags(await opened(host)))[2] == {"\\Deleted", "$Tested"}


@proves("3.1.3#4")
async def test_a_change_that_was_told_meanwhile_still_fails_it(
    me: Client, other: Client, since: int
) -> None:
    await other.do("STORE 2 +FLAGS.SILENT ($Processed)")
    await me.do("NOOP")
    stored = await me.do(f"STORE 2 (UNCHANGEDSINCE {since}) +FLAGS ($Processed)")
    assert modified(stored) == (2,)
    stored = await me.do(f"STORE 2 (UNCHANGEDSINCE {since}) -FLAGS ($Processed)")
    assert modified(stored) == (2,)


@proves("3.1.3#4")
async def test_a_flag_that_came_and_went_fails_a_value_from_between(
    host: Host, me: Client, other: Client, since: int
) -> None:
    witness = await opened(host)
    await other.do("STORE 2 +FLAGS.SILENT ($Processed)")
    between = (await modseqs(await opened(host)))[2]
    await other.do("STORE 2 -FLAGS.SILENT ($Processed)")
    stored = await witness.do(f"STORE 2 (UNCHANGEDSINCE {between}) +FLAGS ($Processed)")
    assert modified(stored) == (2,)


@proves("3.1.3#11")
@pytest.mark.parametrize("command", ["STORE 1:*", "UID STORE 1:*"])
@pytest.mark.parametrize("how", ["+FLAGS", "+FLAGS.SILENT"])
async def test_fetch_tells_the_state_of_each_that_failed(
    me: Client, other: Client, since: int, command: str, how: str
) -> None:
    await other.do("STORE 2,4 FLAGS.SILENT (\\Seen $Processed)")
    stored = await me.do(f"{command} (UNCHANGEDSINCE {since}) {how} ($Processed)")
    for seq in (2, 4):
        assert known(stored.fetches[seq].flags) == {"\\Seen", "$Processed"}
        assert known(stored.fetches[seq].modseq) > since


@proves("3.1.3#11")
@dovecot_differs("a state that was told before is not told again")
async def test_fetch_tells_it_again_where_it_was_told_before(
    me: Client, other: Client, since: int
) -> None:
    await other.do("STORE 2 FLAGS.SILENT (\\Seen)")
    told = (await me.do("NOOP")).fetches[2]
    stored = await me.do(f"STORE 2 (UNCHANGEDSINCE {since}) +FLAGS.SILENT (\\Seen)")
    assert modified(stored) == (2,)
    assert (stored.fetches[2].flags, stored.fetches[2].modseq) == (told.flags, told.modseq)


@proves("3.1.3#13", "3.1.3#14")
@pytest.mark.parametrize(
    ("messages", "how"),
    [
        ("STORE 2,1:3", "+FLAGS.SILENT (\\Seen)"),
        ("STORE 1:3,2:*,2,2", "FLAGS (\\Seen)"),
        ("UID STORE 3,2:4,4:2,*,1:*", "-FLAGS.SILENT ($Tested)"),
    ],
)
async def test_a_message_named_twice_does_not_fail(
    host: Host, me: Client, since: int, messages: str, how: str
) -> None:
    stored = await me.do(f"{messages} (UNCHANGEDSINCE {since}) {how}")
    assert modified(stored) == ()
    assert (await modseqs(await opened(host)))[2] > since


@proves("3.1.3#13")
async def test_a_message_named_twice_fails_once(me: Client, other: Client, since: int) -> None:
    await other.do("STORE 2 +FLAGS.SILENT (\\Seen)")
    stored = await me.do(f"STORE 2,1:3,2 (UNCHANGEDSINCE {since}) +FLAGS.SILENT (\\Seen)")
    assert modified(stored) == (2,)


@proves("3.1.3#5")
@pytest.mark.parametrize("command", ["STORE 1:5", "UID STORE 2:6"])
async def test_messages_that_another_expunged(
    host: Host, me: Client, other: Client, since: int, command: str
) -> None:
    await other.do("STORE 1,3:4 +FLAGS.SILENT (\\Deleted)")
    await other.do("STORE 2 +FLAGS.SILENT (\\Seen)")
    await other.do("EXPUNGE")
    stored = await me.say(f"{command} (UNCHANGEDSINCE {since}) +FLAGS (\\Seen)")
    failed = set(modified(stored))
    if command.startswith("UID"):
        assert failed - {2, 4, 5} == {3}
    else:
        assert stored.expunged == []
        assert failed - {1, 3, 4} == {2}
        assert known(stored.fetches[5].modseq) > since
    assert await flags(await opened(host)) == {1: {"$Tested", "\\Seen"}, 2: {"$Tested", "\\Seen"}}


@proves("3.1.3#1", "3.1.3#4")
@pytest.mark.parametrize("command", ["STORE 1:*", "UID STORE 1:*"])
async def test_another_expunges_in_the_middle(
    host: Host, me: Client, other: Client, command: str
) -> None:
    deliver(host, 40)
    await me.do("SELECT INBOX (CONDSTORE)")
    await other.do("SELECT INBOX")
    await other.do("STORE 10:29 +FLAGS.SILENT (\\Deleted)")
    await me.do("NOOP")
    since = max((await modseqs(me)).values())
    storing = await me.begin(f"{command} (UNCHANGEDSINCE {since}) +FLAGS.SILENT (\\Seen)")
    expunging = await other.begin("EXPUNGE")
    stored = await me.ending(storing)
    assert len((await other.ending(expunging)).expunged) == 20
    assert set(modified(stored)) <= set(range(10, 30))
    alive = {*range(1, 10), *range(30, 41)}
    told = {
        fetch.uid if command.startswith("UID") else fetch.seq: known(fetch.modseq)
        for fetch in stored.all(Fetch)
    }
    assert {message for message in alive if told[message] > since} == alive
    assert set((await flags(await opened(host))).values()) == {frozenset({"\\Seen"})}


@proves("3.1.3#15")
@pytest.mark.parametrize("how", HOWS)
async def test_a_store_without_condition_gives_a_new_modseq(
    host: Host, me: Client, other: Client, since: int, how: str
) -> None:
    flag = "$Tested" if how.startswith("-") else "\\Seen"
    await other.do(f"STORE 2:3 {how} ({flag})")
    told = await modseqs(await opened(host))
    assert all(told[seq] > since >= told[seq + 2] for seq in (2, 3))


@proves("3.1.3#16")
async def test_its_modseq_is_told_to_all_who_enabled_condstore(
    host: Host, me: Client, other: Client, since: int
) -> None:
    third = await opened(host)
    await other.do("STORE 2 +FLAGS (\\Seen)")
    heard = [(await client.do("NOOP")).fetches[2] for client in (me, third)]
    assert heard[0].modseq == heard[1].modseq == (await modseqs(await opened(host)))[2]
    assert [known(fetch.flags) for fetch in heard] == [{"\\Seen", "$Tested"}] * 2
    mine = (await me.do("STORE 2 +FLAGS (\\Draft)")).fetches[2]
    assert known(mine.modseq) > known(heard[0].modseq)
    assert (await third.do("NOOP")).fetches[2].modseq == mine.modseq
