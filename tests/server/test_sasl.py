"""SASL mechanisms, message by message; SCRAM against the RFC and against another implementation."""

import base64
import hashlib
import hmac
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scramp import ScramClient

from maildird.server.sasl.external import External
from maildird.server.sasl.login import Login
from maildird.server.sasl.offering import Channel, offer
from maildird.server.sasl.plain import Plain
from maildird.server.sasl.scram import Scram
from maildird.server.sasl.steps import Challenge, Claim, Password, Proof, Step
from maildird.server.scram_keys import ScramSalt, make_scram_keys
from maildird.terms.errors import Malformed

BINDING = b"exported"
SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
SALTED = hashlib.pbkdf2_hmac("sha256", b"pencil", SALT, 4096)


KEYS = make_scram_keys(b"pencil", SALT, 4096)


def salt(name: str) -> ScramSalt:
    """As if everybody had the password of the RFC."""
    return ScramSalt(4096, SALT)


def last_word(step: Step) -> bytes | None:
    """What became of an exchange, with the keys of the right password."""
    assert isinstance(step, Claim)
    return step.last_word(KEYS)


def judged(step: Step) -> bool:
    """Whether the client has proved who it is."""
    return last_word(step) is not None


def proved_with_scramp(name: str, password: str, mechanism: Scram) -> Claim:
    """What the server makes of another implementation's client; that one checks the last word."""
    client = ScramClient(["SCRAM-SHA-256"], name, password)
    step = mechanism.respond(client.get_client_first().encode())
    assert isinstance(step, Challenge)
    client.set_server_first(step.data.decode())
    claim = mechanism.respond(client.get_client_final().encode())
    assert isinstance(claim, Claim)
    said = claim.last_word(KEYS)
    if said is not None:
        client.set_server_final(said.decode())
    return claim


def final(
    message: bytes,
    challenge: object,
    binding: bytes = b"",
    proof: bytes | None = None,
    **parts: bytes,
) -> bytes:
    """A right client-final-message behind `message`, but for what is said to be otherwise."""
    assert isinstance(challenge, Challenge)
    header, bare = message[: message.index(b",n=") + 1], message[message.index(b",n=") + 1 :]
    nonce = challenge.data.partition(b",")[0].removeprefix(b"r=")
    parts = {"c": base64.b64encode(header + binding), "r": nonce} | parts
    ending = b",".join(b"%b=%b" % (key.encode(), value) for key, value in parts.items())
    client_key = hmac.digest(SALTED, b"Client Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    signature = hmac.digest(stored_key, b",".join((bare, challenge.data, ending)), "sha256")
    right = bytes(each ^ other for each, other in zip(client_key, signature, strict=True))
    return ending + b",p=" + base64.b64encode(right if proof is None else proof)


# PLAIN, LOGIN, EXTERNAL


@pytest.mark.parametrize(
    ("message", "step"),
    [
        (b"\0ada\0secret", Password(b"ada", b"secret")),
        (b"ada\0ada\0secret", Password(b"ada", b"secret")),
        (b"\0ada\0se\0cret", Password(b"ada", b"se\0cret")),
        (b"\0\xc3\xa8ve\0", Password("ève".encode(), b"")),
        (b"ADA\0ada\0secret", Password(b"ada", b"secret")),
        (b"root\0ada\0secret", Proof(b"ada", right=False)),
        (b"ada", Proof(b"", right=False)),
        (b"", Password(b"", b"")),
    ],
)
def test_plain_has_all_in_one_message(message: bytes, step: object) -> None:
    assert Plain().respond(message) == step


def test_passwords_stay_out_of_what_is_shown() -> None:
    assert "secret" not in repr(Plain().respond(b"\0ada\0secret"))


def test_login_asks_for_the_name_and_then_for_the_password() -> None:
    login = Login()
    assert login.opening == b"Username:"
    assert login.respond(b"ada") == Challenge(b"Password:")
    assert login.respond(b"secret") == Password(b"ada", b"secret")


@pytest.mark.parametrize(
    ("identity", "proof"),
    [
        (b"", Proof(b"ada", right=True)),
        (b"ada", Proof(b"ada", right=True)),
        ("ève".encode(), Proof("ève".encode(), right=True)),
        (b"bob", Proof(b"bob", right=False)),
        (b"ADA", Proof(b"ADA", right=True)),
        (b"AD", Proof(b"AD", right=False)),
        (b"bo", Proof(b"bo", right=True)),
        (b"\xff", Proof(b"\xff", right=False)),
    ],
)
def test_external_needs_a_name_of_the_certificate(identity: bytes, proof: Proof) -> None:
    assert External(("ada", "ève", "Bo")).respond(identity) == proof


# SCRAM-SHA-256


def test_scram_as_in_the_rfc() -> None:
    """RFC 7677 section 3."""
    scram = Scram(salt, nonce=lambda: b"%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0")
    assert scram.respond(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO") == Challenge(
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        b"user",
    )
    claim = scram.respond(
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    )
    assert isinstance(claim, Claim)
    assert claim.name == b"user"
    assert last_word(claim) == b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


@pytest.mark.parametrize("name", ["ada", "a=b,c", "ève@example.org", "ﬁsh"])
@pytest.mark.parametrize("password", ["pencil", "wrong", "p\u00adencil"])
def test_scram_with_another_implementation(name: str, password: str) -> None:
    found: list[str] = []

    def find_salt(name: str) -> ScramSalt:
        found.append(name)
        return salt(name)

    claim = proved_with_scramp(name, password, Scram(find_salt))
    assert judged(claim) == (password != "wrong")
    assert found == [claim.name.decode()] == ["fish" if name == "ﬁsh" else name]


def test_each_exchange_has_a_nonce_of_its_own() -> None:
    hello = b"n,,n=ada,r=abc"
    challenges = {str(Scram(salt).respond(hello)) for _ in range(10)}
    assert len(challenges) == 10


def test_a_client_without_channel_binding_is_let_in_where_there_is_some() -> None:
    assert isinstance(Scram(salt, BINDING).respond(b"n,,n=ada,r=abc"), Challenge)


@pytest.mark.parametrize(("bound", "right"), [(BINDING, True), (b"other", False), (b"", False)])
def test_plus_binds_to_the_channel(bound: bytes, right: bool) -> None:
    scram, hello = Scram(salt, BINDING, plus=True), b"p=tls-exporter,,n=ada,r=abc"
    assert judged(scram.respond(final(hello, scram.respond(hello), bound))) == right


def test_a_client_that_was_not_told_of_plus_is_refused() -> None:
    """With "y" it says that it could, but found no PLUS in the list: somebody took it out."""
    hello = b"y,,n=ada,r=abc"
    assert Scram(salt, BINDING).respond(hello) == Proof(b"ada", right=False)
    assert isinstance(Scram(salt, None).respond(hello), Challenge)


@pytest.mark.parametrize(
    ("parts", "right"),
    [
        ({}, True),
        ({"c": base64.b64encode(b"y,,")}, False),
        ({"c": base64.b64encode(b"n,,x")}, False),
        ({"r": b"abc"}, False),
        ({"r": b"abcdef"}, False),
        ({"proof": bytes(32)}, False),
        ({"proof": bytes(3)}, False),
        ({"proof": bytes(33)}, False),
    ],
)
def test_a_proof_that_does_not_fit_proves_nothing(parts: dict[str, bytes], right: bool) -> None:
    scram, hello = Scram(salt), b"n,,n=ada,r=abc"
    assert judged(scram.respond(final(hello, scram.respond(hello), **parts))) == right


@pytest.mark.parametrize("change", [b"y,,n=ada,r=abc", b"n,,n=eve,r=abc", b"n,,n=ada,r=abd"])
def test_a_first_message_that_was_changed_on_the_way_is_noticed(change: bytes) -> None:
    client = ScramClient(["SCRAM-SHA-256"], "ada", "pencil", c_nonce="abc")
    assert client.get_client_first() == "n,,n=ada,r=abc"
    scram = Scram(salt)
    challenge = scram.respond(change)
    assert isinstance(challenge, Challenge)
    client.set_server_first(challenge.data.decode().replace("r=abd", "r=abc"))
    assert not judged(scram.respond(client.get_client_final().encode()))


def test_nobody_acts_as_somebody_else() -> None:
    for identity in (b"ada", b"Ada", b""):
        assert isinstance(Scram(salt).respond(b"n,a=%b,n=ada,r=abc" % identity), Challenge)
    assert Scram(salt).respond(b"n,a=bob,n=ada,r=abc") == Proof(b"ada", right=False)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"n,,",
        b"n=ada,r=abc",
        b"x,,n=ada,r=abc",
        b"n,,n=,r=abc",
        b"n,,n=ada,r=",
        b"n,,n=ada,r=a b",
        b"n,,n=a=b,r=abc",
        b"n,,n=a=2c,r=abc",
        b"n,,n=\xff,r=abc",
        b"n,,n=a\0b,r=abc",
        b"n,,m=x,n=ada,r=abc",
        b"p=tls-exporter,,n=ada,r=abc",
        b"n,,n=ada,r=abc\n",
    ],
)
def test_first_messages_that_are_none(message: bytes) -> None:
    with pytest.raises(Malformed):
        Scram(salt, BINDING).respond(message)


@pytest.mark.parametrize(
    "message",
    [b"n,,n=ada,r=abc", b"y,,n=ada,r=abc", b"p=tls-unique,,n=ada,r=abc", b"p=,,n=ada,r=abc"],
)
def test_with_plus_the_client_has_to_bind_to_what_there_is(message: bytes) -> None:
    with pytest.raises(Malformed):
        Scram(salt, BINDING, plus=True).respond(message)


@pytest.mark.parametrize(
    "message", [b"", b"c=biws", b"c=biws,r=abc", b"r=abc,c=biws,p=AA==", b"c=biws,r=abc,p=A"]
)
def test_final_messages_that_are_none(message: bytes) -> None:
    scram = Scram(salt)
    scram.respond(b"n,,n=ada,r=abc")
    with pytest.raises(Malformed):
        scram.respond(message)


def test_extensions_are_passed_over_but_proved() -> None:
    scram, hello = Scram(salt), b"n,,n=ada,r=abc,x=more,y=and more"
    assert judged(scram.respond(final(hello, scram.respond(hello), x=b"y")))


@given(st.binary(max_size=80), st.binary(max_size=80), st.booleans())
def test_octets_of_any_kind_prove_nothing(first: bytes, then: bytes, plus: bool) -> None:
    scram, hello = Scram(salt, BINDING, plus=plus), b"p=tls-exporter" if plus else b"n"
    with suppress(Malformed):
        assert not isinstance(scram.respond(first), Claim)
    scram = Scram(salt, BINDING, plus=plus)
    scram.respond(hello + b",,n=ada,r=abc")
    with suppress(Malformed):
        assert not judged(scram.respond(then))


# What is offered


@pytest.mark.parametrize(
    ("channel", "scram", "offered"),
    [
        (Channel(private=False), True, []),
        (Channel(private=True), False, ["PLAIN", "LOGIN"]),
        (Channel(private=True), True, ["PLAIN", "LOGIN", "SCRAM-SHA-256"]),
        (
            Channel(True, BINDING, ("ada",)),
            True,
            ["PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "EXTERNAL"],
        ),
    ],
)
def test_mechanisms_are_offered_where_they_work(
    channel: Channel, scram: bool, offered: list[str]
) -> None:
    assert list(offer(channel, salt if scram else None)) == offered


def test_each_exchange_has_a_mechanism_of_its_own() -> None:
    make = offer(Channel(private=True), None)["LOGIN"]
    make().respond(b"ada")
    assert make().respond(b"eve") == Challenge(b"Password:")
