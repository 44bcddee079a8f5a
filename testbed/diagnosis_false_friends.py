"""Scenarios of diagnosis in which a fact is there that often means a cause, and does not mean it here."""

from collections.abc import Mapping
from dataclasses import replace

from aws_vpn_exporter.diagnosis.cause import CauseKind
from aws_vpn_exporter.evidence import (
    Changes,
    Evidence,
    LogEvent,
    LogEventClass,
    Maintenance,
    Traffic,
    TrafficPoint,
    TunnelLog,
)
from aws_vpn_exporter.model import ConnectionState, TunnelState
from testbed.diagnosis_cases import (
    ALL_ON,
    AWS_INITIATES,
    CHANGE,
    DEAD,
    DOWN,
    DOWN_LOGGED,
    FELL,
    LIKELY,
    LOGGED,
    LONG_AGO,
    MINUTE,
    NO_MATCH,
    NOW,
    OTHER,
    OTHER_LIFETIME,
    POSSIBLE,
    STAYS_DOWN,
    WRONG_KEY,
    Scenario,
    case,
    log,
    traffic,
    tunnel,
)

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
