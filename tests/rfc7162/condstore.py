"""The statements of sections 3.1 to 3.1.12: CONDSTORE."""

from tests.rfc7162.statements import SERVER, Statement

CONDSTORE = (
    Statement("3.1", "MUST", SERVER, "every message has a mod-sequence: positive, below 2^63"),
)
