"""Situations with what diagnosis has to say about them: the tests' matrix, and the table in docs/DIAGNOSIS.md.

`NOW` is the moment of looking; the tunnel fell at `FELL`, an hour before, unless a scenario says otherwise.
"""

from collections.abc import Mapping
from dataclasses import replace

from aws_vpn_exporter.diagnosis.cause import CauseKind
from aws_vpn_exporter.diagnosis.surroundings import Surroundings
from aws_vpn_exporter.evidence import Changes, Evidence, LogEventClass, Maintenance, Negotiated, Traffic, TrafficPoint
from aws_vpn_exporter.history import Memory
from aws_vpn_exporter.model import ConnectionState, TunnelState
from testbed.diagnosis_cases import (
    ALL_ON,
    AWS_INITIATES,
    CBC_ONLY,
    CHANGE,
    DAY,
    DEAD,
    DELETED,
    DOWN,
    DOWN_LOGGED,
    FELL,
    FELL_WITH_IT,
    GCM_ONLY,
    LIKELY,
    LOGGED,
    LONG_AGO,
    MINUTE,
    NO_MATCH,
    NOW,
    OTHER,
    POSSIBLE,
    REFUSED,
    STAYS_DOWN,
    STOPPED,
    UP,
    WRONG_KEY,
    Scenario,
    case,
    log,
    stopped,
    traffic,
    tunnel,
)

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
