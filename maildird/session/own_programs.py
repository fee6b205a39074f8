"""Programs of our own, for work that would keep all other sessions waiting.

Python runs one thread at a time; so work that takes seconds has processes of its own, one for each
processor. They run in isolated interpreters, which find what this one finds and obey no
environment, and get no signals that are for this one.
"""

import json
import os
import sys
from types import ModuleType
from typing import Final

_PROGRAM: Final = """
import importlib, json, sys
sys.path[:] = json.loads(sys.argv.pop(1))
importlib.import_module(sys.argv.pop(1)).main()
"""


def arguments(module: ModuleType) -> list[str]:
    """The command that runs `main` of a module."""
    return [sys.executable, "-I", "-c", _PROGRAM, json.dumps(sys.path), module.__name__]


def processors() -> int:
    """How many of these processes can run at a time."""
    return len(os.sched_getaffinity(0))
