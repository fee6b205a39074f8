"""`python -m tests.bench [ROW …]`: run the rows that are named, or all of them, and show them."""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.bench.figures import Figure, Row
from tests.bench.pymap import COMMAND, Pymap
from tests.bench.report import Measured, as_json, say, show
from tests.bench.rows import ROWS
from tests.bench.servers import Kind, running
from tests.bench.trees import Trees
from tests.rfc7162.hosts import dovecot_is_installed


def main() -> None:
    """Measure, then print a table; with --json write the figures, too."""
    parser = argparse.ArgumentParser(
        description="Measure maildird, and Dovecot and pymap where they are installed."
    )
    parser.add_argument("rows", nargs="*", metavar="ROW", help="which rows (default: all)")
    parser.add_argument("--list", action="store_true", help="say which rows there are")
    parser.add_argument("--quick", action="store_true", help="repeat less often")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures there")
    chosen = parser.parse_args()
    if chosen.list:
        print(*(row.name for row in ROWS), sep="\n")
        return
    unknown = set(chosen.rows) - {row.name for row in ROWS}
    if unknown:
        parser.error(f"there is no row {', '.join(sorted(unknown))}; --list says which there are")
    rows = [row for row in ROWS if not chosen.rows or row.name in chosen.rows]
    measured = _measure_all(rows, chosen.quick)
    show(measured)
    if chosen.json is not None:
        chosen.json.write_text(as_json(measured))


def _measure_all(rows: Sequence[Row], quick: bool) -> list[Measured]:
    with tempfile.TemporaryDirectory(prefix="bench") as directory:
        trees = Trees(Path(directory))
        all_measured = []
        for row in rows:
            for measured in _measure(row, trees, quick):
                say(measured)
                all_measured.append(measured)
        return all_measured


def _measure(row: Row, trees: Trees, quick: bool) -> list[Measured]:
    ours = _run(row, row.ours, trees, quick)
    others = []
    for kind, measured in (
        (row.theirs, row.with_dovecot and dovecot_is_installed()),
        (Pymap, row.with_pymap and COMMAND is not None),
    ):
        figures = _run(row, kind, trees, quick) if measured else []
        others.append({figure.label: figure.value for figure in figures})
    dovecot, pymap = others
    return [
        Measured(row.name, figure, dovecot.get(figure.label), pymap.get(figure.label))
        for figure in ours
    ]


def _run(row: Row, kind: Kind, trees: Trees, quick: bool) -> list[Figure]:
    tree = trees.copy(row.messages, row.folders)
    try:
        with running(kind, tree, tree.parent / "state") as server:
            return list(row.run(server, row.quick if quick else row.repeat))
    finally:
        trees.remove(tree)


main()
