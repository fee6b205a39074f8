"""The configuration file: what follows from it, and what is said when it is wrong."""

import os
from ipaddress import ip_network
from pathlib import Path

import pytest

from maildird.server.addresses import Address
from maildird.server.configuration import read_settings
from maildird.server.passwords import plain_password
from maildird.server.settings import (
    DEFAULT_LISTENER,
    CertificateFiles,
    Limits,
    Listener,
    Sasl,
    Settings,
    Timeouts,
    Tls,
)
from maildird.terms.errors import SettingsError

SMALLEST = """
[[accounts]]
name = "ada"
password = "secret"
location = "/home/ada/Maildir"
"""

FULL = r"""
state_directory = "/var/lib/maildird"
log_level = "debug"
idle_keepalive = 120

[[listeners]]
address = "127.0.0.1:143"

[[listeners]]
address = "[::]:1143"
allow_plaintext = true

[[listeners]]
address = "[::]:993"
tls = "implicit"
proxy_from = ["192.0.2.0/24", "::1"]

[[certificates]]
certificate = "/etc/tls/cert.pem"
key = "/etc/tls/key.pem"

[tls]
minimum = "1.3"
client_ca = "/etc/tls/ca.pem"

[sasl]
socket = "/run/sasl"
mode = "0600"
group = "mail"

[mail]
location = "/srv/{domain}/{local}/{user}"
layout = "fs"
names = "utf-8"
separator = "/"
prefix = "Mail/"
inbox = "Inbox"

[special_use]
trash = "Mail/Trash"
sent = ["Mail/Sent", "Mail/Gesendet"]

[limits]
connections = 10
connections_per_address = 5
connections_per_user = 4
message_size = 1_000_000

[timeouts]
login = 30
idle = 3600
write = 20

[[accounts]]
name = "ada@example.org"
password = "secret"

[[accounts]]
name = "bob@example.org"
password = "secret"
location = "/home/bob/Maildir"
"""


def settings_of(tmp_path: Path, text: str) -> Settings:
    file = tmp_path / "maildird.toml"
    file.write_text(text)
    return read_settings(file)


def test_what_is_not_set_has_its_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    settings = settings_of(tmp_path, SMALLEST)
    (user,) = settings.users
    assert (user.name, user.password) == ("ada", plain_password("secret"))
    assert user.mail.root == b"/home/ada/Maildir"
    assert user.mail.state_directory == b"/state/maildird/ada"
    assert (user.mail.layout, user.mail.names, user.mail.separator) == (None, None, None)
    assert settings.listeners == (DEFAULT_LISTENER,)
    assert (settings.limits, settings.timeouts) == (Limits(), Timeouts())
    assert settings.log_level == "info"


def test_every_setting_is_taken_over(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, FULL)
    assert settings.listeners == (
        Listener(Address("127.0.0.1", 143)),
        Listener(Address("::", 1143), allow_plaintext=True),
        Listener(
            Address("::", 993),
            tls="implicit",
            proxy_from=(ip_network("192.0.2.0/24"), ip_network("::1")),
        ),
    )
    assert settings.certificates == (CertificateFiles("/etc/tls/cert.pem", "/etc/tls/key.pem"),)
    assert settings.tls == Tls("1.3", "/etc/tls/ca.pem")
    assert settings.sasl == Sasl("/run/sasl", "0600", "mail")
    assert settings.limits == Limits(10, 5, 4, 1_000_000)
    assert settings.idle_keepalive == 120
    assert settings.timeouts == Timeouts(30, 3600, 20)
    assert settings.log_level == "debug"
    ada, bob = settings.users
    assert ada.mail.root == b"/srv/example.org/ada/ada@example.org"
    assert bob.mail.root == b"/home/bob/Maildir"
    assert ada.mail.state_directory == b"/var/lib/maildird/ada@example.org"
    assert (ada.mail.layout, ada.mail.names, ada.mail.inbox) == ("fs", "utf-8", "Inbox")
    assert (ada.mail.separator, ada.mail.prefix) == ("/", "Mail/")
    assert ada.mail.append_limit == 1_000_000
    assert ada.mail.special_use == {
        "Mail/Trash": "\\Trash",
        "Mail/Sent": "\\Sent",
        "Mail/Gesendet": "\\Sent",
    }


def test_passwords_stay_out_of_what_is_shown(tmp_path: Path) -> None:
    assert "secret" not in repr(settings_of(tmp_path, SMALLEST))


def test_the_prefix_tells_the_separator(tmp_path: Path) -> None:
    (user,) = settings_of(tmp_path, SMALLEST + '[mail]\nprefix = "INBOX."').users
    assert user.mail.separator == "."


def test_state_directories_of_odd_names_are_single_components(tmp_path: Path) -> None:
    odd = SMALLEST.replace('"ada"', '"ä da%"')
    (user,) = settings_of(tmp_path, odd + "[mail]\n").users
    assert os.path.basename(user.mail.state_directory) == b"%C3%A4%20da%25"


def test_every_default_that_can_be_written_down_reads_back(tmp_path: Path) -> None:
    limits, timeouts = Limits(), Timeouts()
    text = (
        "idle_keepalive = 0\n"
        + SMALLEST
        + (
            f"[limits]\nconnections = {limits.connections}\nmessage_size = {limits.message_size}\n"
            f"connections_per_address = {limits.connections_per_address}\n"
            f"connections_per_user = {limits.connections_per_user}\n"
            f"[timeouts]\nlogin = {timeouts.login}\nidle = {timeouts.idle}\n"
            f"write = {timeouts.write}\n"
            f'[[listeners]]\naddress = "{DEFAULT_LISTENER.address}"\n'
        )
    )
    assert settings_of(tmp_path, text) == settings_of(tmp_path, SMALLEST)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("loglevel = 'info'", "loglevel is no setting; did you mean log_level?"),
        ("log-level = 'info'", "log-level is no setting; did you mean log_level?"),
        ("xyz = 1", "xyz is no setting; what can stand here: accounts, users, listeners,"),
        ("log_level = 'loud'", 'log_level is "loud", but must be "debug", "info", "warning" or'),
        ("state_directory = 'var'", 'state_directory is "var", but must be an absolute path'),
        ("limits = 5", "limits is 5, but must be a table"),
        ("[limits]\nconnections = 0", "limits.connections is 0, but must be a whole number from 1"),
        ("[limits]\nconnections = true", "limits.connections is true, but must be a whole number"),
        ("[limits]\nmessage_size = 5", "limits.message_size is 5, but must be a whole number from"),
        ("[timeouts]\nidle = 60", "timeouts.idle is 60, but must be a whole number from 1800 to"),
        ("metrics = 9143", "metrics is 9143, but must be ADDRESS:PORT of this machine, such as"),
        ("[timeout]\nidle = 60", "timeout is no setting; did you mean timeouts?"),
        ("listeners = ['x:1']", 'listeners#1 is "x:1", but must be a table'),
        ("listeners = 'x:1'", "listeners must be an array of tables, each headed [[listeners]]"),
        ("listeners = []", "listeners is empty; leave it out, or name an address"),
        (
            "[[listeners]]\naddress = '143'",
            'listeners#1.address is "143", but must be ADDRESS:PORT',
        ),
        ("[[listeners]]\naddress = 143", "listeners#1.address is 143, but must be ADDRESS:PORT"),
        ("[[listeners]]", "listeners#1.address is missing; it must be ADDRESS:PORT"),
        (
            "[[listeners]]\naddress = 'a:1'\nallow_plaintext = 1",
            "listeners#1.allow_plaintext is 1, but must be true or false",
        ),
        (
            "[[listeners]]\naddress = 'a:1'\ntls = 'ssl'",
            'listeners#1.tls is "ssl", but must be "implicit", "starttls" or "none"',
        ),
        (
            "[[listeners]]\naddress = 'a:1'\ntls = 'implicit'",
            'listeners#1.tls is "implicit", but there is no certificate; name one in',
        ),
        (
            "[[listeners]]\naddress = 'a:1'\nproxy_from = ['192.0.2.7/24']",
            'listeners#1.proxy_from is ["192.0.2.7/24"], but must be a list of IP addresses and',
        ),
        (
            "[[listeners]]\naddress = 'a:1'\nproxy_from = '192.0.2.7'",
            'listeners#1.proxy_from is "192.0.2.7", but must be a list of IP addresses and',
        ),
        (
            "[[certificates]]\ncertificate = '/c.pem'",
            "certificates#1.key is missing; it must be an absolute path",
        ),
        ("[tls]\nminimum = '1.1'", 'tls.minimum is "1.1", but must be "1.2" or "1.3"'),
        ("[tls]\nclient_ca = 'x'", 'tls.client_ca is "x", but must be an absolute path'),
        (
            "[sasl]\nsocket = 'auth'",
            'sasl.socket is "auth", but must be an absolute path of at most 99 octets',
        ),
        ("[tls]\nclient_ca = '/x'", "tls.client_ca is set, but there is no certificate; name one"),
        (
            "[[listeners]]\naddress = '[::1]:143'\n[[listeners]]\naddress = '[0:0::1]:143'",
            "listeners#2.address is [::1]:143, as listeners#1.address is; name another one",
        ),
        (
            "metrics = '127.0.0.1:9143'\n[[listeners]]\naddress = '127.0.0.1:9143'",
            "metrics is 127.0.0.1:9143, as listeners#1.address is; name another one",
        ),
        (
            "[[listeners]]\naddress = '[::1]:143'\nproxy_from = ['192.0.2.7/24']",
            "(192.0.2.7/24 has host bits set)",
        ),
        (
            "[special_use]\nsent = ['Out', 'Sent']\ntrash = 'Sent'",
            'special_use.trash names "Sent", as special_use.sent does; a mailbox has one use',
        ),
        ("[sasl]\nmode = 432", "sasl.mode is 432, but must be permissions as octal digits in"),
        ("[sasl]\nmode = '0999'", 'sasl.mode is "0999", but must be permissions as octal digits'),
        ("[sasl]\ngroup = ''", 'sasl.group is "", but must be the name of a group'),
        ("[mail]\nlayout = 'mbox'", 'mail.layout is "mbox", but must be "maildir++" or "fs"'),
        (
            "[mail]\nlocation = 'Maildir'",
            'mail.location is "Maildir", but must be an absolute path',
        ),
        ("[mail]\nlocation = '/{name}'", "{user}, {local} and {domain} may stand, or one"),
        ("[mail]\nprefix = 'INBOX'", 'mail.prefix is "INBOX", but must be empty, or a name that'),
        (
            "[mail]\nprefix = 'INBOX.'\nseparator = '/'",
            'mail.prefix is "INBOX.", but must end in the separator "/"',
        ),
        ("[mail]\ninbox = 'a/b'", 'mail.inbox is "a/b", but must be the name of a folder'),
        ("[special_use]\nbin = 'x'", "special_use.bin is no setting; what can stand here: all"),
        ("[special_use]\nsent = ''", 'special_use.sent is "", but must be the name of a mailbox'),
        ("[special_use]\nsent = [1]", "special_use.sent is [1], but must be the name of a mailbox"),
        (
            "[[accounts]]\npassword = 'x'",
            "accounts#2.name is missing; it must be a name of 1 to 80",
        ),
        ("[[accounts]]\nname = 'bob'", "accounts#2.password is missing; it must be a text that is"),
        (
            "[[accounts]]\nname = 'bob'\npassword = ''",
            "accounts#2.password must be a text that is not empty",
        ),
        (
            "[[accounts]]\nname = '../bob'\npassword = 'x'",
            'accounts#2.name is "../bob", but must be',
        ),
        (
            "[[accounts]]\nname = 'bob'\npassword = 'x'",
            "accounts#2 has no location; give it one, or set one for all in [mail]",
        ),
        (
            "[[accounts]]\nname = 'bob'\npassword = 'x'\nlocation = '/{domain}'",
            "accounts#2 needs an @ in the name, as {domain} stands in the location",
        ),
        (
            "[[accounts]]\nname = 'bob'\npassword = '{MD5}x'\nlocation = '/x'",
            "accounts#2.password can't be used: the scheme {MD5} is not known; these are: ARGON2",
        ),
        (
            "[[accounts]]\nname = 'bob'\npassword = 'x'\nlocation = '{home}/Maildir'",
            "accounts#2 needs a home directory, as {home} stands in the location",
        ),
        (
            "[[accounts]]\nname = 'bob'\npassword = 'x'\nlocation = '/home/ada/Maildir/bob'",
            "accounts#2 has a Maildir in that of ada: /home/ada/Maildir/bob; give each user a",
        ),
        (
            "[[accounts]]\nname = 'bob@'\npassword = 'x'\nlocation = '/{domain}/{local}'",
            "accounts#2 needs a domain after the @, as {domain} stands in the location",
        ),
        (
            "[[accounts]]\nname = '@b'\npassword = 'x'\nlocation = '/{domain}/{local}'",
            "accounts#2 needs a name before the @, as {local} stands in the location",
        ),
        *(
            (
                f"[[accounts]]\nname = {name}\npassword = 'x'\nlocation = '/{{user}}'",
                "accounts#2.name is ",
            )
            for name in ("'a/b'", "'..'", "'a@..'", '"a\\u0000b"', "''")
        ),
        ("[users]\nfile = 'users'", 'users.file is "users", but must be an absolute path'),
        ("[users]\npam = '../x'", 'users.pam is "../x", but must be the name of a PAM service'),
        (
            "[users]\npam = 'maildird'",
            "mail.location is missing; users of the system need it",
        ),
        (
            "[[accounts]]\nname = 'ada'\npassword = 'x'\nlocation = '/x'",
            'accounts names "ada" 2 times; each needs its own name, whatever the case',
        ),
        (
            "[[accounts]]\nname = 'bob'\npassword = 'x'\nlocation = '/home/ada/Maildir/'",
            "accounts#2 has the Maildir of ada: /home/ada/Maildir; give each user a place apart",
        ),
    ],
)
def test_errors_name_the_key_and_what_would_be_right(
    tmp_path: Path, text: str, complaint: str
) -> None:
    top_level = "" if text.startswith("[") else text
    with pytest.raises(SettingsError) as error:
        settings_of(tmp_path, top_level + SMALLEST + ("" if top_level else text))
    assert str(error.value).startswith(f"{tmp_path}/maildird.toml: ")
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)


def test_a_password_that_won_t_do_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as error:
        settings_of(tmp_path, SMALLEST.replace('"secret"', "123456"))
    assert "123456" not in str(error.value)


def test_a_file_without_accounts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"accounts is missing, so nobody could log in"):
        settings_of(tmp_path, "")


def test_a_password_may_be_stored_as_a_hash(tmp_path: Path) -> None:
    hashed = "{SSHA256}2x7AC+C8lnKyEiHgbEncbc4MF3caDTW3nWqyCtVuulROYbll"
    (user,) = settings_of(tmp_path, SMALLEST.replace("secret", hashed)).users
    assert user.password is not None
    assert user.password.matches("pässword".encode())


def test_names_are_lowered_as_dovecot_does(tmp_path: Path) -> None:
    text = "[[accounts]]\nname = 'Ada'\npassword = 'x'\nlocation = '/m/{user}'\n"
    (ada,) = settings_of(tmp_path, text).users
    assert (ada.name, ada.mail.name, ada.mail.root) == ("ada", "ada", b"/m/ada")


def test_users_may_be_in_a_passwd_file_or_the_system_alone(tmp_path: Path) -> None:
    text = "[users]\nfile = '/etc/users'\npam = 'imap'\n[mail]\nlocation = '{home}/Maildir'"
    settings = settings_of(tmp_path, f"state_directory = '/state'\n{text}")
    assert settings.users == ()
    assert settings.sources is not None
    assert (settings.sources.file, settings.sources.pam) == ("/etc/users", "imap")
    account = settings.sources.template.account("ada", home="/home/ada")
    assert (account.root, account.state_directory) == (b"/home/ada/Maildir", b"/state/ada")


def test_a_file_that_is_not_toml_is_refused_with_the_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"maildird\.toml: this is not TOML: .*line 2"):
        settings_of(tmp_path, "\nlimits 5")


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "maildird.toml"
    file.write_bytes(b"# \xff")
    with pytest.raises(SettingsError, match="octet 2 is not UTF-8"):
        read_settings(file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file or directory; name a file"):
        read_settings(tmp_path / "nothing.toml")
