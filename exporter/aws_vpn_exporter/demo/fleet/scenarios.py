"""The scenarios of `aws-vpn-exporter demo`: which connections the account has, and whether its API fails.

To add one, add an entry to SCENARIOS, and its connections to `situations` if none fits.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..faults import FaultName
from . import situations
from .connection import Connection
from .timeline import MINUTE


@dataclass(frozen=True)
class ScriptedFault:
    """A fault that every DescribeVpnConnections call meets, from `after` seconds after the start of the scenario."""

    name: FaultName
    after: float = 0.0


@dataclass(frozen=True)
class Scenario:
    """The connections of the account, the fault of its API if there is one, and a description of both for a person."""

    description: str
    connections: tuple[Connection, ...]
    fault: ScriptedFault | None = None


def many(count: int) -> tuple[Connection, ...]:
    """Make so many connections, of which every tenth has lost one tunnel, and every fiftieth both."""
    return tuple(_numbered(number) for number in range(1, count + 1))


def _numbered(number: int) -> Connection:
    if number % 50 == 0:
        pattern = situations.BOTH_DOWN
    elif number % 10 == 0:
        pattern = situations.ONE_DOWN
    else:
        pattern = situations.HEALTHY_BGP
    return replace(pattern, name=f"branch-{number:05}", site=f"Branch {number}")


_HEALTHY = (situations.HEALTHY_BGP, situations.HEALTHY_STATIC)

SCENARIOS: Mapping[str, Scenario] = {
    "tour": Scenario(
        "Most situations at once. The tunnel of ferry-terminal goes down and comes back every two minutes; "
        "town-hall loses one tunnel after one minute, the other after two, and has both back after five; "
        "summer-kiosk is taken out of service after three.",
        (
            *_HEALTHY,
            situations.ONE_DOWN,
            situations.BOTH_DOWN,
            situations.ONE_TUNNEL_BY_DESIGN,
            situations.BGP_IS_DOWN,
            situations.WITHOUT_ROUTES,
            situations.EVERY_OPTION_SET,
            situations.EVERY_DEFAULT,
            situations.PENDING,
            situations.MODIFYING,
            situations.DELETED,
            situations.DECOMMISSIONED,
            situations.VERY_OLD,
            situations.FLAPPING,
            situations.OUTAGE_AND_RECOVERY,
        ),
    ),
    "all-healthy": Scenario(
        "Every connection has both tunnels up, and stays so: no alert may fire.",
        (*_HEALTHY, situations.EVERY_OPTION_SET, situations.EVERY_DEFAULT, situations.VERY_OLD),
    ),
    "connection-down": Scenario("north-mill has lost both tunnels, and stays so.", (*_HEALTHY, situations.BOTH_DOWN)),
    "redundancy-lost": Scenario(
        "lighthouse has lost one of two tunnels, and stays so.", (*_HEALTHY, situations.ONE_DOWN)
    ),
    "single-tunnel": Scenario(
        "weather-station has one tunnel by design, and its tag vpn:expected-tunnels says so: an alert "
        "fires unless a policy expects one tunnel.",
        (*_HEALTHY, situations.ONE_TUNNEL_BY_DESIGN),
    ),
    "flapping": Scenario(
        "A tunnel of ferry-terminal goes down and comes back every two minutes.", (*_HEALTHY, situations.FLAPPING)
    ),
    "outage-and-recovery": Scenario(
        "town-hall loses one tunnel after one minute, the other after two, and has both back after five; "
        "this happens again every ten minutes.",
        (*_HEALTHY, situations.OUTAGE_AND_RECOVERY),
    ),
    "bgp-down": Scenario(
        "A tunnel of old-brewery has IPsec up, but its BGP session is down.", (*_HEALTHY, situations.BGP_IS_DOWN)
    ),
    "no-routes": Scenario(
        "Both tunnels of glassworks are up, and neither has learnt a route.", (*_HEALTHY, situations.WITHOUT_ROUTES)
    ),
    "idle-timeout": Scenario(
        "A tunnel of signal-box was idle, and after a quarter of an hour its customer gateway closed it.",
        (*_HEALTHY, situations.IDLE_TIMEOUT),
    ),
    "rekey-mismatch": Scenario(
        "A tunnel of cider-press went down at its first rekey: the two sides have no group for phase 2 in common.",
        (*_HEALTHY, situations.REKEY_MISMATCH),
    ),
    "dead-peer": Scenario(
        "A tunnel of watermill was carrying traffic when dead peer detection ended it.",
        (*_HEALTHY, situations.DEAD_PEER),
    ),
    "logging-off": Scenario(
        "A tunnel of tide-gauge was ended by dead peer detection, but its log is turned off.",
        (*_HEALTHY, situations.DEAD_PEER_WITHOUT_LOG),
    ),
    "pre-shared-key-mismatch": Scenario(
        "A tunnel of stone-quarry cannot come up: the two sides have different pre-shared keys.",
        (*_HEALTHY, situations.PRE_SHARED_KEY_MISMATCH),
    ),
    "endpoint-replaced": Scenario(
        "AWS replaced the endpoint of a tunnel of grain-store, and nobody has started the tunnel since.",
        (*_HEALTHY, situations.ENDPOINT_REPLACED),
    ),
    "bgp-session-lost": Scenario(
        "A tunnel of bell-foundry has IPsec up, but its BGP session ended when the hold timer ran out.",
        (*_HEALTHY, situations.BGP_SESSION_LOST),
    ),
    "prefix-limit": Scenario(
        "The customer gateway of vineyard announced one route too many, and AWS ended the BGP session.",
        (*_HEALTHY, situations.PREFIX_LIMIT),
    ),
    "rekey-collision": Scenario(
        "Both sides of a tunnel of clay-pit began to rekey at the same moment, and it was lost over that.",
        (*_HEALTHY, situations.REKEY_COLLISION),
    ),
    "gateway-unreachable": Scenario(
        "The customer gateway of fog-horn answers AWS on neither tunnel.", (*_HEALTHY, situations.GATEWAY_UNREACHABLE)
    ),
    "maintenance-pending": Scenario(
        "AWS will replace the endpoint of a tunnel of post-office in three days, unless its owner does so before.",
        (*_HEALTHY, situations.MAINTENANCE_PENDING),
    ),
    "one-way": Scenario(
        "Both tunnels of toll-house are up; AWS sends into one, and for two hours nothing has come back over either.",
        (*_HEALTHY, situations.ONE_WAY),
    ),
    "silent": Scenario("Both tunnels of seed-vault are up, and carry nothing.", (*_HEALTHY, situations.NO_TRAFFIC)),
    "causes": Scenario(
        "Each cause for which a tunnel can be down, once; one tunnel has maintenance pending, and two carry nothing.",
        (
            *_HEALTHY,
            situations.IDLE_TIMEOUT,
            situations.REKEY_MISMATCH,
            situations.DEAD_PEER,
            situations.DEAD_PEER_WITHOUT_LOG,
            situations.PRE_SHARED_KEY_MISMATCH,
            situations.ENDPOINT_REPLACED,
            situations.BGP_SESSION_LOST,
            situations.GATEWAY_UNREACHABLE,
            situations.MAINTENANCE_PENDING,
            situations.NO_TRAFFIC,
        ),
    ),
    "options": Scenario(
        "One connection with every tunnel option set, one on AWS's defaults, one too old to report any.",
        (situations.EVERY_OPTION_SET, situations.EVERY_DEFAULT, situations.VERY_OLD),
    ),
    "lifecycle": Scenario(
        "One connection is being created, one changed, one is deleted; summer-kiosk is taken out of service "
        "after three minutes.",
        (situations.PENDING, situations.MODIFYING, situations.DELETED, situations.DECOMMISSIONED),
    ),
    "disappeared": Scenario(
        "clock-tower vanishes from AWS's answer after one minute.", (*_HEALTHY, situations.DISAPPEARING)
    ),
    "empty": Scenario("The account has no VPN connection at all.", ()),
    "large": Scenario("A fleet of 200 branches: 16 have lost one tunnel and 4 have lost both.", many(200)),
    "api-denied": Scenario(
        "After one minute AWS denies the exporter permission for the call.",
        (*_HEALTHY, situations.ONE_DOWN),
        ScriptedFault("denied", 1 * MINUTE),
    ),
    "api-throttled": Scenario(
        "After one minute AWS throttles every call.",
        (*_HEALTHY, situations.ONE_DOWN),
        ScriptedFault("throttled", 1 * MINUTE),
    ),
    "api-down": Scenario(
        "After one minute AWS accepts calls and answers none of them.",
        (*_HEALTHY, situations.ONE_DOWN),
        ScriptedFault("hang", 1 * MINUTE),
    ),
    "credentials-expired": Scenario(
        "After one minute the exporter's credentials have run out.",
        (*_HEALTHY, situations.ONE_DOWN),
        ScriptedFault("expired_token", 1 * MINUTE),
    ),
}
