"""What the lines of a passwd-file say, as Dovecot's documentation has them."""

import os
import pwd
from dataclasses import replace

import pytest

from maildird.server.passwd_file import Entry, Problem, read_entries
from maildird.server.passwords import plain_password

SECRET = plain_password("secret")
ADA = Entry(1, "ada", SECRET)


def entry_of(line: str) -> Entry:
    """The only line that there is."""
    entries, problems = read_entries(line.encode())
    assert problems == []
    (entry,) = entries
    return entry


def problem_of(line: str) -> str:
    """What is wrong with the only line that there is."""
    entries, problems = read_entries(line.encode())
    assert entries == []
    (problem,) = problems
    assert problem.number == 1
    return problem.text


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        ("ada:{PLAIN}secret", ADA),
        ("ada:{PLAIN}secret\r\n", ADA),
        ("ada:{PLAIN}secret::::::", ADA),
        ("ada:{PLAIN}secret:1000:1001", replace(ADA, uid=1000, gid=1001)),
        ("ada:{PLAIN}secret:root:root", replace(ADA, uid=0, gid=0)),
        (
            "ada:{PLAIN}secret:1000:1001:Ada:/home/ada:/bin/sh",
            replace(ADA, uid=1000, gid=1001, home="/home/ada"),
        ),
        ("ada:{PLAIN}secret::::/home/ada::userdb_home=/srv/ada", replace(ADA, home="/srv/ada")),
        (
            "ada:{PLAIN}secret::::::userdb_quota_rule=*:storage=1G userdb_mail=maildir:/m/ada x",
            replace(ADA, location="/m/ada"),
        ),
        (
            "ada:{PLAIN}secret::::/home/ada::userdb_mail=maildir:~/Maildir:LAYOUT=fs",
            replace(ADA, home="/home/ada", location="{home}/Maildir", layout="fs"),
        ),
        (
            "ada:{PLAIN}secret::::::userdb_mail=maildir:/m/%d/%n:INDEX=/i/%u:LAYOUT=Maildir++",
            replace(ADA, location="/m/{domain}/{local}", layout="maildir++"),
        ),
        (
            "ada:{PLAIN}secret::::::userdb_mail=maildir:/m/%{user|domain}/%{user}/%%",
            replace(ADA, location="/m/{domain}/{user}/%"),
        ),
        ("ève@example.org:{PLAIN}secret", Entry(1, "ève@example.org", SECRET)),
    ],
)
def test_each_field_is_taken(line: str, entry: Entry) -> None:
    assert entry_of(line) == entry


@pytest.mark.parametrize("password", ["", "!", "*", "!!", "!$6$abc", "{CRYPT}*", "{SHA512-CRYPT}!"])
def test_who_is_locked_or_has_no_password_has_none(password: str) -> None:
    assert entry_of(f"ada:{password}:1000").password is None
    assert entry_of("ada").password is None


def test_a_password_without_scheme_is_one_of_crypt() -> None:
    entry = entry_of("ada:$2y$05$LhsV5piXD1/czdc4SMZ8a.buVsX65fqLc3VC7bmHa6M6cl3SqCOxO")
    assert entry.password is not None
    assert entry.password.scheme == "BLF-CRYPT"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (":{PLAIN}x", "the name must be a name of 1 to 80 printable characters, without slashes"),
        ("../ada:{PLAIN}x", "the name must be a name of"),
        ("a/b:{PLAIN}x", "the name must be a name of"),
        ("ada:{XYZ}x", "ada: the scheme {XYZ} is not known; these are: ARGON2ID, "),
        ("ada:x:1000", "ada: a hash of {CRYPT}, or of no scheme, must begin with $2a$"),
        ("ada:{PLAIN}x:no-such-user", 'ada: "no-such-user" is no user of this machine, and no num'),
        ("ada:{PLAIN}x:1:no-such-group", 'ada: "no-such-group" is no group of this machine'),
        ("ada:{PLAIN}x::::::allow_nets=10.0.0.0/8", "ada: allow_nets is not supported, so this us"),
        ("ada:{PLAIN}x::::::nologin", "ada: nologin is not supported"),
        ("ada:{PLAIN}x::::::userdb_mail=mbox:~/m", "ada: ~/m in userdb_mail is not supported"),
        ("ada:{PLAIN}x::::::userdb_mail=maildir:m", 'ada: userdb_mail is "maildir:m", but must be'),
        ("ada:{PLAIN}x::::::userdb_mail=maildir:/%x", "ada: %x in userdb_mail is not supported"),
        (
            "ada:{PLAIN}x::::::userdb_mail=maildir:/m:CONTROL=/c",
            "ada: CONTROL=/c in userdb_mail is",
        ),
    ],
)
def test_what_can_t_be_used_is_told(line: str, text: str) -> None:
    assert problem_of(line).startswith(text)


def test_a_bad_line_is_told_with_its_number_and_takes_no_other_with_it() -> None:
    content = (
        b"# users\n\nada:{PLAIN}secret\n  \nbob:{XYZ}x\n\xff:{PLAIN}x\n"
        b"ada:{PLAIN}other\neve:{PLAIN}secret"
    )
    entries, problems = read_entries(content)
    assert entries == [Entry(3, "ada", SECRET), Entry(8, "eve", SECRET)]
    assert [each.number for each in problems] == [5, 6, 7]
    assert problems[1:] == [
        Problem(6, "this is not UTF-8"),
        Problem(7, "ada stands in line 3 already; case makes no difference"),
    ]


def test_names_differ_in_more_than_case() -> None:
    entries, problems = read_entries(b"Ada@Example.org:{PLAIN}secret\nada@example.ORG:{PLAIN}x\n")
    assert entries == [Entry(1, "ada@example.org", SECRET)]
    assert problems == [
        Problem(2, "ada@example.org stands in line 1 already; case makes no difference")
    ]


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    assert read_entries(b"\xef\xbb\xbfada:{PLAIN}secret\n") == ([ADA], [])


def test_a_uid_may_be_a_name_of_this_machine() -> None:
    name = pwd.getpwuid(os.getuid()).pw_name
    assert entry_of(f"ada:{{PLAIN}}secret:{name}").uid == os.getuid()


def test_many_lines_are_read() -> None:
    hashed = "$6$yUMTf03nAmhG3qci$" + "U" * 86
    lines = (
        f"u{n}@example.org:{{SHA512-CRYPT}}{hashed}:5000:5000::/m/u{n}::" for n in range(30_000)
    )
    entries, problems = read_entries("\n".join(lines).encode())
    assert (len(entries), problems) == (30_000, [])
    assert entries[-1].home == "/m/u29999"
