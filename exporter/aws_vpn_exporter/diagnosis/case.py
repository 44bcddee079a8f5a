"""A tunnel and all that is known about it: what the rules judge."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aws_vpn_exporter.diagnosis.surroundings import NOTHING_AROUND, Surroundings
from aws_vpn_exporter.differences import Harm
from aws_vpn_exporter.evidence import Evidence, LogEvent, LogEventClass
from aws_vpn_exporter.history import Memory
from aws_vpn_exporter.model import Connection, Tunnel, TunnelState
from aws_vpn_exporter.options import BY_KEY, OptionValue
from aws_vpn_exporter.policy import OptionSides, Settings

CUSTOMER_GATEWAY = "policies.customer_gateway"
LOG_ENABLED = "log_enabled"

BGP_CLASSES = frozenset(event for event in LogEventClass if event.value.startswith(("bgp", "route")))

TURN_ON: Mapping[str, str] = {
    "traffic": "Turn on the block traffic to see whether data passed before the tunnel fell.",
    "maintenance": "Turn on the block maintenance to see whether AWS replaced the tunnel's endpoint.",
    "negotiated": "Turn on the block negotiated to see what the two sides agreed on.",
    "logs": "Turn on the block logs to read what AWS logged about the tunnel.",
    "changes": "Turn on the block changes to see who changed the connection shortly before (CloudTrail).",
    CUSTOMER_GATEWAY: "State the device's values in policies.customer_gateway to have them compared with AWS's.",
    LOG_ENABLED: "Turn on the tunnel's own logging at AWS (log_enabled), while the other tunnel carries the traffic: "
    "it interrupts this tunnel for minutes.",
}
"""What can be turned on to know more, and why, as a sentence.

The names are those of the optional sources' configuration blocks, of a key of a policy, and of a tunnel option.
"""


@dataclass(frozen=True, slots=True)
class Case:
    """A tunnel and all that is known about it at the Unix time `now`. `sources` are the optional blocks that are on.

    `siblings` are what the sources say about the connection's other tunnels, and `memories` what this process saw of
    all of them, each by outside address; `surroundings` is how other connections fare.
    """

    tunnel: Tunnel
    connection: Connection
    settings: Settings
    now: float
    evidence: Evidence = field(default_factory=Evidence)
    sources: frozenset[str] = frozenset()
    siblings: Mapping[str, Evidence] = field(default_factory=dict)
    memories: Mapping[str, Memory] = field(default_factory=dict)
    surroundings: Surroundings = NOTHING_AROUND

    @property
    def state(self) -> TunnelState | None:
        """What AWS says about the tunnel."""
        return self.tunnel.telemetry.state if self.tunnel.telemetry else None

    @property
    def ipsec_down(self) -> bool:
        """Whether the tunnel itself is down, not only the routing over it."""
        return self.state in (TunnelState.IPSEC_DOWN, TunnelState.DOWN)

    @property
    def changed(self) -> float | None:
        """When AWS last saw the status change; for a tunnel that is down, when it fell."""
        return self.tunnel.telemetry.last_status_change if self.tunnel.telemetry else None

    @property
    def carries_nothing(self) -> bool:
        """Whether the tunnel is up without a route.

        With BGP the message says so. On a static connection AWS counts the static routes of a virtual private gateway
        even while the tunnel is down, and counts nothing elsewhere: there the routes are the transit gateway's own.
        """
        telemetry = self.tunnel.telemetry
        if telemetry is None or not telemetry.up:
            return False
        if telemetry.state is TunnelState.UP_WITHOUT_ROUTES:
            return True
        static = self.connection.routing == "static"
        return telemetry.accepted_routes == 0 and (self.connection.counts_static_routes or not static)

    @property
    def not_up(self) -> bool:
        """Whether AWS says that the tunnel is down, for whatever reason."""
        return self.tunnel.telemetry is not None and self.tunnel.telemetry.up is False

    @property
    def others(self) -> tuple[Tunnel, ...]:
        """The other tunnels of the connection."""
        return tuple(tunnel for tunnel in self.connection.tunnels if tunnel.outside_ip != self.tunnel.outside_ip)

    def option(self, key: str, tunnel: Tunnel | None = None) -> OptionValue:
        """The option's value at AWS, by the option's key."""
        return self.settings.option(tunnel or self.tunnel, BY_KEY[key])[0]

    def differences(self, tunnel: Tunnel | None = None, least: Harm = Harm.DOUBTFUL) -> tuple[OptionSides, ...]:
        """The options in which AWS and the customer gateway, as policies state it, differ so that it may matter."""
        sides = self.settings.sides(self.connection, tunnel or self.tunnel)
        return tuple(one for one in sides if one.difference.harm >= least)

    def logged(self, *events: LogEventClass, before: float, after: float | None = None) -> tuple[LogEvent, ...]:
        """The log's events of these classes around the fall: `before` seconds before it until `after` seconds after.

        `after` None is until now. Without a known time of the fall nothing can be tied to it. What the tunnel has
        outlived, because the log shows it established between the line and the fall, is not among them.
        """
        if self.evidence.logs is None or self.changed is None:
            return ()
        first, last = self.changed - before, self.now if after is None else self.changed + after
        found = (e for e in self.evidence.logs.latest if e.event in events and first <= e.time <= last)
        return tuple(sorted(e for e in found if not self.outlived(e.time, bgp=e.event in BGP_CLASSES)))

    def outlived(self, time: float, bgp: bool = False) -> bool:
        """Whether the log shows the tunnel, or its BGP session, established anew between the time and the fall."""
        if self.evidence.logs is None or self.changed is None:
            return False
        up = LogEventClass.BGP_UP if bgp else LogEventClass.PHASE2_UP
        return any(e.event is up and time < e.time < self.changed - 1 for e in self.evidence.logs.latest)

    @property
    def evidences(self) -> tuple[Evidence, ...]:
        """What the sources say about every tunnel of the connection, this one first."""
        return (self.evidence, *(self.siblings[address] for address in sorted(self.siblings)))

    @property
    def log_is_read(self) -> bool:
        """Whether AWS logs the tunnel, and the log is read."""
        return bool(self.option("log_enabled")) and self.evidence.logs is not None

    def not_turned_on(self, wanted: tuple[str, ...]) -> tuple[str, ...]:
        """Which of the wanted sources of evidence, by their names in TURN_ON, are not there yet."""
        have = set(self.sources)
        if self.settings.customer_gateway(self.connection, self.tunnel):
            have.add(CUSTOMER_GATEWAY)
        if self.option("log_enabled"):
            have.add(LOG_ENABLED)
        return tuple(source for source in wanted if source not in have)


def is_up(tunnel: Tunnel) -> bool:
    """Whether AWS says that the tunnel is up."""
    return bool(tunnel.telemetry and tunnel.telemetry.up)
