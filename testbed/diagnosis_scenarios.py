"""Situations with what diagnosis has to say about them: the tests' matrix, and the table in docs/DIAGNOSIS.md.

`NOW` is the moment of looking; the tunnel fell at `FELL`, an hour before, unless a scenario says otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from aws_vpn_exporter.diagnosis.case import Case
from aws_vpn_exporter.diagnosis.cause import CauseKind, Confidence
from aws_vpn_exporter.diagnosis.surroundings import NOTHING_AROUND, Surroundings
from aws_vpn_exporter.evidence import (
    Change,
    Changes,
    Evidence,
    LogEvent,
    LogEventClass,
    Maintenance,
    Negotiated,
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
    "nothing-in-common": Scenario(
        "A policy states an algorithm that AWS does not permit, and nothing else is known.",
        case(GCM_ONLY, other=None, gateway=CBC_ONLY),
        ((CauseKind.REKEY_MISMATCH, LIKELY), STAYS_DOWN),
    ),
    "nothing-in-common-on-both-tunnels": Scenario(
        "The same difference on both tunnels, of which the other is up.",
        case(GCM_ONLY, other=replace(UP, options=GCM_ONLY.options), gateway=CBC_ONLY),
        ((CauseKind.REKEY_MISMATCH, POSSIBLE), STAYS_DOWN),
    ),
    "partial-overlap": Scenario(
        "The device offers more than AWS permits; on what both have they can agree.",
        case(GCM_ONLY, gateway={"Phase2EncryptionAlgorithms": ("AES128", "AES256-GCM-16")}),
        ((CauseKind.REKEY_MISMATCH, POSSIBLE), STAYS_DOWN),
    ),
    "longer-lifetime-with-ikev1": Scenario(
        "The device's lifetime is longer than AWS's, with IKEv1.",
        case(
            tunnel(TunnelState.IPSEC_DOWN, options={"IkeVersions": ("ikev1",)}),
            gateway={"Phase1LifetimeSeconds": 86400},
        ),
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
        "AWS declared the peer dead; a policy also states algorithms that AWS does not permit.",
        case(replace(GCM_ONLY, options={**GCM_ONLY.options, **LOGGED}), gateway=CBC_ONLY, evidence=log(DEAD)),
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
        "UP on a static connection of a virtual private gateway that counts no route.",
        case(tunnel(TunnelState.UP, routes=0)),
        ((CauseKind.NO_ROUTES, POSSIBLE),),
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
        "Both tunnels fell within a minute, and data had passed until then.",
        case(DOWN, other=FELL_WITH_IT, evidence=traffic((FELL - 6 * MINUTE, 900.0))),
        ((CauseKind.CUSTOMER_GATEWAY_UNREACHABLE, LIKELY), STAYS_DOWN),
    ),
    "both-down-and-nothing-known": Scenario(
        "Both tunnels are down since the same minute; whether they were ever up, nothing shows.",
        case(DOWN, other=FELL_WITH_IT),
        ((CauseKind.CUSTOMER_GATEWAY_UNREACHABLE, POSSIBLE), STAYS_DOWN),
    ),
    "site-gone-with-others": Scenario(
        "Both tunnels fell within a minute, and so did tunnels of seven other customer gateways of the region.",
        case(
            DOWN,
            other=FELL_WITH_IT,
            evidence=traffic((FELL - 6 * MINUTE, 900.0)),
            around=Surroundings((), 7, 4, "region eu-west-1"),
        ),
        ((CauseKind.SHARED_EVENT, LIKELY), (CauseKind.CUSTOMER_GATEWAY_UNREACHABLE, POSSIBLE), STAYS_DOWN),
    ),
    "gateway-up-elsewhere": Scenario(
        "Both tunnels fell within a minute, but another connection of the same customer gateway is up.",
        case(
            DOWN,
            other=FELL_WITH_IT,
            evidence=traffic((FELL - 6 * MINUTE, 900.0)),
            around=Surroundings(("vpn-0fedcba9876543210",)),
        ),
        (STAYS_DOWN, (CauseKind.UNKNOWN, POSSIBLE)),
    ),
    "both-down-and-the-gateway-talks": Scenario(
        "Both tunnels fell within a minute, and since then AWS refuses the device's key.",
        case(DOWN_LOGGED, other=FELL_WITH_IT, evidence=log(WRONG_KEY), sources=ALL_ON),
        ((CauseKind.PRE_SHARED_KEY_MISMATCH, LIKELY), STAYS_DOWN),
    ),
    "never-up": Scenario(
        "The exporter saw the connection appear, and no tunnel came up since.",
        case(DOWN, other=FELL_WITH_IT, memory=Memory(FELL, appeared=True, up=False)),
        ((CauseKind.NEVER_UP, LIKELY), STAYS_DOWN),
    ),
    "parked": Scenario(
        "Both tunnels have been down since the same second, for weeks.",
        case(
            tunnel(TunnelState.IPSEC_DOWN, since=LONG_AGO - 9 * DAY),
            other=tunnel(TunnelState.IPSEC_DOWN, ip=OTHER, since=LONG_AGO - 9 * DAY + 11),
        ),
        ((CauseKind.NEVER_UP, LIKELY), (CauseKind.CUSTOMER_GATEWAY_UNREACHABLE, POSSIBLE), STAYS_DOWN),
    ),
    "certificate-refused": Scenario(
        "AWS logged AUTHENTICATION_FAILED on a tunnel that authenticates by certificate.",
        case(replace(DOWN_LOGGED, certificate_arn="arn:aws:acm:eu-west-1:1:certificate/1"), evidence=log(REFUSED)),
        ((CauseKind.AUTHENTICATION_FAILED, LIKELY), STAYS_DOWN),
    ),
    "authentication-refused": Scenario(
        "AWS logged AUTHENTICATION_FAILED and nothing of a key, and sees the device behind NAT.",
        case(DOWN_LOGGED, evidence=log(REFUSED, nat=True), sources=ALL_ON),
        ((CauseKind.AUTHENTICATION_FAILED, LIKELY), STAYS_DOWN),
    ),
    "selectors-refused": Scenario(
        "AWS logged TS_UNACCEPTABLE, and that phase 2 failed.",
        case(
            DOWN_LOGGED,
            evidence=log(
                (FELL + 20, LogEventClass.TRAFFIC_SELECTORS, "TS_UNACCEPTABLE: received from responder"),
                (FELL + 21, LogEventClass.PHASE2_FAILED, "Phase 2 was unable to establish while keeping Phase 1"),
            ),
            sources=ALL_ON,
        ),
        ((CauseKind.TRAFFIC_SELECTORS, LIKELY), STAYS_DOWN),
    ),
    "half-open": Scenario(
        "AWS, which does not initiate, logs half-open negotiations that it gives up.",
        case(DOWN_LOGGED, evidence=log((FELL + 9 * MINUTE, LogEventClass.HALF_OPEN, "deleting un-established"))),
        ((CauseKind.NEGOTIATION_BLOCKED, LIKELY), STAYS_DOWN),
    ),
    "closed-by-the-device": Scenario(
        "AWS logged a DELETE from the customer gateway at the second of the fall.",
        case(DOWN_LOGGED, evidence=log(DELETED), sources=ALL_ON),
        ((CauseKind.CLOSED_BY_CUSTOMER_GATEWAY, LIKELY), STAYS_DOWN),
    ),
    "collision": Scenario(
        "AWS logged a rekey collision half a minute before the fall.",
        case(DOWN_LOGGED, evidence=log((FELL - 30, LogEventClass.REKEY_COLLISION, "detected collision"))),
        ((CauseKind.REKEY_COLLISION, LIKELY), STAYS_DOWN),
    ),
    "not-attached": Scenario(
        "AWS says that the connection is associated with no gateway.",
        case(DOWN, other=FELL_WITH_IT, association="not-associated"),
        ((CauseKind.NOT_ATTACHED, LIKELY), (CauseKind.CUSTOMER_GATEWAY_UNREACHABLE, POSSIBLE), STAYS_DOWN),
    ),
    "options-changed": Scenario(
        "Somebody changed the tunnel's options two minutes before it fell.",
        case(DOWN, evidence=Evidence(changes=Changes((CHANGE,)))),
        ((CauseKind.OPTIONS_CHANGED, LIKELY), STAYS_DOWN),
    ),
    "dead-but-up": Scenario(
        "UP with time-out action none; AWS sends, and nothing has come back for two periods.",
        case(
            tunnel(TunnelState.UP, routes=4, options={"DpdTimeoutAction": "none"}),
            evidence=Evidence(
                traffic=Traffic(tuple(TrafficPoint(NOW - age, 0.0, 800.0) for age in (6 * MINUTE, MINUTE)))
            ),
        ),
        ((CauseKind.DEAD_PEER_WITH_ACTION_NONE, LIKELY),),
    ),
    "data-stopped": Scenario(
        "UP, and for a quarter of an hour nothing has come from the device, which AWS goes on sending to.",
        case(tunnel(TunnelState.UP, since=LONG_AGO, routes=4), evidence=STOPPED, sources=ALL_ON),
        ((CauseKind.DATA_PLANE_DEAD, LIKELY),),
    ),
    "data-stopped-both-ways": Scenario(
        "UP, and for a quarter of an hour nothing has passed either way: the site may have nothing to send.",
        case(tunnel(TunnelState.UP, since=LONG_AGO, routes=4), evidence=stopped(0.0, 0.0), sources=ALL_ON),
        ((CauseKind.DATA_PLANE_DEAD, POSSIBLE),),
    ),
    "phase-2-refused": Scenario(
        "Nothing passed before the fall; since then AWS cannot establish phase 2, and no proposal was refused.",
        case(
            DOWN_LOGGED,
            evidence=replace(
                traffic((FELL - 6 * MINUTE, 900.0), (FELL - MINUTE, 0.0)),
                logs=log((FELL + 20, LogEventClass.PHASE2_FAILED, "Phase 2 was unable to establish")).logs,
            ),
            sources=ALL_ON,
        ),
        ((CauseKind.TRAFFIC_SELECTORS, POSSIBLE), (CauseKind.REKEY_MISMATCH, POSSIBLE), STAYS_DOWN),
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
    "maintained-and-up-again": Scenario(
        "AWS applied maintenance 14 minutes before; its log shows the tunnel up since, and then a dead peer.",
        case(
            DOWN_LOGGED,
            evidence=replace(
                log((FELL - 12 * MINUTE, LogEventClass.PHASE2_UP, "CHILD_SA established"), DEAD),
                maintenance=Maintenance(last_applied=FELL - 14 * MINUTE),
            ),
            sources=ALL_ON,
        ),
        ((CauseKind.DEAD_PEER_DETECTION, LIKELY), STAYS_DOWN),
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

TRANSIT = case(tunnel(TunnelState.UP, routes=0))
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
    "harmless-differences": Scenario(
        "The device renews its keys first, has another time-out for dead peers and another replay window.",
        case(
            DOWN,
            gateway={
                "Phase1LifetimeSeconds": 28000,
                "Phase2LifetimeSeconds": 3000,
                "DpdTimeoutSeconds": 45,
                "DpdTimeoutAction": "restart",
                "ReplayWindowSize": 64,
            },
        ),
        UNKNOWN,
    ),
    "longer-lifetime-with-ikev2": Scenario(
        "The device's lifetimes are longer than AWS's, with IKEv2: each side has its own.",
        case(
            tunnel(TunnelState.IPSEC_DOWN, options={"IkeVersions": ("ikev2",)}),
            gateway={"Phase1LifetimeSeconds": 86400, "Phase2LifetimeSeconds": 28800},
        ),
        UNKNOWN,
    ),
    "collision-long-before": Scenario(
        "AWS logged a rekey collision twenty minutes before the fall: most do no harm.",
        case(DOWN_LOGGED, evidence=log((FELL - 20 * MINUTE, LogEventClass.REKEY_COLLISION, "detected collision"))),
        UNKNOWN,
    ),
    "deleted-at-a-rekey": Scenario(
        "AWS logged a DELETE half an hour before the fall: every rekey deletes the old keys.",
        case(DOWN_LOGGED, evidence=log((FELL - 30 * MINUTE, LogEventClass.CLOSED_BY_GATEWAY, "DELETE for Phase 2"))),
        UNKNOWN,
    ),
    "changed-after-the-fall": Scenario(
        "Somebody changed the tunnel's options ten minutes after it fell.",
        case(DOWN, evidence=Evidence(changes=Changes((CHANGE._replace(time=FELL + 10 * MINUTE),)))),
        UNKNOWN,
    ),
    "silent-with-answers": Scenario(
        "UP with time-out action none, and data comes back.",
        case(
            tunnel(TunnelState.UP, routes=4, options={"DpdTimeoutAction": "none"}),
            evidence=Evidence(traffic=Traffic((TrafficPoint(NOW - MINUTE, 700.0, 800.0),))),
        ),
        (),
    ),
    "static-on-a-transit-gateway": Scenario(
        "UP on a static connection of a transit gateway, with no route counted: they are in its own table.",
        replace(TRANSIT, connection=replace(TRANSIT.connection, vpn_gateway_id="", transit_gateway_id="tgw-1")),
        (),
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
