"""STORE with UNCHANGEDSINCE (RFC 7162 sections 3.1.3, 3.1.11 and 3.1.12)."""

import pytest
import trio

from tests.dialogues.dialogue import Client, Server


@pytest.fixture
async def since(server: Server, me: Client, other: Client) -> int:
    """Three messages that both have selected, with the keyword $Processed on none of them.

    Gives the HIGHESTMODSEQ of both; changes are numbered from there.
    """
    server.deliver("one", "two", "three")
    await me.opens("INBOX (CONDSTORE)")
    await me(r"""
        C: a STORE 1 +FLAGS.SILENT ($Processed)
        C: b STORE 1:3 FLAGS.SILENT ()
        S: * FLAGS …
        S: * OK [PERMANENTFLAGS …
        S: * 1 FETCH (UID 1 MODSEQ (<before>))
        S: a OK STORE done
        S: * 1 FETCH (UID 1 MODSEQ (<since>))
        S: b OK STORE done
    """)
    await other.opens("INBOX")
    return me.noted["since"]


async def does(client: Client, *commands: str) -> None:
    """The client stores without a word about it."""
    for command in commands:
        await client(f"""
            C: x STORE {command}
            S: x OK STORE done
        """)


async def test_a_failure_stops_no_other_message(me: Client, other: Client, since: int) -> None:
    await does(other, r"2 +FLAGS.SILENT (\Seen)")
    await me(rf"""
        C: b STORE 3,2,1 (UNCHANGEDSINCE {since}) +FLAGS.SILENT (\Seen)
        S: * 2 FETCH (UID 2 FLAGS (\Seen \Recent) MODSEQ (<n>))
        S: * 1 FETCH (UID 1 MODSEQ (<o>))
        S: * 3 FETCH (UID 3 MODSEQ (<o>))
        S: b OK [MODIFIED 2] …
        C: c UID STORE 1:3 (UNCHANGEDSINCE {since}) -FLAGS (\Seen \Flagged)
        S: * 1 FETCH (UID 1 FLAGS (\Seen \Recent) MODSEQ (<o>))
        S: * 2 FETCH (UID 2 FLAGS (\Seen \Recent) MODSEQ (<n>))
        S: * 3 FETCH (UID 3 FLAGS (\Seen \Recent) MODSEQ (<o>))
        S: c OK [MODIFIED 1:3] …
    """)
    assert since < me.noted["n"] < me.noted["o"]


async def test_modified_has_numbers_or_uids(me: Client, other: Client, since: int) -> None:
    await does(other, r"1 +FLAGS.SILENT (\Deleted)")
    await other(r"""
        C: a EXPUNGE
        S: * 1 EXPUNGE
        S: a OK EXPUNGE done
    """)
    await me(r"""
        C: a NOOP
        S: * 1 EXPUNGE
        S: a OK NOOP done
    """)
    await does(other, "1:2 +FLAGS.SILENT ($Processed)")
    await me(rf"""
        C: b UID STORE 1:* (UNCHANGEDSINCE {since}) +FLAGS.SILENT ($Processed)
        S: * 1 FETCH (UID 2 FLAGS ($Processed \Recent) MODSEQ (<n>))
        S: * 2 FETCH (UID 3 FLAGS ($Processed \Recent) MODSEQ (<n>))
        S: b OK [MODIFIED 2:3] …
        C: c STORE 1:2 (UNCHANGEDSINCE {since}) +FLAGS.SILENT ($Processed)
        S: * 1 FETCH (UID 2 FLAGS ($Processed \Recent) MODSEQ (<n>))
        S: * 2 FETCH (UID 3 FLAGS ($Processed \Recent) MODSEQ (<n>))
        S: c OK [MODIFIED 1:2] …
    """)


async def test_the_flag_was_set_by_another(me: Client, other: Client, since: int) -> None:
    """RFC 7162, example 10: who comes second is not told that the message is his."""
    await does(other, "2 +FLAGS.SILENT ($Processed)")
    await me(rf"""
        C: a STORE 1:3 (UNCHANGEDSINCE {since}) +FLAGS.SILENT ($Processed)
        S: * 2 FETCH (UID 2 FLAGS ($Processed \Recent) MODSEQ (<n>))
        S: * 1 FETCH (UID 1 MODSEQ (<o>))
        S: * 3 FETCH (UID 3 MODSEQ (<o>))
        S: a OK [MODIFIED 2] …
    """)


async def test_another_flag_was_changed(me: Client, other: Client, since: int) -> None:
    """RFC 7162 section 3.1.12: who doesn't care about \\Deleted is not sent away for it."""
    await does(other, r"2 +FLAGS.SILENT (\Deleted \Answered)")
    await me(rf"""
        C: a STORE 1:2 (UNCHANGEDSINCE {since}) +FLAGS.SILENT ($Processed)
        S: * 2 FETCH (UID 2 FLAGS (\Answered \Deleted $Processed \Recent) MODSEQ (<n>))
        S: * 1 FETCH (UID 1 MODSEQ (<n>))
        S: a OK STORE done
    """)
    await other(r"""
        C: a NOOP
        S: * 1 FETCH (FLAGS ($Processed))
        S: * 2 FETCH (FLAGS (\Answered \Deleted $Processed))
        S: a OK NOOP done
    """)
    await does(other, r"1 FLAGS.SILENT ($Processed \Flagged)")
    await me(rf"""
        C: b STORE 1 (UNCHANGEDSINCE {me.noted["n"]}) +FLAGS.SILENT ($Processed)
        S: * 1 FETCH (UID 1 FLAGS (\Flagged $Processed \Recent) MODSEQ (<o>))
        S: b OK STORE done
        C: c NOOP
        S: c OK NOOP done
    """)


async def test_another_flag_was_changed_and_all_are_replaced(
    me: Client, other: Client, since: int
) -> None:
    await does(other, r"2 +FLAGS.SILENT (\Deleted)")
    await me(rf"""
        C: a STORE 2:3 (UNCHANGEDSINCE {since}) FLAGS.SILENT ($Processed)
        S: * 2 FETCH (UID 2 FLAGS (\Deleted \Recent) MODSEQ (<n>))
        S: * 3 FETCH (UID 3 MODSEQ (<o>))
        S: a OK [MODIFIED 2] …
    """)


async def test_a_keyword_that_nobody_had_yet(me: Client, other: Client, since: int) -> None:
    await does(other, r"1:2 +FLAGS.SILENT (\Deleted)")
    await other(r"""
        C: a STORE 1 +FLAGS.SILENT ($Fresh)
        S: * FLAGS …
        S: * OK [PERMANENTFLAGS …
        S: a OK STORE done
    """)
    await me(rf"""
        C: a STORE 1:2 (UNCHANGEDSINCE {since}) +FLAGS ($Fresh)
        S: * FLAGS …
        S: * OK [PERMANENTFLAGS …
        S: * 1 FETCH (UID 1 FLAGS (\Deleted $Fresh \Recent) MODSEQ (<n>))
        S: * 2 FETCH (UID 2 FLAGS (\Deleted $Fresh \Recent) MODSEQ (<o>))
        S: a OK [MODIFIED 1] …
    """)
    assert me.noted["n"] < me.noted["o"]


async def test_an_old_value_after_the_change_was_told(
    me: Client, other: Client, since: int
) -> None:
    await does(other, "1 +FLAGS.SILENT ($Processed)")
    await me(rf"""
        C: a NOOP
        S: * 1 FETCH (UID 1 FLAGS ($Processed \Recent) MODSEQ (<n>))
        S: a OK NOOP done
        C: b STORE 1 (UNCHANGEDSINCE {since}) +FLAGS ($Processed)
        S: * 1 FETCH (UID 1 FLAGS ($Processed \Recent) MODSEQ (<n>))
        S: b OK [MODIFIED 1] …
        C: c STORE 1 (UNCHANGEDSINCE {since + 1}) -FLAGS ($Processed)
        S: * 1 FETCH (UID 1 FLAGS (\Recent) MODSEQ (<o>))
        S: c OK STORE done
    """)


async def test_a_value_beyond_what_the_client_was_told(
    me: Client, other: Client, since: int
) -> None:
    """The flag was set at that value, though the client was never told, and is removed since."""
    await does(other, "1 +FLAGS.SILENT ($Processed)", "1 -FLAGS.SILENT ($Processed)")
    await me(rf"""
        C: a STORE 1 (UNCHANGEDSINCE {since + 1}) +FLAGS ($Processed)
        S: * 1 FETCH (UID 1 FLAGS (\Recent) MODSEQ (<n>))
        S: a OK [MODIFIED 1] …
    """)
    assert me.noted["n"] == since + 2


async def test_exactly_one_of_two_wins(me: Client, other: Client, since: int) -> None:
    """Both ask before either is answered, so that one turn may serve both."""
    answers: list[str] = []

    async def fights(client: Client) -> None:
        command = f"w STORE 1:3 (UNCHANGEDSINCE {since}) +FLAGS.SILENT ($Processed)\r\n"
        await client.stream.send_all(command.encode())
        while not (line := await client.line()).startswith("w "):
            assert line.startswith("* ")
        answers.append(line)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(fights, me)
        nursery.start_soon(fights, other)
    won, lost = sorted(answers, key=lambda answer: "MODIFIED" in answer)
    assert won == "w OK STORE done"
    assert lost.startswith("w OK [MODIFIED 1:3] ")


@pytest.mark.parametrize(
    ("change", "flags"),
    [
        (r"+FLAGS.SILENT (\Seen)", r"$Processed"),
        (r"-FLAGS.SILENT (\Seen)", r"$Processed"),
        (r"+FLAGS.SILENT ($Processed)", r"$Processed"),
        (r"-FLAGS.SILENT ($Processed)", r"$Processed"),
        (r"FLAGS.SILENT ($Processed)", r"$Processed"),
        (r"FLAGS.SILENT (\Flagged)", r"\Flagged"),
    ],
)
async def test_zero_fails_where_the_flag_exists(
    me: Client, since: int, change: str, flags: str
) -> None:
    """A system flag always exists (RFC 7162, example 7 and 8); FLAGS names all flags."""
    await me(rf"""
        C: a STORE 1 FLAGS ({flags})
        S: * 1 FETCH (UID 1 FLAGS ({flags} \Recent) MODSEQ (<n>))
        S: a OK STORE done
        C: b STORE 1 (UNCHANGEDSINCE 0) {change}
        S: * 1 FETCH (UID 1 FLAGS ({flags} \Recent) MODSEQ (<n>))
        S: b OK [MODIFIED 1] …
    """)


async def test_zero_passes_where_the_keyword_is_not_set(
    me: Client, other: Client, since: int
) -> None:
    await does(other, r"1 +FLAGS.SILENT (\Seen)", "2 +FLAGS.SILENT ($Processed)")
    await me(r"""
        C: a STORE 1:2 (UNCHANGEDSINCE 0) +FLAGS.SILENT ($Processed)
        S: * 1 FETCH (UID 1 FLAGS (\Seen $Processed \Recent) MODSEQ (<n>))
        S: * 2 FETCH (UID 2 FLAGS ($Processed \Recent) MODSEQ (<m>))
        S: a OK [MODIFIED 2] …
        C: b STORE 3 (UNCHANGEDSINCE 0) -FLAGS.SILENT ($Processed)
        S: * 3 FETCH (UID 3 MODSEQ (<old>))
        S: b OK STORE done
    """)
    assert me.noted["old"] < since


async def test_a_message_that_is_named_twice(me: Client, since: int) -> None:
    await me(rf"""
        C: a STORE 2,1:3,2 (UNCHANGEDSINCE {since}) +FLAGS.SILENT ($Processed)
        S: * 1 FETCH (UID 1 MODSEQ (<n>))
        S: * 2 FETCH (UID 2 MODSEQ (<n>))
        S: * 3 FETCH (UID 3 MODSEQ (<n>))
        S: a OK STORE done
    """)


async def test_a_passed_condition_is_answered_though_nothing_changed(
    server: Server, me: Client
) -> None:
    server.deliver("one")
    await me.opens("INBOX (CONDSTORE)")
    await me(r"""
        C: a STORE 1 (UNCHANGEDSINCE 9999999999999) -FLAGS.SILENT (\Seen)
        S: * 1 FETCH (UID 1 MODSEQ (<m>))
        S: a OK STORE done
    """)


async def test_expunged_messages(me: Client, other: Client, since: int) -> None:
    """RFC 7162, example 11."""
    await does(other, r"2 +FLAGS.SILENT (\Seen)", r"3 +FLAGS.SILENT (\Deleted)")
    await other(r"""
        C: a EXPUNGE
        S: * 3 EXPUNGE
        S: a OK EXPUNGE done
    """)
    await me(rf"""
        C: a STORE 1:3 (UNCHANGEDSINCE {since}) +FLAGS (\Seen)
        S: * 1 FETCH (UID 1 FLAGS (\Seen \Recent) MODSEQ (<n>))
        S: * 2 FETCH (UID 2 FLAGS (\Seen \Recent) MODSEQ (<o>))
        S: * OK [HIGHESTMODSEQ <low>] …
        S: a NO [MODIFIED 2] …
        C: b STORE 2:3 (UNCHANGEDSINCE 9999999999999) +FLAGS.SILENT (\Flagged)
        S: * 2 FETCH (UID 2 MODSEQ (<p>))
        S: * OK [HIGHESTMODSEQ <low>] …
        S: b NO [EXPUNGEISSUED] …
        C: c UID STORE 2:3 (UNCHANGEDSINCE {since}) -FLAGS.SILENT (\Seen)
        S: * 3 EXPUNGE
        S: * 2 FETCH (UID 2 FLAGS (\Flagged \Seen \Recent) MODSEQ (<p>))
        S: c OK [MODIFIED 2] …
    """)
    assert me.noted["low"] < me.noted["n"]
