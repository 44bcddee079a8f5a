"""What is known of a target, and of each of its connections: the one object that metrics, pages and commands read.

From the wire to a metric's line: Connection -> PollStatus -> TargetStatus -> ConnectionStatus, with a Case for each
tunnel -> samples.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aws_vpn_exporter.diagnosis.case import Case
from aws_vpn_exporter.evidence import Evidence, SourceAnswer
from aws_vpn_exporter.model import Connection, Tunnel, TunnelId
from aws_vpn_exporter.policy import Muted, Settings
from aws_vpn_exporter.target import PollStatus, Target

ConnectionsPoll = PollStatus[tuple[Connection, ...]]
"""The poll status of DescribeVpnConnections."""

SourcePoll = PollStatus[SourceAnswer[Any]]
"""The poll status of an optional source."""


@dataclass(frozen=True)
class TargetStatus:
    """The poll status of the target's connections, and of each optional source that is on, by the source's name."""

    poll: ConnectionsPoll
    sources: Mapping[str, SourcePoll] = field(default_factory=dict)

    @property
    def target(self) -> Target:
        """The account and region."""
        return self.poll.target

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


def connection_statuses(status: TargetStatus, settings: Settings, now: float) -> list[ConnectionStatus]:
    """The target's connections at the Unix time `now`, in seconds."""
    sources = frozenset(status.sources)

    def case(connection: Connection, tunnel: Tunnel) -> Case:
        evidence = status.evidence(TunnelId(connection.id, tunnel.outside_ip))
        return Case(tunnel, connection, settings, now, evidence, sources)

    return [
        ConnectionStatus(
            status.target,
            connection,
            settings,
            tuple(case(connection, tunnel) for tunnel in connection.tunnels if tunnel.outside_ip),
            settings.muted(connection, now),
        )
        for connection in status.connections
    ]


def source_up(poll: SourcePoll) -> bool:
    """Whether the latest poll of a source succeeded, for every tunnel, about connections that were known."""
    return poll.up and poll.answer is not None and not poll.answer.partial_error and not poll.answer.too_early
