"""The manual page names the commands and options that the program has."""

import re
from pathlib import Path

import pytest

from maildird.cli.main import main

MANUAL = (Path(__file__).parents[2] / "man" / "maildird.8").read_text(encoding="utf-8")


def help_of(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    with pytest.raises(SystemExit):
        main([*command, "--help"])
    return capsys.readouterr().out


def test_the_manual_has_every_command_and_option(capsys: pytest.CaptureFixture[str]) -> None:
    program = help_of(capsys)
    commands = re.findall(r"^    (\w+) ", program, re.MULTILINE)
    texts = [program, *(help_of(capsys, command) for command in commands)]
    options = {option for text in texts for option in re.findall(r"--[a-z-]+", text)}
    assert commands
    assert re.findall(r"^\.It Cm (\S+)", MANUAL, re.MULTILINE) == commands
    described = {f"-{option}" for option in re.findall(r"^\.It Fl (\S+)", MANUAL, re.MULTILINE)}
    assert described == options - {"--help"}
