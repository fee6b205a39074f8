"""The productions of section 7."""

from tests.rfc7162.statements import Production

SYNTAX: tuple[Production, ...] = (
    Production("capability", "CAPABILITY names CONDSTORE and QRESYNC."),
    Production("status-att", "STATUS can be asked for HIGHESTMODSEQ, among other items."),
    Production(
        "status-att-val",
        "STATUS says HIGHESTMODSEQ and a number; 0 is never said, as every mailbox keeps"
        " mod-sequences.",
    ),
    Production(
        "store-modifier",
        "STORE and UID STORE take (UNCHANGEDSINCE n) once, between the set and the flags.",
    ),
    Production(
        "fetch-modifier",
        "FETCH and UID FETCH take modifiers in parentheses at the end, in any order, each once.",
    ),
    Production(
        "chgsince-fetch-mod",
        "CHANGEDSINCE has one mod-sequence; 0 lies outside the grammar and is let through,"
        " Apple Mail sends it.",
    ),
    Production("fetch-att", "FETCH can be asked for MODSEQ, alone or in a list."),
    Production("fetch-mod-sequence", "MODSEQ is spelled in any mix of cases."),
    Production("fetch-mod-resp", "MODSEQ in FETCH is one number in parentheses."),
    Production("msg-att-dynamic", "MODSEQ stands beside FLAGS, when nobody asked for it too."),
    Production("search-key", "MODSEQ is a search key like others: in NOT, OR and parentheses."),
    Production("search-modsequence", "The key MODSEQ takes a number, with or without an entry."),
    Production("search-modseq-ext", "An entry is a name and a type; neither stands alone."),
    Production(
        "resp-text-code",
        "HIGHESTMODSEQ has a positive number and MODIFIED a set; NOMODSEQ is never sent, as every"
        " mailbox keeps mod-sequences.",
    ),
    Production("entry-name", "The name of an entry is that of a flag, nothing else."),
    Production(
        "entry-flag-name",
        "The name is a quoted string of /flags/ and a flag, whose backslash is escaped;"
        " no atom, no literal.",
    ),
    Production(
        "entry-type-resp", "priv and shared are told from other words; no response says them."
    ),
    Production("entry-type-req", "priv, shared and all are accepted, and mean the same here."),
    Production("permsg-modsequence", "A message has one mod-sequence, and it is never 0."),
    Production("mod-sequence-value", "1 to 2^63-1 are accepted, 2^63 and above are not."),
    Production("mod-sequence-valzer", "0 is accepted too where the grammar has it."),
    Production("search-sort-mod-seq", "SEARCH ends with MODSEQ and a number in parentheses."),
    Production("select-param", "SELECT and EXAMINE take parameters in any order, each once."),
    Production("condstore-param", "CONDSTORE is a parameter without a value."),
    Production("mailbox-data", "SEARCH that found nothing says no MODSEQ either."),
    Production(
        "sort-data",
        "SORT would end as SEARCH does.",
        moot="SORT is not advertised, and the command is unknown",
    ),
    Production("attr-flag", "The five system flags and keywords name entries; \\Recent doesn't."),
    Production(
        "attr-flag-extension",
        "An entry may be a system flag that nobody knows yet; none is ever sent.",
    ),
    Production("attr-flag-keyword", "An entry may be any keyword, known in the mailbox or not."),
    Production(
        "select-param",
        "QRESYNC has UIDVALIDITY and mod-sequence, then UIDs, match data, both or neither;"
        " mod-sequence 0 lies outside the grammar and is let through.",
    ),
    Production("seq-match-data", "Match data are two sets in parentheses, of the same length."),
    Production("uidvalidity", "UIDVALIDITY is a number from 1 to 2^32-1."),
    Production("known-uids", "Known UIDs are numbers and ranges without `*`."),
    Production(
        "known-sequence-set",
        "The message numbers of match data have no `*` among them and none twice; sets that don't"
        " rise lie outside the grammar, and are read as if they did.",
    ),
    Production(
        "known-uid-set",
        "The UIDs of match data have no `*` among them and none twice; out of order as before.",
    ),
    Production("message-data", "With QRESYNC an expunge is said as VANISHED."),
    Production("expunged-resp", "VANISHED has a set of UIDs, with (EARLIER) before it or without."),
    Production(
        "rexpunges-fetch-mod", "VANISHED goes with UID FETCH alone, and has no value of its own."
    ),
    Production("resp-text-code", "CLOSED stands without an argument."),
)
