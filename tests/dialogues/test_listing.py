"""LIST, LSUB, NAMESPACE."""

from pathlib import Path

from tests.dialogues.conftest import serving
from tests.dialogues.dialogue import Client


async def test_the_separator(me: Client) -> None:
    await me(r"""
        C: a LIST "" ""
        S: * LIST (\Noselect) "." ""
        S: a OK LIST done
        C: b LIST () "" ""
        S: b OK LIST done
        C: c NAMESPACE
        S: * NAMESPACE (("" ".")) NIL NIL
        S: c OK NAMESPACE done
    """)


async def test_parents_that_exist_only_by_their_children(me: Client) -> None:
    await me(r"""
        C: a CREATE a.b.c
        C: b SUBSCRIBE a.b.c
        S: a OK CREATE done
        S: b OK SUBSCRIBE done
        C: c LIST "" %
        S: * LIST (\HasNoChildren) "." INBOX
        S: * LIST (\Noselect \HasChildren) "." a
        S: c OK LIST done
        C: d LIST "" a.%
        S: * LIST (\Noselect \HasChildren) "." a.b
        S: d OK LIST done
        C: e LIST a. %.%
        S: * LIST (\HasNoChildren) "." a.b.c
        S: e OK LIST done
        C: f LSUB "" %
        S: * LSUB (\Noselect) "." a
        S: f OK LSUB done
        C: g LSUB "" *
        S: * LSUB () "." a.b.c
        S: g OK LSUB done
        C: h LIST (SUBSCRIBED RECURSIVEMATCH) "" %
        S: * LIST (\NonExistent \HasChildren) "." a ("CHILDINFO" ("SUBSCRIBED"))
        S: h OK LIST done
        C: i LIST (RECURSIVEMATCH) "" %
        S: i BAD …
    """)


async def test_several_patterns(me: Client) -> None:
    await me(r"""
        C: a CREATE x
        C: b CREATE y
        S: a OK CREATE done
        S: b OK CREATE done
        C: c LIST "" (x y "" x) RETURN (SUBSCRIBED CHILDREN SPECIAL-USE)
        S: * LIST (\HasNoChildren) "." x
        S: * LIST (\HasNoChildren) "." y
        S: c OK LIST done
    """)


async def test_common_names_have_a_special_use(me: Client) -> None:
    await me(r"""
        C: a CREATE Trash
        S: a OK CREATE done
        C: b LIST "" T*
        S: * LIST (\HasNoChildren \Trash) "." Trash
        S: b OK LIST done
    """)


async def test_status_goes_with_list(me: Client) -> None:
    await me(r"""
        C: a CREATE x.y
        C: b SUBSCRIBE x.y
        S: a OK CREATE done
        S: b OK SUBSCRIBE done
        C: c LIST "" % RETURN (STATUS (MESSAGES UNSEEN))
        S: * LIST (\HasNoChildren) "." INBOX
        S: * STATUS INBOX (MESSAGES 0 UNSEEN 0)
        S: * LIST (\NonExistent \HasChildren) "." x
        S: c OK LIST done
        C: d LIST (SUBSCRIBED) "" * RETURN (STATUS (UIDNEXT))
        S: * LIST (\HasNoChildren \Subscribed) "." x.y
        S: * STATUS x.y (UIDNEXT 1)
        S: d OK LIST done
        C: e LIST (SUBSCRIBED RECURSIVEMATCH) "" % RETURN (STATUS (UIDNEXT))
        S: * LIST (\NonExistent \HasChildren) "." x ("CHILDINFO" ("SUBSCRIBED"))
        S: e OK LIST done
    """)


async def test_courier_has_everything_below_inbox(tmp_path: Path) -> None:
    async with serving(tmp_path, prefix="INBOX.") as server:
        me = await server.connect()
        await me(r"""
            C: a NAMESPACE
            S: * NAMESPACE (("INBOX." ".")) NIL NIL
            S: a OK NAMESPACE done
            C: b CREATE INBOX.Sent
            S: b OK CREATE done
            C: c CREATE Sent
            S: c NO [CANNOT] …
            C: d LIST "" %
            S: * LIST (\HasChildren) "." INBOX
            S: d OK LIST done
            C: e LIST "" inbox.%
            S: * LIST (\HasNoChildren \Sent) "." INBOX.Sent
            S: e OK LIST done
            C: f SUBSCRIBE INBOX.Sent
            S: f OK SUBSCRIBE done
            C: g LSUB "INBOX." *
            S: * LSUB () "." INBOX.Sent
            S: g OK LSUB done
        """)


async def test_layout_fs_has_slashes(tmp_path: Path) -> None:
    async with serving(tmp_path, layout="fs", separator="/") as server:
        me = await server.connect()
        await me(r"""
            C: a CREATE a/b.c
            S: a OK CREATE done
            C: b LIST "" a/%
            S: * LIST (\HasNoChildren) "/" a/b.c
            S: b OK LIST done
        """)
        assert (server.beside.root / "a" / "b.c" / "cur").is_dir()
