"""What `SimulatedAws` needs from the fleet behind it, and from whatever carries out changes to that fleet.

`FleetBackend` is implemented by the demo's invented fleet, and can be by a lab of tunnels that really exist.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

from .faults import FaultName

Parameters = Mapping[str, Any]
"""The parameters of a call, as a caller of boto3 gives them."""

Describe = Callable[[str], Mapping[str, object]]
"""Takes a region and returns its DescribeVpnConnections answer, as boto3 returns it."""

FaultScript = Callable[[str, str], FaultName | None]
"""Takes an operation and a region, and returns the fault that such a call meets now, or None."""


class LogRecord(NamedTuple):
    """An event of a log group. `time` is a Unix time in seconds. An empty `id` is replaced by one made of the rest."""

    stream: str
    time: float
    message: str
    id: str = ""


class OptionalSources(Protocol):
    """Answers what the exporter's optional sources ask: maintenance, negotiated values, traffic and logs.

    Tunnels are identified by the connection's id and the tunnel's outside address. None means that AWS knows of no
    such tunnel, value or log group.
    """

    def maintenance(self, region: str, connection_id: str, address: str) -> Mapping[str, object] | None:
        """Answer GetVpnTunnelReplacementStatus, as boto3 returns it."""

    def negotiated(self, region: str, connection_id: str, address: str) -> Mapping[str, object] | None:
        """Answer GetActiveVpnTunnelStatus, as boto3 returns it."""

    def traffic(
        self, region: str, connection_id: str, address: str, metric: str, begin: float, seconds: float
    ) -> float | None:
        """Return the sum of a metric of AWS/VPN, in bytes, over a period that begins at a Unix time."""

    def log(self, region: str, group: str, begin: float, end: float) -> Sequence[LogRecord] | None:
        """Return the events of a log group, given by name or ARN, between two Unix times, both included."""


@runtime_checkable
class FleetBackend(OptionalSources, Protocol):
    """A fleet of VPN connections on which the simulated AWS can report.

    Calls come from several threads at once. An answer describes the moment of the call.
    """

    def describe(self, region: str) -> Mapping[str, object]:
        """Answer DescribeVpnConnections, as boto3 returns it."""


class CallRecord(NamedTuple):
    """A call of the API as CloudTrail records it. `time` is a Unix time in seconds; `parameters` are the request's."""

    time: float
    event: str
    actor: str
    parameters: Mapping[str, object]


@runtime_checkable
class ChangeRecords(Protocol):
    """What a backend can tell beside: who called what. A backend without it has an empty history."""

    def calls(self, region: str, begin: float, end: float) -> Sequence[CallRecord]:
        """Return the calls between two Unix times that changed something."""


@runtime_checkable
class CustomerGateways(Protocol):
    """What a backend can tell beside: its customer gateways. A backend without it has none."""

    def customer_gateways(self, region: str) -> Mapping[str, object]:
        """Answer DescribeCustomerGateways, as boto3 returns it."""


@runtime_checkable
class QuotaRecords(Protocol):
    """What a backend can tell beside: its quotas. A backend without it has AWS's defaults."""

    def quota(self, region: str, code: str) -> float | None:
        """Return the quota of EC2 that is applied in a region; None if none is, so that AWS's default holds."""


class FleetChanges(Protocol):
    """Carries out the calls of the EC2 API that change a connection, and returns the answers as boto3 does.

    Each method is called with the region and the parameters of the call, and may be called from several threads at
    once. It raises RefusedError for a request that AWS would refuse. The parameters of `modify_tunnel_options` may
    contain a pre-shared key.
    """

    def modify_tunnel_options(self, region: str, parameters: Parameters) -> Mapping[str, object]:
        """Carry out ModifyVpnTunnelOptions."""

    def replace_tunnel(self, region: str, parameters: Parameters) -> Mapping[str, object]:
        """Carry out ReplaceVpnTunnel."""

    def create_route(self, region: str, parameters: Parameters) -> Mapping[str, object]:
        """Carry out CreateVpnConnectionRoute."""

    def delete_route(self, region: str, parameters: Parameters) -> Mapping[str, object]:
        """Carry out DeleteVpnConnectionRoute."""


class NoOptionalSources:
    """The optional sources of an account in which AWS knows of no tunnel, value or log group."""

    def maintenance(self, region: str, connection_id: str, address: str) -> None:
        """Know of no tunnel."""

    def negotiated(self, region: str, connection_id: str, address: str) -> None:
        """Know of no tunnel."""

    def traffic(self, region: str, connection_id: str, address: str, metric: str, begin: float, seconds: float) -> None:
        """Know of no value."""

    def log(self, region: str, group: str, begin: float, end: float) -> None:
        """Know of no log group."""

    def calls(self, region: str, begin: float, end: float) -> Sequence[CallRecord]:
        """Know of no call."""
        return ()

    def customer_gateways(self, region: str) -> Mapping[str, object]:
        """Know of no customer gateway."""
        return {"CustomerGateways": []}

    def quota(self, region: str, code: str) -> None:
        """Know of no quota that is not AWS's default."""
