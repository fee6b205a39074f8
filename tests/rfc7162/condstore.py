"""The statements of sections 3.1 to 3.1.12: CONDSTORE."""

from typing import Final

from tests.rfc7162.statements import CLIENT, SERVER, Statement

PERSISTENT: Final = "every mailbox keeps its mod-sequences for good"
NO_SORT: Final = "SORT is not offered"

CONDSTORE = (
    Statement("3.1", "MUST", SERVER, "every message has a mod-sequence: positive, below 2^63"),
    Statement(
        "3.1", "MUST", SERVER, "no two STOREs to one mailbox get the same value, whoever sends them"
    ),
    Statement(
        "3.1", "MUST", SERVER, "of two STOREs of a session, the one that ends later gets more"
    ),
    Statement("3.1", "MUST", SERVER, "a flag that comes or goes gives its message a new value"),
    Statement("3.1", "SHOULD NOT", SERVER, "setting what is set, clearing what is not, gives none"),
    Statement("3.1", "MUST", SERVER, "after an enabling command every FETCH says MODSEQ"),
    Statement(
        "3.1", "MUST", SERVER, "the first one, with a mailbox selected, is told HIGHESTMODSEQ"
    ),
    Statement(
        "3.1.2", "MUST", SERVER, "SELECT and EXAMINE then say either HIGHESTMODSEQ or NOMODSEQ"
    ),
    Statement("3.1.2", "must", SERVER, "opening a mailbox finds out whether it keeps its values"),
    Statement("3.1.2", "MUST", SERVER, "opening one that does says HIGHESTMODSEQ"),
    Statement("3.1.2", "MUST", SERVER, "opening one that does not says NOMODSEQ", PERSISTENT),
    Statement("3.1.2.1", "MUST", SERVER, "once enabled, each SELECT or EXAMINE says HIGHESTMODSEQ"),
    Statement("3.1.2.1", "must", CLIENT, "who wants HIGHESTMODSEQ sends an enabling command first"),
    Statement("3.1.2.1", "MUST", CLIENT, "a new UIDVALIDITY drops the HIGHESTMODSEQ of the cache"),
    Statement(
        "3.1.2.2", "MUST", SERVER, "once enabled, opening such a mailbox says NOMODSEQ", PERSISTENT
    ),
    Statement("3.1.2.2", "must", CLIENT, "who wants NOMODSEQ sends an enabling command first"),
    Statement(
        "3.1.2.2", "MUST", SERVER, "after NOMODSEQ, commands with mod-sequences are BAD", PERSISTENT
    ),
    Statement("3.1.3", "MUST", SERVER, "a conditional STORE that is done gives a new value"),
    Statement("3.1.3", "MUST", SERVER, "it is answered by FETCH, .SILENT or not"),
    Statement("3.1.3", "MUST", SERVER, "and that FETCH says MODSEQ"),
    Statement("3.1.3", "MUST NOT", SERVER, "a message that was changed since stays as it is"),
    Statement("3.1.3", "MUST", SERVER, "MODIFIED names all of these, by number or by UID"),
    Statement("3.1.3", "SHOULD", SERVER, "STORE tells what others changed, .SILENT or not"),
    Statement("3.1.3", "MUST", SERVER, "system flags always exist: value 0 fails for them"),
    Statement("3.1.3", "MUST", CLIENT, "MODIFIED may come though the flag in question is the same"),
    Statement("3.1.3", "SHOULD", SERVER, "changes of other flags don't fail +FLAGS and -FLAGS"),
    Statement("3.1.3", "SHOULD", CLIENT, "after MODIFIED, FETCH or NOOP shows what has changed"),
    Statement("3.1.3", "RECOMMENDED", SERVER, "FETCH tells the state of each that failed, unasked"),
    Statement("3.1.3", "SHOULD", CLIENT, "if the flag is as it was, the command is tried again"),
    Statement(
        "3.1.3", "MUST NOT", SERVER, "a message named twice doesn't fail over its own change"
    ),
    Statement("3.1.3", "must not", SERVER, "nor when a range repeats it"),
    Statement("3.1.3", "MUST", SERVER, "a STORE without a condition gives new values too"),
    Statement("3.1.3", "REQUIRED", SERVER, "all sessions that enabled CONDSTORE hear its MODSEQ"),
    Statement("3.1.4.2", "SHOULD", SERVER, "servers without QRESYNC say UID in such FETCHes too"),
    Statement("3.1.4.2", "must", SERVER, "servers with QRESYNC say UID in all of them"),
    Statement("3.1.5", "MUST", SERVER, "entry type `all` looks at private and shared values"),
    Statement("3.1.5", "MUST", SERVER, "with one value a message, entry name and type say nothing"),
    Statement("3.1.5", "MUST", SERVER, "a SEARCH for MODSEQ that finds something ends with MODSEQ"),
    Statement("3.1.6", "MUST", SERVER, "that is the highest value of the messages found"),
    Statement("3.1.7", "MUST", SERVER, "STATUS says 0 where no mod-sequences are kept", PERSISTENT),
    Statement("3.1.8", "MUST", SERVER, "SELECT (CONDSTORE) makes later FETCHes say MODSEQ"),
    Statement("3.1.9", "MUST", SERVER, "a SORT by MODSEQ ends with the highest value", NO_SORT),
    Statement("3.1.10", "MUST", SERVER, "ESEARCH says MODSEQ when it was searched for and found"),
    Statement("3.1.10", "MUST", SERVER, "so does the ESEARCH of an extended SORT", NO_SORT),
    Statement("3.1.11", "SHOULD NOT", SERVER, "a STORE or FETCH that changes no flag, no value"),
    Statement("3.1.11", "MUST NOT", CLIENT, "clients don't count on that"),
    Statement("3.1.11", "SHOULD", CLIENT, "they can't tell it from flags set and cleared again"),
)
