"""The socket of a server that runs: there from the start to the end, with the users of now."""

import base64
import re
import signal
import socket
from pathlib import Path

from tests.cli.process import maildird, serving
from tests.server.tls_service import PATIENCE, Log

CONFIGURATION = """
[[listeners]]
address = "127.0.0.1:0"
[sasl]
socket = "{socket}"
mode = "{mode}"
[mail]
location = "{directory}/{{user}}"
[[accounts]]
name = "{name}"
password = "secret"
"""


class World:
    """A configuration, the Maildirs of ada and bob, and a client."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.configuration = directory / "maildird.toml"
        self.socket = directory / "auth"
        for user in ("ada", "bob"):
            for subdir in ("cur", "new", "tmp"):
                (directory / user / subdir).mkdir(parents=True)

    def configure(self, name: str, mode: str = "0600") -> None:
        self.configuration.write_text(
            CONFIGURATION.format(socket=self.socket, mode=mode, directory=self.directory, name=name)
        )

    def ask(self, name: str) -> bytes:
        """What is said of a name with the right password."""
        response = base64.b64encode(b"\0%b\0secret" % name.encode())
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE)
            client.connect(str(self.socket))
            client.sendall(b"VERSION\t1\t0\nCPID\t1\nAUTH\t1\tPLAIN\tresp=" + response + b"\n")
            with client.makefile("rb") as answers:
                return next(line for line in answers if re.match(rb"OK|FAIL", line))


def test_the_socket_is_there_as_long_as_the_server(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.configure("ada")
    with serving("--config", world.configuration, state=tmp_path / "state") as server:
        assert world.ask("ada") == b"OK\t1\tuser=ada\n"
        assert server.end() == 0
    assert not world.socket.exists()


def test_a_server_that_is_killed_is_no_hindrance_but_one_that_runs_is(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.configure("ada")
    arguments = ("--config", world.configuration)
    with serving(*arguments, state=tmp_path / "state") as server:
        server.end(signal.SIGKILL)
    assert world.socket.exists()
    with serving(*arguments, state=tmp_path / "state") as server:
        assert world.ask("ada") == b"OK\t1\tuser=ada\n"
        second = maildird("serve", *arguments, state=tmp_path / "other")
        assert second.returncode == 2
        assert second.stderr == (
            f"maildird: can't listen on {world.socket}: another program listens there; end it, or"
            " take another path\n"
        )
        assert world.ask("ada") == b"OK\t1\tuser=ada\n"
        assert server.end() == 0


def test_sighup_brings_new_users_but_no_other_socket(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.configure("ada")
    with serving("--config", world.configuration, state=tmp_path / "state") as server:
        log = Log(server)
        try:
            world.configure("bob", mode="0666")
            server.process.send_signal(signal.SIGHUP)
            log.wait_for("SIGHUP: sasl: what is new there takes effect with a restart")
            log.wait_for("SIGHUP: the settings were read again")
            assert world.ask("ada").startswith(b"FAIL\t1\t")
            assert world.ask("bob") == b"OK\t1\tuser=bob\n"
            assert world.socket.stat().st_mode & 0o777 == 0o600
            assert server.end() == 0
        finally:
            server.process.kill()
            log.end()
