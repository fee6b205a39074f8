"""Who can log in: users of the configuration, of a passwd-file that changes, and both."""

import hashlib
import logging
import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from maildird.mailbox.settings import AccountSettings
from maildird.server import users as users_module
from maildird.server.locations import AccountTemplate
from maildird.server.password_making import make_password
from maildird.server.passwords import StoredPassword, plain_password, read_password
from maildird.server.scram_keys import (
    SCRAM_ITERATIONS,
    ScramKeys,
    ScramSalt,
    make_scram_keys,
    write_scram_keys,
)
from maildird.server.settings import Settings, User, UserSources
from maildird.server.user_file import SETTLED
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
        """Have another file in its place, of a time of its own."""
        new = self._path.with_name("new")
        new.write_text(text, encoding="utf-8")
        self._age -= 10
        when = time.time() - self._age
        os.utime(new, (when, when))
        new.rename(self._path)

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
        (b"ADA", "pässword".encode(), ADA),
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
    file.write("cy:{PLAIN}c\n")
    assert await names(users, bob="new") == []


HASHED = "{BLF-CRYPT}$2y$04$XQohSDwCSMW1LFKB4aTLyeul.42L3Cdr4YM7cF5Bb3uEjuAbRgHt2"
"""Of `pässword`."""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty now"),
        ("eve:{PLAIN}e\nada:{PLA", "its last line has no end"),
        ("eve:{PLAIN}e\n", "it was written at this moment"),
    ],
)
async def test_what_is_written_in_place_counts_when_it_has_stayed_so(
    tmp_path: Path,
    autojump_clock: MockClock,
    caplog: pytest.LogCaptureFixture,
    text: str,
    reason: str,
) -> None:
    path = tmp_path / "users"
    path.write_text(f"ada:{HASHED}\n")
    template = AccountTemplate("/mail/{user}", str(tmp_path / "state"))
    users = Users(Settings((), sources=UserSources(template, str(path))))
    path.write_text(text)
    for _ in range(2):
        assert await names(users, ada="pässword", eve="e") == ["ada"]
    assert caplog.messages == [
        f"{path}: {reason}; it is looked at again, and the users that were there stay until then"
    ]
    path.write_text("bob:{PLAIN}b\n")
    assert await names(users, ada="pässword", bob="b") == ["ada"]
    await trio.sleep(SETTLED)
    assert await names(users, ada="pässword", bob="b") == ["bob"]
    path.write_text(text)
    assert await names(users, bob="b", eve="e") == ["bob"]
    await trio.sleep(SETTLED)
    assert await names(users, bob="b", eve="e") == (["eve"] if text else [])


async def test_what_may_be_half_written_does_not_count_with_new_settings_either(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    path = tmp_path / "users"
    path.write_text(f"ada:{HASHED}\n")
    sources = UserSources(AccountTemplate("/mail/{user}", str(tmp_path / "state")), str(path))
    before = Users(Settings((), sources=sources))
    path.write_text("bob:{PLAIN}b\n")
    users = Users(Settings((), sources=sources), before=before)
    assert await names(users, ada="pässword", bob="b") == ["ada"]
    await trio.sleep(SETTLED)
    assert await names(users, ada="pässword", bob="b") == ["bob"]
    elsewhere = tmp_path / "others"
    elsewhere.write_text("cy:{PLAIN}c\n")
    other = Users(Settings((), sources=replace(sources, file=str(elsewhere))), before=users)
    assert await names(other, bob="b", cy="c") == ["cy"]


async def test_a_file_that_was_written_in_place_and_dated_back_is_read_again(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    path = tmp_path / "users"
    path.write_text(f"ada:{HASHED}\n")
    template = AccountTemplate("/mail/{user}", str(tmp_path / "state"))
    users = Users(Settings((), sources=UserSources(template, str(path))))
    then = os.stat(path).st_mtime_ns
    path.write_text("bob:{PLAIN}b\n")
    os.utime(path, ns=(then, then))
    assert await names(users, ada="pässword", bob="b") == ["ada"]
    await trio.sleep(SETTLED)
    assert await names(users, ada="pässword", bob="b") == ["bob"]


async def test_a_version_that_can_t_be_read_changes_nothing_and_is_logged_once(
    file: File, tmp_path: Path, caplog: pytest.LogCaptureFixture, autojump_clock: MockClock
) -> None:
    file.write(f"ada:{HASHED}\n")
    users = file.users()
    (tmp_path / "users").unlink()
    for _ in range(2):
        assert await names(users, ada="pässword") == ["ada"]
    assert [record.message for record in caplog.records] == [
        f"{tmp_path}/users: No such file or directory; the users that were there stay"
    ]
    file.write("\x00\x01\x02\n/:\n")
    assert await names(users, ada="pässword") == ["ada"]
    await trio.sleep(SETTLED)
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
        ("Ada:{PLAIN}x", "line 1: ada is in [[accounts]] already"),
        (
            "bob:{PLAIN}x::::::userdb_mail=maildir:/m/ada",
            "line 1: bob has the Maildir of ada: /m/ada",
        ),
        (
            "bob:{PLAIN}x::::::userdb_mail=maildir:/m/ada/bob",
            "line 1: bob has a Maildir in that of ada: /m/ada/bob",
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


CHEAP = "$2y$04$XQohSDwCSMW1LFKB4aTLyeul.42L3Cdr4YM7cF5Bb3uEjuAbRgHt2"
COSTLY = "$2y$05$LhsV5piXD1/czdc4SMZ8a.buVsX65fqLc3VC7bmHa6M6cl3SqCOxO"


async def test_names_that_nobody_has_cost_what_stored_ones_cost_in_the_same_mixture(
    file: File, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lines = "".join(f"c{n}:{CHEAP}\n" for n in range(30))
    lines += "".join(f"d{n}:{COSTLY}\n" for n in range(10))
    file.write(f"{lines}none:!\n")
    users = file.users()
    unknown = [b"none", b"\xff", *(b"nobody%d" % number for number in range(98))]
    counted = Counted(monkeypatch)
    for name in unknown:
        assert await users.verify(name, b"wrong") is None
    drawn = counted.hashes.copy()
    assert set(drawn) == {CHEAP, COSTLY}
    assert 50 < drawn.count(CHEAP) < 95
    users = file.users()
    for name in unknown:
        await users.verify(name.upper(), b"wrong")
    assert counted.hashes[100:] == drawn
    file.write(f"{lines}new:{COSTLY}\n")
    for name in unknown:
        await users.verify(name, b"wrong")
    assert sum(a != b for a, b in zip(counted.hashes[200:], drawn, strict=True)) < 10


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
    await users.refresh()
    ada, bob = await users.scram_keys("Ada"), await users.scram_keys("BOB")
    assert ada == read_password(stored, "CRYPT").scram_keys
    assert bob == make_scram_keys(b"secret", bob.salt, SCRAM_ITERATIONS)
    for name, keys in (("ada", ada), ("bob", bob)):
        assert users.scram_salt(name) == ScramSalt(keys.iterations, keys.salt)


async def test_there_are_scram_keys_as_soon_as_somebody_has_some(file: File) -> None:
    file.write(f"ada:{make_password(b'secret', 'BLF-CRYPT')}\n")
    users = file.users()
    assert not users.roll.have_scram_keys
    for password in (make_password(b"secret", "SCRAM-SHA-256"), "{PLAIN}secret"):
        file.write(f"ada:{make_password(b'secret', 'BLF-CRYPT')}\nbob:{password}\n")
        await users.refresh()
        assert users.roll.have_scram_keys
        file.write("ada:\n")
        await users.refresh()
        assert not users.roll.have_scram_keys


async def test_who_has_no_scram_keys_gets_made_up_ones_each_time_the_same(file: File) -> None:
    file.write(f"ada:{make_password(b'secret', 'BLF-CRYPT')}\nbob:{{PLAIN}}secret\n")
    users = file.users()
    await users.refresh()
    for name in ("ada", "nobody", "ève"):
        keys, salt = await users.scram_keys(name), users.scram_salt(name)
        assert keys == await users.scram_keys(name)
        assert keys != make_scram_keys(b"secret", keys.salt, keys.iterations)
        assert (len(keys.salt), keys.iterations) == (16, SCRAM_ITERATIONS)
        assert (keys.salt, keys.iterations) == (salt.salt, salt.iterations)
    salts = {users.scram_salt(name).salt for name in ("ada", "bob", "nobody")}
    assert len(salts) == 3


def stored_keys(salt: bytes, iterations: int) -> str:
    return f"{{SCRAM-SHA-256}}{write_scram_keys(make_scram_keys(b'x', salt, iterations))}"


async def test_made_up_salts_are_as_long_as_stored_ones_in_the_same_mixture(file: File) -> None:
    short, long = stored_keys(b"s" * 12, 5000), stored_keys(b"s" * 40, 6000)
    file.write("".join(f"a{n}:{short}\nb{n}:{long}\nc{n}:{CHEAP}\n" for n in range(10)))
    users = file.users()
    await users.refresh()
    salts = [users.scram_salt(f"nobody{number}") for number in range(100)]
    shapes = [(salt.iterations, len(salt.salt)) for salt in salts]
    assert set(shapes) == {(5000, 12), (6000, 40)}
    assert 25 < shapes.count((5000, 12)) < 75
    assert len({salt.salt for salt in salts}) == 100


async def test_to_find_a_salt_hashes_no_password(
    file: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write("ada:{PLAIN}secret\n")
    users = file.users()
    await users.refresh()
    made: list[bytes] = []
    threads: set[int] = set()
    pbkdf2 = hashlib.pbkdf2_hmac

    def counting(name: str, password: bytes, salt: bytes, iterations: int) -> bytes:
        made.append(salt)
        threads.add(threading.get_ident())
        return pbkdf2(name, password, salt, iterations)

    monkeypatch.setattr(hashlib, "pbkdf2_hmac", counting)
    salts = [users.scram_salt(name).salt for name in ("ada", "nobody")]
    assert made == []
    for name in ("ada", "nobody"):
        await users.scram_keys(name)
    assert made == salts
    assert threading.get_ident() not in threads


async def test_made_up_keys_outlast_the_server_and_are_others_elsewhere(
    file: File, tmp_path: Path
) -> None:
    file.write("ada:!\n")

    async def keys(directory: str) -> ScramKeys:
        users = file.users(template=AccountTemplate("/mail/{user}", f"{tmp_path}/{directory}"))
        await users.refresh()
        return await users.scram_keys("nobody")

    here = await keys("a")
    assert await keys("a") == here
    assert await keys("b") != here
    assert (tmp_path / "a" / ".key").stat().st_mode & 0o7777 == 0o600
    assert os.listdir(tmp_path / "a") == [".key"]


async def test_without_a_place_for_the_key_it_lasts_as_long_as_the_server(
    file: File, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.write("ada:!\n")
    users = file.users(template=AccountTemplate("/mail/{user}", str(tmp_path / "users" / "x")))
    await users.refresh()
    assert users.scram_salt("nobody") == users.scram_salt("nobody")
    (record,) = caplog.records
    assert record.message == f"no key can be kept in {tmp_path}/users/x: Not a directory"


async def test_of_many_bad_lines_a_few_are_logged(
    file: File, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.write("ada:!\n" + "".join(f"u{number}:x\n" for number in range(50)))
    file.users()
    assert len(caplog.records) == 21
    assert caplog.records[-1].message == f"{tmp_path}/users: 30 more are like these"
