"""Which names LIST and LSUB show, and with which attributes (RFC 3501 6.3.8, RFC 5258, RFC 6154).

Theory of operation. That a name *meets the criteria* of the selection options is one thing, that it
*matches* a pattern another. A name that does both is shown. One that matches without meeting the
criteria is shown only where a name below it meets them and matches no pattern: then with
RECURSIVEMATCH, as CHILDINFO says, and else when it is no mailbox of its own, lest a client that
walks down with `%` misses what is below. LIST (SUBSCRIBED) alone shows no such name (RFC 5258
section 3.1).

Names that are only levels above others are part of the hierarchy, though no mailboxes: `Mail` of
the prefix `Mail/`, the parent that has no folder.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from maildird.imap.commands.mailboxes import List, ListReturn, ListSelect, Lsub
from maildird.mailbox.results import MailboxEntry
from maildird.session.patterns import Pattern


@dataclass(frozen=True, slots=True)
class Shown:
    """A line of LIST or LSUB.

    `child_info` says that a name below meets the criteria (asked for by RECURSIVEMATCH alone).
    `selected` says that it is a mailbox which itself meets the criteria: it can have a STATUS.
    """

    name: str
    attributes: tuple[str, ...]
    child_info: bool = False
    selected: bool = False


class Hierarchy:
    """All names that there are by mailboxes and subscriptions, and how they hang together."""

    def __init__(
        self, separator: str, entries: Iterable[MailboxEntry], subscribed: frozenset[str]
    ) -> None:
        self._separator = separator
        self._mailboxes = {entry.name: entry for entry in entries if entry.selectable}
        self._subscribed = subscribed
        self._with_children = self._above(self._mailboxes)

    def list(self, command: List) -> Iterator[Shown]:
        """The lines of LIST, INBOX first."""
        met = {name for name in self._named(command) if self._meets(name, command)}
        matches = self._matcher(command.reference, command.patterns)
        shown = {name for name in met if matches(name)}
        shown |= {name for name in self._parents(met, shown, command) if matches(name)}
        with_children = self._above(met)
        recursive = ListSelect.RECURSIVEMATCH in command.select
        for name in _in_order(shown):
            yield Shown(
                name,
                tuple(self._attributes(name, command)),
                child_info=recursive and name in with_children,
                selected=name in met and name in self._mailboxes,
            )

    def lsub(self, command: Lsub) -> Iterator[Shown]:
        """The lines of LSUB, INBOX first; \\Noselect marks a parent that is not subscribed."""
        matches = self._matcher(command.reference, [command.pattern])
        shown = {name for name in self._subscribed if matches(name)}
        parents = self._above(self._subscribed - shown) - self._subscribed
        for name in _in_order(shown | {name for name in parents if matches(name)}):
            yield Shown(name, () if name in self._subscribed else ("\\Noselect",))

    def _named(self, command: List) -> Iterable[str]:
        return self._subscribed if ListSelect.SUBSCRIBED in command.select else self._mailboxes

    def _meets(self, name: str, command: List) -> bool:
        if ListSelect.SPECIAL_USE not in command.select:
            return True
        return name in self._mailboxes and bool(self._mailboxes[name].use)

    def _parents(self, met: set[str], shown: set[str], command: List) -> set[str]:
        """Names that may be shown for the sake of those that meet the criteria and don't match."""
        parents = self._above(met - shown) - met
        if ListSelect.RECURSIVEMATCH in command.select:
            return parents
        if ListSelect.SUBSCRIBED in command.select:
            return set()
        return parents - self._mailboxes.keys()

    def _attributes(self, name: str, command: List) -> Iterator[str]:
        mailbox = self._mailboxes.get(name)
        if mailbox is None:
            yield "\\NonExistent" if command.extended else "\\Noselect"
        yield "\\HasChildren" if name in self._with_children else "\\HasNoChildren"
        if name in self._subscribed and (
            ListSelect.SUBSCRIBED in command.select or ListReturn.SUBSCRIBED in command.returns
        ):
            yield "\\Subscribed"
        if mailbox is not None:
            yield from mailbox.use

    def _matcher(self, reference: str, patterns: Sequence[str]) -> Callable[[str], bool]:
        wanted = [Pattern(reference + each, self._separator) for each in patterns if each]
        return lambda name: any(pattern.matches(name) for pattern in wanted)

    def _above(self, names: Iterable[str]) -> set[str]:
        """All levels above the `names`."""
        above: set[str] = set()
        for name in names:
            at = name.rfind(self._separator)
            while at > 0 and name[:at] not in above:
                above.add(name[:at])
                at = name.rfind(self._separator, 0, at)
        return above


def _in_order(names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: (name != "INBOX", name))
