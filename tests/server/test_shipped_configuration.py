"""The configuration and the manual page that are shipped name the settings that there are."""

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any, get_args, get_origin, get_type_hints

from maildird.server.configuration import Configuration, SpecialUse
from maildird.server.settings import DEFAULT_LISTENER, Limits, Timeouts
from maildird.server.toml_reader import read_toml

ROOT = Path(__file__).parents[2]
SHIPPED = (ROOT / "config" / "maildird.toml").read_text(encoding="utf-8")
USES = "[special_use]"
README = (ROOT / "README.md").read_text(encoding="utf-8")
MANUAL = (ROOT / "man" / "maildird.toml.5").read_text(encoding="utf-8")


def keys(schema: Any, table: str = "") -> Iterator[tuple[str, str]]:
    """(table, key) of every setting below a schema."""
    hints = get_type_hints(schema, include_extras=True)
    for each in fields(schema):
        hint = hints[each.name]
        member = get_args(hint)[0] if get_origin(hint) is tuple else hint
        if is_dataclass(member):
            yield from keys(member, f"[[{each.name}]]" if member is not hint else f"[{each.name}]")
        else:
            yield table, each.name


def in_configuration(text: str) -> Iterator[tuple[str, str]]:
    """(table, key) of every setting in the configuration, in comments or not."""
    table = ""
    for line in text.splitlines():
        if re.fullmatch(r"#?\[.*\]", line):
            table = line.removeprefix("#")
        elif match := re.match(r"#?(\w+) = ", line):
            yield table, match[1]


def in_manual(text: str) -> Iterator[tuple[str, str]]:
    """(table, key) of every setting in the manual page, those of special use in running text."""
    table = ""
    for line in text.partition(".Sh EXAMPLES")[0].splitlines():
        if line.startswith(".Ss "):
            table = line.removeprefix(".Ss ")
        elif match := re.match(r"\.It Ic (\w+)$" if table != USES else r"\.Ic (\w+)", line):
            yield table, match[1]


def test_the_configuration_has_every_setting() -> None:
    assert sorted(in_configuration(SHIPPED)) == sorted(keys(Configuration))


def test_the_manual_has_every_setting() -> None:
    assert sorted(in_manual(MANUAL)) == sorted(keys(Configuration))


def test_the_configuration_sets_nothing() -> None:
    assert [line for line in SHIPPED.splitlines() if line and not line.startswith("#")] == []


def test_the_configuration_shows_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / "maildird.toml"
    file.write_text(re.sub(r"^#(?! )", "", SHIPPED, flags=re.MULTILINE), encoding="utf-8")
    shown = read_toml(file, Configuration)
    assert shown.listeners == (DEFAULT_LISTENER,)
    assert (shown.limits, shown.timeouts) == (Limits(), Timeouts())
    assert shown.special_use == SpecialUse()
    assert (shown.log_level, shown.mail.prefix) == ("info", "")


def test_every_setting_is_explained() -> None:
    lines = SHIPPED.splitlines()
    settings = [number for number, line in enumerate(lines) if re.match(r"#\w+ = ", line)]
    bare = [lines[number] for number in settings if not lines[number - 1].startswith("# ")]
    uses = [f"#{each.name} = []" for each in fields(SpecialUse)]
    assert [line for line in bare if line not in uses] == []


def test_the_readme_shows_settings_that_there_are(tmp_path: Path) -> None:
    shown = re.findall(r"(?:^(?: {4}.*)?\n)+", README, re.MULTILINE)
    blocks = [text for text in map(dedent, shown) if text.lstrip().startswith("[")]
    assert len(blocks) > 3
    for number, block in enumerate(blocks):
        file = tmp_path / f"{number}.toml"
        file.write_text(block, encoding="utf-8")
        read_toml(file, Configuration)
