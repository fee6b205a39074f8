"""How far the numbers go that clients are told."""

from typing import Final

HIGHEST_UID: Final = (1 << 32) - 1
"""UIDNEXT at most; UIDs and UIDVALIDITY lie below (Dovecot takes this number for an error)."""

HIGHEST_MODSEQ: Final = (1 << 63) - 1
"""RFC 7162 section 7."""
