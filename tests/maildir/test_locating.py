"""A message is found by its base name alone."""

import os

from maildird.maildir.locating import locate
from tests.maildir.disk import put


def test_a_message_is_found_under_whatever_name_it_has(folder: bytes) -> None:
    put(folder, b"cur/1.h:2,FS", b"x")
    put(folder, b"cur/1.host:2,", b"longer, but another message")
    put(folder, b"new/2.h", b"x")
    assert locate(folder, b"1.h") == b"cur/1.h:2,FS"
    assert locate(folder, b"2.h") == b"new/2.h"


def test_what_is_not_there_is_not_found(folder: bytes) -> None:
    put(folder, b"cur/1.host:2,", b"x")
    assert locate(folder, b"1.h") is None
    assert locate(os.path.join(folder, b"gone"), b"1.host") is None
