"""Which mailbox is whose Trash: special-use attributes (RFC 6154).

What the configuration says comes first, then what clients said with CREATE (USE …), then common
names. An attribute that something earlier gave away is given to no other mailbox, so a client never
meets two Sent folders.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from maildird.mailbox.namespace import Parts

ATTRIBUTES: Final = ("\\All", "\\Archive", "\\Drafts", "\\Flagged", "\\Junk", "\\Sent", "\\Trash")
"""Attributes that a mailbox can be given; `\\All` and `\\Flagged` only by configuration."""

CREATABLE: Final = frozenset({"\\Archive", "\\Drafts", "\\Junk", "\\Sent", "\\Trash"})

_COMMON_NAMES: Final = {
    "\\Drafts": ("drafts", "draft"),
    "\\Sent": ("sent", "sent items", "sent messages", "sent mail", "sent-mail"),
    "\\Trash": ("trash", "deleted items", "deleted messages"),
    "\\Junk": ("junk", "spam", "junk e-mail", "junk mail", "bulk mail"),
    "\\Archive": ("archive", "archives"),
}


def canonical(attribute: str) -> str | None:
    """The attribute in its registered spelling, None when it isn't one (RFC 6154 section 2)."""
    folded = attribute.lower()
    return next((known for known in ATTRIBUTES if known.lower() == folded), None)


def assign(
    existing: Iterable[Parts],
    configured: Mapping[Parts, str],
    created: Mapping[Parts, tuple[str, ...]],
) -> dict[Parts, tuple[str, ...]]:
    """The attributes of each of the `existing` mailboxes that has any."""
    names = sorted(existing)
    uses: dict[Parts, tuple[str, ...]] = {}
    taken: set[str] = set()
    for source in (
        {parts: (attribute,) for parts, attribute in configured.items()},
        created,
        _by_common_name(names),
    ):
        fresh = {p: tuple(a for a in source.get(p, ()) if a not in taken) for p in names}
        for parts, attributes in fresh.items():
            if attributes:
                uses[parts] = uses.get(parts, ()) + attributes
        taken |= {a for attributes in source.values() for a in attributes}
    return uses


def _by_common_name(names: list[Parts]) -> dict[Parts, tuple[str, ...]]:
    """For each attribute the one top-level mailbox (or child of INBOX) with the likeliest name."""
    levels = {parts[-1].lower(): parts for parts in reversed(names) if _is_top(parts)}
    found: dict[Parts, tuple[str, ...]] = {}
    for attribute, candidates in _COMMON_NAMES.items():
        for candidate in candidates:
            if candidate in levels:
                found[levels[candidate]] = (attribute,)
                break
    return found


def _is_top(parts: Parts) -> bool:
    return len(parts) == 1 or (len(parts) == 2 and parts[0] == "INBOX")
