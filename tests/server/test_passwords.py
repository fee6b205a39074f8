"""Stored passwords, made by Dovecot 2.3 and by this program."""

import base64
import hashlib
import hmac
import shutil
import subprocess

import pytest

from maildird.server.password_making import DEFAULT_SCHEME, MAKERS, make_password
from maildird.server.passwords import LONGEST, plain_password, read_password
from maildird.server.scram_keys import ScramKeys, make_scram_keys
from maildird.terms.errors import SettingsError

PASSWORD = "pässword".encode()

MADE_BY_DOVECOT = [
    "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$PAyTYsdmFc34EndAwFgMBg$r7QG0R8U5vz6iOYFG6U5z+9mxV"
    "43k0XRNXX6oKaWCKo",
    "{ARGON2I}$argon2i$v=19$m=32768,t=3,p=1$dLFxwsb5cBObsWHoq6aKJw$L6SBNUIbwofZnEE0E8nSLmx16g7x"
    "rODsittNloyF3qY",
    "{BLF-CRYPT}$2y$05$m10VkTJMsWzq1a0b36kKcuIIlT.WFdUulmV0lK20DmNFI1/bqKGkq",
    "{BLF-CRYPT}$2y$05$amZOjqhDnz51xRVlOc/JROlHlzOx3vrlJcVQTYBn50cRBR2acoU/e",
    "{BLF-CRYPT}$2y$04$7C.xb4bf33juFmPC7gRMFuhKi60WP7np5aMuN1E0mmpYkenQ6Gl4.",
    "{SHA512-CRYPT}$6$8W32Df6vpyZNQwb6$wKEYviXuGG6WVOVINR6OxBhBkzzHijzq1lCHbxHyPXC6Y99Ky7PbKJHC"
    "iV9GRkPhWfrrSUz/DjFYn.E5aI.Eo.",
    "{SHA512-CRYPT}$6$rounds=1000$752SJa38UafrifLa$8tj2zy44SOeX8pWZd4x/Y1YSZzmzOsPz9XQM73nFtsOY"
    "RJrKKsFeTyFOiCFnjJiMJhlIcXVN3a0o6tn9X2V9K/",
    "{SHA256-CRYPT}$5$uF0X6QG8wijNuht/$06C/G.s4KLdx21SaVsEp0J6w4PnP.F/G0XRXkDaWNY8",
    "{PBKDF2}$1$v/QELQF3ej5Wo.Kh$5000$d8101163d5f97cfbcff8309bf22abfeb491f10a3",
    "{PBKDF2}$1$x3vnsBB4EPbucz.D$100$809b6a48c2df2d50a6f81145b77c043f051beede",
    "{SSHA512}FE2HTldolgYbhZRCCZLaMnaXjVh+2jtoRpcMLiUaHS1eLyr9iWHF7i+YTN0YZ8iUkn7UKLsFUrOttwuvC"
    "hlf4+GWfLs=",
    "{SSHA256}SB/ewpmpIkh2bdWVrZMaHZMqZp1x3IZeXRudKzp4SG9VHVYl",
    "{SSHA512.HEX}e2085fd4988d94751d4ce53a0520cf5e341c3b93b753b6409d854189edf13075e25e182b10e3a"
    "72b1e5fccc18baa1d71e04f4b9c6a5438da7b9610e21504f590663d85b7",
    "{SSHA512.B64}P6X1ACqlt+jVyI5XSQZnwooEZ/L+lbayrlvFv6rDr8waNEFTmcDMKvgA+AzSiLCWzNoBHhcBjZMY5"
    "ouUzD1W0REW1qw=",
    "{SSHA256.HEX}3f862670d60f6a61b8e9d04c835508faad76eb54725b1f62d6737afaaec72bf83aa34e7e",
    "{SSHA256.B64}yrPncb+l4MDKwx9hUcFp1hsQdQKNC6VlsOM4/m36z161Ix4d",
    "{SCRAM-SHA-256}4096,w+EMA9sSdgW9ubHEjrRLZA==,bVweODQu/VTnte9+5DFjTZ5NA9dYWa+rQyELWRDXm6M=,"
    "sgzoL82+P9lSWudIMunw5JIDG+boxNdp9g8KU4Vo4AE=",
]
"""What `doveadm pw -s SCHEME -p pässword` said."""

WITHOUT_SCHEME = [
    "$2y$05$LhsV5piXD1/czdc4SMZ8a.buVsX65fqLc3VC7bmHa6M6cl3SqCOxO",
    "$2b$05$LhsV5piXD1/czdc4SMZ8a.buVsX65fqLc3VC7bmHa6M6cl3SqCOxO",
    "$5$KGsmLSQf1vYgTl.O$Yqg2tSMSQJDXURJwKLxwst2Xmf97ZCOSrFTTuX/UZ64",
    "$6$rounds=1000$eSBtuGVzACbkralx$uQIkwI60Yxf79Q0CNSNEYpQVs3WJ1woMcpMliZM8W/AP04kD4kBptLX/j13TD"
    "z80P2u3qL.sOaQpoNQtYfYkd0",
    "$argon2id$v=19$m=65536,t=3,p=1$Gh/qaP3FuOPbX4tq5nKbrw$rbT3766DIYN92BV5Px1OIs4OEpH4j7G0U1XzhA"
    "CUJKs",
]

DOVEADM = shutil.which("doveadm")


@pytest.mark.parametrize("stored", MADE_BY_DOVECOT)
def test_a_password_that_dovecot_stored_is_the_right_one(stored: str) -> None:
    password = read_password(stored, "CRYPT")
    assert password.matches(PASSWORD)
    assert not password.matches(b"password")
    assert not password.matches(b"")


@pytest.mark.parametrize("hashed", WITHOUT_SCHEME)
def test_crypt_tells_by_its_beginning_what_it_is(hashed: str) -> None:
    for stored in (hashed, f"{{CRYPT}}{hashed}", f"{{crypt}}{hashed}"):
        assert read_password(stored, "CRYPT").matches(PASSWORD)


@pytest.mark.parametrize("scheme", MAKERS)
def test_what_is_made_is_the_right_one_each_time_with_another_salt(scheme: str) -> None:
    stored = make_password(PASSWORD, scheme)
    assert stored.startswith(f"{{{scheme}}}")
    assert stored != make_password(PASSWORD, scheme)
    assert read_password(stored, "CRYPT").matches(PASSWORD)
    assert not read_password(stored, "CRYPT").matches(b"password")


@pytest.mark.skipif(DOVEADM is None, reason="doveadm is not installed")
@pytest.mark.parametrize("scheme", MAKERS)
def test_dovecot_takes_what_is_made(scheme: str) -> None:
    stored = make_password(PASSWORD, scheme)
    command = [str(DOVEADM), "pw", "-t", stored, "-p", PASSWORD.decode()]
    assert "(verified)" in subprocess.run(command, capture_output=True, text=True).stdout


@pytest.mark.skipif(DOVEADM is None, reason="doveadm is not installed")
@pytest.mark.parametrize(
    "scheme",
    ["ARGON2ID", "BLF-CRYPT", "SHA512-CRYPT", "SHA256-CRYPT", "PBKDF2", "SSHA512", "SCRAM-SHA-256"],
)
def test_what_dovecot_makes_is_taken(scheme: str) -> None:
    command = [str(DOVEADM), "pw", "-s", scheme, "-p", PASSWORD.decode()]
    stored = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert read_password(stored, "CRYPT").matches(PASSWORD)
    assert not read_password(stored, "CRYPT").matches(b"x")


def test_the_default_scheme_is_one_that_can_be_made() -> None:
    assert DEFAULT_SCHEME in MAKERS


def test_a_plain_password_is_compared_as_it_is() -> None:
    for stored in ("{PLAIN}pässword", "{plain}pässword", "{CLEARTEXT}pässword"):
        assert read_password(stored, "CRYPT") == plain_password("pässword")
    assert read_password("pässword", "PLAIN").matches(PASSWORD)
    assert read_password("{PLAIN}{PLAIN}x", "CRYPT").matches(b"{PLAIN}x")


@pytest.mark.parametrize("scheme", ["ARGON2ID", "SCRAM-SHA-256"])
def test_a_password_of_absurd_length_or_with_a_nul_is_never_right(scheme: str) -> None:
    long = b"x" * LONGEST
    stored = read_password(make_password(long, scheme), "CRYPT")
    assert stored.matches(long)
    assert not stored.matches(long + b"x")
    assert not stored.matches(long[:-1] + b"\0")


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ("{MD5}x", r"the scheme {MD5} is not known; these are: ARGON2ID, .*PLAIN, CRYPT"),
        ("{sha}x", r"the scheme {SHA} is not known"),
        ("x", r"a hash of {CRYPT}, or of no scheme, must begin with \$2a\$, "),
        ("{CRYPT}$1$abc$def", r"a hash of {CRYPT}, or of no scheme, must begin with"),
        ("{SSHA512}abcd", "what follows {SSHA512} is no hash of this scheme"),
        ("{SSHA256.hex}abcd", "what follows {SSHA256.HEX} is no hash of this scheme"),
        ("{BLF-CRYPT}$2y$03$" + 53 * "a", "what follows {BLF-CRYPT} is no hash of this scheme"),
        ("{BLF-CRYPT}$2y$99$" + 53 * "a", "what follows {BLF-CRYPT} is no hash of this scheme"),
        ("{BLF-CRYPT}$2y$05$abc", "what follows {BLF-CRYPT} is no hash of this scheme"),
        ("{SHA512-CRYPT}$6$abc$def", "what follows {SHA512-CRYPT} is no hash of this scheme"),
        ("$6$abc$def", "what follows {SHA512-CRYPT} is no hash of this scheme"),
        ("{ARGON2ID}$argon2i$v=19$m=8,t=1,p=1$YWJj$YWJj", "what follows {ARGON2ID} is no hash"),
        ("{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$a$a", "what follows {ARGON2ID} is no hash"),
        (
            "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$PAyTYsdmFc34EndAwFgMBh$" + 43 * "A",
            "what follows {ARGON2ID} is no hash",
        ),
        ("{PBKDF2}$1$salt$0$00", "what follows {PBKDF2} is no hash of this scheme"),
        ("{SCRAM-SHA-256}4096,YQ==,YQ==,YQ==", "what follows {SCRAM-SHA-256} is no hash"),
        ("{PLAIN}", "what follows {PLAIN} is no hash of this scheme"),
    ],
)
def test_what_can_be_no_password_is_an_error_when_it_is_read(stored: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        read_password(stored, "CRYPT")


def test_a_hash_that_the_library_refuses_is_never_right() -> None:
    assert not read_password("{BLF-CRYPT}$2y$05$" + 53 * "a", "PLAIN").matches(b"secret")


def test_no_password_shows_in_a_repr() -> None:
    assert "secret" not in repr(plain_password("secret"))


def test_equal_costs_are_told_from_others() -> None:
    def cost(*begin: str) -> set[str]:
        return {
            read_password(each, "CRYPT").cost
            for each in MADE_BY_DOVECOT
            for start in begin
            if each.startswith(start)
        }

    assert len(cost("{BLF-CRYPT}$2y$05$")) == 1
    assert len(cost("{BLF-CRYPT}")) == 2
    assert len(cost("{SHA512-CRYPT}")) == 2
    assert len(cost("{PBKDF2}")) == 2


def test_scram_keys_are_those_of_rfc_7677() -> None:
    """The example in section 3: user `user`, password `pencil`; its proof has to fit the keys."""
    keys = make_scram_keys(b"pencil", base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096)
    nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    message = (
        f"n=user,r=rOprNGfwEbeRWgbNEkqO,r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
        f"c=biws,r={nonce}"
    ).encode()
    signature = hmac.digest(keys.stored_key, message, "sha256")
    proof = base64.b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    client_key = bytes(a ^ b for a, b in zip(signature, proof, strict=True))
    assert hashlib.sha256(client_key).digest() == keys.stored_key
    assert base64.b64encode(hmac.digest(keys.server_key, message, "sha256")) == (
        b"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    )


def test_stored_scram_keys_are_read_and_others_are_not_there() -> None:
    stored = make_password(PASSWORD, "SCRAM-SHA-256")
    keys = read_password(stored, "CRYPT").scram_keys
    assert isinstance(keys, ScramKeys)
    assert make_scram_keys(PASSWORD, keys.salt, keys.iterations) == keys
    assert read_password(make_password(PASSWORD, "BLF-CRYPT"), "CRYPT").scram_keys is None


def test_scram_keys_are_made_of_the_prepared_password() -> None:
    """RFC 4013: a soft hyphen is nothing, and a Roman numeral one is I and X."""
    assert make_scram_keys("I\u00adX".encode(), b"s", 1) == make_scram_keys(b"IX", b"s", 1)
    assert make_scram_keys("\u2168".encode(), b"s", 1) == make_scram_keys(b"IX", b"s", 1)
    assert make_scram_keys(b"\xff", b"s", 1) != make_scram_keys(b"", b"s", 1)
