"""The one error tree.

Every error that a client or an administrator can cause derives from `MaildirdError`. Rooms raise
these; `session` alone translates them into tagged replies. Any other exception is a bug.
"""

from maildird.terms.codes import Code


class MaildirdError(Exception):
    """Root of everything that maildird raises on purpose; `str()` is one clear line for people."""


class Malformed(MaildirdError):
    """A command that breaks the grammar or its state: answered with a tagged BAD."""


class Refused(MaildirdError):
    """A well-formed request that can't be carried out: answered with a tagged NO.

    `code` is the response code of RFC 5530 (or of the extension concerned) that tells the client
    why; None where no code fits.
    """

    def __init__(self, code: Code | None, text: str) -> None:
        super().__init__(text)
        self.code = code


class BadCharset(Refused):
    """SEARCH in a charset that isn't known: NO [BADCHARSET (…)] (RFC 3501 section 6.4.4)."""

    def __init__(self, charset: str) -> None:
        super().__init__(None, f"charset {charset} is not known here")
        self.charset = charset


class MessageGone(MaildirdError):
    """The file of a message is no longer there, or can't be read; the session goes on."""


class MailboxDeleted(MaildirdError):
    """The selected mailbox is no more; nothing can be told about it, the session has to end."""


class SettingsError(MaildirdError):
    """A setting or command-line argument that can't be used; says what would be right."""


class IndexUnusable(MaildirdError):
    """The index can't be opened: another schema version, or it is not an index at all."""


class UsersUnchanged(MaildirdError):
    """A change of the users that can't be: one is there already, or not there, or was mistyped."""


class StatusUnknown(MaildirdError):
    """How an account is doing can't be learnt: nobody serves it, or there comes no answer."""
