"""Section 7: whatever the productions make is a command, and means what stands there."""

from hypothesis import given, settings
from hypothesis import strategies as st

from maildird.imap.commands.fetch import Fetch, FetchAttribute
from maildird.imap.commands.mailboxes import Qresync, Select, SeqMatch
from maildird.imap.commands.messages import Store, StoreHow
from maildird.imap.commands.search import ModSeq, Search
from maildird.terms.sets import SeqSet, UidSet
from tests.imap.feeding import parsed
from tests.rfc7162.spelling import HIGHEST
from tests.rfc7162.statements import proves

EXAMPLES = settings(max_examples=50)

Spelled = tuple[str, object]
"""What a client writes, and what it means."""

MODSEQ_VALUES = st.integers(1, HIGHEST) | st.sampled_from((1, 2**32, HIGHEST))
MODSEQ_VALZERS = st.just(0) | MODSEQ_VALUES
NZ_NUMBERS = st.integers(1, 2**32 - 1)
RANGES = st.tuples(NZ_NUMBERS, NZ_NUMBERS)
ATOMS = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='(){%*"\\]'), min_size=1
)


@st.composite
def cased(draw: st.DrawFn, word: str) -> str:
    """A word in any mix of cases."""
    chosen = draw(st.lists(st.booleans(), min_size=len(word), max_size=len(word)))
    return "".join(c.upper() if up else c.lower() for c, up in zip(word, chosen, strict=True))


@st.composite
def known_uids(draw: st.DrawFn) -> tuple[str, UidSet]:
    """known-uids."""
    ranges = draw(st.lists(RANGES, min_size=1, max_size=5))
    return ",".join(f"{a}:{b}" if a != b else f"{a}" for a, b in ranges), UidSet(tuple(ranges))


@st.composite
def seq_match_data(draw: st.DrawFn) -> tuple[str, SeqMatch]:
    """seq-match-data: two sets that rise and are as long."""
    count = draw(st.integers(1, 8))
    seqs, uids = (
        sorted(draw(st.sets(st.integers(1, highest), min_size=count, max_size=count)))
        for highest in (20, 2**32 - 1)
    )
    spelled = f"({','.join(map(str, seqs))} {','.join(map(str, uids))})"
    return spelled, SeqMatch(SeqSet.of(seqs), UidSet.of(uids))


@st.composite
def selects(draw: st.DrawFn) -> Spelled:
    """SELECT or EXAMINE with CONDSTORE, QRESYNC or both."""
    name = draw(st.sampled_from(("SELECT", "EXAMINE")))
    condstore = draw(st.booleans())
    qresync = draw(qresyncs()) if not condstore or draw(st.booleans()) else None
    parameters = [draw(cased("CONDSTORE"))] if condstore else []
    parameters += [qresync[0]] if qresync else []
    spelled = f"{draw(cased(name))} INBOX ({' '.join(draw(st.permutations(parameters)))})"
    meant = qresync[1] if qresync else None
    return spelled, Select("INBOX", name == "EXAMINE", condstore, meant)


@st.composite
def qresyncs(draw: st.DrawFn) -> tuple[str, Qresync]:
    """The parameter QRESYNC."""
    uidvalidity, modseq = draw(NZ_NUMBERS), draw(MODSEQ_VALUES)
    uids = draw(st.none() | known_uids())
    match = draw(st.none() | seq_match_data())
    words = [f"{uidvalidity}", f"{modseq}", *(given[0] for given in (uids, match) if given)]
    meant = Qresync(uidvalidity, modseq, uids[1] if uids else None, match[1] if match else None)
    return f"{draw(cased('QRESYNC'))} ({' '.join(words)})", meant


@st.composite
def stores(draw: st.DrawFn) -> Spelled:
    """STORE with UNCHANGEDSINCE."""
    how, modseq = draw(st.sampled_from(StoreHow)), draw(MODSEQ_VALZERS)
    spelled = f"({draw(cased('UNCHANGEDSINCE'))} {modseq}) {draw(cased(how.value))} (\\Seen)"
    one = UidSet(((1, 1),))
    return f"UID STORE 1 {spelled}", Store(one, True, how, ("\\Seen",), unchanged_since=modseq)


@st.composite
def fetches(draw: st.DrawFn) -> Spelled:
    """FETCH of MODSEQ, with CHANGEDSINCE and maybe VANISHED, in any order."""
    modseq, vanished = draw(MODSEQ_VALUES), draw(st.booleans())
    modifiers = [f"{draw(cased('CHANGEDSINCE'))} {modseq}"]
    modifiers += [draw(cased("VANISHED"))] if vanished else []
    ordered = " ".join(draw(st.permutations(modifiers)))
    meant = Fetch(UidSet(((1, 1),)), True, (FetchAttribute.MODSEQ,), modseq, vanished)
    return f"UID FETCH 1 ({draw(cased('MODSEQ'))}) ({ordered})", meant


@st.composite
def searches(draw: st.DrawFn) -> Spelled:
    """SEARCH MODSEQ, with an entry or without."""
    modseq, entry = draw(MODSEQ_VALZERS), ""
    if draw(st.booleans()):
        backslash = draw(st.sampled_from(("", "\\\\")))
        flag = draw(ATOMS.filter(lambda atom: atom.lower() != "recent"))
        kind = draw(st.sampled_from(("priv", "shared", "all")).flatmap(cased))
        entry = f' "{draw(cased("/flags/"))}{backslash}{flag}" {kind}'
    return f"SEARCH {draw(cased('MODSEQ'))}{entry} {modseq}", Search(ModSeq(modseq), False)


@proves(
    "7 select-param",
    "7 condstore-param",
    "7 select-param#2",
    "7 seq-match-data",
    "7 uidvalidity",
    "7 known-uids",
    "7 known-sequence-set",
    "7 known-uid-set",
)
@EXAMPLES
@given(selects())
def test_any_parameters_of_select(command: Spelled) -> None:
    assert parsed(command[0].encode("ascii")) == command[1]


@proves("7 store-modifier", "7 mod-sequence-valzer")
@EXAMPLES
@given(stores())
def test_any_condition_of_store(command: Spelled) -> None:
    assert parsed(command[0].encode("ascii")) == command[1]


@proves("7 fetch-modifier", "7 chgsince-fetch-mod", "7 rexpunges-fetch-mod", "7 fetch-att")
@EXAMPLES
@given(fetches())
def test_any_modifiers_of_fetch(command: Spelled) -> None:
    assert parsed(command[0].encode("ascii")) == command[1]


@proves("7 search-modsequence", "7 search-modseq-ext", "7 entry-flag-name", "7 entry-type-req")
@EXAMPLES
@given(searches())
def test_any_modseq_of_search(command: Spelled) -> None:
    assert parsed(command[0].encode("ascii")) == command[1]
