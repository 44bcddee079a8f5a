"""What AWS shows of VPN connections and their tunnels, as frozen values. Times are Unix times in seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from aws_vpn_exporter.options import OptionValues


class ConnectionState(StrEnum):
    """A connection's State; `modifying` is documented by AWS although its API model's enum leaves it out."""

    PENDING = "pending"
    AVAILABLE = "available"
    MODIFYING = "modifying"
    DELETING = "deleting"
    DELETED = "deleted"
    UNKNOWN = "unknown"  # a word that AWS introduced after this release


class TunnelState(StrEnum):
    """What Status and StatusMessage say together."""

    UP = "up"
    UP_WITHOUT_ROUTES = "up_without_routes"
    BGP_DOWN = "bgp_down"
    IPSEC_DOWN = "ipsec_down"
    DOWN = "down"


class TunnelId(NamedTuple):
    """A tunnel within an account and region: its connection's id and its outside address."""

    vpn_connection_id: str
    tunnel_ip: str


@dataclass(frozen=True, slots=True)
class Telemetry:
    """AWS's report on a tunnel (VgwTelemetry). `last_status_change` is a Unix time in seconds."""

    up: bool | None
    state: TunnelState | None
    message: str
    last_status_change: float | None
    accepted_routes: int | None


@dataclass(frozen=True, slots=True)
class Tunnel:
    """One tunnel, known by its outside address. `options` holds only what AWS reported.

    `log_group` and `bgp_log_group` are the ARNs of the CloudWatch Logs groups that AWS is told to write to; the options
    LogEnabled and BgpLogEnabled say whether it does. With a `certificate_arn` the tunnel authenticates by certificate.
    """

    outside_ip: str
    telemetry: Telemetry | None = None
    options: OptionValues = field(default_factory=dict)
    inside_cidr: str = ""
    log_group: str = ""
    bgp_log_group: str = ""
    certificate_arn: str = ""


@dataclass(frozen=True, slots=True)
class Connection:
    """One Site-to-Site VPN connection. Absent text is ""; `accelerated` is None where AWS does not say.

    `networks` are those that AWS narrows the traffic selectors to; empty where it takes all, as it does by default.
    `association` is AWS's GatewayAssociationState. With a `pre_shared_key_arn` the keys lie in Secrets Manager.
    """

    id: str
    state: ConnectionState
    name: str = ""
    category: str = ""
    customer_gateway_id: str = ""
    vpn_gateway_id: str = ""
    transit_gateway_id: str = ""
    core_network_arn: str = ""
    vpn_concentrator_id: str = ""
    association: str = ""
    pre_shared_key_arn: str = ""
    routing: str = ""
    accelerated: bool | None = None
    bandwidth: str = ""
    networks: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    tunnels: tuple[Tunnel, ...] = ()

    @property
    def in_service(self) -> bool:
        """Whether tunnels are meant to be up: not while AWS creates or deletes the connection."""
        return self.state in (ConnectionState.AVAILABLE, ConnectionState.MODIFYING)

    @property
    def gateway(self) -> tuple[str, str]:
        """The kind of gateway at AWS and its name; "" and "" where the connection hangs on none that is known."""
        kinds = (
            ("virtual private gateway", self.vpn_gateway_id),
            ("VPN concentrator", self.vpn_concentrator_id),
            ("transit gateway", self.transit_gateway_id),
            ("Cloud WAN core network", self.core_network_arn),
        )
        return next(((kind, name) for kind, name in kinds if name), ("", ""))

    @property
    def counts_static_routes(self) -> bool:
        """Whether AcceptedRouteCount means something on a static connection: on virtual private gateways only."""
        return self.gateway[0] in ("virtual private gateway", "")

    @property
    def tunnels_up(self) -> int | None:
        """How many tunnels AWS reports UP; None where it says of no tunnel whether it is."""
        said = [tunnel.telemetry.up for tunnel in self.tunnels if tunnel.telemetry and tunnel.telemetry.up is not None]
        return sum(said) if said else None
