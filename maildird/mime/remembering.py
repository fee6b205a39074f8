"""Remembering what was made of short octets, for mail repeats itself.

The owner of a mailbox is in most of its messages, lists and friends are in many, and most parts
begin with one of a few headers (`Content-Type: text/plain; charset=utf-8` and no more). Of real
mail three address fields in four were met before; to look one up takes a twentieth of the time that
it takes to read it. What is long mostly comes once, and could fill the memory: so only what is
`SHORT` is kept, and of that the `MOST` that were asked for last. That is less than a megabyte for
each function, and a few where somebody sends mail to make it much.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, TypeVar

Asked = TypeVar("Asked", bytes, str)
T = TypeVar("T")

SHORT: Final = 200
"""Octets, or characters, that are looked up at most."""

MOST: Final = 1000
"""Answers that are remembered."""


def remembering(function: Callable[[Asked], T]) -> Callable[[Asked], T]:
    """`function` with a memory; it must depend on nothing else, and nobody may change its answers.

    May be called in any thread.
    """
    remembered = lru_cache(MOST)(function)

    def look_up(asked: Asked) -> T:
        return remembered(asked) if len(asked) <= SHORT else function(asked)

    return look_up
