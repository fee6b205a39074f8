"""What we change ourselves is not told, and hides nothing that others do."""

import os
from collections.abc import Sequence

from maildird.maildir.dirty import Dirty, Noticed
from maildird.maildir.echoes import Echoes
from maildird.maildir.inotify import Inotify
from maildird.maildir.monitor import Monitor
from tests.maildir.disk import put
from tests.maildir.listening import Heard, watching


def told(watches: Inotify) -> list[Noticed]:
    """What is told of all that was done until now."""
    return [each for piece in watches.read() for each in piece]


def flushed(monitor: Monitor, heard: Heard, folder: bytes) -> Sequence[Noticed]:
    """What was told of all that was done until now, before what is done here."""
    put(folder, b"cur/last")
    return heard.expect(Dirty(folder, b"cur/last"))[:-1]


def test_what_is_expected_is_not_told(root: bytes, folder: bytes, heard: Heard) -> None:
    with watching(root, heard, folder) as monitor:
        old, new = os.path.join(folder, b"cur/1.h:2,"), os.path.join(folder, b"cur/1.h:2,S")
        with monitor.echoes.changing():
            monitor.echoes.expect(come=[old])
            put(folder, b"cur/1.h:2,")
            monitor.echoes.expect(come=[new], go=[old, new])
            os.rename(old, new)
            os.unlink(new)
        assert flushed(monitor, heard, folder) == []


def test_what_others_do_with_the_same_names_is_told(
    root: bytes, folder: bytes, heard: Heard
) -> None:
    old, new = put(folder, b"cur/1.h:2,"), os.path.join(folder, b"cur/1.h:2,S")
    with watching(root, heard, folder) as monitor:
        with monitor.echoes.changing():
            monitor.echoes.expect(come=[new], go=[old])
            os.rename(old, new)
            os.unlink(new)  # this is another program's
        assert flushed(monitor, heard, folder) == [Dirty(folder, b"cur/1.h:2,S")]


def test_what_was_expected_in_vain_hides_nothing_later(root: bytes, folder: bytes) -> None:
    echoes = Echoes()
    watches = Inotify(root, echoes)
    try:
        watches.watch_only([folder])
        with echoes.changing():
            echoes.expect(come=[os.path.join(folder, b"cur/1.h")])
        assert told(watches) == []
        put(folder, b"cur/1.h")
        assert told(watches) == [Dirty(folder, b"cur/1.h")]
    finally:
        watches.close()


def test_what_is_expected_while_changes_go_on_is_kept(root: bytes, folder: bytes) -> None:
    echoes = Echoes()
    watches = Inotify(root, echoes)
    try:
        watches.watch_only([folder])
        with echoes.changing():
            echoes.expect(come=[os.path.join(folder, b"cur/1.h")])
            assert told(watches) == []
            put(folder, b"cur/1.h")
        assert told(watches) == []
    finally:
        watches.close()


def test_what_failed_is_forgotten(folder: bytes) -> None:
    echoes = Echoes()
    path = os.path.join(folder, b"cur/1.h")
    echoes.expect(come=[path], go=[path])
    assert echoes.forget(come=[path], go=[path])
    assert not echoes.pass_over(path, comes=True)
    assert not echoes.pass_over(path, comes=False)


def test_an_event_that_was_taken_for_ours_is_known(folder: bytes) -> None:
    echoes = Echoes()
    path = os.path.join(folder, b"cur/1.h")
    echoes.expect(go=[path])
    assert echoes.pass_over(path, comes=False)  # another program was quicker
    assert not echoes.forget(go=[path])
