"""An account that the simulated AWS can be asked about, as data."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from aws_vpn_exporter.demo.backend import LogRecord
from aws_vpn_exporter.model import Connection, ConnectionState, Tunnel, TunnelId

NOW = 1_800_000_010.0
"""Ten seconds after a full 300-second period, so that this period is not settled yet."""

GROUP = "arn:aws:logs:eu-west-1:123456789012:log-group:/vpn"


def tunnels(count: int) -> list[TunnelId]:
    """So many tunnels, two of each connection."""
    return [TunnelId(f"vpn-{number // 2:08x}", f"203.0.{number % 2}.{number // 2 % 250}") for number in range(count)]


def connections_of(
    known: Iterable[TunnelId], groups: Mapping[TunnelId, Sequence[str]] | None = None
) -> list[Connection]:
    """Connections in service that have these tunnels; `groups` are log groups that their logs are written to."""
    by_connection: dict[str, list[Tunnel]] = {}
    for one in known:
        logged = (groups or {}).get(one, ())
        group, bgp_group = (*logged, "", "")[:2]
        options = {"LogEnabled": bool(group), "BgpLogEnabled": bool(bgp_group)}
        tunnel = Tunnel(one.tunnel_ip, options=options, log_group=group, bgp_log_group=bgp_group)
        by_connection.setdefault(one.vpn_connection_id, []).append(tunnel)
    return [
        Connection(name, ConnectionState.AVAILABLE, tunnels=tuple(tunnels)) for name, tunnels in by_connection.items()
    ]


@dataclass
class Account:
    """`data` are bytes by tunnel, metric and the start of a period; every call about a tunnel is noted in `asked`."""

    data: dict[tuple[TunnelId, str, float], float] = field(default_factory=dict)
    replacements: dict[TunnelId, Mapping[str, object]] = field(default_factory=dict)
    agreed: dict[TunnelId, Mapping[str, object]] = field(default_factory=dict)
    groups: dict[str, list[LogRecord]] = field(default_factory=dict)
    asked: list[TunnelId] = field(default_factory=list)

    def maintenance(self, region: str, connection_id: str, address: str) -> Mapping[str, object] | None:
        details = self._about(self.replacements, connection_id, address)
        return None if details is None else {"VpnConnectionId": connection_id, "MaintenanceDetails": details}

    def negotiated(self, region: str, connection_id: str, address: str) -> Mapping[str, object] | None:
        status = self._about(self.agreed, connection_id, address)
        return None if status is None else {"ActiveVpnTunnelStatus": status}

    def traffic(
        self, region: str, connection_id: str, address: str, metric: str, begin: float, seconds: float
    ) -> float | None:
        return self.data.get((TunnelId(connection_id, address), metric, begin))

    def log(self, region: str, group: str, begin: float, end: float) -> Sequence[LogRecord] | None:
        records = self.groups.get(group)
        return None if records is None else [one for one in records if begin <= one.time <= end]

    def carry(self, tunnel: TunnelId, starts: Iterable[float], received: float, sent: float) -> None:
        for start in starts:
            self.data[tunnel, "TunnelDataIn", start] = received
            self.data[tunnel, "TunnelDataOut", start] = sent

    def _about(
        self, known: Mapping[TunnelId, Mapping[str, object]], connection_id: str, address: str
    ) -> Mapping[str, object] | None:
        tunnel = TunnelId(connection_id, address)
        self.asked.append(tunnel)
        return known.get(tunnel)
