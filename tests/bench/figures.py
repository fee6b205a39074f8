"""What is measured: rows that can be run, and the figures that come of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import quantiles

from tests.bench.servers import Dovecot, Kind, Maildird, Server


@dataclass(frozen=True, slots=True)
class Figure:
    """One number, smaller is better; `unit` is ms, µs, kB, MB or %, or says what is counted."""

    label: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of work on a server of its own.

    INBOX has so many `messages`, and there are so many empty `folders` more. `run` is given how
    often to repeat: `repeat` times, or `quick` times for a quick run. `ours` and `theirs` are the
    servers that are compared; `with_pymap` where pymap ends in a reasonable time.
    """

    name: str
    run: Callable[[Server, int], Iterable[Figure]]
    messages: int
    repeat: int
    quick: int
    folders: int = 0
    with_dovecot: bool = True
    with_pymap: bool = False
    ours: Kind = Maildird
    theirs: Kind = Dovecot


def latencies(label: str, seconds: Sequence[float]) -> Iterator[Figure]:
    """Median and 95th percentile in ms."""
    cuts = quantiles(seconds, n=20, method="inclusive")
    yield Figure(f"{label}, median", cuts[9] * 1000, "ms")
    yield Figure(f"{label}, p95", cuts[18] * 1000, "ms")
