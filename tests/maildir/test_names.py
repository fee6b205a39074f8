"""File names: apart and together again, flags in and out, nothing lost that others wrote."""

import os
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maildird.maildir.names import (
    FileName,
    delivery_order,
    in_delivery_order,
    mask_of_letters,
    parse_name,
    unique_base,
    with_mask,
)
from maildird.terms.flags import (
    ANSWERED,
    DELETED,
    DRAFT,
    FLAGGED,
    LETTER_MASK,
    SEEN,
    SYSTEM_MASK,
    keyword_bit,
)

A, B = keyword_bit(0), keyword_bit(1)
FLAGS = (ANSWERED, DELETED, DRAFT, FLAGGED, SEEN, A, B, keyword_bit(25))

file_names = st.lists(
    st.one_of(
        st.sampled_from([b":2,", b":1,", b":", b",", b"2,", b"S", b"a", b"P", b"\xff"]),
        st.binary(min_size=1, max_size=4),
    ),
    max_size=8,
).map(b"".join)
masks = st.sets(st.sampled_from(FLAGS)).map(sum)
named_keywords = st.integers(0, LETTER_MASK)


@pytest.mark.parametrize(
    ("name", "parsed"),
    [
        (b"1.M1P2.host", FileName(b"1.M1P2.host", has_info=False)),
        (b"1.M1P2.host:2,", FileName(b"1.M1P2.host")),
        (b"1.M1P2.host,S=1:2,FS", FileName(b"1.M1P2.host,S=1", b"FS")),
        (b"1.host:2,FS,mine=1", FileName(b"1.host", b"FS", b",mine=1")),
        (b"1.host,U=2749:2,:2,S", FileName(b"1.host,U=2749:2,", b"S")),
        (b"1.host:1,S", FileName(b"1.host:1,S", has_info=False)),
        (b"\xff\xfe:2,zPa", FileName(b"\xff\xfe", b"zPa")),
        (b":2,S", FileName(b"", b"S")),
        (b"", FileName(b"", has_info=False)),
    ],
)
def test_a_name_is_taken_apart_at_the_last_info_part(name: bytes, parsed: FileName) -> None:
    assert parse_name(name) == parsed


@given(file_names)
def test_every_name_comes_together_as_it_was(name: bytes) -> None:
    assert bytes(parse_name(name)) == name


@given(file_names, masks, named_keywords)
def test_flags_never_change_the_base_name_or_the_trailer(
    name: bytes, mask: int, named: int
) -> None:
    parsed = parse_name(name)
    changed = parse_name(bytes(with_mask(parsed, mask, named)))
    assert (changed.base, changed.trailer) == (parsed.base, parsed.trailer)


@given(file_names, masks, named_keywords)
def test_flags_that_were_set_are_read_again(name: bytes, mask: int, named: int) -> None:
    ours = SYSTEM_MASK | named
    assert mask_of_letters(with_mask(parse_name(name), mask, named).letters) & ours == mask & ours


@given(file_names, masks, named_keywords)
def test_letters_are_sorted_and_foreign_ones_stay(name: bytes, mask: int, named: int) -> None:
    parsed = parse_name(name)
    letters = with_mask(parsed, mask, named).letters
    ours = SYSTEM_MASK | named
    foreign = {letter for letter in parsed.letters if not mask_of_letters(bytes([letter])) & ours}
    assert foreign <= set(letters)
    assert letters == bytes(sorted(set(letters)))


@pytest.mark.parametrize(
    ("letters", "mask"),
    [
        (b"", 0),
        (b"S", SEEN),
        (b"DFRST", DRAFT | FLAGGED | ANSWERED | SEEN | DELETED),
        (b"P", 0),
        (b"Sab", SEEN | A | B),
        (b"XYZ019\xff", 0),
        (b"z", keyword_bit(25)),
    ],
)
def test_letters_mean_flags(letters: bytes, mask: int) -> None:
    assert mask_of_letters(letters) == mask


@pytest.mark.parametrize(
    ("name", "mask", "named", "renamed"),
    [
        (b"1.h", 0, 0, b"1.h:2,"),
        (b"1.h", SEEN | A, A, b"1.h:2,Sa"),
        (b"1.h:2,PS", FLAGGED, 0, b"1.h:2,FP"),
        (b"1.h:2,Sab", SEEN, A, b"1.h:2,Sb"),
        (b"1.h:2,Sab", SEEN | B, A, b"1.h:2,Sb"),
        (b"1.h:2,", SEEN | A, 0, b"1.h:2,S"),
        (b"1.h:2,S,x=1", 0, 0, b"1.h:2,,x=1"),
        (b"1.h,U=1:2,:2,S", SEEN | FLAGGED, 0, b"1.h,U=1:2,:2,FS"),
        (b"1.h:2,TSSR", SEEN, 0, b"1.h:2,S"),
        (b"1.h:2,XS", 0, 0, b"1.h:2,X"),
    ],
)
def test_flags_become_letters(name: bytes, mask: int, named: int, renamed: bytes) -> None:
    assert bytes(with_mask(parse_name(name), mask, named)) == renamed


def test_delivery_order_is_by_time_and_then_by_name() -> None:
    ordered = [
        b"msg.eml",
        b"999.M5.h",
        b"1000.V1I2M3.h",
        b"1000.M20P1.h",
        b"1000.M100P1.h",
        b"1001.b.h",
        b"1001.c.h",
    ]
    shuffled = sorted(ordered)
    assert sorted(shuffled, key=delivery_order) == ordered


@given(
    st.lists(
        st.from_regex(
            rb"(1700000000|1700000001|999|170000000|a)?[.M]{0,2}[0-9]{0,2}(.?M[0-9]{1,3})?"
        )
    )
)
def test_many_names_sort_as_one_by_one(bases: list[bytes]) -> None:
    assert in_delivery_order(bases) == sorted(bases, key=delivery_order)


@given(st.lists(st.from_regex(rb"\A170000000[01]\.(M[0-9]{1,3}|V1I2M[0-9]{1,3}|b)\Z")))
def test_many_names_with_the_time_sort_as_one_by_one(bases: list[bytes]) -> None:
    assert in_delivery_order(bases) == sorted(bases, key=delivery_order)


def test_unique_bases_differ_and_hold_their_sizes() -> None:
    bases = {unique_base(10, 12) for _ in range(500)}
    assert len(bases) == 500
    assert all(base.endswith(b",S=10,W=12") for base in bases)
    assert all(b"/" not in base and b":" not in base for base in bases)
    assert b"=" not in unique_base()
    assert b"P%dR" % os.getpid() in unique_base()


def test_a_host_name_is_spelled_in_octal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "a/b:c,d")
    base = unique_base(1)
    assert base.endswith(b".a\\057b\\072c\\054d,S=1")
