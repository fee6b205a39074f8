"""`maildird status` asks a server that runs as a process of its own."""

import imaplib
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from maildird import __version__
from tests.cli.process import PASSWORD, Server, maildird, serving
from tests.server.tls_service import Talk, tls_service

SERVE = ("--listen", "127.0.0.1:0", "--user", "ada")
PATIENCE = 30.0

POLLING = ("unshare", "-Ur", "sh", "-c", 'echo 0 > "$0" && exec "$@"')
"""Runs a command in a user namespace of its own, in which nobody may have inotify."""
INSTANCES = "/proc/sys/user/max_inotify_instances"

UNPRIVILEGED = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")
"""Runs a command that has to heed the permissions of files, also as root."""


def make_maildir(root: Path, messages: int = 2) -> Path:
    """A Maildir with an INBOX that has messages and a folder that has none."""
    for folder in (root, root / ".Sent"):
        for subdir in ("cur", "new", "tmp"):
            (folder / subdir).mkdir(parents=True)
    for number in range(messages):
        (root / "new" / f"170000000{number}.M1P1.host").write_bytes(b"Subject: one\n\nOne.\n")
    return root


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    return make_maildir(tmp_path / "Maildir")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def report_on(maildir: Path, state: Path) -> dict[str, Any]:
    """What `maildird status --json` says of a tree that is served."""
    answer: dict[str, Any] = json.loads(maildird("status", maildir, "--json", state=state).stdout)
    return answer


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never came"


def socket_of(state: Path) -> Path:
    """The status socket of the only account below a state directory."""
    (account,) = (state / "maildird").iterdir()
    return account / "status"


def idle(server: Server) -> socket.socket:
    """A client that idles on INBOX."""
    client = socket.create_connection((server.host, server.port), 10)
    client.sendall(f'a LOGIN ada "{PASSWORD}"\r\nb SELECT INBOX\r\nc IDLE\r\n'.encode())
    received = b""
    while b"+ idling" not in received:
        received += client.recv(65536)
    return client


def test_an_account_is_shown_to_people(maildir: Path, state: Path) -> None:
    with serving(maildir, *SERVE, state=state) as server:
        wait_for(lambda: report_on(maildir, state)["account"]["messages"] == 2)
        shown = maildird("status", maildir, state=state)
    assert (shown.returncode, shown.stderr) == (0, "")
    lines = shown.stdout.splitlines()
    assert lines[0] == "ada: available"
    assert lines[1] == f"  Maildir   {maildir}"
    assert "  mail      2 messages in 2 folders" in lines
    assert "  sessions  0, 0 idling" in lines
    assert any(
        re.match(r"  served    since [\d-]{10} [\d:]{8}, \d+ seconds? ago$", s) for s in lines
    )
    assert lines[-1].startswith(
        f"  by        maildird {__version__}, process {server.process.pid}, "
    )
    assert "\x1b" not in shown.stdout


def test_an_account_is_reported_to_programs(maildir: Path, state: Path) -> None:
    began = time.time()
    with serving(maildir, *SERVE, state=state) as server:
        with (
            imaplib.IMAP4(server.host, server.port, timeout=10) as client,
            idle(server),
        ):
            client.login("ada", PASSWORD)
            report = report_on(maildir, state)
            assert sorted(session["idling"] for session in report["sessions"]) == [False, True]
        wait_for(lambda: report_on(maildir, state)["sessions"] == [])
        report = report_on(maildir, state)
    account = report["account"]
    assert report["version"] == __version__
    assert report["process"] == server.process.pid
    assert report["memory"] > 1 << 20
    assert account["name"] == "ada"
    assert account["root"] == str(maildir)
    assert began <= account["since"] <= time.time()
    assert (account["folders"], account["messages"]) == (2, 2)
    assert account["index_size"] > 0
    assert account["troubles"] == []
    assert account["monitor"]["restarts"] == 0


def test_sessions_are_shown_with_what_the_client_says(maildir: Path, state: Path) -> None:
    with (
        serving(maildir, *SERVE, state=state) as server,
        idle(server) as other,
        imaplib.IMAP4(server.host, server.port, timeout=10) as client,
    ):
        client.login("ada", PASSWORD)
        client.xatom("ID", '("version" "2.2\x1b[1m" "NAME" "mutt")')
        asked = time.time()
        address = "{}:{}".format(*other.getsockname())
        first, second = report_on(maildir, state)["sessions"]
        shown = maildird("status", maildir, state=state).stdout.splitlines()
        client.select("Sent")
        assert report_on(maildir, state)["sessions"][1]["mailbox"] == "Sent"
        client.close()
        assert report_on(maildir, state)["sessions"][1]["mailbox"] is None
    assert first["address"] == address
    assert first == first | {"mailbox": "INBOX", "idling": True, "tls": None, "client": None}
    assert second == second | {"mailbox": None, "idling": False, "client": "mutt 2.2\x1b[1m"}
    assert asked - 60 < first["since"] <= second["since"] <= asked
    assert shown[-3].split() == ["client", "address", "TLS", "since", "mailbox"]
    assert shown[-2].split()[:2] == ["unnamed", first["address"]]
    assert shown[-2].endswith("  INBOX, idling")
    assert shown[-1].startswith(f"mutt 2.2?[1m  {second['address']}  none  ")
    assert shown[-1].endswith("  no mailbox")


def test_tls_and_the_client_behind_a_proxy_are_shown(tmp_path: Path) -> None:
    """A client names itself before login, and again with TLS, for what came before is forgotten."""
    with tls_service(tmp_path) as service, ExitStack() as talks:
        for number, name in enumerate((None, b"Alpine")):
            talk = talks.enter_context(Talk(service.proxied))
            talk.say(b"PROXY TCP4 192.0.2.%d 192.0.2.9 5000 143\r\n" % number)
            talk.hear()
            talk.ask(b'a ID ("name" "injected")')
            talk.ask(b"b STARTTLS")
            talk.encrypt(service.authority.context())
            if name is not None:
                talk.ask(b'c ID ("name" "%s" "version" NIL "os" "Linux")' % name)
            assert talk.ask(b"d LOGIN ada secret")[-1].startswith(b"d OK ")
        arguments = ("status", "--config", service.configuration, "--json")
        report = json.loads(maildird(*arguments, state=tmp_path / "state").stdout)
        line = service.log.wait_for(r"ada logged in from 192\.0\.2\.1:5000")
    shown = [(each["address"], each["client"], each["tls"]) for each in report["sessions"]]
    assert shown == [
        ("192.0.2.0:5000", None, "TLSv1.3"),
        ("192.0.2.1:5000", "Alpine", "TLSv1.3"),
    ]
    assert line.endswith(" with LOGIN, TLSv1.3\n")


def test_many_sessions_are_counted_and_shown_when_asked_for(maildir: Path, state: Path) -> None:
    with serving(maildir, *SERVE, state=state) as server, ExitStack() as clients:
        for _ in range(13):
            clients.enter_context(idle(server))
        few = maildird("status", maildir, state=state).stdout.splitlines()
        every = maildird("status", maildir, "--sessions", state=state).stdout.splitlines()
    assert few[-1] == "13 sessions; --sessions shows them"
    assert [line.endswith("INBOX, idling") for line in every[-14:]] == [False] + 13 * [True]


def test_no_server_is_told_in_one_line(maildir: Path, state: Path) -> None:
    shown = maildird("status", maildir, state=state)
    assert (shown.returncode, shown.stdout) == (1, "")
    assert re.fullmatch(
        rf"maildird: no server answers in the state directory {state}/maildird/Maildir-\w+;"
        r" is it running\?\n",
        shown.stderr,
    )


def test_the_tree_need_not_be_there_to_ask(tmp_path: Path, state: Path) -> None:
    shown = maildird("status", tmp_path / "unmounted", "--json", state=state)
    assert (shown.returncode, shown.stdout) == (1, "")
    assert shown.stderr.startswith("maildird: no server answers ")


def test_the_socket_is_private_and_goes_with_the_server(maildir: Path, state: Path) -> None:
    with serving(maildir, *SERVE, state=state) as server:
        mode = socket_of(state).stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600
        assert server.end() == 0
    assert not socket_of(state).exists()


def test_what_a_killed_server_left_behind_is_replaced(maildir: Path, state: Path) -> None:
    with serving(maildir, *SERVE, state=state) as server:
        server.end(signal.SIGKILL)
    assert socket_of(state).exists()
    assert maildird("status", maildir, state=state).returncode == 1
    with serving(maildir, *SERVE, state=state) as server:
        assert report_on(maildir, state)["process"] == server.process.pid


def test_a_state_directory_may_lie_deep(maildir: Path, tmp_path: Path) -> None:
    state = tmp_path / ("d" * 120)
    with serving(maildir, *SERVE, state=state) as server:
        assert report_on(maildir, state)["process"] == server.process.pid
        assert server.end() == 0
    assert not socket_of(state).exists()


def test_who_asks_and_never_reads_delays_nobody(
    maildir: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(maildir, *SERVE, state=state) as server, ExitStack() as silent:
        monkeypatch.chdir(socket_of(state).parent)
        for _ in range(20):
            silent.enter_context(socket.socket(socket.AF_UNIX)).connect("status")
        with socket.socket(socket.AF_UNIX) as hasty:
            hasty.connect("status")
        assert report_on(maildir, state)["process"] == server.process.pid
        assert server.end() == 0
        assert server.process.stderr is not None
        assert "ERROR" not in server.process.stderr.read()


def test_without_a_socket_the_account_is_served_all_the_same(maildir: Path, state: Path) -> None:
    with serving(maildir, *SERVE, state=state) as server:
        assert server.end() == 0
    (socket_of(state) / "in the way").mkdir(parents=True)
    with serving(maildir, *SERVE, state=state) as server:
        with imaplib.IMAP4(server.host, server.port, timeout=10) as client:
            assert client.login("ada", PASSWORD)[0] == "OK"
        assert maildird("status", maildir, state=state).returncode == 1
        assert server.end() == 0
        assert server.process.stderr is not None
        log = server.process.stderr.read()
    assert f"WARNING maildird status will get no answer: {socket_of(state)}: " in log


@pytest.mark.skipif(
    subprocess.run([*POLLING, INSTANCES, "true"], capture_output=True, check=False).returncode != 0,
    reason="user namespaces are not to be had here",
)
def test_polling_is_said_and_why(maildir: Path, state: Path) -> None:
    with serving(maildir, *SERVE, state=state, within=(*POLLING, INSTANCES)) as server:
        monitor = report_on(maildir, state)["account"]["monitor"]
        shown = maildird("status", maildir, state=state)
        assert server.end() == 0
    assert monitor["kind"] == "polling"
    assert "inotify can't be had (Too many open files)" in monitor["trouble"]
    assert "  changes   noticed within seconds (polling); inotify can't be had" in shown.stdout
    assert shown.returncode == 0


def test_a_tree_that_is_not_there_is_trouble_until_it_is_back(maildir: Path, state: Path) -> None:
    def status() -> int:
        return maildird("status", maildir, state=state).returncode

    with serving(maildir, *SERVE, state=state):
        assert status() == 0
        before = time.time()
        maildir.rename(maildir.with_name("unmounted"))
        wait_for(lambda: status() == 3)
        (trouble,) = report_on(maildir, state)["account"]["troubles"]
        assert trouble["what"].startswith(f"{maildir} can't be read (No such file or directory)")
        assert before <= trouble["since"] <= time.time()
        shown = maildird("status", maildir, state=state).stdout
        assert shown.startswith("ada: unavailable\n")
        assert f"  trouble   {trouble['what']} (since " in shown
        maildir.with_name("unmounted").rename(maildir)
        wait_for(lambda: status() == 0)
        assert report_on(maildir, state)["account"]["troubles"] == []


def test_a_folder_that_can_t_be_read_is_trouble(maildir: Path, state: Path) -> None:
    bound = UNPRIVILEGED if os.getuid() == 0 else ()
    with serving(maildir, *SERVE, state=state, within=bound) as server:
        wait_for(lambda: report_on(maildir, state)["account"]["messages"] == 2)
        (maildir / ".Sent").chmod(0)
        wait_for(lambda: maildird("status", maildir, state=state).returncode == 3)
        (trouble,) = report_on(maildir, state)["account"]["troubles"]
        assert f"{maildir}/.Sent" in trouble["what"]
        (maildir / ".Sent").chmod(0o700)
        wait_for(lambda: maildird("status", maildir, state=state).returncode == 0)
        assert server.end() == 0
        assert server.process.stderr is not None
        log = server.process.stderr.read().splitlines()
    assert log[:-1] == [f"WARNING {trouble['what']}", f"INFO this is over: {trouble['what']}"]


def configuration_of(tmp_path: Path, *names: str) -> Path:
    """A configuration file with an account for each name."""
    file = tmp_path / "maildird.toml"
    accounts = "".join(f'[[accounts]]\nname = "{name}"\npassword = "x"\n' for name in names)
    file.write_text(
        f'[mail]\nlocation = "{tmp_path}/{{user}}"\n[[listeners]]\naddress = "127.0.0.1:0"\n'
        + accounts
    )
    return file


def test_several_accounts_have_a_row_each(tmp_path: Path, state: Path) -> None:
    make_maildir(tmp_path / "ada", messages=3)
    make_maildir(tmp_path / "bob")
    (tmp_path / "carl").write_text("in the way")
    configuration = configuration_of(tmp_path, "ada", "bob", "carl")
    arguments = ("status", "--config", configuration)

    def rows() -> list[list[str]]:
        lines = maildird(*arguments, state=state).stdout.splitlines()
        return [line.split()[:5] for line in lines]

    with serving("--config", configuration, state=state) as server:
        wait_for(lambda: rows()[1][2:3] == ["3"] and rows()[2][2:3] == ["2"])
        assert rows()[:4] == [
            ["account", "mail", "messages", "folders", "sessions"],
            ["ada", "available", "3", "2", "0"],
            ["bob", "available", "2", "2", "0"],
            ["carl", "not", "served"],
        ]
        people = maildird(*arguments, state=state)
        programs = maildird(*arguments, "--json", state=state)
    assert people.stdout.splitlines()[4].startswith(f"maildird {__version__}, process ")
    reports = [json.loads(line) for line in programs.stdout.splitlines()]
    assert [report["account"]["name"] for report in reports] == ["ada", "bob"]
    assert {report["process"] for report in reports} == {server.process.pid}
    for run in (people, programs):
        assert run.returncode == 1
        assert run.stderr == (
            f"maildird: no server answers in the state directory {state}/maildird/carl;"
            " is it running?\n"
        )


def test_names_can_t_command_the_terminal(tmp_path: Path, state: Path) -> None:
    maildir = make_maildir(tmp_path / "\x1b[31m\udcff[bold]:smile:")
    with serving(maildir, *SERVE, state=state):
        shown = maildird("status", maildir, state=state)
    assert shown.returncode == 0
    assert f"  Maildir   {tmp_path}/?[31m?[bold]:smile:\n" in shown.stdout


@pytest.mark.parametrize("columns", [40, 80])
def test_it_fits_the_terminal(tmp_path: Path, state: Path, columns: int) -> None:
    for name in ("ada", "bob"):
        make_maildir(tmp_path / name)
    configuration = configuration_of(tmp_path, "ada", "bob")
    with serving("--config", configuration, state=state):
        shown = on_terminal(("status", "--config", str(configuration)), state, columns)
    assert "\x1b[32mavailable" in shown
    lines = re.sub(r"\x1b\[[\d;]*m", "", shown).splitlines()
    assert max(map(len, lines)) <= columns
    assert any(line.split()[:2] in (["ada", "available"], ["ada:", "available"]) for line in lines)


def on_terminal(arguments: tuple[str, ...], state: Path, columns: int) -> str:
    """What a command prints on a terminal of so many columns."""
    ours, theirs = os.openpty()
    environment = {
        **os.environ,
        "XDG_STATE_HOME": str(state),
        "COLUMNS": str(columns),
        "TERM": "xterm",
    }
    environment.pop("NO_COLOR", None)
    with subprocess.Popen(
        [sys.executable, "-m", "maildird", *arguments], env=environment, stdout=theirs
    ) as process:
        os.close(theirs)
        shown = b""
        while process.poll() is None or shown == b"":
            try:
                shown += os.read(ours, 65536)
            except OSError:  # the other side is closed
                break
    os.close(ours)
    return shown.decode()


@pytest.mark.parametrize(
    ("module", "unneeded"),
    [
        ("cli.main", "rich"),
        ("cli.serve", "trio rich"),
        ("server.daemon", "rich OpenSSL cryptography argon2 bcrypt passlib prometheus_client pam"),
    ],
)
def test_what_few_need_is_not_loaded_for_all(module: str, unneeded: str) -> None:
    code = f"import sys, maildird.{module}; print(set(sys.modules) & set('{unneeded}'.split()))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "set()\n"
