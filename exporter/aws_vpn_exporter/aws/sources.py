"""The optional sources as one table: which calls each makes for a target, and which permissions it needs.

Adding a source is adding its file, its line here, its block in the configuration and its metrics in the catalogue.
"""

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from aws_vpn_exporter.aws import maintenance, negotiated, traffic, vpn_logs
from aws_vpn_exporter.aws.session import Aws
from aws_vpn_exporter.evidence import Round, SourceName, TunnelId
from aws_vpn_exporter.model import Connection, Target

_LOOK_BACK = 86400.0
"""Seconds. Traffic from before a fall is evidence about it; older falls are left alone."""

_BEFORE_A_FALL = 900.0


@dataclass(frozen=True)
class Source:
    """An optional source: the API that it asks, the actions that it needs."""

    service: str
    actions: tuple[str, ...]


SOURCES: Mapping[SourceName, Source] = {
    "traffic": Source("cloudwatch", traffic.ACTIONS),
    "maintenance": Source("ec2", maintenance.ACTIONS),
    "negotiated": Source("ec2", negotiated.ACTIONS),
    "logs": Source("logs", vpn_logs.ACTIONS),
}


class OptionalSources:
    """Asks the optional sources about the tunnels of a target."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._lock = threading.Lock()
        self._metrics_requested = 0
        self._log_readers: dict[Target, vpn_logs.LogReader] = {}
        self._looks: Mapping[SourceName, Callable[[Target, Any, Collection[Connection], int], Round[Any]]] = {
            "traffic": self._traffic,
            "maintenance": lambda _t, client, connections, _p: maintenance.maintenance(client, _tunnels(connections)),
            "negotiated": lambda _t, client, connections, _p: negotiated.negotiated(client, _tunnels(connections)),
            "logs": self._logs,
        }

    @property
    def metrics_requested(self) -> int:
        """Metrics that CloudWatch was asked for, and charges for, since start."""
        return self._metrics_requested

    def look(
        self, source: SourceName, target: Target, connections: Collection[Connection], traffic_period: int
    ) -> Round[Any]:
        """What the source says about the connections in service. Raises PollError where it says nothing at all."""
        in_service = [connection for connection in connections if connection.in_service]
        if not in_service:
            return Round({})
        with self._aws.acting_in(target.account_id):
            client = self._aws.client(SOURCES[source].service, target.region)
            found = self._looks[source](target, client, in_service, traffic_period)
        if found.error and not found.values:
            raise found.error
        return found

    def _traffic(self, _: Target, client: Any, connections: Collection[Connection], period: int) -> Round[Any]:
        now = time.time()
        falls = [
            tunnel.telemetry.last_status_change
            for connection in connections
            for tunnel in connection.tunnels
            if tunnel.telemetry and tunnel.telemetry.up is False and tunnel.telemetry.last_status_change
        ]
        recent = [fall - _BEFORE_A_FALL for fall in falls if now - fall < _LOOK_BACK]
        since = min(recent, default=None)
        return Round(traffic.traffic(client, _tunnels(connections), now, period, self._requested, since))

    def _requested(self, metrics: int) -> None:
        with self._lock:
            self._metrics_requested += metrics

    def _logs(self, target: Target, client: Any, connections: Collection[Connection], _: int) -> Round[Any]:
        now = time.time()
        with self._lock:
            reader = self._log_readers.setdefault(target, vpn_logs.LogReader(now))
        found = reader.read(client, vpn_logs.log_groups(connections), now)
        return Round(found.logs, found.error)


def _tunnels(connections: Collection[Connection]) -> list[TunnelId]:
    return [
        TunnelId(connection.id, tunnel.outside_ip)
        for connection in connections
        for tunnel in connection.tunnels
        if tunnel.outside_ip
    ]
