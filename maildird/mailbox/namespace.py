"""IMAP mailbox names to *parts* and back.

Parts are a tuple of Unicode strings, one a level; INBOX is ("INBOX",), whatever its case was. Names
other than INBOX begin with the namespace's prefix (Courier's is `INBOX.`), which is no part of the
parts. What a part may hold on disk is the layout's business.
"""

from typing import Final

from maildird.mailbox.results import Namespace
from maildird.terms.codes import Code
from maildird.terms.errors import Refused

INBOX: Final = ("INBOX",)

Parts = tuple[str, ...]


def parts_of(namespace: Namespace, name: str) -> Parts:
    """The parts of an IMAP name; Refused (NONEXISTENT) for a name outside the namespace."""
    if name.upper() == "INBOX":
        return INBOX
    separator, prefix = namespace.separator, namespace.prefix
    if not _has_prefix(name, prefix):
        raise Refused(Code.NONEXISTENT, f"mailbox names other than INBOX begin with {prefix} here")
    parts = tuple(name[len(prefix) :].split(separator))
    if not prefix and len(parts) > 1 and parts[0].upper() == "INBOX":
        parts = (*INBOX, *parts[1:])
    return parts


def parts_to_create(namespace: Namespace, name: str) -> Parts:
    """The parts of a name that is to come into being.

    A trailing separator only announces children (RFC 3501 section 6.3.3). Refused (CANNOT) for
    names outside the namespace and for empty levels.
    """
    if name.upper() != "INBOX" and not _has_prefix(name, namespace.prefix):
        raise Refused(
            Code.CANNOT, f"the name must begin with {namespace.prefix}: all mailboxes live there"
        )
    parts = parts_of(namespace, name.removesuffix(namespace.separator))
    if not all(parts):
        raise Refused(Code.CANNOT, "a mailbox name has no empty level")
    return parts


def name_of(namespace: Namespace, parts: Parts) -> str:
    """The IMAP name of `parts`."""
    if parts == INBOX:
        return "INBOX"
    return namespace.prefix + namespace.separator.join(parts)


def _has_prefix(name: str, prefix: str) -> bool:
    """`name` goes on after `prefix`; the INBOX in a prefix is case-insensitive as INBOX is."""
    if len(name) <= len(prefix):
        return not prefix
    if prefix.upper().startswith("INBOX"):
        return name[: len(prefix)].upper() == prefix.upper()
    return name.startswith(prefix)
