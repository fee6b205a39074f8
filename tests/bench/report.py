"""The table of figures, and the same as JSON."""

import json
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from tests.bench.figures import Figure


@dataclass(frozen=True, slots=True)
class Measured:
    """What a row gave: maildird's figure, and those that others have."""

    row: str
    figure: Figure
    dovecot: float | None
    pymap: float | None

    @property
    def ratio(self) -> float | None:
        """Ours to Dovecot's; None when there is none."""
        if self.dovecot is None or self.dovecot == 0:
            return None
        return self.figure.value / self.dovecot


def say(measured: Measured) -> None:
    """Print a figure while others are still to come, lest a run that is broken off be in vain."""
    figure = f"{measured.row}: {measured.figure.label} {_number(measured.figure.value)}"
    others = ((name, getattr(measured, name.lower())) for name in ("Dovecot", "pymap"))
    theirs = ", ".join(f"{name} {_number(value)}" for name, value in others if value is not None)
    said = f" ({theirs})" if theirs else ""
    print(f"{figure} {measured.figure.unit}{said}", file=sys.stderr, flush=True)


def show(measured: Sequence[Measured]) -> None:
    """Print the table."""
    table = Table()
    for column in ("row", "figure"):
        table.add_column(column, overflow="fold")
    for column in ("unit", "maildird", "Dovecot", "ratio", "pymap"):
        table.add_column(column, justify="right", no_wrap=True)
    row = ""
    for each in measured:
        table.add_row(
            "" if each.row == row else each.row,
            each.figure.label,
            each.figure.unit,
            _number(each.figure.value),
            _number(each.dovecot),
            _number(each.ratio),
            _number(each.pymap),
        )
        row = each.row
    Console().print(table)


def as_json(measured: Sequence[Measured]) -> str:
    """The figures, and the machine that they come from."""
    rows = [
        {
            "row": each.row,
            "figure": each.figure.label,
            "unit": each.figure.unit,
            "maildird": each.figure.value,
            "dovecot": each.dovecot,
            "ratio": each.ratio,
            "pymap": each.pymap,
        }
        for each in measured
    ]
    machine = f"{platform.platform()}, Python {platform.python_version()}"
    return json.dumps({"machine": machine, "rows": rows}, indent=2) + "\n"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
