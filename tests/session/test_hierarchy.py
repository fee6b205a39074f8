"""LIST and LSUB by the examples of RFC 5258 section 5 and their like."""

from maildird.imap.commands.mailboxes import List, ListReturn, ListSelect, Lsub
from maildird.mailbox.results import MailboxEntry
from maildird.session.hierarchy import Hierarchy, Shown

SUBSCRIBED = frozenset({ListSelect.SUBSCRIBED})
RECURSIVE = frozenset({ListSelect.SUBSCRIBED, ListSelect.RECURSIVEMATCH})


def hierarchy(names: str, subscribed: str = "", uses: dict[str, str] | None = None) -> Hierarchy:
    entries = [
        MailboxEntry(name, True, False, (uses[name],) if uses and name in uses else ())
        for name in names.split()
    ]
    return Hierarchy("/", entries, frozenset(subscribed.split()))


def lines(found: "list[Shown]") -> list[str]:
    return [
        f"({' '.join(a for a in s.attributes if 'Children' not in a)}) {s.name}"
        + (" CHILDINFO" if s.child_info else "")
        for s in found
    ]


def test_children_and_parents_that_are_no_mailboxes() -> None:
    there = hierarchy("INBOX Fruit/Apple Tofu")
    assert list(there.list(List("", ("%",)))) == [
        Shown("INBOX", ("\\HasNoChildren",), selected=True),
        Shown("Fruit", ("\\Noselect", "\\HasChildren")),
        Shown("Tofu", ("\\HasNoChildren",), selected=True),
    ]
    assert [s.name for s in there.list(List("", ("*",)))] == ["INBOX", "Fruit/Apple", "Tofu"]
    assert [s.name for s in there.list(List("Fruit/", ("%",)))] == ["Fruit/Apple"]
    assert [s.name for s in there.list(List("", ("Fruit",)))] == ["Fruit"]


def test_extended_list_calls_such_parents_nonexistent() -> None:
    there = hierarchy("music/rock")
    assert lines(list(there.list(List("", ("%",), extended=True)))) == ["(\\NonExistent) music"]
    assert lines(list(there.list(List("", ("%", "music/rock"), extended=True)))) == [
        "() music/rock"
    ]


def test_levels_of_a_prefix() -> None:
    there = hierarchy("INBOX INBOX/Sent Mail/a")
    assert list(there.list(List("", ("%",)))) == [
        Shown("INBOX", ("\\HasChildren",), selected=True),
        Shown("Mail", ("\\Noselect", "\\HasChildren")),
    ]


def test_subscribed_names_also_those_that_do_not_exist() -> None:
    there = hierarchy("Fruit Fruit/Apple Vegetable", "Fruit/Peach Vegetable")
    assert lines(list(there.list(List("", ("*",), True, SUBSCRIBED)))) == [
        "(\\NonExistent \\Subscribed) Fruit/Peach",
        "(\\Subscribed) Vegetable",
    ]
    assert lines(list(there.list(List("", ("%",), True, SUBSCRIBED)))) == [
        "(\\Subscribed) Vegetable"
    ]
    everything = List("", ("*",), True, returns=frozenset({ListReturn.SUBSCRIBED}))
    assert lines(list(there.list(everything))) == [
        "() Fruit",
        "() Fruit/Apple",
        "(\\Subscribed) Vegetable",
    ]


def test_recursivematch_example_8() -> None:
    command = List("", ("%",), True, RECURSIVE)
    there = hierarchy("INBOX Foo Foo/Bar Foo/Baz Moo", "Foo/Baz")
    assert lines(list(there.list(command))) == ["() Foo CHILDINFO"]
    there = hierarchy("INBOX Foo Foo/Bar Foo/Baz Moo", "Foo/Baz Foo")
    assert lines(list(there.list(command))) == ["(\\Subscribed) Foo CHILDINFO"]
    there = hierarchy("INBOX Foo/Bar Foo/Baz Moo", "Foo/Baz")
    assert lines(list(there.list(command))) == ["(\\NonExistent) Foo CHILDINFO"]
    there = hierarchy("INBOX Foo Foo/Bar Foo/Baz Moo")
    assert lines(list(there.list(command))) == []
    there = hierarchy("INBOX Foo Foo/Bar Foo/Baz Moo", "Foo Moo")
    assert lines(list(there.list(command))) == ["(\\Subscribed) Foo", "(\\Subscribed) Moo"]


def test_recursivematch_example_9() -> None:
    there = hierarchy(
        "INBOX foo2 foo2/bar1 foo2/bar2 baz2 baz2/bar2 baz2/bar22 baz2/bar222 eps2 eps2/mamba"
        " qux2/bar2",
        "foo2/bar1 foo2/bar2 baz2/bar2 baz2/bar22 baz2/bar222 eps2 eps2/mamba qux2/bar2",
    )
    assert lines(list(there.list(List("", ("*2",), True, RECURSIVE)))) == [
        "(\\Subscribed) baz2/bar2",
        "(\\Subscribed) baz2/bar22",
        "(\\Subscribed) baz2/bar222",
        "(\\Subscribed) eps2 CHILDINFO",
        "() foo2 CHILDINFO",
        "(\\Subscribed) foo2/bar2",
        "(\\Subscribed) qux2/bar2",
    ]


def test_recursivematch_example_10_without_children() -> None:
    there = hierarchy("foo", "foo/bar")
    assert list(there.list(List("", ("foo",), True, RECURSIVE))) == [
        Shown("foo", ("\\HasNoChildren",), child_info=True)
    ]


def test_an_empty_pattern_is_ignored() -> None:
    assert lines(list(hierarchy("a").list(List("", ("", "a"), extended=True)))) == ["() a"]


def test_special_use() -> None:
    there = hierarchy("INBOX Bin Sent", "Bin Sent", {"Bin": "\\Trash"})
    select = frozenset({ListSelect.SPECIAL_USE})
    assert lines(list(there.list(List("", ("*",), True, select)))) == ["(\\Trash) Bin"]
    assert lines(list(there.list(List("", ("*",), True, select | SUBSCRIBED)))) == [
        "(\\Subscribed \\Trash) Bin"
    ]
    assert lines(list(there.list(List("", ("B*",))))) == ["(\\Trash) Bin"]


def test_lsub() -> None:
    there = hierarchy("a a/b", "a/b gone/x INBOX")
    assert lines(list(there.lsub(Lsub("", "*")))) == ["() INBOX", "() a/b", "() gone/x"]
    assert lines(list(there.lsub(Lsub("", "%")))) == [
        "() INBOX",
        "(\\Noselect) a",
        "(\\Noselect) gone",
    ]
