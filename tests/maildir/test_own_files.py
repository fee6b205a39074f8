"""What servers share in a folder or a tree: keywords, subscriptions, UIDVALIDITY, and locks."""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from maildird.maildir.dotlock import STALE, locked, uidlist_locked
from maildird.maildir.keywords import keywords_stamp, read_keywords, write_keywords
from maildird.maildir.layouts import Fs, Layout, MaildirPlusPlus
from maildird.maildir.replacing import replace_file
from maildird.maildir.subscriptions import change_subscription, read_subscriptions
from maildird.maildir.uidlists import read_uidlist, read_uidlist_header
from maildird.maildir.uidvalidity import claim_uidvalidity
from maildird.terms.codes import Code
from maildird.terms.errors import Refused
from tests.maildir.disk import content_of, full_disk, put

# locks


def test_a_lock_lies_beside_its_file_while_it_is_held(folder: bytes) -> None:
    path = os.path.join(folder, b"dovecot-uidlist")
    with locked(path):
        assert content_of(folder, b"dovecot-uidlist.lock").startswith(b"%d:" % os.getpid())
    assert not os.path.exists(path + b".lock")


def test_a_lock_says_whose_it_is_whenever_it_is_seen(folder: bytes) -> None:
    path = os.path.join(folder, b"x")
    seen: set[bytes] = set()
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            with suppress(FileNotFoundError):
                seen.add(content_of(folder, b"x.lock"))

    with ThreadPoolExecutor() as threads:
        looking = threads.submit(look)
        for _ in range(2000):
            with locked(path):
                pass
        done.set()
        looking.result()
    assert seen <= {b"%d:%s" % (os.getpid(), os.fsencode(os.uname().nodename))}
    assert not [name for name in os.listdir(folder) if b"lock" in name]


def test_a_lock_goes_away_with_an_error(folder: bytes) -> None:
    with pytest.raises(ZeroDivisionError), uidlist_locked(folder):
        raise ZeroDivisionError
    with uidlist_locked(folder):
        assert os.path.exists(os.path.join(folder, b"dovecot-uidlist.lock"))


def test_a_held_lock_is_refused(folder: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("maildird.maildir.dotlock.PATIENCE", 0.0)
    put(folder, b"x.lock")
    with pytest.raises(Refused, match="remove it") as raised, locked(os.path.join(folder, b"x")):
        pass
    assert raised.value.code is Code.INUSE
    assert os.path.exists(os.path.join(folder, b"x.lock"))


def test_a_lock_that_somebody_died_with_is_taken_over(folder: bytes) -> None:
    lock = put(folder, b"x.lock")
    old = time.time() - STALE - 10
    os.utime(lock, (old, old))
    with locked(os.path.join(folder, b"x")):
        assert os.stat(lock).st_mtime > old
    assert not os.path.exists(lock)


def test_a_lock_that_others_took_over_is_theirs(folder: bytes) -> None:
    lock = os.path.join(folder, b"x.lock")
    with locked(os.path.join(folder, b"x")):
        os.rename(lock, lock + b"-stale")
        put(folder, b"x.lock", b"theirs")
    assert content_of(folder, b"x.lock") == b"theirs"


# replacing


def test_replacing_makes_a_file_of_ones_own(folder: bytes) -> None:
    path = os.path.join(folder, b"x")
    replace_file(path, b"one")
    assert os.stat(path).st_mode & 0o777 == 0o600
    before = os.stat(path)
    replace_file(path, b"two")
    assert content_of(folder, b"x") == b"two"
    assert os.stat(path).st_mtime_ns > before.st_mtime_ns
    assert os.stat(path).st_ino != before.st_ino


def test_a_file_that_cannot_be_replaced_leaves_nothing(folder: bytes) -> None:
    os.mkdir(os.path.join(folder, b"x"))
    put(folder, b"x/y")
    before = set(os.listdir(folder))
    with pytest.raises(IsADirectoryError):
        replace_file(os.path.join(folder, b"x"), b"one")
    assert set(os.listdir(folder)) == before


def test_what_a_full_disk_refuses_is_named(folder: bytes) -> None:
    path = os.path.join(folder, b"dovecot-keywords")
    with full_disk(), pytest.raises(OSError, match=r"large: b'.*/dovecot-keywords"):
        replace_file(path, b"0 a\n")
    with full_disk(), pytest.raises(OSError, match=r"large: b'.*\.lock'"), locked(path):
        pass


# keywords


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (b"", ()),
        (b"0 $Junk\n1 NonJunk\n", ("$Junk", "NonJunk")),
        (b"2 c\n0 a", ("a", "", "c")),
        (b"25 z\n26 too-high\n", ("",) * 25 + ("z",)),
        (b"0 a\n0 b\n1 A\n2 \\Seen\n3 a b\n4 \xff\nx y\n5\n6 \n7 d\r\n", ("a",)),
        (b"9" * 5000 + b" a\n1 b\n", ("", "b")),
        (b"1 ab]\n2 a{\n3 a%\n4 a*\n5 a(\n6 a)\n7 ok:/+\n", ("",) * 7 + ("ok:/+",)),
    ],
)
def test_reading_keywords(folder: bytes, content: bytes, names: tuple[str, ...]) -> None:
    put(folder, b"dovecot-keywords", content)
    assert read_keywords(folder) == names


def test_a_folder_without_keywords(folder: bytes) -> None:
    assert read_keywords(folder) == ()
    assert keywords_stamp(folder) is None


def test_written_keywords_are_read(folder: bytes) -> None:
    write_keywords(folder, ("a", "", "c"))
    assert content_of(folder, b"dovecot-keywords") == b"0 a\n2 c\n"
    before = keywords_stamp(folder)
    write_keywords(folder, ("a", "b", "c"))
    assert read_keywords(folder) == ("a", "b", "c")
    assert keywords_stamp(folder) != before


def test_letters_that_others_named_keep_their_names(folder: bytes) -> None:
    put(folder, b"dovecot-keywords", b"0 $Junk\n1 theirs\n")
    write_keywords(folder, ("$junk", "", "ours"))
    assert read_keywords(folder) == ("$Junk", "theirs", "ours")
    with pytest.raises(Refused, match="to theirs; try again"):
        write_keywords(folder, ("$Junk", "other"))
    assert read_keywords(folder) == ("$Junk", "theirs", "ours")


# subscriptions


@pytest.fixture
def plus_plus(folder: bytes) -> Layout:
    return MaildirPlusPlus(folder, "utf-7")


def test_a_tree_without_subscriptions(plus_plus: Layout) -> None:
    assert read_subscriptions(plus_plus) == frozenset()
    change_subscription(plus_plus, ("Sent",), False)
    assert not os.path.exists(os.path.join(plus_plus.root, b"subscriptions"))


def test_subscribing_and_unsubscribing(plus_plus: Layout) -> None:
    change_subscription(plus_plus, ("Entwürfe", "2024"), True)
    change_subscription(plus_plus, ("INBOX",), True)
    change_subscription(plus_plus, ("INBOX",), True)
    assert content_of(plus_plus.root, b"subscriptions") == b"Entw&APw-rfe.2024\nINBOX\n"
    assert read_subscriptions(plus_plus) == {("Entwürfe", "2024"), ("INBOX",)}
    change_subscription(plus_plus, ("Entwürfe", "2024"), False)
    assert read_subscriptions(plus_plus) == {("INBOX",)}
    change_subscription(plus_plus, ("INBOX",), False)
    assert content_of(plus_plus.root, b"subscriptions") == b""
    change_subscription(plus_plus, ("a",), True)
    assert content_of(plus_plus.root, b"subscriptions") == b"a\n"


def test_names_are_spelled_as_on_disk(folder: bytes) -> None:
    layout = Fs(folder, "utf-8", "Inbox")
    change_subscription(layout, ("Entwürfe", "a.b&c"), True)
    assert content_of(folder, b"subscriptions") == "Entwürfe/a.b&c\n".encode()
    assert read_subscriptions(layout) == {("Entwürfe", "a.b&c")}


def test_version_2_parts_levels_by_tabs(plus_plus: Layout) -> None:
    put(plus_plus.root, b"subscriptions", b"V\t2\n\nA\tB\ninbox\nSent\n")
    assert read_subscriptions(plus_plus) == {("A", "B"), ("INBOX",), ("Sent",)}
    change_subscription(plus_plus, ("A", "C"), True)
    change_subscription(plus_plus, ("Sent",), False)
    assert content_of(plus_plus.root, b"subscriptions") == b"V\t2\n\nA\tB\ninbox\nA\tC\n"


def test_a_header_that_is_not_the_first_line_never_becomes_one(plus_plus: Layout) -> None:
    put(plus_plus.root, b"subscriptions", b"a\nV\t2\nA\tB.c\n")
    read = read_subscriptions(plus_plus)
    change_subscription(plus_plus, ("a",), False)
    assert read_subscriptions(plus_plus) == read - {("a",)}


def test_lines_that_are_no_name_stay(plus_plus: Layout) -> None:
    put(plus_plus.root, b"subscriptions", b"\xff\xfe\nA..B\nA&B\nSent")
    assert read_subscriptions(plus_plus) == {("Sent",)}
    change_subscription(plus_plus, ("New",), True)
    assert content_of(plus_plus.root, b"subscriptions") == b"\xff\xfe\nA..B\nA&B\nSent\nNew\n"


def test_couriers_subscriptions_are_taken_over(plus_plus: Layout) -> None:
    put(plus_plus.root, b"courierimapsubscribed", b"INBOX\nINBOX.Sent\nINBOX.A.B&APw-\n")
    assert read_subscriptions(plus_plus) == {("INBOX",), ("Sent",), ("A", "Bü")}
    change_subscription(plus_plus, ("Sent",), False)
    assert read_subscriptions(plus_plus) == {("INBOX",), ("A", "Bü")}
    assert content_of(plus_plus.root, b"subscriptions") == b"A.B&APw-\nINBOX\n"
    assert b"INBOX.Sent" in content_of(plus_plus.root, b"courierimapsubscribed")


def test_subscriptions_that_another_program_changes(
    plus_plus: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maildird.maildir.dotlock.PATIENCE", 0.0)
    put(plus_plus.root, b"subscriptions.lock")
    with pytest.raises(Refused) as raised:
        change_subscription(plus_plus, ("Sent",), True)
    assert raised.value.code is Code.INUSE


# uidvalidity


def test_a_uidvalidity_is_the_time_or_above_the_last(folder: bytes) -> None:
    now = int(time.time())
    assert now <= claim_uidvalidity(folder, 0) <= now + 60
    assert claim_uidvalidity(folder, now + 1000) == now + 1001
    assert set(os.listdir(folder)) == {b"new", b"cur", b"tmp"}, "the files are Dovecot's to begin"


def test_a_uidvalidity_is_above_dovecots_and_raises_it(folder: bytes) -> None:
    put(folder, b"dovecot-uidvalidity", b"f0000000")
    put(folder, b"dovecot-uidvalidity.f0000000", b"")
    assert claim_uidvalidity(folder, 0) == 0xF0000001
    assert content_of(folder, b"dovecot-uidvalidity") == b"f0000001"
    assert claim_uidvalidity(folder, 0) == 0xF0000002
    assert set(os.listdir(folder)) == {
        b"new",
        b"cur",
        b"tmp",
        b"dovecot-uidvalidity",
        b"dovecot-uidvalidity.f0000002",
    }


@pytest.mark.parametrize(
    "file", [b"dovecot-uidvalidity.ffffffff", b"dovecot-uidvalidity.xyz", b"dovecot-uidvalidity."]
)
def test_a_uidvalidity_file_that_makes_no_sense(folder: bytes, file: bytes) -> None:
    put(folder, file, b"")
    assert claim_uidvalidity(folder, 0) < 0xF0000000
    assert file in os.listdir(folder)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_not_waited_for(
    folder: bytes, plus_plus: Layout, make: Callable[[bytes], None]
) -> None:
    make(os.path.join(folder, b"dovecot-keywords"))
    with pytest.raises(OSError, match=r"regular|directory"):
        read_keywords(folder)
    make(os.path.join(folder, b"dovecot-uidlist"))
    for read in (read_uidlist, read_uidlist_header):
        with pytest.raises(OSError, match=r"regular|directory"):
            read(folder)
    make(os.path.join(plus_plus.root, b"subscriptions"))
    with pytest.raises(OSError, match=r"regular|directory"):
        read_subscriptions(plus_plus)
