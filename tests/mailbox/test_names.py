"""Names and special uses: tables."""

import pytest

from maildird.mailbox.namespace import Parts, name_of, parts_of, parts_to_create
from maildird.mailbox.results import Namespace
from maildird.mailbox.special_use import assign
from maildird.mailbox.tree import entries
from maildird.terms.codes import Code
from maildird.terms.errors import Refused

DOVECOT = Namespace("", "/")
COURIER = Namespace("INBOX.", ".")


@pytest.mark.parametrize(
    ("namespace", "name", "parts"),
    [
        (DOVECOT, "INBOX", ("INBOX",)),
        (DOVECOT, "iNbOx", ("INBOX",)),
        (DOVECOT, "inbox/a", ("INBOX", "a")),
        (DOVECOT, "a/INBOX", ("a", "INBOX")),
        (DOVECOT, "Entwürfe", ("Entwürfe",)),
        (COURIER, "inbox", ("INBOX",)),
        (COURIER, "INBOX.Sent", ("Sent",)),
        (COURIER, "Inbox.Sent.2024", ("Sent", "2024")),
    ],
)
def test_parts_of_a_name(namespace: Namespace, name: str, parts: Parts) -> None:
    assert parts_of(namespace, name) == parts
    assert parts_of(namespace, name_of(namespace, parts)) == parts


@pytest.mark.parametrize(
    ("namespace", "name", "code"),
    [
        (COURIER, "Sent", Code.CANNOT),
        (COURIER, "INBOX.", Code.CANNOT),
        (DOVECOT, "a//b", Code.CANNOT),
        (DOVECOT, "/etc", Code.CANNOT),
        (DOVECOT, "", Code.CANNOT),
    ],
)
def test_names_that_cannot_be_created(namespace: Namespace, name: str, code: Code) -> None:
    with pytest.raises(Refused) as refused:
        parts_to_create(namespace, name)
    assert refused.value.code is code


def test_a_trailing_separator_only_announces_children() -> None:
    assert parts_to_create(DOVECOT, "a/b/") == ("a", "b")


@pytest.mark.parametrize(
    ("existing", "configured", "created", "uses"),
    [
        (["Trash", "Sent"], {}, {}, {"Trash": "\\Trash", "Sent": "\\Sent"}),
        (["Sent", "Sent Items"], {}, {}, {"Sent": "\\Sent"}),
        (["Sent", "Gesendet"], {"Gesendet": "\\Sent"}, {}, {"Gesendet": "\\Sent"}),
        (["Trash", "Bin"], {}, {"Bin": "\\Trash"}, {"Bin": "\\Trash"}),
        (["Bin", "Müll"], {"Müll": "\\Trash"}, {"Bin": "\\Trash"}, {"Müll": "\\Trash"}),
        (["spam"], {}, {}, {"spam": "\\Junk"}),
        (["x/Trash"], {}, {}, {}),
    ],
)
def test_each_use_has_one_mailbox(
    existing: list[str], configured: dict[str, str], created: dict[str, str], uses: dict[str, str]
) -> None:
    def parts(name: str) -> Parts:
        return tuple(name.split("/"))

    assert assign(
        [parts(name) for name in existing],
        {parts(name): use for name, use in configured.items()},
        {parts(name): (use,) for name, use in created.items()},
    ) == {parts(name): (use,) for name, use in uses.items()}


def test_the_hierarchy_shows_parents_that_exist_only_by_children() -> None:
    shown = entries(DOVECOT, [("a", "b", "c"), ("z",)], {}, {})
    assert [(e.name, e.selectable, e.children) for e in shown] == [
        ("INBOX", True, False),
        ("a", False, True),
        ("a/b", False, True),
        ("a/b/c", True, False),
        ("z", True, False),
    ]
