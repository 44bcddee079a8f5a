"""What a person wants to know of each connection and target, in words: for the status page and for `diagnose`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from aws_vpn_exporter.catalogue import ConnectionView, Knowledge, TunnelView
from aws_vpn_exporter.config import duration
from aws_vpn_exporter.diagnosis import Case, Cause
from aws_vpn_exporter.evidence import Maintenance, Negotiated, Round, Traffic, answers_in_full
from aws_vpn_exporter.model import Connection, Report, Settings, Target, Tunnel, TunnelState
from aws_vpn_exporter.options import OPTIONS, OptionValues, differs, text

RUNBOOKS = "https://github.com/aws-vpn-exporter/aws-vpn-exporter/blob/main/docs/runbooks/"

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


HEALTH: Mapping[Health, tuple[str, str, str]] = {
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
    """One tunnel for a person."""

    outside_ip: str
    tone: str
    state: str
    message: str
    since: str
    age: str
    routes: str
    traffic: str
    negotiated: str
    maintenance: str
    causes: tuple[Cause, ...]
    case: Case
    options: tuple[OptionRow, ...]


@dataclass(frozen=True, slots=True)
class ConnectionCard:
    """One connection for a person."""

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
    """One target for a person."""

    target: Target
    tone: str
    state: str
    detail: str
    last_success: str
    connections: str
    sources: tuple[tuple[str, str, str], ...]
    """Tone, name and state of each optional source."""


def cards(known: Iterable[Knowledge], settings: Settings, now: float) -> list[ConnectionCard]:
    """The connections, worst first."""
    found = (_card(one, connection, settings, now) for one in known for connection in one.connections)
    return sorted(found, key=lambda card: (card.health, card.target, card.connection.name, card.connection.id))


def target_rows(known: Iterable[Knowledge], now: float) -> list[TargetRow]:
    """The targets, failing ones first."""
    rows = (_target_row(one, now) for one in known)
    return sorted(rows, key=lambda row: (row.tone == "good", row.target))


def _card(known: Knowledge, connection: Connection, settings: Settings, now: float) -> ConnectionCard:
    target = known.report.target
    view = ConnectionView(target, connection, settings, known.sources, now)
    health = _health(connection, settings)
    tone, verdict, runbook = HEALTH[health]
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
        tunnels=tuple(_tunnel_row(TunnelView(view, tunnel)) for tunnel in connection.tunnels),
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


def _tunnel_row(view: TunnelView) -> TunnelRow:
    tunnel, now, evidence = view.tunnel, view.of.now, view.evidence
    gateway = view.of.settings.customer_gateway(view.of.connection, tunnel)
    telemetry = tunnel.telemetry
    changed = telemetry.last_status_change if telemetry else None
    tone, state = _STATES[telemetry.state] if telemetry and telemetry.state else ("idle", "not reported")
    routes = telemetry.accepted_routes if telemetry else None
    return TunnelRow(
        outside_ip=tunnel.outside_ip,
        tone=tone,
        state=state,
        message=telemetry.message if telemetry else "",
        since="" if changed is None else moment(changed),
        age="" if changed is None else _age(now - changed),
        routes="" if routes is None else str(routes),
        traffic=_traffic(evidence.traffic),
        negotiated=_negotiated(evidence.negotiated),
        maintenance=_maintenance(evidence.maintenance),
        causes=view.causes,
        case=view.case,
        options=tuple(_standing_out(tunnel, gateway, view.of.settings)),
    )


def _traffic(traffic: Traffic | None) -> str:
    if traffic is None:
        return ""
    point = traffic.points[-1]
    receive, transmit = ("?" if rate is None else f"{rate:,.0f} B/s" for rate in (point.receive, point.transmit))
    return f"in {receive}, out {transmit}"


def _negotiated(negotiated: Negotiated | None) -> str:
    if negotiated is None:
        return ""
    phases = (
        negotiated.ike_version,
        " ".join((negotiated.phase1_encryption, negotiated.phase1_integrity, negotiated.phase1_dh_group)).strip(),
        " ".join((negotiated.phase2_encryption, negotiated.phase2_integrity, negotiated.phase2_dh_group)).strip(),
    )
    return ", ".join(phase for phase in phases if phase)


def _maintenance(maintenance: Maintenance | None) -> str:
    if maintenance is None:
        return ""
    last = f"last applied {moment(maintenance.last_applied)}" if maintenance.last_applied else ""
    applied = maintenance.auto_applied_after
    pending = maintenance.pending and f"pending: {maintenance.pending}" + (
        f", applied by AWS after {moment(applied)}" if applied else ""
    )
    return "; ".join(words for words in (pending, last) if words)


def _standing_out(tunnel: Tunnel, gateway: OptionValues, settings: Settings) -> Iterable[OptionRow]:
    for option in OPTIONS:
        value, _ = settings.option(tunnel, option)
        stated = gateway.get(option.name)
        mismatch = stated is not None and differs(value, stated)
        if value != option.default or mismatch:
            yield OptionRow(
                name=option.name,
                at_aws=text(value),
                at_gateway="" if stated is None else text(stated),
                mismatch=mismatch,
            )


def _target_row(known: Knowledge, now: float) -> TargetRow:
    report = known.report
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
        sources=tuple(_source_state(name, source) for name, source in known.sources.reports.items()),
    )


def _source_state(name: str, report: Report[Round[Any]]) -> tuple[str, str, str]:
    error = report.failure or (report.snapshot.answer.error if report.snapshot else None)
    if error:
        return "bad", name, f"{error.cause}: {error}"
    return ("good", name, "answers") if answers_in_full(report) else ("idle", name, "not tried yet")


def _age(seconds: float) -> str:
    """The two largest units: 3d4h."""
    seconds = max(0.0, seconds)
    step = 3600 if seconds >= 86400 else 60 if seconds >= 3600 else 1
    return duration(seconds // step * step)


def moment(unix: float) -> str:
    """A Unix time for a person, in UTC."""
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
