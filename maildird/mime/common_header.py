"""The header fields that clients always ask for, kept so that the file needn't be read.

The set is the union of what clients name when they first see a message (mutt and neomutt,
Thunderbird and its Android kin, Apple Mail, Evolution, Roundcube, mbsync) and of what their users
commonly add. `Received` is not in it: few ask for it, and it would be most of what is kept.

A common header has these fields as they stand in the message, and a blank line. It is empty where
they are too long to be kept: every request then needs the message itself.
"""

from collections.abc import Iterable
from typing import Final

from maildird.mime.sections import fields_called

MAX_KEPT: Final = 64 * 1024
"""Octets of common header above which nothing is kept."""

COMMON_FIELDS: Final = (
    # Who, what, when (RFC 5322 section 3.6)
    *(b"Date", b"From", b"Sender", b"Reply-To", b"To", b"Cc", b"Bcc", b"Subject", b"Message-ID"),
    *(b"In-Reply-To", b"References", b"Resent-Message-ID", b"Newsgroups", b"Auto-Submitted"),
    *(b"Mail-Followup-To", b"Mail-Reply-To", b"Disposition-Notification-To"),
    # How it came here
    *(b"Return-Path", b"Delivered-To", b"Envelope-To", b"X-Original-To"),
    # What it is made of (RFC 2045)
    *(b"MIME-Version", b"Content-Type", b"Content-Transfer-Encoding", b"Content-Description"),
    *(b"Content-Disposition", b"Content-Class", b"Lines"),
    # How much it matters
    *(b"Importance", b"Priority", b"X-Priority", b"X-MSMail-Priority", b"Precedence"),
    *(b"X-Spam-Flag", b"X-Spam-Level", b"X-Spam-Score", b"X-Spam-Status"),
    # Mailing lists (RFC 2369, RFC 2919, RFC 8058 and what came before them)
    *(b"List-Archive", b"List-Help", b"List-Id", b"List-Owner", b"List-Post", b"List-Subscribe"),
    *(b"List-Unsubscribe", b"List-Unsubscribe-Post", b"Mailing-List", b"Originator"),
    *(b"X-BeenThere", b"X-List", b"X-Loop", b"X-Mailing-List"),
    # What single clients write and look for again
    *(b"X-Calendar-Attachment", b"X-Draft-Info", b"X-K9mail-Identity", b"X-Label", b"X-TUID"),
    *(b"X-Mail-Created-Date", b"X-Uniform-Type-Identifier", b"X-Universally-Unique-Identifier"),
)

COMMON: Final = frozenset(name.lower() for name in COMMON_FIELDS)


def common_header_fields(header: bytes, names: Iterable[bytes]) -> bytes | None:
    """HEADER.FIELDS (`names`) answered from a common header.

    None where a name lies outside the set, or nothing was kept: the message has to be read.
    """
    wanted = frozenset(name.lower() for name in names)
    if not header or not wanted <= COMMON:
        return None
    return fields_called(header, wanted, matching=True)
