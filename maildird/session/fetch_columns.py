"""Items of FETCH that the index knows, of many messages at a time.

What the index keeps stands there as it is sent, and in the order in which it is asked for. So a
column of an item is read in one go, and what is to be done for each message is settled once, when
the command comes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from maildird.imap.commands.fetch import FetchAttribute, FetchSection
from maildird.imap.rendering import date_time
from maildird.index.rows import FactKind
from maildird.index.schema import body_of, bodystructure_of
from maildird.mailbox.selected import Selected
from maildird.mime.common_header import FieldPicker, are_common
from maildird.session.fetch_items import Item, is_fact, literal_of, name_of
from maildird.session.fetch_lines import Column

MOST_OCTETS: Final = 256 * 1024
"""Octets of one kind of facts that are in memory at a time, and one message's."""

Size = tuple[int, int]
"""Octets of a message, and its internal date."""

_OF_SIZES: Final[dict[FetchAttribute, Callable[[Size], bytes]]] = {
    FetchAttribute.RFC822_SIZE: lambda size: b"%d" % size[0],
    FetchAttribute.INTERNALDATE: lambda size: date_time(size[1]),
}

_OF_FACTS: Final[dict[FetchAttribute, tuple[FactKind, Callable[[bytes], bytes]]]] = {
    FetchAttribute.ENVELOPE: (FactKind.ENVELOPE, bytes),
    FetchAttribute.BODYSTRUCTURE: (FactKind.STRUCTURE, bodystructure_of),
    FetchAttribute.BODY: (FactKind.STRUCTURE, body_of),
}


@dataclass(frozen=True, slots=True)
class KnownItems:
    """How each of the `items` of a command is made of what the index has of a message."""

    items: Sequence[Item]
    of_facts: dict[Item, tuple[FactKind, Callable[[bytes], bytes]]]

    def columns(self, mailbox: Selected, uids: Sequence[int]) -> list[Column] | None:
        """A column for each item, of the first of `uids`, which rise, or of all.

        None where one of these messages has to be read for an item.
        """
        facts: dict[FactKind, list[bytes]] = {}
        for kind in sorted({kind for kind, _show in self.of_facts.values()}):
            facts[kind] = mailbox.facts_of_kind(kind, uids, MOST_OCTETS)
            uids = uids[: len(facts[kind])]
        wants_sizes = len(self.of_facts) < len(self.items)
        sizes = mailbox.sizes_of(uids) if wants_sizes else []
        known = [size for size in sizes if size is not None]
        if len(known) < len(sizes) or not all(map(all, facts.values())):
            return None
        return [
            Column(name_of(item), self._values(item, facts, known, len(uids)))
            for item in self.items
        ]

    def _values(
        self, item: Item, facts: dict[FactKind, list[bytes]], sizes: list[Size], count: int
    ) -> list[bytes]:
        if item in self.of_facts:
            kind, show = self.of_facts[item]
            return list(map(show, facts[kind][:count]))
        assert isinstance(item, FetchAttribute)
        return list(map(_OF_SIZES[item], sizes))


def known_items(items: Sequence[Item]) -> KnownItems | None:
    """The items of a command, None where the index can't have one of them."""
    if not all(map(_may_be_known, items)):
        return None
    return KnownItems(items, {item: _of_facts(item) for item in items if item not in _OF_SIZES})


def _may_be_known(item: Item) -> bool:
    return is_fact(item) and (isinstance(item, FetchAttribute) or are_common(item.section.fields))


def _of_facts(item: Item) -> tuple[FactKind, Callable[[bytes], bytes]]:
    if isinstance(item, FetchAttribute):
        return _OF_FACTS[item]
    return FactKind.HEADER, _literal_maker(item)


def _literal_maker(item: FetchSection) -> Callable[[bytes], bytes]:
    pick = FieldPicker(item.section.fields).pick
    return lambda header: literal_of(item, pick(header))
