"""Parameter values decoded: charsets and percent signs of RFC 2231 section 4.

An extended value (its parameter's name ends in `*`) is `charset'language'text`, octets written as
`%20` in it. Encoded words are decoded as well: RFC 2047 forbids them in parameters, mailers write
them.
"""

from urllib.parse import unquote_to_bytes

from maildird.mime.charsets import decode
from maildird.mime.encoded_words import decode_field
from maildird.mime.parameters import Parameters, parameter


def parameter_text(parameters: Parameters, name: bytes) -> str | None:
    """The text of parameter `name` (lower case), rather its extended form; None where there is
    none."""
    extended = parameter(parameters, name + b"*")
    if extended is not None:
        return _decode_extended(extended)
    plain = parameter(parameters, name)
    return None if plain is None else decode_field(plain)


def _decode_extended(value: bytes) -> str:
    charset, quote, rest = value.partition(b"'")
    _language, second_quote, text = rest.partition(b"'")
    if not (quote and second_quote):
        return decode(unquote_to_bytes(value), None)
    return decode(unquote_to_bytes(text), charset.decode("ascii", "replace"))
