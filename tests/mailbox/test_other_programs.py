"""The habits of other programs that work on the same Maildir, one by one."""

import os
import shutil
import time

import pytest

from maildird.mailbox.results import FlagChangeHow
from maildird.maildir.names import base_name
from tests.mailbox.outside import Mail, Message

SEEN = frozenset({"\\Seen"})


async def set_flags(mail: Mail, uid: int, *flags: str) -> None:
    """A client adds flags to a message."""
    selected = await mail.open(read_only=False)
    await selected.store([uid], FlagChangeHow.ADD, flags)
    await selected.close()


# Names


@pytest.mark.parametrize(
    ("name", "flags", "renamed"),
    [
        ("1.h,U=2749:2,:2,S", SEEN, "1.h,U=2749:2,:2,FS"),
        ("1.h,U=7:2,S", SEEN, "1.h,U=7:2,FS"),
        ("1.h,U=7,FMD5=7e33429f656f1e6e9d79b29c3f82c57e:2,S", SEEN, None),
        ("1.h:2,PS", SEEN, "1.h:2,FPS"),
        ("1.h:2,SXYZ", SEEN, "1.h:2,FSXYZ"),
        ("1.h:2,Sax", SEEN, "1.h:2,FSax"),
        ("1.h:2,S,data=of:others", SEEN, "1.h:2,FS,data=of:others"),
        ("1.h:1,x", frozenset(), "1.h:1,x:2,F"),
        ("1.h", frozenset(), "1.h:2,F"),
    ],
    ids=[
        "mu4e: two info parts",
        "mbsync: ,U=",
        "offlineimap: ,U= and ,FMD5=",
        "the letter P",
        "mblaze: letters of one's own",
        "small letters without a keyword",
        "a comma and data",
        "the experimental info part",
        "no info part in cur",
    ],
)
async def test_what_others_put_into_a_name_stays(
    mail: Mail, name: str, flags: frozenset[str], renamed: str | None
) -> None:
    mail.put(f"cur/{name}", "one")
    assert await mail.shown() == {1: Message("one", flags)}
    await set_flags(mail, 1, "\\Flagged")
    assert mail.names() == [f"cur/{renamed or name.replace(':2,', ':2,F')}"]
    assert await mail.shown() == {1: Message("one", flags | {"\\Flagged"})}


async def test_letters_that_mblaze_sets_and_takes_away_are_no_news(mail: Mail) -> None:
    file = mail.put("cur/1.h:2,S", "one")
    selected = await mail.open()
    file = mail.beside.reflag(file, "SX")
    await mail.shown()
    mail.beside.reflag(file, "S")
    await mail.shown()
    assert not selected.pull(may_expunge=True)
    await selected.close()


async def test_mbsync_places_files_with_flags_in_new(mail: Mail) -> None:
    mail.put("new/1.h,U=1:2,", "one")
    mail.put("new/2.h,U=2:2,FS", "two")
    read = {1: Message("one"), 2: Message("two", frozenset({"\\Flagged", "\\Seen"}))}
    assert await mail.shown() == read
    await (await mail.open(read_only=False)).close()
    assert mail.names() == ["cur/1.h,U=1:2,", "cur/2.h,U=2:2,FS"]
    assert await mail.shown() == read


async def test_mbsync_adds_its_uid_to_the_base_name(mail: Mail) -> None:
    """That is another base name, hence another message to everybody who keeps UIDs."""
    file = mail.put("cur/1.h:2,S", "one")
    assert await mail.shown() == {1: Message("one", SEEN)}
    file.rename(file.with_name("1.h,U=1:2,S"))
    assert await mail.shown() == {2: Message("one", SEEN)}


# Moves and reused names


async def test_neomutt_moves_a_message_back_to_new(mail: Mail) -> None:
    file = mail.put("cur/1.h:2,", "one")
    selected = await mail.open()
    file.rename(mail.root / "new" / "1.h")
    assert await mail.shown() == {1: Message("one")}
    assert not selected.pull(may_expunge=True), "the client has nothing to hear"
    await selected.close()
    await (await mail.open(read_only=False)).close()
    assert mail.names() == ["cur/1.h:2,"]


async def test_neomutt_moves_a_read_message_back_to_new(mail: Mail) -> None:
    file = mail.put("cur/1.h:2,S", "one")
    assert await mail.shown() == {1: Message("one", SEEN)}
    file.rename(mail.root / "new" / "1.h")
    assert await mail.shown() == {1: Message("one")}


async def test_a_move_back_to_new_while_a_client_takes_new_mail(mail: Mail) -> None:
    file = mail.put("cur/1.h:2,S", "one")
    selected = await mail.open(read_only=False)
    file.rename(mail.root / "new" / "1.h:2,S")
    assert await mail.shown() == {1: Message("one", SEEN)}
    assert mail.names() == ["cur/1.h:2,S"]
    await selected.close()


async def test_afew_moves_a_message_to_another_mailbox(mail: Mail) -> None:
    await mail.account.create("Other")
    file = mail.put("cur/1.h:2,S", "one")
    assert await mail.shown() == {1: Message("one", SEEN)}
    file.rename(mail.beside.folder("Other") / "cur" / file.name)
    assert await mail.shown() == {}
    assert await mail.shown("Other") == {1: Message("one", SEEN)}


async def test_one_base_name_in_two_mailboxes_is_two_messages(mail: Mail) -> None:
    await mail.account.create("Other")
    mail.put("cur/1.h:2,S", "one")
    mail.put("cur/1.h:2,", "other", "Other")
    assert await mail.shown() == {1: Message("one", SEEN)}
    assert await mail.shown("Other") == {1: Message("other")}
    selected = await mail.open(read_only=False)
    await selected.move([1], "Other")
    await selected.close()
    assert await mail.shown("Other") == {1: Message("other"), 2: Message("one", SEEN)}


@pytest.mark.parametrize("extra", ["new/1.h", "new/1.h:2,", "cur/1.h:2,F", "cur/1.h"])
async def test_two_messages_with_one_base_name(mail: Mail, extra: str) -> None:
    mail.put("cur/1.h:2,S", "one")
    assert await mail.shown() == {1: Message("one", SEEN)}
    mail.put(extra, "two")
    shown = await mail.shown()
    assert list(shown) == [1, 2]
    assert shown[1] == Message("one", SEEN)
    assert shown[2].body == "two"
    first, second = sorted(mail.names(), key=lambda name: name != "cur/1.h:2,S")
    assert first == "cur/1.h:2,S"
    assert base_name(os.fsencode(second[4:])) != b"1.h"


async def test_two_unknown_messages_with_one_base_name(mail: Mail) -> None:
    mail.put("new/1.h", "new")
    mail.put("cur/1.h:2,S", "read")
    shown = await mail.shown()
    assert sorted(message.body for message in shown.values()) == ["new", "read"]
    assert len(set(map(str, mail.names()))) == 2


async def test_three_messages_with_one_base_name_that_was_renamed(mail: Mail) -> None:
    file = mail.put("cur/1.h:2,", "one")
    assert await mail.shown() == {1: Message("one")}
    mail.beside.reflag(file, "S")
    mail.put("cur/1.h:2,T", "two")
    mail.put("new/1.h", "three")
    bodies = sorted(message.body for message in (await mail.shown()).values())
    assert bodies == ["one", "three", "two"]
    assert len(mail.names()) == 3


async def test_a_half_finished_move_is_one_message(mail: Mail) -> None:
    """Some programs move by link and unlink, and die between the two."""
    file = mail.put("new/1.h", "one")
    assert await mail.shown() == {1: Message("one")}
    selected = await mail.open()
    os.link(file, mail.root / "cur" / "1.h:2,S")
    mail.account.watcher.mark(selected.id)
    await mail.account.status("INBOX")
    selected.pull(may_expunge=True)
    assert list(selected.view.uids) == [1]
    file.unlink()
    assert await mail.shown() == {1: Message("one", SEEN)}
    await selected.close()


async def test_half_of_a_move_goes_when_nobody_finishes_it(
    mail: Mail, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = mail.put("new/1.h", "one")
    assert await mail.shown() == {1: Message("one")}
    os.link(file, mail.root / "cur" / "1.h:2,S")
    await mail.account.status("INBOX")
    assert len(mail.names()) == 2
    later = time.time() + 61
    monkeypatch.setattr(time, "time", lambda: later)
    shown = await mail.shown()
    assert [message.body for message in shown.values()] == ["one"]
    assert list(shown) == [1]
    assert len(mail.names()) == 1


async def test_procmail_uses_a_name_in_new_again(mail: Mail) -> None:
    mail.put("new/msg.abc", "one")
    await (await mail.open(read_only=False)).close()
    assert mail.names() == ["cur/msg.abc:2,"]
    mail.put("new/msg.abc", "two")
    assert await mail.shown() == {1: Message("one"), 2: Message("two")}
    await (await mail.open(read_only=False)).close()
    assert len(mail.names()) == 2
    assert "cur/msg.abc:2," in mail.names()


async def test_procmail_uses_a_name_again_whose_message_is_gone(mail: Mail) -> None:
    mail.put("new/msg.abc", "one")
    assert await mail.shown() == {1: Message("one")}
    (mail.root / "new" / "msg.abc").unlink()
    assert await mail.shown() == {}
    mail.put("new/msg.abc", "two")
    assert await mail.shown() == {2: Message("two")}


# What comes back


async def test_a_base_name_that_was_expunged_and_comes_back_gets_a_new_uid(mail: Mail) -> None:
    file = mail.put("cur/1.h:2,", "one")
    kept = file.read_bytes()
    selected = await mail.open(read_only=False)
    await selected.store([1], FlagChangeHow.ADD, ("\\Deleted",))
    await selected.expunge()
    await selected.close()
    file.write_bytes(kept)
    assert await mail.shown() == {2: Message("one")}


async def test_a_restore_from_a_backup_gives_old_files_new_uids(mail: Mail) -> None:
    for number in range(1, 5):
        mail.put(f"cur/{number}.h:2,S", str(number))
    assert list(await mail.shown()) == [1, 2, 3, 4]
    backup = mail.root.parent / "backup"
    shutil.copytree(mail.root / "cur", backup)
    for number in (2, 4):
        (mail.root / "cur" / f"{number}.h:2,S").unlink()
    assert list(await mail.shown()) == [1, 3]
    shutil.copytree(backup, mail.root / "cur", dirs_exist_ok=True)
    bodies = {uid: message.body for uid, message in (await mail.shown()).items()}
    assert bodies == {1: "1", 3: "3", 5: "2", 6: "4"}


async def test_files_that_are_away_for_a_moment_keep_their_uids(mail: Mail) -> None:
    files = [mail.put(f"cur/{number}.h:2,S", str(number)) for number in range(1, 4)]
    before = await mail.shown()
    selected = await mail.open()
    for file in files:
        file.rename(file.with_name(file.name + "F"))
    for file in files:
        file.with_name(file.name + "F").rename(file)
    assert await mail.shown() == before
    assert not selected.pull(may_expunge=True).removals
    await selected.close()
