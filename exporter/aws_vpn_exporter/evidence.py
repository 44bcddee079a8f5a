"""What the optional sources say about tunnels, as frozen values. Times are Unix times in seconds.

A source answers for one target with a SourceAnswer: a mapping from tunnel to value. A tunnel about which it has nothing
to say is not in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

from aws_vpn_exporter.model import TunnelId
from aws_vpn_exporter.target import PollError

Value = TypeVar("Value")


class TrafficPoint(NamedTuple):
    """Bytes per second over one complete CloudWatch period; `time` is the period's end."""

    time: float
    receive: float | None
    transmit: float | None


@dataclass(frozen=True, slots=True)
class Traffic:
    """TunnelDataIn and TunnelDataOut of the latest complete periods, oldest first in whatever order they are given.

    Never empty.
    """

    points: tuple[TrafficPoint, ...]

    def __post_init__(self) -> None:
        """Puts the points in order."""
        object.__setattr__(self, "points", tuple(sorted(self.points, key=lambda point: point.time)))


@dataclass(frozen=True, slots=True)
class Maintenance:
    """MaintenanceDetails of GetVpnTunnelReplacementStatus. `pending` is AWS's text, "" where nothing is pending."""

    pending: str = ""
    auto_applied_after: float | None = None
    last_applied: float | None = None


@dataclass(frozen=True, slots=True)
class Negotiated:
    """What the two sides agreed on (GetActiveVpnTunnelStatus); absent text is ""."""

    ike_version: str = ""
    phase1_encryption: str = ""
    phase1_integrity: str = ""
    phase1_dh_group: str = ""
    phase2_encryption: str = ""
    phase2_integrity: str = ""
    phase2_dh_group: str = ""
    provisioning_status: str = ""
    provisioning_status_reason: str = ""


class LogEventClass(StrEnum):
    """What a line of the VPN logs is about: a closed set."""

    DPD_TIMEOUT = "dpd_timeout"
    PEER_UNRESPONSIVE = "peer_unresponsive"
    HALF_OPEN = "half_open"
    NO_PROPOSAL_MATCH = "no_proposal_match"
    TRAFFIC_SELECTORS = "traffic_selectors"
    PHASE2_FAILED = "phase2_failed"
    PRE_SHARED_KEY_MISMATCH = "pre_shared_key_mismatch"
    AUTHENTICATION_FAILED = "authentication_failed"
    CLOSED_BY_GATEWAY = "closed_by_gateway"
    REKEY = "rekey"
    REKEY_COLLISION = "rekey_collision"
    PHASE1_UP = "phase1_up"
    PHASE1_DOWN = "phase1_down"
    PHASE2_UP = "phase2_up"
    PHASE2_DOWN = "phase2_down"
    NAT_TRAVERSAL = "nat_traversal"
    BGP_UP = "bgp_up"
    BGP_DOWN = "bgp_down"
    BGP_CONNECTING = "bgp_connecting"
    BGP_HOLD_TIMER = "bgp_hold_timer"
    BGP_SHUTDOWN = "bgp_shutdown"
    BGP_UNCONFIGURED = "bgp_unconfigured"
    BGP_RESET = "bgp_reset"
    BGP_REJECTED = "bgp_rejected"
    BGP_NOTIFICATION = "bgp_notification"
    BGP_AS_NUMBER = "bgp_as_number"
    BGP_PREFIX_LIMIT = "bgp_prefix_limit"
    BGP_PREFIX_WARNING = "bgp_prefix_warning"
    ROUTE_CHANGED = "route_changed"
    ROUTE_DENIED_AS_PATH = "route_denied_as_path"
    ROUTE_DENIED_NEXT_HOP = "route_denied_next_hop"
    OTHER = "other"


class LogEvent(NamedTuple):
    """One line of the VPN logs; `detail` is AWS's text, sanitised and capped.

    `phase2` is the state of phase 2 that the line carries (established, rekeying, negotiating, down), "" where none.
    """

    time: float
    event: LogEventClass
    detail: str
    phase2: str = ""


@dataclass(frozen=True, slots=True)
class TunnelLog:
    """What the logs say of a tunnel.

    `counts` are those since the exporter began to read. `latest` are the lines that are kept, oldest first: the newest
    ones, the newest of each class, and those around the tunnel's latest change of status. `nat` is whether AWS saw the
    customer gateway behind NAT, None where no line says. `cut` is whether there were more lines than could be read.
    """

    counts: Mapping[LogEventClass, int] = field(default_factory=dict)
    latest: tuple[LogEvent, ...] = ()
    nat: bool | None = None
    cut: bool = False

    def __post_init__(self) -> None:
        """Puts the lines in order."""
        object.__setattr__(self, "latest", tuple(sorted(self.latest)))


class Change(NamedTuple):
    """A change of a connection that somebody made at AWS (CloudTrail), successful ones only.

    `tunnel_ip` is "" where it is about the whole connection. `options` names what was set; values stay out.
    """

    time: float
    event: str
    actor: str
    tunnel_ip: str = ""
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes of a tunnel's connection that are known, oldest first."""

    known: tuple[Change, ...] = ()

    def __post_init__(self) -> None:
        """Puts the changes in order."""
        object.__setattr__(self, "known", tuple(sorted(self.known)))


@dataclass(frozen=True, slots=True)
class CustomerGateway:
    """AWS's record of the device at the other end (DescribeCustomerGateways); absent text is ""."""

    id: str
    address: str = ""
    as_number: str = ""
    device: str = ""


@dataclass(frozen=True, slots=True)
class Quotas:
    """How many VPN connections AWS allows (Service Quotas); None where it knows of no such quota."""

    per_region: int | None = None
    per_virtual_private_gateway: int | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the optional sources say about one tunnel: a field for each source, named as its configuration block.

    A field is None where the source is off, has not answered yet, or has nothing to say about the tunnel.
    """

    traffic: Traffic | None = None
    maintenance: Maintenance | None = None
    negotiated: Negotiated | None = None
    logs: TunnelLog | None = None
    changes: Changes | None = None
    customer_gateways: CustomerGateway | None = None
    quotas: Quotas | None = None


@dataclass(frozen=True, slots=True)
class SourceAnswer(Generic[Value]):
    """What one poll of a source said about a target's tunnels.

    `partial_error` is what went wrong with some of the tunnels, if anything. `too_early` is an answer without a call to
    AWS, given while the target's connections are not known yet. `notes` are sentences about what was left out, and
    `unmatched` counts what the source read since it started and could give to no tunnel.
    """

    values: Mapping[TunnelId, Value]
    partial_error: PollError | None = None
    too_early: bool = False
    notes: tuple[str, ...] = ()
    unmatched: int = 0
