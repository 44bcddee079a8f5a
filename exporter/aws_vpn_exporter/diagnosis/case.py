"""A tunnel and all that is known about it: what the rules judge."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aws_vpn_exporter.evidence import Evidence, LogEvent, LogEventClass
from aws_vpn_exporter.model import Connection, Tunnel, TunnelState
from aws_vpn_exporter.options import BY_KEY, OptionValue
from aws_vpn_exporter.policy import OptionSides, Settings

CUSTOMER_GATEWAY = "policies.customer_gateway"
LOG_ENABLED = "log_enabled"

TURN_ON: Mapping[str, str] = {
    "traffic": "Turn on the block traffic to see whether data passed before the tunnel fell.",
    "maintenance": "Turn on the block maintenance to see whether AWS replaced the tunnel's endpoint.",
    "negotiated": "Turn on the block negotiated to see what the two sides agreed on.",
    "logs": "Turn on the block logs to read what AWS logged about the tunnel.",
    CUSTOMER_GATEWAY: "State the device's values in policies.customer_gateway to have them compared with AWS's.",
    LOG_ENABLED: "Turn on the tunnel's own logging at AWS (log_enabled): without it AWS writes no log to read.",
}
"""What can be turned on to know more, and why, as a sentence.

The names are those of the optional sources' configuration blocks, of a key of a policy, and of a tunnel option.
"""


@dataclass(frozen=True, slots=True)
class Case:
    """A tunnel and all that is known about it at the Unix time `now`. `sources` are the optional blocks that are on."""

    tunnel: Tunnel
    connection: Connection
    settings: Settings
    now: float
    evidence: Evidence = field(default_factory=Evidence)
    sources: frozenset[str] = frozenset()

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

        While a tunnel is down the count is no evidence: on a static connection AWS counts the static routes even then.
        """
        telemetry = self.tunnel.telemetry
        if telemetry is None or not telemetry.up:
            return False
        return telemetry.state is TunnelState.UP_WITHOUT_ROUTES or telemetry.accepted_routes == 0

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

    def differences(self, tunnel: Tunnel | None = None) -> tuple[OptionSides, ...]:
        """The options in which AWS and the customer gateway, as policies state it, disagree."""
        return tuple(sides for sides in self.settings.sides(self.connection, tunnel or self.tunnel) if sides.differ)

    def log(self, *events: LogEventClass, before: float, after: float | None) -> tuple[LogEvent, ...]:
        """The log's events of these classes around the fall: `before` seconds before it until `after` seconds after.

        `after` None means until now. Empty where the time of the fall is not known.
        """
        if self.evidence.logs is None or self.changed is None:
            return ()
        first, last = self.changed - before, self.now if after is None else self.changed + after
        return tuple(e for e in self.evidence.logs.latest if e.event in events and first <= e.time <= last)

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
