"""Address lists: RFC 5322's own examples, and what mail really holds.

Where a comment says Dovecot, that is what Dovecot 2.3 lists instead, and why this differs.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maildird.mime.addresses import MAX_ADDRESSES, Address, parse_addresses
from tests.mime.hostile_mail import values

NO_MAILBOX = b"MISSING_MAILBOX"
NO_HOST = b"MISSING_DOMAIN"
END = (None, None, None, None)


def listed(value: bytes) -> list[tuple[bytes | None, bytes | None, bytes | None, bytes | None]]:
    return [(a.name, a.route, a.mailbox, a.host) for a in parse_addresses(value)]


def mailbox(
    local: bytes, host: bytes, name: bytes | None = None
) -> tuple[bytes | None, None, bytes, bytes]:
    return (name, None, local, host)


def group(name: bytes) -> tuple[None, None, bytes, None]:
    return (None, None, name, None)


@pytest.mark.parametrize(
    ("value", "addresses"),
    [
        (b"", []),
        (b" , ,", []),
        (b"a@b.example", [mailbox(b"a", b"b.example")]),
        (b"John Doe <jdoe@x.test>", [mailbox(b"jdoe", b"x.test", b"John Doe")]),
        (b'"Joe Q. Public" <j@x.test>', [mailbox(b"j", b"x.test", b"Joe Q. Public")]),
        (b"Joe Q. Public <j@x.test>", [mailbox(b"j", b"x.test", b"Joe Q. Public")]),
        (b'"Doe, John" <j@x>, k@y', [mailbox(b"j", b"x", b"Doe, John"), mailbox(b"k", b"y")]),
        (b'"Giant; \\"Big\\" Box" <s@e>', [mailbox(b"s", b"e", b'Giant; "Big" Box')]),
        (b"<a@b>,<c@d>", [mailbox(b"a", b"b"), mailbox(b"c", b"d")]),
        (b'"" <a@b>', [mailbox(b"a", b"b")]),
        (b'A "B  C" D <a@b>', [mailbox(b"a", b"b", b"A B C D")]),
        (b'"A" "B" <a@b>', [mailbox(b"a", b"b", b"A B")]),
        (b"=?utf-8?q?J=C3=B6?= <j@x>", [mailbox(b"j", b"x", b"=?utf-8?q?J=C3=B6?=")]),
        (b"J\xf6 <j\xf6@x>", [mailbox(b"j\xf6", b"x", b"J\xf6")]),
        (b'"john doe"@x', [mailbox(b"john doe", b"x")]),
        (b'"q\\"r"@x', [mailbox(b'q"r', b"x")]),
        (b"u@[1.2.3.4]", [mailbox(b"u", b"[1.2.3.4]")]),
        (b"U <u@[IPv6:2001:db8::1]>", [mailbox(b"u", b"[IPv6:2001:db8::1]", b"U")]),
    ],
)
def test_mailboxes(value: bytes, addresses: list[object]) -> None:
    assert listed(value) == addresses


@pytest.mark.parametrize(
    ("value", "addresses"),
    [
        (b"undisclosed-recipients:;", [group(b"undisclosed-recipients"), END]),
        (b"A Group: ;", [group(b"A Group"), END]),
        (
            b"A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
            [
                group(b"A Group"),
                mailbox(b"c", b"a.test", b"Ed Jones"),
                mailbox(b"joe", b"where.test"),
                mailbox(b"jdoe", b"one.test", b"John"),
                END,
            ],
        ),
        (b"G: a@b;, c@d", [group(b"G"), mailbox(b"a", b"b"), END, mailbox(b"c", b"d")]),
        # Not closed, as many mailers write "undisclosed-recipients:".
        (b"undisclosed-recipients:", [group(b"undisclosed-recipients"), END]),
        (b"G: a@b", [group(b"G"), mailbox(b"a", b"b"), END]),
        # A group in a group: RFC 5322 knows none. Dovecot lists Bar@MISSING_DOMAIN and not a@b.
        (b"Foo: Bar: a@b;", [group(b"Foo"), END, group(b"Bar"), mailbox(b"a", b"b"), END]),
    ],
)
def test_groups(value: bytes, addresses: list[object]) -> None:
    assert listed(value) == addresses


@pytest.mark.parametrize(
    ("value", "addresses"),
    [
        (b"j@x (John Doe)", [mailbox(b"j", b"x", b"John Doe")]),
        (b"j@x ( John (nested \\) )  Doe )", [mailbox(b"j", b"x", b"John (nested ) ) Doe")]),
        (b"John (comment) Doe <j@x>", [mailbox(b"j", b"x", b"John Doe")]),
        (b"John <j@x> (comment), k@y", [mailbox(b"j", b"x", b"John"), mailbox(b"k", b"y")]),
        (
            b"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
            [mailbox(b"pete", b"silly.test", b"Pete")],
        ),
        (
            b"A Group(Some people) :Chris Jones <c@(Chris's host.)public.example>,"
            b" joe@example.org, John <jdoe@one.test> (my dear friend); (the end of the group)",
            [
                group(b"A Group"),
                mailbox(b"c", b"public.example", b"Chris Jones"),
                mailbox(b"joe", b"example.org"),
                mailbox(b"jdoe", b"one.test", b"John"),
                END,
            ],
        ),
        (b"(nobody at all)", []),
        # Comments that are not closed. Dovecot lists a@MISSING_DOMAIN.
        (b"a@b (comment", [mailbox(b"a", b"b", b"comment")]),
        (b"a@b (comment\\", [mailbox(b"a", b"b", b"comment\\")]),
    ],
)
def test_comments(value: bytes, addresses: list[object]) -> None:
    assert listed(value) == addresses


@pytest.mark.parametrize(
    ("value", "addresses"),
    [
        # Empty members are nothing (section 4.4, obs-addr-list). Dovecot lists MISSING_MAILBOX.
        (
            b"Mary <@node.test:mary@example.net>, , jdoe@test  . example",
            [
                (b"Mary", b"@node.test", b"mary", b"example.net"),
                mailbox(b"jdoe", b"test.example"),
            ],
        ),
        (b"<@r1 , @r2:u@h>", [(None, b"@r1,@r2", b"u", b"h")]),
        # White space around dots (obs-local-part, obs-domain). Dovecot reads a name "j. d".
        (b"j . d @ x . test", [mailbox(b"j.d", b"x.test")]),
        (b'"a"."b"@c', [mailbox(b"a.b", b"c")]),
    ],
)
def test_obsolete_syntax(value: bytes, addresses: list[object]) -> None:
    assert listed(value) == addresses


@pytest.mark.parametrize(
    ("value", "addresses"),
    [
        (b"root", [mailbox(b"root", NO_HOST)]),
        (b"John Doe", [mailbox(NO_MAILBOX, NO_HOST, b"John Doe")]),
        (b'"root"', [mailbox(NO_MAILBOX, NO_HOST, b"root")]),
        (b"<>", [mailbox(NO_MAILBOX, NO_HOST)]),
        (b"John <>, a@b", [mailbox(NO_MAILBOX, NO_HOST, b"John"), mailbox(b"a", b"b")]),
        (b"a@", [mailbox(b"a", NO_HOST)]),
        (b"@b", [mailbox(NO_MAILBOX, b"b")]),
        # Semicolons for commas, as people type them. Dovecot stops at the first.
        (b"a@b; c@d", [mailbox(b"a", b"b"), mailbox(b"c", b"d")]),
        # A comma forgotten. Dovecot stops after a@b.
        (b"A <a@b> C <c@d>", [mailbox(b"a", b"b", b"A"), mailbox(b"c", b"d", b"C")]),
        # A bracket forgotten. Dovecot lists a@SYNTAX_ERROR.
        (b"A <a@b, c@d", [mailbox(b"a", b"b", b"A"), mailbox(b"c", b"d")]),
        (b"A <a@b, C <c@d>", [mailbox(b"a", b"b", b"A"), mailbox(b"c", b"d", b"C")]),
        (b"a@b>, c@d", [mailbox(b"a", b"b"), mailbox(b"c", b"d")]),
        # Specials in a name without quotes. Dovecot lists the text before them as address.
        (b"a@b <c@d>", [mailbox(b"c", b"d", b"a@b")]),
        (b"[list] A <a@b>", [mailbox(b"a", b"b", b"[list] A")]),
        (b"A\\B <a@b>", [mailbox(b"a", b"b", b"A\\B")]),
        # Two at signs, and a space in the local part: there is no right answer.
        (b"a@b@c", [mailbox(b"a@b", b"c")]),
        (b"A <a b@c>", [mailbox(b"a b", b"c", b"A")]),
        (b"a@b c", [mailbox(b"a", b"b")]),
        (b'"never closed <a@b>', [mailbox(NO_MAILBOX, NO_HOST, b"never closed <a@b>")]),
        (b'"never closed\\', [mailbox(NO_MAILBOX, NO_HOST, b"never closed")]),
        (b"A <a@b> trailing words, c@d", [mailbox(b"a", b"b", b"A"), mailbox(b"c", b"d")]),
    ],
)
def test_broken_lists(value: bytes, addresses: list[object]) -> None:
    assert listed(value) == addresses


_atoms = st.text("abcXYZ019!#$%&'*+-/=?^_`{|}~.\xe9", min_size=1).map(str.encode)
_names = st.text("abc XYZ.=?_-", max_size=12).map(str.encode)
_quoted = st.text("abc,;:<>()@[] .", max_size=12).map(lambda name: b'"%b" ' % name.encode())
_angle = st.builds(lambda n, a, b: (n, b"<%b@%b>" % (a, b)), _names | _quoted, _atoms, _atoms)
_bare = st.builds(lambda a, b: (b"", b"%b@%b" % (a, b)), _atoms, _atoms)


@given(st.lists(_angle | _bare))
def test_common_addresses_are_read_like_all_others(parts: list[tuple[bytes, bytes]]) -> None:
    # A comment before an address keeps it from being read the short way, and changes nothing.
    plain = listed(b", ".join(name + address for name, address in parts))
    assert len(plain) == len(parts)
    assert listed(b", ".join(name + b"()" + address for name, address in parts)) == plain


@given(values)
def test_groups_open_and_close_in_turn(value: bytes) -> None:
    in_group = False
    for address in parse_addresses(value):
        if address.host is None:
            assert in_group is (address.mailbox is None)
            in_group = not in_group
    assert not in_group


def test_a_list_is_limited() -> None:
    assert len(list(parse_addresses(b"a@b," * (MAX_ADDRESSES + 1)))) == MAX_ADDRESSES
    *_, last = parse_addresses(b"a@b," * MAX_ADDRESSES)
    assert last == Address(None, None, b"a", b"b")
