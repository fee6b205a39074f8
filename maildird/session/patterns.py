"""The patterns of LIST and LSUB (RFC 3501 section 6.3.8).

`*` stands for any characters, `%` for any but the hierarchy separator. A pattern is run as an
automaton whose set of states is one integer: bit n means that the first n characters of the pattern
have matched. So a name costs one step a character, whatever a client made up as pattern.
"""

import re
from collections import defaultdict
from typing import Final

_WILDCARDS: Final = re.compile(r"[*%]{2,}")


class Pattern:
    """A pattern, reference included; INBOX, alone or before a separator, matches in any case."""

    def __init__(self, pattern: str, separator: str) -> None:
        pattern = _WILDCARDS.sub(lambda run: "*" if "*" in run[0] else "%", pattern)
        self._separator = separator
        self._accepting = 1 << len(pattern)
        self._stars = self._percents = 0
        self._literals: defaultdict[str, int] = defaultdict(int)
        for at, character in enumerate(pattern):
            if character == "*":
                self._stars |= 1 << at
            elif character == "%":
                self._percents |= 1 << at
            else:
                self._literals[character] |= 1 << at

    def matches(self, name: str) -> bool:
        """Whether the whole of `name` matches."""
        folded = len("INBOX") if name.split(self._separator, 1)[0].upper() == "INBOX" else 0
        states = self._skip(1)
        for at, character in enumerate(name):
            literal = self._literals.get(character, 0)
            if at < folded:
                literal |= self._literals.get(character.swapcase(), 0)
            staying = self._stars if character == self._separator else self._stars | self._percents
            states = self._skip(((states & literal) << 1) | (states & staying))
            if not states:
                return False
        return bool(states & self._accepting)

    def _skip(self, states: int) -> int:
        """Add the states behind wildcards that match nothing."""
        return states | ((states & (self._stars | self._percents)) << 1)
