"""Python's `email` package as the oracle: on real mail, and on mail that it writes itself.

Differences that remain, and who is right:

- A line among the header fields that is no field ends the header for `email`; by RFC 5322 section
  2.1 only the empty line does. So broken headers are not compared.
- A multipart type without a boundary stays a multipart type for `email`; here it is text/plain, as
  RFC 2045 section 5.2 recommends for what is not valid. No mail here has that.
- `email.utils.getaddresses` lists an empty group as one empty address; RFC 3501 section 7.4.2 wants
  its name. An address without domain has none for `email`; ENVELOPE has to name one. White space
  at the ends of a quoted display name goes here, as it does with Dovecot.
"""

import email
import email.utils
from email.generator import BytesGenerator
from email.header import decode_header, make_header
from email.message import Message
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.policy import compat32
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maildird.mime.addresses import MISSING_HOST, parse_addresses
from maildird.mime.encoded_words import decode_field
from maildird.mime.header import parse_header, used_header
from maildird.mime.transfer_encoding import decode_transfer, transfer_encoding
from maildird.mime.walk import Part, walk
from tests.mime import corpora

# Stubs call everything in a Message a Message or a str, by policy: too fine a net for a test.
Oracle = Any


def assert_same_tree(message: bytes, part: Part, oracle: Oracle) -> None:
    media_type = b"%b/%b" % (part.content_type.type, part.content_type.subtype)
    assert media_type.lower().decode() == oracle.get_content_type()
    inner = list(part.parts) or ([part.message] if part.message else [])
    inner_oracles = oracle.get_payload() if oracle.is_multipart() else []
    assert len(inner) == len(inner_oracles)
    for one, its_oracle in zip(inner, inner_oracles, strict=True):
        assert_same_tree(message, one, its_oracle)
    if not inner:
        octets = message[part.body_start : part.body_end]
        encoding = transfer_encoding(part.header)
        assert decode_transfer(octets, encoding) == oracle.get_payload(decode=True)


def test_trees_of_real_messages() -> None:
    for message in corpora.messages().values():
        assert_same_tree(message, walk(message), email.message_from_bytes(message))


@pytest.mark.parametrize("field", ["From", "To", "Cc", "Sender", "Reply-To"])
def test_addresses_of_real_messages(field: str) -> None:
    key = field.lower().encode()
    for path, message in corpora.messages().items():
        for value in parse_header(used_header(message), (key,)).get(key, ()):
            addresses = [
                ((a.name or b"").decode(), ((a.mailbox or b"") + b"@" + a.host).decode())
                for a in parse_addresses(value)
                if a.host
            ]
            oracle = [
                (" ".join(name.split()), spec if "@" in spec else f"{spec}@{MISSING_HOST.decode()}")
                for name, spec in email.utils.getaddresses([value.decode()])
                if name or spec
            ]
            assert addresses == oracle, path


def test_subjects_of_real_messages() -> None:
    for path, message in corpora.messages().items():
        for value in parse_header(used_header(message), (b"subject",)).get(b"subject", ()):
            assert decode_field(value) == str(make_header(decode_header(value.decode()))), path


_lines = st.lists(st.sampled_from(["", "text", "--", "-- ", "--a", "From: b", " c"]), max_size=5)


@st.composite
def _leaves(draw: st.DrawFn) -> Message:
    leaf = MIMENonMultipart(*draw(st.sampled_from([("text", "plain"), ("image", "png")])))
    leaf.set_payload("\n".join(draw(_lines)))
    return leaf


@st.composite
def _multiparts(draw: st.DrawFn, inner: st.SearchStrategy[Message]) -> Message:
    multipart = MIMEMultipart(draw(st.sampled_from(["mixed", "alternative", "digest"])))
    for part in draw(st.lists(inner, min_size=1, max_size=4)):
        multipart.attach(part)
    multipart.preamble, multipart.epilogue = "\n".join(draw(_lines)), "\n".join(draw(_lines))
    return multipart


_mail = st.recursive(
    _leaves(), lambda inner: _multiparts(inner) | st.builds(MIMEMessage, inner), max_leaves=8
)


def _written(mail: Message) -> bytes:
    octets = BytesIO()
    BytesGenerator(octets, policy=compat32.clone(linesep="\r\n")).flatten(mail)
    return octets.getvalue()


@given(_mail)
def test_trees_of_written_mail(mail: Message) -> None:
    message = _written(mail)
    assert_same_tree(message, walk(message), email.message_from_bytes(message))
