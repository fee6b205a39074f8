"""Commands as they may be spelled, and what comes of those that are none."""

from collections.abc import Iterator

from tests.rfc7162.client import Client

HIGHEST = 2**63 - 1
"""The highest mod-sequence."""


def cases(command: str) -> Iterator[str]:
    """A command in upper, lower and mixed case."""
    yield from (command.upper(), command.lower())
    yield "".join(c.upper() if at % 2 else c.lower() for at, c in enumerate(command))


async def refuse(me: Client, *commands: str) -> None:
    """None of these is a command: nothing is said but BAD, and the connection goes on."""
    for command in commands:
        exchange = await me.say(command)
        assert (exchange.tagged.condition, exchange.untagged) == ("BAD", []), command
        await me.do("NOOP")
