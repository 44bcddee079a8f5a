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
    """TunnelDataIn and TunnelDataOut of the latest complete periods, oldest first; never empty."""

    points: tuple[TrafficPoint, ...]


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
    NO_PROPOSAL_MATCH = "no_proposal_match"
    PRE_SHARED_KEY_MISMATCH = "pre_shared_key_mismatch"
    REKEY = "rekey"
    PHASE1_UP = "phase1_up"
    PHASE1_DOWN = "phase1_down"
    PHASE2_UP = "phase2_up"
    PHASE2_DOWN = "phase2_down"
    NAT_TRAVERSAL = "nat_traversal"
    BGP_UP = "bgp_up"
    BGP_DOWN = "bgp_down"
    OTHER = "other"


class LogEvent(NamedTuple):
    """One line of the VPN logs; `detail` is AWS's text, sanitised and capped."""

    time: float
    event: LogEventClass
    detail: str


@dataclass(frozen=True, slots=True)
class TunnelLog:
    """Counts since the exporter began to read, and the latest events, oldest first (at most 20)."""

    counts: Mapping[LogEventClass, int] = field(default_factory=dict)
    latest: tuple[LogEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the optional sources say about one tunnel: a field for each source, named as its configuration block.

    A field is None where the source is off, has not answered yet, or has nothing to say about the tunnel.
    """

    traffic: Traffic | None = None
    maintenance: Maintenance | None = None
    negotiated: Negotiated | None = None
    logs: TunnelLog | None = None


@dataclass(frozen=True, slots=True)
class SourceAnswer(Generic[Value]):
    """What one poll of a source said about a target's tunnels.

    `partial_error` is what went wrong with some of the tunnels, if anything. `too_early` is an answer without a call to
    AWS, given while the target's connections are not known yet.
    """

    values: Mapping[TunnelId, Value]
    partial_error: PollError | None = None
    too_early: bool = False
