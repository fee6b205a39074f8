"""Exchanges to their end: who is let in, and that failures look alike."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trio
from scramp import ScramClient, ScramException
from trio.testing import MockClock

from maildird.mailbox.settings import AccountSettings
from maildird.server.addresses import Address
from maildird.server.authentication import Authenticator, Verdict
from maildird.server.locations import AccountTemplate
from maildird.server.password_making import make_password
from maildird.server.passwords import plain_password, read_password
from maildird.server.sasl.offering import Channel
from maildird.server.settings import Settings, User, UserSources
from maildird.server.throttle import Throttle
from maildird.server.users import PAM_REFUSAL, Users
from maildird.terms.errors import Malformed

PEER = Address("192.0.2.7", 5000)


def user(name: str, password: str | None) -> User:
    stored = read_password(password, "PLAIN") if password else None
    return User(name, stored, AccountSettings(name, b"/m", b"/s"))


@pytest.fixture
def authenticator() -> Authenticator:
    """Of users with a plain password, with keys for SCRAM, with a hash, and without a password."""
    users = (
        User("plain", plain_password("secret"), AccountSettings("plain", b"/m", b"/s")),
        user("keys", make_password(b"secret", "SCRAM-SHA-256")),
        user("hash", make_password(b"secret", "BLF-CRYPT")),
        user("none", None),
    )
    return Authenticator(Users(Settings(users)), Throttle())


async def scram(
    authenticator: Authenticator, name: str, password: str, last: bytes = b""
) -> tuple[Verdict, list[str]]:
    """What comes of it, and the server's first message by its parts, but for the nonce."""
    client = ScramClient(["SCRAM-SHA-256"], name, password)
    heard: list[str] = []

    async def ask(challenge: bytes) -> bytes:
        await trio.lowlevel.checkpoint()
        heard.append(challenge.decode())
        if len(heard) == 1:
            client.set_server_first(heard[0])
            return str(client.get_client_final()).encode()
        client.set_server_final(heard[1])
        return last

    offer = await authenticator.offer(Channel(private=True))
    first = str(client.get_client_first()).encode()
    verdict = await authenticator.exchange(offer["SCRAM-SHA-256"](), first, PEER, ask)
    return verdict, heard[0].split(",")[1:]


@pytest.mark.parametrize(
    ("name", "password", "right"),
    [
        ("plain", "secret", True),
        ("plain", "wrong", False),
        ("keys", "secret", True),
        ("keys", "wrong", False),
        ("hash", "secret", False),
        ("none", "secret", False),
        ("nobody", "secret", False),
    ],
)
async def test_scram_lets_those_in_who_have_keys(
    authenticator: Authenticator,
    caplog: pytest.LogCaptureFixture,
    name: str,
    password: str,
    right: bool,
) -> None:
    verdict, _ = await scram(authenticator, name, password)
    assert verdict.name == name.encode()
    assert (verdict.user.name if verdict.user else None) == (name if right else None)
    failed = f"failed login for '{name}' from {PEER}"
    assert caplog.messages == ([] if right else [failed])


async def test_who_has_no_keys_is_asked_like_anybody(authenticator: Authenticator) -> None:
    known = [(await scram(authenticator, "plain", "wrong"))[1] for _ in range(2)]
    unknown = [(await scram(authenticator, "nobody", "wrong"))[1] for _ in range(2)]
    for asked in (known, unknown):
        assert asked[0] == asked[1]
    assert len(known[0][0]) == len(unknown[0][0])
    assert known[0][1] == unknown[0][1] == "i=4096"
    assert known[0][0] != unknown[0][0]


async def test_the_last_response_is_empty(authenticator: Authenticator) -> None:
    with pytest.raises(Malformed, match="expected an empty response"):
        await scram(authenticator, "plain", "secret", last=b"x")


async def test_a_client_that_finds_the_server_wrong_is_not_let_in(
    authenticator: Authenticator,
) -> None:
    """The client's error ends the exchange: it has proved who it is, but does not come in."""
    client = ScramClient(["SCRAM-SHA-256"], "plain", "secret")

    async def ask(challenge: bytes) -> bytes:
        await trio.lowlevel.checkpoint()
        if challenge.startswith(b"v="):
            client.set_server_final("v=AAAA")
        client.set_server_first(challenge.decode())
        return str(client.get_client_final()).encode()

    make = (await authenticator.offer(Channel(private=True)))["SCRAM-SHA-256"]
    first = str(client.get_client_first()).encode()
    with pytest.raises(ScramException):
        await authenticator.exchange(make(), first, PEER, ask)


async def never(_: bytes) -> bytes:
    raise AssertionError("nothing is asked")


@pytest.mark.parametrize(
    ("names", "identity", "found"),
    [
        (("none",), b"", "none"),
        (("plain", "none"), b"none", "none"),
        (("nobody",), b"", None),
        (("nobody",), b"plain", None),
        (("plain",), b"\xff", None),
    ],
)
async def test_a_certificate_lets_in_whom_it_names_also_without_a_password(
    authenticator: Authenticator, names: tuple[str, ...], identity: bytes, found: str | None
) -> None:
    offer = await authenticator.offer(Channel(private=True, names=names))
    verdict = await authenticator.exchange(offer["EXTERNAL"](), identity, PEER, never)
    assert (verdict.user.name if verdict.user else None) == found


async def by_plain(authenticator: Authenticator) -> None:
    make = (await authenticator.offer(Channel(private=True)))["PLAIN"]
    await authenticator.exchange(make(), b"\0plain\0wrong", PEER, never)


async def by_login(authenticator: Authenticator) -> None:
    await authenticator.log_in(b"plain", b"wrong", PEER)


async def by_scram(authenticator: Authenticator) -> None:
    await scram(authenticator, "plain", "wrong")


async def by_another_identity(authenticator: Authenticator) -> None:
    make = (await authenticator.offer(Channel(private=True)))["PLAIN"]
    await authenticator.exchange(make(), b"keys\0plain\0secret", PEER, never)


@pytest.mark.parametrize("fail", [by_plain, by_login, by_scram, by_another_identity])
async def test_failures_of_all_kinds_slow_down(
    authenticator: Authenticator,
    autojump_clock: MockClock,
    fail: Callable[[Authenticator], Awaitable[None]],
) -> None:
    for _ in range(12):
        await fail(authenticator)
    begin = trio.current_time()
    await scram(authenticator, "nobody", "secret")
    assert trio.current_time() - begin > 10
    begin = trio.current_time()
    await scram(authenticator, "keys", "secret")
    assert trio.current_time() == begin


async def test_an_exchange_that_is_given_up_with_the_proof_due_is_a_failure(
    authenticator: Authenticator, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def leave(_: bytes) -> bytes:
        await trio.lowlevel.checkpoint()
        raise trio.BrokenResourceError

    async def say_nonsense(_: bytes) -> bytes:
        await trio.lowlevel.checkpoint()
        return b"x"

    make = (await authenticator.offer(Channel(private=True)))["SCRAM-SHA-256"]
    for ask, error in ((leave, trio.BrokenResourceError), (say_nonsense, Malformed)):
        with pytest.raises(error):
            await authenticator.exchange(make(), b"n,,n=Plain,r=abc", PEER, ask)
    assert caplog.messages == [f"failed login for 'plain' from {PEER}"] * 2
    make = (await authenticator.offer(Channel(private=True)))["LOGIN"]
    with pytest.raises(trio.BrokenResourceError):
        await authenticator.exchange(make(), b"plain", PEER, leave)
    assert len(caplog.messages) == 2


async def test_case_makes_no_difference_to_who_it_is_nor_to_the_throttle(
    authenticator: Authenticator, caplog: pytest.LogCaptureFixture
) -> None:
    assert await authenticator.log_in(b"PLAIN", b"secret", PEER) is not None
    verdict, _ = await scram(authenticator, "Keys", "secret")
    assert verdict.user is not None
    assert verdict.user.name == "keys"
    for name in (b"Plain", b"pLAIN"):
        await authenticator.log_in(name, b"wrong", PEER)
    assert caplog.messages == [f"failed login for 'plain' from {PEER}"] * 2


@pytest.mark.parametrize("pam", [None, "maildird"])
async def test_a_wrong_password_takes_as_long_as_pam_may_where_pam_is_asked_for_others(
    tmp_path: Path, autojump_clock: MockClock, pam: str | None
) -> None:
    template = AccountTemplate("/mail/{user}", str(tmp_path))
    users = Users(Settings((user("ada", "secret"),), sources=UserSources(template, pam=pam)))
    await users.refresh()
    authenticator = Authenticator(users, Throttle())
    begin = trio.current_time()
    assert await authenticator.log_in(b"ada", b"wrong", PEER) is None
    assert trio.current_time() - begin == (PAM_REFUSAL if pam else 0)
    begin = trio.current_time()
    assert await authenticator.log_in(b"ada", b"secret", PEER) is not None
    assert trio.current_time() == begin
