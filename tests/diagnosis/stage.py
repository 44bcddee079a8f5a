"""A story of one account told over the wire: what AWS answers, and what comes out in text, JSON, metrics and page.

A story is data: connections with their tunnels, what CloudWatch, the logs and CloudTrail hold about them, in seconds
relative to the moment of looking. The simulated AWS answers real calls of boto3.
"""

import atexit
import html
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

import botocore.session
from botocore.config import Config as ClientConfig

from aws_vpn_exporter import summary
from aws_vpn_exporter.aws.connections import connections_in
from aws_vpn_exporter.commands.diagnose import as_json
from aws_vpn_exporter.commands.diagnose_text import as_text
from aws_vpn_exporter.demo.backend import CallRecord, LogRecord
from aws_vpn_exporter.demo.server import SimulatedAws
from aws_vpn_exporter.evidence import SourceAnswer
from aws_vpn_exporter.history import History, Memory
from aws_vpn_exporter.metrics.page import PLAIN, MetricsPage
from aws_vpn_exporter.model import Connection, TunnelId
from aws_vpn_exporter.policy import Policy, Settings
from aws_vpn_exporter.sources import SOURCES
from aws_vpn_exporter.status import SourcePoll, TargetStatus
from aws_vpn_exporter.target import PollError, PollStatus, Target
from aws_vpn_exporter.web import status as status_page

NOW = 1_800_000_010.0
"""Ten seconds into a CloudWatch period."""
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
GROUP = "arn:aws:logs:eu-west-1:123456789012:log-group:vpn"
KEY = "canary-of-a-pre-shared-key"
OPTIONAL = ("traffic", "maintenance", "negotiated", "logs", "changes")


@dataclass(frozen=True)
class Said:
    """A line of the tunnel's activity log, or with `bgp` of its BGP log; `at` is in seconds from now."""

    at: float
    text: str
    phase2: str = "down"
    nat: bool = False
    bgp: bool = False
    route: str = ""


@dataclass(frozen=True)
class Flow:
    """Bytes a minute, in and out, between two moments in seconds from now."""

    begin: float
    end: float
    received: float
    sent: float


@dataclass(frozen=True)
class T:
    """A tunnel. `since` is in seconds from now; `state` is UP, NO ROUTES, BGP, DOWN (IPsec) or PLAIN (no message)."""

    state: str = "DOWN"
    since: float = -HOUR
    options: Mapping[str, Any] = field(default_factory=dict)
    lines: tuple[Said, ...] = ()
    flows: tuple[Flow, ...] = ()
    maintained: float | None = None
    pending: str = "None"
    agreed: Mapping[str, Any] | None = None
    certificate: str = ""
    memory: Memory | None = None
    log: bool = True

    @property
    def telemetry(self) -> tuple[str, str, int]:
        return {
            "UP": ("UP", "5 BGP ROUTES", 5),
            "STATIC": ("UP", "", 0),
            "NO ROUTES": ("UP", "0 BGP ROUTES", 0),
            "BGP": ("DOWN", "IPSEC IS UP", 0),
            "DOWN": ("DOWN", "IPSEC IS DOWN", 0),
            "PLAIN": ("DOWN", "", 0),
        }[self.state]


UP = T("UP", -9 * DAY, flows=(Flow(-HOUR, 0, 60_000, 60_000),))


@dataclass(frozen=True)
class Call:
    """A change on record in CloudTrail, about the first tunnel or with tunnel None about the whole connection."""

    at: float
    event: str = "ModifyVpnTunnelOptions"
    actor: str = "alice"
    options: Mapping[str, Any] = field(default_factory=dict)
    tunnel: int | None = 0


@dataclass(frozen=True)
class C:
    """A connection; `more` are further members of AWS's answer."""

    tunnels: tuple[T, ...]
    gateway: str = "TransitGatewayId"
    static: bool = False
    state: str = "available"
    site: int = 0
    more: Mapping[str, Any] = field(default_factory=dict)
    changes: tuple[Call, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Story:
    """Connections, of which the first tunnel of the first is asked about, and what is turned on."""

    connections: tuple[C, ...]
    sources: tuple[str, ...] = OPTIONAL
    gateway: Mapping[str, Any] = field(default_factory=dict)
    gateway_address: str | None = "192.0.2.{}"
    from_file: bool = False


def story(*tunnels: T, sources: tuple[str, ...] = OPTIONAL, **of_connection: Any) -> Story:
    """A story of one connection."""
    return Story((C(tunnels or (T(), UP), **of_connection),), sources)


def _sets(options: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: [{"Value": one} for one in value] if isinstance(value, (list, tuple)) else value
        for key, value in options.items()
    }


class Account:
    """The story as a backend of the simulated AWS."""

    def __init__(self) -> None:
        self.play(Story(()))

    def play(self, story: Story) -> None:
        """Takes the story as what AWS answers from now on."""
        self.story = story
        self.tunnels = {
            (vpn_id(number), address(number, index)): tunnel
            for number, connection in enumerate(story.connections)
            for index, tunnel in enumerate(connection.tunnels)
        }

    def describe(self, region: str) -> Mapping[str, object]:
        return {"VpnConnections": [self._connection(n, one) for n, one in enumerate(self.story.connections)]}

    def _connection(self, number: int, one: C) -> Mapping[str, object]:
        gateway = {one.gateway: "tgw-1" if "Transit" in one.gateway else "vgw-1"} if one.gateway else {}
        return {
            "VpnConnectionId": vpn_id(number),
            "State": one.state,
            "Category": "VPN",
            "Type": "ipsec.1",
            "CustomerGatewayId": f"cgw-{one.site or number}",
            **gateway,
            "CustomerGatewayConfiguration": f"<k>{KEY}</k>",
            "Tags": [{"Key": "Name", "Value": f"site-{number}"}],
            "VgwTelemetry": [self._telemetry(number, index, t) for index, t in enumerate(one.tunnels)],
            "Options": {
                "StaticRoutesOnly": one.static,
                **one.options,
                "TunnelOptions": [self._options(number, index, t) for index, t in enumerate(one.tunnels)],
            },
            **one.more,
        }

    def _telemetry(self, number: int, index: int, tunnel: T) -> Mapping[str, object]:
        status, message, routes = tunnel.telemetry
        return {
            "OutsideIpAddress": address(number, index),
            "Status": status,
            "StatusMessage": message,
            "LastStatusChange": datetime.fromtimestamp(NOW + tunnel.since, UTC),
            "AcceptedRouteCount": routes,
            **({"CertificateArn": tunnel.certificate} if tunnel.certificate else {}),
        }

    def _options(self, number: int, index: int, tunnel: T) -> Mapping[str, object]:
        logs = {"LogEnabled": True, "LogGroupArn": GROUP, "BgpLogEnabled": True, "BgpLogGroupArn": GROUP}
        return {
            "OutsideIpAddress": address(number, index),
            "TunnelInsideCidr": f"169.254.{10 + number % 200}.{4 * index}/30",
            "PreSharedKey": KEY,
            **_sets(tunnel.options),
            **({"LogOptions": {"CloudWatchLogOptions": logs}} if tunnel.log else {}),
        }

    def maintenance(self, region: str, connection_id: str, address: str) -> Mapping[str, object]:
        tunnel = self.tunnels[connection_id, address]
        last = tunnel.maintained
        return {
            "VpnConnectionId": connection_id,
            "MaintenanceDetails": {
                "PendingMaintenance": tunnel.pending,
                **({} if last is None else {"LastMaintenanceApplied": datetime.fromtimestamp(NOW + last, UTC)}),
            },
        }

    def negotiated(self, region: str, connection_id: str, address: str) -> Mapping[str, object]:
        agreed = self.tunnels[connection_id, address].agreed or {}
        return {"ActiveVpnTunnelStatus": {"ProvisioningStatus": "available", **agreed}}

    def traffic(
        self, region: str, connection_id: str, address: str, metric: str, begin: float, seconds: float
    ) -> float | None:
        flows = self.tunnels[connection_id, address].flows
        middle = begin + seconds / 2 - NOW
        found = [flow for flow in flows if flow.begin <= middle < flow.end]
        if not found:
            return None
        return (found[0].received if metric == "TunnelDataIn" else found[0].sent) * seconds / 60

    def log(self, region: str, group: str, begin: float, end: float) -> Sequence[LogRecord] | None:
        if group != GROUP:
            return None
        records = (
            _record(f"{connection}_{ip}", line) for (connection, ip), t in self.tunnels.items() for line in t.lines
        )
        return [record for record in records if begin <= record.time <= end]

    def calls(self, region: str, begin: float, end: float) -> Sequence[CallRecord]:
        made = [
            CallRecord(
                NOW + call.at,
                call.event,
                call.actor,
                {
                    "VpnConnectionId": vpn_id(number),
                    **({} if call.tunnel is None else {"VpnTunnelOutsideIpAddress": address(number, call.tunnel)}),
                    "TunnelOptions": {**call.options, "PreSharedKey": KEY},
                },
            )
            for number, one in enumerate(self.story.connections)
            for call in one.changes
        ]
        return [call for call in made if begin <= call.time <= end]

    def customer_gateways(self, region: str) -> Mapping[str, object]:
        known = {f"cgw-{one.site or number}": one.site or number for number, one in enumerate(self.story.connections)}
        form = self.story.gateway_address
        return {
            "CustomerGateways": [
                {
                    "CustomerGatewayId": key,
                    "BgpAsn": "65000",
                    "DeviceName": "edge",
                    **({"IpAddress": form.format(site)} if form else {}),
                }
                for key, site in known.items()
            ]
        }


def _record(stream: str, line: Said) -> LogRecord:
    message: dict[str, object]
    if line.route:
        nested = {"prefix": "10.9.0.0/16", "details": line.text}
        message = {"resource_id": stream, "type": "RouteStatus", "status": line.route, "message": nested}
    elif line.bgp:
        said = {"details": line.text}
        message = {"resource_id": stream, "type": "BGPStatus", "status": "DOWN", "message": said}
    else:
        phase1 = "established" if line.phase2 == "established" else "down"
        states = {"ike_phase1_state": phase1, "ike_phase2_state": line.phase2, "nat_t_detected": line.nat}
        message = {"details": line.text, **states}
    return LogRecord(stream, NOW + line.at, json.dumps(message))


def vpn_id(number: int) -> str:
    return f"vpn-{number:08x}"


def address(number: int, index: int) -> str:
    return f"{('203.0.113', '198.51.100')[index]}.{number + 1}"


@dataclass(frozen=True)
class Told:
    """What came out: of the first connection in JSON, and all in text, metrics and page."""

    causes: Sequence[Mapping[str, Any]]
    tunnels: Sequence[Mapping[str, Any]]
    text: str
    json: str
    metrics: str
    page: str

    @property
    def first(self) -> tuple[str, str]:
        """The best cause of the first tunnel and its confidence; "" and "" where there is none."""
        return (self.causes[0]["cause"], self.causes[0]["confidence"]) if self.causes else ("", "")

    @property
    def likely(self) -> set[str]:
        return {cause["cause"] for cause in self.causes if cause["confidence"] == "likely"}

    @property
    def named(self) -> set[str]:
        return {cause["cause"] for cause in self.causes}

    @property
    def commands(self) -> list[str]:
        return [line for cause in self.causes for line in cause["repair"]["change"]]


@cache
def _stage() -> tuple[Account, Callable[[str], Any]]:
    """One simulated AWS and its clients for all stories of this process: making clients takes longer than asking."""
    account = Account()
    aws = SimulatedAws(account.describe, sources=account)
    atexit.register(aws.__enter__().stop)
    session = botocore.session.get_session()
    session.set_credentials("test", "test")

    @cache
    def client(service: str) -> Any:
        config = ClientConfig(retries={"total_max_attempts": 1})
        return session.create_client(service, "eu-west-1", endpoint_url=aws.url, config=config)

    return account, client


def tell(story: Story) -> Told:
    """What is said of the story."""
    account, client = _stage()
    account.play(story)
    return _told(story, account, connections_in(client("ec2").describe_vpn_connections()), client)


def _polled(target: Target, ask: Callable[[], SourceAnswer[Any]]) -> SourcePoll:
    try:
        return PollStatus(target, answer=ask(), polls=1, last_success=NOW)
    except PollError as error:
        return PollStatus(target, failure=error, polls=1)


def _told(story: Story, account: Account, connections: tuple[Connection, ...], client: Callable[[str], Any]) -> Told:
    target = Target("123456789012", "eu-west-1")
    in_service = [connection for connection in connections if connection.in_service]
    polls = {}
    for name in (*story.sources, "customer_gateways"):
        source = SOURCES[name](SOURCES[name].block.model_validate({}))
        polls[name] = _polled(target, partial(source.fetch, client(source.service), in_service, NOW))
    history: History = {
        TunnelId(*key): tunnel.memory for key, tunnel in account.tunnels.items() if tunnel.memory is not None
    }
    status = TargetStatus(PollStatus(target, answer=connections, polls=1, last_success=NOW), polls, history)
    stated = (Policy(device={address(0, 0): story.gateway, address(0, 1): story.gateway}),)
    settings = Settings(policies=stated if story.from_file else (Policy(customer_gateway=story.gateway),))
    cards, rows = summary.cards([status], settings, NOW), summary.target_rows([status], NOW)
    machine = as_json(cards, rows)
    [ours] = [one for one in json.loads(machine)["connections"] if one["vpn_connection_id"] == vpn_id(0)]
    first = next(tunnel for tunnel in ours["tunnels"] if tunnel["tunnel_ip"] == address(0, 0))
    metrics = MetricsPage(settings).text([status], (), PLAIN, NOW).decode()
    page = html.unescape(status_page.page([status], settings, NOW))
    return Told(first["causes"], ours["tunnels"], as_text(cards, rows), machine, metrics, page)
