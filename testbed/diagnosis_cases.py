"""Tunnels and what is known of them, made with few words: what the scenarios of diagnosis are put together from."""

from dataclasses import dataclass

from aws_vpn_exporter.diagnosis.case import Case
from aws_vpn_exporter.diagnosis.cause import CauseKind, Confidence
from aws_vpn_exporter.diagnosis.surroundings import NOTHING_AROUND, Surroundings
from aws_vpn_exporter.evidence import (
    Change,
    Evidence,
    LogEvent,
    LogEventClass,
    Traffic,
    TrafficPoint,
    TunnelLog,
)
from aws_vpn_exporter.history import Memory
from aws_vpn_exporter.model import Connection, ConnectionState, Telemetry, Tunnel, TunnelState
from aws_vpn_exporter.options import OptionValues
from aws_vpn_exporter.policy import Policy, Settings

NOW = 1_800_000_000.0
MINUTE = 60.0
DAY = 86400.0
FELL = NOW - 60 * MINUTE
LONG_AGO = NOW - 12 * 24 * 60 * MINUTE

THIS, OTHER = "203.0.113.17", "198.51.100.17"
MESSAGES = {TunnelState.UP_WITHOUT_ROUTES: "0 BGP ROUTES", TunnelState.BGP_DOWN: "IPSEC IS UP"}
MESSAGES |= {TunnelState.IPSEC_DOWN: "IPSEC IS DOWN"}

ALL_ON = frozenset({"traffic", "maintenance", "negotiated", "logs", "changes"})
LOGGED: OptionValues = {"LogEnabled": True}
AWS_INITIATES: OptionValues = {"IkeVersions": ("ikev2",), "StartupAction": "start"}

LIKELY, POSSIBLE = Confidence.LIKELY, Confidence.POSSIBLE
Expected = tuple[tuple[CauseKind, Confidence], ...]

STAYS_DOWN = (CauseKind.WILL_NOT_RECOVER_ALONE, POSSIBLE)
"""Said of each tunnel that is down for long on AWS's default options."""


def tunnel(
    state: TunnelState | None,
    *,
    ip: str = THIS,
    since: float | None = FELL,
    routes: int = 0,
    options: OptionValues | None = None,
) -> Tunnel:
    up = state in (TunnelState.UP, TunnelState.UP_WITHOUT_ROUTES)
    telemetry = Telemetry(up, state, MESSAGES.get(state, ""), since, routes) if state else None
    return Tunnel(ip, telemetry, options or {})


UP = tunnel(TunnelState.UP, ip=OTHER, since=LONG_AGO, routes=4)


def case(
    this: Tunnel,
    *,
    other: Tunnel | None = UP,
    gateway: OptionValues | None = None,
    state: ConnectionState = ConnectionState.AVAILABLE,
    routing: str = "static",
    evidence: Evidence | None = None,
    sources: frozenset[str] = frozenset(),
    now: float = NOW,
    memory: Memory | None = None,
    around: Surroundings = NOTHING_AROUND,
    association: str = "associated",
) -> Case:
    connection = Connection(
        "vpn-0123456789abcdef0",
        state,
        vpn_gateway_id="vgw-0123456789abcdef0",
        association=association,
        routing=routing,
        tunnels=(this, other) if other else (this,),
    )
    settings = Settings(policies=(Policy(customer_gateway=gateway or {}),))
    memories = {this.outside_ip: memory} if memory else {}
    return Case(this, connection, settings, now, evidence or Evidence(), sources, {}, memories, around)


def log(*events: tuple[float, LogEventClass, str], nat: bool | None = None) -> Evidence:
    return Evidence(logs=TunnelLog({}, tuple(LogEvent(*event) for event in events), nat))


def traffic(*points: tuple[float, float | None]) -> Evidence:
    """Points by their period's end and the same rate both ways."""
    return Evidence(traffic=Traffic(tuple(TrafficPoint(time, rate, rate) for time, rate in points)))


def stopped(receive: float, transmit: float) -> Evidence:
    """Six busy periods of five minutes, and then three at these rates."""
    rates = [(9000.0, 9000.0)] * 6 + [(receive, transmit)] * 3
    ends = (NOW - MINUTE - 5 * MINUTE * number for number in reversed(range(9)))
    return Evidence(traffic=Traffic(tuple(TrafficPoint(end, *both) for end, both in zip(ends, rates, strict=True))))


STOPPED = stopped(40.0, 9000.0)


@dataclass(frozen=True)
class Scenario:
    """A tunnel's situation, and the causes that have to be named for it, in this order."""

    description: str
    case: Case
    expected: Expected


DOWN = tunnel(TunnelState.IPSEC_DOWN)
DOWN_LOGGED = tunnel(TunnelState.IPSEC_DOWN, options=LOGGED)
DEAD = (FELL - 5, LogEventClass.PEER_UNRESPONSIVE, "Peer is not responsive - Declaring peer dead")
NO_MATCH = (FELL + 20, LogEventClass.NO_PROPOSAL_MATCH, "No Proposal Match Found by AWS")
FELL_WITH_IT = tunnel(TunnelState.IPSEC_DOWN, ip=OTHER, since=FELL + 40)
REFUSED = (FELL + 20, LogEventClass.AUTHENTICATION_FAILED, "AUTHENTICATION_FAILED as the response")
DELETED = (FELL - 1, LogEventClass.CLOSED_BY_GATEWAY, "AWS tunnel received DELETE for IKE_SA from CGW")
CHANGE = Change(FELL - 2 * MINUTE, "ModifyVpnTunnelOptions", "alice", THIS, ("Phase1LifetimeSeconds",))
WRONG_KEY = (FELL + 20, LogEventClass.PRE_SHARED_KEY_MISMATCH, "pre-shared key mismatch")
OTHER_LIFETIME: OptionValues = {"Phase1LifetimeSeconds": 3600}
GCM_ONLY = tunnel(TunnelState.IPSEC_DOWN, options={"Phase2EncryptionAlgorithms": ("AES256-GCM-16",)})
CBC_ONLY: OptionValues = {"Phase2EncryptionAlgorithms": ("AES128",)}
