"""Strategies for mail: made of the pieces that parsers stumble over, in any order."""

from hypothesis import strategies as st

_FIELD_NAMES = [
    *(b"From", b"to", b"CC", b"Sender", b"Reply-To", b"Subject", b"Date", b"Message-ID"),
    *(b"Content-Type", b"content-type ", b"Content-Transfer-Encoding", b"Content-Disposition"),
    *(b"Content-ID", b"Content-Language", b"Content-Location", b"Content-MD5", b"X-Other"),
    *(b"no colon", b"", b"From nobody Thu Jan 1 00:00:00 1970"),
]

_FRAGMENTS = [
    *(b"a", b"a@b.c", b"<a@b>", b"John Doe", b'"Doe, J"', b"(c)", b",", b";", b":", b"<", b">"),
    *(b"@", b".", b"[", b"]", b"[1.2.3.4]", b'"', b"\\", b'\\"', b"(", b")", b" ", b"\t"),
    *(b"\r\n ", b"\r\n\t", b"\r", b"\x80", b"\xff", b"\xc3\xb6", b"=?utf-8?q?=C3=B6?=", b"=?x?b?"),
    *(b"text/plain", b"multipart/mixed", b"multipart/digest", b"message/rfc822", b"text/html"),
    *(b"; boundary=a", b'; boundary="b"', b"; boundary=", b"; charset=utf-8", b"; name*0*=x''%41"),
    *(b"; name*1=b", b"base64", b"quoted-printable", b"attachment", b"; filename=f", b"en, de"),
    *(b"1 Jan 2001", b"=", b"&#", b"<b>", b"YWJj", b"=41"),
]

values = st.lists(st.sampled_from(_FRAGMENTS), max_size=8).map(b"".join)
"""Values of header fields."""

_fields = st.builds(b"%b: %b\r\n".__mod__, st.tuples(st.sampled_from(_FIELD_NAMES), values))

_lines = st.one_of(
    st.sampled_from([b"--a", b"--b", b"--a--", b"--b--", b"--ab", b"--a \t", b"--", b"", b"text"]),
    values,
)
_line_ends = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b""])

_chunks = st.one_of(_fields, st.tuples(_lines, _line_ends).map(b"".join))

headers = st.lists(_fields, max_size=8).map(b"".join)
messages = st.lists(_chunks, max_size=30).map(b"".join)
"""Whole messages, almost never right ones."""
