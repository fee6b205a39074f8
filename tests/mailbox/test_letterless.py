"""Keywords that have no letter: what becomes of them when the index is lost, and in between."""

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from maildird.index.environment import Index
from maildird.index.rows import MailboxRow
from maildird.mailbox.results import FlagChangeHow, Incoming
from maildird.mailbox.settings import AccountSettings, LayoutKind
from maildird.mailbox.verify import verify
from maildird.terms.errors import Refused
from maildird.terms.flags import LETTER_KEYWORDS, MAX_KEYWORDS
from tests.mailbox.outside import Mail, mail_in
from tests.mailbox.world import settings_for
from tests.maildir.disk import full_disk

ADD, REMOVE, REPLACE = FlagChangeHow.ADD, FlagChangeHow.REMOVE, FlagChangeHow.REPLACE
FILE = "maildird-keywords"
LETTERED = tuple(f"letter{number}" for number in range(LETTER_KEYWORDS))
MOST = tuple(f"far{number}" for number in range(MAX_KEYWORDS - LETTER_KEYWORDS))


def name_letters(folder: Path, *names: str) -> None:
    """Have all the letters of a folder mean keywords, these first."""
    names += LETTERED[len(names) :]
    lines = [f"{number} {name}\n" for number, name in enumerate(names)]
    (folder / "dovecot-keywords").write_text("".join(lines))


def replace(path: Path, make: Callable[[Path], None]) -> None:
    path.unlink()
    make(path)


def rows(index: Index) -> Sequence[MailboxRow]:
    with index.snapshot() as snapshot:
        return snapshot.mailboxes()


def lose_index(directory: Path) -> None:
    shutil.rmtree(directory / "state" / "index")


async def append(mail: Mail, body: str, *flags: str, mailbox: str = "INBOX") -> None:
    await mail.account.append(mailbox, [Incoming(b"Subject: x\r\n\r\n" + body.encode(), flags)])


async def store(mail: Mail, body: str, how: FlagChangeHow, *flags: str) -> None:
    shown = await mail.shown()
    selected = await mail.open(read_only=False)
    await selected.store([uid for uid, m in shown.items() if m.body == body], how, flags)
    await selected.close()


async def flags_in(mail: Mail, mailbox: str = "INBOX") -> dict[str, set[str]]:
    return {m.body: set(m.flags) for m in (await mail.shown(mailbox)).values()}


async def begin(mail: Mail) -> dict[str, set[str]]:
    """Three messages with letterless keywords and one without."""
    name_letters(mail.root)
    await mail.shown()
    await append(mail, "one", "far", "\\Seen", "letter3")
    await append(mail, "two", "FAR", "off")
    await append(mail, "three", *MOST[2:])
    await append(mail, "four")
    await store(mail, "two", REPLACE, "off", "letter1")
    await store(mail, "four", ADD, "off")
    await store(mail, "four", REMOVE, "off", "far")
    flags = await flags_in(mail)
    assert flags == {
        "one": {"far", "\\Seen", "letter3"},
        "two": {"off", "letter1"},
        "three": {*MOST[2:]},
        "four": set(),
    }
    return flags


async def test_they_outlive_the_index(tmp_path: Path) -> None:
    async with mail_in(tmp_path) as mail:
        before = await begin(mail)
        uids = {uid: message.body for uid, message in (await mail.shown()).items()}
    assert verify(settings_for(tmp_path)) == []
    for _ in range(2):
        lose_index(tmp_path)
        async with mail_in(tmp_path) as mail:
            assert await flags_in(mail) == before
            assert {uid: m.body for uid, m in (await mail.shown()).items()} == uids
        assert verify(settings_for(tmp_path)) == []


async def test_folders_without_them_have_no_file(tmp_path: Path) -> None:
    async with mail_in(tmp_path) as mail:
        name_letters(mail.root)
        await mail.shown()
        await append(mail, "one", "letter3", "\\Seen")
        await store(mail, "one", REPLACE, "letter4")
        assert not (mail.root / FILE).exists()
    lose_index(tmp_path)
    async with mail_in(tmp_path):
        assert not (tmp_path / "Maildir" / FILE).exists()


@pytest.mark.parametrize("kept", [b"", b"1 2", b"1 2 x", b"\xff"])
async def test_a_position_that_is_damaged(tmp_path: Path, kept: bytes) -> None:
    async with mail_in(tmp_path) as mail:
        before = await begin(mail)
        (mailbox,) = [row.id for row in rows(mail.account.index)]
    index = Index.open(settings_for(tmp_path).state_directory + b"/index")
    index.write(lambda batch: batch.put_meta(f"letterless-{mailbox}", kept))
    index.close()
    async with mail_in(tmp_path) as mail:
        assert await flags_in(mail) == before
    assert verify(settings_for(tmp_path)) == []


async def test_messages_that_other_programs_renamed(tmp_path: Path) -> None:
    async with mail_in(tmp_path) as mail:
        before = await begin(mail)
        files = mail.beside.files("INBOX")
    lose_index(tmp_path)
    (tmp_path / "Maildir" / "dovecot-uidlist").unlink()
    for file in files:
        mail.beside.reflag(file, "F")
    async with mail_in(tmp_path) as mail:
        after = await flags_in(mail)
        kept = {
            body: {flag for flag in flags if "letter" not in flag and "\\" not in flag}
            for body, flags in before.items()
        }
        assert after == {body: {"\\Flagged", *flags} for body, flags in kept.items()}


@pytest.mark.parametrize("moved", [False, True], ids=["COPY", "MOVE"])
async def test_they_come_along_to_another_mailbox(tmp_path: Path, moved: bool) -> None:
    async with mail_in(tmp_path) as mail:
        before = await begin(mail)
        await mail.account.create("Other")
        name_letters(mail.root / ".Other", "far")
        await mail.shown("Other")
        selected = await mail.open(read_only=False)
        await (selected.move if moved else selected.copy)(list(selected.view.uids), "Other")
        await selected.close()
        left = await flags_in(mail)
    lose_index(tmp_path)
    async with mail_in(tmp_path) as mail:
        assert await flags_in(mail, "Other") == before
        assert await flags_in(mail) == left


@pytest.mark.parametrize("layout", ["maildir++", "fs"])
async def test_mailboxes_that_are_renamed_deleted_and_copied(
    tmp_path: Path, layout: LayoutKind
) -> None:
    settings = settings_for(tmp_path)
    settings = AccountSettings(settings.name, settings.root, settings.state_directory, layout)
    async with mail_in(tmp_path, settings) as mail:
        before = await begin(mail)
        for name in ("Old", "Gone"):
            await mail.account.create(name)
            selected = await mail.open(read_only=False)
            await selected.copy(list(selected.view.uids), name)
            await selected.close()
        await mail.account.rename("Old", "New")
        await mail.account.delete("Gone")
        await mail.account.create("Gone")
        await mail.account.rename("INBOX", "Kept")
    lose_index(tmp_path)
    dot = "." if layout == "maildir++" else ""
    shutil.copytree(tmp_path / "Maildir" / f"{dot}Kept", tmp_path / "Maildir" / f"{dot}Copied")
    async with mail_in(tmp_path, settings) as mail:
        for name in ("New", "Kept", "Copied"):
            assert await flags_in(mail, name) == before
        for name in ("INBOX", "Gone"):
            assert await flags_in(mail, name) == {}
        names = {entry.name for entry in await mail.account.list()}
        assert names == {"INBOX", "New", "Kept", "Copied", "Gone"}
    assert verify(settings) == []


async def test_a_keyword_that_got_a_letter_meanwhile(tmp_path: Path) -> None:
    """Its messages get the letter; the others keep what they have."""
    async with mail_in(tmp_path) as mail:
        before = await begin(mail)
    lose_index(tmp_path)
    name_letters(tmp_path / "Maildir", "OFF")
    async with mail_in(tmp_path) as mail:
        assert await flags_in(mail) == {**before, "two": {"OFF", "letter1"}}
        assert any(name.endswith(":2,ab") for name in mail.names())
        await store(mail, "two", REMOVE, "off")
        assert (await flags_in(mail))["two"] == {"letter1"}
    lose_index(tmp_path)
    async with mail_in(tmp_path) as mail:
        assert await flags_in(mail) == {**before, "two": {"letter1"}}


async def test_a_letter_that_a_keyword_gets_while_the_index_is_there(tmp_path: Path) -> None:
    async with mail_in(tmp_path) as mail:
        before = await begin(mail)
        name_letters(mail.root, "off")
        await mail.shown()
        await store(mail, "two", REMOVE, "off")
        assert (await flags_in(mail))["two"] == {"letter1"}
    lose_index(tmp_path)
    async with mail_in(tmp_path) as mail:
        assert await flags_in(mail) == {**before, "two": {"letter1"}}


async def test_what_was_said_and_never_committed_is_not_heard_of(tmp_path: Path) -> None:
    """A server was killed between the two; the next one has the file say what the index knows."""
    async with mail_in(tmp_path) as mail:
        before = await begin(mail)
        base = mail.names()[-1].partition("/")[2].partition(":2,")[0]
    with (tmp_path / "Maildir" / FILE).open("a") as file:
        file.write(f"\nnever\t{base}/.\n")
    async with mail_in(tmp_path) as mail:
        assert await flags_in(mail) == before
    lose_index(tmp_path)
    async with mail_in(tmp_path) as mail:
        assert await flags_in(mail) == before


@pytest.mark.parametrize("again", [False, True], ids=["the index is there", "it is lost"])
@pytest.mark.parametrize(
    "spoil",
    [
        os.unlink,
        lambda path: os.truncate(path, 0),
        lambda path: Path(path).write_bytes(b"\0\xff\n" * 4000),
        lambda path: replace(path, os.mkfifo),
        lambda path: replace(path, lambda path: os.symlink("/etc/passwd", path)),
        lambda path: os.truncate(path, 1 << 40),
    ],
    ids=["gone", "empty", "garbage", "FIFO", "link", "huge"],
)
async def test_a_file_that_others_spoil(
    tmp_path: Path, spoil: Callable[[Path], object], again: bool
) -> None:
    """The index counts while it is there; else keywords are lost, and new ones are kept."""
    async with mail_in(tmp_path) as mail:
        before = await begin(mail)
    spoil(tmp_path / "Maildir" / FILE)
    if again:
        lose_index(tmp_path)
    async with mail_in(tmp_path) as mail:
        flags = await flags_in(mail)
        assert flags["four"] == set()
        assert again or flags == before
        await store(mail, "four", ADD, "off")
        flags = await flags_in(mail)
        spoil(mail.root / FILE)
        await store(mail, "one", ADD, "off")
        flags["one"] |= {"off"}
    assert verify(settings_for(tmp_path)) == []
    lose_index(tmp_path)
    async with mail_in(tmp_path) as mail:
        assert await flags_in(mail) == flags


async def test_a_directory_in_its_place(tmp_path: Path) -> None:
    """Nobody's directory is removed: there are no more letterless keywords in that folder."""
    (tmp_path / "Maildir" / FILE).mkdir(parents=True)
    async with mail_in(tmp_path) as mail:
        name_letters(mail.root)
        await mail.shown()
        await append(mail, "one", "letter3")
        with pytest.raises(OSError, match=FILE):
            await store(mail, "one", ADD, "off")
        assert await flags_in(mail) == {"one": {"letter3"}}
    assert (tmp_path / "Maildir" / FILE).is_dir()


@pytest.mark.parametrize("mailbox", ["Other", None], ids=["to a mailbox", "out of the tree"])
async def test_a_file_that_another_program_moves_away_and_back(
    tmp_path: Path, mailbox: str | None
) -> None:
    """It is a new message each time, and stays one without keywords when the index is lost."""
    async with mail_in(tmp_path) as mail:
        before = await begin(mail)
        await mail.account.create("Other")
        away = mail.beside.folder(mailbox) / "cur" if mailbox else tmp_path
        for name in mail.names():
            (mail.root / name).rename(away / name.partition("/")[2])
        assert await flags_in(mail) == {}
        await mail.shown("Other")
        for file in away.glob("*:2,*"):
            file.rename(mail.root / "cur" / file.name)
        after = await flags_in(mail)
        assert after.keys() == before.keys()
        assert not {flag for flags in after.values() for flag in flags} & {"far", "off", *MOST}
        await mail.shown("Other")
    assert verify(settings_for(tmp_path)) == []
    lose_index(tmp_path)
    async with mail_in(tmp_path) as mail:
        assert await flags_in(mail) == after


async def test_a_full_disk(tmp_path: Path) -> None:
    """Nothing is half done, be it told in one command."""
    async with mail_in(tmp_path) as mail:
        before = await begin(mail)
        selected = await mail.open(read_only=False)
        size = (mail.root / FILE).stat().st_size
        for body in ("one", "four"):
            await store(mail, body, ADD, "far")
        limit = (mail.root / FILE).stat().st_size + 20
        with full_disk(limit), pytest.raises(OSError, match=r"large|Quota|space"):
            await selected.store(list(selected.view.uids), REPLACE, ("\\Seen", "off"))
        await selected.close()
        assert size < limit
        assert await flags_in(mail) == {**before, "four": {"far"}}
    lose_index(tmp_path)
    async with mail_in(tmp_path) as mail:
        assert await flags_in(mail) == {**before, "four": {"far"}}


async def test_a_keyword_too_many(tmp_path: Path) -> None:
    """They are told apart by name, also where the file has more than there is room for."""
    async with mail_in(tmp_path) as mail:
        await begin(mail)
        with pytest.raises(Refused, match=str(MAX_KEYWORDS)):
            await append(mail, "five", "one-more")
        base = mail.names()[0].partition("/")[2].partition(":2,")[0]
    lose_index(tmp_path)
    with (tmp_path / "Maildir" / FILE).open("a") as file:
        file.write("".join(f"\nextra{n}\t{base}/.\n" for n in range(3)) + f"\na b c\t{base}/.\n")
    async with mail_in(tmp_path) as mail:
        named = {flag for flags in (await flags_in(mail)).values() for flag in flags}
        assert len(named - {*LETTERED, "\\Seen"}) == len(MOST)
