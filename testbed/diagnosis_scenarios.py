"""Situations with what diagnosis has to say about them: the tests' matrix, and the table in docs/DIAGNOSIS.md.

`NOW` is the moment of looking; the tunnel fell at `FELL`, an hour before, unless a scenario says otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from aws_vpn_exporter.diagnosis.case import Case
from aws_vpn_exporter.diagnosis.cause import CauseKind, Confidence
from aws_vpn_exporter.evidence import (
    Evidence,
    LogEvent,
    LogEventClass,
    Maintenance,
    Negotiated,
    Traffic,
    TrafficPoint,
    TunnelLog,
)
from aws_vpn_exporter.model import Connection, ConnectionState, Telemetry, Tunnel, TunnelState
from aws_vpn_exporter.options import OptionValues
from aws_vpn_exporter.policy import Policy, Settings

NOW = 1_800_000_000.0
MINUTE = 60.0
FELL = NOW - 60 * MINUTE
LONG_AGO = NOW - 12 * 24 * 60 * MINUTE

THIS, OTHER = "203.0.113.17", "198.51.100.17"
MESSAGES = {TunnelState.UP_WITHOUT_ROUTES: "0 BGP ROUTES", TunnelState.BGP_DOWN: "IPSEC IS UP"}
MESSAGES |= {TunnelState.IPSEC_DOWN: "IPSEC IS DOWN"}

ALL_ON = frozenset({"traffic", "maintenance", "negotiated", "logs"})
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
) -> Case:
    connection = Connection(
        "vpn-0123456789abcdef0", state, routing=routing, tunnels=(this, other) if other else (this,)
    )
    settings = Settings(policies=(Policy(customer_gateway=gateway or {}),))
    return Case(this, connection, settings, now, evidence or Evidence(), sources)


def log(*events: tuple[float, LogEventClass, str]) -> Evidence:
    return Evidence(logs=TunnelLog({}, tuple(LogEvent(*event) for event in events)))


def traffic(*points: tuple[float, float | None]) -> Evidence:
    """Points by their period's end and the same rate both ways."""
    return Evidence(traffic=Traffic(tuple(TrafficPoint(time, rate, rate) for time, rate in points)))


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
WRONG_KEY = (FELL + 20, LogEventClass.PRE_SHARED_KEY_MISMATCH, "pre-shared key mismatch")
OTHER_LIFETIME: OptionValues = {"Phase1LifetimeSeconds": 3600}

CAUSES: Mapping[str, Scenario] = {
    "idle": Scenario(
        "Nothing passed in the five minutes before the tunnel fell; AWS does not initiate it.",
        case(DOWN, evidence=traffic((FELL - 6 * MINUTE, 900.0), (FELL - MINUTE, 0.0)), sources=ALL_ON),
        ((CauseKind.IDLE_TIMEOUT, LIKELY), STAYS_DOWN),
    ),
    "idle-but-aws-initiates": Scenario(
        "Nothing passed before the tunnel fell, but AWS initiates it.",
        case(
            tunnel(TunnelState.IPSEC_DOWN, options=AWS_INITIATES),
            evidence=traffic((FELL - MINUTE, 0.0)),
            sources=ALL_ON,
        ),
        ((CauseKind.IDLE_TIMEOUT, POSSIBLE),),
    ),
    "idle-with-bgp": Scenario(
        "Not even BGP passed before the tunnel fell: rather a dead path than an idle tunnel.",
        case(DOWN, routing="bgp", evidence=traffic((FELL - MINUTE, 0.0))),
        ((CauseKind.IDLE_TIMEOUT, POSSIBLE), STAYS_DOWN),
    ),
    "idle-and-replaced": Scenario(
        "Nothing passed before the tunnel fell, and AWS had applied maintenance two minutes earlier.",
        case(
            DOWN,
            evidence=replace(traffic((FELL - MINUTE, 0.0)), maintenance=Maintenance(last_applied=FELL - 2 * MINUTE)),
            sources=ALL_ON,
        ),
        (
            (CauseKind.ENDPOINT_REPLACEMENT, LIKELY),
            (CauseKind.WILL_NOT_RECOVER_ALONE, LIKELY),
            (CauseKind.IDLE_TIMEOUT, POSSIBLE),
        ),
    ),
    "lifetimes-differ": Scenario(
        "A policy states another phase 1 lifetime than AWS has.",
        case(DOWN, other=None, gateway=OTHER_LIFETIME),
        ((CauseKind.REKEY_MISMATCH, LIKELY), STAYS_DOWN),
    ),
    "lifetimes-differ-on-both-tunnels": Scenario(
        "The same difference on both tunnels, of which the other is up.",
        case(DOWN, gateway=OTHER_LIFETIME),
        ((CauseKind.REKEY_MISMATCH, POSSIBLE), STAYS_DOWN),
    ),
    "algorithms-differ-and-log": Scenario(
        "A policy states an algorithm that AWS does not permit, and AWS logged that no proposal matched.",
        case(
            tunnel(TunnelState.IPSEC_DOWN, options={**LOGGED, "Phase2EncryptionAlgorithms": ("AES256-GCM-16",)}),
            gateway={"Phase2EncryptionAlgorithms": ("AES128",)},
            evidence=log(NO_MATCH),
            sources=ALL_ON,
        ),
        ((CauseKind.REKEY_MISMATCH, LIKELY), STAYS_DOWN),
    ),
    "no-proposal-match": Scenario(
        "AWS logged that no proposal matched; no policy states the gateway's values.",
        case(DOWN_LOGGED, evidence=log(NO_MATCH), sources=ALL_ON),
        ((CauseKind.REKEY_MISMATCH, LIKELY), STAYS_DOWN),
    ),
    "dead-peer": Scenario(
        "AWS logged that it declared the peer dead when the tunnel fell.",
        case(DOWN_LOGGED, evidence=log(DEAD), sources=ALL_ON),
        ((CauseKind.DEAD_PEER_DETECTION, LIKELY), STAYS_DOWN),
    ),
    "dead-peer-beats-a-difference": Scenario(
        "AWS declared the peer dead; a policy also states another lifetime.",
        case(DOWN_LOGGED, gateway=OTHER_LIFETIME, evidence=log(DEAD), sources=ALL_ON),
        ((CauseKind.DEAD_PEER_DETECTION, LIKELY), (CauseKind.REKEY_MISMATCH, POSSIBLE), STAYS_DOWN),
    ),
    "wrong-key": Scenario(
        "AWS logged that the pre-shared keys do not match.",
        case(DOWN_LOGGED, evidence=log(WRONG_KEY), sources=ALL_ON),
        ((CauseKind.PRE_SHARED_KEY_MISMATCH, LIKELY), STAYS_DOWN),
    ),
    "bgp-down": Scenario(
        "DOWN, while IPsec is up.",
        case(tunnel(TunnelState.BGP_DOWN), routing="bgp"),
        ((CauseKind.BGP_DOWN, LIKELY),),
    ),
    "bgp-down-on-a-static-connection": Scenario(
        "DOWN, while IPsec is up, on a connection that has no BGP.",
        case(tunnel(TunnelState.BGP_DOWN)),
        ((CauseKind.BGP_DOWN, POSSIBLE),),
    ),
    "up-without-routes": Scenario(
        "UP with 0 BGP routes.",
        case(tunnel(TunnelState.UP_WITHOUT_ROUTES), routing="bgp"),
        ((CauseKind.NO_ROUTES, LIKELY),),
    ),
    "static-without-routes": Scenario(
        "UP on a static connection that has no route.",
        case(tunnel(TunnelState.UP, routes=0)),
        ((CauseKind.NO_ROUTES, LIKELY),),
    ),
    "endpoint-replaced": Scenario(
        "AWS applied maintenance two minutes before the tunnel fell; nobody initiated since.",
        case(DOWN, evidence=Evidence(maintenance=Maintenance(last_applied=FELL - 2 * MINUTE)), sources=ALL_ON),
        ((CauseKind.ENDPOINT_REPLACEMENT, LIKELY), (CauseKind.WILL_NOT_RECOVER_ALONE, LIKELY)),
    ),
    "being-modified": Scenario(
        "AWS is changing the connection.",
        case(tunnel(TunnelState.IPSEC_DOWN, since=NOW - MINUTE), state=ConnectionState.MODIFYING),
        ((CauseKind.ENDPOINT_REPLACEMENT, LIKELY),),
    ),
    "being-set-up": Scenario(
        "AWS says that it is still setting the tunnel up.",
        case(
            tunnel(TunnelState.IPSEC_DOWN, since=NOW - MINUTE),
            evidence=Evidence(negotiated=Negotiated(provisioning_status="pending")),
        ),
        ((CauseKind.ENDPOINT_REPLACEMENT, POSSIBLE),),
    ),
    "site-gone": Scenario(
        "Both tunnels fell within a minute.",
        case(DOWN, other=tunnel(TunnelState.IPSEC_DOWN, ip=OTHER, since=FELL + 40)),
        ((CauseKind.CUSTOMER_GATEWAY_UNREACHABLE, LIKELY), STAYS_DOWN),
    ),
    "site-gone-and-dead-peer": Scenario(
        "Both tunnels fell within a minute, each as a dead peer: the symptom comes after the cause.",
        case(
            DOWN_LOGGED,
            other=tunnel(TunnelState.IPSEC_DOWN, ip=OTHER, since=FELL + 40),
            evidence=log(DEAD),
            sources=ALL_ON,
        ),
        ((CauseKind.CUSTOMER_GATEWAY_UNREACHABLE, LIKELY), (CauseKind.DEAD_PEER_DETECTION, POSSIBLE), STAYS_DOWN),
    ),
    "site-silent": Scenario(
        "No tunnel is up, and half an hour later AWS still logs that the peer does not answer.",
        case(
            DOWN_LOGGED,
            other=tunnel(TunnelState.IPSEC_DOWN, ip=OTHER, since=LONG_AGO),
            evidence=log((FELL + 30 * MINUTE, LogEventClass.PEER_UNRESPONSIVE, "Peer is not responsive")),
            sources=ALL_ON,
        ),
        ((CauseKind.CUSTOMER_GATEWAY_UNREACHABLE, POSSIBLE), STAYS_DOWN),
    ),
    "no-evidence": Scenario(
        "DOWN for an hour on default options, and every optional source is off.",
        case(DOWN),
        (STAYS_DOWN, (CauseKind.UNKNOWN, POSSIBLE)),
    ),
    "ikev2-only-but-not-initiated": Scenario(
        "DOWN for an hour with IKEv2 only, but startup action add.",
        case(tunnel(TunnelState.IPSEC_DOWN, options={"IkeVersions": ("ikev2",)})),
        (STAYS_DOWN, (CauseKind.UNKNOWN, POSSIBLE)),
    ),
    "just-fallen": Scenario(
        "DOWN for a minute, and every optional source is off.",
        case(tunnel(TunnelState.IPSEC_DOWN, since=NOW - MINUTE)),
        ((CauseKind.UNKNOWN, POSSIBLE),),
    ),
    "setting-up-failed": Scenario(
        "AWS says that it failed to set the tunnel up.",
        case(
            tunnel(TunnelState.DOWN, since=NOW - MINUTE),
            evidence=Evidence(negotiated=Negotiated(provisioning_status="failed", provisioning_status_reason="why")),
        ),
        ((CauseKind.UNKNOWN, POSSIBLE),),
    ),
}

UNKNOWN = (STAYS_DOWN, (CauseKind.UNKNOWN, POSSIBLE))

FALSE_FRIENDS: Mapping[str, Scenario] = {
    "data-while-down": Scenario(
        "CloudWatch counts data, or none, after the tunnel fell: bytes are not liveness, and silence is no idleness.",
        case(DOWN, evidence=traffic((FELL + 10 * MINUTE, 700.0), (FELL + 15 * MINUTE, 0.0)), sources=ALL_ON),
        UNKNOWN,
    ),
    "busy-before-silent-after": Scenario(
        "Data passed until the tunnel fell, and none after: that is the fall, not its cause.",
        case(DOWN, evidence=traffic((FELL - MINUTE, 900.0), (FELL + 4 * MINUTE, 0.0)), sources=ALL_ON),
        UNKNOWN,
    ),
    "silent-long-before": Scenario(
        "The latest traffic that is known is an hour older than the fall.",
        case(DOWN, evidence=traffic((FELL - 60 * MINUTE, 0.0)), sources=ALL_ON),
        UNKNOWN,
    ),
    "traffic-without-value": Scenario(
        "CloudWatch has no value for the period before the fall: absent is not zero.",
        case(DOWN, evidence=traffic((FELL - MINUTE, None)), sources=ALL_ON),
        UNKNOWN,
    ),
    "traffic-with-half-a-value": Scenario(
        "CloudWatch has a value for one direction only.",
        case(DOWN, evidence=Evidence(traffic=Traffic((TrafficPoint(FELL - MINUTE, 0.0, None),))), sources=ALL_ON),
        UNKNOWN,
    ),
    "one-way-traffic": Scenario(
        "Only one direction was silent.",
        case(DOWN, evidence=Evidence(traffic=Traffic((TrafficPoint(FELL - MINUTE, 0.0, 900.0),))), sources=ALL_ON),
        UNKNOWN,
    ),
    "static-routes-while-down": Scenario(
        "AWS counts the static routes of a tunnel that is down: they are neither life nor a routing problem.",
        case(tunnel(TunnelState.IPSEC_DOWN, routes=3)),
        UNKNOWN,
    ),
    "no-routes-while-down": Scenario(
        "No route is accepted over a tunnel that is down: a consequence, not the cause.",
        case(tunnel(TunnelState.IPSEC_DOWN, routes=0), routing="bgp"),
        UNKNOWN,
    ),
    "mismatch-while-up": Scenario(
        "A policy states another lifetime, and the tunnel is up with routes.",
        case(tunnel(TunnelState.UP, routes=4), gateway=OTHER_LIFETIME),
        (),
    ),
    "mismatch-with-bgp-down": Scenario(
        "A policy states another lifetime, but IPsec is up: only BGP is down.",
        case(tunnel(TunnelState.BGP_DOWN), routing="bgp", gateway=OTHER_LIFETIME),
        ((CauseKind.BGP_DOWN, LIKELY),),
    ),
    "maintenance-an-hour-before": Scenario(
        "AWS applied maintenance an hour before the tunnel fell.",
        case(DOWN, evidence=Evidence(maintenance=Maintenance(last_applied=FELL - 60 * MINUTE)), sources=ALL_ON),
        UNKNOWN,
    ),
    "maintenance-pending": Scenario(
        "Maintenance is pending, not applied.",
        case(DOWN, evidence=Evidence(maintenance=Maintenance(pending="update", auto_applied_after=NOW + 9e5))),
        UNKNOWN,
    ),
    "logs-are-silent": Scenario(
        "Logs are read, and hold nothing about this tunnel: no log is not an all-clear.",
        case(DOWN_LOGGED, sources=ALL_ON),
        UNKNOWN,
    ),
    "logs-of-another-day": Scenario(
        "The log holds a dead peer, a mismatched key and a refused proposal, all from hours before the fall.",
        case(
            DOWN_LOGGED,
            evidence=log(
                *((FELL - 300 * MINUTE, event, "") for event in (DEAD[1], WRONG_KEY[1], NO_MATCH[1])),
            ),
            sources=ALL_ON,
        ),
        UNKNOWN,
    ),
    "counts-without-lines": Scenario(
        "The counters know of dead peers since the start, the latest lines do not: when it was, nobody knows.",
        case(
            DOWN_LOGGED,
            evidence=Evidence(logs=TunnelLog({LogEventClass.DPD_TIMEOUT: 40})),
            sources=ALL_ON,
        ),
        UNKNOWN,
    ),
    "silent-peer-while-the-other-is-up": Scenario(
        "AWS still logs that the peer does not answer, but over the other tunnel it does: the site is there.",
        case(
            DOWN_LOGGED,
            evidence=log((FELL + 30 * MINUTE, LogEventClass.PEER_UNRESPONSIVE, "Peer is not responsive")),
            sources=ALL_ON,
        ),
        UNKNOWN,
    ),
    "both-down-hours-apart": Scenario(
        "No tunnel is up, but the other has been down for days: this is not the site losing its line.",
        case(DOWN, other=tunnel(TunnelState.IPSEC_DOWN, ip=OTHER, since=LONG_AGO)),
        UNKNOWN,
    ),
    "aws-initiates": Scenario(
        "Down for an hour, with IKEv2 only and startup action start: AWS tries by itself.",
        case(tunnel(TunnelState.IPSEC_DOWN, options=AWS_INITIATES)),
        ((CauseKind.UNKNOWN, POSSIBLE),),
    ),
    "time-unknown": Scenario(
        "AWS does not say when the tunnel fell: nothing can be tied to the fall.",
        case(
            tunnel(TunnelState.IPSEC_DOWN, since=None, options=LOGGED),
            evidence=Evidence(
                traffic=Traffic((TrafficPoint(FELL, 0.0, 0.0),)),
                maintenance=Maintenance(last_applied=FELL),
                logs=TunnelLog({}, (LogEvent(*DEAD),)),
            ),
            sources=ALL_ON,
        ),
        ((CauseKind.UNKNOWN, POSSIBLE),),
    ),
    "well": Scenario("The tunnel is up with routes.", case(tunnel(TunnelState.UP, routes=4)), ()),
    "no-telemetry": Scenario("AWS says nothing about the tunnel.", case(tunnel(None)), ()),
    "deleted": Scenario(
        "The connection is deleted; its tunnels are meant to be down.",
        case(DOWN, state=ConnectionState.DELETED),
        (),
    ),
    "pending": Scenario(
        "The connection is being created.",
        case(DOWN, state=ConnectionState.PENDING),
        (),
    ),
}
