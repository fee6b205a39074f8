"""What CAPABILITY says, before login and after it."""

from typing import Final

_BOTH: Final = ("IMAP4rev1", "SASL-IR", "LITERAL+", "ID", "ENABLE", "IDLE")

AFTER_LOGIN: Final = (
    *_BOTH,
    "NAMESPACE",
    "CHILDREN",
    "UNSELECT",
    "UIDPLUS",
    "MOVE",
    "ESEARCH",
    "SEARCHRES",
    "WITHIN",
    "LIST-EXTENDED",
    "LIST-STATUS",
    "SPECIAL-USE",
    "CREATE-SPECIAL-USE",
    "STATUS=SIZE",
    "MULTIAPPEND",
    "CONDSTORE",
    "QRESYNC",
)


def before_login(*, plaintext: bool, starttls: bool = False) -> tuple[str, ...]:
    """The list for a connection that has not logged in.

    `plaintext` says that it may do so with a password as it is, `starttls` that it may begin TLS.
    """
    encryption = ("STARTTLS",) if starttls else ()
    return (*_BOTH, *encryption, "AUTH=PLAIN" if plaintext else "LOGINDISABLED")
