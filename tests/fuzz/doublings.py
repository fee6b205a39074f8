"""`python -m tests.fuzz.doublings`: that all reading is linear, measured.

For each shape the input is doubled five times, and the last times (of the processor) are given
against those before them: about 2 where reading is linear, about 4 where it is quadratic. Less than
2 is seen where a limit ends the reading, and nothing is said of times that are too short to be
compared. Shapes are those that made other parsers slow.
"""

import logging
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Final

from maildird.imap.connection import Connection
from maildird.imap.limits import Limits
from maildird.imap.table import State
from maildird.mime.casemap import fold
from maildird.mime.encoded_words import decode_field
from maildird.mime.header import unfold
from maildird.session.patterns import Pattern
from maildird.terms.sets import UidSet
from tests.fuzz.harnesses import HARNESSES

STEPS: Final = 5
LEAST: Final = 0.004
"""Seconds that the first step should take."""
COMPARABLE: Final = 0.02
"""Seconds that the last step has to take to be told from noise."""
LARGEST: Final = 1 << 17
"""Octets with which to begin at most."""

Make = Callable[[int], bytes]
Read = Callable[[bytes], object]

_NO_LIMITS: Final = replace(
    Limits(), line=1 << 30, literal=1 << 30, discard=1 << 30, bad_after_login=1 << 30
)


def _command(data: bytes, step: int = 65536) -> None:
    connection = Connection(_NO_LIMITS, State.SELECTED)
    for at in range(0, len(data), step):
        connection.receive_data(data[at : at + step])
        while connection.next_event():
            pass


def _octet_by_octet(data: bytes) -> None:
    _command(data, 1)


def _field(data: bytes) -> None:
    fold(decode_field(unfold(data)))


def _set(data: bytes) -> None:
    numbers = [int(number) for number in data.split(b",") if number]
    UidSet(tuple((number, 0) for number in numbers)).resolve(1 << 31)
    str(UidSet.of(numbers))


def _pattern(data: bytes) -> None:
    Pattern("*a%" * 20, ".").matches(data.decode("ascii"))


COMMANDS: Final[Mapping[str, Make]] = {
    "parentheses": lambda n: b"a SEARCH " + b"(" * n + b"\r\n",
    "NOT": lambda n: b"a SEARCH " + b"NOT " * n + b"ALL\r\n",
    "search keys": lambda n: b"a SEARCH " + b"SEEN " * n + b"ALL\r\n",
    "literals": lambda n: b"a ID (" + b'"k" {1+}\r\nv ' * n + b")\r\n",
    "literals of APPEND": lambda n: b"a APPEND x" + b" {1+}\r\nx" * n + b"\r\n",
    "empty literals": lambda n: b"a NOOP " + b"{0+}\r\n" * n + b"\r\n",
    "a literal": lambda n: b"a APPEND x {%d+}\r\n" % (50 * n) + b"x" * 50 * n + b"\r\n",
    "announcements": lambda n: b"a NOOP {1\r\n" + b"b {1}" * n + b"\r\n",
    "a set": lambda n: b"a FETCH " + b",".join(b"%d" % k for k in range(1, n)) + b" UID\r\n",
    "quoted pairs": lambda n: b'a SELECT "' + b"\\\\" * n + b'"\r\n',
    "a mailbox in mutf7": lambda n: b"a SELECT " + b"&AOk-" * n + b"\r\n",
    "an open shift": lambda n: b"a SELECT " + b"&" * n + b"A" * n + b"\r\n",
    "8 bits": lambda n: b"a SEARCH TEXT " + b"\xff" * n + b"\r\n",
    "NUL": lambda n: b"a " + b"\0" * n + b"\r\n",
    "bare CR": lambda n: b"a " + b"\r" * n + b"\r\n",
    "lines": lambda n: b"x\n" * n,
    "commands": lambda n: b"a NOOP\r\n" * n,
    "a body section": lambda n: b"a FETCH 1 BODY[" + b"1." * n + b"1]\r\n",
    "flags": lambda n: b"a STORE 1 FLAGS (" + b"x " * n + b"x)\r\n",
    "patterns": lambda n: b'a LIST "" (' + b"* " * n + b"*)\r\n",
}

MESSAGES: Final[Mapping[str, Make]] = {
    "headers": lambda n: b"X: y\r\n" * n + b"\r\n",
    "headers of one name": lambda n: b"To: a@b\r\n" * n + b"\r\n",
    "a header": lambda n: b"Subject: " + b"a" * 100 * n + b"\r\n\r\n",
    "folded lines": lambda n: b"Subject: " + b"a\r\n " * n + b"\r\n\r\n",
    "parts": lambda n: (
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a\r\n\r\nx\r\n" * n
    ),
    "multiparts in each other": lambda n: b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (k, k) for k in range(n)
    ),
    "messages in each other": lambda n: b"Content-Type: message/rfc822\r\n\r\n" * n,
    "lines of hyphens": lambda n: (
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\n" + b"--b\r\n" * n
    ),
    "a line of hyphens": lambda n: b"Content-Type: multipart/mixed; boundary=-\r\n\r\n" + b"-" * n,
    "8 bits": lambda n: b"Subject: " + b"\xe9" * n + b"\r\n\r\n" + b"\xe9" * n,
    "base64": lambda n: b"Content-Transfer-Encoding: base64\r\n\r\n" + b"YQ==" * n,
    "HTML": lambda n: b"Content-Type: text/html\r\n\r\n" + b"<b &" * n,
}

HEADERS: Final[Mapping[str, Make]] = {
    "addresses": lambda n: b"a <b@c>, " * n,
    "odd addresses": lambda n: b'"a" b (c) <d@e>; ' * n,
    "open brackets": lambda n: b"<" * n,
    "groups": lambda n: b"g:" * n,
    "comments": lambda n: b"(a)" * n,
    "open comments": lambda n: b"(" * n,
    "comments and brackets": lambda n: b"<(" * n,
    "backslashes": lambda n: b"(" + b"\\" * n,
    "quotes": lambda n: b'"' * n,
    "an encoded word": lambda n: b"=?utf-8?q?" + b"=C3=A9" * n + b"?=",
    "a word in base64": lambda n: b"=?utf-8?b?" + b"w6k=" * n + b"?=",
    "encoded words": lambda n: b"=?utf-8?q?a?= " * n,
    "open encoded words": lambda n: b"=?utf-8?q?" * n,
    "charsets by turns": lambda n: b"=?utf-8?q?a?= =?latin1?q?b?= " * n,
    "continuations": lambda n: b"a/b" + b"".join(b"; n*%d*=%%41" % k for k in range(n)),
    "cut continuations": lambda n: b"a/b" + b"".join(b"; n%d*1=x" % k for k in range(n)),
    "parameters": lambda n: b"a/b" + b"".join(b"; n%d=x" % k for k in range(n)),
    "semicolons": lambda n: b"a/b" + b"; " * n,
    "cut UTF-8": lambda n: b"\xc3" * n,
} | {
    f"in {charset.decode()}": lambda n, charset=charset: (
        b"=?%b?q?%b?=" % (charset, b"a-+=1B$B&" * n)
    )
    for charset in (b"utf-7", b"iso-2022-jp", b"hz", b"gb18030", b"utf-16", b"iso2022_kr")
}

FILES: Final[Mapping[str, Mapping[str, Make]]] = {
    "uidlist": {
        "lines": lambda n: b"3 V1 N1\n" + b"".join(b"%d :a\n" % k for k in range(1, n)),
        "fields": lambda n: b"3 V1 N1 " + b"Xy " * n + b"\n",
        "bad lines": lambda n: b"3 V1 N1\n" + b"x\n" * n,
    },
    "keywords": {"lines": lambda n: b"1 a\n" * n, "bad lines": lambda n: b"x\n" * n},
    "letterless": {
        "lines": lambda n: b"".join(b"k\t%d.h/.\n" % k for k in range(n)),
        "bases": lambda n: b"k\t" + b"a/" * n + b".\n",
        "keywords": lambda n: b"k " * n + b"k\ta/.\n",
        "bad lines": lambda n: b"x\n" * n,
        "a line without end": lambda n: b"x" * n,
    },
    "courier_keywords": {
        "names": lambda n: b"".join(b"k%d\n" % k for k in range(n)) + b"\nb:0\n",
        "lines": lambda n: b"k\n\n" + b"".join(b"b%d:0\n" % k for k in range(n)),
        "numbers": lambda n: b"k\n\nb:" + b"0 " * n + b"\n",
    },
    "subscriptions": {
        "lines": lambda n: b"".join(b"a.b%d\n" % k for k in range(n)),
        "levels": lambda n: b"a." * n + b"\n",
    },
    "mailbox_name": {
        "shifts": lambda n: b"&AOk-" * n,
        "an open shift": lambda n: b"&" + b"A" * n,
        "open shifts": lambda n: b"&A" * n,
    },
}


def main() -> None:
    """Print the table."""
    logging.disable()
    print(f"{'octets':>10} {'seconds':>8}  last steps  shape")
    with tempfile.TemporaryDirectory(prefix="doublings-") as directory:
        for label, make, read in _cases(Path(directory)):
            sizes, times = _measure(make, read)
            ratios = " ".join(f"{after / before:5.1f}" for before, after in pairwise(times[-3:]))
            if times[-1] < COMPARABLE:
                ratios = f"{'quick':>11}"
            print(f"{sizes[-1]:10} {times[-1]:8.3f} {ratios}  {label}", flush=True)


def _cases(scratch: Path) -> list[tuple[str, Make, Read]]:
    def through(name: str) -> Read:
        return lambda data: HARNESSES[name](data, scratch)

    return [
        *((f"command: {name}", make, _command) for name, make in COMMANDS.items()),
        ("command: octet by octet", COMMANDS["literals"], _octet_by_octet),
        *((f"message: {name}", make, through("message")) for name, make in MESSAGES.items()),
        *((f"header: {name}", make, through("header")) for name, make in HEADERS.items()),
        *((f"search: {name}", make, _field) for name, make in HEADERS.items()),
        *(
            (f"{parser}: {name}", make, through(parser))
            for parser, shapes in FILES.items()
            for name, make in shapes.items()
        ),
        ("set", lambda n: b",".join(b"%d" % (2 * k) for k in range(n, 0, -1)), _set),
        ("pattern", lambda n: b"a." * n, _pattern),
    ]


def _measure(make: Make, read: Read) -> tuple[list[int], list[float]]:
    """Sizes (octets) and times (s), each the best of three."""
    n = 500
    while _time(read, make(n)) < LEAST and len(make(n)) < LARGEST:
        n *= 2
    inputs = [make(n << step) for step in range(STEPS)]
    return [len(data) for data in inputs], [
        min(_time(read, data) for _ in range(3)) for data in inputs
    ]


def _time(read: Read, data: bytes) -> float:
    begin = time.process_time()
    read(data)
    return time.process_time() - begin


if __name__ == "__main__":
    main()
