"""APPEND (RFC 3501 section 6.3.11), with several messages in one command (RFC 3502)."""

from dataclasses import dataclass

from maildird.imap.grammar import Reader


@dataclass(frozen=True, slots=True)
class NewMessage:
    """One message of APPEND; `internaldate` is Unix time in seconds, None for now."""

    content: bytes
    flags: tuple[str, ...] = ()
    internaldate: int | None = None


@dataclass(frozen=True, slots=True)
class Append:
    """APPEND (RFC 3501 section 6.3.11), with several messages by RFC 3502."""

    mailbox: str
    messages: tuple[NewMessage, ...]


def parse_append(reader: Reader) -> Append:
    """append = "APPEND" SP mailbox 1*append-message (RFC 3502 section 6.3.11)."""
    reader.space()
    mailbox = reader.mailbox()
    messages: list[NewMessage] = []
    while not reader.at_end or not messages:
        messages.append(_append_message(reader))
    return Append(mailbox, tuple(messages))


def _append_message(reader: Reader) -> NewMessage:
    """append-message = [SP flag-list] [SP date-time] SP literal (RFC 3502 section 7)."""
    reader.space()
    flags: tuple[str, ...] = ()
    internaldate = None
    if reader.ahead(b"("):
        flags = reader.flag_list()
        reader.space()
    if reader.ahead(b'"'):
        internaldate = reader.date_time()
        reader.space()
    return NewMessage(reader.literal("the message as a literal"), flags, internaldate)
