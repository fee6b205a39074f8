"""What a running server has to know, made from the command line or the configuration file."""

from dataclasses import dataclass, field
from typing import Annotated, Final

from maildird.mailbox.settings import APPEND_LIMIT, AccountSettings
from maildird.server.addresses import Address
from maildird.server.kinds import (
    ADDRESS,
    FILE,
    GROUP,
    LISTENER_TLS,
    MODE,
    NETWORKS,
    SOCKET,
    TLS_VERSION,
    TRUTH,
    ListenerTls,
    Network,
    whole,
)
from maildird.server.locations import AccountTemplate
from maildird.server.passwords import StoredPassword


@dataclass(frozen=True, slots=True)
class Listener:
    """One address to listen on.

    `tls` is how it begins; "starttls" is offered where there is a certificate. Without TLS a
    password is taken from clients of this machine only, unless `allow_plaintext`. Connections from
    `proxy_from` have to tell in a header of the PROXY protocol who the client is.
    """

    address: Annotated[Address, ADDRESS]
    allow_plaintext: Annotated[bool, TRUTH] = False
    tls: Annotated[ListenerTls, LISTENER_TLS] = "starttls"
    proxy_from: Annotated[tuple[Network, ...], NETWORKS] = ()


DEFAULT_LISTENER: Final = Listener(Address("127.0.0.1", 1143))


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """A certificate with the chain that leads to its authority, and its key; both PEM."""

    certificate: Annotated[str, FILE]
    key: Annotated[str, FILE]


@dataclass(frozen=True, slots=True)
class Tls:
    """The lowest version that is spoken, and the authorities that clients' certificates are of."""

    minimum: Annotated[str, TLS_VERSION] = "1.2"
    client_ca: Annotated[str | None, FILE] = None


@dataclass(frozen=True, slots=True)
class Sasl:
    """The socket where other servers ask who their clients are: its path, permissions, group."""

    socket: Annotated[str | None, SOCKET] = None
    mode: Annotated[str, MODE] = "0660"
    group: Annotated[str | None, GROUP] = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is too much: numbers of connections, octets of one message of APPEND.

    `connections_per_address` holds for this machine, too, `connections_per_user` after login.
    """

    connections: Annotated[int, whole(1, 100_000)] = 1000
    connections_per_address: Annotated[int, whole(1, 100_000)] = 400
    connections_per_user: Annotated[int, whole(1, 100_000)] = 200
    message_size: Annotated[int, whole(1024, 2**32 - 1, "octets")] = APPEND_LIMIT


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds after which a connection is closed.

    `login`: not logged in by then. `idle`: no command was heard for so long (at least 30
    minutes, RFC 3501 section 5.4); one that takes longer has a second more for each KiB that came.
    `write`: the client did not take 64 KiB of an answer in that time.
    """

    login: Annotated[int, whole(5, 3600, "seconds")] = 60
    idle: Annotated[int, whole(1800, 604_800, "seconds")] = 1800
    write: Annotated[int, whole(5, 3600, "seconds")] = 300


@dataclass(frozen=True, slots=True)
class User:
    """Someone who can log in, and the mail that is theirs.

    `password` is None where none is stored: PAM knows it, or there is none to log in with.
    """

    name: str
    password: StoredPassword | None = field(repr=False)
    mail: AccountSettings


@dataclass(frozen=True, slots=True)
class UserSources:
    """Where users are found beside those of `Settings.users`.

    `file` is the path of a passwd-file, `pam` the name of a PAM service; `template` says where
    their mail lies.
    """

    template: AccountTemplate
    file: str | None = None
    pam: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """All of it.

    `idle_keepalive` is the time (s) after which a client in IDLE is told that the server is still
    here; with 0 it is told of changes alone. `metrics` is where Prometheus reads numbers over HTTP;
    None: nowhere.
    """

    users: tuple[User, ...]
    listeners: tuple[Listener, ...] = (DEFAULT_LISTENER,)
    limits: Limits = field(default_factory=Limits)
    timeouts: Timeouts = field(default_factory=Timeouts)
    idle_keepalive: int = 0
    log_level: str = "info"
    certificates: tuple[CertificateFiles, ...] = ()
    tls: Tls = field(default_factory=Tls)
    sasl: Sasl = field(default_factory=Sasl)
    metrics: Address | None = None
    sources: UserSources | None = None
