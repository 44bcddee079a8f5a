"""Which tunnel a line of the VPN logs belongs to. Pure.

AWS names the stream of a tunnel by its connection and outside address, and a line of the BGP log names both itself. A
stream's name cannot hold a colon, and how AWS writes an IPv6 address there is not documented: addresses are compared
without their punctuation. What the stream leaves open, the neighbor that a BGP line names may tell.
"""

import ipaddress
import re
from collections.abc import Iterable, Mapping

from aws_vpn_exporter.model import Connection, Tunnel, TunnelId
from aws_vpn_exporter.sources.log_lines import LogLine

_CONNECTION = re.compile(r"vpn-[0-9a-f]+")
_WORD = re.compile(r"[0-9a-f.:]+")
_LOOSE_WORD = re.compile(r"[0-9a-f.:_-]+")
_NEIGHBOR = re.compile(r"neighbor ([0-9a-f.:]+)", re.IGNORECASE)


class Owners:
    """The tunnels whose logs are read."""

    def __init__(self, connections: Iterable[Connection], logged: Iterable[TunnelId]) -> None:
        """`logged` are the tunnels whose logs are turned on."""
        wanted = set(logged)
        self._tunnels: Mapping[str, tuple[Tunnel, ...]] = {
            connection.id: tunnels
            for connection in connections
            if (tunnels := tuple(t for t in connection.tunnels if TunnelId(connection.id, t.outside_ip) in wanted))
        }

    def of(self, line: LogLine, stream: str) -> TunnelId | None:
        """The line's tunnel; None where neither the line nor its stream names one that is known."""
        words = (line.source or stream).lower()
        for connection_id in _CONNECTION.findall(words):
            tunnels = self._tunnels.get(connection_id, ())
            found = _by_address(tunnels, words.replace(connection_id, " ")) or _by_neighbor(tunnels, line.detail)
            if found:
                return TunnelId(connection_id, found.outside_ip)
        return None


def _by_address(tunnels: tuple[Tunnel, ...], words: str) -> Tunnel | None:
    exact = {word.strip(".:") for word in _WORD.findall(words)}
    loose = {_bare(word) for word in _LOOSE_WORD.findall(words)}
    for tunnel in tunnels:
        if tunnel.outside_ip in exact:
            return tunnel
    return next((t for t in tunnels if ":" in t.outside_ip and loose & _spellings(t.outside_ip)), None)


def _by_neighbor(tunnels: tuple[Tunnel, ...], detail: str) -> Tunnel | None:
    named = _NEIGHBOR.search(detail)
    if not named:
        return None
    return next((tunnel for tunnel in tunnels if _within(named[1].rstrip("."), tunnel.inside_cidr)), None)


def _within(address: str, cidr: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return False


def _spellings(address: str) -> set[str]:
    """An IPv6 address, short and in full, without its punctuation."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return {_bare(address)}
    return {_bare(address), _bare(parsed.compressed), _bare(parsed.exploded)}


def _bare(word: str) -> str:
    return re.sub(r"[^0-9a-f]", "", word.lower())
