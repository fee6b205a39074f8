"""CONDSTORE (RFC 7162 section 3.1)."""

import pytest

from tests.dialogues.dialogue import Client, Server


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("ENABLE CONDSTORE", "* ENABLED CONDSTORE"),
        ("FETCH 1 MODSEQ", "* 1 FETCH (MODSEQ (<m>))"),
        ("FETCH 1 FLAGS (CHANGEDSINCE 1)", r"* 1 FETCH (FLAGS (\Recent) MODSEQ (<m>))"),
        ("UID SEARCH MODSEQ 1", "* SEARCH 1 (MODSEQ <m>)"),
        ("STATUS INBOX (HIGHESTMODSEQ)", "* STATUS INBOX (HIGHESTMODSEQ <m>)"),
        (
            r"STORE 1 (UNCHANGEDSINCE 9999999999999) -FLAGS (\Seen)",
            r"* 1 FETCH (UID 1 FLAGS (\Recent) MODSEQ (<m>))",
        ),
    ],
)
async def test_enabling_commands(
    server: Server, me: Client, other: Client, command: str, answer: str
) -> None:
    server.deliver("one")
    await me.opens("INBOX")
    await me(f"""
        C: a {command}
        S: * OK [HIGHESTMODSEQ <m>] …
        S: {answer}
        S: a OK …
    """)
    await other.opens("INBOX")
    await other(r"""
        C: a STORE 1 FLAGS.SILENT (\Flagged)
        S: a OK STORE done
    """)
    await me(r"""
        C: b NOOP
        S: * 1 FETCH (UID 1 FLAGS (\Flagged \Recent) MODSEQ (<n>))
        S: b OK NOOP done
        C: c ENABLE CONDSTORE
        S: * ENABLED CONDSTORE
        S: c OK ENABLE done
    """)
    assert me.noted["n"] > me.noted["m"]


async def test_select_enables(server: Server, me: Client) -> None:
    server.deliver("one")
    await me.opens("INBOX (CONDSTORE)")
    await me(r"""
        C: a STORE 1 FLAGS.SILENT (\Seen)
        S: * 1 FETCH (UID 1 MODSEQ (<m>))
        S: a OK STORE done
        C: b FETCH 1 FLAGS
        S: * 1 FETCH (FLAGS (\Seen \Recent))
        S: b OK FETCH done
        C: c FETCH 1 BODY[]<0.1>
        S: * 1 FETCH (BODY[]<0> {1}
        S: S)
        S: c OK FETCH done
        C: d STORE 1 FLAGS ()
        S: * 1 FETCH (UID 1 FLAGS (\Recent) MODSEQ (<n>))
        S: d OK STORE done
        C: e FETCH 1 BODY[]<0.1>
        S: * 1 FETCH (UID 1 FLAGS (\Seen \Recent) MODSEQ (<o>) BODY[]<0> {1}
        S: S)
        S: e OK FETCH done
    """)
    assert me.noted["m"] < me.noted["n"] < me.noted["o"]


async def test_setting_what_is_set_changes_no_modseq(server: Server, me: Client) -> None:
    server.deliver("one")
    await me.opens("INBOX (CONDSTORE)")
    await me(r"""
        C: a STORE 1 +FLAGS (\Seen)
        S: * 1 FETCH (UID 1 FLAGS (\Seen \Recent) MODSEQ (<m>))
        S: a OK STORE done
        C: b STORE 1 +FLAGS (\Seen)
        S: * 1 FETCH (UID 1 FLAGS (\Seen \Recent) MODSEQ (<m>))
        S: b OK STORE done
        C: c STORE 1 +FLAGS.SILENT (\Seen)
        S: c OK STORE done
    """)


async def test_fetch_changedsince(server: Server, me: Client) -> None:
    server.deliver("one", "two", "three")
    await me.opens("INBOX (CONDSTORE)")
    await me(r"""
        C: a STORE 1,3 FLAGS.SILENT (\Seen)
        S: * 1 FETCH (UID 1 MODSEQ (<m>))
        S: * 3 FETCH (UID 3 MODSEQ (<m>))
        S: a OK STORE done
    """)
    before = me.noted["m"] - 1
    await me(rf"""
        C: b FETCH 1:* FLAGS (CHANGEDSINCE {before})
        S: * 1 FETCH (FLAGS (\Seen \Recent) MODSEQ (<m>))
        S: * 3 FETCH (FLAGS (\Seen \Recent) MODSEQ (<m>))
        S: b OK FETCH done
        C: c UID FETCH 2:3 BODY.PEEK[TEXT] (CHANGEDSINCE {before})
        S: * 3 FETCH (UID 3 MODSEQ (<m>) BODY[TEXT] {{7}}
        S: three
        S: )
        S: c OK FETCH done
        C: d FETCH 1:* UID (CHANGEDSINCE {me.noted["m"]})
        S: d OK FETCH done
        C: e FETCH 1 UID (CHANGEDSINCE 0)
        S: * 1 FETCH (UID 1 MODSEQ (<m>))
        S: e OK FETCH done
        C: f UID FETCH 1:* FLAGS (CHANGEDSINCE {before} VANISHED)
        S: f BAD …
    """)


async def test_search_modseq(server: Server, me: Client) -> None:
    server.deliver("one", "two", "three")
    await me.opens("INBOX (CONDSTORE)")
    await me(r"""
        C: a STORE 1,3 FLAGS.SILENT (\Seen)
        S: * 1 FETCH (UID 1 MODSEQ (<m>))
        S: * 3 FETCH (UID 3 MODSEQ (<m>))
        S: a OK STORE done
        C: b STORE 1 FLAGS.SILENT ()
        S: * 1 FETCH (UID 1 MODSEQ (<n>))
        S: b OK STORE done
    """)
    m = me.noted["m"]
    await me(rf"""
        C: c SEARCH MODSEQ "/flags/\\seen" all {m}
        S: * SEARCH 1 3 (MODSEQ <n>)
        S: c OK SEARCH done
        C: d SEARCH OR NOT MODSEQ {m} LARGER 50000
        S: * SEARCH 2 (MODSEQ <o>)
        S: d OK SEARCH done
        C: e SEARCH MODSEQ {m} DELETED
        S: * SEARCH
        S: e OK SEARCH done
        C: f SEARCH RETURN (MAX) MODSEQ {m}
        S: * ESEARCH (TAG "f") MAX 3 MODSEQ <m>
        S: f OK SEARCH done
        C: g SEARCH RETURN (MIN MAX) MODSEQ {m}
        S: * ESEARCH (TAG "g") MIN 1 MAX 3 MODSEQ <n>
        S: g OK SEARCH done
        C: h SEARCH RETURN (MAX COUNT) MODSEQ {m}
        S: * ESEARCH (TAG "h") MAX 3 COUNT 2 MODSEQ <n>
        S: h OK SEARCH done
        C: i SEARCH RETURN (ALL) MODSEQ {m} DELETED
        S: * ESEARCH (TAG "i")
        S: i OK SEARCH done
    """)


@pytest.mark.parametrize(
    ("search", "result"),
    [
        ("SEARCH MODSEQ 1", "* SEARCH 1 2 (MODSEQ <n>)"),
        ("SEARCH RETURN (MAX) MODSEQ 1", '* ESEARCH (TAG "a") MAX 2 MODSEQ <n>'),
        ("UID SEARCH 1:2 MODSEQ 1", "* SEARCH 1 2 (MODSEQ <n>)"),
    ],
)
async def test_a_modseq_that_search_told_is_no_place_to_come_back_from(
    server: Server, me: Client, other: Client, search: str, result: str
) -> None:
    """An expunge that may not be told yet is older than what the client was told of."""
    server.deliver("one", "two")
    await me.opens("INBOX (CONDSTORE)")
    await other.opens("INBOX")
    await other(r"""
        C: a STORE 1 FLAGS.SILENT (\Deleted)
        C: b EXPUNGE
        C: c STORE 1 FLAGS.SILENT (\Seen)
        S: a OK STORE done
        S: * 1 EXPUNGE
        S: b OK EXPUNGE done
        S: c OK STORE done
    """)
    await me(rf"""
        C: n FETCH 2 FLAGS
        S: * 2 FETCH (FLAGS (\Recent))
        S: * 2 FETCH (UID 2 FLAGS (\Seen \Recent) MODSEQ (<n>))
        S: n OK [HIGHESTMODSEQ <low>] FETCH done
        C: a {search}
        S: {result}
        S: a OK [HIGHESTMODSEQ <low>] SEARCH done
        C: b SEARCH SEEN
        S: * SEARCH 2
        S: b OK SEARCH done
    """)
    assert me.noted["low"] < me.noted["n"]


async def test_new_messages_have_a_modseq_above_all(server: Server, me: Client) -> None:
    server.deliver("one")
    await me.opens("INBOX (CONDSTORE)")
    await me(r"""
        C: a STORE 1 FLAGS.SILENT (\Seen)
        S: * 1 FETCH (UID 1 MODSEQ (<m>))
        S: a OK STORE done
        C: b COPY 1 INBOX
        S: * 2 EXISTS
        S: * 2 RECENT
        S: b OK [COPYUID <v> 1 2] COPY done
        C: c FETCH 2 MODSEQ
        S: * 2 FETCH (MODSEQ (<n>))
        S: c OK FETCH done
    """)
    assert me.noted["m"] < me.noted["n"]
