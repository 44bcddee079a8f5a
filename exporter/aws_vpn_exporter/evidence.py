"""What the optional sources say about tunnels, as frozen values. Times are Unix times in seconds.

Each source answers for one target with a mapping from tunnel to value; a tunnel about which it has nothing to say is
not in it. A source that is turned off, or has not answered yet, gives no mapping at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, Literal, NamedTuple, TypeVar, get_args

from aws_vpn_exporter.model import PollError, Report


class TunnelId(NamedTuple):
    """A tunnel within a target."""

    vpn_connection_id: str
    tunnel_ip: str


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
    """What the optional sources say about one tunnel; None where a source is off or has nothing to say."""

    traffic: Traffic | None = None
    maintenance: Maintenance | None = None
    negotiated: Negotiated | None = None
    log: TunnelLog | None = None


SourceName = Literal["traffic", "maintenance", "negotiated", "logs"]
SOURCES: tuple[SourceName, ...] = get_args(SourceName)
"""The optional sources, by the name of their block in the configuration."""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Round(Generic[Value]):
    """What one look of a source brought about a target.

    `error` is what went wrong with a part of it, if anything; `too_early` is a look before the connections were known.
    """

    values: Mapping[TunnelId, Value]
    error: PollError | None = None
    too_early: bool = False


def answers_in_full(report: Report[Round[Any]]) -> bool:
    """Whether the latest look of a source succeeded, in every part, about connections that were known."""
    latest = report.snapshot.answer if report.snapshot else None
    return report.up and latest is not None and not latest.error and not latest.too_early


@dataclass(frozen=True)
class Sources:
    """What the optional sources say about a target: a report for each that is on."""

    reports: Mapping[SourceName, Report[Round[Any]]] = field(default_factory=dict)

    def evidence(self, tunnel: TunnelId) -> Evidence:
        """Everything about one tunnel."""
        said = {
            name: report.snapshot.answer.values.get(tunnel) for name, report in self.reports.items() if report.snapshot
        }
        return Evidence(said.get("traffic"), said.get("maintenance"), said.get("negotiated"), said.get("logs"))
