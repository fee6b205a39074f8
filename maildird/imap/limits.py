"""How much a client may send before it is refused."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """All in octets, but for the counts.

    `line` bounds the lines of one command, without the octets of its literals. `login_literal`
    bounds all literals of one command before login, `literal` those after it, but for messages of
    APPEND: `append_message` bounds one of them and `append_command` all that one command brings.
    `discard` bounds what is read and dropped of one command that is refused already.

    With the `bad_before_login`th command that makes no sense the connection ends, after login with
    the `bad_after_login`th in a row.
    """

    line: int = 64 * 1024
    login_literal: int = 8 * 1024
    literal: int = 64 * 1024
    append_message: int = 64 * 1024 * 1024
    append_command: int = 128 * 1024 * 1024
    discard: int = 512 * 1024 * 1024
    bad_before_login: int = 3
    bad_after_login: int = 20
