"""Section 7: what clients send. Spellings that are taken, and those that are no IMAP."""

import pytest

from tests.rfc7162.client import Client
from tests.rfc7162.hosts import Host
from tests.rfc7162.responses import Search
from tests.rfc7162.spelling import HIGHEST, cases, refuse
from tests.rfc7162.statements import dovecot_differs, proves

NO_MODSEQS = ("", "-1", "+1", "1.0", "0x1", "*", "(1)", "1,2", "1:2", str(2**64), "NIL")
"""Dovecot and we agree that these are none."""


@pytest.fixture
async def inside(host: Host, me: Client) -> Client:
    """A connection that has enabled QRESYNC and selected INBOX, with three messages in it."""
    for _ in range(3):
        host.beside.deliver("INBOX", b"Subject: x\n\nx\n")
    await me.do("ENABLE QRESYNC")
    await me.do("SELECT INBOX")
    return me


async def take(me: Client, *commands: str) -> None:
    """All of these are commands, in upper, lower and mixed case."""
    for command in commands:
        for spelled in cases(command):
            await me.do(spelled)


async def refuse_to_store(me: Client, *arguments: str) -> None:
    """None of these changes message 1, STORE or UID STORE."""
    before = (await me.do("FETCH 1 (FLAGS MODSEQ)")).fetches[1]
    for spelled in arguments:
        await refuse(me, f"STORE 1 {spelled}", f"UID STORE 1 {spelled}")
    assert (await me.do("FETCH 1 (FLAGS MODSEQ)")).fetches[1] == before


# STATUS


@proves("7 status-att")
async def test_status_is_asked_for_highestmodseq(me: Client) -> None:
    await take(
        me,
        "STATUS INBOX (HIGHESTMODSEQ)",
        "STATUS INBOX (MESSAGES HIGHESTMODSEQ UIDNEXT)",
    )
    await refuse(
        me,
        "STATUS INBOX HIGHESTMODSEQ",
        "STATUS INBOX (HIGHESTMODSEQ 1)",
        "STATUS INBOX (HIGHESTMODSEQ",
        "STATUS INBOX (MODSEQ)",
    )


# STORE


@proves("7 store-modifier", "7 mod-sequence-valzer")
@pytest.mark.parametrize("modseq", [0, 1, HIGHEST])
async def test_a_conditional_store_is_taken(inside: Client, modseq: int) -> None:
    await take(
        inside,
        f"STORE 1 (UNCHANGEDSINCE {modseq}) +FLAGS (\\Seen)",
        f"STORE 1:3 (UNCHANGEDSINCE {modseq}) -FLAGS.SILENT \\Seen \\Draft",
        f"UID STORE 1,3 (UNCHANGEDSINCE {modseq}) FLAGS ()",
    )


@proves("7 store-modifier")
async def test_a_store_with_a_bad_condition_changes_nothing(inside: Client) -> None:
    await refuse_to_store(
        inside,
        *(f"(UNCHANGEDSINCE {modseq}) +FLAGS (\\Draft)" for modseq in NO_MODSEQS),
        f"UNCHANGEDSINCE {HIGHEST} +FLAGS (\\Draft)",
        f"(UNCHANGEDSINCE {HIGHEST} +FLAGS (\\Draft)",
        f"(UNCHANGEDSINCE {HIGHEST} CHANGEDSINCE 1) +FLAGS (\\Draft)",
        f"(CHANGEDSINCE {HIGHEST}) +FLAGS (\\Draft)",
        f"(UNCHANGEDSINCE {HIGHEST})",
        f"({HIGHEST}) +FLAGS (\\Draft)",
        f"( {HIGHEST}) +FLAGS (\\Draft)",
        "(UNCHANGEDSINCE) +FLAGS (\\Draft)",
    )


@proves("7 store-modifier")
@dovecot_differs("takes UNCHANGEDSINCE twice")
async def test_one_condition_is_enough(inside: Client) -> None:
    await refuse_to_store(
        inside, f"(UNCHANGEDSINCE {HIGHEST} UNCHANGEDSINCE {HIGHEST}) +FLAGS (\\Draft)"
    )


@proves("7 store-modifier")
@dovecot_differs("takes modifiers of STORE that are empty")
async def test_store_has_no_empty_modifiers(inside: Client) -> None:
    await refuse_to_store(inside, "() +FLAGS (\\Draft)")


@proves("7 store-modifier")
@dovecot_differs("reads over what stands behind the flags of STORE")
async def test_the_condition_stands_before_the_flags(inside: Client) -> None:
    await refuse_to_store(inside, f"+FLAGS (\\Draft) (UNCHANGEDSINCE {HIGHEST})")


# FETCH


@proves("7 fetch-att", "7 fetch-mod-sequence")
async def test_fetch_is_asked_for_modseq(inside: Client) -> None:
    await take(inside, "FETCH 1 MODSEQ", "FETCH 1 (MODSEQ)", "UID FETCH 1:3 (UID MODSEQ FLAGS)")
    await refuse(inside, "FETCH 1 (MODSEQ 1)", "FETCH 1 (MODSEQ", "FETCH 1 MODSEQS")


@proves("7 fetch-modifier", "7 chgsince-fetch-mod")
@pytest.mark.parametrize("modseq", [0, 1, HIGHEST])
async def test_fetch_of_what_changed_is_taken(inside: Client, modseq: int) -> None:
    await take(
        inside,
        f"FETCH 1:3 FLAGS (CHANGEDSINCE {modseq})",
        f"UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE {modseq})",
        f"FETCH 1 FAST (CHANGEDSINCE {modseq})",
    )


@proves("7 fetch-modifier", "7 chgsince-fetch-mod")
async def test_fetch_with_a_bad_modifier_is_refused(inside: Client) -> None:
    await refuse(
        inside,
        *(f"FETCH 1 FLAGS (CHANGEDSINCE {modseq})" for modseq in NO_MODSEQS),
        "FETCH 1 FLAGS (CHANGEDSINCE)",
        "FETCH 1 FLAGS (CHANGEDSINCE 1",
        "FETCH 1 FLAGS CHANGEDSINCE 1",
        "FETCH 1 FLAGS (UNCHANGEDSINCE 1)",
        'FETCH 1 FLAGS (CHANGEDSINCE "1")',
    )


@proves("7 fetch-modifier")
@dovecot_differs("takes CHANGEDSINCE twice")
async def test_fetch_takes_a_modifier_once(inside: Client) -> None:
    await refuse(
        inside,
        "FETCH 1 FLAGS (CHANGEDSINCE 1 CHANGEDSINCE 1)",
        "UID FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED CHANGEDSINCE 1)",
    )


@proves("7 fetch-modifier")
@dovecot_differs("takes modifiers of FETCH that are empty")
async def test_fetch_has_no_empty_modifiers(inside: Client) -> None:
    await refuse(inside, "FETCH 1 FLAGS ()", "UID FETCH 1 FLAGS ()")


@proves("7 rexpunges-fetch-mod")
async def test_vanished_goes_with_uid_fetch_in_either_order(inside: Client) -> None:
    await take(
        inside,
        "UID FETCH 1:* FLAGS (CHANGEDSINCE 1 VANISHED)",
        "UID FETCH 1:* (FLAGS) (VANISHED CHANGEDSINCE 1)",
    )
    await refuse(
        inside,
        "UID FETCH 1:* FLAGS (VANISHED)",
        "FETCH 1:* FLAGS (VANISHED)",
        "FETCH 1:* FLAGS (CHANGEDSINCE 1 VANISHED)",
        "FETCH 1:* FLAGS (VANISHED CHANGEDSINCE 1)",
        "UID FETCH 1:* FLAGS (CHANGEDSINCE 1 VANISHED 1)",
        "UID FETCH 1:* FLAGS (CHANGEDSINCE 1 VANISHED (EARLIER))",
        "UID FETCH 1:* (FLAGS VANISHED) (CHANGEDSINCE 1)",
    )


# SEARCH


@proves("7 search-key", "7 search-modsequence")
async def test_modseq_is_a_key_among_others(inside: Client) -> None:
    await take(
        inside,
        "SEARCH MODSEQ 0",
        f"SEARCH MODSEQ {HIGHEST}",
        "UID SEARCH MODSEQ 1 SEEN",
        "SEARCH NOT MODSEQ 1",
        "SEARCH OR (MODSEQ 1 UNSEEN) NOT (MODSEQ 2)",
        "SEARCH RETURN (MIN) CHARSET UTF-8 1:3 MODSEQ 1",
    )
    await refuse(
        inside,
        *(f"SEARCH MODSEQ {modseq}" for modseq in NO_MODSEQS),
        "SEARCH MODSEQ",
        "SEARCH MODSEQ SEEN",
        "SEARCH OR MODSEQ 1",
    )


@proves("7 search-key")
@dovecot_differs("finds nothing by NOT MODSEQ")
async def test_modseq_can_be_negated(inside: Client) -> None:
    assert (await inside.do(f"SEARCH NOT MODSEQ {HIGHEST}")).one(Search).numbers == (1, 2, 3)


@proves("7 search-modseq-ext", "7 entry-name", "7 entry-type-req")
@pytest.mark.parametrize("kind", ["priv", "shared", "all"])
async def test_an_entry_is_taken_and_changes_nothing(inside: Client, kind: str) -> None:
    modseq = (await inside.do("FETCH 1:3 MODSEQ")).fetches[2].modseq
    plain = (await inside.do(f"SEARCH MODSEQ {modseq}")).one(Search)
    assert plain.numbers
    for spelled in cases(f'SEARCH MODSEQ "/flags/\\\\Seen" {kind} {modseq}'):
        assert (await inside.do(spelled)).one(Search) == plain


@proves("7 search-modseq-ext", "7 entry-type-req", "7 entry-type-resp")
async def test_an_entry_without_its_type_is_none(inside: Client) -> None:
    await refuse(
        inside,
        'SEARCH MODSEQ "/flags/$x" 1',
        "SEARCH MODSEQ all 1",
        'SEARCH MODSEQ "/flags/$x" all',
        'SEARCH MODSEQ "/flags/$x" any 1',
        'SEARCH MODSEQ "/flags/$x" private 1',
        'SEARCH MODSEQ "/flags/$x" all priv 1',
        'SEARCH MODSEQ all "/flags/$x" 1',
    )


@proves("7 search-modsequence", "7 entry-type-req")
@dovecot_differs("takes numbers and types in quotes")
async def test_numbers_and_types_have_no_quotes(inside: Client) -> None:
    await refuse(inside, 'SEARCH MODSEQ "1"', 'SEARCH MODSEQ "/flags/$x" "all" 1')


@proves("7 entry-flag-name", "7 attr-flag", "7 attr-flag-keyword")
async def test_system_flags_and_keywords_name_entries(inside: Client) -> None:
    await inside.do("STORE 1 +FLAGS (known)")
    flags = ("\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft", "known", "$MDNSent")
    for flag in flags:
        escaped = flag.replace("\\", "\\\\")
        await take(inside, f'SEARCH MODSEQ "/flags/{escaped}" all 1')
    await refuse(
        inside,
        'SEARCH MODSEQ "flags/$x" all 1',
        'SEARCH MODSEQ "/comment" all 1',
        'SEARCH MODSEQ "" all 1',
        'SEARCH MODSEQ "/flags/$x all 1',
    )


@proves("7 attr-flag")
async def test_recent_names_no_entry(inside: Client) -> None:
    await refuse(inside, *cases('SEARCH MODSEQ "/flags/\\\\Recent" all 1'))


@proves("7 attr-flag-extension")
@dovecot_differs("takes no entry of a system flag that it doesn't know")
async def test_unknown_system_flags_name_entries(inside: Client) -> None:
    await take(
        inside,
        'SEARCH MODSEQ "/flags/\\\\Future" all 1',
        'SEARCH MODSEQ "/flags/\\\\Recently" all 1',
    )


@proves("7 entry-flag-name")
@dovecot_differs("takes any string that begins with /flags/, quoted or not")
async def test_an_entry_is_a_quoted_flag(inside: Client) -> None:
    await refuse(
        inside,
        "SEARCH MODSEQ /flags/$x all 1",
        "SEARCH MODSEQ {9+}\r\n/flags/$x all 1",
        'SEARCH MODSEQ "/flags/\\Seen" all 1',
        'SEARCH MODSEQ "/flags/\\\\\\\\Seen" all 1',
        'SEARCH MODSEQ "/flags/\\\\" all 1',
        'SEARCH MODSEQ "/flags/" all 1',
        'SEARCH MODSEQ "/flags/a b" all 1',
        'SEARCH MODSEQ "/flags/(a" all 1',
    )


# Mod-sequences and spaces everywhere


@proves("7 mod-sequence-value")
async def test_zeros_may_lead_a_modseq(inside: Client) -> None:
    modseq = "1".zfill(40)
    await take(
        inside,
        f"FETCH 1 FLAGS (CHANGEDSINCE {modseq})",
        f"STORE 1 (UNCHANGEDSINCE {modseq}) +FLAGS (\\Seen)",
        f"SEARCH MODSEQ {modseq}",
        f"SELECT INBOX (QRESYNC (1 {modseq}))",
    )


@proves("7 mod-sequence-value", "7 mod-sequence-valzer")
@dovecot_differs("takes mod-sequences up to 2^64-1")
@pytest.mark.parametrize("modseq", [2**63, 2**64 - 1])
async def test_a_modseq_has_63_bits(inside: Client, modseq: int) -> None:
    await refuse(inside, f"FETCH 1 FLAGS (CHANGEDSINCE {modseq})", f"SEARCH MODSEQ {modseq}")
    await refuse_to_store(inside, f"(UNCHANGEDSINCE {modseq}) +FLAGS (\\Draft)")


@proves("7 fetch-modifier", "7 store-modifier", "7 search-modsequence")
@dovecot_differs("reads several spaces as one, and none before +FLAGS")
async def test_single_spaces_stand_between_words(inside: Client) -> None:
    await refuse(
        inside,
        "FETCH 1 FLAGS  (CHANGEDSINCE 1)",
        "FETCH 1 FLAGS (CHANGEDSINCE  1)",
        "FETCH 1 FLAGS ( CHANGEDSINCE 1)",
        "FETCH 1 FLAGS (CHANGEDSINCE 1 )",
        "UID FETCH 1 FLAGS (CHANGEDSINCE 1  VANISHED)",
        "SEARCH MODSEQ  1",
        'SEARCH MODSEQ "/flags/$x"  all 1',
        'SEARCH MODSEQ "/flags/$x" all  1',
    )
    await refuse_to_store(
        inside,
        f" (UNCHANGEDSINCE {HIGHEST}) +FLAGS (\\Draft)",
        f"(UNCHANGEDSINCE  {HIGHEST}) +FLAGS (\\Draft)",
        f"(UNCHANGEDSINCE {HIGHEST} ) +FLAGS (\\Draft)",
        f"(UNCHANGEDSINCE {HIGHEST})  +FLAGS (\\Draft)",
        f"(UNCHANGEDSINCE {HIGHEST})+FLAGS (\\Draft)",
    )
