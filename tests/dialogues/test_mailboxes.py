"""CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE, STATUS."""

from tests.dialogues.dialogue import Client, Server


async def test_create(me: Client) -> None:
    await me(r"""
        C: a CREATE a.b
        S: a OK CREATE done
        C: b CREATE a.b
        S: b NO [ALREADYEXISTS] …
        C: c CREATE inbox
        S: c NO [ALREADYEXISTS] …
        C: d CREATE a..c
        S: d NO [CANNOT] …
        C: e CREATE ""
        S: e NO [CANNOT] …
        C: f CREATE announces.children.
        S: f OK CREATE done
        C: g CREATE "Entw&APw-rfe &- mehr"
        S: g OK CREATE done
        C: h LIST "" "*"
        S: * LIST (\HasNoChildren) "." INBOX
        S: * LIST (\HasNoChildren) "." "Entw&APw-rfe &- mehr"
        S: * LIST (\HasNoChildren) "." a.b
        S: * LIST (\HasNoChildren) "." announces.children
        S: h OK LIST done
    """)


async def test_a_special_use_is_given_once(me: Client) -> None:
    await me(r"""
        C: a CREATE Bin (USE (\Trash))
        S: a OK CREATE done
        C: b CREATE Bin2 (USE (\Trash))
        S: b NO [USEATTR] …
        C: c CREATE All (USE (\All))
        S: c NO [USEATTR] …
        C: d LIST (SPECIAL-USE) "" *
        S: * LIST (\HasNoChildren \Trash) "." Bin
        S: d OK LIST done
    """)


async def test_delete(me: Client) -> None:
    await me(r"""
        C: a CREATE up.down
        C: b CREATE up
        C: c DELETE up
        S: a OK CREATE done
        S: b OK CREATE done
        S: c OK DELETE done
        C: d DELETE up
        S: d NO [HASCHILDREN] …
        C: e DELETE missing
        S: e NO [NONEXISTENT] …
        C: f DELETE INBOX
        S: f NO [CANNOT] …
        C: g LIST "" "*"
        S: * LIST (\HasNoChildren) "." INBOX
        S: * LIST (\HasNoChildren) "." up.down
        S: g OK LIST done
    """)


async def test_a_deleted_mailbox_comes_back_as_another_one(server: Server, me: Client) -> None:
    await me(r"""
        C: a CREATE x
        C: b STATUS x (UIDVALIDITY)
        C: c DELETE x
        C: d CREATE x
        C: e STATUS x (UIDVALIDITY)
        S: a OK CREATE done
        S: * STATUS x (UIDVALIDITY <before>)
        S: b OK STATUS done
        S: c OK DELETE done
        S: d OK CREATE done
        S: * STATUS x (UIDVALIDITY <after>)
        S: e OK STATUS done
    """)
    assert me.noted["after"] > me.noted["before"]


async def test_a_subscription_outlives_its_mailbox(me: Client) -> None:
    await me(r"""
        C: a CREATE x
        C: b SUBSCRIBE x
        C: c DELETE x
        S: a OK CREATE done
        S: b OK SUBSCRIBE done
        S: c OK DELETE done
        C: d LSUB "" *
        S: * LSUB () "." x
        S: d OK LSUB done
        C: e LIST (SUBSCRIBED) "" *
        S: * LIST (\NonExistent \HasNoChildren \Subscribed) "." x
        S: e OK LIST done
        C: f UNSUBSCRIBE x
        S: f OK UNSUBSCRIBE done
        C: g LSUB "" *
        S: g OK LSUB done
    """)


async def test_rename_takes_children_and_messages_along(server: Server, me: Client) -> None:
    await me(r"""
        C: a CREATE old
        C: b CREATE old.child
        S: a OK CREATE done
        S: b OK CREATE done
    """)
    server.deliver("one", mailbox="old.child")
    await me(r"""
        C: c STATUS old.child (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)
        S: * STATUS old.child (MESSAGES 1 UIDNEXT 2 UIDVALIDITY <v> HIGHESTMODSEQ <m>)
        S: c OK STATUS done
        C: d RENAME old new
        S: d OK RENAME done
        C: e STATUS new.child (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)
        S: * STATUS new.child (MESSAGES 1 UIDNEXT 2 UIDVALIDITY <v> HIGHESTMODSEQ <m>)
        S: e OK STATUS done
        C: f RENAME missing x
        S: f NO [NONEXISTENT] …
        C: g RENAME new INBOX
        S: g NO [ALREADYEXISTS] …
        C: h RENAME new new.below
        S: h NO [CANNOT] …
    """)


async def test_rename_of_inbox_moves_its_messages(
    server: Server, me: Client, other: Client
) -> None:
    server.deliver("one", "two")
    await other.opens("INBOX")
    await me(r"""
        C: a RENAME INBOX kept
        S: a OK RENAME done
        C: b STATUS kept (MESSAGES)
        S: * STATUS kept (MESSAGES 2)
        S: b OK STATUS done
        C: c STATUS INBOX (MESSAGES UIDNEXT)
        S: * STATUS INBOX (MESSAGES 0 UIDNEXT 3)
        S: c OK STATUS done
    """)
    await other(r"""
        C: a NOOP
        S: * 1 EXPUNGE
        S: * 1 EXPUNGE
        S: a OK NOOP done
    """)


async def test_status(server: Server, me: Client) -> None:
    server.deliver("one", "two")
    (first, _second) = server.beside.files("INBOX")
    server.beside.reflag(first, "S")
    await me(r"""
        C: a STATUS INBOX (MESSAGES RECENT UNSEEN UIDNEXT UIDVALIDITY SIZE)
        S: * STATUS INBOX (MESSAGES 2 RECENT 2 UNSEEN 1 UIDNEXT 3 UIDVALIDITY <v> SIZE 42)
        S: a OK STATUS done
        C: b STATUS missing (MESSAGES)
        S: b NO [NONEXISTENT] …
        C: c STATUS INBOX ()
        S: c BAD …
    """)


async def test_status_right_after_store(server: Server, me: Client) -> None:
    server.deliver("one", "two")
    await me.opens("INBOX")
    await me(r"""
        C: a STORE 1 FLAGS.SILENT (\Seen)
        C: b STATUS INBOX (UNSEEN)
        S: a OK STORE done
        S: * STATUS INBOX (UNSEEN 1)
        S: b OK STATUS done
    """)


async def test_status_of_the_selected_mailbox_is_told_in_full(
    server: Server, me: Client, other: Client
) -> None:
    server.deliver("one")
    await me.opens("INBOX")
    await other.opens("INBOX")
    await other(r"""
        C: a STORE 1 FLAGS.SILENT (\Flagged)
        S: a OK STORE done
    """)
    await me(r"""
        C: a STATUS INBOX (HIGHESTMODSEQ)
        S: * OK [HIGHESTMODSEQ <before>] …
        S: * 1 FETCH (UID 1 FLAGS (\Flagged \Recent) MODSEQ (<m>))
        S: * STATUS INBOX (HIGHESTMODSEQ <m>)
        S: a OK STATUS done
    """)
    assert me.noted["before"] < me.noted["m"]
