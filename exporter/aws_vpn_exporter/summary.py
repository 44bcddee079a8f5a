"""What a person wants to know of each connection and target, in words: for the status page and for `diagnose`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from aws_vpn_exporter.diagnosis.case import Case
from aws_vpn_exporter.diagnosis.cause import Cause
from aws_vpn_exporter.diagnosis.causes import causes
from aws_vpn_exporter.diagnosis.risks import Risk, rekey_due, risks
from aws_vpn_exporter.evidence import Change, CustomerGateway, Maintenance, Negotiated, Traffic
from aws_vpn_exporter.model import Connection, TunnelState
from aws_vpn_exporter.options import OPTIONS
from aws_vpn_exporter.policy import OptionSides, Settings
from aws_vpn_exporter.status import (
    ConnectionStatus,
    SourcePoll,
    TargetStatus,
    connection_statuses,
    neighborhood,
    source_up,
)
from aws_vpn_exporter.target import FailureCause, Target
from aws_vpn_exporter.wording import age, moment

RUNBOOKS = "https://github.com/aws-vpn-exporter/aws-vpn-exporter/blob/main/docs/runbooks/"

_STATES: Mapping[TunnelState, tuple[str, str]] = {
    TunnelState.UP: ("good", "UP"),
    TunnelState.UP_WITHOUT_ROUTES: ("warn", "UP, no routes"),
    TunnelState.BGP_DOWN: ("bad", "DOWN: BGP is down, IPsec is up"),
    TunnelState.IPSEC_DOWN: ("bad", "DOWN: IPsec is down"),
    TunnelState.DOWN: ("bad", "DOWN"),
}


_MOST_CHANGES = 5


class Health(IntEnum):
    """How a connection fares, worst first."""

    DOWN = 0
    REDUNDANCY_LOST = 1
    NO_ROUTES = 2
    NO_TELEMETRY = 3
    GOOD = 4
    OUT_OF_SERVICE = 5
    PARKED = 6
    IGNORED = 7


HEALTH: Mapping[Health, tuple[str, str, str]] = {
    Health.DOWN: ("bad", "Down: no tunnel is up", "AwsVpnConnectionDown"),
    Health.REDUNDANCY_LOST: ("warn", "Redundancy lost", "AwsVpnConnectionRedundancyLost"),
    Health.NO_ROUTES: ("warn", "A tunnel is up without routes", "AwsVpnTunnelNoRoutes"),
    Health.NO_TELEMETRY: ("warn", "AWS reports no tunnel state", ""),
    Health.GOOD: ("good", "All expected tunnels up", ""),
    Health.OUT_OF_SERVICE: ("idle", "Not in service", ""),
    Health.PARKED: ("idle", "Parked: no tunnel is expected", ""),
    Health.IGNORED: ("idle", "Ignored by a policy", ""),
}


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
    options: tuple[OptionSides, ...]
    """Options that stand out: away from AWS's default, or in disagreement with the customer gateway."""
    risks: tuple[Risk, ...]
    """What its settings will do to it, the worst first; empty where the configuration does not ask."""
    rekey_due: tuple[tuple[int, float], ...]
    """Phases, and the Unix time by which their keys are renewed at the latest."""


@dataclass(frozen=True, slots=True)
class SharedCause:
    """A cause and the tunnels that have it; `best` are those whose best cause it is.

    The facts for it and against it are said once, and begin with the tunnel's address where they hold for one only.
    """

    cause: Cause
    tunnels: tuple[TunnelRow, ...]
    best: tuple[TunnelRow, ...]
    evidence: tuple[str, ...]
    against: tuple[str, ...]


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
    device: CustomerGateway | None
    changes: tuple[Change, ...]
    """The latest changes that somebody made at AWS, oldest first."""

    @property
    def device_words(self) -> str:
        """The device at the other end, as AWS knows it."""
        if self.device is None:
            return ""
        number = self.device.as_number
        return ", ".join(filter(None, (self.device.device, self.device.address, number and f"AS {number}")))

    @property
    def shared_causes(self) -> list[SharedCause]:
        """The causes of all tunnels, each once, in the order of their best rank."""
        found: dict[tuple[object, ...], list[tuple[int, TunnelRow, Cause]]] = {}
        for tunnel in self.tunnels:
            for rank, cause in enumerate(tunnel.causes):
                key = (cause.kind, cause.detail, cause.confidence)
                found.setdefault(key, []).append((rank, tunnel, cause))
        ordered = sorted(found.values(), key=lambda same: min(rank for rank, _, _ in same))
        return [
            SharedCause(
                same[0][2],
                tuple(tunnel for _, tunnel, _ in same),
                tuple(tunnel for rank, tunnel, _ in same if rank == 0),
                _said_once([(tunnel, cause.evidence) for _, tunnel, cause in same]),
                _said_once([(tunnel, cause.against) for _, tunnel, cause in same]),
            )
            for same in ordered
        ]


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
    refused: bool = False
    """Whether a policy of the organization refuses it, and always did: nothing is known to be lost there."""


def cards(statuses: Iterable[TargetStatus], settings: Settings, now: float) -> list[ConnectionCard]:
    """The connections at the Unix time `now`, worst first."""
    known = list(statuses)
    around = neighborhood(known)
    found = [_card(one) for status in known for one in connection_statuses(status, settings, now, around)]
    return sorted(found, key=lambda card: (card.health, card.target, card.connection.name, card.connection.id))


def target_rows(statuses: Iterable[TargetStatus], now: float) -> list[TargetRow]:
    """The targets, failing ones first."""
    rows = (_target_row(status, now) for status in statuses)
    return sorted(rows, key=lambda row: (row.tone == "good", row.target))


def _card(status: ConnectionStatus) -> ConnectionCard:
    connection, settings = status.connection, status.settings
    health = _health(connection, settings)
    tone, verdict, runbook = HEALTH[health]
    return ConnectionCard(
        health=health,
        tone=tone,
        verdict=f"{verdict}: {connection.state}" if health is Health.OUT_OF_SERVICE else verdict,
        runbook=runbook,
        target=status.target,
        connection=connection,
        up="?" if connection.tunnels_up is None else str(connection.tunnels_up),
        expected=settings.expected_tunnels(connection),
        tags=tuple((key, connection.tags[key]) for key in settings.tags if connection.tags.get(key)),
        tunnels=tuple(map(_tunnel_row, status.cases)),
        device=status.customer_gateway,
        changes=_changes(status),
    )


def _said_once(said: Sequence[tuple[TunnelRow, tuple[str, ...]]]) -> tuple[str, ...]:
    about: dict[str, tuple[str, ...]] = {}
    for tunnel, facts in said:
        for fact in facts:
            about[fact] = (*about.get(fact, ()), tunnel.outside_ip)
    return tuple(fact if len(ips) == len(said) else f"{', '.join(ips)}: {fact}" for fact, ips in about.items())


def _changes(status: ConnectionStatus) -> tuple[Change, ...]:
    known = (case.evidence.changes for case in status.cases)
    return next((changes.known for changes in known if changes), ())[-_MOST_CHANGES:]


def _health(connection: Connection, settings: Settings) -> Health:
    if not connection.in_service:
        return Health.OUT_OF_SERVICE
    if settings.is_ignored(connection):
        return Health.IGNORED
    if settings.expected_tunnels(connection) == 0:
        return Health.PARKED
    if connection.tunnels_up is None:
        return Health.NO_TELEMETRY
    if connection.tunnels_up == 0:
        return Health.DOWN
    if connection.tunnels_up < settings.expected_tunnels(connection):
        return Health.REDUNDANCY_LOST
    states = {tunnel.telemetry.state for tunnel in connection.tunnels if tunnel.telemetry}
    return Health.NO_ROUTES if TunnelState.UP_WITHOUT_ROUTES in states else Health.GOOD


def _tunnel_row(case: Case) -> TunnelRow:
    tunnel, evidence, telemetry = case.tunnel, case.evidence, case.tunnel.telemetry
    tone, state = _STATES[telemetry.state] if telemetry and telemetry.state else ("idle", "not reported")
    routes = telemetry.accepted_routes if telemetry else None
    return TunnelRow(
        outside_ip=tunnel.outside_ip,
        tone=tone,
        state=state,
        message=telemetry.message if telemetry else "",
        since="" if case.changed is None else moment(case.changed),
        age="" if case.changed is None else age(case.now - case.changed),
        routes="" if routes is None else str(routes),
        traffic=_traffic(evidence.traffic),
        negotiated=_negotiated(evidence.negotiated),
        maintenance=_maintenance(evidence.maintenance),
        causes=causes(case),
        case=case,
        options=tuple(_standing_out(case)),
        risks=risks(case),
        rekey_due=tuple(rekey_due(case)),
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


def _standing_out(case: Case) -> Iterable[OptionSides]:
    stated = {sides.option.name: sides for sides in case.settings.sides(case.connection, case.tunnel)}
    for option in OPTIONS:
        sides = stated.get(option.name) or case.settings.option_sides(case.tunnel, option, None)
        if sides.at_aws != option.default or sides.difference.harm:
            yield sides


def _target_row(status: TargetStatus, now: float) -> TargetRow:
    poll = status.poll
    if poll.failure:
        tone, state = "bad", f"failing: {poll.failure.cause}"
    else:
        tone, state = ("good", "answers") if poll.up else ("idle", "not tried yet")
    refused = bool(poll.failure and poll.failure.cause is FailureCause.REFUSED_BY_POLICY and not poll.last_success)
    return TargetRow(
        refused=refused,
        target=poll.target,
        tone=tone,
        state=state,
        detail=str(poll.failure or ""),
        last_success=f"{age(now - poll.last_success)} ago" if poll.last_success else "never",
        connections="no data" if poll.answer is None else str(len(poll.answer)),
        sources=tuple(_source_state(name, source) for name, source in status.sources.items()),
    )


def _source_state(name: str, poll: SourcePoll) -> tuple[str, str, str]:
    error = poll.failure or (poll.answer.partial_error if poll.answer else None)
    if error:
        return "bad", name, f"{error.cause}: {error}"
    if not source_up(poll):
        return "idle", name, "not tried yet"
    notes = poll.answer.notes if poll.answer else ()
    return "good", name, " ".join(("answers", *(f"({note.rstrip('.')})" for note in notes)))
