"""What `diagnose` prints for a person: each connection with its causes, each thing said once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aws_vpn_exporter.commands.ask_once import refusals, unanswered, unseen
from aws_vpn_exporter.diagnosis.case import TURN_ON
from aws_vpn_exporter.diagnosis.commands import Repair, commands, commands_against_risk
from aws_vpn_exporter.diagnosis.risks import AT_RISK, Risk
from aws_vpn_exporter.summary import HEALTH, RUNBOOKS, ConnectionCard, Health, SharedCause, TargetRow, TunnelRow
from aws_vpn_exporter.wording import moment

_COLORS = {"bad": "31", "warn": "33", "good": "32", "idle": "2", "head": "1"}


@dataclass(frozen=True, slots=True)
class _Pen:
    """Writes words in the colour of a tone, on a terminal that shows colours."""

    colored: bool

    def __call__(self, tone: str, words: str) -> str:
        return f"\033[{_COLORS[tone]}m{words}\033[0m" if self.colored else words


def as_text(cards: Sequence[ConnectionCard], targets: Sequence[TargetRow], colored: bool = False) -> str:
    """For a person: the connections worst first, what is wrong with each, and what to do; then all in one line."""
    pen = _Pen(colored)
    lines: list[str] = []
    for target in unanswered(targets):
        lines += [pen("bad", f"Could not look at {target.target}: {target.state}: {target.detail}"), ""]
    for refusal in refusals(targets):
        lines += [refusal, ""]
    lines += unseen(target for target in targets if target.tone == "good")
    for card in cards:
        lines += [*_connection(card, pen), ""]
    lines.append(_summary(cards, targets))
    return "\n".join(lines).rstrip() + "\n"


def _summary(cards: Sequence[ConnectionCard], targets: Sequence[TargetRow]) -> str:
    """All in one line; of connections nothing where no target has answered."""
    failing = len(unanswered(targets))
    not_looked_at = f"{failing} of {len(targets)} accounts and regions could not be looked at"
    unseen = f"; {not_looked_at}" if failing else ""
    if not cards and not any(target.tone == "good" for target in targets):
        return f"{not_looked_at}." if failing else ""
    if not cards:
        return f"No connections found{unseen}."
    counts = ((health, sum(card.health is health for card in cards)) for health in Health)
    found = ", ".join(
        f"{count} {HEALTH[health][1][0].lower()}{HEALTH[health][1][1:]}" for health, count in counts if count
    )
    plural = "" if len(cards) == 1 else "s"
    return f"{len(cards)} connection{plural}: {found}{unseen}."


def _connection(card: ConnectionCard, pen: _Pen) -> Iterator[str]:
    connection = card.connection
    named = f"{connection.name} ({connection.id})" if connection.name else connection.id
    count = f" ({card.up} of {card.expected} up)" if connection.in_service else ""
    yield f"{pen('head', named)} in {card.target}: {pen(card.tone, card.verdict)}{count}"
    if not connection.in_service:
        return
    if card.device_words and card.health < Health.GOOD:
        yield f"  customer gateway: {card.device_words}"
    rows = [("tunnel", "state", "since", "routes", "AWS says")]
    rows += [
        (t.outside_ip, t.state, f"{t.since} ({t.age})" if t.since else "", t.routes, t.message) for t in card.tunnels
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    for change in card.changes if card.health < Health.GOOD else ():
        where = f" of {change.tunnel_ip}" if change.tunnel_ip else ""
        options = f" ({', '.join(change.options)})" if change.options else ""
        yield f"  changed at {moment(change.time)} by {change.actor}: {change.event}{where}{options}"
    yield from _causes(card, pen)
    yield from _risks(card, pen)


def _risks(card: ConnectionCard, pen: _Pen) -> Iterator[str]:
    """What the settings of the tunnels will do to them, each said once, and the change that ends it."""
    found: dict[tuple[str, str, str], list[tuple[Risk, TunnelRow]]] = {}
    for tunnel in card.tunnels:
        for risk in tunnel.risks:
            if risk.degree >= AT_RISK:
                found.setdefault((risk.rule, risk.sees, risk.remedy), []).append((risk, tunnel))
    for same in found.values():
        risk, tunnels = same[0][0], [tunnel for _, tunnel in same]
        yield ""
        about = ", ".join(tunnel.outside_ip for tunnel in tunnels)
        yield f"  {about}, " + pen("head", f"risk: {risk.rule.replace('_', ' ')}")
        yield f"    - {risk.sees}"
        for tunnel in tunnels:
            due = "; ".join(f"phase {phase} by {moment(time)}" for phase, time in tunnel.rekey_due)
            yield from [f"    {tunnel.outside_ip} renews its keys next: {due}"] if due else []
        yield f"    What to do: {risk.remedy}"
        yield f"    More: {RUNBOOKS}{risk.runbook}"
        yield from _repairs([commands_against_risk(risk, one.case, card.target.region) for one in tunnels], pen)


def _causes(card: ConnectionCard, pen: _Pen) -> Iterator[str]:
    shared = card.shared_causes
    for number, one in enumerate(shared, 1):
        yield ""
        cause, about = one.cause, ", ".join(tunnel.outside_ip for tunnel in one.tunnels)
        detail = f": {cause.detail}" if cause.detail else ""
        yield f"  {about}, " + pen(
            "head", f"cause {number}: {cause.kind.replace('_', ' ')} ({cause.confidence}){detail}"
        )
        yield from (f"    - {fact}" for fact in one.evidence)
        yield from (f"    against: {fact}" for fact in one.against)
        asked = {TURN_ON[source] for source in cause.turn_on}
        yield from (f"    missing: {fact}" for fact in cause.missing if fact not in asked)
        yield f"    What to do: {cause.remedy}"
        yield f"    More: {RUNBOOKS}{cause.runbook}"
        if one.best:
            yield from _commands(card, one, pen)
    to_know_more = dict.fromkeys(TURN_ON[source] for one in shared for source in one.cause.turn_on)
    if to_know_more:
        yield ""
    yield from (f"  To know more: {sentence}" for sentence in to_know_more)


def _commands(card: ConnectionCard, one: SharedCause, pen: _Pen) -> Iterator[str]:
    """The commands against the best cause of these tunnels, and each warning once."""
    repairs: list[Repair] = [
        commands(next(c for c in tunnel.causes if c.kind is one.cause.kind), tunnel.case, card.target.region)
        for tunnel in one.best
    ]
    yield from _repairs(repairs, pen)


def _repairs(repairs: Sequence[Repair], pen: _Pen) -> Iterator[str]:
    """The commands of these repairs, each look and each warning once."""
    if not any(repair.change for repair in repairs):
        return
    warnings = dict.fromkeys(said for repair in repairs if repair.change for said in repair.warnings)
    yield from (f"    {pen('warn', 'Warning')}: {said}" for said in warnings)
    yield from (f"    Look first:  {line}" for line in dict.fromkeys(line for r in repairs for line in r.look))
    for repair in repairs:
        yield from (f"    {'Then' if repair.advised else 'Not now'}: {line}" for line in repair.change)
