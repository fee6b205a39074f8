"""`dovecot-keywords` and `subscriptions`, changed by other programs while the mailbox is in use."""

from pathlib import Path

import pytest

from maildird.mailbox.results import FlagChangeHow
from maildird.terms.flags import LETTER_KEYWORDS
from tests.mailbox.outside import Mail, Message, until


def name_letters(mail: Mail, *lines: str) -> None:
    """As Dovecot does it: write another file, and rename it."""
    written = mail.root / "dovecot-keywords.tmp"
    written.write_text("".join(f"{line}\n" for line in lines))
    written.rename(mail.root / "dovecot-keywords")


def flagged(body: str, *flags: str) -> Message:
    return Message(body, frozenset(flags))


@pytest.fixture
async def named(mail: Mail) -> Mail:
    """Two keywords, and messages with the letters `a`, `b`, `c` and none."""
    name_letters(mail, "0 $Junk", "1 Work")
    for letter in ("", "a", "b", "c"):
        mail.put(f"cur/{letter or 'none'}.h:2,S{letter}", letter)
    shown = await mail.shown()
    assert sorted(tuple(sorted(message.flags - {"\\Seen"})) for message in shown.values()) == [
        (),
        (),
        ("$Junk",),
        ("Work",),
    ]
    return mail


@pytest.mark.parametrize(
    ("lines", "changed"),
    [
        (("0 $Junk", "1 Work", "2 Home"), {"c": {"Home"}}),
        (("0 $Junk", "1 Office"), {"b": {"Office"}}),
        (("0 Work", "1 $Junk"), {"a": {"Work"}, "b": {"$Junk"}}),
        (("0 $Junk",), {"b": set()}),
        (("1 Work",), {"a": set()}),
        (("0 $Junk", "1 work"), {"b": {"work"}}),
    ],
    ids=["appended", "renamed", "swapped", "the last removed", "the first removed", "other case"],
)
async def test_letters_that_another_program_names(
    named: Mail, lines: tuple[str, ...], changed: dict[str, set[str]]
) -> None:
    """Who has the mailbox open hears of each message that has other flags now, and of no other."""
    before = {message.body: uid for uid, message in (await named.shown()).items()}
    selected = await named.open()
    modseq = selected.view.highestmodseq
    name_letters(named, *lines)
    after = await named.shown()
    changes = selected.pull(may_expunge=True)
    assert changes.keywords
    assert {change.uid for change in changes.flags} == {before[letter] for letter in changed}
    assert all(change.modseq > modseq for change in changes.flags)
    for letter, flags in changed.items():
        assert after[before[letter]].flags == flags | {"\\Seen"}
    await selected.close()


async def test_a_letter_named_by_another_program_is_heard_of_without_asking(named: Mail) -> None:
    selected = await named.open()
    name_letters(named, "0 $Junk", "1 Office")
    await until(lambda: len(selected.pull(may_expunge=True).flags) == 1)
    assert "Office" in selected.keywords
    await selected.close()


async def test_a_client_goes_on_to_use_what_another_program_named(named: Mail) -> None:
    name_letters(named, "0 $Junk", "1 Work", "2 Home")
    selected = await named.open(read_only=False)
    (plain,) = [uid for uid, message in (await named.shown()).items() if not message.body]
    await selected.store([plain], FlagChangeHow.ADD, ("home", "Later"))
    await selected.close()
    assert (named.root / "cur" / "none.h:2,Scd").exists()
    assert (named.root / "dovecot-keywords").read_text() == "0 $Junk\n1 Work\n2 Home\n3 Later\n"


async def test_a_file_of_keywords_that_was_removed_is_written_again(named: Mail) -> None:
    before = await named.shown()
    (named.root / "dovecot-keywords").unlink()
    named.put("cur/more.h:2,S", "more")
    shown = await named.shown()
    assert {uid: shown[uid] for uid in before} == before
    assert (named.root / "dovecot-keywords").read_text() == "0 $Junk\n1 Work\n"


@pytest.mark.parametrize("as_editors_do", [False, True], ids=["in place", "by another file"])
async def test_subscriptions_edited_by_hand_count_at_once(
    mail: Mail, tmp_path: Path, as_editors_do: bool
) -> None:
    await mail.account.subscribe("Work")
    file = mail.root / "subscriptions"
    lines = "INBOX\nWork\nHome\nno such\n"
    if as_editors_do:
        (tmp_path / "edited").write_text(lines)
        (tmp_path / "edited").rename(file)
    else:
        file.write_text(lines)
    assert await mail.account.subscriptions() == {"INBOX", "Work", "Home", "no such"}
    file.unlink()
    assert await mail.account.subscriptions() == set()


async def test_a_letter_for_a_keyword_that_had_none(mail: Mail) -> None:
    """What had none goes into the file names, and is one keyword, not two."""
    for number in range(LETTER_KEYWORDS + 1):
        mail.put(f"cur/{number}.h:2,", f"{number}")
    before = {message.body: uid for uid, message in (await mail.shown()).items()}
    selected = await mail.open(read_only=False)
    for number in range(LETTER_KEYWORDS + 1):
        uid = before[f"{number}"]
        await selected.store([uid], FlagChangeHow.ADD, (f"k{number}",))
    last = f"k{LETTER_KEYWORDS}"
    lines = [f"{number} k{number}" for number in range(LETTER_KEYWORDS)]
    name_letters(mail, *lines[:3], f"3 {last.upper()}", *lines[4:])
    after = {message.body: message.flags for message in (await mail.shown()).values()}
    assert after[f"{LETTER_KEYWORDS}"] == {last.upper()}
    assert (mail.root / "cur" / f"{LETTER_KEYWORDS}.h:2,d").exists()
    await selected.store(list(before.values()), FlagChangeHow.REMOVE, (last,))
    after = {message.body: message.flags for message in (await mail.shown()).values()}
    assert after["3"] == after[f"{LETTER_KEYWORDS}"] == set()
