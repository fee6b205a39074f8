"""The ledger says what the tests prove, leaves nothing of the RFC out, and nothing unproven."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rfc7162.ledger import LEDGER, productions, proofs, rendered, statements
from tests.rfc7162.statements import SERVER

RFC = Path(__file__).parents[3] / "shared" / "rfc" / "rfc7162.txt"
KEYWORD = re.compile(r"\b(MUST NOT|MUST|SHOULD NOT|SHOULD|REQUIRED|RECOMMENDED|must not|must)\b")
HEADING = re.compile(r"^(\d+(?:\.\d+)*)\.  \S")
RULE = re.compile(r"^   ([a-z][a-z0-9-]*) +=/? ")


def test_the_ledger_is_in_step() -> None:
    assert LEDGER.read_text() == rendered(), "run: python -m tests.rfc7162.ledger"


def test_tests_prove_statements_that_there_are() -> None:
    assert proofs().keys() <= statements().keys() | productions().keys()


def test_every_statement_for_servers_is_proven() -> None:
    proven = proofs()
    bound = [name for name, statement in statements().items() if statement.who == SERVER]
    assert [name for name in (*bound, *productions()) if not proven[name].tests] == []


def test_no_statement_of_the_rfc_is_left_out() -> None:
    in_the_text = [
        (section, keyword)
        for section, line in _lines()
        if section.startswith(("3.", "4", "5"))
        for keyword in KEYWORD.findall(line)
    ]
    assert [(s.section, s.keyword) for s in statements().values()] == in_the_text


def test_no_production_of_the_rfc_is_left_out() -> None:
    in_the_text = [
        match[1] for section, line in _lines() if section == "7" and (match := RULE.match(line))
    ]
    assert [production.name for production in productions().values()] == in_the_text


def _lines() -> Iterator[tuple[str, str]]:
    """The lines of the RFC's text behind its table of contents, each with its section.

    A keyword of two words that stands at the end of a line is joined with the next line.
    """
    if not RFC.exists():
        pytest.skip("the text of RFC 7162 is not beside the repository")
    section = ""
    text = re.sub(r"\b(MUST|SHOULD|must)\n +(NOT|not)\b", r"\1 \2\n", RFC.read_text())
    for line in text[text.index("\n2.  Requirements Notation") :].splitlines():
        heading = HEADING.match(line)
        if heading is not None:
            section = heading[1]
        else:
            yield section, line
