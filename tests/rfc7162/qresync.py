"""The statements of sections 3.2 to 5: QRESYNC, long command lines, what servers keep."""

from tests.rfc7162.statements import Statement

QRESYNC: tuple[Statement, ...] = ()
