"""What others may know of a session: who is at the other end, and what it does just now."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_LONGEST: Final = 40
"""Characters of a client's name, or version, that are kept."""


@dataclass(slots=True)
class Presence:
    """Kept up to date by the session, and read by whoever asks how the server is doing.

    `address` is the client's, with its port; `tls` the version of TLS, None without. `since` is the
    time of the login, in Unix seconds. `client` is the name and version that it gave with ID, None
    if it did not. `mailbox` is the one that is selected, and `idling` says that it is in IDLE.
    """

    address: str = ""
    tls: str | None = None
    since: float = field(default_factory=time.time)
    client: str | None = None
    mailbox: str | None = None
    idling: bool = False


def client_named(fields: Mapping[str, str | None]) -> str | None:
    """Name and version in the fields of ID (RFC 2971), cut to a sane length; None without both."""
    known = {name.lower(): value for name, value in fields.items()}
    parts = [value[:_LONGEST] for name in ("name", "version") if (value := known.get(name))]
    return " ".join(parts) or None
