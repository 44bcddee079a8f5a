"""How other connections fare at the moment at which a tunnel fell: what one connection alone cannot tell.

A site's power cut takes down one customer gateway. When several customer gateways lose tunnels within minutes, what
they share is the suspect: AWS's side in the region, a transit gateway, or the path to it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from aws_vpn_exporter.evidence import Evidence, LogEventClass
from aws_vpn_exporter.model import Connection, Tunnel, TunnelState

TOGETHER = 180.0
"""Seconds within which tunnels fell together: dead peer detection finds a silent peer after 30 s or more."""

SEVERAL = 2
"""Other customer gateways that have to lose a tunnel at the same time for it to be no coincidence."""

_ENOUGH = 1000
"""Falls that are looked at around one; beyond that their number adds nothing."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """How other connections fare.

    `same_gateway_up` are other connections of the same customer gateway that have a tunnel whose IPsec is up.
    `fell_together` counts the other customer gateways in the region that lost a tunnel when this one fell, and
    `of_them_connected` those among them that still have another tunnel up. `shared` is what all of them share.
    """

    same_gateway_up: tuple[str, ...] = ()
    fell_together: int = 0
    of_them_connected: int = 0
    shared: str = ""


NOTHING_AROUND = Surroundings()


@dataclass(frozen=True, slots=True)
class Neighbor:
    """A connection, and who it leads to: `site` is the customer gateway's address, or its id in its account.

    `explained` are the outside addresses of tunnels whose fall has a reason of its own.
    """

    region: str
    connection: Connection
    site: str
    explained: frozenset[str] = frozenset()


class Neighborhood:
    """All connections in service that are watched, in every account and region."""

    def __init__(self, neighbors: Iterable[Neighbor]) -> None:
        """Takes the connections in service."""
        self._up_by_site: dict[str, list[str]] = {}
        falls: dict[str, list[tuple[float, str, bool, str]]] = {}
        for one in neighbors:
            up = any(map(ipsec_up, one.connection.tunnels))
            if up and one.site:
                self._up_by_site.setdefault(one.site, []).append(one.connection.id)
            for tunnel in one.connection.tunnels:
                if (fell := _fell(tunnel)) is not None and tunnel.outside_ip not in one.explained:
                    gateway = one.connection.gateway[1]
                    falls.setdefault(one.region, []).append((fell, one.site or one.connection.id, up, gateway))
        self._falls = {region: sorted(found) for region, found in falls.items()}

    def around(self, one: Neighbor, tunnel: Tunnel) -> Surroundings:
        """How the others fare around the fall of the neighbor's tunnel."""
        same = tuple(sorted(set(self._up_by_site.get(one.site, ())) - {one.connection.id}))[:3]
        fell = _fell(tunnel)
        if fell is None:
            return Surroundings(same)
        found = self._falls.get(one.region, [])
        begin = bisect_left(found, (fell - TOGETHER,))
        end = bisect_right(found, (fell + TOGETHER, "\U0010ffff"))
        site = one.site or one.connection.id
        sites: dict[str, bool] = {}
        gateways: set[str] = set()
        for _, other, up, gateway in found[begin : min(end, begin + _ENOUGH)]:
            if other != site:
                sites[other] = sites.get(other, False) or up
                gateways.add(gateway)
        kind, name = one.connection.gateway
        shared = f"{kind} {name}" if name and gateways == {name} else f"region {one.region}"
        return Surroundings(same, len(sites), sum(sites.values()), shared if sites else "")


def explained(tunnel: Tunnel, evidence: Evidence) -> bool:
    """Whether a tunnel fell for a reason of its own: AWS's log, or a maintenance, says what happened to it alone."""
    fell = _fell(tunnel)
    if fell is None:
        return False
    applied = evidence.maintenance.last_applied if evidence.maintenance else None
    lines = evidence.logs.latest if evidence.logs else ()
    return (applied is not None and abs(fell - applied) <= _OF_ITS_OWN) or any(
        event.event in _REASONS and event.time >= fell - _OF_ITS_OWN for event in lines
    )


_OF_ITS_OWN = 300.0
"""Seconds around the fall within which a line of the log, or a maintenance, is its reason."""
_REASONS = frozenset(
    {
        LogEventClass.NO_PROPOSAL_MATCH,
        LogEventClass.TRAFFIC_SELECTORS,
        LogEventClass.PRE_SHARED_KEY_MISMATCH,
        LogEventClass.AUTHENTICATION_FAILED,
        LogEventClass.CLOSED_BY_GATEWAY,
    }
)


def ipsec_up(tunnel: Tunnel) -> bool:
    """Whether the tunnel itself is up, with or without BGP: then the customer gateway is there."""
    telemetry = tunnel.telemetry
    return telemetry is not None and (telemetry.up is True or telemetry.state is TunnelState.BGP_DOWN)


def _fell(tunnel: Tunnel) -> float | None:
    """When a tunnel that is down fell."""
    telemetry = tunnel.telemetry
    return telemetry.last_status_change if telemetry and telemetry.up is False else None
