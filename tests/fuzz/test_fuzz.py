"""A short run of each harness: over its seeds, and over what hypothesis makes of their pieces."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.harnesses import HARNESSES
from tests.fuzz.seeds import octets, seeds


@pytest.mark.parametrize("name", HARNESSES)
def test_seeds(name: str, tmp_path: Path) -> None:
    assert seeds(name)
    for seed in seeds(name):
        HARNESSES[name](seed, tmp_path)


@pytest.mark.parametrize("name", HARNESSES)
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_octets_made_up(name: str, tmp_path: Path, data: st.DataObject) -> None:
    HARNESSES[name](data.draw(octets(name)), tmp_path)
