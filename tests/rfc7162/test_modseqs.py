"""Section 3.1: what mod-sequences are, and when messages get new ones."""

import pytest

from tests.rfc7162.client import Client
from tests.rfc7162.hosts import Host
from tests.rfc7162.scenes import deliver, known, modseqs, opened
from tests.rfc7162.statements import dovecot_differs, proves

LARGEST = 2**63 - 1

TAKING_A_VALUE = (
    "FETCH 1 FLAGS (CHANGEDSINCE {})",
    "STORE 1 (UNCHANGEDSINCE {}) +FLAGS.SILENT ($Tested)",
    "SEARCH MODSEQ {}",
    'SEARCH MODSEQ "/flags/\\\\seen" all {}',
)


@proves("3.1#1")
async def test_every_message_has_a_positive_modseq(host: Host, me: Client) -> None:
    deliver(host, 1)
    await me.append("INBOX")
    await me.do("SELECT INBOX")
    told = await modseqs(me)
    assert told.keys() == {1, 2}
    assert all(0 < modseq <= LARGEST for modseq in told.values())


@proves("3.1#1")
async def test_a_modseq_is_told_the_same_until_something_changes(
    host: Host, me: Client, other: Client
) -> None:
    deliver(host, 2)
    await me.do("SELECT INBOX")
    await other.do("EXAMINE INBOX")
    first = await modseqs(me)
    await me.do("NOOP")
    assert await modseqs(me) == await modseqs(other) == first


@proves("3.1#2")
async def test_stores_of_two_connections_at_once_get_different_modseqs(
    host: Host, me: Client, other: Client
) -> None:
    deliver(host, 20)
    await me.do("SELECT INBOX (CONDSTORE)")
    await other.do("SELECT INBOX (CONDSTORE)")
    tags = []
    for seq in range(1, 21, 2):
        tags.append((me, await me.begin(f"STORE {seq} +FLAGS.SILENT (\\Seen)")))
        tags.append((other, await other.begin(f"STORE {seq + 1} +FLAGS.SILENT (\\Flagged)")))
    for client, tag in tags:
        assert (await client.ending(tag)).tagged.condition == "OK"
    told = await modseqs(await opened(host))
    assert len(set(told.values())) == 20


@proves("3.1#2")
async def test_stores_of_two_flags_of_one_message_get_different_modseqs(
    host: Host, me: Client, other: Client
) -> None:
    deliver(host, 1)
    await me.do("SELECT INBOX (CONDSTORE)")
    await other.do("SELECT INBOX (CONDSTORE)")
    mine = await me.begin("STORE 1 +FLAGS (\\Seen)")
    theirs = await other.begin("STORE 1 +FLAGS (\\Flagged)")
    heard = [await me.ending(mine), await other.ending(theirs)]
    assert all(exchange.tagged.condition == "OK" for exchange in heard)
    told = await modseqs(await opened(host))
    assert max(known(exchange.fetches[1].modseq) for exchange in heard) == told[1]
    first, second = (exchange.fetches[1] for exchange in heard)
    assert first.modseq != second.modseq or first.flags == second.flags


@proves("3.1#2", "3.1#3")
@pytest.mark.parametrize("how", ["+FLAGS", "+FLAGS.SILENT", "FLAGS", "FLAGS.SILENT"])
async def test_later_stores_get_greater_modseqs(host: Host, me: Client, how: str) -> None:
    deliver(host, 3)
    await me.do("SELECT INBOX (CONDSTORE)")
    told = [max((await modseqs(me)).values())]
    for seq, flag in ((2, "\\Seen"), (1, "\\Seen"), (2, "\\Flagged"), (3, "$Later")):
        stored = await me.do(f"STORE {seq} {how} ({flag})")
        told.append(known(stored.fetches[seq].modseq))
    assert told == sorted(set(told))


@proves("3.1#3")
async def test_pipelined_stores_get_greater_modseqs(host: Host, me: Client) -> None:
    deliver(host, 5)
    await me.do("SELECT INBOX (CONDSTORE)")
    order = (3, 1, 5, 2, 4)
    await me.together(*(f"STORE {seq} FLAGS (\\Seen)" for seq in order))
    told = await modseqs(me)
    values = [told[seq] for seq in order]
    assert values == sorted(set(values))


@proves("3.1#4")
@pytest.mark.parametrize("flag", ["\\Seen", "\\Deleted", "\\Draft", "$Forwarded", "Of_our_own"])
async def test_a_flag_that_comes_or_goes_gives_a_new_modseq(
    host: Host, me: Client, flag: str
) -> None:
    deliver(host, 2)
    await me.do("SELECT INBOX (CONDSTORE)")
    told = [await modseqs(me)]
    for how in ("+FLAGS.SILENT", "-FLAGS.SILENT", "FLAGS.SILENT"):
        await me.do(f"STORE 2 {how} ({flag})")
        told.append(await modseqs(me))
    assert told[0][2] < told[1][2] < told[2][2] < told[3][2]
    assert len({each[1] for each in told}) == 1


@proves("3.1#4")
@pytest.mark.parametrize("letters", ["S", "FR", "ST"])
async def test_a_flag_that_another_program_sets_gives_a_new_modseq(
    host: Host, me: Client, letters: str
) -> None:
    deliver(host, 1)
    await me.do("SELECT INBOX (CONDSTORE)")
    before = await modseqs(me)
    (file,) = host.beside.files("INBOX")
    host.beside.reflag(file, letters)
    heard = await me.do("NOOP")
    assert known(heard.fetches[1].modseq) > before[1]
    assert await modseqs(me) == {1: heard.fetches[1].modseq}


@proves("3.1#4")
async def test_reading_a_message_gives_a_new_modseq(host: Host, me: Client) -> None:
    deliver(host, 2)
    await me.do("SELECT INBOX (CONDSTORE)")
    before = await modseqs(me)
    await me.do("FETCH 2 BODY[]")
    after = await modseqs(me)
    assert after[1] == before[1]
    assert after[2] > max(before.values())


@proves("3.1#5")
@pytest.mark.parametrize(
    "store",
    [
        "STORE 1 +FLAGS (\\Seen $Mine)",
        "STORE 1 -FLAGS (\\Deleted)",
        "STORE 1 -FLAGS ($Theirs)",
        "STORE 1 FLAGS (\\Seen $Mine)",
        "STORE 1 +FLAGS.SILENT (\\Seen)",
        "UID STORE 1 -FLAGS.SILENT (\\Draft $Theirs)",
    ],
)
async def test_setting_what_is_set_gives_no_modseq(host: Host, me: Client, store: str) -> None:
    deliver(host, 1)
    await me.do("SELECT INBOX (CONDSTORE)")
    await me.do("STORE 1 FLAGS (\\Seen $Mine)")
    before = await modseqs(me)
    await me.do(store)
    assert await modseqs(me) == before


@proves("3.1#1")
async def test_new_messages_have_a_modseq_above_all_others(host: Host, me: Client) -> None:
    deliver(host, 2)
    await me.do("SELECT INBOX (CONDSTORE)")
    await me.do("STORE 1 FLAGS.SILENT (\\Seen)")
    highest = [max((await modseqs(me)).values())]
    await me.append("INBOX", flags="\\Seen")
    highest.append((await modseqs(me))[3])
    await me.do("COPY 2 INBOX")
    await me.do("NOOP")
    highest.append((await modseqs(me))[4])
    deliver(host, 1)
    await me.do("NOOP")
    highest.append((await modseqs(me))[5])
    assert highest == sorted(set(highest))


@proves("3.1#1")
@pytest.mark.parametrize("how", ["COPY", "MOVE"])
async def test_a_message_from_elsewhere_has_a_modseq_above_all_others(
    host: Host, me: Client, other: Client, how: str
) -> None:
    deliver(host, 1)
    await me.do("CREATE there")
    await me.append("there")
    await other.do("SELECT there (CONDSTORE)")
    for flag in ("\\Seen", "\\Flagged", "\\Answered", "\\Draft"):
        await other.do(f"STORE 1 +FLAGS.SILENT ({flag})")
    before = await modseqs(other)
    await me.do("SELECT INBOX")
    await me.do(f"{how} 1 there")
    await other.do("NOOP")
    after = await modseqs(other)
    assert after[1] == before[1]
    assert after[2] > before[1]


@proves("3.1#1")
async def test_rename_keeps_modseqs(host: Host, me: Client) -> None:
    await me.do("CREATE before")
    await me.append("before")
    await me.append("before")
    first = await me.do("SELECT before (CONDSTORE)")
    await me.do("STORE 1 +FLAGS.SILENT (\\Seen)")
    kept = await modseqs(me)
    await me.do("UNSELECT")
    await me.do("RENAME before after")
    second = await me.do("SELECT after")
    assert second.argument("UIDVALIDITY") == first.argument("UIDVALIDITY")
    assert await modseqs(me) == kept
    assert known(second.highestmodseq) >= max(kept.values())


@proves("3.1#1")
async def test_a_mailbox_that_is_created_anew_has_a_new_uidvalidity(host: Host, me: Client) -> None:
    validities = []
    for _ in range(2):
        await me.do("CREATE again")
        await me.append("again")
        selected = await me.do("SELECT again (CONDSTORE)")
        validities.append(selected.argument("UIDVALIDITY"))
        assert 0 < (await modseqs(me))[1] <= known(selected.highestmodseq)
        await me.do("UNSELECT")
        await me.do("DELETE again")
    assert validities[0] != validities[1]


@proves("3.1#1")
@pytest.mark.parametrize("command", TAKING_A_VALUE)
async def test_the_largest_value_is_taken(host: Host, me: Client, command: str) -> None:
    deliver(host, 1)
    await me.do("SELECT INBOX")
    await me.do(command.format(LARGEST))


@proves("3.1#1")
@pytest.mark.parametrize("value", [2**64, 10**30])
@pytest.mark.parametrize("command", TAKING_A_VALUE)
async def test_a_value_of_more_than_64_bits_is_bad(
    host: Host, me: Client, command: str, value: int
) -> None:
    deliver(host, 1)
    await me.do("SELECT INBOX")
    assert (await me.say(command.format(value))).tagged.condition == "BAD"


@proves("3.1#1")
@dovecot_differs("values of 64 bits are taken, as RFC 4551 had them")
@pytest.mark.parametrize("value", [LARGEST + 1, 2**64 - 1])
@pytest.mark.parametrize("command", TAKING_A_VALUE)
async def test_a_value_of_64_bits_is_bad(host: Host, me: Client, command: str, value: int) -> None:
    deliver(host, 1)
    await me.do("SELECT INBOX")
    assert (await me.say(command.format(value))).tagged.condition == "BAD"


@proves("3.1#1")
@pytest.mark.parametrize("command", TAKING_A_VALUE)
async def test_zero_is_taken(host: Host, me: Client, command: str) -> None:
    deliver(host, 1)
    await me.do("SELECT INBOX")
    await me.do(command.format(0))
