"""Trees that are another user's already, however they are spelled."""

import os
from pathlib import Path

import pytest

from maildird.server.trees import Trees
from maildird.terms.errors import SettingsError


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with the Maildir of ada."""
    (tmp_path / "ada" / "Maildir").mkdir(parents=True)
    return tmp_path


def taken(place: Path) -> Trees:
    trees = Trees()
    trees.take("ada", os.fsencode(place / "ada" / "Maildir"))
    return trees


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("ada/Maildir", "has the Maildir of ada: "),
        ("ada/Maildir/", "has the Maildir of ada: "),
        ("ada/../ada/./Maildir", "has the Maildir of ada: "),
        ("link", "has the Maildir of ada: "),
        ("home/Maildir", "has the Maildir of ada: "),
        ("ada/Maildir/.Shared", "has a Maildir in that of ada: "),
        ("link/cur/deeper/down", "has a Maildir in that of ada: "),
        ("ada", "has a Maildir around that of ada: "),
        ("home", "has a Maildir around that of ada: "),
        (".", "has a Maildir around that of ada: "),
    ],
)
def test_a_tree_of_another_user_is_refused(place: Path, path: str, complaint: str) -> None:
    (place / "link").symlink_to("ada/Maildir")
    (place / "home").symlink_to("ada")
    with pytest.raises(SettingsError, match=f"^{complaint}"):
        taken(place).take("bob", os.fsencode(place) + b"/" + path.encode())


@pytest.mark.parametrize("path", ["bob", "ada/Maildir2", "ada/Mail", "gone/Maildir"])
def test_a_tree_of_nobody_is_not(place: Path, path: str) -> None:
    taken(place).take("bob", os.fsencode(place / path))


def test_trees_that_are_not_there_yet_are_told_apart_by_name(place: Path) -> None:
    (place / "link").symlink_to(place / "gone")
    trees = Trees()
    trees.take("ada", os.fsencode(place / "gone" / "ada"))
    trees.take("bob", os.fsencode(place / "gone" / "bob"))
    with pytest.raises(SettingsError, match="has the Maildir of ada"):
        trees.take("eve", os.fsencode(place / "link" / "ada"))


def test_what_was_held_is_free_again(place: Path) -> None:
    trees, root = Trees(), os.fsencode(place / "ada" / "Maildir")
    for name in ("ada", "bob"):
        with trees.held(name, root):
            for each in (root, root + b"/.Inner", os.path.dirname(root)):
                with pytest.raises(SettingsError), trees.held("eve", each):
                    pass
    trees.take("eve", os.path.dirname(root))
