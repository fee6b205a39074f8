"""Section 3.2.5: SELECT and EXAMINE with QRESYNC tell what changed since the client was here."""

import pytest

from tests.rfc7162.client import Client, flags_of
from tests.rfc7162.hosts import Host
from tests.rfc7162.responses import Exists, Fetch, Other, Vanished
from tests.rfc7162.statements import dovecot_differs, proves
from tests.rfc7162.synchronising import come_back, kept, open_with, since


@proves("3.2#1", "3.2#2", "3.2#4", "3.2.5#2", "3.2.5.1#3", "3.2.6#5")
async def test_what_changed_and_what_went_is_told(host: Host, me: Client, other: Client) -> None:
    opened = await open_with(me, 6)
    await other.do("SELECT INBOX")
    await other.do(r"STORE 2,4 +FLAGS.SILENT (\Deleted)")
    await other.do("EXPUNGE")
    await other.do(r"STORE 3 +FLAGS.SILENT (\Flagged $Work)")
    back = await come_back(host, opened)
    assert back.vanished_earlier == (2, 4)
    assert back.vanished == ()
    assert flags_of(back.all(Fetch)) == {5: {"\\Flagged", "$Work"}}
    (told,) = back.all(Fetch)
    assert told.seq == 3
    assert told.modseq == back.highestmodseq
    kinds = [type(each) for each in back.untagged if isinstance(each, Vanished | Fetch)]
    assert kinds == [Vanished, Fetch]


@proves("3.2#4", "3.2.5.1#3")
async def test_examine_tells_the_same(host: Host, me: Client, other: Client) -> None:
    opened = await open_with(me, 4)
    await other.do("SELECT INBOX")
    await other.do(r"STORE 2 +FLAGS.SILENT (\Deleted)")
    await other.do("EXPUNGE")
    await other.do(r"STORE 1 +FLAGS.SILENT (\Seen)")
    for _ in range(2):
        examined = await me.do(f"EXAMINE INBOX {since(opened)}")
        assert examined.vanished_earlier == (2,)
        assert flags_of(examined.all(Fetch)) == {1: {"\\Seen"}}


@proves("3.2#4")
async def test_a_client_in_step_is_told_nothing(host: Host, me: Client) -> None:
    opened = await open_with(me, 3)
    back = await come_back(host, opened)
    assert back.vanished_earlier == ()
    assert back.fetches == {}
    assert back.highestmodseq == opened.highestmodseq


@proves("3.2#4")
async def test_what_arrived_meanwhile_is_told(host: Host, me: Client, other: Client) -> None:
    opened = await open_with(me, 1)
    await other.append("INBOX", flags=r"\Seen")
    host.beside.deliver("INBOX", b"Subject: two\n\ntwo\n")
    back = await come_back(host, opened)
    assert back.exists == 3
    assert flags_of(back.all(Fetch)) == {2: {"\\Seen"}, 3: frozenset()}


@pytest.mark.parametrize("command", ["SELECT", "EXAMINE"])
@proves("3.2.5#2")
async def test_all_that_a_select_says_is_said(host: Host, me: Client, command: str) -> None:
    opened = await open_with(me, 2)
    plain = await me.do(f"{command} INBOX")
    back = await me.do(f"{command} INBOX {since(opened)}")
    for exchange in (plain, back):
        assert {other.name for other in exchange.all(Other)} >= {"FLAGS", "RECENT"}
        assert exchange.one(Exists).count == 2
        for code in ("UIDVALIDITY", "UIDNEXT", "HIGHESTMODSEQ", "UNSEEN", "PERMANENTFLAGS"):
            assert exchange.argument(code) is not None
    assert back.tagged.code == plain.tagged.code == ("READ-ONLY", "READ-WRITE")[command == "SELECT"]


@proves("3.2.5#3")
async def test_another_uidvalidity_makes_the_rest_void(
    host: Host, me: Client, other: Client
) -> None:
    opened = await open_with(me, 3)
    await other.do("SELECT INBOX")
    await other.do(r"STORE 1 +FLAGS.SILENT (\Deleted)")
    await other.do("EXPUNGE")
    await other.do(r"STORE 1 +FLAGS.SILENT (\Seen)")
    validity = int(opened.argument("UIDVALIDITY") or 0)
    for known in ("", " 1:3", " 1:3 (1:2 1:2)"):
        stale = f"(QRESYNC ({validity + 1} {opened.highestmodseq}{known}))"
        back = await me.do(f"SELECT INBOX {stale}")
        assert back.exists == 2
        assert back.vanished_earlier == ()
        assert back.fetches == {}
        assert back.argument("UIDVALIDITY") == str(validity)


@proves("3.2.5.1#1", "3.2.5.1#2")
@pytest.mark.parametrize("command", ["SELECT", "EXAMINE"])
async def test_mod_sequences_always_last(host: Host, me: Client, command: str) -> None:
    await me.do("ENABLE QRESYNC")
    await me.do("CREATE Archive")
    for mailbox in ("INBOX", "Archive"):
        opened = await me.do(f"{command} {mailbox}")
        assert opened.argument("NOMODSEQ") is None
        assert opened.highestmodseq is not None
        again = await me.do(f"{command} {mailbox} {since(opened)}")
        assert again.argument("NOMODSEQ") is None
        assert again.highestmodseq == opened.highestmodseq


@pytest.mark.parametrize(
    ("known", "vanished", "changed"),
    [
        ("", (2, 5), {4, 7, 8}),
        ("1:8", (2, 5), {4, 7, 8}),
        ("1:5", (2, 5), {4}),
        ("3:4,7", (), {4, 7}),
        ("2", (2,), set()),
        ("1,3,6", (), set()),
        ("5:8", (5,), {7, 8}),
        ("8:5,5", (5,), {7, 8}),
        ("5:4294967295", (5,), {7, 8}),
        ("100:200", (), set()),
    ],
)
@proves("3.2#4", "3.2.5.1#3")
async def test_only_known_uids_are_told_of(
    host: Host, me: Client, other: Client, known: str, vanished: tuple[int, ...], changed: set[int]
) -> None:
    opened = await open_with(me, 7)
    await other.do("SELECT INBOX")
    await other.do(r"STORE 2,5 +FLAGS.SILENT (\Deleted)")
    await other.do("EXPUNGE")
    await other.do(r"UID STORE 4,7 +FLAGS.SILENT (\Seen)")
    await other.append("INBOX")
    back = await come_back(host, opened, known=known)
    assert back.vanished_earlier == vanished
    assert {fetch.uid for fetch in back.all(Fetch)} == changed


@proves("3.2#4", "3.2.6#6")
async def test_a_client_that_knows_next_to_nothing(host: Host, me: Client, other: Client) -> None:
    """Since mod-sequence 1, all that ever went has gone."""
    opened = await open_with(me, 4)
    await other.do("SELECT INBOX")
    await other.do(r"STORE 1,3 +FLAGS.SILENT (\Deleted)")
    await other.do("EXPUNGE")
    back = await come_back(host, opened, modseq=1)
    assert back.vanished_earlier == (1, 3)
    assert back.exists == 2
    assert {fetch.uid for fetch in back.all(Fetch)} == {2, 4}


@proves("3.2#4")
async def test_an_empty_mailbox_that_never_had_a_message(host: Host, me: Client) -> None:
    await me.do("ENABLE QRESYNC")
    opened = await me.do("SELECT INBOX")
    for known in ("", "1:5"):
        back = await come_back(host, opened, modseq=1, known=known)
        assert back.exists == 0
        assert back.fetches == {}


BROKEN = [
    "(QRESYNC (1 0x))",
    "(QRESYNC (1))",
    "(QRESYNC (1 1 (1 1) 1))",
    "(QRESYNC (1 1 1:5 (1)))",
    "(QRESYNC 1 1)",
    "(QRESYNC)",
]
OUT_OF_RANGE = ["(QRESYNC (0 1))", "(QRESYNC (1 9223372036854775808))"]


@pytest.mark.parametrize("parameter", BROKEN)
async def test_what_makes_no_sense_is_bad_and_selects_nothing(
    host: Host, me: Client, parameter: str
) -> None:
    await me.do("ENABLE QRESYNC")
    for command in ("SELECT INBOX", "EXAMINE INBOX", "SELECT Nowhere"):
        refused = await me.say(f"{command} {parameter}")
        assert refused.tagged.condition == "BAD"
        assert refused.exists is None
        assert (await me.say("CHECK")).tagged.condition == "BAD"


@dovecot_differs("takes UIDVALIDITY 0 and mod-sequences of 2^63 and above")
@pytest.mark.parametrize("parameter", OUT_OF_RANGE)
async def test_numbers_out_of_range_are_bad(host: Host, me: Client, parameter: str) -> None:
    await me.do("ENABLE QRESYNC")
    assert (await me.say(f"SELECT INBOX {parameter}")).tagged.condition == "BAD"


@dovecot_differs("closes the selected mailbox before it looks at the parameter of QRESYNC")
@pytest.mark.parametrize("parameter", BROKEN)
async def test_what_makes_no_sense_leaves_the_selected_mailbox(
    host: Host, me: Client, parameter: str
) -> None:
    await me.do("CREATE Archive")
    await open_with(me, 2)
    refused = await me.say(f"SELECT Archive {parameter}")
    assert refused.tagged.condition == "BAD"
    assert refused.argument("CLOSED") is None
    assert (await me.do("UID FETCH 1:* UID")).fetches.keys() == {1, 2}


@dovecot_differs("closes the selected mailbox before it sees that QRESYNC is not enabled")
async def test_what_is_not_enabled_leaves_the_selected_mailbox(host: Host, me: Client) -> None:
    await me.do("CREATE Archive")
    await me.append("INBOX")
    await me.do("SELECT INBOX")
    assert (await me.say("SELECT Archive (QRESYNC (1 1))")).tagged.condition == "BAD"
    assert (await me.do("UID FETCH 1:* UID")).fetches.keys() == {1}


@proves("3.2#1", "3.2#2", "3.2#4")
async def test_each_step_of_the_past_gets_exactly_the_difference(
    host: Host, me: Client, other: Client
) -> None:
    opened = await open_with(me, 8)
    await me.do("CREATE Archive")
    modseq = opened.highestmodseq or 0
    past = [(modseq, await uids_with_flags(other))]
    for command in (
        r"STORE 1:3 +FLAGS.SILENT (\Seen)",
        r"UID STORE 2,6 +FLAGS (\Deleted)",
        "EXPUNGE",
        "UID STORE 8 FLAGS ($Work)",
        "UID MOVE 3 Archive",
        r"UID STORE 1 -FLAGS (\Seen)",
        r"UID STORE 4:5 FLAGS (\Deleted)",
        "UID EXPUNGE 4",
        "UID MOVE 7 INBOX",
        r"UID STORE 9 +FLAGS.SILENT (\Deleted)",
        "EXPUNGE",
        "NOOP",
    ):
        exchange = await me.do(command)
        modseq = kept(modseq, exchange)
        past.append((modseq, await uids_with_flags(other)))
    _, final = past[-1]
    modseqs = await modseqs_by_uid(other)
    for at, (modseq, known) in enumerate(past):
        back = await come_back(host, opened, modseq)
        later = set().union(*(then for _, then in past[at:]))
        assert set(back.vanished_earlier) == later - final.keys()
        told = flags_of(back.all(Fetch))
        assert told == {uid: final[uid] for uid in final if modseqs[uid] > modseq}
        assert {uid: flags for uid, flags in known.items() if uid in final} | told == final


async def uids_with_flags(client: Client) -> dict[int, frozenset[str]]:
    """All of INBOX, by UID."""
    await client.do("EXAMINE INBOX")
    return flags_of((await client.do("UID FETCH 1:* FLAGS")).all(Fetch))


async def modseqs_by_uid(client: Client) -> dict[int, int]:
    """The MODSEQ of each message, by UID."""
    fetched = (await client.do("UID FETCH 1:* MODSEQ")).all(Fetch)
    return {fetch.uid or 0: fetch.modseq or 0 for fetch in fetched}
