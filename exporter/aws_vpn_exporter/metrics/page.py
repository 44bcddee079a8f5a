"""The text of /metrics, in the two formats that Prometheus asks for.

A target's lines are kept while what they say stays the same, so that a scrape mostly joins text. Those about its
connections are kept apart from those about its polls, which change with every poll.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from prometheus_client import Metric as Family
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE_OPENMETRICS
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from aws_vpn_exporter.diagnosis.surroundings import Neighborhood
from aws_vpn_exporter.metrics.connection import CONNECTION
from aws_vpn_exporter.metrics.exporter import EXPORTER, ExporterStatus
from aws_vpn_exporter.metrics.lean import LEFT_OUT
from aws_vpn_exporter.metrics.record import Labels, Metric, lines
from aws_vpn_exporter.metrics.site import SITE
from aws_vpn_exporter.metrics.target import SOURCE, TARGET
from aws_vpn_exporter.metrics.tunnel import TUNNEL
from aws_vpn_exporter.model import TunnelState
from aws_vpn_exporter.policy import Settings
from aws_vpn_exporter.status import TargetStatus, connection_statuses, neighborhood, site_statuses
from aws_vpn_exporter.target import PollStatus, Target

PLAIN = CONTENT_TYPE_PLAIN_0_0_4
OPENMETRICS = CONTENT_TYPE_OPENMETRICS

_ENCODERS: Mapping[str, Callable[..., bytes]] = {
    PLAIN: generate_latest,
    OPENMETRICS: partial(generate_openmetrics, version="1.0.0"),
}
_END = {PLAIN: b"", OPENMETRICS: b"# EOF\n"}

_Headers = Sequence[tuple[Metric[Any], str]]
"""Metrics with their HELP and TYPE lines."""


@dataclass(slots=True)
class _Lines:
    """A target's lines, an entry for each metric, and what they were made from."""

    about_connections: Sequence[str] = ()
    connections_from: Sequence[object] = ()
    about_polls: Sequence[str] = ()
    polls_from: Sequence[object] = ()


class MetricsPage:
    """Writes the page under one set of settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection = tuple(metric for metric in CONNECTION if self._published(metric.name))
        self._tunnel = tuple(metric for metric in TUNNEL if self._published(metric.name))
        self._kept: dict[Target, _Lines] = {}
        self._headers = {
            content_type: (
                _headers((*self._connection, *self._tunnel, *SITE), content_type),
                _headers((*TARGET, *SOURCE), content_type),
            )
            for content_type in _ENCODERS
        }
        self._lock = threading.Lock()

    def text(
        self,
        statuses: Iterable[TargetStatus],
        others: Iterable[Family],
        content_type: str,
        now: float,
        names: Collection[str] = (),
    ) -> bytes:
        """The page in the format of `content_type`, PLAIN or OPENMETRICS.

        `now` is a Unix time in seconds; `others` are families that belong to no target. Where `names` are given, the
        page has only families with a sample of one of these names.
        """
        with self._lock:
            kept = self._updated(statuses, now)
        about_connections, about_polls = self._headers[content_type]
        page = [
            *_joined(about_connections, [one.about_connections for one in kept if one.about_connections], names),
            *_joined(about_polls, [one.about_polls for one in kept], names),
        ]
        wanted = [family for family in others if family.samples and (not names or _sample_name(family) in names)]
        encoded = (_encode(family, content_type) for family in wanted)
        # Text from outside is cleaned where it is read; should a surrogate get through, it must not cost the page.
        return b"".join(("".join(page).encode(errors="replace"), *encoded, _END[content_type]))

    def _published(self, name: str) -> bool:
        return not (self._settings.lean and name in LEFT_OUT)

    def _updated(self, statuses: Iterable[TargetStatus], now: float) -> list[_Lines]:
        before, self._kept = self._kept, {}
        known = list(statuses)
        around = cache(lambda: neighborhood(known))  # looked at only where some target's lines are made anew
        for status in known:
            kept = self._kept[status.target] = before.get(status.target) or _Lines()
            self._update(kept, status, now, around)
        return list(self._kept.values())

    def _update(self, kept: _Lines, status: TargetStatus, now: float, around: Callable[[], Neighborhood]) -> None:
        polls: tuple[PollStatus[Any], ...] = (status.poll, *status.sources.values())
        if not _same(polls, kept.polls_from):
            target = {"account_id": status.target.account_id, "region": status.target.region}
            about_polls = [*lines(TARGET, [(target, status.poll)]), *lines(SOURCE, [(target, status)])]
            kept.about_polls, kept.polls_from = about_polls, polls
        begun = self._settings.windows_begun(now)
        by_the_minute = int(now // 60) if self._settings.rekey_exchange else _minute(status, now)
        answers = (by_the_minute, begun, status.history, *(poll.answer for poll in polls))
        if not _same(answers, kept.connections_from):
            kept.about_connections = self._about_connections(status, now, around)
            kept.connections_from = answers

    def _about_connections(self, status: TargetStatus, now: float, around: Callable[[], Neighborhood]) -> Sequence[str]:
        if not status.connections:
            return ()
        connections = connection_statuses(status, self._settings, now, around())
        in_service = (one for one in connections if one.connection.in_service)
        return [
            *lines(self._connection, [(one.labels, one) for one in connections]),
            *lines(
                self._tunnel,
                [
                    (_tunnel_labels(one.labels, case.tunnel.outside_ip), case)
                    for one in in_service
                    for case in one.cases
                ],
            ),
            *lines(SITE, [(site.labels, site) for site in site_statuses(connections)]),
        ]


def exporter_families(status: ExporterStatus) -> Iterable[Family]:
    """The families of the exporter about itself."""
    for metric in EXPORTER:
        family = _family(metric)
        for labels, number in metric.samples(status):
            family.add_sample(metric.name, dict(labels), number)
        yield family


def _joined(headers: _Headers, of_targets: Sequence[Sequence[str]], names: Collection[str]) -> Iterator[str]:
    """The families one after the other, each with the lines of all targets; families without lines are left out."""
    for number, (metric, header) in enumerate(headers):
        if not names or metric.name in names:
            samples = [text for lines_of in of_targets if (text := lines_of[number])]
            if samples:
                yield from (header, *samples)


def _tunnel_labels(connection: Labels, outside_ip: str) -> Labels:
    return {**connection, "tunnel_ip": outside_ip}


def _same(these: Sequence[object], those: Sequence[object]) -> bool:
    """Whether the objects are identical, or equal where they are numbers."""
    return len(these) == len(those) and all(
        this is that or (isinstance(this, int) and this == that) for this, that in zip(these, those, strict=True)
    )


def _minute(status: TargetStatus, now: float) -> int:
    """The current minute where a tunnel is not up, as its causes depend on the time; otherwise always 0."""
    well = all(
        tunnel.telemetry and tunnel.telemetry.state is TunnelState.UP
        for connection in status.connections
        if connection.in_service
        for tunnel in connection.tunnels
    )
    return 0 if well else int(now // 60)


def _headers(metrics: Iterable[Metric[Any]], content_type: str) -> _Headers:
    return [(metric, _encode(_family(metric), content_type).decode()) for metric in metrics]


def _family(metric: Metric[Any]) -> Family:
    return Family(metric.name.removesuffix("_total"), metric.help, metric.type)


class _Registry:
    """What the encoders take for a registry."""

    def __init__(self, family: Family) -> None:
        self._family = family

    def collect(self) -> Iterable[Family]:
        return [self._family]


def _encode(family: Family, content_type: str) -> bytes:
    return _ENCODERS[content_type](_Registry(family)).removesuffix(_END[content_type])


def _sample_name(family: Family) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name
