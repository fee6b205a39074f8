"""How much a client may send before it is refused."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """All in octets, but for the counts.

    `line` bounds the lines of one command without its literals. `login_literal` bounds a literal
    before login, `literal` one after it, `append_message` and `append_command` those of APPEND, one
    and all together. `discard` bounds what is read and dropped of a literal that came unasked.
    """

    line: int = 64 * 1024
    login_literal: int = 8 * 1024
    literal: int = 64 * 1024
    append_message: int = 64 * 1024 * 1024
    append_command: int = 128 * 1024 * 1024
    discard: int = 512 * 1024 * 1024
    bad_before_login: int = 3
    bad_after_login: int = 20
