"""Who can log in: users of the configuration, of a passwd-file that changes, and both."""

import logging
import os
import time
from pathlib import Path

import pytest
import trio

from maildird.mailbox.settings import AccountSettings
from maildird.server import users as users_module
from maildird.server.locations import AccountTemplate
from maildird.server.password_making import make_password
from maildird.server.passwords import StoredPassword, plain_password, read_password
from maildird.server.scram_keys import SCRAM_ITERATIONS, make_scram_keys
from maildird.server.settings import Settings, User, UserSources
from maildird.server.users import Users
from maildird.terms.codes import Code
from maildird.terms.errors import Refused, SettingsError

ADA = User("ada", plain_password("pässword"), AccountSettings("ada", b"/m/ada", b"/s/ada"))
EVE = User("ève@example.org", plain_password("x"), AccountSettings("ève", b"/m/eve", b"/s/eve"))


class File:
    """A passwd-file, and users that come from it alone or from elsewhere, too."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._age = 1000
        self._template = AccountTemplate("/mail/{user}", f"{path}.state")

    def write(self, text: str) -> None:
        """Put other lines into the file, at a time of its own."""
        self._path.write_text(text, encoding="utf-8")
        self._age -= 10
        when = time.time() - self._age
        os.utime(self._path, (when, when))

    def users(self, *listed: User, template: AccountTemplate | None = None) -> Users:
        """Knows who is in the file now, and these."""
        sources = UserSources(template or self._template, str(self._path))
        return Users(Settings(listed, sources=sources))


@pytest.fixture
def file(tmp_path: Path) -> File:
    return File(tmp_path / "users")


async def names(users: Users, **passwords: str) -> list[str]:
    """Those of the names that can log in with these passwords."""
    return [
        user.name
        for name, password in passwords.items()
        if (user := await users.verify(name.encode(), password.encode())) is not None
    ]


@pytest.mark.parametrize(
    ("name", "password", "user"),
    [
        (b"ada", "pässword".encode(), ADA),
        ("ève@example.org".encode(), b"x", EVE),
        (b"ada", b"x", None),
        (b"ada", b"", None),
        (b"ADA", "pässword".encode(), None),
        (b"", b"", None),
        (b"bob", b"x", None),
        (b"\xff\x00", b"\xff", None),
    ],
)
async def test_only_the_right_pair_is_let_in(
    name: bytes, password: bytes, user: User | None
) -> None:
    assert await Users(Settings((ADA, EVE))).verify(name, password) is user


async def test_nobody_is_let_in_where_nobody_has_a_password() -> None:
    ada = User("ada", None, ADA.mail)
    users = Users(Settings((ada,)))
    assert await users.verify(b"ada", b"") is None
    assert await Users(Settings(())).verify(b"ada", b"") is None
    assert users.find("ada") is ada


async def test_those_of_the_file_are_let_in_beside_those_of_the_configuration(file: File) -> None:
    file.write(f"bob:{make_password(b'secret', 'BLF-CRYPT')}\nlocked:!\n")
    users = file.users(ADA)
    assert await names(users, ada="pässword", bob="secret", locked="!") == ["ada", "bob"]
    assert await names(users, ada="secret", bob="x") == []
    assert [user.name for user in users.everyone()] == ["ada", "bob", "locked"]


async def test_mail_is_where_the_line_says_or_else_where_the_configuration_says(file: File) -> None:
    file.write("ada:{PLAIN}x::::/home/ada::userdb_mail=maildir:~/Maildir:LAYOUT=fs\nbob:{PLAIN}x\n")
    ada, bob = file.users(
        template=AccountTemplate("/mail/{user}", "/state", "maildir++")
    ).everyone()
    assert (ada.mail.root, ada.mail.layout) == (b"/home/ada/Maildir", "fs")
    assert (bob.mail.root, bob.mail.layout) == (b"/mail/bob", "maildir++")
    assert ada.mail.state_directory == b"/state/ada"


async def test_who_comes_and_goes_in_the_file_counts_at_the_next_login(file: File) -> None:
    file.write("ada:{PLAIN}a\nbob:{PLAIN}b\n")
    users = file.users()
    file.write("bob:{PLAIN}new\ncy:{PLAIN}c\n")
    assert await names(users, ada="a", bob="b", cy="c") == ["cy"]
    assert await names(users, bob="new") == ["bob"]
    file.write("")
    assert await names(users, bob="new") == []


async def test_a_file_that_was_written_in_place_and_dated_back_is_read_again(
    tmp_path: Path,
) -> None:
    path = tmp_path / "users"
    path.write_text("ada:{PLAIN}a\n")
    users = Users(
        Settings((), sources=UserSources(AccountTemplate("/mail/{user}", "/state"), str(path)))
    )
    then = os.stat(path).st_mtime_ns
    path.write_text("ada:{PLAIN}b\n")
    os.utime(path, ns=(then, then))
    assert await names(users, ada="b") == ["ada"]


async def test_a_version_that_can_t_be_read_changes_nothing_and_is_logged_once(
    file: File, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.write("ada:{BLF-CRYPT}$2y$04$XQohSDwCSMW1LFKB4aTLyeul.42L3Cdr4YM7cF5Bb3uEjuAbRgHt2\n")
    users = file.users()
    (tmp_path / "users").unlink()
    for _ in range(2):
        assert await names(users, ada="pässword") == ["ada"]
    assert [record.message for record in caplog.records] == [
        f"{tmp_path}/users: No such file or directory; the users that were there stay"
    ]
    file.write("\x00\x01\x02\n/:\n")
    caplog.clear()
    for _ in range(2):
        assert await names(users, ada="pässword") == ["ada"]
    assert caplog.records[0].message == (
        f"{tmp_path}/users: no line can be used; the users that were there stay"
    )
    assert len(caplog.records) == 3


async def test_a_bad_line_is_logged_with_its_number_until_it_is_mended(
    file: File, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good = "bob:{BLF-CRYPT}$2y$04$XQohSDwCSMW1LFKB4aTLyeul.42L3Cdr4YM7cF5Bb3uEjuAbRgHt2\n"
    file.write(f"ada:{{XYZ}}x\n{good}")
    users = file.users()
    file.write(f"ada:{{XYZ}}x\n{good}#\n")
    assert await names(users, bob="pässword") == ["bob"]
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.message.startswith(f"{tmp_path}/users: line 1: ada: the scheme {{XYZ}} is not ")


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("ada:{PLAIN}x", "line 1: ada is in [[accounts]] already"),
        (
            "bob:{PLAIN}x::::::userdb_mail=maildir:/m/ada",
            "line 1: bob has the Maildir of ada: /m/ada",
        ),
        (
            "bob:{PLAIN}x::::",
            "line 1: bob needs a home directory, as {home} stands in the location",
        ),
        (
            "cy:!:12345:0::/home/cy",
            f"line 1: cy stands with uid 12345 and gid 0, but this server runs with uid"
            f" {os.geteuid()} and gid {os.getegid()} and uses these",
        ),
        (
            "dee:{PLAIN}x::::/home/dee",
            "1 of the passwords can be read by whoever reads the file; maildird user passwd stores",
        ),
    ],
)
async def test_what_is_wrong_with_a_user_is_logged(
    file: File, line: str, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    file.write(line)
    file.users(ADA, template=AccountTemplate("{home}/Maildir", "/state"))
    (record,) = caplog.records
    assert text in record.message


async def test_who_has_no_location_is_told_where_there_could_be_one(
    file: File, caplog: pytest.LogCaptureFixture
) -> None:
    file.write("ada:!\n")
    assert file.users(template=AccountTemplate(None, "/state")).everyone() == []
    (record,) = caplog.records
    assert record.message.endswith(
        "line 1: ada has no location; give it one, or set one for all in [mail] with {user} in it"
    )


def test_a_server_does_not_begin_without_the_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nowhere: No such file or directory; name a passwd"):
        Users(
            Settings(
                (),
                sources=UserSources(
                    AccountTemplate("/mail/{user}", "/state"), str(tmp_path / "nowhere")
                ),
            )
        )


class Counted:
    """Counts the comparisons with stored passwords, by the hash that is compared with."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hashes: list[str] = []
        matches = StoredPassword.matches

        def counting(stored: StoredPassword, password: bytes) -> bool:
            self.hashes.append(stored.hash)
            return matches(stored, password)

        monkeypatch.setattr(StoredPassword, "matches", counting)


async def test_a_name_that_nobody_has_costs_what_the_most_common_one_costs(
    file: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    costly, cheap = "$2y$05$LhsV5piXD1/czdc4SMZ8a.buVsX65fqLc3VC7bmHa6M6cl3SqCOxO", "$2y$04$"
    cheap += "XQohSDwCSMW1LFKB4aTLyeul.42L3Cdr4YM7cF5Bb3uEjuAbRgHt2"
    file.write(f"a:{cheap}\nb:{costly}\nc:{costly}\nd:!\n")
    users = file.users()
    counted = Counted(monkeypatch)
    for name in (b"nobody", b"d", b"\xff"):
        assert await users.verify(name, "pässword".encode()) is None
    assert counted.hashes == [costly] * 3
    file.write(f"a:{cheap}\n")
    assert await users.verify(b"nobody", "pässword".encode()) is None
    assert counted.hashes[3:] == [cheap]


async def test_a_few_passwords_are_compared_at_once_and_the_crowd_is_turned_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(users_module, "MOST_WAITING", 3)
    stored = read_password(make_password(b"secret", "BLF-CRYPT"), "CRYPT")
    users = Users(Settings((User("ada", stored, ADA.mail),)))
    outcomes: list[str] = []

    async def log_in() -> None:
        try:
            assert await users.verify(b"ada", b"secret") is not None
            outcomes.append("in")
        except Refused as refusal:
            outcomes.append(str(refusal.code))

    async with trio.open_nursery() as nursery:
        for _ in range(users_module.AT_ONCE + 5):
            nursery.start_soon(log_in)
    assert outcomes.count("in") == users_module.AT_ONCE + 3
    assert outcomes.count(str(Code.UNAVAILABLE)) == 2


async def test_scram_keys_are_the_stored_ones_or_made_of_the_password_itself(file: File) -> None:
    stored = make_password(b"secret", "SCRAM-SHA-256")
    file.write(f"ada:{stored}\nbob:{{PLAIN}}secret\n")
    users = file.users()
    ada, bob = users.scram_keys("ada"), users.scram_keys("bob")
    assert ada == read_password(stored, "CRYPT").scram_keys
    assert bob == make_scram_keys(b"secret", bob.salt, SCRAM_ITERATIONS)


async def test_there_are_scram_keys_as_soon_as_somebody_has_some(file: File) -> None:
    file.write(f"ada:{make_password(b'secret', 'BLF-CRYPT')}\n")
    users = file.users()
    assert not users.have_scram_keys
    for password in (make_password(b"secret", "SCRAM-SHA-256"), "{PLAIN}secret"):
        file.write(f"ada:{make_password(b'secret', 'BLF-CRYPT')}\nbob:{password}\n")
        await users.refresh()
        assert users.have_scram_keys
        file.write("ada:\n")
        await users.refresh()
        assert not users.have_scram_keys


async def test_who_has_no_scram_keys_gets_made_up_ones_each_time_the_same(file: File) -> None:
    file.write(f"ada:{make_password(b'secret', 'BLF-CRYPT')}\nbob:{{PLAIN}}secret\n")
    users = file.users()
    for name in ("ada", "nobody", "ève"):
        keys = users.scram_keys(name)
        assert keys == users.scram_keys(name)
        assert keys != make_scram_keys(b"secret", keys.salt, keys.iterations)
        assert (len(keys.salt), keys.iterations) == (16, SCRAM_ITERATIONS)
    salts = {users.scram_keys(name).salt for name in ("ada", "bob", "nobody")}
    assert len(salts) == 3


async def test_made_up_keys_outlast_the_server_and_are_others_elsewhere(
    file: File, tmp_path: Path
) -> None:
    file.write("ada:!\n")
    here, there = (AccountTemplate("/mail/{user}", f"{tmp_path}/{name}") for name in ("a", "b"))
    keys = file.users(template=here).scram_keys("nobody")
    assert file.users(template=here).scram_keys("nobody") == keys
    assert file.users(template=there).scram_keys("nobody") != keys
    assert (tmp_path / "a" / ".key").stat().st_mode & 0o7777 == 0o600
    assert os.listdir(tmp_path / "a") == [".key"]


async def test_without_a_place_for_the_key_it_lasts_as_long_as_the_server(
    file: File, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.write("ada:!\n")
    users = file.users(template=AccountTemplate("/mail/{user}", str(tmp_path / "users" / "x")))
    assert users.scram_keys("nobody") == users.scram_keys("nobody")
    (record,) = caplog.records
    assert record.message == f"no key can be kept in {tmp_path}/users/x: Not a directory"


async def test_of_many_bad_lines_a_few_are_logged(
    file: File, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.write("ada:!\n" + "".join(f"u{number}:x\n" for number in range(50)))
    file.users()
    assert len(caplog.records) == 21
    assert caplog.records[-1].message == f"{tmp_path}/users: 30 more are like these"
