"""Stories for each cause: where it is right, where another fact refutes it, and where its evidence is missing."""

from collections.abc import Mapping

from aws_vpn_exporter.history import Memory
from tests.diagnosis.stage import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    UP,
    C,
    Call,
    Flow,
    Said,
    Story,
    T,
    story,
)

DPD = "AWS tunnel DPD timed out after 3 retransmits"
REFUSED = "No Proposal Match Found by AWS"
AUTH = "AWS tunnel is sending AUTHENTICATION_FAILED as the response"
WRONG_KEY = "AWS tunnel detected a pre-shared key mismatch with cgw: 192.0.2.10"
SELECTORS = "AWS: Traffic Selector: TS_UNACCEPTABLE: received from responder"
PHASE2 = "AWS tunnel Phase 2 was unable to establish while keeping Phase 1"
HALF_OPEN = "AWS tunnel Timeout: deleting un-established Phase 1 IKE_SA with cgw: 192.0.2.10"
DELETE = "AWS tunnel received DELETE for IKE_SA from CGW"
DELETE_CHILD = "AWS tunnel received DELETE for Phase 2 SA with SPI: c0ffee00"
COLLISION = "AWS tunnel detected a (CHILD_REKEY) collision as CHILD_DELETE"
REKEYED = "AWS tunnel processed response (id=7) for CREATE_CHILD_SA"
NEIGHBOR = "neighbor 169.254.10.2"
LOST = f"AWS-side peer BGP session state has changed from Established to Idle with {NEIGHBOR}"
BUSY = (Flow(-2 * HOUR, -HOUR, 60_000, 60_000),)
QUIET = (Flow(-2 * HOUR, -HOUR - 20 * MINUTE, 60_000, 60_000), Flow(-HOUR - 20 * MINUTE, -HOUR, 0, 0))
BOTH = T(since=-HOUR + 30)
SILENT_LOG = T(flows=BUSY)
IN_USE = Flow(-3 * HOUR, -20 * MINUTE, 600_000, 600_000)
STANDBY = T("UP", -9 * DAY, flows=(Flow(-3 * HOUR, 0, 3_000, 3_000),))
ONLY_IKEV2 = {"IkeVersions": ["ikev2"]}


def lines(*said: tuple[float, str]) -> tuple[Said, ...]:
    return tuple(Said(at, text) for at, text in said)


def bgp(*said: tuple[float, str]) -> tuple[Said, ...]:
    return tuple(Said(at, text, bgp=True) for at, text in said)


def region(*connections: C) -> Story:
    return Story(connections)


FELL_TOGETHER = tuple(C((T(since=-HOUR + 10 * n), UP), site=n) for n in (1, 2, 3, 4))

RIGHT: Mapping[str, tuple[Story, str]] = {
    "idle": (story(T(flows=QUIET), UP, static=True), "idle_timeout"),
    "idle-and-closed": (
        story(T(flows=QUIET, lines=lines((-HOUR - 1, DELETE_CHILD), (-HOUR, DELETE))), UP, static=True),
        "idle_timeout",
    ),
    "proposals": (story(T(lines=lines((-HOUR + 5, REFUSED)))), "rekey_mismatch"),
    "refused-rekey-long-before": (
        story(T(lines=lines((-HOUR - 50 * MINUTE, REFUSED), (-HOUR - 50 * MINUTE, PHASE2)))),
        "rekey_mismatch",
    ),
    "nothing-in-common": (
        Story((C((T(options={"Phase1DHGroupNumbers": ["20"]}), UP)),), gateway={"Phase1DHGroupNumbers": ("21",)}),
        "rekey_mismatch",
    ),
    "dead-peer": (story(T(lines=lines((-HOUR - 2, DPD)), flows=BUSY)), "dead_peer_detection"),
    "dead-peer-ikev1": (
        story(T(lines=lines((-HOUR - 2, "Peer is not responsive - Declaring peer dead")))),
        "dead_peer_detection",
    ),
    "wrong-key": (story(T(lines=lines((-HOUR + 5, WRONG_KEY), (-HOUR + 6, AUTH)))), "pre_shared_key_mismatch"),
    "wrong-key-ikev1": (
        story(
            T(
                lines=lines(
                    (-50 * MINUTE, "AWS tunnel payload decryption was unsuccessful due to invalid Pre-shared Key"),
                    (-49 * MINUTE, HALF_OPEN),
                )
            )
        ),
        "pre_shared_key_mismatch",
    ),
    "certificate": (
        story(T(certificate="arn:aws:acm:eu-west-1:1:certificate/1", lines=lines((-50 * MINUTE, AUTH)))),
        "authentication_failed",
    ),
    "identity": (story(T(lines=(Said(-50 * MINUTE, AUTH, nat=True),))), "authentication_failed"),
    "selectors": (story(T(lines=lines((-50 * MINUTE, SELECTORS), (-50 * MINUTE, PHASE2)))), "traffic_selectors"),
    "blocked": (story(T(lines=lines((-50 * MINUTE, HALF_OPEN), (-40 * MINUTE, HALF_OPEN)))), "negotiation_blocked"),
    "closed": (story(T(flows=BUSY, lines=lines((-HOUR, DELETE)))), "closed_by_customer_gateway"),
    "collision": (story(T(flows=BUSY, lines=lines((-HOUR - 20, COLLISION)))), "rekey_collision"),
    "bgp": (story(T("BGP", lines=bgp((-HOUR, LOST)))), "bgp_down"),
    "bgp-hold-timer": (
        story(T("BGP", lines=bgp((-HOUR - 1, f"AWS-side peer sent a Hold Timer Expired notification to {NEIGHBOR}")))),
        "bgp_down",
    ),
    "no-routes": (story(T("NO ROUTES")), "no_routes"),
    "not-attached": (
        story(T(), BOTH, gateway="", more={"GatewayAssociationState": "not-associated"}),
        "not_attached",
    ),
    "maintenance": (story(T(maintained=-HOUR - 90, flows=BUSY)), "endpoint_replacement"),
    "being-modified": (story(T(since=-2 * MINUTE), state="modifying"), "endpoint_replacement"),
    "replaced-by-somebody": (story(T(), UP, changes=(Call(-HOUR - 60, "ReplaceVpnTunnel"),)), "endpoint_replacement"),
    "changed": (story(T(flows=BUSY), UP, changes=(Call(-HOUR - 60),)), "options_changed"),
    "region": (region(*FELL_TOGETHER), "shared_event"),
    "site": (story(T(flows=BUSY), BOTH), "customer_gateway_unreachable"),
    "site-and-dead-peers": (
        story(
            T(lines=lines((-HOUR - 2, DPD)), flows=BUSY),
            T(since=-HOUR + 30, lines=lines((-HOUR + 29, DPD)), flows=BUSY),
        ),
        "customer_gateway_unreachable",
    ),
    "seen-from-the-start": (
        story(T(memory=Memory(NOW - HOUR, appeared=True, up=False)), BOTH),
        "never_up",
    ),
    "staged": (story(T(since=-2 * DAY), T(since=-2 * DAY + 11), gateway="VpnGatewayId"), "never_up"),
    "dead-but-up": (
        story(T("UP", -9 * DAY, options={"DpdTimeoutAction": "none"}, flows=(Flow(-2 * HOUR, 0, 0, 900),))),
        "dead_peer_with_action_none",
    ),
    "dead-but-up-logged": (
        story(T("UP", -9 * DAY, options={"DpdTimeoutAction": "none"}, lines=lines((-10 * MINUTE, DPD)))),
        "dead_peer_with_action_none",
    ),
    "data-stopped-one-way": (
        story(T("UP", -9 * DAY, flows=(IN_USE, Flow(-20 * MINUTE, 0, 2_000, 600_000))), STANDBY),
        "data_plane_dead",
    ),
    "nobody-initiates": (story(T(flows=BUSY)), "will_not_recover_alone"),
    "nothing-known": (story(T(flows=BUSY, options={**ONLY_IKEV2, "StartupAction": "start"})), "unknown"),
}
"""The best cause."""

REFUTED: Mapping[str, tuple[Story, str]] = {
    "idle-but-dead": (story(T(flows=QUIET, lines=lines((-HOUR, DPD))), UP, static=True), "idle_timeout"),
    "idle-with-bgp": (story(T(flows=QUIET)), "idle_timeout"),
    "idle-but-aws-initiates": (
        story(T(flows=QUIET, options={**ONLY_IKEV2, "StartupAction": "start"}), UP, static=True),
        "idle_timeout",
    ),
    "difference-on-a-tunnel-that-is-up": (
        Story(
            (C((T(options={"Phase1DHGroupNumbers": ["20"]}), T("UP", options={"Phase1DHGroupNumbers": ["20"]}))),),
            gateway={"Phase1DHGroupNumbers": ("21",)},
        ),
        "rekey_mismatch",
    ),
    "proposals-accepted-since": (
        story(T(lines=lines((-HOUR - 10, REFUSED), (-50 * MINUTE, WRONG_KEY)))),
        "rekey_mismatch",
    ),
    "partial-overlap": (
        Story((C((T(options={"Phase1DHGroupNumbers": ["20"]}), UP)),), gateway={"Phase1DHGroupNumbers": ("20", "21")}),
        "rekey_mismatch",
    ),
    "dead-peers-at-a-whole-site": (
        story(T(lines=lines((-HOUR - 2, DPD)), flows=BUSY), T(since=-HOUR + 30, lines=lines((-HOUR + 29, DPD)))),
        "dead_peer_detection",
    ),
    "dead-peers-in-a-whole-region": (
        region(C((T(lines=lines((-HOUR - 2, DPD)), flows=BUSY), UP)), *FELL_TOGETHER),
        "dead_peer_detection",
    ),
    "key-of-a-certificate-tunnel": (
        story(T(certificate="arn:aws:acm:eu-west-1:1:certificate/1", lines=lines((-50 * MINUTE, WRONG_KEY)))),
        "pre_shared_key_mismatch",
    ),
    "key-that-was-mended-before": (
        story(
            T(
                flows=BUSY,
                lines=(
                    Said(-HOUR - 4 * MINUTE, WRONG_KEY),
                    Said(-HOUR - 3 * MINUTE, "AWS tunnel CHILD_SA established", "established"),
                    Said(-HOUR, DPD),
                ),
            )
        ),
        "pre_shared_key_mismatch",
    ),
    "authentication-that-is-the-key": (
        story(T(lines=lines((-50 * MINUTE, WRONG_KEY), (-50 * MINUTE, AUTH)))),
        "authentication_failed",
    ),
    "half-open-after-a-wrong-key": (
        story(T(lines=lines((-50 * MINUTE, WRONG_KEY), (-49 * MINUTE, HALF_OPEN)))),
        "negotiation_blocked",
    ),
    "half-open-of-aws's-own": (
        story(T(options={**ONLY_IKEV2, "StartupAction": "start"}, lines=lines((-50 * MINUTE, HALF_OPEN)))),
        "negotiation_blocked",
    ),
    "closed-at-a-rekey": (
        story(
            T(
                flows=BUSY,
                lines=(Said(-HOUR - 20, REKEYED, "established"), Said(-HOUR - 19, DELETE_CHILD, "established")),
            )
        ),
        "closed_by_customer_gateway",
    ),
    "closed-and-dead": (
        story(T(flows=BUSY, lines=lines((-HOUR - 2, DPD), (-HOUR + 10, DELETE)))),
        "closed_by_customer_gateway",
    ),
    "collision-and-dead": (
        story(T(flows=BUSY, lines=lines((-HOUR - 60, COLLISION), (-HOUR, DPD)))),
        "rekey_collision",
    ),
    "bgp-of-a-static-connection": (story(T("BGP"), UP, static=True), "bgp_down"),
    "not-attached-but-up": (
        story(T(), UP, more={"GatewayAssociationState": "not-associated"}),
        "not_attached",
    ),
    "maintenance-and-up-again": (
        story(
            T(
                maintained=-HOUR - 13 * MINUTE,
                flows=BUSY,
                lines=(Said(-HOUR - 9 * MINUTE, REKEYED, "established"), Said(-HOUR, DPD)),
            )
        ),
        "endpoint_replacement",
    ),
    "changed-and-up-again": (
        story(
            T(flows=BUSY, lines=(Said(-HOUR - 5 * MINUTE, REKEYED, "established"), Said(-HOUR, DPD))),
            UP,
            changes=(Call(-HOUR - 15 * MINUTE),),
        ),
        "options_changed",
    ),
    "site-whose-gateway-talks": (
        story(T(flows=BUSY, lines=lines((-30 * MINUTE, REFUSED))), BOTH),
        "customer_gateway_unreachable",
    ),
    "site-whose-other-tunnel-talks": (
        story(T(flows=BUSY), T(since=-HOUR + 30, lines=lines((-30 * MINUTE, HALF_OPEN)))),
        "customer_gateway_unreachable",
    ),
    "site-with-another-connection": (
        region(C((T(flows=BUSY), BOTH), site=7), C((UP, UP), site=7)),
        "customer_gateway_unreachable",
    ),
    "site-in-a-whole-region": (
        region(C((T(flows=BUSY), BOTH), site=9), *FELL_TOGETHER),
        "customer_gateway_unreachable",
    ),
    "site-that-was-never-up": (
        story(T(memory=Memory(NOW - HOUR, appeared=True, up=False)), BOTH),
        "customer_gateway_unreachable",
    ),
    "region-with-reasons-of-their-own": (
        region(*(C((T(since=-HOUR + 9 * n, lines=lines((-HOUR + 9 * n, AUTH))), UP), site=n) for n in (1, 2, 3, 4))),
        "shared_event",
    ),
    "weeks-but-it-was-up": (
        story(T(since=-30 * DAY, memory=Memory(0.0, ever_up=True, up=False)), T(since=-30 * DAY + 5)),
        "never_up",
    ),
    "dead-but-answering": (
        story(
            T(
                "UP",
                -9 * DAY,
                options={"DpdTimeoutAction": "none"},
                lines=lines((-30 * MINUTE, DPD)),
                flows=(Flow(-2 * HOUR, 0, 800, 900),),
            )
        ),
        "dead_peer_with_action_none",
    ),
    "data-stopped-but-taken-over": (
        story(
            T("UP", -9 * DAY, flows=(IN_USE, Flow(-20 * MINUTE, 0, 2_000, 600_000))),
            T(
                "UP",
                -9 * DAY,
                flows=(Flow(-3 * HOUR, -20 * MINUTE, 3_000, 3_000), Flow(-20 * MINUTE, 0, 600_000, 3_000)),
            ),
        ),
        "data_plane_dead",
    ),
    "data-stopped-because-the-other-came-up": (
        story(
            T("UP", -9 * DAY, flows=(IN_USE, Flow(-20 * MINUTE, 0, 2_000, 600_000))),
            T("UP", -21 * MINUTE),
        ),
        "data_plane_dead",
    ),
    "no-routes-and-yet-it-carries": (story(T("NO ROUTES", flows=(Flow(-2 * HOUR, 0, 60_000, 60_000),))), "no_routes"),
    "selectors-that-were-mended-before": (
        story(
            T(
                flows=BUSY,
                lines=(
                    Said(-HOUR - 30 * MINUTE, SELECTORS),
                    Said(-HOUR - 20 * MINUTE, "AWS tunnel CHILD_SA established", "established"),
                    Said(-HOUR, DPD),
                ),
            )
        ),
        "traffic_selectors",
    ),
    "aws-initiates": (
        story(T(flows=BUSY, options={**ONLY_IKEV2, "StartupAction": "start"})),
        "will_not_recover_alone",
    ),
}
"""Its own evidence is there, and something else refutes it: it must not be called likely."""

MISSING: Mapping[str, tuple[Story, str]] = {
    "idle": (story(T(), UP, static=True), "idle_timeout"),
    "idle-from-one-silent-period": (
        story(T(flows=(Flow(-HOUR - 20 * MINUTE, -HOUR, 0, 0),)), UP, static=True, sources=("traffic",)),
        "idle_timeout",
    ),
    "dead-peer": (story(T(flows=BUSY)), "dead_peer_detection"),
    "site-from-stamps-alone": (
        story(T(log=False), T(since=-HOUR + 30, log=False), sources=()),
        "customer_gateway_unreachable",
    ),
    "region-from-two": (region(*FELL_TOGETHER[:2]), "shared_event"),
    "never-up-from-an-hour": (story(T(), T(since=-HOUR + 5)), "never_up"),
    "maintenance-an-hour-before": (story(T(maintained=-2 * HOUR, flows=BUSY)), "endpoint_replacement"),
    "nothing-pending": (story(T(pending="None", flows=BUSY)), "endpoint_replacement"),
    "changed-a-day-before": (story(T(flows=BUSY), UP, changes=(Call(-DAY),)), "options_changed"),
    "collision-long-before": (story(T(flows=BUSY, lines=lines((-HOUR - 15 * MINUTE, COLLISION)))), "rekey_collision"),
    "selectors-of-another-day": (story(T(flows=BUSY, lines=lines((-DAY, SELECTORS)))), "traffic_selectors"),
    "routes-of-a-transit-gateway": (story(T("STATIC"), T("STATIC"), static=True), "no_routes"),
    "dead-but-up-without-traffic": (
        story(T("UP", -9 * DAY, options={"DpdTimeoutAction": "none"})),
        "dead_peer_with_action_none",
    ),
    "longer-lifetimes-with-ikev2": (
        Story((C((T(options=ONLY_IKEV2), UP)),), gateway={"Phase1LifetimeSeconds": 86400}),
        "rekey_mismatch",
    ),
    "authentication-without-a-line": (
        story(T(certificate="arn:aws:acm:eu-west-1:1:certificate/1", flows=BUSY)),
        "authentication_failed",
    ),
    "a-key-of-which-nothing-is-said": (story(T(lines=lines((-50 * MINUTE, AUTH)))), "pre_shared_key_mismatch"),
    "down-without-a-message": (story(T("PLAIN")), "bgp_down"),
    "closed-long-after-the-fall": (
        story(T(flows=BUSY, lines=lines((-30 * MINUTE, DELETE)))),
        "closed_by_customer_gateway",
    ),
    "no-attempt-is-logged": (story(T(flows=BUSY)), "negotiation_blocked"),
    "association-is-not-said": (story(T(), BOTH, gateway=""), "not_attached"),
    "data-of-half-an-hour": (
        story(
            T(
                "UP",
                -9 * DAY,
                flows=(Flow(-30 * MINUTE, -20 * MINUTE, 600_000, 600_000), Flow(-20 * MINUTE, 0, 0, 600_000)),
            ),
            UP,
        ),
        "data_plane_dead",
    ),
    "just-fallen": (story(T(since=-MINUTE)), "will_not_recover_alone"),
}
"""What the cause needs is not there: it must not be called likely."""
