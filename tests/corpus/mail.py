"""One message after the other, in the shapes that mailboxes are full of. LF line ends."""

import base64
import quopri
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.header import Header
from email.utils import format_datetime

PEOPLE = (
    ("Ada Lovelace", "ada@example.org"),
    ("Jürgen Müller", "jm@example.net"),
    ("山田太郎", "taro@example.jp"),
    ("Zoë O'Neil", "zoe@example.com"),
    ("list", "discuss@lists.example.org"),
    ("", "root@host.example.org"),
)
SUBJECTS = (
    "Meeting on Monday",
    "Re: Größe der Datei",
    "Rechnung 4711",
    "[discuss] release",
    "見積書",
)
WORDS = (
    "the of and mail server index message folder change arrives before after client again every"
    " nothing always sometimes Straße naïve überall directory rename flag"
)
VOCABULARY = WORDS.split(" ")
BEGINNING = datetime(2019, 1, 1, tzinfo=UTC)


def messages(seed: int, count: int) -> Iterator[tuple[datetime, bytes]]:
    """(date, message) pairs; dates rise by hours."""
    rng = random.Random(seed)
    when = BEGINNING
    for number in range(1, count + 1):
        when += timedelta(minutes=rng.randint(1, 240))
        yield when, _message(rng, number, when)


def _message(rng: random.Random, number: int, when: datetime) -> bytes:
    (shape,) = rng.choices(list(_SHAPES), weights=list(_SHAPES.values()))
    head = _head(rng, number, when)
    content_type, body = shape(rng, _text(rng, _size(rng)))
    return head + content_type + b"\n" + body


def _size(rng: random.Random) -> int:
    """Octets of text: a median of about 2 KB with a long tail."""
    return min(200_000, int(rng.lognormvariate(7.5, 1.1)))


def _text(rng: random.Random, size: int) -> str:
    """Whole lines from somewhere in the prose."""
    start = _PROSE.index("\n", rng.randrange(len(_PROSE) - size - 1000)) + 1
    return _PROSE[start : _PROSE.index("\n", start + size) + 1]


def _prose(size: int) -> str:
    rng = random.Random(0)
    lines = []
    while size > 0:
        lines.append(" ".join(rng.choices(VOCABULARY, k=rng.randint(3, 12))))
        size -= len(lines[-1]) + 1
    return "\n".join(lines) + "\n"


def _head(rng: random.Random, number: int, when: datetime) -> bytes:
    sender, receiver = rng.sample(PEOPLE, 2)
    fields = [
        f"Return-Path: <{sender[1]}>",
        f"Received: from mx.example.org by host.example.org; {format_datetime(when)}",
        f"From: {_address(sender)}",
        f"To: {_address(receiver)}",
        f"Subject: {Header(f'{rng.choice(SUBJECTS)} {number}', 'utf-8').encode()}",
        f"Date: {format_datetime(when)}",
        f"Message-ID: <{number}.{rng.getrandbits(48):x}@example.org>",
    ]
    if rng.random() < 0.4:
        fields.append(f"In-Reply-To: <{max(1, number - 1)}@example.org>")
        fields.append(f"References: <{max(1, number - 2)}@example.org>")
    if rng.random() < 0.2:
        fields.append("List-Id: discussion <discuss.lists.example.org>")
    return "\n".join([*fields, "MIME-Version: 1.0", ""]).encode()


def _address(person: tuple[str, str]) -> str:
    name, address = person
    return f"{Header(name, 'utf-8').encode()} <{address}>" if name else address


def _plain(rng: random.Random, text: str) -> tuple[bytes, bytes]:
    return (
        b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n",
        text.encode(),
    )


def _quoted_printable(rng: random.Random, text: str) -> tuple[bytes, bytes]:
    head = b"Content-Type: text/plain; charset=iso-8859-1\n"
    body = quopri.encodestring(text.encode("iso-8859-1", "replace"))
    return head + b"Content-Transfer-Encoding: quoted-printable\n", body


def _alternative(rng: random.Random, text: str) -> tuple[bytes, bytes]:
    boundary = b"alt-%x" % rng.getrandbits(64)
    html = f"<html><body><p>{text}</p></body></html>\n".encode()
    parts = [
        b"Content-Type: text/plain; charset=utf-8\n\n" + text.encode(),
        b"Content-Type: text/html; charset=utf-8\n\n" + html,
    ]
    return _multipart(b"alternative", boundary, parts)


def _with_attachment(rng: random.Random, text: str) -> tuple[bytes, bytes]:
    boundary = b"=_mixed_%x" % rng.getrandbits(64)
    data = base64.encodebytes(rng.randbytes(rng.randint(100, 20_000)))
    parts = [
        b"Content-Type: text/plain; charset=utf-8\n\n" + text.encode(),
        b"Content-Type: application/pdf; name*=utf-8''Gr%C3%B6%C3%9Fe.pdf\n"
        b"Content-Transfer-Encoding: base64\nContent-Disposition: attachment\n\n" + data,
    ]
    return _multipart(b"mixed", boundary, parts)


def _forwarded(rng: random.Random, text: str) -> tuple[bytes, bytes]:
    boundary = b"fwd%x" % rng.getrandbits(64)
    inner = b"From: bo@example.org\nSubject: the original\n\n" + text.encode()
    parts = [
        b"Content-Type: text/plain\n\nSee below.\n",
        b"Content-Type: message/rfc822\n\n" + inner,
    ]
    return _multipart(b"mixed", boundary, parts)


def _raw_octets(rng: random.Random, text: str) -> tuple[bytes, bytes]:
    return b"X-Raw: \xe4\xf6\xfc\n", text.encode("utf-8") + b"\xff\xfe invalid\n"


def _multipart(kind: bytes, boundary: bytes, parts: list[bytes]) -> tuple[bytes, bytes]:
    head = b'Content-Type: multipart/%s; boundary="%s"\n' % (kind, boundary)
    body = b"".join(b"--%s\n%s\n" % (boundary, part) for part in parts)
    return head, body + b"--%s--\n" % boundary


def _japanese(rng: random.Random, text: str) -> tuple[bytes, bytes]:
    head = b"Content-Type: text/plain; charset=iso-2022-jp\nContent-Transfer-Encoding: 7bit\n"
    lines = rng.choices(("見積書を送ります。", "よろしくお願いします。", "ありがとう"), k=20)
    return head, "\n".join([*lines, ""]).encode("iso-2022-jp")


def _russian(rng: random.Random, text: str) -> tuple[bytes, bytes]:
    head = b"Content-Type: text/plain; charset=koi8-r\nContent-Transfer-Encoding: base64\n"
    lines = rng.choices(("Добрый день!", "Письмо во вложении.", "До свидания"), k=20)
    return head, base64.encodebytes("\n".join([*lines, ""]).encode("koi8-r"))


_SHAPES = {
    _plain: 40,
    _quoted_printable: 12,
    _alternative: 25,
    _with_attachment: 12,
    _forwarded: 5,
    _raw_octets: 2,
    _japanese: 2,
    _russian: 2,
}
"""How often each shape comes, in a hundred messages."""
_PROSE = _prose(500_000)
