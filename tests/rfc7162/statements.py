"""What RFC 7162 demands, statement by statement; the texts are this project's summary of each."""

from dataclasses import dataclass

import pytest

SERVER = "server"
CLIENT = "client"


@dataclass(frozen=True, slots=True)
class Statement:
    """One keyword (`MUST`, `SHOULD NOT`, …) in the text of a section, in the order of the text.

    `who` it binds; `says` what it demands. `moot` says why it can't arise here, if so.
    """

    section: str
    keyword: str
    who: str
    says: str
    moot: str = ""


@dataclass(frozen=True, slots=True)
class Production:
    """One rule of the formal syntax of section 7, in the order of the text."""

    name: str
    says: str
    moot: str = ""


def proves(*statements: str) -> pytest.MarkDecorator:
    """Marks a test: it shows that these statements hold.

    They are named `section#n`, the n-th of its section counted from 1 (`3.1.3#2`), or by the name
    of the production (`7 store-modifier`); the second one of a name is `7 select-param#2`.
    """
    return pytest.mark.proves(*statements)


def dovecot_differs(why: str) -> pytest.MarkDecorator:
    """Marks a test that Dovecot does not pass, and says how it differs; the ledger shows it."""
    return pytest.mark.dovecot_differs(why)
