"""The command table, against the lists of the RFCs."""

import pytest

from maildird.imap.table import COMMANDS, State

BEFORE, AFTER, SELECTED = State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED

IN_ANY_STATE = {"CAPABILITY", "NOOP", "LOGOUT", "ID"}
BEFORE_LOGIN = {"LOGIN", "AUTHENTICATE", "STARTTLS"}
AFTER_LOGIN = {
    *("SELECT", "EXAMINE", "CREATE", "DELETE", "RENAME", "SUBSCRIBE", "UNSUBSCRIBE"),
    *("LIST", "LSUB", "STATUS", "APPEND", "NAMESPACE", "ENABLE", "IDLE"),
}
WITH_A_MAILBOX = {
    *("CHECK", "CLOSE", "UNSELECT", "EXPUNGE", "SEARCH", "FETCH", "STORE", "COPY", "MOVE"),
    *("UID SEARCH", "UID FETCH", "UID STORE", "UID COPY", "UID MOVE", "UID EXPUNGE"),
}


@pytest.mark.parametrize(
    ("names", "states"),
    [
        (IN_ANY_STATE, {BEFORE, AFTER, SELECTED}),
        (BEFORE_LOGIN, {BEFORE}),
        (AFTER_LOGIN, {AFTER, SELECTED}),
        (WITH_A_MAILBOX, {SELECTED}),
    ],
)
def test_commands_may_be_used_where_the_rfcs_say(names: set[str], states: set[State]) -> None:
    assert {name for name, entry in COMMANDS.items() if entry.states == states} == names


def test_no_message_number_changes_while_a_command_uses_them() -> None:
    """RFC 3501 section 7.4.1; COPY is of that kind, and MOVE tells of what it moved itself."""
    assert {name for name, entry in COMMANDS.items() if entry.numbers} == {
        *("FETCH", "STORE", "SEARCH", "COPY"),
    }
