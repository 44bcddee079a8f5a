"""The records of the fleet: a VPN connection and its two tunnels."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .timeline import Timeline, always
from .tunnel_histories import UNEVENTFUL, TunnelHistory
from .tunnel_options import COMMON_OPTIONS
from .tunnel_states import TunnelState


@dataclass(frozen=True)
class Tunnel:
    """One tunnel: its state over time, and what the optional sources can learn about it."""

    states: Timeline[TunnelState]
    history: TunnelHistory = UNEVENTFUL

    def up(self, moment: float) -> bool:
        """Whether the tunnel is up at a moment, in seconds from the start of the scenario."""
        return self.states.at(moment)[0].up


@dataclass(frozen=True)
class Change:
    """A change of a tunnel's options that CloudTrail has on record. `at` counts from the start of the scenario."""

    at: float
    actor: str
    options: Mapping[str, object]
    tunnel: int = 1
    event: str = "ModifyVpnTunnelOptions"


@dataclass(frozen=True)
class Connection:
    """One VPN connection.

    `states` is its State over time; None means that AWS does not list it. `gateway` is the kind of gateway on AWS's
    side. A connection with `static_routes`, which are CIDR blocks, is a static one; every other uses BGP. `options`
    are the options that are set on both tunnels; None means that the connection is so old that AWS reports no
    TunnelOptions. `connection_options` are further members of the connection's Options. `tags` do not include Name
    and site, which come from `name` and `site`.
    """

    name: str
    site: str
    tunnels: tuple[Tunnel, Tunnel]
    states: Timeline[str | None] = field(default_factory=lambda: always("available"))
    gateway: Literal["transit", "virtual"] = "transit"
    static_routes: tuple[str, ...] = ()
    options: Mapping[str, object] | None = field(default_factory=lambda: COMMON_OPTIONS)
    connection_options: Mapping[str, object] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
