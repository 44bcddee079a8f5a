"""The status page: what a person without dashboards needs, rendered on the server, worst first."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum

from jinja2 import Environment, PackageLoader, StrictUndefined

from aws_vpn_exporter import __version__
from aws_vpn_exporter.config import duration
from aws_vpn_exporter.model import Connection, Settings, Target, TargetReport, Tunnel, TunnelState
from aws_vpn_exporter.options import OPTIONS, differs, text

RUNBOOKS = "https://github.com/aws-vpn-exporter/aws-vpn-exporter/blob/main/docs/runbooks/"

_REFRESH_SECONDS = ("5", "10", "30", "60")

_STATES: Mapping[TunnelState, tuple[str, str]] = {
    TunnelState.UP: ("good", "UP"),
    TunnelState.UP_WITHOUT_ROUTES: ("warn", "UP, no routes"),
    TunnelState.BGP_DOWN: ("bad", "DOWN: BGP is down, IPsec is up"),
    TunnelState.IPSEC_DOWN: ("bad", "DOWN: IPsec is down"),
    TunnelState.DOWN: ("bad", "DOWN"),
}


class Health(IntEnum):
    """How a connection fares, worst first."""

    DOWN = 0
    REDUNDANCY_LOST = 1
    NO_ROUTES = 2
    NO_TELEMETRY = 3
    GOOD = 4
    OUT_OF_SERVICE = 5


_HEALTH: Mapping[Health, tuple[str, str, str]] = {
    Health.DOWN: ("bad", "Down: no tunnel is up", "AwsVpnConnectionDown"),
    Health.REDUNDANCY_LOST: ("warn", "Redundancy lost", "AwsVpnConnectionRedundancyLost"),
    Health.NO_ROUTES: ("warn", "A tunnel is up without routes", "AwsVpnTunnelNoRoutes"),
    Health.NO_TELEMETRY: ("warn", "AWS reports no tunnel state", ""),
    Health.GOOD: ("good", "All expected tunnels up", ""),
    Health.OUT_OF_SERVICE: ("idle", "Not in service", ""),
}


@dataclass(frozen=True, slots=True)
class OptionRow:
    """An option that stands out: set explicitly away from its default, or in disagreement with the gateway."""

    name: str
    at_aws: str
    at_gateway: str
    mismatch: bool


@dataclass(frozen=True, slots=True)
class TunnelRow:
    """One tunnel as the page shows it."""

    outside_ip: str
    tone: str
    state: str
    message: str
    since: str
    age: str
    routes: str
    options: tuple[OptionRow, ...]


@dataclass(frozen=True, slots=True)
class ConnectionCard:
    """One connection as the page shows it."""

    health: Health
    tone: str
    verdict: str
    runbook: str
    target: Target
    connection: Connection
    up: str
    expected: int
    tags: tuple[tuple[str, str], ...]
    tunnels: tuple[TunnelRow, ...]


@dataclass(frozen=True, slots=True)
class TargetRow:
    """One target as the page shows it."""

    target: Target
    tone: str
    state: str
    detail: str
    last_success: str
    connections: str


def page(reports: Iterable[TargetReport], settings: Settings, refresh: str = "") -> str:
    """The page as HTML. `refresh` is a number of seconds out of 5, 10, 30 and 60, or anything else for never."""
    now = time.time()
    reports = list(reports)
    cards = sorted(
        (
            _card(report.target, connection, settings, now)
            for report in reports
            if report.snapshot
            for connection in report.snapshot.answer
        ),
        key=lambda card: (card.health, card.target, card.connection.name, card.connection.id),
    )
    targets = sorted((_target_row(report, now) for report in reports), key=lambda row: (row.tone == "good", row.target))
    return _TEMPLATE.render(
        cards=cards,
        targets=targets,
        counts=[(_HEALTH[health], sum(card.health is health for card in cards)) for health in Health],
        failing=sum(row.tone == "bad" for row in targets),
        lacking=sum(card.health in (Health.DOWN, Health.REDUNDANCY_LOST) for card in cards),
        refresh=refresh if refresh in _REFRESH_SECONDS else "",
        written=_moment(now),
        version=__version__,
        runbooks=RUNBOOKS,
    )


def _card(target: Target, connection: Connection, settings: Settings, now: float) -> ConnectionCard:
    health = _health(connection, settings)
    tone, verdict, runbook = _HEALTH[health]
    gateway = settings.customer_gateway(connection)
    return ConnectionCard(
        health=health,
        tone=tone,
        verdict=f"{verdict}: {connection.state}" if health is Health.OUT_OF_SERVICE else verdict,
        runbook=runbook,
        target=target,
        connection=connection,
        up="?" if connection.tunnels_up is None else str(connection.tunnels_up),
        expected=settings.expected_tunnels(connection),
        tags=tuple((key, connection.tags[key]) for key in settings.tags if connection.tags.get(key)),
        tunnels=tuple(_tunnel_row(tunnel, gateway, settings, now) for tunnel in connection.tunnels),
    )


def _health(connection: Connection, settings: Settings) -> Health:
    if not connection.in_service:
        return Health.OUT_OF_SERVICE
    if connection.tunnels_up is None:
        return Health.NO_TELEMETRY
    if connection.tunnels_up == 0:
        return Health.DOWN
    if connection.tunnels_up < settings.expected_tunnels(connection):
        return Health.REDUNDANCY_LOST
    states = {tunnel.telemetry.state for tunnel in connection.tunnels if tunnel.telemetry}
    return Health.NO_ROUTES if TunnelState.UP_WITHOUT_ROUTES in states else Health.GOOD


def _tunnel_row(tunnel: Tunnel, gateway: Mapping[str, object], settings: Settings, now: float) -> TunnelRow:
    telemetry = tunnel.telemetry
    changed = telemetry.last_status_change if telemetry else None
    tone, state = _STATES[telemetry.state] if telemetry and telemetry.state else ("idle", "not reported")
    routes = telemetry.accepted_routes if telemetry else None
    return TunnelRow(
        outside_ip=tunnel.outside_ip,
        tone=tone,
        state=state,
        message=telemetry.message if telemetry else "",
        since="" if changed is None else _moment(changed),
        age="" if changed is None else _age(now - changed),
        routes="" if routes is None else str(routes),
        options=tuple(_standing_out(tunnel, gateway, settings)),
    )


def _standing_out(tunnel: Tunnel, gateway: Mapping[str, object], settings: Settings) -> Iterable[OptionRow]:
    for option in OPTIONS:
        value, _ = settings.option(tunnel, option)
        stated = gateway.get(option.name)
        mismatch = stated is not None and differs(value, stated)  # type: ignore[arg-type]
        if value != option.default or mismatch:
            yield OptionRow(
                name=option.name,
                at_aws=text(value),
                at_gateway="" if stated is None else text(stated),  # type: ignore[arg-type]
                mismatch=mismatch,
            )


def _target_row(report: TargetReport, now: float) -> TargetRow:
    if report.failure:
        tone, state = "bad", f"failing: {report.failure.cause}"
    else:
        tone, state = ("good", "answers") if report.up else ("idle", "not tried yet")
    return TargetRow(
        target=report.target,
        tone=tone,
        state=state,
        detail=str(report.failure or ""),
        last_success=f"{_age(now - report.last_success)} ago" if report.last_success else "never",
        connections="no data" if report.snapshot is None else str(len(report.snapshot.answer)),
    )


def _age(seconds: float) -> str:
    """The two largest units: 3d4h."""
    seconds = max(0.0, seconds)
    step = 3600 if seconds >= 86400 else 60 if seconds >= 3600 else 1
    return duration(seconds // step * step)


def _moment(unix: float) -> str:
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


_TEMPLATE = Environment(
    loader=PackageLoader("aws_vpn_exporter.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
).get_template("status.html")
