"""Section 7: the parameters of SELECT and EXAMINE."""

import pytest

from tests.rfc7162.client import Client
from tests.rfc7162.hosts import Host
from tests.rfc7162.responses import MailboxStatus
from tests.rfc7162.spelling import HIGHEST, cases, refuse
from tests.rfc7162.statements import dovecot_differs, proves


@pytest.fixture
async def outside(host: Host, me: Client) -> Client:
    """A connection that has enabled QRESYNC and selected nothing; INBOX has three messages."""
    for _ in range(3):
        host.beside.deliver("INBOX", b"Subject: x\n\nx\n")
    await me.do("ENABLE QRESYNC")
    return me


async def take(me: Client, *parameters: str) -> None:
    """INBOX is selected with these, in upper, lower and mixed case; `V` is its UIDVALIDITY."""
    for spelled in await _with_uidvalidity(me, *parameters):
        for command in (*cases(f"SELECT INBOX {spelled}"), f"EXAMINE INBOX {spelled}"):
            await me.do(command)
            await me.do("FETCH 1 UID")
            await me.do("UNSELECT")


async def refuse_all(me: Client, *parameters: str) -> None:
    """With none of these INBOX is selected; `V` is its UIDVALIDITY."""
    for spelled in await _with_uidvalidity(me, *parameters):
        await refuse(me, f"SELECT INBOX {spelled}", f"EXAMINE INBOX {spelled}", "FETCH 1 UID")


async def _with_uidvalidity(me: Client, *parameters: str) -> list[str]:
    status = (await me.do("STATUS INBOX (UIDVALIDITY)")).one(MailboxStatus)
    return [each.replace("(V", f"({status.numbers['UIDVALIDITY']}") for each in parameters]


@proves("7 condstore-param", "7 select-param")
async def test_condstore_has_no_value(outside: Client) -> None:
    await take(outside, "(CONDSTORE)")
    await refuse_all(outside, "(CONDSTORE 1)", "(CONDSTORE (1))", "(CONDSTORE", "(CONDSTORES)")


@proves("7 select-param")
async def test_parameters_come_in_any_order(outside: Client) -> None:
    await take(
        outside,
        "(CONDSTORE QRESYNC (V 1))",
        "(QRESYNC (V 1 1:3) CONDSTORE)",
        "(CONDSTORE QRESYNC (V 1 1:3 (1:2 1:2)))",
    )
    await refuse_all(outside, "(FUTURE)", "(CONDSTORE FUTURE)")


@proves("7 condstore-param", "7 select-param#2")
@dovecot_differs("takes the same parameter twice")
@pytest.mark.parametrize("parameter", ["CONDSTORE", "QRESYNC (V 1)"])
async def test_a_parameter_stands_there_once(outside: Client, parameter: str) -> None:
    await refuse_all(outside, f"({parameter} {parameter})")


@proves("7 select-param")
@dovecot_differs("takes parameters without parentheses, and empty ones")
async def test_parameters_stand_in_parentheses(outside: Client) -> None:
    await refuse_all(outside, "CONDSTORE", "QRESYNC (V 1)", "()", "(CONDSTORE) (CONDSTORE)")


@proves("7 select-param", "7 select-param#2")
@dovecot_differs("reads several spaces as one, and needs none behind a parenthesis")
async def test_single_spaces_stand_between_words(outside: Client) -> None:
    await refuse_all(
        outside,
        " (CONDSTORE)",
        "( CONDSTORE)",
        "(CONDSTORE )",
        "(CONDSTORE  QRESYNC (V 1))",
        "(QRESYNC (V 1)CONDSTORE)",
        "(QRESYNC  (V 1))",
        "(QRESYNC ( V 1))",
        "(QRESYNC (V  1))",
        "(QRESYNC (V 1 ))",
        "(QRESYNC (V 1  1:3))",
        "(QRESYNC (V 1 1:3  (1 1)))",
        "(QRESYNC (V 1 (1  1)))",
        "(QRESYNC (V 1 ( 1 1)))",
        "(QRESYNC (V 1 (1 1 )))",
    )


@proves("7 select-param#2")
async def test_qresync_needs_its_parentheses(outside: Client) -> None:
    await refuse_all(
        outside,
        "(QRESYNC)",
        "(QRESYNC ())",
        "(QRESYNC V 1)",
        "(QRESYNC (V 1)",
        "(QRESYNC (V 1",
        "(QRESYNC(V 1))",
    )


@proves("7 select-param#2")
@pytest.mark.parametrize("modseq", [0, 1, HIGHEST])
async def test_qresync_with_or_without_uids_and_match_data(outside: Client, modseq: int) -> None:
    await take(
        outside,
        f"(QRESYNC (V {modseq}))",
        f"(QRESYNC (V {modseq} 1:3))",
        f"(QRESYNC (V {modseq} (1 1)))",
        f"(QRESYNC (V {modseq} 1:3 (1 1)))",
    )


@proves("7 select-param#2")
async def test_qresync_has_a_modseq(outside: Client) -> None:
    spelled = ("", "-1", "+1", "*", "1:2", str(2**64), '"1"', "(1)")
    await refuse_all(outside, "(QRESYNC (V))", *(f"(QRESYNC (V {modseq}))" for modseq in spelled))


@proves("7 select-param#2", "7 mod-sequence-value")
@dovecot_differs("takes mod-sequences up to 2^64-1")
@pytest.mark.parametrize("modseq", [2**63, 2**64 - 1])
async def test_the_modseq_of_qresync_has_63_bits(outside: Client, modseq: int) -> None:
    await refuse_all(outside, f"(QRESYNC (V {modseq}))", f"(QRESYNC (V {modseq} 1:3))")


@proves("7 select-param#2")
async def test_uids_and_match_data_stand_there_once_in_this_order(outside: Client) -> None:
    await refuse_all(
        outside,
        "(QRESYNC (V 1 1:3 1:3))",
        "(QRESYNC (V 1 (1 1) 1:3))",
        "(QRESYNC (V 1 (1 1) (1 1)))",
        "(QRESYNC (V 1 1:3 (1 1) 1))",
    )


@proves("7 uidvalidity")
async def test_uidvalidity_has_32_bits(outside: Client) -> None:
    await take(outside, "(QRESYNC (1 1))", "(QRESYNC (4294967295 1))")
    spelled = ("4294967296", str(2**64), "-1", "+1", "*", '"1"')
    await refuse_all(outside, *(f"(QRESYNC ({uidvalidity} 1))" for uidvalidity in spelled))


@proves("7 uidvalidity")
@dovecot_differs("takes UIDVALIDITY 0")
async def test_uidvalidity_is_not_0(outside: Client) -> None:
    await refuse_all(outside, "(QRESYNC (0 1))")


NO_SETS = ("*", "1:*", "*:3", "1,*", "0", "0:1", "1:", ":1", "1-3", "-1", "4294967296", "$", '"1"')


@proves("7 known-uids")
async def test_known_uids_are_numbers_and_ranges(outside: Client) -> None:
    sets = ("1", "1:3", "3:1", "1,3", "2:3,1", "1:2,2:3", "7:4294967295")
    await take(outside, *(f"(QRESYNC (V 1 {uids}))" for uids in sets))
    await refuse_all(outside, *(f"(QRESYNC (V 1 {uids}))" for uids in NO_SETS))


@proves("7 known-uids")
@dovecot_differs("takes a set that ends with a comma")
async def test_a_set_does_not_end_with_a_comma(outside: Client) -> None:
    await refuse_all(outside, "(QRESYNC (V 1 1:3,))")


@proves("7 seq-match-data")
async def test_match_data_are_two_sets_as_long(outside: Client) -> None:
    await take(
        outside,
        "(QRESYNC (V 1 (1 1)))",
        "(QRESYNC (V 1 (1,3 2,7)))",
        "(QRESYNC (V 1 (1:3 1,5:6)))",
        "(QRESYNC (V 1 1:9 (1,2,3 1:2,9)))",
    )
    await refuse_all(
        outside,
        "(QRESYNC (V 1 ()))",
        "(QRESYNC (V 1 (1)))",
        "(QRESYNC (V 1 (1 )))",
        "(QRESYNC (V 1 (1:2 1:3)))",
        "(QRESYNC (V 1 (1:3 1:2)))",
        "(QRESYNC (V 1 (1 1 1)))",
        "(QRESYNC (V 1 (1,2 4:5,7)))",
        "(QRESYNC (V 1 ((1) (1))))",
        "(QRESYNC (V 1 (1 1))",
    )


@proves("7 known-sequence-set")
async def test_message_numbers_of_match_data_are_numbers_and_ranges(outside: Client) -> None:
    await refuse_all(outside, *(f"(QRESYNC (V 1 ({numbers} 1)))" for numbers in NO_SETS))


@proves("7 known-uid-set")
async def test_uids_of_match_data_are_numbers_and_ranges(outside: Client) -> None:
    await refuse_all(outside, *(f"(QRESYNC (V 1 (1 {uids})))" for uids in NO_SETS))


@proves("7 known-sequence-set", "7 known-uid-set")
async def test_match_data_out_of_order_are_let_through(outside: Client) -> None:
    await take(outside, "(QRESYNC (V 1 (3,1 3,1)))", "(QRESYNC (V 1 (3:1 1:3)))")


@proves("7 known-sequence-set", "7 known-uid-set")
async def test_match_data_that_repeat_a_number_are_refused(outside: Client) -> None:
    await refuse_all(outside, "(QRESYNC (V 1 (1,1 1,2)))", "(QRESYNC (V 1 (1:2 1,1)))")
