"""The server's numbers as Prometheus reads them.

Labels come from the command table, the mechanisms, the settings and the names of users: no client
can make up new ones.
"""

from collections.abc import Iterable, Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

import maildird
from maildird.server.status import Status
from maildird.server.tally import ServerReport, Tally
from maildird.session.tally import BOUNDS

CONTENT_TYPE = CONTENT_TYPE_LATEST


def page(report: ServerReport) -> bytes:
    """The text for Prometheus, with memory and processor time of this process."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(_Families(_families(report)))
    return generate_latest(registry)


class _Families(Collector):
    """Metrics that were read already."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        return self._families


def _families(report: ServerReport) -> Iterator[Metric]:
    build = GaugeMetricFamily("maildird_build_info", "The version.", labels=("version",))
    build.add_metric((maildird.__version__,), 1)
    yield build
    yield GaugeMetricFamily(
        "maildird_connections", "Connections that are open.", report.connections
    )
    yield CounterMetricFamily(
        "maildird_connections_admitted", "Connections that were let in.", report.admitted
    )
    refused = CounterMetricFamily(
        "maildird_connections_refused", "Those turned away, by limit.", labels=("limit",)
    )
    for limit, count in report.refused.items():
        refused.add_metric((limit,), count)
    yield refused
    yield from _of_tally(report.tally)
    yield from _of_accounts(report.accounts)


def _of_tally(tally: Tally) -> Iterator[Metric]:
    logins = CounterMetricFamily(
        "maildird_logins", "Logins, right and wrong ones.", labels=("mechanism", "result")
    )
    for (mechanism, right), count in tally.logins.items():
        logins.add_metric((mechanism, "ok" if right else "failed"), count)
    yield logins
    yield CounterMetricFamily(
        "maildird_received_bytes", "Octets of clients that are logged in.", tally.received
    )
    yield CounterMetricFamily("maildird_sent_bytes", "Octets sent to them.", tally.sent)
    commands = HistogramMetricFamily(
        "maildird_command_seconds",
        "How long commands took, from the last octet to the tagged reply; IDLE as long as it was.",
        labels=("command",),
    )
    bounds = [*(str(bound) for bound in BOUNDS), "+Inf"]
    for command, durations in sorted(tally.commands.durations.items()):
        buckets = list(zip(bounds, accumulate(durations.counts), strict=True))
        commands.add_metric((command,), buckets, durations.seconds)
    yield commands


def _of_accounts(accounts: Iterable[Status]) -> Iterator[Metric]:
    def gauge(name: str, text: str) -> GaugeMetricFamily:
        return GaugeMetricFamily(f"maildird_account_{name}", text, labels=("account",))

    def counter(name: str, text: str) -> CounterMetricFamily:
        return CounterMetricFamily(f"maildird_account_{name}", text, labels=("account",))

    families: dict[str, GaugeMetricFamily | CounterMetricFamily] = {
        "sessions": gauge("sessions", "Sessions."),
        "idling": gauge("idling", "Sessions in IDLE."),
        "folders": gauge("mailboxes", "Mailboxes."),
        "messages": gauge("messages", "Messages."),
        "prepared": gauge("prepared_messages", "Messages made ready, of those to prepare."),
        "to_prepare": gauge("messages_to_prepare", "Messages that were found not ready."),
        "waiting": gauge("requests_waiting", "Requests that wait for their turn."),
        "index_size": gauge("index_bytes", "Size of the index."),
        "troubles": gauge("troubles", "Folders, or the tree, that can't be looked at."),
        "turns": counter("turns", "Turns that were run."),
        "turn_seconds": counter("turn_seconds", "How long they took together."),
        "events": counter("events", "Events that the monitor told."),
        "observations": counter("observations", "Looks at mailboxes."),
    }
    monitor = GaugeMetricFamily(
        "maildird_account_monitor", "How changes are noticed.", labels=("account", "kind")
    )
    for status in accounts:
        account = status.account
        monitor.add_metric((account.name, account.monitor.kind), 1)
        values = {name: getattr(account, name) for name in families if hasattr(account, name)}
        values |= {
            "sessions": len(status.sessions),
            "idling": status.idling,
            "troubles": len(account.troubles),
        }
        for name, value in values.items():
            families[name].add_metric((account.name,), value)
    yield from (*families.values(), monitor)
