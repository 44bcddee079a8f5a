"""What is known of a target, and of each of its connections: the one object that metrics, pages and commands read.

From the wire to a metric's line: Connection -> PollStatus -> TargetStatus -> ConnectionStatus, with a Case for each
tunnel -> samples.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aws_vpn_exporter.diagnosis.case import Case
from aws_vpn_exporter.diagnosis.surroundings import Neighbor, Neighborhood, explained
from aws_vpn_exporter.evidence import CustomerGateway, Evidence, SourceAnswer
from aws_vpn_exporter.history import History
from aws_vpn_exporter.model import Connection, Tunnel, TunnelId
from aws_vpn_exporter.policy import Muted, Settings
from aws_vpn_exporter.target import PollStatus, Target

ConnectionsPoll = PollStatus[tuple[Connection, ...]]
"""The poll status of DescribeVpnConnections."""

SourcePoll = PollStatus[SourceAnswer[Any]]
"""The poll status of an optional source."""

CUSTOMER_GATEWAYS = "customer_gateways"
"""The source that is always on."""

QUOTAS = "quotas"
"""The source that speaks of targets rather than tunnels: the same of all."""


@dataclass(frozen=True)
class TargetStatus:
    """The poll status of the target's connections, and of each optional source that is on, by the source's name.

    `history` is what this process saw of the target's tunnels.
    """

    poll: ConnectionsPoll
    sources: Mapping[str, SourcePoll] = field(default_factory=dict)
    history: History = field(default_factory=dict)

    @property
    def target(self) -> Target:
        """The account and region."""
        return self.poll.target

    @property
    def optional_sources(self) -> Mapping[str, SourcePoll]:
        """The sources that the configuration turns on."""
        return {name: poll for name, poll in self.sources.items() if name != CUSTOMER_GATEWAYS}

    @property
    def connections(self) -> tuple[Connection, ...]:
        """The connections as last known; none where nothing is known or it is too old."""
        return self.poll.answer or ()

    def evidence(self, tunnel: TunnelId) -> Evidence:
        """What the optional sources say about one tunnel."""
        return Evidence(**{name: poll.answer.values.get(tunnel) for name, poll in self.sources.items() if poll.answer})


@dataclass(frozen=True)
class ConnectionStatus:
    """A connection, its settings, and a case for each of its tunnels whose outside address is known."""

    target: Target
    connection: Connection
    settings: Settings
    cases: tuple[Case, ...]
    muted: Mapping[Muted, bool] = field(default_factory=dict)
    """For each reason that a policy gives for silence, whether it holds now."""

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of every series about this connection."""
        return {
            "account_id": self.target.account_id,
            "region": self.target.region,
            "vpn_connection_id": self.connection.id,
        }

    @property
    def customer_gateway(self) -> CustomerGateway | None:
        """AWS's record of the device at the other end; None where it is not known."""
        found = (case.evidence.customer_gateways for case in self.cases)
        return next((gateway for gateway in found if gateway), None)


def neighborhood(statuses: Iterable[TargetStatus]) -> Neighborhood:
    """All connections in service of these targets, for what one connection alone cannot tell."""
    return Neighborhood(
        _neighbor(status, connection)
        for status in statuses
        for connection in status.connections
        if connection.in_service
    )


def connection_statuses(
    status: TargetStatus, settings: Settings, now: float, around: Neighborhood | None = None
) -> list[ConnectionStatus]:
    """The target's connections at the Unix time `now`, in seconds; `around` are all connections that are watched."""
    sources, neighbors = frozenset(status.sources), around or neighborhood([status])

    def case(connection: Connection, tunnel: Tunnel, evidences: Mapping[str, Evidence]) -> Case:
        return Case(
            tunnel,
            connection,
            settings,
            now,
            evidences[tunnel.outside_ip],
            sources,
            {address: evidence for address, evidence in evidences.items() if address != tunnel.outside_ip},
            {ip: memory for ip in evidences if (memory := status.history.get(TunnelId(connection.id, ip)))},
            neighbors.around(_neighbor(status, connection), tunnel),
        )

    def cases(connection: Connection) -> Iterable[Case]:
        known = [tunnel for tunnel in connection.tunnels if tunnel.outside_ip]
        evidences = {t.outside_ip: status.evidence(TunnelId(connection.id, t.outside_ip)) for t in known}
        return (case(connection, tunnel, evidences) for tunnel in known)

    return [
        ConnectionStatus(status.target, connection, settings, tuple(cases(connection)), settings.muted(connection, now))
        for connection in status.connections
    ]


def _neighbor(status: TargetStatus, connection: Connection) -> Neighbor:
    target = status.target
    evidences = [(t, status.evidence(TunnelId(connection.id, t.outside_ip))) for t in connection.tunnels]
    gateway = next((found for _, evidence in evidences if (found := evidence.customer_gateways)), None)
    own = f"{target.account_id}/{target.region}/{connection.customer_gateway_id}"
    site = (gateway and gateway.address) or (own if connection.customer_gateway_id else "")
    of_its_own = frozenset(tunnel.outside_ip for tunnel, evidence in evidences if explained(tunnel, evidence))
    return Neighbor(target.region, connection, site, of_its_own)


@dataclass(frozen=True)
class SiteStatus:
    """The connections of a target that lead to one site: each of their tunnels is a way to it."""

    name: str
    target: Target
    settings: Settings
    connections: tuple[ConnectionStatus, ...]

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of every series about this site."""
        return {"account_id": self.target.account_id, "region": self.target.region, "site": self.name}

    @property
    def paths_up(self) -> int | None:
        """Tunnels that are up and do not lack routes; None where AWS does not say of some connection."""
        if any(one.connection.tunnels_up is None for one in self.connections):
            return None
        cases = (case for one in self.connections for case in one.cases)
        return sum(bool(c.tunnel.telemetry and c.tunnel.telemetry.up) and not c.carries_nothing for c in cases)

    @property
    def paths_expected(self) -> int:
        """Tunnels that are meant to be up."""
        return sum(self.settings.expected_tunnels(one.connection) for one in self.connections)

    @property
    def has_one_device(self) -> bool | None:
        """Whether all ways end on one device; None where nobody knows. One customer gateway is one device."""
        if len({one.connection.customer_gateway_id for one in self.connections}) == 1:
            return True
        return None if self._addresses is None else len(self._addresses) == 1

    @property
    def has_one_address(self) -> bool | None:
        """Whether several connections end on one public address; None where nobody knows, or there is one only."""
        return len(self._addresses) == 1 if self._addresses and len(self.connections) > 1 else None

    @property
    def _addresses(self) -> set[str] | None:
        found = {one.customer_gateway.address if one.customer_gateway else "" for one in self.connections}
        return None if "" in found else found


def site_statuses(connections: Iterable[ConnectionStatus]) -> list[SiteStatus]:
    """The sites that connections in service of one target lead to, where the configuration asks for sites."""
    found: dict[str, list[ConnectionStatus]] = {}
    for one in connections:
        if one.connection.in_service and (site := one.settings.site(one.connection)):
            found.setdefault(site, []).append(one)
    return [SiteStatus(name, ways[0].target, ways[0].settings, tuple(ways)) for name, ways in sorted(found.items())]


def source_up(poll: SourcePoll) -> bool:
    """Whether the latest poll of a source succeeded, for every tunnel, about connections that were known."""
    return poll.up and poll.answer is not None and not poll.answer.partial_error and not poll.answer.too_early
