"""ENVELOPE of a message (RFC 3501 section 7.4.2).

    envelope        = "(" env-date SP env-subject SP env-from SP env-sender SP env-reply-to SP
                      env-to SP env-cc SP env-bcc SP env-in-reply-to SP env-message-id ")"
    env-from        = "(" 1*address ")" / nil
    address         = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"

Where an address field stands several times all its addresses are listed: so nobody can show one
sender to a filter and another to a reader (RFC 5322 section 4.5.3 has it so for To, Cc and Bcc). Of
other fields the first one counts.
"""

from itertools import chain, islice

from maildird.mime.addresses import MAX_ADDRESSES, Address, parse_addresses
from maildird.mime.header import Header, first, parse_header, used_header
from maildird.mime.nstring import nstring
from maildird.mime.remembering import remembering
from maildird.mime.walk import DESCRIBED_FIELDS


def envelope(message: bytes) -> bytes:
    """The envelope of `message` (wire form) as IMAP writes it, parentheses included."""
    return render_envelope(parse_header(used_header(message), DESCRIBED_FIELDS))


def render_envelope(header: Header) -> bytes:
    """The envelope of a message with these fields, as IMAP writes it."""
    from_ = _addresses(header, b"from")
    sender = _addresses(header, b"sender")
    reply_to = _addresses(header, b"reply-to")
    return b"(%b %b %b %b %b %b %b %b %b %b)" % (
        nstring(first(header, b"date")),
        nstring(first(header, b"subject")),
        from_,
        from_ if sender == b"NIL" else sender,
        from_ if reply_to == b"NIL" else reply_to,
        _addresses(header, b"to"),
        _addresses(header, b"cc"),
        _addresses(header, b"bcc"),
        nstring(first(header, b"in-reply-to")),
        nstring(first(header, b"message-id")),
    )


def _addresses(header: Header, field: bytes) -> bytes:
    values = header.get(field)
    if values is None:
        return b"NIL"
    return _single_field(values[0]) if len(values) == 1 else _address_list(values)


@remembering
def _single_field(value: bytes) -> bytes:
    return _address_list([value])


def _address_list(values: list[bytes]) -> bytes:
    every = chain.from_iterable(map(parse_addresses, values))
    addresses = b"".join(map(_address, islice(every, MAX_ADDRESSES)))
    return b"(%b)" % addresses if addresses else b"NIL"


def _address(address: Address) -> bytes:
    return b"(%b %b %b %b)" % (
        nstring(address.name),
        nstring(address.route),
        nstring(address.mailbox),
        nstring(address.host),
    )
