"""Real mail to try things on, where it lies beside the repository."""

from pathlib import Path

import pytest

_CORPORA = Path(__file__).parents[3] / "shared" / "corpora"


def messages() -> dict[str, bytes]:
    """Paths to messages in wire form; skips the test where there are none."""
    if not _CORPORA.is_dir():
        pytest.skip(f"no mail to read: {_CORPORA} does not exist")
    return {
        str(path.relative_to(_CORPORA)): wire_form(path.read_bytes())
        for path in sorted(_CORPORA.rglob("*"))
        if path.is_file() and not path.name.startswith("README")
    }


def wire_form(octets: bytes) -> bytes:
    """`octets` with CRLF at the line ends."""
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
