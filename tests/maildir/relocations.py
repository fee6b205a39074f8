"""Deleting and renaming folders, from the first step to the last."""

from maildird.maildir.directories import put_back, relocate, remove_trash
from maildird.maildir.layouts import Layout, Parts


def delete(layout: Layout, parts: Parts) -> None:
    """Delete a folder for good."""
    relocation = layout.deletion(parts)
    relocate(layout.root, relocation)
    assert relocation.trash is not None
    remove_trash(relocation.trash)


def rename(layout: Layout, source: Parts, target: Parts) -> None:
    """Rename a folder, or put all back."""
    relocation = layout.renaming(source, target)
    try:
        relocate(layout.root, relocation)
    except OSError:
        put_back(relocation)
        raise
