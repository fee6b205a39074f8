"""TOML tables read into frozen dataclasses.

The dataclass is the schema: a field's name is its key, a field without default must be there, and
the type says what the value may be: `Annotated[T, Kind]` a plain value, a dataclass a table, a
`tuple[dataclass, ...]` an array of tables. Errors name the file and the path of the key, members of
an array counted from 1: `maildird.toml: accounts#2.password is missing; …`.
"""

import difflib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from maildird.server.kinds import Kind
from maildird.terms.errors import SettingsError

T = TypeVar("T")


def read_toml(file: Path, schema: type[T]) -> T:
    """The file as a `schema`; SettingsError when it can't be read, isn't TOML or doesn't fit."""
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}; name a file that can be read") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file}: octet {error.start} is not UTF-8, as TOML must be") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: this is not TOML: {error}") from None
    return read_table(tables, schema, Place(str(file)))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: the file, and the path of its key."""

    file: str
    path: str = ""

    def key(self, name: str) -> "Place":
        """The place of a key in the table that stands here."""
        return Place(self.file, f"{self.path}.{name}" if self.path else name)

    def member(self, number: int) -> "Place":
        """The place of a member of the array that stands here."""
        return Place(self.file, f"{self.path}#{number}")

    def error(self, text: str) -> SettingsError:
        """What to raise for what stands here."""
        return SettingsError(f"{self.file}: {self.path} {text}")


def read_table(table: Mapping[str, object], schema: type[T], place: Place) -> T:
    """One table as a `schema`."""
    hints = get_type_hints(schema, include_extras=True)
    for key in table.keys() - hints.keys():
        raise place.key(key).error(f"is no setting; {_suggestion(key, list(hints))}")
    for each in fields(schema):  # type: ignore[arg-type]
        if each.name not in table and each.default is each.default_factory is MISSING:
            wanted = _kind_of(hints[each.name]).wanted
            raise place.key(each.name).error(f"is missing; it must be {wanted}")
    return schema(**{key: _read(table[key], hints[key], place.key(key)) for key in table})


def _read(value: object, hint: Any, place: Place) -> object:
    if is_dataclass(hint):
        return _read_member(value, hint, place)
    if get_origin(hint) is tuple:
        return _read_array(value, get_args(hint)[0], place)
    kind = _kind_of(hint)
    try:
        return kind.convert(value)
    except ValueError as error:
        if kind.secret:
            raise place.error(f"must be {kind.wanted}") from None
        reason = f" ({error})" if error.args else ""
        raise place.error(f"is {_shown(value)}, but must be {kind.wanted}{reason}") from None


def _read_member(value: object, schema: Any, place: Place) -> object:
    if not isinstance(value, dict):
        raise place.error(f"is {_shown(value)}, but must be a table")
    return read_table(value, schema, place)


def _read_array(value: object, schema: Any, place: Place) -> tuple[object, ...]:
    if not isinstance(value, list):
        raise place.error(f"must be an array of tables, each headed [[{place.path}]]")
    return tuple(_read_member(each, schema, place.member(n)) for n, each in enumerate(value, 1))


def _kind_of(hint: Any) -> Kind:
    kind: Kind = next(each for each in hint.__metadata__ if isinstance(each, Kind))
    return kind


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "…"


def _suggestion(key: str, known: list[str]) -> str:
    close = difflib.get_close_matches(key.replace("-", "_"), known, n=1)
    return f"did you mean {close[0]}?" if close else f"what can stand here: {', '.join(known)}"
