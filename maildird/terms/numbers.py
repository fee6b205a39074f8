"""How far the numbers go that clients are told."""

from typing import Final

HIGHEST_UID: Final = (1 << 32) - 1
"""UIDNEXT at most; UIDs and UIDVALIDITY lie below (Dovecot takes this number for an error)."""

HIGHEST_MODSEQ: Final = 1 << 62
"""The highest that a file is believed; the protocol ends at 63 bits (RFC 7162 section 7), and there
has to be room to go on."""
