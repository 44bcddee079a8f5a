"""`diagnose`: asks AWS once and prints why tunnels are down and what to do. Changes nothing."""

import json
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from aws_vpn_exporter.commands.ask_once import (
    ALL_WELL,
    NO_ANSWER,
    NOT_WELL,
    TIMEOUT,
    ask_once,
    connections_and_targets,
    refusals,
    saw_everything,
    unanswered,
)
from aws_vpn_exporter.diagnosis.case import TURN_ON
from aws_vpn_exporter.diagnosis.cause import Cause
from aws_vpn_exporter.diagnosis.commands import Repair, commands
from aws_vpn_exporter.summary import RUNBOOKS, ConnectionCard, Health, TargetRow, TunnelRow


def diagnose(
    config_file: Path | None, vpn_connection_id: str | None, output: str, watch: bool, timeout: float = TIMEOUT
) -> int:
    """Prints all connections, or the one that is named, as `output`: "text" or "json".

    With `watch`, prints them again after each change, until everything is well. Returns ALL_WELL, NOT_WELL, or
    NO_ANSWER where a target or an optional source does not answer within `timeout` seconds. Raises ConfigError or
    CannotStartError.
    """
    exporter = ask_once(config_file, timeout)
    printed = ""
    while True:
        cards, targets = connections_and_targets(exporter, vpn_connection_id)
        code = _exit_code(cards, targets)
        states = repr([(card.connection, card.verdict) for card in cards])
        if states != printed:
            print(_as_json(cards, targets) if output == "json" else _as_text(cards, targets), flush=True)
        if code == ALL_WELL or not watch:
            return code
        printed = states
        time.sleep(1)


def _exit_code(cards: Iterable[ConnectionCard], targets: Iterable[TargetRow]) -> int:
    if not saw_everything(targets):
        return NO_ANSWER
    return ALL_WELL if all(card.health >= Health.GOOD for card in cards) else NOT_WELL


def _as_text(cards: Sequence[ConnectionCard], targets: Sequence[TargetRow]) -> str:
    """For a person: the connections worst first, what is wrong with each, and what to do."""
    lines: list[str] = []
    for target in unanswered(targets):
        lines += [f"Could not look at {target.target}: {target.state}: {target.detail}", ""]
    for refusal in refusals(targets):
        lines += [refusal, ""]
    for target in targets:
        lines += [f"{target.target}: {name}: {detail}" for tone, name, detail in target.sources if tone == "bad"]
    for card in cards:
        lines += [*_connection(card), ""]
    if not cards and any(target.tone == "good" for target in targets):
        lines.append("No connections found.")
    return "\n".join(lines).rstrip() + "\n"


def _as_json(cards: Iterable[ConnectionCard], targets: Iterable[TargetRow]) -> str:
    """For a machine: the same, as one object."""
    return json.dumps(
        {
            "targets": [
                {
                    "account_id": row.target.account_id,
                    "region": row.target.region,
                    "answers": row.tone == "good",
                    "detail": row.detail,
                    "sources": {
                        name: {"answers": tone == "good", "detail": detail} for tone, name, detail in row.sources
                    },
                }
                for row in targets
            ],
            "connections": [_connection_as_json(card) for card in cards],
        },
        indent=2,
        ensure_ascii=False,
    )


def _connection(card: ConnectionCard) -> Iterable[str]:
    connection = card.connection
    named = f"{connection.name} ({connection.id})" if connection.name else connection.id
    count = f" ({card.up} of {card.expected} up)" if connection.in_service else ""
    yield f"{named} in {card.target}: {card.verdict}{count}"
    if not connection.in_service:
        return
    rows = [("tunnel", "state", "since", "routes", "AWS says")]
    rows += [
        (t.outside_ip, t.state, f"{t.since} ({t.age})" if t.since else "", t.routes, t.message) for t in card.tunnels
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    for tunnel in card.tunnels:
        for number, cause in enumerate(tunnel.causes, 1):
            yield from _cause(card, tunnel, cause, number)


def _cause(card: ConnectionCard, tunnel: TunnelRow, cause: Cause, number: int) -> Iterable[str]:
    repair = commands(cause.kind, tunnel.case, card.target.region)
    yield ""
    yield f"  {tunnel.outside_ip}, cause {number}: {_words(cause)}"
    yield from (f"    - {fact}" for fact in cause.evidence)
    yield f"    What to do: {cause.remedy}"
    yield f"    More: {RUNBOOKS}{cause.runbook}"
    yield from (f"    To know more: {TURN_ON[source]}" for source in cause.turn_on)
    if repair.change:
        yield from (f"    Warning: {warning}" for warning in repair.warnings)
        yield from (f"    Look first:  {line}" for line in repair.look)
        yield from (f"    {'Then' if repair.advised else 'Not now'}: {line}" for line in repair.change)


def _words(cause: Cause) -> str:
    return f"{cause.kind.replace('_', ' ')} ({cause.confidence})"


def _connection_as_json(card: ConnectionCard) -> dict[str, Any]:
    return {
        "account_id": card.target.account_id,
        "region": card.target.region,
        "vpn_connection_id": card.connection.id,
        "name": card.connection.name,
        "state": card.connection.state,
        "verdict": card.health.name.lower(),
        "tunnels_up": card.connection.tunnels_up,
        "tunnels_expected": card.expected,
        "tunnels": [
            {
                "tunnel_ip": tunnel.outside_ip,
                "state": tunnel.case.state,
                "message": tunnel.message,
                "since": tunnel.case.changed,
                "causes": [_cause_as_json(card, tunnel, cause) for cause in tunnel.causes],
            }
            for tunnel in card.tunnels
        ],
    }


def _cause_as_json(card: ConnectionCard, tunnel: TunnelRow, cause: Cause) -> dict[str, Any]:
    repair: Repair = commands(cause.kind, tunnel.case, card.target.region)
    return {
        "cause": cause.kind,
        "confidence": cause.confidence,
        "evidence": cause.evidence,
        "remedy": cause.remedy,
        "runbook": RUNBOOKS + cause.runbook,
        "turn_on_to_know_more": cause.turn_on,
        "repair": {
            "advised": repair.advised,
            "warnings": repair.warnings,
            "look": repair.look,
            "change": repair.change,
        },
    }
