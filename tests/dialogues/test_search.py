"""SEARCH and UID SEARCH (RFC 3501 section 6.4.4, RFC 4731, RFC 5032, RFC 5182)."""

import os
import time
from pathlib import Path

import pytest

from maildird.session.search_processes import WORTH_IT
from tests.dialogues.dialogue import Client, Server

MAIL = (
    b"Date: Mon, 7 Feb 1994 23:30:00 -0800\nFrom: Fred <fred@example.org>\nTo: joe@example.net\n"
    b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= aus Wien\nX-Mark: odd\n\nGuten Tag\n",
    b"Date: Tue, 8 Feb 1994 01:00:00 +0000\nFrom: joe@example.net\nCc: fred@example.org\n"
    b"Subject: lunch\nContent-Transfer-Encoding: quoted-printable\n"
    b"Content-Type: text/plain; charset=iso-8859-1\n\nKaffee und Sacher=\ntorte f=FCr alle\n",
    b"From: nobody@example.org\nSubject:\n\n" + b"x" * 5000 + b"\n",
)


@pytest.fixture
async def mail(server: Server, me: Client) -> Client:
    """Three messages; the first is ten days old, the last one is flagged and seen."""
    for content in MAIL:
        server.beside.deliver("INBOX", content)
    first, _, last = server.beside.files("INBOX")
    ten_days_ago = time.time() - 10 * 86400
    os.utime(first, (ten_days_ago, ten_days_ago))
    server.beside.reflag(last, "FS")
    await me.opens("INBOX")
    return me


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("ALL", "1 2 3"),
        ("SEEN", "3"),
        ("UNSEEN", "1 2"),
        ("FLAGGED UNSEEN", ""),
        ("OR FLAGGED SUBJECT lunch", "2 3"),
        ("NEW", "1 2"),
        ("OLD", ""),
        ("RECENT NOT 2", "1 3"),
        ("KEYWORD $Junk", ""),
        ("UNKEYWORD $Junk 2:*", "2 3"),
        ("UID 3:9", "3"),
        ("FROM fred", "1"),
        ("FROM FRED@EXAMPLE", "1"),
        ("TO joe", "1"),
        ("CC fred", "2"),
        ("BCC fred", ""),
        ("HEADER X-Mark OD", "1"),
        ('HEADER X-Mark ""', "1"),
        ('HEADER Date ""', "1 2"),
        ('SUBJECT ""', "1 2 3"),
        ('BODY "guten tag"', "1"),
        ("BODY Sachertorte", "2"),
        ("BODY lunch", ""),
        ("TEXT lunch", "2"),
        ("NOT TEXT example.net", "3"),
        ("SENTON 7-Feb-1994", "1"),
        ("SENTSINCE 8-Feb-1994", "2"),
        ("SENTBEFORE 9-Feb-1994", "1 2"),
        ("LARGER 4000", "3"),
        ("SMALLER 4000", "1 2"),
        ("OLDER 86400", "1"),
        ("YOUNGER 86400", "2 3"),
        ("BEFORE 1-Jan-2000", ""),
        ("SINCE 1-Jan-2000 UNSEEN", "1 2"),
    ],
)
async def test_keys(mail: Client, keys: str, expected: str) -> None:
    await mail(f"""
        C: a SEARCH {keys}
        S: {f"* SEARCH {expected}".rstrip()}
        S: a OK SEARCH done
        C: b SEARCH NOT ({keys})
        S: {_rest(expected)}
        S: b OK SEARCH done
    """)


def _rest(found: str) -> str:
    return " ".join(["* SEARCH", *(n for n in "123" if n not in found)])


async def test_charsets(mail: Client) -> None:
    await mail.stream.send_all(b"a SEARCH CHARSET UTF-8 SUBJECT {7+}\r\ngr\xc3\xbc\xc3\x9fe\r\n")
    await mail("""
        S: * SEARCH 1
        S: a OK SEARCH done
    """)
    await mail.stream.send_all(b"b SEARCH CHARSET ISO-8859-1 BODY {4+}\r\nf\xfcr \r\n")
    await mail("""
        S: * SEARCH 2
        S: b OK SEARCH done
        C: c SEARCH CHARSET X-KLINGON TEXT x
        S: c NO [BADCHARSET (US-ASCII UTF-8)] …
    """)


@pytest.mark.parametrize(
    ("returns", "answer", "left"),
    [
        ("RETURN (SAVE) CHARSET X-KLINGON TEXT x", "NO [BADCHARSET (US-ASCII UTF-8)] …", ""),
        ("RETURN (MIN SAVE) CHARSET X-KLINGON UNSEEN", "NO [BADCHARSET (US-ASCII UTF-8)] …", ""),
        ("RETURN (MIN) CHARSET X-KLINGON TEXT x", "NO [BADCHARSET (US-ASCII UTF-8)] …", " 3"),
        ("CHARSET X-KLINGON TEXT x", "NO [BADCHARSET (US-ASCII UTF-8)] …", " 3"),
        ("RETURN (SAVE) CHARSET X-KLINGON NOPE", "BAD …", " 3"),
        ("RETURN (SAVE) CHARSET X-KLINGON 1:4", "BAD …", " 3"),
    ],
)
async def test_what_a_search_in_an_unknown_charset_leaves_saved(
    mail: Client, returns: str, answer: str, left: str
) -> None:
    """A NO to SAVE empties `$`, nothing else does (RFC 5182 section 2.1)."""
    await mail(f"""
        C: a SEARCH RETURN (SAVE) SEEN
        S: a OK SEARCH done
        C: b SEARCH {returns}
        S: b {answer}
        C: c SEARCH $
        S: * SEARCH{left}
        S: c OK SEARCH done
    """)


async def test_esearch(mail: Client) -> None:
    await mail(r"""
        C: a SEARCH RETURN (MIN MAX COUNT ALL) UNSEEN
        S: * ESEARCH (TAG "a") MIN 1 MAX 2 COUNT 2 ALL 1:2
        S: a OK SEARCH done
        C: b UID SEARCH RETURN () ALL
        S: * ESEARCH (TAG "b") UID ALL 1:3
        S: b OK SEARCH done
        C: c UID SEARCH RETURN (COUNT) DELETED
        S: * ESEARCH (TAG "c") UID COUNT 0
        S: c OK SEARCH done
        C: d SEARCH RETURN (MIN MAX ALL) DELETED
        S: * ESEARCH (TAG "d")
        S: d OK SEARCH done
    """)


async def test_saved_results(mail: Client) -> None:
    await mail(r"""
        C: a FETCH $ UID
        S: a OK FETCH done
        C: b SEARCH RETURN (SAVE) UNSEEN
        C: c FETCH $ UID
        S: b OK SEARCH done
        S: * 1 FETCH (UID 1)
        S: * 2 FETCH (UID 2)
        S: c OK FETCH done
        C: d UID SEARCH RETURN (MAX SAVE) $
        S: * ESEARCH (TAG "d") UID MAX 2
        S: d OK SEARCH done
        C: e UID SEARCH $ UNSEEN
        S: * SEARCH 2
        S: e OK SEARCH done
        C: f SEARCH ALL
        S: * SEARCH 1 2 3
        S: f OK SEARCH done
        C: g UID STORE $ +FLAGS.SILENT (\Deleted)
        S: g OK STORE done
        C: h UID EXPUNGE $
        S: * 2 EXPUNGE
        S: h OK EXPUNGE done
        C: i SEARCH $
        S: * SEARCH
        S: i OK SEARCH done
        C: j SEARCH RETURN (SAVE COUNT MIN) ALL
        S: * ESEARCH (TAG "j") MIN 1 COUNT 2
        S: j OK SEARCH done
        C: k FETCH $ UID
        S: * 1 FETCH (UID 1)
        S: * 2 FETCH (UID 3)
        S: k OK FETCH done
        C: l COPY $ missing
        S: l NO [TRYCREATE] …
    """)
    await mail.opens("INBOX")
    await mail(r"""
        C: m COPY $ INBOX
        S: m OK COPY done, there was nothing to copy
    """)


async def test_numbers_that_are_not_there(mail: Client) -> None:
    await mail(r"""
        C: a SEARCH 4
        S: a BAD …
        C: b SEARCH RETURN (SAVE) 1
        S: b OK SEARCH done
        C: c SEARCH RETURN (SAVE) NOT 2:4
        S: c BAD …
        C: d SEARCH $
        S: * SEARCH 1
        S: d OK SEARCH done
    """)


async def test_a_message_that_can_not_be_read(server: Server, mail: Client) -> None:
    file = server.beside.files("INBOX")[1]
    await mail(r"""
        C: a SEARCH RETURN (SAVE) ALL
        S: a OK SEARCH done
    """)
    spoil(file)
    await mail(r"""
        C: b SEARCH RETURN (SAVE ALL) NOT BODY tag
        S: * ESEARCH (TAG "b") ALL 3
        S: b NO [UNAVAILABLE] …
        C: c FETCH $ UID
        S: c OK FETCH done
    """)


async def test_messages_that_others_expunged(mail: Client, other: Client) -> None:
    await other.opens("INBOX")
    await other(r"""
        C: a STORE 1 FLAGS.SILENT (\Deleted)
        C: b EXPUNGE
        S: a OK STORE done
        S: * 1 EXPUNGE
        S: b OK EXPUNGE done
    """)
    await mail(r"""
        C: a SEARCH BODY e
        S: * SEARCH 2
        S: a OK [EXPUNGEISSUED] SEARCH done
        C: b SEARCH NOT DELETED
        S: * SEARCH 1 2 3
        S: b OK SEARCH done
    """)


def spoil(file: Path) -> None:
    """Make a message unreadable, for root too."""
    file.unlink()
    os.mkfifo(file)


async def test_a_large_mailbox_is_searched_in_processes(server: Server, me: Client) -> None:
    """One file is gone by then."""
    for number in range(WORTH_IT + 9):
        word = b"Sachertorte" if number in (3, 7, 1500) else b"lunch"
        server.beside.deliver("INBOX", b"Subject: %d\nX-Mark: odd\n\n%s\n" % (number, word))
    await me.opens("INBOX")
    files = server.beside.files("INBOX")
    files[2000].unlink()
    await me("""
        C: a SEARCH BODY sachertorte
        S: * SEARCH 4 8 1501
        S: a OK [EXPUNGEISSUED] SEARCH done
        C: b SEARCH RETURN (COUNT) BODY LUNCH HEADER X-Mark odd NOT SUBJECT 15
        S: * ESEARCH (TAG "b") COUNT 1867
        S: b OK [EXPUNGEISSUED] SEARCH done
    """)
