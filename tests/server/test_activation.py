"""Sockets that the service manager passes: real descriptors, in a real server process."""

import imaplib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from maildird.server.activation import passed_sockets
from tests.server.certificates import Authority

AS_MANAGER = """
import fcntl, os, sys
sockets, command = sys.argv[1].split(","), sys.argv[2:]
lifted = [fcntl.fcntl(int(each), fcntl.F_DUPFD_CLOEXEC, 100) for each in sockets]
for each in sockets:
    os.close(int(each))
for target, source in enumerate(lifted, 3):
    os.dup2(source, target)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(sockets))}
os.execv(command[0], command)
"""
"""What a service manager does between fork and exec: the sockets become descriptors 3, 4, …"""

SOCKET_ACTIVATE = shutil.which("systemd-socket-activate")

NO_SOCKET = (
    "can't listen on systemd:{port}: the service manager passed no socket with this port;"
    " start maildird.socket, and have it name the port in a ListenStream="
)


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    for subdir in ("cur", "new", "tmp"):
        (tmp_path / "Maildir" / subdir).mkdir(parents=True)
    file = tmp_path / "maildird.toml"
    file.write_text(
        f"""
        state_directory = "{tmp_path}/state"
        [[accounts]]
        name = "ada"
        password = "secret"
        location = "{tmp_path}/Maildir"
        """
    )
    return file


def listen_to(configuration: Path, *addresses: str) -> None:
    with configuration.open("a") as file:
        for address in addresses:
            file.write(f'[[listeners]]\naddress = "{address}"\n')


@contextmanager
def passing(configuration: Path, *sockets: socket.socket) -> Iterator["subprocess.Popen[str]"]:
    """`maildird serve` with these sockets; killed at the end where it still runs."""
    numbers = [each.fileno() for each in sockets]
    manager = [sys.executable, "-c", AS_MANAGER, ",".join(map(str, numbers))]
    server = [sys.executable, "-m", "maildird", "serve", "--config", str(configuration)]
    with subprocess.Popen(
        manager + server,
        pass_fds=numbers,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def ready_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def port_of(listening: socket.socket) -> int:
    port: int = listening.getsockname()[1]
    return port


def test_clients_are_served_on_the_sockets_that_were_passed(configuration: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as first,
        socket.create_server(("::1", 0), family=socket.AF_INET6) as second,
    ):
        ports = port_of(first), port_of(second)
        listen_to(configuration, *(f"systemd:{port}" for port in ports))
        with passing(configuration, first, second) as server:
            assert ready_line(server) == (
                f"maildird ready on imap://127.0.0.1:{ports[0]} imap://[::1]:{ports[1]}\n"
            )
            for host, port in zip(("127.0.0.1", "::1"), ports, strict=True):
                with imaplib.IMAP4(host, port, timeout=10) as client:
                    assert client.login("ada", "secret")[0] == "OK"


def test_a_client_that_came_before_the_server_is_served(configuration: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listen_to(configuration, f"systemd:{port_of(listening)}")
        with (
            socket.create_connection(listening.getsockname(), timeout=30) as client,
            passing(configuration, listening),
            client.makefile("rb") as answers,
        ):
            assert answers.readline().startswith(b"* OK ")


def test_ipv4_clients_of_a_socket_for_both_kinds_have_ipv4_addresses(configuration: Path) -> None:
    with socket.create_server(
        ("::ffff:127.0.0.1", 0), family=socket.AF_INET6, dualstack_ipv6=True
    ) as listening:
        listen_to(configuration, f"systemd:{port_of(listening)}")
        with passing(configuration, listening) as server:
            ready_line(server)
            with imaplib.IMAP4("127.0.0.1", port_of(listening), timeout=10) as client:
                assert client.login("ada", "secret")[0] == "OK"
            server.terminate()
            _, log = server.communicate(timeout=30)
    assert "INFO ada logged in from 127.0.0.1:" in log


@pytest.mark.skipif(SOCKET_ACTIVATE is None, reason="systemd is not installed")
def test_systemd_passes_sockets_on_when_the_first_client_comes(
    configuration: Path, tmp_path: Path
) -> None:
    """By systemd's own program, which listens, and becomes the server at the first connection."""
    assert SOCKET_ACTIVATE is not None
    ports = free_ports(2)
    authority = Authority(tmp_path)
    files = authority.issue("localhost", "127.0.0.1")
    with configuration.open("a") as file:
        file.write(
            f'[[certificates]]\ncertificate = "{files.certificate}"\nkey = "{files.key}"\n'
            f'[[listeners]]\naddress = "systemd:{ports[0]}"\n'
            f'[[listeners]]\naddress = "systemd:{ports[1]}"\ntls = "implicit"\n'
        )
    listen = [option for port in ports for option in ("--listen", f"127.0.0.1:{port}")]
    environment = f"--setenv=PYTHONPATH={os.environ.get('PYTHONPATH', '')}"
    activate = [SOCKET_ACTIVATE, *listen, "--fdname=imap:imaps", environment]
    server = [sys.executable, "-m", "maildird", "serve", "--config", str(configuration)]
    with subprocess.Popen(
        [*activate, *server], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            for port in ports:
                assert f"Listening on 127.0.0.1:{port}" in process.stderr.readline()
            with imaplib.IMAP4("127.0.0.1", ports[0], timeout=30) as client:
                assert client.login("ada", "secret")[0] == "OK"
            assert ready_line(process) == (
                f"maildird ready on imap://127.0.0.1:{ports[0]} imaps://127.0.0.1:{ports[1]}\n"
            )
            trusting = authority.context()
            with imaplib.IMAP4_SSL("127.0.0.1", ports[1], ssl_context=trusting) as client:
                assert client.login("ada", "secret")[0] == "OK"
            process.terminate()
            _, log = process.communicate(timeout=30)
            assert process.returncode == 0
            assert "WARNING" not in log
        finally:
            process.kill()


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        taken = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [port_of(each) for each in taken]


def test_a_socket_that_was_not_passed_is_explained(configuration: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listen_to(configuration, "systemd:993")
        with passing(configuration, listening) as server:
            _, log = server.communicate(timeout=30)
    assert server.returncode == 2
    assert log.endswith(f"maildird: {NO_SOCKET.format(port=993)}\n")


def test_a_socket_that_no_listener_takes_is_named_and_closed(configuration: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        socket.create_server(("127.0.0.1", 0)) as left,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as odd,
    ):
        unused = port_of(left)
        listen_to(configuration, f"systemd:{port_of(taken)}")
        with passing(configuration, taken, left, odd) as server:
            ready_line(server)
            left.close()
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", unused), timeout=10)
            server.terminate()
            _, log = server.communicate(timeout=30)
    assert f"WARNING 127.0.0.1 port {unused}: the service manager passed this socket" in log
    assert "WARNING file descriptor 5: the service manager passed this socket" in log


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"LISTEN_PID": "1", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "imap"},
        {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "many"},
    ],
)
def test_what_is_meant_for_another_process_is_left_alone(environment: dict[str, str]) -> None:
    passed = passed_sockets(environment)
    assert passed.take(143) == []
    assert environment == {}


def test_children_inherit_neither_sockets_nor_variables() -> None:
    """In a process of its own, since the descriptors have fixed numbers."""
    program = """
import os, socket
from maildird.server.activation import passed_sockets
from tests.server.certificates import Authority
listening = socket.create_server(("127.0.0.1", 0))
port = listening.getsockname()[1]
os.dup2(listening.detach(), 3)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "imap"}
(taken,) = passed_sockets(os.environ).take(port)
print(taken.fileno(), os.get_inheritable(3), os.get_blocking(3),
      [name for name in os.environ if name.startswith("LISTEN")])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "3 False False []\n"
