"""The socket file for other servers: whose it is, when it is there, what it replaces."""

import grp
import os
import socket
import stat
from pathlib import Path

import pytest

from maildird.server.auth_socket import auth_socket
from maildird.server.settings import Sasl
from maildird.terms.errors import SettingsError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "auth"


def connects(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except ConnectionRefusedError:
            return False
    return True


def test_there_is_none_without_a_setting() -> None:
    with auth_socket(Sasl()) as listening:
        assert listening is None


@pytest.mark.parametrize("mode", ["0660", "600", "0666"])
def test_the_socket_has_its_mode_and_group_and_goes_at_the_end(path: Path, mode: str) -> None:
    group = grp.getgrgid(os.getegid()).gr_name
    with auth_socket(Sasl(str(path), mode, group)) as listening:
        assert listening is not None
        found = path.stat()
        assert stat.S_ISSOCK(found.st_mode)
        assert stat.S_IMODE(found.st_mode) == int(mode, 8)
        assert found.st_gid == os.getegid()
        assert connects(path)
        assert os.listdir(path.parent) == [path.name]
    assert os.listdir(path.parent) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to any group")
def test_another_group_gets_the_socket(path: Path) -> None:
    other = next(each for each in grp.getgrall() if each.gr_gid != os.getegid())
    with auth_socket(Sasl(str(path), "0660", other.gr_name)):
        assert path.stat().st_gid == other.gr_gid


def test_what_a_killed_server_left_is_replaced(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
        left.listen()
    assert not connects(path)
    with auth_socket(Sasl(str(path))):
        assert connects(path)
    assert not path.exists()


def test_a_socket_that_somebody_answers_on_stays(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        with (
            pytest.raises(SettingsError, match="another program listens there"),
            auth_socket(Sasl(str(path))),
        ):
            pass
        assert connects(path)


def test_a_file_that_is_no_socket_stays(path: Path) -> None:
    path.write_text("precious")
    with (
        pytest.raises(SettingsError, match="there is something that is no socket"),
        auth_socket(Sasl(str(path))),
    ):
        pass
    assert path.read_text() == "precious"


def test_the_socket_of_a_successor_stays(path: Path) -> None:
    with auth_socket(Sasl(str(path))):
        path.unlink()
        successor = socket.socket(socket.AF_UNIX)
        successor.bind(str(path))
        successor.listen()
    with successor:
        assert connects(path)


def test_errors_say_what_is_wrong(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)  # an address has room for 107 octets
    long = path.parent / ("long" * 30)
    for sasl, complaint in (
        (Sasl("missing/auth"), "sasl.socket: there is no directory missing; make it, or name"),
        (Sasl(str(long)), f"can't listen on {long}: AF_UNIX path too long; see to it"),
        (Sasl(str(path), group="no-such"), "sasl.group: there is no group no-such; name one"),
    ):
        with pytest.raises(SettingsError) as error, auth_socket(sasl):
            pass
        assert complaint in str(error.value)
    assert os.listdir(path.parent) == []
