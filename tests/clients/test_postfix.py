"""The Postfix of Debian delivers mail, and asks maildird who its clients are.

Both are set up as the examples of `packaging/` say: virtual mailboxes of one uid, a local user's
~/Maildir, and submission. All tests share them, and each that counts on what is in a mailbox has
that mailbox to itself: none minds what others did before.
"""

import re
import smtplib
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from itertools import count, cycle
from pathlib import Path
from typing import Final

import pytest
import trio

from maildird.server.auth_service import MOST_CONNECTIONS
from tests.cli.process import Server
from tests.cli.process import maildird as command
from tests.clients.conftest import miss
from tests.clients.machine import EXAMPLES, Machine, Postfix, imap_server, postfix
from tests.rfc7162.client import PATIENCE, Client, Exchange
from tests.rfc7162.responses import Exists, Fetch, Other

README: Final = Path(__file__).parents[2] / "README.md"

ADA: Final = "ada@example.org"
BO: Final = "bo@example.org"
CY: Final = "cy@example.net"
LOCAL: Final = "ada@home.example.org"
STRANGER: Final = "eve@example.com"

FIRST: Final = "first@example.net"
OCTETS: Final = "octets@example.org"
AWAY: Final = "away@example.org"
BURST: Final = "burst@example.org"

PASSWORDS: Final = {ADA: "open sesame", BO: "secret", CY: "hidden"} | dict.fromkeys(
    (FIRST, OCTETS, AWAY, BURST), "password"
)
SCHEMES: Final = ("ARGON2ID", "SHA512-CRYPT", "SCRAM-SHA-256")

CONFIGURATION: Final = """
[[listeners]]
address = "127.0.0.1:0"
[users]
file = "{top}/users"
"""

LOCAL_CONFIGURATION: Final = """
[[listeners]]
address = "127.0.0.1:0"
[mail]
location = "{location}"
[[accounts]]
name = "ada"
password = "local"
"""

MESSAGE: Final = (
    "From: Eve <eve@example.com>\r\n"
    "To: Ada <ada@example.org>\r\n"
    "Date: Tue, 24 Nov 2026 12:00:00 +0000\r\n"
    "Message-ID: <{number}@example.com>\r\n"
    "Subject: {subject}\r\n"
    "\r\n"
    ".a dot\r\n"
    "..two\r\n"
    "From the beginning, éèê\r\n"
    "\r\n"
    "  spaces  \r\n"
    ".\r\n"
    "the end\r\n"
)

MANY: Final = 200

_numbers = count(1)


# Servers


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """A machine set up as all of the examples say; nothing runs there."""
    if subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode:
        miss("the right to mount, which root has,")
    if not Path("/usr/lib/postfix/sbin/master").exists():
        miss("Postfix")
    with tempfile.TemporaryDirectory(dir="/tmp", ignore_cleanup_errors=True) as name:
        top = Path(name)
        top.chmod(0o755)
        machine = Machine(top)
        mailboxes = [f"{user}   {'/'.join(reversed(user.split('@')))}/\n" for user in PASSWORDS]
        (top / "etc/postfix/vmailbox").write_text("".join(mailboxes))
        toml = machine.follow("postfix-virtual.cf") + machine.follow("postfix-submission.cf")
        machine.follow("postfix-home.cf")
        machine.run("postconf", "virtual_mailbox_domains=example.org, example.net")
        (top / "maildird.toml").write_text(CONFIGURATION.format(top=top) + toml)
        yield machine


@pytest.fixture(scope="module")
def mta(machine: Machine) -> Iterator[Postfix]:
    """Postfix, which serves all set-ups."""
    with postfix(machine, "smtp", "submission") as running:
        yield running


@pytest.fixture(scope="module")
def virtual(machine: Machine) -> Iterator[Server]:
    """maildird for the virtual mailboxes, none of which is there yet."""
    for (user, password), scheme in zip(PASSWORDS.items(), cycle(SCHEMES), strict=False):
        options = ("--file", machine.top / "users", "--scheme", scheme, "--stdin")
        done = command("user", "add", *options, user, state=machine.top, typed=f"{password}\n")
        assert done.returncode == 0, done.stderr
    machine.own("users", "maildird")
    mail, configuration = machine.top / "var/mail/vhosts", machine.top / "maildird.toml"
    with imap_server(machine, "maildird", mail, "--config", configuration) as server:
        yield server


@pytest.fixture(scope="module")
def local(machine: Machine) -> Iterator[Server]:
    """maildird for a local user, run as that user."""
    mail, configuration = machine.top / "home/ada/Maildir", machine.top / "home.toml"
    location = f"{machine.top}/home/{{user}}/Maildir"
    configuration.write_text(LOCAL_CONFIGURATION.format(location=location))
    with imap_server(machine, "ada", mail, "--config", configuration) as server:
        yield server


# What the README says


def test_the_readme_says_what_the_examples_say() -> None:
    text = README.read_text(encoding="utf-8")
    section = text.partition("\n## Postfix\n")[2].partition("\n## ")[0]
    said = re.findall(r"^    (.*)$", section, re.MULTILINE)
    lines = {
        re.sub("^# *", "", line)
        for path in EXAMPLES.glob("postfix-*.cf")
        for line in path.read_text(encoding="utf-8").splitlines()
    }
    assert len(said) > 15
    assert [line for line in said if line not in lines] == []


# What people do


def message(subject: str) -> bytes:
    return MESSAGE.format(number=next(_numbers), subject=subject).encode()


def send(mta: Postfix, to: str, *messages: bytes) -> None:
    """Bring messages from elsewhere, on one connection."""
    with smtplib.SMTP("127.0.0.1", mta.ports["smtp"], timeout=PATIENCE) as smtp:
        for each in messages:
            smtp.sendmail(STRANGER, [to], each, ["BODY=8BITMIME"])


@asynccontextmanager
async def session(server: Server, user: str, password: str) -> AsyncIterator[Client]:
    async with await trio.open_tcp_stream(server.host, server.port) as stream:
        client = Client(stream)
        await client.response()
        await client.do(f'LOGIN {user} "{password}"')
        yield client


@asynccontextmanager
async def idling(client: Client, until: int) -> AsyncIterator[None]:
    """In IDLE for the time of the context, and until there are so many messages."""
    tag = await client.begin("IDLE")
    while not isinstance(said := await client.response(), Other) or said.name != "+":
        pass
    yield
    while said != Exists(until):
        said = await client.response()
    await client.stream.send_all(b"DONE\r\n")
    await client.ending(tag)


async def deliver(mta: Postfix, to: str, *messages: bytes) -> None:
    await trio.to_thread.run_sync(partial(send, mta, to, *messages))


async def eventually(condition: Callable[[], bool]) -> None:
    with trio.fail_after(PATIENCE):
        while True:
            if condition():
                return
            await trio.sleep(0.01)


def subjects(exchange: Exchange) -> dict[int, str]:
    """By UID, of the answer to a FETCH of `SUBJECT`."""
    found = {}
    for fetch in exchange.all(Fetch):
        assert fetch.uid is not None
        (header,) = (value for value in fetch.items.values() if isinstance(value, bytes))
        found[fetch.uid] = header.decode().removeprefix("Subject: ").strip()
    return found


SUBJECT: Final = "BODY.PEEK[HEADER.FIELDS (SUBJECT)]"


# Delivery


async def test_a_session_in_idle_hears_of_the_first_message(mta: Postfix, virtual: Server) -> None:
    async with session(virtual, FIRST, PASSWORDS[FIRST]) as client:
        assert (await client.do("SELECT INBOX")).exists == 0
        async with idling(client, until=1):
            await deliver(mta, FIRST, message("first"))
        assert subjects(await client.do(f"UID FETCH 1 ({SUBJECT})")) == {1: "first"}


async def test_a_message_is_what_was_delivered(
    mta: Postfix, virtual: Server, machine: Machine
) -> None:
    sent = message("octets")
    async with session(virtual, OCTETS, PASSWORDS[OCTETS]) as client:
        await client.do("SELECT INBOX")
        async with idling(client, until=1):
            await deliver(mta, OCTETS, sent)
        (file,) = (machine.top / "var/mail/vhosts/example.org/octets").glob("[nc][eu][wr]/*")
        fetched = (await client.do("UID FETCH 1 (FLAGS BODY.PEEK[])")).one(Fetch)
    body = fetched.items["BODY[]"]
    assert body == file.read_bytes().replace(b"\n", b"\r\n")
    assert isinstance(body, bytes)
    head, _, text = sent.partition(b"\r\n\r\n")
    assert body.partition(b"\r\n\r\n")[2] == text
    assert body.partition(b"\r\n\r\n")[0].endswith(head)
    assert body.startswith(f"Return-Path: <{STRANGER}>\r\n".encode())
    assert f"\r\nDelivered-To: {OCTETS}\r\n".encode() in body
    assert fetched.items["FLAGS"] == ["\\Recent"]


async def test_what_comes_while_nobody_is_there_has_its_uid_at_once(
    mta: Postfix, virtual: Server, machine: Machine
) -> None:
    async with session(virtual, AWAY, PASSWORDS[AWAY]) as client:
        await client.do("ENABLE QRESYNC")
        selected = await client.do("SELECT INBOX")
    maildir = machine.top / "var/mail/vhosts/example.org/away"
    await deliver(mta, AWAY, message("away 1"), message("away 2"))
    await eventually(lambda: all_have_uids(maildir, 2))
    async with session(virtual, AWAY, PASSWORDS[AWAY]) as client:
        await client.do("ENABLE QRESYNC")
        uidvalidity, modseq = selected.argument("UIDVALIDITY"), selected.highestmodseq
        back = await client.do(f"SELECT INBOX (QRESYNC ({uidvalidity} {modseq}))")
        assert modseq is not None
        assert {fetch.uid for fetch in back.all(Fetch) if (fetch.modseq or 0) > modseq} == {1, 2}
        assert not back.vanished_earlier
        assert sorted(subjects(await client.do(f"UID FETCH 1:* ({SUBJECT})")).values()) == [
            "away 1",
            "away 2",
        ]


def all_have_uids(maildir: Path, count: int) -> bool:
    """Whether so many files lie there, and dovecot-uidlist names them all."""
    files = list(maildir.glob("[nc][eu][wr]/*"))
    uidlist = maildir / "dovecot-uidlist"
    named = uidlist.read_text() if uidlist.exists() else ""
    return len(files) == count and all(
        f" :{file.name.partition(':')[0]}" in named for file in files
    )


async def test_a_burst_arrives_whole(mta: Postfix, virtual: Server) -> None:
    sent = [f"burst {number:03}" for number in range(MANY)]
    async with session(virtual, BURST, PASSWORDS[BURST]) as client:
        before = (await client.do("SELECT INBOX")).exists or 0
        async with idling(client, until=before + MANY), trio.open_nursery() as nursery:
            for part in range(4):
                messages = map(message, sent[part::4])
                nursery.start_soon(deliver, mta, BURST, *messages)
        found = subjects(await client.do(f"UID FETCH {before + 1}:* ({SUBJECT})"))
    assert sorted(found.values()) == sent
    assert sorted(found) == list(range(before + 1, before + MANY + 1))


async def test_a_local_user_hears_of_mail_in_the_home_directory(
    mta: Postfix, local: Server
) -> None:
    async with session(local, "ada", "local") as client:
        assert (await client.do("SELECT INBOX")).exists == 0
        async with idling(client, until=2):
            await deliver(mta, LOCAL, message("one"), message("two"))
        assert sorted(subjects(await client.do(f"UID FETCH 1:* ({SUBJECT})")).values()) == [
            "one",
            "two",
        ]


# Submission


def swaks(program: str, mta: Postfix, authority: Path, *options: str) -> tuple[int, str]:
    """Submit a message with TLS; gives the exit status and what was said."""
    done = subprocess.run(
        [
            *(program, "--server", "127.0.0.1", "--port", str(mta.ports["submission"])),
            *("--tls", "--tls-verify", "--tls-ca-path", str(authority), *options),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("user", [ADA, BO, CY])
async def test_swaks_submits_and_a_session_in_idle_hears(
    mta: Postfix,
    virtual: Server,
    machine: Machine,
    program: Callable[[str], str],
    mechanism: str,
    user: str,
) -> None:
    options = [
        *("--from", user, "--to", CY, "--header", f"Subject: by {mechanism}"),
        *("--auth", mechanism, "--auth-user", user, "--auth-password", PASSWORDS[user]),
    ]
    submit = partial(swaks, program("swaks"), mta, machine.authority.file, *options)
    async with session(virtual, CY, PASSWORDS[CY]) as client:
        until = ((await client.do("SELECT INBOX")).exists or 0) + 1
        async with idling(client, until):
            status, said = await trio.to_thread.run_sync(submit)
            assert status == 0, said
        assert list(subjects(await client.do(f"FETCH * (UID {SUBJECT})")).values()) == [
            f"by {mechanism}"
        ]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_a_wrong_password_submits_nothing(
    mta: Postfix,
    virtual: Server,
    machine: Machine,
    program: Callable[[str], str],
    mechanism: str,
) -> None:
    status, said = swaks(
        *(program("swaks"), mta, machine.authority.file, "--from", ADA, "--to", CY),
        *("--auth", mechanism, "--auth-user", ADA, "--auth-password", "wrong"),
    )
    assert status != 0
    assert "535 5.7.8 Error: authentication failed" in said


@pytest.mark.parametrize("password", [PASSWORDS[CY], "wrong"])
def test_gsasl_authenticates_with_scram(
    mta: Postfix,
    virtual: Server,
    machine: Machine,
    program: Callable[[str], str],
    password: str,
) -> None:
    done = subprocess.run(
        [
            *(program("gsasl"), "--smtp", "--no-cb", "--mechanism=SCRAM-SHA-256"),
            *(f"--connect=127.0.0.1:{mta.ports['submission']}", f"--password={password}"),
            *(f"--authentication-id={CY}", "--authorization-id="),
            f"--x509-ca-file={machine.authority.file}",
        ],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=60,
    )
    right = password == PASSWORDS[CY]
    assert (done.returncode == 0) == right, done.stdout + done.stderr
    assert ("235 2.7.0 Authentication successful" in done.stdout) == right
    assert ("535 5.7.8 Error: authentication failed" in done.stdout) != right


def test_who_has_authenticated_may_send_anywhere(
    mta: Postfix, virtual: Server, machine: Machine
) -> None:
    with smtplib.SMTP("127.0.0.1", mta.ports["submission"], timeout=PATIENCE) as smtp:
        smtp.starttls(context=machine.authority.context())
        smtp.login(ADA, PASSWORDS[ADA])
        assert smtp.sendmail(ADA, [STRANGER], message("out")) == {}


def test_those_who_say_nothing_on_the_socket_keep_nobody_out(
    mta: Postfix, virtual: Server, machine: Machine
) -> None:
    """Postfix's own connection, which is idle after the first login, has to make room as well."""
    path = str(machine.top / "var/spool/postfix/maildird/auth")
    log_in(mta, machine)
    with ExitStack() as stack:
        for _ in range(MOST_CONNECTIONS):
            silent = stack.enter_context(socket.socket(socket.AF_UNIX))
            silent.settimeout(PATIENCE)
            silent.connect(path)
            assert silent.recv(1) == b"V"
        for _ in range(3):
            log_in(mta, machine)


def log_in(mta: Postfix, machine: Machine) -> None:
    with smtplib.SMTP("127.0.0.1", mta.ports["submission"], timeout=PATIENCE) as smtp:
        smtp.starttls(context=machine.authority.context())
        smtp.login(ADA, PASSWORDS[ADA])


@pytest.mark.parametrize("service", ["smtp", "submission"])
def test_nobody_else_may(mta: Postfix, virtual: Server, machine: Machine, service: str) -> None:
    with smtplib.SMTP("127.0.0.1", mta.ports[service], timeout=PATIENCE) as smtp:
        smtp.starttls(context=machine.authority.context())
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            smtp.sendmail(STRANGER, [STRANGER], message("through"))
    ((code, text),) = refused.value.recipients.values()
    assert code in (454, 554)
    assert b"denied" in text


def test_no_password_is_asked_for_without_tls(mta: Postfix, virtual: Server) -> None:
    with smtplib.SMTP("127.0.0.1", mta.ports["submission"], timeout=PATIENCE) as smtp:
        smtp.ehlo()
        assert "auth" not in smtp.esmtp_features
        assert smtp.docmd("AUTH", "PLAIN AGFkYQB4")[0] == 530


def test_where_mail_only_comes_in_no_password_is_asked_for(
    mta: Postfix, virtual: Server, machine: Machine
) -> None:
    with smtplib.SMTP("127.0.0.1", mta.ports["smtp"], timeout=PATIENCE) as smtp:
        smtp.starttls(context=machine.authority.context())
        smtp.ehlo()
        assert "auth" not in smtp.esmtp_features
