"""Section 3.1: mod-sequences."""

from tests.rfc7162.client import Client
from tests.rfc7162.hosts import Host
from tests.rfc7162.statements import proves


@proves("3.1#1")
async def test_every_message_has_a_positive_modseq(host: Host, me: Client) -> None:
    host.beside.deliver("INBOX", b"Subject: one\n\none\n")
    await me.append("INBOX")
    await me.do("SELECT INBOX")
    fetched = await me.do("FETCH 1:2 MODSEQ")
    modseqs = [fetched.fetches[seq].modseq for seq in (1, 2)]
    assert all(modseq is not None and 0 < modseq < 2**63 for modseq in modseqs)
