"""Another process changes a folder all the time: nothing is missed, lost or overwritten."""

import os
from collections.abc import Iterable

from maildird.maildir.folders import change_flags, list_folder
from maildird.maildir.names import base_name, mask_of_letters, parse_name
from maildird.maildir.uidlists import UidList, read_uidlist, write_uidlist
from maildird.terms.flags import SEEN
from tests.maildir.disk import content_of, put
from tests.maildir.outsider import append_to_uidlist, running, toggle_flagged

MESSAGES = 400


def fill(folder: bytes) -> None:
    for number in range(MESSAGES):
        put(folder, b"cur/%d.h:2," % number, b"%d" % number)


def bases(names: Iterable[bytes]) -> list[bytes]:
    return sorted(base_name(name.removeprefix(b"cur/")) for name in names)


def test_a_stable_listing_misses_nothing(folder: bytes) -> None:
    fill(folder)
    there = bases(list_folder(folder).names)
    stable = 0
    with running(toggle_flagged, folder):
        while stable < 8:
            listing = list_folder(folder)
            if listing.stable:
                stable += 1
                assert bases(listing.names) == there


def test_flags_set_at_once_by_two_programs_are_both_there(folder: bytes) -> None:
    fill(folder)
    unseen = {b"%d.h" % number for number in range(MESSAGES)}
    with running(toggle_flagged, folder):
        while unseen:
            for name in list_folder(folder).names:
                parsed = parse_name(name.removeprefix(b"cur/"))
                if parsed.base in unseen:
                    mask = mask_of_letters(parsed.letters) | SEEN
                    try:
                        change_flags(folder, name, mask, 0)
                    except FileNotFoundError:
                        continue
                    unseen.discard(parsed.base)
    names = list_folder(folder).names
    assert bases(names) == sorted(b"%d.h" % number for number in range(MESSAGES))
    for name in names:
        parsed = parse_name(name.removeprefix(b"cur/"))
        assert b"S" in parsed.letters
        assert content_of(folder, name) + b".h" == parsed.base


def test_two_programs_append_to_one_uidlist(folder: bytes) -> None:
    write_uidlist(folder, UidList(1, 1, bytes(16)))
    with running(append_to_uidlist, folder) as first, running(append_to_uidlist, folder) as second:
        assert first.wait(60)
        assert second.wait(60)
    uidlist = read_uidlist(folder)
    assert uidlist is not None
    assert [entry.uid for entry in uidlist.entries] == list(range(1, 41))
    assert len({entry.name for entry in uidlist.entries}) == 40
    assert not os.path.exists(os.path.join(folder, b"dovecot-uidlist.lock"))
