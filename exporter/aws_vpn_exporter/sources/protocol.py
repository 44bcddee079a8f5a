"""What an optional source is."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import Any, ClassVar

from aws_vpn_exporter.evidence import SourceAnswer
from aws_vpn_exporter.fields import Block, Duration
from aws_vpn_exporter.model import Connection, TunnelId


class SourceBlock(Block):
    """The configuration block of a source; each has its own default for `interval`, in seconds."""

    interval: Duration


class Source(ABC):
    """Asks one AWS service about the tunnels of one target. An instance belongs to a target and is not thread-safe."""

    name: ClassVar[str]
    """The name of the configuration block that turns the source on, and of the field of Evidence that it fills."""
    description: ClassVar[str]
    """What it reads, for the configuration's documentation."""
    block: ClassVar[type[SourceBlock]]
    service: ClassVar[str]
    """The AWS service, as boto3 names it."""
    actions: ClassVar[tuple[str, ...]]
    """The IAM actions that it needs."""
    always_on: ClassVar[bool] = False
    """Whether it is on without a block in the configuration."""

    def __init__(self, block: Any) -> None:  # noqa: B027 - most sources keep nothing of their block
        """`block` is an instance of the source's own block."""

    @abstractmethod
    def fetch(self, client: Any, connections: Collection[Connection], now: float) -> SourceAnswer[Any]:
        """What the source says at the Unix time `now` about the tunnels of connections in service.

        `client` is a boto3 client of the service. Raises PollError where there is no answer.
        """

    @staticmethod
    def resources(block: Any, partition: str) -> list[str]:
        """The ARNs that `actions` are needed on, in the AWS partition; "*" where AWS cannot narrow them."""
        return ["*"]

    @staticmethod
    def dollars_per_month(block: Any, tunnels: int) -> float:
        """What AWS charges in 30 days for so many tunnels; most sources are free."""
        return 0.0


def vpn_connections(partition: str) -> list[str]:
    """The ARNs of every VPN connection."""
    return [f"arn:{partition}:ec2:*:*:vpn-connection/*"]


def tunnel_ids(connections: Collection[Connection]) -> list[TunnelId]:
    """The tunnels whose outside address is known."""
    return [
        TunnelId(connection.id, tunnel.outside_ip)
        for connection in connections
        for tunnel in connection.tunnels
        if tunnel.outside_ip
    ]


def tunnels_up(connections: Collection[Connection]) -> set[TunnelId]:
    """The tunnels that AWS says are up: a source that has nothing about any of them does not see what is there."""
    return {
        TunnelId(connection.id, tunnel.outside_ip)
        for connection in connections
        for tunnel in connection.tunnels
        if tunnel.telemetry and tunnel.telemetry.up
    }
