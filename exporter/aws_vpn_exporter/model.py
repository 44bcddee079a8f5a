"""What the exporter knows about the world, as frozen values. Beside option values, it knows nobody."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from aws_vpn_exporter.options import OPTIONS, Option, OptionValue, OptionValues

Answer = TypeVar("Answer")

UNKNOWN_ACCOUNT = "unknown"
"""The account id of a target until AWS has told whose credentials these are."""


class ConnectionState(StrEnum):
    """A connection's State; `modifying` is documented by AWS although its API model's enum leaves it out."""

    PENDING = "pending"
    AVAILABLE = "available"
    MODIFYING = "modifying"
    DELETING = "deleting"
    DELETED = "deleted"
    UNKNOWN = "unknown"  # a word that AWS introduced after this release


class TunnelState(StrEnum):
    """What Status and StatusMessage say together."""

    UP = "up"
    UP_WITHOUT_ROUTES = "up_without_routes"
    BGP_DOWN = "bgp_down"
    IPSEC_DOWN = "ipsec_down"
    DOWN = "down"


class FailureCause(StrEnum):
    """Why a poll failed: a closed set, each expected error belongs to one."""

    THROTTLED = "throttled"
    DENIED = "denied"
    CREDENTIALS = "credentials"
    CLOCK_SKEW = "clock_skew"
    REGION = "region"
    TIMEOUT = "timeout"
    NETWORK = "network"
    SERVER_ERROR = "server_error"
    MALFORMED = "malformed"
    NOT_FOUND = "not_found"
    INTERNAL = "internal"


class PollError(Exception):
    """A poll that failed for an expected reason. The message is for a person and holds no secret."""

    def __init__(self, cause: FailureCause, message: str) -> None:
        super().__init__(message)
        self.cause = cause


ALL_TUNNELS = "all"

ALL_REGIONS = "all"
"""In the configuration, every enabled region; as a target's region, those that could not be listed."""

Regions = tuple[str, ...] | str
"""Regions by name, or ALL_REGIONS."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account to watch, and how to get in: "" as `role_arn` means with the default credentials themselves."""

    id: str
    name: str = ""
    role_arn: str = ""
    external_id: str = ""
    regions: Regions = ALL_REGIONS


@dataclass(frozen=True, slots=True)
class Finding:
    """What discovery says of a target: its account's name ("" where it has none), and whether it can be polled.

    `error` says why it cannot; without one, that is not known yet.
    """

    account_name: str = ""
    pollable: bool = True
    error: PollError | None = None


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """One account in one region: what one DescribeVpnConnections call covers."""

    account_id: str
    region: str

    def __str__(self) -> str:
        return f"{self.account_id}/{self.region}"


@dataclass(frozen=True, slots=True)
class Telemetry:
    """AWS's report on a tunnel (VgwTelemetry). `last_status_change` is a Unix time in seconds."""

    up: bool | None
    state: TunnelState | None
    message: str
    last_status_change: float | None
    accepted_routes: int | None


@dataclass(frozen=True, slots=True)
class Tunnel:
    """One tunnel, known by its outside address. `options` holds only what AWS reported.

    `log_group` and `bgp_log_group` are the ARNs of the CloudWatch Logs groups that AWS is told to write to; the options
    LogEnabled and BgpLogEnabled say whether it does.
    """

    outside_ip: str
    telemetry: Telemetry | None = None
    options: OptionValues = field(default_factory=dict)
    inside_cidr: str = ""
    log_group: str = ""
    bgp_log_group: str = ""


@dataclass(frozen=True, slots=True)
class Connection:
    """One Site-to-Site VPN connection. Absent text is ""; `accelerated` is None where AWS does not say."""

    id: str
    state: ConnectionState
    name: str = ""
    category: str = ""
    customer_gateway_id: str = ""
    vpn_gateway_id: str = ""
    transit_gateway_id: str = ""
    routing: str = ""
    accelerated: bool | None = None
    bandwidth: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    tunnels: tuple[Tunnel, ...] = ()

    @property
    def in_service(self) -> bool:
        """Whether tunnels are meant to be up: not while AWS creates or deletes the connection."""
        return self.state in (ConnectionState.AVAILABLE, ConnectionState.MODIFYING)

    @property
    def tunnels_up(self) -> int | None:
        """How many tunnels AWS reports UP; None where it says of no tunnel whether it is."""
        said = [tunnel.telemetry.up for tunnel in self.tunnels if tunnel.telemetry and tunnel.telemetry.up is not None]
        return sum(said) if said else None


@dataclass(frozen=True)
class Snapshot(Generic[Answer]):
    """One good answer about a target. `taken_at` is a Unix time in seconds."""

    answer: Answer
    taken_at: float


@dataclass(frozen=True)
class Report(Generic[Answer]):
    """How a target fares, and the last good snapshot where that is not too old. Times are Unix times in seconds.

    `failure` is set while the latest poll failed; `last_success` is 0 and `polls` is 0 before the first ones.
    """

    target: Target
    account_name: str = ""
    snapshot: Snapshot[Answer] | None = None
    failure: PollError | None = None
    polls: int = 0
    failures: Mapping[FailureCause, int] = field(default_factory=dict)
    last_success: float = 0.0
    duration: float = 0.0

    @property
    def up(self) -> bool:
        """Whether the latest poll gave a good answer."""
        return self.last_success > 0 and self.failure is None


TargetReport = Report[tuple[Connection, ...]]
"""A report about the connections of a target."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the customer wants of the connections it matches.

    `ids` and `tags` both have to fit where both are given. `customer_gateway` is what the other side is set to
    for all tunnels, `device` what its own configuration file says, by the tunnel's outside address;
    `standby_tunnels` are outside addresses, or ALL_TUNNELS.
    """

    ids: frozenset[str] = frozenset()
    tags: Mapping[str, str] = field(default_factory=dict)
    expected_tunnels: int | None = None
    customer_gateway: OptionValues = field(default_factory=dict)
    device: Mapping[str, OptionValues] = field(default_factory=dict)
    standby_tunnels: tuple[str, ...] | str = ()

    def covers(self, connection: Connection) -> bool:
        """Whether the policy is about this connection."""
        return (not self.ids or connection.id in self.ids) and all(
            connection.tags.get(key) == value for key, value in self.tags.items()
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """What the configuration says about how answers are read and published.

    `tags` are tag keys copied onto aws_vpn_connection_info. The first policy that covers a connection and
    states a thing decides it. `option_defaults` replace AWS's documented ones for options that AWS left out.
    """

    tags: tuple[str, ...] = ()
    policies: tuple[Policy, ...] = ()
    option_defaults: OptionValues = field(default_factory=dict)

    def expected_tunnels(self, connection: Connection) -> int:
        """How many tunnels are meant to be up: 2 unless a policy says otherwise."""
        stated = (policy.expected_tunnels for policy in self.policies if policy.covers(connection))
        return next((number for number in stated if number is not None), 2)

    def customer_gateway(self, connection: Connection, tunnel: Tunnel) -> OptionValues:
        """What the customer gateway is set to for the tunnel, as far as policies and the device's file state it."""
        values: dict[str, OptionValue] = {}
        for policy in reversed([policy for policy in self.policies if policy.covers(connection)]):
            values |= {**policy.device.get(tunnel.outside_ip, {}), **policy.customer_gateway}
        return values

    def both_sides(self, connection: Connection, tunnel: Tunnel) -> Iterator[tuple[Option, OptionValue, OptionValue]]:
        """Each option that is stated of the customer gateway, with its value at AWS and at the gateway."""
        stated = self.customer_gateway(connection, tunnel)
        for option in OPTIONS:
            if option.name in stated:
                yield option, self.option(tunnel, option)[0], stated[option.name]

    def is_standby(self, connection: Connection, tunnel: Tunnel) -> bool:
        """Whether the tunnel may be idle: a policy says that it only stands by."""
        stated = (policy.standby_tunnels for policy in self.policies if policy.covers(connection))
        standby = next((tunnels for tunnels in stated if tunnels), ())
        return standby == ALL_TUNNELS or tunnel.outside_ip in standby

    def option(self, tunnel: Tunnel, option: Option) -> tuple[OptionValue, str]:
        """The option's value at AWS, and its source: "configured" (AWS reported it) or "default"."""
        if option.name in tunnel.options:
            return tunnel.options[option.name], "configured"
        return self.option_defaults.get(option.name, option.default), "default"
