"""The fleet of one scenario as it changes over time. It has no thread and no randomness: only the clock decides."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from ..backend import CallRecord, LogRecord
from ..faults import FaultName
from .connection import Tunnel
from .connection_answer import connection_answer, customer_gateway_answer
from .identifiers import HOME_REGION, LOG_GROUP_ARN, LOG_GROUP_NAME, outside_address, resource_id
from .log_lines import OTHER_ACCOUNT_LINES, OTHER_ACCOUNT_TUNNEL, LogLine
from .scenarios import SCENARIOS, Scenario
from .tunnel_histories import TunnelHistory
from .tunnel_options import logging_enabled

_RATES = {"TunnelDataIn": TunnelHistory.receive_rate, "TunnelDataOut": TunnelHistory.send_rate}
_RATE_SAMPLES = 20
"""The traffic of a period is the mean of so many rates in it."""


class Fleet:
    """A backend of the simulated AWS that runs a scenario, by name or as a record, from the moment of construction.

    `clock` returns Unix time in seconds. All connections are in HOME_REGION. Unlike a fleet that really exists, it
    knows when AWS's API is to fail: see `fault`. Raises KeyError for an unknown scenario.
    """

    def __init__(self, clock: Callable[[], float], scenario: str | Scenario = "tour") -> None:
        self._clock = clock
        self._start = clock()
        self._scenario = SCENARIOS[scenario] if isinstance(scenario, str) else scenario
        self._connections = tuple(enumerate(self._scenario.connections, 1))
        self._tunnels = {
            (resource_id("vpn", connection.name), outside_address(number, index)): tunnel
            for number, connection in self._connections
            for index, tunnel in enumerate(connection.tunnels)
        }

    def describe(self, region: str) -> dict[str, object]:
        """Answer DescribeVpnConnections for a region, as boto3 returns it."""
        moment = self._elapsed()
        connections = self._connections if region == HOME_REGION else ()
        answers = (connection_answer(number, one, moment, self._date) for number, one in connections)
        return {"VpnConnections": [answer for answer in answers if answer is not None]}

    def fault(self, operation: str, region: str) -> FaultName | None:
        """Return the fault that the scenario wants a call to meet now; this is a FaultScript for SimulatedAws."""
        fault = self._scenario.fault
        if fault is None or operation != "DescribeVpnConnections" or region != HOME_REGION:
            return None
        return fault.name if self._elapsed() >= fault.after else None

    def maintenance(self, region: str, connection_id: str, address: str) -> Mapping[str, object] | None:
        """Answer GetVpnTunnelReplacementStatus for a tunnel; None if there is no such tunnel."""
        tunnel = self._tunnel(region, connection_id, address)
        if tunnel is None:
            return None
        history = tunnel.history
        applied_after, last = history.maintenance_auto_applied_after, history.last_maintenance
        return {
            "VpnConnectionId": connection_id,
            "VpnTunnelOutsideIpAddress": address,
            "MaintenanceDetails": {
                "PendingMaintenance": history.pending_maintenance or None,
                "MaintenanceAutoAppliedAfter": None if applied_after is None else self._date(applied_after),
                "LastMaintenanceApplied": None if last is None else self._date(last),
            },
        }

    def negotiated(self, region: str, connection_id: str, address: str) -> Mapping[str, object] | None:
        """Answer GetActiveVpnTunnelStatus for a tunnel; None if there is no such tunnel."""
        tunnel = self._tunnel(region, connection_id, address)
        if tunnel is None:
            return None
        values = tunnel.history.negotiated if tunnel.up(self._elapsed()) else {}
        return {"ActiveVpnTunnelStatus": {**values, "ProvisioningStatus": "available"}}

    def traffic(
        self, region: str, connection_id: str, address: str, metric: str, begin: float, seconds: float
    ) -> float | None:
        """Return the bytes of the part of a period that has passed; None if CloudWatch has no such value."""
        tunnel = self._tunnel(region, connection_id, address)
        passed = min(seconds, self._clock() - begin)
        if tunnel is None or passed <= 0 or metric not in _RATES:
            return None
        first = begin - self._start
        moments = (first + passed * (index + 0.5) / _RATE_SAMPLES for index in range(_RATE_SAMPLES))
        rates = [_RATES[metric](tunnel.history, moment, tunnel.up(moment)) for moment in moments]
        return sum(rates) / _RATE_SAMPLES * passed

    def log(self, region: str, group: str, begin: float, end: float) -> Sequence[LogRecord] | None:
        """Return the events of a log group between two Unix times; None if there is no such group."""
        if region != HOME_REGION or group not in (LOG_GROUP_ARN, LOG_GROUP_NAME):
            return None
        last = min(end, self._clock()) - self._start
        return [
            LogRecord(stream, self._start + time, line.message(stream, self._start + time))
            for stream, line in self._log_lines()
            for time in line.times_between(begin - self._start, last)
        ]

    def calls(self, region: str, begin: float, end: float) -> Sequence[CallRecord]:
        """Return the calls between two Unix times that changed a connection of the scenario."""
        if region != HOME_REGION:
            return ()
        last = min(end, self._clock())
        made = (
            CallRecord(
                self._start + change.at,
                change.event,
                change.actor,
                {
                    "VpnConnectionId": resource_id("vpn", connection.name),
                    "VpnTunnelOutsideIpAddress": outside_address(number, change.tunnel),
                    "TunnelOptions": change.options,
                },
            )
            for number, connection in self._connections
            for change in connection.changes
        )
        return [record for record in made if begin <= record.time <= last]

    def customer_gateways(self, region: str) -> Mapping[str, object]:
        """Answer DescribeCustomerGateways: one device at each site."""
        connections = self._connections if region == HOME_REGION else ()
        return {"CustomerGateways": [customer_gateway_answer(number, one) for number, one in connections]}

    def _log_lines(self) -> Iterator[tuple[str, LogLine]]:
        """Yield each line that is ever written, after the name of its log stream."""
        for number, connection in self._connections:
            if logging_enabled(connection.options):
                for index, tunnel in enumerate(connection.tunnels):
                    stream = f"{resource_id('vpn', connection.name)}_{outside_address(number, index)}"
                    yield from ((stream, line) for line in tunnel.history.log_lines)
        yield from ((OTHER_ACCOUNT_TUNNEL, line) for line in OTHER_ACCOUNT_LINES)

    def _tunnel(self, region: str, connection_id: str, address: str) -> Tunnel | None:
        return self._tunnels.get((connection_id, address)) if region == HOME_REGION else None

    def _date(self, moment: float) -> datetime:
        return datetime.fromtimestamp(int(self._start + moment), UTC)

    def _elapsed(self) -> float:
        return self._clock() - self._start
