"""Frozen dataclasses written as TOML; the schemas of toml_reader the other way round.

What is written reads back as the same values, but for secrets, which are not shown. Values that are
not set are named in a comment.
"""

import json
from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import Any, Final, get_type_hints

from maildird.server.kinds import Kind

HIDDEN: Final = "(not shown)"
"""Stands for a secret."""


def write_toml(settings: object) -> str:
    """The whole file, with each value that is in force, the defaults included."""
    return "\n".join(_table(settings)) + "\n"


def _table(settings: object, heading: str = "") -> Iterator[str]:
    """The lines of a table; plain values come before tables in it."""
    hints = get_type_hints(type(settings), include_extras=True)
    values = {name: getattr(settings, name) for name in hints}
    plain = [name for name, hint in hints.items() if hasattr(hint, "__metadata__")]
    for name in plain:
        yield _line(name, values[name], hints[name])
    yield from (f"{name} = []" for name in hints if name not in plain and values[name] == ())
    for name, hint in hints.items():
        below = f"{heading}.{name}" if heading else name
        if is_dataclass(hint):
            yield from ("", f"[{below}]", *_table(values[name], below))
        elif name not in plain:
            for member in values[name]:
                yield from ("", f"[[{below}]]", *_table(member, below))


def _line(name: str, value: object, hint: Any) -> str:
    if value is None:
        return f"# {name} is not set"
    secret = any(isinstance(each, Kind) and each.secret for each in hint.__metadata__)
    return f"{name} = {_value(HIDDEN if secret else value)}"


def _value(value: object) -> str:
    match value:
        case bool() | int():
            return json.dumps(value)
        case tuple():
            return f"[{', '.join(map(_value, value))}]"
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
