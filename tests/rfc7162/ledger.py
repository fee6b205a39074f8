"""The ledger: each statement of RFC 7162 with the tests that prove it.

`python -m tests.rfc7162.ledger` writes it anew; a test keeps it in step. It is made from the marks
on the tests of this folder, without running them.
"""

import importlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType

import pytest

from tests.rfc7162.condstore import CONDSTORE
from tests.rfc7162.qresync import QRESYNC
from tests.rfc7162.statements import CLIENT, Production, Statement
from tests.rfc7162.syntax import SYNTAX

HERE = Path(__file__).parent
LEDGER = HERE / "LEDGER.md"


@dataclass
class Proof:
    """What proves a statement: tests as `file::function`, and how Dovecot differs in them."""

    tests: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)


def statements() -> dict[str, Statement]:
    """All statements by their names."""
    count: Counter[str] = Counter()
    named = {}
    for statement in (*CONDSTORE, *QRESYNC):
        count[statement.section] += 1
        named[f"{statement.section}#{count[statement.section]}"] = statement
    return named


def productions() -> dict[str, Production]:
    """All productions by their names."""
    count: Counter[str] = Counter()
    named = {}
    for production in SYNTAX:
        count[production.name] += 1
        again = f"#{count[production.name]}" if count[production.name] > 1 else ""
        named[f"7 {production.name}{again}"] = production
    return named


def proofs() -> dict[str, Proof]:
    """What the tests of this folder say that they prove."""
    found: defaultdict[str, Proof] = defaultdict(Proof)
    for path, name, marks in _tests():
        differs = [str(mark.args[0]) for mark in marks if mark.name == "dovecot_differs"]
        for mark in marks:
            if mark.name == "proves":
                for statement in mark.args:
                    found[statement].tests.append(f"{path}::{name}")
                    found[statement].differences += differs
    return found


def rendered() -> str:
    """The ledger as Markdown."""
    proven = proofs()
    lines = [
        "# RFC 7162, statement by statement",
        "",
        "Made by `python -m tests.rfc7162.ledger` from the marks on the tests of this folder;",
        "a test keeps it in step. Each statement is summed up, with the keyword it has in the RFC.",
        "Client's statements are kept by the model of a client (`cache.py`).",
        "The last column says where Dovecot 2.3 does not pass the same test, and how it differs.",
        "",
        "| Section | Keyword | Whose | Statement | Proven by | Dovecot |",
        "|---|---|---|---|---|---|",
    ]
    for name, statement in statements().items():
        says = statement.says + (f" *({statement.moot})*" if statement.moot else "")
        head = f"| {name} | {statement.keyword} | {statement.who} | {says} "
        lines.append(head + _proof(proven[name], statement.who == CLIENT))
    lines += [
        "",
        "| Production | What is accepted or sent | Proven by | Dovecot |",
        "|---|---|---|---|",
    ]
    for name, production in productions().items():
        says = production.says + (f" *({production.moot})*" if production.moot else "")
        lines.append(f"| {name.removeprefix('7 ')} | {says} " + _proof(proven[name], False))
    return "\n".join(lines) + "\n"


def _proof(proof: Proof, clients: bool) -> str:
    tests = "<br>".join(f"`{test}`" for test in proof.tests) or ("`cache.py`" if clients else "")
    return f"| {tests} | {'<br>'.join(dict.fromkeys(proof.differences))} |"


def _tests() -> Iterator[tuple[str, str, list[pytest.Mark]]]:
    for path in sorted(HERE.glob("test_*.py")):
        module = importlib.import_module(f"tests.rfc7162.{path.stem}")
        for name, value in vars(module).items():
            if isinstance(value, FunctionType) and name.startswith("test_"):
                yield path.name, name, list(getattr(value, "pytestmark", []))


if __name__ == "__main__":
    LEDGER.write_text(rendered())
