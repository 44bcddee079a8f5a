"""The states of a tunnel, in the words of VgwTelemetry in DescribeVpnConnections' answer."""

from dataclasses import dataclass
from typing import Literal

from .timeline import Timeline


@dataclass(frozen=True)
class TunnelState:
    """What AWS reports of one tunnel: its Status, its StatusMessage and its number of routes learnt over BGP."""

    status: Literal["UP", "DOWN"]
    message: str
    bgp_routes: int = 0

    @property
    def up(self) -> bool:
        """Whether AWS counts the tunnel as up."""
        return self.status == "UP"


def up_with_bgp_routes(count: int) -> TunnelState:
    """Make the state of a tunnel with BGP that is up and has learnt so many routes."""
    return TunnelState("UP", f"{count} BGP ROUTES", count)


UP_WITH_STATIC_ROUTES = TunnelState("UP", "")
UP_WITHOUT_ROUTES = up_with_bgp_routes(0)
IPSEC_DOWN = TunnelState("DOWN", "IPSEC IS DOWN")
BGP_DOWN = TunnelState("DOWN", "IPSEC IS UP")


def flapping(state_when_up: TunnelState, period: float) -> Timeline[TunnelState]:
    """Make the states of a tunnel that is down for the middle third of each period, which is in seconds."""
    return Timeline(((period / 3, IPSEC_DOWN), (2 * period / 3, state_when_up)), period)
