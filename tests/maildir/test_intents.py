"""Intents are read back as they were written; whatever else lies there says nothing."""

import json
import os
from pathlib import Path

import pytest

from maildird.maildir.arrivals import Copies, Deliveries
from maildird.maildir.directories import Move, Relocation
from maildird.maildir.hiding import new_hiding
from maildird.maildir.intents import (
    LONGEST,
    PREFIX,
    Intent,
    find_intents,
    read_intent,
    remove_intent,
    write_intent,
)
from maildird.maildir.making import Making

HIDING = "..maildird-hidden-x"
SAID = {"index": "x", "commit": 1, "after": ""}
COPIES = SAID | {"origin": ".", "pairs": [["a", "b"]], "hiding": HIDING}


def test_what_was_written_is_read(root: bytes) -> None:
    below = os.path.join(root, b"folder\xff")
    for what in (
        Deliveries((b"cur/1.\xff:2,S", b"cur/2:2,")),
        Copies(below, ((b"1", b"2\xff"), (b"3", b"4"))),
        Copies(root, ((b"1", b"2"),), new_hiding()),
        Relocation((Move(below, os.path.join(root, b"x/y"), 5),)),
        Making(below),
    ):
        intent = Intent("x", 1, "y", what)
        path = write_intent(root, root, intent, lasts=True)
        assert find_intents(root) == [path]
        assert read_intent(root, path) == intent
        remove_intent(path)


def test_the_examples_of_what_is_no_intent_begin_with_one(root: bytes) -> None:
    copies = Copies(root, ((b"a", b"b"),), os.fsencode(HIDING))
    assert said(root, json.dumps(COPIES)) == Intent("x", 1, "", copies)


@pytest.mark.parametrize(
    "content",
    [
        "[" * 200_000,
        "5",
        *(
            json.dumps(COPIES | {name: value})
            for name, value in (
                ("index", None),
                ("index", "\ud800"),
                ("commit", float("inf")),
                ("commit", "1"),
                ("after", 5),
                ("origin", "a\0b"),
                ("origin", ".."),
                ("origin", 5),
                ("pairs", [["a"]]),
                ("pairs", [["a", "b", "c"]]),
                ("pairs", [["..", "b"]]),
                ("pairs", [["a", "."]]),
                ("pairs", [["a/b", "c"]]),
                ("pairs", [["a", ""]]),
                ("pairs", [["a", "b\0"]]),
                ("pairs", [["\ud800", "b"]]),
                ("pairs", 5),
                ("hiding", "x"),
                ("hiding", "..maildird-hidden-/../../x"),
                ("hiding", True),
            )
        ),
        *(json.dumps(SAID | {"names": names}) for names in (["a"], ["tmp/a"], ["cur/.."], 5)),
        *(json.dumps(SAID | {"made": path}) for path in ("../x", None, "a\0")),
        *(
            json.dumps(SAID | {"moves": moves, "trash": None})
            for moves in ([["a", "b"]], [["a", "../b", 1]], 5, [[1, 2, 3]], [["a", "b", None]])
        ),
    ],
)
def test_what_is_no_intent_says_nothing(root: bytes, content: str) -> None:
    assert said(root, content) is None


def test_what_is_no_file_says_nothing(root: bytes) -> None:
    path = Path(os.fsdecode(root), os.fsdecode(PREFIX))
    real = path.with_name("real")
    real.write_text(json.dumps(COPIES))
    path.symlink_to(real)
    assert read_intent(root, os.fsencode(path)) is None
    path.unlink()
    os.mkfifo(path)
    assert read_intent(root, os.fsencode(path)) is None
    path.unlink()
    path.mkdir()
    assert read_intent(root, os.fsencode(path)) is None


def test_what_is_too_long_is_not_read(root: bytes) -> None:
    path = Path(os.fsdecode(root), os.fsdecode(PREFIX))
    path.write_text(json.dumps(COPIES))
    with path.open("a") as file:
        file.truncate(LONGEST + 1)
    assert read_intent(root, os.fsencode(path)) is None


def said(root: bytes, content: str) -> Intent | None:
    path = Path(os.fsdecode(root), os.fsdecode(PREFIX))
    path.write_text(content)
    return read_intent(root, os.fsencode(path))
