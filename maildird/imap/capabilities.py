"""What CAPABILITY says, before login and after it."""

from collections.abc import Iterable
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


def before_login(mechanisms: Iterable[str], *, starttls: bool = False) -> tuple[str, ...]:
    """The list for a connection that has not logged in.

    `mechanisms` are those of SASL that it may use; LOGIN is there if PLAIN is. `starttls` says that
    it may begin TLS.
    """
    encryption = ("STARTTLS",) if starttls else ()
    login = tuple(f"AUTH={mechanism}" for mechanism in mechanisms)
    disabled = () if "AUTH=PLAIN" in login else ("LOGINDISABLED",)
    return (*_BOTH, *encryption, *login, *disabled)
