"""Metrics, as a collector reads them from a server that runs as a process of its own."""

import http.client
import imaplib
import re
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from maildird.server.metrics_endpoint import MOST_CLIENTS
from tests.cli.process import Server, maildird, serving
from tests.cli.test_status import idle, make_maildir, wait_for

USER = '[[accounts]]\nname = "ada"\npassword = "correct horse"\n'


@dataclass
class Measured:
    """A server that tells its metrics."""

    server: Server
    port: int

    def get(self, path: str = "/metrics", method: str = "GET") -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path)
        return connection.getresponse()

    def samples(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """All samples of a page, which a parser of Prometheus' own can read."""
        page = self.get().read().decode("utf-8")
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(page)
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float | None:
        return self.samples().get((f"maildird_{name}", frozenset(labels.items())))


@pytest.fixture
def measured(tmp_path: Path) -> Iterator[Measured]:
    make_maildir(tmp_path / "ada", messages=3)
    with serving("--config", configuration(tmp_path), state=tmp_path / "state") as server:
        assert server.process.stderr is not None
        line = server.process.stderr.readline()
        found = re.fullmatch(r"INFO metrics are at http://127\.0\.0\.1:(\d+)/metrics\n", line)
        assert found is not None, line
        yield Measured(server, int(found[1]))


def configuration(tmp_path: Path, metrics: str = "127.0.0.1:0") -> Path:
    file = tmp_path / "maildird.toml"
    file.write_text(
        f'metrics = "{metrics}"\n[mail]\nlocation = "{tmp_path}/{{user}}"\n'
        f'[limits]\nconnections_per_address = 3\n[[listeners]]\naddress = "127.0.0.1:0"\n{USER}'
    )
    return file


def logged_in(server: Server) -> imaplib.IMAP4:
    client = imaplib.IMAP4(server.host, server.port, timeout=10)
    client.login("ada", "correct horse")
    return client


def test_what_clients_do_is_counted(measured: Measured) -> None:
    value = measured.value
    with logged_in(measured.server) as client:
        client.select()
        client.fetch("1:*", "(FLAGS)")
        client.fetch("1:*", "(FLAGS)")
        wait_for(lambda: value("account_sessions", account="ada") == 1)
        assert value("connections") == value("connections_admitted_total") == 1
        assert value("logins_total", mechanism="LOGIN", result="ok") == 1
        assert value("command_seconds_count", command="FETCH") == 2
        assert value("command_seconds_bucket", command="FETCH", le="+Inf") == 2
        assert 0 < (value("command_seconds_sum", command="FETCH") or 0) < 60
        assert value("command_seconds_count", command="STORE") is None
        assert (value("sent_bytes_total") or 0) > (value("received_bytes_total") or 0) > 0
        with idle(measured.server):
            wait_for(lambda: value("account_idling", account="ada") == 1)
    wait_for(lambda: value("connections") == 0)
    assert value("connections_admitted_total") == 2


def test_failures_and_refusals_are_counted(measured: Measured) -> None:
    with imaplib.IMAP4(measured.server.host, measured.server.port, timeout=10) as client:
        with pytest.raises(imaplib.IMAP4.error):
            client.login("ada", "wrong")
        client.authenticate("PLAIN", lambda _: b"\0ada\0correct horse")
    assert measured.value("logins_total", mechanism="LOGIN", result="failed") == 1
    assert measured.value("logins_total", mechanism="PLAIN", result="ok") == 1
    wait_for(lambda: measured.value("connections") == 0)
    taken = [
        socket.create_connection((measured.server.host, measured.server.port), 10) for _ in "1234"
    ]
    assert sorted(each.recv(100)[:6] for each in taken) == [b"* BYE ", *3 * [b"* OK ["]]
    assert measured.value("connections") == 3
    assert measured.value("connections_refused_total", limit="connections_per_address") == 1
    for connection in taken:
        connection.close()


def test_accounts_and_the_process_are_told(measured: Measured, tmp_path: Path) -> None:
    def of_ada(name: str) -> float:
        return measured.value(f"account_{name}", account="ada") or 0

    wait_for(lambda: of_ada("messages") == 3)
    wait_for(lambda: of_ada("prepared_messages") == of_ada("messages_to_prepare"))
    assert of_ada("mailboxes") == 2
    assert measured.value("account_monitor", account="ada", kind="inotify") == 1
    before = {name: of_ada(name) for name in ("events_total", "turns_total", "observations_total")}
    (tmp_path / "ada" / "new" / "1800000000.M1P1.host").write_bytes(b"Subject: x\n\nx")
    wait_for(lambda: of_ada("messages") == 4)
    assert all(of_ada(name) > count for name, count in before.items())
    assert of_ada("turn_seconds_total") > 0
    assert of_ada("index_bytes") > 4096
    names = {name for name, _labels in measured.samples()}
    assert {"process_resident_memory_bytes", "process_cpu_seconds_total"} <= names


def test_no_client_makes_labels(measured: Measured) -> None:
    with logged_in(measured.server) as client:
        before = {name_and_labels[1] for name_and_labels in measured.samples()}
        client.xatom("ID", '("name" "sneaky")')
        for word in (b"x SNEAKY", b"y UID SNEAKY", b'z SELECT "sneaky"', b"w STORE sneaky"):
            client.send(word + b"\r\n")
            assert b"sneaky" not in client.readline().lower().partition(b" ")[0]
        new = {labels for _name, labels in measured.samples()} - before
    assert {dict(labels).get("command", "none") for labels in new} <= {"ID", "SELECT"}


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/metrics?name[]=x", "GET", 200),
        ("/metrics", "HEAD", 200),
        ("/metrics", "POST", 405),
        ("/", "GET", 404),
        ("/metrics/../etc/passwd", "GET", 404),
    ],
)
def test_requests_get_their_status(measured: Measured, path: str, method: str, status: int) -> None:
    response = measured.get(path, method)
    body = response.read()
    assert response.status == status
    assert response.headers["Connection"] == "close"
    assert bool(body) == (method != "HEAD")


@pytest.mark.parametrize(
    "octets", [b"\x16\x03\x01" * 9 + b"\r\n\r\n", b"GET /metrics\r\n\r\n", b"x" * 9000]
)
def test_what_is_no_request_is_told_so(measured: Measured, octets: bytes) -> None:
    with socket.create_connection(("127.0.0.1", measured.port), 10) as client:
        client.sendall(octets)
        assert client.recv(100).startswith(b"HTTP/1.1 400 ")
    assert measured.get().status == 200


def test_many_who_say_nothing_keep_nobody_out(measured: Measured) -> None:
    silent = [socket.create_connection(("127.0.0.1", measured.port), 10) for _ in range(40)]
    wait_for(lambda: len(select.select(silent, [], [], 0)[0]) == 40 - MOST_CLIENTS)
    with logged_in(measured.server) as client:
        assert client.select() == ("OK", [b"3"])
    for _ in range(MOST_CLIENTS):
        assert measured.get().status == 200
    for connection in silent:
        connection.close()
    assert measured.server.end() == 0


def test_an_address_that_is_taken_is_an_error(tmp_path: Path) -> None:
    make_maildir(tmp_path / "ada")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        file = configuration(tmp_path, f"127.0.0.1:{port}")
        run = maildird("serve", "--config", file, state=tmp_path / "state")
    assert run.returncode == 2
    assert f"can't listen on 127.0.0.1:{port}: Address already in use" in run.stderr


def test_addresses_of_other_machines_are_warned_of(tmp_path: Path) -> None:
    make_maildir(tmp_path / "ada")
    file = configuration(tmp_path, "0.0.0.0:0")
    with serving("--config", file, state=tmp_path / "state") as server:
        assert server.end() == 0
        assert server.process.stderr is not None
        log = server.process.stderr.read()
    assert re.search(r"^WARNING 0\.0\.0\.0:\d+: other machines can read metrics there$", log, re.M)


def test_the_library_is_loaded_by_nobody_who_needs_none_of_it() -> None:
    code = "import sys, maildird.server.daemon; sys.exit('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
