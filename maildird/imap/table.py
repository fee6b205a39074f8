"""THE command table: who may say what when, and what it does to message numbers.

`numbers` says that a command uses message sequence numbers, so that none may change while it runs:
no EXPUNGE (or VANISHED) may be sent until it is done and the next begins (RFC 3501 section 7.4.1,
RFC 7162 section 3.2.10).
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from maildird.imap.commands import append, fetch, mailboxes, messages, search_parser, session
from maildird.imap.grammar import Reader


class State(enum.Enum):
    """The states of a connection (RFC 3501 section 3)."""

    NOT_AUTHENTICATED = "before login"
    AUTHENTICATED = "after login"
    SELECTED = "with a mailbox selected"
    LOGOUT = "after LOGOUT"


ANY: Final = frozenset({State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED})
BEFORE_LOGIN: Final = frozenset({State.NOT_AUTHENTICATED})
AFTER_LOGIN: Final = frozenset({State.AUTHENTICATED, State.SELECTED})
SELECTED: Final = frozenset({State.SELECTED})


@dataclass(frozen=True, slots=True)
class Entry:
    """One command: its parser, where it may be used, whether it uses message numbers."""

    parse: Callable[[Reader], object]
    states: frozenset[State]
    numbers: bool = False


COMMANDS: Final[dict[str, Entry]] = {
    "CAPABILITY": Entry(session.parse_capability, ANY),
    "NOOP": Entry(session.parse_noop, ANY),
    "LOGOUT": Entry(session.parse_logout, ANY),
    "ID": Entry(session.parse_id, ANY),
    "STARTTLS": Entry(session.parse_starttls, BEFORE_LOGIN),
    "LOGIN": Entry(session.parse_login, BEFORE_LOGIN),
    "AUTHENTICATE": Entry(session.parse_authenticate, BEFORE_LOGIN),
    "ENABLE": Entry(session.parse_enable, AFTER_LOGIN),
    "IDLE": Entry(session.parse_idle, AFTER_LOGIN),
    "SELECT": Entry(mailboxes.parse_select, AFTER_LOGIN),
    "EXAMINE": Entry(mailboxes.parse_examine, AFTER_LOGIN),
    "CREATE": Entry(mailboxes.parse_create, AFTER_LOGIN),
    "DELETE": Entry(mailboxes.parse_delete, AFTER_LOGIN),
    "RENAME": Entry(mailboxes.parse_rename, AFTER_LOGIN),
    "SUBSCRIBE": Entry(mailboxes.parse_subscribe, AFTER_LOGIN),
    "UNSUBSCRIBE": Entry(mailboxes.parse_unsubscribe, AFTER_LOGIN),
    "LIST": Entry(mailboxes.parse_list, AFTER_LOGIN),
    "LSUB": Entry(mailboxes.parse_lsub, AFTER_LOGIN),
    "STATUS": Entry(mailboxes.parse_status, AFTER_LOGIN),
    "NAMESPACE": Entry(mailboxes.parse_namespace, AFTER_LOGIN),
    "APPEND": Entry(append.parse_append, AFTER_LOGIN),
    "CHECK": Entry(messages.parse_check, SELECTED),
    "CLOSE": Entry(messages.parse_close, SELECTED),
    "UNSELECT": Entry(messages.parse_unselect, SELECTED),
    "EXPUNGE": Entry(messages.parse_expunge, SELECTED),
    "SEARCH": Entry(search_parser.parse_search, SELECTED, numbers=True),
    "FETCH": Entry(fetch.parse_fetch, SELECTED, numbers=True),
    "STORE": Entry(messages.parse_store, SELECTED, numbers=True),
    "COPY": Entry(messages.parse_copy, SELECTED, numbers=True),
    "MOVE": Entry(messages.parse_move, SELECTED),
    "UID EXPUNGE": Entry(messages.parse_uid_expunge, SELECTED),
    "UID SEARCH": Entry(search_parser.parse_uid_search, SELECTED),
    "UID FETCH": Entry(fetch.parse_uid_fetch, SELECTED),
    "UID STORE": Entry(messages.parse_uid_store, SELECTED),
    "UID COPY": Entry(messages.parse_uid_copy, SELECTED),
    "UID MOVE": Entry(messages.parse_uid_move, SELECTED),
}
