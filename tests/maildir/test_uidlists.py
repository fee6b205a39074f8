"""UID lists as Dovecot and Courier write them, and as we do."""

import logging
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maildird.maildir.uidlists import (
    UidEntry,
    UidList,
    append_entries,
    has_uidlist,
    read_headless_uidlist,
    read_uidlist,
    read_uidlist_header,
    uidlist_stamp,
    write_uidlist,
)
from maildird.terms.errors import Refused
from maildird.terms.numbers import HIGHEST_MODSEQ
from tests.maildir.disk import content_of, full_disk, put

GUID = bytes(range(16))
HEADER = b"3 V1700000000 N10 G" + GUID.hex().encode() + b"\n"


def listed(folder: bytes) -> UidList:
    uidlist = read_uidlist(folder)
    assert uidlist is not None
    return uidlist


def test_a_folder_without_a_list(folder: bytes) -> None:
    assert read_uidlist(folder) is None
    assert uidlist_stamp(folder) is None


def test_reading_what_dovecot_wrote(folder: bytes) -> None:
    put(
        folder,
        b"dovecot-uidlist",
        b"3 N10 V1700000000 P1 G" + GUID.hex().encode() + b"\n"
        b"3 W123 S120 :1.M1.h,S=120:2,S\n"
        b"5 :2.M1.h\n"
        b"9 P1:2 :3.M1 :h\n",
    )
    assert read_uidlist(folder) == UidList(
        1700000000,
        10,
        GUID,
        0,
        (b"P1",),
        (
            UidEntry(3, b"W123 S120", b"1.M1.h,S=120:2,S"),
            UidEntry(5, b"", b"2.M1.h"),
            UidEntry(9, b"P1:2", b"3.M1 :h"),
        ),
    )
    assert [entry.base for entry in listed(folder).entries] == [
        b"1.M1.h,S=120",
        b"2.M1.h",
        b"3.M1 :h",
    ]


@pytest.mark.parametrize("file", [b"dovecot-uidlist", b"courierimapuiddb"])
def test_reading_version_1(folder: bytes, file: bytes) -> None:
    put(folder, file, b"1 1234 7\n2 1.h\n6 2.h:2,S\n")
    assert read_uidlist(folder) == UidList(
        1234, 7, entries=(UidEntry(2, b"", b"1.h"), UidEntry(6, b"", b"2.h:2,S"))
    )


def test_a_list_of_dovecots_hides_couriers(folder: bytes) -> None:
    put(folder, b"courierimapuiddb", b"1 1 1\n")
    put(folder, b"dovecot-uidlist", HEADER)
    assert listed(folder).uidvalidity == 1700000000


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"3 V1700000000 N10",
        b"3 N10\n",
        b"3 V1700000000\n",
        b"3 V0 N1\n",
        b"3 V4294967295 N1\n",
        b"3 V99999999999 N1\n",
        b"3 V1 N4294967297\n",
        b"3 V-1 N1\n",
        b"1 5\n",
        b"1 5 6 7\n",
        b"2 5 6\n",
        b"\xff\x00garbage" * 100,
        b"3 V" + b"9" * 5000 + b" N1\n",
    ],
)
def test_a_list_without_a_header_is_none_and_hides_couriers(folder: bytes, content: bytes) -> None:
    put(folder, b"courierimapuiddb", b"1 1 1\n")
    put(folder, b"dovecot-uidlist", content)
    assert read_uidlist(folder) is None
    assert read_uidlist_header(folder) is None
    assert has_uidlist(folder)


def test_the_header_alone_counts_the_last_line(folder: bytes) -> None:
    assert read_uidlist_header(folder) is None
    put(folder, b"dovecot-uidlist", HEADER)
    assert read_uidlist_header(folder) == listed(folder)
    os.unlink(os.path.join(folder, b"dovecot-uidlist"))
    put(folder, b"dovecot-uidlist", HEADER + b"3 :1.h\n" * 1000 + b"12 :2.h\n13 :cut sh")
    assert read_uidlist_header(folder) == UidList(1700000000, 13, GUID)


def test_a_damaged_list_is_kept_when_it_is_replaced(folder: bytes) -> None:
    damaged = HEADER + b"3 :1.h\nnonsense\n7 :2.h\n"
    put(folder, b"dovecot-uidlist", damaged)
    assert listed(folder).damaged
    write_uidlist(folder, UidList(1700000000, 10), keep_old=True)
    (kept,) = (name for name in os.listdir(folder) if b".damaged-" in name)
    assert content_of(folder, kept) == damaged
    assert listed(folder) == UidList(1700000000, 10)


def test_there_may_be_nothing_to_keep(folder: bytes) -> None:
    write_uidlist(folder, UidList(1700000000, 10), keep_old=True)
    assert not [name for name in os.listdir(folder) if b".damaged-" in name]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"4",
        b"4 x.h",
        b":x.h",
        b"x :x.h",
        b"-4 :x.h",
        b"4 :",
        b"4 :new/x.h",
        b"3 :x.h",
        b"2 :x.h",
        b"4294967295 :x.h",
        b"9" * 5000 + b" :x.h",
    ],
)
def test_lines_that_make_no_sense_are_skipped(
    folder: bytes, line: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    put(folder, b"dovecot-uidlist", HEADER + b"3 :1.h\n" + line + b"\n5 :2.h\n")
    with caplog.at_level(logging.WARNING):
        assert [entry.uid for entry in listed(folder).entries] == [3, 5]
    assert "1 lines" in caplog.text


def test_uids_above_the_header_raise_the_next_one(folder: bytes) -> None:
    put(folder, b"dovecot-uidlist", HEADER + b"12 :1.h\n")
    assert listed(folder).next_uid == 13


def test_a_line_that_is_being_written_is_not_read(folder: bytes) -> None:
    put(folder, b"dovecot-uidlist", HEADER + b"12 :1.h\n13 :2.")
    assert [entry.uid for entry in listed(folder).entries] == [12]


entries = st.lists(
    st.tuples(
        st.integers(1, 2**32 - 2),
        st.sampled_from([b"", b"W12", b"S3 W4"]),
        st.binary(min_size=1, max_size=40).filter(lambda name: not {*b"/\n"} & {*name}),
    ),
    unique_by=lambda entry: entry[0],
    max_size=20,
).map(lambda found: tuple(UidEntry(*entry) for entry in sorted(found)))


@given(
    uidvalidity=st.integers(1, 2**32 - 2),
    modseq=st.integers(0, HIGHEST_MODSEQ),
    extra=st.sampled_from([(), (b"P1",), (b"P1", b"Xunknown")]),
    entries=entries,
)
@settings(max_examples=30, deadline=None)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    uidvalidity: int,
    modseq: int,
    extra: tuple[bytes, ...],
    entries: tuple[UidEntry, ...],
) -> None:
    folder = os.fsencode(tmp_path_factory.getbasetemp())
    next_uid = entries[-1].uid + 1 if entries else 1
    uidlist = UidList(uidvalidity, next_uid, GUID, modseq, extra, entries)
    write_uidlist(folder, uidlist)
    assert read_uidlist(folder) == uidlist
    os.unlink(os.path.join(folder, b"dovecot-uidlist"))


def test_a_name_with_a_newline_is_left_out(folder: bytes) -> None:
    evil = UidEntry(3, b"", b"1.h\n9 :2.h")
    good = UidEntry(4, b"", b"2.h")
    write_uidlist(folder, UidList(1, 9, GUID, entries=(evil, good)))
    assert listed(folder).entries == (good,)
    assert append_entries(folder, [UidEntry(5, b"", b"\n")])
    assert listed(folder).entries == (good,)


def test_the_next_uid_never_goes_down(folder: bytes) -> None:
    put(folder, b"dovecot-uidlist", HEADER)
    write_uidlist(folder, UidList(1700000000, 5, GUID))
    assert listed(folder).next_uid == 10
    write_uidlist(folder, UidList(1700000001, 5, GUID))
    assert listed(folder).next_uid == 5


def test_a_list_written_anew_is_newer_and_keeps_its_mode(folder: bytes) -> None:
    path = put(folder, b"dovecot-uidlist", HEADER)
    os.chmod(path, 0o640)
    os.utime(path, ns=(2**62, 2**62))
    before = uidlist_stamp(folder)
    write_uidlist(folder, UidList(1, 1, GUID))
    status = os.stat(path)
    assert status.st_mtime_ns > 2**62
    assert status.st_mode & 0o777 == 0o640
    assert uidlist_stamp(folder) != before
    assert set(os.listdir(folder)) == {b"new", b"cur", b"tmp", b"dovecot-uidlist"}


def test_lines_are_appended_in_the_order_of_their_uids(folder: bytes) -> None:
    put(folder, b"dovecot-uidlist", HEADER)
    assert append_entries(folder, [UidEntry(12, b"", b"2.h"), UidEntry(11, b"W1", b"1.h")])
    assert append_entries(folder, [UidEntry(13, b"", b"3.h:2,S")])
    assert content_of(folder, b"dovecot-uidlist") == (
        HEADER + b"11 W1 :1.h\n12 :2.h\n13 :3.h:2,S\n"
    )


def test_what_was_left_unfinished_is_cut_off(folder: bytes) -> None:
    put(folder, b"dovecot-uidlist", HEADER + b"11 :1.h\n12 :2")
    assert append_entries(folder, [UidEntry(12, b"", b"2.h")])
    assert content_of(folder, b"dovecot-uidlist") == HEADER + b"11 :1.h\n12 :2.h\n"


def test_lines_of_which_a_full_disk_took_a_part_are_not_taken_for_written(folder: bytes) -> None:
    put(folder, b"dovecot-uidlist", HEADER)
    with full_disk(len(HEADER) + 12):
        assert not append_entries(folder, [UidEntry(11, b"", b"1.h"), UidEntry(12, b"", b"2.h")])


def test_appending_to_a_long_list(folder: bytes) -> None:
    lines = b"".join(b"%d :%s.h\n" % (uid, b"x" * 200) for uid in range(11, 111))
    put(folder, b"dovecot-uidlist", HEADER + lines)
    assert not append_entries(folder, [UidEntry(110, b"", b"1.h")])
    assert append_entries(folder, [UidEntry(111, b"", b"1.h")])
    assert content_of(folder, b"dovecot-uidlist") == HEADER + lines + b"111 :1.h\n"


@pytest.mark.parametrize(
    "content",
    [None, b"", b"3 V1", b"1 5 6\n5 1.h\n", HEADER + b"12 :1.h\n", HEADER + b"nonsense\n"],
)
def test_what_cannot_be_appended_changes_nothing(folder: bytes, content: bytes | None) -> None:
    if content is not None:
        put(folder, b"dovecot-uidlist", content)
    assert not append_entries(folder, [UidEntry(12, b"", b"2.h")])
    if content is None:
        assert uidlist_stamp(folder) is None
    else:
        assert content_of(folder, b"dovecot-uidlist") == content


def test_a_locked_list_is_refused_and_unchanged(
    folder: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maildird.maildir.dotlock.PATIENCE", 0.0)
    put(folder, b"dovecot-uidlist", HEADER)
    put(folder, b"dovecot-uidlist.lock", b"1:elsewhere")
    with pytest.raises(Refused, match="another program"):
        write_uidlist(folder, UidList(1, 1))
    with pytest.raises(Refused, match="another program"):
        append_entries(folder, [UidEntry(12, b"", b"2.h")])
    assert content_of(folder, b"dovecot-uidlist") == HEADER


def test_appending_after_a_name_with_a_carriage_return(folder: bytes) -> None:
    put(folder, b"dovecot-uidlist", HEADER + b"10 :1.h\r9 :2.h\n")
    assert not append_entries(folder, [UidEntry(10, b"", b"3.h")])
    assert append_entries(folder, [UidEntry(11, b"", b"3.h")])
    assert [entry.uid for entry in listed(folder).entries] == [10, 11]


@pytest.mark.parametrize("modseq", [b"9223372036854775807", b"9999999999999999999"])
def test_a_modseq_beyond_the_protocol_is_none(folder: bytes, modseq: bytes) -> None:
    put(folder, b"dovecot-uidlist", b"3 V1 N2 M%s\n1 :a\n" % modseq)
    uidlist = read_uidlist(folder)
    assert uidlist is not None
    assert uidlist.modseq == 0


def test_lines_below_a_header_that_is_known_otherwise(folder: bytes) -> None:
    header = UidList(5, 3, bytes(16), 7)
    assert read_headless_uidlist(folder, header) == header
    put(folder, b"dovecot-uidlist", b"garbage\n1 :a\n4 W9 :b\n")
    uidlist = read_headless_uidlist(folder, header)
    assert [(entry.uid, entry.fields, entry.base) for entry in uidlist.entries] == [
        (1, b"", b"a"),
        (4, b"W9", b"b"),
    ]
    assert (uidlist.uidvalidity, uidlist.next_uid, uidlist.damaged) == (5, 5, True)
