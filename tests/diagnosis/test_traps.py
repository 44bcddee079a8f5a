"""Situations in which the evidence nearest at hand points to a cause that is not the right one."""

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from aws_vpn_exporter.history import Memory
from tests.diagnosis.stage import DAY, HOUR, MINUTE, NOW, UP, C, Call, Flow, Said, Story, T, story, tell
from tests.diagnosis.stories import (
    AUTH,
    BOTH,
    BUSY,
    DELETE,
    DELETE_CHILD,
    DPD,
    FELL_TOGETHER,
    HALF_OPEN,
    IN_USE,
    LOST,
    NEIGHBOR,
    PHASE2,
    QUIET,
    REFUSED,
    SELECTORS,
    STANDBY,
    bgp,
    lines,
    region,
)

ALWAYS = Flow(-3 * HOUR, 0, 60_000, 60_000)
STANDING = T("STATIC", -9 * DAY, flows=(ALWAYS,))
STAYS_DOWN = "will_not_recover_alone"


@dataclass(frozen=True)
class Trap:
    """A story, the causes of which one has to come first ("" is none at all), and those that may be called likely."""

    told: Story
    first: frozenset[str]
    likely: frozenset[str] = frozenset()
    detail: str = ""


def trap(told: Story, *first: str, likely: bool = True, also: tuple[str, ...] = (), detail: str = "") -> Trap:
    """A trap in which what comes first may be likely, unless `likely` is False, and `also` what else may be."""
    return Trap(told, frozenset(first), frozenset((*(first if likely else ()), *also)), detail)


def after_creation(number: int) -> C:
    """A connection that was created two days ago together with others; only its second tunnel was ever set up."""
    return C((T(since=-2 * DAY + 7 * number), T("UP", -1.8 * DAY, flows=(ALWAYS,))), site=number)


TRAPS: Mapping[str, Trap] = {
    "a route was added before the fall": trap(
        story(T(flows=BUSY), UP, changes=(Call(-HOUR - 30, "CreateVpnConnectionRoute", tunnel=None),)),
        "unknown",
        STAYS_DOWN,
        likely=False,
    ),
    "the connection was just created": trap(
        story(
            T(since=-10 * MINUTE),
            T(since=-10 * MINUTE + 11),
            changes=(Call(-14 * MINUTE, "CreateVpnConnection", tunnel=None),),
        ),
        "never_up",
    ),
    "options were changed half a minute after the fall": trap(
        story(T(flows=BUSY), UP, changes=(Call(-HOUR + 30),)), "unknown", STAYS_DOWN, likely=False
    ),
    "somebody replaced the endpoint as a remedy": trap(
        story(
            T(flows=BUSY, lines=lines((-HOUR - 3, DPD)), maintained=-HOUR + 4 * MINUTE),
            UP,
            changes=(Call(-HOUR + 3 * MINUTE, "ReplaceVpnTunnel"),),
        ),
        "dead_peer_detection",
    ),
    "maintenance came after a dead peer": trap(
        story(T(flows=BUSY, lines=lines((-HOUR - 3, DPD)), maintained=-HOUR + 4 * MINUTE)), "dead_peer_detection"
    ),
    "AWS shut the BGP session down itself": trap(
        story(
            T(
                "BGP",
                lines=bgp(
                    (-HOUR - 1, f"AWS-side peer sent a notification 6/2 (Cease/Administrative Shutdown) to {NEIGHBOR}"),
                    (-HOUR, LOST),
                ),
            )
        ),
        "bgp_down",
        detail="shut down by AWS",
    ),
    "the device takes fewer routes than AWS announces": trap(
        story(
            T(
                "BGP",
                lines=bgp(
                    (
                        -HOUR - 1,
                        "AWS-side peer received notification 6/1 (Cease/Maximum Number of Prefixes Reached) "
                        f"from {NEIGHBOR}",
                    ),
                    (-HOUR, LOST),
                ),
            )
        ),
        "bgp_down",
        detail="prefix limit of the device",
    ),
    "a warning of many routes is no limit": trap(
        story(
            T(
                "BGP",
                lines=bgp(
                    (
                        -HOUR - 90,
                        "AWS-side peer is reporting a maximum prefix limit warning - received 90 prefixes from "
                        f"{NEIGHBOR}, limit is 100",
                    ),
                    (-HOUR - 1, f"AWS-side peer sent a Hold Timer Expired notification to {NEIGHBOR}"),
                ),
            )
        ),
        "bgp_down",
        detail="hold timer",
    ),
    "AWS noticed the closing a minute later": trap(
        story(T(flows=BUSY, lines=lines((-HOUR - 75, DELETE)))), "closed_by_customer_gateway"
    ),
    "the old keys were deleted a minute before": trap(
        story(T(flows=BUSY, lines=(Said(-HOUR - 75, DELETE, "established"), Said(-HOUR, DPD)))), "dead_peer_detection"
    ),
    "the answers come over the other tunnel": trap(
        story(
            T("STATIC", -9 * DAY, options={"DpdTimeoutAction": "none"}, flows=(Flow(-3 * HOUR, 0, 0, 60_000),)),
            T("STATIC", -9 * DAY, flows=(Flow(-3 * HOUR, 0, 60_000, 0),)),
            static=True,
        ),
        "dead_peer_with_action_none",
        likely=False,
    ),
    "the policy is out of date": trap(
        Story(
            (
                C(
                    (
                        T(
                            options={"Phase1DHGroupNumbers": ["20"]},
                            agreed={"Phase1DHGroup": 20, "IkeVersion": "ikev2"},
                        ),
                        UP,
                    )
                ),
            ),
            gateway={"Phase1DHGroupNumbers": ("21",)},
        ),
        "unknown",
        STAYS_DOWN,
        "rekey_mismatch",
        likely=False,
    ),
    "connections that were created together": trap(
        region(*map(after_creation, (1, 2, 3, 4))), "never_up", "unknown", STAYS_DOWN, "shared_event", likely=False
    ),
    "both tunnels were idle": trap(
        story(T(flows=QUIET), T(since=-HOUR + 40, flows=QUIET), static=True, sources=("traffic",)),
        "idle_timeout",
        "customer_gateway_unreachable",
        likely=False,
    ),
    "both tunnels were idle and closed": trap(
        story(
            T(flows=QUIET, lines=lines((-HOUR, DELETE))),
            T(since=-HOUR + 40, flows=QUIET, lines=lines((-HOUR + 40, DELETE))),
            static=True,
        ),
        "idle_timeout",
    ),
    "phase 2 fails and nothing says why": trap(
        story(T(flows=BUSY, lines=lines((-HOUR + 5, PHASE2), (-50 * MINUTE, PHASE2)))),
        "traffic_selectors",
        "rekey_mismatch",
        likely=False,
    ),
    "an idle tunnel whose device comes back and is refused": trap(
        story(
            T(flows=QUIET, lines=lines((-HOUR, DELETE), (-HOUR + 5, PHASE2), (-50 * MINUTE, PHASE2))), UP, static=True
        ),
        "traffic_selectors",
        "rekey_mismatch",
        likely=False,
    ),
    "phase 2 fails beside narrowed selectors": trap(
        story(
            T(flows=BUSY, lines=lines((-HOUR + 5, PHASE2))),
            UP,
            static=True,
            options={"LocalIpv4NetworkCidr": "10.1.0.0/16", "RemoteIpv4NetworkCidr": "10.9.0.0/16"},
        ),
        "traffic_selectors",
    ),
    "phase 2 fails beside a difference in phase 2": trap(
        Story(
            (C((T(options={"Phase2DHGroupNumbers": ["20"]}, lines=lines((-HOUR + 5, PHASE2))), UP)),),
            gateway={"Phase2DHGroupNumbers": ("14",)},
        ),
        "rekey_mismatch",
    ),
    "a policy-based device displaces its own associations": trap(
        story(T(flows=BUSY, lines=lines((-HOUR - 5, DELETE_CHILD), (-HOUR, DELETE_CHILD), (-HOUR + 20, SELECTORS)))),
        "traffic_selectors",
    ),
    "nobody has anything to send": trap(
        story(
            T("UP", -9 * DAY, flows=(IN_USE, Flow(-20 * MINUTE, 0, 2000, 2000))),
            STANDBY,
        ),
        "data_plane_dead",
        likely=False,
    ),
    "maintenance, up again, and then a dead peer": trap(
        story(
            T(
                since=-2 * MINUTE,
                maintained=-15 * MINUTE,
                flows=(ALWAYS,),
                lines=(
                    Said(-12 * MINUTE, "AWS tunnel processed response (id=1) for CREATE_CHILD_SA", "established"),
                    Said(-2 * MINUTE - 3, DPD),
                ),
            )
        ),
        "dead_peer_detection",
    ),
    "two sites on one day": trap(
        region(C((T(flows=BUSY), BOTH), site=1), C((T(since=-3 * HOUR), T(since=-3 * HOUR + 10)), site=2)),
        "customer_gateway_unreachable",
    ),
    "sites that fell for reasons of their own": trap(
        region(
            C((T(flows=BUSY), BOTH), site=9),
            C((T(since=-HOUR + 5, maintained=-HOUR - 60), UP), site=1),
            C((T(since=-HOUR + 5, lines=lines((-HOUR + 9, AUTH))), UP), site=2),
        ),
        "customer_gateway_unreachable",
    ),
    "options of the other tunnel were changed": trap(
        story(T(flows=BUSY), UP, changes=(Call(-HOUR - 60, tunnel=1),)), "unknown", STAYS_DOWN, likely=False
    ),
    "a new tunnel whose device is not let through": trap(
        story(T(memory=Memory(NOW - HOUR, appeared=True, up=False), lines=lines((-50 * MINUTE, HALF_OPEN))), BOTH),
        "negotiation_blocked",
        also=("never_up",),
    ),
    "a static tunnel of Cloud WAN counts no routes": trap(
        story(STANDING, STANDING, static=True, gateway="CoreNetworkArn"), ""
    ),
    "a refused rekey long before a dead peer": trap(
        story(T(flows=BUSY, lines=lines((-HOUR - 40 * MINUTE, REFUSED), (-HOUR, DPD)))), "dead_peer_detection"
    ),
    "selectors that were refused long before a dead peer": trap(
        story(T(flows=BUSY, lines=lines((-HOUR - 40 * MINUTE, SELECTORS), (-HOUR, DPD)))), "dead_peer_detection"
    ),
    "a difference in phase 1 that the negotiation has passed": trap(
        Story(
            (C((T(options={"Phase1DHGroupNumbers": ["20"]}, lines=lines((-HOUR + 20, SELECTORS))), UP)),),
            gateway={"Phase1DHGroupNumbers": ("21",)},
        ),
        "traffic_selectors",
    ),
    "a dead peer that used to answer over this very tunnel": trap(
        story(
            T(
                "UP",
                -9 * DAY,
                options={"DpdTimeoutAction": "none"},
                flows=(Flow(-3 * HOUR, -20 * MINUTE, 60_000, 60_000), Flow(-20 * MINUTE, 0, 0, 900)),
            ),
            UP,
        ),
        "dead_peer_with_action_none",
    ),
    "an idle tunnel that somebody changed": trap(
        story(T(flows=QUIET), UP, static=True, changes=(Call(-HOUR - 60),)), "options_changed"
    ),
    "an idle tunnel that fell with those of other sites": trap(
        region(C((T(flows=QUIET), UP), static=True), *FELL_TOGETHER), "shared_event"
    ),
    "an endpoint was replaced while other sites fell": trap(
        region(C((T(flows=BUSY, maintained=-HOUR - 60), UP), site=50), *FELL_TOGETHER), "endpoint_replacement"
    ),
    "a refused rekey long before the keys ran out": trap(
        story(T(flows=BUSY, options={"IkeVersions": ["ikev1"]}, lines=lines((-HOUR - 20 * MINUTE, REFUSED)))),
        "rekey_mismatch",
    ),
}


@pytest.mark.parametrize("one", TRAPS.values(), ids=TRAPS.keys())
def test_the_trap_is_seen(one: Trap) -> None:
    result = tell(one.told)
    assert result.first[0] in one.first
    assert result.likely - {STAYS_DOWN} <= one.likely
    if one.detail:
        assert result.causes[0]["detail"] == one.detail


def test_a_change_that_would_take_the_last_tunnel_waits() -> None:
    alone = T("UP", -9 * DAY, options={"DpdTimeoutAction": "none"}, lines=lines((-10 * MINUTE, DPD)))
    text = tell(story(alone, T(since=-2 * DAY))).text
    assert "Do not run this now: the other tunnel" in text
    assert "Not now: aws ec2 modify-vpn-tunnel-options" in text
