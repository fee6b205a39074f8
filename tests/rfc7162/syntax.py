"""The productions of section 7."""

from tests.rfc7162.statements import Production

SYNTAX: tuple[Production, ...] = ()
