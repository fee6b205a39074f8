"""Connections in crowds, and one user who wants to be another."""

from pathlib import Path

from tests.abuse.attacked import PASSWORD, attacked, until

FLOOD = 300


def test_a_crowd_before_login_is_told_and_leaves_no_trace(tmp_path: Path) -> None:
    limits = "[limits]\nconnections = 100\nconnections_per_address = 50\n"
    with attacked(tmp_path, "ada", settings=limits) as server:
        known = server.log_in("ada")
        before = server.descriptors()
        crowd = [server.connect() for _ in range(FLOOD)]
        known.ask(b"NOOP")
        refused = [wire for wire in crowd if not wire.greeting.startswith(b"* OK ")]
        assert len(refused) == FLOOD - 49
        for wire in refused:
            assert wire.greeting.startswith(b"* BYE [LIMIT] 50 connections from 127.0.0.1")
            assert wire.closed()
        for wire in crowd:
            wire.close()
        until(lambda: server.descriptors() <= before, lambda: known.ask(b"NOOP"))
        server.log_in("ada").ask(b"NOOP")


def test_a_crowd_after_login_is_told(tmp_path: Path) -> None:
    limits = "[limits]\nconnections_per_user = 10\n"
    with attacked(tmp_path, "ada", "bob", settings=limits) as server:
        known = [server.log_in("ada") for _ in range(10)]
        for _ in range(20):
            wire = server.connect()
            wire.ask(b'LOGIN ada "%s"' % PASSWORD.encode(), b"NO [LIMIT] 10 connections of ada")
            assert wire.line().startswith(b"* BYE ")
            assert wire.closed()
        for wire in known:
            wire.ask(b"NOOP")
        server.log_in("bob").ask(b"NOOP")


def test_who_reconnects_at_once_all_the_time_costs_nothing(tmp_path: Path) -> None:
    with attacked(tmp_path, "ada") as server:
        known = server.log_in("ada")
        known.ask(b"SELECT INBOX")
        before = server.descriptors()
        for number in range(200):
            wire = server.log_in("ada")
            wire.say((b"", b"a SELECT INBOX\r\n", b"a SELECT INBOX\r\nb IDLE\r\n")[number % 3])
            wire.close()
        until(lambda: server.descriptors() <= before, lambda: known.ask(b"NOOP"))


def test_nothing_of_one_user_is_seen_by_another(tmp_path: Path) -> None:
    with attacked(tmp_path, "ada", "bob") as server:
        ada = server.log_in("ada")
        ada.ask(b"CREATE Secret")
        ada.ask(b"SUBSCRIBE Secret")
        ada.ask(b"APPEND INBOX {5+}\r\nhello")
        bob = server.connect()
        bob.ask(b"LOGIN ada wrong", b"NO [AUTHENTICATIONFAILED]")
        bob.ask(b'LOGIN bob "%s"' % PASSWORD.encode())
        bob.ask(b'LOGIN ada "%s"' % PASSWORD.encode(), b"BAD")
        assert b"* 0 EXISTS" in bob.ask(b"SELECT INBOX")
        assert not [line for line in bob.ask(b'LIST "" "*"') if b"Secret" in line]
        assert not bob.ask(b'LSUB "" "*"')
        for name in (b"../ada", b"../ada/.Secret", b"Secret", b"..ada", b"/", b"~ada", b".."):
            bob.ask(b'SELECT "' + name + b'"', b"NO")
