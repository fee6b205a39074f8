"""Changes of a passwd-file keep everything else, and each other."""

import os
import threading
from pathlib import Path

import pytest

from maildird.server.passwd_editing import editing
from maildird.terms.errors import UsersUnchanged

BEFORE = (
    b"# those who log in\n\nada:{PLAIN}a:1000:1000::/home/ada::x y=z\r\n#bob:{PLAIN}b\n:broken\xff"
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "users"
    path.write_bytes(BEFORE)
    return path


def test_a_user_is_added_at_the_end(file: Path) -> None:
    with editing(str(file), create=False) as lines:
        lines.add("bob", "{PLAIN}b")
        lines.add("ève", "{PLAIN}e")
    assert file.read_bytes() == BEFORE + "\nbob:{PLAIN}b::::::\nève:{PLAIN}e::::::\n".encode()


def test_a_password_is_changed_and_nothing_else(file: Path) -> None:
    with editing(str(file), create=False) as lines:
        lines.set_password("ada", "{PLAIN}new")
    assert file.read_bytes() == BEFORE.replace(b"{PLAIN}a", b"{PLAIN}new")


def test_a_password_is_set_where_there_was_no_field_for_it(file: Path) -> None:
    file.write_bytes(b"ada\nbob:")
    with editing(str(file), create=False) as lines:
        lines.set_password("ada", "{PLAIN}a")
        lines.set_password("bob", "{PLAIN}b")
    assert file.read_bytes() == b"ada:{PLAIN}a\nbob:{PLAIN}b"


def test_all_lines_of_a_user_are_removed(file: Path) -> None:
    file.write_bytes(BEFORE + b"\nada:{PLAIN}again\n")
    with editing(str(file), create=False) as lines:
        lines.remove("ada")
    assert file.read_bytes() == b"# those who log in\n\n#bob:{PLAIN}b\n:broken\xff\n"


@pytest.mark.parametrize("change", ["set_password", "remove", "add"])
def test_what_can_t_be_changed_leaves_the_file_as_it_is(file: Path, change: str) -> None:
    before = os.stat(file)
    with (  # noqa: PT012
        pytest.raises(UsersUnchanged, match="users"),
        editing(str(file), create=False) as lines,
    ):
        match change:
            case "add":
                lines.add("ada", "{PLAIN}x")
            case "remove":
                lines.remove("bob")
            case _:
                lines.set_password("bob", "{PLAIN}x")
    assert os.path.samestat(before, os.stat(file))
    assert os.listdir(file.parent) == ["users"]


def test_mode_and_link_stay(file: Path, tmp_path: Path) -> None:
    file.chmod(0o604)
    link = tmp_path / "link"
    link.symlink_to("users")
    with editing(str(link), create=False) as lines:
        lines.remove("ada")
    assert link.is_symlink()
    assert file.stat().st_mode & 0o7777 == 0o604
    assert b"ada" not in file.read_bytes()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_the_owner_stays(file: Path) -> None:
    os.chown(file, 12345, 54321)
    with editing(str(file), create=False) as lines:
        lines.remove("ada")
    assert (file.stat().st_uid, file.stat().st_gid) == (12345, 54321)


def test_a_new_file_is_for_its_owner_and_the_group_of_the_directory(tmp_path: Path) -> None:
    path = tmp_path / "users"
    if os.geteuid() == 0:
        os.chown(tmp_path, -1, 54321)
    with editing(str(path), create=True) as lines:
        lines.add("ada", "{PLAIN}a")
    assert path.stat().st_mode & 0o7777 == 0o640
    assert path.stat().st_gid == tmp_path.stat().st_gid
    assert path.read_bytes() == b"ada:{PLAIN}a::::::\n"


def test_without_create_there_has_to_be_a_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), editing(str(tmp_path / "users"), create=False):
        pass


def test_changes_at_once_are_all_kept(tmp_path: Path) -> None:
    path = str(tmp_path / "users")
    together = threading.Barrier(16)

    def add(number: int) -> None:
        together.wait()
        with editing(path, create=True) as lines:
            lines.add(f"user{number}", "{PLAIN}x")

    threads = [threading.Thread(target=add, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = {line.partition(":")[0] for line in Path(path).read_text().splitlines()}
    assert names == {f"user{number}" for number in range(16)}
    assert os.listdir(tmp_path) == ["users"]


def test_names_are_lowered_and_found_in_any_case(tmp_path: Path) -> None:
    path = tmp_path / "users"
    path.write_bytes(b"Bob:x:1\n")
    with editing(str(path), create=False) as lines:
        lines.add("Ada", "{PLAIN}a")
        lines.set_password("bOB", "{PLAIN}b")
        with pytest.raises(UsersUnchanged, match=r"BOB stands in .* already"):
            lines.add("BOB", "{PLAIN}b")
    assert path.read_bytes() == b"Bob:{PLAIN}b:1\nada:{PLAIN}a::::::\n"


def test_a_byte_order_mark_stays_and_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    path = tmp_path / "users"
    path.write_bytes(b"\xef\xbb\xbfada:x:1\n")
    with editing(str(path), create=False) as lines:
        lines.set_password("ada", "{PLAIN}a")
    assert path.read_bytes() == b"\xef\xbb\xbfada:{PLAIN}a:1\n"
