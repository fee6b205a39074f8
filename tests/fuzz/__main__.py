"""`python -m tests.fuzz NAME`: look for octets that a parser doesn't bear, for as long as wished.

Guided by coverage where atheris is installed (`pip install atheris`), else by hypothesis. What is
found is shown with its traceback; the octets lie in the directory that is named then, from where
they go into `corpus/`.
"""

import argparse
import importlib
import importlib.util
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

NAMES = (
    *("commands", "message", "header", "mailbox_name"),
    *("uidlist", "keywords", "letterless", "courier_keywords", "subscriptions"),
)
LONGEST = 16 * 1024
"""Octets of one input at most."""


def main() -> None:
    """Fuzz one parser."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("name", choices=NAMES, help="the parser")
    parser.add_argument("--seconds", type=int, default=300, help="how long (default: 300)")
    parser.add_argument(
        "--found", type=Path, help="directory for inputs worth keeping (default: a temporary one)"
    )
    chosen = parser.parse_args()
    found = chosen.found or Path(tempfile.mkdtemp(prefix="fuzz-"))
    found.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fuzz-scratch-") as scratch:
        if importlib.util.find_spec("atheris") is None:
            _guess(chosen.name, chosen.seconds, Path(scratch))
        else:
            _search(chosen.name, chosen.seconds, found, Path(scratch))


def _search(name: str, seconds: int, found: Path, scratch: Path) -> None:
    """Guided by coverage; ends the process."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["maildird"]):
        harnesses = importlib.import_module("tests.fuzz.harnesses")
    seeds = importlib.import_module("tests.fuzz.seeds").CORPUS / name
    options = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", f"-artifact_prefix={found}/"]
    print(f"inputs worth keeping, and those that broke something, go to {found}")
    harness = harnesses.HARNESSES[name]
    atheris.Setup([sys.argv[0], *options, str(found), str(seeds)], lambda x: harness(x, scratch))
    atheris.Fuzz()


def _guess(name: str, seconds: int, scratch: Path) -> None:
    """By chance, with hypothesis."""
    from hypothesis import HealthCheck, Phase, given, settings

    from tests.fuzz.harnesses import HARNESSES
    from tests.fuzz.seeds import octets

    end = time.monotonic() + seconds
    rounds = 0

    @settings(
        max_examples=1000,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(octets(name))
    def some(data: bytes) -> None:
        HARNESSES[name](data, scratch)

    while time.monotonic() < end:
        some()
        rounds += 1
        print(f"{rounds * 1000} inputs, nothing found", flush=True)


if __name__ == "__main__":
    main()
