"""The scripted fleet: what the simulated account holds, as a function of the seconds since the start.

Everything here is data and arithmetic: no thread, no real clock, no randomness. Addresses come from the ranges
that are reserved for documentation, and the places do not exist.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Generic, Literal, TypeVar
from xml.sax.saxutils import escape

from . import stories
from .faults import FaultName
from .sources import LogRecord
from .stories import Story

DEMO_SECRET = "not-a-real-key.made-up-for-the-demo"  # noqa: S105 - and so it says
"""Stands wherever AWS would show a pre-shared key: whoever meets it in an output has found a leak."""

HOME_REGION = "eu-west-1"

_MINUTE = 60.0
_DAY = 24 * 60 * _MINUTE
_LONG_AGO = -12 * _DAY

_SHARE_OF_TRAFFIC = {"TunnelDataIn": 1.0, "TunnelDataOut": 0.25}
_SAMPLES = 20
"""Moments of a period at which its traffic is looked at."""

T = TypeVar("T")


@dataclass(frozen=True)
class Timeline(Generic[T]):
    """Values and the second from which each holds; with a `period` (in seconds), over and over again."""

    steps: tuple[tuple[float, T], ...]
    period: float | None = None

    def at(self, elapsed: float) -> tuple[T, float]:
        """Find the value that holds now, and since which second it does."""
        begin = 0.0 if self.period is None else elapsed // self.period * self.period
        index = bisect_right([second for second, _ in self.steps], elapsed - begin) - 1
        if index < 0 and self.period is not None:
            begin -= self.period  # the last step of the round before still holds
        second, value = self.steps[index if index >= 0 or self.period is not None else 0]
        return value, begin + second


@dataclass(frozen=True)
class Health:
    """What AWS says of one tunnel in VgwTelemetry. Static routes are counted by the connection, not here."""

    status: Literal["UP", "DOWN"]
    message: str
    routes: int = 0


def bgp_up(routes: int) -> Health:
    """Make a tunnel that carries traffic for so many routes learnt over BGP."""
    return Health("UP", f"{routes} BGP ROUTES", routes)


STATIC_UP = Health("UP", "")
IPSEC_DOWN = Health("DOWN", "IPSEC IS DOWN")
BGP_DOWN = Health("DOWN", "IPSEC IS UP")
NO_ROUTES = bgp_up(0)

Life = Timeline[Health]


def steady(health: Health, since: float = _LONG_AGO) -> Life:
    """Make a tunnel that has been as it is for days."""
    return Timeline(((since, health),))


def flapping(health: Health, period: float) -> Life:
    """Make a tunnel that goes down for the middle third of each period."""
    return Timeline(((period / 3, IPSEC_DOWN), (2 * period / 3, health)), period)


DEFAULT_OPTIONS: Mapping[str, object] = {"LogOptions": {"CloudWatchLogOptions": {"LogEnabled": False}}}
"""A tunnel on defaults: AWS leaves out every option that nobody has set."""

COMMON_OPTIONS: Mapping[str, object] = {
    **DEFAULT_OPTIONS,
    "IkeVersions": [{"Value": "ikev2"}],
    "Phase1LifetimeSeconds": 28800,
    "Phase2LifetimeSeconds": 3600,
    "DpdTimeoutAction": "restart",
}

_LOG_GROUP = f"arn:aws:logs:{HOME_REGION}:123456789012:log-group:/demo/vpn"

LOGS_ON: Mapping[str, object] = {
    "LogOptions": {
        "CloudWatchLogOptions": {
            "LogEnabled": True,
            "LogGroupArn": _LOG_GROUP,
            "LogOutputFormat": "json",
            "BgpLogEnabled": True,
            "BgpLogGroupArn": _LOG_GROUP,
            "BgpLogOutputFormat": "json",
        }
    }
}

ALL_OPTIONS: Mapping[str, object] = {
    "Phase1LifetimeSeconds": 14400,
    "Phase2LifetimeSeconds": 1800,
    "RekeyMarginTimeSeconds": 300,
    "RekeyFuzzPercentage": 50,
    "ReplayWindowSize": 512,
    "DpdTimeoutSeconds": 45,
    "DpdTimeoutAction": "restart",
    "StartupAction": "start",
    "IkeVersions": [{"Value": "ikev2"}],
    "Phase1EncryptionAlgorithms": [{"Value": "AES256"}, {"Value": "AES256-GCM-16"}],
    "Phase2EncryptionAlgorithms": [{"Value": "AES256-GCM-16"}],
    "Phase1IntegrityAlgorithms": [{"Value": "SHA2-384"}, {"Value": "SHA2-512"}],
    "Phase2IntegrityAlgorithms": [{"Value": "SHA2-512"}],
    "Phase1DHGroupNumbers": [{"Value": 20}, {"Value": 21}],
    "Phase2DHGroupNumbers": [{"Value": 20}],
    "EnableTunnelLifecycleControl": True,
    **LOGS_ON,
}

LOGGED_OPTIONS: Mapping[str, object] = {**COMMON_OPTIONS, "DpdTimeoutAction": "clear", **LOGS_ON}


@dataclass(frozen=True)
class Connection:
    """One line of the fleet.

    `states` is the connection's State over time; None means that AWS does not list it. `options` are the
    options that somebody has set on both tunnels; None is a connection so old that AWS reports no
    TunnelOptions. A connection with `static_routes` is a static one, every other speaks BGP. `stories` are its
    tunnels', in their order.
    """

    name: str
    site: str
    tunnels: tuple[Life, ...]
    states: Timeline[str | None] = Timeline(((_LONG_AGO, "available"),))
    gateway: Literal["transit", "virtual"] = "transit"
    static_routes: tuple[str, ...] = ()
    options: Mapping[str, object] | None = field(default_factory=lambda: COMMON_OPTIONS)
    connection_options: Mapping[str, object] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    stories: tuple[Story, Story] = (stories.ROUTINE, stories.ROUTINE)


def _always(state: str) -> Timeline[str | None]:
    return Timeline(((_LONG_AGO, state),))


_UP, _DOWN = steady(bgp_up(12)), steady(IPSEC_DOWN, -2 * 60 * _MINUTE)
_OFFICE_ROUTES = ("192.0.2.64/26", "192.0.2.128/26")

# The situations, each of them once. The scenarios below are made of these lines.
HEALTHY_BGP = Connection("harbour-office", "Quillhaven", (_UP, steady(bgp_up(12), -5 * _DAY)))
HEALTHY_STATIC = Connection(
    "pottery-works",
    "Emberfold",
    (steady(STATIC_UP), steady(STATIC_UP, -3 * _DAY)),
    gateway="virtual",
    static_routes=_OFFICE_ROUTES,
)
ONE_DOWN = Connection("lighthouse", "Saltmere", (_UP, _DOWN))
BOTH_DOWN = Connection("north-mill", "Wintergate", (_DOWN, steady(IPSEC_DOWN, -2 * 60 * _MINUTE + 25)))
SINGLE_BY_DESIGN = Connection(
    "weather-station",
    "Far Tarn",
    (_UP, steady(IPSEC_DOWN, -90 * _DAY)),
    tags={"vpn:expected-tunnels": "1"},
)
BGP_IS_DOWN = Connection("old-brewery", "Hopcastle", (_UP, steady(BGP_DOWN, -40 * _MINUTE)))
WITHOUT_ROUTES = Connection("glassworks", "Fenbridge", (steady(NO_ROUTES, -3 * _DAY),) * 2)
EVERY_OPTION_SET = Connection(
    "observatory",
    "Starholm",
    (_UP, _UP),
    options=ALL_OPTIONS,
    connection_options={"EnableAcceleration": True, "TunnelBandwidth": "standard"},
)
EVERY_DEFAULT = Connection("bakery", "Rye Cross", (_UP, _UP), options=DEFAULT_OPTIONS)
PENDING = Connection("new-campus", "Thistledown", (steady(IPSEC_DOWN, -2 * _MINUTE),) * 2, states=_always("pending"))
MODIFYING = Connection("print-shop", "Inkwell Green", (_UP, _DOWN), states=_always("modifying"))
DELETED = Connection("closed-depot", "Lastford", (_DOWN, _DOWN), states=_always("deleted"))
DECOMMISSIONED = Connection(
    "summer-kiosk",
    "Sandy Reach",
    (_UP, _UP),
    states=Timeline(((_LONG_AGO, "available"), (3 * _MINUTE, "deleting"), (4 * _MINUTE, "deleted"))),
)
VERY_OLD = Connection(
    "archive",
    "Mosswick",
    (steady(STATIC_UP, -400 * _DAY),) * 2,
    gateway="virtual",
    static_routes=_OFFICE_ROUTES[:1],
    options=None,
)
FLAPPING = Connection("ferry-terminal", "Oarsby", (flapping(bgp_up(7), 2 * _MINUTE), steady(bgp_up(7))))
OUTAGE_AND_RECOVERY = Connection(
    "town-hall",
    "Greywater",
    (
        Timeline(((1 * _MINUTE, IPSEC_DOWN), (5 * _MINUTE, bgp_up(4))), 10 * _MINUTE),
        Timeline(((2 * _MINUTE, IPSEC_DOWN), (5 * _MINUTE, bgp_up(4))), 10 * _MINUTE),
    ),
)
VANISHING = Connection(
    "clock-tower", "Minuteham", (_UP, _UP), states=Timeline(((_LONG_AGO, "available"), (1 * _MINUTE, None)))
)

# One tunnel of each is down for a reason of its own, which the optional sources tell.
IDLE_TIMEOUT = Connection(
    "signal-box",
    "Quietwater",
    (steady(STATIC_UP), steady(IPSEC_DOWN, -10 * _MINUTE)),
    gateway="virtual",
    static_routes=_OFFICE_ROUTES,  # BGP's own messages would keep a tunnel from falling silent
    options=LOGGED_OPTIONS,
    stories=(stories.ROUTINE, stories.IDLE),
)
REKEY_MISMATCH = Connection(
    "cider-press",
    "Applewick",
    (_UP, steady(IPSEC_DOWN, -8 * _MINUTE)),
    options={**LOGGED_OPTIONS, "Phase2LifetimeSeconds": 1800},
    tags={"vpn:device": "hourly-rekey"},
    stories=(stories.ROUTINE, stories.REKEY_REFUSED),
)
DEAD_PEER = Connection(
    "watermill",
    "Sluicegate",
    (_UP, steady(IPSEC_DOWN, -7 * _MINUTE)),
    options=LOGGED_OPTIONS,
    stories=(stories.ROUTINE, stories.DEAD_PEER),
)
UNLOGGED = replace(DEAD_PEER, name="tide-gauge", site="Neap Sands", options=COMMON_OPTIONS)
WRONG_KEY = Connection(
    "stone-quarry",
    "Chiselham",
    (_UP, steady(IPSEC_DOWN, -30 * _MINUTE)),
    options=LOGGED_OPTIONS,
    stories=(stories.ROUTINE, stories.WRONG_KEY),
)
ENDPOINT_REPLACED = Connection(
    "grain-store",
    "Threshing Green",
    (_UP, steady(IPSEC_DOWN, -6 * _MINUTE)),
    options=LOGGED_OPTIONS,
    stories=(stories.ROUTINE, stories.REPLACED),
)
BGP_SESSION_LOST = Connection(
    "bell-foundry",
    "Chimeford",
    (_UP, steady(BGP_DOWN, -15 * _MINUTE)),
    options=LOGGED_OPTIONS,
    stories=(stories.ROUTINE, stories.BGP_LOST),
)
UNREACHABLE = Connection(
    "fog-horn",
    "Cape Murk",
    (steady(IPSEC_DOWN, -12 * _MINUTE),) * 2,
    options={**LOGGED_OPTIONS, "StartupAction": "start"},
    stories=(stories.UNREACHABLE, stories.UNREACHABLE),
)
# These are up.
MAINTENANCE_PENDING = Connection(
    "post-office",
    "Sealing Wax",
    (_UP, _UP),
    options={**LOGGED_OPTIONS, "EnableTunnelLifecycleControl": True},
    stories=(stories.ROUTINE, stories.PENDING),
)
SILENT = Connection(
    "seed-vault", "Coldframe", (_UP, _UP), options=LOGGED_OPTIONS, stories=(stories.SILENT, stories.SILENT)
)

_WELL = (HEALTHY_BGP, HEALTHY_STATIC)


@dataclass(frozen=True)
class ScriptedFault:
    """A fault that the server shows by itself, for DescribeVpnConnections, from so many seconds after the start."""

    name: FaultName
    after: float = 0.0


@dataclass(frozen=True)
class Scenario:
    """One thing to watch: what a person will see, and what it is made of."""

    description: str
    connections: tuple[Connection, ...]
    fault: ScriptedFault | None = None


def many(count: int) -> tuple[Connection, ...]:
    """Make a fleet of so many connections, of which every tenth has lost a tunnel and every fiftieth both."""
    return tuple(_numbered(number) for number in range(1, count + 1))


def _numbered(number: int) -> Connection:
    pattern = BOTH_DOWN if number % 50 == 0 else ONE_DOWN if number % 10 == 0 else HEALTHY_BGP
    return replace(pattern, name=f"branch-{number:05}", site=f"Branch {number}")


SCENARIOS: Mapping[str, Scenario] = {
    "tour": Scenario(
        "Most situations at once. The tunnel of ferry-terminal goes down and comes back every two minutes; "
        "town-hall loses one tunnel after one minute, the other after two, and has both back after five; "
        "summer-kiosk is taken out of service after three.",
        (
            *_WELL,
            ONE_DOWN,
            BOTH_DOWN,
            SINGLE_BY_DESIGN,
            BGP_IS_DOWN,
            WITHOUT_ROUTES,
            EVERY_OPTION_SET,
            EVERY_DEFAULT,
            PENDING,
            MODIFYING,
            DELETED,
            DECOMMISSIONED,
            VERY_OLD,
            FLAPPING,
            OUTAGE_AND_RECOVERY,
        ),
    ),
    "all-healthy": Scenario(
        "Every connection has both tunnels up, and stays so: nothing may ring.",
        (*_WELL, EVERY_OPTION_SET, EVERY_DEFAULT, VERY_OLD),
    ),
    "connection-down": Scenario("north-mill has lost both tunnels, and stays so.", (*_WELL, BOTH_DOWN)),
    "redundancy-lost": Scenario("lighthouse has lost one of two tunnels, and stays so.", (*_WELL, ONE_DOWN)),
    "single-tunnel": Scenario(
        "weather-station has one tunnel by design, and its tag vpn:expected-tunnels says so: it rings unless a "
        "policy expects one tunnel.",
        (*_WELL, SINGLE_BY_DESIGN),
    ),
    "flapping": Scenario("A tunnel of ferry-terminal goes down and comes back every two minutes.", (*_WELL, FLAPPING)),
    "outage-and-recovery": Scenario(
        "town-hall loses one tunnel after one minute, the other after two, and has both back after five; "
        "every ten minutes anew.",
        (*_WELL, OUTAGE_AND_RECOVERY),
    ),
    "bgp-down": Scenario("A tunnel of old-brewery has IPsec up, but its BGP session is down.", (*_WELL, BGP_IS_DOWN)),
    "no-routes": Scenario(
        "Both tunnels of glassworks are up, and neither has learnt a route.", (*_WELL, WITHOUT_ROUTES)
    ),
    "idle-timeout": Scenario(
        "A tunnel of signal-box fell silent, and a quarter of an hour later its customer gateway closed it.",
        (*_WELL, IDLE_TIMEOUT),
    ),
    "rekey-mismatch": Scenario(
        "A tunnel of cider-press went down when the two sides, whose phase 2 lifetimes differ, could not rekey.",
        (*_WELL, REKEY_MISMATCH),
    ),
    "dead-peer": Scenario(
        "A tunnel of watermill was carrying traffic when dead peer detection ended it.", (*_WELL, DEAD_PEER)
    ),
    "logging-off": Scenario(
        "A tunnel of tide-gauge was ended by dead peer detection, but its log is turned off.", (*_WELL, UNLOGGED)
    ),
    "pre-shared-key-mismatch": Scenario(
        "A tunnel of stone-quarry cannot come up: the two sides have different pre-shared keys.", (*_WELL, WRONG_KEY)
    ),
    "endpoint-replaced": Scenario(
        "AWS replaced the endpoint of a tunnel of grain-store, and nobody has started the tunnel since.",
        (*_WELL, ENDPOINT_REPLACED),
    ),
    "bgp-session-lost": Scenario(
        "A tunnel of bell-foundry has IPsec up, but its BGP session ended when the hold timer ran out.",
        (*_WELL, BGP_SESSION_LOST),
    ),
    "gateway-unreachable": Scenario(
        "The customer gateway of fog-horn answers AWS on neither tunnel.", (*_WELL, UNREACHABLE)
    ),
    "maintenance-pending": Scenario(
        "AWS will replace the endpoint of a tunnel of post-office in three days, unless its owner does so before.",
        (*_WELL, MAINTENANCE_PENDING),
    ),
    "silent": Scenario("Both tunnels of seed-vault are up, and carry nothing.", (*_WELL, SILENT)),
    "causes": Scenario(
        "Each cause for which a tunnel can be down, once; one tunnel has a maintenance ahead, and two carry nothing.",
        (
            *_WELL,
            IDLE_TIMEOUT,
            REKEY_MISMATCH,
            DEAD_PEER,
            UNLOGGED,
            WRONG_KEY,
            ENDPOINT_REPLACED,
            BGP_SESSION_LOST,
            UNREACHABLE,
            MAINTENANCE_PENDING,
            SILENT,
        ),
    ),
    "options": Scenario(
        "One connection with every tunnel option set, one on AWS's defaults, one too old to report any.",
        (EVERY_OPTION_SET, EVERY_DEFAULT, VERY_OLD),
    ),
    "lifecycle": Scenario(
        "One connection is being created, one changed, one is deleted; summer-kiosk is taken out of service "
        "after three minutes.",
        (PENDING, MODIFYING, DELETED, DECOMMISSIONED),
    ),
    "disappeared": Scenario("clock-tower vanishes from AWS's answer after one minute.", (*_WELL, VANISHING)),
    "empty": Scenario("The account has no VPN connection at all.", ()),
    "large": Scenario("A fleet of 200 branches: 16 have lost one tunnel and 4 have lost both.", many(200)),
    "api-denied": Scenario(
        "After one minute AWS denies the exporter the permission to look.",
        (*_WELL, ONE_DOWN),
        ScriptedFault("denied", 1 * _MINUTE),
    ),
    "api-throttled": Scenario(
        "After one minute AWS throttles every call.",
        (*_WELL, ONE_DOWN),
        ScriptedFault("throttled", 1 * _MINUTE),
    ),
    "api-down": Scenario(
        "After one minute AWS accepts calls and answers none of them.",
        (*_WELL, ONE_DOWN),
        ScriptedFault("hang", 1 * _MINUTE),
    ),
    "credentials-expired": Scenario(
        "After one minute the exporter's credentials have run out.",
        (*_WELL, ONE_DOWN),
        ScriptedFault("expired_token", 1 * _MINUTE),
    ),
}


class Fleet:
    """One scenario, running from the moment of construction. `clock` gives seconds since the epoch (UTC).

    All connections are in HOME_REGION; every other region has none.
    """

    def __init__(self, clock: Callable[[], float], scenario: str | Scenario = "tour") -> None:
        self._clock = clock
        self._start = clock()
        self._scenario = SCENARIOS[scenario] if isinstance(scenario, str) else scenario

    def describe(self, region: str) -> dict[str, object]:
        """Answer DescribeVpnConnections for a region, as boto3 returns it."""
        connections = self._scenario.connections if region == HOME_REGION else ()
        described = (self._describe(number, one) for number, one in enumerate(connections, 1))
        return {"VpnConnections": [answer for answer in described if answer is not None]}

    def fault(self, operation: str, region: str) -> FaultName | None:
        """Name the fault that the scenario wants shown now: what `SimulatedAws` takes as its `script`."""
        fault = self._scenario.fault
        if fault is None or operation != "DescribeVpnConnections" or region != HOME_REGION:
            return None
        return fault.name if self._elapsed() >= fault.after else None

    def maintenance(self, region: str, connection_id: str, address: str) -> Mapping[str, object] | None:
        """Answer GetVpnTunnelReplacementStatus for a tunnel; None where there is no such tunnel."""
        found = self._find(region, connection_id, address)
        if found is None:
            return None
        _, story = found
        details = {
            "PendingMaintenance": story.pending or None,
            "MaintenanceAutoAppliedAfter": self._date(story.auto_applied_after),
            "LastMaintenanceApplied": self._date(story.last_applied),
        }
        return {
            "VpnConnectionId": connection_id,
            "VpnTunnelOutsideIpAddress": address,
            "MaintenanceDetails": details,
        }

    def negotiated(self, region: str, connection_id: str, address: str) -> Mapping[str, object] | None:
        """Answer GetActiveVpnTunnelStatus for a tunnel; None where there is no such tunnel."""
        found = self._find(region, connection_id, address)
        if found is None:
            return None
        life, story = found
        up = self._up(life, self._elapsed())
        return {"ActiveVpnTunnelStatus": {**(story.negotiated if up else {}), "ProvisioningStatus": "available"}}

    def traffic(
        self, region: str, connection_id: str, address: str, metric: str, begin: float, seconds: float
    ) -> float | None:
        """Give the bytes of a period, as far as it has passed; None where CloudWatch has none."""
        found = self._find(region, connection_id, address)
        passed = min(seconds, self._clock() - begin)
        if found is None or passed <= 0 or metric not in _SHARE_OF_TRAFFIC:
            return None
        life, story = found
        moments = (begin - self._start + passed * (index + 0.5) / _SAMPLES for index in range(_SAMPLES))
        rates = [story.rate(moment, self._up(life, moment)) for moment in moments]
        return sum(rates) / _SAMPLES * passed * _SHARE_OF_TRAFFIC[metric]

    def log(self, region: str, group: str, begin: float, end: float) -> Sequence[LogRecord] | None:
        """Give the lines of a log group between two Unix times; None where there is no such group."""
        if region != HOME_REGION or group not in (_LOG_GROUP, _LOG_GROUP.rpartition(":")[2]):
            return None
        last = min(end, self._clock()) - self._start
        lines = ((tunnel, line) for tunnel, story in self._logged() for line in story.lines)
        strangers = ((stories.STRANGER, line) for line in stories.STRANGERS_LINES)
        return [
            LogRecord(tunnel, self._start + moment, line.text(tunnel, self._start + moment))
            for tunnel, line in (*lines, *strangers)
            for moment in line.moments(begin - self._start, last)
        ]

    def _logged(self) -> Iterator[tuple[str, Story]]:
        for number, connection in enumerate(self._scenario.connections, 1):
            if connection.options is not None and connection.options.get("LogOptions") == LOGS_ON["LogOptions"]:
                for index, story in enumerate(connection.stories):
                    yield f"{_id('vpn', connection.name)}_{_outside_address(number, index)}", story

    def _find(self, region: str, connection_id: str, address: str) -> tuple[Life, Story] | None:
        if region != HOME_REGION:
            return None
        for number, connection in enumerate(self._scenario.connections, 1):
            if _id("vpn", connection.name) != connection_id:
                continue
            for index, (life, story) in enumerate(zip(connection.tunnels, connection.stories, strict=True)):
                if _outside_address(number, index) == address:
                    return life, story
        return None

    @staticmethod
    def _up(life: Life, moment: float) -> bool:
        return life.at(moment)[0].status == "UP"

    def _date(self, second: float | None) -> datetime | None:
        return None if second is None else datetime.fromtimestamp(int(self._start + second), UTC)

    def _elapsed(self) -> float:
        return self._clock() - self._start

    def _describe(self, number: int, connection: Connection) -> dict[str, object] | None:
        state, _ = connection.states.at(self._elapsed())
        if state is None:
            return None
        transit = connection.gateway == "transit"
        answer: dict[str, object] = {
            "CustomerGatewayId": _id("cgw", connection.name),
            "Category": "VPN",
            "State": state,
            "Type": "ipsec.1",
            "VpnConnectionId": _id("vpn", connection.name),
            "TransitGatewayId" if transit else "VpnGatewayId": _id("tgw" if transit else "vgw", "demo"),
            "GatewayAssociationState": "associated",
            "Options": _options(number, connection),
            "Routes": [
                {"DestinationCidrBlock": cidr, "Source": "Static", "State": "available"}
                for cidr in connection.static_routes
            ],
            "Tags": _tags(connection),
        }
        if state != "deleted":  # AWS keeps a deleted connection listed, with neither of these two
            answer["CustomerGatewayConfiguration"] = _device_configuration(number, connection)
            answer["VgwTelemetry"] = self._telemetry(number, connection)
        return answer

    def _telemetry(self, number: int, connection: Connection) -> list[dict[str, object]]:
        return [
            self._tunnel(_outside_address(number, index), life, connection)
            for index, life in enumerate(connection.tunnels)
        ]

    def _tunnel(self, address: str, life: Life, connection: Connection) -> dict[str, object]:
        health, since = life.at(self._elapsed())
        return {
            # AWS counts the static routes of a connection whether its tunnels are up or not.
            "AcceptedRouteCount": len(connection.static_routes) or health.routes,
            "LastStatusChange": datetime.fromtimestamp(int(self._start + since), UTC),
            "OutsideIpAddress": address,
            "Status": health.status,
            "StatusMessage": health.message,
        }


def _id(kind: str, name: str) -> str:
    """Make an id that looks like AWS's and is the same in every run."""
    return f"{kind}-0{hashlib.sha256(f'{kind} {name}'.encode()).hexdigest()[:16]}"


def _outside_address(number: int, index: int) -> str:
    """Give each connection one address from two of the documentation ranges; they repeat after 254 connections."""
    return f"{('203.0.113', '198.51.100')[index]}.{(number - 1) % 254 + 1}"


def _inside_cidr(number: int, index: int) -> str:
    block = (2 * number + index) % (64 * 256)
    return f"169.254.{block // 64}.{block % 64 * 4}/30"


def _tags(connection: Connection) -> list[dict[str, str]]:
    tags = {"Name": connection.name, "site": connection.site, **connection.tags}
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _options(number: int, connection: Connection) -> dict[str, object]:
    static: dict[str, object] = {"StaticRoutesOnly": bool(connection.static_routes)}
    if connection.options is None:
        return static
    return {
        "EnableAcceleration": False,
        **static,
        "LocalIpv4NetworkCidr": "0.0.0.0/0",
        "RemoteIpv4NetworkCidr": "0.0.0.0/0",
        "OutsideIpAddressType": "PublicIpv4",
        "TunnelInsideIpVersion": "ipv4",
        **connection.connection_options,
        "TunnelOptions": _tunnel_options(number, connection, connection.options),
    }


def _tunnel_options(
    number: int, connection: Connection, options: Mapping[str, object]
) -> Sequence[Mapping[str, object]]:
    # The other way round than the telemetry: AWS promises no order, and whoever joins by position shall notice.
    return [
        {
            "OutsideIpAddress": _outside_address(number, index),
            "TunnelInsideCidr": _inside_cidr(number, index),
            "PreSharedKey": DEMO_SECRET,
            **options,
        }
        for index in reversed(range(len(connection.tunnels)))
    ]


def _device_configuration(number: int, connection: Connection) -> str:
    """Write the document that AWS gives to the administrator of the customer gateway, keys included."""
    tunnels = "".join(
        f"""  <ipsec_tunnel>
    <customer_gateway>
      <tunnel_outside_address><ip_address>192.0.2.{(number - 1) % 62 + 1}</ip_address></tunnel_outside_address>
    </customer_gateway>
    <vpn_gateway>
      <tunnel_outside_address><ip_address>{_outside_address(number, index)}</ip_address></tunnel_outside_address>
    </vpn_gateway>
    <ike>
      <authentication_protocol>sha1</authentication_protocol>
      <encryption_protocol>aes-128-cbc</encryption_protocol>
      <lifetime>28800</lifetime>
      <pre_shared_key>{DEMO_SECRET}</pre_shared_key>
    </ike>
  </ipsec_tunnel>
"""
        for index in range(len(connection.tunnels))
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<vpn_connection id="{_id("vpn", connection.name)}">\n'
        f"  <!-- {escape(connection.name)}: invented for the demo -->\n{tunnels}</vpn_connection>"
    )
