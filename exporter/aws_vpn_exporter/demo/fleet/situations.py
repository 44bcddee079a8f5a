"""Invented connections, each in one situation that a network team may meet. The scenarios are made of them.

Names and places do not exist. Times are in seconds from the start of the scenario.
"""

from dataclasses import replace

from . import tunnel_histories as histories
from .connection import Connection, Tunnel
from .timeline import DAY, HOUR, LONG_AGO, MINUTE, Timeline, always
from .tunnel_histories import TunnelHistory
from .tunnel_options import ALL_OPTIONS, COMMON_OPTIONS, DEFAULT_OPTIONS, LOGGED_OPTIONS
from .tunnel_states import (
    BGP_DOWN,
    IPSEC_DOWN,
    UP_WITH_STATIC_ROUTES,
    UP_WITHOUT_ROUTES,
    TunnelState,
    flapping,
    up_with_bgp_routes,
)


def _tunnel(state: TunnelState, since: float = LONG_AGO, history: TunnelHistory = histories.UNEVENTFUL) -> Tunnel:
    return Tunnel(always(state, since), history)


_UP = _tunnel(up_with_bgp_routes(12))
_UP_STATIC = _tunnel(UP_WITH_STATIC_ROUTES)
_DOWN = _tunnel(IPSEC_DOWN, -2 * HOUR)
_OFFICE_ROUTES = ("192.0.2.64/26", "192.0.2.128/26")

# Both tunnels are as they should be.
HEALTHY_BGP = Connection("harbour-office", "Quillhaven", (_UP, _tunnel(up_with_bgp_routes(12), -5 * DAY)))
HEALTHY_STATIC = Connection(
    "pottery-works",
    "Emberfold",
    (_UP_STATIC, _tunnel(UP_WITH_STATIC_ROUTES, -3 * DAY)),
    gateway="virtual",
    static_routes=_OFFICE_ROUTES,
)
EVERY_OPTION_SET = Connection(
    "observatory",
    "Starholm",
    (_UP, _UP),
    options=ALL_OPTIONS,
    connection_options={"EnableAcceleration": True, "TunnelBandwidth": "standard"},
)
EVERY_DEFAULT = Connection("bakery", "Rye Cross", (_UP, _UP), options=DEFAULT_OPTIONS)
VERY_OLD = Connection(
    "archive",
    "Mosswick",
    (_tunnel(UP_WITH_STATIC_ROUTES, -400 * DAY),) * 2,
    gateway="virtual",
    static_routes=_OFFICE_ROUTES[:1],
    options=None,
)

# A tunnel is down, or carries no routes, and nothing tells why.
ONE_DOWN = Connection("lighthouse", "Saltmere", (_UP, _DOWN))
BOTH_DOWN = Connection(
    "north-mill", "Wintergate", (_tunnel(IPSEC_DOWN, -3 * HOUR), _tunnel(IPSEC_DOWN, -3 * HOUR + 25))
)
ONE_TUNNEL_BY_DESIGN = Connection(
    "weather-station",
    "Far Tarn",
    (_UP, _tunnel(IPSEC_DOWN, -90 * DAY)),
    tags={"vpn:expected-tunnels": "1"},
)
BGP_IS_DOWN = Connection("old-brewery", "Hopcastle", (_UP, _tunnel(BGP_DOWN, -40 * MINUTE)))
WITHOUT_ROUTES = Connection("glassworks", "Fenbridge", (_tunnel(UP_WITHOUT_ROUTES, -3 * DAY),) * 2)

# The connection itself is not, or not for long, in the state `available`.
PENDING = Connection("new-campus", "Thistledown", (_tunnel(IPSEC_DOWN, -2 * MINUTE),) * 2, states=always("pending"))
MODIFYING = Connection("print-shop", "Inkwell Green", (_UP, _tunnel(IPSEC_DOWN, -4 * HOUR)), states=always("modifying"))
DELETED = Connection("closed-depot", "Lastford", (_DOWN, _DOWN), states=always("deleted"))
DECOMMISSIONED = Connection(
    "summer-kiosk",
    "Sandy Reach",
    (_UP, _UP),
    states=Timeline(((LONG_AGO, "available"), (3 * MINUTE, "deleting"), (4 * MINUTE, "deleted"))),
)
DISAPPEARING = Connection(
    "clock-tower", "Minuteham", (_UP, _UP), states=Timeline(((LONG_AGO, "available"), (1 * MINUTE, None)))
)

# Tunnels change while one watches.
FLAPPING = Connection(
    "ferry-terminal",
    "Oarsby",
    (Tunnel(flapping(up_with_bgp_routes(7), 2 * MINUTE)), _tunnel(up_with_bgp_routes(7))),
)
OUTAGE_AND_RECOVERY = Connection(
    "town-hall",
    "Greywater",
    (
        Tunnel(Timeline(((1 * MINUTE, IPSEC_DOWN), (5 * MINUTE, up_with_bgp_routes(4))), 10 * MINUTE)),
        Tunnel(Timeline(((2 * MINUTE, IPSEC_DOWN), (5 * MINUTE, up_with_bgp_routes(4))), 10 * MINUTE)),
    ),
)

# A tunnel is down, and the optional sources show why. Each falls by itself: together they would look like one event.
IDLE_TIMEOUT = Connection(
    "signal-box",
    "Quietwater",
    (_UP_STATIC, _tunnel(IPSEC_DOWN, -10 * MINUTE, histories.IDLE_TIMEOUT)),
    gateway="virtual",
    static_routes=_OFFICE_ROUTES,  # static, because BGP's own messages would keep the tunnel from being idle
    options=LOGGED_OPTIONS,
)
REKEY_MISMATCH = Connection(
    "cider-press",
    "Applewick",
    (
        _tunnel(up_with_bgp_routes(12), -40 * MINUTE, histories.NOT_REKEYED_YET),
        _tunnel(IPSEC_DOWN, -18 * MINUTE, histories.REKEY_REFUSED),
    ),
    options={**LOGGED_OPTIONS, "Phase2DHGroupNumbers": [{"Value": 14}]},
    tags={"vpn:device": "group-20-only"},
)
DEAD_PEER = Connection(
    "watermill",
    "Sluicegate",
    (_UP, _tunnel(IPSEC_DOWN, -14 * MINUTE, histories.DEAD_PEER)),
    options=LOGGED_OPTIONS,
)
DEAD_PEER_WITHOUT_LOG = replace(DEAD_PEER, name="tide-gauge", site="Neap Sands", options=COMMON_OPTIONS)
PRE_SHARED_KEY_MISMATCH = Connection(
    "stone-quarry",
    "Chiselham",
    (_UP, _tunnel(IPSEC_DOWN, -30 * MINUTE, histories.PRE_SHARED_KEY_MISMATCH)),
    options=LOGGED_OPTIONS,
)
ENDPOINT_REPLACED = Connection(
    "grain-store",
    "Threshing Green",
    (_UP, _tunnel(IPSEC_DOWN, -6 * MINUTE, histories.ENDPOINT_REPLACED)),
    options=LOGGED_OPTIONS,
)
BGP_SESSION_LOST = Connection(
    "bell-foundry",
    "Chimeford",
    (_UP, _tunnel(BGP_DOWN, -26 * MINUTE, histories.BGP_SESSION_LOST)),
    options=LOGGED_OPTIONS,
)
PREFIX_LIMIT = Connection(
    "vineyard",
    "Grapelow",
    (_UP, _tunnel(BGP_DOWN, -12 * MINUTE, histories.PREFIX_LIMIT)),
    gateway="virtual",
    options=LOGGED_OPTIONS,
)
REKEY_COLLISION = Connection(
    "clay-pit",
    "Potter's Dell",
    (_UP, _tunnel(IPSEC_DOWN, -9 * MINUTE, histories.REKEY_COLLISION)),
    options=LOGGED_OPTIONS,
)
GATEWAY_UNREACHABLE = Connection(
    "fog-horn",
    "Cape Murk",
    (_tunnel(IPSEC_DOWN, -22 * MINUTE, histories.GATEWAY_UNREACHABLE),) * 2,
    options={**LOGGED_OPTIONS, "StartupAction": "start"},
)

# Both tunnels are up, and yet there is something to know.
MAINTENANCE_PENDING = Connection(
    "post-office",
    "Sealing Wax",
    (_UP, replace(_UP, history=histories.MAINTENANCE_PENDING)),
    options={**LOGGED_OPTIONS, "EnableTunnelLifecycleControl": True},
)
ONE_WAY = Connection(
    "toll-house",
    "Bridgend",
    (replace(_UP, history=histories.ONE_WAY), replace(_UP, history=histories.NOTHING_EITHER_WAY)),
    options=LOGGED_OPTIONS,
)
NO_TRAFFIC = Connection(
    "seed-vault", "Coldframe", (replace(_UP, history=histories.NO_TRAFFIC),) * 2, options=LOGGED_OPTIONS
)
