"""What is packed comes back."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maildird.index.rows import Facts, MailboxRow
from maildird.index.schema import (
    columns,
    folder_key,
    pack_facts,
    pack_mailbox,
    pack_size,
    unpack_facts,
    unpack_mailbox,
)

numbers = st.integers(0, (1 << 64) - 1)
pairs = st.tuples(numbers, numbers)
texts = st.lists(st.text()).map(tuple)
without_nul = st.binary().map(lambda octets: octets.replace(b"\0", b""))
rows = st.builds(
    MailboxRow,
    id=numbers,
    parts=texts,
    uidvalidity=numbers,
    uidnext=numbers,
    highestmodseq=numbers,
    pruned_modseq=numbers,
    first_recent=numbers,
    guid=st.binary(min_size=16, max_size=16),
    identity=pairs,
    mtimes=pairs,
    keywords=texts,
    use=texts,
)


@given(rows)
def test_mailbox_rows_round_trip(row: MailboxRow) -> None:
    assert unpack_mailbox(pack_mailbox(row)) == row


@given(
    st.builds(
        Facts,
        size=st.integers(0, 1 << 62),
        internaldate=st.integers(-9, 1 << 62),
        body=without_nul,
        bodystructure=without_nul,
    )
)
def test_facts_round_trip(facts: Facts) -> None:
    values = [value for _kind, value in pack_facts(9, facts)]
    assert unpack_facts(9, pack_size(9, facts.size, facts.internaldate), values) == facts
    assert unpack_facts(8, pack_size(9, facts.size, facts.internaldate), values) is None
    record = pack_size(9, facts.size, facts.internaldate)
    assert unpack_facts(9, record[:-1] + bytes([record[-1] ^ 1]), values) is None


@pytest.mark.parametrize("count", [0, 1, 2_047, 2_048, 2_049, 5_000])
def test_columns_of_records(count: int) -> None:
    records = [(n, (1 << 64) - 1 - n, -n) for n in range(count)]
    packed = b"".join(struct.pack(">QQQq", 9, *record) for record in records)
    result = columns(memoryview(packed), "QQq", 24)
    assert [column.typecode for column in result] == ["Q", "Q", "q"]
    assert list(zip(*result, strict=True)) == records


def test_parts_are_told_from_each_other() -> None:
    names = [("a", "b"), ("a/b",), ("a\0b",), ("a", "b", ""), ("ab",), ("\udc80",), ("x" * 600,)]
    assert len({folder_key(parts) for parts in names}) == len(names)
