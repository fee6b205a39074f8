"""The seeds in `corpus/`, a folder for each harness, and octets made of their pieces."""

import re
from functools import cache
from pathlib import Path

from hypothesis import strategies as st

CORPUS = Path(__file__).parent / "corpus"

_PIECE = re.compile(rb"\w+|\r\n|[^\w]")


@cache
def seeds(name: str) -> tuple[bytes, ...]:
    """What is kept for a harness: shapes that are right, and what once was read wrongly."""
    return tuple(file.read_bytes() for file in sorted((CORPUS / name).iterdir()))


@cache
def octets(name: str) -> st.SearchStrategy[bytes]:
    """Seeds torn to pieces and put together in any order, with any octets between them."""
    pieces = sorted({piece for seed in seeds(name) for piece in _PIECE.findall(seed)})
    lines = sorted({line for seed in seeds(name) for line in seed.splitlines(keepends=True)})
    chunk = st.sampled_from(pieces) | st.sampled_from(lines) | st.binary(max_size=8)
    return st.lists(chunk, max_size=24).map(b"".join)
