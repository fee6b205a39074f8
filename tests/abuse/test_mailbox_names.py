"""Names that would lead out of the tree, or be no name at all."""

import os
from pathlib import Path

import pytest

from tests.abuse.attacked import attacked

NAMES = [
    *(b"../x", b"..", b".", b"a/../../x", b"/etc", b"/", b"//", b"~", b"~root", b"a//b"),
    *(b"cur", b"new", b"tmp", b"a.cur", b"a/cur", b".a", b"a.", b"a..b", b"..a", b"-rf", b" "),
    *(b"&AC8-", b"&AC4ALg-", b"&AAA-", b"&AAo-", b"&bad", b"&AGE-", b"&2AA-", b"\xff", b"*", b"%"),
    *(b"x" * 255, b"x" * 256, b"x" * 5000, b"&" + b"AOkA6QDp" * 200 + b"-"),
    *(b".".join([b"a"] * 1000), b"/".join([b"a"] * 1000), b"a" + b"/" * 5000),
    *(b"inbox", b"Inbox.x", b"INBOX/x", b"iNBOX", b"a\rb", b"a\x01b", b"a\x7fb"),
]


@pytest.mark.parametrize("layout", ["maildir++", "fs"])
def test_no_name_leads_out_of_the_tree_or_ends_the_session(tmp_path: Path, layout: str) -> None:
    with attacked(tmp_path, "ada", layout=layout) as server:
        outside = _everything_but(tmp_path, "mail/ada")
        ada = server.log_in("ada")
        for name in NAMES:
            literal = b"{%d+}\r\n%s" % (len(name), name)
            for command in (
                b"CREATE " + literal,
                b"SUBSCRIBE " + literal,
                b"STATUS " + literal + b" (MESSAGES)",
                b"SELECT " + literal,
                b"RENAME INBOX " + literal,
                b"APPEND " + literal + b" {2+}\r\nhi",
                b'LIST "" ' + literal,
                b"UNSUBSCRIBE " + literal,
                b"DELETE " + literal,
            ):
                ada.ask(command, b"")
        ada.ask(b"SELECT INBOX")
    assert _everything_but(tmp_path, "mail/ada") == outside


def _everything_but(root: Path, part: str) -> set[str]:
    """All paths below a directory, apart from one part of it and the state."""
    found = set()
    for directory, _, files in os.walk(root):
        place = os.path.relpath(directory, root)
        if not place.startswith((part, "state")):
            found |= {os.path.join(place, file) for file in files}
            found.add(place)
    return found
