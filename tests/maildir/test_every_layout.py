"""What is true of every layout: a name is refused, or made, found and deleted again."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from maildird.maildir.layouts import INBOX, Fs, Layout, MaildirPlusPlus, Parts
from maildird.maildir.recognition import make_layout, recognise
from maildird.terms.codes import Code
from maildird.terms.errors import Refused
from tests.maildir.disk import put
from tests.maildir.relocations import delete, rename

LAYOUTS: dict[str, Callable[[bytes], Layout]] = {
    "maildir++ utf-7": lambda root: MaildirPlusPlus(root, "utf-7"),
    "maildir++ utf-8": lambda root: MaildirPlusPlus(root, "utf-8"),
    "fs root": lambda root: Fs(root, "utf-7", None),
    "fs INBOX": lambda root: Fs(root, "utf-8", "INBOX"),
    "fs Inbox": lambda root: Fs(root, "utf-8", "Inbox"),
}


@pytest.fixture(params=list(LAYOUTS))
def layout(request: pytest.FixtureRequest, tmp_path: Path) -> Layout:
    made = LAYOUTS[request.param](os.fsencode(tmp_path))
    made.create(INBOX)
    return made


def below(root: bytes) -> set[bytes]:
    """Every path in a tree."""
    return {
        os.path.join(directory, name)
        for directory, directories, files in os.walk(root)
        for name in directories + files
    }


def test_all_kinds_of_names_live_side_by_side(layout: Layout) -> None:
    wanted: set[Parts] = {("A",), ("A", "B"), ("C", "D", "E"), ("R&D", "ü"), ("INBOX", "受信箱")}
    for parts in wanted:
        layout.create(parts)
    assert layout.folders().keys() == wanted | {INBOX}
    assert not layout.problems


@pytest.mark.parametrize(
    "parts",
    [
        ("",),
        ("A", ""),
        ("", "", ""),
        (".",),
        ("..",),
        ("..", "x"),
        ("A", "..", "..", "x"),
        ("/etc",),
        ("A/B",),
        ("~",),
        ("~root",),
        ("A\0",),
        ("A\nB",),
        ("A\tB",),
        ("A\x7f",),
        ("A\x85",),
        ("\u2028",),
        ("\ud800",),
        ("inbox",),
        ("InBoX",),
        ("iNBOX", "A"),
        ("x" * 256,),
        ("ä" * 200,),
        ("a",) * 1000,
        ("x" * 250,) * 20,
    ],
)
def test_a_name_that_can_be_no_folder_touches_nothing(layout: Layout, parts: Parts) -> None:
    layout.create(("A",))
    before = below(layout.root)
    for refused in (
        layout.directory,
        layout.create,
        layout.deletion,
        lambda parts: layout.renaming(("A",), parts),
    ):
        with pytest.raises(Refused) as raised:
            refused(parts)
        assert raised.value.code is Code.CANNOT
    assert below(layout.root) == before


@given(st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=3).map(tuple))
@example(("a\u3000b",))
@example(("\U0001f469\u200d\U0001f4bb",))
@example(("&", "&-", "&AEE-"))
@example(("cur",))
@example((".hidden",))
@example(("a.b",))
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_name_is_refused_or_found_again(tmp_path: Path, parts: Parts) -> None:
    for kind, layout_in in LAYOUTS.items():
        root = os.fsencode(tmp_path / kind)
        os.makedirs(root, exist_ok=True)
        layout = layout_in(root)
        try:
            layout.create(parts)
        except Refused:
            continue
        assert parts in layout.folders()
        if parts != INBOX:
            delete(layout, parts)
            assert parts not in layout.folders()


def test_a_folder_made_after_a_deletion_is_empty(layout: Layout) -> None:
    directory = layout.create(("A",))
    layout.create(("A", "B"))
    put(directory, b"cur/1.h:2,")
    put(directory, b"dovecot-uidlist")
    delete(layout, ("A",))
    layout.create(("A",))
    assert os.listdir(os.path.join(directory, b"cur")) == []
    assert not os.path.exists(os.path.join(directory, b"dovecot-uidlist"))


def test_a_parent_that_is_no_folder_is_renamed(layout: Layout) -> None:
    layout.create(("A", "B"))
    rename(layout, ("A",), ("X",))
    assert layout.folders().keys() == {INBOX, ("X", "B")}


def test_the_tree_is_recognised_as_what_it_is(layout: Layout) -> None:
    layout.create(("Entwürfe", "2024"))
    layout.create(("Übrige",))
    again = make_layout(layout.root, recognise(layout.root))
    assert again.folders() == layout.folders()


@pytest.mark.parametrize("kind", LAYOUTS)
def test_what_cannot_be_read_is_passed_over(powerless: bytes, kind: str) -> None:
    layout = LAYOUTS[kind](powerless)
    layout.create(("A",))
    closed = layout.create(("lost+found",))
    os.chmod(closed, 0)
    try:
        assert ("A",) in layout.folders()
        assert ("lost+found",) not in layout.folders()
        recognise(powerless)
    finally:
        os.chmod(closed, 0o700)
